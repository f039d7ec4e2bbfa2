//! What contradicts itself in a policy, or Azure, once everything is resolved.

use std::collections::BTreeSet;

use super::demands;
use super::intent::{DefaultRoute, HostUse, NamesIntent, OneOrMany, OutputIntent, RulesHolder, Sku};
use super::place::Path;
use super::problem::SettingProblem;
use super::problems::Problems;
use super::rule::{Flow, Managed, Remote};
use super::whole::Policy;
use crate::addr::{AddrSet, Interval, IntervalSet, IpPrefix};
use crate::catalog::Date;
use crate::limits::firewall_priorities;
use crate::packet::{Direction, NextHop, Protocol};
use crate::plan::{LimitKey, Shortage, nsg_priorities};
use crate::tags::Symbol;
use crate::target::{ApiVersion, FormatName, Target};

/// Settings that contradict each other, once everything is resolved.
pub(super) fn check_settings(policy: &Policy, problems: &mut Problems) {
    check_output(&policy.output, problems);
    check_names(&policy.names, problems);
    check_limits(policy, problems);
    check_lint(policy, problems);
    check_tier(policy, problems);
    check_loops(policy, problems);
    check_keep(policy, problems);
    check_denies(policy, problems);
    check_kept_open(policy, problems);
    demands::check(policy, problems);
    check_never(policy, problems);
    let route = Path::top().at("route-table");
    let no_firewall = policy.network.firewall.is_empty();
    let targets = policy.output.targets.as_deref().unwrap_or_default();
    if let Some(at) = targets.iter().position(|target| *target == Target::Firewall).filter(|_| no_firewall) {
        let message = "rules for the firewall are asked for, but network.firewall is not set: name its private address there, or leave `firewall` out";
        problems.at(Path::top().at("output").at("targets").at(at), message);
    }
    if policy.route_table.default_route == Some(DefaultRoute::Firewall) && no_firewall {
        let message = "the default route leads to the firewall, but network.firewall is not set";
        problems.at(route.at("default"), message);
    }
    peering_routes(policy, problems);
    drafts(policy, problems);
    if policy.private_to_firewall() && policy.network.firewall_v4().is_none() {
        let message = "private ranges lead to the firewall, but network.firewall has no IPv4 address";
        problems.at(route.at("private"), message);
    }
    let to_firewall = matches!(policy.default_hop(false), Some(NextHop::Appliance(_)));
    if policy.nsg.hosts == HostUse::Internet && !to_firewall {
        let message = "opening ports to the Internet for host names needs a default route to the firewall that judges them";
        problems.at(Path::top().at("nsg").at("hosts"), message);
    }
}

/// What a policy asks for cannot be what it never lets through. Ranges that are kept from being extra without being
/// named give way to what is asked for; those that the policy names do not.
fn check_never(policy: &Policy, problems: &mut Problems) {
    let never = &policy.precision.never;
    if never.is_empty() {
        return;
    }
    let symbols = policy.symbols();
    let flows = policy.flows.iter().filter_map(|flow| match flow.remote {
        // The network itself and the platform's own services are not what `never` is about.
        Remote::Symbol(symbol) if symbol != Symbol::Internet => None,
        _ => Some((&flow.remote, false, flow.remote_set(&symbols)?)),
    });
    let routes = policy.routes.iter().filter_map(|need| Some((&need.to, true, policy.listed(&need.id)?)));
    let mut seen = BTreeSet::new();
    for (remote, routed, set) in flows.chain(routes) {
        let both = set.intersection(never);
        if !both.is_empty() && seen.insert((routed, remote.to_string())) {
            let problem = SettingProblem::Never { remote: remote.clone(), routed, both };
            problems.at(Path::top().at("precision").at("never"), problem);
        }
    }
}

fn check_output(output: &OutputIntent, problems: &mut Problems) {
    let place = Path::top().at("output");
    let asked = |format| output.formats.contains(&format);
    if output.formats.is_empty() {
        problems.at(place.at("formats"), "nothing would be written; name a format");
    }
    if asked(FormatName::Terraform) && asked(FormatName::TerraformJson) {
        let message =
            "terraform and terraform-json in one folder would say everything twice; take one of them";
        problems.at(place.at("formats"), message);
    }
    // Source: resource-name-rules.md, 2020-02-11; letters beyond ASCII are left out here.
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    if let Some(name) = &output.resource_group
        && (name.is_empty() || name.len() > 90 || !name.chars().all(legal) || name.ends_with('.'))
    {
        let message = "a resource group's name has 1 to 90 letters, digits, `-`, `_`, `.`, `(` or `)`, and ends in no `.`";
        problems.at(place.at("resource-group"), message);
    }
}

/// Names of resources as Azure takes them. Source: resource-name-rules.md, 2020-02-11.
fn check_names(names: &NamesIntent, problems: &mut Problems) {
    let most = LimitKey::NameCharacters.current();
    let given = [
        ("nsg", &names.nsg, most),
        ("route-table", &names.route_table, most),
        ("firewall-policy", &names.firewall_policy, most),
        ("firewall", &names.firewall, 56),
        ("service-endpoint-policy", &names.service_endpoint_policy, most),
    ];
    for (key, name, most) in given {
        let Some(name) = name else { continue };
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let last = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !first || !last || name.len() > most || !name.chars().all(legal) {
            let problem = SettingProblem::ResourceName { name: name.clone(), most };
            problems.at(Path::top().at("names").at(key), problem);
        }
    }
}

/// A figure above Azure's own lets through what Azure refuses, unless its support has raised it. What other makers'
/// firewalls take is their own affair.
fn check_limits(policy: &Policy, problems: &mut Problems) {
    let place = Path::top().at("limits");
    if let Some(date) = policy.limits.date.as_ref().filter(|date| date.parse::<Date>().is_err()) {
        let problem = SettingProblem::Day { text: date.clone(), example: "2026-05-01" };
        problems.at(place.at("date"), problem);
    }
    for (key, &figure) in &policy.limits.overrides {
        let known = key.parse::<LimitKey>().ok().filter(|&known| known != LimitKey::ListEntries);
        if let Some(known) = known.filter(|known| figure > known.limit().current) {
            problems.warn(place.at(key.as_str()), SettingProblem::AboveLimit { key: known, figure });
        }
    }
}

/// Dismissals that dismiss nothing: which ids there are is known only to those who make findings.
fn check_lint(policy: &Policy, problems: &mut Problems) {
    let place = Path::top().at("lint").at("dismiss");
    for (number, dismissal) in policy.lint.dismiss.iter().enumerate() {
        let place = place.at(number);
        let digits = dismissal.id.strip_prefix("TW").unwrap_or_default();
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            problems.at(place.at("id"), SettingProblem::FindingId(dismissal.id.clone()));
        }
        if dismissal.reason.trim().is_empty() {
            problems.at(place.at("reason"), "a dismissal needs a reason");
        }
        if dismissal.until.parse::<Date>().is_err() {
            let problem = SettingProblem::Day { text: dismissal.until.clone(), example: "2026-12-31" };
            problems.at(place.at("until"), problem);
        }
    }
}

/// A firewall of a tier that the region has no capacity for cannot be made there; one that is there may stay.
fn check_tier(policy: &Policy, problems: &mut Problems) {
    let tier = match policy.firewall.sku {
        Sku::Basic => "basic",
        Sku::Standard => "standard",
        Sku::Premium => "premium",
    };
    let known = Shortage::of(&policy.region.location(), tier).filter(|_| policy.wants(Target::Firewall));
    if let Some(shortage) = known {
        problems.warn(Path::top().at("firewall").at("sku"), SettingProblem::Tier(shortage));
    }
}

/// An appliance inside a subnet whose own table leads to it gets its packets back.
fn check_loops(policy: &Policy, problems: &mut Problems) {
    for (name, subnet) in &policy.network.subnets {
        let of_routes = policy.routes_of(name).map(|need| need.next_hop);
        let defaults = [false, true].into_iter().filter_map(|v6| policy.default_hop_of(name, v6));
        for hop in defaults.chain(of_routes) {
            let NextHop::Appliance(address) = hop else { continue };
            if !AddrSet::from(IpPrefix::host(address)).is_subset(&subnet.prefixes) {
                continue;
            }
            let place = Path::top().at("network").at("firewall");
            let index = policy.network.firewall.iter().position(|a| *a == address).unwrap_or(0);
            problems.at(place.at(index), SettingProblem::Loop { address, subnet: name.clone() });
            return;
        }
    }
}

/// The priorities that `nsg.reserved` names.
pub(super) fn reserved(texts: &OneOrMany, problems: &mut Problems) -> IntervalSet<u16> {
    let place = Path::top().at("nsg").at("reserved");
    let all = nsg_priorities();
    let mut found = Vec::new();
    for (index, text) in texts.as_slice().iter().enumerate() {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|n| all.contains(&u32::from(*n)));
        match number(first).zip(number(last)).and_then(|(first, last)| Interval::new(first, last)) {
            Some(interval) => found.push(interval),
            None => problems.at(place.at(index), SettingProblem::Priorities(text.clone())),
        }
    }
    IntervalSet::from_intervals(found)
}

/// What is kept of others is named by letters of rules' names. Source: resource-name-rules.md, 2020-02-11.
fn check_keep(policy: &Policy, problems: &mut Problems) {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
    for (index, text) in policy.nsg.keep.as_slice().iter().enumerate() {
        if text.is_empty() || !text.chars().all(legal) || text.chars().all(|c| c == '*') {
            problems.at(Path::top().at("nsg").at("keep").at(index), SettingProblem::Keep(text.clone()));
        }
    }
}

/// What cannot be denied everywhere: a rule on a platform tag is for all subnets of a group, and classic rules that deny need
/// a priority before those that allow.
fn check_denies(policy: &Policy, problems: &mut Problems) {
    let place = Path::top().at("deny");
    let platform = |flow: &Flow| match flow.remote {
        Remote::Symbol(symbol) if symbol.is_platform() => Some(symbol),
        _ => None,
    };
    for scope in policy.group_scopes() {
        for flow in policy.denies.iter().filter(|flow| scope.subnets.contains(&flow.subnet)) {
            let Some(symbol) = platform(flow) else { continue };
            let same = |subnet: &&String| {
                let mut others = policy.denies.iter().filter(|f| f.subnet == **subnet);
                others.any(|other| platform(other) == Some(symbol))
            };
            if let Some(without) = scope.subnets.iter().find(|subnet| !same(subnet)) {
                let (without, subnet) = (without.clone(), flow.subnet.clone());
                problems.at(place.clone(), SettingProblem::SharedDeny { symbol, without, subnet });
                return;
            }
        }
    }
    let outward = |flow: &&Flow| flow.direction == Direction::Outbound;
    let seen = policy.denies.iter().filter(outward).any(|flow| platform(flow).is_none());
    if seen && policy.wants(Target::Firewall) && policy.firewall.rules == RulesHolder::Classic {
        // What denies stands right before what allows.
        let least = *firewall_priorities().start();
        if policy.firewall.priority <= least {
            let problem = SettingProblem::DenyPriority(least + 1);
            problems.at(Path::top().at("firewall").at("priority"), problem);
        }
    }
}

/// Warns of what is denied and open all the same: the rules that a service keeps come before every other one of their group.
fn check_kept_open(policy: &Policy, problems: &mut Problems) {
    let symbols = policy.symbols();
    let mut seen = BTreeSet::new();
    for deny in policy.denies.iter().filter(|_| policy.wants(Target::Nsg)) {
        let Some(denied) = deny.remote_set(&symbols) else { continue };
        let opens = |kept: &&Managed| {
            let far = match kept.direction {
                Direction::Inbound => &kept.source,
                Direction::Outbound => &kept.destination,
            };
            let meets = far.addresses(&symbols).is_some_and(|set| !set.is_disjoint(&denied));
            let any = kept.protocol == Protocol::Any || deny.protocol == Protocol::Any;
            let ports = kept.ports.set().intersection(deny.ports.set());
            kept.direction == deny.direction
                && kept.subnets.contains(&deny.subnet)
                && (any || kept.protocol == deny.protocol)
                && !ports.is_empty()
                && meets
        };
        let open: Vec<&Managed> = policy.managed.iter().filter(opens).collect();
        let Some(first) = open.first() else { continue };
        if seen.insert((deny.remote.to_string(), deny.direction, &first.workload)) {
            let problem = SettingProblem::KeptOpen {
                direction: deny.direction,
                remote: deny.remote.clone(),
                workload: first.workload.clone(),
                subnet: deny.subnet.clone(),
                rules: open.iter().map(|kept| kept.name.clone()).collect(),
            };
            problems.warn(Path::top().at("deny"), problem);
        }
    }
}

/// What hides the routes of peerings is said in some formats and versions only.
fn peering_routes(policy: &Policy, problems: &mut Problems) {
    if !policy.route_table.disable_peering_route {
        return;
    }
    let place = Path::top().at("route-table").at("disable-peering-route");
    let takes = |format: &&FormatName| {
        format.lists_only() || matches!(format, FormatName::Arm | FormatName::Bicep | FormatName::Json)
    };
    if let Some(&other) = policy.output.formats.iter().find(|format| !takes(format)) {
        problems.at(place.clone(), SettingProblem::PeeringFormat(other));
    }
    let version = policy.api_version();
    if version < ApiVersion::V20250701 {
        problems.at(place, SettingProblem::PeeringVersion(version));
    }
}

/// A draft is put by scripts alone; every other format would put the rules into force at once beside it.
fn drafts(policy: &Policy, problems: &mut Problems) {
    if !policy.firewall.draft {
        return;
    }
    let place = Path::top().at("firewall").at("draft");
    if policy.firewall.rules == RulesHolder::Classic {
        problems.at(place.clone(), "classic rules have no draft: only a firewall policy has");
    }
    let formats = &policy.output.formats;
    let deployed = [FormatName::Arm, FormatName::Bicep, FormatName::Terraform, FormatName::TerraformJson];
    if let Some(&other) = formats.iter().find(|format| deployed.contains(format)) {
        problems.at(place, SettingProblem::DraftFormat(other));
    } else if !formats.contains(&FormatName::Azcli) {
        problems.at(place, "only the format azcli can put rules into a draft");
    }
}
