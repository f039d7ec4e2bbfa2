//! [`Note`]: what a reader of the report should know of how a policy was understood.

use super::short::short_list;
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::tags::TagName;
use crate::text::Joined;

/// A spelling that was corrected, or another thing to know.
///
/// ```
/// use tagwall::policy::Note;
/// let note = Note::FqdnTag { written: "WindowUpdates".to_owned(), tag: "WindowsUpdate".to_owned() };
/// assert_eq!(note.to_string(), "`WindowUpdates` was taken as the FQDN tag WindowsUpdate");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// An FQDN tag has another spelling.
    #[error("`{written}` was taken as the FQDN tag {tag}")]
    FqdnTag {
        /// The name in the policy or catalogue.
        written: String,
        /// The tag's own.
        tag: String,
    },
    /// Documents misspell a tag.
    #[error("`{written}` was taken as {tag}: {note}")]
    Alias {
        /// The name in the policy or catalogue.
        written: String,
        /// The tag.
        tag: TagName,
        /// What the catalogue says of the spelling.
        note: String,
    },
    /// A tag is named by another name of its region.
    #[error("`{written}` is written {tag} in the file")]
    Region {
        /// The name in the policy or catalogue.
        written: String,
        /// The tag.
        tag: TagName,
    },
    /// The catalogue says something of a row that is taken.
    #[error("{workload}/{row}: {note}")]
    Row {
        /// The workload, with its region where that is not the environment's.
        workload: String,
        /// The row.
        row: String,
        /// What it says.
        note: String,
    },
    /// A tag lies in another one that is let through as well.
    #[error(
        "{} {} ({} {}, subnet {}) has no rule of its own: {wide} holds all of its addresses, and is allowed with the same protocols and ports",
        way(.tag.direction), .tag.tag, .tag.protocol, .tag.ports, .tag.subnet
    )]
    Implied {
        /// The need that has no rule.
        tag: TagNeed,
        /// The wider tag.
        wide: TagName,
    },
    /// The addresses of a tag lie in those of all of Azure today.
    #[error(
        "{} {} ({} {}, subnet {}): the tag lies within {wide} in this snapshot, which is allowed with the same protocols and ports; the rule of its own stays, because Azure may change that: leave the need out if it is not to outlive that",
        way(.tag.direction), .tag.tag, .tag.protocol, .tag.ports, .tag.subnet
    )]
    Within {
        /// The need.
        tag: TagNeed,
        /// The wider tag.
        wide: TagName,
    },
    /// Tags hold exactly what a list by hand does.
    #[error(
        "{} holds exactly what the {} {} does in this snapshot: name {} in its place, and Azure keeps the rule current; it was left as a list, since a tag changes with time",
        list_name(.group.as_deref(), .list),
        if .tags.len() == 1 { "tag" } else { "tags" },
        quoted(.tags),
        if .tags.len() == 1 { "it" } else { "them" }
    )]
    ListOfTags {
        /// The group of the policy that the list is, if it is one.
        group: Option<String>,
        /// The list.
        list: AddrSet,
        /// The tags.
        tags: Vec<TagName>,
    },
    /// The firewall lies in a network that the policy does not name.
    #[error(
        "network.firewall {} lies in another network, and network.peers names none that holds it: where rules stand for VirtualNetwork by addresses, they take the network's own address space only ({}); name the spaces of peered networks in network.peers if they are to get through",
        short_list(.firewall),
        short_list(.known)
    )]
    NoPeer {
        /// The firewall.
        firewall: AddrSet,
        /// What the policy names.
        known: AddrSet,
    },
}

/// A need for a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagNeed {
    /// Which side opens the connection.
    pub direction: Direction,
    /// The tag.
    pub tag: TagName,
    /// IP protocol.
    pub protocol: Protocol,
    /// Ports of the destination.
    pub ports: Ports,
    /// The subnet.
    pub subnet: String,
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "from",
        Direction::Outbound => "to",
    }
}

fn list_name(group: Option<&str>, list: &AddrSet) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| match group {
        Some(group) => write!(f, "group {group}"),
        None => write!(f, "the list {}", short_list(list)),
    })
}

fn quoted(tags: &[TagName]) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| write!(f, "`{}`", Joined(tags, "` and `")))
}
