//! Values held against texts that say them.

use std::fmt::{self, Display, Write};

/// What is left of a text once the beginning of it was written.
struct Rest<'a>(&'a str);

impl Write for Rest<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// Whether `text` is what `value` is shown as, without making a text of the value.
pub(crate) fn says(text: &str, value: impl Display) -> bool {
    let mut rest = Rest(text);
    write!(rest, "{value}").is_ok() && rest.0.is_empty()
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn a_text_says_a_value_in_its_own_form_only() {
        assert!(says("100", 100) && says("-1", -1) && says("", ""));
        for other in ["", "0100", "+100", "10", "1000", " 100"] {
            assert!(!says(other, 100), "{other}");
        }
        assert!(says("Inbound 100 web", format_args!("{} {} {}", "Inbound", 100, "web")));
        assert!(!says("Inbound 100 web ", format_args!("{} {} {}", "Inbound", 100, "web")));
    }
}
