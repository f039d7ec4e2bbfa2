//! DNAT rules of Azure Firewall: they come before all others, and what they match passes where they send it.

use std::collections::BTreeSet;
use std::fmt;

use super::firewall::{Emitted, HostKey, What, all_groups, covers, example, list, wanted_rules};
use super::meaning::Meaning;
use super::read;
use super::report::{FailureKind, Proven, Report};
use super::resources::{Resources, RuleCollection, RuleCollectionGroup};
use super::rules::{Access, Packet, Rule, RuleList, first_difference};
use crate::addr::AddrSet;
use crate::plan::{Extra, NatCollection};
use crate::policy::{Network, Policy, Symbols};
use crate::tags::Snapshot;
use crate::target::{FormatName, Target};

/// Where a DNAT rule sends packets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Translation {
    /// Address or host.
    pub(super) to: String,
    pub(super) port: String,
}

impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.to, self.port)
    }
}

/// A collection of DNAT rules that is to stand in a group, read back from what is declared.
pub(super) struct Kept {
    group: String,
    collection: RuleCollection,
}

/// Reads what is declared to be kept.
pub(super) fn declared(kept: &[NatCollection]) -> Result<Vec<Kept>, String> {
    let one = |nat: &NatCollection| {
        let collection = read::read_nat_text(&nat.json).map_err(|error| format!("{}: {error}", nat.name))?;
        Ok(Kept { group: nat.group.clone(), collection })
    };
    kept.iter().map(one).collect()
}

/// The groups without the DNAT collections that are declared for them. A declared one that templates do not have just
/// as it is declared is a failure; other formats carry none.
pub(super) fn take_declared(
    groups: &[RuleCollectionGroup],
    declared: &[Kept],
    format: &str,
    report: &mut Report,
) -> Vec<RuleCollectionGroup> {
    let mut groups = groups.to_vec();
    let mut rules = 0;
    let mut whole = true;
    for Kept { group, collection } in declared {
        let own = groups.iter_mut().find(|g| g.name == *group);
        let at = own.as_ref().and_then(|g| g.collections.iter().position(|c| c == collection));
        match (own, at) {
            (Some(own), Some(at)) => rules += own.collections.remove(at).rules.len(),
            _ if format == FormatName::Arm.name() => {
                whole = false;
                let text = format!("NAT collection {} of {group} is not there as it was", collection.name);
                report.fail(Target::Firewall, format, FailureKind::Missing, text);
            }
            _ => {}
        }
    }
    if whole && rules > 0 {
        report.proven.push(Proven {
            target: Target::Firewall.name().to_owned(),
            format: format.to_owned(),
            part: "kept DNAT rules".to_owned(),
            rules,
            needs: declared.iter().map(|d| d.collection.rules.len()).sum(),
        });
    }
    groups
}

/// The rules of an emitted firewall that translate, those of one translation allowing and the others not; for all of
/// them if none is given.
fn translating(emitted: &Emitted, only: Option<&Translation>) -> Result<RuleList, String> {
    let rules = emitted.rules.iter().filter_map(|matched| match &matched.what {
        What::Nat(to) => {
            let access = if only.is_none_or(|only| only == to) { Access::Allow } else { Access::Deny };
            Some(Rule { access, ..matched.rule.clone() })
        }
        What::Network | What::Host(_) => None,
    });
    list(rules)
}

/// What a packet meets among the DNAT rules, in words.
fn met(emitted: &Emitted, packet: &Packet) -> String {
    let taken = emitted.rules.iter().find_map(|matched| match &matched.what {
        What::Nat(to) if matched.rule.matches(packet) => Some((&matched.rule.name, to)),
        _ => None,
    });
    taken.map_or("is not translated".to_owned(), |(rule, to)| format!("goes to {to} by {rule}"))
}

/// Fails where a DNAT rule takes any packet: the policy asks for none.
pub(super) fn refuse(emitted: &Emitted, format: &str, report: &mut Report) -> Result<(), String> {
    let found = first_difference(&list([])?, &translating(emitted, None)?);
    if let Some(packet) = found.excess {
        let text = format!("{packet} {}, but nothing asks for it", met(emitted, &packet));
        report.fail(Target::Firewall, format, FailureKind::Excess, text);
    }
    Ok(())
}

/// Says which packets that `policy` asks for are taken by the DNAT rules of `kept`, with one packet as an example, and
/// where it goes; empty if none is. Rules name addresses, so that no tags are needed, but IP groups of the source are
/// looked for in `resources`.
///
/// # Errors
/// A line that says which collection or rule cannot be understood.
pub(crate) fn taken_needs(
    policy: &Policy,
    snapshot: &Snapshot,
    kept: &[NatCollection],
    extras: &[Extra],
    resources: &Resources,
) -> Result<Vec<String>, String> {
    let symbols = policy.symbols();
    let mut meaning = meaning(resources, snapshot, &symbols)?;
    let group =
        |d: Kept| RuleCollectionGroup { name: d.group, priority: 100, collections: vec![d.collection] };
    let groups: Vec<RuleCollectionGroup> = declared(kept)?.into_iter().map(group).collect();
    let emitted = Emitted::read(&groups, &mut meaning)?;
    let wanted = wanted_rules(policy, &std::collections::HashSet::new(), extras);
    let taking = emitted.rules.iter().map(|m| Rule { access: Access::Deny, ..m.rule.clone() });
    let left = list(taking.chain(wanted.iter().cloned()))?;
    let wanted = list(wanted)?;
    let Some(packet) = first_difference(&wanted, &left).missing else { return Ok(Vec::new()) };
    let need = wanted.evaluate(&packet).rule.map_or(String::new(), |rule| rule.name.clone());
    Ok(vec![format!("DNAT comes first: {packet}, which {need} asks for, {}", met(&emitted, &packet))])
}

fn meaning<'a>(
    resources: &Resources,
    snapshot: &'a Snapshot,
    symbols: &'a Symbols,
) -> Result<Meaning<'a>, String> {
    let mut meaning = Meaning::new(snapshot, symbols);
    for group in &resources.ip_groups {
        meaning.add_group(&group.name, &group.addresses)?;
    }
    Ok(meaning)
}

/// A packet that two firewalls treat differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallDifference {
    /// The packet.
    pub packet: Packet,
    /// The host, FQDN tag or URL that it is for; empty where rules differ by address alone.
    pub host: String,
    /// What each does with it.
    pub text: String,
}

impl fmt::Display for FirewallDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.host.is_empty() { String::new() } else { format!(" for {}", self.host) };
        write!(f, "{}{to}: {}", self.packet, self.text)
    }
}

/// Compares the rules of two firewalls over every packet: first where DNAT rules send it, then whether network rules
/// let it pass by address, then each host, FQDN tag and URL that either names. Names and priorities play no part as
/// such, and neither does how rules are cut into groups.
///
/// One packet is given for each way in which they differ, and none if they do the same. Hosts are compared where nothing
/// differs by address. Tags mean what they hold in `snapshot`.
///
/// # Errors
/// A line that names the side and the rule that cannot be understood.
///
/// ```
/// use tagwall::{tags::{Cloud, Snapshot, sample}, verify};
/// let template = |to: &str| format!(r#"{{ "resources": [ {{
///     "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": "policy/inbound",
///     "properties": {{ "priority": 100, "ruleCollections": [ {{
///         "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "web", "priority": 100,
///         "action": {{ "type": "DNAT" }}, "rules": [ {{
///             "ruleType": "NatRule", "name": "web", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
///             "destinationAddresses": ["203.0.113.4"], "destinationPorts": ["443"],
///             "translatedAddress": "{to}", "translatedPort": "8443" }} ] }} ] }} }} ] }}"#);
/// let read = |to: &str| verify::read_arm(template(to).as_bytes()).unwrap();
/// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
///
/// let same = verify::compare_firewalls(&read("10.0.0.4"), &read("10.0.0.4"), &snapshot).unwrap();
/// assert!(same.is_empty());
/// let found = verify::compare_firewalls(&read("10.0.0.4"), &read("10.0.0.5"), &snapshot).unwrap();
/// assert_eq!(
///     found[0].to_string(),
///     "tcp 0.0.0.0:0 -> 203.0.113.4:443: the first: goes to 10.0.0.4 port 8443 by web; the second: goes to 10.0.0.5 \
///      port 8443 by web"
/// );
/// ```
pub fn compare_firewalls(
    a: &Resources,
    b: &Resources,
    snapshot: &Snapshot,
) -> Result<Vec<FirewallDifference>, String> {
    // Symbols are no destinations of firewalls, so that the network plays no part.
    let symbols = Symbols::new(&Network::default(), &AddrSet::empty());
    let read = |side: &str, resources: &Resources| {
        meaning(resources, snapshot, &symbols)
            .and_then(|mut meaning| Emitted::read(&all_groups(resources), &mut meaning))
            .map_err(|error| format!("{side}: {error}"))
    };
    let (a, b) = (read("the first", a)?, read("the second", b)?);
    let mut found = Vec::new();
    translations(&a, &b, &mut found)?;
    passing(&a, &b, None, &mut found)?;
    let names: BTreeSet<HostKey> = a.hosts().chain(b.hosts()).map(|(key, _)| example(key)).collect();
    // What differs by address differs for every host, and is said once.
    if found.is_empty() {
        for name in &names {
            passing(&a, &b, Some(name), &mut found)?;
        }
    }
    Ok(found)
}

fn translations(a: &Emitted, b: &Emitted, found: &mut Vec<FirewallDifference>) -> Result<(), String> {
    let to = |matched: &super::firewall::Matched| match &matched.what {
        What::Nat(to) => Some(to.clone()),
        What::Network | What::Host(_) => None,
    };
    let all: BTreeSet<Translation> = a.rules.iter().chain(&b.rules).filter_map(to).collect();
    let mut packets = BTreeSet::new();
    for translation in &all {
        let differs =
            first_difference(&translating(a, Some(translation))?, &translating(b, Some(translation))?);
        packets.extend(differs.missing.into_iter().chain(differs.excess));
    }
    found.extend(packets.into_iter().map(|packet| FirewallDifference {
        packet,
        host: String::new(),
        text: format!("the first: {}; the second: {}", met(a, &packet), met(b, &packet)),
    }));
    Ok(())
}

/// What passes for a host, or by address alone; what DNAT takes passes.
fn passing(
    a: &Emitted,
    b: &Emitted,
    host: Option<&HostKey>,
    found: &mut Vec<FirewallDifference>,
) -> Result<(), String> {
    let own = |emitted: &Emitted| {
        let rules = emitted.rules.iter().filter(|matched| match &matched.what {
            What::Nat(_) | What::Network => true,
            What::Host(key) => host.is_some_and(|host| covers(key, host)),
        });
        list(rules.map(|matched| matched.rule.clone()))
    };
    let (a, b) = (own(a)?, own(b)?);
    let differs = first_difference(&a, &b);
    for packet in differs.missing.into_iter().chain(differs.excess) {
        if found.iter().any(|known| known.packet == packet) {
            continue;
        }
        let fate = |rules: &RuleList| {
            let decision = rules.evaluate(&packet);
            let by = decision.rule.map_or("the default", |rule| &rule.name);
            format!("{} by {by}", if decision.access.is_allow() { "passes" } else { "is denied" })
        };
        found.push(FirewallDifference {
            packet,
            host: host.map(HostKey::to_string).unwrap_or_default(),
            text: format!("the first: {}; the second: {}", fate(&a), fate(&b)),
        });
    }
    Ok(())
}
