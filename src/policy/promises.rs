//! What a policy promises, and [`PolicyFault`] where it does not hold.

use std::fmt::Display;

use super::rule::{Flow, PolicyParts};
use crate::limits::nsg_priorities;

/// What of a policy is not as every policy should be: an error of the program, not of a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// Things are not in order, each once.
    #[error("the {what} are not in order, each once: {name}")]
    Order {
        /// What they are.
        what: &'static str,
        /// The one that comes too late.
        name: String,
    },
    /// A flow is of no subnet, or of one without addresses.
    #[error("{0} has no addresses of its own")]
    Empty(String),
    /// Nobody knows why something is asked for.
    #[error("{0} has no cause")]
    NoCause(String),
    /// A rule that a service keeps has no priority that Azure takes.
    #[error("the rule {0} that a service keeps has the priority {1}")]
    Priority(String, u32),
}

/// Holds a policy to what it promises.
pub(super) fn check(policy: &PolicyParts) -> Result<(), PolicyFault> {
    ascending("flows", policy.flows.iter().map(|flow| &flow.id))?;
    ascending("denies", policy.denies.iter().map(|flow| &flow.id))?;
    ascending("routes", policy.routes.iter().map(|need| &need.id))?;
    ascending("service endpoint policies", policy.endpoints.iter().map(|need| &need.subnet))?;
    ascending("rules of services", policy.managed.iter().map(|rule| (&rule.name, &rule.workload)).map(Pair))?;
    let routes = policy.managed_routes.iter().map(|route| (&route.subnet, &route.name));
    ascending("routes of services", routes.map(Pair))?;
    policy.flows.iter().chain(&policy.denies).try_for_each(whole)?;
    if let Some(need) = policy.routes.iter().find(|need| need.causes.is_empty()) {
        return Err(PolicyFault::NoCause(need.id.clone()));
    }
    match policy.managed.iter().find(|rule| !nsg_priorities().contains(&rule.priority)) {
        Some(rule) => Err(PolicyFault::Priority(rule.name.clone(), rule.priority)),
        None => Ok(()),
    }
}

fn whole(flow: &Flow) -> Result<(), PolicyFault> {
    if flow.local.is_empty() {
        return Err(PolicyFault::Empty(flow.id.to_string()));
    }
    if flow.causes.is_empty() {
        return Err(PolicyFault::NoCause(flow.id.to_string()));
    }
    Ok(())
}

/// A rule of a service: its name, and whose it is. A route: its subnet, and its name.
#[derive(PartialEq, PartialOrd)]
struct Pair<'a>((&'a String, &'a String));

impl Display for Pair<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.0.0, self.0.1)
    }
}

fn ascending<T: PartialOrd + Display>(
    what: &'static str,
    all: impl Iterator<Item = T>,
) -> Result<(), PolicyFault> {
    let mut last: Option<T> = None;
    for item in all {
        if last.as_ref().is_some_and(|last| *last >= item) {
            return Err(PolicyFault::Order { what, name: item.to_string() });
        }
        last = Some(item);
    }
    Ok(())
}
