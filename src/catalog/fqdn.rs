//! [`Fqdn`]: a host name, or every host below a name.

use std::fmt;
use std::sync::Arc;

/// A host name in lower case, or a wildcard `*.name` for every host below `name`, at any depth.
///
/// A wildcard never matches the bare name: `*.pytorch.org` is not `pytorch.org`.
///
/// ```
/// use tagwall::catalog::Fqdn;
/// let all = Fqdn::parse("*.PyTorch.org")?;
/// assert!(all.is_wildcard() && all.matches("download.pytorch.org"));
/// assert!(!all.matches("pytorch.org"));
/// let advice = Fqdn::parse("*pytorch.org").unwrap_err().to_string();
/// assert!(advice.contains("`pytorch.org` and `*.pytorch.org`"), "{advice}");
/// # Ok::<(), tagwall::catalog::FqdnError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fqdn(Arc<str>);

impl Fqdn {
    /// Reads a host name, with or without `*.` before it.
    ///
    /// # Errors
    /// [`FqdnError`] saying which rule for host names is broken.
    pub fn parse(text: &str) -> Result<Self, FqdnError> {
        let fail = |fault: Fault| Err(FqdnError { text: text.to_owned(), fault });
        let lower = text.to_ascii_lowercase();
        let host = lower.strip_prefix("*.").unwrap_or(&lower);
        if host.contains('*') {
            return fail(star_advice(host));
        }
        if lower.contains("://") || host.contains('/') {
            return fail(Fault::Path);
        }
        if host.len() > 253 {
            return fail(Fault::Long);
        }
        let labels: Vec<&str> = host.split('.').collect();
        if let Some(fault) = labels.iter().find_map(|label| label_fault(label)) {
            return fail(fault);
        }
        if labels.len() < 2 {
            return fail(Fault::Short);
        }
        if labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
            return fail(Fault::Number);
        }
        Ok(Fqdn(lower.into()))
    }

    /// The name in lower case, with its `*.` if it has one.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name stands for every host below it.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// Whether the host `name`, in any case, is meant.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        match self.0.strip_prefix('*') {
            Some(ending) => name.len() > ending.len() && name.ends_with(ending),
            None => *self.0 == *name,
        }
    }

    /// Whether every host that `other` means is also meant by `self`.
    pub fn covers(&self, other: &Fqdn) -> bool {
        // `*.a.b` means hosts that all end as `x.a.b` does, so the wildcard's own ending decides.
        self == other || (self.is_wildcard() && self.matches(&other.0))
    }
}

fn star_advice(host: &str) -> Fault {
    let rest = host.trim_start_matches('*');
    if !rest.is_empty() && !rest.contains('*') && !rest.starts_with('.') {
        return Fault::PartOfPart(rest.to_owned());
    }
    Fault::Star
}

fn label_fault(label: &str) -> Option<Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if label.is_empty() {
        return Some(Fault::EmptyPart);
    }
    if let Some(wrong) = label.chars().find(|&c| !allowed(c)) {
        return Some(Fault::Character(wrong));
    }
    let long = label.len() > 63;
    let dash = label.starts_with('-') || label.ends_with('-');
    (long || dash).then(|| {
        let label = label.to_owned();
        if long { Fault::LongPart(label) } else { Fault::Dash(label) }
    })
}

/// Which rule for host names is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error(
        "`*` stands only for whole parts at the left; write both `{0}` and `*.{0}`, since `*{0}` would \
         also admit foreign names that end in these letters"
    )]
    PartOfPart(String),
    #[error("at most one `*`, and only as the whole leftmost part: `*.example.org`")]
    Star,
    #[error("a host has no scheme and no path; for a path write `url:host/path`")]
    Path,
    #[error("a host name has at most 253 characters")]
    Long,
    #[error("a host name has no empty part, no leading and no trailing dot")]
    EmptyPart,
    #[error("`{0}` cannot stand in a host name: letters a-z, digits and `-` only")]
    Character(char),
    #[error("`{0}` has more than 63 characters")]
    LongPart(String),
    #[error("`{0}` begins or ends with `-`")]
    Dash(String),
    #[error("a host name has at least two parts, as in `example.org`")]
    Short,
    #[error("the last part of a host name is not a number; write addresses without `fqdn:`")]
    Number,
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no host name: {fault}")]
pub struct FqdnError {
    text: String,
    fault: Fault,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fqdn(text: &str) -> Fqdn {
        Fqdn::parse(text).unwrap()
    }

    #[test]
    fn wildcards_cover_what_lies_below() {
        let all = fqdn("*.core.windows.net");
        assert!(all.covers(&fqdn("a.blob.core.windows.net")));
        assert!(all.covers(&fqdn("*.blob.core.windows.net")));
        assert!(all.covers(&all));
        assert!(!all.covers(&fqdn("core.windows.net")));
        assert!(!fqdn("*.blob.core.windows.net").covers(&all));
        assert!(!fqdn("core.windows.net").covers(&all));
        assert!(!all.covers(&fqdn("evilcore.windows.net")));
    }

    #[test]
    fn what_is_no_host() {
        for text in [
            "",
            "*",
            "*.",
            "a",
            "*.*.org",
            "a.*.org",
            "x*.org",
            "-a.org",
            "a-.org",
            "a..org",
            "a.org.",
            ".a.org",
            "https://a.org",
            "a.org/x",
            "10.0.0.1",
            "a_b.org",
            "bücher.example",
            "a b.org",
        ] {
            assert!(Fqdn::parse(text).is_err(), "{text}");
        }
        assert!(Fqdn::parse(&format!("{}.org", "a".repeat(64))).is_err());
        assert!(Fqdn::parse(&"ab.".repeat(90)).is_err());
    }
}
