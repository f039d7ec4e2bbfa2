//! The log of requests: one line each on standard output, as text or JSON, written by a thread of its own so that no request
//! waits for a disk.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;
use serde::Serialize;

use crate::text::visible;

/// How requests are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    /// Not at all.
    Off,
    /// A line for people.
    Text,
    /// An object on a line.
    Json,
}

/// One request.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    pub(super) client: String,
    pub(super) user: &'a str,
    pub(super) method: &'a str,
    /// Path with what stands behind the `?`.
    pub(super) target: &'a str,
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) micros: u64,
    pub(super) agent: &'a str,
}

/// How many lines may wait to be written.
const WAITING: usize = 10_000;

/// Where lines go.
pub(super) struct AccessLog {
    form: LogForm,
    lines: Option<SyncSender<String>>,
    lost: AtomicU64,
}

impl AccessLog {
    pub(super) fn start(form: LogForm) -> Self {
        let lines = (form != LogForm::Off).then(|| {
            let (sender, receiver) = sync_channel(WAITING);
            thread::spawn(move || write(&receiver));
            sender
        });
        AccessLog { form, lines, lost: AtomicU64::new(0) }
    }

    pub(super) fn is_off(&self) -> bool {
        self.lines.is_none()
    }

    /// Writes a line, or counts it as lost where too many wait: answers are of more account than their log.
    pub(super) fn write(&self, line: &Line<'_>) {
        let Some(lines) = &self.lines else { return };
        let text = match self.form {
            LogForm::Json => serde_json::to_string(line).expect("texts and numbers always serialise"),
            _ => line.text(),
        };
        if lines.try_send(text).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were not written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        let Line { at, client, user, method, target, status, bytes, micros, agent } = self;
        let user = if user.is_empty() { "-" } else { user };
        let text =
            format!("{at} {client} {user} \"{method} {target}\" {status} {bytes} {micros}us \"{agent}\"");
        // Whoever asks must not write lines of their own.
        visible(&text).replace(['\n', '\t'], " ")
    }
}

fn write(lines: &Receiver<String>) {
    let mut out = io::stdout();
    while let Ok(line) = lines.recv() {
        let mut text = line;
        text.push('\n');
        // Others that wait go along in one write.
        for more in lines.try_iter().take(200) {
            text.push_str(&more);
            text.push('\n');
        }
        // Nobody is there to be told where even standard output is closed.
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_writes_one_line_whatever_it_says() {
        let line = Line {
            at: Timestamp::UNIX_EPOCH,
            client: "192.0.2.1".to_owned(),
            user: "",
            method: "GET",
            target: "/v1/tags",
            status: 200,
            bytes: 7,
            micros: 12,
            agent: "evil\u{1b}[2J\n1970 forged",
        };
        let text = line.text();
        assert!(!text.contains('\n') && !text.contains('\u{1b}'), "{text}");
        assert!(text.starts_with("1970-01-01T00:00:00Z 192.0.2.1 - \"GET /v1/tags\" 200 7 12us"), "{text}");
        let json = serde_json::to_string(&line).unwrap();
        assert!(!json.contains('\n') && json.contains("\\u001b"), "{json}");
    }
}
