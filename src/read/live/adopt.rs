//! Finds by name what others are put into. Names are looked at once, so that very many children take no longer each, and
//! children are held once: many small ones take more memory than their text.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// The first place of each name, without regard to case.
#[derive(Debug, Default)]
pub(super) struct Named(HashMap<String, usize>);

impl Named {
    /// Names with their places.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut named = Named::default();
        for (at, name) in names {
            named.add(name, at);
        }
        named
    }

    /// Adds a name, if it is new.
    pub(super) fn add(&mut self, name: &str, at: usize) {
        self.0.entry(name.to_ascii_lowercase()).or_insert(at);
    }

    /// The first place that has one of these names.
    pub(super) fn first<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<usize> {
        names.into_iter().filter_map(|name| self.0.get(&name.to_ascii_lowercase()).copied()).min()
    }
}

/// What stands beside its parents, by what these are called there.
#[derive(Debug)]
pub(super) struct Children<T> {
    lists: Vec<Siblings<T>>,
    by_parent: HashMap<String, usize>,
    turn: usize,
}

#[derive(Debug)]
struct Siblings<T> {
    parent: String,
    /// When it was each child's turn among those of all parents.
    turns: Vec<usize>,
    children: Vec<T>,
}

impl<T> Default for Children<T> {
    fn default() -> Self {
        Children { lists: Vec::new(), by_parent: HashMap::new(), turn: 0 }
    }
}

impl<T> Children<T> {
    pub(super) fn push(&mut self, parent: String, child: T) {
        let at = self.by_parent.get(&parent).copied().unwrap_or_else(|| {
            self.by_parent.insert(parent.clone(), self.lists.len());
            self.lists.push(Siblings { parent, turns: Vec::new(), children: Vec::new() });
            self.lists.len() - 1
        });
        let list = &mut self.lists[at];
        list.turns.push(self.turn);
        list.children.push(child);
        self.turn += 1;
    }

    /// The children of each place in order, where `place` says of a parent and its first child which that is.
    pub(super) fn joined(self, mut place: impl FnMut(String, &T) -> usize) -> BTreeMap<usize, Vec<T>> {
        let mut at: BTreeMap<usize, Vec<Siblings<T>>> = BTreeMap::new();
        for mut list in self.lists {
            if let Some(first) = list.children.first() {
                at.entry(place(std::mem::take(&mut list.parent), first)).or_default().push(list);
            }
        }
        at.into_iter().map(|(at, lists)| (at, in_order(lists))).collect()
    }
}

/// Nearly always a place is called by one name.
fn in_order<T>(mut lists: Vec<Siblings<T>>) -> Vec<T> {
    if lists.len() == 1 {
        return lists.pop().map(|list| list.children).unwrap_or_default();
    }
    let pairs = lists.into_iter().flat_map(|list| list.turns.into_iter().zip(list.children));
    let mut all: Vec<(usize, T)> = pairs.collect();
    all.sort_by_key(|(turn, _)| *turn);
    all.into_iter().map(|(_, child)| child).collect()
}

/// Adds what is not there yet by its name: what is said twice is one.
pub(super) fn add_new<T>(own: &mut Vec<T>, mut more: Vec<T>, name: impl Fn(&T) -> &str) {
    let names: Vec<&str> = own.iter().chain(&more).map(&name).collect();
    let mut is_new = vec![true; names.len()];
    for alike in alike(&names) {
        alike.iter().skip(1).for_each(|&at| is_new[at] = false);
    }
    let mut of_more = is_new.into_iter().skip(own.len());
    more.retain(|_| of_more.next() != Some(false));
    join(own, more);
}

/// Adds items to a list; to an empty one without copying them.
pub(super) fn join<T>(own: &mut Vec<T>, more: Vec<T>) {
    if own.is_empty() { *own = more } else { own.extend(more) }
}

fn without_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// The places of names that are there more than once, without regard to case, in order: a list for each. It takes one
/// number for each name, where a table of them would take several times the names.
pub(super) fn alike(names: &[&str]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| without_case(names[a], names[b]).then(a.cmp(&b)));
    let runs = order.chunk_by(|&a, &b| without_case(names[a], names[b]) == Ordering::Equal);
    runs.filter(|run| run.len() > 1).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use crate::read::live::read_live;
    use std::fmt::Write;

    /// So many that looking through all of them for each one would take minutes.
    const CHILDREN: usize = 60_000;

    #[test]
    fn children_find_their_parents_however_many_there_are() {
        let mut text =
            "[{\"type\":\"Microsoft.Network/networkSecurityGroups\",\"name\":\"Web\",\"properties\":{}}"
                .to_owned();
        for at in 0..CHILDREN {
            // Each twice, in another case, as exports that list children beside their parents have them.
            for name in [format!("web/r{at}"), format!("WEB/R{at}")] {
                write!(
                    text,
                    ",{{\"type\":\"Microsoft.Network/networkSecurityGroups/securityRules\",\"name\":\"{name}\",\"properties\":{{\
                     \"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*\",\
                     \"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"*\",\"destinationPortRange\":\"{}\"}}}}",
                    at % 65536
                )
                .unwrap();
            }
        }
        text.push_str(",{\"type\":\"Microsoft.Network/routeTables/routes\",\"name\":\"gone/r\",\"properties\":{\"addressPrefix\":\"10.0.0.0/8\",\"nextHopType\":\"None\"}}]");
        let live = read_live(&[("all.json", text.as_bytes())]).unwrap();
        assert_eq!(live.groups.len(), 1);
        let rules = &live.groups[0].rules;
        assert_eq!(rules.len(), CHILDREN);
        assert!(
            rules.iter().enumerate().all(|(at, own)| own.rule.name == format!("r{at}")),
            "in their order"
        );
        assert_eq!((live.tables[0].name.as_str(), live.tables[0].routes.len()), ("gone", 1));
        assert!(live.tables[0].incomplete[0].text.contains("not among the files"));
    }
}
