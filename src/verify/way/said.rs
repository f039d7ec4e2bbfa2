//! What is said of a need: whether it works, and if not, where it stops and why.

use crate::policy::{Flow, Remote};
use crate::replay::way::{At, Outcome};
use crate::rules::Part;
use crate::verify::work::{Work, WorkState};

/// What is said of a flow, once for each need that it comes from. `stopped` are packets of it that do not arrive, and
/// `some` whether others do.
pub(super) fn of(flow: &Flow, unsaid: bool, stopped: Option<&Part<Outcome>>, some: bool) -> Vec<Work> {
    let state = match (stopped, unsaid) {
        (Some(_), _) => WorkState::Nowhere,
        (None, true) => WorkState::Elsewhere,
        (None, false) => WorkState::Works,
    };
    let mut works = Vec::new();
    for need in names(flow) {
        works.push(Work {
            need,
            subnet: flow.subnet.clone(),
            state,
            stops_at: stopped.map(|part| stop_name(part.key.stops_at)),
            why: stopped.map(|part| why(part, some)),
            packet: stopped.map(|part| part.packet),
            rule: stopped.and_then(|part| part.key.rule.clone()),
            declared: unsaid,
            in_part: stopped.is_some() && some,
        });
    }
    works
}

fn why(part: &Part<Outcome>, some: bool) -> String {
    let outcome = &part.key;
    let by = outcome.rule.as_ref().map_or_else(String::new, |rule| format!(" by {rule}"));
    let stop = match outcome.stops_at {
        Some(At::Admin) => format!("a security admin rule stops {}{by}", part.packet),
        Some(At::Nsg) => format!("the security group stops {}{by}", part.packet),
        Some(At::Firewall | At::Dnat) => format!("the firewall stops {}{by}", part.packet),
        Some(At::Outbound) => format!("the subnet has no way out for {}", part.packet),
        _ => format!("no route leads {} or its replies the right way", part.packet),
    };
    if some { format!("in part: {stop}") } else { stop }
}

/// The rows that a flow comes from; of a need by hand what was written.
fn names(flow: &Flow) -> Vec<String> {
    let mut names: Vec<String> = flow
        .causes
        .iter()
        .map(|cause| cause.origin.as_ref().map_or_else(|| written(flow), |origin| origin.row.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn written(flow: &Flow) -> String {
    match (&flow.remote, &flow.group) {
        (_, Some(group)) => format!("group:{group}"),
        (Remote::Fqdn(host), _) => format!("fqdn:{host}"),
        (Remote::FqdnTag(tag), _) => format!("fqdn-tag:{tag}"),
        (Remote::Url(url), _) => format!("url:{url}"),
        (remote, _) => remote.to_string(),
    }
}

/// Where packets stop, in the words of the manifest.
fn stop_name(at: Option<At>) -> &'static str {
    match at {
        Some(At::Admin | At::Nsg) => "nsg",
        Some(At::Firewall | At::Dnat) => "firewall",
        Some(At::Outbound) => "outbound",
        Some(At::Route | At::Network) | None => "route",
    }
}
