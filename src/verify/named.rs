//! Names: rules that stand in another resource than the policy's, or that are made elsewhere, do not protect what the
//! policy is for.

use std::collections::{BTreeSet, HashSet};

use super::names::legal_name;
use super::report::{FailureKind, Report};
use crate::plan::LimitKey;
use crate::policy::Policy;
use crate::read::resources::{Resources, SettingKind};
use crate::target::Target;

/// Proves that resources have the names that `policy` gives them, and that files which say where resources are made say
/// what the policy says.
pub(super) fn check(
    policy: &Policy,
    resources: &Resources,
    format: &str,
    targets: &[Target],
    report: &mut Report,
) {
    let mut fail = |target, text| report.fail(target, format, FailureKind::Invalid, text);
    // Names hold no two `-` in a row.
    let own = policy.name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let name = |what: &str| format!("{own}-{what}");
    for (target, found, wanted) in called(policy, resources, &name) {
        if targets.contains(&target) && !wanted.iter().any(|wanted| is_cut(found, wanted)) {
            fail(target, format!("it is called {found}, not {}", wanted.join(" or ")));
        }
    }
    for (target, have) in counts(resources) {
        if have > 0 && !policy.wants(target) {
            fail(target, format!("the policy asks for none, and {have} resources are there"));
        }
    }
    for (target, text) in
        others(policy, resources, &name).into_iter().chain(priorities(policy, resources, &name))
    {
        if targets.contains(&target) {
            fail(target, text);
        }
    }
    let groups = resources.nsgs.iter().map(|nsg| (Target::Nsg, &nsg.name));
    let tables = resources.route_tables.iter().map(|table| (Target::RouteTable, &table.name));
    let mut seen = BTreeSet::new();
    for (target, found) in groups.chain(tables).filter(|resource| !seen.insert(*resource)) {
        fail(target, format!("two resources are called {found}"));
    }
    let first = targets.first().copied().unwrap_or(Target::Nsg);
    for setting in &resources.settings {
        let expected = match setting.kind {
            SettingKind::Environment => policy.name.clone(),
            SettingKind::ResourceGroup => policy.output.resource_group.clone().unwrap_or_default(),
            SettingKind::Location => policy.region.location(),
            SettingKind::FirewallPolicy => {
                policy.names.firewall_policy.clone().unwrap_or_else(|| name("firewall-policy"))
            }
            SettingKind::Firewall => policy.names.firewall.clone().unwrap_or_else(|| name("firewall")),
            SettingKind::NetworkCollection => name("network"),
            SettingKind::ApplicationCollection => name("application"),
            SettingKind::NetworkDenies => name("deny-network"),
            SettingKind::ApplicationDenies => name("deny-application"),
            SettingKind::OwnRules => {
                if !policy.group_scopes().iter().any(|scope| are_own(&setting.value, &scope.subnets)) {
                    let text = "these are not the rules that are made here for the subnets of one group";
                    fail(Target::Nsg, format!("{}: {text}", setting.place));
                }
                continue;
            }
            SettingKind::Draft => match policy.firewall.draft {
                true => "draft".to_owned(),
                false => "in force at once".to_owned(),
            },
            SettingKind::ApiVersion => policy.api_version().name().to_owned(),
            SettingKind::KeptRules => policy.nsg.keep.as_slice().join("\n"),
        };
        if setting.value != expected {
            let target = match setting.kind {
                SettingKind::Environment
                | SettingKind::ResourceGroup
                | SettingKind::Location
                | SettingKind::ApiVersion => first,
                SettingKind::KeptRules => Target::Nsg,
                _ => Target::Firewall,
            };
            fail(target, format!("{}: it is {}, not {expected}", setting.place, setting.value));
        }
    }
}

/// Whether lines are how the names of rules begin that are made here for these subnets, each once and in order.
fn are_own(lines: &str, subnets: &[String]) -> bool {
    let mut lines = lines.lines();
    let mut both = |part: &dyn Fn(&str) -> bool| {
        ["-in-", "-out-"]
            .iter()
            .all(|end| lines.next().and_then(|line| line.strip_suffix(end)).is_some_and(part))
    };
    let own = subnets.iter().all(|subnet| both(&|part| is_cut_to(40, part, subnet)));
    let shared = both(&|part| part == "shared");
    own && shared && lines.eq(["vnet-in", "vnet-out", "load-balancer-in", "deny-rest-"])
}

/// Each group, table and firewall with the names that it may have.
fn called<'a>(
    policy: &Policy,
    resources: &'a Resources,
    name: &dyn Fn(&str) -> String,
) -> Vec<(Target, &'a String, Vec<String>)> {
    let labelled = |own: &Option<String>, what: &str, label: Option<&str>| match (own, label) {
        (Some(base), None) => base.clone(),
        (Some(base), Some(label)) => format!("{base}-{label}"),
        (None, None) => name(what),
        (None, Some(label)) => name(&format!("{label}-{what}")),
    };
    let groups: Vec<String> = policy
        .group_scopes()
        .iter()
        .map(|scope| labelled(&policy.names.nsg, "nsg", scope.label.as_deref()))
        .collect();
    let subnets = policy.network.subnets.keys().map(|subnet| Some(subnet.as_str()));
    let tables: Vec<String> = std::iter::once(None)
        .chain(subnets)
        .map(|label| labelled(&policy.names.route_table, "routes", label))
        .collect();
    let firewalls = vec![labelled(&policy.names.firewall, "firewall", None)];
    let nsgs = resources.nsgs.iter().map(|nsg| (Target::Nsg, &nsg.name, groups.clone()));
    let tables = resources.route_tables.iter().map(|table| (Target::RouteTable, &table.name, tables.clone()));
    let firewalls = resources.firewalls.iter().map(|f| (Target::Firewall, &f.name, firewalls.clone()));
    nsgs.chain(tables).chain(firewalls).collect()
}

/// What is wrong with priorities among rules of others: those of groups in their policy, each 10 after the one before, and
/// of collections in a firewall without one.
fn priorities(
    policy: &Policy,
    resources: &Resources,
    name: &dyn Fn(&str) -> String,
) -> Vec<(Target, String)> {
    let first = i64::from(policy.firewall.priority);
    let number = |group: &str| -> Option<i64> {
        match group.strip_prefix(&name("rules"))? {
            "" => Some(1),
            rest => rest.strip_prefix('-')?.parse().ok(),
        }
    };
    let groups = resources.groups.iter().filter_map(|group| {
        Some((&group.name, group.priority, first + 10 * (number(&group.name)?.min(10_000) - 1)))
    });
    let classic = resources.firewalls.iter().flat_map(|firewall| &firewall.collections);
    let classic = classic.filter_map(|c| {
        let own = [
            ("deny-network", first - 1),
            ("network", first),
            ("deny-application", first + 99),
            ("application", first + 100),
        ];
        let (_, wanted) = own.into_iter().find(|(what, _)| c.name == name(what))?;
        Some((&c.name, c.priority, wanted))
    });
    let other = groups.chain(classic).filter(|(_, found, wanted)| found != wanted);
    let text = |(name, found, wanted)| format!("{name} has the priority {found}, not {wanted}");
    other.map(|found| (Target::Firewall, text(found))).collect()
}

/// How many resources of each target are there.
fn counts(resources: &Resources) -> [(Target, usize); 4] {
    [
        (Target::Nsg, resources.nsgs.len()),
        (Target::RouteTable, resources.route_tables.len()),
        (Target::Firewall, resources.groups.len() + resources.firewalls.len() + resources.ip_groups.len()),
        (Target::ServiceEndpointPolicy, resources.endpoint_policies.len()),
    ]
}

/// What is wrong with the names of endpoint policies, of the groups in a firewall policy, and of collections.
fn others(policy: &Policy, resources: &Resources, name: &dyn Fn(&str) -> String) -> Vec<(Target, String)> {
    let mut found = Vec::new();
    for made in &resources.endpoint_policies {
        let wanted = |subnet: &str| match &policy.names.service_endpoint_policy {
            Some(base) => format!("{base}-{subnet}"),
            None => name(&format!("{subnet}-storage")),
        };
        let fits = |subnet: &str| is_cut(&made.name, &wanted(subnet));
        if !policy.endpoints.iter().any(|need| fits(&need.subnet)) {
            let text = format!("{} is the policy of no subnet", made.name);
            found.push((Target::ServiceEndpointPolicy, text));
        }
    }
    for group in &resources.groups {
        let number =
            group.name.strip_prefix(&name("rules")).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
        if !number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) {
            let text =
                format!("the group {} is not called {} or that with a number", group.name, name("rules"));
            found.push((Target::Firewall, text));
        }
    }
    for group in resources.ip_groups.iter().filter(|group| !group.name.starts_with(&name(""))) {
        found.push((Target::Firewall, format!("the IP group {} is not one of {}", group.name, policy.name)));
    }
    let mut called = HashSet::new();
    for group in resources.groups.iter().filter(|group| !called.insert(&group.name)) {
        found.push((Target::Firewall, format!("two groups are called {}", group.name)));
    }
    for collection in resources.rule_collections().filter(|c| !legal_name(&c.name)) {
        found.push((Target::Firewall, format!("{:?} is no legal name of a collection", collection.name)));
    }
    // Deploying takes the collections of these names out of the firewall, and leaves all others there.
    for collection in resources.firewalls.iter().flat_map(|firewall| &firewall.collections) {
        let own = ["network", "application", "deny-network", "deny-application"];
        if !own.map(&name).contains(&collection.name) {
            found.push((Target::Firewall, format!("{} is the name of no collection", collection.name)));
        }
    }
    found
}

/// Whether `name` is `whole`, or what is left of it where it is too long for Azure: its beginning and a digest.
fn is_cut(name: &str, whole: &str) -> bool {
    is_cut_to(LimitKey::NameCharacters.current(), name, whole)
}

/// The same for names of at most `most` characters.
fn is_cut_to(most: usize, name: &str, whole: &str) -> bool {
    let head = || name.get(..most - 9).is_some_and(|head| whole.starts_with(head));
    name == whole || (whole.len() > most && name.len() == most && head())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_only_where_it_is_too_long() {
        let whole = "abcdefghijklmnopqrst";
        assert!(is_cut_to(20, whole, whole));
        // Nine characters of a digest behind what is left.
        assert!(is_cut_to(15, "abcdef-12345678", whole));
        assert!(!is_cut_to(15, "abcdeX-12345678", whole), "it begins otherwise");
        assert!(!is_cut_to(15, "abcde\u{e9}12345678", whole), "it is cut inside a character");
        assert!(!is_cut_to(15, "abcdef-1234567", whole), "it would have had room");
        assert!(!is_cut_to(15, "abcdef-123456789", whole), "it is too long still");
        assert!(!is_cut_to(20, "abcdefghijk-12345678", whole), "the whole name fits");
        assert!(!is_cut_to(20, "abcdef", whole));
    }
}
