//! [`Table`]: the subnets that have the same routes, and what these are.

use super::names::name;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::NextHop;
use crate::policy::{ManagedRoute, Policy, Remote, RouteNeed, SYSTEM_NONE, only_families_of};

/// One route of prefixes.
pub(super) type PrefixRoute = (IpPrefix, NextHop);

/// Subnets that share a route table, and what it has to do.
pub(super) struct Table<'a> {
    pub(super) policy: &'a Policy,
    /// Name of the resource.
    pub(super) name: String,
    /// Names of the subnets, in order.
    pub(super) subnets: Vec<&'a str>,
    /// The default of each family, IPv4 first.
    pub(super) defaults: [Option<NextHop>; 2],
    /// Whether the policy's own default may stand in it.
    pub(super) takes_default: bool,
    pub(super) needs: Vec<&'a RouteNeed>,
    /// Routes that stand as they are written.
    pub(super) lines: Vec<PrefixRoute>,
    /// Routes that a service keeps in it.
    pub(super) kept: Vec<&'a ManagedRoute>,
    /// The network's address space.
    pub(super) space: &'a AddrSet,
    /// Address space and what lines take: no route is made up there.
    pub(super) settled: AddrSet,
}

/// The tables of a policy, in order of their first subnets.
pub(super) fn tables(policy: &Policy) -> Vec<Table<'_>> {
    let mut found: Vec<Table<'_>> = Vec::new();
    for name in policy.network.subnets.keys().filter(|name| policy.is_routed(name)) {
        let table = Table::of_subnet(policy, name);
        match found.iter_mut().find(|known| known.same_routes(&table)) {
            Some(known) => known.subnets.push(name),
            None => found.push(table),
        }
    }
    let only = found.len() == 1;
    for table in &mut found {
        table.name = table.named(only);
    }
    found
}

impl<'a> Table<'a> {
    fn of_subnet(policy: &'a Policy, subnet: &'a str) -> Self {
        let needs: Vec<&RouteNeed> = policy.routes_of(subnet).collect();
        let takes_default = policy.network.subnets.get(subnet).is_some_and(|s| s.role.takes_default());
        let written = needs.iter().filter(|need| need.as_written);
        let taken: Vec<AddrSet> = written.map(|need| policy.route_set(need, subnet)).collect();
        Table {
            policy,
            name: String::new(),
            subnets: vec![subnet],
            defaults: [false, true].map(|v6| policy.default_hop_of(subnet, v6)),
            takes_default,
            lines: lines(policy, &needs, subnet),
            needs,
            kept: policy.managed_routes_of(subnet).collect(),
            space: &policy.network.space,
            settled: AddrSet::union_of(taken.iter().chain([&policy.network.space])),
        }
    }

    fn same_routes(&self, other: &Table<'_>) -> bool {
        let ids = |table: &Table<'_>| table.needs.iter().map(|need| need.id.clone()).collect::<Vec<_>>();
        self.defaults == other.defaults
            && self.takes_default == other.takes_default
            && self.lines == other.lines
            // Each of these names the one subnet that it is for.
            && self.kept.is_empty()
            && other.kept.is_empty()
            && ids(self) == ids(other)
    }

    /// The only table, and the one with nothing but the policy's default, is that of the environment; another one is
    /// named after its first subnet.
    fn named(&self, only: bool) -> String {
        let plain = self.needs.is_empty()
            && self.lines.is_empty()
            && [false, true].map(|v6| self.policy.default_hop(v6)) == self.defaults;
        let label = if only || plain { "" } else { self.subnets[0] };
        match &self.policy.names.route_table {
            Some(base) => name(&[base, label]),
            None => name(&[&self.policy.name, label, "routes"]),
        }
    }
}

/// The private ranges that Azure's own routes drop, one by one.
pub(super) fn private_blocks() -> impl Iterator<Item = IpPrefix> {
    SYSTEM_NONE.iter().map(|block| block.parse().expect("a constant prefix"))
}

/// The lines of a subnet's table: what is written, but for its own addresses, which stay local inside a wider line.
fn lines(policy: &Policy, needs: &[&RouteNeed], subnet: &str) -> Vec<PrefixRoute> {
    let own = policy.network.addresses_of(subnet);
    let (space, present) = (&policy.network.space, policy.network.subnet_space());
    let mut lines: Vec<PrefixRoute> = Vec::new();
    for need in needs.iter().filter(|need| need.as_written) {
        let Remote::Addresses(set) = &need.to else { continue };
        let set = only_families_of(&set.difference(&need.except), &present);
        let led = policy.route_set(need, subnet);
        for prefix in set.prefixes() {
            let whole = AddrSet::from(prefix);
            let kept = |route: &ManagedRoute| matches!(&route.to, Remote::Addresses(set) if *set == whole);
            if whole.is_subset(&own) && !policy.managed_routes_of(subnet).any(kept) {
                continue;
            }
            lines.push((prefix, need.next_hop));
            // Routes for private ranges, the system's or the policy's, are narrower than a line that holds a whole one.
            let dropped = need.next_hop == NextHop::None && !policy.private_to_firewall();
            let narrower = private_blocks().filter(|&p| p != prefix && AddrSet::from(p).is_subset(&whole));
            let taken = |p: AddrSet| !dropped && !led.is_disjoint(&p) && !p.is_subset(space);
            lines.extend(narrower.filter(|&p| taken(p.into())).map(|p| (p, need.next_hop)));
            if whole.is_subset(space) && need.next_hop != NextHop::VnetLocal {
                let inside = own.prefixes().filter(|&p| AddrSet::from(p).is_subset(&whole));
                lines.extend(inside.map(|p: IpPrefix| (p, NextHop::VnetLocal)));
            }
        }
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}
