//! [`LimitKey`]: which limit is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{did_you_mean, nearest};

/// The text is no limit's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown limit `{text}`{}",
    did_you_mean(&nearest(text, LimitKey::ALL.iter().map(|key| key.name())))
)]
pub struct UnknownLimit {
    /// What was given.
    pub text: String,
}

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// One of the limits in `data/limits/azure.toml`, in the order of the file.
        ///
        /// ```
        /// use tagwall::plan::LimitKey;
        /// let key: LimitKey = "nsg-rules".parse().unwrap();
        /// assert_eq!((key, key.name()), (LimitKey::NsgRules, "nsg-rules"));
        /// let error = "nsg-rule".parse::<LimitKey>().unwrap_err();
        /// assert_eq!(error.to_string(), "unknown limit `nsg-rule`; did you mean nsg-rules?");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum LimitKey {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl LimitKey {
            /// Every key.
            pub const ALL: &[LimitKey] = &[$(LimitKey::$variant),*];

            /// As policies, reports and messages name it.
            pub fn name(self) -> &'static str {
                match self {
                    $(LimitKey::$variant => $name,)*
                }
            }
        }
    };
}

keys! {
    /// Rules of a security group.
    NsgRules = "nsg-rules",
    /// Prefixes in its source fields.
    NsgSourcePrefixes = "nsg-source-prefixes",
    /// Prefixes in its destination fields.
    NsgDestinationPrefixes = "nsg-destination-prefixes",
    /// Ranges of ports.
    NsgPorts = "nsg-ports",
    /// Priorities of one direction.
    NsgPriorities = "nsg-priorities",
    /// Characters of a rule's description.
    NsgDescriptionCharacters = "nsg-description-characters",
    /// Characters of a name.
    NameCharacters = "name-characters",
    /// Routes of a table.
    RoutesPerTable = "routes-per-table",
    /// Routes of a table that name a tag.
    TagRoutesPerTable = "tag-routes-per-table",
    /// Sources times destinations of network rules.
    FirewallUniquePairs = "firewall-unique-pairs",
    /// Rule collection groups of a firewall policy.
    FirewallRuleCollectionGroups = "firewall-rule-collection-groups",
    /// Bytes of one of them.
    FirewallGroupBytes = "firewall-group-bytes",
    /// Rule collections of a firewall policy.
    FirewallRuleCollections = "firewall-rule-collections",
    /// The highest priority of a group or collection.
    FirewallPriority = "firewall-priority",
    /// DNAT rules that are carried on.
    FirewallDnatRules = "firewall-dnat-rules",
    /// Rules of a firewall without a policy.
    FirewallClassicRules = "firewall-classic-rules",
    /// Host names in network rules.
    FirewallFqdnsInNetworkRules = "firewall-fqdns-in-network-rules",
    /// IP groups of a firewall.
    IpGroups = "ip-groups",
    /// Entries of an IP group.
    IpGroupEntries = "ip-group-entries",
    /// Resources of one definition of a service endpoint policy.
    EndpointPolicyResources = "endpoint-policy-resources",
    /// Bytes of a template.
    ArmTemplateBytes = "arm-template-bytes",
    /// Resources of a template.
    ArmResources = "arm-resources",
    /// Entries of a list that a firewall fetches.
    ListEntries = "list-entries",
}

impl LimitKey {
    /// Whether it counts the characters of texts: these are made to fit, and say nothing of how much room there is.
    pub fn is_length(self) -> bool {
        matches!(self, LimitKey::NsgDescriptionCharacters | LimitKey::NameCharacters)
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for LimitKey {
    type Err = UnknownLimit;

    fn from_str(text: &str) -> Result<Self, UnknownLimit> {
        let known = Self::ALL.iter().find(|key| key.name() == text);
        known.copied().ok_or_else(|| UnknownLimit { text: text.to_owned() })
    }
}
