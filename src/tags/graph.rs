//! [`Containment`]: which tags lie in which.

use petgraph::graph::{DiGraph, NodeIndex};

use super::index::{TagIndex, number};

/// The order of the tags of an index by inclusion.
///
/// A tag without addresses lies in every other one and says nothing, so such tags stand aside. Tags with the same
/// addresses form a class, which goes by its first name. Numbers are those of the [`TagIndex`].
///
/// # Method
/// Tag `a` lies in `b` exactly where `b` is in every group (list of tags that hold some address) that has `a`. So
/// the supersets of `a` are what its groups have in common: no addresses are counted, and the cost is the sum over
/// the distinct groups of their squared lengths.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{Containment, TagIndex, TagName};
/// let set = |t: &str| AddrSet::from(t.parse::<IpPrefix>().unwrap());
/// let (all, west) = (set("192.0.2.0/24"), set("192.0.2.0/25"));
/// let index = TagIndex::new([(TagName::new("Sql"), &all), (TagName::new("Sql.WestEurope"), &west)]);
/// let order = Containment::of(&index);
/// assert_eq!(order.supersets(1), [0]);
/// assert_eq!(order.hasse().collect::<Vec<_>>(), [(1, 0)]);
/// assert_eq!(order.needed(&[0, 1]), [0]);
/// ```
#[derive(Debug, Clone)]
pub struct Containment {
    empty: Vec<u32>,
    classes: Vec<Vec<u32>>,
    class_of: Vec<Option<usize>>,
    supersets: Vec<Vec<u32>>,
    subsets: Vec<Vec<u32>>,
    diagram: DiGraph<u32, ()>,
}

impl Containment {
    /// Orders all tags of an index.
    pub fn of(index: &TagIndex) -> Self {
        let count = index.names().len();
        let (common, frequency) = common_members(index, count);
        let empty = (0..count).filter(|&tag| frequency[tag] == 0).map(number).collect();
        let (classes, class_of) = classes(&common);
        let equal = |a: u32, b: u32| class_of[a as usize] == class_of[b as usize];
        let mut supersets = common;
        for (tag, list) in supersets.iter_mut().enumerate() {
            list.retain(|&other| !equal(number(tag), other));
        }
        let mut subsets = vec![Vec::new(); count];
        for (tag, list) in supersets.iter().enumerate() {
            list.iter().for_each(|&other| subsets[other as usize].push(number(tag)));
        }
        let diagram = diagram(&classes, &class_of, &supersets, &frequency);
        Containment { empty, classes, class_of, supersets, subsets, diagram }
    }

    /// The tags without any address, ascending.
    pub fn empty(&self) -> &[u32] {
        &self.empty
    }

    /// The tags with addresses, those with the same ones together: ascending in each class, and the classes by
    /// their first tag.
    pub fn classes(&self) -> &[Vec<u32>] {
        &self.classes
    }

    /// The first tag with the same addresses as `tag`, or `None` if it has none.
    ///
    /// # Panics
    /// If the number is not of the index; so do [`supersets`](Self::supersets) and [`subsets`](Self::subsets).
    pub fn representative(&self, tag: u32) -> Option<u32> {
        self.class_of[tag as usize].map(|class| self.classes[class][0])
    }

    /// The tags that hold all of `tag` and more, ascending. None for a tag without addresses.
    pub fn supersets(&self, tag: u32) -> &[u32] {
        &self.supersets[tag as usize]
    }

    /// The tags with addresses that lie in `tag` and are smaller, ascending.
    pub fn subsets(&self, tag: u32) -> &[u32] {
        &self.subsets[tag as usize]
    }

    /// Whether every address of `a` is in `b`. Tags without addresses lie in all.
    pub fn lies_in(&self, a: u32, b: u32) -> bool {
        match self.class_of[a as usize] {
            None => true,
            class if class == self.class_of[b as usize] => true,
            _ => self.supersets(a).binary_search(&b).is_ok(),
        }
    }

    /// The tags of `list` that say all that the whole list says, ascending: those that lie in another one of the
    /// list go, and those without addresses. Of tags with the same addresses the first stays.
    ///
    /// Only addresses count here; a tag goes from a rule only where the rest of the rule is the same for both.
    ///
    /// Cost: the square of the list's length, times the logarithm of the supersets.
    pub fn needed(&self, list: &[u32]) -> Vec<u32> {
        let implied = |tag: u32| {
            list.iter().any(|&other| {
                let alike = self.class_of[tag as usize] == self.class_of[other as usize];
                if alike { other < tag } else { self.lies_in(tag, other) }
            })
        };
        let with_addresses = |tag: &u32| self.class_of[*tag as usize].is_some();
        let mut needed: Vec<u32> =
            list.iter().copied().filter(with_addresses).filter(|&tag| !implied(tag)).collect();
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// Every pair `(a, b)` where `a` is a proper part of `b`, ascending.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let tags = self.supersets.iter().enumerate();
        tags.flat_map(|(tag, list)| list.iter().map(move |&other| (number(tag), other)))
    }

    /// The edges of the diagram `(a, b)`, `a` a proper part of `b` and no class between, ascending.
    pub fn hasse(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        // Edges were added class by class, supersets ascending.
        self.diagram.raw_edges().iter().map(|e| (self.diagram[e.source()], self.diagram[e.target()]))
    }

    /// The Hasse diagram: a node for each class, in the order of [`classes`](Self::classes) and weighted with its
    /// first tag; an edge from each class to the smallest ones above it.
    pub fn diagram(&self) -> &DiGraph<u32, ()> {
        &self.diagram
    }
}

/// Per tag the tags that all its groups have in common, itself included, and in how many groups it is.
fn common_members(index: &TagIndex, count: usize) -> (Vec<Vec<u32>>, Vec<usize>) {
    let mut common: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut frequency = vec![0; count];
    for group in index.groups() {
        for &tag in group {
            let tag = tag as usize;
            if frequency[tag] == 0 {
                common[tag] = group.to_vec();
            } else {
                common[tag].retain(|other| group.binary_search(other).is_ok());
            }
            frequency[tag] += 1;
        }
    }
    (common, frequency)
}

/// Tags that are in each other's lists, and the class of each tag.
fn classes(common: &[Vec<u32>]) -> (Vec<Vec<u32>>, Vec<Option<usize>>) {
    let mut classes: Vec<Vec<u32>> = Vec::new();
    let mut class_of = vec![None; common.len()];
    for (tag, list) in common.iter().enumerate() {
        if list.is_empty() || class_of[tag].is_some() {
            continue;
        }
        let same = |other: &u32| common[*other as usize].binary_search(&number(tag)).is_ok();
        let class: Vec<u32> = list.iter().copied().filter(same).collect();
        class.iter().for_each(|&member| class_of[member as usize] = Some(classes.len()));
        classes.push(class);
    }
    (classes, class_of)
}

fn diagram(
    classes: &[Vec<u32>],
    class_of: &[Option<usize>],
    supersets: &[Vec<u32>],
    frequency: &[usize],
) -> DiGraph<u32, ()> {
    let mut diagram = DiGraph::with_capacity(classes.len(), classes.len());
    let nodes: Vec<NodeIndex> = classes.iter().map(|class| diagram.add_node(class[0])).collect();
    for (class, &node) in classes.iter().zip(&nodes) {
        let first = |&tag: &u32| class_of[tag as usize].map(|c| classes[c][0]) == Some(tag);
        let mut above: Vec<u32> = supersets[class[0] as usize].iter().copied().filter(first).collect();
        // A larger set is in more groups than any that lies in it.
        above.sort_by_key(|&tag| (frequency[tag as usize], tag));
        let mut kept: Vec<u32> = Vec::new();
        for tag in above {
            let beyond = |k: &u32| supersets[*k as usize].binary_search(&tag).is_ok();
            if !kept.iter().any(beyond) {
                kept.push(tag);
            }
        }
        kept.sort_unstable();
        for tag in kept {
            let class = class_of[tag as usize].expect("it has addresses");
            diagram.add_edge(node, nodes[class], ());
        }
    }
    diagram
}
