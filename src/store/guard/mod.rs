//! Whether new data may take the place of old. Pure: what is known comes in as arguments.
//!
//! Two steps. [`read`] refuses what is no service-tags file of the cloud at all; nothing overrides that. [`Guard::judge`]
//! holds a whole file against the last good one; each of its [`Rule`]s can be overridden by its name.
//!
//! Change numbers play no part in a refusal: in the published history they stand still while content changes, and go
//! back. Both are accepted with a note.

mod terms;
mod used;
mod usual;

#[cfg(feature = "fetch")]
use jiff::civil::Date;

pub use terms::{Dated, Guard, Rule, Thresholds, Verdict};
use terms::{percent, weeks_between};

use crate::addr::AddrSet;
use crate::tags::{Cloud, Snapshot, SnapshotError};

/// Why bytes are not a whole service-tags file of the cloud. Nothing overrides these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Something else came in the file's place.
    #[error("{0}")]
    NotJson(String),
    /// The file ends too early.
    #[error("the file is cut off: {0}")]
    CutOff(String),
    /// The form or content is wrong.
    #[error("the file is malformed: {0}")]
    Malformed(String),
    /// It is the file of another cloud.
    #[error("the file is of the cloud {found}, where {wanted} was asked for")]
    WrongCloud {
        /// What it should have been.
        wanted: Cloud,
        /// What it is.
        found: Cloud,
    },
    /// It holds nothing.
    #[error("the file has {0}")]
    Empty(&'static str),
}

/// Reads the published bytes of `cloud`.
///
/// # Errors
/// [`Unusable`], where they are not that.
pub fn read(json: &[u8], cloud: Cloud) -> Result<Snapshot, Unusable> {
    let snapshot = Snapshot::parse(json).map_err(|error| match &error {
        SnapshotError::NotJson { .. } => Unusable::NotJson(error.to_string()),
        SnapshotError::Json { message, .. } if message.starts_with("EOF") => {
            Unusable::CutOff(error.to_string())
        }
        _ => Unusable::Malformed(error.to_string()),
    })?;
    if snapshot.cloud() != cloud {
        return Err(Unusable::WrongCloud { wanted: cloud, found: snapshot.cloud() });
    }
    match snapshot.prefix_counts() {
        _ if snapshot.tags().is_empty() => Err(Unusable::Empty("no tags")),
        (0, 0) => Err(Unusable::Empty("no prefixes")),
        _ => Ok(snapshot),
    }
}

impl Guard<'_> {
    /// Holds new data against the last good one. Where nothing is known before, against what published files of the
    /// cloud usually hold.
    pub fn judge(&self, old: Option<Dated<'_>>, new: Dated<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let Some(old) = old else {
            self.judge_first(new, &mut verdict);
            return verdict;
        };
        if old.snapshot.digest() == new.snapshot.digest() {
            return verdict;
        }
        judge_date(old, new, self.accepted, &mut verdict);
        note_number(old.snapshot, new.snapshot, &mut verdict);
        let weeks = weeks_between(old.date, new.date);
        self.judge_tags(old.snapshot, new.snapshot, weeks, &mut verdict);
        self.judge_addresses(old.snapshot, new.snapshot, weeks, &mut verdict);
        self.judge_used_into(Some(old), new, &mut verdict);
        verdict
    }

    /// Holds the tags in use alone against what they were. For data that was taken before it was known that a policy
    /// would use them.
    pub fn judge_used(&self, old: Dated<'_>, new: Dated<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        if old.snapshot.digest() != new.snapshot.digest() {
            self.judge_used_into(Some(old), new, &mut verdict);
        }
        verdict
    }

    fn judge_used_into(&self, old: Option<Dated<'_>>, new: Dated<'_>, verdict: &mut Verdict) {
        self.used.iter().for_each(|name| used::judge(self, name, old, new, verdict));
    }

    fn judge_tags(&self, old: &Snapshot, new: &Snapshot, weeks: f64, verdict: &mut Verdict) {
        let (before, now) = (old.tags().len(), new.tags().len());
        let change = percent(before as f64, now as f64);
        if change < -f64::from(self.thresholds.tags_lost) {
            let gone: Vec<&str> =
                old.tags().iter().map(|t| t.name().as_str()).filter(|name| new.tag(name).is_none()).collect();
            let text = format!(
                "{} tags disappeared: {before} before, {now} now, {:.1} % fewer, where at most {} % may go; gone are {}",
                gone.len(),
                -change,
                self.thresholds.tags_lost,
                some_of(&gone),
            );
            verdict.find(self.accepted, Rule::FewerTags, text);
        }
        let most = f64::from(self.thresholds.growth_per_week) * weeks;
        if before > 0 && change > most {
            let text =
                format!("{before} tags became {now}, {change:.1} % more, where at most {most:.0} % may come");
            verdict.find(self.accepted, Rule::MoreTags, text);
        }
    }

    fn judge_addresses(&self, old: &Snapshot, new: &Snapshot, weeks: f64, verdict: &mut Verdict) {
        let (before, now) = (all_addresses(old), all_addresses(new));
        let families =
            [("IPv4", before.v4.count(), now.v4.count()), ("IPv6", before.v6.count(), now.v6.count())];
        let most = f64::from(self.thresholds.growth_per_week) * weeks;
        for (family, before, now) in families {
            if before.is_zero() {
                if !now.is_zero() {
                    verdict.notes.push(format!("the file has {family} prefixes now, and had none before"));
                }
                continue;
            }
            let change = percent(before.to_f64(), now.to_f64());
            if change < -f64::from(self.thresholds.addresses_lost) {
                let text = format!(
                    "{:.1} % of all {family} addresses disappeared, where at most {} % may go",
                    -change, self.thresholds.addresses_lost
                );
                verdict.find(self.accepted, Rule::FewerAddresses, text);
            } else if change > most {
                let text = format!(
                    "there are {change:.1} % more {family} addresses, where at most {most:.0} % may come"
                );
                verdict.find(self.accepted, Rule::MoreAddresses, text);
            }
        }
    }

    fn judge_first(&self, new: Dated<'_>, verdict: &mut Verdict) {
        let all = all_addresses(new.snapshot);
        let used = self.used.iter().filter_map(|name| usual::outgrown(new.snapshot.tag(name)?, &all));
        for text in usual::unusual(new.snapshot, &all, new.date).into_iter().chain(used) {
            if self.published {
                verdict.find(self.accepted, Rule::UnusualSize, text);
            } else {
                verdict.notes.push(format!("{text}; nothing was known before to hold it against"));
            }
        }
        self.judge_used_into(None, new, verdict);
    }
}

/// Whether data of `date` is old enough for growth since then to be held to a figure of its own.
#[cfg(feature = "fetch")]
pub(super) fn is_earlier(date: Option<Date>, new: Option<Date>) -> bool {
    date.zip(new).is_some_and(|(date, new)| f64::from((new - date).get_days()) >= 7.0 * used::CREEP_WEEKS)
}

fn judge_date(old: Dated<'_>, new: Dated<'_>, accepted: &[Rule], verdict: &mut Verdict) {
    if let (Some(before), Some(now)) = (old.date, new.date)
        && now < before
    {
        let text =
            format!("the file is older than the last good one: dated {now}, where that is of {before}");
        return verdict.find(accepted, Rule::OlderDate, text);
    }
    if let (Some(before), Some(seen)) = (old.date, new.seen)
        && seen < before
    {
        let text = format!("the content is that of {seen} again, where the last good file is of {before}");
        verdict.find(accepted, Rule::OlderContent, text);
    }
}

fn note_number(old: &Snapshot, new: &Snapshot, verdict: &mut Verdict) {
    let (before, now) = (old.change_number(), new.change_number());
    if now == before {
        verdict.notes.push(format!("the content changed, but the change number is still {now}"));
    } else if now < before {
        verdict.notes.push(format!("the change number went back from {before} to {now}"));
    }
}

fn all_addresses(snapshot: &Snapshot) -> AddrSet {
    AddrSet {
        v4: snapshot.tags().iter().flat_map(|t| t.v4().iter().copied()).collect(),
        v6: snapshot.tags().iter().flat_map(|t| t.v6().iter().copied()).collect(),
    }
}

fn some_of(names: &[&str]) -> String {
    let shown = names[..names.len().min(5)].join(", ");
    match names.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
