//! Lists that are a service tag as it was: TW020, TW021.

use super::finding::Finding;
use super::message::{Message, OldList, Owners, Share, TagMatch};
use crate::addr::{AddrSet, Count};
use crate::read::live::Place;
use crate::tags::{Fit, Snapshot, TagHistory, TagName, Timeline, UnionFit};

/// A list of fewer blocks says too little to be anyone's.
const FEWEST: usize = 3;

/// How much of a tag and of the list's part in Azure has to agree, in percent, for the list to be the tag.
const NEAR: u128 = 60;

/// A list of addresses in a resource.
pub(super) struct List<'a> {
    pub(super) resource: &'a str,
    pub(super) rule: Option<&'a str>,
    pub(super) place: &'a Place,
    pub(super) set: AddrSet,
    /// How many entries are written down.
    pub(super) entries: usize,
}

/// What a list is, as far as the stored weeks tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The tags that it is: one, several that fit alike, or two that make it up together.
    pub tags: Vec<Fit>,
    /// Whether it is all of them together, and not any one of them.
    pub is_union: bool,
    /// Addresses of the list that no tag ever had.
    pub own: AddrSet,
}

/// The tags that a list of addresses is or nearly is, as of the weeks in which they fit best; `None` if it is none.
///
/// Addresses that no tag ever had stand beside it, and do not keep a list from being a tag.
///
/// # Cost
/// That of [`Timeline::fits`], and of [`Timeline::union_fit`] where no tag alone is the list.
pub fn origin_of(list: &AddrSet, timeline: &Timeline) -> Option<Origin> {
    let known = list.intersection(timeline.ever());
    if known.is_empty() {
        return None;
    }
    let own = list.difference(&known);
    let fits = timeline.fits(&known);
    let best = fits.first()?;
    if !best.distance().is_zero()
        && let Some(union) = timeline.union_fit(&known, &fits)
        && is_better(&union, best)
    {
        let part = |tag: &TagName| Fit {
            tag: tag.clone(),
            weeks: union.weeks.clone(),
            missing: union.missing,
            excess: union.excess,
            common: Count::ZERO,
        };
        return Some(Origin { tags: union.tags.iter().map(part).collect(), is_union: true, own });
    }
    if !is_near(best, &known) {
        return None;
    }
    let alike = fits.iter().take_while(|fit| fit.distance() == best.distance());
    let tags = alike.filter(|fit| fit.missing == best.missing).cloned().collect();
    Some(Origin { tags, is_union: false, own })
}

/// Whether two tags together say much more than one: at most half as many addresses are missing or in excess.
fn is_better(union: &UnionFit, best: &Fit) -> bool {
    union.distance() + union.distance() < best.distance()
}

fn is_near(fit: &Fit, known: &AddrSet) -> bool {
    let most =
        |whole: Count| fit.common.checked_mul(100).zip(whole.checked_mul(NEAR)).is_some_and(|(a, b)| a >= b);
    most(fit.common + fit.missing) && most(known.count())
}

/// What is found of a list.
pub(super) fn stale(list: &List<'_>, timeline: &Timeline, today: &Snapshot, found: &mut Vec<Finding>) {
    if list.entries < FEWEST || list.set.is_all() {
        return;
    }
    let Some(origin) = origin_of(&list.set, timeline) else { return };
    let matches: Vec<Matched<'_>> =
        origin.tags.iter().filter_map(|fit| Matched::new(list, fit, timeline, today)).collect();
    let Some(first) = matches.first() else { return };
    let missing = AddrSet::union_of(matches.iter().map(|m| &m.missing_today));
    let tags: Vec<TagMatch> = matches.iter().map(Matched::told).collect();
    let old = OldList {
        entries: list.entries,
        is_exact: first.exact,
        tags: tags.clone(),
        is_union: origin.is_union,
        own: origin.own.prefixes().count(),
    };
    let finding = |id: &str, message: Message| {
        let finding = Finding::new(id, list.resource, list.rule, list.place, message);
        Finding { tags: tags.clone(), ..finding }
    };
    if !missing.is_empty() {
        let message = Message::Stale { list: old.clone(), missing: shares(&missing, &matches, today) };
        found.push(
            finding("TW020", message).fix("name the tag where the target takes it, or paste the list anew"),
        );
    }
    let left = AddrSet::union_of(matches.iter().map(|m| &m.left));
    let left = if origin.is_union { beyond(&left, &matches, today) } else { left };
    if !left.is_empty() {
        let message = Message::Left { list: old, addresses: left.count(), owners: owners(&left, today) };
        found.push(finding("TW021", message).fix("take them out"));
    }
}

/// What none of the tags holds today.
fn beyond(left: &AddrSet, matches: &[Matched<'_>], today: &Snapshot) -> AddrSet {
    matches
        .iter()
        .filter_map(|m| today.tag(m.fit.tag.as_str()))
        .fold(left.clone(), |left, tag| left.difference(tag.set()))
}

/// A fit, with what became of it.
struct Matched<'a> {
    fit: &'a Fit,
    timeline: &'a Timeline,
    exact: bool,
    missing_today: AddrSet,
    left: AddrSet,
}

impl<'a> Matched<'a> {
    fn new(list: &List<'_>, fit: &'a Fit, timeline: &'a Timeline, today: &Snapshot) -> Option<Self> {
        let history: &TagHistory = timeline.tag(fit.tag.as_str())?;
        let then =
            fit.weeks.iter().fold(AddrSet::empty(), |set, (_, last)| set.union(&history.set_at(*last)));
        let now = today.tag(fit.tag.as_str()).map(|tag| tag.set().clone()).unwrap_or_default();
        let same_families = |set: AddrSet| AddrSet {
            v4: if list.set.v4.is_empty() { Default::default() } else { set.v4 },
            v6: if list.set.v6.is_empty() { Default::default() } else { set.v6 },
        };
        Some(Matched {
            fit,
            timeline,
            exact: fit.distance().is_zero(),
            missing_today: same_families(now.difference(&list.set)),
            left: list.set.intersection(&then).difference(&now),
        })
    }

    fn told(&self) -> TagMatch {
        let (first, last) = (self.fit.weeks[0].0, self.fit.weeks[self.fit.weeks.len() - 1].1);
        TagMatch {
            tag: self.fit.tag.clone(),
            from: self.timeline.date(first),
            to: self.timeline.date(last),
            missing: self.fit.missing,
            excess: self.fit.excess,
            missing_today: self.missing_today.count(),
            left: self.left.count(),
        }
    }
}

/// How much of what the tags hold today is missing, of the families that the list has.
fn shares(missing: &AddrSet, matches: &[Matched<'_>], today: &Snapshot) -> Vec<Share> {
    let now =
        AddrSet::union_of(matches.iter().filter_map(|m| today.tag(m.fit.tag.as_str())).map(|tag| tag.set()));
    let v4 = Share { missing: missing.v4.count(), of: now.v4.count(), is_v6: false };
    let v6 = Share { missing: missing.v6.count(), of: now.v6.count(), is_v6: true };
    [v4, v6].into_iter().filter(|share| !share.missing.is_zero()).collect()
}

/// Whose addresses are today.
fn owners(set: &AddrSet, today: &Snapshot) -> Owners {
    let mut rest = set.clone();
    let mut owners: Vec<(Count, TagName)> = Vec::new();
    let narrow = |tag: &&std::sync::Arc<crate::tags::Tag>| !tag.name().as_str().starts_with("AzureCloud");
    // The tags that hold most of them, narrow ones first; AzureCloud says only that it is somebody in Azure.
    for of_cloud in [false, true] {
        let mut able: Vec<(Count, &TagName, AddrSet)> = today
            .tags()
            .iter()
            .filter(|tag| narrow(tag) != of_cloud)
            .filter_map(|tag| {
                let part = tag.set().intersection(&rest);
                (!part.is_empty()).then(|| (part.count(), tag.name(), part))
            })
            .collect();
        able.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
        for (_, name, part) in able {
            let part = part.intersection(&rest);
            if part.is_empty() || owners.len() >= 3 {
                continue;
            }
            owners.push((part.count(), name.clone()));
            rest = rest.difference(&part);
        }
    }
    Owners { tags: owners, rest: rest.count() }
}
