//! The page that looks addresses up.

use std::net::IpAddr;

use askama::Template;

use super::{Frame, Medium, encode, page};
use crate::addr::IpPrefix;
use crate::catalog::Fqdn;
use crate::feed::answer::Answer;
use crate::feed::lookup::{Found, NoAddress, Resolved, found_host, look_up, understood};
use crate::feed::paths::Query;
use crate::feed::rules::Met;
use crate::feed::world::World;
use crate::tags::Regions;

/// The most addresses that a page shows.
const SHOWN: usize = 100;

/// The most rules of one answer.
const RULES: usize = 200;

#[derive(Template)]
#[template(path = "lookup.html")]
struct LookupPage<'w> {
    frame: Frame,
    asked: String,
    results: Vec<Shown<'w>>,
    over: usize,
    passed_over: String,
    /// Whether hosts can be resolved here, and whether they are now.
    can_resolve: bool,
    resolves: bool,
}

/// One thing that was asked for.
struct Shown<'w> {
    query: String,
    verdict: String,
    note: String,
    tags: Vec<TagRow>,
    has_environments: bool,
    rules: Vec<Met<'w>>,
    json: String,
    link: String,
    /// It as a part of an address of the web.
    far: String,
}

struct TagRow {
    cloud: &'static str,
    name: String,
    region: String,
    service: String,
    prefix: String,
    whole: bool,
    since: String,
}

impl World {
    /// The first page: it looks up whatever is in `q=`. Hosts are only held against the names in rules.
    pub fn lookup_page(&self, query: &Query, medium: Medium) -> Answer {
        self.lookup_page_with(query, medium, None)
    }

    /// The hosts in `q=` if it is asked for their addresses: so many at most.
    pub fn hosts_to_resolve(&self, query: &Query, most: usize) -> Vec<String> {
        if query.get("resolve").is_none() {
            return Vec::new();
        }
        let hosts = Words::read(self, &asked(query)).hosts.into_iter().filter(|host| !host.is_wildcard());
        hosts.take(most).map(|host| host.to_string()).collect()
    }

    /// The same where hosts can be resolved: `resolved` are those that were asked for.
    pub fn lookup_page_with(&self, query: &Query, medium: Medium, resolved: Option<&Resolved>) -> Answer {
        let asked = asked(query);
        let mut words = Words::read(self, &asked);
        let bare = words.is_one_host();
        for host in std::mem::take(&mut words.hosts) {
            let found = found_host(self, None, &host);
            let known = resolved.and_then(|resolved| resolved.get(host.as_str()));
            if found.rules.is_empty() && known.is_none() && !bare {
                // Lines of logs have many words with dots.
                words.passed_over.push(host.to_string());
                continue;
            }
            words.names.push(self.shown_host(found, known));
            let addresses = known.into_iter().flatten().flatten().map(|address| prefix_of(*address));
            for address in addresses {
                if !words.addresses.contains(&address) {
                    words.addresses.push(address);
                }
            }
        }
        let shown: Vec<&str> = words.addresses.iter().take(SHOWN).map(String::as_str).collect();
        let mut results: Vec<Shown<'_>> = words.names;
        results.extend(look_up(self, None, shown.iter().copied()).into_iter().map(|found| self.shown(found)));
        if !asked.trim().is_empty() && results.is_empty() {
            results.push(Shown::bare(asked.trim(), "No address, tag or region is in this.".to_owned()));
        }
        let passed_over = words.passed_over.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
        let title = if shown.len() == 1 { format!("{} – look up", shown[0]) } else { "Look up".to_owned() };
        page(&LookupPage {
            frame: Frame::new(self, medium, &title),
            over: words.addresses.len() - shown.len(),
            asked,
            results,
            passed_over,
            can_resolve: resolved.is_some(),
            resolves: query.get("resolve").is_some(),
        })
    }

    /// What is known of a host by its name.
    fn shown_host<'w>(
        &'w self,
        found: Found<'w>,
        known: Option<&Result<Vec<IpAddr>, NoAddress>>,
    ) -> Shown<'w> {
        let (encoded, mut rules) = (encode(&found.query), found.rules);
        rules.truncate(RULES);
        let environments = environments_of(&rules);
        let named = match (self.published().is_some(), environments.as_slice()) {
            (false, _) => format!("{} is a host.", found.query),
            (true, []) => format!("No rule of your environments names {}.", found.query),
            (true, [..]) => format!("Rules name {} in {}.", found.query, several(&environments)),
        };
        let note = match known {
            Some(Ok(addresses)) => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                format!("It resolves to {} from here, now.", addresses.join(", "))
            }
            Some(Err(why)) => format!("It does not resolve from here: {why}."),
            None => String::new(),
        };
        Shown {
            note,
            has_environments: self.published().is_some(),
            rules,
            json: format!("v1/lookup?host={encoded}"),
            link: format!("?q={encoded}"),
            far: encoded,
            ..Shown::bare(&found.query, named)
        }
    }

    fn shown<'w>(&'w self, found: Found<'w>) -> Shown<'w> {
        let mut rules = found.rules;
        rules.truncate(RULES);
        let encoded = encode(&found.query);
        Shown {
            verdict: self.verdict(&found.query, &found.tags, &rules),
            note: note(&found.query),
            tags: found.tags.iter().map(row).collect(),
            has_environments: self.published().is_some(),
            rules,
            json: format!("v1/lookup?ip={encoded}"),
            link: format!("?q={encoded}"),
            far: encoded,
            query: found.query,
        }
    }

    /// The answer in a sentence or two.
    fn verdict(&self, query: &str, tags: &[crate::feed::TagFound<'_>], rules: &[Met<'_>]) -> String {
        let query = query.strip_suffix("/32").or_else(|| query.strip_suffix("/128")).unwrap_or(query);
        // The tag of the smallest reach says most: with a region, and not of all of Azure.
        let rank = |tag: &&crate::feed::TagFound<'_>| {
            (!tag.whole, tag.name.starts_with("AzureCloud"), tag.region.is_none(), tag.name.len())
        };
        let whose = match tags.iter().min_by_key(rank) {
            None => format!("{query} is in no service tag."),
            Some(tag) => {
                let place = tag.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
                let part = if tag.whole { "is" } else { "is in part" };
                format!("{query} {part} {}{place}.", tag.name)
            }
        };
        if self.published().is_none() {
            return whose;
        }
        let environments = environments_of(rules);
        let allowed = match environments.as_slice() {
            [] => "No allow rule of your environments holds it.".to_owned(),
            names => format!("Allow rules hold it in {}.", several(names)),
        };
        format!("{whose} {allowed}")
    }
}

/// The environments of rules that let something pass.
fn environments_of<'m>(rules: &'m [Met<'_>]) -> Vec<&'m str> {
    let allows = rules.iter().filter(|met| !met.rule.denies);
    let mut names: Vec<&str> = allows.map(|met| met.rule.environment.as_str()).collect();
    names.dedup();
    names
}

fn several(names: &[&str]) -> String {
    if names.len() <= 3 { names.join(", ") } else { format!("{} environments", names.len()) }
}

/// What was put into the field.
fn asked(query: &Query) -> String {
    query.all("q").collect::<Vec<_>>().join(" ").chars().take(20_000).collect()
}

/// An address as the prefix that is looked up.
fn prefix_of(address: IpAddr) -> String {
    understood(&address.to_string()).map(|prefix| prefix.to_string()).unwrap_or_default()
}

/// What to know of addresses that are no customer's.
fn note(query: &str) -> String {
    let special = crate::tags::special_by_name();
    let Ok(prefix) = query.parse::<IpPrefix>() else { return String::new() };
    let asked = crate::addr::AddrSet::from(prefix);
    let found = special.iter().find(|range| !range.set.is_disjoint(&asked));
    found.map(|range| format!("These are addresses for {}.", range.name)).unwrap_or_default()
}

fn row(tag: &crate::feed::TagFound<'_>) -> TagRow {
    let since = if tag.or_before { format!("{} or before", tag.since) } else { tag.since.to_string() };
    TagRow {
        cloud: tag.cloud,
        name: tag.name.to_owned(),
        region: tag.region.clone().unwrap_or_default(),
        service: tag.service.to_owned(),
        prefix: tag.prefix.clone(),
        whole: tag.whole,
        since,
    }
}

impl Shown<'_> {
    fn bare(query: &str, verdict: String) -> Self {
        Shown {
            query: query.to_owned(),
            verdict,
            note: String::new(),
            tags: Vec::new(),
            has_environments: false,
            rules: Vec::new(),
            json: String::new(),
            link: String::new(),
            far: String::new(),
        }
    }
}

/// What somebody put into the field, word by word.
#[derive(Default)]
struct Words<'w> {
    addresses: Vec<String>,
    names: Vec<Shown<'w>>,
    hosts: Vec<Fqdn>,
    passed_over: Vec<String>,
}

impl Words<'_> {
    /// Whether nothing but one host was asked for.
    fn is_one_host(&self) -> bool {
        self.hosts.len() == 1
            && self.addresses.is_empty()
            && self.names.is_empty()
            && self.passed_over.is_empty()
    }

    fn read(world: &World, text: &str) -> Self {
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
                    (None, None) => words.passed_over.push(word.to_owned()),
                },
            }
        }
        words
    }
}

/// The address or prefix that a word is; a port behind it is left off.
fn address(word: &str) -> Option<String> {
    // A bare number is a port or a count.
    if !word.contains(['.', ':']) {
        return None;
    }
    let bracketed = word.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(inner, _)| inner);
    let port =
        word.rsplit_once(':').filter(|(start, end)| !start.contains(':') && end.parse::<u16>().is_ok());
    let word = bracketed.or(port.map(|(start, _)| start)).unwrap_or(word);
    understood(word).ok().map(|prefix| prefix.to_string())
}

/// The host that a word is, or that is in it: of an address of the web, or with a port behind it.
fn host(word: &str) -> Option<Fqdn> {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let word = word.split(['/', '?', '#']).next().unwrap_or(word);
    let port = word.rsplit_once(':').filter(|(_, end)| end.parse::<u16>().is_ok());
    Fqdn::parse(port.map_or(word, |(start, _)| start)).ok()
}

/// The tag or the region that a word is.
fn named<'w>(world: &World, word: &str) -> Option<Shown<'w>> {
    world.clouds().find_map(|(cloud, feed)| {
        if let Ok((_, tag)) = feed.tag(word) {
            let set = tag.set();
            let verdict = format!(
                "{} is a tag of the cloud {}: {} IPv4 and {} IPv6 prefixes.",
                tag.name(),
                cloud.name(),
                set.v4.prefixes().count(),
                set.v6.prefixes().count()
            );
            let row = whole_row(cloud.name(), tag);
            return Some(Shown { tags: vec![row], ..Shown::bare(word, verdict) });
        }
        let regions: &Regions = feed.snapshot().regions();
        let region = regions.find(word)?;
        let own = feed.snapshot().tags().iter().filter(|tag| tag.region() == Some(region.as_ref()));
        let tags: Vec<TagRow> = own.map(|tag| whole_row(cloud.name(), tag)).collect();
        let verdict = format!(
            "{} is a region of the cloud {} with {} tags.",
            region.display(),
            cloud.name(),
            tags.len()
        );
        Some(Shown { tags, ..Shown::bare(word, verdict) })
    })
}

fn whole_row(cloud: &'static str, tag: &crate::tags::Tag) -> TagRow {
    TagRow {
        cloud,
        name: tag.name().to_string(),
        region: tag.region().map(|region| region.location()).unwrap_or_default(),
        service: tag.system_service().to_owned(),
        prefix: tag.published().next().map(|p| format!("{p}, …")).unwrap_or_default(),
        whole: true,
        since: String::new(),
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
            assert_eq!(address(word).as_deref(), wanted, "{word}");
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
