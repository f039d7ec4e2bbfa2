//! [`TagCover`]: which tags hold a given set of addresses, exactly, most tightly, or in the fewest names.

mod goal;
mod problem;
mod search;

use std::fmt;

pub use self::goal::TagGoal;
use self::problem::TagProblem;
use super::index::{Groups, TagIndex, number, size};
use super::name::TagName;
use crate::addr::{AddrSet, Address, Count, Interval, IntervalSet};

/// Tags that together hold all of a set of addresses.
///
/// A tag is not used where another one does the same for no more extra addresses (of tags that are worth the same
/// here the first name stays). Of the lists that are equally good the first one by names is taken. So the answer
/// depends on nothing but the tags and the set.
///
/// # Method
/// Addresses in the same tags are one element of a set cover problem; elements and tags that others imply are
/// dropped; then branch and bound on the element that the fewest tags hold, with a greedy list as first bound. That
/// is complete in practice for the tens of tags that a list of addresses meets. With more than
/// [`MOST_CANDIDATES`](Self::MOST_CANDIDATES) tags left the greedy list is the answer (longer than the best by at
/// most the harmonic number of the elements: Chvátal 1979), and
/// with more than [`MOST_STEPS`](Self::MOST_STEPS) steps the best list so far: then [`optimal`](Self::optimal) is not
/// set.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{TagCover, TagGoal, TagIndex, TagName};
/// let set = |t: &str| AddrSet::from(t.parse::<IpPrefix>().unwrap());
/// let (low, high, all) = (set("192.0.2.0/25"), set("192.0.2.128/25"), set("192.0.2.0/23"));
/// let index = TagIndex::new([("Low", &low), ("High", &high), ("All", &all)].map(|(n, s)| (TagName::new(n), s)));
/// let wanted = set("192.0.2.0/24");
/// let exact = TagCover::find(&index, &wanted, TagGoal::Exact)?;
/// assert_eq!(index.names_of(&exact.tags).map(|n| n.as_str()).collect::<Vec<_>>(), ["High", "Low"]);
/// let fewest = TagCover::find(&index, &wanted, TagGoal::Fewest)?;
/// assert_eq!((fewest.tags.len(), fewest.extra.count().to_string().as_str()), (1, "256"));
/// # Ok::<(), tagwall::tags::NoTagCover>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCover {
    /// The tags, ascending, as numbers of the index.
    pub tags: Vec<u32>,
    /// Addresses of the tags that were not asked for.
    pub extra: AddrSet,
    /// Whether the goal is proven to be reached; otherwise the tags cover the set, but better ones may exist.
    pub optimal: bool,
}

/// No choice of tags will do: these addresses are out of their reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NoTagCover {
    /// The goal that is out of reach.
    pub goal: TagGoal,
    /// The wanted addresses that no usable tag holds; for an exact cover, none that lies within the wanted ones.
    pub missing: AddrSet,
}

impl fmt::Display for NoTagCover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = match self.goal {
            TagGoal::Exact => "no usable tag that lies wholly in the list",
            TagGoal::Tight | TagGoal::Fewest => "no usable tag",
        };
        let first = self.missing.prefixes().next();
        let first = first.map(|p| p.to_string()).unwrap_or_default();
        write!(f, "{} addresses are in {tags}, the first of them in {first}", self.missing.count())
    }
}

impl TagCover {
    /// The most tags, after dropping what others imply, that are searched in full.
    pub const MOST_CANDIDATES: usize = search::MOST_CANDIDATES;
    /// The most steps of a search.
    pub const MOST_STEPS: u32 = search::MOST_STEPS;

    /// The best tags of the index for all of `target`. The empty set needs none.
    ///
    /// # Errors
    /// [`NoTagCover`] with the addresses that stand in the way.
    pub fn find(index: &TagIndex, target: &AddrSet, goal: TagGoal) -> Result<Self, NoTagCover> {
        Self::find_among(index, target, goal, |_| true)
    }

    /// The best tags for `target` out of those that are `usable`, such as the ones that a firewall takes by name.
    ///
    /// # Errors
    /// [`NoTagCover`] with the addresses that stand in the way.
    pub fn find_among(
        index: &TagIndex,
        target: &AddrSet,
        goal: TagGoal,
        usable: impl Fn(&TagName) -> bool,
    ) -> Result<Self, NoTagCover> {
        let pieces = Pieces::new(index, target);
        let tags = pieces.candidates(goal, usable);
        let missing = pieces.missing(target, &tags);
        if !missing.is_empty() {
            return Err(NoTagCover { goal, missing });
        }
        let found = search::best(&pieces.problem(&tags, goal));
        let extra = pieces.union(&found.tags).difference(target);
        Ok(TagCover { tags: found.tags, extra, optimal: found.optimal })
    }
}

/// The groups of the index, each divided into what is wanted and what is not.
struct Pieces<'a> {
    index: &'a TagIndex,
    inside: Vec<Count>,
    outside: Vec<Count>,
}

impl<'a> Pieces<'a> {
    fn new(index: &'a TagIndex, target: &AddrSet) -> Self {
        let lines = index.lines();
        let mut inside = vec![Count::ZERO; lines.groups.len()];
        lines.v4.parts(&target.v4).for_each(|(part, group)| inside[group as usize] += size(part));
        lines.v6.parts(&target.v6).for_each(|(part, group)| inside[group as usize] += size(part));
        let mut outside = lines.sizes();
        // What is in no tag has no size as a whole, and can be neither bought nor avoided.
        for (whole, part) in outside.iter_mut().zip(&inside).skip(1) {
            *whole = whole.checked_sub(*part).expect("a part is no larger than the whole");
        }
        Pieces { index, inside, outside }
    }

    /// Tags that hold something wanted and, where nothing else may be covered, nothing else.
    fn candidates(&self, goal: TagGoal, usable: impl Fn(&TagName) -> bool) -> Vec<u32> {
        let mut useful = vec![false; self.index.names().len()];
        let mut harmful = useful.clone();
        for (at, group) in self.index.lines().groups.all().enumerate() {
            for &tag in group {
                useful[tag as usize] |= !self.inside[at].is_zero();
                harmful[tag as usize] |= !self.outside[at].is_zero();
            }
        }
        let fits = |tag: usize| {
            useful[tag] && !(goal == TagGoal::Exact && harmful[tag]) && usable(&self.index.names()[tag])
        };
        (0..useful.len()).filter(|&tag| fits(tag)).map(number).collect()
    }

    /// The wanted addresses in none of `tags`.
    fn missing(&self, target: &AddrSet, tags: &[u32]) -> AddrSet {
        let lines = self.index.lines();
        let reached: Vec<bool> = lines.groups.all().map(|group| meets(group, tags)).collect();
        AddrSet {
            v4: gather(lines.v4.parts(&target.v4), |group| !reached[group as usize]),
            v6: gather(lines.v6.parts(&target.v6), |group| !reached[group as usize]),
        }
    }

    /// All addresses of `tags`.
    fn union(&self, tags: &[u32]) -> AddrSet {
        let lines = self.index.lines();
        let taken: Vec<bool> = lines.groups.all().map(|group| meets(group, tags)).collect();
        AddrSet {
            v4: gather(lines.v4.pieces(), |group| taken[group as usize]),
            v6: gather(lines.v6.pieces(), |group| taken[group as usize]),
        }
    }

    fn problem(&self, tags: &[u32], goal: TagGoal) -> TagProblem {
        let mut problem = TagProblem::new(tags.to_vec(), goal);
        for (at, group) in self.index.lines().groups.all().enumerate().skip(Groups::NONE as usize + 1) {
            let row: Vec<usize> = group.iter().filter_map(|tag| tags.binary_search(tag).ok()).collect();
            if row.is_empty() {
                continue;
            }
            if !self.inside[at].is_zero() {
                problem.need(row.clone());
            }
            if !self.outside[at].is_zero() {
                problem.charge(row, self.outside[at]);
            }
        }
        problem.reduced()
    }
}

fn meets(group: &[u32], tags: &[u32]) -> bool {
    group.iter().any(|tag| tags.binary_search(tag).is_ok())
}

fn gather<A: Address>(
    pieces: impl Iterator<Item = (Interval<A>, u32)>,
    wanted: impl Fn(u32) -> bool,
) -> IntervalSet<A> {
    pieces.filter(|&(_, group)| wanted(group)).map(|(piece, _)| piece).collect()
}
