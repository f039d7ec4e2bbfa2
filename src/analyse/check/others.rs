//! Route tables and firewalls of a policy against those that are there.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::groups::{Found, Judged, by_rule, have, is_needed};
use super::model::{Have, NeedId, NeedState, Purpose};
use crate::addr::AddrSet;
use crate::analyse::compare::pairs;
use crate::analyse::hanging::{Hanging, Kind};
use crate::analyse::open::{
    Atoms, OpenFirewall, OpenList, OpenRoutes, Unit, compare_open, first_address, intersection, subtracted,
    units,
};
use crate::analyse::said::PacketSaid;
use crate::packet::Direction;
use crate::read::live::LiveTable;
use crate::replay::{HostKey, Translation};
use crate::rules::{Access, Region, RuleList};

impl Judged<'_> {
    pub(super) fn tables(&mut self) {
        let [wanted, live] = self.live;
        if live.tables.is_empty() {
            if !wanted.tables.is_empty() {
                self.hangs_on.push(Hanging::NoneLive(Kind::Table));
            }
            return;
        }
        for (one, other) in pairs(&wanted.tables, &live.tables, |_| None, |t| &t.name) {
            match (one, other) {
                (Some(one), Some(other)) => self.table(one, other),
                (Some(one), None) => {
                    self.hangs_on.push(Hanging::NotLive(Kind::Table, one.name.clone()));
                }
                (None, Some(other)) => {
                    self.hangs_on.push(Hanging::NotMade(Kind::Table, other.name.clone()));
                }
                (None, None) => {}
            }
        }
    }

    fn table(&mut self, wanted: &LiveTable, live: &LiveTable) {
        let [a, b] =
            [OpenRoutes::of(Some(wanted), &self.meanings[0]), OpenRoutes::of(Some(live), &self.meanings[1])];
        self.hangs_on.extend(live.incomplete.iter().cloned().map(Hanging::Note));
        self.hangs_on.extend(b.open.iter().cloned().map(Hanging::Route));
        let strays: Vec<AddrSet> =
            a.difference(&b).into_iter().map(|difference| difference.addresses).collect();
        let strays = AddrSet::union_of(&strays);
        for (at, route) in wanted.routes.iter().enumerate() {
            let own = a.addresses_of(at);
            let missing = own.intersection(&strays);
            self.need(NeedState {
                id: NeedId::Route(route.name.clone()),
                target: "route-table",
                state: have(&missing, &own),
                missing: missing.prefixes().collect(),
                packet: None,
                since: None,
                tag: None,
                host: None,
                stopped_by: first_address(&missing).map(|address| match b.route_at(address) {
                    Some(name) => Cow::Owned(name.to_owned()),
                    None => Cow::Borrowed("the system's route"),
                }),
                why: Purpose::Route(route.prefixes.clone(), route.next_hop_type.clone()),
            });
        }
        for (at, route) in live.routes.iter().enumerate() {
            let own = b.addresses_of(at);
            let excess = own.intersection(&strays);
            self.rule(Found {
                resource: &live.name,
                rule: &route.name,
                place: &route.place,
                is_needed: !own.is_empty() && excess != own,
                is_ours: wanted.routes.iter().any(|other| other.name.eq_ignore_ascii_case(&route.name)),
                excess,
                packet: None,
            });
        }
    }

    pub(super) fn firewalls(&mut self) {
        let (wanted, live) = (units(self.live[0]), units(self.live[1]));
        if live.is_empty() {
            if !wanted.is_empty() {
                self.hangs_on.push(Hanging::NoneLive(Kind::Firewall));
            }
            return;
        }
        for (one, other) in pairs(&wanted, &live, |_| None, |unit| &unit.name) {
            match (one, other) {
                (Some(one), Some(other)) => self.firewall(one, other),
                (Some(one), None) => {
                    self.hangs_on.push(Hanging::NotLive(Kind::Firewall, one.name.clone()));
                }
                (None, Some(other)) => {
                    self.hangs_on.push(Hanging::NotMade(Kind::Firewall, other.name.clone()));
                }
                (None, None) => {}
            }
        }
    }

    fn firewall(&mut self, wanted: &Unit<'_>, live: &Unit<'_>) {
        let mut atoms = Atoms::default();
        let [of_wanted, of_live] = &mut self.meanings;
        let [a, b] = [wanted.open(of_wanted, &mut atoms), live.open(of_live, &mut atoms)];
        self.hangs_on.extend(live.incomplete.iter().cloned().map(Hanging::Firewall));
        let outcome = compare_open(&a.passing(None), &b.passing(None));
        self.open(&live.name, &outcome, &atoms);
        let by_address = outcome.sure.clone();
        let (missing, mut excess): (Vec<Region>, Vec<Region>) =
            outcome.sure.into_iter().partition(|region| region.first == Access::Allow);
        self.missing("firewall", Direction::Outbound, missing, |region| stopped_by(&b, None, region));
        let mut of_rules: Vec<Vec<Region>> = vec![Vec::new(); b.names.len()];
        attribute(&b.passing(None), std::mem::take(&mut excess), &mut of_rules);
        self.translations([&a, &b], &by_address, &mut of_rules);
        let hosts: BTreeSet<HostKey> = a.hosts().into_iter().chain(b.hosts()).collect();
        for host in &hosts {
            self.host(host, [&a, &b], &mut of_rules);
        }
        let mut lists = Lists { both: [&a, &b], hosts: hosts.iter().collect(), made: HashMap::new() };
        for (origin, regions) in of_rules.iter().enumerate() {
            let (name, place) = &b.names[origin];
            let sets: Vec<AddrSet> = regions.iter().map(|region| region.destinations.clone()).collect();
            self.rule(Found {
                resource: &live.name,
                rule: name,
                place,
                is_needed: lists.need(origin, regions),
                is_ours: a.names.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)),
                excess: AddrSet::union_of(&sets),
                packet: regions.first().map(|region| PacketSaid::from(&region.packet)),
            });
        }
    }

    /// Packets that DNAT sends elsewhere than it should. Those that only one lets through are told already.
    fn translations(&mut self, [a, b]: [&OpenFirewall; 2], told: &[Region], of_rules: &mut [Vec<Region>]) {
        let all: BTreeSet<Translation> = a.translations().chain(b.translations()).cloned().collect();
        for to in &all {
            let lists = [a.translating(to), b.translating(to)];
            let outcome = compare_open(&lists[0], &lists[1]);
            let rest = subtracted(outcome.sure, told);
            let (missing, excess): (Vec<Region>, Vec<Region>) =
                rest.into_iter().partition(|region| region.first == Access::Allow);
            attribute(&lists[1], excess, of_rules);
            let Some(first) = missing.first() else { continue };
            let sets: Vec<AddrSet> = missing.iter().map(|region| region.destinations.clone()).collect();
            self.need(NeedState {
                id: NeedId::Dnat(to.clone()),
                target: "firewall",
                state: Have::Missing,
                missing: AddrSet::union_of(&sets).prefixes().collect(),
                packet: Some(PacketSaid::from(&first.packet)),
                since: None,
                tag: None,
                host: None,
                stopped_by: Some(stopped_by(b, None, first)),
                why: Purpose::Dnat,
            });
        }
    }

    /// What passes for one name, beside what passes by address.
    fn host(&mut self, host: &HostKey, [a, b]: [&OpenFirewall; 2], of_rules: &mut [Vec<Region>]) {
        let outcome = compare_open(&a.passing(Some(host)), &b.passing(Some(host)));
        let (missing, excess): (Vec<Region>, Vec<Region>) =
            outcome.sure.into_iter().partition(|region| region.first == Access::Allow);
        attribute(&b.passing(Some(host)), excess, of_rules);
        let everywhere = AddrSet::all();
        let named: Vec<_> = self
            .needs
            .iter()
            .filter(|need| need.host.as_ref().is_some_and(|own| own.example() == *host))
            .collect();
        for need in named {
            // What is missing for every host, by address, is no matter of this need where it is on other ports.
            let own = intersection(&missing, &need.regions_to(&everywhere));
            let stopped = own.first();
            self.need(NeedState {
                id: NeedId::Flow(need.id.clone()),
                target: "firewall",
                state: if stopped.is_some() { Have::Missing } else { Have::Ok },
                missing: Vec::new(),
                packet: stopped.map(|region| PacketSaid::from(&region.packet)),
                since: None,
                tag: None,
                host: need.host.clone(),
                stopped_by: stopped.map(|region| stopped_by(b, Some(host), region)),
                why: Purpose::Said(need.why.clone()),
            });
        }
    }
}

/// The rule that stops a packet, or the default.
fn stopped_by(firewall: &OpenFirewall, host: Option<&HostKey>, region: &Region) -> Cow<'static, str> {
    let list = firewall.passing(host);
    let found = list.deciding(&region.packet, &|_| false);
    found.map_or(Cow::Borrowed("default deny"), |open| Cow::Owned(firewall.names[open.origin].0.clone()))
}

/// Puts packets that pass without need to the rules that let them.
fn attribute(list: &OpenList, excess: Vec<Region>, of_rules: &mut [Vec<Region>]) {
    if excess.is_empty() {
        return;
    }
    for (open, regions) in list.rules.iter().zip(by_rule(list, excess)) {
        of_rules[open.origin].extend(regions);
    }
}

/// The lists of two firewalls, by address and for each name, as they are needed.
struct Lists<'l> {
    both: [&'l OpenFirewall; 2],
    hosts: Vec<&'l HostKey>,
    /// By the place among names; the last is that by address.
    made: HashMap<usize, (OpenList, [RuleList; 2])>,
}

impl Lists<'_> {
    /// Whether a rule lets anything through that is wanted, by address or for any name; of one that denies, whether the
    /// policy makes it.
    fn need(&mut self, origin: usize, excess: &[Region]) -> bool {
        let by_address = self.hosts.len();
        std::iter::once(by_address).chain(0..by_address).any(|at| {
            let [a, b] = self.both;
            let host = self.hosts.get(at).copied();
            let (live, [wanted, closed]) = self.made.entry(at).or_insert_with(|| {
                let live = b.passing(host);
                let closed = [a.passing(host).closed(&|_| false), live.closed(&|_| false)];
                (live, closed)
            });
            let own = live.rules.iter().enumerate().filter(|(_, rule)| rule.origin == origin);
            own.into_iter().any(|(at, rule)| is_needed(rule, excess, at, closed, wanted))
        })
    }
}
