//! Regions as sets: what two have in common, what one has beside another, and few in place of many.

use crate::addr::AddrSet;
use crate::packet::Ports;
use crate::rules::{Access, Packet, Region, ServiceBox};

/// The packets of both, of each pair; disjoint if the regions of each list are.
pub(crate) fn intersection(a: &[Region], b: &[Region]) -> Vec<Region> {
    let mut found = Vec::new();
    for one in a {
        for other in b.iter().filter(|other| other.first == one.first) {
            found.extend(common(one, other));
        }
    }
    found
}

fn common(a: &Region, b: &Region) -> Option<Region> {
    region(
        a,
        a.sources.intersection(&b.sources),
        a.destinations.intersection(&b.destinations),
        both_services(&a.services, &b.services),
    )
}

/// The packets of `regions` that are in none of `taken`.
pub(crate) fn subtracted(regions: Vec<Region>, taken: &[Region]) -> Vec<Region> {
    let mut left = regions;
    for other in taken {
        left = left.iter().flat_map(|one| without(one, other)).collect();
    }
    left
}

/// The packets of one region that are not in another: at most three regions.
fn without(one: &Region, other: &Region) -> Vec<Region> {
    if one.first != other.first {
        return vec![one.clone()];
    }
    let sources = one.sources.intersection(&other.sources);
    let destinations = one.destinations.intersection(&other.destinations);
    let services = both_services(&one.services, &other.services);
    if sources.is_empty() || destinations.is_empty() || services.is_empty() {
        return vec![one.clone()];
    }
    let rest = other_services(&one.services, &other.services);
    let parts = [
        region(one, one.sources.difference(&other.sources), one.destinations.clone(), one.services.clone()),
        region(one, sources.clone(), one.destinations.difference(&other.destinations), one.services.clone()),
        region(one, sources, destinations, rest),
    ];
    parts.into_iter().flatten().collect()
}

/// A region like `of` with other sides; none if it is empty.
fn region(of: &Region, sources: AddrSet, destinations: AddrSet, services: Vec<ServiceBox>) -> Option<Region> {
    region_of(of.first, sources, destinations, services)
}

/// A region of one family; none if it is empty.
pub(crate) fn region_of(
    first: Access,
    sources: AddrSet,
    destinations: AddrSet,
    services: Vec<ServiceBox>,
) -> Option<Region> {
    let service = services.first()?;
    let ports = service
        .protocol
        .has_ports()
        .then(|| Some((first_port(&service.sport)?, first_port(&service.dport)?)));
    let ports = match ports {
        Some(None) => return None,
        ports => ports.flatten(),
    };
    let address = |set: &AddrSet| {
        let v4 = set.v4.first().map(|a| std::net::IpAddr::V4(a.into()));
        v4.or_else(|| set.v6.first().map(|a| std::net::IpAddr::V6(a.into())))
    };
    let packet = Packet::new(address(&sources)?, address(&destinations)?, service.protocol, ports).ok()?;
    Some(Region { first, sources, destinations, services, packet })
}

fn first_port(ports: &Ports) -> Option<u16> {
    ports.set().first()
}

fn both_services(a: &[ServiceBox], b: &[ServiceBox]) -> Vec<ServiceBox> {
    let pairs = a.iter().flat_map(|one| b.iter().map(move |other| (one, other)));
    let common = pairs.filter(|(one, other)| one.protocol == other.protocol).filter_map(|(one, other)| {
        let sport = one.sport.set().intersection(other.sport.set());
        let dport = one.dport.set().intersection(other.dport.set());
        let some = !sport.is_empty() && !dport.is_empty();
        some.then(|| ServiceBox {
            protocol: one.protocol,
            sport: Ports::new(sport),
            dport: Ports::new(dport),
        })
    });
    common.collect()
}

/// The services of `a` that are none of `b`.
fn other_services(a: &[ServiceBox], b: &[ServiceBox]) -> Vec<ServiceBox> {
    let mut left: Vec<ServiceBox> = a.to_vec();
    for other in b {
        let mut next = Vec::new();
        for one in left {
            let sport = one.sport.set().intersection(other.sport.set());
            let dport = one.dport.set().intersection(other.dport.set());
            if one.protocol != other.protocol || sport.is_empty() || dport.is_empty() {
                next.push(one);
                continue;
            }
            let outside = one.sport.set().difference(other.sport.set());
            if !outside.is_empty() {
                next.push(ServiceBox { sport: Ports::new(outside), ..one.clone() });
            }
            let rest = one.dport.set().difference(other.dport.set());
            if !rest.is_empty() {
                next.push(ServiceBox {
                    protocol: one.protocol,
                    sport: Ports::new(sport),
                    dport: Ports::new(rest),
                });
            }
        }
        left = next;
    }
    left
}

/// The same packets in fewer regions: those that agree but for one side are one.
pub(crate) fn joined(mut regions: Vec<Region>) -> Vec<Region> {
    loop {
        let before = regions.len();
        regions = join(regions, |a, b| {
            (a.services == b.services && a.sources == b.sources)
                .then(|| Region { destinations: a.destinations.union(&b.destinations), ..earlier(a, b) })
        });
        regions = join(regions, |a, b| {
            (a.services == b.services && a.destinations == b.destinations)
                .then(|| Region { sources: a.sources.union(&b.sources), ..earlier(a, b) })
        });
        regions = join(regions, |a, b| {
            (a.sources == b.sources && a.destinations == b.destinations)
                .then(|| Region { services: merged(a.services.iter().chain(&b.services)), ..earlier(a, b) })
        });
        if regions.len() == before {
            return regions;
        }
    }
}

/// The one of the two with the lower packet.
fn earlier(a: &Region, b: &Region) -> Region {
    if b.packet < a.packet { b.clone() } else { a.clone() }
}

fn join(regions: Vec<Region>, one: impl Fn(&Region, &Region) -> Option<Region>) -> Vec<Region> {
    let mut kept: Vec<Region> = Vec::with_capacity(regions.len());
    'next: for region in regions {
        for own in &mut kept {
            let same =
                own.first == region.first && own.packet.src().is_ipv4() == region.packet.src().is_ipv4();
            if let Some(both) = same.then(|| one(own, &region)).flatten() {
                *own = both;
                continue 'next;
            }
        }
        kept.push(region);
    }
    kept
}

/// Boxes of one protocol with the same ports on one side, joined along the other.
fn merged<'s>(boxes: impl Iterator<Item = &'s ServiceBox>) -> Vec<ServiceBox> {
    let mut all: Vec<ServiceBox> = Vec::new();
    for service in boxes {
        let same = |own: &&mut ServiceBox| own.protocol == service.protocol;
        let by_source = all.iter_mut().filter(|own| same(own)).find(|own| own.sport == service.sport);
        if let Some(own) = by_source {
            own.dport = own.dport.union(&service.dport);
            continue;
        }
        match all.iter_mut().filter(|own| same(own)).find(|own| own.dport == service.dport) {
            Some(own) => own.sport = own.sport.union(&service.sport),
            None => all.push(service.clone()),
        }
    }
    all.sort_by_key(|service| (service.protocol, service.sport.clone(), service.dport.clone()));
    all
}
