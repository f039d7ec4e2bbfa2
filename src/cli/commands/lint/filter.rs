//! Findings that people do not want to see: ignored, in the baseline, dismissed for a while.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::analyse::lint::{Dismissal, Finding, check};
use crate::cli::args::Lint;
use crate::cli::reading::policy_of;
use crate::cli::{Failure, clock, output, select};
use crate::policy::PolicySource;
use crate::report::{POLICY_COPY, dismissal_of};
use crate::store::{atomic, plain};
use crate::text::{fits_in_any_case, sha256_hex};

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
    let dismissed = dismissals(args)?;
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
            && self
                .rule
                .as_deref()
                .is_none_or(|rule| fits_in_any_case(rule, finding.rule.as_deref().unwrap_or_default()))
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dismissals {
    #[serde(default)]
    dismiss: Vec<Written>,
}

/// A dismissal as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    id: String,
    resource: Option<String>,
    rule: Option<String>,
    reason: String,
    until: toml::value::Datetime,
}

/// A dismissal with what it is for: all that is read, or what comes of one policy.
struct Dismissed {
    /// How the places of its findings begin.
    start: String,
    dismissal: Dismissal,
}

impl Dismissed {
    fn fits(&self, finding: &Finding) -> bool {
        finding.place.file.starts_with(&self.start) && self.dismissal.is_about(finding)
    }
}

/// The dismissals of a file.
fn of_file(path: &Path) -> Result<Vec<Dismissal>, Failure> {
    let wrong = |why: String| Failure::Input(format!("{}: {why}", path.display()));
    let all: Dismissals = toml::from_str(&text_of(path)?).map_err(|error| wrong(error.to_string()))?;
    let one = |written: Written| {
        known_id(&written.id).map_err(|error| wrong(error.to_string()))?;
        if written.reason.trim().is_empty() {
            return Err(wrong(format!("the dismissal of {} has no reason", written.id)));
        }
        let until = written.until.to_string().parse().map_err(|_| {
            wrong(format!("{}: until = {} is no day, such as 2026-12-31", written.id, written.until))
        })?;
        let Written { id, resource, rule, reason, .. } = written;
        Ok(Dismissal { id, resource, rule, reason, until })
    };
    all.dismiss.into_iter().map(one).collect()
}

/// The dismissals of the policy behind one argument: `policy:FILE`, or a generation with its copy of the policy. Each is
/// only for what that argument names.
fn of_policy(what: &str) -> Result<Vec<Dismissed>, Failure> {
    let (source, start) = if let Some(file) = policy_of(what) {
        (select::environment(Path::new(file))?.source().clone(), format!("policy:{file}/"))
    } else {
        let copy = Path::new(what).join(POLICY_COPY);
        let Some(text) = plain::read_text(&copy).ok() else { return Ok(Vec::new()) };
        // What is wrong with a copy is not for lint to say.
        let Ok(source) = PolicySource::read(&copy.display().to_string(), &text) else {
            return Ok(Vec::new());
        };
        (source, Path::new(what).join("").display().to_string())
    };
    let of = source.intent.lint.dismiss.iter().filter_map(dismissal_of);
    Ok(of.map(|dismissal| Dismissed { start: start.clone(), dismissal }).collect())
}

/// The dismissals that still hold; of those that do not it is said.
fn dismissals(args: &Lint) -> Result<Vec<Dismissed>, Failure> {
    let today = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut all: Vec<(String, Dismissed)> = Vec::new();
    if let Some(path) = &args.dismissals {
        let own = of_file(path)?.into_iter().map(|dismissal| Dismissed { start: String::new(), dismissal });
        all.extend(own.map(|dismissed| (path.display().to_string(), dismissed)));
    }
    for what in &args.files {
        all.extend(of_policy(what)?.into_iter().map(|dismissed| (what.clone(), dismissed)));
    }
    let mut hold = Vec::new();
    for (place, dismissed) in all {
        let Dismissal { id, reason, until, .. } = &dismissed.dismissal;
        if *until < today {
            output::say(&format!(
                "{place}: the dismissal of {id} ended on {until} ({reason}): it counts again"
            ));
        } else {
            hold.push(dismissed);
        }
    }
    Ok(hold)
}
