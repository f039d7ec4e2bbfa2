//! [`Answer`]: what a source gave.

use jiff::civil::Date;

use super::http::Validators;

/// What a source gave.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The known data is still the newest.
    Unchanged,
    /// Data, not yet looked into.
    Body(Body),
}

/// Bytes under the name of a service-tags file.
#[derive(Debug, Clone)]
pub struct Body {
    /// The bytes, perhaps compressed.
    pub bytes: Vec<u8>,
    /// Where they came from, without what may be a secret: [`redact::address`](crate::redact::address).
    pub from: String,
    /// Their date of publication.
    pub date: Option<Date>,
    /// Their marks at the server.
    pub validators: Validators,
}
