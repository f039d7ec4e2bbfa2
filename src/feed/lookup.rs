//! Look-ups: which tags and which rules hold an address.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::cloud::CloudFeed;
use super::rules::Met;
use super::world::World;
use crate::addr::{AddrSet, Address, Entry, EntryError, IpPrefix, Prefix};
use crate::catalog::{Fqdn, FqdnError};
use crate::tags::{Cloud, Tag};

/// The addresses of hosts, as somebody resolved them, or why there are none.
pub type Resolved = BTreeMap<Fqdn, Result<Vec<IpAddr>, NoAddress>>;

/// Why a host has no address, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// The resolver knows none.
    #[error("no address is known for it")]
    Unknown,
    /// The resolver did not answer in time.
    #[error("it took too long")]
    Late,
}

/// The most that one look-up takes.
pub const MOST: usize = 1_000;

/// A thing that is looked up, as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing<'q> {
    /// An address or prefix.
    Prefix(IpPrefix),
    /// A host, or with a wildcard what is below it.
    Host(Fqdn),
    /// Something else, as it was written.
    Text(&'q str),
}

impl Display for Thing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Prefix(prefix) => prefix.fmt(f),
            Thing::Host(host) => host.fmt(f),
            Thing::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Thing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why something is nothing that can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// It is no address or prefix.
    #[error(transparent)]
    Address(#[from] EntryError),
    /// It is no host.
    #[error(transparent)]
    Host(#[from] FqdnError),
}

impl Serialize for NotUnderstood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What was found for one thing that was asked.
#[derive(Debug, Serialize)]
pub struct Found<'w> {
    /// What was asked, as it was understood.
    pub query: Thing<'w>,
    /// What is wrong with it, if it could not be understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<NotUnderstood>,
    /// The tags that hold it, by cloud and name.
    pub tags: Vec<TagFound<'w>>,
    /// The rules of published environments whose remote side holds it, or of a host that name it.
    pub rules: Vec<Met<'w>>,
}

impl<'w> Found<'w> {
    fn wrong(query: &'w str, error: NotUnderstood) -> Self {
        Found { query: Thing::Text(query), error: Some(error), tags: Vec::new(), rules: Vec::new() }
    }
}

/// A tag that holds what was asked for.
#[derive(Debug, Serialize)]
pub struct TagFound<'w> {
    /// The cloud that it is of.
    pub cloud: &'static str,
    /// Its name.
    pub name: &'w str,
    /// The region that it is limited to.
    pub region: Option<String>,
    /// The service behind it, often empty.
    pub service: &'w str,
    /// Whether it holds all of what was asked for.
    pub whole: bool,
    /// The first published prefix that holds some of it.
    #[serde(serialize_with = "shown")]
    pub prefix: Option<IpPrefix>,
    /// The first stored week since which it has held all that it holds of it now.
    pub since: jiff::civil::Date,
    /// Whether that may have been so before: nothing older is stored.
    pub or_before: bool,
}

fn shown<S: Serializer>(prefix: &Option<IpPrefix>, serializer: S) -> Result<S::Ok, S::Error> {
    match prefix {
        Some(prefix) => serializer.collect_str(prefix),
        None => serializer.serialize_str(""),
    }
}

/// Looks up each of `texts`; in one cloud, if one is named.
pub fn look_up<'w>(
    world: &'w World,
    cloud: Option<Cloud>,
    texts: impl IntoIterator<Item = &'w str>,
) -> Vec<Found<'w>> {
    texts.into_iter().map(|text| look_up_one(world, cloud, text)).collect()
}

fn look_up_one<'w>(world: &'w World, cloud: Option<Cloud>, text: &'w str) -> Found<'w> {
    match understood(text) {
        Ok(prefix) => found(world, cloud, prefix),
        Err(error) => Found::wrong(text, error.into()),
    }
}

/// An address or prefix as it stands in logs: host bits are cleared, and an IPv4-mapped address is the IPv4 address.
pub(super) fn understood(text: &str) -> Result<IpPrefix, EntryError> {
    let text = text.trim().trim_matches(['[', ']', '"', '\'', '<', '>']);
    let mapped = text.get(..7).filter(|start| start.eq_ignore_ascii_case("::ffff:")).map(|_| &text[7..]);
    let text = mapped.filter(|rest| rest.contains('.') && !rest.contains('/')).unwrap_or(text);
    IpPrefix::parse(text, true)
        .map_err(|error| Entry::parse(text, true).err().unwrap_or(EntryError::Prefix(error)))
}

/// The rules that name each of `hosts`. No host is resolved: only names are held against names.
pub fn look_up_hosts<'w>(
    world: &'w World,
    cloud: Option<Cloud>,
    hosts: impl IntoIterator<Item = &'w str>,
) -> Vec<Found<'w>> {
    let one = |text: &'w str| match Fqdn::parse(text.trim().trim_end_matches('.')) {
        Ok(host) => found_host(world, cloud, host),
        Err(error) => Found::wrong(text, error.into()),
    };
    hosts.into_iter().map(one).collect()
}

/// The rules that name a host.
pub(super) fn found_host<'w>(world: &'w World, cloud: Option<Cloud>, host: Fqdn) -> Found<'w> {
    let rules = world.rules().naming(&host).into_iter().filter(|met| is_of(world, met, cloud)).collect();
    Found { query: Thing::Host(host), error: None, tags: Vec::new(), rules }
}

fn is_of(world: &World, met: &Met<'_>, cloud: Option<Cloud>) -> bool {
    cloud.is_none_or(|cloud| world.is_in(&met.rule.environment, cloud))
}

/// The tags and rules that hold some of a prefix.
pub fn found(world: &World, cloud: Option<Cloud>, query: IpPrefix) -> Found<'_> {
    let asked = AddrSet::from(query);
    let clouds = world.clouds().filter(|(name, _)| cloud.is_none_or(|only| only == *name));
    let tags = clouds.flat_map(|(name, feed)| tags_of(name, feed, query, &asked)).collect();
    let rules = world.rules().over(&asked).into_iter().filter(|met| is_of(world, met, cloud)).collect();
    Found { query: Thing::Prefix(query), error: None, tags, rules }
}

fn tags_of<'w>(cloud: Cloud, feed: &'w CloudFeed, query: IpPrefix, asked: &AddrSet) -> Vec<TagFound<'w>> {
    let over = feed.index().over(asked);
    let mut tags: Vec<(u32, bool)> = over.whole.into_iter().map(|tag| (tag, true)).collect();
    tags.extend(over.part.into_iter().map(|tag| (tag, false)));
    tags.sort_unstable();
    tags.into_iter().map(|(place, whole)| tag_found(cloud, feed, (place, whole), query, asked)).collect()
}

fn tag_found<'w>(
    cloud: Cloud,
    feed: &'w CloudFeed,
    (place, whole): (u32, bool),
    query: IpPrefix,
    asked: &AddrSet,
) -> TagFound<'w> {
    // The index numbers the tags as the snapshot holds them.
    let tag: &Tag = &feed.snapshot().tags()[place as usize];
    let since = feed.since(tag, asked);
    TagFound {
        cloud: cloud.name(),
        name: tag.name().as_str(),
        region: tag.region().map(|region| region.location()),
        service: tag.system_service(),
        whole,
        prefix: published(tag, query),
        since: feed.history().weeks()[since.week].date,
        or_before: since.or_before,
    }
}

/// The first published prefix of a tag that shares addresses with `query`.
fn published(tag: &Tag, query: IpPrefix) -> Option<IpPrefix> {
    match query {
        IpPrefix::V4(query) => first_meeting(tag.v4(), query).map(IpPrefix::V4),
        IpPrefix::V6(query) => first_meeting(tag.v6(), query).map(IpPrefix::V6),
    }
}

/// The first of some ascending prefixes that shares addresses with another: the widest that holds it, or else the first
/// inside of it. A binary search for each length that one which holds it may have.
fn first_meeting<A: Address>(published: &[Prefix<A>], query: Prefix<A>) -> Option<Prefix<A>> {
    let around = (0..=query.len()).find_map(|len| {
        let wanted = Prefix::new_relaxed(query.first(), len).ok()?;
        published.binary_search(&wanted).ok().map(|at| published[at])
    });
    around.or_else(|| {
        let at = published.partition_point(|prefix| prefix.first() < query.first());
        published.get(at).copied().filter(|prefix| prefix.first() <= query.last())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_prefix_that_meets_is_that_of_a_slow_search() {
        // Every prefix over eight bits, against some sets of them.
        let all: Vec<Prefix<u8>> =
            (0..=8_u8).flat_map(|len| (0..=255_u8).filter_map(move |a| Prefix::new(a, len).ok())).collect();
        for step in 1..40 {
            let mut some: Vec<Prefix<u8>> = all.iter().copied().skip(step).step_by(step * 3 + 1).collect();
            some.sort_unstable();
            for &query in &all {
                let slow = some.iter().copied().find(|p| p.contains(query) || query.contains(*p));
                assert_eq!(first_meeting(&some, query), slow, "{query:?} of every {step}");
            }
        }
    }

    #[test]
    fn what_stands_in_logs_is_understood() {
        for (text, prefix) in [
            ("192.0.2.7", "192.0.2.7/32"),
            (" 192.0.2.7/24 ", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("[2001:db8::1]", "2001:db8::1/128"),
            ("\"192.0.2.7\"", "192.0.2.7/32"),
        ] {
            assert_eq!(understood(text).unwrap().to_string(), prefix, "{text}");
        }
        assert!(understood("192.0.2").is_err() && understood("").is_err());
    }
}
