//! One attempt at a plan: every target lowered once, its lists widened by what is given.

use super::chunked::Cut;
use super::pack::Weigh;
use super::tally::Tally;
use super::{endpoints, firewall, gaps, lists, nat, nsg, udr};
use crate::plan::{Association, Exceeded, Extra, FileCaps, Limits, PlanParts, Previous, TemplateSize};
use crate::policy::{Policy, Role, Subnet};
use crate::target::Target;

/// Gives the templates of a plan as they are written.
pub(super) type Templates<'a> = dyn Fn(&PlanParts) -> Vec<TemplateSize> + 'a;

/// How large what is written becomes, which only the emitters know.
#[derive(Clone, Copy)]
pub(super) struct Measure<'a> {
    /// Bytes of a rule collection group.
    pub(super) group: Weigh,
    /// Templates of a plan, to keep their limits by widening lists.
    /// Writing every template costs more than all else, so that it is for plans that did not fit without.
    pub(super) templates: Option<&'a Templates<'a>>,
}

/// What every attempt at a plan is made from.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) policy: &'a Policy,
    pub(super) limits: &'a Limits,
    pub(super) previous: &'a Previous,
    pub(super) measure: Measure<'a>,
    pub(super) cut: Cut,
}

/// Lowers every target, its lists widened by `extras`, and says which limits are exceeded.
pub(super) fn attempt(scene: &Scene<'_>, extras: Vec<Extra>) -> (PlanParts, Vec<Exceeded>) {
    let Scene { policy, limits, previous, measure, cut } = *scene;
    let plan = PlanParts {
        name: policy.name.clone(),
        file_caps: FileCaps::of(limits),
        extras,
        ..PlanParts::default()
    };
    let mut tally = Tally::new(limits, plan);
    let wants = |target: Target| policy.wants(target);
    if wants(Target::Nsg) {
        nsg::lower(policy, previous, &mut tally);
    }
    if wants(Target::RouteTable) {
        udr::lower(policy, &mut tally);
    }
    if wants(Target::Firewall) {
        firewall::lower(policy, previous, measure.group, cut, &mut tally);
    } else {
        nat::keep(&mut [], previous, &mut tally.plan);
    }
    if wants(Target::ServiceEndpointPolicy) {
        endpoints::lower(policy, &mut tally);
    }
    lists::lower(policy, &mut tally);
    tally.plan.associations = associations(policy, &tally.plan);
    tally.names();
    let plan = &mut tally.plan;
    gaps::settle(&mut plan.gaps);
    plan.gaps.sort();
    plan.choices.sort();
    plan.choices.dedup();
    plan.notes.sort();
    plan.notes.dedup();
    if let Some(templates) = measure.templates {
        let files = templates(&tally.plan);
        tally.templates(&files);
    }
    (tally.plan, tally.over)
}

/// What each subnet of the policy has, in order of subnets.
fn associations(policy: &Policy, plan: &PlanParts) -> Vec<Association> {
    let of = |(name, subnet): (&String, &Subnet)| Association {
        subnet: name.clone(),
        prefixes: subnet.prefixes.prefixes().collect(),
        nsg: plan.nsgs.iter().find(|nsg| nsg.subnets.contains(name)).map(|nsg| nsg.name.clone()),
        route_table: plan
            .route_tables
            .iter()
            .find(|table| table.subnets.contains(name))
            .map(|table| table.name.clone()),
        service_endpoint_policy: plan
            .endpoint_policies
            .iter()
            .find(|policy| policy.subnet == *name)
            .map(|policy| policy.name.clone()),
        reserved: (subnet.role != Role::Ordinary).then(|| subnet.role.to_string()),
    };
    policy.network.subnets.iter().map(of).collect()
}
