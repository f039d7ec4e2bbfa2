//! [`TagIndex`]: which tags hold an address, a prefix or a range.

use std::fmt;
use std::net::IpAddr;

use super::line::Line;
use super::name::TagName;
use super::named::TagSets;
use super::snapshot::Snapshot;
use crate::addr::{Address, Entry, Interval};

/// A tag within one [`TagIndex`], by its place in the order of names; means nothing in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u32);

impl TagId {
    pub(super) fn at(place: usize) -> Self {
        TagId(u32::try_from(place).expect("fewer than 2^32 tags"))
    }

    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// The tag's place in [`TagIndex::names`], from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for TagId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Tags by address: per family the line of addresses, cut at the borders of all tags.
///
/// | operation | cost |
/// |---|---|
/// | build | one sort of all borders, and per border the number of tags there |
/// | tags at an address | one binary search over the segments; nothing is allocated |
/// | tags of a range | the same, and the number of segments in the range |
///
/// Ids and names are always in order of names.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{TagIndex, TagName, TagSets};
/// let set = |text: &str| AddrSet::from(text.parse::<IpPrefix>().unwrap());
/// let tags: TagSets = [
///     (TagName::new("Storage"), set("192.0.2.0/24")),
///     (TagName::new("Storage.WestEurope"), set("192.0.2.64/26")),
/// ]
/// .into_iter()
/// .collect();
/// let index = TagIndex::new(&tags);
/// let names: Vec<&str> = index.names_at("192.0.2.70".parse()?).map(TagName::as_str).collect();
/// assert_eq!(names, ["Storage", "Storage.WestEurope"]);
///
/// let overlap = index.overlap("192.0.2.0/25".parse::<IpPrefix>()?);
/// assert_eq!(overlap.whole(), [index.id("Storage").unwrap()]);
/// assert_eq!(overlap.partly(), [index.id("Storage.WestEurope").unwrap()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TagIndex {
    names: Vec<TagName>,
    pub(super) v4: Line<u32>,
    pub(super) v6: Line<u128>,
}

impl TagIndex {
    /// Intervals from which on the two families are cut on two threads; below, starting a thread costs more.
    const PARALLEL: usize = 4_000;

    /// The index of `tags`.
    pub fn new(tags: &TagSets<'_>) -> Self {
        let v4 = || Line::new(tags.iter().enumerate().map(|(i, (_, set))| (TagId::at(i), &set.v4)));
        let v6 = || Line::new(tags.iter().enumerate().map(|(i, (_, set))| (TagId::at(i), &set.v6)));
        let size: usize =
            tags.iter().map(|(_, set)| set.v4.intervals().len() + set.v6.intervals().len()).sum();
        let (v4, v6) = if size < Self::PARALLEL { (v4(), v6()) } else { rayon::join(v4, v6) };
        TagIndex { names: tags.iter().map(|(name, _)| name.clone()).collect(), v4, v6 }
    }

    /// The index of all tags of `snapshot`.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self::new(&TagSets::from(snapshot))
    }

    /// All names, in order; those without addresses too.
    pub fn names(&self) -> &[TagName] {
        &self.names
    }

    /// The name of a tag.
    ///
    /// # Panics
    /// If `id` comes from another index that has more tags.
    pub fn name(&self, id: TagId) -> &TagName {
        &self.names[id.index()]
    }

    /// The tag of this name, spelled exactly so.
    pub fn id(&self, name: &str) -> Option<TagId> {
        self.names.binary_search_by(|n| n.as_str().cmp(name)).ok().map(TagId::at)
    }

    /// The tags that hold an IPv4 address, in order of names.
    pub fn at_v4(&self, addr: u32) -> &[TagId] {
        self.v4.at(addr)
    }

    /// The tags that hold an IPv6 address, in order of names.
    pub fn at_v6(&self, addr: u128) -> &[TagId] {
        self.v6.at(addr)
    }

    /// The tags that hold `addr`, in order of names. An IPv4-mapped IPv6 address is an IPv6 address.
    pub fn at(&self, addr: IpAddr) -> &[TagId] {
        match addr {
            IpAddr::V4(addr) => self.at_v4(addr.into()),
            IpAddr::V6(addr) => self.at_v6(addr.into()),
        }
    }

    /// The names of the tags that hold `addr`, in order.
    pub fn names_at(&self, addr: IpAddr) -> impl ExactSizeIterator<Item = &TagName> {
        self.at(addr).iter().map(|&id| self.name(id))
    }

    /// The tags that hold all, and those that hold a part, of a prefix or range.
    pub fn overlap(&self, range: impl Into<Entry>) -> Overlap {
        let mut overlap = Overlap::default();
        self.overlap_into(range, &mut overlap);
        overlap
    }

    /// As [`overlap`](Self::overlap), into memory that is used again from call to call.
    pub fn overlap_into(&self, range: impl Into<Entry>, overlap: &mut Overlap) {
        match range.into() {
            Entry::V4(interval) => overlap.fill(&self.v4, interval),
            Entry::V6(interval) => overlap.fill(&self.v6, interval),
        }
    }

    /// Into how many segments the borders cut IPv4 and IPv6; addresses of no tag count as segments too.
    pub fn segments(&self) -> (usize, usize) {
        (self.v4.len(), self.v6.len())
    }
}

/// The tags that meet a prefix or range.
#[derive(Debug, Clone, Default)]
pub struct Overlap {
    whole: Vec<TagId>,
    partly: Vec<TagId>,
    /// A bit a tag: it meets the range. All clear between calls.
    marks: Vec<u64>,
}

impl Overlap {
    /// The tags that hold every address of the range, in order of names.
    pub fn whole(&self) -> &[TagId] {
        &self.whole
    }

    /// The tags that hold some address of the range but not all, in order of names.
    pub fn partly(&self) -> &[TagId] {
        &self.partly
    }

    fn fill<A: Address>(&mut self, line: &Line<A>, range: Interval<A>) {
        self.whole.clear();
        self.partly.clear();
        let mut pieces = line.within(range).map(|(_, group)| line.members(group));
        let first = pieces.next().expect("a range is not empty");
        self.whole.extend_from_slice(first);
        let mut alone = true;
        for members in pieces {
            self.whole.retain(|id| members.binary_search(id).is_ok());
            self.mark(members);
            alone = false;
        }
        // Within one segment every tag holds the range wholly.
        if !alone {
            self.mark(first);
            self.collect_partly();
        }
    }

    fn mark(&mut self, members: &[TagId]) {
        for id in members {
            let word = id.index() / 64;
            if self.marks.len() <= word {
                self.marks.resize(word + 1, 0);
            }
            self.marks[word] |= 1 << (id.index() % 64);
        }
    }

    fn collect_partly(&mut self) {
        for id in &self.whole {
            self.marks[id.index() / 64] &= !(1 << (id.index() % 64));
        }
        for (place, word) in self.marks.iter_mut().enumerate() {
            while *word != 0 {
                self.partly.push(TagId::at(place * 64 + word.trailing_zeros() as usize));
                *word &= *word - 1;
            }
        }
    }
}
