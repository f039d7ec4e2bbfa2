//! What static pages look addresses up in: the prefixes of all tags as JSON, a file for each first octet of IPv4 and each
//! first group of IPv6, so that a page fetches only those that it asks for.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use super::answer::Cidr;
use super::world::World;
use crate::addr::IpPrefix;

/// A file of prefixes, as the script of the pages works out its name too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shard {
    /// Those of IPv4 with this first octet.
    V4(u32),
    /// Those of IPv6 with this first group.
    V6(u128),
    /// Those that are wider than what the others are split by.
    Wide,
}

impl Shard {
    /// The file that holds a prefix.
    fn of(prefix: IpPrefix) -> Self {
        match prefix {
            IpPrefix::V4(prefix) if prefix.len() >= 8 => Shard::V4(prefix.first() >> 24),
            IpPrefix::V6(prefix) if prefix.len() >= 16 => Shard::V6(prefix.first() >> 112),
            _ => Shard::Wide,
        }
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Shard::V4(octet) => write!(f, "4-{octet}"),
            Shard::V6(group) => write!(f, "6-{group:x}"),
            Shard::Wide => f.write_str("wide"),
        }
    }
}

/// Adds the files `lookup/NAME.json`: a list of prefix, cloud and the tags that have it, in order.
pub(super) fn add(world: &World, files: &mut BTreeMap<String, Vec<u8>>) {
    type Rows<'w> = BTreeMap<(IpPrefix, &'static str), Vec<&'w str>>;
    let mut shards: BTreeMap<Shard, Rows<'_>> = BTreeMap::from([(Shard::Wide, Rows::new())]);
    for (cloud, feed) in world.clouds() {
        for tag in feed.snapshot().tags() {
            for prefix in tag.set().prefixes() {
                let tags =
                    shards.entry(Shard::of(prefix)).or_default().entry((prefix, cloud.name())).or_default();
                tags.push(tag.name().as_str());
            }
        }
    }
    for (name, rows) in shards {
        let rows: Vec<(Cidr, &str, Vec<&str>)> =
            rows.into_iter().map(|((prefix, cloud), tags)| (Cidr(prefix), cloud, tags)).collect();
        let bytes = serde_json::to_vec(&rows).expect("texts always serialise");
        files.insert(format!("lookup/{name}.json"), bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_in_the_file_of_its_first_octet_or_group() {
        for (prefix, wanted) in [
            ("192.0.2.0/24", "4-192"),
            ("10.0.0.0/8", "4-10"),
            ("8.0.0.0/7", "wide"),
            ("2001:db8::/32", "6-2001"),
            ("::1/128", "6-0"),
            ("2000::/3", "wide"),
        ] {
            assert_eq!(Shard::of(prefix.parse().unwrap()).to_string(), wanted, "{prefix}");
        }
    }
}
