//! From a workload to its needs in one place: conditions judged, places filled in, tags or hosts chosen.

use std::collections::{BTreeMap, BTreeSet};

use super::managed::{Filled, ManagedRow, Unfilled};
use super::option::{OptionKind, OptionValue, Prefer};
use super::remote::RemoteSpec;
use super::resolved::*;
use super::skipped::{SkipReason, SkipWhy, Skipped};
use super::template::{Fill, Gap, Template};
use super::when::{Condition, Facts};
use super::workload::*;
use crate::packet::{Ports, PortsError, Protocol};
use crate::text::nearest;

impl Workload {
    /// The workload's needs for one cloud, region and set of options.
    ///
    /// Rows of hosts that a tag row can stand in for (`instead-of`) are taken or left as `context.prefer` says;
    /// a row named in `with` is taken whatever its conditions and the style. A row that is left out is in
    /// [`Resolved::skipped`] with the reason.
    ///
    /// # Errors
    /// Everything that is wrong with the options and row ids of `context`, with the nearest names.
    pub fn resolve(&self, context: &Context<'_>) -> Result<Resolved, Vec<ResolveError>> {
        let mut errors = Vec::new();
        self.check_place(context, &mut errors);
        let options = self.option_values(context, &mut errors);
        for (list, ids) in [("without", context.without), ("with", context.with)] {
            errors.extend(ids.iter().filter_map(|id| self.unknown_row(list, id)));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut resolver = Resolver { workload: self, context, options, errors };
        let resolved = resolver.run();
        if resolver.errors.is_empty() { Ok(resolved) } else { Err(resolver.errors) }
    }

    fn check_place(&self, context: &Context<'_>, errors: &mut Vec<ResolveError>) {
        if !self.clouds.contains(&context.cloud) {
            let (workload, known) = (self.name.clone(), self.clouds.clone());
            errors.push(ResolveError::Cloud { workload, cloud: context.cloud, known });
        }
        if context.region.suffix().is_empty() {
            errors.push(ResolveError::Region { region: context.region.location() });
        }
    }

    fn option_values(
        &self,
        context: &Context<'_>,
        errors: &mut Vec<ResolveError>,
    ) -> BTreeMap<&str, OptionValue> {
        let mut values: BTreeMap<&str, OptionValue> =
            self.options.iter().map(|o| (o.name.as_str(), o.default.clone())).collect();
        let workload = || self.name.clone();
        for (name, value) in context.options {
            let Some(option) = self.option(name) else {
                let nearest = nearest(name, self.options.iter().map(|o| o.name.as_str()));
                let option = name.clone();
                errors.push(ResolveError::UnknownOption { workload: workload(), option, nearest });
                continue;
            };
            match option.kind.check(value) {
                Ok(value) => drop(values.insert(&option.name, value)),
                Err(wrong) => {
                    let expected = wrong.expected;
                    let nearest = nearest_choice(&option.kind, value);
                    let option = name.clone();
                    errors.push(ResolveError::OptionValue {
                        workload: workload(),
                        option,
                        expected,
                        nearest,
                    });
                }
            }
        }
        for option in self.options.iter().filter(|o| o.required && values[o.name.as_str()].is_empty()) {
            let option = option.name.clone();
            errors.push(ResolveError::MissingOption { workload: workload(), option, row: None });
        }
        values
    }

    fn unknown_row(&self, list: &'static str, id: &str) -> Option<ResolveError> {
        let base = id.split('/').next().unwrap_or(id);
        if self.row(base).is_some() {
            return None;
        }
        let nearest = nearest(base, self.rows.iter().map(|r| r.id.as_str()));
        Some(ResolveError::UnknownRow { workload: self.name.clone(), list, id: id.to_owned(), nearest })
    }
}

fn nearest_choice(kind: &OptionKind, value: &OptionValue) -> Vec<String> {
    match (kind, value) {
        (OptionKind::Choice(all), OptionValue::Text(text)) => nearest(text, all.iter().map(String::as_str)),
        _ => Vec::new(),
    }
}

struct Resolver<'a> {
    workload: &'a Workload,
    context: &'a Context<'a>,
    options: BTreeMap<&'a str, OptionValue>,
    errors: Vec<ResolveError>,
}

/// What became of a row before tags and hosts are weighed against each other.
enum State {
    /// Its needs, and the tag rows that stand by where hosts were taken instead.
    Taken(Vec<ResolvedRow>, Vec<ResolvedRow>),
    Left(SkipWhy),
}

/// Far sides of a row, each with the ending of its id where it needs one of its own.
type Found = Vec<(Option<&'static str>, RemoteSpec)>;

impl<'a> Resolver<'a> {
    fn run(&mut self) -> Resolved {
        let workload = self.workload;
        let states: BTreeMap<&str, State> =
            workload.rows.iter().map(|row| (row.id.as_str(), self.state(row))).collect();
        let mut resolved = Resolved::default();
        for row in &workload.rows {
            match (&states[row.id.as_str()], self.style(row, &states)) {
                (State::Left(why), _) => resolved.skipped.push(row.skipped(why.clone(), Vec::new())),
                (State::Taken(rows, _), Some(skipped)) => {
                    // Rows of hosts have a tag to fall back on as it is; a tag row has to be kept for that.
                    if row.instead_of.is_empty() {
                        resolved.replaced.extend_from_slice(rows);
                    }
                    resolved.skipped.push(skipped);
                }
                (State::Taken(rows, standing_by), None) => {
                    resolved.rows.extend_from_slice(rows);
                    resolved.replaced.extend_from_slice(standing_by);
                }
            }
        }
        self.dates(&mut resolved);
        self.leave_out_parts(&mut resolved);
        self.cover(&mut resolved);
        self.rest(&mut resolved);
        self.managed(&mut resolved);
        resolved
    }

    fn state(&mut self, row: &'a Row) -> State {
        let asked = self.is_asked_for(row);
        if self.context.without.contains(&row.id) {
            return State::Left(SkipWhy::Without { needed: row.required });
        }
        if let Some(why) = row.absent.get(&self.context.cloud) {
            return State::Left(SkipWhy::Absent(why.clone()));
        }
        if row.on_request && !asked {
            return State::Left(SkipWhy::OnRequest(row.id.clone()));
        }
        if let Some(condition) = row.when.iter().find(|c| !asked && !self.holds(c)) {
            return State::Left(SkipWhy::Condition(condition.clone()));
        }
        if let Some(away) = row.dates.as_ref().and_then(|dates| dates.away(self.context.as_of))
            && !asked
        {
            return State::Left(SkipWhy::Date { away, row: row.id.clone() });
        }
        self.expand(row)
    }

    /// What begins or ends, of the rows that would be taken but for their dates.
    fn dates(&self, resolved: &mut Resolved) {
        let (workload, as_of) = (&self.workload.name, self.context.as_of);
        let elsewhere = |row: &Row| {
            let reasons =
                [SkipReason::Without, SkipReason::Condition, SkipReason::OnRequest, SkipReason::NotHere];
            resolved
                .skipped
                .iter()
                .any(|skipped| skipped.id == row.id && reasons.contains(&skipped.why.reason()))
        };
        let (mut facts, mut retired) = (Vec::new(), Vec::new());
        for row in self.workload.rows.iter().filter(|row| !elsewhere(row)) {
            let Some(dates) = &row.dates else { continue };
            facts.extend(dates.facts(workload, &row.id, &row.purpose));
            if dates.has_ended(as_of) && !dates.kept {
                let taken = if self.is_asked_for(row) { "is taken all the same" } else { "makes no rule" };
                let until = dates.until.unwrap_or_default();
                let source = &dates.source;
                retired.push(format!(
                    "{workload}/{}: {} ended on {until} ({source}); it {taken}",
                    row.id, row.purpose
                ));
            }
        }
        facts.sort();
        resolved.dated = facts;
        resolved.retired = retired;
    }

    fn is_asked_for(&self, row: &Row) -> bool {
        self.context.with.iter().any(|id| id.split('/').next() == Some(&row.id))
    }

    fn holds(&self, condition: &Condition) -> bool {
        condition.holds(&Facts {
            options: &self.options,
            cloud: self.context.cloud,
            prefer: self.context.prefer,
        })
    }

    /// Why a row is left out for the other way of meeting the same need.
    fn style(&self, row: &Row, states: &BTreeMap<&str, State>) -> Option<Skipped> {
        let skip = |(why, covered_by)| row.skipped(why, covered_by);
        match (self.is_asked_for(row), row.instead_of.is_empty()) {
            (true, _) => None,
            (false, false) => self.style_of_hosts(row, states).map(skip),
            (false, true) => self.style_of_tags(row, states).map(skip),
        }
    }

    fn style_of_hosts(&self, row: &Row, states: &BTreeMap<&str, State>) -> Option<(SkipWhy, Vec<String>)> {
        let is_taken = |id: &&String| matches!(states.get(id.as_str()), Some(State::Taken(..)));
        let covering: Vec<String> = row.instead_of.iter().filter(is_taken).cloned().collect();
        if covering.is_empty() {
            // Where the cloud lacks the tag the hosts have to do; where the need itself is off, so are they.
            let lacking = |id: &String| match states.get(id.as_str()) {
                Some(State::Left(why)) => why.reason() == SkipReason::NotHere,
                _ => false,
            };
            let why = SkipWhy::Alternative(row.instead_of.clone());
            return (!row.instead_of.iter().any(lacking)).then_some((why, covering));
        }
        match self.context.prefer {
            Prefer::Fqdns | Prefer::Both => None,
            Prefer::Auto | Prefer::Tags => Some((SkipWhy::Covered(covering.clone()), covering)),
        }
    }

    fn style_of_tags(&self, row: &Row, states: &BTreeMap<&str, State>) -> Option<(SkipWhy, Vec<String>)> {
        let replaces = |other: &&Row| {
            other.instead_of.contains(&row.id) && matches!(states[other.id.as_str()], State::Taken(..))
        };
        let hosts: Vec<String> = self.workload.rows.iter().filter(replaces).map(|r| r.id.clone()).collect();
        let replaced = self.context.prefer == Prefer::Fqdns && !hosts.is_empty();
        replaced.then(|| (SkipWhy::Hosts(hosts.clone()), hosts))
    }

    /// One row for every remote and protocol.
    fn expand(&mut self, row: &'a Row) -> State {
        let mut gaps = Vec::new();
        let (taken, standing_by) = match self.remotes(row, &mut gaps) {
            Ok(found) => found,
            Err(why) => return State::Left(why),
        };
        let notes: Vec<String> =
            row.notes.iter().cloned().chain(gaps.iter().map(SkipWhy::to_string)).collect();
        match (self.each(row, taken, &notes), self.each(row, standing_by, &notes)) {
            (Ok(taken), Ok(standing_by)) => State::Taken(taken, standing_by),
            (Err(why), _) | (_, Err(why)) => State::Left(why),
        }
    }

    fn each(&mut self, row: &Row, remotes: Found, notes: &[String]) -> Result<Vec<ResolvedRow>, SkipWhy> {
        let several_remotes = row.has_several_remotes();
        let mut rows: Vec<ResolvedRow> = Vec::new();
        for (suffix, remote) in remotes {
            for flow in &row.flows {
                let ports = self.ports(row, &flow.ports)?;
                let mut id = row.id.clone();
                if let Some(suffix) = suffix {
                    id.extend(["/", suffix]);
                } else if several_remotes {
                    id.push('/');
                    id.push_str(&short(&remote));
                }
                if row.flows.len() > 1 {
                    id.extend(["/", flow.protocol.name()]);
                }
                rows.push(ResolvedRow {
                    id,
                    row: row.id.clone(),
                    direction: row.direction,
                    need: match row.next_hop {
                        Some(next_hop) => RowNeed::Route { to: remote.clone(), next_hop },
                        None => RowNeed::Remote(remote.clone()),
                    },
                    protocol: flow.protocol,
                    ports,
                    required: row.required,
                    purpose: row.purpose.clone(),
                    source: row.sources.join("; "),
                    covered_by: Vec::new(),
                    risks: row.risks.clone(),
                    notes: notes.to_vec(),
                });
            }
        }
        // Two values may name the same remote, as where a region is itself one of its group.
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert(row.id.clone()));
        Ok(rows)
    }

    /// The far sides of a row here, and the tag that stands by where its hosts are taken.
    fn remotes(&mut self, row: &'a Row, gaps: &mut Vec<SkipWhy>) -> Result<(Found, Found), SkipWhy> {
        let (mut hosts, mut written): (Found, usize) = (Vec::new(), 0);
        let tags = matches!(self.context.prefer, Prefer::Auto | Prefer::Tags);
        for remotes in &row.remotes {
            let list = remotes.at(self.context.cloud, self.context.region).unwrap_or_default();
            written += list.len();
            if row.covering_tag.is_some() && tags {
                continue;
            }
            for template in list {
                hosts.extend(self.fill(row, remotes.kind, template, gaps)?.into_iter().map(|r| (None, r)));
            }
        }
        let mut covering: Found = Vec::new();
        if let Some(template) = &row.covering_tag {
            let filled = self.fill(row, RemoteKind::Tags, template, gaps)?;
            covering.extend(filled.into_iter().map(|r| (Some("tag"), r)));
        }
        match (hosts.is_empty() && covering.is_empty(), written, self.context.prefer) {
            (true, 0, _) => Err(self.nothing_here()),
            (true, ..) => Err(gaps.pop().unwrap_or_else(|| self.nothing_here())),
            (_, _, Prefer::Fqdns) if !hosts.is_empty() => Ok((hosts, covering)),
            _ => {
                hosts.append(&mut covering);
                Ok((hosts, Vec::new()))
            }
        }
    }

    fn nothing_here(&self) -> SkipWhy {
        SkipWhy::NothingHere { region: self.context.region.location(), cloud: self.context.cloud }
    }

    /// That no paired region fills in `text`.
    fn no_pair(&self, text: Option<&Template>) -> SkipWhy {
        let text = text.map(|template| template.as_str().to_owned());
        SkipWhy::NoPair { text, region: self.context.region.display().to_owned() }
    }

    fn fill(
        &mut self,
        row: &Row,
        kind: RemoteKind,
        template: &Template,
        gaps: &mut Vec<SkipWhy>,
    ) -> Result<Vec<RemoteSpec>, SkipWhy> {
        let texts = match template.fill(&self.places()) {
            Ok(texts) => texts,
            Err(Gap::NoPair) => {
                gaps.push(self.no_pair(Some(template)));
                return Ok(Vec::new());
            }
            Err(Gap::Option(option)) => return Err(self.missing(row, option)),
        };
        let mut remotes = Vec::new();
        for text in texts {
            match kind.parse(&text) {
                Ok(remote) => remotes.push(remote),
                Err(error) => self.errors.push(ResolveError::Remote {
                    workload: self.workload.name.clone(),
                    row: row.id.clone(),
                    problem: error,
                }),
            }
        }
        Ok(remotes)
    }

    fn places(&self) -> Fill<'_> {
        Fill { region: self.context.region, regions: self.context.regions, options: &self.options }
    }

    /// A row that was asked for by name fails without its option; any other is left out.
    fn missing(&mut self, row: &Row, option: String) -> SkipWhy {
        if self.is_asked_for(row) {
            let (workload, row) = (self.workload.name.clone(), Some(row.id.clone()));
            self.errors.push(ResolveError::MissingOption { workload, option: option.clone(), row });
        }
        SkipWhy::Option(option)
    }

    fn ports(&mut self, row: &Row, template: &Template) -> Result<Ports, SkipWhy> {
        match template.fill(&self.places()) {
            // An option may be only a part of a port's digits, so that the result can still be no port.
            Ok(texts) => texts.join(",").parse().map_err(|error: PortsError| {
                let (workload, row) = (self.workload.name.clone(), row.id.clone());
                self.errors.push(ResolveError::Remote { workload, row, problem: error.clone().into() });
                SkipWhy::from(error)
            }),
            Err(Gap::Option(option)) => Err(self.missing(row, option)),
            Err(Gap::NoPair) => Err(self.nothing_here()),
        }
    }

    /// `without` may name a part of a row; a part that the row does not have is a mistake.
    fn leave_out_parts(&mut self, resolved: &mut Resolved) {
        let without = self.context.without;
        for id in without.iter().chain(self.context.with).filter(|id| id.contains('/')) {
            let base = id.split('/').next().unwrap_or(id);
            let all = resolved.rows.iter().chain(&resolved.replaced);
            let parts: Vec<&str> = all.filter(|r| r.row == base).map(|r| r.id.as_str()).collect();
            if !parts.is_empty() && !parts.contains(&id.as_str()) {
                let nearest = nearest(id, parts);
                let list = if without.contains(id) { "without" } else { "with" };
                let (workload, id) = (self.workload.name.clone(), id.clone());
                self.errors.push(ResolveError::UnknownRow { workload, list, id, nearest });
            }
        }
        for row in resolved.rows.iter().filter(|row| without.contains(&row.id)) {
            let (id, why) = (row.id.clone(), SkipWhy::Without { needed: false });
            resolved.skipped.push(Skipped { id, why, required: row.required, covered_by: Vec::new() });
        }
        resolved.rows.retain(|row| !without.contains(&row.id));
        resolved.replaced.retain(|row| !without.contains(&row.id));
    }

    /// Names the rows whose tags stand in for hosts.
    fn cover(&self, resolved: &mut Resolved) {
        let tags: Vec<(String, String, Protocol)> = resolved
            .rows
            .iter()
            .chain(&resolved.replaced)
            .filter(|r| matches!(r.need.remote(), RemoteSpec::Tag(_)))
            .map(|r| (r.row.clone(), r.id.clone(), r.protocol))
            .collect();
        let alike = |a: Protocol, b: Protocol| a == b || a == Protocol::Any || b == Protocol::Any;
        for row in &mut resolved.rows {
            let spec = self.workload.row(&row.row).expect("a resolved row comes from a row");
            if matches!(row.need.remote(), RemoteSpec::Tag(_)) {
                continue;
            }
            let covers = tags.iter().filter(|(base, _, protocol)| {
                (spec.instead_of.contains(base) || (*base == row.row && spec.covering_tag.is_some()))
                    && alike(*protocol, row.protocol)
            });
            row.covered_by = covers.map(|(_, id, _)| id.clone()).collect();
        }
    }

    fn rest(&mut self, resolved: &mut Resolved) {
        let workload = self.workload;
        let applies = |when: &[Condition]| when.iter().all(|c| self.holds(c));
        resolved.preconditions =
            workload.preconditions.iter().filter(|p| applies(&p.when)).cloned().collect();
        let risks: BTreeSet<&Risk> = resolved.rows.iter().flat_map(|r| &r.risks).collect();
        resolved.risks = risks.into_iter().cloned().collect();
        let taken: BTreeSet<&str> = resolved.rows.iter().map(|r| r.row.as_str()).collect();
        let policies = workload.endpoint_policies.iter();
        resolved.endpoint_policies = policies
            .filter(|p| p.rows.iter().any(|id| taken.contains(id.as_str())))
            .map(|p| self.endpoint_policy(p))
            .collect();
    }

    /// What the service keeps in its subnets.
    fn managed(&mut self, resolved: &mut Resolved) {
        let applies = |row: &&ManagedRow| row.when.iter().all(|c| self.holds(c));
        let rows: Vec<&ManagedRow> = self.workload.managed.iter().filter(applies).collect();
        for row in rows {
            let why = match row.fill(&self.places()) {
                Ok(Filled::Rule(rule)) => {
                    resolved.managed.push(rule);
                    continue;
                }
                Ok(Filled::Route(route)) => {
                    resolved.managed_routes.push(route);
                    continue;
                }
                Err(Unfilled::Wrong(problem)) => {
                    let (workload, row) = (self.workload.name.clone(), row.id.clone());
                    self.errors.push(ResolveError::Remote { workload, row, problem });
                    continue;
                }
                Err(Unfilled::Gap(Gap::NoPair)) => self.no_pair(None),
                Err(Unfilled::Gap(Gap::Option(option))) => SkipWhy::Option(option),
            };
            let id = row.id.clone();
            resolved.skipped.push(Skipped { id, why, required: false, covered_by: Vec::new() });
        }
    }

    fn endpoint_policy(&self, spec: &EndpointPolicySpec) -> EndpointPolicy {
        let resources = |list: &[Template]| {
            list.iter().flat_map(|t| t.fill(&self.places()).unwrap_or_default()).collect()
        };
        EndpointPolicy {
            id: spec.id.clone(),
            rows: spec.rows.clone(),
            purpose: spec.purpose.clone(),
            source: spec.documented.clone(),
            definitions: spec.definitions.iter().map(|(s, list)| (s.clone(), resources(list))).collect(),
        }
    }
}

impl Row {
    fn skipped(&self, why: SkipWhy, covered_by: Vec<String>) -> Skipped {
        Skipped { id: self.id.clone(), why, required: self.required, covered_by }
    }

    /// Whether the row may have several far sides anywhere; ids then name the remote everywhere.
    fn has_several_remotes(&self) -> bool {
        let kinds = self.remotes.len();
        let mut lists = self.remotes.iter().flat_map(|r| &r.scopes).map(|(_, list)| list);
        kinds > 1 || lists.any(|list| list.len() > 1 || list.iter().any(|t| t.options().next().is_some()))
    }
}

/// The remote as it stands at the end of an id.
fn short(remote: &RemoteSpec) -> String {
    match remote {
        RemoteSpec::Fqdn(name) => name.to_string(),
        RemoteSpec::Url(url) => url.clone(),
        RemoteSpec::Addresses(_) => {
            let text = remote.to_string();
            text.strip_suffix("/32").or(text.strip_suffix("/128")).unwrap_or(&text).to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
