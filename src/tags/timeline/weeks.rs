//! [`Timeline`]: what every tag held in every known week, kept by what changed.

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::civil::Date;

use super::super::name::TagName;
use super::super::snapshot::{Snapshot, Tag};
use super::pieces::{self, Overlaps, Piece};
use crate::addr::{AddrSet, Count, IntervalSet, IpPrefix};
use crate::text::sha256_hex;

/// One publication of the service tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// The day of publication.
    pub date: Date,
    /// The file's own number; a label only.
    pub change_number: u64,
    /// Digest of the content.
    pub digest: String,
}

/// Weeks in a row in which a tag was published alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The first week, as a place in [`Timeline::weeks`].
    pub from: u32,
    /// The last week; `None` while the tag is still so in the newest one.
    pub last: Option<u32>,
    /// How many prefixes were published: IPv4, IPv6.
    pub prefixes: [u32; 2],
    /// How many addresses they hold: IPv4, IPv6.
    pub addresses: [Count; 2],
    /// SHA-256 of the fewest prefixes that hold these addresses, one a line, as `tagwall expand TAG` prints them.
    pub hash: String,
}

/// A tag over all weeks.
#[derive(Debug, Clone)]
pub struct TagHistory {
    /// The name, as the newest week that has it spells it.
    pub name: TagName,
    /// When it was published how, ascending. Between two runs the tag may have been absent.
    pub runs: Vec<Run>,
    /// IPv4 addresses with the weeks in which the tag held them.
    pub v4: Vec<Piece<u32>>,
    /// IPv6 addresses with the weeks in which the tag held them.
    pub v6: Vec<Piece<u128>>,
}

/// What every tag of one cloud held in every known week.
///
/// A tag's addresses are kept as pieces, each with the first and last week in which the tag held it, so that the size
/// grows with what changes, not with weeks times tags.
///
/// | operation | cost, for `p` pieces in all |
/// |---|---|
/// | [`push`](Self::push) | linear in the prefixes of the week; where tags change, in their pieces |
/// | [`fits`](Self::fits) | `O(n log p)` for `n` intervals, and the pieces that are met; `O(p log p)` once before |
/// | [`set_at`](Self::set_at) | linear in the pieces of the tag |
///
/// ```
/// use jiff::civil::date;
/// use tagwall::tags::{Snapshot, Timeline, Week};
/// let file = |prefixes: &str| format!(r#"{{"changeNumber": 1, "cloud": "Public", "values": [{{"name": "Sql", "id":
///     "Sql", "properties": {{"addressPrefixes": [{prefixes}]}}}}]}}"#);
/// let mut timeline = Timeline::default();
/// for (day, prefixes) in [(1, r#""192.0.2.0/25""#), (8, r#""192.0.2.0/24""#)] {
///     let snapshot = Snapshot::parse(file(prefixes).as_bytes())?;
///     timeline.push(Week::of(date(2026, 6, day), &snapshot), &snapshot);
/// }
/// let pasted = timeline.set_at("sql", 0).unwrap();
/// let best = &timeline.fits(&pasted)[0];
/// assert_eq!((best.tag.as_str(), best.weeks.as_slice()), ("Sql", &[(0, 0)][..]));
/// assert_eq!(timeline.set_at("Sql", 1).unwrap().difference(&pasted).count(), 128_u64.into());
/// # Ok::<(), tagwall::tags::SnapshotError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    weeks: Vec<Week>,
    tags: Vec<TagHistory>,
    /// Places in `tags` by the name in lower case.
    by_name: HashMap<String, u32>,
    overlaps: OnceLock<(Overlaps<u32>, Overlaps<u128>)>,
    ever: OnceLock<AddrSet>,
}

impl Week {
    /// The week of a snapshot that was published on `date`.
    pub fn of(date: Date, snapshot: &Snapshot) -> Self {
        Week { date, change_number: snapshot.change_number(), digest: snapshot.digest().to_owned() }
    }
}

impl Run {
    /// Whether the run holds a week.
    pub fn holds(&self, week: u32) -> bool {
        self.from <= week && self.last.is_none_or(|last| week <= last)
    }
}

impl TagHistory {
    /// How the tag was published in a week; `None` where it was absent.
    pub fn run_at(&self, week: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.holds(week))
    }

    /// What the tag held in a week; nothing where it was absent.
    pub fn set_at(&self, week: u32) -> AddrSet {
        AddrSet { v4: pieces::at(&self.v4, week), v6: pieces::at(&self.v6, week) }
    }

    /// What came in a week, and what went.
    pub fn change_at(&self, week: u32) -> (AddrSet, AddrSet) {
        let before = week.checked_sub(1).map_or_else(AddrSet::empty, |before| self.set_at(before));
        let now = self.set_at(week);
        (now.difference(&before), before.difference(&now))
    }
}

impl Timeline {
    /// A timeline of histories that were kept somewhere.
    pub fn new(weeks: Vec<Week>, tags: Vec<TagHistory>) -> Self {
        let by_name = tags.iter().zip(0..).map(|(tag, at)| (key(tag.name.as_str()), at)).collect();
        Timeline { weeks, tags, by_name, ..Timeline::default() }
    }

    /// The weeks, oldest first.
    pub fn weeks(&self) -> &[Week] {
        &self.weeks
    }

    /// The date of a week.
    ///
    /// # Panics
    /// If there is no such week.
    pub fn date(&self, week: u32) -> Date {
        self.weeks[week as usize].date
    }

    /// The place of the newest week.
    pub fn newest(&self) -> Option<u32> {
        u32::try_from(self.weeks.len()).expect("fewer than 2^32 weeks").checked_sub(1)
    }

    /// Every tag that any week has, in no order that means anything.
    pub fn tags(&self) -> &[TagHistory] {
        &self.tags
    }

    /// Finds a tag by its name in any case.
    pub fn tag(&self, name: &str) -> Option<&TagHistory> {
        self.by_name.get(&key(name)).map(|&at| &self.tags[at as usize])
    }

    /// What a tag held in a week; `None` if it was absent.
    pub fn set_at(&self, name: &str, week: u32) -> Option<AddrSet> {
        let tag = self.tag(name)?;
        tag.run_at(week).map(|_| tag.set_at(week))
    }

    /// Every address that any tag held in any week.
    pub fn ever(&self) -> &AddrSet {
        self.ever.get_or_init(|| AddrSet {
            v4: IntervalSet::from_intervals(
                self.tags.iter().flat_map(|t| t.v4.iter().map(|p| p.interval)).collect(),
            ),
            v6: IntervalSet::from_intervals(
                self.tags.iter().flat_map(|t| t.v6.iter().map(|p| p.interval)).collect(),
            ),
        })
    }

    /// Adds the week that follows the newest one. Gives the places of the tags that are not as they were.
    ///
    /// # Panics
    /// In debug builds, if the week is older than the newest one.
    pub fn push(&mut self, week: Week, snapshot: &Snapshot) -> Vec<u32> {
        debug_assert!(self.weeks.last().is_none_or(|newest| newest.date <= week.date), "weeks ascend");
        let at = u32::try_from(self.weeks.len()).expect("fewer than 2^32 weeks");
        self.weeks.push(week);
        (self.overlaps, self.ever) = Default::default();
        let mut changed = Vec::new();
        let mut there = vec![false; self.tags.len()];
        for tag in snapshot.tags() {
            let place = self.place(tag.name());
            there.resize(self.tags.len(), false);
            there[place as usize] = true;
            let history = &mut self.tags[place as usize];
            let renamed = history.name != *tag.name();
            history.name = tag.name().clone();
            if history.publish(tag, at) || renamed {
                changed.push(place);
            }
        }
        for (place, _) in there.iter().enumerate().filter(|(_, there)| !**there) {
            if self.tags[place].vanish(at) {
                changed.push(place as u32);
            }
        }
        changed
    }

    fn place(&mut self, name: &TagName) -> u32 {
        let next = u32::try_from(self.tags.len()).expect("fewer than 2^32 tags");
        let place = *self.by_name.entry(key(name.as_str())).or_insert(next);
        if place == next {
            let (v4, v6) = (Vec::new(), Vec::new());
            self.tags.push(TagHistory { name: name.clone(), runs: Vec::new(), v4, v6 });
        }
        place
    }

    /// When tags held a prefix, all of it or some: spans of weeks, ascending by tag and week.
    pub fn spans_of(&self, prefix: IpPrefix) -> Vec<PrefixSpan> {
        let asked = AddrSet::from(prefix);
        let mut found = Vec::new();
        for tag in &self.tags {
            let meets = tag.v4.iter().any(|p| !asked.v4.is_clear_of(p.interval))
                || tag.v6.iter().any(|p| !asked.v6.is_clear_of(p.interval));
            if meets {
                self.spans_in(tag, &asked, &mut found);
            }
        }
        found.sort_by(|a, b| (&a.tag, a.from).cmp(&(&b.tag, b.from)));
        found
    }

    fn spans_in(&self, tag: &TagHistory, asked: &AddrSet, found: &mut Vec<PrefixSpan>) {
        let mut open: Option<PrefixSpan> = None;
        for week in 0..self.weeks.len() as u32 {
            let held = tag.set_at(week).intersection(asked);
            let whole = held == *asked;
            match &mut open {
                Some(span) if !held.is_empty() && span.whole == whole => span.last = week,
                _ => {
                    found.extend(open.take());
                    let span = || PrefixSpan { tag: tag.name.clone(), from: week, last: week, whole };
                    open = (!held.is_empty()).then(span);
                }
            }
        }
        found.extend(open);
    }

    /// The pieces of all tags, by address.
    pub(super) fn overlaps(&self) -> &(Overlaps<u32>, Overlaps<u128>) {
        self.overlaps.get_or_init(|| {
            let numbered = || self.tags.iter().zip(0..);
            let v4 = numbered().flat_map(|(tag, at)| tag.v4.iter().map(move |piece| (at, *piece)));
            let v6 = numbered().flat_map(|(tag, at)| tag.v6.iter().map(move |piece| (at, *piece)));
            (Overlaps::new(v4.collect()), Overlaps::new(v6.collect()))
        })
    }
}

/// Weeks in a row in which a tag held a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixSpan {
    /// The tag.
    pub tag: TagName,
    /// The first week.
    pub from: u32,
    /// The last week.
    pub last: u32,
    /// Whether the tag held all of the prefix.
    pub whole: bool,
}

impl TagHistory {
    /// Notes how the tag is published in a week; whether that is new.
    fn publish(&mut self, tag: &Tag, week: u32) -> bool {
        let run = Run {
            from: week,
            last: None,
            prefixes: [tag.v4().len() as u32, tag.v6().len() as u32],
            addresses: [tag.set().v4.count(), tag.set().v6.count()],
            hash: hash(tag.set()),
        };
        let open = self.runs.last_mut().filter(|open| open.last.is_none());
        if let Some(open) = open {
            if open.hash == run.hash && open.prefixes == run.prefixes {
                return false;
            }
            open.last = Some(week - 1);
        }
        self.runs.push(run);
        pieces::advance(&mut self.v4, &tag.set().v4, week);
        pieces::advance(&mut self.v6, &tag.set().v6, week);
        true
    }

    /// Notes that the tag is absent in a week; whether that is new.
    fn vanish(&mut self, week: u32) -> bool {
        let Some(open) = self.runs.last_mut().filter(|open| open.last.is_none()) else { return false };
        open.last = Some(week - 1);
        pieces::advance(&mut self.v4, &IntervalSet::empty(), week);
        pieces::advance(&mut self.v6, &IntervalSet::empty(), week);
        true
    }
}

fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// SHA-256 of the fewest prefixes of a set, one a line.
fn hash(set: &AddrSet) -> String {
    let mut text = Vec::new();
    let written = set.write_text(|block| {
        text.extend_from_slice(block);
        Ok::<(), std::convert::Infallible>(())
    });
    match written {
        Ok(()) => sha256_hex(&text),
    }
}

#[cfg(test)]
mod tests;
