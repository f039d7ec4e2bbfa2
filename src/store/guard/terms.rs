//! What the guard knows and says: its rules by name, figures, and what is found.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::tags::Snapshot;

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
    /// A tag that a policy uses grew by more than [`Thresholds::used_tag_growth`], or gained addresses of a kind that it
    /// had none of: special ones, another cloud's, or some beyond its service's tag.
    UsedTagGrown,
    /// The first file, before which nothing is known, has much fewer or more tags or prefixes than published files of
    /// its cloud and time have had.
    UnusualSize,
    /// The file is dated before the last good one.
    OlderDate,
    /// The content is that of a file before the last good one, under a new name.
    OlderContent,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 11] = [
        Rule::FewerTags,
        Rule::FewerAddresses,
        Rule::MoreTags,
        Rule::MoreAddresses,
        Rule::UsedTagGone,
        Rule::UsedTagEmpty,
        Rule::UsedTagShrunk,
        Rule::UsedTagGrown,
        Rule::UnusualSize,
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
            Rule::UsedTagGrown => "used-tag-grown",
            Rule::UnusualSize => "unusual-size",
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
    /// By how much a single tag that a policy uses may grow for each week between the two files; by twice as much over
    /// eight weeks.
    pub used_tag_growth: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            tags_lost: 10,
            addresses_lost: 20,
            growth_per_week: 25,
            used_tag_lost: 50,
            used_tag_growth: 400,
        }
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
            used_tag_growth: self.used_tag_growth.min(other.used_tag_growth),
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
    /// Rules that would have refused it, but are overridden.
    pub overridden: Vec<Rule>,
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

    pub(super) fn find(&mut self, accepted: &[Rule], rule: Rule, text: String) {
        if accepted.contains(&rule) {
            self.notes.push(format!("{text}; accepted by --accept {rule}"));
            self.overridden.push(rule);
        } else {
            self.refusals.push((rule, text));
        }
    }
}

/// What new data is held to.
#[derive(Debug, Clone, Copy)]
pub struct Guard<'a> {
    /// How much may change.
    pub thresholds: &'a Thresholds,
    /// Rules that somebody has overridden.
    pub accepted: &'a [Rule],
    /// The tags that policies name.
    pub used: &'a BTreeSet<String>,
    /// Good data that is older than the last, against which tags in use are held too: eight weeks old or more, if there
    /// is any.
    pub earlier: Option<Dated<'a>>,
    /// Whether the data comes as a published file does: from Microsoft, or under a published file's name. Only then is
    /// its size, where nothing is known before, held against that of published files; else it is only told of.
    pub published: bool,
}

/// Whole weeks between two files, at least one: data may have been out of reach for months.
pub(super) fn weeks_between(old: Option<Date>, new: Option<Date>) -> f64 {
    let days = old.zip(new).map_or(7, |(old, new)| (new - old).get_days());
    (f64::from(days) / 7.0).max(1.0)
}

pub(super) fn percent(before: f64, now: f64) -> f64 {
    if before == 0.0 { 0.0 } else { (now / before - 1.0) * 100.0 }
}
