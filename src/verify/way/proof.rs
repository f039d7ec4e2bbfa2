//! What the way is proven from, and of which subnets.

use crate::plan::{Association, Extra};
use crate::policy::{Flow, Policy};
use crate::replay::way::{Model, Subnet};
use crate::target::Target;
use crate::verify::inexpressible::Inexpressible;

/// What the way is proven from.
pub(in crate::verify) struct Proof<'a> {
    pub(in crate::verify) policy: &'a Policy,
    pub(in crate::verify) extras: &'a [Extra],
    /// Needs that a target is declared not to say.
    pub(in crate::verify) inexpressible: &'a [Inexpressible<'a>],
    /// What is put on each subnet.
    pub(in crate::verify) placed: &'a [Association],
    pub(in crate::verify) format: &'a str,
    pub(in crate::verify) targets: &'a [Target],
}

/// Subnets that are decided alike, and what decides.
pub(super) struct Course<'a, 'm> {
    pub(super) proof: &'a Proof<'a>,
    pub(super) model: &'a Model<'m>,
    pub(super) subnets: &'a [&'m Subnet],
}

impl Course<'_, '_> {
    /// Whether a target that is there is declared not to say all of a need.
    pub(super) fn is_unsaid(&self, flow: &Flow) -> bool {
        self.proof.inexpressible.iter().any(|u| flow.id == *u.flow && self.proof.targets.contains(&u.target))
    }
}
