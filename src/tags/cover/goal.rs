//! [`TagGoal`]: what makes one choice of tags better than another.

/// What is wanted of the tags that cover a set of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagGoal {
    /// Exactly those addresses, with the fewest tags.
    Exact,
    /// The least extra addresses, then the fewest tags.
    Tight,
    /// The fewest tags, then the least extra addresses.
    Fewest,
}
