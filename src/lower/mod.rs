//! Policy into plan: each target's own semantics, field rules and limits.
//!
//! A flow becomes its native tag where the target takes the tag, else exact prefixes; what a target cannot say is
//! listed as a gap. Nothing is cut short and nothing widened silently: what does not fit a limit is widened by the
//! fewest extra addresses if the policy has a budget for them, declared in the plan; else it is refused.

mod chunked;
mod coarsen;
mod endpoints;
mod fewest;
mod firewall;
mod gaps;
mod lists;
mod names;
mod nat;
mod nsg;
mod pack;
mod priority;
mod udr;

use std::collections::HashSet;

pub use pack::Weigh;
pub use priority::assign as assign_priorities;

use chunked::Cut;

use crate::addr::AddrSet;
use crate::plan::{Exceeded, Extra, FileCaps, Limits, OverLimit, Plan, Previous};
use crate::policy::intent::TagUse;
use crate::policy::{Flow, Policy};
use crate::tags::Tag;
use crate::target::Target;

/// The limits that the number of pieces of long lists counts against.
const OF_PIECES: [&str; 6] = [
    "ip-groups",
    "firewall-unique-pairs",
    "firewall-rule-collection-groups",
    "firewall-rule-collections",
    "firewall-priority",
    "firewall-classic-rules",
];

/// Lowers `policy` for every target that it has a use for.
///
/// Long lists are cut so that a change stays small; where that takes more pieces than a limit allows, into the fewest
/// pieces, and the plan's notes say so.
///
/// What still holds of `previous` keeps its name, priority and place. `weigh` gives the bytes of a rule collection
/// group as it is written.
///
/// # Errors
/// [`OverLimit`] with every limit that cannot be kept, what is needed, and the way out.
pub fn lower(policy: &Policy, limits: &Limits, previous: &Previous, weigh: Weigh) -> Result<Plan, OverLimit> {
    let (exact, over) = attempt(policy, limits, previous, weigh, Vec::new());
    if over.is_empty() {
        return Ok(exact);
    }
    let extras = coarsen::fit(policy, limits, &exact, over)?;
    let (plan, over) = attempt(policy, limits, previous, weigh, extras);
    if over.is_empty() { Ok(plan) } else { Err(OverLimit { over }) }
}

/// Lowers every target, its lists widened by `extras`, in the fewest pieces if others do not fit, and says which limits
/// are exceeded all the same.
fn attempt(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    weigh: Weigh,
    extras: Vec<Extra>,
) -> (Plan, Vec<Exceeded>) {
    let of_pieces = |e: &Exceeded| OF_PIECES.contains(&e.usage.key.as_str());
    let needed = |over: &[Exceeded]| over.iter().filter(|e| of_pieces(e)).map(|e| e.usage.have).sum::<u64>();
    let (plan, over) = attempt_cut(policy, limits, previous, (weigh, Cut::Steady), extras.clone());
    if !over.iter().any(of_pieces) {
        return (plan, over);
    }
    let (fewest, mut still) = attempt_cut(policy, limits, previous, (weigh, Cut::Fewest), extras);
    if (still.len(), needed(&still)) >= (over.len(), needed(&over)) {
        return (plan, over);
    }
    for exceeded in still.iter_mut().filter(|e| of_pieces(e)) {
        exceeded.remedy += "; long lists are counted in the fewest pieces already";
    }
    (fewest, still)
}

/// [`attempt`] with long lists cut in one way.
fn attempt_cut(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    (weigh, cut): (Weigh, Cut),
    extras: Vec<Extra>,
) -> (Plan, Vec<Exceeded>) {
    let mut plan =
        Plan { name: policy.name.clone(), file_caps: FileCaps::of(limits), extras, ..Plan::default() };
    let mut over = Vec::new();
    let wants = |target: Target| policy.wants(target);
    if wants(Target::Nsg) {
        nsg::lower(policy, limits, previous, &mut plan, &mut over);
    }
    if wants(Target::RouteTable) {
        udr::lower(policy, limits, &mut plan, &mut over);
    }
    if wants(Target::Firewall) {
        firewall::lower(policy, previous, (limits, weigh, cut), &mut plan, &mut over);
    } else {
        nat::keep(&mut [], previous, &mut plan);
    }
    if wants(Target::ServiceEndpointPolicy) {
        endpoints::lower(policy, limits, &mut plan, &mut over);
    }
    lists::lower(policy, limits, &mut plan, &mut over);
    count_names(&mut plan, limits, &mut over);
    gaps::settle(&mut plan.gaps);
    plan.gaps.sort();
    plan.choices.sort();
    plan.notes.sort();
    plan.notes.dedup();
    (plan, over)
}

/// `set` with the extra addresses that `target` is to admit for the flow called `flow`.
fn with_extra(set: AddrSet, plan: &Plan, target: Target, flow: &str) -> AddrSet {
    let extra = plan.extra_of(target, flow);
    if extra.is_empty() { set } else { set.union(&extra) }
}

/// Why a list of `target` is longer than what was asked for, in words to follow the reason that it is a list.
fn widened(plan: &Plan, target: Target, flow: &str, why: String) -> String {
    let mut own = plan.extras.iter().filter(|e| e.target == target && e.flows.iter().any(|id| id == flow));
    let Some(first) = own.next() else { return why };
    let count = own.fold(first.addresses.count(), |sum, extra| sum + extra.addresses.count());
    let join = if why.is_empty() { "" } else { "; " };
    format!("{why}{join}widened by {count} addresses, since {} does not take the exact list", first.limit)
}

/// The flows that `target` could not say at all, by id.
fn unsaid(plan: &Plan, target: Target) -> HashSet<String> {
    plan.gaps.iter().filter(|g| g.target == target && !g.partial).map(|g| g.flow.clone()).collect()
}

/// Lowers every flow by `one`: first those that are asked for, then what stands in for those that left a gap.
fn each_flow(policy: &Policy, target: Target, plan: &mut Plan, mut one: impl FnMut(&Flow, &mut Plan)) {
    for flow in policy.flows.iter().filter(|f| !f.stand_in) {
        one(flow, plan);
    }
    let missing = unsaid(plan, target);
    let missing: HashSet<&str> = missing.iter().map(String::as_str).collect();
    for flow in policy.flows_with(&missing).filter(|f| f.stand_in) {
        one(flow, plan);
    }
}

/// Counts what only emitted files tell, by name, bytes and resources of each template.
///
/// # Errors
/// [`OverLimit`] with every limit that is exceeded: a single resource can be too large for a file of its own.
pub fn count_files(
    plan: &mut Plan,
    limits: &Limits,
    files: &[(&str, usize, usize)],
) -> Result<(), OverLimit> {
    let mut over = Vec::new();
    for &(name, bytes, resources) in files {
        let remedy = "one resource alone is that large: keep tags as tags, or split the environment";
        count(limits, "arm-template-bytes", name, bytes, remedy, plan, &mut over);
        let remedy = "a template holds one resource at least";
        count(limits, "arm-resources", name, resources, remedy, plan, &mut over);
    }
    if over.is_empty() { Ok(()) } else { Err(OverLimit { over }) }
}

/// Counts the longest name of each target's resources.
fn count_names(plan: &mut Plan, limits: &Limits, over: &mut Vec<Exceeded>) {
    let nsg = plan.nsg.iter().flat_map(|n| n.rules.iter().map(|r| &r.name).chain([&n.name]));
    let table = plan.route_table.iter().flat_map(|t| t.routes.iter().map(|r| &r.name).chain([&t.name]));
    let groups = plan.firewall.iter().flat_map(|f| &f.groups);
    let rules = plan.rule_collections().flat_map(|c| c.rules.names().chain([&c.name]));
    let classic = plan.classic_firewall.iter().map(|f| &f.name);
    let firewall =
        rules.chain(groups.map(|g| &g.name)).chain(classic).chain(plan.ip_groups.iter().map(|g| &g.name));
    let endpoint = plan.endpoint_policies.iter();
    let endpoint = endpoint.flat_map(|p| p.definitions.iter().map(|d| &d.name).chain([&p.name]));
    let longest = [
        (Target::Nsg, nsg.map(String::len).max()),
        (Target::RouteTable, table.map(String::len).max()),
        (Target::Firewall, firewall.map(String::len).max()),
        (Target::ServiceEndpointPolicy, endpoint.map(String::len).max()),
    ];
    for (target, have) in longest.into_iter().filter_map(|(target, have)| Some((target, have?))) {
        let remedy = "give the environment, its subnets or groups shorter names";
        count(limits, "name-characters", target.name(), have, remedy, plan, over);
    }
}

/// Counts `have` against a limit, and notes it as exceeded with the remedy where it is.
fn count(
    limits: &Limits,
    key: &str,
    of: &str,
    have: usize,
    remedy: &str,
    plan: &mut Plan,
    over: &mut Vec<Exceeded>,
) {
    let usage = limits.usage(key, of, have as u64);
    if !usage.fits() {
        over.push(Exceeded { usage: usage.clone(), remedy: remedy.to_owned(), extra: None });
    }
    plan.usage.push(usage);
}

/// Whether a target takes `tag` by name, and if not, why.
fn native(tag: &Tag, feature: &str, setting: TagUse) -> Result<(), String> {
    match setting {
        TagUse::Native => Ok(()),
        TagUse::Expand => Err("the policy asks for prefixes".to_owned()),
        TagUse::Auto if tag.features().has(feature) => Ok(()),
        TagUse::Auto if !tag.features().is_stated() => {
            Err("the file does not say which targets take the tag".to_owned())
        }
        TagUse::Auto => Err(format!("the file does not list {feature} among the tag's features")),
    }
}
