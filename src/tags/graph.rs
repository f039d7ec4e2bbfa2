//! [`Containment`]: which tags hold all addresses of which others.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::index::{TagId, TagIndex};
use super::line::Line;
use crate::addr::Address;

/// Tags ordered by containment of their addresses, both families together.
///
/// Tags with the same addresses form a *class*, which goes by its first name. Tags without addresses stand
/// aside: they are in no class and in no pair.
///
/// Cost to build: per distinct set of tags that meet on a segment, the square of its size; no addresses are
/// counted.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{Containment, TagIndex, TagName, TagSets};
/// let set = |text: &str| AddrSet::from(text.parse::<IpPrefix>().unwrap());
/// let tags: TagSets = [
///     (TagName::new("AzureCloud"), set("192.0.2.0/24")),
///     (TagName::new("Storage"), set("192.0.2.0/25")),
///     (TagName::new("Storage.WestEurope"), set("192.0.2.64/26")),
/// ]
/// .into_iter()
/// .collect();
/// let index = TagIndex::new(&tags);
/// let containment = Containment::new(&index);
/// let [cloud, storage, west] = ["AzureCloud", "Storage", "Storage.WestEurope"].map(|n| index.id(n).unwrap());
/// assert_eq!(containment.supersets(west), [cloud, storage]);
/// assert_eq!(containment.hasse_pairs(), [(storage, cloud), (west, storage)]);
/// ```
#[derive(Debug, Clone)]
pub struct Containment {
    empty: Vec<TagId>,
    /// Members of each class, ascending; classes in order of their first names. Numbers are the graph's nodes.
    classes: Vec<Vec<TagId>>,
    /// The class of each tag that has addresses.
    class_of: Vec<Option<usize>>,
    /// Proper supersets and subsets of each tag, ascending.
    supersets: Vec<Vec<TagId>>,
    subsets: Vec<Vec<TagId>>,
    hasse: DiGraph<TagId, ()>,
}

impl Containment {
    /// The containment of all tags of `index`.
    pub fn new(index: &TagIndex) -> Self {
        let holders = holders(index);
        let (classes, class_of) = classes(&holders);
        let supersets: Vec<Vec<TagId>> = holders
            .iter()
            .enumerate()
            .map(|(at, holders)| {
                let class = class_of[at];
                holders.iter().copied().filter(|id| class_of[id.index()] != class).collect()
            })
            .collect();
        let mut subsets = vec![Vec::new(); supersets.len()];
        for (at, larger) in supersets.iter().enumerate() {
            larger.iter().for_each(|id| subsets[id.index()].push(TagId::at(at)));
        }
        let empty = (0..class_of.len()).filter(|&at| class_of[at].is_none()).map(TagId::at).collect();
        let hasse = hasse(&classes, &class_of, &supersets);
        Containment { empty, classes, class_of, supersets, subsets, hasse }
    }

    /// The tags without addresses, in order of names.
    pub fn empty(&self) -> &[TagId] {
        &self.empty
    }

    /// The classes of two tags or more with the same addresses, each in order of names.
    pub fn equal(&self) -> impl Iterator<Item = &[TagId]> {
        self.classes.iter().map(Vec::as_slice).filter(|class| class.len() > 1)
    }

    /// All tags with the same addresses as `id`, itself included; none if it has no addresses.
    ///
    /// # Panics
    /// As everywhere here, if `id` comes from another index that has more tags.
    pub fn class(&self, id: TagId) -> &[TagId] {
        self.class_of[id.index()].map_or(&[], |class| &self.classes[class])
    }

    /// The tags that hold every address of `id` and others, in order of names.
    pub fn supersets(&self, id: TagId) -> &[TagId] {
        &self.supersets[id.index()]
    }

    /// The tags that have addresses, all of them in `id`, but not all of `id`'s; in order of names.
    pub fn subsets(&self, id: TagId) -> &[TagId] {
        &self.subsets[id.index()]
    }

    /// Whether `larger` holds every address of `smaller`. The empty set is a subset of every set.
    pub fn is_subset(&self, smaller: TagId, larger: TagId) -> bool {
        match self.class_of[smaller.index()] {
            None => true,
            class if class == self.class_of[larger.index()] => true,
            _ => self.supersets(smaller).binary_search(&larger).is_ok(),
        }
    }

    /// All pairs of a tag with addresses and a proper superset of it, in order of names.
    pub fn subset_pairs(&self) -> impl Iterator<Item = (TagId, TagId)> + '_ {
        let pairs = self.supersets.iter().enumerate();
        pairs.flat_map(|(at, larger)| larger.iter().map(move |&id| (TagId::at(at), id)))
    }

    /// The Hasse diagram: a node a class, weighed with its first tag, and an edge from each class to those just
    /// above it, with none between.
    pub fn hasse(&self) -> &DiGraph<TagId, ()> {
        &self.hasse
    }

    /// The node of a tag's class in [`hasse`](Self::hasse), or `None` if the tag has no addresses.
    pub fn node(&self, id: TagId) -> Option<NodeIndex> {
        self.class_of[id.index()].map(NodeIndex::new)
    }

    /// The edges of [`hasse`](Self::hasse) as pairs of first tags, smaller set first, in order of names.
    pub fn hasse_pairs(&self) -> Vec<(TagId, TagId)> {
        let graph = &self.hasse;
        let mut pairs: Vec<_> =
            graph.raw_edges().iter().map(|e| (graph[e.source()], graph[e.target()])).collect();
        pairs.sort_unstable();
        pairs
    }

    /// The first tags of the classes just above `id`'s, in order of names.
    pub fn parents(&self, id: TagId) -> Vec<TagId> {
        self.neighbours(id, Direction::Outgoing)
    }

    /// The first tags of the classes just below `id`'s, in order of names.
    pub fn children(&self, id: TagId) -> Vec<TagId> {
        self.neighbours(id, Direction::Incoming)
    }

    fn neighbours(&self, id: TagId, direction: Direction) -> Vec<TagId> {
        let Some(node) = self.node(id) else { return Vec::new() };
        let mut list: Vec<TagId> =
            self.hasse.neighbors_directed(node, direction).map(|node| self.hasse[node]).collect();
        list.sort_unstable();
        list
    }

    /// The tags of `list` that say nothing more beside the others: they are empty, occur before, or another one
    /// of the list holds all of their addresses. Of tags with the same addresses the first name stays.
    ///
    /// Only addresses are looked at; whether rules may go too depends on their actions, ports and order.
    pub fn implied(&self, list: &[TagId]) -> Vec<TagId> {
        let mut seen: Vec<TagId> = Vec::with_capacity(list.len());
        let implied = list.iter().copied().filter(|&id| {
            let again = seen.contains(&id);
            seen.push(id);
            again
                || self.class_of[id.index()].is_none()
                || list.iter().any(|&other| {
                    let same = self.class_of[id.index()] == self.class_of[other.index()];
                    if same { other < id } else { self.is_subset(id, other) }
                })
        });
        implied.collect()
    }
}

/// Per tag all tags that hold its addresses, itself included; none where it has no addresses.
///
/// They are those present on every segment where it is present, so groups suffice and no sizes are needed.
fn holders(index: &TagIndex) -> Vec<Vec<TagId>> {
    let mut holders = vec![Vec::new(); index.names().len()];
    narrow(&index.v4, &mut holders);
    narrow(&index.v6, &mut holders);
    holders
}

fn narrow<A: Address>(line: &Line<A>, holders: &mut [Vec<TagId>]) {
    for group in 0..line.group_count() {
        let members = line.members(group as u32);
        for id in members {
            let holders = &mut holders[id.index()];
            if holders.is_empty() {
                holders.extend_from_slice(members);
            } else if holders.len() > 1 {
                // Alone with itself, a tag can lose nothing more.
                keep_common(holders, members);
            }
        }
    }
}

/// Drops from `list` what is not in `other`; both ascend.
fn keep_common(list: &mut Vec<TagId>, mut other: &[TagId]) {
    list.retain(|id| {
        while let [first, rest @ ..] = other
            && first < id
        {
            other = rest;
        }
        other.first() == Some(id)
    });
}

type Classes = (Vec<Vec<TagId>>, Vec<Option<usize>>);

fn classes(holders: &[Vec<TagId>]) -> Classes {
    let mut classes: Vec<Vec<TagId>> = Vec::new();
    let mut class_of: Vec<Option<usize>> = vec![None; holders.len()];
    for (at, list) in holders.iter().enumerate() {
        if list.is_empty() || class_of[at].is_some() {
            continue;
        }
        let id = TagId::at(at);
        let same = |other: &TagId| holders[other.index()].binary_search(&id).is_ok();
        let class: Vec<TagId> = list.iter().copied().filter(same).collect();
        class.iter().for_each(|member| class_of[member.index()] = Some(classes.len()));
        classes.push(class);
    }
    (classes, class_of)
}

fn hasse(classes: &[Vec<TagId>], class_of: &[Option<usize>], supersets: &[Vec<TagId>]) -> DiGraph<TagId, ()> {
    let mut graph = DiGraph::with_capacity(classes.len(), classes.len());
    for class in classes {
        graph.add_node(class[0]);
    }
    for (node, class) in classes.iter().enumerate() {
        let first = |id: &TagId| class_of[id.index()].is_some_and(|class| classes[class][0] == *id);
        let mut larger: Vec<TagId> = supersets[class[0].index()].iter().copied().filter(first).collect();
        // What has more supersets lies lower, so that anything between comes first.
        larger.sort_by_key(|id| (std::cmp::Reverse(supersets[id.index()].len()), *id));
        let mut kept: Vec<TagId> = Vec::new();
        for id in larger {
            if !kept.iter().any(|below| supersets[below.index()].binary_search(&id).is_ok()) {
                kept.push(id);
            }
        }
        kept.sort_unstable();
        for id in kept {
            let above = class_of[id.index()].expect("a superset has addresses");
            graph.add_edge(NodeIndex::new(node), NodeIndex::new(above), ());
        }
    }
    graph
}
