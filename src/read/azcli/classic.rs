//! Classic collections in a script: the names that are taken out of the firewall, and the words that stand for ours.

use crate::read::resources::SettingKind;

/// The collections of a kind: those that let through, and those that deny.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The variable of a template that holds them.
    pub(super) collections: &'static str,
    pub(super) rules: Held,
    pub(super) denies: Held,
}

/// A collection that a script holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The variable of the shell that has its body.
    pub(super) variable: &'static str,
    /// The word that stands in its place until it is put in.
    pub(super) word: &'static str,
    /// The setting that names it.
    pub(super) setting: SettingKind,
}

/// The kinds of collections, in the order in which a script asks for them.
pub(super) const KINDS: [Kind; 2] = [
    Kind {
        name: "network",
        collections: "networkRuleCollections",
        rules: Held {
            variable: "network",
            word: "tagwall network rules",
            setting: SettingKind::NetworkCollection,
        },
        denies: Held {
            variable: "network_denies",
            word: "tagwall network denies",
            setting: SettingKind::NetworkDenies,
        },
    },
    Kind {
        name: "application",
        collections: "applicationRuleCollections",
        rules: Held {
            variable: "application",
            word: "tagwall application rules",
            setting: SettingKind::ApplicationCollection,
        },
        denies: Held {
            variable: "application_denies",
            word: "tagwall application denies",
            setting: SettingKind::ApplicationDenies,
        },
    },
];

/// Names and collections of what stands between the first name of a query and its end: `NAME'], ['WORD']`, or
/// `NAME' && name!='NAME'], ['WORD', 'WORD']` where one of them denies.
pub(super) fn query<'a>(kind: &Kind, inner: &'a str) -> Option<(Vec<&'a str>, Vec<Held>)> {
    let (names, words) = inner.split_once("']")?;
    let names: Vec<&str> = names.split("' && name!='").collect();
    let words: Vec<&str> = match words.strip_prefix(", ['") {
        Some(words) => words.strip_suffix("']")?.split("', '").collect(),
        None if words.is_empty() => Vec::new(),
        None => return None,
    };
    let Kind { rules, denies, .. } = *kind;
    let held = match (names.len(), words.as_slice()) {
        (1, []) => Vec::new(),
        (1, [word]) if *word == rules.word => vec![rules],
        (2, [word]) if *word == denies.word => vec![denies],
        (2, [first, second]) if *first == denies.word && *second == rules.word => vec![denies, rules],
        _ => return None,
    };
    Some((names, held))
}

/// Whether a setting names a collection.
pub(super) fn is_collection(setting: SettingKind) -> bool {
    KINDS.iter().any(|kind| [kind.rules.setting, kind.denies.setting].contains(&setting))
}
