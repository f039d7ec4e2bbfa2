//! Operations on the routes of a table: put longest first, deleted shortest first.

use std::cmp::Reverse;

use super::body::route as body;
use super::model::{NoSafeOrder, Operation, resource_group};
use crate::addr::{AddrSet, IpPrefix};
use crate::analyse::open::{OpenResolver, OpenRoutes};
use crate::read::live::{LiveRoute, LiveTable};

#[derive(Debug, Clone)]
enum Change {
    Put(LiveRoute),
    Delete(LiveRoute),
}

fn is_called(route: &LiveRoute, name: &str) -> bool {
    route.name.eq_ignore_ascii_case(name)
}

fn is_same(a: &LiveRoute, b: &LiveRoute) -> bool {
    let text = |route: &LiveRoute| {
        let hop = route.next_hop_address.clone().unwrap_or_default();
        (prefix(route), route.next_hop_type.to_ascii_lowercase(), hop)
    };
    text(a) == text(b)
}

impl Change {
    fn done(&self, table: &LiveTable) -> LiveTable {
        let mut table = table.clone();
        match self {
            Change::Put(route) => match table.routes.iter_mut().find(|own| is_called(own, &route.name)) {
                Some(own) => *own = route.clone(),
                None => table.routes.push(route.clone()),
            },
            Change::Delete(route) => table.routes.retain(|own| !is_called(own, &route.name)),
        }
        table
    }
}

/// The length of a route's prefix; tags are as long as their longest.
fn length(route: &LiveRoute) -> u8 {
    let lengths =
        route.prefixes.iter().map(|text| text.parse::<IpPrefix>().map_or(128, |prefix| prefix.len()));
    lengths.max().unwrap_or_default()
}

/// Judges what comes between what is there and what is wanted.
struct Judge<'j, 'a> {
    live: &'j LiveTable,
    start: OpenRoutes,
    goal: OpenRoutes,
    meaning: &'j OpenResolver<'a>,
}

impl Judge<'_, '_> {
    /// Whether every address goes where it did or where it is wanted to, and Azure takes the table.
    fn is_safe(&self, table: &LiveTable) -> bool {
        let now = OpenRoutes::of(Some(table), self.meaning);
        let set = |other: &OpenRoutes| {
            let parts: Vec<AddrSet> = now.difference(other).into_iter().map(|part| part.addresses).collect();
            AddrSet::union_of(&parts)
        };
        is_taken(table) && set(&self.start).is_disjoint(&set(&self.goal))
    }

    fn is_done(&self, table: &LiveTable) -> bool {
        self.goal.difference(&OpenRoutes::of(Some(table), self.meaning)).is_empty()
    }

    /// Of these changes those without which it would not be as wanted, in an order in which each is safe; none where there
    /// is no such order.
    fn order(&self, mut changes: Vec<Change>) -> Option<Vec<Change>> {
        for at in (0..changes.len()).rev() {
            let others = changes.iter().enumerate().filter(|(own, _)| *own != at).map(|(_, change)| change);
            let left = others.fold(self.live.clone(), |table, change| change.done(&table));
            if self.is_done(&left) {
                changes.remove(at);
            }
        }
        let (mut now, mut order) = (self.live.clone(), Vec::new());
        while !changes.is_empty() {
            let next = (0..changes.len()).find(|&at| self.is_safe(&changes[at].done(&now)))?;
            let change = changes.remove(next);
            now = change.done(&now);
            order.push(change);
        }
        self.is_done(&now).then_some(order)
    }
}

/// The operations on one table.
pub(super) fn plan(
    wanted: &LiveTable,
    live: &LiveTable,
    meanings: &[OpenResolver<'_>; 2],
) -> Result<Vec<Operation>, NoSafeOrder> {
    let judge = Judge {
        live,
        start: OpenRoutes::of(Some(live), &meanings[1]),
        goal: OpenRoutes::of(Some(wanted), &meanings[0]),
        meaning: &meanings[1],
    };
    if judge.is_done(live) {
        return Ok(Vec::new());
    }
    let orders = [judge.order(by_name(wanted, live)), judge.order(by_prefix(wanted, live))];
    let order = orders.into_iter().flatten().min_by_key(Vec::len).ok_or_else(|| NoSafeOrder {
        resource: live.name.clone(),
        why: "its routes cannot be changed one at a time".to_owned(),
    })?;
    Ok(order.iter().map(|change| change.operation(live)).collect())
}

/// Azure takes each prefix once.
fn is_taken(table: &LiveTable) -> bool {
    let mut seen = std::collections::HashSet::new();
    table
        .routes
        .iter()
        .flat_map(|route| &route.prefixes)
        .all(|prefix| seen.insert(prefix.to_ascii_lowercase()))
}

/// Routes are put by their names: one may take the place of another.
fn by_name(wanted: &LiveTable, live: &LiveTable) -> Vec<Change> {
    let is_there =
        |route: &LiveRoute| live.routes.iter().any(|own| is_called(own, &route.name) && is_same(own, route));
    let puts = wanted.routes.iter().filter(|route| !is_there(route)).cloned().collect();
    let gone =
        live.routes.iter().filter(|own| !wanted.routes.iter().any(|route| is_called(route, &own.name)));
    in_order(puts, gone.cloned().collect())
}

/// Routes are put by their prefixes, so that each change is of one prefix: the route that is there keeps its name, and a
/// name that another has still is not taken. Longest first and then shortest first, every address goes as it did until it
/// goes as it is wanted to.
fn by_prefix(wanted: &LiveTable, live: &LiveTable) -> Vec<Change> {
    let of = |table: &LiveTable, route: &LiveRoute| {
        table.routes.iter().find(|own| prefix(own) == prefix(route)).cloned()
    };
    let mut puts = Vec::new();
    for route in &wanted.routes {
        match of(live, route) {
            Some(own) if is_same(&own, route) => {}
            Some(own) => puts.push(LiveRoute { name: own.name, ..route.clone() }),
            None => {
                let mut name = route.name.clone();
                while live.routes.iter().any(|own| is_called(own, &name)) {
                    name.push_str("-new");
                }
                puts.push(LiveRoute { name, ..route.clone() });
            }
        }
    }
    let gone = live.routes.iter().filter(|own| of(wanted, own).is_none());
    in_order(puts, gone.cloned().collect())
}

/// The prefix, or the tag, of a route.
fn prefix(route: &LiveRoute) -> String {
    let text = route.prefixes.join(",");
    text.parse::<IpPrefix>().map_or_else(|_| text.to_ascii_lowercase(), |prefix| prefix.to_string())
}

fn in_order(mut puts: Vec<LiveRoute>, mut gone: Vec<LiveRoute>) -> Vec<Change> {
    puts.sort_by_key(|route| Reverse(length(route)));
    gone.sort_by_key(length);
    puts.into_iter().map(Change::Put).chain(gone.into_iter().map(Change::Delete)).collect()
}

impl Change {
    fn route(&self) -> &LiveRoute {
        let (Change::Put(route) | Change::Delete(route)) = self;
        route
    }

    fn operation(&self, live: &LiveTable) -> Operation {
        let (op, body) = match self {
            Change::Put(route) => ("put", Some(body(route))),
            Change::Delete(_) => ("delete", None),
        };
        Operation {
            op,
            kind: "route",
            resource: live.name.clone(),
            resource_group: resource_group(live.id.as_deref()),
            name: self.route().name.clone(),
            body,
        }
    }
}
