//! What a new generation changes, in the administrator's terms: which rules, because which tag gained or lost what.
//!
//! A [`RuleSummary`] is kept with each generation. Two of them are enough to say what happened between: neither the old
//! snapshot nor the old policy is needed any more.

mod past;
mod step;
mod summary;
mod text;
mod told;

use std::collections::{BTreeMap, BTreeSet};

pub use past::{Past, Told};
pub use step::Step;
use summary::set_of;
pub use summary::{DatedMark, RuleSummary, RuleView, SnapshotMark};
pub(super) use text::many;
pub use told::{Changes, Event, RuleChange, SetChange, TagChange};

impl Changes {
    /// Holds the rules now against those before. Without any before, every rule is new.
    pub fn between(before: Option<&RuleSummary>, now: &RuleSummary) -> Self {
        let empty = RuleSummary::default();
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
            before: before.map(|summary| summary.snapshot.clone()),
            now: now.snapshot.clone(),
            tags,
            dated: newly_dated(before, now),
            rules,
        }
    }

    /// How many rules, and how many lists, came, went or changed.
    pub fn counts(&self) -> (usize, usize) {
        let lists = self.rules.iter().filter(|rule| rule.is_list()).count();
        (self.rules.len() - lists, lists)
    }

    /// Whether no rule and no list came, went or changed. Tags that rules take by name may still have changed: Azure applies
    /// that by itself.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The changes for people, as Markdown.
    pub fn markdown(&self) -> String {
        text::markdown(self)
    }
}

impl RuleChange {
    /// Whether it is a list of addresses, which is no rule by itself.
    pub fn is_list(&self) -> bool {
        ["lists", "edl", "nftables"].contains(&self.target.as_str())
    }
}

/// What begins or ends that the summary before did not tell of, or whose day has passed since.
fn newly_dated(before: Option<&RuleSummary>, now: &RuleSummary) -> Vec<DatedMark> {
    let told = |mark: &DatedMark| {
        let same = |other: &DatedMark| {
            (&other.subject, &other.turn, other.date) == (&mark.subject, &mark.turn, mark.date)
        };
        before.is_some_and(|summary| summary.dated.iter().any(same))
    };
    let passed = |mark: &DatedMark| {
        let days = (before.and_then(|summary| summary.as_of), now.as_of);
        matches!(days, (Some(then), Some(today)) if then < mark.date && mark.date <= today)
    };
    now.dated.iter().filter(|mark| !told(mark) || passed(mark)).cloned().collect()
}

/// Tags that both summaries have and whose addresses differ. A tag that only one of them uses did not change; the policy
/// did.
fn tag_changes(old: &RuleSummary, now: &RuleSummary) -> Vec<TagChange> {
    let both = now.tags.iter().filter_map(|(name, list)| Some((name, old.tags.get(name)?, list)));
    both.filter(|(_, before, now)| before != now)
        .map(|(name, before, list)| TagChange {
            name: name.clone(),
            named: now.rules.iter().any(|rule| rule.takes_by_name(name)),
            delta: SetChange::between(&set_of(before), &set_of(list)),
        })
        .filter(|change| !change.delta.is_empty())
        .collect()
}

type Place<'a> = (&'a str, &'a str, &'a str);

fn by_place(summary: &RuleSummary) -> BTreeMap<Place<'_>, &RuleView> {
    summary.rules.iter().map(|r| ((r.target.as_str(), r.resource.as_str(), r.rule.as_str()), r)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::FamilyCounts;

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

    fn summary(number: u64, rules: Vec<RuleView>, tag: &[&str]) -> RuleSummary {
        RuleSummary {
            name: "e".to_owned(),
            snapshot: SnapshotMark {
                cloud: "public".into(),
                change_number: number,
                sha256: number.to_string(),
            },
            rules,
            tags: BTreeMap::from([("Storage".to_owned(), tag.iter().map(|p| (*p).to_owned()).collect())]),
            ..RuleSummary::default()
        }
    }

    #[test]
    fn a_rule_changes_because_its_tag_did() {
        let old = summary(
            1,
            vec![rule("a", &["192.0.2.0/25"], &["Storage"]), rule("b", &["10.0.0.0/8"], &[])],
            &["192.0.2.0/25"],
        );
        let new = summary(
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
            (
                ["192.0.2.128/25".to_owned()].as_slice(),
                FamilyCounts::of(&set_of(&["192.0.2.0/25".to_owned()]))
            )
        );
        let text = changes.markdown();
        for wanted in ["Storage", "192.0.2.128/25", "192.0.2.0/25", "128 IPv4 addresses"] {
            assert!(text.contains(wanted), "{wanted} is missing:\n{text}");
        }
    }

    #[test]
    fn nothing_else_is_said() {
        let same = summary(2, vec![rule("a", &["192.0.2.0/25"], &["Storage"])], &["192.0.2.0/25"]);
        let split =
            summary(1, vec![rule("a", &["192.0.2.0/26", "192.0.2.64/26"], &["Storage"])], &["192.0.2.0/25"]);
        let changes = Changes::between(Some(&split), &same);
        assert!(changes.is_empty() && changes.tags.is_empty(), "{changes:?}");
        assert!(changes.markdown().contains("No rule changed"));
    }

    #[test]
    fn families_are_counted_each_by_itself() {
        let list = |prefixes: &[&str]| summary(1, vec![rule("a", prefixes, &[])], prefixes);
        let old = list(&["192.0.2.0/25", "2001:db8:1::/127"]);
        let new = list(&["192.0.2.128/25", "198.51.100.1/32", "2001:db8:1::/127", "2001:db8:2::/126"]);
        let changes = Changes::between(Some(&old), &new);
        let wanted =
            "+2 IPv4 prefixes, 129 addresses; +1 IPv6 prefix, 4 addresses; -1 IPv4 prefix, 128 addresses";
        assert_eq!(changes.tags[0].delta.summary(), wanted);
        assert!(changes.markdown().contains("(129 IPv4 and 4 IPv6 addresses)"), "{}", changes.markdown());
    }

    #[test]
    fn azure_applies_by_itself_only_what_a_rule_names() {
        let view = |names: &[&str], target: &str, prefixes: &[&str]| RuleView {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            target: target.to_owned(),
            ..rule("a", prefixes, &["Storage"])
        };
        let text = |views: [RuleView; 2]| {
            let [old, new] = views;
            let (before, now) = (["192.0.2.0/25"], ["192.0.2.0/24"]);
            Changes::between(Some(&summary(1, vec![old], &before)), &summary(2, vec![new], &now)).markdown()
        };
        let named = text([view(&["Storage"], "nsg", &[]), view(&["Storage"], "nsg", &[])]);
        assert!(named.contains("Rules name Storage: there Azure applies the change by itself"), "{named}");
        let listed = text([view(&[], "lists", &["192.0.2.0/25"]), view(&[], "lists", &["192.0.2.0/24"])]);
        assert!(
            listed.contains("1 list changed, and no other rule") && !listed.contains("Azure"),
            "{listed}"
        );
        let none = text([view(&[], "nsg", &["10.0.0.0/8"]), view(&[], "nsg", &["10.0.0.0/8"])]);
        assert!(none.contains("No rule changed") && !none.contains("Azure"), "{none}");
    }

    #[test]
    fn the_first_generation_is_all_new() {
        let first = summary(1, vec![rule("a", &["192.0.2.0/25"], &["Storage"])], &["192.0.2.0/25"]);
        let changes = Changes::between(None, &first);
        assert_eq!(changes.rules[0].event, Event::Added);
        assert!(changes.tags.is_empty());
    }
}
