//! Route tables: longest-prefix match with Azure's precedence, over the whole address space.
//!
//! Source of the precedence: virtual-networks-udr-overview.md, 2023-05-27.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::meaning::Meaning;
use super::report::{FailureKind, Proven, Report};
use super::resources::{Route, RouteTable};
use crate::addr::{Address, IntervalSet, IpPrefix, Prefix};
use crate::packet::NextHop;
use crate::plan::{Extra, extra_of};
use crate::policy::{Policy, Remote, SYSTEM_NONE};
use crate::target::Target;

/// Which of two routes with the same prefix wins; higher wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    System,
    CloudTag,
    RegionalCloudTag,
    GlobalTag,
    RegionalTag,
    Explicit,
}

/// One prefix with its next hop.
struct Entry<A> {
    prefix: Prefix<A>,
    rank: Rank,
    hop: NextHop,
    name: String,
}

/// All routes in effect on the subnets: the table's and the system's.
#[derive(Default)]
struct Routes {
    v4: Vec<Entry<u32>>,
    v6: Vec<Entry<u128>>,
}

impl Routes {
    fn add(&mut self, prefix: IpPrefix, rank: Rank, hop: NextHop, name: &str) {
        let name = name.to_owned();
        match prefix {
            IpPrefix::V4(prefix) => self.v4.push(Entry { prefix, rank, hop, name }),
            IpPrefix::V6(prefix) => self.v6.push(Entry { prefix, rank, hop, name }),
        }
    }
}

/// Proves that `table` sends every address where `policy` wants it, those declared as extra with the routes that they
/// are extra of.
pub(super) fn check(
    policy: &Policy,
    table: &RouteTable,
    extras: &[Extra],
    format: &str,
    meaning: &mut Meaning<'_>,
    report: &mut Report,
) {
    for text in field_errors(table) {
        report.fail(Target::RouteTable, format, FailureKind::Invalid, text);
    }
    if table.disable_bgp.unwrap_or(false) != policy.route_table.disable_bgp {
        let text = if policy.route_table.disable_bgp {
            "routes learned by a gateway must be kept off, but are taken"
        } else {
            "routes learned by a gateway must be taken, but are kept off"
        };
        report.fail(Target::RouteTable, format, FailureKind::Misrouted, text.to_owned());
    }
    let mut routes = system_routes(policy);
    for route in &table.routes {
        if let Err(error) = add_route(route, meaning, &mut routes) {
            report.fail(
                Target::RouteTable,
                format,
                FailureKind::Invalid,
                format!("route {}: {error}", route.name),
            );
            return;
        }
    }
    let wanted = Wanted::new(policy, extras);
    let found = [
        first_difference(&routes.v4, &wanted.v4, |a| IpAddr::V4(Ipv4Addr::from(a))),
        first_difference(&routes.v6, &wanted.v6, |a| IpAddr::V6(Ipv6Addr::from(a))),
    ];
    for text in found.into_iter().flatten() {
        report.fail(Target::RouteTable, format, FailureKind::Misrouted, text);
    }
    report.proven.push(Proven {
        target: Target::RouteTable.name().to_owned(),
        format: format.to_owned(),
        part: "routes".to_owned(),
        rules: table.routes.len(),
        needs: policy.routes.len() + usize::from(policy.default_hop(false).is_some()),
    });
}

fn field_errors(table: &RouteTable) -> Vec<String> {
    let mut errors = Vec::new();
    let (mut names, mut prefixes) = (HashSet::new(), HashSet::new());
    for route in &table.routes {
        let name = &route.name;
        if !names.insert(name.to_ascii_lowercase()) {
            errors.push(format!("two routes are called {name}"));
        }
        if !super::legal_name(name) {
            errors.push(format!("{name} is no legal name"));
        }
        if !prefixes.insert(route.address_prefix.to_ascii_lowercase()) {
            errors.push(format!("{name}: another route has the prefix {}", route.address_prefix));
        }
        let appliance = route.next_hop_type == "VirtualAppliance";
        if appliance != route.next_hop_address.is_some() {
            errors.push(format!(
                "{name}: an address of the next hop goes with VirtualAppliance, and only with it"
            ));
        }
    }
    errors
}

fn constant(text: &str) -> IpPrefix {
    text.parse().expect("a constant prefix")
}

fn system_routes(policy: &Policy) -> Routes {
    let mut routes = Routes::default();
    for all in ["0.0.0.0/0", "::/0"] {
        routes.add(constant(all), Rank::System, NextHop::Internet, "the system's default");
    }
    for block in SYSTEM_NONE {
        routes.add(constant(block), Rank::System, NextHop::None, "the system's route for private space");
    }
    for prefix in policy.network.space.prefixes() {
        routes.add(prefix, Rank::System, NextHop::VnetLocal, "the system's route for the virtual network");
    }
    routes
}

fn add_route(route: &Route, meaning: &mut Meaning<'_>, routes: &mut Routes) -> Result<(), String> {
    let hop = next_hop(route)?;
    if let Ok(prefix) = route.address_prefix.parse::<IpPrefix>() {
        routes.add(prefix, Rank::Explicit, hop, &route.name);
        return Ok(());
    }
    let tag = meaning.snapshot.tag(&route.address_prefix).ok_or_else(|| {
        format!("{} is neither a prefix nor a tag that a route can have", route.address_prefix)
    })?;
    let rank = match (tag.name().base() == "AzureCloud", tag.region().is_some()) {
        (true, false) => Rank::CloudTag,
        (true, true) => Rank::RegionalCloudTag,
        (false, false) => Rank::GlobalTag,
        (false, true) => Rank::RegionalTag,
    };
    // The published prefixes compete, not the fewest that hold the same addresses.
    for prefix in tag.published() {
        routes.add(prefix, rank, hop, &route.name);
    }
    Ok(())
}

fn next_hop(route: &Route) -> Result<NextHop, String> {
    match (route.next_hop_type.to_ascii_lowercase().as_str(), &route.next_hop_address) {
        ("virtualappliance", Some(addr)) => {
            addr.parse().map(NextHop::Appliance).map_err(|_| format!("next hop {addr} is no address"))
        }
        ("virtualappliance", None) => Err("an appliance needs an address".to_owned()),
        ("internet", _) => Ok(NextHop::Internet),
        ("none", _) => Ok(NextHop::None),
        ("vnetlocal", _) => Ok(NextHop::VnetLocal),
        ("virtualnetworkgateway", _) => Ok(NextHop::Gateway),
        (other, _) => Err(format!("next hop type {other} is not known")),
    }
}

/// Where each address is to go: disjoint sets in order of precedence, the last one holding the rest.
struct Wanted {
    v4: Vec<(IntervalSet<u32>, NextHop)>,
    v6: Vec<(IntervalSet<u128>, NextHop)>,
}

impl Wanted {
    fn new(policy: &Policy, extras: &[Extra]) -> Self {
        let mut wanted = Wanted { v4: Vec::new(), v6: Vec::new() };
        let space = &policy.network.space;
        wanted.v4.push((space.v4.clone(), NextHop::VnetLocal));
        wanted.v6.push((space.v6.clone(), NextHop::VnetLocal));
        for need in &policy.routes {
            let set = match &need.to {
                Remote::Tag(tag) => tag.set().clone(),
                Remote::Addresses(set) => set.clone(),
                _ => continue,
            };
            let set = set.difference(&need.except);
            wanted.v4.push((set.v4, need.next_hop));
            wanted.v6.push((set.v6, need.next_hop));
        }
        for need in &policy.routes {
            let extra = extra_of(extras, Target::RouteTable, &need.id);
            wanted.v4.push((extra.v4, need.next_hop));
            wanted.v6.push((extra.v6, need.next_hop));
        }
        let subnets = policy.network.subnet_space();
        let default_v4 =
            policy.default_hop(false).filter(|_| !subnets.v4.is_empty()).unwrap_or(NextHop::Internet);
        let default_v6 =
            policy.default_hop(true).filter(|_| !subnets.v6.is_empty()).unwrap_or(NextHop::Internet);
        if !policy.private_to_firewall() {
            let private = SYSTEM_NONE.iter().filter_map(|t| t.parse::<Prefix<u32>>().ok()).collect();
            wanted.v4.push((private, NextHop::None));
        }
        wanted.v4.push((IntervalSet::all(), default_v4));
        wanted.v6.push((IntervalSet::all(), default_v6));
        wanted
    }
}

/// The first address whose next hop is not the wanted one, in words.
fn first_difference<A: Address>(
    routes: &[Entry<A>],
    wanted: &[(IntervalSet<A>, NextHop)],
    show: impl Fn(A) -> IpAddr,
) -> Option<String> {
    let mut starts: Vec<A> = vec![A::MIN];
    for entry in routes {
        starts.push(entry.prefix.first());
        starts.extend(entry.prefix.last().succ());
    }
    for (set, _) in wanted {
        for interval in set.intervals() {
            starts.push(interval.first());
            starts.extend(interval.last().succ());
        }
    }
    starts.sort_unstable();
    starts.dedup();
    let mut order: Vec<&Entry<A>> = routes.iter().collect();
    order.sort_by_key(|e| (e.prefix, e.rank));
    let mut matching = Longest { order: &order, next: 0, open: Vec::new() };
    for start in starts {
        let entry = matching.at(start);
        let hop = entry.map_or(NextHop::None, |e| e.hop);
        let (_, want) =
            wanted.iter().find(|(set, _)| set.contains(start)).expect("the last set holds every address");
        if hop != *want {
            let by = entry.map_or("no route", |e| e.name.as_str());
            return Some(format!("{} must go to {want}, but goes to {hop} by {by}", show(start)));
        }
    }
    None
}

/// Longest-prefix match for ascending addresses: nested prefixes form a stack whose top is the narrowest one, the
/// highest in rank among equals.
struct Longest<'a, A> {
    order: &'a [&'a Entry<A>],
    next: usize,
    open: Vec<&'a Entry<A>>,
}

impl<'a, A: Address> Longest<'a, A> {
    fn at(&mut self, addr: A) -> Option<&'a Entry<A>> {
        while let Some(entry) = self.order.get(self.next).filter(|e| e.prefix.first() <= addr) {
            self.close_before(entry.prefix.first());
            self.open.push(entry);
            self.next += 1;
        }
        self.close_before(addr);
        self.open.last().copied()
    }

    fn close_before(&mut self, addr: A) {
        while self.open.last().is_some_and(|e| e.prefix.last() < addr) {
            self.open.pop();
        }
    }
}
