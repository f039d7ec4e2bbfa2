//! [`adopt`]: a policy for rules that are there.
//!
//! The policy is a draft: whether it makes the same rules is for a comparison of what it makes with what was read.

mod draft;
mod parts;
mod said;
mod write;

pub use draft::adopt;
pub use said::{
    Adopted, Advice, Inexpressible, Meaning, MeaningKind, Named, Naming, NoSubnet, Proposal, Remote,
    RuleMeaning, RuleName,
};
