//! [`RuleList`]: rules in priority order, and what they decide for one packet.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::packet::Packet;
use crate::addr::AddrSet;
use crate::packet::{Ports, Protocol};

/// What a rule does with the packets it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Access {
    /// Lets them pass.
    Allow,
    /// Drops them.
    Deny,
}

impl Access {
    /// The name the targets use: `Allow` or `Deny`.
    pub fn name(self) -> &'static str {
        match self {
            Access::Allow => "Allow",
            Access::Deny => "Deny",
        }
    }

    /// Whether packets pass.
    pub fn is_allow(self) -> bool {
        self == Access::Allow
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One rule. It takes a packet if all five conditions hold.
///
/// Address sets are shared: a list whose rules point to one set pays for it once. Any value is allowed, an
/// empty set too; such a rule takes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// A name for people; not looked at here.
    pub name: String,
    /// The smallest number comes first.
    pub priority: u32,
    /// What happens to the packets taken.
    pub access: Access,
    /// The protocol asked for.
    pub protocol: Protocol,
    /// Source addresses; [`AddrSet::all`] is `*`.
    pub src: Arc<AddrSet>,
    /// Destination addresses; [`AddrSet::all`] is `*`.
    pub dst: Arc<AddrSet>,
    /// Source ports. Packets without ports satisfy [`Ports::all`] only.
    pub sport: Ports,
    /// Destination ports. Packets without ports satisfy [`Ports::all`] only.
    pub dport: Ports,
}

impl Rule {
    /// Whether the rule takes `packet`. Logarithmic in the size of its sets.
    pub fn matches(&self, packet: &Packet) -> bool {
        packet.protocol().is_taken_by(self.protocol)
            && holds_port(&self.dport, packet.dport())
            && holds_port(&self.sport, packet.sport())
            && self.dst.contains(packet.dst())
            && self.src.contains(packet.src())
    }
}

fn holds_port(ports: &Ports, port: Option<u16>) -> bool {
    port.map_or(ports.is_all(), |port| ports.set().contains(port))
}

/// Rules with a default for the packets that none of them takes.
///
/// Invariant: the rules are in ascending order of priority, and no priority occurs twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleList {
    rules: Vec<Rule>,
    default: Access,
}

impl RuleList {
    /// The list of `rules`, given in any order; `default` decides where none matches.
    ///
    /// # Errors
    /// [`DuplicatePriority`], naming the lowest priority that two rules share.
    pub fn new(mut rules: Vec<Rule>, default: Access) -> Result<Self, DuplicatePriority> {
        rules.sort_by_key(|rule| rule.priority);
        match rules.windows(2).find(|pair| pair[0].priority == pair[1].priority) {
            Some(pair) => Err(DuplicatePriority {
                priority: pair[0].priority,
                first: pair[0].name.clone(),
                second: pair[1].name.clone(),
            }),
            None => Ok(RuleList { rules, default }),
        }
    }

    /// The rules by ascending priority.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What happens to packets that no rule takes.
    pub fn default_access(&self) -> Access {
        self.default
    }

    /// What the list decides for `packet`, and which rule does. Looks at the rules one after another.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tagwall::addr::AddrSet;
    /// use tagwall::packet::{Ports, Protocol};
    /// use tagwall::rules::{Access, Packet, PacketProtocol, Rule, RuleList};
    ///
    /// let any = Arc::new(AddrSet::all());
    /// let web = Rule {
    ///     name: "web".to_owned(),
    ///     priority: 100,
    ///     access: Access::Allow,
    ///     protocol: Protocol::Any,
    ///     src: any.clone(),
    ///     dst: any,
    ///     sport: Ports::all(),
    ///     dport: "80,443".parse()?,
    /// };
    /// let list = RuleList::new(vec![web], Access::Deny)?;
    /// let (src, dst) = ("10.0.0.4".parse()?, "192.0.2.1".parse()?);
    /// let web = Packet::new(src, dst, PacketProtocol::Tcp, Some((50123, 443)))?;
    /// assert_eq!(list.evaluate(&web).rule.unwrap().name, "web");
    /// // ICMP has no port, so a rule for some ports does not take it.
    /// let ping = Packet::new(src, dst, PacketProtocol::Icmp, None)?;
    /// assert_eq!(list.evaluate(&ping).access, Access::Deny);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate(&self, packet: &Packet) -> Decision<'_> {
        let rule = self.rules.iter().find(|rule| rule.matches(packet));
        Decision { access: rule.map_or(self.default, |rule| rule.access), rule }
    }
}

/// What a list decides for one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Whether the packet passes.
    pub access: Access,
    /// The rule that decided, or `None` for the default.
    pub rule: Option<&'a Rule>,
}

/// Two rules of one list share a priority, so their order is not defined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rules `{first}` and `{second}` share priority {priority}; every rule of a list needs its own")]
pub struct DuplicatePriority {
    /// The priority.
    pub priority: u32,
    /// The name of the rule that was given first.
    pub first: String,
    /// The name of the rule that was given after it.
    pub second: String,
}
