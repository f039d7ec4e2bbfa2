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
use crate::plan::{Exceeded, Extra, FileCaps, Limits, OverLimit, Plan, Previous, TemplateSize};
use crate::policy::intent::TagUse;
use crate::policy::{Flow, Policy};
use crate::tags::Tag;
use crate::target::Target;

/// Gives the templates of a plan as they are written.
pub type Templates<'a> = dyn Fn(&Plan) -> Vec<TemplateSize> + 'a;

/// How large what is written becomes, which only the emitters know.
#[derive(Clone, Copy)]
pub struct Measure<'a> {
    /// Bytes of a rule collection group.
    pub group: Weigh,
    /// Templates of a plan, for [`lower`] to keep their limits by widening lists.
    /// Writing every template costs more than all else, so that it is for plans that did not fit without.
    pub templates: Option<&'a Templates<'a>>,
}

/// What every attempt at a plan is made from.
#[derive(Clone, Copy)]
struct Scene<'a> {
    policy: &'a Policy,
    limits: &'a Limits,
    previous: &'a Previous,
    measure: Measure<'a>,
    cut: Cut,
}

/// Lowers `policy` for every target that it has a use for.
///
/// Long lists are cut so that a change stays small; where that takes more pieces than a limit allows, into the fewest
/// pieces, and the plan's notes say so.
///
/// What still holds of `previous` keeps its name, priority and place.
///
/// # Errors
/// [`OverLimit`] with every limit that cannot be kept, what is needed, and the way out.
pub fn lower(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    measure: Measure<'_>,
) -> Result<Plan, OverLimit> {
    let mut scene = Scene { policy, limits, previous, measure, cut: Cut::Steady };
    let (mut exact, mut over) = attempt(&scene, Vec::new());
    if over.iter().any(coarsen::is_of_firewall) {
        // Pieces with room to grow are more than are needed.
        scene.cut = Cut::Fewest;
        (exact, over) = attempt(&scene, Vec::new());
        for exceeded in over.iter_mut().filter(|e| coarsen::is_of_firewall(e)) {
            exceeded.remedy += "; long lists are counted in the fewest pieces already";
        }
    }
    if over.is_empty() {
        return Ok(exact);
    }
    let (extras, fewest_extra) = coarsen::fit(&scene, &exact, over)?;
    let (plan, over) = attempt(&scene, extras);
    if over.is_empty() { Ok(Plan { fewest_extra, ..plan }) } else { Err(OverLimit { over }) }
}

/// Lowers every target, its lists widened by `extras`, and says which limits are exceeded.
fn attempt(scene: &Scene<'_>, extras: Vec<Extra>) -> (Plan, Vec<Exceeded>) {
    let Scene { policy, limits, previous, measure, cut } = *scene;
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
        firewall::lower(policy, previous, (limits, measure.group, cut), &mut plan, &mut over);
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
    if let Some(templates) = measure.templates {
        let files = templates(&plan);
        count_templates(&mut plan, limits, &files, &mut over);
    }
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
pub fn count_files(plan: &mut Plan, limits: &Limits, files: &[TemplateSize]) -> Result<(), OverLimit> {
    let mut over = Vec::new();
    count_templates(plan, limits, files, &mut over);
    if over.is_empty() { Ok(()) } else { Err(OverLimit { over }) }
}

fn count_templates(plan: &mut Plan, limits: &Limits, files: &[TemplateSize], over: &mut Vec<Exceeded>) {
    for (name, bytes, resources) in files {
        // Groups can be made smaller without admitting more.
        let remedy = match name.split(['.', '-']).next() {
            Some("ip") => "one IP group alone is that large: set limits.ip-group-entries lower",
            Some("firewall") => {
                "one group of rules alone is that large: set limits.firewall-group-bytes lower"
            }
            _ => "one resource alone is that large: keep tags as tags, or split the environment",
        };
        count(limits, "arm-template-bytes", name, *bytes, remedy, plan, over);
        let remedy = "a template holds one resource at least";
        count(limits, "arm-resources", name, *resources, remedy, plan, over);
    }
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
