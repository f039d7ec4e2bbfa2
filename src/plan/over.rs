//! [`OverLimit`]: what does not fit.

use std::borrow::Cow;
use std::fmt;

use super::budget::Budget;
use crate::addr::Count;
use crate::limits::Usage;
use crate::target::Part;

/// Why no plan can be made within the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .over.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct OverLimit {
    /// Every limit that is exceeded.
    pub over: Vec<Exceeded>,
}

impl OverLimit {
    /// The smallest `precision.max-extra` with which all limits are kept, if there is one.
    ///
    /// ```
    /// use tagwall::{Error, catalog::Catalog, pipeline, policy::PolicySource, tags::{Cloud, Snapshot, sample}};
    /// let text = r#"
    ///     schema = 1
    ///     name = "demo"
    ///     region = "westeurope"
    ///     network.address-space = ["10.20.0.0/16"]
    ///     subnets.training.prefixes = ["10.20.1.0/24"]
    ///     groups.list = ["20.33.16.0/31", "20.33.16.2"]
    ///     limits.nsg-destination-prefixes = 6 # five are for what every group ends in
    ///     [[allow]]
    ///     to = "group:list"
    ///     protocol = "tcp"
    ///     ports = 443
    /// "#;
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// let source = PolicySource::read("demo.toml", text)?;
    /// let Err(Error::Limit(over)) = pipeline::generate(&source, Catalog::builtin(), &snapshot, None) else {
    ///     panic!("two prefixes do not fit");
    /// };
    /// assert_eq!(over.max_extra().unwrap().to_string(), "1");
    /// # Ok::<(), tagwall::Error>(())
    /// ```
    pub fn max_extra(&self) -> Option<Count> {
        self.over.iter().map(|exceeded| exceeded.extra).sum()
    }
}

/// One limit that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Limit, what is had, and of which resource.
    pub usage: Usage,
    /// Where a template is too large that holds all of one part of the plan: that part.
    pub part: Option<Part>,
    /// The way out.
    pub remedy: Cow<'static, str>,
    /// What more extra addresses could do, where that is known.
    pub budget: Option<Budget>,
    /// How many extra addresses it takes to keep the limit, beside those that limits before it in the list take, the
    /// fewest that do; `None` if no number is enough.
    pub extra: Option<Count>,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { key, of, have, limit, .. } = &self.usage;
        write!(f, "{of}: {key} is {limit}, {have} are needed; {}", self.remedy)?;
        self.budget.as_ref().map_or(Ok(()), |budget| write!(f, "; {budget}"))
    }
}
