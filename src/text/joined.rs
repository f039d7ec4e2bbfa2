//! [`Joined`]: a list as it is printed.

use std::fmt::{self, Display, Formatter};

/// Things one after the other with a text between two of them, written without a text for each.
///
/// ```
/// use tagwall::text::Joined;
/// assert_eq!(Joined(&[1, 2, 3], ", ").to_string(), "1, 2, 3");
/// assert_eq!(Joined::<u8>(&[], ", ").to_string(), "");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a, T>(pub &'a [T], pub &'a str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(self.0, self.1).fmt(f)
    }
}

/// The same for what is no slice, such as names that are picked out of something.
pub(crate) fn joined<I>(items: I, between: &str) -> impl Display
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
