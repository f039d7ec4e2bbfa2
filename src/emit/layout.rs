//! What languages with brackets and quotes have in common.

/// Spaces in front of what is `depth` brackets inside.
pub(super) fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Brackets with each of `items` on lines of its own between them; `write` writes one, without its end of line.
pub(super) fn enclosed<T>(
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    depth: usize,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    out.push('\n');
    for item in items {
        indent(depth + 1, out);
        write(item, out);
        out.push('\n');
    }
    indent(depth, out);
    out.push(close);
}

/// A character of a string between quotes: what would end the string or its line is escaped, and `code` gives the
/// escape for other control characters.
pub(super) fn push_escaped(c: char, quote: char, code: fn(u32) -> String, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c == quote || c == '\\' => out.extend(['\\', c]),
        c if c.is_control() => out.push_str(&code(c as u32)),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stand_on_lines_of_their_own() {
        let mut out = String::new();
        enclosed(['[', ']'], ["a", "b"], 1, &mut out, |item, out| out.push_str(item));
        assert_eq!(out, "[\n    a\n    b\n  ]");
    }
}
