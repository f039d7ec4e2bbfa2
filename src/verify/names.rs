//! Names that Azure takes.

/// Whether Azure takes `name` for a rule, route or group. Source: resource-name-rules.md, 2020-02-11.
pub(super) fn legal_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let last = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    name.len() <= 80 && first && last && name.chars().all(inner)
}
