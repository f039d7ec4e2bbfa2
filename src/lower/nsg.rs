//! Network security group: rules by priority, IPv4 and IPv6 apart, one tag per side, the deny at the end.
//!
//! Source of the field rules: network-security-groups-overview.md, 2025-07-15; the error texts of the platform.

use super::gaps::gap;
use super::names::{self, description, name, ports_part, protocol_part, remote_part, unique};
use super::{assign_priorities, count, each_flow, native, widened, with_extra};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::{Action, Choice, Exceeded, How, Limits, Nsg, NsgRule, Plan, Previous, Side};
use crate::policy::intent::{HostUse, Passage};
use crate::policy::{Flow, Policy, Remote, Symbols};
use crate::tags::Symbol;
use crate::target::Target;

/// Priorities for flows; what lies above is for the rules that every group ends in.
const FLOWS: (u32, u32) = (200, 3899);
const VNET: u32 = 4000;
const LOAD_BALANCER: u32 = 4050;
const DENY: u32 = 4096;

/// What the remote side of a flow becomes in this target.
enum Form {
    /// A tag, and how it is reported.
    Tag(String),
    /// Addresses.
    Set(AddrSet, String),
    /// Every address.
    Any,
    /// It cannot be said.
    Gap { reason: String, remedy: String },
}

pub(super) fn lower(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    plan: &mut Plan,
    over: &mut Vec<Exceeded>,
) {
    let symbols = policy.symbols();
    let mut rules = Vec::new();
    each_flow(policy, Target::Nsg, plan, |flow, plan| flow_rules(policy, &symbols, flow, &mut rules, plan));
    rules.sort_by(|a, b| (a.direction, &a.name).cmp(&(b.direction, &b.name)));
    unique(&mut rules, |r| &mut r.name, |r| r.flows.join(" "));
    let nsg_name = name(&[&policy.name, "nsg"]);
    for direction in [Direction::Inbound, Direction::Outbound] {
        let of = format!("{nsg_name} {}", direction.name());
        let rules: Vec<&mut NsgRule> = rules.iter_mut().filter(|r| r.direction == direction).collect();
        let order: Vec<&str> = rules.iter().map(|r| r.name.as_str()).collect();
        let given = assign_priorities(&order, &previous.nsg_priorities, FLOWS.0, FLOWS.1);
        let have = rules.len() + usize::from(policy.nsg.deny_rest) * 3;
        count(
            limits,
            "nsg-priorities",
            &of,
            have,
            "split the environment over several subnets and groups",
            plan,
            over,
        );
        for (rule, priority) in rules.into_iter().zip(given.into_iter().flatten()) {
            rule.priority = priority;
        }
    }
    if policy.nsg.deny_rest {
        rules.extend(closing_rules(policy));
    }
    rules.sort_by_key(|r| (r.direction, r.priority));
    let nsg = Nsg { name: nsg_name, rules };
    count_nsg(&nsg, limits, plan, over);
    plan.nsg = Some(nsg);
}

fn flow_rules(policy: &Policy, symbols: &Symbols, flow: &Flow, rules: &mut Vec<NsgRule>, plan: &mut Plan) {
    let form = form(policy, symbols, flow);
    let note = |plan: &mut Plan, how: How, why: &str| {
        plan.choices.push(Choice { target: Target::Nsg, flow: flow.id.clone(), how, why: why.to_owned() });
    };
    match form {
        Form::Tag(tag) => {
            for local in families(&flow.local) {
                rules.push(rule(flow, local, Side::Tag(tag.clone()), &format!("tag {tag}")));
            }
            note(plan, How::NativeTag, "");
        }
        Form::Any => {
            for local in families(&flow.local) {
                rules.push(rule(flow, local, Side::Any, ""));
            }
            note(plan, How::Any, "");
        }
        Form::Set(set, why) => {
            let set = with_extra(set, plan, Target::Nsg, &flow.id);
            let why = widened(plan, Target::Nsg, &flow.id, why);
            let mut total = 0;
            for local in families(&flow.local) {
                let v4 = local[0].is_v4();
                let remote: Vec<IpPrefix> = set.prefixes().filter(|p| p.is_v4() == v4).collect();
                if !remote.is_empty() {
                    total += remote.len();
                    let form = match &flow.group {
                        Some(group) => format!("group {group}"),
                        None => format!("{} as prefixes", flow.remote),
                    };
                    rules.push(rule(flow, local, Side::Prefixes(remote), &form));
                }
            }
            if total == 0 {
                let reason = "it has no address of a family that the subnet has";
                plan.gaps.push(gap(
                    policy,
                    Target::Nsg,
                    flow,
                    reason,
                    "nothing to do unless the subnet gets addresses of that family",
                ));
            } else {
                note(plan, How::Prefixes(total), &why);
            }
        }
        Form::Gap { reason, remedy } => plan.gaps.push(gap(policy, Target::Nsg, flow, &reason, &remedy)),
    }
}

fn form(policy: &Policy, symbols: &Symbols, flow: &Flow) -> Form {
    let expanded =
        |why: String| Form::Set(flow.remote_set(symbols).expect("the remote side is one of addresses"), why);
    match &flow.remote {
        _ if !flow.except.is_empty() && flow.remote_set(symbols).is_some() => {
            expanded("addresses are excepted, so the rest is listed".to_owned())
        }
        Remote::Tag(tag) => match native(tag, "NSG", policy.nsg.tags) {
            Ok(()) => Form::Tag(tag.name().to_string()),
            Err(why) => expanded(why),
        },
        Remote::Addresses(_) => expanded(String::new()),
        Remote::Any => Form::Any,
        Remote::Symbol(symbol) => symbol_form(policy, flow, *symbol, expanded),
        Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) => host_form(policy, symbols),
    }
}

fn symbol_form(policy: &Policy, flow: &Flow, symbol: Symbol, expanded: impl Fn(String) -> Form) -> Form {
    match symbol {
        Symbol::VirtualNetwork => {
            expanded("VirtualNetwork would also hold the prefixes of the subnet's routes".to_owned())
        }
        Symbol::Internet if policy.has_default_route() => {
            expanded("with a default route, VirtualNetwork takes addresses away from Internet".to_owned())
        }
        Symbol::AzurePlatformDns | Symbol::AzurePlatformImds | Symbol::AzurePlatformLkm
            if flow.direction == Direction::Inbound =>
        {
            Form::Gap {
                reason: format!("{symbol} can only be a destination"),
                remedy: "make it an outbound need".to_owned(),
            }
        }
        _ => Form::Tag(symbol.name().to_owned()),
    }
}

/// Host names: a security group sees addresses only.
fn host_form(policy: &Policy, symbols: &Symbols) -> Form {
    if policy.nsg.hosts == HostUse::Internet {
        return Form::Set(
            symbols.get(Symbol::Internet),
            "opened to the Internet, since the firewall judges the name".to_owned(),
        );
    }
    let remedy = if policy.network.firewall.is_empty() {
        "allow its service tag or its addresses"
    } else {
        "set nsg.hosts = \"internet\" to open the port here and leave the name to the firewall"
    };
    Form::Gap { reason: "a security group knows no host names".to_owned(), remedy: remedy.to_owned() }
}

/// The prefixes of a set by family, without empty families.
fn families(set: &AddrSet) -> impl Iterator<Item = Vec<IpPrefix>> {
    let (v4, v6): (Vec<_>, Vec<_>) = set.prefixes().partition(|p| p.is_v4());
    [v4, v6].into_iter().filter(|list| !list.is_empty())
}

fn rule(flow: &Flow, local: Vec<IpPrefix>, remote: Side, form: &str) -> NsgRule {
    let family = if local[0].is_v4() { "" } else { "v6" };
    let (way, source, destination) = match flow.direction {
        Direction::Inbound => ("in", remote, Side::Prefixes(local)),
        Direction::Outbound => ("out", Side::Prefixes(local), remote),
    };
    let protocol = protocol_part(flow.protocol);
    NsgRule {
        name: name(&[&flow.subnet, way, &remote_part(flow), protocol, &ports_part(&flow.ports), family]),
        priority: 0,
        direction: flow.direction,
        action: Action::Allow,
        protocol: flow.protocol,
        source,
        destination,
        ports: flow.ports.clone(),
        description: description(&flow.causes, form),
        flows: vec![flow.id.clone()],
    }
}

/// What an allow-list ends in: traffic inside the network and health probes, then the deny.
fn closing_rules(policy: &Policy) -> Vec<NsgRule> {
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
            description: names::shorten(why, 140),
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
                rules.push(closing(
                    &name,
                    VNET + index as u32,
                    direction,
                    Action::Allow,
                    side.clone(),
                    side,
                    why,
                ));
            }
        }
        let why = "What is not allowed above is denied, before Azure's default rules can allow it";
        rules.push(closing(
            &format!("deny-rest-{way}"),
            DENY,
            direction,
            Action::Deny,
            Side::Any,
            Side::Any,
            why,
        ));
    }
    if policy.nsg.load_balancer == Passage::Allow {
        let source = Side::Tag(Symbol::AzureLoadBalancer.name().to_owned());
        let why = "Health probes of Azure Load Balancer";
        let direction = Direction::Inbound;
        rules.push(closing(
            "load-balancer-in",
            LOAD_BALANCER,
            direction,
            Action::Allow,
            source,
            Side::Any,
            why,
        ));
    }
    rules
}

fn count_nsg(nsg: &Nsg, limits: &Limits, plan: &mut Plan, over: &mut Vec<Exceeded>) {
    let entries = |side: &Side| match side {
        Side::Any | Side::Tag(_) => 1,
        Side::Prefixes(list) => list.len(),
    };
    let sum = |count: &dyn Fn(&NsgRule) -> usize| nsg.rules.iter().map(count).sum::<usize>();
    let expanded = "set nsg.tags = \"auto\" so that tags stay tags, or narrow the needs";
    let rows = [
        ("nsg-rules", nsg.rules.len(), "split the environment over several subnets and groups"),
        ("nsg-source-prefixes", sum(&|r| entries(&r.source)), expanded),
        ("nsg-destination-prefixes", sum(&|r| entries(&r.destination)), expanded),
        (
            "nsg-description-characters",
            nsg.rules.iter().map(|r| r.description.chars().count()).max().unwrap_or(0),
            "shorten `why` of the needs",
        ),
        (
            "nsg-ports",
            sum(&|r| r.ports.set().intervals().len()),
            "write neighbouring ports as ranges, or split the environment over several subnets and groups",
        ),
    ];
    for (key, have, remedy) in rows {
        count(limits, key, &nsg.name, have, remedy, plan, over);
    }
}
