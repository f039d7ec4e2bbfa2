//! Names, descriptions and priorities that Azure takes.

use std::ops::RangeInclusive;

use crate::plan::LimitKey;

/// Whether Azure takes `name` for a rule, route or group. Source: resource-name-rules.md, 2020-02-11.
pub(super) fn legal_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let last = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    name.len() <= LimitKey::NameCharacters.current() && first && last && name.chars().all(inner)
}

/// What is wrong with the length of a description.
pub(super) fn long_description(name: &str, text: &str) -> Option<String> {
    let most = LimitKey::NsgDescriptionCharacters.current();
    let long = text.chars().count() > most;
    long.then(|| format!("{name}: the description is longer than {most} characters"))
}

/// What is wrong with a priority that is not one of `all`.
pub(super) fn out_of_range(priority: i64, all: &RangeInclusive<u32>) -> Option<String> {
    let (first, last) = (all.start(), all.end());
    let wrong = !u32::try_from(priority).is_ok_and(|priority| all.contains(&priority));
    wrong.then(|| format!("priority {priority} is not from {first} to {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_azure_takes() {
        for name in ["a", "9", "a_", "a-b.c_d", "A9"] {
            assert!(legal_name(name), "{name}");
        }
        for name in ["", "_a", ".a", "-a", "a.", "a-", "a b", "a/b", "ä", "aä"] {
            assert!(!legal_name(name), "{name}");
        }
        let most = LimitKey::NameCharacters.current();
        assert!(legal_name(&"a".repeat(most)) && !legal_name(&"a".repeat(most + 1)));
    }
}
