//! Lists that are a service tag as it was: TW020, TW021.

use super::finding::{Finding, TagMatch};
use crate::addr::{AddrSet, Count};
use crate::read::live::Place;
use crate::tags::{Fit, Snapshot, TagHistory, Timeline, UnionFit};

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
        let part = |tag: &crate::tags::TagName| Fit {
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
    let joined = matches.iter().map(Matched::words).collect::<Vec<_>>();
    let joined = joined.join(if origin.is_union { " together with " } else { " or " });
    let own = match origin.own.prefixes().count() {
        0 => String::new(),
        1 => ", with 1 prefix of its own beside".to_owned(),
        n => format!(", with {n} prefixes of its own beside"),
    };
    let (blocks, fits) = (list.entries, if first.exact { "are" } else { "are nearly" });
    let finding = |id: &str, what: String| {
        let message = format!("its {blocks} entries {fits} {joined}{own}; {what}");
        let finding = Finding::new(id, list.resource, list.rule, list.place, message);
        Finding { tags: matches.iter().map(Matched::told).collect(), ..finding }
    };
    if !missing.is_empty() {
        let what = format!("today {} of the tag's addresses are missing", share(&missing, &matches, today));
        found.push(
            finding("TW020", what).fix("name the tag where the target takes it, or paste the list anew"),
        );
    }
    let left = AddrSet::union_of(matches.iter().map(|m| &m.left));
    let left = if origin.is_union { beyond(&left, &matches, today) } else { left };
    if !left.is_empty() {
        let what = format!("{} addresses are no longer in it: {}", left.count(), whose(&left, today));
        found.push(finding("TW021", what).fix("take them out"));
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

    fn span(&self) -> (String, String) {
        let (first, last) = (self.fit.weeks[0].0, self.fit.weeks[self.fit.weeks.len() - 1].1);
        (self.timeline.date(first).to_string(), self.timeline.date(last).to_string())
    }

    fn words(&self) -> String {
        let (from, to) = self.span();
        if from == to {
            format!("{} as published on {from}", self.fit.tag)
        } else {
            format!("{} as published from {from} to {to}", self.fit.tag)
        }
    }

    fn told(&self) -> TagMatch {
        let (from, to) = self.span();
        TagMatch {
            tag: self.fit.tag.to_string(),
            from,
            to,
            missing: self.fit.missing.to_string(),
            excess: self.fit.excess.to_string(),
            missing_today: self.missing_today.count().to_string(),
            left: self.left.count().to_string(),
        }
    }
}

/// How much of what the tags hold today is missing: in percent of the families that the list has.
fn share(missing: &AddrSet, matches: &[Matched<'_>], today: &Snapshot) -> String {
    let now =
        AddrSet::union_of(matches.iter().filter_map(|m| today.tag(m.fit.tag.as_str())).map(|tag| tag.set()));
    let family = |missing: Count, now: Count| {
        (!missing.is_zero()).then(|| format!("{:.1} %", 100.0 * missing.to_f64() / now.to_f64()))
    };
    let v4 = family(missing.v4.count(), now.v4.count());
    let v6 = family(missing.v6.count(), now.v6.count()).map(|share| format!("{share} (IPv6)"));
    v4.into_iter().chain(v6).collect::<Vec<_>>().join(" and ")
}

/// Whose addresses are today.
fn whose(set: &AddrSet, today: &Snapshot) -> String {
    let mut rest = set.clone();
    let mut owners: Vec<String> = Vec::new();
    let narrow = |tag: &&std::sync::Arc<crate::tags::Tag>| !tag.name().as_str().starts_with("AzureCloud");
    // The tags that hold most of them, narrow ones first; AzureCloud says only that it is somebody in Azure.
    for of_cloud in [false, true] {
        let mut able: Vec<(Count, &str, AddrSet)> = today
            .tags()
            .iter()
            .filter(|tag| narrow(tag) != of_cloud)
            .filter_map(|tag| {
                let part = tag.set().intersection(&rest);
                (!part.is_empty()).then(|| (part.count(), tag.name().as_str(), part))
            })
            .collect();
        able.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
        for (_, name, part) in able {
            let part = part.intersection(&rest);
            if part.is_empty() || owners.len() >= 3 {
                continue;
            }
            owners.push(format!("{} {name}", part.count()));
            rest = rest.difference(&part);
        }
    }
    match (rest.count(), owners.is_empty()) {
        (Count::ZERO, _) => format!("today {}", owners.join(", ")),
        (_, true) => "today in no tag, outside of what Microsoft publishes".to_owned(),
        (n, false) => format!("today {}, and {n} in none of these", owners.join(", ")),
    }
}
