//! Telling others that rules changed: a command of the user, a signed webhook.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use sha2::Sha256;
use tokio::io::AsyncWriteExt;

use crate::cli::Failure;
use crate::cli::args::HookArgs;
use crate::store::source::Http;

/// Hooks with everything read that they need, so that a wrong one is noticed before anything is published.
pub(super) struct Hooks {
    command: Option<String>,
    webhook: Option<Url>,
    secret: Option<String>,
    timeout: Duration,
}

impl Hooks {
    pub(super) fn new(args: &HookArgs) -> Result<Self, Failure> {
        let webhook = args.webhook.as_deref().map(|text| {
            Url::parse(text).map_err(|error| Failure::Input(format!("{text} is no address: {error}")))
        });
        let secret = match &args.webhook_secret_file {
            Some(path) => {
                let text = fs::read_to_string(path);
                Some(text.map_err(|error| Failure::Io(format!("{}: {error}", path.display())))?)
            }
            None => std::env::var("TAGWALL_WEBHOOK_SECRET").ok(),
        };
        Ok(Hooks {
            command: args.on_change.clone(),
            webhook: webhook.transpose()?,
            secret: secret.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            timeout: Duration::from_secs(args.hook_timeout),
        })
    }

    /// Runs all hooks; a failed one does not keep the others from being run.
    pub(super) async fn run(&self, http: &Http, body: &str, now: i64) -> Vec<String> {
        let mut failures = Vec::new();
        if let Some(command) = &self.command
            && let Err(why) = self.run_command(command, body).await
        {
            failures.push(format!("the command `{command}` {why}"));
        }
        if let Some(url) = &self.webhook {
            let headers = headers(self.secret.as_deref(), body, now);
            if let Err(error) = http.post(url, &headers, body).await {
                failures.push(format!("the webhook failed: {error}"));
            }
        }
        failures
    }

    async fn run_command(&self, command: &str, body: &str) -> Result<(), String> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut program = tokio::process::Command::new(shell);
        // A group of its own, so that what the shell started can be ended with it.
        #[cfg(unix)]
        program.process_group(0);
        let mut child = program
            .args([flag, command])
            .stdin(Stdio::piped())
            // Standard output is the summary's.
            .stdout(Stdio::from(std::io::stderr()))
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot be started: {error}"))?;
        let whole = async {
            if let Some(mut input) = child.stdin.take() {
                // A command that does not read its input closes it early; that is its own affair.
                let _ = input.write_all(body.as_bytes()).await;
            }
            child.wait().await
        };
        match tokio::time::timeout(self.timeout, whole).await {
            Err(_) => {
                end_group(&child);
                Err(format!("was ended after {} seconds", self.timeout.as_secs()))
            }
            Ok(Err(error)) => Err(format!("failed: {error}")),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("failed: {status}")),
        }
    }
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

/// `X-Tagwall-Signature` is `sha256=` and the HMAC of `TIME.BODY` in hexadecimal; `X-Tagwall-Time` is that time in Unix
/// seconds, so that an old message cannot be sent again later.
fn headers(secret: Option<&str>, body: &str, now: i64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-tagwall-time", HeaderValue::from(now));
    if let Some(secret) = secret
        && let Ok(value) = HeaderValue::from_str(&format!("sha256={}", signature(secret, body, now)))
    {
        headers.insert("x-tagwall-signature", value);
    }
    headers
}

fn signature(secret: &str, body: &str, now: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length of key will do");
    mac.update(format!("{now}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_openssl() {
        // printf '7.{}' | openssl dgst -sha256 -hmac key
        let wanted = "77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8";
        assert_eq!(signature("key", "{}", 7), wanted);
    }
}
