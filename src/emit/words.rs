//! The words of Azure for what a plan holds, and names of resources as identifiers.

use std::collections::BTreeSet;

use crate::packet::{Direction, NextHop, Protocol};
use crate::plan::{Action, AppProtocol, AppTarget, Destination, NetworkProtocol, NetworkRule, Side};
use crate::text::sha256_hex;

/// Resource names that several files must agree on.
pub(super) const NSG: &str = "nsg";
pub(super) const ROUTE_TABLE: &str = "route_table";

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    }
}

pub(super) fn access(action: Action) -> &'static str {
    match action {
        Action::Allow => "Allow",
        Action::Deny => "Deny",
    }
}

/// A protocol in a security rule.
pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "Tcp",
        Protocol::Udp => "Udp",
        Protocol::Icmp => "Icmp",
        Protocol::Esp => "Esp",
        Protocol::Ah => "Ah",
        Protocol::Any => "*",
    }
}

/// A protocol in a network rule of the firewall.
pub(super) fn network_protocol(protocol: NetworkProtocol) -> &'static str {
    match protocol {
        NetworkProtocol::Tcp => "TCP",
        NetworkProtocol::Udp => "UDP",
        NetworkProtocol::Icmp => "ICMP",
        NetworkProtocol::Any => "Any",
    }
}

pub(super) fn app_protocol(protocol: AppProtocol) -> &'static str {
    match protocol {
        AppProtocol::Http => "Http",
        AppProtocol::Https => "Https",
    }
}

/// Type of a next hop, and its address where it has one.
pub(super) fn next_hop(hop: NextHop) -> (&'static str, Option<String>) {
    match hop {
        NextHop::VnetLocal => ("VnetLocal", None),
        NextHop::Internet => ("Internet", None),
        NextHop::None => ("None", None),
        NextHop::Gateway => ("VirtualNetworkGateway", None),
        NextHop::Appliance(address) => ("VirtualAppliance", Some(address.to_string())),
    }
}

/// One side of a security rule: `*`, one tag, or prefixes.
pub(super) fn side(side: &Side) -> Vec<String> {
    match side {
        Side::Any => vec!["*".to_owned()],
        Side::Tag(name) => vec![name.clone()],
        Side::Prefixes(list) => texts(list),
    }
}

/// The expression for the id of an application security group in the resource group of the others.
pub(super) fn security_group_id(name: &str) -> String {
    format!("resourceId('Microsoft.Network/applicationSecurityGroups', '{name}')")
}

pub(super) fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// The destination of a network rule; one of the lists holds something.
#[derive(Default)]
pub(super) struct NetworkDestination {
    pub(super) addresses: Vec<String>,
    /// Names of IP groups.
    pub(super) groups: Vec<String>,
    pub(super) fqdns: Vec<String>,
}

impl NetworkDestination {
    pub(super) fn of(rule: &NetworkRule) -> Self {
        let mut out = NetworkDestination::default();
        match &rule.destination {
            Destination::Any => out.addresses.push("*".to_owned()),
            Destination::Tags(names) => out.addresses.clone_from(names),
            Destination::Prefixes(list) => out.addresses = texts(list),
            Destination::Groups(names) => out.groups.clone_from(names),
            Destination::Fqdns(hosts) => out.fqdns.clone_from(hosts),
        }
        out
    }
}

/// What an application rule matches; one of the lists holds something.
#[derive(Default)]
pub(super) struct AppDestination {
    pub(super) fqdns: Vec<String>,
    pub(super) urls: Vec<String>,
    pub(super) tags: Vec<String>,
}

impl AppDestination {
    pub(super) fn of(target: &AppTarget) -> Self {
        let mut out = AppDestination::default();
        match target {
            AppTarget::Fqdns(hosts) => out.fqdns.clone_from(hosts),
            AppTarget::Urls(list) => out.urls.clone_from(list),
            AppTarget::FqdnTags(names) => out.tags.clone_from(names),
        }
        out
    }
}

/// How many IP groups Azure updates at once. Source: azure-docs, firewall/ip-groups.md, 2026-03-28.
pub(super) const GROUPS_AT_ONCE: usize = 20;

/// Identifiers for names, in the same order: letters, digits and `_`, after `prefix`. Two names that would look the
/// same get a digest.
pub(super) fn identifiers<'a>(prefix: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut identifier = |name: &str| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut text = format!("{prefix}{}", name.chars().map(plain).collect::<String>());
        // Some languages compare identifiers ignoring case.
        if !taken.insert(text.to_ascii_lowercase()) {
            text = format!("{text}_{}", &sha256_hex(name.as_bytes())[..8]);
            taken.insert(text.to_ascii_lowercase());
        }
        text
    };
    names.into_iter().map(&mut identifier).collect()
}

/// `word` alone for the only resource of a kind; else an identifier for each name, `word` before it.
pub(super) fn one_or_named<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    if names.len() == 1 { vec![word.to_owned()] } else { identifiers(&format!("{word}_"), names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ() {
        let names = identifiers("g_", ["a.b", "a-b", "A_B", "1"]);
        assert_eq!(names[0], "g_a_b");
        assert_eq!(names[3], "g_1");
        assert_eq!(names.iter().map(|n| n.to_lowercase()).collect::<BTreeSet<_>>().len(), 4);
    }
}
