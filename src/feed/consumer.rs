//! [`Consumer`]: lists as a kind of firewall takes them, split where it takes no more.

use std::fmt::{self, Display, Write};

use super::answer::{Answer, ENTRIES, GENERATION, PARTS, TEXT};
use super::body::Body;
use super::cloud::CloudFeed;
use super::list::{Family, empty, lines, over, title};
use crate::addr::IpPrefix;
use crate::tags::{Tag, TagName};
use crate::text::sha256_hex;
use serde::{Serialize, Serializer};

/// What fetches lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// Palo Alto External Dynamic List of type IP.
    Panos,
    /// FortiGate threat feed of type IP address.
    Fortigate,
    /// Check Point network feed.
    Checkpoint,
    /// Cisco Secure Firewall, Security Intelligence feed.
    Cisco,
    /// OPNsense and pfSense, alias of type URL table.
    Opnsense,
    /// A script for `nft -f`.
    Nft,
    /// A script for `ipset restore`.
    Ipset,
}

impl Consumer {
    /// Every consumer.
    pub const ALL: [Consumer; 7] = [
        Consumer::Panos,
        Consumer::Fortigate,
        Consumer::Checkpoint,
        Consumer::Cisco,
        Consumer::Opnsense,
        Consumer::Nft,
        Consumer::Ipset,
    ];

    /// The name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Consumer::Panos => "panos",
            Consumer::Fortigate => "fortigate",
            Consumer::Checkpoint => "checkpoint",
            Consumer::Cisco => "cisco",
            Consumer::Opnsense => "opnsense",
            Consumer::Nft => "nft",
            Consumer::Ipset => "ipset",
        }
    }

    /// The consumer with this name in paths.
    pub fn find(name: &str) -> Option<Consumer> {
        Self::ALL.into_iter().find(|consumer| consumer.name() == name)
    }

    /// How many entries it takes in one list; `None` where the list says itself how large it is.
    ///
    /// Sources: Palo Alto, External Dynamic Lists: 50,000 on the smaller models. FortiGate administration guide 7.4.5,
    /// threat feeds: 131,072. The others publish no figure for a list, and get the latter.
    pub fn capacity(self) -> Option<usize> {
        match self {
            Consumer::Panos => Some(50_000),
            Consumer::Nft | Consumer::Ipset => None,
            _ => Some(131_072),
        }
    }

    /// The list as it takes it; `name` is that of the set which scripts fill.
    fn render(self, name: impl Display, prefixes: &[IpPrefix]) -> Vec<u8> {
        match self {
            Consumer::Nft => nft(&name.to_string(), prefixes).into_bytes(),
            Consumer::Ipset => ipset(&name.to_string(), prefixes).into_bytes(),
            _ => lines(prefixes),
        }
    }
}

/// A view that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// For whom.
    pub consumer: Consumer,
    /// Name of the tag.
    pub tag: &'a str,
    /// Which addresses.
    pub family: Family,
    /// The most entries that are taken.
    pub max: Option<usize>,
}

/// One of several parts that together are a list.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Data, by the beginning of its digest, or `current`.
    pub generation: &'a str,
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// What `….parts.json` says.
#[derive(Serialize)]
struct Parts<'a> {
    schema: u32,
    consumer: &'static str,
    cloud: &'static str,
    tag: &'a TagName,
    family: &'static str,
    generation: &'a str,
    entries: usize,
    /// How many entries the consumer takes in one list.
    capacity: Option<usize>,
    parts: Vec<Place<'a>>,
    /// The same parts under addresses that stay; refused once there have to be more.
    standing: Vec<Place<'a>>,
}

/// Where one part of a list is.
struct Place<'a> {
    consumer: &'static str,
    cloud: &'static str,
    name: &'a dyn Display,
    generation: &'a str,
    number: usize,
    of: usize,
}

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Place { consumer, cloud, name, generation, number, of } = self;
        let path = format_args!("/v1/edl/{consumer}/{cloud}/{name}.{generation}.{number}-of-{of}.txt");
        serializer.collect_str(&path)
    }
}

impl View<'_> {
    /// The whole list, or the refusal where it is more than the consumer takes.
    pub fn whole(&self, feed: &CloudFeed) -> Answer {
        let (place, tag) = match feed.tag(self.tag) {
            Ok(found) => found,
            Err(unknown) => return Answer::unknown(unknown),
        };
        let list = feed.list(place, self.family);
        let name = title(tag, self.family);
        let max = self.max.or(self.consumer.capacity());
        if list.entries == 0 {
            return empty(name);
        }
        if let Some(refused) = over(&name, list.entries, max) {
            return refused.with(PARTS, parts_of(list.entries, self.consumer.capacity()));
        }
        let generation = feed.history().current().short();
        let answer = match self.consumer {
            Consumer::Nft | Consumer::Ipset => {
                let prefixes: Vec<IpPrefix> = self.family.of(tag.set()).prefixes().collect();
                let text = self.consumer.render(set_name(feed, tag), &prefixes);
                Answer::good(TEXT, Body::new(text))
            }
            _ => Answer::good(TEXT, list.body.clone()),
        };
        answer
            .modified(list.modified)
            .with(ENTRIES, list.entries)
            .with(GENERATION, generation)
            .with(PARTS, parts_of(list.entries, self.consumer.capacity()))
    }

    /// The parts of the list and where they are.
    pub fn parts(&self, feed: &CloudFeed) -> Answer {
        let (place, tag) = match feed.tag(self.tag) {
            Ok(found) => found,
            Err(unknown) => return Answer::unknown(unknown),
        };
        let list = feed.list(place, self.family);
        let capacity = self.max.or(self.consumer.capacity());
        let of = parts_of(list.entries, capacity);
        let generation = feed.history().current().short();
        let (consumer, cloud) = (self.consumer.name(), feed.snapshot().cloud().name());
        let name = &title(tag, self.family);
        let path = |generation, number: usize| Place { consumer, cloud, name, generation, number, of };
        let numbers = 1..=if list.entries == 0 { 0 } else { of };
        Answer::json(&Parts {
            schema: 1,
            consumer,
            cloud,
            family: self.family.name(),
            entries: list.entries,
            capacity,
            parts: numbers.clone().map(|number| path(generation, number)).collect(),
            standing: numbers.map(|number| path("current", number)).collect(),
            generation,
            tag: tag.name(),
        })
        .modified(list.modified)
    }

    /// One part of the list. Parts of the same data do not overlap and leave nothing out.
    pub fn part(&self, feed: &CloudFeed, part: Part<'_>) -> Answer {
        let tag = match feed.tag(self.tag) {
            Ok((_, tag)) => tag,
            Err(unknown) => return Answer::unknown(unknown),
        };
        let history = feed.history();
        let Some(week) = history.find(part.generation) else {
            let now = history.current().short();
            return Answer::gone(format_args!(
                "there is no data {} any more; now it is {now}",
                part.generation
            ));
        };
        let set = self.family.of(&history.at(tag.name(), tag.set(), week));
        let prefixes: Vec<IpPrefix> = set.prefixes().collect();
        let name = title(tag, self.family);
        let capacity = self.max.or(self.consumer.capacity());
        match chunk(&prefixes, part, capacity) {
            Ok([]) => empty(name),
            Ok(own) => {
                let set_name = format_args!("{}_{}", set_name(feed, tag), part.number);
                let body = Body::new(self.consumer.render(set_name, own));
                let at = &history.weeks()[week];
                Answer::good(TEXT, body)
                    .modified(at.first_published)
                    .with(ENTRIES, own.len())
                    .with(GENERATION, at.short())
                    .with(PARTS, part.of)
            }
            Err(NoPart::Number) => Answer::unknown(format_args!("there is no part {} of {}", part.number, part.of)),
            Err(NoPart::TooFew { needed }) => Answer::too_large(format_args!(
                "{name} has {} entries, which are {needed} parts by now, not {}. Nothing is cut off: keep what you have, \
                 and fetch all {needed}",
                prefixes.len(),
                part.of
            ))
            .with(PARTS, needed),
        }
    }
}

/// The set that scripts fill with a list.
fn set_name(feed: &CloudFeed, tag: &Tag) -> impl Display {
    let cloud = feed.snapshot().cloud().name();
    fmt::from_fn(move |f| write!(f, "{cloud}_{}", tag.name()))
}

/// How many parts a list has where at most `capacity` entries fit into one.
fn parts_of(entries: usize, capacity: Option<usize>) -> usize {
    capacity.map_or(1, |capacity| entries.div_ceil(capacity.max(1)).max(1))
}

/// Why there is no such part.
enum NoPart {
    Number,
    TooFew { needed: usize },
}

/// The entries of one of `part.of` parts of nearly the same length.
fn chunk<'p>(
    prefixes: &'p [IpPrefix],
    part: Part<'_>,
    capacity: Option<usize>,
) -> Result<&'p [IpPrefix], NoPart> {
    if part.number == 0 || part.number > part.of {
        return Err(NoPart::Number);
    }
    let needed = parts_of(prefixes.len(), capacity);
    if part.of < needed {
        return Err(NoPart::TooFew { needed });
    }
    let border = |number: usize| (prefixes.len() as u128 * number as u128 / part.of as u128) as usize;
    Ok(&prefixes[border(part.number - 1)..border(part.number)])
}

/// A name that scripts take: letters, digits and `_`, at most `most` of them; a longer one ends in a digest of the whole.
fn identifier(name: &str, most: usize) -> String {
    let mut plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if plain.len() > most {
        plain.truncate(most - 7);
        plain.push('_');
        plain.push_str(&sha256_hex(name.as_bytes())[..6]);
    }
    plain
}

/// The prefixes of each family that has some.
fn by_family(prefixes: &[IpPrefix]) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
    let (v4, v6) = prefixes.split_at(prefixes.partition_point(|prefix| prefix.is_v4()));
    [("ipv4", v4), ("ipv6", v6)].into_iter().filter(|(_, list)| !list.is_empty())
}

/// One transaction that replaces what a set of each family holds. A script that is cut off is no script, and changes nothing.
fn nft(name: &str, prefixes: &[IpPrefix]) -> String {
    let mut out = String::from("# Written by tagwall; load with nft -f.\ntable inet tagwall {\n");
    let set = identifier(name, 50);
    for (family, _) in by_family(prefixes) {
        let kind = if family == "ipv4" { "ipv4_addr" } else { "ipv6_addr" };
        writeln!(out, "\tset {set}_{family} {{\n\t\ttype {kind}\n\t\tflags interval\n\t}}")
            .expect("memory does not fail");
    }
    out.push_str("}\n");
    for (family, list) in by_family(prefixes) {
        write!(out, "flush set inet tagwall {set}_{family}\nadd element inet tagwall {set}_{family} {{\n")
            .expect("as above");
        list.iter().for_each(|prefix| writeln!(out, "\t{prefix},").expect("as above"));
        out.push_str("}\n");
    }
    out
}

/// Fills a second set and swaps it in at the end: a script that is cut off leaves the set as it was.
fn ipset(name: &str, prefixes: &[IpPrefix]) -> String {
    let mut out = String::new();
    // Names have 31 characters at most.
    let name = identifier(name, 27);
    for (family, list) in by_family(prefixes) {
        let (inet, short) = if family == "ipv4" { ("inet", "4") } else { ("inet6", "6") };
        let set = fmt::from_fn(|f| write!(f, "{name}_{short}"));
        let fresh = fmt::from_fn(|f| write!(f, "{name}_{short}_n"));
        for each in [&set as &dyn Display, &fresh] {
            writeln!(out, "create {each} hash:net family {inet} hashsize 1024 maxelem 1048576 -exist")
                .expect("memory does not fail");
        }
        writeln!(out, "flush {fresh}").expect("as above");
        for prefix in list {
            for half in halves(*prefix) {
                writeln!(out, "add {fresh} {half}").expect("as above");
            }
        }
        write!(out, "swap {set} {fresh}\ndestroy {fresh}\n").expect("as above");
    }
    out
}

/// A prefix as `hash:net` takes it, which knows no length of 0.
fn halves(prefix: IpPrefix) -> Vec<IpPrefix> {
    if prefix.len() > 0 {
        return vec![prefix];
    }
    let texts = if prefix.is_v4() { ["0.0.0.0/1", "128.0.0.0/1"] } else { ["::/1", "8000::/1"] };
    texts.iter().map(|text| text.parse().expect("a prefix")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(number: u8) -> Vec<IpPrefix> {
        (0..number).map(|n| format!("198.51.100.{}/32", n * 2).parse().unwrap()).collect()
    }

    #[test]
    fn parts_leave_nothing_out_and_do_not_overlap() {
        for entries in 1..=20 {
            let list = prefixes(entries);
            for of in 1..=entries as usize {
                let parts: Vec<&[IpPrefix]> = (1..=of)
                    .map(|number| chunk(&list, Part { generation: "", number, of }, None).ok().unwrap())
                    .collect();
                assert_eq!(parts.concat(), list, "{entries} in {of}");
                let lengths = parts.iter().map(|p| p.len());
                assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn too_few_parts_are_refused_and_never_cut() {
        let list = prefixes(10);
        let ask = |number, of| chunk(&list, Part { generation: "", number, of }, Some(4));
        assert!(matches!(ask(1, 2), Err(NoPart::TooFew { needed: 3 })));
        assert!(matches!(ask(4, 3), Err(NoPart::Number)));
        assert!(matches!(ask(0, 3), Err(NoPart::Number)));
        assert!(ask(3, 3).is_ok_and(|part| part.len() <= 4));
    }

    #[test]
    fn names_of_sets_are_short_and_different() {
        let long = "AzureFrontDoor.MicrosoftSecurity.SomethingVeryLong";
        let (a, b) = (identifier(long, 27), identifier(&format!("{long}2"), 27));
        assert!(a.len() <= 27 && b.len() <= 27 && a != b, "{a} {b}");
        assert_eq!(identifier("public_Sql", 27), "public_sql");
    }

    #[test]
    fn ipset_takes_no_prefix_of_length_nothing() {
        let text = ipset("x", &["0.0.0.0/0".parse().unwrap()]);
        assert!(text.contains("add x_4_n 128.0.0.0/1\n") && !text.contains("/0\n"), "{text}");
    }
}
