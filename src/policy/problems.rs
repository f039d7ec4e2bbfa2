//! [`Problems`]: all that is wrong with a policy.

use super::place::{Path, PolicyErrors, PolicyProblem};
use super::problem::Problem;
use super::read::PolicySource;

/// What is wrong with a policy, place by place.
#[derive(Debug, Default)]
pub(super) struct Problems {
    wrong: Vec<(Path, Problem)>,
    risky: Vec<(Path, Problem)>,
}

impl Problems {
    /// Notes what is wrong at `place`.
    pub(super) fn at(&mut self, place: Path, problem: impl Into<Problem>) {
        self.wrong.push((place, problem.into()));
    }

    /// Notes what can be done and is hardly meant.
    pub(super) fn warn(&mut self, place: Path, problem: impl Into<Problem>) {
        self.risky.push((place, problem.into()));
    }

    /// The warnings, each with its line of the file that says it; of the policy's own only the line.
    pub(super) fn warnings(&self, source: &PolicySource) -> Vec<String> {
        let found = source.errors(self.risky.iter().map(|(place, problem)| (place.clone(), problem)));
        let line = |text: &str, at: usize| text.bytes().take(at).filter(|&byte| byte == b'\n').count();
        let told = |p: &PolicyProblem| match &p.said_in {
            Some(other) => {
                let line = other.first_line + line(&other.text, p.span.start);
                format!("{} line {line}: {}", other.file, p.message)
            }
            None => format!("line {}: {}", 1 + line(&found.text, p.span.start), p.message),
        };
        found.problems.iter().map(told).collect()
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.wrong.is_empty()
    }

    /// How many things are wrong.
    pub(super) fn len(&self) -> usize {
        self.wrong.len()
    }

    /// The problems with their lines of the file.
    pub(super) fn in_source(self, source: &PolicySource) -> PolicyErrors {
        source.errors(self.wrong)
    }
}
