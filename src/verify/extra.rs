//! What a generation declares to admit beyond what was asked for: within the policy's budget, and never where it
//! must not be. The rules are then held against exactly what is asked for and declared.

use std::collections::HashSet;
use std::sync::Arc;

use super::report::{FailureKind, Report};
use crate::addr::{AddrSet, Count};
use crate::plan::{Extra, extra_of};
use crate::policy::{Policy, Remote, short_list};
use crate::target::{FormatName, Target};

/// Proves of `extras` themselves that the policy allows them.
pub(super) fn check(policy: &Policy, extras: &[Extra], format: &str, report: &mut Report) {
    let Some(first) = extras.first() else { return };
    let total: Count = extras.iter().map(|extra| extra.addresses.count()).sum();
    if total > policy.precision.max_extra {
        let text = format!(
            "{total} extra addresses are declared, but precision.max-extra is {}",
            policy.precision.max_extra
        );
        report.fail(first.target, format, FailureKind::Excess, text);
    }
    let never = policy.never_extra();
    for extra in extras {
        let mut fail = |kind, text| report.fail(extra.target, format, kind, text);
        let both = extra.addresses.intersection(&never);
        if !both.is_empty() {
            let text =
                format!("extra for {} holds {}, which is never let through", extra.remote, short_list(&both));
            fail(FailureKind::Excess, text);
        }
        if extra.flows.is_empty() {
            fail(FailureKind::Invalid, format!("extra for {} belongs to no need", extra.remote));
        }
        if extra.target == Target::Lists && !policy.output.formats.contains(&FormatName::Edl) {
            let text = format!("extra for {} in lists that no firewall fetches", extra.remote);
            fail(FailureKind::Invalid, text);
        }
        for text in extra.flows.iter().filter_map(|flow| wrong_flow(policy, extra, flow)) {
            fail(FailureKind::Excess, text);
        }
        if extra.target == Target::RouteTable {
            let both = extra.addresses.intersection(&kept_routes(policy, &extra.flows));
            if !both.is_empty() {
                let text =
                    format!("{} is asked for, but goes to {} as an extra", short_list(&both), extra.remote);
                fail(FailureKind::Misrouted, text);
            }
        }
    }
}

/// What is wrong with extra addresses as those of one flow or route.
fn wrong_flow(policy: &Policy, extra: &Extra, flow: &str) -> Option<String> {
    let is_route = policy.routes.iter().any(|need| need.id == flow);
    let listed =
        |flow: &str| policy.listed(flow).filter(|_| is_route == (extra.target == Target::RouteTable));
    let Some(asked) = listed(flow) else {
        return Some(format!("{flow} has no list of addresses that could be widened"));
    };
    // One entry is paid for once, so it must be one list that is widened.
    let of_family = |set: &AddrSet| AddrSet {
        v4: if extra.addresses.v4.is_empty() { Default::default() } else { set.v4.clone() },
        v6: if extra.addresses.v6.is_empty() { Default::default() } else { set.v6.clone() },
    };
    let first = listed(extra.flows.first()?)?;
    (!is_route && of_family(&asked) != of_family(&first))
        .then(|| format!("{flow} asks for other addresses than {}, but shares its extra", extra.flows[0]))
}

/// What flows ask for that no route of `own` leads to: it keeps its way.
fn kept_routes(policy: &Policy, own: &[String]) -> AddrSet {
    let own: HashSet<&str> = own.iter().map(String::as_str).collect();
    let flows =
        policy.flows.iter().filter(|flow| matches!(flow.remote, Remote::Tag(_) | Remote::Addresses(_)));
    let flows = flows.filter_map(|flow| policy.listed(flow.id.as_str()));
    let others = policy.routes.iter().filter(|need| !own.contains(need.id.as_str()));
    let others = others.filter_map(|need| policy.listed(&need.id));
    let asked: Vec<AddrSet> = flows.chain(others).collect();
    let led = policy.routes.iter().filter(|need| own.contains(need.id.as_str()));
    let led: Vec<AddrSet> = led.filter_map(|need| policy.listed(&need.id)).collect();
    AddrSet::union_of(&asked).difference(&AddrSet::union_of(&led))
}

/// `asked` with the extra addresses that `target` is declared to admit for `flow`.
pub(super) fn with_extra(asked: AddrSet, extras: &[Extra], target: Target, flow: &str) -> Arc<AddrSet> {
    let extra = extra_of(extras, target, flow);
    Arc::new(if extra.is_empty() { asked } else { asked.union(&extra) })
}
