//! Tables in CSV: those that tagwall writes, in just that form.

use std::collections::BTreeMap;
use std::fmt::Display;

use csv::{Position, ReaderBuilder, StringRecord, WriterBuilder};

use super::error::{Files, Line, ReadError, Wrong, utf8};
use crate::read::resources::{
    ApplicationRule, ClassicFirewall, EndpointDefinition, EndpointPolicy, FirewallRule, IpGroup, NetworkRule,
    Nsg, Resources, Route, RouteTable, RuleCollection, RuleCollectionGroup, SecurityRule,
};
use crate::text::says;

/// The tables by file name, each with its columns in order.
const TABLES: [(&str, &[&str]); 6] = [
    (
        "nsg.csv",
        &[
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
        ],
    ),
    (
        "route-table.csv",
        &[
            "routeTable",
            "disableBgpRoutePropagation",
            "name",
            "addressPrefix",
            "nextHopType",
            "nextHopIpAddress",
        ],
    ),
    ("ip-groups.csv", &["ipGroup", "ipAddress"]),
    (
        "firewall.csv",
        &[
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
        ],
    ),
    // Of classic rules.
    (
        "firewall.csv",
        &[
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
        ],
    ),
    (
        "service-endpoint-policy.csv",
        &["serviceEndpointPolicy", "definition", "service", "serviceResource", "description"],
    ),
];

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        if TABLES.iter().all(|(known, _)| known != name) {
            return Err(ReadError::new(*name, "no table of this name is known"));
        }
        let table = Table::read(name, utf8(name, bytes)?)?;
        let rows = table.rows();
        match (*name, table.columns[0]) {
            ("nsg.csv", _) => security_rules(&rows, &mut resources)?,
            ("route-table.csv", _) => routes(&rows, &mut resources)?,
            ("ip-groups.csv", _) => ip_groups(&rows, &mut resources)?,
            ("firewall.csv", "firewall") => classic_rules(&rows, &mut resources)?,
            ("firewall.csv", _) => firewall_rules(&rows, &mut resources)?,
            _ => endpoints(&rows, &mut resources)?,
        }
    }
    Ok(resources)
}

/// A table with its rows.
struct Table<'a> {
    file: &'a str,
    columns: &'static [&'static str],
    records: Vec<StringRecord>,
}

impl<'a> Table<'a> {
    /// Reads a table whose header is a known one, and in which nothing is quoted that need not be: what another program
    /// wrote may have lost digits, spaces or marks before it was quoted.
    fn read(file: &'a str, text: &str) -> Result<Self, ReadError> {
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let records: Result<Vec<StringRecord>, csv::Error> = reader.records().collect();
        let mut records = records.map_err(|error| unreadable(file, &error))?;
        check_form(file, text, &records)?;
        let Some(head) = records.first() else { return Err(ReadError::new(file, "there is no header")) };
        let known =
            TABLES.iter().find(|(name, columns)| *name == file && head.iter().eq(columns.iter().copied()));
        let Some((_, columns)) = known else {
            let text =
                "the header is not the one that is written for this table, in names and order of columns";
            return Err(ReadError::new(Line(file, 1), text));
        };
        records.remove(0);
        for record in &mut records {
            *record = plain(file, record)?;
        }
        Ok(Table { file, columns, records })
    }

    fn rows(&self) -> Vec<Row<'_>> {
        self.records.iter().map(|cells| Row { table: self, cells }).collect()
    }
}

fn place<'a>(file: &'a str, position: Option<&Position>) -> Line<'a> {
    Line(file, position.map_or(1, |position| usize::try_from(position.line()).unwrap_or(usize::MAX)))
}

fn unreadable(file: &str, error: &csv::Error) -> ReadError {
    let at = place(file, error.position());
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ReadError::new(at, format_args!("{len} cells, not {expected_len}"))
        }
        other => ReadError::new(at, format_args!("{other:?}")),
    }
}

/// Refuses a text that is not just what its records are when they are written again: with blank lines, a mark at the
/// front, other ends of lines, or quotes in other places.
fn check_form(file: &str, text: &str, records: &[StringRecord]) -> Result<(), ReadError> {
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(text.len()));
    let written = records.iter().try_for_each(|record| writer.write_record(record));
    let again = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    if again == text.as_bytes() {
        return Ok(());
    }
    let same = again.iter().zip(text.as_bytes()).take_while(|(a, b)| a == b);
    let line = 1 + same.filter(|(byte, _)| **byte == b'\n').count();
    let line = line.min(text.lines().count());
    let text = "it is not in the form that is written: LF at each end of a row, no blank lines, no byte order mark, \
                and quotes only where a cell needs them";
    Err(ReadError::new(Line(file, line), text))
}

/// What a spreadsheet takes for a formula; such a cell is written with a `'` before it, and so is one that begins with `'`.
const RISKY: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The cells as they were before marks against formulas.
fn plain(file: &str, record: &StringRecord) -> Result<StringRecord, ReadError> {
    let mut found = StringRecord::with_capacity(record.as_slice().len(), record.len());
    for cell in record {
        found.push_field(match cell.strip_prefix('\'') {
            Some(rest) if rest.starts_with(RISKY) => rest,
            None if !cell.starts_with(RISKY) => cell,
            _ => {
                let at = place(file, record.position());
                return Err(ReadError::new(at, "a cell that a spreadsheet would calculate"));
            }
        });
    }
    found.set_position(record.position().cloned());
    Ok(found)
}

/// A row by the names of its columns.
struct Row<'t> {
    table: &'t Table<'t>,
    cells: &'t StringRecord,
}

impl<'t> Row<'t> {
    fn error(&self, message: impl Display) -> ReadError {
        ReadError::new(place(self.table.file, self.cells.position()), message)
    }

    fn has(&self, column: &str) -> bool {
        self.table.columns.contains(&column)
    }

    fn cell(&self, column: &'static str) -> Result<&'t str, ReadError> {
        let at = self.table.columns.iter().position(|known| *known == column);
        let cell = at.and_then(|at| self.cells.get(at));
        cell.ok_or_else(|| self.error(Wrong::NoSuch("column", column)))
    }

    fn text(&self, column: &'static str) -> Result<String, ReadError> {
        self.cell(column).map(str::to_owned)
    }

    fn number(&self, column: &'static str) -> Result<i64, ReadError> {
        let text = self.cell(column)?;
        let number = text.parse().ok().filter(|number: &i64| says(text, number));
        number.ok_or_else(|| self.error(format_args!("{column}: {}", Wrong::IsNo(text, "number"))))
    }

    /// The parts of a cell; none where it is empty.
    fn list(&self, column: &'static str) -> Result<Vec<String>, ReadError> {
        let text = self.cell(column)?;
        let parts = if text.is_empty() { Vec::new() } else { self.parts(text)? };
        match parts.iter().any(|part| part.is_empty() || part.trim() != part) {
            true => Err(self.error(format_args!("{column}: an item is empty, or has blanks around it"))),
            false => Ok(parts),
        }
    }

    /// The parts between `;`; one that has a `;` or quote itself stands in quotes.
    fn parts(&self, text: &str) -> Result<Vec<String>, ReadError> {
        if !text.contains('"') {
            return Ok(text.split(';').map(str::to_owned).collect());
        }
        let mut reader = ReaderBuilder::new().has_headers(false).delimiter(b';').from_reader(text.as_bytes());
        let records: Vec<StringRecord> = reader.records().filter_map(Result::ok).collect();
        let mut writer = WriterBuilder::new().delimiter(b';').from_writer(Vec::with_capacity(text.len() + 1));
        let written = records.iter().try_for_each(|record| writer.write_record(record));
        let again = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
        match records.as_slice() {
            [record] if again.strip_suffix(b"\n") == Some(text.as_bytes()) => {
                Ok(record.iter().map(str::to_owned).collect())
            }
            _ => Err(self.error("a list is not quoted in the form that is written")),
        }
    }
}

/// Refuses a rule that says something in columns which are not for its type.
fn empty(row: &Row<'_>, columns: &[&'static str]) -> Result<(), ReadError> {
    for column in columns.iter().filter(|column| row.has(column)) {
        if !row.cell(column)?.is_empty() {
            return Err(row.error(format_args!("rules of this type have no {column}")));
        }
    }
    Ok(())
}

fn security_rules(rows: &[Row<'_>], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("nsg")?;
        let rule = SecurityRule {
            name: row.text("name")?,
            description: row.text("description")?,
            priority: row.number("priority")?,
            direction: row.text("direction")?.into(),
            access: row.text("access")?.into(),
            protocol: row.text("protocol")?.into(),
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

fn routes(rows: &[Row<'_>], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("routeTable")?;
        let bgp = row.cell("disableBgpRoutePropagation")?;
        let disable_bgp = match bgp {
            "true" => Some(true),
            "false" => Some(false),
            _ => return Err(row.error(format_args!("{bgp} is neither true nor false"))),
        };
        let route = Route {
            name: row.text("name")?,
            address_prefix: row.text("addressPrefix")?,
            next_hop_type: row.text("nextHopType")?,
            next_hop_address: Some(row.text("nextHopIpAddress")?).filter(|a| !a.is_empty()),
        };
        match resources.route_tables.iter_mut().find(|t| t.name == name && t.disable_bgp == disable_bgp) {
            Some(table) => table.routes.push(route),
            None => resources.route_tables.push(RouteTable {
                name,
                disable_bgp,
                disable_peering_route: None,
                routes: vec![route],
            }),
        }
    }
    Ok(())
}

fn ip_groups(rows: &[Row<'_>], resources: &mut Resources) -> Result<(), ReadError> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.text("ipGroup")?).or_default().push(row.text("ipAddress")?);
    }
    resources.ip_groups.extend(groups.into_iter().map(|(name, addresses)| IpGroup {
        name,
        id: None,
        addresses,
    }));
    Ok(())
}

fn endpoints(rows: &[Row<'_>], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("serviceEndpointPolicy")?;
        let policies = &mut resources.endpoint_policies;
        let at = policies.iter().position(|p| p.name == name).unwrap_or_else(|| {
            policies.push(EndpointPolicy { name, ..EndpointPolicy::default() });
            policies.len() - 1
        });
        let definitions = &mut policies[at].definitions;
        let (name, service) = (row.text("definition")?, row.text("service")?);
        let resource = row.text("serviceResource")?;
        match definitions.iter_mut().find(|d| d.name == name && d.service == service) {
            Some(definition) if definition.description == row.cell("description")? => {
                definition.resources.push(resource);
            }
            Some(_) => return Err(row.error("the description of a definition differs from row to row")),
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

fn firewall_rules(rows: &[Row<'_>], resources: &mut Resources) -> Result<(), ReadError> {
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

fn classic_rules(rows: &[Row<'_>], resources: &mut Resources) -> Result<(), ReadError> {
    for row in rows {
        let name = row.text("firewall")?;
        let firewalls = &mut resources.firewalls;
        let at = firewalls.iter().position(|f| f.name == name).unwrap_or_else(|| {
            firewalls.push(ClassicFirewall { name, collections: Vec::new() });
            firewalls.len() - 1
        });
        // There are no columns for what classic rules cannot say.
        add_rule(row, firewall_rule(row, |_| Ok(Vec::new()))?, &mut firewalls[at].collections)?;
    }
    Ok(())
}

/// Adds the rule of a row to its collection.
fn add_rule(
    row: &Row<'_>,
    rule: FirewallRule,
    collections: &mut Vec<RuleCollection>,
) -> Result<(), ReadError> {
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
    row: &Row<'_>,
    of_policies: impl Fn(&'static str) -> Result<Vec<String>, ReadError>,
) -> Result<FirewallRule, ReadError> {
    match row.cell("ruleType")? {
        "NetworkRule" => {
            empty(row, &["targetFqdns", "targetUrls", "fqdnTags", "terminateTLS"])?;
            Ok(FirewallRule::Network(NetworkRule {
                name: row.text("name")?,
                protocols: row.list("protocols")?,
                sources: row.list("sourceAddresses")?,
                source_groups: Vec::new(),
                destinations: row.list("destinationAddresses")?,
                destination_groups: row.list("destinationIpGroups")?,
                fqdns: row.list("destinationFqdns")?,
                ports: row.list("destinationPorts")?,
            }))
        }
        "ApplicationRule" => {
            empty(
                row,
                &["destinationAddresses", "destinationIpGroups", "destinationFqdns", "destinationPorts"],
            )?;
            let mut protocols = Vec::new();
            for text in row.list("protocols")? {
                let pair =
                    text.split_once(':').and_then(|(kind, text)| Some((kind, text, text.parse().ok()?)));
                let pair = pair.filter(|(_, text, port): &(&str, &str, u16)| says(text, port));
                let (kind, _, port) =
                    pair.ok_or_else(|| row.error(format_args!("{text}: not a protocol")))?;
                protocols.push((kind.to_owned(), port));
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
                terminate_tls: match of_policies("terminateTLS")?.as_slice() {
                    [] => false,
                    [yes] if yes == "true" => true,
                    _ => return Err(row.error("terminateTLS is neither true nor empty")),
                },
            }))
        }
        other => Err(row.error(Wrong::Type("rules", other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "ipGroup,ipAddress\na,203.0.113.0/24\nb,198.51.100.0/24\n";

    fn error(name: &str, text: &str) -> String {
        read(&[(name, text.as_bytes())]).unwrap_err().to_string()
    }

    #[test]
    fn only_the_form_that_is_written_is_read() {
        let found = read(&[("ip-groups.csv", GROUPS.as_bytes())]).unwrap();
        assert_eq!(found.ip_groups[1].addresses, ["198.51.100.0/24"]);
        let line = |text: String| error("ip-groups.csv", &text).split(':').next().unwrap().to_owned();
        for (changed, expected) in [
            (GROUPS.replace('\n', "\r\n"), 1),
            (format!("\u{feff}{GROUPS}"), 1),
            (GROUPS.replace("a,", "\"a\","), 2),
            (GROUPS.replace("b,", "\nb,"), 3),
            (GROUPS.trim_end().to_owned(), 3),
            (format!("{GROUPS}\n"), 4),
            (GROUPS.replace("b,", "b,\""), 3),
            (GROUPS.replace("b,", "b\","), 3),
        ] {
            assert_eq!(line(changed.clone()), format!("ip-groups.csv line {expected}"), "{changed:?}");
        }
        assert!(error("ip-groups.csv", &GROUPS.replace("b,", "b,c,")).contains("line 3: 3 cells, not 2"));
        assert!(error("ip-groups.csv", "").contains("no header"));
        for head in
            ["ipAddress,ipGroup", "ipGroup,ipAddress,note", "ipGroup", "ipGroup,ipgroup", "ipGroup,ipGroup"]
        {
            let text = GROUPS.replace("ipGroup,ipAddress", head);
            let text = if head.matches(',').count() == 1 { text } else { format!("{head}\n") };
            assert!(error("ip-groups.csv", &text).contains("line 1: the header"), "{head}");
        }
        assert!(error("more.csv", GROUPS).contains("no table of this name"));
    }

    #[test]
    fn items_of_lists_may_have_semicolons() {
        let rule = |cell: &str| {
            let head = TABLES[3].1.join(",");
            let cell = if cell.contains('"') {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.to_owned()
            };
            let text = format!("{head}\ng,1,c,1,Allow,ApplicationRule,r,Https:443,*,,,,,,{cell},,true,\n");
            read(&[("firewall.csv", text.as_bytes())]).map(|found| {
                let [FirewallRule::Application(rule)] = &found.groups[0].collections[0].rules[..] else {
                    panic!()
                };
                rule.urls.clone()
            })
        };
        assert_eq!(rule("a;b"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(rule("a;\"b;c\";\"d\"\"e\"").unwrap(), ["a", "b;c", "d\"e"]);
        for wrong in ["a;\"b\"", "a;\"b;c", "a;b\"c", "a;\"b;c\"d", "\"a;b\"\n\"c;d\""] {
            let error = rule(wrong).unwrap_err().to_string();
            assert_eq!(
                error, "firewall.csv line 2: a list is not quoted in the form that is written",
                "{wrong}"
            );
        }
    }

    #[test]
    fn cells_that_a_spreadsheet_would_calculate_are_refused() {
        let name = |name: &str| {
            let text = GROUPS.replace("b,", &format!("{name},"));
            read(&[("ip-groups.csv", text.as_bytes())]).map(|found| found.ip_groups[0].name.clone())
        };
        assert_eq!(name("'=1+1").as_deref(), Ok("=1+1"));
        assert_eq!(name("''b").as_deref(), Ok("'b"));
        for wrong in ["=1+1", "@b", "-1", "'b", "'"] {
            let found = name(wrong).unwrap_err().to_string();
            assert_eq!(found, "ip-groups.csv line 3: a cell that a spreadsheet would calculate", "{wrong}");
        }
    }
}
