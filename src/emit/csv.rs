//! Tables in CSV (RFC 4180): UTF-8, LF, a header, one row for each rule, route or entry; lists joined by `;`,
//! items that have one themselves in quotes.

use std::borrow::Cow;

use super::words::{self, AppDestination, NetworkDestination};
use super::{Artefact, Format, Options};
use crate::plan::{
    ApplicationRule, ClassicFirewall, EndpointPolicy, Firewall, FirewallRules, IpGroup, NetworkRule, Nsg,
    PlanParts, RouteTable, RuleCollection,
};
use crate::target::Part;

const NSG: [&str; 11] = [
    "nsg",
    "direction",
    "priority",
    "name",
    "access",
    "protocol",
    "source",
    "sourcePorts",
    "destination",
    "destinationPorts",
    "description",
];
const ROUTES: [&str; 6] =
    ["routeTable", "disableBgpRoutePropagation", "name", "addressPrefix", "nextHopType", "nextHopIpAddress"];
const IP_GROUPS: [&str; 2] = ["ipGroup", "ipAddress"];
const ENDPOINTS: [&str; 5] =
    ["serviceEndpointPolicy", "definition", "service", "serviceResource", "description"];
const FIREWALL: [&str; 18] = [
    "group",
    "groupPriority",
    "collection",
    "collectionPriority",
    "action",
    "ruleType",
    "name",
    "protocols",
    "sourceAddresses",
    "destinationAddresses",
    "destinationIpGroups",
    "destinationFqdns",
    "destinationPorts",
    "targetFqdns",
    "targetUrls",
    "fqdnTags",
    "terminateTLS",
    "description",
];

/// Classic rules have no groups, and no URLs.
const CLASSIC: [&str; 15] = [
    "firewall",
    "collection",
    "collectionPriority",
    "action",
    "ruleType",
    "name",
    "protocols",
    "sourceAddresses",
    "destinationAddresses",
    "destinationIpGroups",
    "destinationFqdns",
    "destinationPorts",
    "targetFqdns",
    "fqdnTags",
    "description",
];

/// `ip-groups.csv`, `firewall.csv`, `nsg.csv`, `service-endpoint-policy.csv`, `route-table.csv`.
#[derive(Debug, Clone, Copy)]
pub struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn render(&self, plan: &PlanParts, _: &Options) -> Vec<Artefact> {
        let mut files = Vec::new();
        let mut file = |part: Part, head: &[&str], rows: Vec<Vec<String>>| {
            files.push(Artefact::of_part(part, None, ".csv", table(head, &rows)));
        };
        if !plan.ip_groups.is_empty() {
            file(Part::IpGroups, &IP_GROUPS, ip_groups(&plan.ip_groups));
        }
        if let Some(firewall) = plan.firewall.as_ref().filter(|f| !f.groups.is_empty()) {
            file(Part::Firewall, &FIREWALL, firewall_rows(firewall));
        }
        if let Some(firewall) = plan.classic_firewall.as_ref().filter(|f| !f.collections.is_empty()) {
            file(Part::Firewall, &CLASSIC, classic_rows(firewall));
        }
        if !plan.nsgs.is_empty() {
            file(Part::Nsg, &NSG, plan.nsgs.iter().flat_map(nsg_rows).collect());
        }
        if !plan.endpoint_policies.is_empty() {
            file(Part::ServiceEndpointPolicy, &ENDPOINTS, endpoints(&plan.endpoint_policies));
        }
        if !plan.route_tables.is_empty() {
            file(Part::RouteTable, &ROUTES, plan.route_tables.iter().flat_map(routes).collect());
        }
        files
    }
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = writer.write_record(head);
    let all = rows.iter().fold(head, |before, row| {
        before.and_then(|()| writer.write_record(row.iter().map(|cell| safe(cell).into_owned())))
    });
    all.expect("each row has as many cells as the header, and memory takes them");
    let bytes = writer.into_inner().expect("memory takes what is left to write");
    String::from_utf8(bytes).expect("cells are text")
}

/// A spreadsheet takes what begins with one of these as a formula; a `'` before it makes it text. What begins with `'`
/// gets one more, so that the reader can tell them apart.
fn safe(cell: &str) -> Cow<'_, str> {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']);
    if risky { format!("'{cell}").into() } else { cell.into() }
}

/// Items of a list, `;` between them; one that has a `;` or quote itself, as paths of URLs may, is quoted in the cell.
fn joined<T: ToString>(items: &[T]) -> String {
    let quoted = |text: String| match text.contains([';', '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    };
    words::texts(items).into_iter().map(quoted).collect::<Vec<_>>().join(";")
}

fn nsg_rows(nsg: &Nsg) -> Vec<Vec<String>> {
    let row = |rule: &crate::plan::NsgRule| {
        vec![
            nsg.name.clone(),
            words::direction(rule.direction).to_owned(),
            rule.priority.to_string(),
            rule.name.clone(),
            words::access(rule.action).to_owned(),
            words::protocol(rule.protocol).to_owned(),
            words::side(&rule.source).join(";"),
            "*".to_owned(),
            words::side(&rule.destination).join(";"),
            rule.ports.ranges().join(";"),
            rule.description.clone(),
        ]
    };
    nsg.rules.iter().map(row).collect()
}

fn routes(table: &RouteTable) -> Vec<Vec<String>> {
    let row = |route: &crate::plan::Route| {
        let (kind, address) = words::next_hop(route.next_hop);
        vec![
            table.name.clone(),
            table.disable_bgp.to_string(),
            route.name.clone(),
            route.to.to_string(),
            kind.to_owned(),
            address.unwrap_or_default(),
        ]
    };
    table.routes.iter().map(row).collect()
}

fn ip_groups(groups: &[IpGroup]) -> Vec<Vec<String>> {
    let rows = |group: &IpGroup| {
        let name = group.name.clone();
        group.prefixes.iter().map(move |p| vec![name.clone(), p.to_string()]).collect::<Vec<_>>()
    };
    groups.iter().flat_map(rows).collect()
}

fn endpoints(policies: &[EndpointPolicy]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for policy in policies {
        for definition in &policy.definitions {
            for resource in &definition.resources {
                rows.push(vec![
                    policy.name.clone(),
                    definition.name.clone(),
                    definition.service.clone(),
                    resource.clone(),
                    definition.description.clone(),
                ]);
            }
        }
    }
    rows
}

fn firewall_rows(firewall: &Firewall) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for group in &firewall.groups {
        for collection in &group.collections {
            rows.extend(collection_rows(&[group.name.clone(), group.priority.to_string()], collection));
        }
    }
    rows
}

/// The rows of a collection, all of which begin with `head`.
fn collection_rows(head: &[String], collection: &RuleCollection) -> Vec<Vec<String>> {
    let own = [
        collection.name.clone(),
        collection.priority.to_string(),
        words::access(collection.action).to_owned(),
    ];
    let ends: Vec<Vec<String>> = match &collection.rules {
        FirewallRules::Network(rules) => rules.iter().map(network_cells).collect(),
        FirewallRules::Application(rules) => rules.iter().map(application_cells).collect(),
    };
    ends.into_iter().map(|end| head.iter().chain(&own).cloned().chain(end).collect()).collect()
}

/// The same cells as in a policy, without those that classic rules have no use for.
fn classic_rows(firewall: &ClassicFirewall) -> Vec<Vec<String>> {
    let kept: Vec<bool> = FIREWALL.iter().skip(2).map(|column| CLASSIC.contains(column)).collect();
    let rows = |collection| collection_rows(&[], collection).into_iter();
    let pick = |row: Vec<String>| {
        let cells = row.into_iter().zip(&kept).filter_map(|(cell, kept)| kept.then_some(cell));
        std::iter::once(firewall.name.clone()).chain(cells).collect()
    };
    firewall.collections.iter().flat_map(rows).map(pick).collect()
}

fn network_cells(rule: &NetworkRule) -> Vec<String> {
    let destination = NetworkDestination::of(rule);
    let protocols: Vec<&str> = rule.protocols.iter().map(|&p| words::network_protocol(p)).collect();
    vec![
        "NetworkRule".to_owned(),
        rule.name.clone(),
        joined(&protocols),
        joined(&rule.sources),
        joined(&destination.addresses),
        joined(&destination.groups),
        joined(&destination.fqdns),
        rule.ports.ranges().join(";"),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        rule.description.clone(),
    ]
}

fn application_cells(rule: &ApplicationRule) -> Vec<String> {
    let destination = AppDestination::of(&rule.to);
    let protocols: Vec<String> = rule
        .protocols
        .iter()
        .map(|&(protocol, port)| format!("{}:{port}", words::app_protocol(protocol)))
        .collect();
    vec![
        "ApplicationRule".to_owned(),
        rule.name.clone(),
        joined(&protocols),
        joined(&rule.sources),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        joined(&destination.fqdns),
        joined(&destination.urls),
        joined(&destination.tags),
        if destination.urls.is_empty() { String::new() } else { "true".to_owned() },
        rule.description.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_safe() {
        let cell = |text: &str| {
            let written = table(&["a", "b"], &[vec!["x".to_owned(), text.to_owned()]]);
            written
                .strip_prefix("a,b\nx,")
                .and_then(|cell| cell.strip_suffix('\n'))
                .map(str::to_owned)
                .unwrap()
        };
        assert_eq!(cell("plain text"), "plain text");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"so\""), "\"say \"\"so\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@x,y"), "\"'@x,y\"");
        assert_eq!(cell("'quoted'"), "''quoted'");
        assert_eq!(cell("*"), "*");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
        assert_eq!(cell("\rb"), "\"'\rb\"");
        assert_eq!(cell(" a # b "), " a # b ");
        assert_eq!(cell(""), "");
        assert_eq!(joined(&["a", "b;c", "d\"e"]), "a;\"b;c\";\"d\"\"e\"");
    }
}
