//! Why a need does not work, and what to do, as values. Here alone stand the sentences.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::packet::NextHop;
use crate::replay::way::At;
use crate::rules::Packet;

/// Why a need does not work, or on what that hangs. Shown, it is a sentence without its end; JSON has that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkWhy {
    /// A packet stops.
    Stops {
        /// Where; at the routes if this is not known.
        at: Option<At>,
        /// The packet.
        packet: Packet,
        /// Whether it comes in.
        inbound: bool,
        /// The rule that stops it.
        rule: Option<String>,
        /// Whether other packets of the need arrive.
        in_part: bool,
    },
    /// It works only if packets come in by where their replies go.
    ByReplies {
        /// The packet.
        packet: Packet,
        /// Where its replies go.
        door: NextHop,
    },
}

impl fmt::Display for WorkWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkWhy::Stops { at, packet, inbound, rule, in_part } => {
                if *in_part {
                    f.write_str("in part: ")?;
                }
                let who = match at {
                    Some(At::Admin) => "a security admin rule",
                    Some(At::Nsg) => "the security group",
                    Some(At::Firewall | At::Dnat) => "the firewall",
                    Some(At::Outbound) if *inbound => {
                        return write!(f, "the subnet takes in nothing from the Internet, such as {packet}");
                    }
                    Some(At::Outbound) => return write!(f, "the subnet has no way out for {packet}"),
                    _ => return write!(f, "no route leads {packet} or its replies the right way"),
                };
                write!(f, "{who} stops {packet}")?;
                rule.as_ref().map_or(Ok(()), |rule| write!(f, " by {rule}"))
            }
            WorkWhy::ByReplies { packet, door } => {
                write!(f, "only if {packet} comes in with this source by ")?;
                match door {
                    NextHop::Appliance(address) => write!(
                        f,
                        "the appliance {address} (Azure Firewall puts its own address in that place)"
                    )?,
                    _ => f.write_str("the gateway")?,
                }
                f.write_str(", to which its replies go")
            }
        }
    }
}

impl Serialize for WorkWhy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// What a policy can say for a need from outside to work. Shown, it is an order to whoever writes the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// To leave the routes of its network on the subnet, or to lead it.
    LeaveRoutes,
    /// To name the network that it is in.
    NameNetwork,
    /// To lead the replies back by the Internet, or to publish it.
    LeadReplies {
        /// The far side, as a policy writes it.
        to: String,
        /// The subnet.
        subnet: String,
    },
    /// To say how the subnet is reached, or to publish it.
    SayOutbound {
        /// The subnet.
        subnet: String,
    },
}

/// How a service is published, whatever else may be done.
const PUBLISH: &str = "publish it by a DNAT rule of the firewall and ask for the firewall's subnet in `from`, since its \
                       address is what then arrives";

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::LeaveRoutes => f.write_str(
                "leave the routes of its network on the subnet (`route-table.disable-bgp` and `disable-peering-route` keep \
                 them off), or lead its addresses by a `[[route]]`",
            ),
            Remedy::NameNetwork => {
                f.write_str("name the network that it is in, in `network.peers` or `network.on-premises`")
            }
            Remedy::LeadReplies { to, subnet } => write!(
                f,
                "lead the replies back the way that the packets came, by a `[[route]]` to {to} with \
                 `next-hop = \"internet\"` and `subnet = \"{subnet}\"`; or {PUBLISH}"
            ),
            Remedy::SayOutbound { subnet } => write!(
                f,
                "say `outbound = \"public-ip\"` or `\"load-balancer\"` of the subnet {subnet} where it has one; or \
                 {PUBLISH}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::PacketProtocol;

    #[test]
    fn each_reason_has_its_sentence() {
        let address = |text: &str| text.parse().expect("an address");
        let packet =
            Packet::new(address("192.0.2.1"), address("10.20.1.4"), PacketProtocol::Tcp, Some((0, 443)));
        let packet = packet.expect("a packet");
        let stops = |at, inbound, in_part| {
            WorkWhy::Stops { at, packet, inbound, rule: Some("r".to_owned()), in_part }.to_string()
        };
        for (said, text) in [
            (stops(Some(At::Admin), true, false), format!("a security admin rule stops {packet} by r")),
            (stops(Some(At::Nsg), true, true), format!("in part: the security group stops {packet} by r")),
            (stops(Some(At::Dnat), true, false), format!("the firewall stops {packet} by r")),
            (
                stops(Some(At::Outbound), true, false),
                format!("the subnet takes in nothing from the Internet, such as {packet}"),
            ),
            (stops(Some(At::Outbound), false, false), format!("the subnet has no way out for {packet}")),
            (stops(None, true, false), format!("no route leads {packet} or its replies the right way")),
            (
                WorkWhy::ByReplies { packet, door: NextHop::Gateway }.to_string(),
                format!("only if {packet} comes in with this source by the gateway, to which its replies go"),
            ),
        ] {
            assert_eq!(said, text);
        }
    }
}
