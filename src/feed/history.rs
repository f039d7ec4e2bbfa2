//! [`History`]: the stored weeks of one cloud as what changed between them. Any two can be held against each other, and the
//! addresses of a tag in any week are known, without keeping the weeks themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::addr::AddrSet;
use crate::store::StoredSnapshot;
use crate::tags::{Delta, FeatureChange, SetChange, Snapshot, TagName};

/// One stored snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Week {
    /// The day of publication, or else of arrival.
    pub date: Date,
    /// The file's own number; a label only.
    pub change_number: u64,
    /// Digest of the content.
    pub digest: String,
    /// When it came here; no two weeks share a second.
    pub first_published: Timestamp,
    /// How many tags it has.
    pub tags: usize,
}

impl Week {
    /// The week that a description stands for.
    pub fn of(entry: &StoredSnapshot) -> Self {
        Week {
            date: entry.day(),
            change_number: entry.change_number,
            digest: entry.digest.clone(),
            first_published: entry.fetched_at,
            tags: entry.tags,
        }
    }

    /// The digest as far as people and addresses need it.
    pub fn short(&self) -> &str {
        self.digest.get(..12).unwrap_or(&self.digest)
    }
}

/// The stored weeks of a cloud, oldest first, up to the one that is served.
#[derive(Debug, Clone)]
pub struct History {
    weeks: Vec<Week>,
    /// What changed on the way to each week; one less than there are weeks.
    deltas: Vec<Delta>,
    /// The numbers of the deltas that change a tag, ascending.
    by_tag: HashMap<TagName, Vec<usize>>,
}

/// Since when something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Place of the week in [`History::weeks`].
    pub week: usize,
    /// Whether it may have been so before: nothing older is stored.
    pub or_before: bool,
}

impl History {
    /// The weeks with the changes between them; `latest` is the data of the last week.
    ///
    /// # Panics
    /// If there is no week, or not one delta less than weeks.
    pub fn new(mut weeks: Vec<Week>, mut deltas: Vec<Delta>, latest: &Snapshot) -> Self {
        assert_eq!(weeks.len(), deltas.len() + 1, "a delta leads to every week but the first");
        distinct_seconds(&mut weeks);
        respell(&mut deltas, latest);
        let mut by_tag: HashMap<TagName, Vec<usize>> = HashMap::new();
        for (at, delta) in deltas.iter().enumerate() {
            for tag in delta.tags.keys() {
                by_tag.entry(tag.clone()).or_default().push(at);
            }
        }
        History { weeks, deltas, by_tag }
    }

    /// The weeks, oldest first; the last one is served.
    pub fn weeks(&self) -> &[Week] {
        &self.weeks
    }

    /// The week that is served.
    pub fn current(&self) -> &Week {
        self.weeks.last().expect("there is a week")
    }

    /// The changes, each on the way to the week that it comes with, oldest first.
    pub fn changes(&self) -> impl DoubleEndedIterator<Item = (&Week, &Week, &Delta)> {
        self.deltas.iter().enumerate().map(|(at, delta)| (&self.weeks[at], &self.weeks[at + 1], delta))
    }

    /// The changes of one tag, oldest first: places of weeks, and what the tag gained and lost in each.
    pub fn changes_of(&self, tag: &TagName) -> impl DoubleEndedIterator<Item = (usize, &SetChange)> {
        let places = self.by_tag.get(tag).map_or(&[][..], Vec::as_slice);
        let tag = tag.clone();
        places.iter().filter_map(move |&at| Some((at + 1, self.deltas[at].tags.get(&tag)?)))
    }

    /// The place of the week with this digest, or a beginning of at least six characters of it, or this date; of several
    /// of a date the last.
    pub fn find(&self, name: &str) -> Option<usize> {
        if name == "current" || name == "latest" {
            return Some(self.weeks.len() - 1);
        }
        let fits = |week: &Week| {
            (name.len() >= 6 && week.digest.starts_with(name))
                || (name.len() == 10 && name.parse().is_ok_and(|date: Date| date == week.date))
        };
        self.weeks.iter().rposition(fits)
    }

    /// Since when a part of a tag has been as it is: the last week in which `touches` says of a change that it matters.
    pub fn since(&self, tag: &TagName, touches: impl Fn(&SetChange) -> bool) -> Since {
        let last = self.changes_of(tag).rev().find(|(_, change)| touches(change));
        match last {
            Some((week, _)) => Since { week, or_before: false },
            None => Since { week: 0, or_before: true },
        }
    }

    /// The addresses that a tag had in a week, given those it has now.
    pub fn at(&self, tag: &TagName, now: &AddrSet, week: usize) -> AddrSet {
        let later = self.changes_of(tag).rev().take_while(|(at, _)| *at > week);
        later.fold(now.clone(), |set, (_, change)| set.difference(&change.added).union(&change.removed))
    }

    /// What changed from one week to another, also backwards.
    pub fn between(&self, from: usize, to: usize) -> Delta {
        if from > to {
            return reversed(&self.between(to, from));
        }
        let mut total = Total::default();
        self.deltas[from..to].iter().for_each(|delta| total.follow(delta));
        total.finish()
    }
}

/// Weeks that came in one second are told apart: clients hold times against each other by the second. The later one gets the
/// next second that is free, so that what an earlier one was served with stays.
fn distinct_seconds(weeks: &mut [Week]) {
    let mut used = BTreeSet::new();
    for week in weeks {
        let mut second = week.first_published.as_second();
        while !used.insert(second) {
            second += 1;
        }
        week.first_published = Timestamp::from_second(second).unwrap_or(week.first_published);
    }
}

/// A tag that was spelt with other capitals once goes by its present name.
fn respell(deltas: &mut [Delta], latest: &Snapshot) {
    let lower = |name: &TagName| name.as_str().to_ascii_lowercase();
    let mut known: HashMap<String, TagName> =
        latest.tags().iter().map(|tag| (lower(tag.name()), tag.name().clone())).collect();
    for delta in deltas.iter_mut().rev() {
        let mut now = |name: &TagName| known.entry(lower(name)).or_insert_with(|| name.clone()).clone();
        if delta.tags.keys().all(|name| now(name) == *name) {
            continue;
        }
        delta.tags = std::mem::take(&mut delta.tags).into_iter().map(|(name, c)| (now(&name), c)).collect();
        delta.features =
            std::mem::take(&mut delta.features).into_iter().map(|(name, c)| (now(&name), c)).collect();
    }
}

/// Changes one after the other as one. An address that leaves and comes back did not change.
#[derive(Default)]
struct Total {
    tags: BTreeMap<TagName, SetChange>,
    features: BTreeMap<TagName, FeatureChange>,
    names: BTreeMap<TagName, bool>,
    all: SetChange,
}

impl Total {
    fn follow(&mut self, delta: &Delta) {
        for (tag, change) in &delta.tags {
            let known = self.tags.entry(tag.clone()).or_default();
            *known = joined(known, change);
        }
        self.all = joined(&self.all, &delta.all);
        for (tag, change) in &delta.features {
            let known = self.features.entry(tag.clone()).or_default();
            *known = joined_features(known, change);
        }
        for (names, came) in [(&delta.tags_added, true), (&delta.tags_removed, false)] {
            for name in names {
                // What came and went again, or the other way round, did neither.
                if self.names.remove(name).is_none() {
                    self.names.insert(name.clone(), came);
                }
            }
        }
    }

    fn finish(self) -> Delta {
        let side = |pick: fn(&SetChange) -> &AddrSet| {
            self.tags.iter().map(|(name, change)| (name.clone(), pick(change).clone())).collect()
        };
        // Of the changes alone the same follows as of the weeks: what moved from tag to tag, too.
        let delta = Delta::between(&side(|c| &c.removed), &side(|c| &c.added));
        let named =
            |came| self.names.iter().filter(move |(_, c)| **c == came).map(|(n, _)| n.clone()).collect();
        Delta {
            tags_added: named(true),
            tags_removed: named(false),
            features: self.features.into_iter().filter(|(_, c)| *c != FeatureChange::default()).collect(),
            all: self.all,
            ..delta
        }
    }
}

fn joined(first: &SetChange, then: &SetChange) -> SetChange {
    SetChange {
        added: first.added.difference(&then.removed).union(&then.added.difference(&first.removed)),
        removed: first.removed.difference(&then.added).union(&then.removed.difference(&first.added)),
    }
}

fn joined_features(first: &FeatureChange, then: &FeatureChange) -> FeatureChange {
    let without = |a: &[String], b: &[String]| -> BTreeSet<String> {
        a.iter().filter(|name| !b.contains(name)).cloned().collect()
    };
    let join = |a: BTreeSet<String>, b: BTreeSet<String>| a.union(&b).cloned().collect();
    FeatureChange {
        added: join(without(&first.added, &then.removed), without(&then.added, &first.removed)),
        removed: join(without(&first.removed, &then.added), without(&then.removed, &first.added)),
    }
}

fn reversed(delta: &Delta) -> Delta {
    let turn =
        |change: &SetChange| SetChange { added: change.removed.clone(), removed: change.added.clone() };
    let mut moved: Vec<_> = delta
        .moved
        .iter()
        .map(|m| crate::tags::Move { from: m.to.clone(), to: m.from.clone(), addresses: m.addresses })
        .collect();
    moved.sort();
    Delta {
        tags_added: delta.tags_removed.clone(),
        tags_removed: delta.tags_added.clone(),
        tags: delta.tags.iter().map(|(name, change)| (name.clone(), turn(change))).collect(),
        features: delta
            .features
            .iter()
            .map(|(n, c)| (n.clone(), FeatureChange { added: c.removed.clone(), removed: c.added.clone() }))
            .collect(),
        all: turn(&delta.all),
        moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::IpPrefix;
    use crate::tags::Cloud;

    /// Some tags, each with the blocks of 203.0.113.0/24 that the mask names: sixteen addresses a bit.
    fn snapshot(tags: &[(&str, u16)]) -> Snapshot {
        let blocks = |mask: u16| -> Vec<String> {
            (0..16).filter(|i| mask >> i & 1 == 1).map(|i| format!("203.0.113.{}/28", i * 16)).collect()
        };
        let values: Vec<serde_json::Value> = tags
            .iter()
            .map(|(name, mask)| {
                serde_json::json!({"name": name, "properties": {"addressPrefixes": blocks(*mask)}})
            })
            .collect();
        let file = serde_json::json!({"changeNumber": 1, "cloud": "Public", "values": values});
        Snapshot::parse(file.to_string().as_bytes()).unwrap()
    }

    fn week(second: i64) -> Week {
        Week {
            date: Date::constant(2026, 3, 2),
            change_number: 1,
            digest: format!("{second:064}"),
            first_published: Timestamp::from_second(second).unwrap(),
            tags: 1,
        }
    }

    fn history(weeks: &[Snapshot]) -> History {
        let deltas = weeks.windows(2).map(|pair| Delta::of(&pair[0], &pair[1])).collect();
        let marks = (0..weeks.len()).map(|at| week(100 + at as i64)).collect();
        History::new(marks, deltas, weeks.last().unwrap())
    }

    /// A small generator, so that the weeks are the same in every run.
    fn weeks(seed: u64, number: usize) -> Vec<Snapshot> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u16
        };
        (0..number)
            .map(|_| {
                let some: Vec<(&str, u16)> = [("A", next()), ("B", next()), ("C", next())]
                    .into_iter()
                    .filter(|t| t.1 % 4 > 0)
                    .collect();
                if some.is_empty() { snapshot(&[("A", 1)]) } else { snapshot(&some) }
            })
            .collect()
    }

    #[test]
    fn any_two_weeks_are_held_against_each_other_as_if_both_were_there() {
        for seed in 0..40 {
            let weeks = weeks(seed, 6);
            let history = history(&weeks);
            for from in 0..weeks.len() {
                for to in 0..weeks.len() {
                    assert_eq!(
                        history.between(from, to),
                        Delta::of(&weeks[from], &weeks[to]),
                        "{seed}: {from} {to}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_addresses_of_a_tag_are_known_in_every_week() {
        for seed in 0..40 {
            let weeks = weeks(seed, 6);
            let history = history(&weeks);
            for name in ["A", "B", "C"] {
                let of = |s: &Snapshot| s.tag(name).map(|tag| tag.set().clone()).unwrap_or_default();
                let now = of(weeks.last().unwrap());
                for (at, week) in weeks.iter().enumerate() {
                    assert_eq!(history.at(&TagName::new(name), &now, at), of(week), "{seed}: {name} in {at}");
                }
            }
        }
    }

    #[test]
    fn since_when_an_address_is_in_a_tag() {
        let weeks = [1, 3, 2, 3, 7].map(|mask| snapshot(&[("A", mask)]));
        let history = history(&weeks);
        let since = |block: u8| {
            let address: AddrSet = format!("203.0.113.{}/32", block * 16).parse::<IpPrefix>().unwrap().into();
            let since = history.since(&TagName::new("A"), |change| !change.added.is_disjoint(&address));
            (since.week, since.or_before)
        };
        assert_eq!((since(0), since(1), since(2)), ((3, false), (1, false), (4, false)));
        assert_eq!(history.since(&TagName::new("B"), |_| true), Since { week: 0, or_before: true });
    }

    #[test]
    fn weeks_that_came_in_one_second_are_told_apart() {
        let mut weeks = vec![week(7), week(9), week(9), week(9)];
        distinct_seconds(&mut weeks);
        let seconds: Vec<i64> = weeks.iter().map(|w| w.first_published.as_second()).collect();
        assert_eq!(seconds, [7, 9, 10, 11]);
    }

    #[test]
    fn a_tag_with_other_capitals_is_the_same_tag() {
        let weeks = [snapshot(&[("sql", 1)]), snapshot(&[("sql", 3)]), snapshot(&[("Sql", 3)])];
        let history = history(&weeks);
        assert_eq!(history.changes_of(&TagName::new("Sql")).count(), 1);
        assert_eq!(weeks[0].cloud(), Cloud::Public);
    }
}
