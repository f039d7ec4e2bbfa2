//! Classic collections in a script: the names that are taken out of the firewall, and the words that stand for ours.

use crate::read::resources::SettingKind;

/// A collection that a script holds.
pub(super) struct Held {
    pub(super) kind: &'static str,
    /// The variable of the shell that has its body.
    pub(super) variable: String,
    /// The word that stands in its place until it is put in.
    pub(super) word: String,
}

/// Names and collections of what stands between the first name of a query and its end: `NAME'], ['WORD']`, or
/// `NAME' && name!='NAME'], ['WORD', 'WORD']` where one of them denies.
pub(super) fn query<'a>(kind: &'static str, inner: &'a str) -> Option<(Vec<&'a str>, Vec<Held>)> {
    let (names, words) = inner.split_once("']")?;
    let names: Vec<&str> = names.split("' && name!='").collect();
    let rules = Held { kind, variable: kind.to_owned(), word: format!("tagwall {kind} rules") };
    let denies = Held { kind, variable: format!("{kind}_denies"), word: format!("tagwall {kind} denies") };
    let both = format!(", ['{}', '{}']", denies.word, rules.word);
    let held = match names.len() {
        1 if words.is_empty() => Vec::new(),
        1 if words == format!(", ['{}']", rules.word) => vec![rules],
        2 if words == format!(", ['{}']", denies.word) => vec![denies],
        2 if words == both => vec![denies, rules],
        _ => return None,
    };
    Some((names, held))
}

/// Whether a setting names a collection.
pub(super) fn is_collection(kind: SettingKind) -> bool {
    use SettingKind::{ApplicationCollection, ApplicationDenies, NetworkCollection, NetworkDenies};
    matches!(kind, NetworkCollection | ApplicationCollection | NetworkDenies | ApplicationDenies)
}
