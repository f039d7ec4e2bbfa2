//! The fewest routes with the wished effect, exact or within a number of routes.
//!
//! What each address wishes for is stated as sets, and the table is found anew from that under longest-prefix match: a
//! broad route with exceptions that lead back to the default can take fewer routes than any list of disjoint ones.

use std::fmt;

use super::table::{PrefixRoute, Table, private_blocks};
use crate::addr::{AddrSet, IpPrefix, Mismatch, Prefix, Prices, Route, RouteError, RouteProblem};
use crate::packet::NextHop;
use crate::policy::{Remote, only_families_of};

/// A next hop as the minimiser sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hop {
    /// One that a route can name.
    To(NextHop),
    /// What Azure's own routes do; a route that does the same would also take the place of peerings and of routes
    /// learned by a gateway, so none is made for it.
    System(&'static str),
    /// The default of a family (IPv6 if set), by addresses that may not go another way at any price.
    Kept(bool),
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hop::To(hop) => hop.fmt(f),
            Hop::System(what) => f.write_str(what),
            Hop::Kept(_) => f.write_str("the default, at any price"),
        }
    }
}

const SYSTEM_DEFAULT: Hop = Hop::System("Azure's own default route");
const SYSTEM_PRIVATE: Hop = Hop::System("Azure's own routes for private ranges");

/// What a route table has to do.
pub(super) struct WantedRoutes<'a> {
    table: &'a Table<'a>,
    /// Routes that every table has: the default and private ranges.
    fixed: &'a [(IpPrefix, NextHop)],
    /// Addresses by next hop that routes have to lead there.
    led: Vec<(AddrSet, NextHop)>,
    /// Prefixes and addresses of tags that have routes by name.
    tags: Vec<(Vec<IpPrefix>, AddrSet, NextHop)>,
}

impl<'a> WantedRoutes<'a> {
    pub(super) fn new(table: &'a Table<'a>, fixed: &'a [PrefixRoute]) -> Self {
        WantedRoutes { table, fixed, led: Vec::new(), tags: Vec::new() }
    }

    /// Addresses that must go to `hop`.
    pub(super) fn lead(&mut self, set: &AddrSet, hop: NextHop) {
        match self.led.iter_mut().find(|(_, known)| *known == hop) {
            Some((all, _)) => *all = all.union(set),
            None => self.led.push((set.clone(), hop)),
        }
    }

    /// A route by the name of `remote`, which is a tag: its published prefixes are as good as routes.
    pub(super) fn by_name(&mut self, remote: &Remote, hop: NextHop) {
        let (Remote::Tag(tag) | Remote::Outside(tag)) = remote else { return };
        let subnets = self.table.policy.network.subnet_space();
        let present = |p: &IpPrefix| !if p.is_v4() { subnets.v4.is_empty() } else { subnets.v6.is_empty() };
        self.tags.push((
            tag.published().filter(present).collect(),
            only_families_of(tag.set(), &subnets),
            hop,
        ));
    }

    /// The fewest routes with exactly the wished effect, without the fixed ones.
    ///
    /// # Errors
    /// Where no table has that effect.
    pub(super) fn exact(&self) -> Result<Vec<PrefixRoute>, RouteError> {
        let routes = self.problem(None).minimise()?;
        let added = routes.into_iter().filter_map(|route| match route.hop {
            Hop::To(hop) => Some((route.prefix, hop)),
            Hop::System(_) | Hop::Kept(_) => None,
        });
        Ok(added.filter(|route| !self.fixed.contains(route)).collect())
    }

    /// The addresses that leave the default for each hop in the cheapest table of at most `most` routes, fixed ones
    /// included. Cheapest is where the fewest do; none of those that `kept` holds does, and whatever is led keeps its
    /// hop.
    ///
    /// # Errors
    /// [`RouteError::TooFew`] with the smallest number of routes that works.
    pub(super) fn widened(&self, most: usize, kept: &AddrSet) -> Result<Vec<(AddrSet, NextHop)>, RouteError> {
        let curve = self.problem(Some(kept)).curve(&Prices::default(), &self.mismatch(), Some(most))?;
        let routes = curve.at_most(most)?.routes;
        let asked = self.asked().union(&self.table.settled).union(&private());
        let mut extras = Vec::new();
        for (_, hop) in &self.led {
            let extra = region(&routes, Hop::To(*hop)).difference(&asked);
            if !extra.is_empty() && self.defaults().all(|(_, default)| default != Hop::To(*hop)) {
                extras.push((extra, *hop));
            }
        }
        Ok(extras)
    }

    /// Everything that is led somewhere, by prefixes or by a tag's name.
    fn asked(&self) -> AddrSet {
        let sets: Vec<&AddrSet> = self.everything_led().map(|(set, _)| set).collect();
        AddrSet::union_of(sets)
    }

    /// Where all addresses of a family go that nothing else is said of, for each family that a subnet has.
    fn defaults(&self) -> impl Iterator<Item = (bool, Hop)> {
        let subnets = self.table.policy.network.subnet_space();
        let present = [(false, !subnets.v4.is_empty()), (true, !subnets.v6.is_empty())];
        let hop = |v6| self.table.defaults[usize::from(v6)].map_or(SYSTEM_DEFAULT, Hop::To);
        present.into_iter().filter(|(_, present)| *present).map(move |(v6, _)| (v6, hop(v6)))
    }

    /// With `kept`, those of its addresses that wish for the default wish for it at any price, and so do those that are
    /// led there.
    fn problem(&self, kept: Option<&AddrSet>) -> RouteProblem<Hop> {
        let to = |prefix, hop| Route { prefix, hop };
        let (private, space) = (private(), &self.table.settled);
        let defaults: Vec<(bool, Hop)> = self.defaults().collect();
        let mut wished: Vec<Route<Hop>> = Vec::new();
        let mut system = Vec::new();
        let mut pinned: Vec<Route<Hop>> = self.fixed.iter().map(|&(p, hop)| to(p, Hop::To(hop))).collect();
        let mut rest = private.difference(space);
        let mut off_default = AddrSet::empty();
        // A narrow route in private space can take the place of a peering's: what is led there gets its own routes, and
        // no clever ones.
        for (set, hop) in &self.led {
            let inside = set.difference(space).intersection(&private);
            pinned.extend(inside.prefixes().map(|p| to(p, Hop::To(*hop))));
        }
        for (set, hop) in self.everything_led() {
            let (set, hop) = (set.difference(space), Hop::To(hop));
            let inside = set.intersection(&private);
            wished.extend(inside.prefixes().map(|p| to(p, hop)));
            rest = rest.difference(&inside);
            let public = set.difference(&private);
            if kept.is_none() || defaults.iter().all(|&(_, default)| default != hop) {
                wished.extend(public.prefixes().map(|p| to(p, hop)));
                off_default = off_default.union(&public);
            }
        }
        for &(v6, hop) in &defaults {
            let all = if v6 { IpPrefix::V6(Prefix::all()) } else { IpPrefix::V4(Prefix::all()) };
            wished.push(to(all, hop));
            if hop == SYSTEM_DEFAULT {
                system.push(to(all, hop));
            }
        }
        if let Some(kept) = kept {
            let kept = kept.union(&self.asked()).difference(&off_default);
            let kept = kept.difference(space).difference(&private);
            let of_present = |p: &IpPrefix| defaults.iter().any(|&(v6, _)| p.is_v4() != v6);
            wished.extend(kept.prefixes().filter(of_present).map(|p| to(p, Hop::Kept(!p.is_v4()))));
        }
        let private_hop = self.fixed.iter().find(|(p, _)| p.len() > 0).map(|&(_, hop)| Hop::To(hop));
        wished.extend(rest.prefixes().map(|p| to(p, private_hop.unwrap_or(SYSTEM_PRIVATE))));
        system.extend(private_blocks().map(|p| to(p, SYSTEM_PRIVATE)));
        for (published, _, hop) in &self.tags {
            system.extend(published.iter().map(|&p| to(p, Hop::To(*hop))));
        }
        pinned.sort_unstable();
        pinned.dedup();
        let hops = self.led.iter().map(|&(_, hop)| Hop::To(hop)).chain(defaults.iter().map(|&(_, hop)| hop));
        let hops = hops.filter(|hop| matches!(hop, Hop::To(_))).collect();
        RouteProblem::new(wished)
            .next_hops(hops)
            .pinned(pinned)
            .system(system)
            .protected(space.prefixes().collect())
    }

    fn everything_led(&self) -> impl Iterator<Item = (&AddrSet, NextHop)> {
        let led = self.led.iter().map(|(set, hop)| (set, *hop));
        led.chain(self.tags.iter().map(|(_, set, hop)| (set, *hop)))
    }

    /// What may go another way: addresses that nothing asks for may leave the default for a hop that others are led
    /// to, unless that drops them. Everything else keeps its hop.
    fn mismatch(&self) -> Mismatch<Hop> {
        let led: Vec<Hop> = self.led.iter().map(|&(_, hop)| Hop::To(hop)).collect();
        let tags = self.tags.iter().map(|&(_, _, hop)| Hop::To(hop));
        let defaults: Vec<(bool, Hop)> = self.defaults().collect();
        let fixed = self.fixed.iter().map(|&(_, hop)| Hop::To(hop));
        let mut all: Vec<Option<Hop>> = vec![None, Some(SYSTEM_PRIVATE), Some(SYSTEM_DEFAULT)];
        all.extend(led.iter().copied().chain(tags).chain(fixed).map(Some));
        all.extend(defaults.iter().flat_map(|&(v6, hop)| [Some(hop), Some(Hop::Kept(v6))]));
        let mut mismatch = Mismatch::new();
        for &wished in &all {
            for &got in all.iter().filter(|&&got| got != wished) {
                mismatch.forbid(wished, got);
            }
        }
        for &(v6, default) in &defaults {
            mismatch.set(Some(Hop::Kept(v6)), Some(default), 0);
            for &hop in led.iter().filter(|&&hop| hop != default && hop != Hop::To(NextHop::None)) {
                mismatch.set(Some(default), Some(hop), 1);
            }
        }
        mismatch
    }
}

/// The private ranges that Azure's own routes drop.
pub(super) fn private() -> AddrSet {
    private_blocks().collect()
}

/// The addresses whose longest match among `routes`, ascending, is a route to `hop`.
fn region(routes: &[Route<Hop>], hop: Hop) -> AddrSet {
    let own = routes.iter().enumerate().filter(|(_, route)| route.hop == hop).map(|(at, route)| {
        let whole = AddrSet::from(route.prefix);
        // Nested prefixes follow right behind the one that holds them.
        let inside = routes[at + 1..].iter().map(|other| other.prefix);
        let inside: AddrSet = inside.take_while(|other| AddrSet::from(*other).is_subset(&whole)).collect();
        whole.difference(&inside)
    });
    let own: Vec<AddrSet> = own.collect();
    AddrSet::union_of(&own)
}

/// `plain` or `fewest`, block by block: whichever has fewer routes there, `plain` if as many, so that a table changes
/// only where that saves routes. Both are ascending and have the same effect.
pub(super) fn shorter(plain: &[PrefixRoute], fewest: &[PrefixRoute]) -> Vec<PrefixRoute> {
    let mut chosen = Vec::new();
    let (mut plain, mut fewest) = (plain, fewest);
    while let Some(block) = [plain.first(), fewest.first()].into_iter().flatten().map(|r| r.0).min() {
        let inside = |routes: &[PrefixRoute]| {
            routes.iter().take_while(|(p, _)| AddrSet::from(*p).is_subset(&block.into())).count()
        };
        let (of_plain, others) = plain.split_at(inside(plain));
        let (of_fewest, other_fewest) = fewest.split_at(inside(fewest));
        chosen.extend(if of_fewest.len() < of_plain.len() { of_fewest } else { of_plain });
        (plain, fewest) = (others, other_fewest);
    }
    chosen
}
