//! Whether new data may take the place of old. Pure: what is known comes in as arguments.
//!
//! Two steps. [`read`] refuses what is no service-tags file of the cloud at all; nothing overrides that. [`judge`]
//! holds a whole file against the last good one; each of its [`Rule`]s can be overridden by its name.
//!
//! Change numbers play no part in a refusal: in the published history they stand still while content changes, and go
//! back. Both are accepted with a note.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::addr::AddrSet;
use crate::tags::{Cloud, Snapshot, SnapshotError};

/// A rule by which whole data is refused. Each has a name, by which it is overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// More tags are gone than [`Thresholds::tags_lost`].
    FewerTags,
    /// Fewer addresses than [`Thresholds::addresses_lost`] allows.
    FewerAddresses,
    /// More tags than [`Thresholds::growth_per_week`] allows.
    MoreTags,
    /// More addresses than [`Thresholds::growth_per_week`] allows.
    MoreAddresses,
    /// A tag that a policy uses is gone.
    UsedTagGone,
    /// A tag that a policy uses has no addresses any more.
    UsedTagEmpty,
    /// A tag that a policy uses lost more than [`Thresholds::used_tag_lost`].
    UsedTagShrunk,
    /// The file is dated before the last good one.
    OlderDate,
    /// The content is that of a file before the last good one, under a new name.
    OlderContent,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 9] = [
        Rule::FewerTags,
        Rule::FewerAddresses,
        Rule::MoreTags,
        Rule::MoreAddresses,
        Rule::UsedTagGone,
        Rule::UsedTagEmpty,
        Rule::UsedTagShrunk,
        Rule::OlderDate,
        Rule::OlderContent,
    ];

    /// The name that overrides it.
    pub fn name(self) -> &'static str {
        match self {
            Rule::FewerTags => "fewer-tags",
            Rule::FewerAddresses => "fewer-addresses",
            Rule::MoreTags => "more-tags",
            Rule::MoreAddresses => "more-addresses",
            Rule::UsedTagGone => "used-tag-gone",
            Rule::UsedTagEmpty => "used-tag-empty",
            Rule::UsedTagShrunk => "used-tag-shrunk",
            Rule::OlderDate => "older-date",
            Rule::OlderContent => "older-content",
        }
    }

    /// Finds a rule by its name.
    pub fn find(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How much may change before somebody has to look, in percent of the last good data.
///
/// The defaults let every week of the archived history of four clouds pass except the one in which 363 tags
/// disappeared at once (Public, 2023-01-30: 13.7 % of all).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// By how much the number of tags may fall.
    pub tags_lost: u32,
    /// By how much the addresses of one family may shrink.
    pub addresses_lost: u32,
    /// By how much tags and addresses may grow for each week between the two files.
    pub growth_per_week: u32,
    /// By how much a single tag that a policy uses may shrink.
    pub used_tag_lost: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { tags_lost: 10, addresses_lost: 20, growth_per_week: 25, used_tag_lost: 50 }
    }
}

impl Thresholds {
    /// The stricter of two, figure by figure.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Thresholds {
            tags_lost: self.tags_lost.min(other.tags_lost),
            addresses_lost: self.addresses_lost.min(other.addresses_lost),
            growth_per_week: self.growth_per_week.min(other.growth_per_week),
            used_tag_lost: self.used_tag_lost.min(other.used_tag_lost),
        }
    }
}

/// A snapshot with the date of its publication, where that is known.
#[derive(Debug, Clone, Copy)]
pub struct Dated<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Its date.
    pub date: Option<Date>,
    /// The newest date under which the same content was published before, where that is known.
    pub seen: Option<Date>,
}

/// What was found about new data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; empty if it is not.
    pub refusals: Vec<(Rule, String)>,
    /// What is remarkable, but no reason to refuse it; overridden refusals are among these.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether the data may be taken.
    pub fn is_accepted(&self) -> bool {
        self.refusals.is_empty()
    }

    /// The reasons in words, each with the name that overrides it.
    pub fn reasons(&self) -> Vec<String> {
        self.refusals.iter().map(|(rule, text)| format!("{text} (override with --accept {rule})")).collect()
    }

    fn find(&mut self, accepted: &[Rule], rule: Rule, text: String) {
        if accepted.contains(&rule) {
            self.notes.push(format!("{text}; accepted by --accept {rule}"));
        } else {
            self.refusals.push((rule, text));
        }
    }
}

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

/// Holds new data against the last good one.
///
/// `used` are the tags that policies name, `accepted` the rules that somebody has overridden. Without anything
/// known before, everything is accepted.
pub fn judge(
    old: Option<Dated<'_>>,
    new: Dated<'_>,
    used: &BTreeSet<String>,
    thresholds: &Thresholds,
    accepted: &[Rule],
) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(old) = old else { return verdict };
    if old.snapshot.digest() == new.snapshot.digest() {
        return verdict;
    }
    judge_date(old, new, accepted, &mut verdict);
    note_number(old.snapshot, new.snapshot, &mut verdict);
    let weeks = weeks_between(old.date, new.date);
    judge_tags(old.snapshot, new.snapshot, weeks, thresholds, accepted, &mut verdict);
    judge_addresses(old.snapshot, new.snapshot, weeks, thresholds, accepted, &mut verdict);
    for name in used {
        judge_used(name, old.snapshot, new.snapshot, thresholds, accepted, &mut verdict);
    }
    verdict
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

/// Whole weeks between two files, at least one: data may have been out of reach for months.
fn weeks_between(old: Option<Date>, new: Option<Date>) -> f64 {
    let days = old.zip(new).map_or(7, |(old, new)| (new - old).get_days());
    (f64::from(days) / 7.0).max(1.0)
}

fn judge_tags(
    old: &Snapshot,
    new: &Snapshot,
    weeks: f64,
    thresholds: &Thresholds,
    accepted: &[Rule],
    verdict: &mut Verdict,
) {
    let (before, now) = (old.tags().len(), new.tags().len());
    let change = percent(before as f64, now as f64);
    if change < -f64::from(thresholds.tags_lost) {
        let gone: Vec<&str> =
            old.tags().iter().map(|t| t.name().as_str()).filter(|name| new.tag(name).is_none()).collect();
        let text = format!(
            "{} tags disappeared: {before} before, {now} now, {:.1} % fewer, where at most {} % may go; gone are {}",
            gone.len(),
            -change,
            thresholds.tags_lost,
            some_of(&gone),
        );
        verdict.find(accepted, Rule::FewerTags, text);
    }
    let most = f64::from(thresholds.growth_per_week) * weeks;
    if before > 0 && change > most {
        let text =
            format!("{before} tags became {now}, {change:.1} % more, where at most {most:.0} % may come");
        verdict.find(accepted, Rule::MoreTags, text);
    }
}

fn judge_addresses(
    old: &Snapshot,
    new: &Snapshot,
    weeks: f64,
    thresholds: &Thresholds,
    accepted: &[Rule],
    verdict: &mut Verdict,
) {
    let (before, now) = (all_addresses(old), all_addresses(new));
    let families = [("IPv4", before.v4.count(), now.v4.count()), ("IPv6", before.v6.count(), now.v6.count())];
    let most = f64::from(thresholds.growth_per_week) * weeks;
    for (family, before, now) in families {
        if before.is_zero() {
            if !now.is_zero() {
                verdict.notes.push(format!("the file has {family} prefixes now, and had none before"));
            }
            continue;
        }
        let change = percent(before.to_f64(), now.to_f64());
        if change < -f64::from(thresholds.addresses_lost) {
            let text = format!(
                "{:.1} % of all {family} addresses disappeared, where at most {} % may go",
                -change, thresholds.addresses_lost
            );
            verdict.find(accepted, Rule::FewerAddresses, text);
        } else if change > most {
            let text = format!(
                "there are {change:.1} % more {family} addresses, where at most {most:.0} % may come"
            );
            verdict.find(accepted, Rule::MoreAddresses, text);
        }
    }
}

fn judge_used(
    name: &str,
    old: &Snapshot,
    new: &Snapshot,
    thresholds: &Thresholds,
    accepted: &[Rule],
    verdict: &mut Verdict,
) {
    let Some(before) = old.tag(name) else { return };
    let Some(now) = new.tag(name) else {
        let text = format!("the tag {name}, which a policy uses, disappeared");
        return verdict.find(accepted, Rule::UsedTagGone, text);
    };
    let (old, new) = (before.set(), now.set());
    let families = [("IPv4", old.v4.count(), new.v4.count()), ("IPv6", old.v6.count(), new.v6.count())];
    if new.is_empty() && !old.is_empty() {
        let text = format!("the tag {name}, which a policy uses, has no addresses any more");
        return verdict.find(accepted, Rule::UsedTagEmpty, text);
    }
    for (family, before, now) in families {
        let change = percent(before.to_f64(), now.to_f64());
        if !before.is_zero() && change < -f64::from(thresholds.used_tag_lost) {
            let text = format!(
                "the tag {name}, which a policy uses, lost {:.1} % of its {family} addresses, where at most {} % may \
                 go",
                -change, thresholds.used_tag_lost
            );
            verdict.find(accepted, Rule::UsedTagShrunk, text);
        }
    }
}

fn all_addresses(snapshot: &Snapshot) -> AddrSet {
    AddrSet {
        v4: snapshot.tags().iter().flat_map(|t| t.v4().iter().copied()).collect(),
        v6: snapshot.tags().iter().flat_map(|t| t.v6().iter().copied()).collect(),
    }
}

fn percent(before: f64, now: f64) -> f64 {
    if before == 0.0 { 0.0 } else { (now / before - 1.0) * 100.0 }
}

fn some_of(names: &[&str]) -> String {
    let shown = names[..names.len().min(5)].join(", ");
    match names.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(number: u64, tags: &[(&str, &[&str])]) -> Snapshot {
        let values: Vec<_> = tags
            .iter()
            .map(|(name, prefixes)| {
                serde_json::json!({"name": name, "properties": {"region": "", "addressPrefixes": prefixes}})
            })
            .collect();
        let file = serde_json::json!({"changeNumber": number, "cloud": "Public", "values": values});
        Snapshot::parse(file.to_string().as_bytes()).unwrap()
    }

    fn dated<'a>(snapshot: &'a Snapshot, date: &str) -> Dated<'a> {
        Dated { snapshot, date: Some(date.parse().unwrap()), seen: None }
    }

    fn rules(old: &Snapshot, new: &Snapshot, used: &[&str], accepted: &[Rule]) -> Vec<Rule> {
        let used = used.iter().map(|&name| name.to_owned()).collect();
        let (old, new) = (dated(old, "2026-06-08"), dated(new, "2026-06-15"));
        let verdict = judge(Some(old), new, &used, &Thresholds::default(), accepted);
        verdict.refusals.iter().map(|(rule, _)| *rule).collect()
    }

    #[test]
    fn what_is_no_file_is_told_apart() {
        let cloud = Cloud::Public;
        assert!(matches!(read(b"<html><title>x</title>", cloud), Err(Unusable::NotJson(_))));
        assert!(matches!(read(b"", cloud), Err(Unusable::NotJson(_))));
        assert!(matches!(read(br#"{"changeNumber": 1, "cl"#, cloud), Err(Unusable::CutOff(_))));
        let empty = br#"{"changeNumber": 1, "cloud": "Public", "values": []}"#;
        assert_eq!(read(empty, cloud).unwrap_err(), Unusable::Empty("no tags"));
        let text = read(empty, Cloud::China).unwrap_err().to_string();
        assert_eq!(text, "the file is of the cloud public, where china was asked for");
        assert!(matches!(read(b"{\"a\": 1,}", cloud), Err(Unusable::Malformed(_))));
    }

    #[test]
    fn losses_and_growth_are_refused_and_can_be_overridden() {
        let whole = snapshot(7, &[("A", &["10.0.0.0/9"]), ("B", &["10.128.0.0/9"])]);
        let tags = snapshot(8, &[("A", &["10.0.0.0/8"])]);
        assert_eq!(rules(&whole, &tags, &[], &[]), [Rule::FewerTags]);
        assert_eq!(rules(&tags, &whole, &[], &[]), [Rule::MoreTags]);
        let half = snapshot(8, &[("A", &["10.0.0.0/9"]), ("B", &["10.0.0.0/9"])]);
        assert_eq!(rules(&whole, &half, &[], &[]), [Rule::FewerAddresses]);
        assert_eq!(rules(&half, &whole, &[], &[]), [Rule::MoreAddresses]);
        assert!(rules(&half, &whole, &[], &[Rule::MoreAddresses]).is_empty());
    }

    #[test]
    fn used_tags_are_watched_by_name() {
        let list = |b: &'static [&'static str]| snapshot(7, &[("A", &["10.0.0.0/8"]), ("B", b)]);
        let (old, empty) = (list(&["192.0.2.0/24"]), list(&[]));
        let gone = snapshot(7, &[("A", &["10.0.0.0/8"]), ("C", &["192.0.2.0/24"])]);
        assert_eq!(rules(&old, &gone, &["B"], &[]), [Rule::UsedTagGone]);
        assert_eq!(rules(&old, &empty, &["B"], &[]), [Rule::UsedTagEmpty]);
        assert_eq!(rules(&old, &list(&["192.0.2.0/26"]), &["B"], &[]), [Rule::UsedTagShrunk]);
        assert!(rules(&old, &gone, &["A"], &[]).is_empty());
    }

    #[test]
    fn dates_refuse_and_numbers_do_not() {
        let (old, new) = (snapshot(9, &[("A", &["10.0.0.0/9"])]), snapshot(8, &[("A", &["10.128.0.0/9"])]));
        let judged = |old, new| judge(Some(old), new, &BTreeSet::new(), &Thresholds::default(), &[]);
        let forward = judged(dated(&old, "2026-06-08"), dated(&new, "2026-06-15"));
        assert!(forward.is_accepted());
        assert_eq!(forward.notes, ["the change number went back from 9 to 8"]);
        let back = judged(dated(&old, "2026-06-15"), dated(&new, "2026-06-08"));
        assert_eq!(back.refusals[0].0, Rule::OlderDate);
        assert!(back.reasons()[0].ends_with("(override with --accept older-date)"));
        let returned = Dated { seen: Some("2026-06-01".parse().unwrap()), ..dated(&new, "2026-06-15") };
        assert_eq!(judged(dated(&old, "2026-06-08"), returned).refusals[0].0, Rule::OlderContent);
    }

    #[test]
    fn growth_is_measured_by_the_week() {
        let (old, new) = (snapshot(1, &[("A", &["10.0.0.0/9"])]), snapshot(2, &[("A", &["10.0.0.0/8"])]));
        let judged = |date| {
            let new = dated(&new, date);
            judge(Some(dated(&old, "2026-06-01")), new, &BTreeSet::new(), &Thresholds::default(), &[])
        };
        assert!(!judged("2026-06-08").is_accepted());
        assert!(judged("2026-07-06").is_accepted());
    }
}
