//! Network security groups: rules by priority, IPv4 and IPv6 apart, one tag per side, the deny at the end. One group for
//! the environment, and those of subnets that cannot share it.
//!
//! Source of the field rules: network-security-groups-overview.md, 2025-07-15; the error texts of the platform.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::flows::{each_flow, native, widened, with_extra};
use super::gaps::gap;
use super::group::{self, Draft, Said};
use super::names::{self, name, remote_part};
use super::tally::Tally;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::{
    Action, Because, Choice, ChoiceWhy, CoveredBy, How, LimitKey, Nsg, NsgRule, PlanParts, Previous, Reason,
    Side,
};
use crate::policy::intent::{HostUse, Passage};
use crate::policy::{Flow, GroupScope, Managed, Policy, Remote, Symbols};
use crate::tags::Symbol;
use crate::target::Target;

/// What the remote side of a flow becomes in this target.
enum Form {
    /// A tag, and how it is reported.
    Tag(String),
    /// Addresses.
    Set(AddrSet, Option<Because>),
    /// Every address.
    Any,
    /// The platform lets it through by itself.
    Passes,
    /// It cannot be said.
    Gap(Reason, &'static str),
}

/// What rules of one group are made with.
struct Scene<'a> {
    policy: &'a Policy,
    symbols: &'a Symbols,
    scope: &'a GroupScope,
    /// Whether a default route leads some subnet of the group elsewhere than to the Internet.
    diverted: bool,
}

pub(super) fn lower(policy: &Policy, previous: &Previous, tally: &mut Tally<'_>) {
    let symbols = policy.symbols();
    let scopes = policy.group_scopes();
    let scene = |scope| Scene { policy, symbols: &symbols, scope, diverted: is_diverted(policy, scope) };
    let scenes: Vec<Scene<'_>> = scopes.iter().map(scene).collect();
    let of_subnet: BTreeMap<&str, usize> = scopes
        .iter()
        .enumerate()
        .flat_map(|(at, scope)| scope.subnets.iter().map(move |subnet| (subnet.as_str(), at)))
        .collect();
    let mut drafts: Vec<Vec<Draft>> = scopes.iter().map(|_| Vec::new()).collect();
    for deny in &policy.denies {
        if let Some(&at) = of_subnet.get(deny.subnet.as_str()) {
            flow_rules(&scenes[at], deny, Action::Deny, &mut drafts[at], &mut tally.plan);
        }
    }
    each_flow(policy, Target::Nsg, &mut tally.plan, |flow, plan| {
        if let Some(&at) = of_subnet.get(flow.subnet.as_str()) {
            flow_rules(&scenes[at], flow, Action::Allow, &mut drafts[at], plan);
        }
    });
    for (scene, drafts) in scenes.iter().zip(drafts) {
        let name = group_name(policy, scene.scope);
        let fixed = fixed_rules(scene, previous, &mut tally.plan);
        let rules = group::finish((&name, policy), (drafts, fixed), previous, tally);
        let subnets = scene.scope.subnets.clone();
        let own_names = group::own_names(&subnets);
        let keep = policy.nsg.keep.as_slice().to_vec();
        let nsg = Nsg { name, subnets, own_names, keep, rules };
        count_nsg(&nsg, tally);
        tally.plan.nsgs.push(nsg);
    }
}

/// The name of a group's resource.
fn group_name(policy: &Policy, scope: &GroupScope) -> String {
    let label = scope.label.as_deref().unwrap_or_default();
    match &policy.names.nsg {
        Some(base) => name(&[base, label]),
        None => name(&[&policy.name, label, "nsg"]),
    }
}

fn is_diverted(policy: &Policy, scope: &GroupScope) -> bool {
    scope.subnets.iter().any(|subnet| policy.is_diverted(subnet))
}

fn flow_rules(scene: &Scene<'_>, flow: &Flow, action: Action, drafts: &mut Vec<Draft>, plan: &mut PlanParts) {
    let policy = scene.policy;
    let local = |remote: &Side| local_sides(scene, flow, remote);
    let note = |plan: &mut PlanParts, how: How, why: ChoiceWhy| {
        plan.choices.push(Choice { target: Target::Nsg, flow: flow.id.to_string(), how, why });
    };
    match form(scene, flow, action) {
        Form::Tag(tag) => {
            let (remote, form) = (Side::Tag(tag.clone()), Some(Said::Tag(tag)));
            drafts.extend(local(&remote).into_iter().map(|side| draft(flow, action, side, &remote, &form)));
            note(plan, How::NativeTag, ChoiceWhy::default());
        }
        Form::Any => {
            drafts.extend(
                local(&Side::Any).into_iter().map(|side| draft(flow, action, side, &Side::Any, &None)),
            );
            note(plan, How::Any, ChoiceWhy::default());
        }
        Form::Set(set, why) => {
            let set = with_extra(set, plan, Target::Nsg, flow.id.as_str());
            let why = widened(plan, Target::Nsg, flow.id.as_str(), why);
            let total = listed(scene, (flow, action), &set, drafts);
            if total == 0 {
                let remedy = "nothing to do unless the subnet gets addresses of that family";
                plan.gaps.push(gap(policy, Target::Nsg, flow, Reason::NoAddress, remedy));
            } else {
                note(plan, How::Prefixes(total), why);
            }
        }
        Form::Passes => {
            let remedy = "nothing to do: Azure refuses a rule that allows it";
            let mut gap = gap(policy, Target::Nsg, flow, Reason::PlatformPasses, remedy);
            gap.covered_by.push(CoveredBy::Anyway("Azure itself, which lets it through"));
            plan.gaps.push(gap);
        }
        Form::Gap(reason, remedy) => plan.gaps.push(gap(policy, Target::Nsg, flow, reason, remedy)),
    }
}

/// Rules that list the addresses of `set`, and how many prefixes that takes.
fn listed(
    scene: &Scene<'_>,
    (flow, action): (&Flow, Action),
    set: &AddrSet,
    drafts: &mut Vec<Draft>,
) -> usize {
    let form = match (&flow.group, &flow.remote) {
        (Some(group), _) => Said::Group(group.clone()),
        (None, Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_)) => Said::Host,
        (None, remote) => Said::Prefixes(remote.clone()),
    };
    let form = Some(form);
    let mut total = 0;
    for v4 in [true, false] {
        let has = if v4 { !flow.local.v4.is_empty() } else { !flow.local.v6.is_empty() };
        let remote: Vec<IpPrefix> = set.prefixes().filter(|p| has && p.is_v4() == v4).collect();
        if remote.is_empty() {
            continue;
        }
        total += remote.len();
        let remote = Side::Prefixes(remote);
        for side in local_sides(scene, flow, &remote) {
            drafts.push(draft(flow, action, side, &remote, &form));
        }
    }
    total
}

/// The subnet's side of a flow's rules: its prefixes by family, of that of the remote side where that has one.
fn local_sides(scene: &Scene<'_>, flow: &Flow, remote: &Side) -> Vec<Side> {
    if scene.scope.any_local || is_platform(flow) {
        return vec![Side::Any];
    }
    let family = match remote {
        Side::Prefixes(list) => Some(list[0].is_v4()),
        Side::Any | Side::Tag(_) => None,
    };
    families(&flow.local)
        .filter(|list| family.is_none_or(|v4| list[0].is_v4() == v4))
        .map(Side::Prefixes)
        .collect()
}

fn is_platform(flow: &Flow) -> bool {
    matches!(flow.remote, Remote::Symbol(symbol) if symbol.is_platform())
}

fn draft(flow: &Flow, action: Action, local: Side, remote: &Side, form: &Option<Said>) -> Draft {
    let v6 = |side: &Side| matches!(side, Side::Prefixes(list) if !list[0].is_v4());
    let (source, destination) = match flow.direction {
        Direction::Inbound => (remote.clone(), local.clone()),
        Direction::Outbound => (local.clone(), remote.clone()),
    };
    let part = match &flow.remote {
        Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) => Cow::Borrowed("hosts"),
        _ => remote_part(flow),
    };
    Draft {
        subnets: [flow.subnet.clone()].into(),
        remote: part.into_owned(),
        family: if v6(&local) || v6(remote) { "v6" } else { "" },
        causes: flow.causes.clone(),
        form: form.clone(),
        rule: NsgRule {
            name: String::new(),
            priority: 0,
            direction: flow.direction,
            action,
            protocol: flow.protocol,
            source,
            destination,
            ports: flow.ports.clone(),
            description: String::new(),
            flows: vec![flow.id.to_string()],
        },
    }
}

fn form(scene: &Scene<'_>, flow: &Flow, action: Action) -> Form {
    let symbols = scene.symbols;
    let expanded = |why: Option<Because>| {
        Form::Set(flow.remote_set(symbols).expect("the remote side is one of addresses"), why)
    };
    match &flow.remote {
        Remote::Outside(tag) if tag.features().has("NSG") => Form::Tag(tag.name().to_string()),
        Remote::Outside(tag) => Form::Gap(Reason::OutsideGroups(tag.name().clone()), "name its addresses"),
        _ if !flow.except.is_empty() && flow.remote_set(symbols).is_some() => {
            expanded(Some(Because::Excepted))
        }
        Remote::Tag(tag) => match native(tag, "NSG", scene.policy.nsg.tags) {
            Ok(()) => Form::Tag(tag.name().to_string()),
            Err(why) => expanded(Some(Because::NotByName(why))),
        },
        Remote::Addresses(_) => expanded(None),
        Remote::Any => Form::Any,
        Remote::Symbol(symbol) => symbol_form(scene, action, *symbol, expanded),
        Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) => host_form(scene, flow, action),
    }
}

fn symbol_form(
    scene: &Scene<'_>,
    action: Action,
    symbol: Symbol,
    expanded: impl Fn(Option<Because>) -> Form,
) -> Form {
    match symbol {
        Symbol::VirtualNetwork if scene.diverted => {
            let network = &scene.policy.network;
            let (peers, on_premises) = (!network.peers.is_empty(), !network.on_premises.is_empty());
            expanded(Some(Because::NetworkGrows { peers, on_premises }))
        }
        Symbol::Internet if scene.diverted => expanded(Some(Because::InternetShrinks)),
        symbol if symbol.is_platform() && action == Action::Allow => Form::Passes,
        _ => Form::Tag(symbol.name().to_owned()),
    }
}

/// Host names: a security group sees addresses only.
fn host_form(scene: &Scene<'_>, flow: &Flow, action: Action) -> Form {
    let opens = scene.policy.nsg.hosts == HostUse::Internet && action == Action::Allow;
    if opens && scene.policy.is_diverted(&flow.subnet) {
        return Form::Set(scene.symbols.get(Symbol::Internet), Some(Because::Opened));
    }
    let remedy = if action == Action::Deny {
        "the firewall denies it by name; deny its addresses here if there are any that stay"
    } else if scene.policy.network.firewall.is_empty() {
        "allow its service tag or its addresses"
    } else {
        "set nsg.hosts = \"internet\" to open the port here and leave the name to the firewall"
    };
    Form::Gap(Reason::HostName, remedy)
}

/// The prefixes of a set by family, without empty families.
fn families(set: &AddrSet) -> impl Iterator<Item = Vec<IpPrefix>> {
    let (v4, v6): (Vec<_>, Vec<_>) = set.prefixes().partition(|p| p.is_v4());
    [v4, v6].into_iter().filter(|list| !list.is_empty())
}

/// Rules that are not made from flows: what a service keeps in the group, what people keep in it, and what it ends in.
fn fixed_rules(scene: &Scene<'_>, previous: &Previous, plan: &mut PlanParts) -> Vec<NsgRule> {
    let (policy, scope) = (scene.policy, scene.scope);
    let own = |rule: &&Managed| rule.subnets.iter().any(|subnet| scope.subnets.contains(subnet));
    note_managed(scene, policy.managed.iter().filter(own), plan);
    let mut rules: Vec<NsgRule> = policy.managed.iter().filter(own).map(managed_rule).collect();
    rules.extend(kept_rules(scene, previous, plan));
    if policy.nsg.deny_rest {
        rules.extend(closing_rules(policy));
    }
    rules
}

/// Says what the rules of a service let through behind a default route, where `VirtualNetwork` is everything.
fn note_managed<'a>(scene: &Scene<'_>, rules: impl Iterator<Item = &'a Managed>, plan: &mut PlanParts) {
    let network = |remote: &Remote| matches!(remote, Remote::Symbol(Symbol::VirtualNetwork));
    let wide = |rule: &&Managed| network(&rule.source) && network(&rule.destination);
    if let Some(rule) = rules.filter(|_| scene.diverted).find(wide) {
        plan.notes.push(format!(
            "the rules that {} keeps in {} let traffic from VirtualNetwork to VirtualNetwork pass, which behind a default route is every address: it is the firewall that decides what leaves those subnets",
            rule.workload,
            group_name(scene.policy, scene.scope)
        ));
    }
}

fn managed_rule(rule: &Managed) -> NsgRule {
    let side = |remote: &Remote| match remote {
        Remote::Tag(tag) | Remote::Outside(tag) => Side::Tag(tag.name().to_string()),
        Remote::Symbol(symbol) => Side::Tag(symbol.name().to_owned()),
        Remote::Addresses(set) => Side::Prefixes(set.prefixes().collect()),
        _ => Side::Any,
    };
    NsgRule {
        name: rule.name.clone(),
        priority: rule.priority,
        direction: rule.direction,
        action: Action::Allow,
        protocol: rule.protocol,
        source: side(&rule.source),
        destination: side(&rule.destination),
        ports: rule.ports.clone(),
        description: names::shorten(&rule.description),
        flows: Vec::new(),
    }
}

/// Rules of others that the earlier file of the group holds: carried where the policy keeps them, else told of.
fn kept_rules(scene: &Scene<'_>, previous: &Previous, plan: &mut PlanParts) -> Vec<NsgRule> {
    let (policy, name) = (scene.policy, group_name(scene.policy, scene.scope));
    let managed = |rule: &NsgRule| policy.managed.iter().any(|m| m.name == rule.name);
    let mut kept = Vec::new();
    for rule in previous.nsg_rules.get(&name).into_iter().flatten() {
        if policy.keeps(&rule.name) && !managed(rule) {
            kept.push(rule.clone());
        } else if !managed(rule) && !names::is_own_rule(&rule.name) {
            plan.notes.push(format!(
                "rule {} of {name} is in the earlier file, and tagwall did not make it: a template or Terraform takes it away; name it in nsg.keep if it is to stay",
                rule.name
            ));
        }
    }
    kept
}

/// What an allow-list ends in: traffic inside the network and health probes, then the deny.
fn closing_rules(policy: &Policy) -> Vec<NsgRule> {
    let [vnet, load_balancer, deny] = group::closing_priorities(policy);
    let closing =
        |name: &str, priority, direction, action, source: Side, destination: Side, why: &str| NsgRule {
            name: name.to_owned(),
            priority,
            direction,
            action,
            protocol: Protocol::Any,
            source,
            destination,
            ports: Ports::all(),
            description: names::shorten(why),
            flows: Vec::new(),
        };
    let mut rules = Vec::new();
    for (direction, way) in [(Direction::Inbound, "in"), (Direction::Outbound, "out")] {
        if policy.nsg.vnet == Passage::Allow {
            for (index, space) in families(&policy.network.space).enumerate() {
                let family = if space[0].is_v4() { "" } else { "v6" };
                let side = Side::Prefixes(space);
                let why = "Inside the virtual network, by its address space: the tag VirtualNetwork would hold more";
                let name = name(&["vnet", way, family]);
                let priority = vnet + index as u32;
                rules.push(closing(&name, priority, direction, Action::Allow, side.clone(), side, why));
            }
        }
        let why = "What is not allowed above is denied, before Azure's default rules can allow it";
        let name = name(&["deny-rest", way]);
        rules.push(closing(&name, deny, direction, Action::Deny, Side::Any, Side::Any, why));
    }
    if policy.nsg.load_balancer == Passage::Allow {
        let source = Side::Tag(Symbol::AzureLoadBalancer.name().to_owned());
        let why = "Health probes of Azure Load Balancer";
        let (name, direction) = ("load-balancer-in", Direction::Inbound);
        rules.push(closing(name, load_balancer, direction, Action::Allow, source, Side::Any, why));
    }
    rules
}

fn count_nsg(nsg: &Nsg, tally: &mut Tally<'_>) {
    let entries = |side: &Side| match side {
        Side::Any | Side::Tag(_) => 1,
        Side::Prefixes(list) => list.len(),
    };
    let sum = |count: &dyn Fn(&NsgRule) -> usize| nsg.rules.iter().map(count).sum::<usize>();
    let expanded = "set nsg.tags = \"auto\" so that tags stay tags, or narrow the needs";
    let rows = [
        (LimitKey::NsgRules, nsg.rules.len(), "split the environment over several subnets and groups"),
        (LimitKey::NsgSourcePrefixes, sum(&|r| entries(&r.source)), expanded),
        (LimitKey::NsgDestinationPrefixes, sum(&|r| entries(&r.destination)), expanded),
        (
            LimitKey::NsgDescriptionCharacters,
            nsg.rules.iter().map(|r| r.description.chars().count()).max().unwrap_or(0),
            "shorten `why` of the needs",
        ),
        (
            LimitKey::NsgPorts,
            sum(&|r| r.ports.set().intervals().len()),
            "write neighbouring ports as ranges, or split the environment over several subnets and groups",
        ),
    ];
    for (key, have, remedy) in rows {
        tally.count(key, &nsg.name, have, remedy);
    }
}
