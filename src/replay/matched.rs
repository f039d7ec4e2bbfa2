//! Rules of a firewall, and how it reads them.

use std::fmt;
use std::sync::Arc;

use super::error::ReplayError;
use super::hosts::HostKey;
use super::resolver::{Resolver, ports, protocol};
use crate::addr::{AddrSet, Entry, Interval, IntervalSet, IpPrefix, Prefix};
use crate::packet::{Ports, Protocol};
use crate::read::resources::{ApplicationRule, FirewallRule, NatRule, NetworkRule};
use crate::rules::{Access, Rule};
use crate::tags::Symbol;

/// A rule, and what beside its packets it looks at or does.
#[derive(Debug, Clone)]
pub(crate) struct Matched {
    pub(crate) kind: MatchKind,
    pub(crate) rule: Rule,
    /// What must hold for the rule to take what it matches, where it names what is not there.
    pub(crate) hangs_on: Option<String>,
    /// Which rule of which policy, group and collection it is, as [`firewall_rule`] calls it: names alone are not unique.
    pub(crate) origin: Arc<str>,
}

/// What a rule of a firewall is called among all: `level` is the number of its policy, parents first. Another collection
/// or group may have a rule of the same name.
///
/// ```
/// use tagwall::replay::firewall_rule;
/// assert_eq!(firewall_rule(0, "platform", "dns", "allow"), "0/platform/dns/allow");
/// ```
pub fn firewall_rule(level: usize, group: &str, collection: &str, rule: &str) -> String {
    format!("{level}/{group}/{collection}/{rule}")
}

/// The kinds of rules.
#[derive(Debug, Clone)]
pub(crate) enum MatchKind {
    /// Sends packets elsewhere, and lets them pass there.
    Nat(Translation),
    /// Matches by address.
    Network,
    /// Matches by name: an application rule, or a network rule with a host.
    Host(HostKey),
}

/// Where a DNAT rule sends packets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Translation {
    /// Address or host.
    pub to: String,
    /// Port.
    pub port: String,
}

impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.to, self.port)
    }
}

/// Adds what `rule` matches to `rules`.
pub(super) fn read_rule(
    rule: &FirewallRule,
    access: Access,
    resolver: &mut Resolver<'_>,
    rules: &mut Vec<Matched>,
) -> Result<(), ReplayError> {
    match rule {
        FirewallRule::Nat(rule) => nat(rule, resolver, rules),
        FirewallRule::Network(rule) => network(rule, access, resolver, rules),
        FirewallRule::Application(rule) => application(rule, access, resolver, rules),
    }
}

fn nat(rule: &NatRule, resolver: &Resolver<'_>, rules: &mut Vec<Matched>) -> Result<(), ReplayError> {
    let sources = sources(&rule.sources, &rule.source_groups, resolver)?;
    let ports = ports(&rule.ports)?;
    let destination = KnownSide::known(literal(&rule.destinations)?.ok_or(ReplayError::NoDestination)?);
    let to = Translation { to: rule.translated.clone(), port: rule.translated_port.clone() };
    if rule.protocols.is_empty() {
        return Err(ReplayError::NoProtocol);
    }
    let draft = Draft { name: &rule.name, access: Access::Allow, sources };
    for text in &rule.protocols {
        let kind = MatchKind::Nat(to.clone());
        draft.push(kind, protocol(text)?, &destination, &ports, rules);
    }
    Ok(())
}

fn network(
    rule: &NetworkRule,
    access: Access,
    resolver: &mut Resolver<'_>,
    rules: &mut Vec<Matched>,
) -> Result<(), ReplayError> {
    let sources = sources(&rule.sources, &rule.source_groups, resolver)?;
    let draft = Draft { name: &rule.name, access, sources };
    let ports = ports(&rule.ports)?;
    let destination = destinations(rule, resolver)?;
    let everywhere = KnownSide { set: resolver.all(), unknown: Vec::new() };
    for text in &rule.protocols {
        let protocol = protocol(text)?;
        if let Some(destination) = &destination {
            draft.push(MatchKind::Network, protocol, destination, &ports, rules);
        }
        for host in &rule.fqdns {
            if host.contains('*') {
                return Err(ReplayError::Wildcard(host.clone()));
            }
            let kind = MatchKind::Host(HostKey::Host(host.to_ascii_lowercase()));
            draft.push(kind, protocol, &everywhere, &ports, rules);
        }
    }
    Ok(())
}

fn application(
    rule: &ApplicationRule,
    access: Access,
    resolver: &Resolver<'_>,
    rules: &mut Vec<Matched>,
) -> Result<(), ReplayError> {
    let sources = sources(&rule.sources, &rule.source_groups, resolver)?;
    let draft = Draft { name: &rule.name, access, sources };
    if !rule.urls.is_empty() && !rule.terminate_tls {
        return Err(ReplayError::UrlWithoutTls);
    }
    let everywhere = KnownSide { set: resolver.all(), unknown: Vec::new() };
    let keys = rule.fqdns.iter().map(|h| HostKey::Host(h.to_ascii_lowercase()));
    let keys = keys.chain(rule.fqdn_tags.iter().map(|t| HostKey::Tag(t.clone())));
    let keys = keys.chain(rule.web_categories.iter().map(|c| HostKey::Category(c.clone())));
    for key in keys.chain(rule.urls.iter().map(|u| HostKey::Url(u.clone()))) {
        for (kind, port) in &rule.protocols {
            let ports = web_ports(kind, *port)?;
            draft.push(MatchKind::Host(key.clone()), Protocol::Tcp, &everywhere, &ports, rules);
        }
    }
    Ok(())
}

/// The port of an application rule's protocol.
fn web_ports(kind: &str, port: u16) -> Result<Ports, ReplayError> {
    if !["http", "https"].contains(&kind.to_ascii_lowercase().as_str()) {
        return Err(ReplayError::ApplicationProtocol(kind.to_owned()));
    }
    if port == if kind.eq_ignore_ascii_case("http") { 443 } else { 80 } {
        return Err(ReplayError::ApplicationPort { kind: kind.to_owned(), port });
    }
    Ok(Ports::new(Prefix::host(port).into()))
}

/// One side of a rule: the addresses that are known, and the names of what is not there.
struct KnownSide {
    set: Arc<AddrSet>,
    unknown: Vec<String>,
}

impl KnownSide {
    fn known(set: AddrSet) -> Self {
        KnownSide { set: Arc::new(set), unknown: Vec::new() }
    }

    /// The union of several sets.
    fn of(sets: &[Arc<AddrSet>], unknown: Vec<String>) -> Self {
        let set = match sets {
            [one] => one.clone(),
            sets => Arc::new(AddrSet::union_of(sets.iter().map(AsRef::as_ref))),
        };
        KnownSide { set, unknown }
    }

    /// What must hold for an address to be one of what is not there; none where all is.
    fn condition(&self, end: &str) -> Option<String> {
        (!self.unknown.is_empty()).then(|| format!("{} has the {end}", self.unknown.join(" or ")))
    }
}

/// What all rules have in common that one rule of a collection is read as.
struct Draft<'r> {
    name: &'r str,
    access: Access,
    sources: KnownSide,
}

impl Draft<'_> {
    /// Adds a rule; where a side names what is not there, a rule for what is known and others, each of which hangs on it.
    fn push(
        &self,
        kind: MatchKind,
        protocol: Protocol,
        destinations: &KnownSide,
        dport: &Ports,
        rules: &mut Vec<Matched>,
    ) {
        let all = || Arc::new(AddrSet { v4: IntervalSet::all(), ..AddrSet::empty() });
        let (from, to) = (self.sources.condition("source"), destinations.condition("destination"));
        let both = from.as_ref().zip(to.as_ref()).map(|(from, to)| format!("{from} and {to}"));
        let one = |src: &Arc<AddrSet>, dst: &Arc<AddrSet>, hangs_on: Option<String>| Matched {
            kind: kind.clone(),
            rule: Rule {
                name: self.name.to_owned(),
                priority: 0,
                access: self.access,
                protocol,
                src: src.clone(),
                dst: dst.clone(),
                sport: Ports::all(),
                dport: dport.clone(),
            },
            hangs_on,
            origin: Arc::default(),
        };
        rules.push(one(&self.sources.set, &destinations.set, None));
        if from.is_some() && !destinations.set.is_empty() {
            rules.push(one(&all(), &destinations.set, from));
        }
        if to.is_some() && !self.sources.set.is_empty() {
            rules.push(one(&self.sources.set, &all(), to));
        }
        if both.is_some() {
            rules.push(one(&all(), &all(), both));
        }
    }
}

/// Puts an IP group to the sets of a side, or to what is not there.
fn add_group(
    name: &str,
    resolver: &Resolver<'_>,
    sets: &mut Vec<Arc<AddrSet>>,
    unknown: &mut Vec<String>,
) -> Result<(), ReplayError> {
    match resolver.group(name) {
        Ok(set) => sets.push(set),
        Err(_) if resolver.is_tolerant() => {
            let name = name.rsplit('/').next().unwrap_or(name);
            unknown.push(format!("the IP group {name}, which was not given,"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn sources(texts: &[String], groups: &[String], resolver: &Resolver<'_>) -> Result<KnownSide, ReplayError> {
    let mut sets = literal(texts)?.into_iter().map(Arc::new).collect::<Vec<_>>();
    let mut unknown = Vec::new();
    for name in groups {
        add_group(name, resolver, &mut sets, &mut unknown)?;
    }
    if sets.is_empty() && unknown.is_empty() {
        return Err(ReplayError::NoSource);
    }
    Ok(KnownSide::of(&sets, unknown))
}

/// Addresses, prefixes, ranges and `*`, IPv4 only; `None` where there are none.
fn literal(texts: &[String]) -> Result<Option<AddrSet>, ReplayError> {
    let mut v4 = Vec::new();
    for text in texts {
        match text.as_str() {
            "*" => v4.push(Interval::all()),
            text => match Entry::parse(text, false) {
                Ok(Entry::V4(interval)) => v4.push(interval),
                Ok(Entry::V6(_)) => return Err(ReplayError::FirewallFamily(text.to_owned())),
                Err(error) => return Err(ReplayError::Entry { text: text.to_owned(), error }),
            },
        }
    }
    Ok((!texts.is_empty()).then(|| AddrSet { v4: v4.into_iter().collect(), ..AddrSet::empty() }))
}

fn destinations(rule: &NetworkRule, resolver: &mut Resolver<'_>) -> Result<Option<KnownSide>, ReplayError> {
    let is_tag = |text: &String| {
        text != "*" && text.parse::<IpPrefix>().is_err() && Entry::parse(text, false).is_err()
    };
    let (tags, plain): (Vec<String>, Vec<String>) = rule.destinations.iter().cloned().partition(is_tag);
    if !tags.is_empty() && !plain.is_empty() {
        return Err(ReplayError::TagsAndAddresses);
    }
    let mut sets: Vec<Arc<AddrSet>> = literal(&plain)?.into_iter().map(Arc::new).collect();
    let mut unknown = Vec::new();
    for tag in &tags {
        if Symbol::find(tag).is_some() {
            return Err(ReplayError::SymbolicDestination(tag.clone()));
        }
        match resolver.tag(tag) {
            Ok(set) => sets.push(set),
            Err(_) if resolver.is_tolerant() => unknown.push(format!("the tag {tag}, which no file holds,")),
            Err(error) => return Err(error),
        }
    }
    for name in &rule.destination_groups {
        add_group(name, resolver, &mut sets, &mut unknown)?;
    }
    match (sets.is_empty() && unknown.is_empty(), rule.fqdns.is_empty()) {
        (true, true) => Err(ReplayError::NoDestination),
        (true, false) => Ok(None),
        (false, _) => Ok(Some(KnownSide::of(&sets, unknown))),
    }
}
