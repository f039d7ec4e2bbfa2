//! Replays weekly snapshots for one policy, each week upon the generation of the week before, and counts what changed.

use std::collections::{BTreeMap, BTreeSet};

use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::intent::TagUse;
use tagwall::policy::{Policy, PolicySource, Remote};
use tagwall::read::{self, resources::FirewallRule};
use tagwall::tags::Snapshot;
use tagwall::target::Target;
use tagwall::verify;

/// What one snapshot changed.
pub(crate) struct Week {
    /// Name of the snapshot.
    pub(crate) name: String,
    /// The figures, or why there are none: the policy cannot be resolved, or there is no week before.
    pub(crate) outcome: Result<Change, String>,
}

/// Figures of one week.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change {
    /// Prefixes that were added to or removed from the tags of the policy, each tag once.
    pub(crate) tags: usize,
    /// The same, counted once for each list that has to hold them.
    pub(crate) lists: usize,
    /// Entries of the emitted files that were added or removed: list items, rules, routes, groups.
    pub(crate) entries: usize,
    /// Entries of the emitted files.
    pub(crate) all: usize,
}

/// Replays `snapshots`, by name, in their order.
pub(crate) fn replay<'a>(
    policy: &str,
    snapshots: impl Iterator<Item = (&'a str, &'a Snapshot)>,
) -> Vec<Week> {
    let source = PolicySource::read("churn.toml", policy).expect("the policy is well-formed");
    let mut before: Option<Generation> = None;
    let mut weeks = Vec::new();
    for (name, snapshot) in snapshots {
        let previous = before.as_ref().map(|made| verify::earlier(&made.name, &contents(made)));
        let outcome = match pipeline::generate(&source, Catalog::builtin(), snapshot, previous.as_ref()) {
            Err(error) => Err(error.to_string().lines().next().unwrap_or_default().to_owned()),
            Ok(made) => {
                let change = before.as_ref().map(|before| change(before, &made));
                before = Some(made);
                change.ok_or_else(|| "the first that resolves".to_owned())
            }
        };
        weeks.push(Week { name: name.to_owned(), outcome });
    }
    weeks
}

fn contents(made: &Generation) -> Vec<(&str, &[u8])> {
    made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect()
}

fn change(before: &Generation, after: &Generation) -> Change {
    let (old, new) = (entries(before), entries(after));
    Change {
        tags: changed(&tags(&before.policy), &tags(&after.policy)),
        lists: changed(&lists(before), &lists(after)),
        entries: old.symmetric_difference(&new).count(),
        all: new.len(),
    }
}

/// How many prefixes of the minimal lists differ, summed over all keys.
fn changed(old: &BTreeMap<String, AddrSet>, new: &BTreeMap<String, AddrSet>) -> usize {
    let prefixes = |lists: &BTreeMap<String, AddrSet>| -> BTreeSet<(String, IpPrefix)> {
        lists.iter().flat_map(|(key, set)| set.prefixes().map(move |p| (key.clone(), p))).collect()
    };
    prefixes(old).symmetric_difference(&prefixes(new)).count()
}

fn tags(policy: &Policy) -> BTreeMap<String, AddrSet> {
    let symbols = policy.symbols();
    let tag = |f: &tagwall::policy::Flow| match &f.remote {
        Remote::Tag(tag) => Some((tag.name().to_string(), f.remote_set(&symbols)?)),
        _ => None,
    };
    policy.flows.iter().filter_map(tag).collect()
}

/// The lists that the files have to hold: one for each need of the security group, one for each remote of the firewall.
fn lists(made: &Generation) -> BTreeMap<String, AddrSet> {
    let policy = &made.policy;
    let said = |target, id: &str| made.plan.choices.iter().any(|c| c.target == target && c.flow == id);
    let symbols = policy.symbols();
    let mut lists = BTreeMap::new();
    for flow in policy.flows.iter().filter(|f| matches!(f.remote, Remote::Tag(_))) {
        let Some(set) = flow.remote_set(&symbols) else { continue };
        if policy.nsg.tags == TagUse::Expand && said(Target::Nsg, flow.id.as_str()) {
            lists.insert(format!("nsg {}", flow.id), set.clone());
        }
        let v4 = AddrSet { v4: set.v4, ..AddrSet::empty() };
        if policy.firewall.tags == TagUse::Expand && said(Target::Firewall, flow.id.as_str()) {
            lists.insert(format!("firewall {}", flow.remote), v4);
        }
    }
    lists
}

/// Every entry of the emitted files, read back: items of lists, and rules, routes and groups without their lists.
fn entries(made: &Generation) -> BTreeSet<String> {
    let mut entries = BTreeSet::new();
    for (name, bytes) in contents(made).into_iter().filter(|(name, _)| name.ends_with(".arm.json")) {
        let resources = read::read_arm(bytes).unwrap_or_else(|e| panic!("{name}: {e}")).resources;
        for rule in resources.nsgs.iter().flat_map(|nsg| &nsg.rules) {
            entries.extend(rule.sources.iter().map(|s| format!("nsg {} source {s}", rule.name)));
            entries.extend(rule.destinations.iter().map(|d| format!("nsg {} destination {d}", rule.name)));
            let mut shell = rule.clone();
            (shell.sources, shell.destinations) = (Vec::new(), Vec::new());
            entries.insert(format!("{shell:?}"));
        }
        entries.extend(resources.route_tables.iter().flat_map(|t| &t.routes).map(|r| format!("{r:?}")));
        for group in &resources.ip_groups {
            entries.insert(format!("IP group {}", group.name));
            entries.extend(group.addresses.iter().map(|a| format!("IP group {} {a}", group.name)));
        }
        for group in &resources.groups {
            for collection in &group.collections {
                let place = format!("{} {} {}", group.name, group.priority, collection.name);
                entries.extend(collection.rules.iter().flat_map(|rule| rule_entries(&place, rule)));
            }
        }
    }
    entries
}

fn rule_entries(place: &str, rule: &FirewallRule) -> Vec<String> {
    match rule {
        FirewallRule::Application(rule) => vec![format!("{place} {rule:?}")],
        FirewallRule::Nat(rule) => vec![format!("{place} {rule:?}")],
        FirewallRule::Network(rule) => {
            let mut shell = rule.clone();
            let lists =
                [std::mem::take(&mut shell.destinations), std::mem::take(&mut shell.destination_groups)];
            let items = lists.concat().into_iter().map(|item| format!("rule {} {item}", rule.name));
            items.chain([format!("{place} {shell:?}")]).collect()
        }
    }
}
