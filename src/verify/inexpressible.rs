//! [`Inexpressible`]: what a target is declared not to say.

use crate::target::Target;

/// A need that the report lists as wholly not expressible on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inexpressible<'a> {
    /// The target.
    pub target: Target,
    /// Id of the flow.
    pub flow: &'a str,
}
