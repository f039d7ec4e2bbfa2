//! [`TagIndex::cover`]: which tags, together, hold a set of addresses.

mod model;
mod search;

#[cfg(test)]
mod twin;

use model::Model;
use search::Effort;

use super::index::{TagId, TagIndex};
use crate::addr::{AddrSet, Count};

/// What makes one cover better than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoverGoal {
    /// The union is the target and nothing else; then as few tags as possible.
    Exact,
    /// As few extra addresses as possible; then as few tags.
    Tight,
    /// As few tags as possible; then as few extra addresses.
    Fewest,
}

/// Tags whose union holds a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCover {
    tags: Vec<TagId>,
    extra: Count,
    proven: bool,
}

impl TagCover {
    /// The tags, in order of names.
    pub fn tags(&self) -> &[TagId] {
        &self.tags
    }

    /// How many addresses the tags hold that are not in the target, each counted once.
    pub fn extra(&self) -> Count {
        self.extra
    }

    /// Whether the search has seen to the end that nothing is better. If not, the cover is valid and greedy at
    /// worst: see [`TagIndex::COVER_EFFORT`].
    pub fn is_proven(&self) -> bool {
        self.proven
    }
}

impl TagIndex {
    /// How much [`cover`](Self::cover) searches before it takes the best cover found so far, in memberships of a
    /// tag in a set of addresses that are looked at. About a second; the count does not depend on the machine.
    pub const COVER_EFFORT: u64 = 100_000_000;

    /// The best tags whose union holds `target`, by `goal`; `None` if there are none.
    ///
    /// Only tags for which `usable` is true take part. An empty target needs no tag.
    ///
    /// The answer is canonical. A tag never appears if another one holds as much of the target and nothing
    /// beyond it that the first does not; of tags that are alike in this the first name stays. Of all best
    /// covers by what is left, the list of names that comes first is taken.
    ///
    /// # Cost
    /// One pass over the index, then branch and bound, which is quick for tens of tags that compete; minimum set
    /// cover is NP-hard. What is not done after [`COVER_EFFORT`](Self::COVER_EFFORT) is left to the greedy rule,
    /// within a factor of ln n of the fewest tags (Chvátal, "A greedy heuristic for the set-covering problem",
    /// 1979), and [`TagCover::is_proven`] says so.
    ///
    /// ```
    /// use tagwall::addr::{AddrSet, IpPrefix};
    /// use tagwall::tags::{CoverGoal, TagIndex, TagName, TagSets};
    /// let set = |text: &str| AddrSet::from(text.parse::<IpPrefix>().unwrap());
    /// let tags: TagSets = [
    ///     (TagName::new("AzureCloud"), set("192.0.2.0/24")),
    ///     (TagName::new("Sql"), set("192.0.2.0/26")),
    ///     (TagName::new("Storage"), set("192.0.2.64/26")),
    /// ]
    /// .into_iter()
    /// .collect();
    /// let index = TagIndex::new(&tags);
    /// let target = set("192.0.2.0/25");
    /// let exact = index.cover(&target, CoverGoal::Exact, |_| true).unwrap();
    /// let names: Vec<&str> = exact.tags().iter().map(|&id| index.name(id).as_str()).collect();
    /// assert_eq!(names, ["Sql", "Storage"]);
    /// let fewest = index.cover(&target, CoverGoal::Fewest, |_| true).unwrap();
    /// assert_eq!((fewest.tags().len(), fewest.extra().to_string()), (1, "128".to_owned()));
    /// ```
    pub fn cover(
        &self,
        target: &AddrSet,
        goal: CoverGoal,
        usable: impl Fn(TagId) -> bool,
    ) -> Option<TagCover> {
        self.cover_within(target, goal, usable, Self::COVER_EFFORT)
    }

    fn cover_within(
        &self,
        target: &AddrSet,
        goal: CoverGoal,
        usable: impl Fn(TagId) -> bool,
        effort: u64,
    ) -> Option<TagCover> {
        let mut model = Model::new(self, target, goal, usable)?;
        let forced = model.take_forced();
        let mut cover = TagCover { tags: forced.tags, extra: forced.extra, proven: true };
        let mut effort = Effort::new(effort);
        for part in model.parts() {
            let solved = search::solve(&part, goal, &mut effort);
            cover.tags.extend(solved.tags.iter().map(|&tag| part.tags[tag].id));
            cover.extra += solved.extra;
        }
        cover.proven = !effort.is_spent();
        cover.tags.sort_unstable();
        Some(cover)
    }
}
