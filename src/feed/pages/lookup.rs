//! The page that looks addresses up.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

use askama::Template;
use jiff::civil::Date;

use super::{Frame, Medium, Title, encode, page};
use crate::addr::{AddrSet, IpPrefix, Prefix};
use crate::catalog::Fqdn;
use crate::feed::TagFound;
use crate::feed::answer::Answer;
use crate::feed::lookup::{Found, NoAddress, Resolved, Thing, found, found_host, understood};
use crate::feed::paths::Query;
use crate::feed::rules::Met;
use crate::feed::world::World;
use crate::tags::{Cloud, Region, Regions, Tag};
use crate::text::joined;

/// The most addresses that a page shows.
const SHOWN: usize = 100;

/// The most rules of one answer.
const RULES: usize = 200;

#[derive(Template)]
#[template(path = "lookup.html")]
struct LookupPage<'w> {
    frame: Frame<'w>,
    asked: &'w str,
    results: Vec<Shown<'w>>,
    over: usize,
    passed_over: Vec<Thing<'w>>,
    /// Whether hosts can be resolved here, and whether they are now.
    can_resolve: bool,
    resolves: bool,
}

/// One thing that was asked for.
struct Shown<'w> {
    query: Thing<'w>,
    known: Known<'w>,
    note: Option<Note<'w>>,
    tags: Vec<TagRow<'w>>,
    rules: Vec<Met<'w>>,
}

/// What is known of something.
enum Known<'w> {
    /// Of addresses: the tag that says most of them, and the environments whose rules let them pass, where there are any.
    Addresses { tag: Option<Whose<'w>>, allowed: Option<Vec<&'w str>> },
    /// Of a host: the environments whose rules name it, where there are any.
    Host { named: Option<Vec<&'w str>> },
    /// Of the name of a tag.
    Tag(Cloud, &'w Tag),
    /// Of the name of a region: also how many tags it has.
    Region(Cloud, &'w Region, usize),
    /// Nothing: it is no such thing.
    Nothing,
}

/// The tag that says most of addresses.
struct Whose<'w> {
    name: &'w str,
    region: Option<String>,
    whole: bool,
}

/// What else is to be known of something.
enum Note<'w> {
    /// The addresses are no customer's.
    Special(&'static str),
    /// What a host resolves to.
    Resolves(&'w [IpAddr]),
    /// Why it does not.
    Unresolved(NoAddress),
}

struct TagRow<'w> {
    cloud: &'static str,
    name: &'w str,
    region: String,
    service: &'w str,
    prefix: Published,
    whole: bool,
    since: Since,
}

/// What is shown of the published prefixes of a tag.
enum Published {
    /// The one that holds what was asked for.
    One(Option<IpPrefix>),
    /// The first of all.
    First(Option<IpPrefix>),
}

/// Since when a tag has held something, as far as that is asked.
struct Since(Option<(Date, bool)>);

impl World {
    /// The first page: it looks up whatever is in `q=`. Hosts are only held against the names in rules.
    pub fn lookup_page(&self, query: &Query, medium: Medium) -> Answer {
        self.lookup_page_with(query, medium, None)
    }

    /// The hosts in `q=` if it is asked for their addresses: so many at most.
    pub fn hosts_to_resolve(&self, query: &Query, most: usize) -> Vec<Fqdn> {
        if query.get("resolve").is_none() {
            return Vec::new();
        }
        let asked = asked(query);
        let hosts = Words::read(self, &asked).hosts.into_iter().filter(|host| !host.is_wildcard());
        hosts.take(most).collect()
    }

    /// The same where hosts can be resolved: `resolved` are those that were asked for.
    pub fn lookup_page_with(&self, query: &Query, medium: Medium, resolved: Option<&Resolved>) -> Answer {
        let asked = asked(query);
        let mut words = Words::read(self, &asked);
        let bare = words.is_one_host();
        for host in std::mem::take(&mut words.hosts) {
            let known = resolved.and_then(|resolved| resolved.get(&host));
            let found = found_host(self, None, host.clone());
            if found.rules.is_empty() && known.is_none() && !bare {
                // Lines of logs have many words with dots.
                words.passed_over.push(Thing::Host(host));
                continue;
            }
            words.names.push(self.shown_host(found, known));
            let addresses = known.into_iter().flatten().flatten().filter_map(|address| prefix_of(*address));
            for address in addresses {
                if !words.addresses.contains(&address) {
                    words.addresses.push(address);
                }
            }
        }
        let shown = &words.addresses[..words.addresses.len().min(SHOWN)];
        let mut results: Vec<Shown<'_>> = words.names;
        results.extend(shown.iter().map(|&address| self.shown(found(self, None, address))));
        if !asked.trim().is_empty() && results.is_empty() {
            results.push(Shown::bare(asked.trim(), Known::Nothing));
        }
        words.passed_over.truncate(12);
        let title = if let [one] = shown { Title::Found(*one) } else { Title::Name("Look up") };
        page(&LookupPage {
            frame: Frame { title, ..Frame::new(self, medium, "") },
            over: words.addresses.len() - shown.len(),
            asked: &asked,
            results,
            passed_over: words.passed_over,
            can_resolve: resolved.is_some(),
            resolves: query.get("resolve").is_some(),
        })
    }

    /// What is known of a host by its name.
    fn shown_host<'w>(
        &'w self,
        found: Found<'w>,
        known: Option<&'w Result<Vec<IpAddr>, NoAddress>>,
    ) -> Shown<'w> {
        let mut rules = found.rules;
        rules.truncate(RULES);
        let note = known.map(|known| match known {
            Ok(addresses) => Note::Resolves(addresses),
            Err(why) => Note::Unresolved(*why),
        });
        let named = self.published().is_some().then(|| environments_of(&rules));
        Shown { query: found.query, known: Known::Host { named }, note, tags: Vec::new(), rules }
    }

    fn shown<'w>(&'w self, found: Found<'w>) -> Shown<'w> {
        let mut rules = found.rules;
        rules.truncate(RULES);
        // The tag of the smallest reach says most: with a region, and not of all of Azure.
        let rank = |tag: &&TagFound<'_>| {
            (!tag.whole, tag.name.starts_with("AzureCloud"), tag.region.is_none(), tag.name.len())
        };
        let tag = found.tags.iter().min_by_key(rank).map(|tag| Whose {
            name: tag.name,
            region: tag.region.clone(),
            whole: tag.whole,
        });
        let allowed = self.published().is_some().then(|| environments_of(&rules));
        Shown {
            known: Known::Addresses { tag, allowed },
            note: special(&found.query),
            tags: found.tags.into_iter().map(row).collect(),
            rules,
            query: found.query,
        }
    }
}

impl LookupPage<'_> {
    fn passed_over(&self) -> impl Display {
        joined(&self.passed_over, ", ")
    }
}

impl<'w> Shown<'w> {
    fn bare(query: &'w str, known: Known<'w>) -> Self {
        Shown { query: Thing::Text(query), known, note: None, tags: Vec::new(), rules: Vec::new() }
    }

    /// It as a part of an address of the web.
    fn far(&self) -> impl Display {
        encode(&self.query)
    }

    /// What it is called in a question to a program.
    fn kind(&self) -> Option<&'static str> {
        match self.query {
            Thing::Prefix(_) => Some("ip"),
            Thing::Host(_) => Some("host"),
            Thing::Text(_) => None,
        }
    }

    fn has_environments(&self) -> bool {
        matches!(self.known, Known::Addresses { allowed: Some(_), .. } | Known::Host { named: Some(_) })
    }

    /// The answer in a sentence or two.
    fn verdict(&self) -> impl Display {
        fmt::from_fn(|f| match &self.known {
            Known::Addresses { tag, allowed } => {
                match tag {
                    None => write!(f, "{} is in no service tag.", self.address())?,
                    Some(tag) => write!(f, "{} {tag}", self.address())?,
                }
                match allowed.as_deref() {
                    None => Ok(()),
                    Some([]) => write!(f, " No allow rule of your environments holds it."),
                    Some(names) => write!(f, " Allow rules hold it in {}.", several(names)),
                }
            }
            Known::Host { named } => match named.as_deref() {
                None => write!(f, "{} is a host.", self.query),
                Some([]) => write!(f, "No rule of your environments names {}.", self.query),
                Some(names) => write!(f, "Rules name {} in {}.", self.query, several(names)),
            },
            Known::Tag(cloud, tag) => {
                let (v4, v6) = (tag.set().v4.prefixes().count(), tag.set().v6.prefixes().count());
                let (name, cloud) = (tag.name(), cloud.name());
                write!(f, "{name} is a tag of the cloud {cloud}: {v4} IPv4 and {v6} IPv6 prefixes.")
            }
            Known::Region(cloud, region, tags) => {
                let (name, cloud) = (region.display(), cloud.name());
                write!(f, "{name} is a region of the cloud {cloud} with {tags} tags.")
            }
            Known::Nothing => write!(f, "No address, tag or region is in this."),
        })
    }

    /// The query, of a single address without the length.
    fn address(&self) -> impl Display {
        fmt::from_fn(|f| match self.query {
            Thing::Prefix(prefix) => {
                let text = prefix.to_text();
                let whole = if prefix.is_v4() { "/32" } else { "/128" };
                f.write_str(text.as_str().strip_suffix(whole).unwrap_or(text.as_str()))
            }
            _ => self.query.fmt(f),
        })
    }
}

impl Display for Whose<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.whole { "is" } else { "is in part" }, self.name)?;
        match &self.region {
            Some(region) => write!(f, " in {region}."),
            None => f.write_str("."),
        }
    }
}

impl Display for Note<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Note::Special(name) => write!(f, "These are addresses for {name}."),
            Note::Resolves(addresses) => {
                write!(f, "It resolves to {} from here, now.", joined(*addresses, ", "))
            }
            Note::Unresolved(why) => write!(f, "It does not resolve from here: {why}."),
        }
    }
}

impl Display for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Published::One(Some(prefix)) => prefix.fmt(f),
            Published::First(Some(prefix)) => write!(f, "{prefix}, …"),
            Published::One(None) | Published::First(None) => Ok(()),
        }
    }
}

impl Display for Since {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((date, true)) => write!(f, "{date} or before"),
            Some((date, false)) => write!(f, "{date}"),
            None => Ok(()),
        }
    }
}

/// The environments of rules that let something pass.
fn environments_of<'m>(rules: &[Met<'m>]) -> Vec<&'m str> {
    let allows = rules.iter().filter(|met| !met.rule.denies);
    let mut names: Vec<&str> = allows.map(|met| met.rule.environment.as_str()).collect();
    names.dedup();
    names
}

fn several(names: &[&str]) -> impl Display {
    fmt::from_fn(move |f| match names.len() {
        0..=3 => joined(names, ", ").fmt(f),
        many => write!(f, "{many} environments"),
    })
}

/// What was put into the field.
fn asked(query: &Query) -> String {
    query.all("q").collect::<Vec<_>>().join(" ").chars().take(20_000).collect()
}

/// An address as the prefix that is looked up: an IPv4-mapped address is the IPv4 address.
fn prefix_of(address: IpAddr) -> Option<IpPrefix> {
    match address.to_canonical() {
        IpAddr::V4(address) => Prefix::new(address.into(), 32).ok().map(IpPrefix::V4),
        IpAddr::V6(address) => Prefix::new(address.into(), 128).ok().map(IpPrefix::V6),
    }
}

/// What to know of addresses that are no customer's.
fn special(query: &Thing<'_>) -> Option<Note<'static>> {
    let Thing::Prefix(prefix) = *query else { return None };
    let asked = AddrSet::from(prefix);
    let found = crate::tags::special_by_name().iter().find(|range| !range.set.is_disjoint(&asked));
    found.map(|range| Note::Special(range.name))
}

fn row(tag: TagFound<'_>) -> TagRow<'_> {
    TagRow {
        cloud: tag.cloud,
        name: tag.name,
        region: tag.region.unwrap_or_default(),
        service: tag.service,
        prefix: Published::One(tag.prefix),
        whole: tag.whole,
        since: Since(Some((tag.since, tag.or_before))),
    }
}

/// What somebody put into the field, word by word.
#[derive(Default)]
struct Words<'w> {
    addresses: Vec<IpPrefix>,
    names: Vec<Shown<'w>>,
    hosts: Vec<Fqdn>,
    passed_over: Vec<Thing<'w>>,
}

impl<'w> Words<'w> {
    /// Whether nothing but one host was asked for.
    fn is_one_host(&self) -> bool {
        self.hosts.len() == 1
            && self.addresses.is_empty()
            && self.names.is_empty()
            && self.passed_over.is_empty()
    }

    fn read(world: &'w World, text: &'w str) -> Self {
        let mut words = Words::default();
        let between = |c: char| c.is_whitespace() || ",;|=\"'()<>{}".contains(c);
        for word in text.split(between).map(|w| w.trim_matches(['.', '!', '?'])).filter(|w| !w.is_empty()) {
            match address(word) {
                Some(address) if words.addresses.contains(&address) => {}
                Some(address) => words.addresses.push(address),
                None => match (named(world, word), host(word)) {
                    (Some(shown), _) => words.names.push(shown),
                    (None, Some(host)) if words.hosts.contains(&host) => {}
                    (None, Some(host)) => words.hosts.push(host),
                    (None, None) => words.passed_over.push(Thing::Text(word)),
                },
            }
        }
        words
    }
}

/// The address or prefix that a word is; a port behind it is left off.
fn address(word: &str) -> Option<IpPrefix> {
    // A bare number is a port or a count.
    if !word.contains(['.', ':']) {
        return None;
    }
    let bracketed = word.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inner, _)| inner);
    let port =
        word.rsplit_once(':').filter(|(start, end)| !start.contains(':') && end.parse::<u16>().is_ok());
    let word = bracketed.or(port.map(|(start, _)| start)).unwrap_or(word);
    understood(word).ok()
}

/// The host that a word is, or that is in it: of an address of the web, or with a port behind it.
fn host(word: &str) -> Option<Fqdn> {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let word = word.split(['/', '?', '#']).next().unwrap_or(word);
    let port = word.rsplit_once(':').filter(|(_, end)| end.parse::<u16>().is_ok());
    Fqdn::parse(port.map_or(word, |(start, _)| start)).ok()
}

/// The tag or the region that a word is.
fn named<'w>(world: &'w World, word: &'w str) -> Option<Shown<'w>> {
    world.clouds().find_map(|(cloud, feed)| {
        if let Ok((_, tag)) = feed.tag(word) {
            let row = whole_row(cloud, tag);
            return Some(Shown { tags: vec![row], ..Shown::bare(word, Known::Tag(cloud, tag)) });
        }
        let regions: &Regions = feed.snapshot().regions();
        let region = regions.find(word)?;
        let own = feed.snapshot().tags().iter().filter(|tag| tag.region() == Some(region.as_ref()));
        let tags: Vec<TagRow<'_>> = own.map(|tag| whole_row(cloud, tag)).collect();
        let known = Known::Region(cloud, region, tags.len());
        Some(Shown { tags, ..Shown::bare(word, known) })
    })
}

fn whole_row(cloud: Cloud, tag: &Tag) -> TagRow<'_> {
    TagRow {
        cloud: cloud.name(),
        name: tag.name().as_str(),
        region: tag.region().map(|region| region.location()).unwrap_or_default(),
        service: tag.system_service(),
        prefix: Published::First(tag.published().next()),
        whole: true,
        since: Since(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_logs_that_are_addresses() {
        for (word, wanted) in [
            ("192.0.2.7:443", Some("192.0.2.7/32")),
            ("[2001:db8::1]:443", Some("2001:db8::1/128")),
            ("2001:db8::1", Some("2001:db8::1/128")),
            ("192.0.2.0/24", Some("192.0.2.0/24")),
            ("443", None),
            ("12:30:05", None),
            ("example.com", None),
        ] {
            assert_eq!(address(word).map(|prefix| prefix.to_string()).as_deref(), wanted, "{word}");
        }
    }

    #[test]
    fn words_that_are_hosts() {
        for (word, wanted) in [
            ("Example.org", Some("example.org")),
            ("https://www.example.org:8443/a?b#c", Some("www.example.org")),
            ("example.org:443", Some("example.org")),
            ("*.example.org", Some("*.example.org")),
            ("12:30:05", None),
            ("443", None),
            ("allowed", None),
            ("192.0.2.300", None),
        ] {
            assert_eq!(host(word).map(|host| host.to_string()).as_deref(), wanted, "{word}");
        }
    }
}
