//! Telling others that rules changed: a command of the user, a signed webhook.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use sha2::Sha256;
use tokio::io::AsyncWriteExt;

use crate::cli::args::HookArgs;
use crate::cli::{Failure, online};
use crate::redact;
use crate::store::source::Http;
use crate::text::sha256_hex;

/// Variables that every command gets: what programs need to be found and to find their files. All others may hold
/// secrets that are none of its business, and are passed on by name only.
const PASSED: [&str; 16] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "SYSTEMROOT",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "USERPROFILE",
];

/// What happened, for whoever is told.
pub(super) struct Event<'a> {
    /// `published` or `rollback`.
    pub(super) name: &'static str,
    /// The published folder.
    pub(super) out: &'a Path,
    /// The generation that is published now.
    pub(super) generation: u64,
    /// Summary and changes, as JSON.
    pub(super) body: &'a str,
    /// The present moment in Unix seconds.
    pub(super) now: i64,
}

/// Hooks with everything read that they need, so that a wrong one is noticed before anything is published.
pub(super) struct Hooks {
    command: Option<String>,
    environment: Vec<(String, OsString)>,
    webhook: Option<Url>,
    secret: Option<String>,
    timeout: Duration,
}

/// Why a command did not do its work, in words to follow it.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("cannot be started: {0}")]
    Start(std::io::Error),
    #[error("was ended after {0} seconds")]
    Ended(u64),
    #[error("failed: {0}")]
    Io(std::io::Error),
    #[error("failed: {0}")]
    Status(std::process::ExitStatus),
}

impl Hooks {
    pub(super) fn new(args: &HookArgs) -> Result<Self, Failure> {
        let secret = match &args.webhook_secret_file {
            Some(path) => {
                let text = fs::read_to_string(path);
                Some(text.map_err(|error| Failure::Io(format!("{}: {error}", path.display())))?)
            }
            None => std::env::var("TAGWALL_WEBHOOK_SECRET").ok(),
        };
        Ok(Hooks {
            command: args.on_change.clone(),
            environment: environment(args)?,
            webhook: args
                .webhook
                .as_deref()
                .map(|text| webhook(text, args.webhook_plain_http))
                .transpose()?,
            secret: secret.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            timeout: Duration::from_secs(args.hook_timeout),
        })
    }

    /// Whether there is nobody to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.command.is_none() && self.webhook.is_none()
    }

    /// Runs all hooks; a failed one does not keep the others from being run.
    pub(super) async fn run(&self, http: &Http, event: &Event<'_>) -> Vec<String> {
        let mut failures = Vec::new();
        if let Some(command) = &self.command
            && let Err(why) = self.run_command(command, event).await
        {
            failures.push(format!("the command `{}` {why}", redact::text(command)));
        }
        if let Some(url) = &self.webhook {
            let headers = headers(self.secret.as_deref(), event.body, event.now);
            if let Err(error) = http.post(url, &headers, event.body).await {
                failures.push(format!("the webhook failed: {error}"));
            }
        }
        failures
    }

    async fn run_command(&self, command: &str, event: &Event<'_>) -> Result<(), CommandError> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut program = tokio::process::Command::new(shell);
        // A group of its own, so that what the shell started can be ended with it.
        #[cfg(unix)]
        program.process_group(0);
        let mut child = program
            .args([flag, command])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("TAGWALL_EVENT", event.name)
            .env("TAGWALL_OUT", event.out)
            .env("TAGWALL_GENERATION", event.generation.to_string())
            .stdin(Stdio::piped())
            // Standard output is the summary's.
            .stdout(Stdio::from(std::io::stderr()))
            .kill_on_drop(true)
            .spawn()
            .map_err(CommandError::Start)?;
        let whole = async {
            if let Some(mut input) = child.stdin.take() {
                // A command that does not read its input closes it early; that is its own affair.
                let _ = input.write_all(event.body.as_bytes()).await;
            }
            child.wait().await
        };
        match tokio::time::timeout(self.timeout, whole).await {
            Err(_) => {
                end_group(&child);
                Err(CommandError::Ended(self.timeout.as_secs()))
            }
            Ok(Err(error)) => Err(CommandError::Io(error)),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(CommandError::Status(status)),
        }
    }
}

/// What of the environment the command gets. A variable that is named, but not there, is an error: the command would
/// fail when it is needed.
fn environment(args: &HookArgs) -> Result<Vec<(String, OsString)>, Failure> {
    let mut passed: Vec<(String, OsString)> =
        PASSED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?))).collect();
    for name in &args.hook_env {
        let value = if name.is_empty() || name.contains(['=', '\0']) { None } else { std::env::var_os(name) };
        let missing =
            || Failure::Input(format!("--hook-env {}: there is no such variable", redact::text(name)));
        passed.push((name.clone(), value.ok_or_else(missing)?));
    }
    Ok(passed)
}

fn webhook(text: &str, plain_http: bool) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|error| {
        Failure::Input(format!("the webhook {} is no address: {error}", redact::origin(text)))
    })?;
    match url.scheme() {
        "https" => {}
        "http" if plain_http => {}
        "http" => {
            return Err(Failure::Input(format!(
                "the webhook {} has no TLS: what is sent could be read and changed on the way; give an https address, \
                 or --webhook-plain-http if that is all right",
                redact::origin(text)
            )));
        }
        other => return Err(Failure::Input(format!("a webhook is posted by https, not by {other}"))),
    }
    online::check_proxies()?;
    Ok(url)
}

/// Ends a command with all that it started.
#[cfg(unix)]
fn end_group(child: &tokio::process::Child) {
    let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // It may have ended by itself meanwhile.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: &tokio::process::Child) {}

/// `X-Tagwall-Id` is the message's own: whoever has seen it has seen the message, also where it is sent again because
/// the answer was lost. `X-Tagwall-Time` is the time in Unix seconds, `X-Tagwall-Signature` is `sha256=` and the HMAC of
/// `ID.TIME.BODY` in hexadecimal, so that neither an old message nor its parts can be sent again as a new one.
fn headers(secret: Option<&str>, body: &str, now: i64) -> HeaderMap {
    let id = id_of(body, now);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-tagwall-time", HeaderValue::from(now));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert("x-tagwall-id", value);
    }
    if let Some(secret) = secret
        && let Ok(value) = HeaderValue::from_str(&format!("sha256={}", signature(secret, &id, body, now)))
    {
        headers.insert("x-tagwall-signature", value);
    }
    headers
}

/// The same message at the same time is the same message.
fn id_of(body: &str, now: i64) -> String {
    sha256_hex(format!("{now}.{body}").as_bytes())[..32].to_owned()
}

fn signature(secret: &str, id: &str, body: &str, now: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length of key will do");
    mac.update(format!("{id}.{now}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_openssl() {
        // printf 'a.7.{}' | openssl dgst -sha256 -hmac key
        let wanted = "c90d7d2e4c3b5172c5f743f47f2ec58cdefb43b90e13d44c84a28c3749853430";
        assert_eq!(signature("key", "a", "{}", 7), wanted);
    }

    #[test]
    fn each_message_has_an_id_of_its_own() {
        let ids = [id_of("{}", 7), id_of("{}", 8), id_of("{ }", 7)];
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
        assert_eq!(id_of("{}", 7), ids[0], "a second attempt is the same message");
    }

    #[test]
    fn webhooks_without_tls_take_a_flag_and_nothing_secret_is_said() {
        assert!(webhook("https://hooks.example/T0/x", false).is_ok());
        assert!(webhook("http://hooks.example/T0/x", true).is_ok());
        for wrong in [
            "http://u:pw@hooks.example/T0/SECRET?k=SECRET",
            "ftp://hooks.example/SECRET",
            "hooks.example/SECRET",
        ] {
            let text = webhook(wrong, false).unwrap_err().to_string();
            assert!(!text.contains("SECRET") && !text.contains("pw"), "{text}");
        }
    }
}
