//! Routes beside the default: those of workloads, and the lines that a policy writes by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::draft::{Defaults, Draft, PlacedRoutes};
use super::intent::RouteLine;
use super::network::{Network, Role};
use super::place::Path;
use super::problem::{NetworkProblem, Problem, RouteProblem};
use super::problems::Problems;
use super::read_network::wrong_hop;
use super::resolve::Resolver;
use super::rule::{Cause, Remote, RouteNeed, only_families_of};
use super::sets::{addresses, applicable, list_text};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::NextHop;
use crate::text::nearest;

/// What the lines of a policy are read against.
pub(super) struct Lines<'a> {
    pub(super) resolver: &'a Resolver<'a>,
    pub(super) network: &'a Network,
}

impl Lines<'_> {
    /// Reads one `[[route]]`: needs of its own, and the default of its subnets where it leads everywhere.
    pub(super) fn read(&self, line: &RouteLine, place: &Path, draft: &mut Draft) {
        let Draft { routes, defaults, remarks, problems, .. } = draft;
        let subnets = self.subnets(line, place, problems);
        let Some(next_hop) = self.next_hop(line, &place.at("next-hop"), problems) else { return };
        let except = addresses(&line.except, &place.at("except"), problems);
        if line.to.is_empty() {
            problems.at(place.at("to"), "a route needs a destination: service tags or prefixes");
        }
        for (index, text) in line.to.as_slice().iter().enumerate() {
            let place = place.at("to").at(index);
            let found = match self.resolver.remotes(text, &mut remarks.notes) {
                Ok(found) => found,
                Err(error) => {
                    problems.at(place, error);
                    continue;
                }
            };
            for (remote, _) in found {
                let (everywhere, rest) = everywhere(&remote);
                for v6 in everywhere {
                    self.default(&subnets, (v6, next_hop), &place, defaults, problems);
                }
                match rest {
                    Some(to) => {
                        let need = self.need(to, next_hop, (&except, &subnets), line);
                        self.check(&need, &place, problems);
                        let risk = self.resolver.catalog.risk("private-subnet-route");
                        if let Some(risk) = risk.filter(|_| next_hop == NextHop::Internet) {
                            remarks.risk(risk, format_args!("policy route {}", need.to));
                        }
                        routes.push((place.clone(), need));
                    }
                    None if matches!(remote, Remote::Any | Remote::Addresses(_)) => {}
                    None => problems.at(place.clone(), RouteProblem::Remote(remote)),
                }
            }
        }
    }

    fn need(
        &self,
        to: Remote,
        next_hop: NextHop,
        (except, subnets): (&AddrSet, &BTreeSet<String>),
        line: &RouteLine,
    ) -> RouteNeed {
        let except = applicable(except, &to);
        let cause = Cause::by_hand(line.why.as_deref());
        RouteNeed {
            id: RouteNeed::id_for(list_text(&to), &except, next_hop),
            as_written: matches!(to, Remote::Addresses(_)),
            to,
            except,
            next_hop,
            nested: BTreeMap::new(),
            narrower: None,
            subnets: subnets.clone(),
            causes: vec![cause],
        }
    }

    /// The subnets of a line: those named, or all ordinary ones.
    fn subnets(&self, line: &RouteLine, place: &Path, problems: &mut Problems) -> BTreeSet<String> {
        let named = line.subnet.as_slice();
        let ordinary = |role: &Role| role.takes_default();
        if named.is_empty() {
            let all = self.network.subnets.iter().filter(|(_, subnet)| ordinary(&subnet.role));
            return all.map(|(name, _)| name.clone()).collect();
        }
        let mut found = BTreeSet::new();
        for (index, name) in named.iter().enumerate() {
            let place = place.at("subnet").at(index);
            match self.network.subnets.get(name) {
                Some(subnet) if !subnet.role.takes_table() => {
                    problems.at(place, RouteProblem::NoTable(name.clone()));
                }
                Some(_) => {
                    found.insert(name.clone());
                }
                None => problems.at(place, Problem::no_subnet(name, self.network)),
            }
        }
        found
    }

    fn next_hop(&self, line: &RouteLine, place: &Path, problems: &mut Problems) -> Option<NextHop> {
        const WORDS: [&str; 5] = ["firewall", "internet", "gateway", "none", "vnet"];
        let text = line.next_hop.as_str();
        match text {
            "internet" => return Some(NextHop::Internet),
            "gateway" => return Some(NextHop::Gateway),
            "none" => return Some(NextHop::None),
            "vnet" => return Some(NextHop::VnetLocal),
            "firewall" => {
                let found = self.network.firewall.first().copied().map(NextHop::Appliance);
                if found.is_none() {
                    problems.at(
                        place.clone(),
                        "the route leads to the firewall, but network.firewall is not set",
                    );
                }
                return found;
            }
            _ => {}
        }
        let Ok(address) = text.parse::<IpAddr>() else {
            let (text, nearest) = (line.next_hop.clone(), nearest(text, WORDS));
            problems.at(place.clone(), RouteProblem::NextHop { text, nearest });
            return None;
        };
        if let Some(error) = wrong_hop(self.network, address) {
            problems.at(place.clone(), NetworkProblem::Hop { address, error });
        }
        Some(NextHop::Appliance(address))
    }

    /// Notes the default of some subnets.
    fn default(
        &self,
        subnets: &BTreeSet<String>,
        (v6, hop): (bool, NextHop),
        place: &Path,
        defaults: &mut Defaults,
        problems: &mut Problems,
    ) {
        for name in subnets {
            let role = self.network.subnets.get(name).map(|subnet| subnet.role.clone()).unwrap_or_default();
            if !role.takes_default() && hop != NextHop::Internet {
                problems.at(place.clone(), RouteProblem::OnlyInternet { subnet: name.clone(), role });
            }
            if hop == NextHop::VnetLocal {
                problems.at(
                    place.clone(),
                    "`vnet` keeps traffic inside the network: name prefixes of its address space",
                );
            }
            let before = defaults.insert((name.clone(), v6), hop);
            if let Some(one) = before.filter(|one| *one != hop) {
                let problem = RouteProblem::TwoDefaults { subnet: name.clone(), one, other: hop };
                problems.at(place.clone(), problem);
            }
        }
    }

    fn check(&self, need: &RouteNeed, place: &Path, problems: &mut Problems) {
        let inside = match &need.to {
            Remote::Addresses(set) => set.is_subset(&self.network.space),
            _ => false,
        };
        if need.next_hop == NextHop::VnetLocal && !inside {
            problems.at(place.clone(), RouteProblem::NotInside(need.to.clone()));
        }
    }
}

/// The families whose every address a remote holds (IPv6 if set), and what else a route to it leads to.
fn everywhere(remote: &Remote) -> (Vec<bool>, Option<Remote>) {
    match remote {
        Remote::Any => (vec![false, true], None),
        Remote::Tag(_) => (Vec::new(), Some(remote.clone())),
        Remote::Addresses(set) => {
            let (v4, v6) = (set.v4.is_all(), set.v6.is_all());
            let rest = AddrSet {
                v4: if v4 { Default::default() } else { set.v4.clone() },
                v6: if v6 { Default::default() } else { set.v6.clone() },
            };
            let all = [(false, v4), (true, v6)].into_iter().filter(|(_, all)| *all).map(|(v6, _)| v6);
            (all.collect(), (!rest.is_empty()).then_some(Remote::Addresses(rest)))
        }
        _ => (Vec::new(), None),
    }
}

/// Routes of one destination and hop become one; those of one subnet that overlap with different hops contradict each
/// other, but for a line by hand inside a wider one, whose longer prefix wins.
pub(super) fn merge(mut routes: PlacedRoutes, network: &Network, problems: &mut Problems) -> Vec<RouteNeed> {
    routes.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    let mut kept: Vec<(Path, RouteNeed)> = Vec::new();
    for (place, mut need) in routes {
        if let Some((_, same)) = kept.iter_mut().find(|(_, k)| k.id == need.id) {
            same.subnets.extend(need.subnets);
            same.causes.extend(need.causes);
            same.causes.sort();
            same.causes.dedup();
            continue;
        }
        check_inside(&mut need, network, &place, problems);
        kept.push((place, need));
    }
    nest(&mut kept);
    check_both_ways(&kept, network, problems);
    for (at, (place, need)) in kept.iter().enumerate() {
        for (_, other) in &kept[..at] {
            check_hops(need, other, network, place, problems);
        }
    }
    kept.into_iter().map(|(_, need)| need).collect()
}

/// Warns of two lines by which subnets reach each other through different appliances: each sees one half of a connection.
fn check_both_ways(kept: &[(Path, RouteNeed)], network: &Network, problems: &mut Problems) {
    let by_appliance: Vec<&(Path, RouteNeed)> = kept
        .iter()
        .filter(|(_, need)| need.as_written && matches!(need.next_hop, NextHop::Appliance(_)))
        .collect();
    let toward = |need: &RouteNeed, other: &RouteNeed| {
        let meets = |set: &AddrSet, subnet: &str| !network.addresses_of(subnet).is_disjoint(set);
        let mut led = need.subnets.iter().map(|subnet| need.unless_nested(addresses_of(need), subnet));
        led.find_map(|set| other.subnets.iter().find(|subnet| meets(&set, subnet)).cloned())
    };
    for (at, (place, back)) in by_appliance.iter().enumerate() {
        for (_, there) in by_appliance[..at].iter().filter(|(_, there)| there.next_hop != back.next_hop) {
            if let (Some(a), Some(b)) = (toward(back, there), toward(there, back)) {
                let (there, back) = (there.next_hop, back.next_hop);
                problems.warn(place.clone(), RouteProblem::BothWays { a, b, there, back });
            }
        }
    }
}

/// The addresses that a route takes, without regard to subnets.
fn addresses_of(need: &RouteNeed) -> AddrSet {
    let set = match &need.to {
        Remote::Tag(tag) => tag.set().clone(),
        Remote::Addresses(set) => set.clone(),
        _ => AddrSet::empty(),
    };
    set.difference(&need.except)
}

/// What may be taken out of the network or from the platform: nothing, but for what an appliance inspects.
fn check_inside(need: &mut RouteNeed, network: &Network, place: &Path, problems: &mut Problems) {
    let platform = AddrSet::from("168.63.129.16".parse::<IpPrefix>().expect("a constant address"));
    let set = only_families_of(&addresses_of(need), &network.subnet_space());
    if !set.is_disjoint(&platform) {
        problems.at(place.clone(), RouteProblem::Platform(need.to.clone()));
    }
    let narrow = |set: &AddrSet| -> AddrSet {
        set.prefixes().filter(|&p| AddrSet::from(p).is_subset(&network.space)).collect()
    };
    let inside = narrow(&set);
    let Some(prefix) = inside.prefixes().next() else {
        // A wider prefix loses to the network's own.
        if !need.as_written && !set.is_disjoint(&network.space) {
            problems.at(place.clone(), RouteProblem::PartOfNetwork(need.to.clone()));
        }
        return;
    };
    match (need.next_hop, &need.to) {
        (NextHop::Appliance(_) | NextHop::VnetLocal, Remote::Addresses(_)) => need.as_written = true,
        (_, to) => problems.at(place.clone(), RouteProblem::OutOfNetwork { to: to.clone(), prefix }),
    }
}

/// Of two lines by hand, one wholly inside the other, the wider one is not for what the narrower one takes, in the tables
/// that have both.
fn nest(kept: &mut [(Path, RouteNeed)]) {
    let narrow: Vec<(AddrSet, NextHop, BTreeSet<String>)> = kept
        .iter()
        .filter(|(_, need)| need.as_written)
        .map(|(_, need)| (addresses_of(need), need.next_hop, need.subnets.clone()))
        .collect();
    for (_, wide) in kept.iter_mut().filter(|(_, need)| need.as_written) {
        let whole = addresses_of(wide);
        let inside = narrow
            .iter()
            .filter(|(set, hop, _)| *hop != wide.next_hop && *set != whole && set.is_subset(&whole));
        for (set, _, subnets) in inside {
            for subnet in subnets.intersection(&wide.subnets) {
                let nested = wide.nested.entry(subnet.clone()).or_insert_with(AddrSet::empty);
                *nested = nested.union(set);
            }
        }
    }
}

fn check_hops(need: &RouteNeed, other: &RouteNeed, network: &Network, place: &Path, problems: &mut Problems) {
    if other.next_hop == need.next_hop {
        return;
    }
    let (own, others) = (addresses_of(need), addresses_of(other));
    if own.is_disjoint(&others) {
        return;
    }
    // Where nothing is nested, every subnet says the same.
    let plain = need.nested.is_empty() && other.nested.is_empty();
    let both = need.subnets.intersection(&other.subnets).take(if plain { 1 } else { usize::MAX });
    let present = network.subnet_space();
    let clash = |subnet: &String| {
        let own = need.unless_nested(own.clone(), subnet);
        let both = own.intersection(&other.unless_nested(others.clone(), subnet));
        only_families_of(&both, &present).prefixes().next()
    };
    if let Some(prefix) = both.into_iter().find_map(clash) {
        let of = |need: &RouteNeed| (need.next_hop, need.to.clone());
        problems.at(place.clone(), RouteProblem::TwoHops { prefix, one: of(need), other: of(other) });
    }
}
