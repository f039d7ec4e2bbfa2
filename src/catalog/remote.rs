//! [`RemoteSpec`]: the far side of a need as it is written.

use std::fmt;

use super::fqdn::{Fqdn, FqdnError};
use crate::addr::{AddrSet, Address, Entry, EntryError, IntervalSet};
use crate::limits::LimitKey;
use crate::tags::Symbol;
use crate::text::{did_you_mean, nearest};

/// What stands on the far side of a need, as written; nothing is resolved.
///
/// | written | meaning |
/// |---|---|
/// | `Sql.westeurope`, `tag:Sql` | service tag; in a policy, `tag:` also names one that no published file holds |
/// | `Internet`, `VirtualNetwork`, … | tag that Azure resolves by itself |
/// | `203.0.113.0/24`, `203.0.113.7`, `203.0.113.1-203.0.113.9` | addresses |
/// | `fqdn:example.org`, `fqdn:*.pytorch.org` | one host, every host below a name |
/// | `fqdn-tag:WindowsUpdate` | FQDN tag of Azure Firewall |
/// | `url:host/path/*` | URL |
/// | `group:name` | a group that the policy defines |
/// | `asg:web` | the machines of an application security group |
/// | `*`, `any` | everything |
///
/// `Display` gives the canonical form, which reads back as the same remote.
///
/// ```
/// use tagwall::catalog::RemoteSpec;
/// for text in ["Sql.westeurope", "VirtualNetwork", "203.0.113.0/24", "fqdn:*.pytorch.org", "*"] {
///     assert_eq!(RemoteSpec::parse(text)?.to_string(), text);
/// }
/// assert_eq!(RemoteSpec::parse("203.0.113.0-203.0.113.255")?.to_string(), "203.0.113.0/24");
/// assert!(RemoteSpec::parse("download.pytorch.org").unwrap_err().to_string().contains("fqdn:"));
/// # Ok::<(), tagwall::catalog::RemoteError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemoteSpec {
    /// A service tag by name, in any case.
    Tag(String),
    /// A tag that no file holds and Azure resolves.
    Symbol(Symbol),
    /// Literal addresses.
    Addresses(AddrSet),
    /// A host, or every host below a name.
    Fqdn(Fqdn),
    /// A named list of hosts that Azure Firewall keeps.
    FqdnTag(String),
    /// Host and path, without scheme.
    Url(String),
    /// Everything.
    Any,
    /// A group of remotes of the policy.
    Group(String),
    /// An application security group by the name of its resource.
    Asg(String),
}

impl RemoteSpec {
    /// Reads one of the forms above.
    ///
    /// # Errors
    /// [`RemoteError`] with the form that was probably meant.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let text = text.trim();
        match text.split_once(':') {
            Some((kind, rest)) if KINDS.contains(&kind) => parse_kind(kind, rest.trim()),
            _ if text == "*" || text.eq_ignore_ascii_case("any") => Ok(RemoteSpec::Any),
            _ if looks_like_addresses(text) => parse_addresses(text),
            Some((kind, _)) => Err(RemoteError::Kind { kind: kind.to_owned() }),
            None => parse_bare(text),
        }
    }
}

const KINDS: [&str; 6] = ["tag", "fqdn", "fqdn-tag", "url", "group", "asg"];

/// Endings that no service tag has and that make a bare `a.b` a host beyond doubt.
const HOST_ENDINGS: [&str; 12] =
    ["com", "org", "net", "io", "ms", "cn", "us", "dev", "co", "edu", "gov", "eu"];

fn parse_kind(kind: &str, rest: &str) -> Result<RemoteSpec, RemoteError> {
    match kind {
        "tag" => Ok(Symbol::find(rest).map_or(RemoteSpec::Tag(tag_name(rest)?), RemoteSpec::Symbol)),
        "fqdn" => Ok(RemoteSpec::Fqdn(Fqdn::parse(rest)?)),
        "fqdn-tag" => Ok(RemoteSpec::FqdnTag(tag_name(rest)?)),
        "url" => parse_url(rest),
        "asg" => parse_asg(rest),
        _ => match rest.is_empty() || rest.contains(char::is_whitespace) {
            true => Err(RemoteError::Group { name: rest.to_owned() }),
            false => Ok(RemoteSpec::Group(rest.to_owned())),
        },
    }
}

/// Source of the letters: resource-name-rules.md, 2020-02-11.
fn parse_asg(name: &str) -> Result<RemoteSpec, RemoteError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let last = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    match first && last && name.len() <= LimitKey::NameCharacters.current() && name.chars().all(legal) {
        true => Ok(RemoteSpec::Asg(name.to_owned())),
        false => Err(RemoteError::Asg { name: name.to_owned() }),
    }
}

fn parse_bare(text: &str) -> Result<RemoteSpec, RemoteError> {
    if is_microsoft_365(text) && tag_name(text).is_ok() {
        return Err(RemoteError::Microsoft365 { text: text.to_owned() });
    }
    let dots = text.matches('.').count();
    let ending = text.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let host = text.starts_with('*') || dots > 1 || (dots == 1 && HOST_ENDINGS.contains(&ending.as_str()));
    if host && !text.contains('/') {
        return Err(RemoteError::Host { text: text.to_owned() });
    }
    if text.contains('/') {
        return Err(RemoteError::Path { text: text.to_owned() });
    }
    parse_kind("tag", text)
}

fn is_microsoft_365(text: &str) -> bool {
    let base = text.split('.').next().unwrap_or_default();
    text.contains('.') && ["Office365", "Microsoft365"].iter().any(|name| base.eq_ignore_ascii_case(name))
}

fn tag_name(text: &str) -> Result<String, RemoteError> {
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    // Microsoft 365 by product, category and need: `Office365.Exchange.Default.Required`.
    let parts = if is_microsoft_365(text) { 4 } else { 2 };
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.splitn(parts, '.').all(letters) {
        return Ok(text.to_owned());
    }
    Err(RemoteError::Tag { text: text.to_owned() })
}

fn parse_url(text: &str) -> Result<RemoteSpec, RemoteError> {
    let error = |reason: &'static str| RemoteError::Url { text: text.to_owned(), reason };
    if text.contains("://") {
        return Err(error("write it without scheme: url:host/path"));
    }
    let (host, path) =
        text.split_once('/').ok_or_else(|| error("a path is missing; for a host write `fqdn:`"))?;
    if path.is_empty() || path.contains(char::is_whitespace) {
        return Err(error("the path is empty or has blanks"));
    }
    Ok(RemoteSpec::Url(format!("{}/{path}", Fqdn::parse(host)?)))
}

/// No tag name begins with a digit or holds `:`; IPv6 addresses may begin with a letter but always hold one.
fn looks_like_addresses(text: &str) -> bool {
    let first = text.split(['/', '-', ',']).next().unwrap_or_default().trim();
    let v4 = first.contains('.') && first.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let v6 = first.contains(':') && first.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    v4 || v6 || u128::parse(first).is_some()
}

fn parse_addresses(text: &str) -> Result<RemoteSpec, RemoteError> {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for part in text.split(',').map(str::trim) {
        match Entry::parse(part, false) {
            Ok(Entry::V4(interval)) => v4.push(interval),
            Ok(Entry::V6(interval)) => v6.push(interval),
            Err(error) => return Err(RemoteError::Addresses { text: part.to_owned(), error }),
        }
    }
    let (v4, v6) = (IntervalSet::from_intervals(v4), IntervalSet::from_intervals(v6));
    Ok(RemoteSpec::Addresses(AddrSet { v4, v6 }))
}

/// Intervals with commas between, those that are prefixes as such; `first` says whether one stands before them.
fn write_intervals<A: Address>(set: &IntervalSet<A>, first: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, interval) in set.intervals().iter().enumerate() {
        if at > 0 || !first {
            f.write_str(",")?;
        }
        match interval.as_prefix() {
            Some(prefix) => write!(f, "{prefix}")?,
            None => write!(f, "{interval}")?,
        }
    }
    Ok(())
}

impl fmt::Display for RemoteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // More dots than a file has look like a host without it.
            RemoteSpec::Tag(name) if name.matches('.').count() > 1 || is_microsoft_365(name) => {
                write!(f, "tag:{name}")
            }
            RemoteSpec::Tag(name) => f.write_str(name),
            RemoteSpec::Symbol(symbol) => f.write_str(symbol.name()),
            RemoteSpec::Fqdn(name) => write!(f, "fqdn:{name}"),
            RemoteSpec::FqdnTag(name) => write!(f, "fqdn-tag:{name}"),
            RemoteSpec::Url(url) => write!(f, "url:{url}"),
            RemoteSpec::Group(name) => write!(f, "group:{name}"),
            RemoteSpec::Asg(name) => write!(f, "asg:{name}"),
            RemoteSpec::Any => f.write_str("*"),
            RemoteSpec::Addresses(set) => {
                write_intervals(&set.v4, true, f)?;
                write_intervals(&set.v6, set.v4.is_empty(), f)
            }
        }
    }
}

/// Why a text names no remote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// A word before `:` that is no kind of remote.
    #[error("`{kind}:` is no kind of remote{}; kinds are tag, fqdn, fqdn-tag, url, group, asg", did_you_mean(&nearest(.kind, KINDS)))]
    Kind {
        /// The word.
        kind: String,
    },
    /// A host name without `fqdn:`.
    #[error("`{text}` looks like a host name; write `fqdn:{text}`")]
    Host {
        /// The name.
        text: String,
    },
    /// Something with a path and without `url:`.
    #[error("`{text}` is neither a prefix nor a tag; a URL is written `url:host/path`")]
    Path {
        /// The text.
        text: String,
    },
    /// Microsoft 365, of which no published file says what it stands for.
    #[error(
        "`{text}` names Microsoft 365, which no published file holds: write `fqdn-tag:{text}` for its hosts in application rules of a firewall, or `tag:{text}` for its addresses in network rules of a firewall policy, unproven"
    )]
    Microsoft365 {
        /// The text.
        text: String,
    },
    /// No possible name of a tag.
    #[error(
        "`{text}` cannot be the name of a tag: letters and digits, and at most one dot before the ending"
    )]
    Tag {
        /// The name.
        text: String,
    },
    /// Not a group's name.
    #[error("`{name}` cannot be the name of a group")]
    Group {
        /// The name.
        name: String,
    },
    /// Not the name of an application security group.
    #[error(
        "`{name}` cannot be the name of an application security group: 1 to {} letters, digits, `-`, `_` or `.`",
        LimitKey::NameCharacters.current()
    )]
    Asg {
        /// The name.
        name: String,
    },
    /// Not a URL.
    #[error("`{text}` is no URL: {reason}")]
    Url {
        /// The text after `url:`.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// No address, prefix or range.
    #[error("{text}: {error}")]
    Addresses {
        /// The text.
        text: String,
        /// What is wrong.
        error: EntryError,
    },
    /// No host name.
    #[error(transparent)]
    Fqdn(#[from] FqdnError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_read_back() {
        for (text, canonical) in [
            ("tag:sql", "sql"),
            ("internet", "Internet"),
            ("tag:virtualnetwork", "VirtualNetwork"),
            ("ANY", "*"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.1 - 203.0.113.9", "203.0.113.1-203.0.113.9"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("fe80::1", "fe80::1/128"),
            ("203.0.113.9,203.0.113.1", "203.0.113.1/32,203.0.113.9/32"),
            ("fqdn:*.Example.ORG", "fqdn:*.example.org"),
            ("fqdn-tag:WindowsUpdate", "fqdn-tag:WindowsUpdate"),
            ("url:Example.org/A/*", "url:example.org/A/*"),
            ("group:labs", "group:labs"),
            ("asg:web-1", "asg:web-1"),
            ("AzureFrontDoor.Frontend", "AzureFrontDoor.Frontend"),
            ("fqdn-tag:Office365.Skype.Optimize", "fqdn-tag:Office365.Skype.Optimize"),
            ("fqdn-tag:Office365.Exchange.Default.Required", "fqdn-tag:Office365.Exchange.Default.Required"),
            ("tag:Office365.Skype.Optimize", "tag:Office365.Skype.Optimize"),
        ] {
            let remote = RemoteSpec::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(remote.to_string(), canonical);
            assert_eq!(RemoteSpec::parse(canonical).unwrap(), remote, "{canonical}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_prints_and_reads_back(
            kind in proptest::sample::select(vec!["", "tag:", "fqdn:", "fqdn-tag:", "url:", "group:"]),
            text in "[-a-fA-F0-9.:/*, ]{0,24}|[0-9]{1,3}(\\.[0-9]{1,3}){3}(-[0-9]{1,3}(\\.[0-9]{1,3}){3})?|\\PC{0,12}",
        ) {
            if let Ok(remote) = RemoteSpec::parse(&format!("{kind}{text}")) {
                let printed = remote.to_string();
                proptest::prop_assert_eq!(RemoteSpec::parse(&printed), Ok(remote), "{}", printed);
            }
        }
    }

    #[test]
    fn errors_say_what_was_meant() {
        for (text, part) in [
            ("10.0.0.1/24", "10.0.0.0/24"),
            ("example.org", "write `fqdn:example.org`"),
            ("*.example.org", "write `fqdn:*.example.org`"),
            ("a.blob.core.windows.net", "fqdn:"),
            ("host/path", "url:host/path"),
            ("fqnd:example.org", "did you mean fqdn"),
            ("url:https://a.org/x", "without scheme"),
            ("url:a.org", "a path is missing"),
            ("fqdn:*pytorch.org", "write both `pytorch.org` and `*.pytorch.org`"),
            ("", "name of a tag"),
            ("Sql West", "name of a tag"),
            ("tag:a.b.c", "name of a tag"),
            ("Office365.Skype.Optimize", "write `fqdn-tag:Office365.Skype.Optimize`"),
            ("group:", "name of a group"),
            ("asg:_a", "application security group"),
            ("203.0.113.9-203.0.113.1", "ends before it begins"),
        ] {
            let error = RemoteSpec::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
