//! From what was read to a draft of a policy.

use std::borrow::Cow;

use super::said::{
    Adopted, Advice, Inexpressible, Meaning, MeaningKind, More, Named, Naming, NoSubnet, Origin, Proposal,
    Remote, RuleMeaning, RuleName,
};
use super::write::{Policy, PolicyEntry};
use crate::addr::{AddrSet, Count, Entry as Address};
use crate::analyse::lint::{Linting, lint, origin_of};
use crate::catalog::{Catalog, ServiceEndpoint, Workload};
use crate::packet::Direction;
use crate::read::live::{Live, LiveGroup, LiveRule, LiveSubnet, LiveTable, is_same_resource, last_part};
use crate::read::resources::{ApplicationRule, FirewallRule, NetworkRule};
use crate::tags::{Snapshot, Timeline};
use crate::text::joined;

/// A policy that is to make what was read: its groups, route tables and firewalls together.
///
/// Local sides of rules become subnets, other sides needs, denies before everything denies of the policy. What it cannot
/// say is listed; whether what it makes is the same has to be compared.
///
/// # Cost
/// That of [`lint`](crate::analyse::lint::lint), for the proposals.
pub fn adopt(live: &Live, snapshot: &Snapshot, timeline: Option<&Timeline>, naming: &Naming) -> Adopted {
    let mut draft = Draft { live, snapshot, timeline, policy: Policy::new(naming), done: Adopted::default() };
    draft.networks();
    let groups: Vec<&LiveGroup> = live.groups.iter().filter(|group| !group.effective).collect();
    if groups.len() > 1 {
        draft.cannot(Inexpressible::Groups(groups.iter().map(|group| group.name.clone()).collect()));
    }
    for group in &groups {
        draft.group(group);
    }
    live.tables.iter().filter(|table| !table.effective).for_each(|table| draft.table(table));
    draft.firewalls();
    draft.proposals();
    if draft.policy.entries.is_empty() && draft.policy.known.is_empty() {
        draft.cannot(Inexpressible::NoSubnet);
    }
    let Draft { policy, mut done, .. } = draft;
    done.policy = policy.text();
    done
}

struct Draft<'a> {
    live: &'a Live,
    snapshot: &'a Snapshot,
    timeline: Option<&'a Timeline>,
    policy: Policy,
    done: Adopted,
}

/// The side of a rule that a policy has as a subnet, and the other one.
struct Sides<'r> {
    local: &'r [String],
    other: &'r [String],
    groups: &'r [String],
}

fn is_any(texts: &[String]) -> bool {
    matches!(texts, [one] if is_any_text(one))
}

fn is_any_text(text: &str) -> bool {
    text == "*" || is(text, "any") || text == "0.0.0.0/0"
}

fn is_any_remote(texts: &[Remote]) -> bool {
    matches!(texts, [Remote::Text(one)] if is_any_text(one))
}

/// The addresses of a side that is nothing else.
fn addresses_of(texts: &[Remote]) -> Option<AddrSet> {
    let one = |text: &Remote| match text {
        Remote::Text(text) => Address::parse(text, true).ok(),
        _ => None,
    };
    texts.iter().map(one).collect()
}

fn set_of(texts: &[String]) -> Option<AddrSet> {
    texts.iter().map(|text| Address::parse(text, true).ok()).collect()
}

fn is(text: &str, other: &str) -> bool {
    text.eq_ignore_ascii_case(other)
}

impl Draft<'_> {
    fn cannot(&mut self, what: Inexpressible) {
        self.done.inexpressible.push(what);
    }

    fn networks(&mut self) {
        for network in &self.live.networks {
            self.policy.space.extend(network.space.iter().cloned());
            self.policy.peers.extend(network.peers.iter().cloned());
        }
        for subnet in &self.live.subnets {
            if let Some(set) = set_of(&subnet.prefixes).filter(|set| !set.is_empty()) {
                self.policy.known.push((subnet.name.clone(), set.clone()));
                self.endpoints(subnet, &set);
            }
        }
    }

    /// What a subnet sends past its table. An endpoint whose addresses nobody knows a policy cannot have.
    fn endpoints(&mut self, subnet: &LiveSubnet, set: &AddrSet) {
        let region = self.snapshot.regions().find(&self.policy.naming.region);
        for service in &subnet.endpoints {
            let known = ServiceEndpoint::find(service).ok();
            match known.filter(|e| region.is_some_and(|r| e.addresses(self.snapshot, r, false).is_some())) {
                Some(known) => self.policy.endpoints.push((set.clone(), known.service.as_str())),
                None => self.cannot(Inexpressible::Endpoint {
                    subnet: subnet.name.clone(),
                    service: service.clone(),
                }),
            }
        }
    }

    fn group(&mut self, group: &LiveGroup) {
        self.policy.target("nsg");
        for note in &group.incomplete {
            self.cannot(Inexpressible::Rules { group: group.name.clone(), note: note.clone() });
        }
        let mut rules: Vec<&LiveRule> = group.rules.iter().collect();
        rules.sort_by_key(|rule| (rule.rule.direction.to_ascii_lowercase(), rule.rule.priority));
        let mut rest = [false; 2];
        let (mut vnet, mut balancer) = (false, false);
        for rule in rules {
            let outbound = is(&rule.rule.direction, "outbound");
            if is_rest(rule) {
                rest[usize::from(outbound)] = true;
            } else if rest[usize::from(outbound)] {
                // Everything is denied before it: it is dead, and leaving it out changes nothing.
                self.explain(group, rule, &[]);
            } else if self.is_inside(rule) {
                vnet = true;
            } else if is_balancer(rule) {
                balancer = true;
            } else {
                self.rule(group, rule, outbound);
            }
        }
        self.policy.deny_rest &= rest[0] && rest[1];
        self.policy.vnet |= vnet;
        self.policy.balancer |= balancer;
        if rest[0] != rest[1] {
            self.cannot(Inexpressible::OneWay(group.name.clone()));
        }
    }

    /// Whether a rule lets everything pass inside the network. Where no network is read, it says what the network is.
    fn is_inside(&mut self, rule: &LiveRule) -> bool {
        let r = &rule.rule;
        let whole = is(&r.access, "allow")
            && protocol(&r.protocol) == "any"
            && is_any(&r.destination_ports)
            && is_any(&r.source_ports);
        if !whole || r.sources != r.destinations || !rule.source_groups.is_empty() {
            return false;
        }
        let Some(set) = set_of(&r.sources) else {
            return matches!(r.sources.as_slice(), [tag] if is(tag, "VirtualNetwork"));
        };
        if self.policy.space.is_empty() {
            self.policy.space = r.sources.clone();
            return true;
        }
        set_of(&self.policy.space).is_some_and(|space| space == set)
    }

    fn rule(&mut self, group: &LiveGroup, live: &LiveRule, outbound: bool) {
        let rule = &live.rule;
        let name = || RuleName { of: vec![group.name.clone()], rule: Some(rule.name.clone()) };
        let sides = if outbound {
            Sides { local: &rule.sources, other: &rule.destinations, groups: &live.destination_groups }
        } else {
            Sides { local: &rule.destinations, other: &rule.sources, groups: &live.source_groups }
        };
        self.explain(group, live, sides.other);
        let local_groups = if outbound { &live.source_groups } else { &live.destination_groups };
        if !is_any(&rule.source_ports) {
            let ports = rule.source_ports.clone();
            return self.cannot(Inexpressible::SourcePorts { rule: name(), ports });
        }
        let local = set_of(sides.local).filter(|set| !set.is_empty() && !is_any(sides.local));
        let Some(local) = local.filter(|_| local_groups.is_empty()) else {
            let what = if local_groups.is_empty() {
                NoSubnet::Texts(sides.local.to_vec())
            } else {
                NoSubnet::SecurityGroup
            };
            let side = if outbound { "source" } else { "destination" };
            return self.cannot(Inexpressible::Side { rule: name(), side, what });
        };
        let mut remotes = plain(sides.other.iter().filter(|text| !text.is_empty()));
        remotes.extend(sides.groups.iter().map(|id| Remote::SecurityGroup(last_part(id).to_owned())));
        self.policy.entries.push(PolicyEntry {
            allow: is(&rule.access, "allow"),
            local,
            direction: if outbound { Direction::Outbound } else { Direction::Inbound },
            remotes,
            protocols: vec![protocol(&rule.protocol)],
            ports: ports(&rule.destination_ports),
            from: Origin { rule: name(), place: live.place.clone() },
            note: self.note_of(&plain(sides.other)),
        });
    }

    /// What the texts of a rule are where they are more than they seem.
    fn note_of(&self, texts: &[Remote]) -> Option<More> {
        let mut parts = self.meanings(texts);
        parts.retain(|part| match part.kind {
            MeaningKind::TagAt | MeaningKind::Union => true,
            MeaningKind::Tag => texts.len() > 1,
            MeaningKind::Own => false,
        });
        (!parts.is_empty()).then_some(More(parts))
    }

    fn explain(&mut self, group: &LiveGroup, rule: &LiveRule, other: &[String]) {
        let is = self.meanings(&plain(other));
        let name = RuleName { of: Vec::new(), rule: Some(rule.rule.name.clone()) };
        self.done.rules.push(RuleMeaning { resource: Cow::Owned(group.name.clone()), rule: name, is });
    }

    fn meanings(&self, texts: &[Remote]) -> Vec<Meaning> {
        let plain =
            |kind, name: Named| Meaning { kind, name, from: None, to: None, missing: None, excess: None };
        let Some(set) = addresses_of(texts).filter(|_| !is_any_remote(texts) && !texts.is_empty()) else {
            let one = |text: &Remote| plain(MeaningKind::Tag, Named::Texts(vec![text.clone()]));
            return texts.iter().map(one).collect();
        };
        let Some((origin, timeline)) =
            self.timeline.filter(|_| texts.len() > 2).and_then(|t| Some((origin_of(&set, t)?, t)))
        else {
            return vec![plain(MeaningKind::Own, Named::Texts(texts.to_vec()))];
        };
        let mut parts: Vec<Meaning> = origin
            .tags
            .iter()
            .map(|fit| {
                let (from, to) = (fit.weeks[0].0, fit.weeks[fit.weeks.len() - 1].1);
                let today = Some(to) == timeline.newest() && fit.distance().is_zero();
                let kind = match (origin.is_union, today) {
                    (true, _) => MeaningKind::Union,
                    (false, true) => MeaningKind::Tag,
                    (false, false) => MeaningKind::TagAt,
                };
                let number = |count: Count| count.to_u128().and_then(|count| u64::try_from(count).ok());
                Meaning {
                    kind,
                    name: Named::Tag(fit.tag.clone()),
                    from: Some(timeline.date(from)),
                    to: Some(timeline.date(to)),
                    missing: number(fit.missing),
                    excess: number(fit.excess),
                }
            })
            .collect();
        if !origin.own.is_empty() {
            parts.push(plain(MeaningKind::Own, Named::Prefixes(origin.own.prefixes().collect())));
        }
        parts
    }

    fn table(&mut self, table: &LiveTable) {
        self.policy.target("route-table");
        self.policy.disable_bgp |= table.disable_bgp == Some(true);
        for note in &table.incomplete {
            self.cannot(Inexpressible::Routes { table: table.name.clone(), note: note.clone() });
        }
        for route in &table.routes {
            let all = route.prefixes.iter().any(|prefix| prefix == "0.0.0.0/0");
            let kind = route.next_hop_type.to_ascii_lowercase();
            let name = RuleName { of: vec![table.name.clone()], rule: Some(route.name.clone()) };
            let hop = match (kind.as_str(), &route.next_hop_address) {
                ("virtualappliance", Some(address)) if all => {
                    self.policy.firewall.get_or_insert_with(|| address.clone());
                    self.policy.default_route = Some("firewall");
                    continue;
                }
                ("virtualappliance", Some(address)) => Cow::Owned(address.clone()),
                ("internet", _) => Cow::Borrowed("internet"),
                ("none", _) => Cow::Borrowed("none"),
                ("virtualnetworkgateway", _) => Cow::Borrowed("gateway"),
                ("vnetlocal", _) => Cow::Borrowed("vnet"),
                _ => {
                    let hop = route.next_hop_type.clone();
                    self.cannot(Inexpressible::NextHop { route: name, hop });
                    continue;
                }
            };
            if all && hop != "vnet" {
                self.policy.default_route = Some(match hop.as_ref() {
                    "internet" => "internet",
                    "none" => "none",
                    _ => "gateway",
                });
                continue;
            }
            let from = Origin { rule: name, place: route.place.clone() };
            self.policy.routes.push((route.prefixes.clone(), hop, from));
        }
    }

    fn firewalls(&mut self) {
        let groups = self.live.collection_groups.iter().map(|group| (&group.name, &group.collections));
        let classic = self.live.firewalls.iter().map(|firewall| (&firewall.name, &firewall.collections));
        let all: Vec<_> = groups.chain(classic).collect();
        for (group, collections) in all {
            for live in collections {
                let collection = &live.collection;
                for (rule, place) in collection.rules.iter().zip(&live.places) {
                    let name = RuleName {
                        of: vec![group.clone(), collection.name.clone()],
                        rule: Some(rule.name().to_owned()),
                    };
                    let from = Origin { rule: name, place: place.clone() };
                    let allow = is(&collection.action, "allow");
                    self.policy.target("firewall");
                    match rule {
                        FirewallRule::Network(rule) => self.network(rule, from, allow),
                        FirewallRule::Application(rule) => self.application(rule, from, allow),
                        FirewallRule::Nat(_) => self.cannot(Inexpressible::Dnat(from.rule)),
                    }
                }
            }
        }
    }

    /// Texts with the addresses of IP groups.
    fn with_groups(&self, texts: &[String], ids: &[String]) -> Vec<String> {
        let mut all = texts.to_vec();
        for id in ids {
            let found =
                self.live.ip_groups.iter().find(|g| is_same_resource(g.id.as_deref().unwrap_or(&g.name), id));
            match found {
                Some(group) => all.extend(group.addresses.iter().cloned()),
                None => all.push(id.clone()),
            }
        }
        all
    }

    /// Notes what a rule of a firewall is.
    fn explain_rule(&mut self, name: &RuleName, is: Vec<Meaning>) {
        self.done.rules.push(RuleMeaning { resource: Cow::Borrowed("firewall"), rule: name.clone(), is });
    }

    fn network(&mut self, rule: &NetworkRule, from: Origin, allow: bool) {
        let mut remotes = plain(&self.with_groups(&rule.destinations, &rule.destination_groups));
        self.explain_rule(&from.rule, self.meanings(&remotes));
        remotes.extend(rule.fqdns.iter().cloned().map(Remote::Fqdn));
        let local = self.with_groups(&rule.sources, &rule.source_groups);
        let protocols = rule.protocols.iter().map(|text| protocol(text)).collect();
        let entry = outbound(allow, from);
        self.of_firewall(&local, PolicyEntry { remotes, protocols, ports: ports(&rule.ports), ..entry });
    }

    fn application(&mut self, rule: &ApplicationRule, from: Origin, allow: bool) {
        let remotes = rule.fqdns.iter().cloned().map(Remote::Fqdn);
        let remotes = remotes.chain(rule.urls.iter().cloned().map(Remote::Url));
        let remotes = remotes.chain(rule.fqdn_tags.iter().cloned().map(Remote::FqdnTag));
        if !rule.web_categories.is_empty() {
            return self.cannot(Inexpressible::WebCategories(from.rule));
        }
        let local = self.with_groups(&rule.sources, &rule.source_groups);
        let ports = joined(rule.protocols.iter().map(|(_, port)| port), ",").to_string();
        self.explain_rule(&from.rule, Vec::new());
        let entry = PolicyEntry {
            remotes: remotes.collect(),
            protocols: vec![Cow::Borrowed("tcp")],
            ports: Cow::Owned(ports),
            ..outbound(allow, from)
        };
        self.of_firewall(&local, entry);
    }

    /// Adds what a rule says, but for its sources and notes, of the subnets that `local` means.
    fn of_firewall(&mut self, local: &[String], entry: PolicyEntry) {
        let Some(local) = set_of(local).filter(|set| !set.is_empty() && !is_any(local)) else {
            let what = NoSubnet::Texts(local.to_vec());
            return self.cannot(Inexpressible::Side { rule: entry.from.rule, side: "source", what });
        };
        let note = self.note_of(&entry.remotes);
        self.policy.entries.push(PolicyEntry { local, note, ..entry });
    }

    /// What lint says that would be better, each with its price.
    fn proposals(&mut self) {
        let linting = Linting { snapshot: self.snapshot, timeline: self.timeline, risks: false };
        for finding in lint(self.live, &linting) {
            let (proposal, adds, drops) = match (finding.id, finding.fix) {
                ("TW001" | "TW004", _) => (Advice::Remove, Count::ZERO, Count::ZERO),
                ("TW005", Some(fix)) => (Advice::Fix(fix), Count::ZERO, Count::ZERO),
                ("TW020", _) => {
                    let first = &finding.tags[0];
                    let tags = finding.tags.iter().map(|own| own.tag.clone()).collect();
                    (Advice::Tags(tags), first.missing_today, first.left)
                }
                ("TW060", _) => {
                    (of_service(finding.rule.as_deref().unwrap_or_default()), Count::ZERO, Count::ZERO)
                }
                _ => continue,
            };
            let rule = RuleName { of: vec![finding.resource], rule: finding.rule };
            self.done.proposals.push(Proposal { rule, proposal, adds, drops });
        }
    }
}

/// What to do about a rule that a service keeps: as a need it would come back under a name of tagwall's.
fn of_service(rule: &str) -> Advice {
    let service = |name: &str| name.split_once("_UseOnly_").map(|(service, _)| service.to_ascii_lowercase());
    let own = service(rule);
    let kept =
        |workload: &&Workload| workload.managed().iter().any(|row| row.name().and_then(service) == own);
    match Catalog::builtin().workloads().find(|workload| own.is_some() && kept(workload)) {
        Some(workload) => Advice::Workload(workload.name().to_owned()),
        None => Advice::Keep,
    }
}

/// An entry for what leaves subnets, to be filled in.
fn outbound(allow: bool, from: Origin) -> PolicyEntry {
    PolicyEntry {
        allow,
        local: AddrSet::empty(),
        direction: Direction::Outbound,
        remotes: Vec::new(),
        protocols: Vec::new(),
        ports: Cow::Borrowed(""),
        from,
        note: None,
    }
}

fn is_rest(rule: &LiveRule) -> bool {
    let r = &rule.rule;
    is(&r.access, "deny")
        && protocol(&r.protocol) == "any"
        && [&r.sources, &r.destinations]
            .into_iter()
            .all(|side| matches!(side.as_slice(), [one] if one == "*"))
        && is_any(&r.source_ports)
        && is_any(&r.destination_ports)
}

fn is_balancer(rule: &LiveRule) -> bool {
    let r = &rule.rule;
    is(&r.access, "allow")
        && is(&r.direction, "inbound")
        && protocol(&r.protocol) == "any"
        && matches!(r.sources.as_slice(), [tag] if is(tag, "AzureLoadBalancer"))
        && matches!(r.destinations.as_slice(), [one] if one == "*")
        && is_any(&r.destination_ports)
        && is_any(&r.source_ports)
}

fn protocol(text: &str) -> Cow<'static, str> {
    if text == "*" || is(text, "all") { Cow::Borrowed("any") } else { Cow::Owned(text.to_ascii_lowercase()) }
}

fn ports(texts: &[String]) -> Cow<'static, str> {
    if is_any(texts) { Cow::Borrowed("*") } else { Cow::Owned(texts.join(",")) }
}

/// Texts of a rule as the other side of a need.
fn plain<'t>(texts: impl IntoIterator<Item = &'t String>) -> Vec<Remote> {
    texts.into_iter().cloned().map(Remote::Text).collect()
}
