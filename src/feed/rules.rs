//! [`RuleIndex`]: which rules of the published environments hold an address, or name a host.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::publication::Publication;
use super::trouble::Trouble;
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::Fqdn;
use crate::report::changes::{RuleSummary, RuleView};
use crate::tags::{Cloud, Snapshot, TagIndex, TagName};

/// The rules of all published environments by the addresses that their remote side holds.
///
/// Rules with the same addresses share a set, so that a thousand environments from one template need hardly more room
/// than one.
#[derive(Debug, Default)]
pub struct RuleIndex {
    index: Option<TagIndex>,
    /// By the number of the set: the rules that have it.
    users: Vec<Vec<Rule>>,
    /// By host: the numbers of the rules that name it.
    hosts: BTreeMap<Fqdn, Vec<usize>>,
    host_rules: Vec<Rule>,
}

/// A rule of a published environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rule {
    /// Name of the environment.
    pub environment: String,
    /// `nsg` or `firewall`.
    pub target: String,
    /// The resource that it is in.
    pub resource: String,
    /// Its name.
    pub rule: String,
    /// Direction, action, protocol, ports and local side in words.
    pub settings: String,
    /// Whether it denies.
    pub denies: bool,
    /// Tags that it is there for.
    pub tags: Vec<String>,
}

/// A rule that meets what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Met<'a> {
    /// The rule.
    #[serde(flatten)]
    pub rule: &'a Rule,
    /// Whether it holds all of it.
    pub whole: bool,
}

impl RuleIndex {
    /// The index of all environments; `data` gives the tags of a cloud. Says what cannot be read.
    pub fn new<'s>(
        publication: &Publication,
        data: impl Fn(Cloud) -> Option<&'s Snapshot>,
    ) -> (Self, Vec<Trouble>) {
        let mut sets: HashMap<AddrSet, usize> = HashMap::new();
        let (mut users, mut troubles): (Vec<Vec<Rule>>, _) = (Vec::new(), Vec::new());
        let (mut hosts, mut host_rules): (BTreeMap<Fqdn, Vec<usize>>, _) = (BTreeMap::new(), Vec::new());
        for environment in publication.environments().values() {
            let Some(summary) = publication.kept::<RuleSummary>(&environment.name) else {
                troubles.push(Trouble::Rules(environment.name.clone()));
                continue;
            };
            let snapshot = Cloud::find(&environment.cloud).and_then(&data);
            for (rule, set) in rules_of(&summary, snapshot) {
                let next = users.len();
                let number = *sets.entry(set).or_insert(next);
                if number == next {
                    users.push(Vec::new());
                }
                users[number].push(rule);
            }
            for (rule, named) in host_rules_of(&summary, snapshot) {
                named.into_iter().for_each(|host| hosts.entry(host).or_default().push(host_rules.len()));
                host_rules.push(rule);
            }
        }
        let named = sets.iter().map(|(set, number)| (TagName::new(&format!("{number:010}")), set));
        let index = (!users.is_empty()).then(|| TagIndex::new(named));
        (RuleIndex { index, users, hosts, host_rules }, troubles)
    }

    /// The rules whose remote side holds some of `asked`, by environment.
    pub fn over(&self, asked: &AddrSet) -> Vec<Met<'_>> {
        let Some(index) = &self.index else { return Vec::new() };
        let over = index.over(asked);
        let sides = [(over.whole, true), (over.part, false)];
        let mut met: Vec<Met<'_>> = sides
            .iter()
            .flat_map(|(numbers, whole)| numbers.iter().map(move |&number| (number, *whole)))
            .flat_map(|(number, whole)| {
                self.users[number as usize].iter().map(move |rule| Met { rule, whole })
            })
            .collect();
        met.sort_by(|a, b| (a.rule, a.whole).cmp(&(b.rule, b.whole)));
        met
    }

    /// The rules that name a host, or with a wildcard some of what is below it, by environment.
    pub fn naming(&self, asked: &Fqdn) -> Vec<Met<'_>> {
        let mut found: BTreeMap<&Rule, bool> = BTreeMap::new();
        for (host, rules) in &self.hosts {
            let whole = host.covers(asked);
            if whole || asked.covers(host) {
                for &rule in rules {
                    *found.entry(&self.host_rules[rule]).or_default() |= whole;
                }
            }
        }
        found.into_iter().map(|(rule, whole)| Met { rule, whole }).collect()
    }
}

/// The rules that let traffic pass or stop it, each with the addresses of its remote side.
fn rules_of(summary: &RuleSummary, snapshot: Option<&Snapshot>) -> Vec<(Rule, AddrSet)> {
    let groups: BTreeMap<&str, AddrSet> = summary
        .rules
        .iter()
        .filter(|view| view.settings == "IP group")
        .map(|view| (view.resource.as_str(), prefixes(view)))
        .collect();
    let own =
        |view: &&RuleView| ["nsg", "firewall"].contains(&view.target.as_str()) && view.settings != "IP group";
    let mut rules = Vec::new();
    for view in summary.rules.iter().filter(own) {
        let mut set = prefixes(view);
        for name in &view.names {
            set = match (
                name.as_str(),
                name.strip_prefix("IP group ").and_then(|group| groups.get(group)),
                snapshot.and_then(|s| s.tag(name)),
            ) {
                ("any" | "*", ..) => AddrSet::all(),
                (_, Some(group), _) => set.union(group),
                (_, None, Some(tag)) => set.union(tag.set()),
                // Hosts, and tags that stand for no published addresses.
                (_, None, None) => set,
            };
        }
        if !set.is_empty() {
            rules.push((rule(summary, view), set));
        }
    }
    rules
}

/// The rules that name hosts, each with them. Tags have dots too.
fn host_rules_of(summary: &RuleSummary, snapshot: Option<&Snapshot>) -> Vec<(Rule, Vec<Fqdn>)> {
    let is_host = |name: &&String| name.contains('.') && snapshot.is_none_or(|s| s.tag(name).is_none());
    let own = summary.rules.iter().filter(|view| view.target == "firewall");
    let named = own.map(|view| {
        // Of a URL only the host.
        let hosts = view.names.iter().filter(is_host).filter_map(|name| name.split('/').next());
        (view, hosts.filter_map(|name| Fqdn::parse(name).ok()).collect::<Vec<_>>())
    });
    named.filter(|(_, hosts)| !hosts.is_empty()).map(|(view, hosts)| (rule(summary, view), hosts)).collect()
}

fn prefixes(view: &RuleView) -> AddrSet {
    view.prefixes.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect()
}

fn rule(summary: &RuleSummary, view: &RuleView) -> Rule {
    Rule {
        environment: summary.name.clone(),
        target: view.target.clone(),
        resource: view.resource.clone(),
        rule: view.rule.clone(),
        settings: view.settings.clone(),
        denies: view.settings.split(' ').any(|word| word == "deny"),
        tags: view.tags.clone(),
    }
}
