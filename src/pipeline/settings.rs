//! What a policy sets for those rooms that know no policies.

use crate::emit::Options;
use crate::plan::Limits;
use crate::policy::{Path, Policy, PolicyErrors, PolicySource};

/// The limits that a policy asks for.
pub(super) fn limits(source: &PolicySource) -> Result<Limits, PolicyErrors> {
    let limits = &source.intent.limits;
    Limits::new(limits.profile.as_deref(), &limits.overrides).map_err(|errors| {
        let place = Path::top().at("limits");
        source.errors(errors.into_iter().map(|fault| (place.at(fault.key()), fault)))
    })
}

/// What the formats are told beside the plan.
pub(super) fn options(policy: &Policy) -> Options {
    let output = &policy.output;
    Options {
        location: policy.region.location(),
        resource_group: output.resource_group.clone(),
        terraform_style: output.terraform_style,
        edl: output.edl,
        associations: output.associations,
        firewall_draft: policy.firewall.draft,
        api_version: policy.api_version(),
    }
}
