//! From what was read to a draft of a policy.

use super::said::{Adopted, Meaning, MeaningKind, Naming, Proposal, RuleMeaning};
use super::write::{Policy, PolicyEntry};
use crate::addr::{AddrSet, Count, Entry as Address};
use crate::analyse::lint::{Finding, Linting, lint, origin_of};
use crate::catalog::{Catalog, ServiceEndpoint, Workload};
use crate::packet::Direction;
use crate::read::live::{Live, LiveGroup, LiveRule, LiveSubnet, LiveTable, is_same_resource, last_part};
use crate::read::resources::{ApplicationRule, FirewallRule, NetworkRule};
use crate::tags::{Snapshot, Timeline};

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
        let names = groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
        draft.cannot(format!(
            "{} security groups ({names}): a policy makes one environment; adopt them one by one",
            groups.len()
        ));
    }
    for group in &groups {
        draft.group(group);
    }
    live.tables.iter().filter(|table| !table.effective).for_each(|table| draft.table(table));
    draft.firewalls();
    draft.proposals();
    if draft.policy.entries.is_empty() && draft.policy.known.is_empty() {
        draft.cannot(
            "no rule has a side of its own that could be a subnet, and no subnet is among the files"
                .to_owned(),
        );
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
    matches!(texts, [one] if one == "*" || one.eq_ignore_ascii_case("any") || one == "0.0.0.0/0")
}

fn set_of(texts: &[String]) -> Option<AddrSet> {
    texts.iter().map(|text| Address::parse(text, true).ok()).collect()
}

fn is(text: &str, other: &str) -> bool {
    text.eq_ignore_ascii_case(other)
}

impl Draft<'_> {
    fn cannot(&mut self, text: String) {
        self.done.inexpressible.push(text);
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
                None => self.cannot(format!(
                    "subnet {}: nobody knows which addresses the service endpoint {service} takes",
                    subnet.name
                )),
            }
        }
    }

    fn group(&mut self, group: &LiveGroup) {
        self.policy.target("nsg");
        for note in &group.incomplete {
            self.cannot(format!("{}: its rules are not all known: {note}", group.name));
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
                self.explain(&group.name, rule, &[]);
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
            self.cannot(format!(
                "{}: the rest is denied one way only; a policy denies it both ways or not at all",
                group.name
            ));
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
        let name = format!("{} / {}", group.name, rule.name);
        let sides = if outbound {
            Sides { local: &rule.sources, other: &rule.destinations, groups: &live.destination_groups }
        } else {
            Sides { local: &rule.destinations, other: &rule.sources, groups: &live.source_groups }
        };
        self.explain(&group.name, live, sides.other);
        let local_groups = if outbound { &live.source_groups } else { &live.destination_groups };
        if !is_any(&rule.source_ports) {
            return self.cannot(format!("{name}: source ports {}", rule.source_ports.join(", ")));
        }
        let local = set_of(sides.local).filter(|set| !set.is_empty() && !is_any(sides.local));
        let Some(local) = local.filter(|_| local_groups.is_empty()) else {
            let text = if local_groups.is_empty() {
                sides.local.join(", ")
            } else {
                "an application security group".to_owned()
            };
            let side = if outbound { "source" } else { "destination" };
            return self.cannot(format!("{name}: its {side} is {text}; a policy's needs are of subnets"));
        };
        let mut remotes: Vec<String> = sides.other.iter().filter(|text| !text.is_empty()).cloned().collect();
        remotes.extend(sides.groups.iter().map(|id| format!("asg:{}", last_part(id))));
        self.policy.entries.push(PolicyEntry {
            allow: is(&rule.access, "allow"),
            local,
            direction: if outbound { Direction::Outbound } else { Direction::Inbound },
            remotes,
            protocols: vec![protocol(&rule.protocol)],
            ports: ports(&rule.destination_ports),
            why: format!("{name}, {}:{}", live.place.file, live.place.line),
            note: self.note_of(sides.other),
        });
    }

    /// What the texts of a rule are, in words, where they are more than they seem.
    fn note_of(&self, texts: &[String]) -> Option<String> {
        let parts = self.meanings(texts);
        let words = parts.iter().filter_map(|part| match part.kind {
            MeaningKind::TagAt | MeaningKind::Union => {
                let (from, to) = (part.from.as_deref()?, part.to.as_deref()?);
                Some(format!("{} as published from {from} to {to}", part.name.as_deref()?))
            }
            MeaningKind::Tag if texts.len() > 1 => {
                Some(format!("exactly {} of today", part.name.as_deref()?))
            }
            _ => None,
        });
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn explain(&mut self, resource: &str, rule: &LiveRule, other: &[String]) {
        let is = self.meanings(other);
        self.done.rules.push(RuleMeaning { resource: resource.to_owned(), rule: rule.rule.name.clone(), is });
    }

    fn meanings(&self, texts: &[String]) -> Vec<Meaning> {
        let plain = |kind, name: String| Meaning {
            kind,
            name: Some(name),
            from: None,
            to: None,
            missing: None,
            excess: None,
        };
        let Some(set) = set_of(texts).filter(|_| !is_any(texts) && !texts.is_empty()) else {
            return texts.iter().map(|text| plain(MeaningKind::Tag, text.clone())).collect();
        };
        let Some((origin, timeline)) =
            self.timeline.filter(|_| texts.len() > 2).and_then(|t| Some((origin_of(&set, t)?, t)))
        else {
            return vec![plain(MeaningKind::Own, texts.join(", "))];
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
                    name: Some(fit.tag.to_string()),
                    from: Some(timeline.date(from).to_string()),
                    to: Some(timeline.date(to).to_string()),
                    missing: number(fit.missing),
                    excess: number(fit.excess),
                }
            })
            .collect();
        if !origin.own.is_empty() {
            let own = origin.own.prefixes().map(|prefix| prefix.to_string()).collect::<Vec<_>>();
            parts.push(plain(MeaningKind::Own, own.join(", ")));
        }
        parts
    }

    fn table(&mut self, table: &LiveTable) {
        self.policy.target("route-table");
        self.policy.disable_bgp |= table.disable_bgp == Some(true);
        for note in &table.incomplete {
            self.cannot(format!("{}: its routes are not all known: {note}", table.name));
        }
        for route in &table.routes {
            let all = route.prefixes.iter().any(|prefix| prefix == "0.0.0.0/0");
            let kind = route.next_hop_type.to_ascii_lowercase();
            let hop = match (kind.as_str(), &route.next_hop_address) {
                ("virtualappliance", Some(address)) if all => {
                    self.policy.firewall.get_or_insert_with(|| address.clone());
                    self.policy.default_route = Some("firewall");
                    continue;
                }
                ("virtualappliance", Some(address)) => address.clone(),
                ("internet", _) => "internet".to_owned(),
                ("none", _) => "none".to_owned(),
                ("virtualnetworkgateway", _) => "gateway".to_owned(),
                ("vnetlocal", _) => "vnet".to_owned(),
                _ => {
                    self.cannot(format!("{} / {}: next hop {}", table.name, route.name, route.next_hop_type));
                    continue;
                }
            };
            if all && hop != "vnet" {
                self.policy.default_route = Some(match hop.as_str() {
                    "internet" => "internet",
                    "none" => "none",
                    _ => "gateway",
                });
                continue;
            }
            let why = format!("{} / {}, {}:{}", table.name, route.name, route.place.file, route.place.line);
            self.policy.routes.push((route.prefixes.clone(), hop, why));
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
                    let name = format!("{group} / {} / {}", collection.name, rule.name());
                    let why = format!("{name}, {}:{}", place.file, place.line);
                    let allow = is(&collection.action, "allow");
                    self.policy.target("firewall");
                    match rule {
                        FirewallRule::Network(rule) => self.network(rule, &name, &why, allow),
                        FirewallRule::Application(rule) => self.application(rule, &name, &why, allow),
                        FirewallRule::Nat(_) => {
                            self.cannot(format!(
                                "{name}: DNAT by hand; a policy makes it for workloads only"
                            ));
                        }
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

    fn network(&mut self, rule: &NetworkRule, name: &str, why: &str, allow: bool) {
        let mut remotes = self.with_groups(&rule.destinations, &rule.destination_groups);
        let is = self.meanings(&remotes);
        self.done.rules.push(RuleMeaning { resource: "firewall".to_owned(), rule: name.to_owned(), is });
        remotes.extend(rule.fqdns.iter().map(|host| format!("fqdn:{host}")));
        let local = self.with_groups(&rule.sources, &rule.source_groups);
        let protocols = rule.protocols.iter().map(|text| protocol(text)).collect();
        let entry = outbound(allow, why);
        self.of_firewall(
            name,
            &local,
            PolicyEntry { remotes, protocols, ports: ports(&rule.ports), ..entry },
        );
    }

    fn application(&mut self, rule: &ApplicationRule, name: &str, why: &str, allow: bool) {
        let remotes = rule.fqdns.iter().map(|host| format!("fqdn:{host}"));
        let remotes = remotes.chain(rule.urls.iter().map(|url| format!("url:{url}")));
        let remotes = remotes.chain(rule.fqdn_tags.iter().map(|tag| format!("fqdn-tag:{tag}")));
        if !rule.web_categories.is_empty() {
            return self.cannot(format!("{name}: web categories"));
        }
        let local = self.with_groups(&rule.sources, &rule.source_groups);
        let texts: Vec<String> = rule.protocols.iter().map(|(_, port)| port.to_string()).collect();
        let rules = RuleMeaning { resource: "firewall".to_owned(), rule: name.to_owned(), is: Vec::new() };
        self.done.rules.push(rules);
        let entry = PolicyEntry {
            remotes: remotes.collect(),
            protocols: vec!["tcp".to_owned()],
            ports: texts.join(","),
            ..outbound(allow, why)
        };
        self.of_firewall(name, &local, entry);
    }

    /// Adds what a rule says, but for its sources and notes, of the subnets that `local` means.
    fn of_firewall(&mut self, name: &str, local: &[String], entry: PolicyEntry) {
        let Some(local) = set_of(local).filter(|set| !set.is_empty() && !is_any(local)) else {
            return self.cannot(format!(
                "{name}: its source is {}; a policy's needs are of subnets",
                local.join(", ")
            ));
        };
        let note = self.note_of(&entry.remotes);
        self.policy.entries.push(PolicyEntry { local, note, ..entry });
    }

    /// What lint says that would be better, each with its price.
    fn proposals(&mut self) {
        let linting = Linting { snapshot: self.snapshot, timeline: self.timeline, risks: false };
        for finding in lint(self.live, &linting) {
            let rule = finding.rule.as_deref().unwrap_or("all of it");
            let proposal = |proposal: String, adds: String, drops: String| Proposal {
                rule: format!("{} / {rule}", finding.resource),
                proposal,
                adds,
                drops,
            };
            let made = match finding.id {
                "TW001" | "TW004" => {
                    proposal("remove it: it changes nothing".to_owned(), "0".to_owned(), "0".to_owned())
                }
                "TW005" => proposal(finding.fix.clone().unwrap_or_default(), "0".to_owned(), "0".to_owned()),
                "TW020" => proposal(
                    by_tag(&finding),
                    finding.tags[0].missing_today.clone(),
                    finding.tags[0].left.clone(),
                ),
                "TW060" => proposal(of_service(rule), "0".to_owned(), "0".to_owned()),
                _ => continue,
            };
            self.done.proposals.push(made);
        }
    }
}

/// What to do about a rule that a service keeps: as a need it would come back under a name of tagwall's.
fn of_service(rule: &str) -> String {
    let service = |name: &str| name.split_once("_UseOnly_").map(|(service, _)| service.to_ascii_lowercase());
    let own = service(rule);
    let kept =
        |workload: &&Workload| workload.managed().iter().any(|row| row.name().and_then(service) == own);
    match Catalog::builtin().workloads().find(|workload| own.is_some() && kept(workload)) {
        Some(workload) => format!(
            "a service keeps it: take the workload {} for its subnet in place of this need, so that it keeps name and priority",
            workload.name()
        ),
        None => "a service keeps it: leave it out of the policy and name it in nsg.keep".to_owned(),
    }
}

/// An entry for what leaves subnets, to be filled in.
fn outbound(allow: bool, why: &str) -> PolicyEntry {
    PolicyEntry {
        allow,
        local: AddrSet::empty(),
        direction: Direction::Outbound,
        remotes: Vec::new(),
        protocols: Vec::new(),
        ports: String::new(),
        why: why.to_owned(),
        note: None,
    }
}

fn by_tag(finding: &Finding) -> String {
    let names: Vec<&str> = finding.tags.iter().map(|tag| tag.tag.as_str()).collect();
    format!("name {} in place of the list", names.join(" and "))
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

fn protocol(text: &str) -> String {
    if text == "*" || is(text, "all") { "any".to_owned() } else { text.to_ascii_lowercase() }
}

fn ports(texts: &[String]) -> String {
    if is_any(texts) { "*".to_owned() } else { texts.join(",") }
}
