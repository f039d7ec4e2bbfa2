//! What Azure recorded: flow logs, answers of its diagnostics, rules of a network manager.

use std::sync::Arc;

use super::model::{FlowTuple, LiveAdminRule, RecordedAnswer};
use super::names::{last_part, name_of};
use super::view::View;
use crate::read::resources::SecurityRule;

/// Adds the tuples of a record, and of records in it. How many lines are not understood.
pub(super) fn flows(view: &View<'_>, found: &mut Vec<FlowTuple>) -> usize {
    let mut odd = 0;
    for record in view.own("records").map(|list| list.items()).unwrap_or_default() {
        odd += flows(&record, found);
    }
    let resource: Arc<str> = ["resourceid", "targetresourceid"]
        .iter()
        .find_map(|key| view.text_of(key))
        .unwrap_or_default()
        .into();
    // Version 1 and 2: a group's rules, each with its interfaces.
    for by_rule in view.get("flows").map(|list| list.items()).unwrap_or_default() {
        let rule: Arc<str> = by_rule.text_of("rule").unwrap_or_default().into();
        for by_interface in by_rule.own("flows").map(|list| list.items()).unwrap_or_default() {
            odd += tuples(&by_interface, &rule, &resource, found);
        }
    }
    // Version 4: lists by their ids, each with its rules.
    let by_list = view.own("flowrecords").and_then(|records| records.own("flows")).map(|list| list.items());
    for list in by_list.unwrap_or_default() {
        let resource = list.text_of("aclid").map_or_else(|| resource.clone(), Arc::from);
        for group in list.own("flowgroups").map(|list| list.items()).unwrap_or_default() {
            let rule: Arc<str> = group.text_of("rule").unwrap_or_default().into();
            odd += tuples(&group, &rule, &resource, found);
        }
    }
    odd
}

fn tuples(view: &View<'_>, rule: &Arc<str>, resource: &Arc<str>, found: &mut Vec<FlowTuple>) -> usize {
    let mut odd = 0;
    for text in view.own("flowtuples").map(|list| list.flat_texts()).unwrap_or_default() {
        match flow_tuple(&text) {
            Some(tuple) => found.push(FlowTuple { rule: rule.clone(), resource: resource.clone(), ..tuple }),
            None => odd += 1,
        }
    }
    odd
}

/// Reads a line of a flow log: 8 fields in version 1, 13 in version 2 and 4. Seconds have ten digits, milliseconds thirteen.
pub fn flow_tuple(text: &str) -> Option<FlowTuple> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let [time, source, destination, source_port, destination_port, protocol, way, state, rest @ ..] =
        fields.as_slice()
    else {
        return None;
    };
    let time: i64 = time.parse().ok()?;
    let protocol = match *protocol {
        "T" => 6,
        "U" => 17,
        number => number.parse().ok()?,
    };
    // In version 2 the decision and the state are two fields; a flow that was denied has no state.
    let state = match (*state, rest) {
        ("A", [state, ..]) if state.len() == 1 => state.chars().next()?,
        (state, _) => state.chars().next()?,
    };
    let bytes = [2, 4].map(|at| rest.get(at).and_then(|text| text.parse::<u64>().ok()));
    Some(FlowTuple {
        time_ms: if time < 100_000_000_000 { time.checked_mul(1000)? } else { time },
        source: (*source).to_owned(),
        destination: (*destination).to_owned(),
        source_port: source_port.parse().ok()?,
        destination_port: destination_port.parse().ok()?,
        protocol,
        inbound: way.eq_ignore_ascii_case("I"),
        state,
        bytes: bytes[0].zip(bytes[1]).and_then(|(a, b)| a.checked_add(b)),
        ..FlowTuple::default()
    })
}

/// Whether an object is a security admin rule: its sides are lists of typed prefixes.
pub(super) fn is_admin_rule(view: &View<'_>) -> bool {
    view.get("sources").is_some() && view.get("destinations").is_some() && view.get("access").is_some()
}

/// Reads a security admin rule.
pub(super) fn admin_rule(view: &View<'_>) -> LiveAdminRule {
    let side = |key: &str| {
        let items = view.get(key).map(|list| list.items()).unwrap_or_default();
        items.iter().filter_map(|item| item.text_of("addressprefix")).collect()
    };
    let or_any = |ports: Vec<String>| if ports.is_empty() { vec!["*".to_owned()] } else { ports };
    LiveAdminRule {
        rule: SecurityRule {
            name: view.text_of("displayname").unwrap_or_else(|| name_of(view)),
            description: view.text_of("description").unwrap_or_default(),
            priority: view.number_of("priority").unwrap_or(-1),
            direction: view.text_of("direction").unwrap_or_default().into(),
            access: view.text_of("access").unwrap_or_default().into(),
            protocol: view.text_of("protocol").unwrap_or_default().into(),
            sources: side("sources"),
            destinations: side("destinations"),
            source_ports: or_any(view.texts(&["sourceportranges"])),
            destination_ports: or_any(view.texts(&["destinationportranges"])),
        },
        place: view.place(),
    }
}

/// Reads one answer of network diagnostics.
pub(super) fn answer(view: &View<'_>) -> Option<RecordedAnswer> {
    let result = view.own("networksecuritygroupresult")?;
    let profile = view.own("profile")?;
    let asked = ["source", "destination", "protocol", "destinationport", "direction"];
    let mut answer = RecordedAnswer {
        asked: asked.map(|key| profile.text_of(key).unwrap_or_default()),
        verdict: result.text_of("securityruleaccessresult").unwrap_or_default(),
        place: view.place(),
        ..RecordedAnswer::default()
    };
    for step in result.own("evaluatednetworksecuritygroups").map(|list| list.items()).unwrap_or_default() {
        let id = step.text_of("networksecuritygroupid").unwrap_or_default();
        let kind = if id.to_ascii_lowercase().contains("/networkmanagers/") { "manager" } else { "group" };
        let matched = step.own("matchedrule");
        let of = |key: &str| matched.as_ref().and_then(|rule| rule.text_of(key)).unwrap_or_default();
        answer.steps.push([kind.to_owned(), last_part(&id).to_owned(), of("rulename"), of("action")]);
    }
    Some(answer)
}
