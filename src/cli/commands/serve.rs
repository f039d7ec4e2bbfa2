//! `tagwall serve`

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use tokio::signal;

use super::refresh;
use crate::cli::args::RefreshFromEnvironment;
use crate::cli::args::serve::{AccessLogForm, Serve};
use crate::cli::{Failure, output, select};
use crate::feed::Sources;
use crate::serve::{Limits, LogForm, Reload, Reloader, ServeError, Settings, TlsFiles, serve};
use crate::site::Site;

pub(in crate::cli) fn run(args: &Serve) -> Result<ExitCode, Failure> {
    let clouds = args.cloud.iter().map(|name| select::find_cloud(name)).collect::<Result<_, _>>()?;
    let store = select::store(&args.place)?;
    let site = args.site.as_ref().map(Site::new);
    let watch = watch(args)?;
    let sources = Sources { store, site, clouds, weeks: args.weeks.max(1) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io(format!("no threads to serve with: {error}")))?;
    let reload = Reload::default();
    let (reloader, teller) = (reload.reloader(), reload.reloader());
    let served = runtime.block_on(async move {
        let hangups = hangups(move || reloader.reload());
        let say = Arc::new(|text: &str| output::say(text));
        if let Some(watch) = watch {
            thread::spawn(move || refresh_on_schedule(*watch, &teller));
        }
        let done = serve(settings(args), sources, reload, say, stopped()).await;
        hangups.abort();
        done
    });
    // A refresh that is at work is as safe to leave as one that is killed.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| ExitCode::SUCCESS).map_err(Failure::from)
}

fn settings(args: &Serve) -> Settings {
    let (network, clients) = (&args.network, &args.clients);
    let tls = network.tls_certificate.clone().zip(network.tls_key.clone());
    Settings {
        listen: network.listen.clone(),
        tls: tls.map(|(certificate, key)| TlsFiles {
            certificate,
            key,
            client_ca: network.client_ca.clone(),
        }),
        plain_http: network.plain_http,
        access: network.access.clone(),
        limits: Limits {
            connections: clients.max_connections,
            connections_per_client: clients.max_client_connections,
            rate: clients.rate,
            head: Duration::from_secs(clients.head_timeout.max(1)),
            stall: Duration::from_secs(clients.stall_timeout.max(1)),
            ..Limits::default()
        },
        log: match args.access_log {
            AccessLogForm::Off => LogForm::Off,
            AccessLogForm::Text => LogForm::Text,
            AccessLogForm::Json => LogForm::Json,
        },
        poll: Duration::from_secs(args.poll.max(1)),
        drain: Duration::from_secs(clients.drain),
        limit_metrics: args.limit_metrics,
        resolve_hosts: args.resolve_hosts,
    }
}

/// The refresh that runs beside, if one is asked for.
fn watch(args: &Serve) -> Result<Option<Box<RefreshFromEnvironment>>, Failure> {
    let (Some(cron), Some(site)) = (&args.watch, &args.site) else { return Ok(None) };
    let mut words: Vec<OsString> =
        ["tagwall", "--format", "text", "--watch", cron, "--jitter"].map(OsString::from).into();
    words.push(args.jitter.to_string().into());
    words.extend(["--out".into(), site.into()]);
    if let Some(store) = &args.place.store {
        words.extend(["--store".into(), store.into()]);
    }
    words.push("--".into());
    words.extend(args.policies.iter().map(OsString::from));
    let parsed =
        RefreshFromEnvironment::try_parse_from(words).map_err(|error| Failure::Input(error.to_string()))?;
    refresh::check_schedule(cron)?;
    Ok(Some(Box::new(parsed)))
}

/// Refreshes until the process ends, and tells the server how each run ended. A run that fails is told of by itself; what cannot be begun at all is said.
fn refresh_on_schedule(settings: RefreshFromEnvironment, teller: &Reloader) {
    if let Err(failure) = refresh::run_telling(&settings.refresh, &|status| teller.tell(status)) {
        output::complain(&failure);
        output::say("warning: nothing is refreshed any more; what is published is still served");
    }
}

/// Comes true when the process is asked to stop.
async fn stopped() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = signal::ctrl_c().await;
}

/// Calls `reload` each time that the process is asked for it.
fn hangups(reload: impl Fn() + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        #[cfg(unix)]
        {
            use signal::unix::{SignalKind, signal};
            let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
            while hangup.recv().await.is_some() {
                reload();
            }
        }
        #[cfg(not(unix))]
        drop(reload);
    })
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        use crate::serve::ListenError;
        match &error {
            ServeError::Listen(ListenError::Io { .. }) => Failure::Io(error.to_string()),
            _ => Failure::Input(error.to_string()),
        }
    }
}
