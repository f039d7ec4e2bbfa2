//! What is shown of addresses and messages that may hold secrets: queries and user information never.
//!
//! An address as a user gives it may carry a password (`https://user:password@host/`) or a signature (`?sig=…`). What is
//! kept, printed, logged or sent on goes through [`address`]; text that others wrote, such as a server's message,
//! through [`text`].

/// Parameters whose value is a secret wherever they stand, also without an address around them.
const SECRET_NAMES: [&str; 14] = [
    "sig",
    "signature",
    "token",
    "access_token",
    "key",
    "apikey",
    "api_key",
    "code",
    "password",
    "pwd",
    "secret",
    "client_secret",
    "client_assertion",
    "sharedaccesssignature",
];

/// An address without user information, query and fragment. What is no address, such as a path, stays as it is.
///
/// ```
/// use tagwall::redact::address;
/// assert_eq!(address("https://me:pw@host.example/tags.json?sv=1&sig=abc#x"), "https://host.example/tags.json");
/// assert_eq!(address("week/ServiceTags_Public_20260622.json"), "week/ServiceTags_Public_20260622.json");
/// ```
pub fn address(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    // A password with a bare `/` in it: what stands before that is then no host with a port.
    let odd = host
        .split_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && !port.bytes().all(|b| b.is_ascii_digit()));
    let cut = match (host.rfind('@'), rest.rfind('@')) {
        (Some(at), _) => Some(at),
        (None, Some(at)) if odd && !host.starts_with('[') => Some(at),
        _ => None,
    };
    match cut {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => format!("{scheme}://{host}{path}"),
    }
}

/// Scheme, host and port of an address: where the path is a secret too, as in those of many webhooks.
///
/// ```
/// assert_eq!(tagwall::redact::origin("https://hooks.example/services/T0/B0/x?sig=1"), "https://hooks.example/…");
/// ```
pub fn origin(text: &str) -> String {
    let shown = address(text);
    let Some((scheme, rest)) = shown.split_once("://") else { return "…".to_owned() };
    match rest.split_once('/') {
        None | Some((_, "")) => shown.clone(),
        Some((host, _)) => format!("{scheme}://{host}/…"),
    }
}

/// A text with every address in it shown as by [`address`], and without the values of parameters that are secrets.
///
/// ```
/// let text = "PUT https://a.example/c/b?sv=1&sig=x%3D in 1s: sig=x%3D did not match";
/// assert_eq!(tagwall::redact::text(text), "PUT https://a.example/c/b in 1s: sig=… did not match");
/// ```
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let start = rest[..at].rfind(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c)));
        let start =
            start.map_or(0, |before| before + rest[before..].chars().next().map_or(0, char::len_utf8));
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>(){}|".contains(c);
        let end = rest[at..].find(ends).map_or(rest.len(), |length| at + length);
        out += &without_values(&rest[..start]);
        let whole = &rest[start..end];
        // The end of a sentence is no part of an address.
        let bare = whole.trim_end_matches([':', ',', ';', '.']);
        out += &address(bare);
        out += &whole[bare.len()..];
        rest = &rest[end..];
    }
    out + &without_values(rest)
}

/// A text without the values of [`SECRET_NAMES`].
fn without_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = rest[..at]
            .rfind(|c| !word(c))
            .map_or(&rest[..at], |i| rest[i..at].trim_start_matches(|c| !word(c)));
        out += &rest[..=at];
        rest = &rest[at + 1..];
        if SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            let end =
                rest.find(|c: char| c.is_whitespace() || "&\"'`<>,;)".contains(c)).unwrap_or(rest.len());
            if end > 0 {
                out.push('…');
            }
            rest = &rest[end..];
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_an_address_keeps_its_secret() {
        for form in [
            "https://SECRET@host.example/p",
            "https://user:SECRET@host.example/p",
            "https://user:SEC@RET@host.example/p",
            "https://user:SEC/RET@host.example/p",
            "https://user:@SECRET@host.example/p",
            "https://host.example/p?SECRET",
            "https://host.example/p?sv=2024&sig=SECRET%3D&se=x",
            "https://host.example/p#access_token=SECRET",
            "https://host.example?SECRET",
            "http://[::1]:80/p?SECRET",
            "HTTPS://u:SECRET@host.example",
            "az://container/prefix?sig=SECRET",
            "socks5h://u:SECRET@proxy.example:1080",
        ] {
            for shown in
                [address(form), text(form), text(&format!("error: {form}: SAS (see {form}).")), origin(form)]
            {
                let leaks = ["SECRET", "SEC@", "SEC/", "RET"].iter().any(|part| shown.contains(part));
                assert!(!leaks, "{form} is shown as {shown}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for plain in [
            "https://host.example:8443/a/b.json",
            "http://[2001:db8::1]:80/a",
            "https://host.example/@scope/package",
            "C:\\tags.json",
            "/srv/a?b.json",
            "line 3: expected `=` after a key, as in key = 1",
            "https://host.example/a: the server answered 503 Service Unavailable",
        ] {
            assert_eq!(text(plain), plain);
        }
        assert_eq!(text("–https://h/x?a, then „https://h/y?b“"), "–https://h/x, then „https://h/y");
    }

    #[test]
    fn values_of_secret_parameters_go_without_an_address_too() {
        assert_eq!(text("string to sign: sv=1&sig=a%2B&se=2"), "string to sign: sv=1&sig=…&se=2");
        assert_eq!(text("client_secret=abc, grant_type=x"), "client_secret=…, grant_type=x");
        assert_eq!(text("monkey=1"), "monkey=1");
    }
}
