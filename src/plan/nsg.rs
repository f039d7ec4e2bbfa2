//! What a network security group gets.

use crate::addr::IpPrefix;
use crate::packet::{Direction, Ports, Protocol};

/// A network security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nsg {
    /// Name of the resource.
    pub name: String,
    /// Names of the subnets that it is for, in order.
    pub subnets: Vec<String>,
    /// How the names of rules that are made here begin: a script deletes rules of these names only.
    pub own_names: Vec<String>,
    /// Rules of others by name, `*` for any characters, which stay as they are.
    pub keep: Vec<String>,
    /// Rules, inbound before outbound, each by priority.
    pub rules: Vec<NsgRule>,
}

/// Whether matching traffic passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It passes.
    Allow,
    /// It is stopped.
    Deny,
}

/// One rule of a network security group. The source port is always any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NsgRule {
    /// Name, unique in the group ignoring case.
    pub name: String,
    /// 100 to 4096, unique per direction; lower is tried first.
    pub priority: u32,
    /// Direction.
    pub direction: Direction,
    /// Whether matching traffic passes.
    pub action: Action,
    /// Protocol.
    pub protocol: Protocol,
    /// Source.
    pub source: Side,
    /// Destination.
    pub destination: Side,
    /// Destination ports.
    pub ports: Ports,
    /// At most 140 characters.
    pub description: String,
    /// Ids of the flows that the rule is for.
    pub flows: Vec<String>,
}

/// One side of a rule of a network security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// Every address of both families.
    Any,
    /// One service tag or symbolic tag.
    Tag(String),
    /// Prefixes of one family, ascending, none overlapping another.
    Prefixes(Vec<IpPrefix>),
}

impl Side {
    /// The name of the application security group that this side is: those whose name begins with `asg:`.
    ///
    /// ```
    /// use tagwall::plan::Side;
    /// assert_eq!(Side::Tag("asg:web".to_owned()).security_group(), Some("web"));
    /// assert_eq!(Side::Tag("Storage".to_owned()).security_group(), None);
    /// ```
    pub fn security_group(&self) -> Option<&str> {
        match self {
            Side::Tag(name) => name.strip_prefix("asg:"),
            Side::Any | Side::Prefixes(_) => None,
        }
    }
}
