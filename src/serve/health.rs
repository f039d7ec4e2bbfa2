//! Whether it lives, whether it can answer, and its metrics; and the same for systemd.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use super::around::Said;
use super::metrics::Moment;
use super::shared::Shared;
use crate::feed::{Answer, Body, TEXT};

/// `/livez`: it answers at all.
pub(super) async fn live() -> Said {
    Said(Answer::good(TEXT, Body::new(&b"alive\n"[..])).with("cache-control", "no-store"))
}

/// What `/readyz` says.
#[derive(Serialize)]
struct Ready {
    ready: bool,
    generation: Option<u64>,
    data: Vec<Data>,
    /// Why what is served is not the newest. Old data is answered from, so this alone makes nobody unready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    troubles: Vec<String>,
}

#[derive(Serialize)]
struct Data {
    cloud: &'static str,
    date: jiff::civil::Date,
    digest: String,
}

/// `/readyz`: it has data to answer from, and is not about to stop.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Said {
    if shared.is_stopping() {
        return Said(Answer::unavailable("stopping", 5));
    }
    let Some(world) = shared.world() else {
        let why = shared
            .trouble()
            .map_or_else(|| "data is being read".to_owned(), |_| "there is no data yet".to_owned());
        return Said(Answer::unavailable(format_args!("not ready: {why}"), 5));
    };
    let mut troubles: Vec<String> = Vec::new();
    if shared.trouble().is_some() {
        troubles.push("the newest data cannot be read; the log says why".to_owned());
    }
    if let Some(status) = world.status().filter(|status| !status.ok) {
        troubles.push(format!(
            "the refresh of {} {} (exit code {})",
            status.at,
            status.outcome(),
            status.exit_code
        ));
    }
    if !world.troubles().is_empty() {
        troubles
            .push(format!("{} parts of the data cannot be used; the log says which", world.troubles().len()));
    }
    let data = world.clouds().map(|(cloud, feed)| {
        let week = feed.history().current();
        Data { cloud: cloud.name(), date: week.date, digest: week.digest.clone() }
    });
    let generation = world.published().map(|published| published.record().number);
    let ready = Ready { ready: true, generation, data: data.collect(), troubles };
    Said(Answer::json(&ready).with("cache-control", "no-store"))
}

/// `/metrics`, as Prometheus reads it.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Said {
    let world = shared.world();
    let text = shared.metrics.text(&Moment {
        world: world.as_deref(),
        unreadable: shared.trouble().is_some(),
        limits: shared.limit_metrics,
        connections: shared.limiter.connections(),
        lost: shared.log.lost(),
    });
    let media = "text/plain; version=0.0.4; charset=utf-8";
    Said(Answer::good(media, Body::new(text.into_bytes())).with("cache-control", "no-store"))
}

/// Tells systemd that data is there.
pub(super) fn started(status: &str) {
    #[cfg(unix)]
    {
        // Whoever does not listen was not started by systemd.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
    }
    #[cfg(not(unix))]
    let _ = status;
}

/// Tells systemd that it is alive, where that is asked for.
pub(super) fn alive() {
    #[cfg(unix)]
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
}

/// How often systemd wants to hear that it is alive.
pub(super) fn watchdog() -> Option<std::time::Duration> {
    #[cfg(unix)]
    return sd_notify::watchdog_enabled();
    #[cfg(not(unix))]
    None
}

/// Tells systemd that it stops.
pub(super) fn stopping() {
    #[cfg(unix)]
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
}
