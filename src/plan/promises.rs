//! What a plan promises, and [`PlanError`] where it does not hold.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::firewall::{FirewallRules, RuleCollection, RuleCollectionGroup};
use super::nsg::Nsg;
use super::parts::PlanParts;
use crate::limits::{LimitKey, Usage, firewall_priorities, nsg_priorities};
use crate::packet::Direction;

/// What of a plan is not as every plan should be: an error of the program, not of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two things of one kind have one name, ignoring case.
    #[error("{of} has two {what} called {name}")]
    Name {
        /// Where they are.
        of: String,
        /// What they are.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Things are not in order of their names, each once.
    #[error("the {what} are not in order: {name} comes too late")]
    Order {
        /// What they are.
        what: &'static str,
        /// Where the order ends.
        name: String,
    },
    /// A priority is out of range.
    #[error("{of}: the priority {priority} is not from {first} to {last}")]
    Priority {
        /// What has it.
        of: String,
        /// The priority.
        priority: u32,
        /// The first that there is.
        first: u32,
        /// The last.
        last: u32,
    },
    /// A priority is taken twice.
    #[error("{of} has the priority {priority} twice")]
    Taken {
        /// Where.
        of: String,
        /// The priority.
        priority: u32,
    },
    /// A text is too long.
    #[error("{of}: its description is longer than {most} characters")]
    Description {
        /// What it describes.
        of: String,
        /// How long it may be.
        most: usize,
    },
    /// A limit is not kept.
    #[error("{}: {} is {}, {} are needed", .0.of, .0.key, .0.limit, .0.have)]
    Limit(Usage),
    /// Something is named that the plan does not have.
    #[error("{of} names {name}, which the plan does not have")]
    Unknown {
        /// What names it.
        of: String,
        /// The name.
        name: String,
    },
}

/// Holds a plan to what it promises.
pub(super) fn check(plan: &PlanParts) -> Result<(), PlanError> {
    let whole = "the plan";
    unique(whole, "security groups", plan.nsgs.iter().map(|nsg| &nsg.name))?;
    unique(whole, "route tables", plan.route_tables.iter().map(|table| &table.name))?;
    unique(whole, "IP groups", plan.ip_groups.iter().map(|group| &group.name))?;
    unique(whole, "service endpoint policies", plan.endpoint_policies.iter().map(|policy| &policy.name))?;
    let mut lists = plan.lists.windows(2);
    if let Some(pair) = lists.find(|pair| pair[0].name >= pair[1].name) {
        return Err(PlanError::Order { what: "lists", name: pair[1].name.clone() });
    }
    plan.nsgs.iter().try_for_each(security_group)?;
    for table in &plan.route_tables {
        unique(&table.name, "routes", table.routes.iter().map(|route| &route.name))?;
    }
    if let Some(firewall) = &plan.firewall {
        unique(&firewall.policy_name, "rule collection groups", firewall.groups.iter().map(|g| &g.name))?;
        firewall.groups.iter().try_for_each(rule_group)?;
    }
    if let Some(firewall) = &plan.classic_firewall {
        collections(&firewall.name, &firewall.collections)?;
    }
    known(plan)?;
    match plan.usage.iter().find(|usage| !usage.fits()) {
        Some(usage) => Err(PlanError::Limit(usage.clone())),
        None => Ok(()),
    }
}

fn security_group(nsg: &Nsg) -> Result<(), PlanError> {
    unique(&nsg.name, "rules", nsg.rules.iter().map(|rule| &rule.name))?;
    let most = LimitKey::NsgDescriptionCharacters.current();
    if let Some(rule) = nsg.rules.iter().find(|rule| rule.description.chars().count() > most) {
        return Err(PlanError::Description { of: rule.name.clone(), most });
    }
    for direction in [Direction::Inbound, Direction::Outbound] {
        let own = nsg.rules.iter().filter(|rule| rule.direction == direction);
        priorities(&nsg.name, own.map(|rule| (&rule.name, rule.priority)), &nsg_priorities())?;
    }
    Ok(())
}

fn rule_group(group: &RuleCollectionGroup) -> Result<(), PlanError> {
    priorities("the policy", [(&group.name, group.priority)], &firewall_priorities())?;
    collections(&group.name, &group.collections)?;
    let own = group.collections.iter().map(|c| (&c.name, c.priority));
    let all = own.chain(group.nat.iter().map(|c| (&c.name, c.priority)));
    unique(&group.name, "collections", all.clone().map(|(name, _)| name))?;
    priorities(&group.name, all, &firewall_priorities())
}

fn collections(of: &str, all: &[RuleCollection]) -> Result<(), PlanError> {
    unique(of, "collections", all.iter().map(|collection| &collection.name))?;
    priorities(of, all.iter().map(|c| (&c.name, c.priority)), &firewall_priorities())?;
    all.iter().try_for_each(|collection| unique(&collection.name, "rules", collection.rules.names()))
}

/// What rules and subnets name is there.
fn known(plan: &PlanParts) -> Result<(), PlanError> {
    use super::firewall::Destination;
    let unknown = |of: &str, name: &str| PlanError::Unknown { of: of.to_owned(), name: name.to_owned() };
    let groups: BTreeSet<&str> = plan.ip_groups.iter().map(|group| group.name.as_str()).collect();
    for collection in plan.rule_collections() {
        let FirewallRules::Network(rules) = &collection.rules else { continue };
        for rule in rules {
            let Destination::Groups(names) = &rule.destination else { continue };
            if let Some(name) = names.iter().find(|name| !groups.contains(name.as_str())) {
                return Err(unknown(&rule.name, name));
            }
        }
    }
    for has in &plan.associations {
        let nsg = has.nsg.iter().find(|name| plan.nsgs.iter().all(|nsg| nsg.name != **name));
        let table =
            has.route_table.iter().find(|name| plan.route_tables.iter().all(|table| table.name != **name));
        if let Some(name) = nsg.or(table) {
            return Err(unknown(&has.subnet, name));
        }
    }
    Ok(())
}

/// Names that Azure tells apart ignoring case.
fn unique<'a>(
    of: &str,
    what: &'static str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    let twice = names.into_iter().find(|name| !seen.insert(name.to_ascii_lowercase()));
    twice.map_or(Ok(()), |name| Err(PlanError::Name { of: of.to_owned(), what, name: name.clone() }))
}

/// Priorities in range, each once.
fn priorities<'a>(
    of: &str,
    all: impl IntoIterator<Item = (&'a String, u32)>,
    range: &RangeInclusive<u32>,
) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for (name, priority) in all {
        if !range.contains(&priority) {
            let (first, last) = (*range.start(), *range.end());
            return Err(PlanError::Priority { of: name.clone(), priority, first, last });
        }
        if !seen.insert(priority) {
            return Err(PlanError::Taken { of: of.to_owned(), priority });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::packet::{Ports, Protocol};
    use crate::plan::{Action, Association, NsgRule, Side};

    fn rule(name: &str, priority: u32, direction: Direction) -> NsgRule {
        NsgRule {
            name: name.to_owned(),
            priority,
            direction,
            action: Action::Allow,
            protocol: Protocol::Tcp,
            source: Side::Any,
            destination: Side::Any,
            ports: Ports::all(),
            description: String::new(),
            flows: Vec::new(),
        }
    }

    fn with(rules: Vec<NsgRule>) -> Result<(), PlanError> {
        let nsg =
            Nsg { name: "n".into(), subnets: Vec::new(), own_names: Vec::new(), keep: Vec::new(), rules };
        check(&PlanParts { nsgs: vec![nsg], ..PlanParts::default() })
    }

    #[test]
    fn each_promise_is_held() {
        use Direction::{Inbound, Outbound};
        assert_eq!(
            with(vec![rule("a", 100, Inbound), rule("b", 100, Outbound), rule("c", 4096, Inbound)]),
            Ok(())
        );
        for (rules, wanted) in [
            (vec![rule("a", 100, Inbound), rule("A", 101, Inbound)], "n has two rules called A"),
            (vec![rule("a", 100, Inbound), rule("b", 100, Inbound)], "n has the priority 100 twice"),
            (vec![rule("a", 4097, Inbound)], "a: the priority 4097 is not from 100 to 4096"),
            (
                vec![NsgRule { description: "é".repeat(141), ..rule("a", 100, Inbound) }],
                "a: its description is longer than 140 characters",
            ),
        ] {
            assert_eq!(with(rules).unwrap_err().to_string(), wanted);
        }
    }

    #[test]
    fn limits_and_names_of_others_are_held() {
        let usage = Limits::default().usage(LimitKey::RoutesPerTable, "t", 1001);
        let over = check(&PlanParts { usage: vec![usage], ..PlanParts::default() }).unwrap_err();
        assert_eq!(over.to_string(), "t: routes-per-table is 1000, 1001 are needed");
        let association = Association {
            subnet: "s".into(),
            prefixes: Vec::new(),
            nsg: Some("gone".into()),
            route_table: None,
            service_endpoint_policy: None,
            reserved: None,
        };
        let parts = PlanParts { associations: vec![association], ..PlanParts::default() };
        assert_eq!(check(&parts).unwrap_err().to_string(), "s names gone, which the plan does not have");
    }
}
