//! [`Why`]: what the policy says of a precondition of a workload.

use std::fmt;

use crate::addr::IpPrefix;
use crate::text::Joined;

/// Why a precondition holds or does not, or what would let the policy say so. Its text is a part of a sentence.
///
/// ```
/// use tagwall::policy::Why;
/// assert_eq!(Why::Nodes(vec![("a".to_owned(), 12)]).to_string(), "subnet a has room for its 12 nodes");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// What needs no more words than these.
    #[error("{0}")]
    Said(&'static str),
    /// The workload is in so many subnets, which is enough.
    #[error("{0} subnets")]
    Subnets(usize),
    /// It is in so many, which is too few.
    #[error("this policy has {0}")]
    TooFew(usize),
    /// A subnet is delegated, which it may not be.
    #[error("subnet {subnet} is delegated to {service}, and a subnet of {workload} may not be: take another")]
    Delegated {
        /// The subnet.
        subnet: String,
        /// What it is delegated to.
        service: String,
        /// The workload.
        workload: String,
    },
    /// A subnet is delegated to something else than it has to be.
    #[error("subnet {subnet} is delegated to {other} and not to {service}; take another")]
    DelegatedElsewhere {
        /// The subnet.
        subnet: String,
        /// What it is delegated to.
        other: String,
        /// What it has to be delegated to.
        service: String,
    },
    /// The role of a subnet would say what it is delegated to.
    #[error("`role = \"delegated:{service}\"` of subnet {subnet} says that it is")]
    RoleUnsaid {
        /// What it has to be delegated to.
        service: String,
        /// The subnet.
        subnet: String,
    },
    /// A tag is denied that the workload cannot do without.
    #[error(
        "{tag} is denied to subnet {subnet}, and {workload} does not work without it: name other subnets in that [[deny]]"
    )]
    Denied {
        /// The tag.
        tag: String,
        /// The subnet.
        subnet: String,
        /// The workload.
        workload: String,
    },
    /// Nothing denies a tag.
    #[error("no [[deny]] names {0} for it")]
    NotDenied(String),
    /// A subnet has IPv6 addresses, where the workload does not run.
    #[error(
        "subnet {subnet} has an IPv6 prefix, and {workload} does not run in such a subnet: take that prefix away"
    )]
    Ipv6 {
        /// The subnet.
        subnet: String,
        /// The workload.
        workload: String,
    },
    /// Subnets have room for their nodes: each with how many it has to hold.
    #[error("{}", room(.0))]
    Nodes(Vec<(String, u32)>),
    /// How many nodes a subnet has to hold is not said.
    #[error("`nodes` of subnet {0} has it checked")]
    NodesUnsaid(String),
    /// By what subnets reach the Internet.
    #[error("{}", Joined(.0, ", "))]
    WaysOut(Vec<&'static str>),
    /// A subnet is to go out by the firewall, and does not.
    #[error("outbound of subnet {0} is the firewall, and no default route leads there")]
    NotToFirewall(String),
    /// A subnet has no way out.
    #[error("outbound of subnet {0} is `none`")]
    NoWayOut(String),
    /// A subnet has only Azure's default outbound access.
    #[error("outbound of subnet {0} is default outbound access")]
    DefaultOutbound(String),
    /// By what a subnet goes out is not said.
    #[error("`outbound` of subnet {0} says by what")]
    OutboundUnsaid(String),
    /// All that a subnet sends goes to a gateway.
    #[error("the default route of subnet {0} leads to a gateway")]
    ToGateway(String),
    /// A prefix has too few addresses.
    #[error("{prefix} of subnet {subnet} is smaller than /{most}; give it more addresses")]
    Small {
        /// The prefix.
        prefix: IpPrefix,
        /// Its subnet.
        subnet: String,
        /// The longest length that would do.
        most: u8,
    },
    /// Each prefix has this length or a shorter one.
    #[error("each is /{0} or larger")]
    Large(u8),
    /// The address space has a prefix that will not do.
    #[error("the address space has {0}")]
    Space(IpPrefix),
    /// A row of the workload is in the security group.
    #[error("the security group has row {0}")]
    HasRow(String),
    /// A row of the workload is not.
    #[error("row {0} is left out")]
    RowLeftOut(String),
    /// A group would let nothing out.
    #[error(
        "the security group of subnet {subnet} would deny everything outbound; add {other} or needs of your \
         own for the subnet, set nsg.deny-rest = false"
    )]
    DeniesAll {
        /// The subnet.
        subnet: String,
        /// The workload that would let out what is needed.
        other: String,
    },
    /// A group lets out what others need, and not what is needed here.
    #[error("subnet {subnet} lets out what other needs ask for, and nothing for {other}")]
    LetsOutOthers {
        /// The subnet.
        subnet: String,
        /// The workload that would let out what is needed.
        other: String,
    },
    /// Another workload lets out what is needed.
    #[error("{0} is in the same subnets")]
    SameSubnets(String),
}

impl From<&'static str> for Why {
    fn from(words: &'static str) -> Self {
        Why::Said(words)
    }
}

fn room(subnets: &[(String, u32)]) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        subnets.iter().enumerate().try_for_each(|(index, (subnet, nodes))| {
            let between = if index == 0 { "" } else { ", " };
            write!(f, "{between}subnet {subnet} has room for its {nodes} nodes")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_sentence() {
        let text = |text: &str| text.to_owned();
        let prefix: IpPrefix = "10.0.0.0/26".parse().unwrap();
        for (why, sentence) in [
            (Why::Subnets(2), "2 subnets"),
            (Why::TooFew(1), "this policy has 1"),
            (
                Why::RoleUnsaid { service: text("Microsoft.Web/x"), subnet: text("a") },
                "`role = \"delegated:Microsoft.Web/x\"` of subnet a says that it is",
            ),
            (
                Why::Nodes(vec![(text("a"), 3), (text("b"), 4)]),
                "subnet a has room for its 3 nodes, subnet b has room for its 4 nodes",
            ),
            (Why::NodesUnsaid(text("a")), "`nodes` of subnet a has it checked"),
            (Why::WaysOut(vec!["a NAT gateway", "the firewall"]), "a NAT gateway, the firewall"),
            (
                Why::NotToFirewall(text("a")),
                "outbound of subnet a is the firewall, and no default route leads there",
            ),
            (Why::NoWayOut(text("a")), "outbound of subnet a is `none`"),
            (Why::OutboundUnsaid(text("a")), "`outbound` of subnet a says by what"),
            (Why::ToGateway(text("a")), "the default route of subnet a leads to a gateway"),
            (
                Why::Small { prefix, subnet: text("a"), most: 24 },
                "10.0.0.0/26 of subnet a is smaller than /24; give it more addresses",
            ),
            (Why::Large(24), "each is /24 or larger"),
            (Why::Space(prefix), "the address space has 10.0.0.0/26"),
            (Why::HasRow(text("r")), "the security group has row r"),
            (Why::RowLeftOut(text("r")), "row r is left out"),
            (Why::SameSubnets(text("w")), "w is in the same subnets"),
        ] {
            assert_eq!(why.to_string(), sentence);
        }
    }
}
