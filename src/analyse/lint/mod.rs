//! [`lint`]: what rules that exist are worth, all of them together, exactly.
//!
//! Each finding has a stable id; [`CHECKS`] says what they mean. What is not known (application security groups, tags of
//! no file, templates without their parameters) is never taken for something: a rule is dead only if it is dead in every
//! reading of it.

mod along;
mod blockers;
mod dead;
mod dismissed;
mod finding;
mod firewall;
mod flows;
mod headroom;
mod list;
mod message;
mod open;
mod routes;
mod sides;
mod stale;
mod texts;

use rayon::prelude::*;

pub use along::PlannedWay;
pub use dismissed::Dismissal;
pub use finding::{CHECKS, Check, Finding, Severity, check};
pub use flows::{Changed, FlowReplay, Hangs, Replayed, Used};
pub use message::{Fix, Message, Nested, OldList, Owners, Reach, Share, TagMatch};
pub use stale::{Origin, origin_of};

use crate::addr::AddrSet;
use crate::packet::Direction;
use crate::read::live::{Live, LiveGroup, Place};
use crate::tags::{Snapshot, Timeline};
use dead::Looked;
use list::Lines;
use sides::{Sides, inside};

/// What findings are made with.
#[derive(Debug, Clone, Copy)]
pub struct Linting<'a> {
    /// What tags hold today.
    pub snapshot: &'a Snapshot,
    /// What they held, for lists that are old; without it no list is held against them.
    pub timeline: Option<&'a Timeline>,
    /// Whether judgements are given beside what is exactly so.
    pub risks: bool,
}

/// Everything that is found in what was read: errors first, then by resource, in order of the files.
///
/// # Cost
/// For each group that of [`analyze`](crate::rules::analyze), and a comparison for each dead rule and pair of rules that
/// may merge; groups are shared out over threads.
///
/// ```
/// use tagwall::analyse::lint::{Linting, lint};
/// use tagwall::read::live::read_live;
/// use tagwall::tags::{Cloud, Snapshot, sample};
///
/// let file = br#"{ "name": "web", "type": "Microsoft.Network/networkSecurityGroups", "securityRules": [
///   { "name": "low", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
///     "sourceAddressPrefix": "0.0.0.0/1", "sourcePortRange": "*",
///     "destinationAddressPrefix": "*", "destinationPortRange": "20-30" } ] }"#;
/// let live = read_live(&[("web.json", file)]).unwrap();
/// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
/// let found = lint(&live, &Linting { snapshot: &snapshot, timeline: None, risks: false });
/// assert_eq!((found[0].id, found[0].rule.as_deref()), ("TW010", Some("low")));
/// assert_eq!(found[0].place.to_string(), "web.json:2 /securityRules/0");
/// ```
pub fn lint(live: &Live, linting: &Linting<'_>) -> Vec<Finding> {
    let everywhere = Sides::new(linting.snapshot, &inside(live, |_| true));
    let of_networks: Vec<(String, Sides<'_>)> = live
        .networks
        .iter()
        .map(|network| {
            (network.name.clone(), Sides::new(linting.snapshot, &inside(live, |n| n.name == network.name)))
        })
        .collect();
    let mut found: Vec<Finding> = live
        .groups
        .par_iter()
        .flat_map_iter(|group| {
            let sides = sides_of(group, live, &of_networks).unwrap_or(&everywhere);
            of_group(group, sides, linting)
        })
        .collect();
    routes::tables(live, &everywhere, &mut found);
    firewall::firewalls(live, &everywhere, &mut found);
    headroom::headroom(live, linting.timeline, &mut found);
    if let Some(timeline) = linting.timeline {
        lists(live, timeline, linting.snapshot, &mut found);
    }
    found.sort_by(|a, b| order(a).cmp(&order(b)));
    found
}

/// Errors first, then as the files have it.
fn order(finding: &Finding) -> (std::cmp::Reverse<Severity>, &str, usize, &str, Option<&str>) {
    let place = &finding.place;
    (std::cmp::Reverse(finding.severity), &place.file, place.line, finding.id, finding.rule.as_deref())
}

/// The texts of the network whose subnets a group is put on; `None` where that is not known.
fn sides_of<'s, 'a>(
    group: &LiveGroup,
    live: &Live,
    networks: &'s [(String, Sides<'a>)],
) -> Option<&'s Sides<'a>> {
    let subnet = live.subnets.iter().find(|subnet| routes::has_group(subnet, group))?;
    let network = subnet.network.as_deref()?;
    networks.iter().find(|(name, _)| name.eq_ignore_ascii_case(network)).map(|(_, sides)| sides)
}

fn of_group(group: &LiveGroup, sides: &Sides<'_>, linting: &Linting<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    texts::rules(group, sides, linting.risks, &mut found);
    for direction in [Direction::Inbound, Direction::Outbound] {
        let Some(lines) = Lines::of_group(group, direction, sides) else { continue };
        let owned = |at: &usize| lines.lines[*at].origin.is_some_and(|n| texts::is_intent(&group.rules[n]));
        let silent: Vec<usize> = (0..lines.lines.len()).filter(owned).collect();
        let (resource, place) = (group.name.as_str(), &group.place);
        let looked = Looked { resource, place, lines: &lines, silent };
        looked.findings(&mut found);
        match direction {
            Direction::Inbound => open::open_ports(&looked, sides, &mut found),
            Direction::Outbound => open::open_outbound(&looked, sides, linting.risks, &mut found),
        }
    }
    if let Some(timeline) = linting.timeline {
        for rule in &group.rules {
            for list in [&rule.rule.sources, &rule.rule.destinations] {
                let name = Some(rule.rule.name.as_str());
                let list = list_of(&group.name, name, &rule.place, list);
                stale::stale(&list, timeline, linting.snapshot, &mut found);
            }
        }
    }
    found
}

/// Lists in IP groups, route tables and rules of firewalls.
fn lists(live: &Live, timeline: &Timeline, today: &Snapshot, found: &mut Vec<Finding>) {
    let mut stale = |list| stale::stale(&list, timeline, today, found);
    for group in &live.ip_groups {
        stale(list_of(&group.name, None, &group.place, &group.addresses));
    }
    for table in live.tables.iter().filter(|table| !table.effective) {
        let prefixes = table.routes.iter().flat_map(|route| route.prefixes.iter());
        stale(list_of(&table.name, None, &table.place, prefixes));
    }
    let groups = live.collection_groups.iter().map(|group| (group.name.as_str(), &group.collections));
    let classic = live.firewalls.iter().map(|firewall| (firewall.name.as_str(), &firewall.collections));
    for (resource, collections) in groups.chain(classic) {
        for (rule, place) in collections.iter().flat_map(|c| c.collection.rules.iter().zip(&c.places)) {
            if let crate::read::resources::FirewallRule::Network(network) = rule {
                let name = Some(network.name.as_str());
                stale(list_of(resource, name, place, &network.destinations));
                stale(list_of(resource, name, place, &network.sources));
            }
        }
    }
}

/// The addresses of a list that stands somewhere.
fn list_of<'a>(
    resource: &'a str,
    rule: Option<&'a str>,
    place: &'a Place,
    texts: impl IntoIterator<Item = &'a String>,
) -> stale::List<'a> {
    let entries: Vec<_> = texts.into_iter().filter_map(|text| sides::address(text)).collect();
    let (count, set) = (entries.len(), entries.into_iter().collect::<AddrSet>());
    stale::List { resource, rule, place, entries: count, set }
}
