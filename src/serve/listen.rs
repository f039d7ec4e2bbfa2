//! Listeners and connections, with their limits.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::around::Peer;
use super::limits::Slot;
use super::place::Listen;
use super::settings::Settings;
use super::shared::Shared;
use super::tls;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The system refused.
    #[error("cannot listen on {place}: {error}")]
    Io {
        /// Where.
        place: String,
        /// What the system said.
        error: io::Error,
    },
    /// Credentials and lists would go over the network for everybody to read and change.
    #[error(
        "{0} can be reached from elsewhere, and there is no TLS: name --tls-certificate and --tls-key, listen on a loopback \
         address behind a proxy, or allow it with --plain-http"
    )]
    Plain(SocketAddr),
    /// Systemd has opened nothing for us.
    #[error("there is no socket from systemd: LISTEN_FDS is not set for this process")]
    NothingInherited,
    /// It does not exist here.
    #[error("{0}: there are no sockets in the file system of this platform")]
    NoUnix(String),
}

/// A listener that is open.
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, Option<PathBuf>),
}

impl Listener {
    /// Where it can be reached, for people.
    pub(super) fn address(&self) -> String {
        match self {
            Listener::Tcp(listener) => {
                listener.local_addr().map_or_else(|e| e.to_string(), |at| at.to_string())
            }
            #[cfg(unix)]
            Listener::Unix(_, path) => path
                .as_ref()
                .map_or("a socket of systemd".to_owned(), |path| format!("unix:{}", path.display())),
        }
    }
}

fn failed(place: impl fmt::Display) -> impl FnOnce(io::Error) -> ListenError {
    let place = place.to_string();
    move |error| ListenError::Io { place, error }
}

pub(super) fn bind(settings: &Settings, has_tls: bool) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    for place in &settings.listen {
        match place {
            Listen::Tcp(at) => listeners.push(tcp(*at, has_tls || settings.plain_http)?),
            Listen::Unix(path) => listeners.push(unix(path)?),
            Listen::Inherited => listeners.extend(inherited(has_tls || settings.plain_http)?),
        }
    }
    Ok(listeners)
}

fn tcp(at: SocketAddr, anywhere: bool) -> Result<Listener, ListenError> {
    let listener = StdTcpListener::bind(at).map_err(failed(at))?;
    ready(listener, anywhere)
}

fn ready(listener: StdTcpListener, anywhere: bool) -> Result<Listener, ListenError> {
    let at = listener.local_addr().map_err(failed("a socket"))?;
    if !anywhere && !at.ip().to_canonical().is_loopback() {
        return Err(ListenError::Plain(at));
    }
    listener.set_nonblocking(true).map_err(failed(at))?;
    TcpListener::from_std(listener).map(Listener::Tcp).map_err(failed(at))
}

#[cfg(unix)]
fn unix(path: &PathBuf) -> Result<Listener, ListenError> {
    use std::os::unix::net::UnixStream;
    let place = format!("unix:{}", path.display());
    // A socket on which nobody listens any more is one that a killed run left.
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| {
        use std::os::unix::fs::FileTypeExt;
        meta.file_type().is_socket()
    });
    if is_socket && UnixStream::connect(path).is_err() {
        std::fs::remove_file(path).map_err(failed(&place))?;
    }
    let listener = UnixListener::bind(path).map_err(failed(&place))?;
    Ok(Listener::Unix(listener, Some(path.clone())))
}

#[cfg(not(unix))]
fn unix(path: &PathBuf) -> Result<Listener, ListenError> {
    Err(ListenError::NoUnix(path.display().to_string()))
}

fn inherited(anywhere: bool) -> Result<Vec<Listener>, ListenError> {
    let mut sockets = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for place in 0..sockets.len() {
        if let Ok(Some(listener)) = sockets.take_tcp_listener(place) {
            listeners.push(ready(listener, anywhere)?);
            continue;
        }
        #[cfg(unix)]
        if let Ok(Some(listener)) = sockets.take_unix_listener(place) {
            listener.set_nonblocking(true).map_err(failed("a socket of systemd"))?;
            let listener = UnixListener::from_std(listener).map_err(failed("a socket of systemd"))?;
            listeners.push(Listener::Unix(listener, None));
        }
    }
    if listeners.is_empty() { Err(ListenError::NothingInherited) } else { Ok(listeners) }
}

/// What meets connections.
#[derive(Clone)]
struct Door {
    app: Router,
    shared: Arc<Shared>,
    tls: Option<Arc<tls::Current>>,
}

/// All that accepts.
pub(super) struct Accepting {
    loops: JoinSet<()>,
    stop: watch::Sender<bool>,
    running: Arc<GracefulShutdown>,
    shared: Arc<Shared>,
}

impl Accepting {
    pub(super) fn start(
        listeners: Vec<Listener>,
        app: Router,
        shared: Arc<Shared>,
        tls: Option<Arc<tls::Current>>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let running = Arc::new(GracefulShutdown::new());
        let door = Door { app, shared: shared.clone(), tls };
        let mut loops = JoinSet::new();
        for listener in listeners {
            loops.spawn(accept(listener, door.clone(), running.clone(), stopped.clone()));
        }
        Accepting { loops, stop, running, shared }
    }

    /// Accepts nothing more, and waits for running requests, but not for ever.
    pub(super) async fn drain(mut self, most: Duration) {
        self.shared.stop();
        let _ = self.stop.send(true);
        while self.loops.join_next().await.is_some() {}
        // The loops that shared it have ended.
        let Some(running) = Arc::into_inner(self.running) else { return };
        if tokio::time::timeout(most, running.shutdown()).await.is_err() {
            self.shared.say(&format!("{} connections were cut off", self.shared.limiter.connections()));
        }
    }
}

async fn accept(
    listener: Listener,
    door: Door,
    running: Arc<GracefulShutdown>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let met = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            met = one(&listener, &door, &running) => met,
        };
        if let Err(error) = met {
            door.shared.metrics.failed_accepts.fetch_add(1, Ordering::Relaxed);
            door.shared.say(&format!("warning: a connection could not be accepted: {error}"));
            // Mostly there are no more file descriptors, which takes a moment.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    #[cfg(unix)]
    if let Listener::Unix(_, Some(path)) = &listener {
        let _ = std::fs::remove_file(path);
    }
}

async fn one(listener: &Listener, door: &Door, running: &GracefulShutdown) -> io::Result<()> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, from) = listener.accept().await?;
            let address = from.ip().to_canonical();
            if let Some(slot) = slot(door, Some(address)) {
                let _ = stream.set_nodelay(true);
                let met = Met { door: door.clone(), slot, watcher: running.watcher() };
                tokio::spawn(meet(stream, address, met));
            }
        }
        #[cfg(unix)]
        Listener::Unix(listener, _) => {
            let (stream, _) = listener.accept().await?;
            if let Some(slot) = slot(door, None) {
                let met = Met { door: door.clone(), slot, watcher: running.watcher() };
                tokio::spawn(speak(stream, Peer::default(), met));
            }
        }
    }
    Ok(())
}

/// Room for a connection; where there is none it is closed at once, and counted.
fn slot(door: &Door, address: Option<IpAddr>) -> Option<Slot> {
    let slot = door.shared.limiter.connect(address);
    if slot.is_none() {
        door.shared.metrics.refused_connections.fetch_add(1, Ordering::Relaxed);
    }
    slot
}

/// What a connection has while it lives.
struct Met {
    door: Door,
    slot: Slot,
    watcher: Watcher,
}

async fn meet(stream: tokio::net::TcpStream, address: IpAddr, met: Met) {
    let peer = Peer { address: Some(address), certificate: None };
    let door = &met.door;
    let Some(tls) = &door.tls else {
        return speak(stream, peer, met).await;
    };
    let handshake = TlsAcceptor::from(tls.config()).accept(stream);
    match tokio::time::timeout(door.shared.limiter.limits.head, handshake).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let certificate = shown.map(|der| Sha256::digest(der).into());
            speak(stream, Peer { certificate, ..peer }, met).await;
        }
        Ok(Err(_)) | Err(_) => {
            door.shared.metrics.failed_handshakes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Answers the requests of a connection.
async fn speak<S>(stream: S, peer: Peer, met: Met)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let Met { door, slot, watcher } = met;
    let limits = door.shared.limiter.limits;
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stall));
    let app = door.app;
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        app.clone().call(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes.max(8 << 10))
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // How a connection ends is of no account: whoever did not get all knows by its length.
    let _ = watcher.watch(connection).await;
    drop(slot);
}
