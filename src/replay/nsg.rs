//! [`Nsg`]: a network security group as Azure decides by it, first match by priority, Azure's own rules at the end.

use super::error::ReplayError;
use super::resolver::{Resolver, ports, protocol};
use crate::packet::{Direction, Ports, Protocol};
use crate::read::resources::{self, SecurityRule};
use crate::rules::{Access, Decision, Packet, Region, Rule, RuleList, differences};

/// A network security group, ready to decide packets. The rules that Azure adds stand at the end of each direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nsg {
    inbound: RuleList,
    outbound: RuleList,
}

/// Where two groups decide differently, each direction by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NsgDifference {
    /// All packets from outside that they decide differently.
    pub inbound: Vec<Region>,
    /// All packets to outside that they decide differently.
    pub outbound: Vec<Region>,
}

impl NsgDifference {
    /// Whether the groups decide every packet alike.
    pub fn is_empty(&self) -> bool {
        self.inbound.is_empty() && self.outbound.is_empty()
    }
}

impl Nsg {
    /// Reads the rules of `group`; tags and symbols mean what `resolver` says.
    ///
    /// # Errors
    /// The first rule that is not understood or that Azure would refuse, and priorities that two rules share.
    ///
    /// ```
    /// use tagwall::addr::AddrSet;
    /// use tagwall::packet::Direction;
    /// use tagwall::replay::{Nsg, Resolver};
    /// use tagwall::rules::{Access, Packet, PacketProtocol};
    /// use tagwall::tags::{Cloud, Snapshot, Symbols, sample};
    ///
    /// let template = r#"{ "resources": [ { "type": "Microsoft.Network/networkSecurityGroups", "name": "nsg",
    ///     "properties": { "securityRules": [ { "name": "web", "properties": { "priority": 200, "access": "Allow",
    ///     "direction": "Outbound", "protocol": "Tcp", "sourceAddressPrefix": "10.20.1.0/24", "sourcePortRange": "*",
    ///     "destinationAddressPrefix": "203.0.113.0/24", "destinationPortRange": "443" } } ] } } ] }"#;
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// let space = AddrSet::from("10.20.0.0/16".parse::<tagwall::addr::IpPrefix>()?);
    /// let symbols = Symbols::new(&space, &AddrSet::empty());
    /// let found = tagwall::read::read_arm(template.as_bytes())?.resources;
    /// let group = Nsg::read(&found.nsgs[0], &mut Resolver::new(&snapshot, &symbols))?;
    ///
    /// let packet = Packet::new("10.20.1.4".parse()?, "203.0.113.9".parse()?, PacketProtocol::Tcp, Some((50000, 443)))?;
    /// let decision = group.evaluate(Direction::Outbound, &packet);
    /// assert_eq!((decision.access, decision.rule.unwrap().name.as_str()), (Access::Allow, "web"));
    /// assert!(group.difference(&group).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(group: &resources::Nsg, resolver: &mut Resolver<'_>) -> Result<Self, ReplayError> {
        let mut lists =
            [default_rules(Direction::Inbound, resolver)?, default_rules(Direction::Outbound, resolver)?];
        for rule in &group.rules {
            let list = match direction(rule)? {
                Direction::Inbound => &mut lists[0],
                Direction::Outbound => &mut lists[1],
            };
            list.push(read_rule(rule, resolver).map_err(|error| error.in_rule(&rule.name))?);
        }
        let [inbound, outbound] = lists;
        Ok(Nsg {
            inbound: RuleList::new(inbound, Access::Deny)?,
            outbound: RuleList::new(outbound, Access::Deny)?,
        })
    }

    /// The rules of one direction, Azure's own among them.
    pub fn rules(&self, direction: Direction) -> &RuleList {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }

    /// What the group decides for a packet, and by which rule.
    pub fn evaluate(&self, direction: Direction, packet: &Packet) -> Decision<'_> {
        self.rules(direction).evaluate(packet)
    }

    /// All packets that `self` and `other` decide differently; see [`differences`] for the cost.
    pub fn difference(&self, other: &Self) -> NsgDifference {
        NsgDifference {
            inbound: differences(&self.inbound, &other.inbound),
            outbound: differences(&self.outbound, &other.outbound),
        }
    }
}

pub(super) fn direction(rule: &SecurityRule) -> Result<Direction, ReplayError> {
    match rule.direction.to_ascii_lowercase().as_str() {
        "inbound" => Ok(Direction::Inbound),
        "outbound" => Ok(Direction::Outbound),
        other => Err(ReplayError::Direction(other.to_owned()).in_rule(&rule.name)),
    }
}

fn read_rule(rule: &SecurityRule, resolver: &mut Resolver<'_>) -> Result<Rule, ReplayError> {
    Ok(Rule {
        name: rule.name.clone(),
        priority: u32::try_from(rule.priority).map_err(|_| ReplayError::Priority)?,
        access: match rule.access.to_ascii_lowercase().as_str() {
            "allow" => Access::Allow,
            "deny" => Access::Deny,
            other => return Err(ReplayError::Access(other.to_owned())),
        },
        protocol: protocol(&rule.protocol)?,
        src: resolver.side(&rule.sources)?,
        dst: resolver.side(&rule.destinations)?,
        sport: ports(&rule.source_ports)?,
        dport: ports(&rule.destination_ports)?,
    })
}

/// The rules that Azure adds below the user's; what none of them takes is denied.
///
/// Source: network-security-groups-overview.md, 2025-07-15.
///
/// # Errors
/// None as long as the symbolic tags are known.
pub(crate) fn default_rules(
    direction: Direction,
    resolver: &mut Resolver<'_>,
) -> Result<Vec<Rule>, ReplayError> {
    let rows: [(&str, u32, &str, &str); 2] = match direction {
        Direction::Inbound => [
            ("AllowVNetInBound", 65000, "VirtualNetwork", "VirtualNetwork"),
            ("AllowAzureLoadBalancerInBound", 65001, "AzureLoadBalancer", "*"),
        ],
        Direction::Outbound => [
            ("AllowVnetOutBound", 65000, "VirtualNetwork", "VirtualNetwork"),
            ("AllowInternetOutBound", 65001, "*", "Internet"),
        ],
    };
    let rule = |(name, priority, source, destination): (&str, u32, &str, &str)| {
        Ok(Rule {
            name: name.to_owned(),
            priority,
            access: Access::Allow,
            protocol: Protocol::Any,
            src: resolver.side(&[source.to_owned()])?,
            dst: resolver.side(&[destination.to_owned()])?,
            sport: Ports::all(),
            dport: Ports::all(),
        })
    };
    rows.into_iter().map(rule).collect()
}
