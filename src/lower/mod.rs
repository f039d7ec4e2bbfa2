//! Policy into plan: each target's own semantics, field rules and limits.
//!
//! A flow becomes its native tag where the target takes the tag, else exact prefixes; what a target cannot say is
//! listed as a gap. Nothing is cut short and nothing widened: what does not fit a limit is refused.

mod firewall;
mod gaps;
mod names;
mod nsg;
mod priority;
mod udr;

use std::collections::HashSet;

pub use priority::assign as assign_priorities;

use crate::plan::{Exceeded, Limits, OverLimit, Plan};
use crate::policy::intent::TagUse;
use crate::policy::{Flow, Policy};
use crate::tags::Tag;
use crate::target::Target;

/// Lowers `policy` for every target that it has a use for.
///
/// # Errors
/// [`OverLimit`] with every limit that cannot be kept, what is needed, and the way out.
pub fn lower(policy: &Policy, limits: &Limits) -> Result<Plan, OverLimit> {
    let mut plan = Plan { name: policy.name.clone(), ..Plan::default() };
    let mut over = Vec::new();
    let wants = |target: Target| policy.wants(target);
    if wants(Target::Nsg) {
        nsg::lower(policy, limits, &mut plan, &mut over);
    }
    if wants(Target::RouteTable) {
        udr::lower(policy, limits, &mut plan, &mut over);
    }
    if wants(Target::Firewall) {
        firewall::lower(policy, limits, &mut plan, &mut over);
    }
    gaps::settle(&mut plan.gaps);
    plan.gaps.sort();
    plan.choices.sort();
    if over.is_empty() { Ok(plan) } else { Err(OverLimit { over }) }
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

/// Counts what only emitted files tell, by name and number of bytes: templates and rule collection groups.
///
/// # Errors
/// [`OverLimit`] with every limit that is exceeded.
pub fn count_bytes(plan: &mut Plan, limits: &Limits, sizes: &[(&str, usize)]) -> Result<(), OverLimit> {
    let mut over = Vec::new();
    for &(name, bytes) in sizes.iter().filter(|(name, _)| name.ends_with(".arm.json")) {
        let remedy = "keep tags as tags, or split the environment";
        count(limits, "arm-template-bytes", name, bytes, remedy, plan, &mut over);
        if name == "firewall.arm.json" {
            let remedy = "set firewall.ip-groups = \"auto\" so that prefixes stay out of the rules";
            count(limits, "firewall-group-bytes", name, bytes, remedy, plan, &mut over);
        }
    }
    if over.is_empty() { Ok(()) } else { Err(OverLimit { over }) }
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
        over.push(Exceeded { usage: usage.clone(), remedy: remedy.to_owned() });
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
