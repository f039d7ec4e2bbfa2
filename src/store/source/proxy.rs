//! Proxies as the environment names them. The client below uses the same ones; here they are checked and named.

use std::fmt;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::redact;

/// Variables that name a proxy, each also in small letters. The client takes the first of a pair that is set.
const VARIABLES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Which proxy leads where.
#[derive(Clone)]
pub(super) struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    /// Those of the environment or the system, as the client takes them.
    pub(super) fn from_system() -> Self {
        Proxies(Some(Arc::new(Matcher::from_system())))
    }

    /// None at all.
    pub(super) fn none() -> Self {
        Proxies(None)
    }

    /// The proxy on the way to `url`, without user and password.
    pub(super) fn of(&self, url: &Url) -> Option<String> {
        let uri = url.as_str().parse().ok()?;
        let proxy = self.0.as_ref()?.intercept(&uri)?;
        Some(redact::address(proxy.uri().to_string().trim_end_matches('/')))
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

/// A variable that names no proxy. Its value is not shown: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is set, but is no address of a proxy: {why}; write it as http://HOST:PORT, or unset it")]
pub struct ProxyError {
    /// Name of the variable.
    pub variable: String,
    /// What is wrong.
    pub why: NoProxy,
}

/// What is wrong with the address of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProxy {
    /// White space or a control character.
    #[error("there is a blank in it")]
    Blank,
    /// It is no address.
    #[error(transparent)]
    Address(<Url as std::str::FromStr>::Err),
    /// A scheme that the client does not speak.
    #[error("{0} is no kind of proxy that can be used")]
    Scheme(String),
    /// There is more than a host and a port, or less.
    #[error("it has a path, or no host")]
    Path,
    /// The client would pass over it.
    #[error("the client does not understand it")]
    NotUnderstood,
}

/// Checks the variables that name proxies, as `value_of` gives them. The client passes over those that it does not
/// understand, and requests would go out past the proxy without a word.
///
/// # Errors
/// [`ProxyError`] for the first that is wrong.
///
/// ```
/// use tagwall::store::source::check_proxies;
/// let set = |value: &'static str| move |name: &str| (name == "HTTPS_PROXY").then(|| value.to_owned());
/// assert!(check_proxies(set("http://user:pw@proxy.example:3128")).is_ok());
/// let error = check_proxies(set("http://user:pw@proxy.example:port")).unwrap_err();
/// assert_eq!(error.variable, "HTTPS_PROXY");
/// assert!(!error.to_string().contains("pw"));
/// ```
pub fn check_proxies(value_of: impl Fn(&str) -> Option<String>) -> Result<(), ProxyError> {
    for name in VARIABLES {
        let set = [name.to_owned(), name.to_lowercase()].into_iter().find_map(|n| Some((value_of(&n)?, n)));
        if let Some((value, variable)) = set.filter(|(value, _)| !value.is_empty()) {
            check(&value).map_err(|why| ProxyError { variable, why })?;
        }
    }
    Ok(())
}

fn check(value: &str) -> Result<(), NoProxy> {
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(NoProxy::Blank);
    }
    // Without a scheme it is one that speaks HTTP, as for others who read these variables.
    let whole = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&whole).map_err(NoProxy::Address)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(NoProxy::Scheme(url.scheme().to_owned()));
    }
    // `http//host` reads as a host called http.
    if url.host_str().is_none_or(str::is_empty) || !matches!(url.path(), "" | "/") {
        return Err(NoProxy::Path);
    }
    let target = "http://host.invalid/".parse().expect("a constant address");
    let taken = Matcher::builder().all(value.to_owned()).build().intercept(&target);
    taken.map(|_| ()).ok_or(NoProxy::NotUnderstood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_that_the_client_would_pass_over_are_errors() {
        for good in [
            "http://proxy.example:3128",
            "http://proxy.example:3128/",
            "proxy.example:3128",
            "proxy.example",
            "https://proxy.example",
            "http://user:p%40w@proxy.example:3128",
            "http://[2001:db8::1]:3128",
            "192.0.2.7:3128",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "http//proxy.example:3128",
            "http://proxy.example:port",
            "http://proxy.example:99999",
            "http://:3128",
            "http://",
            "://proxy.example",
            "http://proxy .example:3128",
            "http://proxy.example:3128\n",
            "ftp://proxy.example:21",
            "socks5://proxy.example:1080",
            "http:/proxy.example:3128/x",
            "http://proxy.example/pac.js",
            "\"http://proxy.example:3128\"",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_small_name_is_checked_where_the_large_one_is_not_set() {
        let one = |name: &'static str| move |asked: &str| (asked == name).then(|| "://".to_owned());
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            assert_eq!(check_proxies(one(name)).unwrap_err().variable, name);
        }
        assert_eq!(check_proxies(one("NO_PROXY")), Ok(()));
        assert_eq!(check_proxies(|_| Some(String::new())), Ok(()));
    }
}
