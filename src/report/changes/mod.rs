//! What a new generation changes, in the administrator's terms: which rules, because which tag gained or lost what.
//!
//! A [`RuleBook`] is kept with each generation. Two of them are enough to say what happened between: neither the old
//! snapshot nor the old policy is needed any more.

mod book;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use book::{RuleBook, RuleView, SnapshotMark};

use crate::addr::{AddrSet, Count, IpPrefix};

/// What changed in one environment between two generations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// Name of the environment.
    pub name: String,
    /// The data before; `None` for a first generation.
    pub before: Option<SnapshotMark>,
    /// The data now.
    pub now: SnapshotMark,
    /// Tags in use whose addresses changed, by name.
    pub tags: Vec<TagChange>,
    /// Rules that came, went or changed; by target, resource and name.
    pub rules: Vec<RuleChange>,
}

/// A tag in use whose addresses changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagChange {
    /// Its name.
    pub name: String,
    /// What it gained and lost.
    #[serde(flatten)]
    pub delta: SetChange,
}

/// What a set of addresses gained and lost, as the fewest prefixes.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SetChange {
    /// Prefixes that came.
    pub gained: Vec<String>,
    /// Prefixes that went.
    pub lost: Vec<String>,
    /// How many addresses came.
    pub addresses_gained: Count,
    /// How many addresses went.
    pub addresses_lost: Count,
}

impl SetChange {
    fn between(before: &AddrSet, now: &AddrSet) -> Self {
        let (gained, lost) = (now.difference(before), before.difference(now));
        SetChange {
            gained: gained.prefixes().map(|p| p.to_string()).collect(),
            lost: lost.prefixes().map(|p| p.to_string()).collect(),
            addresses_gained: gained.count(),
            addresses_lost: lost.count(),
        }
    }

    /// Whether nothing came or went.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It admits other addresses, or is set otherwise.
    Changed,
}

/// A rule that came, went or changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleChange {
    /// What happened.
    pub event: Event,
    /// `nsg`, `route-table` or `firewall`.
    pub target: String,
    /// The resource that it is in.
    pub resource: String,
    /// Its name.
    pub rule: String,
    /// Names of tags whose change is behind this; empty where the policy or this program changed.
    pub because: Vec<String>,
    /// What its remote side gained and lost, where that is prefixes.
    #[serde(flatten)]
    pub delta: SetChange,
    /// Tags, hosts and the like that its remote side gained.
    pub names_gained: Vec<String>,
    /// Tags, hosts and the like that its remote side lost.
    pub names_lost: Vec<String>,
    /// Direction, protocol, ports and so on before, if they are not the same now.
    pub settings_before: Option<String>,
    /// The settings now.
    pub settings: String,
}

impl Changes {
    /// Holds the rules now against those before. Without any before, every rule is new.
    pub fn between(before: Option<&RuleBook>, now: &RuleBook) -> Self {
        let empty = RuleBook::default();
        let old = before.unwrap_or(&empty);
        let tags = tag_changes(old, now);
        let changed: BTreeSet<&str> = tags.iter().map(|t| t.name.as_str()).collect();
        let (olds, news) = (by_place(old), by_place(now));
        let places: BTreeSet<_> = olds.keys().chain(news.keys()).copied().collect();
        let rules = places
            .into_iter()
            .filter_map(|place| rule_change(olds.get(&place).copied(), news.get(&place).copied(), &changed))
            .collect();
        Changes {
            name: now.name.clone(),
            before: before.map(|book| book.snapshot.clone()),
            now: now.snapshot.clone(),
            tags,
            rules,
        }
    }

    /// Whether no rule came, went or changed. Tags that rules take by name may still have changed: Azure applies
    /// that by itself.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The changes for people, as Markdown.
    pub fn markdown(&self) -> String {
        text::markdown(self)
    }
}

/// Tags that both books have and whose addresses differ. A tag that only one of them uses did not change; the policy
/// did.
fn tag_changes(old: &RuleBook, now: &RuleBook) -> Vec<TagChange> {
    let both = now.tags.iter().filter_map(|(name, list)| Some((name, old.tags.get(name)?, list)));
    both.filter(|(_, before, now)| before != now)
        .map(|(name, before, now)| TagChange {
            name: name.clone(),
            delta: SetChange::between(&set_of(before), &set_of(now)),
        })
        .filter(|change| !change.delta.is_empty())
        .collect()
}

type Place<'a> = (&'a str, &'a str, &'a str);

fn by_place(book: &RuleBook) -> BTreeMap<Place<'_>, &RuleView> {
    book.rules.iter().map(|r| ((r.target.as_str(), r.resource.as_str(), r.rule.as_str()), r)).collect()
}

fn rule_change(
    old: Option<&RuleView>,
    now: Option<&RuleView>,
    changed: &BTreeSet<&str>,
) -> Option<RuleChange> {
    let event = match (old, now) {
        (Some(old), Some(now)) if old.same_effect(now) => return None,
        (Some(_), Some(_)) => Event::Changed,
        (Some(_), None) => Event::Removed,
        (None, _) => Event::Added,
    };
    let shown = now.or(old)?;
    let none: &[String] = &[];
    let prefixes = |rule: Option<&RuleView>| rule.map(|r| set_of(&r.prefixes)).unwrap_or_default();
    let names = |rule: Option<&RuleView>| rule.map_or(none.to_vec(), |r| r.names.clone());
    let (old_names, now_names) = (names(old), names(now));
    let without = |a: &[String], b: &[String]| a.iter().filter(|n| !b.contains(n)).cloned().collect();
    let settings_before = old.map(|r| r.settings.clone()).filter(|text| *text != shown.settings);
    Some(RuleChange {
        event,
        target: shown.target.clone(),
        resource: shown.resource.clone(),
        rule: shown.rule.clone(),
        because: shown.tags.iter().filter(|t| changed.contains(t.as_str())).cloned().collect(),
        delta: SetChange::between(&prefixes(old), &prefixes(now)),
        names_gained: without(&now_names, &old_names),
        names_lost: without(&old_names, &now_names),
        settings_before,
        settings: shown.settings.clone(),
    })
}

/// The addresses of a stored list. What is not understood adds nothing: the list was written by this program.
fn set_of(prefixes: &[String]) -> AddrSet {
    prefixes.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, prefixes: &[&str], tags: &[&str]) -> RuleView {
        RuleView {
            target: "nsg".to_owned(),
            resource: "e-nsg".to_owned(),
            rule: name.to_owned(),
            settings: "outbound allow tcp 443".to_owned(),
            prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
            names: Vec::new(),
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        }
    }

    fn book(number: u64, rules: Vec<RuleView>, tag: &[&str]) -> RuleBook {
        RuleBook {
            name: "e".to_owned(),
            snapshot: SnapshotMark {
                cloud: "public".into(),
                change_number: number,
                sha256: number.to_string(),
            },
            rules,
            tags: BTreeMap::from([("Storage".to_owned(), tag.iter().map(|p| (*p).to_owned()).collect())]),
            ..RuleBook::default()
        }
    }

    #[test]
    fn a_rule_changes_because_its_tag_did() {
        let old = book(
            1,
            vec![rule("a", &["192.0.2.0/25"], &["Storage"]), rule("b", &["10.0.0.0/8"], &[])],
            &["192.0.2.0/25"],
        );
        let new = book(
            2,
            vec![rule("a", &["192.0.2.128/25"], &["Storage"]), rule("b", &["10.0.0.0/8"], &[])],
            &["192.0.2.128/25"],
        );
        let changes = Changes::between(Some(&old), &new);
        let [change] = changes.rules.as_slice() else { panic!("{changes:?}") };
        assert_eq!(
            (change.event, change.because.as_slice()),
            (Event::Changed, ["Storage".to_owned()].as_slice())
        );
        assert_eq!(
            (change.delta.gained.as_slice(), change.delta.addresses_lost),
            (["192.0.2.128/25".to_owned()].as_slice(), Count::from(128_u64))
        );
        let text = changes.markdown();
        for wanted in ["Storage", "192.0.2.128/25", "192.0.2.0/25", "128 addresses"] {
            assert!(text.contains(wanted), "{wanted} is missing:\n{text}");
        }
    }

    #[test]
    fn nothing_else_is_said() {
        let same = book(2, vec![rule("a", &["192.0.2.0/25"], &["Storage"])], &["192.0.2.0/25"]);
        let split =
            book(1, vec![rule("a", &["192.0.2.0/26", "192.0.2.64/26"], &["Storage"])], &["192.0.2.0/25"]);
        let changes = Changes::between(Some(&split), &same);
        assert!(changes.is_empty() && changes.tags.is_empty(), "{changes:?}");
        assert!(changes.markdown().contains("No rule changed"));
    }

    #[test]
    fn the_first_generation_is_all_new() {
        let first = book(1, vec![rule("a", &["192.0.2.0/25"], &["Storage"])], &["192.0.2.0/25"]);
        let changes = Changes::between(None, &first);
        assert_eq!(changes.rules[0].event, Event::Added);
        assert!(changes.tags.is_empty());
    }
}
