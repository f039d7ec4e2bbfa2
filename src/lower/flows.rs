//! What lowering does with every flow, whatever the target.

use std::collections::HashSet;

use crate::addr::AddrSet;
use crate::plan::{Because, ChoiceWhy, NotByName, PlanParts};
use crate::policy::intent::TagUse;
use crate::policy::{Flow, Policy};
use crate::tags::Tag;
use crate::target::Target;

/// `set` with the extra addresses that `target` is to admit for the flow called `flow`.
pub(super) fn with_extra(set: AddrSet, plan: &PlanParts, target: Target, flow: &str) -> AddrSet {
    let extra = plan.extra_of(target, flow);
    if extra.is_empty() { set } else { set.union(&extra) }
}

/// Why a remote side has its form, and by how much its list is longer than what was asked for.
pub(super) fn widened(plan: &PlanParts, target: Target, flow: &str, because: Option<Because>) -> ChoiceWhy {
    let mut own = plan.extras.iter().filter(|e| e.target == target && e.flows.iter().any(|id| id == flow));
    let Some(first) = own.next() else { return ChoiceWhy { because, widened: None } };
    let count = own.fold(first.addresses.count(), |sum, extra| sum + extra.addresses.count());
    ChoiceWhy { because, widened: Some((count, first.limit)) }
}

/// The flows that `target` could not say at all, by id.
fn inexpressible(plan: &PlanParts, target: Target) -> HashSet<String> {
    plan.gaps.iter().filter(|g| g.target == target && !g.partial).map(|g| g.flow.clone()).collect()
}

/// Lowers every flow by `one`: first those that are asked for, then what stands in for those that left a gap.
pub(super) fn each_flow(
    policy: &Policy,
    target: Target,
    plan: &mut PlanParts,
    mut one: impl FnMut(&Flow, &mut PlanParts),
) {
    for flow in policy.flows.iter().filter(|f| !f.stand_in) {
        one(flow, plan);
    }
    let missing = inexpressible(plan, target);
    let missing: HashSet<&str> = missing.iter().map(String::as_str).collect();
    for flow in policy.flows_with(&missing).filter(|f| f.stand_in) {
        one(flow, plan);
    }
}

/// Whether a target takes `tag` by name, and if not, why.
pub(super) fn native(tag: &Tag, feature: &'static str, setting: TagUse) -> Result<(), NotByName> {
    match setting {
        TagUse::Native => Ok(()),
        TagUse::Expand => Err(NotByName::Asked),
        TagUse::Auto if tag.features().has(feature) => Ok(()),
        TagUse::Auto if !tag.features().is_stated() => Err(NotByName::Unstated),
        TagUse::Auto => Err(NotByName::Unlisted(feature)),
    }
}
