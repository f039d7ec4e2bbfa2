//! Metrics in the text format of Prometheus (0.0.4).
//!
//! Written here and not by a client library: most of the figures follow from the data that is served, and the usual library writes
//! OpenMetrics only, in which scrapers of the older format find no types.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::process;
use crate::feed::{RunStatus, World};

/// Upper ends of the buckets of durations, in seconds.
const BUCKETS: [f64; 10] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0];

/// From so many environments on, the use of limits is only told where it is asked for.
const MOST_ENVIRONMENTS: usize = 100;

/// What is counted while serving.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    requests: Mutex<Requests>,
    not_modified: AtomicU64,
    refreshes: Mutex<BTreeMap<String, u64>>,
    pub(super) refused_connections: AtomicU64,
    pub(super) failed_accepts: AtomicU64,
    pub(super) failed_handshakes: AtomicU64,
    pub(super) reloads: AtomicU64,
    pub(super) failed_reloads: AtomicU64,
}

#[derive(Debug, Default)]
struct Requests {
    codes: BTreeMap<(String, u16), u64>,
    durations: BTreeMap<String, Durations>,
}

#[derive(Debug, Default)]
struct Durations {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

/// What else there is to tell at a moment.
pub(super) struct Moment<'w> {
    pub(super) world: Option<&'w World>,
    /// Whether newer data than that which is served cannot be read.
    pub(super) unreadable: bool,
    /// Tell the use of limits however many environments there are.
    pub(super) limits: bool,
    /// Open connections.
    pub(super) connections: usize,
    /// Lines that the log of requests lost.
    pub(super) lost: u64,
}

impl Metrics {
    /// Counts a request by its route, never by its path: there are only so many of those.
    pub(super) fn request(&self, route: &str, code: u16, took: Duration) {
        if code == 304 {
            self.not_modified.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = took.as_secs_f64();
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.codes.entry((route.to_owned(), code)).or_default() += 1;
        let durations = requests.durations.entry(route.to_owned()).or_default();
        durations.count += 1;
        durations.sum += seconds;
        if let Some(bucket) = BUCKETS.iter().position(|&end| seconds <= end) {
            durations.buckets[bucket] += 1;
        }
    }

    /// Counts a refresh that the published folder tells of.
    pub(super) fn refresh(&self, status: &RunStatus) {
        let mut refreshes = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        *refreshes.entry(status.outcome().to_owned()).or_default() += 1;
    }

    /// Everything as text.
    pub(super) fn text(&self, moment: &Moment<'_>) -> String {
        let mut page = Page::default();
        page.head("tagwall_build_info", "gauge", "The program, always 1.");
        page.line("tagwall_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        if let Some(world) = moment.world {
            of_data(&mut page, world);
            of_environments(&mut page, world, moment.limits);
        }
        page.single(
            "tagwall_ready",
            "gauge",
            "Whether there is data to answer from.",
            u8::from(moment.world.is_some()),
        );
        let trouble = u8::from(moment.unreadable);
        page.single(
            "tagwall_data_unreadable",
            "gauge",
            "Whether newer data than that which is served cannot be read.",
            trouble,
        );
        self.of_refreshes(&mut page);
        self.of_requests(&mut page, moment);
        of_process(&mut page);
        page.0
    }

    fn of_refreshes(&self, page: &mut Page) {
        page.head("tagwall_refreshes_total", "counter", "Refreshes seen since the start, by how they ended.");
        let refreshes = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        for outcome in ["published", "unchanged", "rolled-back", "restored", "failed", "refused"] {
            let count = refreshes.get(outcome).copied().unwrap_or(0);
            page.line("tagwall_refreshes_total", &[("outcome", outcome)], count);
        }
    }

    fn of_requests(&self, page: &mut Page, moment: &Moment<'_>) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        page.head("tagwall_http_requests_total", "counter", "Requests by route and code.");
        for ((route, code), count) in &requests.codes {
            page.line("tagwall_http_requests_total", &[("route", route), ("code", &code.to_string())], count);
        }
        let name = "tagwall_http_request_duration_seconds";
        page.head(name, "histogram", "How long answers took to make, by route.");
        for (route, durations) in &requests.durations {
            durations.write(page, name, route);
        }
        drop(requests);
        let counter = |page: &mut Page, name: &str, help: &str, value: &AtomicU64| {
            page.single(name, "counter", help, value.load(Ordering::Relaxed));
        };
        counter(page, "tagwall_http_not_modified_total", "Answers 304.", &self.not_modified);
        counter(
            page,
            "tagwall_http_connections_refused_total",
            "Connections beyond the limits.",
            &self.refused_connections,
        );
        counter(
            page,
            "tagwall_http_accept_failures_total",
            "Connections that could not be accepted.",
            &self.failed_accepts,
        );
        counter(
            page,
            "tagwall_tls_handshake_failures_total",
            "Handshakes of TLS that failed.",
            &self.failed_handshakes,
        );
        counter(page, "tagwall_reloads_total", "Times that other data was put in place.", &self.reloads);
        counter(
            page,
            "tagwall_reload_failures_total",
            "Times that data, credentials or certificates could not be read.",
            &self.failed_reloads,
        );
        page.single("tagwall_http_connections", "gauge", "Open connections.", moment.connections);
        let lost = moment.lost;
        page.single(
            "tagwall_access_log_lost_total",
            "counter",
            "Requests that were not written to the log.",
            lost,
        );
    }
}

impl Durations {
    fn write(&self, page: &mut Page, name: &str, route: &str) {
        let mut below = 0;
        let bucket = format!("{name}_bucket");
        for (end, count) in BUCKETS.iter().zip(self.buckets) {
            below += count;
            page.line(&bucket, &[("route", route), ("le", &end.to_string())], below);
        }
        page.line(&bucket, &[("route", route), ("le", "+Inf")], self.count);
        page.line(&format!("{name}_sum"), &[("route", route)], self.sum);
        page.line(&format!("{name}_count"), &[("route", route)], self.count);
    }
}

fn of_data(page: &mut Page, world: &World) {
    page.head("tagwall_snapshot_info", "gauge", "The service tags that are served, always 1.");
    for (cloud, feed) in world.clouds() {
        let week = feed.history().current();
        let number = week.change_number.to_string();
        let labels = [("cloud", cloud.name()), ("change_number", &number), ("digest", &week.digest)];
        page.line("tagwall_snapshot_info", &labels, 1);
    }
    let name = "tagwall_snapshot_published_timestamp_seconds";
    page.head(name, "gauge", "The day on which the service tags that are served were published.");
    for (cloud, feed) in world.clouds() {
        let day = feed.history().current().date.to_zoned(jiff::tz::TimeZone::UTC);
        page.line(name, &[("cloud", cloud.name())], day.map_or(0, |day| day.timestamp().as_second()));
    }
    page.head("tagwall_entries", "gauge", "Entries of the list of a tag, by family.");
    for (cloud, feed) in world.clouds() {
        for (tag, [v4, v6]) in feed.entries() {
            let list = format!("{}/{tag}", cloud.name());
            for (family, count) in [("v4", v4), ("v6", v6)].into_iter().filter(|(_, count)| *count > 0) {
                page.line("tagwall_entries", &[("list", &list), ("family", family)], count);
            }
        }
    }
    let unusable = world.troubles().len();
    page.single(
        "tagwall_unusable_data",
        "gauge",
        "Parts of the data that cannot be used; the log says which.",
        unusable,
    );
    if let Some(at) = last_success(world) {
        let name = "tagwall_refresh_last_success_timestamp_seconds";
        page.single(name, "gauge", "When a refresh last did what it should.", at);
    }
}

/// When a refresh last did what it should, as far as can be known: by its own word, by what it published, or because a source was
/// asked for newer data then.
fn last_success(world: &World) -> Option<i64> {
    let said = world.status().filter(|status| status.ok).map(|status| status.at);
    let published = world.published().map(|published| published.record().published_at);
    let seen = world.clouds().map(|(_, feed)| feed.seen_at());
    said.into_iter().chain(published).chain(seen).map(|at| at.as_second()).max()
}

fn of_environments(page: &mut Page, world: &World, limits: bool) {
    let Some(published) = world.published() else { return };
    let environments = published.environments();
    page.head("tagwall_generation", "gauge", "The published generation of an environment.");
    for name in environments.keys() {
        page.line("tagwall_generation", &[("environment", name)], published.record().number);
    }
    if !limits && environments.len() > MOST_ENVIRONMENTS {
        return;
    }
    page.head(
        "tagwall_limit_usage_ratio",
        "gauge",
        "How much of a limit of Azure an environment uses; 1 is all of it.",
    );
    for (name, environment) in environments {
        for usage in &environment.limits {
            let labels = [("environment", name.as_str()), ("limit", &usage.key), ("of", &usage.of)];
            let ratio = usage.have as f64 / (usage.limit.max(1)) as f64;
            page.line("tagwall_limit_usage_ratio", &labels, ratio);
        }
    }
}

fn of_process(page: &mut Page) {
    let Some(usage) = process::usage() else { return };
    let mut one = |name: &str, kind: &str, help: &str, value: f64| page.single(name, kind, help, value);
    one(
        "process_cpu_seconds_total",
        "counter",
        "Processor time, in user and system mode.",
        usage.cpu_seconds,
    );
    one("process_resident_memory_bytes", "gauge", "Memory in use.", usage.resident_bytes);
    one("process_virtual_memory_bytes", "gauge", "Address space in use.", usage.virtual_bytes);
    one("process_open_fds", "gauge", "Open files and connections.", usage.open_files);
    one("process_max_fds", "gauge", "The most files and connections that may be open.", usage.most_files);
    one("process_start_time_seconds", "gauge", "When the process started.", usage.start_seconds);
}

/// The text as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("memory does not fail");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(self.0, "{label}=\"{text}\"").expect("memory does not fail");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        writeln!(self.0, " {value}").expect("memory does not fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_labels_are_escaped() {
        let metrics = Metrics::default();
        for micros in [50, 300, 2_000, 10_000_000] {
            metrics.request("/x", 200, Duration::from_micros(micros));
        }
        metrics.request("/x", 304, Duration::from_micros(1));
        let mut page = Page::default();
        metrics.requests.lock().unwrap().durations["/x"].write(&mut page, "d", "/x");
        assert!(page.0.contains("d_bucket{route=\"/x\",le=\"0.0001\"} 2\n"), "{}", page.0);
        assert!(page.0.contains("le=\"5\"} 4\n") && page.0.contains("le=\"+Inf\"} 5\n"), "{}", page.0);
        let mut page = Page::default();
        page.line("m", &[("l", "a\"b\\c\nd")], 1);
        assert_eq!(page.0, "m{l=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
