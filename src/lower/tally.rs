//! [`Tally`]: what an attempt at a plan collects, the plan itself and what of it is beyond a limit.

use std::borrow::Cow;

use crate::plan::{Exceeded, LimitKey, Limits, OverLimit, PlanParts, TemplateSize};
use crate::target::{Part, Target};

/// A plan that is being made, and what of it is beyond a limit.
pub(super) struct Tally<'a> {
    pub(super) limits: &'a Limits,
    pub(super) plan: PlanParts,
    pub(super) over: Vec<Exceeded>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(limits: &'a Limits, plan: PlanParts) -> Self {
        Tally { limits, plan, over: Vec::new() }
    }

    /// Counts `have` against the limit `key`, and notes it as exceeded with the remedy where it is.
    pub(super) fn count(
        &mut self,
        key: LimitKey,
        of: &str,
        have: usize,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.count_part((key, None), of, have, remedy);
    }

    /// The same of the only template with a part of the plan.
    fn count_part(
        &mut self,
        (key, part): (LimitKey, Option<Part>),
        of: &str,
        have: usize,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        let usage = self.limits.usage(key, of, have as u64);
        if !usage.fits() {
            let remedy = remedy.into();
            self.over.push(Exceeded { usage: usage.clone(), part, remedy, budget: None, extra: None });
        }
        self.plan.usage.push(usage);
    }

    /// Counts each template by bytes and resources.
    pub(super) fn templates(&mut self, files: &[TemplateSize]) {
        for TemplateSize { file, part, number, bytes, resources } in files {
            // Groups can be made smaller without admitting more.
            let remedy = match part {
                Part::IpGroups => "one IP group alone is that large: set limits.ip-group-entries lower",
                Part::Firewall => {
                    "one group of rules alone is that large: set limits.firewall-group-bytes lower"
                }
                _ => "one resource alone is that large: keep tags as tags, or split the environment",
            };
            let whole = number.is_none().then_some(*part);
            self.count_part((LimitKey::ArmTemplateBytes, whole), file, *bytes, remedy);
            let remedy = "a template holds one resource at least";
            self.count(LimitKey::ArmResources, file, *resources, remedy);
        }
    }

    /// Counts the longest name of each target's resources.
    pub(super) fn names(&mut self) {
        let plan = &self.plan;
        let nsg = plan.nsgs.iter().flat_map(|n| n.rules.iter().map(|r| &r.name).chain([&n.name]));
        let table = plan.route_tables.iter().flat_map(|t| t.routes.iter().map(|r| &r.name).chain([&t.name]));
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
            self.count(LimitKey::NameCharacters, target.name(), have, remedy);
        }
    }
}

/// Counts what only emitted files tell, by the size of each template.
///
/// # Errors
/// [`OverLimit`] with every limit that is exceeded: a single resource can be too large for a file of its own.
pub(super) fn count_files(
    plan: &mut PlanParts,
    limits: &Limits,
    files: &[TemplateSize],
) -> Result<(), OverLimit> {
    let mut tally = Tally::new(limits, std::mem::take(plan));
    tally.templates(files);
    *plan = tally.plan;
    if tally.over.is_empty() { Ok(()) } else { Err(OverLimit { over: tally.over }) }
}
