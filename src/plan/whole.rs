//! [`Plan`]: what each target gets.

use std::ops::Deref;

use super::parts::PlanParts;
use super::promises::{PlanError, check};

/// What each target gets. Within limits; names unique, priorities unique and in range.
///
/// ```
/// use tagwall::plan::{Nsg, Plan, PlanParts};
/// let nsg = Nsg { name: "a".into(), subnets: vec![], own_names: vec![], keep: vec![], rules: vec![] };
/// let plan = Plan::new(PlanParts { nsgs: vec![nsg.clone()], ..PlanParts::default() }).unwrap();
/// assert_eq!(plan.nsgs.len(), 1);
/// let error = Plan::new(PlanParts { nsgs: vec![nsg.clone(), nsg], ..PlanParts::default() }).unwrap_err();
/// assert_eq!(error.to_string(), "the plan has two security groups called a");
/// ```
#[derive(Debug, Clone)]
pub struct Plan(PlanParts);

impl Plan {
    /// Holds parts to what a plan promises.
    ///
    /// # Errors
    /// [`PlanError`], the first thing that is not so.
    ///
    /// # Cost
    /// Sorts the names: some thousand rules take a millisecond.
    pub fn new(parts: PlanParts) -> Result<Self, PlanError> {
        check(&parts).map(|()| Plan(parts))
    }
}

impl Deref for Plan {
    type Target = PlanParts;

    fn deref(&self) -> &PlanParts {
        &self.0
    }
}
