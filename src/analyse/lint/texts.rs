//! What single rules say: TW012, TW013, TW022 to TW025, TW060, TW070.

use super::finding::{Finding, Severity};
use super::message::{Message, Nested};
use super::sides::{Sides, address, is_any};
use crate::addr::{AddrSet, Entry, IpPrefix};
use crate::catalog::is_kept_by_service;
use crate::read::live::{LiveGroup, LiveRule};
use crate::tags::Symbol;

/// Private space, which prefixes that begin like it are held against.
const PRIVATE: [(&str, &str); 4] =
    [("10.0.0.0/8", "10."), ("172.16.0.0/12", "172."), ("192.168.0.0/16", "192."), ("100.64.0.0/10", "100.")];

/// Tags that hold what all customers keep.
const SHARED: [&str; 12] = [
    "Storage",
    "AzureKeyVault",
    "Sql",
    "AzureCosmosDB",
    "EventHub",
    "ServiceBus",
    "AzureContainerRegistry",
    "AppService",
    "AzureFrontDoor",
    "AzureDataLake",
    "CognitiveServicesManagement",
    "AzureCloud",
];

/// Tags that hold machines which anyone can rent.
const RENTED: [&str; 4] = ["AzureCloud", "AppService", "AzureContainerInstances", "AzureBotService"];

/// Whether a rule belongs to a network intent policy: a service owns it and puts it back.
pub(super) fn is_intent(rule: &LiveRule) -> bool {
    let name = rule.rule.name.to_ascii_lowercase();
    is_kept_by_service(&name)
        || name.starts_with("microsoft.sql-managedinstances")
        || name.starts_with("databricks-worker-to-")
}

/// Everything that single rules of a group say.
pub(super) fn rules(group: &LiveGroup, sides: &Sides<'_>, risks: bool, found: &mut Vec<Finding>) {
    for rule in &group.rules {
        let text = Text { group: &group.name, rule };
        if is_intent(rule) {
            found.push(text.finding("TW060", Message::Intent));
            continue;
        }
        text.ports(found);
        text.name(found);
        for (side, list) in [("source", &rule.rule.sources), ("destination", &rule.rule.destinations)] {
            text.tags(side, list, sides, found);
            addresses(&text, side, list, found);
        }
        if risks {
            text.risks(found);
        }
    }
}

struct Text<'a> {
    group: &'a str,
    rule: &'a LiveRule,
}

impl Text<'_> {
    fn finding(&self, id: &str, message: Message) -> Finding {
        Finding::new(id, self.group, Some(&self.rule.rule.name), &self.rule.place, message)
    }

    fn is_inbound(&self) -> bool {
        self.rule.rule.direction.eq_ignore_ascii_case("inbound")
    }

    fn allows(&self) -> bool {
        self.rule.rule.access.eq_ignore_ascii_case("allow")
    }

    fn ports(&self, found: &mut Vec<Finding>) {
        let limited = |ports: &[String]| super::sides::ports(ports).is_some_and(|ports| !ports.is_all());
        let rule = &self.rule.rule;
        if limited(&rule.source_ports) {
            let message = Message::SourcePorts(rule.source_ports.clone());
            found.push(self.finding("TW012", message).fix("let the source port be *"));
        }
        let any = is_any(&rule.protocol);
        if any && limited(&rule.destination_ports) {
            let message = Message::AnyProtocol(rule.destination_ports.clone());
            found.push(self.finding("TW013", message).fix("name the protocol"));
        }
    }

    fn name(&self, found: &mut Vec<Finding>) {
        let words = words(&self.rule.rule.name);
        let has = |list: &[&str]| list.iter().any(|word| words.iter().any(|own| own == word));
        let (denies, allows) =
            (has(&["deny", "block", "drop", "reject"]), has(&["allow", "permit", "accept"]));
        let (inbound, outbound) = (has(&["inbound", "ingress"]), has(&["outbound", "egress"]));
        let says = match (self.allows(), self.is_inbound()) {
            (true, _) if denies && !allows => "denies, and the rule allows",
            (false, _) if allows && !denies => "allows, and the rule denies",
            (_, true) if outbound && !inbound => "is outbound, and the rule is inbound",
            (_, false) if inbound && !outbound => "is inbound, and the rule is outbound",
            _ => return,
        };
        found.push(self.finding("TW070", Message::Name(says)).fix("rename it, or put it right"));
    }

    fn tags(&self, side: &'static str, list: &[String], sides: &Sides<'_>, found: &mut Vec<Finding>) {
        let names = list.iter().filter(|text| !text.is_empty() && !is_any(text) && address(text).is_none());
        for name in names {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
            if !is_name || Symbol::find(name).is_some() {
                continue;
            }
            match sides.snapshot.tag(name) {
                Some(tag) if tag.features().is_stated() && !tag.features().has("NSG") => {
                    let message = Message::NoGroupTakes { side, tag: name.clone() };
                    found.push(self.finding("TW022", message));
                }
                Some(_) => {}
                None => found.push(self.unknown_tag(side, name.clone(), sides)),
            }
        }
    }

    fn unknown_tag(&self, side: &'static str, name: String, sides: &Sides<'_>) -> Finding {
        let near = sides.snapshot.nearest(&name);
        let is_alone = near.is_empty();
        let finding = self.finding("TW022", Message::NoTag { side, name, near });
        // Services have tags of their own that no file publishes.
        if is_alone { finding.rated(Severity::Info) } else { finding }
    }

    fn risks(&self, found: &mut Vec<Finding>) {
        let rule = &self.rule.rule;
        let is = |text: &String, list: &[&str]| {
            list.iter().any(|tag| text.split('.').next().is_some_and(|base| base.eq_ignore_ascii_case(tag)))
        };
        if !self.allows() {
            return;
        }
        if self.is_inbound() {
            if let Some(tag) = rule.sources.iter().find(|text| is(text, &RENTED)) {
                found.push(self.finding("TW024", Message::LetsIn(tag.clone())));
            }
        } else if let Some(tag) = rule.destinations.iter().find(|text| is(text, &SHARED)) {
            let message = Message::LetsOut(tag.clone());
            found.push(self.finding("TW023", message).fix("a service endpoint policy, or private endpoints"));
        }
    }
}

/// The words of a name in lower case, cut where case changes and at signs.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        let starts =
            !before.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && !before.is_ascii_uppercase());
        if c.is_ascii_alphanumeric() {
            match words.last_mut().filter(|_| !starts) {
                Some(word) => word.push(c.to_ascii_lowercase()),
                None => words.push(c.to_ascii_lowercase().to_string()),
            }
        }
        before = c;
    }
    // `InBound` is one word in the names that Azure gives.
    let joined: Vec<String> = words.windows(2).map(|pair| pair.concat()).collect();
    words.extend(joined);
    words
}

/// Odd addresses of one side.
fn addresses(text: &Text<'_>, side: &'static str, list: &[String], found: &mut Vec<Finding>) {
    let mut add = |message: Message, severity: Severity| {
        found.push(text.finding("TW025", message).rated(severity));
    };
    let prefixes: Vec<(&String, IpPrefix)> =
        list.iter().filter_map(|text| Some((text, IpPrefix::parse(text, true).ok()?))).collect();
    for (text, prefix) in &prefixes {
        if text.contains('/') && text.parse::<IpPrefix>().is_err() {
            add(Message::HostBits { side, text: (*text).clone(), prefix: *prefix }, Severity::Warning);
        }
        if let Some(private) = misread(*prefix, text) {
            add(Message::BeyondPrivate { side, text: (*text).clone(), private }, Severity::Warning);
        }
    }
    nested(&prefixes, side, &mut add);
}

/// Entries that are there twice, or lie in others.
fn nested(prefixes: &[(&String, IpPrefix)], side: &'static str, add: &mut impl FnMut(Message, Severity)) {
    let mut order: Vec<&(&String, IpPrefix)> = prefixes.iter().collect();
    order.sort_by_key(|(_, prefix)| (*prefix, 0));
    let set = |prefix: IpPrefix| -> AddrSet { AddrSet::from(prefix) };
    let mut odd = Vec::new();
    let mut open: Vec<&(&String, IpPrefix)> = Vec::new();
    for entry in order {
        open.retain(|outer| !set(outer.1).is_disjoint(&set(entry.1)));
        if let Some(outer) = open.last() {
            odd.push(match outer.1 == entry.1 {
                true => Nested::Twice(entry.0.clone()),
                false => Nested::In(entry.0.clone(), outer.0.clone()),
            });
        }
        open.push(entry);
    }
    if !odd.is_empty() {
        add(Message::Nested { side, odd }, Severity::Info);
    }
}

/// The private block that is likely meant by a prefix that begins like it and holds more.
fn misread(prefix: IpPrefix, text: &str) -> Option<&'static str> {
    let Ok(Entry::V4(_)) = Entry::parse(text, true) else { return None };
    if prefix.len() < 6 {
        return None;
    }
    let own = AddrSet::from(prefix);
    PRIVATE.iter().find_map(|(private, start)| {
        let block = AddrSet::from(private.parse::<IpPrefix>().expect("a constant"));
        let reaches = text.starts_with(start) && !own.is_disjoint(&block) && !own.is_subset(&block);
        reaches.then_some(*private)
    })
}
