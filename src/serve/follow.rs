//! Looks for new data, credentials and certificates, and puts them in place once they are read whole.
//!
//! It looks at a few names again and again: that works on every file system, and a link that was replaced is seen however it was
//! done. What cannot be read changes nothing; what was served before still is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::access::Access;
use super::health;
use super::settings::Settings;
use super::shared::Shared;
use super::tls;
use crate::feed::{Mark, RunStatus, Sources, World};

/// Asks for a look at once.
#[derive(Debug)]
pub struct Reload {
    asks: Sender<Ask>,
    asked: Receiver<Ask>,
}

/// Asks for a look at once, from anywhere.
#[derive(Debug, Clone)]
pub struct Reloader(Sender<Ask>);

#[derive(Debug)]
enum Ask {
    Look,
    Told(RunStatus),
    Stop,
}

impl Default for Reload {
    fn default() -> Self {
        let (asks, asked) = channel();
        Reload { asks, asked }
    }
}

impl Reload {
    /// What asks.
    pub fn reloader(&self) -> Reloader {
        Reloader(self.asks.clone())
    }
}

impl Reloader {
    /// Tells how a refresh in this process ended: where its disk is full, the published folder cannot.
    pub fn tell(&self, status: RunStatus) {
        let _ = self.0.send(Ask::Told(status));
    }

    /// Asks for a look at once.
    pub fn reload(&self) {
        // Nobody looks any more where it stops.
        let _ = self.0.send(Ask::Look);
    }
}

/// The thread that looks.
pub(super) struct Follower(Sender<Ask>);

impl Follower {
    pub(super) fn stop(&self) {
        let _ = self.0.send(Ask::Stop);
    }
}

pub(super) fn start(
    settings: &Settings,
    sources: Sources,
    shared: Arc<Shared>,
    tls: Option<Arc<tls::Current>>,
    reload: Reload,
) -> Follower {
    let follower = Follower(reload.asks.clone());
    let access = settings.access.clone().map(Watched::new);
    let every = watch_interval(settings.poll);
    let (poll, asked) = (settings.poll, reload.asked);
    thread::spawn(move || {
        let mut looking = Looking { sources, shared, tls, access, mark: None, status: None, told: None };
        let mut next = Instant::now();
        loop {
            if Instant::now() >= next {
                looking.look();
                next = Instant::now() + poll;
            }
            health::alive();
            match asked.recv_timeout(every) {
                Ok(Ask::Look) => next = Instant::now(),
                Ok(Ask::Told(status)) => {
                    looking.told = Some(status);
                    next = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Ask::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    follower
}

/// How long to sleep between two looks, or two signs of life.
fn watch_interval(poll: Duration) -> Duration {
    health::watchdog().map_or(poll, |watchdog| poll.min(watchdog / 3)).max(Duration::from_millis(20))
}

struct Looking {
    sources: Sources,
    shared: Arc<Shared>,
    tls: Option<Arc<tls::Current>>,
    access: Option<Watched>,
    mark: Option<Mark>,
    status: Option<RunStatus>,
    /// How the last refresh in this process ended.
    told: Option<RunStatus>,
}

impl Looking {
    fn look(&mut self) {
        self.look_at_data();
        self.look_at_access();
        if let Some(tls) = &self.tls {
            match tls.look() {
                Ok(true) => self.shared.say("the certificate was read again"),
                Ok(false) => {}
                Err(error) => self.failed(&format!("the certificate before it stays: {error}")),
            }
        }
    }

    fn look_at_data(&mut self) {
        let mark = Mark::of(&self.sources);
        let told = self.told.as_ref().filter(|told| self.status.as_ref().is_none_or(|own| own.at < told.at));
        if self.mark.as_ref() == Some(&mark) && told.is_none() {
            return;
        }
        let known =
            self.shared.world().filter(|_| self.mark.as_ref().is_some_and(|old| old.has_same_data(&mark)));
        let world = match known {
            Some(world) => Ok(world.with_status(&self.sources)),
            None => World::load(&self.sources),
        };
        let world = match told {
            Some(told) => world.map(|world| world.told(told)),
            None => world,
        };
        match world {
            Ok(world) => self.take(world, mark),
            Err(error) => {
                self.shared.metrics.failed_reloads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                self.shared.set_trouble(Some(error.to_string()));
            }
        }
    }

    fn take(&mut self, world: World, mark: Mark) {
        let status = world.status().cloned();
        if let Some(status) = status.as_ref().filter(|_| self.status != status && self.mark.is_some()) {
            self.shared.metrics.refresh(status);
        }
        let first = self.shared.world().is_none();
        let other_data = !self.mark.as_ref().is_some_and(|old| old.has_same_data(&mark));
        if other_data {
            world.troubles().iter().for_each(|text| self.shared.say(&format!("warning: {text}")));
        }
        let summary = summary(&world);
        self.shared.swap_world(world);
        self.shared.set_trouble(None);
        (self.status, self.mark) = (status, Some(mark));
        if other_data {
            self.shared.metrics.reloads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.shared.say(&format!("serving {summary}"));
        }
        if first {
            health::started(&summary);
        }
    }

    fn look_at_access(&mut self) {
        let Some(watched) = &mut self.access else { return };
        if !watched.has_changed() {
            return;
        }
        match Access::read(&watched.path) {
            Ok(access) => {
                self.shared.swap_access(access);
                self.shared.say("the credentials were read again");
            }
            Err(error) => self.failed(&format!("the credentials before it stay: {error}")),
        }
    }

    fn failed(&self, text: &str) {
        self.shared.metrics.failed_reloads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.shared.say(&format!("warning: {text}"));
    }
}

/// A file that is looked at for another content.
struct Watched {
    path: PathBuf,
    seen: Option<Vec<u8>>,
}

impl Watched {
    fn new(path: PathBuf) -> Self {
        let seen = read(&path);
        Watched { path, seen }
    }

    fn has_changed(&mut self) -> bool {
        let now = read(&self.path);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

/// What is served, in short.
fn summary(world: &World) -> String {
    let mut parts: Vec<String> = world
        .clouds()
        .map(|(cloud, feed)| {
            let weeks = feed.history().weeks().len();
            format!("{} of {} ({weeks} stored)", cloud.name(), feed.history().current().date)
        })
        .collect();
    if let Some(published) = world.published() {
        let number = published.record().number;
        parts.push(format!("generation {number} with {} environments", published.environments().len()));
    }
    parts.join(", ")
}
