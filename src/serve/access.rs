//! [`Access`]: who may ask for what.
//!
//! A client that is told 401 may stop to enforce what it has. So it is only said where credentials are wrong or missing: never
//! because a file cannot be read, since the credentials before it then stay; and old and new credentials are valid together for
//! as long as the file lists both.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::text::fits;

/// Who may ask for what.
#[derive(Debug)]
pub struct Access {
    open: Vec<String>,
    users: Vec<User>,
}

/// Why a file does not say who may ask for what.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct AccessError {
    file: String,
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    Form(#[from] toml::de::Error),
    #[error("the user {0} is there twice")]
    Twice(String),
    #[error("`{0}` is no name for a user: it is empty or holds a colon")]
    Name(String),
    #[error("{user}: `{text}` is no SHA-256 in hexadecimal")]
    Digest { user: String, text: String },
    #[error("{user}: until = {text} is no moment; write it with its zone, as 2026-12-31T00:00:00Z")]
    Until { user: String, text: String },
    #[error("`{0}` is no path: paths begin with /, and * stands for anything")]
    Path(String),
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    /// Paths that need no credentials.
    #[serde(default = "open_paths")]
    open: Vec<String>,
    #[serde(default)]
    user: Vec<UserForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct UserForm {
    name: String,
    #[serde(default)]
    passwords: Vec<SecretForm>,
    #[serde(default)]
    tokens: Vec<SecretForm>,
    /// SHA-256 of client certificates in DER.
    #[serde(default)]
    certificates: Vec<String>,
    paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SecretForm {
    sha256: String,
    until: Option<toml::value::Datetime>,
}

#[derive(Debug)]
struct User {
    name: String,
    passwords: Vec<Secret>,
    tokens: Vec<Secret>,
    certificates: Vec<[u8; 32]>,
    paths: Vec<String>,
}

#[derive(Debug)]
struct Secret {
    sha256: [u8; 32],
    until: Option<Timestamp>,
}

/// What a request shows of who sends it.
pub(super) struct Shown<'a> {
    pub(super) headers: &'a HeaderMap,
    /// SHA-256 of the client's certificate, which the listener has checked.
    pub(super) certificate: Option<[u8; 32]>,
    /// The decoded path that it asks for.
    pub(super) path: &'a str,
    pub(super) now: Timestamp,
}

/// Whether a request is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// To whoever asks.
    Open,
    /// To a user.
    User(String),
    /// 401: credentials are missing or wrong.
    Unknown,
    /// 403: it is known who asks, and they may not.
    Forbidden(String),
}

fn open_paths() -> Vec<String> {
    ["/livez", "/readyz"].map(str::to_owned).to_vec()
}

impl Access {
    /// Reads a file.
    ///
    /// # Errors
    /// [`AccessError`] with the line.
    pub fn read(file: &Path) -> Result<Self, AccessError> {
        let read = || Access::parse(&std::fs::read_to_string(file)?);
        read().map_err(|why| AccessError { file: file.display().to_string(), why })
    }

    fn parse(text: &str) -> Result<Self, Why> {
        let form: Form = toml::from_str(text)?;
        let mut users: Vec<User> = Vec::new();
        for user in form.user {
            if users.iter().any(|known| known.name == user.name) {
                return Err(Why::Twice(user.name));
            }
            users.push(User::new(user)?);
        }
        let patterns = form.open.iter().chain(users.iter().flat_map(|user| &user.paths));
        match patterns.into_iter().find(|pattern| !pattern.starts_with(['/', '*'])) {
            Some(odd) => Err(Why::Path(odd.clone())),
            None => Ok(Access { open: form.open, users }),
        }
    }

    /// Whether a request is answered.
    pub(super) fn judge(&self, shown: &Shown<'_>) -> Verdict {
        if self.open.iter().any(|pattern| fits(pattern, shown.path)) {
            return Verdict::Open;
        }
        match self.user(shown) {
            None => Verdict::Unknown,
            Some(user) if user.paths.iter().any(|pattern| fits(pattern, shown.path)) => {
                Verdict::User(user.name.clone())
            }
            Some(user) => Verdict::Forbidden(user.name.clone()),
        }
    }

    fn user(&self, shown: &Shown<'_>) -> Option<&User> {
        let Some(header) = shown.headers.get(AUTHORIZATION) else {
            let certificate = shown.certificate?;
            return self.users.iter().find(|user| user.certificates.contains(&certificate));
        };
        let (scheme, rest) = header.to_str().ok()?.trim().split_once(' ')?;
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = STANDARD.decode(rest.trim()).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            let (name, password) = text.split_once(':')?;
            let user = self.users.iter().find(|user| user.name == name)?;
            return holds(&user.passwords, password, shown.now).then_some(user);
        }
        scheme.eq_ignore_ascii_case("bearer").then_some(())?;
        self.users.iter().find(|user| holds(&user.tokens, rest.trim(), shown.now))
    }
}

impl User {
    fn new(form: UserForm) -> Result<Self, Why> {
        let UserForm { name, passwords, tokens, certificates, paths } = form;
        if name.is_empty() || name.contains(':') {
            return Err(Why::Name(name));
        }
        let wrong = |text: &str| Why::Digest { user: name.clone(), text: text.to_owned() };
        let digest = |text: &str| digest(text).ok_or_else(|| wrong(text));
        let secrets = |list: Vec<SecretForm>| -> Result<Vec<Secret>, Why> {
            let read = |secret: SecretForm| {
                let until = secret.until.map(|until| moment(&name, until)).transpose()?;
                Ok(Secret { sha256: digest(&secret.sha256)?, until })
            };
            list.into_iter().map(read).collect()
        };
        let user = User {
            passwords: secrets(passwords)?,
            tokens: secrets(tokens)?,
            certificates: certificates.iter().map(|text| digest(text)).collect::<Result<_, _>>()?,
            paths,
            name: name.clone(),
        };
        Ok(user)
    }
}

fn moment(user: &str, until: toml::value::Datetime) -> Result<Timestamp, Why> {
    let text = until.to_string();
    text.parse().map_err(|_| Why::Until { user: user.to_owned(), text })
}

/// 32 bytes in hexadecimal, with or without colons.
fn digest(text: &str) -> Option<[u8; 32]> {
    let hex: Vec<u8> = text.bytes().filter(|&b| b != b':').collect();
    let mut out = [0; 32];
    (hex.len() == 64).then_some(())?;
    for (byte, pair) in out.iter_mut().zip(hex.chunks(2)) {
        let digit = |b: u8| char::from(b).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(out)
}

/// Whether a secret is among those that are valid. Digests are compared, so that the time it takes says nothing of a secret.
fn holds(secrets: &[Secret], shown: &str, now: Timestamp) -> bool {
    let sha256: [u8; 32] = Sha256::digest(shown.as_bytes()).into();
    secrets.iter().any(|secret| secret.sha256 == sha256 && secret.until.is_none_or(|until| now < until))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::text::sha256_hex;

    fn access() -> Access {
        let old = sha256_hex(b"old");
        let new = sha256_hex(b"new");
        let cert = sha256_hex(b"certificate");
        Access::parse(&format!(
            "[[user]]\nname = 'panos'\npasswords = [{{ sha256 = '{old}', until = 2026-03-01T00:00:00Z }}, {{ sha256 = '{new}' }}]\n\
             tokens = [{{ sha256 = '{new}' }}]\ncertificates = ['{cert}']\npaths = ['/v1/edl/panos/*', '/v1/tags']\n"
        ))
        .unwrap()
    }

    fn judge(authorization: Option<&str>, path: &str, now: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(text) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        }
        access().judge(&Shown { headers: &headers, certificate: None, path, now: now.parse().unwrap() })
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    const EARLY: &str = "2026-02-28T23:59:59Z";
    const LATE: &str = "2026-03-01T00:00:00Z";

    #[test]
    fn old_and_new_are_valid_together_for_a_while() {
        let path = "/v1/edl/panos/public/Storage.v4.txt";
        let user = || Verdict::User("panos".to_owned());
        assert_eq!(judge(Some(&basic("panos:old")), path, EARLY), user());
        assert_eq!(judge(Some(&basic("panos:new")), path, EARLY), user());
        assert_eq!(judge(Some(&basic("panos:old")), path, LATE), Verdict::Unknown);
        assert_eq!(judge(Some(&basic("panos:new")), path, LATE), user());
        assert_eq!(judge(Some("bearer new"), path, LATE), user());
        for wrong in [
            "Bearer old",
            "Basic !",
            "Basic",
            "Digest x",
            &basic("panos"),
            &basic("other:new"),
            &basic("panos:"),
        ] {
            assert_eq!(judge(Some(wrong), path, EARLY), Verdict::Unknown, "{wrong}");
        }
        assert_eq!(judge(None, path, EARLY), Verdict::Unknown);
    }

    #[test]
    fn paths_are_open_allowed_or_forbidden() {
        assert_eq!(judge(None, "/livez", EARLY), Verdict::Open);
        let new = basic("panos:new");
        assert_eq!(
            judge(Some(&new), "/v1/feeds/public/Storage.v4.txt", EARLY),
            Verdict::Forbidden("panos".into())
        );
        assert_eq!(judge(Some(&new), "/v1/tags2", EARLY), Verdict::Forbidden("panos".into()));
        let headers = HeaderMap::new();
        let certificate = digest(&sha256_hex(b"certificate"));
        let shown = Shown { headers: &headers, certificate, path: "/v1/tags", now: EARLY.parse().unwrap() };
        assert_eq!(access().judge(&shown), Verdict::User("panos".into()));
    }

    #[test]
    fn wrong_files_are_told() {
        for (text, words) in [
            ("[[user]]\nname='a'\npaths=['x']", "no path"),
            ("[[user]]\nname='a:b'\npaths=[]", "colon"),
            ("[[user]]\nname='a'\npaths=[]\ntokens=[{sha256='00'}]", "no SHA-256"),
            ("[[user]]\nname='a'\npaths=[]\n[[user]]\nname='a'\npaths=[]", "twice"),
            ("[[user]]\nname='a'\npaths=[]\ntokens=[{sha256='00', until=2026-01-01}]", "no moment"),
            ("users = 1", "unknown field"),
        ] {
            let error = Access::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
