//! Rules of one security group from their drafts: those that say the same become one, names and priorities follow.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::names::{description, name, ports_part, protocol_part, subnet_part, unique};
use super::priority::assign as assign_priorities;
use super::tally::Tally;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::{Direction, Ports};
use crate::plan::{Action, Exceeded, LimitKey, NsgRule, Previous, Side, Usage, nsg_priorities};
use crate::policy::{Cause, Policy, Remote};
use crate::text::joined;

/// Priorities of denies, which come before what is allowed; what lies below is for rules of services.
const DENIES: (u32, u32) = (110, 199);
/// Priorities for flows; what lies above is for the rules that every group ends in.
const FLOWS: (u32, u32) = (200, 3899);
const VNET: u32 = 4000;
const LOAD_BALANCER: u32 = 4050;

/// What the names of rules for several subnets begin with.
const SHARED: &str = "shared";

/// How the names of rules begin that are made here for these subnets.
pub(super) fn own_names(subnets: &[String]) -> Vec<String> {
    let parts = subnets.iter().map(|subnet| subnet_part(subnet)).chain([Cow::Borrowed(SHARED)]);
    let own = parts.flat_map(|part| [format!("{part}-in-"), format!("{part}-out-")]);
    own.chain(["vnet-in", "vnet-out", "load-balancer-in", "deny-rest-"].map(str::to_owned)).collect()
}

/// A rule while it is made.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Names of the subnets that it is for.
    pub(super) subnets: BTreeSet<String>,
    /// The part of its name for the remote side, but for the action.
    pub(super) remote: String,
    /// The part of its name for the family.
    pub(super) family: &'static str,
    pub(super) causes: Vec<Cause>,
    /// How the remote side is said, where that is not clear.
    pub(super) form: Option<Said>,
    /// All but its name, priority and description.
    pub(super) rule: NsgRule,
}

/// How the remote side of a rule is said.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Said {
    #[error("tag {0}")]
    Tag(String),
    #[error("group {0}")]
    Group(String),
    #[error("the firewall judges the name")]
    Host,
    #[error("{0} as prefixes")]
    Prefixes(Remote),
}

impl Draft {
    fn absorb(&mut self, other: Draft) {
        self.subnets.extend(other.subnets);
        self.causes.extend(other.causes);
        self.causes.sort();
        self.causes.dedup();
        self.rule.ports = self.rule.ports.union(&other.rule.ports);
        self.rule.flows.extend(other.rule.flows);
        self.rule.flows.sort();
        self.rule.flows.dedup();
        if other.remote < self.remote {
            self.remote = other.remote;
        }
    }

    fn remote_side(&self) -> &Side {
        match self.rule.direction {
            Direction::Inbound => &self.rule.source,
            Direction::Outbound => &self.rule.destination,
        }
    }

    fn local_side(&mut self) -> &mut Side {
        match self.rule.direction {
            Direction::Inbound => &mut self.rule.destination,
            Direction::Outbound => &mut self.rule.source,
        }
    }

    fn finished(self) -> NsgRule {
        let way = if self.rule.direction == Direction::Inbound { "in" } else { "out" };
        let mut subnets = self.subnets.iter();
        let subnet = match (subnets.next(), subnets.next()) {
            (Some(only), None) => subnet_part(only),
            _ => Cow::Borrowed(SHARED),
        };
        let (protocol, ports) = (protocol_part(self.rule.protocol), ports_part(&self.rule.ports));
        let deny = if self.rule.action == Action::Deny { "deny" } else { "" };
        let name = name(&[&subnet, way, deny, &self.remote, protocol, &ports, self.family]);
        let description = description(&self.causes, self.form.as_ref().map(|form| form as &dyn Display));
        NsgRule { name, description, ..self.rule }
    }
}

/// The rules of a group: those of `drafts` with names and priorities, and `fixed` ones, inbound before outbound, each by
/// priority.
pub(super) fn finish(
    (group, policy): (&str, &Policy),
    (drafts, fixed): (Vec<Draft>, Vec<NsgRule>),
    previous: &Previous,
    tally: &mut Tally<'_>,
) -> Vec<NsgRule> {
    let mut rules: Vec<NsgRule> = merged(drafts).into_iter().map(Draft::finished).collect();
    rules.sort_by(|a, b| (a.direction, &a.name).cmp(&(b.direction, &b.name)));
    unique(&mut rules, |r| &mut r.name, |r| r.flows.join(" "));
    for direction in [Direction::Inbound, Direction::Outbound] {
        let of = format!("{group} {}", direction.name());
        let taken: BTreeSet<u32> =
            fixed.iter().filter(|rule| rule.direction == direction).map(|rule| rule.priority).collect();
        let own = rules.iter().filter(|rule| rule.direction == direction).count();
        let have = own + usize::from(policy.nsg.deny_rest) * 3;
        let remedy = "split the environment over several subnets and groups";
        tally.count(LimitKey::NsgPriorities, &of, have, remedy);
        for (action, range) in [(Action::Deny, DENIES), (Action::Allow, FLOWS)] {
            let mut some: Vec<&mut NsgRule> =
                rules.iter_mut().filter(|r| r.direction == direction && r.action == action).collect();
            let free = free(policy, range, &taken);
            let (need, room) = (some.len(), free.len());
            if !place(&mut some, &free, previous) {
                let usage = tally.limits.usage(LimitKey::NsgPriorities, &of, need as u64);
                let usage = Usage { limit: room as u64, ..usage };
                tally.over.push(Exceeded {
                    usage,
                    part: None,
                    remedy: Cow::Borrowed(remedy),
                    budget: None,
                    extra: None,
                });
            }
        }
    }
    rules.extend(fixed);
    rules.sort_by(|a, b| (a.direction, a.priority, &a.name).cmp(&(b.direction, b.priority, &b.name)));
    rules
}

/// The priorities of a range that nothing else has.
fn free(policy: &Policy, (low, high): (u32, u32), taken: &BTreeSet<u32>) -> Vec<u32> {
    let closing = closing_priorities(policy)[0];
    let reserved = |p: &u32| u16::try_from(*p).is_ok_and(|p| policy.reserved.contains(p));
    (low..=high.min(closing - 1)).filter(|p| !reserved(p) && !taken.contains(p)).collect()
}

/// Gives rules, in their order, priorities out of `free`; as many as can keep the one they had. Whether there are enough.
fn place(rules: &mut [&mut NsgRule], free: &[u32], previous: &Previous) -> bool {
    if rules.is_empty() {
        return true;
    }
    let place_of = |priority: &u32| free.binary_search(priority).ok().and_then(|at| u32::try_from(at).ok());
    let old: BTreeMap<String, u32> = rules
        .iter()
        .filter_map(|rule| {
            let priority = previous.nsg_priorities.get(&rule.name)?;
            Some((rule.name.clone(), place_of(priority)?))
        })
        .collect();
    let order: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let last = u32::try_from(free.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let Some(given) = assign_priorities(&order, &old, 0, last).filter(|_| !free.is_empty()) else {
        return false;
    };
    for (rule, at) in rules.iter_mut().zip(given) {
        rule.priority = free[at as usize];
    }
    true
}

/// The priorities of the rules that a group ends in: inside the network (one or two in a row), health probes, the deny.
/// Those that the policy reserves are passed over downwards.
pub(super) fn closing_priorities(policy: &Policy) -> [u32; 3] {
    let reserved = |p: u32| u16::try_from(p).is_ok_and(|p| policy.reserved.contains(p));
    let below = |most: u32, count: u32| {
        (FLOWS.0..=most).rev().find(|&p| (0..count).all(|i| !reserved(p + i))).unwrap_or(FLOWS.0)
    };
    let deny = below(*nsg_priorities().end(), 1);
    let load_balancer = below(LOAD_BALANCER.min(deny - 1), 1);
    let vnet = below(VNET.min(load_balancer.saturating_sub(2)), 2);
    [vnet, load_balancer, deny]
}

/// Rules of the same sides and protocol become one with the ports of all; then those that list the same addresses for
/// several subnets.
fn merged(drafts: Vec<Draft>) -> Vec<Draft> {
    let by_sides = join(drafts, |draft| {
        let NsgRule { direction, action, protocol, .. } = draft.rule;
        let sides = (sides(&draft.rule.source), sides(&draft.rule.destination));
        Some((direction, action, protocol, sides, None))
    });
    join(by_sides, |draft| {
        let NsgRule { direction, action, protocol, .. } = draft.rule;
        match draft.remote_side() {
            Side::Prefixes(list) if list.len() > 1 => {
                let sides = (sides(draft.remote_side()), Cow::Borrowed(draft.family));
                Some((direction, action, protocol, sides, Some(draft.rule.ports.clone())))
            }
            _ => None,
        }
    })
}

type Kind =
    (Direction, Action, crate::packet::Protocol, (Cow<'static, str>, Cow<'static, str>), Option<Ports>);

/// Drafts of one key become one; those without a key stay.
fn join(drafts: Vec<Draft>, key: impl Fn(&Draft) -> Option<Kind>) -> Vec<Draft> {
    let mut places: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut kept: Vec<Draft> = Vec::new();
    for mut draft in drafts {
        let Some(key) = key(&draft) else {
            kept.push(draft);
            continue;
        };
        let Some(&at) = places.get(&key) else {
            places.insert(key, kept.len());
            kept.push(draft);
            continue;
        };
        let local = both(kept[at].local_side(), draft.local_side());
        *kept[at].local_side() = local;
        kept[at].absorb(draft);
    }
    kept
}

/// The addresses of either side, which are of one family.
fn both(a: &Side, b: &Side) -> Side {
    match (a, b) {
        (Side::Prefixes(a), Side::Prefixes(b)) => {
            let all: AddrSet = a.iter().chain(b).copied().collect::<Vec<IpPrefix>>().into_iter().collect();
            Side::Prefixes(all.prefixes().collect())
        }
        (Side::Any, _) | (_, Side::Any) => Side::Any,
        (one, _) => one.clone(),
    }
}

fn sides(side: &Side) -> Cow<'static, str> {
    match side {
        Side::Any => Cow::Borrowed("*"),
        Side::Tag(name) => Cow::Owned(name.clone()),
        Side::Prefixes(list) => Cow::Owned(joined(list, ",").to_string()),
    }
}
