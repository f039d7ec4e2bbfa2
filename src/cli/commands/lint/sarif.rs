//! Findings as SARIF 2.1.0, within the limits of GitHub's code scanning.

use std::io::Write;

use serde_json::{Value, json};

use super::filter::fingerprints;
use crate::analyse::lint::{CHECKS, Check, Finding, Severity};
use crate::cli::Failure;
use crate::text::{Escape, visible_bytes};

/// GitHub shows so many results of a run, the most severe first, and refuses a run with five times as many.
///
/// Source: SARIF support for code scanning, docs.github.com, 2026.
const MOST: usize = 5_000;

pub(super) fn print(found: &[Finding]) -> Result<(), Failure> {
    let document = document(found);
    let text = serde_json::to_string_pretty(&document).expect("texts and numbers always serialise");
    let mut out = anstream::stdout().lock();
    let (shown, _) = visible_bytes(text.as_bytes(), Escape::Json);
    out.write_all(&shown).and_then(|()| writeln!(out)).map_err(Failure::Output)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn document(found: &[Finding]) -> Value {
    let used: Vec<&Check> = CHECKS.iter().filter(|check| found.iter().any(|f| f.id == check.id)).collect();
    let results: Vec<Value> = found
        .iter()
        .zip(fingerprints(found))
        .take(MOST)
        .map(|(finding, fingerprint)| result(finding, &fingerprint, &used))
        .collect();
    let notes: Vec<Value> = match found.len().saturating_sub(MOST) {
        0 => Vec::new(),
        cut => vec![json!({"level": "warning", "message": {"text": format!(
            "{cut} of {} findings are left out, the least severe: GitHub takes {MOST} of a run", found.len())}})],
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "tagwall",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": used.iter().map(|check| rule(check)).collect::<Vec<_>>(),
            }},
            "columnKind": "utf16CodeUnits",
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
            "results": results,
        }],
    })
}

fn rule(check: &Check) -> Value {
    let help = format!("{}\n\nExample: {}", check.meaning, check.example);
    json!({
        "id": check.id,
        "name": check.title,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.meaning},
        "help": {"text": help},
        "defaultConfiguration": {"level": level(check.severity)},
    })
}

fn result(finding: &Finding, fingerprint: &str, used: &[&Check]) -> Value {
    let about = match &finding.rule {
        Some(rule) => format!("{} / {rule}", finding.resource),
        None => finding.resource.clone(),
    };
    let packet = finding.packet.map(|packet| format!(" Packet: {packet}.")).unwrap_or_default();
    let fix = finding.fix.as_ref().map(|fix| format!(" Fix: {fix}.")).unwrap_or_default();
    json!({
        "ruleId": finding.id,
        "ruleIndex": used.iter().position(|check| check.id == finding.id),
        "level": level(finding.severity),
        "message": {"text": format!("{about}: {}.{packet}{fix}", finding.message)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&finding.place.file)},
                "region": {"startLine": finding.place.line.max(1)},
            },
            "logicalLocations": [{"fullyQualifiedName": about, "kind": "resource"}],
        }],
        "partialFingerprints": {"tagwall/v1": fingerprint},
    })
}

/// A path as a reference relative to the folder that the command runs in.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
