//! [`Report`]: what was proven, and where it failed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// The outcome of proving one set of artefacts. It succeeds only if nothing failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was proven, one entry for each target and part.
    pub proven: Vec<Proven>,
    /// What failed; empty on success.
    pub failures: Vec<Failure>,
}

/// One thing that was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// The target's name.
    pub target: String,
    /// The format whose bytes were read back.
    pub format: String,
    /// What was compared: `inbound`, `outbound`, `routes`, `network rules`, `hosts`.
    pub part: String,
    /// How many rules or routes were replayed.
    pub rules: usize,
    /// How many needs they were held against.
    pub needs: usize,
}

/// One difference between what was asked and what an artefact does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The target.
    pub target: Target,
    /// The format whose bytes were read back.
    pub format: String,
    /// The kind of difference.
    pub kind: FailureKind,
    /// What differs, with a packet where there is one.
    pub text: String,
}

/// How an artefact differs from what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A packet that must pass does not.
    Missing,
    /// A packet passes that nobody asked for.
    Excess,
    /// A packet goes another way than asked.
    Misrouted,
    /// Azure would refuse the artefact, or it cannot be read back.
    Invalid,
}

impl Report {
    /// Whether everything held.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }

    pub(super) fn extend(&mut self, other: Report) {
        self.proven.extend(other.proven);
        self.failures.extend(other.failures);
    }

    pub(super) fn fail(&mut self, target: Target, format: &str, kind: FailureKind, text: String) {
        self.failures.push(Failure { target, format: format.to_owned(), kind, text });
    }

    pub(super) fn count_wrong(&mut self, target: Target, format: &str, what: &str, have: usize) {
        self.fail(target, format, FailureKind::Invalid, format!("one {what} is expected, {have} are there"));
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FailureKind::Missing => "missing",
            FailureKind::Excess => "excess",
            FailureKind::Misrouted => "misrouted",
            FailureKind::Invalid => "invalid",
        };
        write!(f, "{} ({}): {kind}: {}", self.target, self.format, self.text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.failures.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
