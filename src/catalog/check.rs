//! [`Check`]: what of a precondition a policy can answer by itself.

use std::fmt;

use crate::text::{did_you_mean, nearest};

/// A question about the environment that a precondition stands for, asked of the subnets that the workload is for.
///
/// Written as a word, or as a word, a colon and what it is about: `delegated:Microsoft.Databricks/workspaces`,
/// `network-length:16-24`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// `not-delegated`: no subnet is delegated to a service.
    NotDelegated,
    /// `delegated:SERVICE`: each subnet is delegated to the service.
    Delegated(String),
    /// `ipv4-only`: no subnet has an IPv6 prefix.
    Ipv4Only,
    /// `not-denied:TAG`: the policy denies the tag to no subnet of it.
    NotDenied(String),
    /// `nodes`: each subnet has room for its nodes.
    Nodes,
    /// `way-out`: each subnet has a way out that is not default outbound access.
    WayOut,
    /// `firewall`: there is a firewall.
    Firewall,
    /// `no-forced-tunnelling`: no default route leads to a gateway.
    NoForcedTunnelling,
    /// `subnets:N`: there are as many subnets.
    Subnets(usize),
    /// `subnet-length:N`: no prefix of a subnet is longer.
    SubnetLength(u8),
    /// `network-length:N-M`: the space of the network that the subnets are in has a length from N to M.
    NetworkLength(u8, u8),
    /// `row:ID`: the row of the workload is taken, and a security group is made with it.
    Row(String),
    /// `lets-out:WORKLOAD`: the security group denies nothing outbound, or the workload is in the subnets as well.
    LetsOut(String),
}

/// Why a text is no check.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error("`{text}` is no check: see `Checks` in data/catalog/README.md for what `{word}` takes")]
    Form { text: String, word: String },
    #[error("no check `{word}`{}", did_you_mean(&nearest(word, Check::WORDS)))]
    Unknown { word: String },
}

impl Check {
    const WORDS: [&'static str; 13] = [
        "not-delegated",
        "delegated",
        "ipv4-only",
        "not-denied",
        "nodes",
        "way-out",
        "firewall",
        "no-forced-tunnelling",
        "subnets",
        "subnet-length",
        "network-length",
        "row",
        "lets-out",
    ];

    pub(super) fn parse(text: &str) -> Result<Self, CheckError> {
        let (word, about) = text.split_once(':').map_or((text, None), |(word, about)| (word, Some(about)));
        let length = |text: &str| text.parse::<u8>().ok().filter(|length| *length <= 32);
        let check = match (word, about) {
            ("not-delegated", None) => Some(Self::NotDelegated),
            ("ipv4-only", None) => Some(Self::Ipv4Only),
            ("not-denied", Some(tag)) if !tag.is_empty() => Some(Self::NotDenied(tag.to_owned())),
            ("nodes", None) => Some(Self::Nodes),
            ("way-out", None) => Some(Self::WayOut),
            ("firewall", None) => Some(Self::Firewall),
            ("no-forced-tunnelling", None) => Some(Self::NoForcedTunnelling),
            ("delegated", Some(service)) if service.contains('/') => {
                Some(Self::Delegated(service.to_owned()))
            }
            ("subnets", Some(count)) => count.parse().ok().map(Self::Subnets),
            ("subnet-length", Some(most)) => length(most).map(Self::SubnetLength),
            ("network-length", Some(range)) => range.split_once('-').and_then(|(least, most)| {
                let (least, most) = (length(least)?, length(most)?);
                (least <= most).then_some(Self::NetworkLength(least, most))
            }),
            ("row", Some(id)) if !id.is_empty() => Some(Self::Row(id.to_owned())),
            ("lets-out", Some(name)) if !name.is_empty() => Some(Self::LetsOut(name.to_owned())),
            _ => None,
        };
        check.ok_or_else(|| match Self::WORDS.contains(&word) {
            true => CheckError::Form { text: text.to_owned(), word: word.to_owned() },
            false => CheckError::Unknown { word: word.to_owned() },
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelegated => f.write_str("not-delegated"),
            Self::Delegated(service) => write!(f, "delegated:{service}"),
            Self::Ipv4Only => f.write_str("ipv4-only"),
            Self::NotDenied(tag) => write!(f, "not-denied:{tag}"),
            Self::Nodes => f.write_str("nodes"),
            Self::WayOut => f.write_str("way-out"),
            Self::Firewall => f.write_str("firewall"),
            Self::NoForcedTunnelling => f.write_str("no-forced-tunnelling"),
            Self::Subnets(count) => write!(f, "subnets:{count}"),
            Self::SubnetLength(most) => write!(f, "subnet-length:{most}"),
            Self::NetworkLength(least, most) => write!(f, "network-length:{least}-{most}"),
            Self::Row(id) => write!(f, "row:{id}"),
            Self::LetsOut(name) => write!(f, "lets-out:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "not-delegated",
            "delegated:Microsoft.Databricks/workspaces",
            "ipv4-only",
            "not-denied:AzurePlatformDNS",
            "nodes",
            "way-out",
            "firewall",
            "no-forced-tunnelling",
            "subnets:2",
            "subnet-length:26",
            "network-length:16-24",
            "row:aml-i1",
            "lets-out:aml-training-internet",
        ] {
            assert_eq!(Check::parse(text).unwrap().to_string(), text);
        }
        for (wrong, part) in [
            ("node", "did you mean nodes"),
            ("nodes:5", "what `nodes` takes"),
            ("delegated", "what `delegated` takes"),
            ("subnet-length:64", "what `subnet-length` takes"),
            ("network-length:24-16", "what `network-length` takes"),
        ] {
            let error = Check::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
