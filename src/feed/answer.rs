//! [`Answer`]: what is said to a request, before HTTP is put around it.

use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::body::Body;
use crate::addr::IpPrefix;
use crate::target::MediaType;

/// What is said to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// `Content-Type`.
    pub media: &'static str,
    /// The bytes.
    pub body: Arc<Body>,
    /// When this content was first published, where that is known.
    pub modified: Option<Timestamp>,
    /// Seconds after which to ask again, where that may help.
    pub retry_after: Option<u32>,
    /// Further headers, by their names in lower case.
    pub headers: Vec<(&'static str, String)>,
}

/// Plain text.
pub const TEXT: &str = MediaType::Text.header();
/// JSON.
pub const JSON: &str = MediaType::Json.header();
/// A page.
pub const HTML: &str = MediaType::Html.header();
/// An Atom feed.
pub const ATOM: &str = "application/atom+xml; charset=utf-8";

/// How many addresses are in a list.
pub const ENTRIES: &str = "tagwall-entries";
/// The data or generation that an answer is from.
pub const GENERATION: &str = "tagwall-generation";
/// How many parts a list has for a consumer.
pub const PARTS: &str = "tagwall-parts";

/// A prefix in JSON: as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cidr(pub(super) IpPrefix);

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Answer {
    /// An answer of status 200.
    pub fn good(media: &'static str, body: impl Into<Arc<Body>>) -> Self {
        Answer {
            status: 200,
            media,
            body: body.into(),
            modified: None,
            retry_after: None,
            headers: Vec::new(),
        }
    }

    /// JSON of `data`, for people too: with line breaks.
    pub fn json<T: Serialize>(data: &T) -> Self {
        let mut bytes = serde_json::to_vec_pretty(data).expect("texts and numbers always serialise");
        bytes.push(b'\n');
        Answer::good(JSON, Body::new(bytes))
    }

    /// The same with a day of its own.
    pub fn modified(self, at: Timestamp) -> Self {
        Answer { modified: Some(at), ..self }
    }

    /// The same with a further header.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn refusal(status: u16, text: impl Display) -> Self {
        let body = Arc::new(Body::new(format!("{text}\n").into_bytes()));
        Answer { status, ..Answer::good(TEXT, body) }
    }

    /// 400: the request is wrong.
    pub fn wrong(text: impl Display) -> Self {
        Self::refusal(400, text)
    }

    /// 404: there is no such thing.
    pub fn unknown(text: impl Display) -> Self {
        Self::refusal(404, text)
    }

    /// 410: it was there, and will not come again.
    pub fn gone(text: impl Display) -> Self {
        Self::refusal(410, text)
    }

    /// 413: more than the client takes; nothing is ever cut off.
    pub fn too_large(text: impl Display) -> Self {
        Self::refusal(413, text)
    }

    /// 503: not now. A client keeps what it has.
    pub fn unavailable(text: impl Display, retry_after: u32) -> Self {
        Answer { retry_after: Some(retry_after), ..Self::refusal(503, text) }
    }
}
