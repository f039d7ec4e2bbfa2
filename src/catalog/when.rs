//! [`Condition`]: when a row applies.

use std::collections::BTreeMap;
use std::fmt;

use super::name_problem::NameProblem;
use super::option::{OptionKind, OptionSpec, OptionValue, Prefer};
use crate::tags::Cloud;
use crate::text::{Joined, nearest};

/// One condition on options or the cloud; those of a row must all hold.
///
/// Written `name` (on, or given), `!name` (off, or not given), `name=a|b`, `name!=a|b`; several with ` or ` between,
/// of which one must hold. The names `cloud` and `prefer` ask
/// for the cloud and for the style; every other name is an option of the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Vec<Test>);

/// One part of a condition, between `or`s.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    name: String,
    negated: bool,
    values: Vec<String>,
}

/// Why a text is no condition.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConditionError {
    #[error("`{0}` is no condition: write name, !name, name=a|b or name!=a|b")]
    Form(String),
    #[error("`{0}` is no condition: a name, a value or `or` is missing")]
    Missing(String),
}

/// What conditions are held against.
pub(super) struct Facts<'a> {
    pub(super) options: &'a BTreeMap<&'a str, OptionValue>,
    pub(super) cloud: Cloud,
    pub(super) prefer: Prefer,
}

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, ConditionError> {
        text.split(" or ").map(Test::parse).collect::<Result<_, _>>().map(Condition)
    }

    /// What is wrong with the condition for a workload with these options.
    pub(super) fn problem<'a>(&'a self, options: &'a [OptionSpec]) -> Option<NameProblem<'a>> {
        self.0.iter().find_map(|test| test.problem(options))
    }

    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        self.0.iter().any(|test| test.holds(facts))
    }
}

impl Test {
    fn parse(text: &str) -> Result<Self, ConditionError> {
        let (head, values) = match text.split_once('=') {
            Some((head, values)) => (head, values.split('|').map(|v| v.trim().to_owned()).collect()),
            None => (text, Vec::new()),
        };
        let head = head.trim();
        let (name, negated) = match (head.strip_prefix('!'), head.strip_suffix('!'), values.is_empty()) {
            (Some(name), None, true) => (name, true),
            (None, Some(name), false) => (name, true),
            (None, None, _) => (head, false),
            _ => return Err(ConditionError::Form(text.to_owned())),
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) || values.iter().any(String::is_empty) {
            return Err(ConditionError::Missing(text.to_owned()));
        }
        Ok(Test { name: name.to_owned(), negated, values })
    }

    fn problem<'a>(&'a self, options: &'a [OptionSpec]) -> Option<NameProblem<'a>> {
        let known: Vec<&str> = match options.iter().find(|o| o.name == self.name) {
            _ if self.name == "cloud" => Cloud::ALL.iter().map(|c| c.name()).collect(),
            _ if self.name == "prefer" => Prefer::ALL.iter().map(|p| p.name()).collect(),
            None => {
                let near = nearest(&self.name, options.iter().map(|o| o.name.as_str()));
                return Some(NameProblem::Option { text: "when", name: &self.name, near });
            }
            Some(OptionSpec { kind: OptionKind::Choice(values), .. }) => {
                values.iter().map(String::as_str).collect()
            }
            Some(OptionSpec { kind: OptionKind::Bool, .. }) => vec!["true", "false"],
            Some(_) => return None,
        };
        let value = self.values.iter().find(|v| !known.contains(&v.as_str()))?;
        Some(NameProblem::Never { name: &self.name, value, known })
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        let any = |text: &str| self.values.is_empty() || self.values.iter().any(|value| value == text);
        let plain = match self.name.as_str() {
            "cloud" => any(facts.cloud.name()),
            "prefer" => any(facts.prefer.name()),
            option => match facts.options.get(option) {
                None => false,
                Some(OptionValue::Bool(on)) if self.values.is_empty() => *on,
                Some(value) if self.values.is_empty() => !value.is_empty(),
                Some(value) => value.texts().into_iter().any(any),
            },
        };
        plain != self.negated
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Joined(&self.0, " or ").fmt(f)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "!" } else { "" };
        match self.values.is_empty() {
            true => write!(f, "{not}{}", self.name),
            false => write!(f, "{}{not}={}", self.name, Joined(&self.values, "|")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let options = BTreeMap::from([
            ("on", OptionValue::Bool(true)),
            ("off", OptionValue::Bool(false)),
            ("style", OptionValue::Text("b".into())),
            ("list", OptionValue::List(vec![])),
        ]);
        let facts = Facts { options: &options, cloud: Cloud::China, prefer: Prefer::Fqdns };
        for (text, expected) in [
            ("on", true),
            ("!on", false),
            ("off", false),
            ("!off", true),
            ("off=false", true),
            ("style=a|b", true),
            ("style!=a|b", false),
            ("style!=a", true),
            ("list", false),
            ("!list", true),
            ("cloud=public|usgov", false),
            ("cloud!=public", true),
            ("prefer=fqdns|both", true),
            ("off or on", true),
            ("off or list or style=b", true),
            ("off or list", false),
        ] {
            let condition = Condition::parse(text).unwrap();
            assert_eq!(condition.holds(&facts), expected, "{text}");
            assert_eq!(condition.to_string(), text);
        }
        for text in ["", "!", "=a", "a=", "!a=b", "a=b|", "a b", "a or "] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }
}
