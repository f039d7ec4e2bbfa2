//! Text inside of HTML and XML.

/// Text as it stands in HTML and XML, between elements and in quoted values: what has a meaning there is escaped, and
/// control characters, of which XML knows none but tabs and ends of lines, are replaced.
///
/// ```
/// use tagwall::text::markup;
/// assert_eq!(markup("<a href='x'>&\u{7}"), "&lt;a href=&#39;x&#39;&gt;&amp;\u{fffd}");
/// ```
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
