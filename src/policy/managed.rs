//! [`Managed`]: rules that a service keeps in the security group of its subnets.

use super::draft::Rows;
use super::problems::Problems;
use super::resolve::Resolver;
use super::rule::Managed;
use crate::catalog::{ManagedRule, RemoteSpec, Resolved};

impl Managed {
    /// The rules of a workload's service in the group of its subnets.
    pub(super) fn of_workload(
        resolved: &Resolved,
        rows: &Rows<'_>,
        resolver: &Resolver<'_>,
        problems: &mut Problems,
    ) -> Vec<Managed> {
        let mut found = Vec::new();
        for rule in &resolved.managed {
            let Some((name, priority)) = &rule.kept_as else { continue };
            let mut side = |spec: &RemoteSpec| match resolver.remote(spec, &mut Vec::new()) {
                Ok(remote) => Some(remote),
                Err(error) => {
                    let message = format!("rule {} that {} keeps: {error}", rule.id, rows.workload);
                    problems.at(rows.place.at("workload"), message);
                    None
                }
            };
            let (Some(source), Some(destination)) = (side(&rule.source), side(&rule.destination)) else {
                continue;
            };
            let ManagedRule { direction, protocol, ports, purpose, documented, .. } = rule.clone();
            found.push(Managed {
                workload: rows.workload.to_owned(),
                subnets: rows.subnets.iter().map(|(name, _)| name.clone()).collect(),
                name: name.clone(),
                priority: *priority,
                direction,
                source,
                destination,
                protocol,
                ports,
                description: purpose,
                documented,
            });
        }
        found
    }

    /// Rules of one name become one, for the subnets of all.
    pub(super) fn merged(mut rules: Vec<Managed>) -> Vec<Managed> {
        rules.sort_by(|a, b| (&a.name, &a.workload).cmp(&(&b.name, &b.workload)));
        let mut kept: Vec<Managed> = Vec::new();
        for rule in rules {
            match kept.last_mut().filter(|last| last.name == rule.name && last.workload == rule.workload) {
                Some(same) => {
                    same.subnets.extend(rule.subnets);
                    same.ports = same.ports.union(&rule.ports);
                }
                None => kept.push(rule),
            }
        }
        kept
    }
}
