//! [`Hanging`]: what an answer hangs on, as values whose sentences stand here alone.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer};

use super::open::{Answered, Incomplete, UnknownRoute};
use crate::read::live::Note;
use crate::replay::ReplayError;
use crate::replay::way::Condition;

/// What an answer hangs on, or what could not be judged. Its sentence, without full stop, is made where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Hanging {
    /// What a file does not say.
    #[error("{0}")]
    Note(Note),
    /// The answer to a question that rules leave open.
    #[error("{0}")]
    Answered(Answered),
    /// The same, of one of several resources.
    #[error("{0}: {1}")]
    AnsweredOf(String, Answered),
    /// A route of which not all is known.
    #[error("{0}")]
    Route(UnknownRoute),
    /// A condition on the way.
    #[error("{0}")]
    Condition(Condition),
    /// Nothing of a kind is there.
    #[error("no {} among the live files", .0.all())]
    NoneLive(Kind),
    /// A resource of the policy is not there.
    #[error("the {0} {1} is not among the live files")]
    NotLive(Kind, String),
    /// A resource is there that the policy does not make.
    #[error("the policy makes no {0} {1}")]
    NotMade(Kind, String),
    /// A firewall of which not all is known.
    #[error("{0}")]
    Firewall(Incomplete),
    /// A resource that only one side has.
    #[error("only {0} has {name}", name = .1.as_deref().unwrap_or("it"))]
    Only(Which, Option<String>),
    /// What `VirtualNetwork` is.
    #[error("equal only while VirtualNetwork is private space")]
    PrivateSpace,
    /// One side without routes of a gateway.
    #[error("only {0} keeps routes of a gateway off: different where there is a gateway")]
    GatewayRoutes(Which),
    /// One side without routes of peerings.
    #[error("only {0} keeps routes of peerings off: different where a network is peered")]
    PeeringRoutes(Which),
    /// Too much is unknown.
    #[error("more is unknown than all answers could be tried for")]
    TooMuch,
    /// Rules that cannot be replayed.
    #[error("{0}")]
    Refused(ReplayError),
    /// The same, so that no way is known.
    #[error("the way is not known: {0}")]
    NoWay(ReplayError),
}

impl Serialize for Hanging {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// One of the two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first.
    A,
    /// The second.
    B,
}

impl Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Which::A => "A",
            Which::B => "B",
        })
    }
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A network security group.
    Group,
    /// A route table.
    Table,
    /// A firewall.
    Firewall,
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Group => "group",
            Kind::Table => "route table",
            Kind::Firewall => "firewall",
        })
    }
}

impl Kind {
    /// All of the kind, with a verb.
    fn all(self) -> &'static str {
        match self {
            Kind::Group => "network security group is",
            Kind::Table => "route table is",
            Kind::Firewall => "firewall rules are",
        }
    }
}
