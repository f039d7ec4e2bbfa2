//! [`Previous`]: where things stood in an earlier generation of the same environment.

use std::collections::{BTreeMap, BTreeSet};

use super::firewall::{ClassicFirewall, NatCollection};
use super::nsg::NsgRule;
use super::parts::PlanParts;
use crate::addr::IpPrefix;
use crate::target::Target;

/// Names, priorities and places of an earlier generation. What still holds keeps them, so that a refresh changes the
/// entries that changed and no others.
///
/// Never needed: the default is the empty one, from which everything is placed anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Previous {
    /// Priorities of the security group's rules, by name.
    pub nsg_priorities: BTreeMap<String, u32>,
    /// Rules of its security groups, by name of the group.
    pub nsg_rules: BTreeMap<String, Vec<NsgRule>>,
    /// Entries of IP groups by name, ascending.
    pub ip_groups: BTreeMap<String, Vec<IpPrefix>>,
    /// Destination prefixes of network rules that list them, by name of the rule, ascending.
    pub rule_lists: BTreeMap<String, Vec<IpPrefix>>,
    /// The rule collection group of each network rule, by name.
    pub network_rules: BTreeMap<String, String>,
    /// The same for application rules.
    pub application_rules: BTreeMap<String, String>,
    /// Names of all rule collection groups.
    pub rule_groups: Vec<String>,
    /// Names of its classic rule collections that hold rules.
    pub classic_collections: Vec<String>,
    /// DNAT collections of its templates, in order of groups and names.
    pub nat: Vec<NatCollection>,
    /// DNAT collections that no new file can carry, why, and what deploying does to them: a line each.
    pub nat_lost: Vec<String>,
    /// Lists that did not fit a limit and were widened.
    pub widened: Vec<WidenedList>,
    /// Why an earlier generation, or a part of it, was passed over.
    pub notes: Vec<String>,
}

impl Previous {
    /// Carries no DNAT collection on; `why` is said for each.
    pub fn drop_nat(&mut self, why: &str) {
        let lost: Vec<String> = self.nat.drain(..).map(|nat| lost_nat(&nat.group, &nat.name, why)).collect();
        self.notes.extend(lost.iter().cloned());
        self.nat_lost.extend(lost);
    }
}

/// What is said of a DNAT collection that no new file carries.
pub(crate) fn lost_nat(group: &str, name: &str, why: &str) -> String {
    format!(
        "NAT collection {name} of rule collection group {group} is in an earlier file and not carried on: {why}; \
         deploying a new group of that name DELETES the collection"
    )
}

/// A list of an earlier generation that admits more than was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WidenedList {
    /// The target.
    pub target: Target,
    /// Ids of the flows or routes that the list is for.
    pub flows: Vec<String>,
    /// The remote side; for routes, the next hop.
    pub remote: String,
    /// The list as it was written, or the addresses that went to that hop; ascending.
    pub prefixes: Vec<IpPrefix>,
}

impl PlanParts {
    /// What of an earlier generation is no longer there. Deploying a template deletes nothing, so rules of a group
    /// that is left out would stay in force.
    pub fn left_behind(&self, previous: &Previous) -> Vec<String> {
        let groups: BTreeSet<&String> =
            self.firewall.iter().flat_map(|f| &f.groups).map(|g| &g.name).collect();
        let ip_groups: BTreeSet<&String> = self.ip_groups.iter().map(|g| &g.name).collect();
        let gone = |what: &str, name: &String| {
            format!(
                "{what} {name} is no longer needed; deploying deletes nothing, so delete it once the rest is in force"
            )
        };
        let of_groups = previous.rule_groups.iter().filter(|name| !groups.contains(name));
        let of_ip_groups = previous.ip_groups.keys().filter(|name| !ip_groups.contains(name));
        let holds_nat = |name: &String| previous.nat.iter().any(|nat| nat.group == *name);
        let of_groups = of_groups.map(|name| match holds_nat(name) {
            false => gone("rule collection group", name),
            true => format!(
                "rule collection group {name} is in no new file, but had DNAT rules; deploying deletes nothing, and \
                 deleting the group would end them"
            ),
        });
        let names = |f: &ClassicFirewall| {
            f.network_names().into_iter().chain(f.application_names()).map(str::to_owned).collect::<Vec<_>>()
        };
        let classic: Vec<String> = self.classic_firewall.iter().flat_map(names).collect();
        let classic: BTreeSet<&String> = match self.rule_collections().next() {
            Some(_) => classic.iter().collect(),
            // Without any rule there is no file that would take the collections away.
            None => BTreeSet::new(),
        };
        let of_classic = previous.classic_collections.iter().filter(|name| !classic.contains(name));
        let of_classic = of_classic.map(|name| gone("classic rule collection", name));
        of_groups.chain(of_classic).chain(of_ip_groups.map(|name| gone("IP group", name))).collect()
    }
}
