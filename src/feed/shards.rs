//! What static pages look addresses up in: the prefixes of all tags as JSON, a file for each first octet of IPv4 and each
//! first group of IPv6, so that a page fetches only those that it asks for.

use std::collections::BTreeMap;

use super::world::World;
use crate::addr::IpPrefix;

/// The file of prefixes that are wider than what the others are split by.
const WIDE: &str = "wide";

/// The name of the file that holds a prefix, as the script of the pages works it out too.
fn shard(prefix: IpPrefix) -> String {
    match prefix {
        IpPrefix::V4(prefix) if prefix.len() >= 8 => format!("4-{}", prefix.first() >> 24),
        IpPrefix::V6(prefix) if prefix.len() >= 16 => format!("6-{:x}", prefix.first() >> 112),
        _ => WIDE.to_owned(),
    }
}

/// Adds the files `lookup/NAME.json`: a list of prefix, cloud and the tags that have it, in order.
pub(super) fn add(world: &World, files: &mut BTreeMap<String, Vec<u8>>) {
    type Shard<'w> = BTreeMap<(IpPrefix, &'static str), Vec<&'w str>>;
    let mut shards: BTreeMap<String, Shard<'_>> = BTreeMap::from([(WIDE.to_owned(), Shard::new())]);
    for (cloud, feed) in world.clouds() {
        for tag in feed.snapshot().tags() {
            for prefix in tag.set().prefixes() {
                let tags =
                    shards.entry(shard(prefix)).or_default().entry((prefix, cloud.name())).or_default();
                tags.push(tag.name().as_str());
            }
        }
    }
    for (name, shard) in shards {
        let rows: Vec<(String, &str, Vec<&str>)> =
            shard.into_iter().map(|((prefix, cloud), tags)| (prefix.to_string(), cloud, tags)).collect();
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
            ("8.0.0.0/7", WIDE),
            ("2001:db8::/32", "6-2001"),
            ("::1/128", "6-0"),
            ("2000::/3", WIDE),
        ] {
            assert_eq!(shard(prefix.parse().unwrap()), wanted, "{prefix}");
        }
    }
}
