//! What people are told beside the files.

use crate::plan::{Plan, PlanParts, Previous};
use crate::policy::Policy;
use crate::read::resources::{IpGroup, Resources};
use crate::tags::Snapshot;
use crate::verify;

/// What the earlier generation makes necessary beside deploying the files, and warnings.
pub(super) fn of_generation(policy: &Policy, plan: &Plan, previous: &Previous) -> Vec<String> {
    let mut notes = plan.left_behind(previous);
    notes.extend(policy.remarks.retired.iter().map(|text| format!("warning: {text}")));
    notes.extend(policy.remarks.warnings.iter().map(|text| format!("warning: policy, {text}")));
    notes.extend(policy.outside().iter().filter(|tag| !tag.is_security_group()).map(|tag| {
        format!(
            "warning: {}: no published file holds this tag, so that nothing is proven of what it stands for",
            tag.name()
        )
    }));
    notes
}

/// Notes what DNAT rules that are kept do to the needs: they come before every rule that is made here.
pub(super) fn of_kept_nat(plan: &mut PlanParts, policy: &Policy, snapshot: &Snapshot) {
    let nat = plan.kept_nat();
    if nat.is_empty() {
        return;
    }
    let ip_groups = plan.ip_groups.iter().map(|group| IpGroup {
        name: group.name.clone(),
        id: None,
        addresses: group.prefixes.iter().map(ToString::to_string).collect(),
    });
    let resources = Resources { ip_groups: ip_groups.collect(), ..Default::default() };
    let notes = verify::needs_taken(policy, snapshot, &nat, &plan.extras, &resources);
    plan.notes.extend(notes.unwrap_or_else(|error| {
        vec![format!("DNAT comes first, and whether it takes what is asked for is not known: {error}")]
    }));
    plan.notes.sort();
    plan.notes.dedup();
}
