//! What a policy may set for a workload, and which of tags and hosts it prefers.

use std::collections::BTreeSet;
use std::fmt;

use crate::limits::nsg_priorities;
use crate::packet::Ports;
use crate::text::Joined;

/// Something that a policy may set for a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    /// The key in the policy.
    pub name: String,
    /// Which values it takes.
    pub kind: OptionKind,
    /// The value where the policy says nothing.
    pub default: OptionValue,
    /// What it does, in a sentence.
    pub help: String,
    /// Whether the policy has to set it.
    pub required: bool,
}

/// Which values an option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// On or off.
    Bool,
    /// One port.
    Port,
    /// Ports and ranges, with commas between.
    Ports,
    /// The priority of a rule of a security group.
    Priority,
    /// Any text.
    Text,
    /// A list of texts.
    List,
    /// One of these.
    Choice(Vec<String>),
}

/// A value that an option does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .expected.expected())]
pub struct WrongValue {
    /// What it takes.
    pub expected: OptionKind,
}

/// The value of an option. Ports and priorities are text and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// On or off.
    Bool(bool),
    /// Text, a choice, a port, ports or a priority.
    Text(String),
    /// A list.
    List(Vec<String>),
}

impl OptionValue {
    /// Whether nothing is given: an empty text or list. `false` is something.
    pub fn is_empty(&self) -> bool {
        match self {
            OptionValue::Bool(_) => false,
            OptionValue::Text(text) => text.is_empty(),
            OptionValue::List(list) => list.is_empty(),
        }
    }

    /// The values as texts, `true` and `false` included.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            OptionValue::Bool(on) => vec![if *on { "true" } else { "false" }],
            OptionValue::Text(text) => vec![text],
            OptionValue::List(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

impl OptionKind {
    /// The value in its canonical form, or what the option expects instead.
    ///
    /// # Errors
    /// [`WrongValue`], which shows the values that the option takes.
    pub fn check(&self, value: &OptionValue) -> Result<OptionValue, WrongValue> {
        let wrong = || WrongValue { expected: self.clone() };
        match (self, value) {
            (OptionKind::Bool, OptionValue::Bool(_)) => Ok(value.clone()),
            (OptionKind::List, OptionValue::List(list)) if list.iter().all(|v| !v.trim().is_empty()) => {
                let unique: BTreeSet<&str> = list.iter().map(|v| v.trim()).collect();
                Ok(OptionValue::List(unique.into_iter().map(str::to_owned).collect()))
            }
            (OptionKind::List, OptionValue::Text(text)) if !text.trim().is_empty() => {
                Ok(OptionValue::List(vec![text.trim().to_owned()]))
            }
            (OptionKind::Text, OptionValue::Text(text)) => Ok(OptionValue::Text(text.trim().to_owned())),
            (OptionKind::Choice(all), OptionValue::Text(text)) if all.contains(text) => Ok(value.clone()),
            (OptionKind::Port, OptionValue::Text(text)) => match text.trim().parse::<u16>() {
                Ok(port) => Ok(OptionValue::Text(port.to_string())),
                Err(_) => Err(wrong()),
            },
            (OptionKind::Ports, OptionValue::Text(text)) => match text.parse::<Ports>() {
                Ok(ports) => Ok(OptionValue::Text(ports.to_string())),
                Err(_) => Err(wrong()),
            },
            (OptionKind::Priority, OptionValue::Text(text)) => match text.trim().parse::<u32>() {
                Ok(priority) if nsg_priorities().contains(&priority) => {
                    Ok(OptionValue::Text(priority.to_string()))
                }
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }

    /// The values that the option takes, in words.
    pub fn expected(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| match self {
            OptionKind::Bool => f.write_str("true or false"),
            OptionKind::Port => f.write_str("one port from 0 to 65535"),
            OptionKind::Ports => f.write_str("ports and ranges as in \"443,8704-8710\", or \"*\""),
            OptionKind::Priority => {
                let all = nsg_priorities();
                write!(f, "a priority from {} to {}", all.start(), all.end())
            }
            OptionKind::Text => f.write_str("a text"),
            OptionKind::List => f.write_str("a list of texts that are not empty"),
            OptionKind::Choice(values) => write!(f, "one of {}", Joined(values, ", ")),
        })
    }

    /// The value that stands for "not given".
    pub(super) fn nothing(&self) -> OptionValue {
        match self {
            OptionKind::Bool => OptionValue::Bool(false),
            OptionKind::List => OptionValue::List(Vec::new()),
            _ => OptionValue::Text(String::new()),
        }
    }
}

/// Which rows to take where a need can be met by a tag or by hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Prefer {
    /// Tags, hosts only where no tag covers them. At present the same as `Tags`.
    #[default]
    Auto,
    /// Tags, hosts only where no tag covers them.
    Tags,
    /// Hosts, tags only where no host is known.
    Fqdns,
    /// Both.
    Both,
}

impl Prefer {
    /// Every value.
    pub const ALL: [Prefer; 4] = [Prefer::Auto, Prefer::Tags, Prefer::Fqdns, Prefer::Both];

    /// The name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Prefer::Auto => "auto",
            Prefer::Tags => "tags",
            Prefer::Fqdns => "fqdns",
            Prefer::Both => "both",
        }
    }

    /// Finds a value by its name.
    pub fn find(text: &str) -> Option<Prefer> {
        Prefer::ALL.into_iter().find(|p| p.name() == text)
    }
}
