//! From files to workloads: later files override rows of earlier ones, and names are looked up across files.

use std::collections::{BTreeMap, BTreeSet};

use super::alias::{AbsentTag, AliasRule};
use super::fields::{CatalogProblem, Place};
use super::read::{Draft, File};
use super::template::Template;
use super::when::Condition;
use super::workload::*;
use crate::tags::Cloud;
use crate::text::{did_you_mean, nearest};

/// Everything that files say, each name once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    drafts: BTreeMap<String, Draft>,
    sources: BTreeMap<String, String>,
    pub(super) risks: BTreeMap<String, Risk>,
    pub(super) aliases: Vec<AliasRule>,
    pub(super) absent: Vec<AbsentTag>,
}

impl Parts {
    /// Adds a file; what it names again is overridden.
    pub(super) fn add(&mut self, file: File, problems: &mut Vec<CatalogProblem>) {
        self.sources.extend(file.sources);
        self.risks.extend(file.risks.into_iter().map(|risk| (risk.id.clone(), risk)));
        // Later rules come first, so that they win.
        self.aliases.splice(0..0, file.aliases);
        self.absent.splice(0..0, file.absent);
        if let Some(draft) = file.draft {
            report_twice(&draft, problems);
            match self.drafts.get_mut(&draft.name) {
                Some(base) => base.override_with(draft),
                None => drop(self.drafts.insert(draft.name.clone(), draft)),
            }
        }
    }

    /// The workloads, all names looked up.
    pub(super) fn finish(&self, problems: &mut Vec<CatalogProblem>) -> BTreeMap<String, Workload> {
        self.drafts
            .values()
            .map(|draft| {
                (draft.name.clone(), Finish { parts: self, problems: &mut *problems }.workload(draft))
            })
            .collect()
    }
}

fn report_twice(draft: &Draft, problems: &mut Vec<CatalogProblem>) {
    let mut seen = BTreeSet::new();
    for row in &draft.rows {
        if !seen.insert(&row.id) {
            problems.push(problem(&row.place, format!("row id `{}` occurs twice", row.id)));
        }
    }
    let mut seen = BTreeSet::new();
    for option in &draft.options {
        if !seen.insert(&option.name) {
            problems.push(problem(&draft.place, format!("option `{}` occurs twice", option.name)));
        }
    }
}

impl Draft {
    fn override_with(&mut self, other: Draft) {
        self.title = other.title.or(self.title.take());
        self.summary = other.summary.or(self.summary.take());
        self.beyond_article = other.beyond_article.or(self.beyond_article);
        self.clouds = other.clouds.or(self.clouds.take());
        self.include.extend(other.include);
        self.preconditions.extend(other.preconditions);
        override_list(&mut self.options, other.options, |o| &o.name);
        override_list(&mut self.rows, other.rows, |r| &r.id);
        override_list(&mut self.managed, other.managed, |m| &m.rule.id);
        override_list(&mut self.endpoint_policies, other.endpoint_policies, |p| &p.id);
    }
}

/// Entries of the same name take the place of the old ones, new ones follow.
fn override_list<T>(list: &mut Vec<T>, new: Vec<T>, name: impl Fn(&T) -> &String) {
    for entry in new {
        match list.iter_mut().find(|old| name(old) == name(&entry)) {
            Some(old) => *old = entry,
            None => list.push(entry),
        }
    }
}

fn problem(place: &Place, message: String) -> CatalogProblem {
    CatalogProblem { place: place.clone(), message }
}

struct Finish<'a> {
    parts: &'a Parts,
    problems: &'a mut Vec<CatalogProblem>,
}

impl Finish<'_> {
    fn workload(mut self, own: &Draft) -> Workload {
        let draft = self.with_included(own);
        let mut rows = draft.rows.clone();
        for row in &mut rows {
            self.row(&draft, row);
        }
        self.other_names(&draft);
        let mut sources = Vec::new();
        for text in rows.iter().flat_map(|row| &row.sources) {
            if !sources.contains(text) {
                sources.push(text.clone());
            }
        }
        let mut managed = draft.managed;
        for row in &mut managed {
            row.rule.documented = self.source(&draft.place, &row.rule.documented);
        }
        let mut endpoint_policies = draft.endpoint_policies;
        for policy in &mut endpoint_policies {
            policy.documented = self.source(&draft.place, &policy.documented);
        }
        Workload {
            name: draft.name,
            title: draft.title.unwrap_or_default(),
            summary: draft.summary.unwrap_or_default(),
            beyond_article: draft.beyond_article.unwrap_or(true),
            clouds: draft.clouds.unwrap_or_else(|| Cloud::ALL.to_vec()),
            options: draft.options,
            preconditions: draft.preconditions,
            rows,
            managed,
            endpoint_policies,
            sources,
        }
    }

    /// The draft with the rows, options and rules of the workloads that it includes; its own come first and win.
    fn with_included(&mut self, own: &Draft) -> Draft {
        let mut draft = own.clone();
        if own.title.is_none() || own.summary.is_none() {
            let names = self.parts.drafts.values().filter(|d| d.title.is_some()).map(|d| d.name.as_str());
            let near = did_you_mean(&nearest(&own.name, names));
            let text = format!("no workload `{}`{near}; a new one needs `title` and `summary`", own.name);
            self.problems.push(problem(&own.place, text));
        }
        for name in &own.include {
            let Some(other) = self.parts.drafts.get(name).filter(|other| other.name != own.name) else {
                let near = did_you_mean(&nearest(name, self.parts.drafts.keys().map(String::as_str)));
                self.problems
                    .push(problem(&own.place, format!("`include`: no other workload `{name}`{near}")));
                continue;
            };
            if !other.include.is_empty() {
                let text = format!("`include`: `{name}` includes workloads itself, which is not followed");
                self.problems.push(problem(&own.place, text));
            }
            include_list(&mut draft.options, &other.options, |o| &o.name);
            include_list(&mut draft.rows, &other.rows, |r| &r.id);
            include_list(&mut draft.managed, &other.managed, |m| &m.rule.id);
            include_list(&mut draft.endpoint_policies, &other.endpoint_policies, |p| &p.id);
            draft.preconditions.extend(other.preconditions.iter().cloned());
        }
        draft
    }

    fn row(&mut self, draft: &Draft, row: &mut Row) {
        let place = row.place.clone();
        self.conditions(draft, &place, &row.when);
        for name in row.instead_of.clone() {
            self.row_name(draft, &place, "instead-of", &name);
        }
        if let Some(name) = row.remotes_of.clone() {
            self.row_name(draft, &place, "remotes-of", &name);
            let other = draft.rows.iter().find(|r| r.id == name);
            row.remotes = other.map(|r| r.remotes.clone()).unwrap_or_default();
        }
        let remotes = row.remotes.iter().flat_map(|r| &r.scopes).flat_map(|(_, list)| list);
        for template in remotes.chain(&row.covering_tag) {
            self.template(draft, &place, template, false);
        }
        for flow in &row.flows {
            self.template(draft, &place, &flow.ports, true);
        }
        row.sources = row.sources.iter().map(|key| self.source(&place, key)).collect();
        row.risks = row.risk_ids.iter().filter_map(|id| self.risk(&place, id)).collect();
    }

    fn other_names(&mut self, draft: &Draft) {
        for precondition in &draft.preconditions {
            self.conditions(draft, &draft.place, &precondition.when);
        }
        for managed in &draft.managed {
            self.conditions(draft, &draft.place, &managed.when);
        }
        for policy in &draft.endpoint_policies {
            for name in &policy.rows {
                self.row_name(draft, &draft.place, "endpoint-policy", name);
            }
            for template in policy.definitions.iter().flat_map(|(_, list)| list) {
                self.template(draft, &draft.place, template, false);
            }
        }
    }

    fn conditions(&mut self, draft: &Draft, place: &Place, when: &[Condition]) {
        let found = when.iter().filter_map(|condition| condition.problem(&draft.options));
        self.problems.extend(found.map(|text| problem(place, text)));
    }

    fn row_name(&mut self, draft: &Draft, place: &Place, key: &str, name: &str) {
        if !draft.rows.iter().any(|row| row.id == name) {
            let near = did_you_mean(&nearest(name, draft.rows.iter().map(|r| r.id.as_str())));
            self.problems.push(problem(place, format!("`{key}`: no row `{name}`{near}")));
        }
    }

    fn template(&mut self, draft: &Draft, place: &Place, template: &Template, ports: bool) {
        for name in template.options() {
            let option = draft.options.iter().find(|o| o.name == name);
            let text = match option {
                Some(o) if ports && !matches!(o.kind, OptionKind::Port | OptionKind::Ports) => {
                    format!("option `{name}` stands for ports, so its kind is port or ports")
                }
                Some(_) => continue,
                None => {
                    let near = did_you_mean(&nearest(name, draft.options.iter().map(|o| o.name.as_str())));
                    format!("`{}`: no option `{name}`{near}", template.as_str())
                }
            };
            self.problems.push(problem(place, text));
        }
    }

    /// A key of `[sources]`, or any text with a blank in it, which speaks for itself.
    fn source(&mut self, place: &Place, key: &str) -> String {
        let known = &self.parts.sources;
        if !known.contains_key(key) && !key.trim().contains(' ') {
            let near = did_you_mean(&nearest(key, known.keys().map(String::as_str)));
            self.problems.push(problem(place, format!("`source`: no key `{key}` in [sources]{near}")));
        }
        known.get(key).map_or(key, String::as_str).to_owned()
    }

    fn risk(&mut self, place: &Place, id: &str) -> Option<Risk> {
        let risks = &self.parts.risks;
        if !risks.contains_key(id) {
            let near = did_you_mean(&nearest(id, risks.keys().map(String::as_str)));
            self.problems.push(problem(place, format!("`risks`: no risk `{id}`{near}")));
        }
        risks.get(id).cloned()
    }
}

fn include_list<T: Clone>(list: &mut Vec<T>, other: &[T], name: impl Fn(&T) -> &String) {
    for entry in other {
        if !list.iter().any(|own| name(own) == name(entry)) {
            list.push(entry.clone());
        }
    }
}
