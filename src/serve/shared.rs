//! [`Shared`]: what all requests share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Semaphore;

use super::access::Access;
use super::limits::Limiter;
use super::log::AccessLog;
use super::metrics::Metrics;
use super::settings::{Say, Settings};
use crate::feed::World;

/// What all requests share. The world is one value, swapped whole: a request takes it once and answers from that.
pub(super) struct Shared {
    world: RwLock<Option<Arc<World>>>,
    access: RwLock<Option<Arc<Access>>>,
    /// Why the newest data is not served, where it is not.
    trouble: Mutex<Option<String>>,
    pub(super) limiter: Limiter,
    pub(super) metrics: Metrics,
    pub(super) log: AccessLog,
    pub(super) limit_metrics: bool,
    pub(super) tls: bool,
    /// Whether hosts are resolved where that is asked for.
    pub(super) resolves: bool,
    /// Who may replay rules at a time.
    pub(super) asking: Semaphore,
    stopping: AtomicBool,
    say: Arc<Say>,
}

impl Shared {
    pub(super) fn new(settings: &Settings, access: Option<Access>, say: Arc<Say>) -> Self {
        Shared {
            world: RwLock::new(None),
            access: RwLock::new(access.map(Arc::new)),
            trouble: Mutex::new(None),
            limiter: Limiter::new(settings.limits),
            metrics: Metrics::default(),
            log: AccessLog::start(settings.log),
            limit_metrics: settings.limit_metrics,
            tls: settings.tls.is_some(),
            resolves: settings.resolve_hosts,
            asking: Semaphore::new(std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2))),
            stopping: AtomicBool::new(false),
            say,
        }
    }

    /// What is answered from now; `None` before the first data is read.
    pub(super) fn world(&self) -> Option<Arc<World>> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn swap_world(&self, world: World) {
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(world));
    }

    pub(super) fn access(&self) -> Option<Arc<Access>> {
        self.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn swap_access(&self, access: Access) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(access));
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why the newest data is not served, and says it if that is news.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != trouble {
            match &trouble {
                Some(text) => self.say(&format!("warning: {text}")),
                None => self.say("the newest data is served again"),
            }
            *known = trouble;
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn say(&self, text: &str) {
        (self.say)(text);
    }
}
