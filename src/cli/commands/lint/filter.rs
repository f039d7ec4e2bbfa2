//! Findings that people do not want to see: ignored, in the baseline, dismissed for a while.

use std::collections::HashSet;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::analyse::lint::{Finding, check};
use crate::cli::args::Lint;
use crate::cli::{Failure, clock, output};
use crate::store::{atomic, plain};
use crate::text::sha256_hex;

/// What a finding is about, whatever its sentence says this week: the same finding in a later run has the same.
pub(super) fn fingerprints(found: &[Finding]) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    found
        .iter()
        .map(|finding| {
            let rule = finding.rule.as_deref().unwrap_or_default();
            let tags: Vec<&str> = finding.tags.iter().map(|tag| tag.tag.as_str()).collect();
            let text = format!("{}\0{}\0{rule}\0{}", finding.id, finding.resource, tags.join(","));
            // Several of one kind in one rule are told apart by their order.
            let number = seen.entry(text.clone()).and_modify(|n| *n += 1).or_insert(0_usize);
            sha256_hex(format!("{text}\0{number}").as_bytes())
        })
        .collect()
}

/// A baseline: findings that are known.
#[derive(Serialize, Deserialize)]
struct Baseline {
    schema: u32,
    findings: Vec<Known>,
}

#[derive(Serialize, Deserialize)]
struct Known {
    fingerprint: String,
    id: String,
    resource: String,
    rule: Option<String>,
}

/// Writes all findings as a baseline.
pub(super) fn write_baseline(path: &Path, found: &[Finding]) -> Result<(), Failure> {
    let known = found.iter().zip(fingerprints(found)).map(|(finding, fingerprint)| Known {
        fingerprint,
        id: finding.id.to_owned(),
        resource: finding.resource.clone(),
        rule: finding.rule.clone(),
    });
    let baseline = Baseline { schema: 1, findings: known.collect() };
    let mut bytes = serde_json::to_vec_pretty(&baseline).expect("texts always serialise");
    bytes.push(b'\n');
    atomic::write(path, &bytes).map_err(|error| Failure::Io(format!("{}: {error}", path.display())))
}

/// Takes out what the flags do not want.
pub(super) fn apply(args: &Lint, found: &mut Vec<Finding>) -> Result<(), Failure> {
    let fingerprints = fingerprints(found);
    let known = match &args.baseline {
        Some(path) => baseline(path)?,
        None => HashSet::new(),
    };
    let ignored = args.ignore.iter().map(|text| Pattern::read(text)).collect::<Result<Vec<_>, _>>()?;
    let dismissed = match &args.dismissals {
        Some(path) => dismissals(path)?,
        None => Vec::new(),
    };
    let mut at = 0;
    found.retain(|finding| {
        at += 1;
        !known.contains(&fingerprints[at - 1])
            && !ignored.iter().any(|pattern| pattern.fits(finding))
            && !dismissed.iter().any(|dismissal| dismissal.fits(finding))
    });
    Ok(())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    plain::read_text(path).map_err(|error| {
        let text = format!("{}: {error}", path.display());
        if error.kind() == std::io::ErrorKind::NotFound { Failure::Input(text) } else { Failure::Io(text) }
    })
}

fn baseline(path: &Path) -> Result<HashSet<String>, Failure> {
    let wrong =
        |why: String| Failure::Input(format!("{}: {why}; write one with --write-baseline", path.display()));
    let baseline: Baseline =
        serde_json::from_str(&text_of(path)?).map_err(|error| wrong(error.to_string()))?;
    if baseline.schema != 1 {
        return Err(wrong(format!("schema {} is not known", baseline.schema)));
    }
    Ok(baseline.findings.into_iter().map(|known| known.fingerprint).collect())
}

/// `ID` or `ID:RULE`.
struct Pattern {
    id: String,
    rule: Option<String>,
}

impl Pattern {
    fn read(text: &str) -> Result<Self, Failure> {
        let (id, rule) = text.split_once(':').map_or((text, None), |(id, rule)| (id, Some(rule.to_owned())));
        known_id(id).map_err(|why| Failure::Input(format!("--ignore {text}: {why}")))?;
        Ok(Pattern { id: id.to_owned(), rule })
    }

    fn fits(&self, finding: &Finding) -> bool {
        finding.id.eq_ignore_ascii_case(&self.id)
            && self.rule.as_deref().is_none_or(|rule| fits(rule, finding.rule.as_deref().unwrap_or_default()))
    }
}

/// No finding has this id.
#[derive(Debug, thiserror::Error)]
#[error("no finding has the id {0}; `tagwall lint --explain all` lists them")]
struct UnknownId(String);

/// Errors where no finding has this id.
fn known_id(id: &str) -> Result<(), UnknownId> {
    check(id).map(|_| ()).ok_or_else(|| UnknownId(id.to_owned()))
}

/// Whether a text fits a pattern in which `*` stands for any text; in any case.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, .., last] = parts.as_slice() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dismissals {
    #[serde(default)]
    dismiss: Vec<Dismissal>,
}

/// A finding that somebody has looked at and lets stand for a while.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Dismissal {
    id: String,
    resource: Option<String>,
    rule: Option<String>,
    reason: String,
    until: toml::value::Datetime,
}

impl Dismissal {
    fn fits(&self, finding: &Finding) -> bool {
        let of = |pattern: &Option<String>, text: &str| pattern.as_deref().is_none_or(|p| fits(p, text));
        finding.id.eq_ignore_ascii_case(&self.id)
            && of(&self.resource, &finding.resource)
            && of(&self.rule, finding.rule.as_deref().unwrap_or_default())
    }
}

/// The dismissals that still hold; of those that do not it is said.
fn dismissals(path: &Path) -> Result<Vec<Dismissal>, Failure> {
    let wrong = |why: String| Failure::Input(format!("{}: {why}", path.display()));
    let all: Dismissals = toml::from_str(&text_of(path)?).map_err(|error| wrong(error.to_string()))?;
    let today = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut hold = Vec::new();
    for dismissal in all.dismiss {
        known_id(&dismissal.id).map_err(|error| wrong(error.to_string()))?;
        if dismissal.reason.trim().is_empty() {
            return Err(wrong(format!("the dismissal of {} has no reason", dismissal.id)));
        }
        let until: Date = dismissal.until.to_string().parse().map_err(|_| {
            wrong(format!("{}: until = {} is no day, such as 2026-12-31", dismissal.id, dismissal.until))
        })?;
        if until < today {
            let text = format!(
                "{}: the dismissal of {} ended on {until} ({}): it counts again",
                path.display(),
                dismissal.id,
                dismissal.reason
            );
            output::say(&text);
        } else {
            hold.push(dismissal);
        }
    }
    Ok(hold)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, text, is) in [
            ("a", "A", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*a", "aba", true),
            ("a*c*a", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
    }
}
