//! [`Managed`] and [`ManagedRoute`]: rules and routes that a service keeps in the group and the table of its subnets.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Rows};
use super::problem::NeedProblem;
use super::problems::Problems;
use super::resolve::Resolver;
use super::rule::{Cause, Managed, ManagedRoute, Remote, RouteNeed};
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::{ManagedName, ManagedRule, ManagedSide, RemoteSpec, Resolved};

/// Adds what a workload's service keeps in its subnets.
pub(super) fn from_workload(
    resolved: &Resolved,
    rows: &Rows<'_>,
    resolver: &Resolver<'_>,
    draft: &mut Draft,
) {
    // The subnets are in the environment's own region, whatever other regions its needs are asked for in.
    let elsewhere = rows.region.suffix() != rows.home.suffix();
    let mut kept = Kept { rows, resolver, problems: &mut draft.problems };
    let all: BTreeSet<&String> = rows.subnets.iter().map(|(name, _)| name).collect();
    for rule in &resolved.managed {
        let Some((name, priority)) = &rule.kept_as else { continue };
        let named = (name, *priority);
        if !name.is_of_subnet() {
            draft.managed.extend(kept.rule(rule, named, &all, None));
            continue;
        }
        if elsewhere {
            continue;
        }
        for subnet in &all {
            let Some(prefix) = kept.prefix_of(subnet, &rule.id) else { continue };
            draft.managed.extend(kept.rule(rule, named, &BTreeSet::from([*subnet]), Some(prefix)));
        }
    }
    for route in resolved.managed_routes.iter().filter(|_| !elsewhere) {
        for subnet in &all {
            let Some(prefix) = kept.prefix_of(subnet, &route.id) else { continue };
            let Some(to) = kept.side(&route.to, Some(prefix), &route.id) else { continue };
            let cause = Cause {
                workload: rows.scope(),
                row: route.id.clone(),
                why: route.purpose.clone(),
                source: route.documented.clone(),
                covered_by: Vec::new(),
                required: true,
                origin: None,
            };
            let need = RouteNeed {
                id: RouteNeed::id_for(&to, &AddrSet::empty(), route.next_hop),
                to: to.clone(),
                except: AddrSet::empty(),
                next_hop: route.next_hop,
                as_written: matches!(to, Remote::Addresses(_)),
                nested: BTreeMap::new(),
                narrower: None,
                subnets: BTreeSet::from([String::clone(subnet)]),
                causes: vec![cause],
            };
            draft.routes.push((rows.place.at("workload"), need));
            draft.managed_routes.push(ManagedRoute {
                workload: rows.workload.clone(),
                subnet: String::clone(subnet),
                name: route.name.of(prefix),
                to,
                next_hop: route.next_hop,
                documented: route.documented.clone(),
            });
        }
    }
}

/// What is kept for one workload.
struct Kept<'a, 'p> {
    rows: &'a Rows<'a>,
    resolver: &'a Resolver<'a>,
    problems: &'p mut Problems,
}

impl Kept<'_, '_> {
    /// The only IPv4 prefix of a subnet, by which the service names what it keeps there.
    fn prefix_of(&mut self, subnet: &str, id: &str) -> Option<IpPrefix> {
        let own = self.resolver.network.addresses_of(subnet);
        let mut prefixes = own.prefixes().filter(|prefix| prefix.is_v4());
        match (prefixes.next(), prefixes.next()) {
            (Some(only), None) => Some(only),
            _ => {
                self.problem(NeedProblem::OnePrefix {
                    id: id.to_owned(),
                    workload: self.rows.workload.clone(),
                    subnet: subnet.to_owned(),
                    count: own.v4.prefixes().count(),
                });
                None
            }
        }
    }

    fn rule(
        &mut self,
        rule: &ManagedRule,
        (name, priority): (&ManagedName, u32),
        subnets: &BTreeSet<&String>,
        prefix: Option<IpPrefix>,
    ) -> Option<Managed> {
        let source = self.side(&rule.source, prefix, &rule.id);
        let destination = self.side(&rule.destination, prefix, &rule.id);
        Some(Managed {
            workload: self.rows.workload.clone(),
            subnets: subnets.iter().copied().cloned().collect(),
            name: prefix.map_or_else(|| name.plain().to_owned(), |prefix| name.of(prefix)),
            of_subnet: name.is_of_subnet(),
            priority,
            direction: rule.direction,
            source: source?,
            destination: destination?,
            protocol: rule.protocol,
            ports: rule.ports.clone(),
            description: rule.purpose.clone(),
            documented: rule.documented.clone(),
        })
    }

    fn side(&mut self, side: &ManagedSide, prefix: Option<IpPrefix>, id: &str) -> Option<Remote> {
        let spec = match (side, prefix) {
            (ManagedSide::Subnet, Some(prefix)) => return Some(Remote::Addresses(AddrSet::from(prefix))),
            (ManagedSide::Subnet, None) => {
                self.problem(NeedProblem::Range(id.to_owned()));
                return None;
            }
            (ManagedSide::Spec(spec), _) => spec,
        };
        if let RemoteSpec::Tag(name) = spec
            && let Some(tag) = self.resolver.outside.named(name)
        {
            return Some(Remote::Outside(tag));
        }
        match self.resolver.remote(spec, &mut Vec::new()) {
            Ok(remote) => Some(remote),
            Err(error) => {
                let (id, workload) = (id.to_owned(), self.rows.workload.clone());
                self.problem(NeedProblem::Kept { id, workload, error });
                None
            }
        }
    }

    fn problem(&mut self, problem: NeedProblem) {
        self.problems.at(self.rows.place.at("workload"), problem);
    }
}

impl Managed {
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

impl ManagedRoute {
    /// Routes in order of subnets and names, each once.
    pub(super) fn in_order(mut routes: Vec<ManagedRoute>) -> Vec<ManagedRoute> {
        routes.sort_by(|a, b| (&a.subnet, &a.name).cmp(&(&b.subnet, &b.name)));
        routes.dedup_by(|b, a| (&a.subnet, &a.name) == (&b.subnet, &b.name));
        routes
    }
}
