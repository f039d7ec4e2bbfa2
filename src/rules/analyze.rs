//! [`analyze`]: which rules of a list do nothing, and which stand in each other's way.

use super::bits::{is_subset, is_zero, overlaps};
use super::grid::{Family, Grid, Groups};
use super::hash::FastMap;
use super::list::{Rule, RuleList};
use super::service::Services;

/// What can be said about the rules of a list.
///
/// Rules are given as places in [`RuleList::rules`], so a smaller number is an earlier rule. All lists ascend. A
/// pair is (rule, earlier rule).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Analysis {
    /// Rules that take no packet at all, such as an ICMP rule for port 80. They stand in none of the next four
    /// lists, and always in `redundant`.
    pub never_matches: Vec<usize>,
    /// Rules whose every packet is taken by some earlier rule.
    pub shadowed: Vec<usize>,
    /// Pairs in which the earlier rule alone takes every packet of the rule.
    pub shadowed_by_one: Vec<(usize, usize)>,
    /// Pairs of different access in which the packets of the earlier rule are a proper part of the rule's: an
    /// exception before the general rule.
    pub generalizes: Vec<(usize, usize)>,
    /// Pairs of different access that overlap while neither holds the other: their order matters and is easily
    /// got wrong.
    pub correlated: Vec<(usize, usize)>,
    /// Rules whose removal, each for itself, changes no decision.
    pub redundant: Vec<usize>,
    /// What is left after going from the last rule to the first and removing each whose removal, given the earlier
    /// ones, changes no decision. No rule of it is redundant any more.
    pub irredundant: Vec<usize>,
}

/// Analyses a list over the whole header space.
///
/// The terms are those of Al-Shaer and Hamed, "Modeling and Management of Firewall Policies" (2004), made exact
/// for unions of earlier rules after Liu and Gouda, "Complete Redundancy Detection in Firewalls" (2005). Besides
/// the cost of [`compare`](super::compare()), it takes time with the square of the rules that share a cell, and
/// with all pairs of rules.
///
/// ```
/// use std::sync::Arc;
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::packet::{Ports, Protocol};
/// use tagwall::rules::{Access, Rule, RuleList, analyze};
///
/// let rule = |priority, access, dst: &str| Rule {
///     name: dst.to_owned(),
///     priority,
///     access,
///     protocol: Protocol::Any,
///     src: Arc::new(AddrSet::all()),
///     dst: Arc::new(dst.parse::<IpPrefix>().unwrap().into()),
///     sport: Ports::all(),
///     dport: Ports::all(),
/// };
/// let list = RuleList::new(
///     vec![
///         rule(100, Access::Allow, "192.0.2.0/24"),
///         rule(110, Access::Deny, "192.0.2.7/32"),
///         rule(120, Access::Deny, "198.51.100.0/24"),
///     ],
///     Access::Deny,
/// )?;
/// let found = analyze(&list);
/// assert_eq!(found.shadowed_by_one, [(1, 0)]);
/// assert_eq!(found.redundant, [1, 2]); // the default denies the last one's packets as well
/// assert_eq!(found.irredundant, [0]);
/// # Ok::<(), tagwall::rules::DuplicatePriority>(())
/// ```
pub fn analyze(list: &RuleList) -> Analysis {
    let rules: Vec<&Rule> = list.rules().iter().collect();
    let services = Services::of(&rules);
    let v4: Grid<u32> = Grid::of(&rules, &services);
    let v6: Grid<u128> = Grid::of(&rules, &services);
    let cells = [Cells::of(&v4, &services, list), Cells::of(&v6, &services, list)];
    let relations =
        Relations { services: &services, boxes: [Boxes::of(&v4, &rules), Boxes::of(&v6, &rules)] };

    let mut found = Analysis::default();
    let mut kept = vec![true; rules.len()];
    for rule in 0..rules.len() {
        let role = role(&cells, rule, &kept);
        if !relations.is_matching(rule) {
            found.never_matches.push(rule);
        } else if !role.owns {
            found.shadowed.push(rule);
        }
        if role.removable {
            found.redundant.push(rule);
        }
    }
    for rule in (0..rules.len()).rev() {
        kept[rule] = !role(&cells, rule, &kept).removable;
    }
    found.irredundant = (0..rules.len()).filter(|&rule| kept[rule]).collect();
    relations.pairs(list, &mut found);
    found
}

/// What a rule does in a list.
struct Role {
    /// Whether it decides any packet.
    owns: bool,
    /// Whether all packets that it decides would be decided alike without it.
    removable: bool,
}

/// The role of `rule` if only the rules `kept` are there; all before it must be.
fn role(families: &[Cells<'_>], rule: usize, kept: &[bool]) -> Role {
    let mut role = Role { owns: false, removable: true };
    let mut own = Vec::new();
    for cells in families {
        for &cell in &cells.of_rule[rule] {
            if cells.owned(cell, rule, &mut own) {
                role.owns = true;
                role.removable &= cells.agrees_without(cell, rule, kept, &mut own);
            }
            if !role.removable {
                return role;
            }
        }
    }
    role
}

/// The rows of cells of one family: the rules active in them, each combination once.
struct Cells<'a> {
    list: &'a RuleList,
    /// For each combination, its rules in ascending order.
    rows: Vec<Box<[u32]>>,
    /// For each rule of the list, the combinations that hold it.
    of_rule: Vec<Vec<usize>>,
    /// For each rule of the list, its inner classes; empty if it takes nothing.
    inner: Vec<&'a [u64]>,
}

impl<'a> Cells<'a> {
    fn of<A: Family>(grid: &'a Grid<A>, services: &Services, list: &'a RuleList) -> Self {
        let mut inner: Vec<&[u64]> = vec![&[]; list.rules().len()];
        for (at, &rule) in grid.rules.iter().enumerate() {
            inner[rule] = grid.inner().row(at);
        }
        let mut seen: FastMap<Box<[u32]>, ()> = FastMap::default();
        let mut rows = Vec::new();
        let mut of_rule = vec![Vec::new(); list.rules().len()];
        let mut groups = Groups::default();
        for service in 0..services.len() {
            grid.group(service, &mut groups);
            for group in &groups.list {
                let row: Box<[u32]> =
                    grid.active(service, group.outer).map(|at| grid.rules[at] as u32).collect();
                if seen.insert(row.clone(), ()).is_none() {
                    row.iter().for_each(|&rule| of_rule[rule as usize].push(rows.len()));
                    rows.push(row);
                }
            }
        }
        Cells { list, rows, of_rule, inner }
    }

    /// Sets `own` to the inner classes that `rule` decides in row `cell`; whether there are any.
    fn owned(&self, cell: usize, rule: usize, own: &mut Vec<u64>) -> bool {
        own.clear();
        own.extend_from_slice(self.inner[rule]);
        for &earlier in self.rows[cell].iter().take_while(|&&other| (other as usize) < rule) {
            if take_away(own, self.inner[earlier as usize]) {
                return false;
            }
        }
        // A set of a grid's rule is never empty.
        true
    }

    /// Whether the classes `own`, which `rule` decides, are decided alike without it by the later rules that are
    /// kept, or else the default. Uses `own` up.
    fn agrees_without(&self, cell: usize, rule: usize, kept: &[bool], own: &mut [u64]) -> bool {
        let access = self.list.rules()[rule].access;
        let row = &self.rows[cell];
        for &later in &row[row.partition_point(|&other| other as usize <= rule)..] {
            let later = later as usize;
            if !kept[later] {
                continue;
            }
            if self.list.rules()[later].access != access && overlaps(own, self.inner[later]) {
                return false;
            }
            if take_away(own, self.inner[later]) {
                return true;
            }
        }
        self.list.default_access() == access
    }
}

/// Removes `part` from `bits`; whether nothing is left.
fn take_away(bits: &mut [u64], part: &[u64]) -> bool {
    bits.iter_mut().zip(part).for_each(|(bits, part)| *bits &= !part);
    is_zero(bits)
}

/// What each rule takes in one family: source classes times destination classes.
struct Boxes<'a> {
    /// For each rule, its source and destination classes; `None` if it takes nothing in this family.
    sides: Vec<Option<(&'a [u64], &'a [u64])>>,
}

impl<'a> Boxes<'a> {
    fn of<A: Family>(grid: &'a Grid<A>, rules: &[&Rule]) -> Self {
        let mut sides = vec![None; rules.len()];
        for (at, &rule) in grid.rules.iter().enumerate() {
            sides[rule] = Some((grid.src.row(at), grid.dst.row(at)));
        }
        Boxes { sides }
    }

    fn holds(&self, outer: usize, inner: usize) -> bool {
        match (self.sides[outer], self.sides[inner]) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(outer), Some(inner)) => is_subset(inner.0, outer.0) && is_subset(inner.1, outer.1),
        }
    }

    fn overlap(&self, a: usize, b: usize) -> bool {
        match (self.sides[a], self.sides[b]) {
            (Some(a), Some(b)) => overlaps(a.0, b.0) && overlaps(a.1, b.1),
            _ => false,
        }
    }
}

/// How the packets of two rules lie to each other: a rule is a product of services and addresses, so relations
/// hold exactly if they hold in every dimension, for rules that take something.
struct Relations<'a> {
    services: &'a Services,
    boxes: [Boxes<'a>; 2],
}

impl Relations<'_> {
    fn is_matching(&self, rule: usize) -> bool {
        self.boxes.iter().any(|boxes| boxes.sides[rule].is_some())
    }

    fn service(&self, rule: usize) -> &[u64] {
        self.services.classes_of.row(self.services.of_rule[rule] as usize)
    }

    /// Whether `outer` takes every packet that `inner` takes.
    fn holds(&self, outer: usize, inner: usize) -> bool {
        self.boxes.iter().all(|boxes| boxes.holds(outer, inner))
    }

    fn pairs(&self, list: &RuleList, found: &mut Analysis) {
        let access = |rule: usize| list.rules()[rule].access;
        let matching: Vec<usize> = (0..list.rules().len()).filter(|&rule| self.is_matching(rule)).collect();
        for (at, &rule) in matching.iter().enumerate() {
            for &earlier in &matching[..at] {
                let (service, other) = (self.service(rule), self.service(earlier));
                if !overlaps(service, other) || !self.boxes.iter().any(|boxes| boxes.overlap(rule, earlier)) {
                    continue;
                }
                let held = is_subset(service, other) && self.holds(earlier, rule);
                let holds = is_subset(other, service) && self.holds(rule, earlier);
                let contrary = access(rule) != access(earlier);
                if held {
                    found.shadowed_by_one.push((rule, earlier));
                } else if contrary {
                    if holds { &mut found.generalizes } else { &mut found.correlated }.push((rule, earlier));
                }
            }
        }
    }
}
