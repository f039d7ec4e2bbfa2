//! HTTP around a [`World`](crate::feed::World): listeners, TLS, who may ask for what, conditional requests, limits, metrics and
//! the log of requests.
//!
//! ```text
//! follow  looks for new data, makes a World of it, swaps it in
//! listen  accepts, up to the limits; tls; hands over to
//! routes  one handler a path, each a call of World
//! around  who asks, may they, how long did it take, and what is said in the words of HTTP (respond)
//! ```
//!
//! Only HTTP/1.1 is spoken: that is what those who fetch lists speak, and it has fewer ways to be held up.

mod access;
mod around;
mod follow;
mod health;
mod limits;
mod listen;
mod log;
mod metrics;
mod place;
mod process;
mod respond;
mod routes;
mod settings;
mod shared;
mod tls;

use std::future::Future;
use std::sync::Arc;

pub use access::{Access, AccessError};
pub use follow::{Reload, Reloader};
pub use limits::Limits;
pub use listen::ListenError;
pub use log::LogForm;
pub use place::{Listen, NoPlace};
pub use settings::{Say, Settings};
pub use tls::{TlsError, TlsFiles};

use crate::feed::Sources;
use shared::Shared;

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A listener cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The file that says who may ask for what is wrong.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Certificate or key are wrong.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Serves until `stop` comes true, then lets running requests end. `reload` asks for a look at data, certificates and
/// credentials at once.
///
/// # Errors
/// [`ServeError`], before anything is listened on.
pub async fn serve(
    settings: Settings,
    sources: Sources,
    reload: Reload,
    say: Arc<Say>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let access = settings.access.as_deref().map(Access::read).transpose()?;
    let tls = settings.tls.as_ref().map(|files| tls::Current::new(files, access.is_some())).transpose()?;
    let listeners = listen::bind(&settings, tls.is_some())?;
    for listener in &listeners {
        say(&format!("listening on {}", listener.address()));
    }
    let shared = Arc::new(Shared::new(&settings, access, say));
    let app = routes::router(shared.clone());
    let follower = follow::start(&settings, sources, shared.clone(), tls.clone(), reload);
    let accepting = listen::Accepting::start(listeners, app, shared.clone(), tls);
    stop.await;
    health::stopping();
    shared.say("stopping: running requests may end");
    follower.stop();
    accepting.drain(settings.drain).await;
    Ok(())
}
