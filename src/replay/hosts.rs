//! [`HostKey`]: what rules of a firewall match names against.

use std::fmt;

/// What a name is matched against, and a name itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostKey {
    /// A host in lower case, `*` at the left standing for one character or more.
    Host(String),
    /// An FQDN tag.
    Tag(String),
    /// A URL.
    Url(String),
    /// A set of hosts that Azure sorts by their content.
    Category(String),
}

impl HostKey {
    /// Whether a pattern matches a name: `*` at the left stands for one character or more.
    ///
    /// ```
    /// use tagwall::replay::HostKey;
    /// let host = |text: &str| HostKey::Host(text.to_owned());
    /// assert!(host("*.example.com").covers(&host("a.example.com")));
    /// assert!(!host("*.example.com").covers(&host(".example.com")));
    /// assert!(!host("*.example.com").covers(&host("example.com")));
    /// ```
    pub fn covers(&self, name: &HostKey) -> bool {
        match (self, name) {
            (HostKey::Host(pattern), HostKey::Host(name)) => match pattern.strip_prefix('*') {
                Some(ending) => name.len() > ending.len() && name.ends_with(ending),
                None => pattern == name,
            },
            (pattern, name) => pattern == name,
        }
    }

    /// A name that stands for all names which only this pattern, or a wider one, matches.
    pub fn example(&self) -> HostKey {
        match self {
            HostKey::Host(pattern) => {
                HostKey::Host(pattern.replacen('*', "a-name-that-nothing-else-names", 1))
            }
            other => other.clone(),
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostKey::Host(name) | HostKey::Url(name) => f.write_str(name),
            HostKey::Tag(tag) => write!(f, "FQDN tag {tag}"),
            HostKey::Category(name) => write!(f, "web category {name}"),
        }
    }
}
