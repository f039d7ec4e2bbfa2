//! Tables in CSV.

use std::collections::{BTreeMap, HashMap};

use super::{Files, ReadError, utf8};
use crate::verify::resources::{
    ApplicationRule, ClassicFirewall, EndpointDefinition, EndpointPolicy, FirewallRule, IpGroup, NetworkRule,
    Nsg, Resources, Route, RouteTable, RuleCollection, RuleCollectionGroup, SecurityRule,
};

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        let rows = Row::all(name, utf8(name, bytes)?)?;
        match *name {
            "nsg.csv" => security_rules(&rows, &mut resources)?,
            "route-table.csv" => routes(&rows, &mut resources)?,
            "ip-groups.csv" => ip_groups(&rows, &mut resources)?,
            "firewall.csv" if rows.first().is_some_and(|r| r.cells.contains_key("firewall")) => {
                classic_rules(&rows, &mut resources)?;
            }
            "firewall.csv" => firewall_rules(&rows, &mut resources)?,
            "service-endpoint-policy.csv" => endpoints(&rows, &mut resources)?,
            _ => return Err(ReadError::new(*name, "no table of this name is known")),
        }
    }
    Ok(resources)
}

/// A row by the names of its columns.
struct Row {
    place: String,
    cells: HashMap<String, String>,
}

impl Row {
    fn all(name: &str, text: &str) -> Result<Vec<Row>, ReadError> {
        let mut records = records(name, text)?.into_iter();
        let head = records.next().ok_or_else(|| ReadError::new(name, "there is no header"))?;
        let mut rows = Vec::new();
        for (index, record) in records.enumerate() {
            let place = format!("{name} row {}", index + 2);
            if record.len() != head.len() {
                return Err(ReadError::new(place, format!("{} cells, not {}", record.len(), head.len())));
            }
            let plain = |cell: String| cell.strip_prefix('\'').map_or(cell.clone(), str::to_owned);
            let cells = head.iter().cloned().zip(record.into_iter().map(plain)).collect();
            rows.push(Row { place, cells });
        }
        Ok(rows)
    }

    fn text(&self, column: &str) -> Result<String, ReadError> {
        let missing = || ReadError::new(&self.place, format!("there is no column {column}"));
        self.cells.get(column).cloned().ok_or_else(missing)
    }

    fn number(&self, column: &str) -> Result<i64, ReadError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| ReadError::new(&self.place, format!("{column}: {text} is no number")))
    }

    /// The parts of a cell; none where it is empty.
    fn list(&self, column: &str) -> Result<Vec<String>, ReadError> {
        let text = self.text(column)?;
        Ok(if text.is_empty() { Vec::new() } else { text.split(';').map(str::to_owned).collect() })
    }
}

/// Records of fields, as RFC 4180 has them; LF or CRLF.
fn records(name: &str, text: &str) -> Result<Vec<Vec<String>>, ReadError> {
    let mut records = Vec::new();
    let (mut record, mut field) = (Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if field.is_empty() => quoted(name, &mut rest, &mut field)?,
            ',' => record.push(std::mem::take(&mut field)),
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            '"' => return Err(ReadError::new(name, "a quote inside a field")),
            c => field.push(c),
        }
    }
    if record.is_empty() && field.is_empty() {
        Ok(records)
    } else {
        Err(ReadError::new(name, "the last row does not end"))
    }
}

/// The rest of a quoted field; a doubled quote is one.
fn quoted(
    name: &str,
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    field: &mut String,
) -> Result<(), ReadError> {
    while let Some(c) = rest.next() {
        match c {
            '"' if rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' => return Ok(()),
            c => field.push(c),
        }
    }
    Err(ReadError::new(name, "a quoted field does not end"))
}

fn security_rules(rows: &[Row], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("nsg")?;
        let rule = SecurityRule {
            name: row.text("name")?,
            description: row.text("description")?,
            priority: row.number("priority")?,
            direction: row.text("direction")?,
            access: row.text("access")?,
            protocol: row.text("protocol")?,
            sources: row.list("source")?,
            destinations: row.list("destination")?,
            source_ports: row.list("sourcePorts")?,
            destination_ports: row.list("destinationPorts")?,
        };
        match resources.nsgs.iter_mut().find(|nsg| nsg.name == name) {
            Some(nsg) => nsg.rules.push(rule),
            None => resources.nsgs.push(Nsg { name, rules: vec![rule] }),
        }
    }
    if rows.is_empty() {
        // A group without rules leaves no row that could name it.
        resources.nsgs.push(Nsg::default());
    }
    Ok(())
}

fn routes(rows: &[Row], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("routeTable")?;
        let bgp = row.text("disableBgpRoutePropagation")?;
        let disable_bgp = match bgp.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => return Err(ReadError::new(&row.place, format!("{bgp} is neither true nor false"))),
        };
        let route = Route {
            name: row.text("name")?,
            address_prefix: row.text("addressPrefix")?,
            next_hop_type: row.text("nextHopType")?,
            next_hop_address: Some(row.text("nextHopIpAddress")?).filter(|a| !a.is_empty()),
        };
        match resources.route_tables.iter_mut().find(|t| t.name == name && t.disable_bgp == disable_bgp) {
            Some(table) => table.routes.push(route),
            None => resources.route_tables.push(RouteTable { name, disable_bgp, routes: vec![route] }),
        }
    }
    Ok(())
}

fn ip_groups(rows: &[Row], resources: &mut Resources) -> Result<(), ReadError> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.text("ipGroup")?).or_default().push(row.text("ipAddress")?);
    }
    resources.ip_groups.extend(groups.into_iter().map(|(name, addresses)| IpGroup { name, addresses }));
    Ok(())
}

fn endpoints(rows: &[Row], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("serviceEndpointPolicy")?;
        let policies = &mut resources.endpoint_policies;
        let at = policies.iter().position(|p| p.name == name).unwrap_or_else(|| {
            policies.push(EndpointPolicy { name, definitions: Vec::new() });
            policies.len() - 1
        });
        let definitions = &mut policies[at].definitions;
        let (name, service) = (row.text("definition")?, row.text("service")?);
        let resource = row.text("serviceResource")?;
        match definitions.iter_mut().find(|d| d.name == name && d.service == service) {
            Some(definition) => definition.resources.push(resource),
            None => definitions.push(EndpointDefinition {
                name,
                description: row.text("description")?,
                service,
                resources: vec![resource],
            }),
        }
    }
    Ok(())
}

fn firewall_rules(rows: &[Row], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let (name, priority) = (row.text("group")?, row.number("groupPriority")?);
        let groups = &mut resources.groups;
        let at = groups.iter().position(|g| g.name == name && g.priority == priority).unwrap_or_else(|| {
            groups.push(RuleCollectionGroup { name, priority, collections: Vec::new() });
            groups.len() - 1
        });
        add_rule(row, firewall_rule(row, |column| row.list(column))?, &mut groups[at].collections)?;
    }
    Ok(())
}

fn classic_rules(rows: &[Row], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("firewall")?;
        let firewalls = &mut resources.firewalls;
        let at = firewalls.iter().position(|f| f.name == name).unwrap_or_else(|| {
            firewalls.push(ClassicFirewall { name, collections: Vec::new() });
            firewalls.len() - 1
        });
        // There are no columns for what classic rules cannot say.
        let of_policies = |column: &str| match row.cells.contains_key(column) {
            true => Err(ReadError::new(&row.place, format!("classic rules have no {column}"))),
            false => Ok(Vec::new()),
        };
        add_rule(row, firewall_rule(row, of_policies)?, &mut firewalls[at].collections)?;
    }
    Ok(())
}

/// Adds the rule of a row to its collection.
fn add_rule(row: &Row, rule: FirewallRule, collections: &mut Vec<RuleCollection>) -> Result<(), ReadError> {
    let (name, priority, action) =
        (row.text("collection")?, row.number("collectionPriority")?, row.text("action")?);
    let same = |c: &RuleCollection| c.name == name && c.priority == priority && c.action == action;
    let at = collections.iter().position(same).unwrap_or_else(|| {
        collections.push(RuleCollection { name, priority, action, rules: Vec::new() });
        collections.len() - 1
    });
    collections[at].rules.push(rule);
    Ok(())
}

/// The rule of a row; `of_policies` gives the cells that only rules of policies have.
fn firewall_rule(
    row: &Row,
    of_policies: impl Fn(&str) -> Result<Vec<String>, ReadError>,
) -> Result<FirewallRule, ReadError> {
    match row.text("ruleType")?.as_str() {
        "NetworkRule" => Ok(FirewallRule::Network(NetworkRule {
            name: row.text("name")?,
            protocols: row.list("protocols")?,
            sources: row.list("sourceAddresses")?,
            source_groups: Vec::new(),
            destinations: row.list("destinationAddresses")?,
            destination_groups: row.list("destinationIpGroups")?,
            fqdns: row.list("destinationFqdns")?,
            ports: row.list("destinationPorts")?,
        })),
        "ApplicationRule" => {
            let mut protocols = Vec::new();
            for text in row.list("protocols")? {
                let pair =
                    text.split_once(':').and_then(|(kind, port)| Some((kind.to_owned(), port.parse().ok()?)));
                protocols
                    .push(pair.ok_or_else(|| ReadError::new(&row.place, format!("{text}: not a protocol")))?);
            }
            Ok(FirewallRule::Application(ApplicationRule {
                name: row.text("name")?,
                sources: row.list("sourceAddresses")?,
                source_groups: Vec::new(),
                protocols,
                fqdns: row.list("targetFqdns")?,
                urls: of_policies("targetUrls")?,
                fqdn_tags: row.list("fqdnTags")?,
                web_categories: Vec::new(),
                terminate_tls: of_policies("terminateTLS")? == ["true"],
            }))
        }
        other => Err(ReadError::new(&row.place, format!("rules of type {other} are not read"))),
    }
}
