//! Names that documents print and Azure does not know, and tags that a cloud lacks.

use crate::tags::Cloud;

/// The right spelling of a name that documents print wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name that Azure knows.
    pub name: String,
    /// Where the other spelling comes from.
    pub note: String,
}

/// A tag that a cloud's published file does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentTag {
    /// The cloud.
    pub cloud: Cloud,
    /// Its names; `Base.*` stands for every ending, `*.Ending` for every base.
    pub tags: Vec<String>,
    /// A tag of the same cloud that holds its addresses.
    pub covered_by: Option<String>,
    /// What to know about it.
    pub note: String,
}

impl AbsentTag {
    /// Whether the tag `name`, in any case, is meant.
    pub fn matches(&self, name: &str) -> bool {
        self.tags.iter().any(|pattern| rest_of(pattern, name).is_some())
    }

    /// The tag that holds the addresses of `name`; a `*` in it stands for what `name` has before its dot.
    pub fn cover_of(&self, name: &str) -> Option<String> {
        let base = name.split('.').next().unwrap_or(name);
        self.covered_by.as_ref().map(|cover| cover.replace('*', base))
    }
}

/// A spelling to correct. `*` in `written` stands for any text and comes back in `name`.
#[derive(Debug, Clone)]
pub(super) struct AliasRule {
    pub(super) hosts: bool,
    pub(super) written: String,
    pub(super) name: String,
    pub(super) note: String,
}

impl AliasRule {
    pub(super) fn apply(&self, text: &str) -> Option<Alias> {
        // Where only the case is wrong, other spellings of the right name are no mistake worth a word.
        let only_case = self.written.eq_ignore_ascii_case(&self.name);
        let rest = rest_of(&self.written, text)?;
        if only_case && self.written.replace('*', rest) != text {
            return None;
        }
        Some(Alias { name: self.name.replace('*', rest), note: self.note.clone() })
    }
}

/// What the `*` of `pattern` stands for in `text`, ignoring case; empty where the pattern has none.
pub(super) fn rest_of<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern.eq_ignore_ascii_case(text).then_some("");
    };
    let end = text.len().checked_sub(tail.len())?;
    let rest = text.get(head.len()..end)?;
    let fits = text[..head.len()].eq_ignore_ascii_case(head) && text[end..].eq_ignore_ascii_case(tail);
    (fits && !rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert_eq!(rest_of("Keyvault.*", "KeyVault.WestEurope"), Some("WestEurope"));
        assert_eq!(rest_of("*.uswest", "Storage.USWest"), Some("Storage"));
        assert_eq!(rest_of("Keyvault.*", "Keyvault."), None);
        assert_eq!(rest_of("a*a", "a"), None);
        assert_eq!(rest_of("Frontdoor.FirstParty", "frontdoor.firstparty"), Some(""));
    }
}
