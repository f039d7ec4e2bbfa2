//! From files to workloads: later files override rows of earlier ones, and names are looked up across files.

use std::collections::{BTreeMap, BTreeSet};

use super::alias::{AbsentTag, AliasRule};
use super::check::Check;
use super::dated::DatedFact;
use super::fields::{CatalogProblem, Place};
use super::fqdn_tags::FqdnTag;
use super::name_problem::NameProblem;
use super::option::OptionKind;
use super::outside::OutsideTag;
use super::read::{Draft, File};
use super::template::Template;
use super::when::Condition;
use super::workload::*;
use crate::tags::Cloud;
use crate::text::nearest;

/// Everything that files say, each name once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    drafts: BTreeMap<String, Draft>,
    sources: BTreeMap<String, String>,
    pub(super) risks: BTreeMap<String, Risk>,
    pub(super) aliases: Vec<AliasRule>,
    pub(super) absent: Vec<AbsentTag>,
    pub(super) outside: Vec<OutsideTag>,
    pub(super) fqdn_tags: BTreeMap<String, FqdnTag>,
    events: BTreeMap<String, DatedFact>,
}

impl Parts {
    /// Adds a file; what it names again is overridden.
    pub(super) fn add(&mut self, file: File, problems: &mut Vec<CatalogProblem>) {
        self.sources.extend(file.sources);
        self.risks.extend(file.risks.into_iter().map(|risk| (risk.id.clone(), risk)));
        self.events.extend(file.events.into_iter().map(|event| (event.subject.clone(), event)));
        // Later rules come first, so that they win.
        self.aliases.splice(0..0, file.aliases);
        self.absent.splice(0..0, file.absent);
        self.outside.splice(0..0, file.outside);
        self.fqdn_tags.extend(file.fqdn_tags.into_iter().map(|tag| (tag.name.clone(), tag)));
        if let Some(draft) = file.draft {
            report_twice(&draft, problems);
            match self.drafts.get_mut(&draft.name) {
                Some(base) => base.override_with(draft),
                None => drop(self.drafts.insert(draft.name.clone(), draft)),
            }
        }
    }

    /// The document that a key of `[sources]` stands for.
    pub(super) fn source_of(&self, key: &str) -> Option<&str> {
        self.sources.get(key).map(String::as_str)
    }

    /// Everything that begins or ends on a day and is no row, in order of names.
    pub(super) fn events(&self) -> impl Iterator<Item = &DatedFact> {
        self.events.values()
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
            problems.push(problem(&row.place, NameProblem::Twice { what: "row id", name: &row.id }));
        }
    }
    let mut seen = BTreeSet::new();
    for option in &draft.options {
        if !seen.insert(&option.name) {
            problems.push(problem(&draft.place, NameProblem::Twice { what: "option", name: &option.name }));
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
        override_list(&mut self.managed, other.managed, |m| &m.id);
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

/// A problem whose sentence is made here.
fn problem(place: &Place, problem: NameProblem<'_>) -> CatalogProblem {
    CatalogProblem { place: place.clone(), message: problem.to_string() }
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
            row.documented = self.source(&draft.place, &row.documented);
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
            let near = nearest(&own.name, names);
            self.problems.push(problem(&own.place, NameProblem::Workload { name: &own.name, near }));
        }
        for name in &own.include {
            let Some(other) = self.parts.drafts.get(name).filter(|other| other.name != own.name) else {
                let near = nearest(name, self.parts.drafts.keys().map(String::as_str));
                self.problems.push(problem(&own.place, NameProblem::Include { name, near }));
                continue;
            };
            if !other.include.is_empty() {
                self.problems.push(problem(&own.place, NameProblem::IncludeOfInclude(name)));
            }
            include_list(&mut draft.options, &other.options, |o| &o.name);
            include_list(&mut draft.rows, &other.rows, |r| &r.id);
            include_list(&mut draft.managed, &other.managed, |m| &m.id);
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
            if other.is_some_and(|r| r.remotes_of.is_some()) {
                self.problems.push(problem(&place, NameProblem::RemotesOf(&name)));
            }
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
        if let Some(dates) = &mut row.dates {
            let keys: Vec<&str> = dates.source.split("; ").filter(|key| !key.is_empty()).collect();
            let named: Vec<String> = keys.into_iter().map(|key| self.source(&place, key)).collect();
            dates.source = if named.is_empty() { row.sources.join("; ") } else { named.join("; ") };
        }
        row.risks = row.risk_ids.iter().filter_map(|id| self.risk(&place, id)).collect();
    }

    fn other_names(&mut self, draft: &Draft) {
        for precondition in &draft.preconditions {
            self.conditions(draft, &draft.place, &precondition.when);
            if let Some(Check::Row(row)) = &precondition.check {
                self.row_name(draft, &draft.place, "check", row);
            }
        }
        for managed in &draft.managed {
            self.conditions(draft, &draft.place, &managed.when);
            for template in managed.templates() {
                self.template(draft, &draft.place, template, false);
            }
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
        self.problems.extend(found.map(|found| problem(place, found)));
    }

    fn row_name(&mut self, draft: &Draft, place: &Place, key: &'static str, name: &str) {
        if !draft.rows.iter().any(|row| row.id == name) {
            let near = nearest(name, draft.rows.iter().map(|r| r.id.as_str()));
            self.problems.push(problem(place, NameProblem::Row { key, name, near }));
        }
    }

    fn template(&mut self, draft: &Draft, place: &Place, template: &Template, ports: bool) {
        for name in template.options() {
            let option = draft.options.iter().find(|o| o.name == name);
            let wrong = match option {
                Some(o) if ports && !matches!(o.kind, OptionKind::Port | OptionKind::Ports) => {
                    NameProblem::PortsOption(name)
                }
                Some(_) => continue,
                None => {
                    let near = nearest(name, draft.options.iter().map(|o| o.name.as_str()));
                    NameProblem::Option { text: template.as_str(), name, near }
                }
            };
            self.problems.push(problem(place, wrong));
        }
    }

    /// A key of `[sources]`, or any text with a blank in it, which speaks for itself.
    fn source(&mut self, place: &Place, key: &str) -> String {
        let known = &self.parts.sources;
        if !known.contains_key(key) && !key.trim().contains(' ') {
            let near = nearest(key, known.keys().map(String::as_str));
            self.problems.push(problem(place, NameProblem::Source { key, near }));
        }
        known.get(key).map_or(key, String::as_str).to_owned()
    }

    fn risk(&mut self, place: &Place, id: &str) -> Option<Risk> {
        let risks = &self.parts.risks;
        if !risks.contains_key(id) {
            let near = nearest(id, risks.keys().map(String::as_str));
            self.problems.push(problem(place, NameProblem::Risk { id, near }));
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

#[cfg(test)]
mod tests {
    use super::super::{Catalog, CatalogError};

    fn extended(files: &[&str]) -> Result<Catalog, CatalogError> {
        let files: Vec<(String, String)> =
            files.iter().enumerate().map(|(i, text)| (format!("{i}.toml"), (*text).to_owned())).collect();
        Catalog::builtin().extended(&files)
    }

    fn errors(text: &str) -> String {
        extended(&[text]).expect_err("must not be accepted").to_string()
    }

    #[test]
    fn rows_and_options_are_overridden() {
        let file = r#"
            name = "aml-vm"
            [[option]]
            name = "ssh-port"
            kind = "port"
            default = 2222
            help = "Our port."
            [[row]]
            id = "vm-1"
            direction = "inbound"
            addresses = "192.0.2.0/28"
            flows = "tcp {option:ssh-port}"
            purpose = "only the bastion"
            source = "our own rule"
            [[row]]
            id = "vm-9"
            direction = "outbound"
            hosts = "internal.example.org"
            flows = "tcp 443"
            purpose = "packages"
            source = "our own rule"
        "#;
        let catalog = extended(&[file]).unwrap();
        let workload = catalog.workload("aml-vm").unwrap();
        let ids: Vec<&str> = workload.rows().iter().map(|r| r.id()).collect();
        assert_eq!(ids, ["vm-1", "vm-u1", "vm-9"]);
        assert_eq!(workload.row("vm-1").unwrap().remotes().collect::<Vec<_>>(), ["192.0.2.0/28"]);
        assert_eq!(workload.row("vm-1").unwrap().place().to_string(), "0.toml:8");
        assert_eq!(workload.option("ssh-port").unwrap().help, "Our port.");
        assert!(workload.title().contains("Virtual machine"));
        // What another workload includes is overridden there too.
        let catalog = extended(&["name = \"hdinsight\"\n[[row]]\nid = \"hd-9\"\ndirection = \"outbound\"\n\
            tags = \"Sql\"\nflows = \"tcp 1433\"\npurpose = \"p\"\nsource = \"our own\""])
        .unwrap();
        assert!(catalog.workload("aml-hdinsight").unwrap().row("hd-9").is_some());
    }

    #[test]
    fn everything_wrong_in_every_file_is_told() {
        let file = r#"name = "labs"
title = "t"
sumary = "s"
beyond-article = "yes"
clouds = ["public", "mars"]
[[option]]
name = "a"
kind = "bol"
help = "h"
[[option]]
name = "b"
kind = "choice"
choices = ["x", "y"]
default = "z"
help = "h"
[[row]]
id = "one"
direction = "outbond"
tags = ["Storage.{Regoin}", "Not A Tag"]
hosts = { publik = "*pytorch.org" }
flows = ["tpc 443", "udp 99999"]
when = "b=q"
instead-of = "tow"
purpose = "p"
source = "articel"
risks = "tag-inbond"
[[row]]
id = "two"
direction = "inbound"
flows = "tcp {option:c}"
purpose = "p"
source = "article"
"#;
        let text = errors(file);
        for part in [
            "0.toml:1: no workload `labs`",
            "0.toml:3: unknown key `sumary`; did you mean summary?",
            "0.toml:4: `beyond-article` is true or false, without quotes",
            "0.toml:5: no cloud `mars`; known are public, usgov, china, germany",
            "0.toml:6: no kind `bol`; did you mean bool?",
            "0.toml:14: `default` of b is one of x, y",
            "0.toml:18: no direction `outbond`: inbound or outbound",
            "0.toml:19: `{Regoin}` is not known",
            "0.toml:19: `Not A Tag` cannot be the name of a tag",
            "0.toml:20: `publik` is neither a cloud",
            "0.toml:20: `*pytorch.org` is no host name",
            "0.toml:21: no protocol `tpc`; did you mean tcp?",
            "0.toml:21: `udp 99999`: ports as in",
            "0.toml:16: `when`: `b` is never `q`; it is one of x, y",
            "0.toml:16: `instead-of`: no row `tow`; did you mean two",
            "0.toml:16: `source`: no key `articel` in [sources]; did you mean article",
            "0.toml:16: `risks`: no risk `tag-inbond`; did you mean tag-inbound?",
            "0.toml:27: row two has no far side",
            "0.toml:27: `{option:c}`: no option `c`",
        ] {
            assert!(text.lines().any(|line| line.starts_with(part)), "{part}\nin\n{text}");
        }
        let text = extended(&["name = \"a\"\nx = 1", "name = \"b\"\ny = 1"]).unwrap_err().to_string();
        assert!(text.contains("0.toml:2") && text.contains("1.toml:2"), "{text}");
    }

    #[test]
    fn other_mistakes() {
        for (text, part) in [
            ("name = ", "0.toml:1: "),
            ("name = \"aml-comput\"", "did you mean aml-compute"),
            ("title = \"t\"", "`name` of the workload is missing"),
            ("name = \"aml-vm\"\nrow = 3", "0.toml:2: `row` is written [[row]], once for each"),
            ("name = \"aml-vm\"\n[[row]]\nid = \"a/b\"", "row id `a/b`: no `/` and no blanks"),
            (
                "name = \"hdinsight\"\n[[row]]\nid = \"x\"\nremotes-of = \"hd-u1\"",
                "takes its own from another row",
            ),
            ("name = \"aml-vm\"\ninclude = \"aml-hdinsight\"", "`aml-hdinsight` includes workloads itself"),
            ("name = \"aml-vm\"\ninclude = \"hdinsigt\"", "did you mean hdinsight"),
            ("name = \"aml-vm\"\nname = \"x\"", "duplicate key"),
            ("name = \"aml-vm\"\npreconditions = [{ when = \"ssh-port\" }]", "`text` is missing"),
            ("[[alias]]\nwritten = \"X\"", "`note` is missing"),
            ("[[absent]]\ncloud = \"moon\"\nnote = \"n\"", "no cloud `moon`"),
        ] {
            let errors = errors(text);
            assert!(errors.contains(part), "{part}\nin\n{errors}");
        }
    }

    #[test]
    fn files_may_hold_sources_risks_and_aliases_alone() {
        let catalog = extended(&["[sources]\nours = \"ticket 1\"\n[[alias]]\nwritten = \"Batch.*\"\n\
            name = \"Ours.*\"\nnote = \"n\"\n[[risk]]\nid = \"r\"\ntext = \"t\"\nadvice = \"a\""])
        .unwrap();
        assert_eq!(catalog.alias("Batch.westus").unwrap().name, "Ours.westus", "later rules win");
        assert_eq!(catalog.risk("r").unwrap().advice, "a");
    }
}
