//! Lists in a sentence.

use std::fmt::{self, Display};

/// The items one after another with `between` between them, written where they are shown, without a text of their own.
pub(crate) fn joined<I>(items: I, between: &'static str) -> impl Display
where
    I: IntoIterator<Item: Display> + Clone,
{
    fmt::from_fn(move |f| {
        items.clone().into_iter().enumerate().try_for_each(|(at, item)| {
            if at > 0 {
                f.write_str(between)?;
            }
            item.fmt(f)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stand_with_the_text_between_them_alone() {
        assert_eq!(joined([1, 2, 3], ", ").to_string(), "1, 2, 3");
        assert_eq!(joined(["a"], " and ").to_string(), "a");
        assert_eq!(joined([0_u8; 0], ", ").to_string(), "");
    }
}
