//! Flows and routes from rows of the catalogue and from needs written by hand.

use std::sync::Arc;

use super::expand::Problems;
use super::intent::{Allow, DirectionName, PortItem, PortsText};
use super::read::Path;
use super::resolve::Resolver;
use super::rule::{Cause, Flow, Remarks, Remote, RouteNeed, SkippedRow};
use crate::addr::AddrSet;
use crate::catalog::{Resolved, ResolvedRow, RouteHop, RowNeed};
use crate::packet::{Direction, NextHop, Ports, Protocol};
use crate::tags::{Region, Symbol};

/// A flow before merging.
pub(super) type NewFlow = Flow;

/// What all rows of one workload share.
pub(super) struct RowContext<'a> {
    pub(super) workload: &'a str,
    pub(super) region: &'a Arc<Region>,
    /// The environment's own region: rows for another one carry its name in their id.
    pub(super) home: &'a Arc<Region>,
    pub(super) except: &'a AddrSet,
    /// Whether a default route takes traffic off its direct way, so that exceptions from it make sense.
    pub(super) diverted: bool,
}

impl RowContext<'_> {
    /// The workload's name, with the region where that is another one.
    pub(super) fn scope(&self) -> String {
        if self.region.suffix() == self.home.suffix() {
            self.workload.to_owned()
        } else {
            format!("{}@{}", self.workload, self.region.location())
        }
    }
}

#[allow(clippy::too_many_arguments)] // four inputs, four places to collect in
pub(super) fn from_rows(
    resolved: &Resolved,
    context: &RowContext<'_>,
    subnets: &[(String, AddrSet)],
    resolver: &Resolver<'_>,
    place: &Path,
    flows: &mut Vec<NewFlow>,
    routes: &mut Vec<(Path, RouteNeed)>,
    remarks: &mut Remarks,
    problems: &mut Problems,
) {
    let scope = context.scope();
    for text in &resolved.preconditions {
        remarks.preconditions.push((context.workload.to_owned(), text.clone()));
    }
    for risk in &resolved.risks {
        remarks.risk(risk, &scope);
    }
    for skipped in &resolved.skipped {
        remarks.skipped.push(SkippedRow {
            workload: scope.clone(),
            row: skipped.id.clone(),
            reason: skipped.why.clone(),
            required: skipped.required && skipped.covered_by.is_empty(),
        });
    }
    let taken = resolved.rows.iter().map(|row| (row, false));
    // Tags that hosts took the place of still stand in for them where hosts cannot be said.
    let replaced = resolved.replaced.iter().map(|row| (row, true));
    for (row, stand_in) in taken.chain(replaced) {
        let remote = match resolver.remote(row.need.remote(), &mut remarks.notes) {
            Ok(remote) => remote,
            Err(error) => {
                let way_out = format!("; leave the row out with without = [\"{}\"]", row.id);
                problems.push((
                    place.clone(),
                    format!("row {} of {}: {error}{way_out}", row.id, context.workload),
                ));
                continue;
            }
        };
        for risk in &row.risks {
            remarks.risk(risk, &format!("{scope}/{}", row.id));
        }
        remarks.notes.extend(row.notes.iter().map(|note| format!("{scope}/{}: {note}", row.id)));
        match &row.need {
            RowNeed::Remote(_) => {
                flows.extend(
                    subnets
                        .iter()
                        .map(|subnet| row_flow(row, stand_in, context, &scope, subnet, remote.clone())),
                );
            }
            RowNeed::Route { next_hop, .. } => match hop(*next_hop, context, resolver) {
                Some(next_hop) => match route(row, context, &scope, remote, next_hop) {
                    Ok(need) => routes.push((place.clone(), need)),
                    Err(skipped) => remarks.skipped.push(skipped),
                },
                None => remarks.skipped.push(SkippedRow {
                    workload: scope.clone(),
                    row: row.id.clone(),
                    reason: "a route is needed only where a default route leads to a firewall or appliance"
                        .to_owned(),
                    required: false,
                }),
            },
        }
    }
}

/// The next hop of a row; a way around the default route is needed only where that leads off the direct way.
fn hop(hop: RouteHop, context: &RowContext<'_>, resolver: &Resolver<'_>) -> Option<NextHop> {
    match hop {
        RouteHop::Internet => context.diverted.then_some(NextHop::Internet),
        RouteHop::Firewall => resolver.network.firewall.first().copied().map(NextHop::Appliance),
        RouteHop::None => Some(NextHop::None),
    }
}

/// The route of a row, if `except` leaves anything of it.
fn route(
    row: &ResolvedRow,
    context: &RowContext<'_>,
    scope: &str,
    to: Remote,
    next_hop: NextHop,
) -> Result<RouteNeed, SkippedRow> {
    let except = applicable(context.except, &to);
    let left = match &to {
        Remote::Tag(tag) => !tag.set().is_subset(&except) || except.is_empty(),
        Remote::Addresses(set) => !set.is_subset(&except),
        _ => true,
    };
    if !left {
        return Err(SkippedRow {
            workload: scope.to_owned(),
            row: row.id.clone(),
            reason: format!("nothing is left of the route to {to}: `except` takes all of it"),
            required: row.required,
        });
    }
    let without: String = except.prefixes().map(|p| format!(" except {p}")).collect();
    let id = format!("{to}{without} -> {next_hop}");
    Ok(RouteNeed { id, to, except, next_hop, causes: vec![row_cause(row, scope)] })
}

fn row_cause(row: &ResolvedRow, scope: &str) -> Cause {
    Cause {
        workload: scope.to_owned(),
        row: row.id.clone(),
        why: row.purpose.clone(),
        source: row.source.clone(),
        covered_by: row.covered_by.clone(),
        required: row.required,
    }
}

fn row_flow(
    row: &ResolvedRow,
    stand_in: bool,
    context: &RowContext<'_>,
    scope: &str,
    (subnet, local): &(String, AddrSet),
    remote: Remote,
) -> Flow {
    Flow {
        id: format!("{subnet}/{scope}/{}", row.id),
        stand_in,
        direction: row.direction,
        subnet: subnet.clone(),
        local: local.clone(),
        except: applicable(context.except, &remote),
        remote,
        protocol: row.protocol,
        ports: row.ports.clone(),
        causes: vec![row_cause(row, scope)],
        group: None,
    }
}

/// The exceptions, if they take something away from `remote`; else they would only change how it is written. They
/// are left whole, since what they take away from a tag changes with the tag, and names are made from them.
fn applicable(except: &AddrSet, remote: &Remote) -> AddrSet {
    let applies = match remote {
        Remote::Tag(tag) => !tag.set().is_disjoint(except),
        Remote::Addresses(set) => !set.is_disjoint(except),
        Remote::Any | Remote::Symbol(_) => true,
        Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) => false,
    };
    if applies { except.clone() } else { AddrSet::empty() }
}

#[allow(clippy::too_many_arguments)] // what is read, and where what is found goes
pub(super) fn by_hand(
    allow: &Allow,
    subnets: &[(String, AddrSet)],
    except: &AddrSet,
    resolver: &Resolver<'_>,
    place: &Path,
    flows: &mut Vec<NewFlow>,
    remarks: &mut Remarks,
    problems: &mut Problems,
) {
    let direction = direction(allow, place, problems);
    let protocols = protocols(allow, place, problems);
    let ports = ports(&allow.ports, &place.at("ports"), problems).unwrap_or_else(Ports::all);
    for protocol in protocols.iter().filter(|p| !p.has_ports() && **p != Protocol::Any && !ports.is_all()) {
        problems.push((place.at("ports"), format!("{protocol} has no ports")));
    }
    for (key, texts) in [("to", &allow.to), ("from", &allow.from)] {
        for (index, text) in texts.as_slice().iter().enumerate() {
            let remotes = match resolver.remotes(text, &mut remarks.notes) {
                Ok(remotes) => remotes,
                Err(error) => {
                    problems.push((place.at(key).at(index), error));
                    continue;
                }
            };
            for (remote, group) in remotes {
                if let Remote::Addresses(set) = &remote
                    && set.difference(except).is_empty()
                {
                    problems.push((place.at("except"), format!("nothing is left of {remote}")));
                }
                let why = allow.why.as_deref();
                let need = HandNeed { direction, remote, group, except, ports: &ports, why };
                for risk in need.risks().into_iter().filter_map(|id| resolver.catalog.risk(id)) {
                    remarks.risk(risk, &format!("policy {} {}", need.arrow(), need.remote));
                }
                for subnet in subnets {
                    flows.extend(protocols.iter().map(|&protocol| need.flow(subnet, protocol)));
                }
            }
        }
    }
}

struct HandNeed<'a> {
    direction: Direction,
    remote: Remote,
    group: Option<String>,
    except: &'a AddrSet,
    ports: &'a Ports,
    why: Option<&'a str>,
}

impl HandNeed<'_> {
    fn arrow(&self) -> &'static str {
        if self.direction == Direction::Inbound { "from" } else { "to" }
    }

    /// Risks of the catalogue that rows of the same kind carry.
    fn risks(&self) -> Vec<&'static str> {
        let inbound = self.direction == Direction::Inbound;
        let mut risks = Vec::new();
        match &self.remote {
            Remote::Tag(_) if inbound => risks.push("tag-inbound"),
            Remote::Tag(tag) => match tag.name().base() {
                "Storage" => risks.push("storage-exfiltration"),
                "AzureCloud" => risks.push("wide-azure-cloud"),
                "AzureMonitor" => risks.push("wide-azure-monitor"),
                "AzureFrontDoor" => risks.push("wide-front-door"),
                _ => {}
            },
            Remote::Symbol(Symbol::Internet) | Remote::Any if !inbound => risks.push("everywhere"),
            Remote::Symbol(Symbol::VirtualNetwork) => risks.push("virtual-network-udr"),
            _ => {}
        }
        let plain = self.ports.set().contains(80) && !self.ports.is_all();
        if plain && matches!(&self.remote, Remote::Tag(tag) if tag.name().base() == "AzureActiveDirectory") {
            risks.push("plain-http");
        }
        if inbound && self.ports.set().contains(22) && !self.ports.is_all() {
            risks.push("ssh-open");
        }
        risks
    }

    fn flow(&self, (subnet, local): &(String, AddrSet), protocol: Protocol) -> Flow {
        let arrow = self.arrow();
        let list = match &self.remote {
            _ if self.group.is_some() => format!("group:{}", self.group.as_deref().unwrap_or_default()),
            Remote::Addresses(set) => set.prefixes().map(|p| p.to_string()).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        let except = applicable(self.except, &self.remote);
        let without: String = except.prefixes().map(|p| format!(" except {p}")).collect();
        let row = format!("{arrow} {list}{without} {protocol} {}", self.ports);
        Flow {
            id: format!("{subnet}/policy/{row}"),
            stand_in: false,
            direction: self.direction,
            subnet: subnet.clone(),
            local: local.clone(),
            remote: self.remote.clone(),
            except,
            protocol,
            ports: self.ports.clone(),
            causes: vec![Cause {
                workload: "policy".to_owned(),
                row: String::new(),
                why: self.why.unwrap_or_default().to_owned(),
                source: String::new(),
                covered_by: Vec::new(),
                required: true,
            }],
            group: self.group.clone(),
        }
    }
}

fn direction(allow: &Allow, place: &Path, problems: &mut Problems) -> Direction {
    let by_key =
        if allow.to.is_empty() && !allow.from.is_empty() { Direction::Inbound } else { Direction::Outbound };
    let direction = match allow.direction {
        Some(DirectionName::Inbound) => Direction::Inbound,
        Some(DirectionName::Outbound) => Direction::Outbound,
        None => by_key,
    };
    if !allow.to.is_empty() && !allow.from.is_empty() {
        let message = "`to` and `from` in one [[allow]]; make one for each direction".to_owned();
        problems.push((place.at("from"), message));
    } else if direction == Direction::Outbound && !allow.from.is_empty() {
        problems.push((place.at("from"), "an outbound need has its remotes in `to`".to_owned()));
    }
    direction
}

fn protocols(allow: &Allow, place: &Path, problems: &mut Problems) -> Vec<Protocol> {
    let mut found = Vec::new();
    for (index, text) in allow.protocol.as_slice().iter().enumerate() {
        match text.parse::<Protocol>() {
            Ok(protocol) => found.push(protocol),
            Err(error) => problems.push((place.at("protocol").at(index), error.to_string())),
        }
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() || found.contains(&Protocol::Any) { vec![Protocol::Any] } else { found }
}

fn ports(text: &PortsText, place: &Path, problems: &mut Problems) -> Option<Ports> {
    let number = |n: u16| Ports::new(crate::addr::Prefix::host(n).into());
    let mut read = |text: &str, place: Path| match text.parse::<Ports>() {
        Ok(ports) => Some(ports),
        Err(error) => {
            problems.push((place, error.to_string()));
            None
        }
    };
    match text {
        PortsText::All => None,
        PortsText::Number(n) => Some(number(*n)),
        PortsText::Text(text) => read(text, place.clone()),
        PortsText::List(items) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                PortItem::Number(n) => Some(number(*n)),
                PortItem::Text(text) => read(text, place.at(index)),
            })
            .reduce(|a, b| a.union(&b)),
    }
}

/// Puts flows in order, and joins those that others already let through: the same remote of the same subnet, or a
/// service's regional tag beside its tag without a region, with no more protocols and ports. The latter is noted.
///
/// Every flow allows, so no deny can come between the two.
pub(super) fn merge(mut flows: Vec<NewFlow>, notes: &mut Vec<String>) -> Vec<Flow> {
    flows.sort_by(|a, b| a.id.cmp(&b.id));
    let mut kept: Vec<Flow> = Vec::new();
    for flow in flows {
        if let Some(wider) = kept.iter_mut().find(|k| holds(k, &flow)) {
            notes.extend(implied_note(wider, &flow));
            absorb(wider, flow);
            continue;
        }
        let (narrower, others): (Vec<Flow>, Vec<Flow>) = kept.into_iter().partition(|k| holds(&flow, k));
        kept = others;
        let mut flow = flow;
        for narrower in narrower {
            notes.extend(implied_note(&flow, &narrower));
            absorb(&mut flow, narrower);
        }
        kept.push(flow);
    }
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    kept
}

fn absorb(wider: &mut Flow, narrower: Flow) {
    wider.causes.extend(narrower.causes);
    wider.causes.sort();
    wider.causes.dedup();
}

/// Whether `wide` lets through all that `narrow` does, with the same remote side.
fn holds(wide: &Flow, narrow: &Flow) -> bool {
    holds_but_remote(wide, narrow) && (same_remote(&wide.remote, &narrow.remote) || implies(wide, narrow))
}

/// Whether `wide` says all that `narrow` does, whatever their remote sides are.
fn holds_but_remote(wide: &Flow, narrow: &Flow) -> bool {
    let same_ends = (!wide.stand_in || narrow.stand_in)
        && wide.direction == narrow.direction
        && wide.subnet == narrow.subnet
        && wide.except == narrow.except;
    let ports = narrow.ports.set().is_subset(wide.ports.set());
    // Any protocol with a port list means TCP and UDP only.
    let protocol = wide.protocol == narrow.protocol
        || (wide.protocol == Protocol::Any && (wide.ports.is_all() || narrow.protocol.has_ports()));
    same_ends && ports && protocol
}

/// Whether the tag of `narrow` is a regional one of the service whose tag without a region `wide` has, and lies in it
/// in this snapshot.
///
/// Azure resolves names by itself, so that a tag which leaves the wider one has no rule until the next generation. Of
/// the 48,176 regional tags with a tag of the same service beside them in 32 real files of four clouds (2019-07 to
/// 2026-07), one lay outside of it: `AzureMonitor.AustriaEast` in the public file of 2026-06-08. Other tags lie in
/// each other by chance and keep rules of their own, those in `AzureCloud` too: 45 left it from one of these files to
/// the next, in 10 of 28 steps.
fn implies(wide: &Flow, narrow: &Flow) -> bool {
    let (Remote::Tag(all), Remote::Tag(part)) = (&wide.remote, &narrow.remote) else { return false };
    all.name().base() == part.name().base()
        && all.name().suffix().is_none()
        && part.name().suffix().is_some()
        && part.set().is_subset(all.set())
}

/// Whether all addresses of the tag of `narrow` are let through by a tag of all of Azure in `wide`, in this snapshot.
pub(super) fn within_cloud(wide: &Flow, narrow: &Flow) -> bool {
    let (Remote::Tag(all), Remote::Tag(part)) = (&wide.remote, &narrow.remote) else { return false };
    all.name().base() == "AzureCloud"
        && part.name().base() != "AzureCloud"
        && holds_but_remote(wide, narrow)
        && part.set().is_subset(all.set())
}

/// What the report says of a flow whose tag lies in that of another.
fn implied_note(wide: &Flow, narrow: &Flow) -> Option<String> {
    let (Remote::Tag(all), Remote::Tag(part)) = (&wide.remote, &narrow.remote) else { return None };
    (all.name() != part.name()).then(|| {
        let arrow = if narrow.direction == Direction::Inbound { "from" } else { "to" };
        format!(
            "{arrow} {} ({} {}, subnet {}) has no rule of its own: {} holds all of its addresses, and is allowed with the same protocols and ports",
            part.name(),
            narrow.protocol,
            narrow.ports,
            narrow.subnet,
            all.name()
        )
    })
}

fn same_remote(a: &Remote, b: &Remote) -> bool {
    match (a, b) {
        (Remote::Tag(a), Remote::Tag(b)) => a.name() == b.name(),
        (Remote::Symbol(a), Remote::Symbol(b)) => a == b,
        (Remote::Addresses(a), Remote::Addresses(b)) => a == b,
        (Remote::Fqdn(a), Remote::Fqdn(b)) => a == b,
        (Remote::FqdnTag(a), Remote::FqdnTag(b)) | (Remote::Url(a), Remote::Url(b)) => a == b,
        (Remote::Any, Remote::Any) => true,
        _ => false,
    }
}
