//! Azure Firewall: DNAT, then network rules by address, then hosts, against what the policy lets out. IPv4.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::dnat::{self, Kept, Translation};
use super::extra::with_extra;
use super::meaning::{self, Meaning};
use super::report::{FailureKind, Proven, Report};
use super::resources::{FirewallRule, NatRule, NetworkRule, Resources, RuleCollection, RuleCollectionGroup};
use super::rules::{Access, Rule, RuleList, first_difference};
use crate::addr::{AddrSet, Entry, IpPrefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::Extra;
use crate::policy::intent::RulesHolder;
use crate::policy::{Flow, Policy, Remote};
use crate::tags::Symbol;
use crate::target::Target;

/// Proves that the rules let out what the flows of `policy` ask for, but for gaps, with what is declared as extra,
/// and nothing else; that they stand where the policy wants them; and that DNAT rules are those that are declared.
pub(super) fn check(
    policy: &Policy,
    resources: &Resources,
    (gaps, extras, nat): (&HashSet<&str>, &[Extra], &[Kept]),
    format: &str,
    meaning: &mut Meaning<'_>,
    report: &mut Report,
) {
    if let Err(text) = holder(policy, resources) {
        report.fail(Target::Firewall, format, FailureKind::Invalid, text);
        return;
    }
    let groups = &dnat::take_declared(&all_groups(resources), nat, format, report);
    for text in field_errors(groups) {
        report.fail(Target::Firewall, format, FailureKind::Invalid, text);
    }
    let outcome = Emitted::read(groups, meaning).and_then(|emitted| {
        check_gaps(policy, gaps)?;
        dnat::refuse(&emitted, format, report)?;
        network(policy, &emitted, (gaps, extras), format, report)?;
        hosts(policy, &emitted, (gaps, extras), format, report)
    });
    if let Err(text) = outcome {
        report.fail(Target::Firewall, format, FailureKind::Invalid, text);
    }
}

/// Rules must be where the policy wants them, and classic ones in one firewall.
fn holder(policy: &Policy, resources: &Resources) -> Result<(), String> {
    let (groups, firewalls) = (resources.groups.len(), resources.firewalls.len());
    match (policy.firewall.rules, groups, firewalls) {
        (RulesHolder::Policy, _, 0) | (RulesHolder::Classic, 0, 0 | 1) => Ok(()),
        (RulesHolder::Policy, ..) => {
            Err("classic rules, but those of a firewall policy are asked for".to_owned())
        }
        (RulesHolder::Classic, 0, _) => Err(format!("classic rules of {firewalls} firewalls, not of one")),
        (RulesHolder::Classic, ..) => {
            Err("rule collection groups, but classic rules are asked for".to_owned())
        }
    }
}

/// Rule collection groups, and the collections of firewalls without a policy as if they were one group each: that they
/// belong to no group changes nothing in what comes before what.
pub(super) fn all_groups(resources: &Resources) -> Vec<RuleCollectionGroup> {
    let classic = resources.firewalls.iter().map(|firewall| RuleCollectionGroup {
        name: firewall.name.clone(),
        priority: 100,
        collections: firewall.collections.clone(),
    });
    resources.groups.iter().cloned().chain(classic).collect()
}

/// What the rules say, ready to be matched: in the order the firewall tries them.
#[derive(Default)]
pub(super) struct Emitted {
    pub(super) rules: Vec<Matched>,
}

/// A rule, and what beside its packets it looks at or does.
pub(super) struct Matched {
    pub(super) what: What,
    pub(super) rule: Rule,
}

/// The kinds of rules.
pub(super) enum What {
    /// Sends packets elsewhere, and lets them pass there.
    Nat(Translation),
    /// Matches by address.
    Network,
    /// Matches by name: an application rule, or a network rule with a host.
    Host(HostKey),
}

/// What a name is matched against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HostKey {
    /// A host, `*` at the left standing for any characters.
    Host(String),
    Tag(String),
    Url(String),
    /// A set of hosts that Azure sorts by their content.
    Category(String),
}

impl Emitted {
    /// Priorities order the rules of one kind only: all DNAT rules come before all network rules, and these before all
    /// application rules. Source: rule-processing.md, 2025-05-07.
    pub(super) fn read(groups: &[RuleCollectionGroup], meaning: &mut Meaning<'_>) -> Result<Self, String> {
        let mut order: Vec<(u8, i64, &RuleCollection)> = Vec::new();
        for group in groups {
            for collection in &group.collections {
                order.push((stage(collection)?, group.priority, collection));
            }
        }
        order.sort_by_key(|(stage, group, c)| (*stage, *group, c.priority));
        let mut emitted = Emitted::default();
        for (_, _, collection) in order {
            let nat = matches!(collection.rules.first(), Some(FirewallRule::Nat(_)));
            let access = match (collection.action.to_ascii_lowercase().as_str(), nat) {
                ("allow", false) | ("dnat", true) => Access::Allow,
                ("deny", false) => Access::Deny,
                (other, _) => {
                    let name = &collection.name;
                    return Err(format!("collection {name}: action {other} is none for its rules"));
                }
            };
            for rule in &collection.rules {
                emitted.add(rule, access, meaning)?;
            }
        }
        Ok(emitted)
    }

    /// The rules that match by address, DNAT left out.
    fn network(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|m| matches!(m.what, What::Network)).map(|m| &m.rule)
    }

    /// The rules that match by name.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (&HostKey, &Rule)> {
        self.rules
            .iter()
            .filter_map(|m| if let What::Host(key) = &m.what { Some((key, &m.rule)) } else { None })
    }

    fn add(&mut self, rule: &FirewallRule, access: Access, meaning: &mut Meaning<'_>) -> Result<(), String> {
        match rule {
            FirewallRule::Nat(rule) => {
                let at = |error: String| format!("rule {}: {error}", rule.name);
                self.add_nat(rule, meaning).map_err(at)
            }
            FirewallRule::Network(rule) => {
                let at = |error: String| format!("rule {}: {error}", rule.name);
                self.add_network(rule, access, meaning).map_err(at)
            }
            FirewallRule::Application(rule) => {
                let at = |error: String| format!("rule {}: {error}", rule.name);
                let source = sources(&rule.sources, &rule.source_groups, meaning).map_err(at)?;
                if !rule.urls.is_empty() && !rule.terminate_tls {
                    return Err(at("a URL is matched only where TLS is inspected".to_owned()));
                }
                let keys = rule.fqdns.iter().map(|h| HostKey::Host(h.to_ascii_lowercase()));
                let keys = keys.chain(rule.fqdn_tags.iter().map(|t| HostKey::Tag(t.clone())));
                let keys = keys.chain(rule.web_categories.iter().map(|c| HostKey::Category(c.clone())));
                for key in keys.chain(rule.urls.iter().map(|u| HostKey::Url(u.clone()))) {
                    for (kind, port) in &rule.protocols {
                        if !["http", "https"].contains(&kind.to_ascii_lowercase().as_str()) {
                            return Err(at(format!("protocol {kind} is not known")));
                        }
                        if *port == if kind.eq_ignore_ascii_case("http") { 443 } else { 80 } {
                            return Err(at(format!("{kind} on port {port} lets no usual client through")));
                        }
                        let ports = Ports::new(crate::addr::Prefix::host(*port).into());
                        let rule =
                            plain(&rule.name, access, Protocol::Tcp, source.clone(), meaning.all(), ports);
                        self.rules.push(Matched { what: What::Host(key.clone()), rule });
                    }
                }
                Ok(())
            }
        }
    }

    fn add_nat(&mut self, rule: &NatRule, meaning: &mut Meaning<'_>) -> Result<(), String> {
        let source = sources(&rule.sources, &rule.source_groups, meaning)?;
        let ports = meaning::ports(&rule.ports)?;
        let destination = Arc::new(literal(&rule.destinations)?.ok_or("it has no destination")?);
        let to = Translation { to: rule.translated.clone(), port: rule.translated_port.clone() };
        if rule.protocols.is_empty() {
            return Err("it has no protocol".to_owned());
        }
        for text in &rule.protocols {
            let protocol = meaning::protocol(text)?;
            let rule = plain(
                &rule.name,
                Access::Allow,
                protocol,
                source.clone(),
                destination.clone(),
                ports.clone(),
            );
            self.rules.push(Matched { what: What::Nat(to.clone()), rule });
        }
        Ok(())
    }

    fn add_network(
        &mut self,
        rule: &NetworkRule,
        access: Access,
        meaning: &mut Meaning<'_>,
    ) -> Result<(), String> {
        let source = sources(&rule.sources, &rule.source_groups, meaning)?;
        let ports = meaning::ports(&rule.ports)?;
        let destination = destinations(rule, meaning)?;
        for text in &rule.protocols {
            let protocol = meaning::protocol(text)?;
            if let Some(destination) = &destination {
                let rule =
                    plain(&rule.name, access, protocol, source.clone(), destination.clone(), ports.clone());
                self.rules.push(Matched { what: What::Network, rule });
            }
            for host in &rule.fqdns {
                if host.contains('*') {
                    return Err(format!("{host}: a network rule takes no wildcard"));
                }
                let rule = plain(&rule.name, access, protocol, source.clone(), meaning.all(), ports.clone());
                self.rules.push(Matched { what: What::Host(HostKey::Host(host.to_ascii_lowercase())), rule });
            }
        }
        Ok(())
    }
}

/// When the firewall tries the rules of a collection, which are all of one kind.
fn stage(collection: &RuleCollection) -> Result<u8, String> {
    let of = |rule: &FirewallRule| match rule {
        FirewallRule::Nat(_) => 0,
        FirewallRule::Network(_) => 1,
        FirewallRule::Application(_) => 2,
    };
    let stage = collection.rules.first().map_or(1, of);
    match collection.rules.iter().all(|rule| of(rule) == stage) {
        true => Ok(stage),
        false => Err(format!("collection {}: it holds rules of several kinds", collection.name)),
    }
}

fn plain(
    name: &str,
    access: Access,
    protocol: Protocol,
    src: Arc<AddrSet>,
    dst: Arc<AddrSet>,
    dport: Ports,
) -> Rule {
    Rule { name: name.to_owned(), priority: 0, access, protocol, src, dst, sport: Ports::all(), dport }
}

pub(super) fn list(rules: impl IntoIterator<Item = Rule>) -> Result<RuleList, String> {
    let mut rules: Vec<Rule> = rules.into_iter().collect();
    for (priority, rule) in rules.iter_mut().enumerate() {
        rule.priority = priority as u32;
    }
    RuleList::new(rules, Access::Deny).map_err(|e| e.to_string())
}

fn sources(texts: &[String], groups: &[String], meaning: &mut Meaning<'_>) -> Result<Arc<AddrSet>, String> {
    let mut sets = literal(texts)?.into_iter().map(Arc::new).collect::<Vec<_>>();
    for name in groups {
        sets.push(meaning.group(name)?);
    }
    if sets.is_empty() {
        return Err("it has no source".to_owned());
    }
    Ok(Arc::new(AddrSet::union_of(sets.iter().map(AsRef::as_ref))))
}

/// Addresses, prefixes, ranges and `*`, IPv4 only; `None` where there are none.
fn literal(texts: &[String]) -> Result<Option<AddrSet>, String> {
    let mut v4 = Vec::new();
    for text in texts {
        match text.as_str() {
            "*" => v4.push(crate::addr::Interval::all()),
            text => match Entry::parse(text, false).map_err(|e| format!("{text}: {e}"))? {
                Entry::V4(i) => v4.push(i),
                Entry::V6(_) => return Err(format!("{text}: the firewall takes IPv4 only")),
            },
        }
    }
    Ok((!texts.is_empty()).then(|| AddrSet { v4: v4.into_iter().collect(), ..AddrSet::empty() }))
}

fn destinations(rule: &NetworkRule, meaning: &mut Meaning<'_>) -> Result<Option<Arc<AddrSet>>, String> {
    let is_tag = |text: &String| {
        text != "*" && text.parse::<IpPrefix>().is_err() && Entry::parse(text, false).is_err()
    };
    let (tags, plain): (Vec<String>, Vec<String>) = rule.destinations.iter().cloned().partition(is_tag);
    if !tags.is_empty() && !plain.is_empty() {
        return Err("tags and addresses in one rule, which Azure has refused".to_owned());
    }
    let mut sets: Vec<Arc<AddrSet>> = literal(&plain)?.into_iter().map(Arc::new).collect();
    for tag in &tags {
        if Symbol::find(tag).is_some() {
            return Err(format!("{tag} cannot be a destination of the firewall"));
        }
        sets.push(meaning.tag(tag)?);
    }
    for name in &rule.destination_groups {
        sets.push(meaning.group(name)?);
    }
    match sets.len() {
        0 if rule.fqdns.is_empty() => Err("it has no destination".to_owned()),
        0 => Ok(None),
        1 => Ok(sets.pop()),
        _ => Ok(Some(Arc::new(AddrSet::union_of(sets.iter().map(AsRef::as_ref))))),
    }
}

/// What Azure would refuse. Source: rule-processing.md, 2025-05-07; resource-name-rules.md, 2020-02-11.
fn field_errors(groups: &[RuleCollectionGroup]) -> Vec<String> {
    let mut errors = Vec::new();
    let in_range = |p: i64| (100..=65000).contains(&p);
    for group in groups {
        if !in_range(group.priority) {
            errors
                .push(format!("group {}: priority {} is not from 100 to 65000", group.name, group.priority));
        }
        let mut seen = HashSet::new();
        for collection in &group.collections {
            if !in_range(collection.priority) || !seen.insert(collection.priority) {
                errors.push(format!(
                    "collection {}: priority {} is out of range or taken",
                    collection.name, collection.priority
                ));
            }
            let mut taken = HashSet::new();
            for name in collection.rules.iter().map(FirewallRule::name) {
                if !super::legal_name(name) || !taken.insert(name.to_ascii_lowercase()) {
                    errors.push(format!("{name} is no legal name, or taken"));
                }
            }
        }
    }
    errors
}

/// A gap is allowed only where the firewall truly cannot say a flow.
fn check_gaps(policy: &Policy, gaps: &HashSet<&str>) -> Result<(), String> {
    let symbols = policy.symbols();
    for flow in outbound(policy, gaps).filter(|f| gaps.contains(f.id.as_str()) && !f.local.v4.is_empty()) {
        let platform = matches!(flow.remote, Remote::Symbol(s) if !matches!(s, Symbol::VirtualNetwork | Symbol::Internet));
        let none_v4 = flow.remote_set(&symbols).is_none_or(|set| set.v4.is_empty());
        if !(platform || none_v4 || matches!(flow.protocol, Protocol::Esp | Protocol::Ah)) {
            return Err(format!("{} is reported as not expressible, but it is", flow.id));
        }
    }
    Ok(())
}

fn outbound<'a>(policy: &'a Policy, gaps: &HashSet<&str>) -> impl Iterator<Item = &'a Flow> {
    policy.flows_with(gaps).filter(|f| f.direction == Direction::Outbound)
}

/// Whether the firewall must carry the IPv4 part of a flow.
fn carried(flow: &Flow, gaps: &HashSet<&str>) -> bool {
    !flow.local.v4.is_empty() && !gaps.contains(flow.id.as_str())
}

fn local_v4(flow: &Flow) -> Arc<AddrSet> {
    Arc::new(AddrSet { v4: flow.local.v4.clone(), ..AddrSet::empty() })
}

fn network(
    policy: &Policy,
    emitted: &Emitted,
    (gaps, extras): (&HashSet<&str>, &[Extra]),
    format: &str,
    report: &mut Report,
) -> Result<(), String> {
    let wanted = list(wanted_rules(policy, gaps, extras))?;
    let rules = list(emitted.network().cloned())?;
    compare(&wanted, &rules, "", "network rules", format, report);
    Ok(())
}

/// What must pass by address, one rule for each flow that the firewall can carry.
pub(super) fn wanted_rules(policy: &Policy, gaps: &HashSet<&str>, extras: &[Extra]) -> Vec<Rule> {
    let symbols = policy.symbols();
    let expressible = |flow: &&Flow| {
        let platform = matches!(flow.remote, Remote::Symbol(s) if !matches!(s, Symbol::VirtualNetwork | Symbol::Internet));
        carried(flow, gaps) && !platform && !matches!(flow.protocol, Protocol::Esp | Protocol::Ah)
    };
    let wanted = outbound(policy, gaps).filter(expressible).filter_map(|flow| {
        let asked = AddrSet { v4: flow.remote_set(&symbols)?.v4, ..AddrSet::empty() };
        let remote = with_extra(asked, extras, Target::Firewall, &flow.id);
        Some(plain(&flow.id, Access::Allow, flow.protocol, local_v4(flow), remote, flow.ports.clone()))
    });
    wanted.collect()
}

fn compare(wanted: &RuleList, emitted: &RuleList, host: &str, part: &str, format: &str, report: &mut Report) {
    let differences = first_difference(wanted, emitted);
    let to = if host.is_empty() { String::new() } else { format!(" for {host}") };
    let rule_of = |list: &RuleList, packet| {
        list.evaluate(packet).rule.map_or("the default".to_owned(), |r| r.name.clone())
    };
    if let Some(packet) = &differences.missing {
        let (need, rule) = (rule_of(wanted, packet), rule_of(emitted, packet));
        let text = format!("{packet}{to} must pass for {need}, but {rule} denies it");
        report.fail(Target::Firewall, format, FailureKind::Missing, text);
    }
    if let Some(packet) = &differences.excess {
        let text = format!("{packet}{to} passes by {}, but nothing asks for it", rule_of(emitted, packet));
        report.fail(Target::Firewall, format, FailureKind::Excess, text);
    }
    if part.is_empty() {
        return;
    }
    report.proven.push(Proven {
        target: Target::Firewall.name().to_owned(),
        format: format.to_owned(),
        part: part.to_owned(),
        rules: emitted.rules().len(),
        needs: wanted.rules().len(),
    });
}

/// Names fall into classes by the patterns that match them: each exact name, and for each wildcard a name below it
/// that nothing else names. For one name of each class the rules are compared like any others.
fn hosts(
    policy: &Policy,
    emitted: &Emitted,
    (gaps, extras): (&HashSet<&str>, &[Extra]),
    format: &str,
    report: &mut Report,
) -> Result<(), String> {
    let wanted: Vec<(HostKey, Rule)> =
        outbound(policy, gaps).filter(|f| carried(f, gaps)).filter_map(host_need).collect();
    let mut names = BTreeSet::new();
    for key in wanted.iter().map(|(key, _)| key).chain(emitted.hosts().map(|(key, _)| key)) {
        names.insert(example(key));
    }
    // Network rules come first: what one of them denies no application rule lets pass. Where none denies, those that
    // allow are the same on both sides, and need not be looked at once more for each name.
    let denies = emitted.network().any(|rule| rule.access == Access::Deny);
    let by_address = if denies { wanted_rules(policy, gaps, extras) } else { Vec::new() };
    for name in &names {
        let own = wanted.iter().filter(|(key, _)| covers(key, name)).map(|(_, rule)| rule);
        let need = list(by_address.iter().chain(own).cloned())?;
        let tried = emitted.rules.iter().filter(|matched| match &matched.what {
            What::Nat(_) => false,
            What::Network => denies,
            What::Host(key) => covers(key, name),
        });
        let rules = list(tried.map(|matched| matched.rule.clone()))?;
        compare(&need, &rules, &name.to_string(), "", format, report);
    }
    if !names.is_empty() {
        report.proven.push(Proven {
            target: Target::Firewall.name().to_owned(),
            format: format.to_owned(),
            part: "hosts".to_owned(),
            rules: emitted.hosts().count(),
            needs: wanted.len(),
        });
    }
    Ok(())
}

impl std::fmt::Display for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HostKey::Host(name) | HostKey::Url(name) => f.write_str(name),
            HostKey::Tag(tag) => write!(f, "FQDN tag {tag}"),
            HostKey::Category(name) => write!(f, "web category {name}"),
        }
    }
}

/// A name that stands for all names which only this pattern, or a wider one, matches.
pub(super) fn example(key: &HostKey) -> HostKey {
    match key {
        HostKey::Host(pattern) => HostKey::Host(pattern.replacen('*', "a-name-that-nothing-else-names", 1)),
        other => other.clone(),
    }
}

/// A host need as a rule. HTTP and HTTPS by name are TCP, also where any protocol is asked for.
fn host_need(flow: &Flow) -> Option<(HostKey, Rule)> {
    let key = match &flow.remote {
        Remote::Fqdn(host) => HostKey::Host(host.as_str().to_owned()),
        Remote::FqdnTag(tag) => HostKey::Tag(tag.clone()),
        Remote::Url(url) => HostKey::Url(url.clone()),
        _ => return None,
    };
    let web =
        flow.ports.set().intervals().iter().all(|i| i.first() == i.last() && [80, 443].contains(&i.first()));
    let protocol = if flow.protocol == Protocol::Any && web { Protocol::Tcp } else { flow.protocol };
    let rule = plain(
        &flow.id,
        Access::Allow,
        protocol,
        local_v4(flow),
        Arc::new(AddrSet::all()),
        flow.ports.clone(),
    );
    Some((key, rule))
}

/// Whether a pattern matches a name: `*` at the left stands for one character or more.
pub(super) fn covers(pattern: &HostKey, name: &HostKey) -> bool {
    match (pattern, name) {
        (HostKey::Host(pattern), HostKey::Host(name)) => match pattern.strip_prefix('*') {
            Some(ending) => name.len() > ending.len() && name.ends_with(ending),
            None => pattern == name,
        },
        (pattern, name) => pattern == name,
    }
}
