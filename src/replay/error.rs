//! [`ReplayError`]: why rules cannot be replayed.

use crate::addr::{EntryError, PrefixError};
use crate::packet::PortsError;
use crate::rules::DuplicatePriority;

/// Why a resource cannot be replayed: what Azure would refuse, or what is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A rule, with what is wrong in it.
    #[error("rule {name}: {error}")]
    Rule {
        /// The rule.
        name: String,
        /// What is wrong.
        error: Box<ReplayError>,
    },
    /// A route, with what is wrong in it.
    #[error("route {name}: {error}")]
    Route {
        /// The route.
        name: String,
        /// What is wrong.
        error: Box<ReplayError>,
    },
    /// A direction that does not exist.
    #[error("direction {0} is not known")]
    Direction(String),
    /// Neither allow nor deny.
    #[error("access {0} is not known")]
    Access(String),
    /// A protocol that does not exist, or ports that are not understood.
    #[error(transparent)]
    Service(#[from] PortsError),
    /// A priority below zero or beyond what any target has.
    #[error("the priority is negative")]
    Priority,
    /// Two rules of one list share a priority.
    #[error(transparent)]
    DuplicatePriority(#[from] DuplicatePriority),
    /// A text in a list of prefixes that is none.
    #[error("{text}: {error}; a list holds prefixes only")]
    Prefix {
        /// The text.
        text: String,
        /// Why it is no prefix.
        error: PrefixError,
    },
    /// A text that is no address, prefix or range.
    #[error("{text}: {error}")]
    Entry {
        /// The text.
        text: String,
        /// Why it is none.
        error: EntryError,
    },
    /// One side of a rule holds IPv4 and IPv6.
    #[error("one side holds both families, which Azure refuses")]
    Families,
    /// Prefixes of one side of a rule overlap.
    #[error("prefixes of one side overlap, which Azure refuses")]
    Overlap,
    /// A name that is no tag of the snapshot.
    #[error("{0} is no tag of the snapshot")]
    Tag(String),
    /// An IP group that is not there.
    #[error("there is no IP group {0}")]
    NoGroup(String),
    /// Two IP groups of one name.
    #[error("two IP groups are called {0}")]
    GroupTwice(String),
    /// An entry of an IP group that is not understood.
    #[error("IP group {group}: {error}")]
    Group {
        /// The group.
        group: String,
        /// What is wrong.
        error: Box<ReplayError>,
    },
    /// An IPv6 entry of an IP group.
    #[error("{0}: IP groups hold IPv4 only")]
    GroupFamily(String),
    /// An IPv6 address in a rule of a firewall.
    #[error("{0}: the firewall takes IPv4 only")]
    FirewallFamily(String),
    /// A rule without source.
    #[error("it has no source")]
    NoSource,
    /// A rule without destination.
    #[error("it has no destination")]
    NoDestination,
    /// A rule without protocol.
    #[error("it has no protocol")]
    NoProtocol,
    /// Tags beside addresses in a rule of a firewall.
    #[error("tags and addresses in one rule, which Azure has refused")]
    TagsAndAddresses,
    /// A symbolic tag where a firewall takes none.
    #[error("{0} cannot be a destination of the firewall")]
    SymbolicDestination(String),
    /// A wildcard in a network rule.
    #[error("{0}: a network rule takes no wildcard")]
    Wildcard(String),
    /// A URL without inspection of TLS.
    #[error("a URL is matched only where TLS is inspected")]
    UrlWithoutTls,
    /// A protocol that application rules do not have.
    #[error("protocol {0} is not known")]
    ApplicationProtocol(String),
    /// HTTP on the port of HTTPS, or the other way round.
    #[error("{kind} on port {port} lets no usual client through")]
    ApplicationPort {
        /// The protocol.
        kind: String,
        /// The port.
        port: u16,
    },
    /// An action that the rules of a collection cannot have.
    #[error("collection {collection}: action {action} is none for its rules")]
    Action {
        /// The collection.
        collection: String,
        /// The action, in lower case.
        action: String,
    },
    /// A collection with rules of several kinds.
    #[error("collection {0}: it holds rules of several kinds")]
    Kinds(String),
    /// A next hop that is no address.
    #[error("next hop {0} is no address")]
    HopAddress(String),
    /// An appliance without address.
    #[error("an appliance needs an address")]
    NoHopAddress,
    /// A type of next hop that does not exist.
    #[error("next hop type {0} is not known")]
    HopType(String),
    /// What a route leads to is neither a prefix nor a tag.
    #[error("{0} is neither a prefix nor a tag that a route can have")]
    RouteTo(String),
    /// The first or second of two that are compared, with what is wrong in it.
    #[error("{side}: {error}")]
    Side {
        /// Which.
        side: &'static str,
        /// What is wrong.
        error: Box<ReplayError>,
    },
}

impl ReplayError {
    /// The error in the rule called `name`.
    pub(crate) fn in_rule(self, name: &str) -> Self {
        ReplayError::Rule { name: name.to_owned(), error: Box::new(self) }
    }

    /// The error in the route called `name`.
    pub(super) fn in_route(self, name: &str) -> Self {
        ReplayError::Route { name: name.to_owned(), error: Box::new(self) }
    }
}
