//! One catalogue file, read and checked as far as it can be on its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::alias::{AbsentTag, AliasRule};
use super::check::Check;
use super::dated::{DatedFact, Dates};
use super::fields::{CatalogProblem, CatalogReader, Fields, Place, Value};
use super::file_problem::FileProblem;
use super::form_problem::What;
use super::fqdn_tags::FqdnTag;
use super::managed::{ManagedRow, ManagedSide, ManagedWhat, PrioritySpec, RuleSpec};
use super::option::OptionSpec;
use super::outside::OutsideTag;
use super::read_option::read_option;
use super::template::Template;
use super::when::Condition;
use super::workload::*;
use crate::limits::nsg_priorities;
use crate::packet::{Direction, NextHop, Ports, Protocol};
use crate::tags::{Cloud, Regions};

/// What one file says. Rows of several files may belong to one workload.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) draft: Option<Draft>,
    pub(super) sources: BTreeMap<String, String>,
    pub(super) risks: Vec<Risk>,
    pub(super) aliases: Vec<AliasRule>,
    pub(super) absent: Vec<AbsentTag>,
    pub(super) events: Vec<DatedFact>,
    pub(super) outside: Vec<OutsideTag>,
    pub(super) fqdn_tags: Vec<FqdnTag>,
}

/// A workload as one or more files have it, before names are looked up across files.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) beyond_article: Option<bool>,
    pub(super) clouds: Option<Vec<Cloud>>,
    pub(super) include: Vec<String>,
    pub(super) options: Vec<OptionSpec>,
    pub(super) preconditions: Vec<Precondition>,
    pub(super) rows: Vec<Row>,
    pub(super) managed: Vec<ManagedRow>,
    pub(super) endpoint_policies: Vec<EndpointPolicySpec>,
}

/// Reads `text`; what is wrong is added to `problems`.
pub(super) fn read(name: &str, text: &str, problems: &mut Vec<CatalogProblem>) -> File {
    let mut reader = CatalogReader::new(name, text);
    let document = reader.document();
    let mut file = File::default();
    if reader.problems.is_empty() {
        let fields = Fields::new(document.get_ref(), document.span());
        read_file(&mut reader, fields, &mut file);
    }
    problems.append(&mut reader.problems);
    file
}

fn read_file<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>, file: &mut File) {
    if let Some(value) = fields.take("sources") {
        for (key, _, value) in
            reader.table(What::Key("sources"), value).map(|f| f.entries()).unwrap_or_default()
        {
            if let Some(text) = reader.text(What::Words(key), value) {
                file.sources.insert(key.to_owned(), text);
            }
        }
    }
    for mut risk in tables(reader, &mut fields, "risk") {
        file.risks.push(Risk {
            id: risk.required_text(reader, "id"),
            text: risk.required_text(reader, "text"),
            advice: risk.required_text(reader, "advice"),
        });
        risk.finish(reader);
    }
    for (key, hosts) in [("alias", false), ("host-alias", true)] {
        for mut alias in tables(reader, &mut fields, key) {
            file.aliases.push(AliasRule {
                hosts,
                written: alias.required_text(reader, "written"),
                name: alias.required_text(reader, "name"),
                note: alias.required_text(reader, "note"),
            });
            alias.finish(reader);
        }
    }
    for absent in tables(reader, &mut fields, "absent") {
        file.absent.extend(read_absent(reader, absent));
    }
    for event in tables(reader, &mut fields, "event") {
        file.events.extend(DatedFact::read(reader, event));
    }
    for outside in tables(reader, &mut fields, "outside") {
        file.outside.push(OutsideTag::read(reader, outside));
    }
    for tag in tables(reader, &mut fields, "fqdn-tag") {
        file.fqdn_tags.push(FqdnTag::read(reader, tag));
    }
    read_workload(reader, fields, file);
}

fn tables<'v, 't>(
    reader: &mut CatalogReader<'t>,
    fields: &mut Fields<'v, 't>,
    key: &'static str,
) -> Vec<Fields<'v, 't>> {
    let value = fields.take(key);
    reader.tables(key, value)
}

fn read_absent<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> Option<AbsentTag> {
    let cloud = fields.required_text(reader, "cloud");
    let found = Cloud::find(&cloud);
    if found.is_none() {
        reader.problem(fields.span.clone(), FileProblem::Cloud(&cloud));
    }
    let absent = found.map(|cloud| AbsentTag {
        cloud,
        tags: fields.plain_texts(reader, "tags"),
        covered_by: fields.text(reader, "covered-by"),
        note: fields.required_text(reader, "note"),
    });
    fields.finish(reader);
    absent
}

fn read_workload<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>, file: &mut File) {
    let place = reader.place(&fields.take("name").map_or(0..0, Spanned::span));
    let name = fields.text(reader, "name");
    let mut draft = Draft {
        name: name.clone().unwrap_or_default(),
        place,
        title: fields.text(reader, "title"),
        summary: fields.text(reader, "summary"),
        beyond_article: fields.flag(reader, "beyond-article"),
        clouds: read_clouds(reader, &mut fields),
        include: fields.plain_texts(reader, "include"),
        options: tables(reader, &mut fields, "option").into_iter().map(|f| read_option(reader, f)).collect(),
        preconditions: read_preconditions(reader, &mut fields),
        rows: Vec::new(),
        managed: Vec::new(),
        endpoint_policies: Vec::new(),
    };
    for row in tables(reader, &mut fields, "row") {
        draft.rows.extend(read_row(reader, row));
    }
    for rule in tables(reader, &mut fields, "managed") {
        draft.managed.extend(read_managed(reader, rule));
    }
    for policy in tables(reader, &mut fields, "endpoint-policy") {
        draft.endpoint_policies.push(read_endpoint_policy(reader, policy));
    }
    let span = fields.span.clone();
    fields.finish(reader);
    let says_something = !draft.rows.is_empty() || !draft.options.is_empty() || draft.title.is_some();
    match name {
        Some(_) => file.draft = Some(draft),
        None if says_something => reader.problem(span.start..span.start, "`name` of the workload is missing"),
        None => {}
    }
}

fn read_clouds<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Option<Vec<Cloud>> {
    let names = fields.texts(reader, "clouds");
    let mut clouds: Vec<Cloud> = Vec::new();
    for (name, span) in &names {
        match Cloud::find(name) {
            Some(cloud) => clouds.push(cloud),
            None => reader.problem(span.clone(), FileProblem::Cloud(name)),
        }
    }
    (!names.is_empty()).then_some(clouds)
}

fn read_preconditions<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Vec<Precondition> {
    let Some(value) = fields.take("preconditions") else { return Vec::new() };
    let DeValue::Array(list) = value.get_ref() else {
        reader.problem(value.span(), "`preconditions` is a list");
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in list.iter() {
        if let DeValue::String(text) = item.get_ref() {
            all.push(Precondition { text: text.to_string(), when: Vec::new(), check: None });
        } else if let Some(mut fields) = reader.table(What::Words("a precondition with conditions"), item) {
            let when = read_when(reader, &mut fields);
            let check = fields.texts(reader, "check").into_iter().find_map(|(text, span)| {
                let found = Check::parse(&text);
                found.map_err(|error| reader.problem(span, error)).ok()
            });
            all.push(Precondition { text: fields.required_text(reader, "text"), when, check });
            fields.finish(reader);
        }
    }
    all
}

fn read_when<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (text, span) in fields.texts(reader, "when") {
        match Condition::parse(&text) {
            Ok(condition) => conditions.push(condition),
            Err(error) => reader.problem(span, error),
        }
    }
    conditions
}

fn read_row<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> Option<Row> {
    let place = reader.place(&fields.span);
    let id = fields.required_text(reader, "id");
    let next_hop = read_next_hop(reader, &mut fields);
    let row = Row {
        place,
        direction: read_direction(reader, &mut fields, next_hop.is_some()),
        remotes: read_remotes(reader, &mut fields),
        flows: read_flows(reader, &mut fields, next_hop.is_some()),
        next_hop,
        required: fields.flag(reader, "required").unwrap_or(false),
        on_request: fields.flag(reader, "on-request").unwrap_or(false),
        when: read_when(reader, &mut fields),
        instead_of: fields.plain_texts(reader, "instead-of"),
        covering_tag: read_covering_tag(reader, &mut fields),
        remotes_of: fields.text(reader, "remotes-of"),
        absent: read_not_in(reader, &mut fields),
        dates: Dates::read(reader, &mut fields),
        purpose: fields.required_text(reader, "purpose"),
        sources: fields.plain_texts(reader, "source"),
        risk_ids: fields.plain_texts(reader, "risks"),
        risks: Vec::new(),
        notes: fields.plain_texts(reader, "notes"),
        id,
    };
    check_row(reader, &fields.span, &row);
    fields.finish(reader);
    (!row.id.is_empty()).then_some(row)
}

fn check_row(reader: &mut CatalogReader<'_>, span: &Range<usize>, row: &Row) {
    if row.remotes.is_empty() && row.remotes_of.is_none() {
        reader.problem(span.clone(), FileProblem::NoRemote(&row.id));
    }
    if row.id.contains('/') || row.id.contains(char::is_whitespace) {
        reader.problem(span.clone(), FileProblem::RowId(&row.id));
    }
    if row.sources.is_empty() {
        reader.problem(span.clone(), FileProblem::NoSource(&row.id));
    }
    let protocols: BTreeSet<Protocol> = row.flows.iter().map(|flow| flow.protocol).collect();
    if protocols.len() < row.flows.len() {
        reader.problem(span.clone(), FileProblem::ProtocolTwice(&row.id));
    }
}

fn read_next_hop<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Option<RouteHop> {
    let (name, span) = fields.texts(reader, "next-hop").into_iter().next()?;
    let found = RouteHop::ALL.into_iter().find(|hop| hop.name() == name);
    if found.is_none() {
        reader.problem(span, FileProblem::NextHop(&name));
    }
    found
}

fn read_direction<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>, route: bool) -> Direction {
    match fields.texts(reader, "direction").into_iter().next() {
        Some((text, _)) if text == "inbound" => Direction::Inbound,
        Some((text, _)) if text == "outbound" => Direction::Outbound,
        None if route => Direction::Outbound,
        None => {
            reader.problem(fields.span.clone(), "`direction` is missing: inbound or outbound");
            Direction::Outbound
        }
        Some((text, span)) => {
            reader.problem(span, FileProblem::Direction(&text));
            Direction::Outbound
        }
    }
}

fn read_flows<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>, route: bool) -> Vec<Flow> {
    let texts = fields.texts(reader, "flows");
    if route {
        if let Some((_, span)) = texts.into_iter().next() {
            reader.problem(span, "a route has no `flows`: it carries every protocol and port");
        }
        return vec![Flow { protocol: Protocol::Any, ports: template(reader, &(0..0), "*") }];
    }
    if texts.is_empty() {
        reader.problem(fields.span.clone(), "`flows` is missing, as in flows = \"tcp 443,8787\"");
    }
    texts.iter().filter_map(|(text, span)| read_flow(reader, text, span)).collect()
}

fn read_flow(reader: &mut CatalogReader<'_>, text: &str, span: &Range<usize>) -> Option<Flow> {
    let (protocol, ports) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let Ok(protocol) = protocol.parse::<Protocol>() else {
        reader.problem(span.clone(), FileProblem::Protocol(protocol));
        return None;
    };
    let ports = if ports.trim().is_empty() && !protocol.has_ports() { "*" } else { ports.trim() };
    let flow = Flow { protocol, ports: template(reader, span, ports) };
    if flow.ports.options().next().is_none() && ports.parse::<Ports>().is_err() {
        reader.problem(span.clone(), FileProblem::Ports(text));
    }
    Some(flow)
}

fn template(reader: &mut CatalogReader<'_>, span: &Range<usize>, text: &str) -> Template {
    Template::parse(text).unwrap_or_else(|error| {
        reader.problem(span.clone(), error);
        Template::parse("").expect("an empty text has no places")
    })
}

fn read_covering_tag<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Option<Template> {
    let (text, span) = fields.texts(reader, "covering-tag").into_iter().next()?;
    let made = template(reader, &span, &text);
    check_remote(reader, &span, RemoteKind::Tags, &made);
    Some(made)
}

fn read_not_in<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> BTreeMap<Cloud, String> {
    let mut absent = BTreeMap::new();
    let Some(value) = fields.take("not-in") else { return absent };
    for (name, span, value) in
        reader.table(What::Key("not-in"), value).map(|f| f.entries()).unwrap_or_default()
    {
        match (Cloud::find(name), reader.text(What::Words(name), value)) {
            (Some(cloud), Some(why)) => drop(absent.insert(cloud, why)),
            (None, _) => reader.problem(span, FileProblem::Cloud(name)),
            (Some(_), None) => {}
        }
    }
    absent
}

fn read_remotes<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Vec<Remotes> {
    let mut all = Vec::new();
    for (key, kind) in RemoteKind::ALL {
        let Some(value) = fields.take(key) else { continue };
        let mut scopes = Vec::new();
        if let DeValue::Table(_) = value.get_ref() {
            for (name, span, value) in
                reader.table(What::Words(key), value).map(|f| f.entries()).unwrap_or_default()
            {
                let list = read_templates(reader, kind, key, value);
                for scope in read_scopes(reader, name, &span) {
                    scopes.push((scope, list.clone()));
                }
            }
        } else {
            scopes.push((Scope::Other, read_templates(reader, kind, key, value)));
        }
        all.push(Remotes { kind, scopes });
    }
    all
}

fn read_templates<'t>(
    reader: &mut CatalogReader<'t>,
    kind: RemoteKind,
    key: &str,
    value: &Value<'t>,
) -> Vec<Template> {
    let mut list = Vec::new();
    for (text, span) in reader.texts(What::Key(key), value) {
        let made = template(reader, &span, &text);
        check_remote(reader, &span, kind, &made);
        list.push(made);
    }
    list
}

/// Tries a far side with some region; a wrong name shows whatever the region is. Options may hold anything and
/// are checked once they are filled in.
fn check_remote(reader: &mut CatalogReader<'_>, span: &Range<usize>, kind: RemoteKind, template: &Template) {
    if template.options().next().is_some() {
        return;
    }
    let regions = Regions::of(Cloud::Public);
    let region = regions.find("westeurope").expect("the table of regions has West Europe");
    let options = BTreeMap::new();
    let fill = super::template::Fill { region, regions, options: &options };
    for text in template.fill(&fill).unwrap_or_default() {
        if let Err(error) = kind.parse(&text) {
            reader.problem(span.clone(), error);
        }
    }
}

fn read_scopes(reader: &mut CatalogReader<'_>, names: &str, span: &Range<usize>) -> Vec<Scope> {
    names.split(',').map(str::trim).filter_map(|name| read_scope(reader, name, span)).collect()
}

fn read_scope(reader: &mut CatalogReader<'_>, name: &str, span: &Range<usize>) -> Option<Scope> {
    if name == "other" {
        return Some(Scope::Other);
    }
    let region = || {
        Cloud::ALL.into_iter().find_map(|cloud| {
            Regions::of(cloud).find(name).map(|region| Scope::Region(cloud, region.location()))
        })
    };
    let found = Cloud::find(name).map(Scope::Cloud).or_else(region);
    if found.is_none() {
        reader.problem(span.clone(), FileProblem::Scope(name));
    }
    found
}

fn read_managed<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> Option<ManagedRow> {
    let next_hop = read_managed_hop(reader, &mut fields);
    let when = read_when(reader, &mut fields);
    let to = read_side(reader, &mut fields, "to");
    let name = fields.texts(reader, "name").into_iter().next();
    let name = name.and_then(|(text, span)| of_subnet(reader, &span, &text));
    let what = match next_hop {
        Some(next_hop) => {
            if name.is_none() {
                reader.problem(fields.span.clone(), "`name` of a route that a service keeps is missing");
            }
            to.map(|to| ManagedWhat::Route { to, next_hop })
        }
        None => read_rule(reader, &mut fields, (to, name.is_some())).map(ManagedWhat::Rule),
    };
    let id = fields.required_text(reader, "id");
    let purpose = fields.required_text(reader, "purpose");
    let documented = fields.required_text(reader, "source");
    fields.finish(reader);
    what.map(|what| ManagedRow { id, purpose, documented, when, name, what })
}

/// Where a route that a service keeps leads to; none makes the row a rule.
fn read_managed_hop<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Option<NextHop> {
    let (name, span) = fields.texts(reader, "next-hop").into_iter().next()?;
    match name.as_str() {
        "internet" => Some(NextHop::Internet),
        "vnet" => Some(NextHop::VnetLocal),
        _ => {
            reader.problem(span, FileProblem::ServiceHop(&name));
            None
        }
    }
}

/// What of a row is a rule; a priority goes with a name and does not go without one.
fn read_rule<'t>(
    reader: &mut CatalogReader<'t>,
    fields: &mut Fields<'_, 't>,
    (destination, named): (Option<Template>, bool),
) -> Option<RuleSpec> {
    let source = read_side(reader, fields, "from");
    let flow = read_flows(reader, fields, false).into_iter().next();
    let priority = read_priority(reader, fields);
    if named != priority.is_some() {
        reader.problem(fields.span.clone(), "`name` and `priority` of a rule go together");
    }
    let direction = read_direction(reader, fields, false);
    let flow = flow?;
    Some(RuleSpec {
        direction,
        source: source?,
        destination: destination?,
        protocol: flow.protocol,
        ports: flow.ports.as_str().parse().ok()?,
        priority,
    })
}

/// A number, or a text: `{option:NAME}`, or that and `+ N`.
fn read_priority<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Option<PrioritySpec> {
    let value = fields.take("priority")?;
    let all = nsg_priorities();
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let made = match value.get_ref() {
        DeValue::Integer(given) => {
            let text = given.to_string();
            let first = number(&text).filter(|given| all.contains(given));
            first.map(|_| PrioritySpec { first: template(reader, &value.span(), &text), plus: 0 })
        }
        DeValue::String(text) => {
            let (first, plus) = text.split_once('+').map_or((&**text, Some(0)), |(a, b)| (a, number(b)));
            let first = template(reader, &value.span(), first.trim());
            plus.filter(|_| first.options().count() == 1).map(|plus| PrioritySpec { first, plus })
        }
        _ => None,
    };
    if made.is_none() {
        reader.problem(value.span(), FileProblem::Priority);
    }
    made
}

/// One side of a rule: what has no places has to be a remote by now.
fn read_side<'t>(
    reader: &mut CatalogReader<'t>,
    fields: &mut Fields<'_, 't>,
    key: &'static str,
) -> Option<Template> {
    let span = fields.span.clone();
    let text = fields.required_text(reader, key);
    let made = of_subnet(reader, &span, &text)?;
    match ManagedSide::parse(&text) {
        Err(error) if !text.contains('{') => {
            reader.problem(span, FileProblem::Side { key, error });
            None
        }
        _ => Some(made),
    }
}

/// A text that may have the places of a subnet.
fn of_subnet(reader: &mut CatalogReader<'_>, span: &Range<usize>, text: &str) -> Option<Template> {
    Template::parse_of_subnet(text).map_err(|error| reader.problem(span.clone(), error)).ok()
}

fn read_endpoint_policy<'t>(
    reader: &mut CatalogReader<'t>,
    mut fields: Fields<'_, 't>,
) -> EndpointPolicySpec {
    let mut definitions = Vec::new();
    for mut definition in tables(reader, &mut fields, "definition") {
        let service = definition.required_text(reader, "service");
        let resources = definition.texts(reader, "resources");
        let resources = resources.iter().map(|(text, span)| template(reader, span, text)).collect();
        definition.finish(reader);
        definitions.push((service, resources));
    }
    let policy = EndpointPolicySpec {
        id: fields.required_text(reader, "id"),
        rows: fields.plain_texts(reader, "rows"),
        purpose: fields.required_text(reader, "purpose"),
        documented: fields.required_text(reader, "source"),
        definitions,
    };
    fields.finish(reader);
    policy
}
