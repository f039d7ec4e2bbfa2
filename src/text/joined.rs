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
        let Joined(items, between) = *self;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                f.write_str(between)?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}
