//! An [`Answer`] in the words of HTTP: conditional requests, ranges, packing.

use std::time::SystemTime;

use axum::body::Body as HttpBody;
use axum::response::Response;
use bytes::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, RETRY_AFTER, VARY,
};
use hyper::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

use crate::feed::{Answer, Encoding, HTML};

/// The policy of pages: nothing from elsewhere, no script but our own file.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                           connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The answer to a request with these headers.
pub(super) fn respond(answer: &Answer, method: &Method, headers: &HeaderMap) -> Response {
    if answer.status != 200 {
        return plain(answer, method);
    }
    let whole = Whole::new(answer, headers);
    match whole.condition(headers) {
        Condition::NotModified => whole.finish(StatusCode::NOT_MODIFIED, None, method),
        Condition::Failed => whole.finish(StatusCode::PRECONDITION_FAILED, Some(Bytes::new()), method),
        Condition::Holds => match whole.range(headers) {
            Some(Ok((from, to))) => whole.part(from, to, method),
            Some(Err(())) => whole.unsatisfiable(method),
            None => {
                let bytes = answer.body.packed(whole.encoding);
                whole.finish(StatusCode::OK, Some(bytes), method)
            }
        },
    }
}

/// What is no good answer: said as it is, and kept by nobody.
fn plain(answer: &Answer, method: &Method) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = with_body(status, Some(answer.body.bytes().clone()), method);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    own_headers(answer, headers);
    response
}

/// A response with `Content-Length`, without its body to a HEAD request.
fn with_body(status: StatusCode, bytes: Option<Bytes>, method: &Method) -> Response {
    let length = bytes.as_ref().map(Bytes::len);
    let bytes = bytes.filter(|_| method != Method::HEAD);
    let mut response = Response::new(bytes.map_or_else(HttpBody::empty, HttpBody::from));
    *response.status_mut() = status;
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn own_headers(answer: &Answer, headers: &mut HeaderMap) {
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

enum Condition {
    Holds,
    NotModified,
    Failed,
}

/// A good answer in the form that a client gets.
struct Whole<'a> {
    answer: &'a Answer,
    encoding: Encoding,
    etag: String,
    modified: Option<String>,
}

impl<'a> Whole<'a> {
    fn new(answer: &'a Answer, headers: &HeaderMap) -> Self {
        // Parts are always parts of the bytes as they are.
        let packed = answer.body.is_worth_packing() && !headers.contains_key(RANGE);
        let encoding = if packed { asked_encoding(headers) } else { Encoding::Identity };
        let modified = answer.modified.and_then(http_date);
        Whole { answer, encoding, etag: answer.body.etag(encoding), modified }
    }

    /// The conditions of RFC 9110, section 13, in its order.
    ///
    /// A time has to be exactly ours, as nginx has it by default: a client that gives the time of its own request could have
    /// got older content, from another server or before a rollback, and would keep that for ever.
    fn condition(&self, headers: &HeaderMap) -> Condition {
        if headers.contains_key(IF_MATCH) {
            if !listed(headers, &IF_MATCH, |tag| tag == self.etag) {
                return Condition::Failed;
            }
        } else if headers.contains_key(IF_UNMODIFIED_SINCE)
            && !self.is_our_time(headers, &IF_UNMODIFIED_SINCE)
        {
            return Condition::Failed;
        }
        let same = if headers.contains_key(IF_NONE_MATCH) {
            listed(headers, &IF_NONE_MATCH, |tag| tag.trim_start_matches("W/") == self.etag)
        } else {
            self.is_our_time(headers, &IF_MODIFIED_SINCE)
        };
        if same { Condition::NotModified } else { Condition::Holds }
    }

    fn is_our_time(&self, headers: &HeaderMap, name: &HeaderName) -> bool {
        let parse = |text: &str| httpdate::parse_http_date(text).ok();
        let asked = headers.get(name).and_then(|value| value.to_str().ok()).and_then(parse);
        asked.is_some() && asked == self.modified.as_deref().and_then(parse)
    }

    /// The one range that is asked for: first and last byte, or that there is no such. Several at once are answered as a whole.
    fn range(&self, headers: &HeaderMap) -> Option<Result<(usize, usize), ()>> {
        let text = headers.get(RANGE)?.to_str().ok()?.trim().strip_prefix("bytes=")?;
        if let Some(only) = headers.get(IF_RANGE).map(|value| value.to_str().unwrap_or_default()) {
            let same = only == self.etag || self.modified.as_deref() == Some(only);
            same.then_some(())?;
        }
        let length = self.answer.body.bytes().len();
        let (from, to) = text.split_once('-').filter(|_| !text.contains(','))?;
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let last = length.checked_sub(1);
        let found = match (from.trim().is_empty(), number(from), number(to)) {
            (true, _, Some(0)) => None,
            (true, _, Some(tail)) => last.map(|last| (length.saturating_sub(tail), last)),
            (false, Some(from), to) => {
                if to.is_some_and(|to| to < from) || (to.is_none() && !text.trim().ends_with('-')) {
                    return None;
                }
                last.filter(|&last| from <= last).map(|last| (from, to.unwrap_or(last).min(last)))
            }
            _ => return None,
        };
        Some(found.ok_or(()))
    }

    fn part(&self, from: usize, to: usize, method: &Method) -> Response {
        let bytes = self.answer.body.bytes();
        let mut response = self.finish(StatusCode::PARTIAL_CONTENT, Some(bytes.slice(from..=to)), method);
        set(response.headers_mut(), CONTENT_RANGE, &format!("bytes {from}-{to}/{}", bytes.len()));
        response
    }

    fn unsatisfiable(&self, method: &Method) -> Response {
        let mut response = self.finish(StatusCode::RANGE_NOT_SATISFIABLE, Some(Bytes::new()), method);
        let length = self.answer.body.bytes().len();
        set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
        response
    }

    fn finish(&self, status: StatusCode, bytes: Option<Bytes>, method: &Method) -> Response {
        let mut response = with_body(status, bytes, method);
        let headers = response.headers_mut();
        set(headers, ETAG, &self.etag);
        if let Some(modified) = &self.modified {
            set(headers, LAST_MODIFIED, modified);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.answer.body.is_worth_packing() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if status != StatusCode::NOT_MODIFIED {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.answer.media));
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if self.encoding != Encoding::Identity {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(self.encoding.name()));
            }
        }
        if self.answer.media == HTML {
            set(headers, hyper::header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        }
        own_headers(self.answer, headers);
        response
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether one of the entity tags of a header is wanted; `*` is every tag.
fn listed(headers: &HeaderMap, name: &HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    // Ours hold no comma, so that nothing of theirs is taken for one of ours.
    values.flat_map(|text| text.split(',')).map(str::trim).any(|tag| tag == "*" || wanted(tag))
}

/// A time as HTTP writes it.
fn http_date(at: Timestamp) -> Option<String> {
    Some(httpdate::fmt_http_date(SystemTime::from(at)))
}

/// The packed form that a client asks for by name and likes best, or none.
fn asked_encoding(headers: &HeaderMap) -> Encoding {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut best = (Encoding::Identity, 0.0);
    let mut identity = None;
    for item in values.flat_map(|text| text.split(',')) {
        let (name, settings) = item.split_once(';').unwrap_or((item, ""));
        let quality =
            settings.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.trim().parse::<f32>().ok());
        let Some(quality) = quality.filter(|q| (0.0..=1.0).contains(q)) else { continue };
        let name = name.trim().to_ascii_lowercase();
        if name == "identity" {
            identity = Some(quality);
        }
        let place = |wanted: Encoding| Encoding::PACKED.iter().position(|&known| known == wanted);
        if let Some(found) = Encoding::PACKED.into_iter().find(|known| known.name() == name)
            && (quality > best.1 || (quality == best.1 && quality > 0.0 && place(found) < place(best.0)))
        {
            best = (found, quality);
        }
    }
    // Who likes the bytes as they are better gets them so.
    if identity.is_some_and(|identity| identity > best.1) { Encoding::Identity } else { best.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Body, TEXT};

    fn answer() -> Answer {
        let text = "192.0.2.0/24\n".repeat(100);
        Answer::good(TEXT, Body::new(text.into_bytes()))
            .modified(Timestamp::from_second(1_700_000_000).unwrap())
    }

    fn ask(pairs: &[(HeaderName, &str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        respond(&answer(), &Method::GET, &headers)
    }

    fn header(response: &Response, name: HeaderName) -> String {
        response.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn packing_is_only_done_for_who_asks_and_as_they_like_it() {
        for (asked, wanted) in [
            ("", ""),
            ("gzip", "gzip"),
            ("gzip, br, zstd", "zstd"),
            ("gzip;q=1.0, br;q=0.5", "gzip"),
            ("*", ""),
            ("gzip;q=0", ""),
            ("identity, gzip;q=0.5", ""),
            ("identity;q=0.1, GZIP;q=0.5", "gzip"),
            ("deflate", ""),
            ("gzip;q=nonsense", ""),
        ] {
            let response = ask(&[(ACCEPT_ENCODING, asked)]);
            assert_eq!(header(&response, CONTENT_ENCODING), wanted, "{asked}");
            assert_eq!(header(&response, VARY), "accept-encoding");
        }
    }

    #[test]
    fn conditions() {
        let etag = header(&ask(&[]), ETAG);
        let ours = header(&ask(&[]), LAST_MODIFIED);
        let other = "Tue, 14 Nov 2023 22:13:21 GMT";
        assert_eq!(ours, "Tue, 14 Nov 2023 22:13:20 GMT");
        let status = |pairs: &[(HeaderName, &str)]| ask(pairs).status().as_u16();
        for (wanted, pairs) in [
            (304, vec![(IF_NONE_MATCH, etag.as_str())]),
            (304, vec![(IF_NONE_MATCH, "\"x\", W/\"y\""), (IF_NONE_MATCH, etag.as_str())]),
            (304, vec![(IF_NONE_MATCH, "*")]),
            (200, vec![(IF_NONE_MATCH, "\"\"")]),
            (200, vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, ours.as_str())]),
            (304, vec![(IF_MODIFIED_SINCE, ours.as_str())]),
            (200, vec![(IF_MODIFIED_SINCE, other)]),
            (200, vec![(IF_MODIFIED_SINCE, "nonsense")]),
            // The tag of another form is another tag.
            (200, vec![(IF_NONE_MATCH, etag.as_str()), (ACCEPT_ENCODING, "gzip")]),
            (412, vec![(IF_MATCH, "\"x\"")]),
            (200, vec![(IF_MATCH, etag.as_str())]),
            (412, vec![(IF_UNMODIFIED_SINCE, other)]),
        ] {
            assert_eq!(status(&pairs), wanted, "{pairs:?}");
        }
    }

    #[test]
    fn ranges() {
        let length = 1300;
        let etag = header(&ask(&[]), ETAG);
        let range = |text: &str| {
            let response = ask(&[(RANGE, text), (ACCEPT_ENCODING, "gzip")]);
            (response.status().as_u16(), header(&response, CONTENT_RANGE), header(&response, CONTENT_LENGTH))
        };
        let part = |from: usize, to: usize| {
            (206, format!("bytes {from}-{to}/{length}"), (to - from + 1).to_string())
        };
        let whole = (200, String::new(), length.to_string());
        assert_eq!(range("bytes=0-99"), part(0, 99));
        assert_eq!(range("bytes=1200-"), part(1200, 1299));
        assert_eq!(range("bytes=-10"), part(1290, 1299));
        assert_eq!(range("bytes=-5000"), part(0, 1299));
        assert_eq!(range("bytes=0-5000"), part(0, 1299));
        for text in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1", "bytes=x-", "bytes=1-x", "bytes=-"] {
            assert_eq!(range(text), whole, "{text}");
        }
        assert_eq!(range("bytes=1300-").0, 416);
        assert_eq!(range("bytes=-0").0, 416);
        let if_range = |tag: &str| ask(&[(RANGE, "bytes=0-9"), (IF_RANGE, tag)]).status().as_u16();
        assert_eq!((if_range(&etag), if_range("\"other\"")), (206, 200));
    }

    #[test]
    fn the_length_is_always_said_and_refusals_are_not_kept() {
        let response = respond(&answer(), &Method::HEAD, &HeaderMap::new());
        assert_eq!(header(&response, CONTENT_LENGTH), "1300");
        let refused = respond(&Answer::unavailable("not now", 5), &Method::GET, &HeaderMap::new());
        assert_eq!((refused.status().as_u16(), header(&refused, RETRY_AFTER)), (503, "5".to_owned()));
        assert_eq!(header(&refused, CACHE_CONTROL), "no-store");
        assert!(!refused.headers().contains_key(ETAG));
    }
}
