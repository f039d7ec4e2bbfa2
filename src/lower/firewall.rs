//! Azure Firewall, rules of a policy or classic ones: network rules for tags, prefixes and exact host names; application
//! rules for HTTP and HTTPS hosts, wildcards, FQDN tags and URLs. IPv4 only.
//!
//! Source of the field rules: rule-processing.md, 2025-05-07; features-by-sku.md, 2026-08-27; ip-groups.md,
//! 2023-10-10.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::chunked::{Cut, Piece, Pieces, pieces};
use super::flows::{each_flow, native, widened, with_extra};
use super::gaps::{gap, inbound_gap, partial_gap, past_gap};
use super::names::{description, name, ports_part, protocol_part, remote_part, subnet_part};
use super::nat;
use super::pack::{self, Weigh};
use super::rules::Rules;
use super::tally::Tally;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::{
    Action, AppProtocol, AppTarget, ApplicationRule, Because, Choice, ChoiceWhy, ClassicFirewall,
    Destination, Firewall, FirewallRules, How, IpGroup, LimitKey, Limits, NetworkProtocol, NetworkRule,
    NoHostRule, NotWeb, PlanParts, Previous, Reason, RuleCollection,
};
use crate::policy::intent::{IpGroupUse, RulesHolder, Sku};
use crate::policy::{Flow, Policy, Remote, Symbols};
use crate::tags::{Symbol, Tag};
use crate::target::Target;

/// Longest list of literal prefixes that stays inside a rule.
const INLINE: usize = 16;
/// Longest list of prefixes in one rule; a longer one becomes several rules. Azure publishes no figure, but a rule of
/// this length keeps well below the bytes of a group, and an editor still opens it.
const RULE_LIST: usize = 5000;

/// What every flow is lowered with.
struct Scene<'a> {
    policy: &'a Policy,
    limits: &'a Limits,
    previous: &'a Previous,
    symbols: &'a Symbols,
    cut: Cut,
}

/// What is collected while flows are gone through.
#[derive(Default)]
struct Draft {
    rules: Rules,
    denies: Rules,
    groups: Vec<IpGroup>,
    notes: Vec<String>,
}

/// What one flow becomes.
enum Form {
    Network(Destination, How, ChoiceWhy),
    /// A list in several rules.
    Lists(Vec<Piece>, How, ChoiceWhy),
    Application(Vec<(AppProtocol, u16)>, AppTarget),
    /// The web ports of a host by an application rule, and why the other ports are missing.
    Part(Vec<(AppProtocol, u16)>, AppTarget, Reason),
    Gap(Reason, Cow<'static, str>),
}

pub(super) fn lower(policy: &Policy, previous: &Previous, weigh: Weigh, cut: Cut, tally: &mut Tally<'_>) {
    let symbols = policy.symbols();
    let scene = Scene { policy, limits: tally.limits, previous, symbols: &symbols, cut };
    let mut draft = Draft::default();
    for deny in policy.denies.iter().filter(|deny| deny.direction == Direction::Outbound) {
        flow_rule(&scene, (deny, Action::Deny), &mut draft, &mut tally.plan);
    }
    each_flow(policy, Target::Firewall, &mut tally.plan, |flow, plan| {
        flow_rule(&scene, (flow, Action::Allow), &mut draft, plan);
    });
    draft.groups.sort_by(|a, b| a.name.cmp(&b.name));
    draft.groups.dedup();
    tally.plan.notes.append(&mut draft.notes);
    let (rules, denies) = (draft.rules.in_order(), draft.denies.in_order());
    tally.plan.ip_groups = draft.groups;
    match policy.firewall.rules {
        RulesHolder::Policy => {
            let groups = pack::groups(policy, (rules, denies), previous, weigh, tally);
            let policy_name = &policy.names.firewall_policy;
            let policy_name = policy_name.clone().unwrap_or_else(|| name(&[&policy.name, "firewall-policy"]));
            let firewall = Firewall { policy_name, groups };
            count_policy(&firewall, tally);
            tally.plan.firewall = Some(firewall);
        }
        RulesHolder::Classic => {
            nat::keep(&mut [], previous, &mut tally.plan);
            let firewall = classic(policy, rules, denies);
            count_classic(&firewall, tally);
            tally.plan.classic_firewall = Some(firewall);
        }
    }
}

/// How much further behind the collection of classic application rules is.
const APPLICATION_STEP: u32 = 100;

/// Classic rules: one collection of each kind, whose names and priorities do not depend on what is in them, and right
/// before it one that denies, where anything is denied: of one kind the lower priority is tried first.
fn classic(policy: &Policy, Rules { network, application }: Rules, denies: Rules) -> ClassicFirewall {
    let (network_name, application_name) =
        (name(&[&policy.name, "network"]), name(&[&policy.name, "application"]));
    let mut collections = Vec::new();
    let priority = policy.firewall.priority;
    let (of_network, of_application): (Vec<_>, Vec<_>) = pack::deny_collections(policy, denies)
        .into_iter()
        .partition(|collection| matches!(collection.rules, FirewallRules::Network(_)));
    let before = |collection: RuleCollection, allowing: u32| RuleCollection {
        priority: allowing.saturating_sub(1),
        ..collection
    };
    collections.extend(of_network.into_iter().map(|collection| before(collection, priority)));
    if !network.is_empty() {
        let rules = FirewallRules::Network(network);
        collections.push(RuleCollection {
            name: network_name.clone(),
            priority,
            action: Action::Allow,
            rules,
        });
    }
    let priority = priority.saturating_add(APPLICATION_STEP);
    collections.extend(of_application.into_iter().map(|collection| before(collection, priority)));
    if !application.is_empty() {
        let rules = FirewallRules::Application(application);
        collections.push(RuleCollection {
            name: application_name.clone(),
            priority,
            action: Action::Allow,
            rules,
        });
    }
    let name = policy.names.firewall.clone().unwrap_or_else(|| name(&[&policy.name, "firewall"]));
    ClassicFirewall { name, collections, network_name, application_name }
}

fn flow_rule(scene: &Scene<'_>, (flow, action): (&Flow, Action), draft: &mut Draft, plan: &mut PlanParts) {
    if action == Action::Deny && matches!(flow.remote, Remote::Symbol(symbol) if symbol.is_platform()) {
        return;
    }
    let policy = scene.policy;
    if !policy.may_be_routed(&flow.subnet) {
        if action == Action::Allow {
            let outbound = flow.direction == Direction::Outbound;
            plan.gaps.push(if outbound { past_gap(policy, flow) } else { inbound_gap(policy, flow) });
        }
        return;
    }
    let sources: Vec<IpPrefix> = flow.local.v4.prefixes().map(IpPrefix::V4).collect();
    if !flow.local.v6.is_empty() {
        let remedy = "the IPv6 part of this flow does not pass the firewall; keep the subnet IPv4";
        let make = if sources.is_empty() { gap } else { partial_gap };
        let mut gap = make(policy, Target::Firewall, flow, Reason::V4Only, remedy);
        gap.remote = format!("{} (IPv6)", gap.remote);
        plan.gaps.push(gap);
    }
    if sources.is_empty() {
        return;
    }
    if flow.direction == Direction::Inbound {
        plan.gaps.push(inbound_gap(policy, flow));
        return;
    }
    let choice = |how, why| Choice { target: Target::Firewall, flow: flow.id.to_string(), how, why };
    let form = match denied_host(policy, flow, action) {
        Some(form) => form,
        None => form(scene, flow, plan, draft),
    };
    let into = if action == Action::Allow { &mut draft.rules } else { &mut draft.denies };
    note_port_zero(policy, flow, &form, plan);
    match (form, network_protocol(flow.protocol)) {
        (Form::Network(..) | Form::Lists(..), None) => {}
        (Form::Network(destination, how, why), Some(_)) => {
            into.network.push(network_rule(flow, rule_name(flow), sources, destination, how));
            plan.choices.push(choice(how, why));
        }
        (Form::Lists(pieces, how, why), Some(_)) => {
            into.network.extend(pieces.into_iter().map(|piece| {
                let list = Destination::Prefixes(piece.prefixes);
                network_rule(flow, piece.name, sources.clone(), list, how)
            }));
            plan.choices.push(choice(how, why));
        }
        (Form::Part(protocols, to, reason), _) => {
            let remedy = "allow the service tag that covers it, or its addresses";
            plan.gaps.push(partial_gap(policy, Target::Firewall, flow, reason, remedy));
            plan.choices.push(choice(How::Application, ChoiceWhy::default()));
            into.application.push(application_rule(flow, (protocols, to), sources));
        }
        (Form::Application(protocols, to), _) => {
            if flow.protocol == Protocol::Any {
                let remedy = "allow the service tag that covers it";
                plan.gaps.push(partial_gap(policy, Target::Firewall, flow, Reason::TcpOnly, remedy));
            }
            plan.choices.push(choice(How::Application, ChoiceWhy::default()));
            into.application.push(application_rule(flow, (protocols, to), sources));
        }
        (Form::Gap(reason, remedy), _) => {
            plan.gaps.push(gap(policy, Target::Firewall, flow, reason, remedy));
        }
    }
}

fn application_rule(
    flow: &Flow,
    (protocols, to): (Vec<(AppProtocol, u16)>, AppTarget),
    sources: Vec<IpPrefix>,
) -> ApplicationRule {
    ApplicationRule {
        name: name(&[&subnet_part(&flow.subnet), &remote_part(flow), &ports_part(&flow.ports)]),
        description: description(&flow.causes, None),
        protocols,
        sources,
        to,
        flows: vec![flow.id.to_string()],
    }
}

/// Port 0, which no rule of a firewall takes, is left out of a list; alone it cannot be said.
/// Source: firewall-known-issues.md, 2025-09-19.
fn carried_ports(ports: &Ports) -> Ports {
    if ports.is_all() {
        return ports.clone();
    }
    Ports::new(ports.set().difference(&crate::addr::Prefix::host(0_u16).into()))
}

fn note_port_zero(policy: &Policy, flow: &Flow, form: &Form, plan: &mut PlanParts) {
    let network = matches!(form, Form::Network(..) | Form::Lists(..));
    if network && carried_ports(&flow.ports) != flow.ports {
        let remedy = "nothing to do unless something listens on port 0";
        plan.gaps.push(partial_gap(policy, Target::Firewall, flow, Reason::WithoutPortZero, remedy));
    }
}

/// What a network rule's name is made of.
fn rule_parts(flow: &Flow) -> [Cow<'_, str>; 4] {
    let protocol = Cow::Borrowed(protocol_part(flow.protocol));
    [subnet_part(&flow.subnet), remote_part(flow), protocol, Cow::Owned(ports_part(&flow.ports))]
}

fn rule_name(flow: &Flow) -> String {
    name(&rule_parts(flow).each_ref().map(AsRef::as_ref))
}

/// The word of network rules for a protocol, if they have one.
fn network_protocol(protocol: Protocol) -> Option<NetworkProtocol> {
    match protocol {
        Protocol::Tcp => Some(NetworkProtocol::Tcp),
        Protocol::Udp => Some(NetworkProtocol::Udp),
        Protocol::Icmp => Some(NetworkProtocol::Icmp),
        Protocol::Any => Some(NetworkProtocol::Any),
        Protocol::Esp | Protocol::Ah => None,
    }
}

fn network_rule(
    flow: &Flow,
    name: String,
    sources: Vec<IpPrefix>,
    destination: Destination,
    how: How,
) -> NetworkRule {
    NetworkRule {
        name,
        description: description(&flow.causes, Some(&how.kind())),
        protocols: network_protocol(flow.protocol).into_iter().collect(),
        sources,
        destination,
        ports: carried_ports(&flow.ports),
        flows: vec![flow.id.to_string()],
    }
}

fn form(scene: &Scene<'_>, flow: &Flow, plan: &PlanParts, draft: &mut Draft) -> Form {
    let policy = scene.policy;
    if network_protocol(flow.protocol).is_none() {
        return Form::Gap(Reason::Protocol(flow.protocol), Cow::Borrowed("allow any protocol"));
    }
    if carried_ports(&flow.ports).set().is_empty() {
        let remedy = "nothing to do unless something listens on port 0";
        return Form::Gap(Reason::PortZero, Cow::Borrowed(remedy));
    }
    let expand = |draft: &mut Draft, why: Option<Because>| {
        let asked = flow.remote_set(scene.symbols).expect("the remote side is one of addresses");
        let few = asked.v4.prefixes().nth(INLINE).is_none();
        let set = with_extra(asked, plan, Target::Firewall, flow.id.as_str());
        let why = widened(plan, Target::Firewall, flow.id.as_str(), why);
        destination_of(scene, flow, (&set, few), why, draft)
    };
    match &flow.remote {
        Remote::Outside(tag) if takes_outside(policy, tag) => by_name(tag),
        Remote::Outside(tag) if tag.is_security_group() => {
            Form::Gap(Reason::SecurityGroup, Cow::Borrowed("nothing to do"))
        }
        Remote::Outside(tag) => Form::Gap(
            Reason::OutsideFirewall(tag.name().clone()),
            Cow::Borrowed("name its addresses or hosts"),
        ),
        Remote::Tag(tag) if flow.except.is_empty() => match native(tag, "FW", policy.firewall.tags) {
            Ok(()) => by_name(tag),
            Err(why) => expand(draft, Some(Because::NotByName(why))),
        },
        Remote::Any if flow.except.is_empty() => {
            Form::Network(Destination::Any, How::Any, ChoiceWhy::default())
        }
        Remote::Tag(_) | Remote::Any => expand(draft, Some(Because::Excepted)),
        Remote::Addresses(_) => expand(draft, None),
        Remote::Symbol(Symbol::VirtualNetwork | Symbol::Internet) => expand(draft, Some(Because::NoSymbols)),
        Remote::Symbol(symbol) => Form::Gap(Reason::PastFirewall(*symbol), Cow::Borrowed("nothing to do")),
        Remote::Fqdn(host) => host_form(policy, flow, host.as_str(), host.is_wildcard()),
        Remote::FqdnTag(tag) => web_form(flow, AppTarget::FqdnTags(vec![tag.clone()])),
        Remote::Url(url) => url_form(policy, flow, url),
    }
}

/// The destination as a tag of that name.
fn by_name(tag: &Tag) -> Form {
    Form::Network(Destination::Tags(vec![tag.name().to_string()]), How::NativeTag, ChoiceWhy::default())
}

/// Whether rules name a tag that no file holds: rules of a firewall policy do, classic ones do not.
fn takes_outside(policy: &Policy, tag: &Tag) -> bool {
    policy.firewall.rules == RulesHolder::Policy && tag.features().has("FW")
}

/// Addresses: in the rule where few are asked for, else in IP groups. What is admitted beyond that changes nothing here.
fn destination_of(
    scene: &Scene<'_>,
    flow: &Flow,
    (set, few): (&AddrSet, bool),
    why: ChoiceWhy,
    draft: &mut Draft,
) -> Form {
    let prefixes: Vec<IpPrefix> = set.v4.prefixes().map(IpPrefix::V4).collect();
    if prefixes.is_empty() {
        return Form::Gap(Reason::NoV4, Cow::Borrowed("nothing to do unless the subnet gets IPv6"));
    }
    let count = prefixes.len();
    let literal = matches!(flow.remote, Remote::Addresses(_) | Remote::Symbol(_)) && few;
    let grouped = match scene.policy.firewall.ip_groups {
        IpGroupUse::Always => true,
        IpGroupUse::Never => false,
        IpGroupUse::Auto => !literal,
    };
    if !grouped && count <= RULE_LIST {
        return Form::Network(Destination::Prefixes(prefixes), How::Prefixes(count), why);
    }
    if !grouped {
        let parts = rule_parts(flow);
        let parts = parts.each_ref().map(AsRef::as_ref);
        let lists = pieces(&parts, prefixes, RULE_LIST, &scene.previous.rule_lists, scene.cut);
        note_balanced("network rules", flow, count, &lists, draft);
        return Form::Lists(lists.list, How::Prefixes(count), why);
    }
    let most = scene.limits.room(LimitKey::IpGroupEntries);
    let parts = [scene.policy.name.as_str(), &remote_part(flow)];
    let groups = pieces(&parts, prefixes, most, &scene.previous.ip_groups, scene.cut);
    note_balanced("IP groups", flow, count, &groups, draft);
    let groups = groups.list;
    let names = groups.iter().map(|g| g.name.clone()).collect();
    draft.groups.extend(groups.into_iter().map(|g| IpGroup { name: g.name, prefixes: g.prefixes }));
    Form::Network(Destination::Groups(names), How::IpGroup(count), why)
}

/// Says that a list is in slices of even size.
fn note_balanced(what: &str, flow: &Flow, count: usize, pieces: &Pieces, draft: &mut Draft) {
    if pieces.balanced {
        let slices = pieces.list.len();
        draft.notes.push(format!(
            "{what} for {}: {count} prefixes in {slices} slices of even size, the fewest that hold them, chosen \
             since more pieces with room to grow did not fit a limit; a change of the list can move entries from slice to slice",
            flow.remote
        ));
    }
}

/// An exact host that is denied: by a network rule, which comes before what is allowed by address. Those that a network
/// rule takes not are denied by an application rule like the others.
fn denied_host(policy: &Policy, flow: &Flow, action: Action) -> Option<Form> {
    let Remote::Fqdn(host) = &flow.remote else { return None };
    let takes = policy.firewall.sku != Sku::Basic && policy.firewall.dns_proxy && !host.is_wildcard();
    if action == Action::Allow || !takes || network_protocol(flow.protocol).is_none() {
        return None;
    }
    Some(network_host(host.as_str()))
}

/// A host name: an application rule where the port carries HTTP or HTTPS, else a network rule if it is exact.
fn host_form(policy: &Policy, flow: &Flow, host: &str, wildcard: bool) -> Form {
    let to = AppTarget::Fqdns(vec![host.to_owned()]);
    let (to, not_web) = match application(flow, to) {
        Ok(form) => return form,
        Err(not_web) => not_web,
    };
    let refusal = if wildcard {
        NoHostRule::Wildcard
    } else if policy.firewall.sku == Sku::Basic {
        NoHostRule::Basic
    } else if !policy.firewall.dns_proxy {
        NoHostRule::NoProxy
    } else {
        return network_host(host);
    };
    let remedy = "allow the service tag that covers it, or its addresses";
    part(flow, to, Reason::NoHostRule(not_web, refusal), remedy)
}

/// An exact host in a network rule.
fn network_host(host: &str) -> Form {
    Form::Network(Destination::Fqdns(vec![host.to_owned()]), How::NetworkFqdn, Because::DnsProxy.into())
}

/// What only application rules can say.
fn web_form(flow: &Flow, to: AppTarget) -> Form {
    application(flow, to).unwrap_or_else(|(to, not_web)| {
        part(flow, to, Reason::NotWeb(not_web), "allow it on ports 80 and 443 over TCP")
    })
}

fn url_form(policy: &Policy, flow: &Flow, url: &str) -> Form {
    let host = url.split('/').next().unwrap_or(url);
    let gap = |reason| {
        Form::Gap(reason, Cow::Owned(format!("allow the whole host with fqdn:{host}, which is wider")))
    };
    if policy.firewall.rules == RulesHolder::Classic {
        return gap(Reason::ClassicPath);
    }
    if policy.firewall.sku == Sku::Premium && policy.firewall.tls_inspection {
        return web_form(flow, AppTarget::Urls(vec![url.to_owned()]));
    }
    gap(Reason::Path)
}

/// The ports that carry HTTP or HTTPS by an application rule, if there are any; the others are missing, for `reason`,
/// about which `remedy` helps where there are none.
fn part(flow: &Flow, to: AppTarget, reason: Reason, remedy: &'static str) -> Form {
    let protocols = web_protocols(&flow.ports);
    if protocols.is_empty() || !matches!(flow.protocol, Protocol::Tcp | Protocol::Any) {
        return Form::Gap(reason, Cow::Borrowed(remedy));
    }
    Form::Part(protocols, to, reason)
}

/// Ports that carry HTTP or HTTPS wherever they are met, the well-known ones and those registered beside them.
/// Source: the registry of service names and ports (http, http-alt, https, pcsync-https).
const WEB: [(AppProtocol, u16); 4] = [
    (AppProtocol::Http, 80),
    (AppProtocol::Https, 443),
    (AppProtocol::Http, 8080),
    (AppProtocol::Https, 8443),
];

/// The web ports that stand by themselves in a list of ports, with their protocols.
fn web_protocols(ports: &Ports) -> Vec<(AppProtocol, u16)> {
    let alone =
        |port: u16| ports.set().intervals().iter().any(|range| range.first() == port && range.last() == port);
    WEB.into_iter().filter(|(_, port)| alone(*port)).collect()
}

/// An application rule, if protocol and ports are those of HTTP and HTTPS; else why not, with what it would be for.
fn application(flow: &Flow, to: AppTarget) -> Result<Form, (AppTarget, NotWeb)> {
    if !matches!(flow.protocol, Protocol::Tcp | Protocol::Any) {
        return Err((to, NotWeb::Protocol(flow.protocol)));
    }
    let protocols = web_protocols(&flow.ports);
    if protocols.len() == flow.ports.set().intervals().len() {
        Ok(Form::Application(protocols, to))
    } else {
        Err((to, NotWeb::Ports(not_web(&flow.ports))))
    }
}

/// The ports that no application rule carries.
fn not_web(ports: &Ports) -> Ports {
    let web = web_protocols(ports).into_iter().map(|(_, port)| crate::addr::Prefix::host(port));
    let web = crate::addr::IntervalSet::from_intervals(web.map(|p| p.interval()).collect());
    Ports::new(ports.set().difference(&web))
}

fn count_policy(firewall: &Firewall, tally: &mut Tally<'_>) {
    let of = &firewall.policy_name;
    let collections: Vec<_> = firewall.groups.iter().flat_map(|g| &g.collections).collect();
    count_pairs(&collections, of, tally);
    let rows = [
        (
            LimitKey::FirewallRuleCollectionGroups,
            firewall.groups.len(),
            "set firewall.ip-groups = \"auto\" so that prefixes stay out of the rules, or split the environment over \
             several firewall policies",
        ),
        (
            LimitKey::FirewallRuleCollections,
            collections.len() + firewall.groups.iter().map(|g| g.nat.len()).sum::<usize>(),
            "there are two in each rule collection group, and those that deny in the first: make fewer groups, or split the environment",
        ),
    ];
    for (key, have, remedy) in rows {
        tally.count(key, of, have, remedy);
    }
    count_hosts_and_groups(&collections, of, tally);
    let nat: Vec<_> = firewall.groups.iter().flat_map(|g| &g.nat).collect();
    if !nat.is_empty() {
        let remedy = "they were in the earlier firewall.arm.json and are carried on: take some out of it, or move them to \
                      another firewall";
        let rules = nat.iter().map(|nat| nat.rules()).sum();
        tally.count(LimitKey::FirewallDnatRules, of, rules, remedy);
    }
}

/// Classic rules have no groups, and so no bytes of one; what one template may hold is counted with the files.
fn count_classic(firewall: &ClassicFirewall, tally: &mut Tally<'_>) {
    let of = &firewall.name;
    let collections: Vec<_> = firewall.collections.iter().collect();
    count_pairs(&collections, of, tally);
    let rules = collections.iter().map(|c| c.rules.len()).sum();
    let remedy = "split the environment over several firewalls, or move to a firewall policy";
    tally.count(LimitKey::FirewallClassicRules, of, rules, remedy);
    let highest = collections.iter().map(|c| c.priority as usize).max().unwrap_or(0);
    let remedy = "set firewall.priority lower: application rules have one that is 100 higher";
    tally.count(LimitKey::FirewallPriority, of, highest, remedy);
    count_hosts_and_groups(&collections, of, tally);
}

fn network_rules<'a>(collections: &[&'a RuleCollection]) -> impl Iterator<Item = &'a NetworkRule> {
    let network = |c: &&'a RuleCollection| match &c.rules {
        FirewallRules::Network(rules) => Some(rules),
        FirewallRules::Application(_) => None,
    };
    collections.iter().filter_map(network).flatten()
}

fn count_pairs(collections: &[&RuleCollection], of: &str, tally: &mut Tally<'_>) {
    let destinations = |rule: &NetworkRule| match &rule.destination {
        Destination::Any => 1,
        Destination::Tags(list) | Destination::Groups(list) | Destination::Fqdns(list) => list.len(),
        Destination::Prefixes(list) => list.len(),
    };
    let pairs = network_rules(collections).map(|r| r.sources.len() * destinations(r)).sum();
    let remedy = "set firewall.ip-groups = \"auto\": an IP group counts as one";
    tally.count(LimitKey::FirewallUniquePairs, of, pairs, remedy);
}

fn count_hosts_and_groups(collections: &[&RuleCollection], of: &str, tally: &mut Tally<'_>) {
    let fqdns: BTreeSet<&String> = network_rules(collections)
        .filter_map(|r| if let Destination::Fqdns(list) = &r.destination { Some(list) } else { None })
        .flatten()
        .collect();
    let remedy = "allow service tags in place of host names";
    tally.count(LimitKey::FirewallFqdnsInNetworkRules, of, fqdns.len(), remedy);
    let groups: Vec<(String, usize)> =
        tally.plan.ip_groups.iter().map(|g| (g.name.clone(), g.prefixes.len())).collect();
    let remedy = "set firewall.tags = \"auto\" so that tags stay tags, or split the environment";
    tally.count(LimitKey::IpGroups, of, groups.len(), remedy);
    for (group, entries) in groups {
        tally.count(LimitKey::IpGroupEntries, &group, entries, "a group holds one prefix at least");
    }
}
