//! [`Http`]: GET with time limits, size cap, retries and redirects that stay where they may.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url, redirect};

use super::proxy::Proxies;
use crate::redact;

/// Told how many bytes have come, and how many there will be where that is known.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// How requests are made.
#[derive(Clone)]
pub struct HttpSettings {
    /// `User-Agent`; the download page refuses clients without one.
    pub user_agent: String,
    /// The longest that a connection may take.
    pub connect_timeout: Duration,
    /// The longest silence of a server.
    pub idle_timeout: Duration,
    /// The longest that one attempt may take.
    pub total_timeout: Duration,
    /// How often a request is tried again.
    pub retries: usize,
    /// Pause before the first retry; later ones wait twice as long each, up to a minute, with jitter.
    pub retry_pause: Duration,
    /// The most bytes of a body, after decompression.
    pub max_bytes: usize,
    /// Certificates of further authorities, as PEM.
    pub extra_ca: Option<Vec<u8>>,
    /// Hosts beside that of the first request to which redirects and links may lead; `.example.net` is every host
    /// below example.net.
    pub trusted: Vec<String>,
    /// Whether proxies that the environment names are used.
    pub use_proxy: bool,
    /// Told about the body as it comes.
    pub progress: Option<Progress>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            user_agent: concat!("Mozilla/5.0 (compatible; tagwall/", env!("CARGO_PKG_VERSION"), ")")
                .to_owned(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(300),
            retries: 4,
            retry_pause: Duration::from_secs(1),
            max_bytes: 64 << 20,
            extra_ca: None,
            trusted: Vec::new(),
            use_proxy: true,
            progress: None,
        }
    }
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

/// What makes an answer come only if it would be a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag` that came with the known body.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is neither.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// A body with its marks.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The address that answered in the end.
    pub url: Url,
    /// The marks of this body.
    pub validators: Validators,
    /// The body, unpacked. `None`: it is the known one.
    pub body: Option<Vec<u8>>,
}

/// Why a request brought nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{place}{what}")]
pub struct HttpError {
    /// The address with a colon and a blank, as it may be shown; empty where there is none.
    place: String,
    /// What happened.
    what: String,
    /// The status, where one came.
    pub status: Option<u16>,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// How long the server asked to wait.
    retry_after: Option<Duration>,
}

impl HttpError {
    fn fatal(what: impl Into<String>) -> Self {
        let what = redact::text(&what.into());
        HttpError { place: String::new(), what, status: None, retryable: false, retry_after: None }
    }

    fn at(self, url: &Url) -> Self {
        HttpError { place: format!("{}: ", redact::address(url.as_str())), ..self }
    }

    /// Whether the server says that there is no such thing.
    pub fn is_missing(&self) -> bool {
        matches!(self.status, Some(404 | 410))
    }
}

/// The longest `Retry-After` that is waited for; a server that asks for more gets no second request.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const MOST_REDIRECTS: usize = 5;

/// An HTTP client under [`HttpSettings`]. Proxies come from the environment, as everywhere.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    settings: HttpSettings,
    proxies: Proxies,
}

impl Http {
    /// A client. `start` is a host that may be asked and may redirect within itself.
    ///
    /// # Errors
    /// A message where a certificate or the TLS setup is wrong.
    pub fn new(settings: HttpSettings) -> Result<Self, HttpError> {
        // Fails only where a provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trusted = settings.trusted.clone();
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.idle_timeout)
            .timeout(settings.total_timeout)
            // It would tell the next host the whole address of this one, with what is secret in it.
            .referer(false)
            .redirect(redirect::Policy::custom(move |attempt| follow(attempt, &trusted)));
        if !settings.use_proxy {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &settings.extra_ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| HttpError::fatal(format!("the CA file is not understood: {}", chain(&e))))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder
            .build()
            .map_err(|e| HttpError::fatal(format!("the HTTPS client cannot be set up: {}", chain(&e))))?;
        let proxies = if settings.use_proxy { Proxies::from_system() } else { Proxies::none() };
        Ok(Http { client, settings, proxies })
    }

    /// Whether a link on a page of `from` may be followed to `to`.
    pub fn may_follow(&self, from: &Url, to: &Url) -> Result<(), Stray> {
        may_lead(from, to, &self.settings.trusted)
    }

    /// Gets `url`; with `known`, only if it has changed.
    ///
    /// # Errors
    /// [`HttpError`] after as many retries as the settings have, where they are worth it.
    pub async fn get(&self, url: &Url, known: &Validators, extra: &HeaderMap) -> Result<Reply, HttpError> {
        let mut headers = extra.clone();
        let pairs = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        for (name, value) in pairs {
            if let Some(value) = value.as_deref().and_then(|v| v.parse().ok()) {
                headers.insert(name, value);
            }
        }
        self.retrying(|| self.once(Method::GET, url, headers.clone(), None)).await
    }

    /// Posts a form. For tokens; retried like a GET, since asking twice for a token does no harm.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn post_form(&self, url: &Url, form: &[(&str, &str)]) -> Result<Reply, HttpError> {
        let body = form_text(form);
        let mut headers = HeaderMap::new();
        let kind = "application/x-www-form-urlencoded".parse().expect("a constant header");
        headers.insert(reqwest::header::CONTENT_TYPE, kind);
        self.retrying(|| self.once(Method::POST, url, headers.clone(), Some(body.clone()))).await
    }

    /// Posts `body` as it is. For webhooks, whose paths are often secrets: errors name the host only.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn post(&self, url: &Url, headers: &HeaderMap, body: &str) -> Result<Reply, HttpError> {
        let sent =
            self.retrying(|| self.once(Method::POST, url, headers.clone(), Some(body.to_owned()))).await;
        sent.map_err(|error| HttpError { place: format!("{}: ", redact::origin(url.as_str())), ..error })
    }

    /// Whether `url` is there. One attempt: a probe that fails is a probe that found nothing.
    ///
    /// # Errors
    /// [`HttpError`] for anything but a success.
    pub async fn head(&self, url: &Url) -> Result<(), HttpError> {
        let request = self.client.head(url.clone()).send();
        let response = request.await.map_err(|e| self.failed(url, &e, "asking for"))?;
        if response.status().is_success() { Ok(()) } else { Err(refused(&response)) }
    }

    async fn retrying<F>(&self, request: impl Fn() -> F) -> Result<Reply, HttpError>
    where
        F: Future<Output = Result<Reply, HttpError>>,
    {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.settings.retry_pause)
            .with_max_delay(Duration::from_secs(60))
            .with_max_times(self.settings.retries)
            .with_jitter();
        request
            .retry(pauses)
            .when(|error| error.retryable)
            .adjust(|error, pause| match error.retry_after {
                Some(asked) if asked > LONGEST_WAIT => None,
                Some(asked) => pause.map(|pause| pause.max(asked)),
                None => pause,
            })
            .await
    }

    async fn once(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Reply, HttpError> {
        let conditional = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE);
        let mut request = self.client.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|e| self.failed(url, &e, "asking for"))?;
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let validators = Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
        let url = response.url().clone();
        match response.status() {
            // Without a condition there is nothing known that could be the same: a broken cache says so.
            StatusCode::NOT_MODIFIED if conditional => Ok(Reply { url, validators, body: None }),
            status if status.is_success() => {
                Ok(Reply { url, validators, body: Some(self.read(response).await?) })
            }
            _ => Err(self.explained(response).await),
        }
    }

    /// A refusal with the reason that Azure writes into its body.
    async fn explained(&self, mut response: Response) -> HttpError {
        let mut error = refused(&response);
        if let Ok(Some(start)) = response.chunk().await
            && let Ok(body) = serde_json::from_slice::<serde_json::Value>(&start)
        {
            let inner = body.get("error").filter(|e| e.is_object()).unwrap_or(&body);
            let texts = ["code", "error", "message", "error_description"]
                .iter()
                .filter_map(|key| inner.get(key)?.as_str());
            let texts: Vec<&str> = texts.collect();
            if !texts.is_empty() {
                error.what += &redact::text(&format!(" ({})", texts.join(": ")));
            }
        }
        error
    }

    /// Reads the body as it comes, and stops where it gets too long: a small answer may unpack to gigabytes.
    async fn read(&self, mut response: Response) -> Result<Vec<u8>, HttpError> {
        let expected = response.content_length();
        let url = response.url().clone();
        // What says itself that it is too long is not waited for.
        if let Some(length) = expected.filter(|&length| length > self.settings.max_bytes as u64) {
            return Err(self.too_long(&url, &format!("is {length} bytes long, more than")));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failed(&url, &e, "reading"))? {
            if body.len() + chunk.len() > self.settings.max_bytes {
                return Err(self.too_long(&url, "is longer than"));
            }
            body.extend_from_slice(&chunk);
            if let Some(progress) = &self.settings.progress {
                progress(body.len() as u64, expected);
            }
        }
        Ok(body)
    }

    fn too_long(&self, url: &Url, how: &str) -> HttpError {
        let most = self.settings.max_bytes >> 20;
        HttpError::fatal(format!("the answer {how} {most} MiB; --max-mib raises the limit")).at(url)
    }

    fn failed(&self, url: &Url, error: &reqwest::Error, doing: &str) -> HttpError {
        // The outermost text only says that a request failed, and repeats the address.
        let text = std::error::Error::source(error).map_or_else(|| "no reason is given".to_owned(), chain);
        // After a redirect it is another server that cannot be reached.
        let url = error.url().unwrap_or(url);
        let what = match error {
            e if e.is_timeout() => format!("no answer in time, {doing} it{}", self.by_way_of(url)),
            e if e.is_connect() => format!("no connection{}: {text}", self.by_way_of(url)),
            e if e.is_redirect() => text.clone(),
            _ => format!("the connection broke while {doing} it{}: {text}", self.by_way_of(url)),
        };
        // A certificate that is wrong now is wrong in a second.
        let lasting = error.is_redirect() || error.is_builder() || text.contains("certificate");
        HttpError { retryable: !lasting, ..HttpError::fatal(what) }.at(url)
    }

    /// Which proxy the way to `url` leads through: a dead one is no fault of the server.
    fn by_way_of(&self, url: &Url) -> String {
        self.proxies.of(url).map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
    }
}

fn refused(response: &Response) -> HttpError {
    let status = response.status();
    let after =
        response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let unasked = match status {
        StatusCode::NOT_MODIFIED => ", although nothing was known that could be unchanged",
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ": the proxy wants a name and a password",
        _ => "",
    };
    let what = format!("the server answered {status}{unasked}");
    HttpError {
        status: Some(status.as_u16()),
        retryable: matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504),
        retry_after: after.map(Duration::from_secs),
        ..HttpError::fatal(what)
    }
    .at(response.url())
}

fn follow(attempt: redirect::Attempt<'_>, trusted: &[String]) -> redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(format!("more than {MOST_REDIRECTS} redirects"));
    }
    let Some(from) = attempt.previous().last() else { return attempt.follow() };
    match may_lead(from, attempt.url(), trusted) {
        Ok(()) => attempt.follow(),
        Err(why) => {
            let to = redact::address(attempt.url().as_str());
            let text = format!("the redirect to {to} is not followed: {why}");
            attempt.error(text)
        }
    }
}

/// Why a link or a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stray {
    /// It leads from HTTPS to something else.
    #[error("it leads away from HTTPS")]
    Plain,
    /// It leads to a host that nobody named.
    #[error("{host} is not a host that is trusted; --allow-host {host} adds it")]
    Untrusted {
        /// The host.
        host: String,
    },
}

/// Whether something at `from` may send us to `to`: the same host and port, or a trusted one, and never away from
/// HTTPS.
fn may_lead(from: &Url, to: &Url, trusted: &[String]) -> Result<(), Stray> {
    if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() != "https") {
        return Err(Stray::Plain);
    }
    let same = from.host_str() == to.host_str() && from.port_or_known_default() == to.port_or_known_default();
    let host = to.host_str().unwrap_or_default();
    let known = trusted.iter().any(|name| match name.strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => host == name,
    });
    if same || known { Ok(()) } else { Err(Stray::Untrusted { host: host.to_owned() }) }
}

/// An error with all that is behind it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// Pairs as a form's body.
fn form_text(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://form/").expect("a constant address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_on_trusted_hosts_and_https() {
        let url = |text: &str| Url::parse(text).unwrap();
        let trusted = [".microsoft.com".to_owned(), "mirror.example".to_owned()];
        let ok = |from: &str, to: &str| may_lead(&url(from), &url(to), &trusted).is_ok();
        assert!(ok("https://www.microsoft.com/a", "https://download.microsoft.com/b"));
        assert!(ok("http://127.0.0.1:81/a", "http://127.0.0.1:81/b"));
        assert!(ok("http://127.0.0.1:81/a", "https://mirror.example/b"));
        assert!(!ok("http://127.0.0.1:81/a", "http://127.0.0.1:82/b"));
        assert!(!ok("https://www.microsoft.com/a", "http://download.microsoft.com/b"));
        assert!(!ok("https://www.microsoft.com/a", "https://evilmicrosoft.com/b"));
        assert!(!ok("https://www.microsoft.com/a", "https://microsoft.com.evil.example/b"));
        assert!(!ok("http://www.microsoft.com/a", "ftp://www.microsoft.com/b"));
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(form_text(&[("a", "x y"), ("b", "&=")]), "a=x+y&b=%26%3D");
    }
}
