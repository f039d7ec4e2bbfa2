//! What Azure takes: every file and association is held against `data/acceptance/`, apart from how they were made.

mod data;
mod groups;
mod places;
mod site;

pub use data::{Acceptance, AcceptanceDoes, AcceptedAt};

use super::difference::Differs;
use super::refusal::Refusal;
use super::report::{Failure, FailureKind, Report};
use site::{Found, Site};

use crate::policy::Policy;
use crate::read::resources::Resources;
use crate::replay::way::Environment;

/// What is held against one row of the data.
type Check = fn(&Site<'_>) -> Vec<Found>;

/// The rows that files can be held against. The others are held against the policy (`no-length`), or are said in the
/// report.
const CHECKS: [(&str, Check); 20] = [
    ("reserved-group", places::reserved_group),
    ("reserved-table", places::reserved_table),
    ("gateway-default", places::gateway_default),
    ("bastion-rules", groups::bastion_rules),
    ("bastion-advised", groups::bastion_advised),
    ("application-gateway-ports", groups::application_gateway_ports),
    ("platform-tags", groups::platform_tags),
    ("managed-rules", groups::managed_rules),
    ("managed-instance-ports", groups::managed_instance_ports),
    ("api-management", groups::api_management),
    ("firewall-ports", groups::firewall_ports),
    ("dnat-ports", groups::dnat_ports),
    ("hop-private", places::hop_private),
    ("hop-reserved", places::hop_reserved),
    ("hop-loop", places::hop_loop),
    ("hop-none-managed", places::hop_none_managed),
    ("small-subnet", places::small_subnet),
    ("reserved-size", places::reserved_size),
    ("same-prefix", places::same_prefix),
    ("there", places::there),
];

/// Holds what was read, and where it is put, against every row that it can be held against; what Azure takes all the same
/// is a warning.
pub(super) fn check(
    policy: &Policy,
    environment: &Environment,
    resources: &Resources,
    format: &str,
    report: &mut Report,
) {
    let site = Site { policy, environment, resources };
    for (id, held) in CHECKS {
        let Some(row) = Acceptance::all().iter().find(|row| row.id == id) else { continue };
        for Found { target, resource, rule, odd } in held(&site) {
            if row.does == AcceptanceDoes::Warn {
                report.warnings.push(format!("{odd}: {} ({})", row.what, row.source));
                continue;
            }
            let refused = Differs::Refused(Box::new(Refusal { odd, id, page: row.source.clone() }));
            report.failures.push(Failure {
                rules: rule.into_iter().collect(),
                place: Some(resource),
                ..Failure::new(target, format, FailureKind::Invalid, refused)
            });
        }
    }
}

#[cfg(test)]
mod tests;
