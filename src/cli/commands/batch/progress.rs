//! How a batch goes on, on standard error: a bar on a terminal, counts elsewhere, and a line for what is not as it was.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cli::output;
use crate::site::batch::{Counts, MadeEnvironment, Status};

/// How often counts are said where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
/// So often the same fault is told in full.
const SHOWN: usize = 3;

/// What is said while a batch runs; environments come in order of their names.
pub(super) struct Progress {
    all: usize,
    quiet: bool,
    counts: Counts,
    last: Instant,
    faults: BTreeMap<String, usize>,
    bar: Bar,
}

impl Progress {
    pub(super) fn new(all: usize, quiet: bool) -> Self {
        let bar = Bar::new(all);
        Progress { all, quiet, counts: Counts::default(), last: Instant::now(), faults: BTreeMap::new(), bar }
    }

    /// Says something beside the bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.beside(|| output::say(text));
    }

    /// An environment has its place, or has failed.
    pub(super) fn told(&mut self, entry: &MadeEnvironment) {
        self.counts.add(entry.status);
        if entry.status == Status::Failed {
            self.fault(entry);
        } else if !self.quiet && entry.status != Status::Unchanged {
            self.say(&line(entry));
        }
        self.bar.set(self.counts.environments, self.counts.failed);
        if !self.bar.is_shown() && self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            output::say(&format!(
                "{} of {}, {} failed",
                self.counts.environments, self.all, self.counts.failed
            ));
        }
    }

    fn fault(&mut self, entry: &MadeEnvironment) {
        let error = entry.error.as_deref().unwrap_or_default();
        let first = error.lines().next().unwrap_or_default().replace(&entry.name, "");
        let first = first.split_once("column").map_or(first.as_str(), |(_, rest)| rest).to_owned();
        let seen = self.faults.entry(first).or_insert(0);
        *seen += 1;
        if *seen <= SHOWN {
            self.say(&format!("failed {} ({}), code {}:\n{error}", entry.name, entry.from, entry.exit_code));
        } else if *seen == SHOWN + 1 {
            self.say(&format!("failed {} ({}), and others, for the same reason", entry.name, entry.from));
        }
    }

    /// The run has ended.
    pub(super) fn end(&self) {
        self.bar.end();
    }
}

fn line(entry: &MadeEnvironment) -> String {
    let word = match entry.status {
        Status::New => "new",
        Status::Changed => "changed",
        Status::Refreshed => "same rules",
        Status::Unchanged => "unchanged",
        Status::Failed => "failed",
    };
    let files = match entry.changed.as_slice() {
        [] => String::new(),
        files => format!(": {}", files.join(", ")),
    };
    let because = match entry.because.as_slice() {
        [] => String::new(),
        causes => format!(" (because of {})", causes.join(", ")),
    };
    format!("{word} {}{files}{because}", entry.name)
}

#[cfg(feature = "fetch")]
struct Bar(indicatif::ProgressBar);

#[cfg(feature = "fetch")]
impl Bar {
    fn new(all: usize) -> Self {
        use std::io::IsTerminal;

        use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

        if !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(all as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len}{msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar(bar)
    }

    fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    fn beside(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }

    fn set(&self, done: usize, failed: usize) {
        if failed > 0 {
            self.0.set_message(format!(", {failed} failed"));
        }
        self.0.set_position(done as u64);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(not(feature = "fetch"))]
struct Bar;

#[cfg(not(feature = "fetch"))]
impl Bar {
    fn new(_: usize) -> Self {
        Bar
    }

    fn is_shown(&self) -> bool {
        false
    }

    fn beside(&self, say: impl FnOnce()) {
        say();
    }

    fn set(&self, _: usize, _: usize) {}

    fn end(&self) {}
}
