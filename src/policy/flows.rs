//! Flows and routes from rows of the catalogue and from needs written by hand.

use std::collections::BTreeMap;

use super::draft::{Draft, Rows};
use super::note::Note;
use super::problem::NeedProblem;
use super::resolve::Resolver;
use super::rule::{Cause, Flow, Origin, Remote, RouteNeed, SkippedRow, Unmade};
use super::sets::applicable;
use super::within::holds;
use crate::addr::AddrSet;
use crate::catalog::{Resolved, ResolvedRow, RouteHop, RowNeed, SkipReason};
use crate::packet::NextHop;
use crate::plan::FlowId;

/// Adds the flows and routes of a workload's rows.
pub(super) fn from_rows(resolved: &Resolved, rows: &Rows<'_>, resolver: &Resolver<'_>, draft: &mut Draft) {
    let Draft { flows, routes, remarks, problems, .. } = draft;
    let scope = rows.scope();
    for risk in &resolved.risks {
        remarks.risk(risk, &scope);
    }
    for skipped in &resolved.skipped {
        remarks.skipped.push(SkippedRow {
            workload: scope.clone(),
            row: skipped.id.clone(),
            reason: skipped.why.clone().into(),
            // What an option, the policy or the place rules out is not missing.
            required: skipped.required
                && skipped.covered_by.is_empty()
                && matches!(
                    skipped.why.reason(),
                    SkipReason::Without | SkipReason::OptionMissing | SkipReason::OnRequest
                ),
        });
    }
    let taken = resolved.rows.iter().map(|row| (row, false));
    // Tags that hosts took the place of still stand in for them where hosts cannot be said.
    let replaced = resolved.replaced.iter().map(|row| (row, true));
    for (row, stand_in) in taken.chain(replaced) {
        let remote = match resolver.remote(row.need.remote(), &mut remarks.notes) {
            Ok(remote) => remote,
            Err(error) => {
                let (row, workload) = (row.id.clone(), rows.workload.clone());
                problems.at(rows.place.at("workload"), NeedProblem::Row { row, workload, error });
                continue;
            }
        };
        for risk in &row.risks {
            remarks.risk(risk, format_args!("{scope}/{}", row.id));
        }
        remarks.notes.extend(row.notes.iter().map(|note| Note::Row {
            workload: scope.clone(),
            row: row.id.clone(),
            note: note.clone(),
        }));
        match &row.need {
            RowNeed::Remote(_) => {
                let flow = |subnet| row_flow((row, stand_in), rows, subnet, remote.clone());
                flows.extend(rows.subnets.iter().map(flow));
            }
            RowNeed::Route { next_hop, .. } => match hop(*next_hop, rows, resolver) {
                Some(next_hop) => match route(row, rows, remote, next_hop) {
                    Ok(need) => routes.push((rows.place.at("workload"), need)),
                    Err(skipped) => remarks.skipped.push(skipped),
                },
                None => remarks.skipped.push(SkippedRow {
                    workload: scope.clone(),
                    row: row.id.clone(),
                    reason: Unmade::NotDiverted,
                    required: false,
                }),
            },
        }
    }
}

/// The next hop of a row; a way around the default route is needed only where that leads off the direct way.
fn hop(hop: RouteHop, rows: &Rows<'_>, resolver: &Resolver<'_>) -> Option<NextHop> {
    match hop {
        RouteHop::Internet => rows.diverted.then_some(NextHop::Internet),
        RouteHop::Firewall => resolver.network.firewall.first().copied().map(NextHop::Appliance),
        RouteHop::None => Some(NextHop::None),
    }
}

/// The route of a row, if `except` leaves anything of it.
fn route(row: &ResolvedRow, rows: &Rows<'_>, to: Remote, next_hop: NextHop) -> Result<RouteNeed, SkippedRow> {
    let except = applicable(rows.except, &to);
    let left = match &to {
        Remote::Tag(tag) => !tag.set().is_subset(&except) || except.is_empty(),
        Remote::Addresses(set) => !set.is_subset(&except),
        _ => true,
    };
    if !left {
        return Err(SkippedRow {
            workload: rows.scope(),
            row: row.id.clone(),
            reason: Unmade::NothingLeft(to.to_string()),
            required: row.required,
        });
    }
    Ok(RouteNeed {
        id: RouteNeed::id_for(&to, &except, next_hop),
        to,
        except,
        next_hop,
        as_written: false,
        nested: BTreeMap::new(),
        narrower: None,
        subnets: rows.subnets.iter().map(|(name, _)| name.clone()).collect(),
        causes: vec![row_cause(row, rows)],
    })
}

fn row_cause(row: &ResolvedRow, rows: &Rows<'_>) -> Cause {
    Cause {
        workload: rows.scope(),
        row: row.id.clone(),
        why: row.purpose.clone(),
        source: row.source.clone(),
        covered_by: row.covered_by.clone(),
        required: row.required,
        origin: Some(Origin { workload: rows.workload.clone(), row: row.row.clone() }),
    }
}

/// The flow of a row for one subnet; whether it stands in for another row.
fn row_flow(
    (row, stand_in): (&ResolvedRow, bool),
    rows: &Rows<'_>,
    (subnet, local): &(String, AddrSet),
    remote: Remote,
) -> Flow {
    Flow {
        id: FlowId::new(subnet, &rows.scope(), &row.id),
        stand_in,
        direction: row.direction,
        subnet: subnet.clone(),
        local: local.clone(),
        except: applicable(rows.except, &remote),
        remote,
        protocol: row.protocol,
        ports: row.ports.clone(),
        causes: vec![row_cause(row, rows)],
        group: None,
    }
}

/// Puts flows in order, and joins those that others already let through: the same remote of the same subnet, or a
/// service's regional tag beside its tag without a region, with no more protocols and ports. The latter is noted.
///
/// Every flow allows, so no deny can come between the two.
pub(super) fn merge(mut flows: Vec<Flow>, notes: &mut Vec<Note>) -> Vec<Flow> {
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

/// What the report says of a flow whose tag lies in that of another.
fn implied_note(wide: &Flow, narrow: &Flow) -> Option<Note> {
    let (Remote::Tag(all), Remote::Tag(part)) = (&wide.remote, &narrow.remote) else { return None };
    let implied = || Note::Implied { tag: narrow.tag_need(part), wide: all.name().clone() };
    (all.name() != part.name()).then(implied)
}
