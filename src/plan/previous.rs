//! [`Previous`]: where things stood in an earlier generation of the same environment.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
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
    /// Lists that did not fit a limit and were widened.
    pub widened: Vec<WidenedList>,
    /// Why an earlier generation, or a part of it, was passed over.
    pub notes: Vec<String>,
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

impl Plan {
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
        let of_groups = of_groups.map(|name| gone("rule collection group", name));
        of_groups.chain(of_ip_groups.map(|name| gone("IP group", name))).collect()
    }
}
