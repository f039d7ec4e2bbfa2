//! The versions of the built-in facts, and what changed from one to the next.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::dated::Date;

const DATA: &str = include_str!("../../data/catalog/versions.toml");

/// One version of the built-in facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Its name: the day on which the facts were last gone through.
    pub date: Date,
    /// What it is about.
    pub text: String,
    /// What changed in it.
    pub changes: Vec<VersionChange>,
}

/// One change of the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionChange {
    /// A short name, unique in the version.
    pub id: String,
    /// The workloads that it is in.
    pub workloads: Vec<String>,
    /// The rows, options or rules that it is about.
    #[serde(default)]
    pub rows: Vec<String>,
    /// The clouds; none: all.
    #[serde(default)]
    pub clouds: Vec<String>,
    /// What it was before.
    pub was: String,
    /// What it is now.
    pub now: String,
    /// Where this is written: keys of the catalogue's sources in the file, documents here.
    pub source: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    version: Vec<VersionText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionText {
    date: toml::value::Datetime,
    text: String,
    /// Of the rows, so that no change of theirs goes without a word here; only a test reads it.
    #[cfg_attr(not(test), allow(dead_code))]
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    change: Vec<VersionChange>,
}

fn entries() -> Vec<VersionText> {
    toml::from_str::<File>(DATA).expect("data/catalog/versions.toml is checked by a test").version
}

/// Every version, newest first.
pub(super) fn all() -> &'static [Version] {
    static ALL: LazyLock<Vec<Version>> = LazyLock::new(|| {
        let version = |entry: VersionText| Version {
            date: entry.date.to_string().parse().expect("data/catalog/versions.toml: a day"),
            text: entry.text,
            changes: entry.change,
        };
        entries().into_iter().map(version).collect()
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use super::*;
    use crate::catalog::Catalog;
    use crate::tags::Cloud;
    use crate::text::sha256_hex;

    /// All that decides about rules, a line for each row.
    fn facts(catalog: &Catalog) -> String {
        let mut text = String::new();
        for workload in catalog.workloads() {
            writeln!(text, "{} {:?}", workload.name(), workload.clouds()).unwrap();
            for option in workload.options() {
                writeln!(text, "  {} {:?} {:?}", option.name, option.kind, option.default).unwrap();
            }
            for row in workload.rows() {
                let when: Vec<String> = row.when.iter().map(ToString::to_string).collect();
                let fields = (row.direction, &row.remotes, &row.flows, row.next_hop, row.required);
                let more =
                    (row.on_request, when, &row.instead_of, &row.covering_tag, &row.absent, &row.dates);
                writeln!(text, "  {} {fields:?} {more:?}", row.id).unwrap();
            }
            workload.managed().iter().for_each(|rule| writeln!(text, "  {rule:?}").unwrap());
            workload.endpoint_policies().iter().for_each(|policy| writeln!(text, "  {policy:?}").unwrap());
        }
        text
    }

    #[test]
    fn no_fact_changes_without_a_version() {
        let newest = &entries()[0];
        let digest = &sha256_hex(facts(Catalog::builtin()).as_bytes())[..16];
        assert_eq!(
            newest.digest.as_deref(),
            Some(digest),
            "rows changed: say so in data/catalog/versions.toml, in a version with the day and this digest"
        );
    }

    #[test]
    fn versions_name_what_exists() {
        let catalog = Catalog::builtin();
        for pair in all().windows(2) {
            assert!(pair[0].date > pair[1].date, "newest first");
        }
        for version in all() {
            let ids: BTreeSet<&str> = version.changes.iter().map(|c| c.id.as_str()).collect();
            assert_eq!(ids.len(), version.changes.len(), "{}: ids are unique", version.date);
            for change in &version.changes {
                for name in &change.workloads {
                    let workload = catalog.workload(name).unwrap_or_else(|| panic!("{}: {name}", change.id));
                    for row in &change.rows {
                        let known = workload.row(row).is_some()
                            || workload.option(row).is_some()
                            || workload.managed().iter().any(|m| m.id == *row)
                            || workload.endpoint_policies().iter().any(|p| p.id == *row);
                        let elsewhere = change.workloads.len() > 1;
                        assert!(known || elsewhere, "{}: {name} has no {row}", change.id);
                    }
                }
                for cloud in &change.clouds {
                    assert!(Cloud::find(cloud).is_some(), "{}: {cloud}", change.id);
                }
                assert!(!change.was.is_empty() && !change.now.is_empty() && !change.source.is_empty());
                for source in catalog.documents(&change.source) {
                    assert!(source.contains(' '), "{}: no source `{source}`", change.id);
                }
            }
        }
    }
}
