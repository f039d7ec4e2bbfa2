//! Rules of firewalls: TW001, TW002, TW004, TW040, TW041 across groups, collections and kinds.

use std::collections::BTreeSet;

use super::finding::{Finding, Severity};
use super::list::{Line, Lines};
use super::message::Message;
use super::sides::{RuleSide, Sides, ports, protocol, same};
use crate::packet::Ports;
use crate::read::live::{Live, LiveCollection, Place, is_same_resource, last_part};
use crate::read::resources::{ApplicationRule, FirewallRule, NetworkRule};
use crate::rules::{Access, Rule, analyze};

/// The rules of one firewall in order.
struct Firewall<'a> {
    name: String,
    live: &'a Live,
    sides: &'a Sides<'a>,
    lines: Lines,
    /// For each rule of the files: what it is called, its collection, and where it stands.
    rules: Vec<(String, Place)>,
    applications: Vec<(usize, &'a ApplicationRule)>,
    /// Rules that send packets elsewhere: without them packets would go elsewhere, whoever else lets them pass.
    nat: Vec<usize>,
}

/// A collection with what orders it.
type Ordered<'a> = ((u8, usize, i64, i64), String, &'a LiveCollection);

/// What is found in all firewalls and policies.
pub(super) fn firewalls(live: &Live, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    for firewall in &live.firewalls {
        if !firewall.collections.is_empty() && firewall.incomplete.is_empty() {
            let order = firewall.collections.iter().map(|c| ordered(0, 0, "", c)).collect();
            look(firewall.name.clone(), order, live, sides, found);
        }
    }
    let policies: BTreeSet<Option<&str>> =
        live.collection_groups.iter().map(|g| g.policy.as_deref()).collect();
    let is_base = |name: &str| live.policies.iter().any(|p| same(p.base.as_deref(), Some(name)));
    for policy in policies {
        if policy.is_some_and(|name| is_base(name) && policies_count(live) > 1) {
            continue;
        }
        let own = live.policies.iter().find(|p| policy.is_some_and(|name| is_same_resource(&p.name, name)));
        let base = own.and_then(|p| p.base.as_deref());
        let mut order = Vec::new();
        let mut whole = true;
        for group in &live.collection_groups {
            let rank = match group.policy.as_deref() {
                own if own == policy => 1,
                other if same(other, base) => 0,
                _ => continue,
            };
            whole &= group.incomplete.is_empty() && group.priority.is_some();
            order.extend(
                group.collections.iter().map(|c| ordered(rank, group.priority.unwrap_or(0), &group.name, c)),
            );
        }
        if whole {
            look(policy.unwrap_or("firewall").to_owned(), order, live, sides, found);
        }
    }
}

fn policies_count(live: &Live) -> usize {
    live.policies.len()
}

fn ordered<'a>(rank: usize, priority: i64, group: &str, collection: &'a LiveCollection) -> Ordered<'a> {
    let stage = match collection.collection.rules.first() {
        Some(FirewallRule::Nat(_)) => 0,
        Some(FirewallRule::Application(_)) => 2,
        _ => 1,
    };
    ((stage, rank, priority, collection.collection.priority), group.to_owned(), collection)
}

fn look(name: String, mut order: Vec<Ordered<'_>>, live: &Live, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    order.sort_by_key(|(key, ..)| *key);
    let (lines, rules, applications, nat) = Default::default();
    let mut firewall = Firewall { name, live, sides, lines, rules, applications, nat };
    for (_, group, collection) in &order {
        firewall.add(group, collection, found);
    }
    firewall.dead(found);
    firewall.masked(found);
}

impl<'a> Firewall<'a> {
    fn add(&mut self, group: &str, live: &'a LiveCollection, found: &mut Vec<Finding>) {
        let collection = &live.collection;
        let access =
            if collection.action.eq_ignore_ascii_case("deny") { Access::Deny } else { Access::Allow };
        for (rule, place) in collection.rules.iter().zip(&live.places) {
            let parts = [group, &collection.name, rule.name()];
            let name = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
            let origin = self.rules.len();
            self.rules.push((name, place.clone()));
            match rule {
                FirewallRule::Network(rule) => self.network(rule, access, origin, found),
                FirewallRule::Application(rule) => {
                    self.groups(origin, &[&rule.source_groups], found);
                    self.applications.push((origin, rule));
                }
                FirewallRule::Nat(rule) => {
                    self.nat.push(origin);
                    self.groups(origin, &[&rule.source_groups], found);
                    let source = self.side(&rule.sources, &rule.source_groups);
                    let destination = self.side(&rule.destinations, &[]);
                    self.push(origin, Access::Allow, &rule.protocols, (source, destination), &rule.ports);
                }
            }
        }
    }

    fn network(&mut self, rule: &NetworkRule, access: Access, origin: usize, found: &mut Vec<Finding>) {
        self.groups(origin, &[&rule.source_groups, &rule.destination_groups], found);
        let source = self.side(&rule.sources, &rule.source_groups);
        if rule.destinations.is_empty() && rule.destination_groups.is_empty() {
            return;
        }
        let destination = self.side(&rule.destinations, &rule.destination_groups);
        if rule.fqdns.is_empty() {
            self.push(origin, access, &rule.protocols, (source, destination), &rule.ports);
        }
    }

    /// A side with the addresses of its IP groups.
    fn side(&self, texts: &[String], groups: &[String]) -> RuleSide {
        let mut all = texts.to_vec();
        let mut missing = Vec::new();
        for id in groups {
            match self.live.ip_groups.iter().find(|group| is_group(group.id.as_deref(), &group.name, id)) {
                Some(group) => all.extend(group.addresses.iter().cloned()),
                None => missing.push(id.clone()),
            }
        }
        self.sides.side(&all, &missing)
    }

    /// What is wrong with the IP groups that a rule names.
    fn groups(&self, origin: usize, lists: &[&Vec<String>], found: &mut Vec<Finding>) {
        let (name, place) = &self.rules[origin];
        for id in lists.iter().flat_map(|list| list.iter()) {
            let group =
                self.live.ip_groups.iter().find(|group| is_group(group.id.as_deref(), &group.name, id));
            let short = || last_part(id).to_owned();
            let (message, severity) = match group {
                Some(group) if group.addresses.is_empty() => {
                    (Message::EmptyGroup(short()), Severity::Warning)
                }
                Some(_) => continue,
                None => (Message::MissingGroup(short()), Severity::Info),
            };
            found.push(Finding::new("TW041", &self.name, Some(name), place, message).rated(severity));
        }
    }

    fn push(
        &mut self,
        origin: usize,
        access: Access,
        protocols: &[String],
        (source, destination): (RuleSide, RuleSide),
        texts: &[String],
    ) {
        let Some(dport) = ports(texts) else { return };
        let (name, place) = self.rules[origin].clone();
        let widest = |side: &RuleSide| if side.is_known() { side.set.clone() } else { self.sides.all() };
        for protocol in protocols.iter().filter_map(|text| protocol(text)) {
            let rule = Rule {
                name: name.clone(),
                priority: 0,
                access,
                protocol,
                src: widest(&source),
                dst: widest(&destination),
                sport: Ports::all(),
                dport: dport.clone(),
            };
            self.lines.lines.push(Line::new(
                rule,
                source.clone(),
                destination.clone(),
                Some(origin),
                place.clone(),
            ));
        }
    }

    /// Rules all of whose protocols are dead, or redundant.
    fn dead(&self, found: &mut Vec<Finding>) {
        let lines = &self.lines.lines;
        let (dead, redundant): (Vec<usize>, Vec<usize>) = if self.lines.is_known() {
            let analysis = analyze(&self.lines.list());
            (analysis.shadowed.into_iter().chain(analysis.never_matches).collect(), analysis.redundant)
        } else {
            let dead: Vec<usize> =
                (0..lines.len()).filter(|&at| self.lines.own_packet(at).is_none()).collect();
            let redundant = (0..lines.len()).filter(|&at| self.lines.is_redundant(at)).collect();
            (dead, redundant)
        };
        for (origin, (name, place)) in self.rules.iter().enumerate() {
            let own: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].origin == Some(origin)).collect();
            if own.is_empty() {
                continue;
            }
            if own.iter().all(|at| dead.contains(at)) {
                found.push(self.dead_rule(name, place, &own));
            } else if !self.nat.contains(&origin) && own.iter().all(|at| redundant.contains(at)) {
                let message = Message::RedundantInFirewall;
                found.push(Finding::new("TW004", &self.name, Some(name), place, message).fix("remove it"));
            }
        }
    }

    fn dead_rule(&self, name: &str, place: &Place, own: &[usize]) -> Finding {
        let mut names = self.lines.names(own.iter().flat_map(|&at| self.lines.blockers(at)));
        names.retain(|blocker| blocker != name);
        names.sort_unstable();
        names.dedup();
        let contrary = own.iter().find_map(|&at| self.lines.contrary_packet(at));
        let id = if contrary.is_some() { "TW002" } else { "TW001" };
        let message = if names.is_empty() { Message::NeverMatches } else { Message::Dead(names.clone()) };
        Finding::new(id, &self.name, Some(name), place, message)
            .packet(contrary)
            .blockers(names)
            .fix("remove it")
    }

    /// Application rules that network rules leave nothing to.
    fn masked(&self, found: &mut Vec<Finding>) {
        for (origin, rule) in &self.applications {
            let source = self.side(&rule.sources, &rule.source_groups);
            if !source.is_known() || rule.protocols.is_empty() {
                continue;
            }
            let texts: Vec<String> = rule.protocols.iter().map(|(_, port)| port.to_string()).collect();
            let Some(dport) = ports(&texts) else { continue };
            let (name, place) = self.rules[*origin].clone();
            let all = self.sides.side(&["0.0.0.0/0".to_owned()], &[]);
            let whole = Rule {
                name: name.clone(),
                priority: 0,
                access: Access::Allow,
                protocol: crate::packet::Protocol::Tcp,
                src: source.set.clone(),
                dst: all.set.clone(),
                sport: Ports::all(),
                dport,
            };
            let mut with = self.lines.clone();
            let at = with.lines.len();
            with.lines.push(Line::new(whole, source, all, Some(*origin), place.clone()));
            if at == 0 || with.own_packet(at).is_some() {
                continue;
            }
            let mut names = with.names(with.blockers(at));
            names.sort_unstable();
            names.dedup();
            let message = Message::Masked(names.clone());
            found.push(Finding::new("TW040", &self.name, Some(&name), &place, message).blockers(names));
        }
    }
}

fn is_group(id: Option<&str>, name: &str, wanted: &str) -> bool {
    is_same_resource(id.unwrap_or(name), wanted)
}
