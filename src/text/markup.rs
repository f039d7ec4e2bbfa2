//! Text inside of HTML and XML.

#[cfg(any(feature = "store", test))]
use std::fmt::Display;
use std::fmt::{self, Write};

/// Text as it stands in HTML and XML, between elements and in quoted values: what has a meaning there is escaped, and
/// control characters, of which XML knows none but tabs and ends of lines, are replaced.
///
/// ```
/// use tagwall::text::markup;
/// assert_eq!(markup("<a href='x'>&\u{7}"), "&lt;a href=&#39;x&#39;&gt;&amp;\u{fffd}");
/// ```
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    Marked(&mut out).write_str(text).expect("memory does not fail");
    out
}

/// What is shown, as [`markup`] has it, without a text between.
#[cfg(any(feature = "store", test))]
pub(crate) fn marked(shown: impl Display) -> impl Display {
    fmt::from_fn(move |f| write!(Marked(f), "{shown}"))
}

/// Escapes what is written on the way to where it is written.
struct Marked<'a, W>(&'a mut W);

impl<W: Write> Write for Marked<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => self.0.write_char('\u{fffd}'),
            c => self.0.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_escaped_wherever_it_is_cut() {
        let shown = fmt::from_fn(|f| ["a<", "b", "\u{7}'&"].iter().try_for_each(|part| f.write_str(part)));
        assert_eq!(marked(&shown).to_string(), "a&lt;b\u{fffd}&#39;&amp;");
        assert_eq!(markup(&shown.to_string()), marked(&shown).to_string());
    }
}
