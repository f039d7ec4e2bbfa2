//! What is done around every request: who asks and may they, in which words the answer goes out, and what is noted of it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING,
    USER_AGENT, WWW_AUTHENTICATE,
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::access::{Shown, Verdict};
use super::log::Line;
use super::respond::respond;
use super::shared::Shared;
use crate::feed::Answer;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peer {
    /// `None` at a socket of the file system.
    pub(super) address: Option<IpAddr>,
    /// SHA-256 of the certificate that it showed and that was found good.
    pub(super) certificate: Option<[u8; 32]>,
}

/// An answer that a handler gives; it goes out in the words of HTTP once all around it is known.
#[derive(Debug, Clone)]
pub(super) struct Said(pub(super) Answer);

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

/// The header that tells of trouble with the newest data.
const WARNING: HeaderName = HeaderName::from_static("tagwall-warning");

pub(super) async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let mut user = String::new();
    let answer = match refused(&shared, &request, peer, &mut user, start) {
        Some(answer) => Err(answer),
        None => Ok(next.run(request).await),
    };
    let mut response = match answer {
        Err(answer) => respond(&answer, &method, &headers),
        Ok(mut response) => match response.extensions_mut().remove::<Said>() {
            Some(Said(answer)) => respond(&answer, &method, &headers),
            // A method that is not answered; the router says which are.
            None => response,
        },
    };
    finish(&shared, &mut response);
    let took = start.elapsed();
    let status = response.status();
    shared.metrics.request(route.as_deref().unwrap_or("none"), status.as_u16(), took);
    if !shared.log.is_off() {
        let length = response.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        let agent =
            headers.get(USER_AGENT).map_or(Cow::Borrowed(""), |v| String::from_utf8_lossy(v.as_bytes()));
        shared.log.write(&Line {
            at: Timestamp::now(),
            client: peer.address.map_or_else(|| "local".to_owned(), |address| address.to_string()),
            user: &user,
            method: method.as_str(),
            target: uri.path_and_query().map_or("", |target| target.as_str()),
            status: status.as_u16(),
            bytes: length.unwrap_or(0),
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            agent: &agent,
        });
    }
    response
}

/// The answer to a request that no handler sees.
fn refused(
    shared: &Shared,
    request: &Request,
    peer: Peer,
    user: &mut String,
    now: Instant,
) -> Option<Answer> {
    if let Err(seconds) = shared.limiter.ask(peer.address, now) {
        let text = "too many requests; ask less often";
        return Some(Answer { status: 429, retry_after: Some(seconds), ..Answer::wrong(text) });
    }
    let Some(path) = plain_path(request.uri().path()) else {
        return Some(Answer::wrong(
            "the path is not written plainly: no //, no dots between slashes, no hidden characters",
        ));
    };
    if has_body(request) {
        return Some(Answer::too_large("requests have no body here").with("connection", "close"));
    }
    let access = shared.access()?;
    let certificate = peer.certificate;
    let shown = Shown { headers: request.headers(), certificate, path: &path, now: Timestamp::now() };
    match access.judge(&shown) {
        Verdict::Open => None,
        Verdict::User(name) => {
            *user = name;
            None
        }
        Verdict::Unknown => {
            let answer = Answer { status: 401, ..Answer::wrong("credentials are missing or wrong") };
            Some(answer.with("www-authenticate", "Basic realm=\"tagwall\", charset=\"UTF-8\""))
        }
        Verdict::Forbidden(name) => {
            let answer =
                Answer { status: 403, ..Answer::wrong(format_args!("{name} may not ask for {path}")) };
            *user = name;
            Some(answer)
        }
    }
}

/// The path decoded, if it says the same to everybody who reads it: what may be asked for is decided by it.
fn plain_path(path: &str) -> Option<Cow<'_, str>> {
    let hides = |part: &str| {
        let lower = part.to_ascii_lowercase();
        ["%2f", "%5c", "%25"].iter().any(|escape| lower.contains(escape))
    };
    if hides(path) {
        return None;
    }
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let odd = decoded.contains("//")
        || decoded.contains(|c: char| c == '\\' || crate::text::is_hidden(c))
        || decoded.split('/').any(|part| part == "." || part == "..");
    (!odd).then_some(decoded)
}

fn has_body(request: &Request) -> bool {
    let length = request.headers().get(CONTENT_LENGTH);
    request.headers().contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

/// Headers of every answer.
fn finish(shared: &Shared, response: &mut Response) {
    let warning = warning(shared);
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    if shared.tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Some(value) = warning.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(WARNING, value);
    }
    if shared.is_stopping() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    debug_assert!(response.status() != 401 || response.headers().contains_key(WWW_AUTHENTICATE));
}

/// What is wrong with the newest data, in ASCII and without what only concerns those who run the server.
fn warning(shared: &Shared) -> Option<String> {
    if shared.trouble().is_some() {
        return Some("the newest data cannot be read; this is what was served before".to_owned());
    }
    let world = shared.world()?;
    let status = world.status().filter(|status| !status.ok)?;
    Some(format!("the refresh of {} {}; this is the last good data", status.at, status.outcome()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_say_different_things_to_different_readers_are_refused() {
        for path in [
            "/v1/a%2fb",
            "/v1/a%2F..%2Fb",
            "/a//b",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/a",
            "/a%5Cb",
            "/a%00",
            "/a%ff",
            "/%252e",
        ] {
            assert_eq!(plain_path(path), None, "{path}");
        }
        for (path, wanted) in [
            ("/", "/"),
            ("/v1/feeds/public/Storage.v4.txt", "/v1/feeds/public/Storage.v4.txt"),
            ("/a%20b", "/a b"),
        ] {
            assert_eq!(plain_path(path).as_deref(), Some(wanted));
        }
    }
}
