//! From flags and environment to a source and a client.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Url;

use super::Failure;
use super::args::SourceArgs;
use super::output;
use crate::redact;
use crate::store::source::{self, ApiSettings, Credential, Http, HttpSettings, Progress, Source};
use crate::store::{AcquireError, Acquired, Status, Store, StoreError, Supply, Terms};
use crate::tags::Cloud;

const PAGES: &str = "https://www.microsoft.com";
const FILES: &str = "https://download.microsoft.com";
/// Where a virtual machine asks for its identity.
const METADATA: &str = "http://169.254.169.254";

/// What a command needs to get data.
pub(super) struct Online {
    pub(super) http: Http,
    args: SourceArgs,
    settings: HttpSettings,
    bar: ProgressBar,
}

impl Online {
    pub(super) fn new(args: &SourceArgs) -> Result<Self, Failure> {
        if !Path::new(&args.source).exists() {
            check_proxies()?;
        }
        Self::for_hooks(args)
    }

    /// Looks for new data of `cloud` for the store, without policies that use any of it.
    pub(super) fn fetch_into(&self, store: &Store, cloud: Cloud, terms: &Terms) -> Result<Acquired, Failure> {
        let source = self.source(cloud)?;
        let mut waiting = Waiting::new()?;
        let supply = Supply { store, source: &source };
        let mut look = || {
            let got = waiting.wait(supply.acquire(&self.http, cloud, terms, |_| BTreeSet::new()));
            self.quiet();
            Ok::<Acquired, Failure>(got??)
        };
        let got = look()?;
        if got.status == Status::NotModified
            && let Err(error @ StoreError::Damaged { .. }) = store.load(&got.entry)
        {
            // What nobody can read is not known: then the source is asked for the whole again.
            output::say(&format!("warning: {error}; this is done now"));
            let _ = fs::remove_file(store.data_path(&got.entry));
            return look();
        }
        Ok(got)
    }

    /// A client that only posts; whoever gives an address for that has checked the proxies.
    pub(super) fn for_hooks(args: &SourceArgs) -> Result<Self, Failure> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let settings = settings(args, &bar)?;
        let http = Http::new(settings.clone()).map_err(|e| Failure::Input(e.to_string()))?;
        Ok(Online { http, args: args.clone(), settings, bar })
    }

    /// The source of `cloud` that the flags name.
    pub(super) fn source(&self, cloud: Cloud) -> Result<Source, Failure> {
        match self.args.source.as_str() {
            "microsoft" => {
                let pages = url(self.args.pages_url.as_deref().unwrap_or(PAGES))?;
                let files = match (&self.args.files_url, &self.args.pages_url) {
                    (Some(files), _) => url(files)?,
                    (None, Some(_)) => pages.clone(),
                    (None, None) => url(FILES)?,
                };
                Ok(Source::Microsoft { pages, files })
            }
            "api" => Ok(Source::Api(Box::new(self.api(cloud)?))),
            text if text.starts_with("http://") || text.starts_with("https://") => {
                Ok(Source::Mirror(text.to_owned()))
            }
            path => Ok(Source::Path(path.into())),
        }
    }

    fn api(&self, cloud: Cloud) -> Result<ApiSettings, Failure> {
        let subscription = self.args.subscription.clone().ok_or_else(|| {
            Failure::Input(
                "the Discovery API is asked in the name of a subscription: give --subscription".to_owned(),
            )
        })?;
        let location = self.args.location.clone();
        let direct = HttpSettings { use_proxy: false, progress: None, ..self.settings.clone() };
        let credential = credential(&self.args, cloud)?;
        let token_http = match credential {
            Credential::Managed { .. } => Http::new(direct).map_err(|e| Failure::Input(e.to_string()))?,
            _ => self.http.clone(),
        };
        Ok(ApiSettings {
            endpoint: url(self.args.api_url.as_deref().unwrap_or(ApiSettings::endpoint_of(cloud)))?,
            subscription,
            location: location.unwrap_or_else(|| ApiSettings::location_of(cloud).to_owned()),
            credential,
            token_http,
        })
    }

    /// Takes the progress bar away, so that messages stand alone.
    pub(super) fn quiet(&self) {
        self.bar.finish_and_clear();
    }
}

/// Runs what waits: for the network, a clock or another program. A signal to stop ends the waiting, and is kept in
/// mind while nothing waits, so that what is short and under way is finished.
pub(super) struct Waiting {
    runtime: tokio::runtime::Runtime,
    stop: Stop,
}

/// Somebody wants the program to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopped;

impl From<Stopped> for Failure {
    fn from(_: Stopped) -> Self {
        Failure::Io("stopped by a signal; nothing was changed".to_owned())
    }
}

impl Waiting {
    pub(super) fn new() -> Result<Self, Failure> {
        let failed = |error| Failure::Io(format!("the network cannot be set up: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let stop = runtime.block_on(async { Stop::new() }).map_err(failed)?;
        Ok(Waiting { runtime, stop })
    }

    /// Waits for `future`, or for a signal.
    pub(super) fn wait<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Stopped> {
        let stop = &mut self.stop;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop.asked() => Err(Stopped),
                done = future => Ok(done),
            }
        })
    }
}

#[cfg(unix)]
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Stop)
    }

    async fn asked(&mut self) {
        // Without a handler the system ends the program by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Refuses to go to the network with a proxy in the environment that cannot be one: requests would go past it.
pub(super) fn check_proxies() -> Result<(), Failure> {
    source::check_proxies(|name| env::var(name).ok()).map_err(|error| Failure::Input(error.to_string()))
}

fn settings(args: &SourceArgs, bar: &ProgressBar) -> Result<HttpSettings, Failure> {
    let read = |path: &std::path::PathBuf| {
        fs::read(path).map_err(|error| Failure::Io(format!("{}: {error}", path.display())))
    };
    let mut trusted = args.allow_host.clone();
    if args.pages_url.is_none() && args.source == "microsoft" {
        trusted.push(".microsoft.com".to_owned());
    }
    let default = HttpSettings::default();
    Ok(HttpSettings {
        user_agent: args.user_agent.clone().unwrap_or_else(|| default.user_agent.clone()),
        idle_timeout: Duration::from_secs(args.idle_timeout),
        total_timeout: Duration::from_secs(args.timeout),
        connect_timeout: default.connect_timeout.min(Duration::from_secs(args.timeout)),
        retries: args.retries,
        retry_pause: Duration::from_millis(args.retry_pause_ms),
        max_bytes: args.max_mib.saturating_mul(1 << 20),
        extra_ca: args.ca_file.as_ref().map(read).transpose()?,
        trusted,
        progress: Some(progress(bar)),
        ..default
    })
}

/// A bar on a terminal, nothing elsewhere. How long a compressed answer will be is not known before its end: then what
/// has come is counted.
fn progress(bar: &ProgressBar) -> Progress {
    let style =
        |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let (known, unknown) = (
        style("{bar:30} {bytes} of {total_bytes} {bytes_per_sec}"),
        style("{spinner} {bytes} {bytes_per_sec}"),
    );
    let bar = bar.clone();
    bar.set_style(unknown.clone());
    Arc::new(move |done, total| {
        // Less than before is another answer, with a style and speed of its own.
        if done < bar.position() || bar.length() != total {
            bar.reset();
            match total {
                Some(total) => bar.set_length(total),
                None => bar.unset_length(),
            }
            bar.set_style(if total.is_some() { known.clone() } else { unknown.clone() });
        }
        bar.set_position(done);
    })
}

/// The first credential that is there: a token, a file with one, workload identity, a secret, and last the
/// machine's own identity.
fn credential(args: &SourceArgs, cloud: Cloud) -> Result<Credential, Failure> {
    let var = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
    if let Some(token) = var("TAGWALL_TOKEN") {
        return Ok(Credential::Token(token));
    }
    if let Some(path) = &args.token_file {
        return Ok(Credential::File(path.clone()));
    }
    let authority =
        var("AZURE_AUTHORITY_HOST").unwrap_or_else(|| ApiSettings::authority_of(cloud).to_owned());
    if let (Some(tenant), Some(client)) = (var("AZURE_TENANT_ID"), var("AZURE_CLIENT_ID")) {
        if let Some(file) = var("AZURE_FEDERATED_TOKEN_FILE") {
            return Ok(Credential::Federated {
                authority: url(&authority)?,
                tenant,
                client,
                file: file.into(),
            });
        }
        if let Some(secret) = var("AZURE_CLIENT_SECRET") {
            return Ok(Credential::Secret { authority: url(&authority)?, tenant, client, secret });
        }
    }
    let client = var("AZURE_CLIENT_ID");
    if let (Some(endpoint), Some(header)) = (var("IDENTITY_ENDPOINT"), var("IDENTITY_HEADER")) {
        return Ok(Credential::Managed { endpoint: url(&endpoint)?, header: Some(header), client });
    }
    let host = var("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| METADATA.to_owned());
    let path = "/metadata/identity/oauth2/token";
    let endpoint =
        url(&host)?.join(path).map_err(|e| Failure::Input(format!("{}: {e}", redact::address(&host))))?;
    Ok(Credential::Managed { endpoint, header: None, client })
}

pub(super) fn url(text: &str) -> Result<Url, Failure> {
    Url::parse(text)
        .map_err(|error| Failure::Input(format!("{} is no address: {error}", redact::address(text))))
}

impl From<AcquireError> for Failure {
    fn from(error: AcquireError) -> Self {
        match error {
            AcquireError::Refused(refused) => Failure::Refused(refused.to_string()),
            other => Failure::Io(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_one_answer_is_not_taken_for_that_of_the_next() {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let tell = progress(&bar);
        tell(1_000, Some(2_000));
        assert_eq!((bar.position(), bar.length()), (1_000, Some(2_000)));
        tell(2_000, Some(2_000));
        tell(64, None);
        assert_eq!((bar.position(), bar.length()), (64, None));
        tell(9_000, None);
        assert_eq!((bar.position(), bar.length()), (9_000, None));
        tell(5, Some(10));
        assert_eq!((bar.position(), bar.length()), (5, Some(10)));
    }
}
