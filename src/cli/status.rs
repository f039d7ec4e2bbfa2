//! `OUT/status.json`: how the last run on a published folder ended, for a monitor.

use jiff::Timestamp;
use serde::Serialize;

#[cfg(feature = "fetch")]
use super::Failure;
use super::output;
#[cfg(feature = "fetch")]
use crate::feed::RunStatus;
#[cfg(feature = "fetch")]
use crate::redact;
use crate::site::Site;
#[cfg(feature = "fetch")]
use crate::site::refresh::held_prefixes;

/// Name of the file.
const STATUS: &str = "status.json";

/// What stands in it.
#[derive(Serialize)]
pub(super) struct Status<'a> {
    schema: u32,
    at: Timestamp,
    /// `refresh` or `rollback`.
    command: &'static str,
    /// `published`, `unchanged`, `rolled-back` (what would be published is held back), `restored` or `failed`.
    status: &'a str,
    ok: bool,
    /// The exit code of a failure; 0 else.
    exit_code: u8,
    /// The generation that is published now, where one is.
    generation: Option<u64>,
    /// The generation that was rolled back and is not published again.
    held_back: Option<u64>,
    /// How many removed address blocks are let through for a while yet.
    held_prefixes: usize,
    /// Why it failed.
    error: Option<String>,
}

impl<'a> Status<'a> {
    /// A run that did what it should.
    pub(super) fn good(command: &'static str, status: &'a str, generation: u64, at: Timestamp) -> Self {
        let generation = Some(generation);
        Status {
            schema: 1,
            at,
            command,
            status,
            ok: true,
            exit_code: 0,
            generation,
            held_back: None,
            held_prefixes: 0,
            error: None,
        }
    }

    /// The same with what is held back or held on to.
    pub(super) fn holding(self, held_back: Option<u64>, held_prefixes: usize) -> Self {
        Status { held_back, held_prefixes, ..self }
    }

    /// A run that failed; what was published before still is, and what was held back or held on to.
    #[cfg(feature = "fetch")]
    pub(super) fn failed(command: &'static str, failure: &Failure, site: &Site, at: Timestamp) -> Self {
        let record = site.current().ok().flatten();
        let generation = record.as_ref().map(|record| record.number);
        let last: Option<serde_json::Value> =
            site.read_notice(STATUS).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // What was told of another generation says nothing of this one.
        let held_back = last.filter(|last| last["generation"].as_u64() == generation);
        Status {
            ok: false,
            exit_code: failure.exit_code(),
            generation,
            held_back: held_back.and_then(|last| last["held_back"].as_u64()),
            held_prefixes: record.map_or(0, |record| held_prefixes(site, &record)),
            error: Some(redact::text(&failure.to_string())),
            ..Status::good(command, "failed", 0, at)
        }
    }

    /// What whoever reads the file finds.
    #[cfg(feature = "fetch")]
    pub(super) fn as_read(&self) -> RunStatus {
        let Status { at, status, ok, exit_code, .. } = *self;
        RunStatus { at, status: status.to_owned(), ok, exit_code, error: self.error.clone() }
    }

    /// Writes it into the published folder. That it cannot be written is told, and is no reason to fail.
    pub(super) fn write(&self, site: &Site) {
        let mut text = serde_json::to_vec_pretty(self).expect("texts and numbers always serialise");
        text.push(b'\n');
        if let Err(error) = site.write_notice(STATUS, &text) {
            output::say(&format!("warning: the status is not written: {error}"));
        }
    }
}
