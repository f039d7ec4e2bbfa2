//! [`Symbols`]: what symbolic tags stand for in one network, and what its system routes drop.

use super::name::Symbol;
use super::special::special_ranges;
use crate::addr::{AddrSet, IpPrefix};

/// Blocks that Azure's system routes drop unless they belong to the virtual network or a narrower route exists.
///
/// Source: virtual-networks-udr-overview.md, 2023-05-27.
pub const SYSTEM_NONE: [&str; 4] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"];

/// What the symbolic tags stand for in one environment.
///
/// Azure resolves them by itself; for proof they must be sets of addresses. `VirtualNetwork` is taken as wide as
/// Azure may take it: with user-defined routes on the subnet it holds their prefixes too.
#[derive(Debug, Clone)]
pub struct Symbols {
    internet: AddrSet,
    virtual_network: AddrSet,
    platform: AddrSet,
    metadata: AddrSet,
    licence: AddrSet,
}

impl Symbols {
    /// The symbols of a network with this address `space`, whose subnets have user-defined routes to `routed` beside it.
    pub fn new(space: &AddrSet, routed: &AddrSet) -> Self {
        let prefix = |text: &str| -> AddrSet { text.parse::<IpPrefix>().expect("a constant prefix").into() };
        Symbols {
            internet: space.union(&special_ranges()).complement(),
            virtual_network: space.union(routed),
            platform: prefix("168.63.129.16/32"),
            metadata: prefix("169.254.169.254/32"),
            // Azure publishes no address for it: a place where no remote is keeps it apart from all others.
            licence: prefix("0.0.0.1/32"),
        }
    }

    /// The symbols of a subnet for which `Internet` and `VirtualNetwork` are known to be these.
    pub fn of(internet: AddrSet, virtual_network: AddrSet) -> Self {
        Symbols { internet, virtual_network, ..Symbols::new(&AddrSet::empty(), &AddrSet::empty()) }
    }

    /// The addresses that `symbol` stands for.
    pub fn get(&self, symbol: Symbol) -> AddrSet {
        match symbol {
            Symbol::Internet => self.internet.clone(),
            Symbol::VirtualNetwork => self.virtual_network.clone(),
            Symbol::AzureLoadBalancer | Symbol::AzurePlatformDns => self.platform.clone(),
            Symbol::AzurePlatformImds => self.metadata.clone(),
            Symbol::AzurePlatformLkm => self.licence.clone(),
        }
    }
}
