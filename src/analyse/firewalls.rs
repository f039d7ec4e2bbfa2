//! [`compare_firewalls`]: one packet for each way in which two firewalls differ.

use std::collections::BTreeSet;
use std::fmt;

use crate::addr::AddrSet;
use crate::read::resources::Resources;
use crate::replay::{Firewall, HostKey, ReplayError, Resolver, Translation, decided_by};
use crate::rules::{Packet, RuleList, first_difference};
use crate::tags::{Snapshot, Symbols};

/// A packet that two firewalls treat differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallContrast {
    /// The packet.
    pub packet: Packet,
    /// The host, FQDN tag or URL that it is for; empty where rules differ by address alone.
    pub host: String,
    /// What each does with it.
    pub text: String,
}

impl fmt::Display for FirewallContrast {
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
/// [`ReplayError::Side`] with the side and the rule that cannot be understood.
///
/// ```
/// use tagwall::{analyse, read, tags::{Cloud, Snapshot, sample}};
/// let template = |to: &str| format!(r#"{{ "resources": [ {{
///     "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": "policy/inbound",
///     "properties": {{ "priority": 100, "ruleCollections": [ {{
///         "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "web", "priority": 100,
///         "action": {{ "type": "DNAT" }}, "rules": [ {{
///             "ruleType": "NatRule", "name": "web", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
///             "destinationAddresses": ["203.0.113.4"], "destinationPorts": ["443"],
///             "translatedAddress": "{to}", "translatedPort": "8443" }} ] }} ] }} }} ] }}"#);
/// let read = |to: &str| read::read_arm(template(to).as_bytes()).unwrap().resources;
/// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
///
/// let same = analyse::compare_firewalls(&read("10.0.0.4"), &read("10.0.0.4"), &snapshot).unwrap();
/// assert!(same.is_empty());
/// let found = analyse::compare_firewalls(&read("10.0.0.4"), &read("10.0.0.5"), &snapshot).unwrap();
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
) -> Result<Vec<FirewallContrast>, ReplayError> {
    // Symbols are no destinations of firewalls, so that the network plays no part.
    let symbols = Symbols::new(&AddrSet::empty(), &AddrSet::empty());
    let read = |side, resources: &Resources| {
        Resolver::with_groups(snapshot, &symbols, &resources.ip_groups)
            .and_then(|mut resolver| Firewall::read(resources, &mut resolver))
            .map_err(|error| ReplayError::Side { side, error: Box::new(error) })
    };
    let (a, b) = (read("the first", a)?, read("the second", b)?);
    let mut found = Vec::new();
    translations(&a, &b, &mut found);
    passing(&a, &b, None, &mut found);
    let names: BTreeSet<HostKey> = a.hosts().chain(b.hosts()).map(|(key, _)| key.example()).collect();
    // What differs by address differs for every host, and is said once.
    if found.is_empty() {
        for name in &names {
            passing(&a, &b, Some(name), &mut found);
        }
    }
    Ok(found)
}

fn translations(a: &Firewall, b: &Firewall, found: &mut Vec<FirewallContrast>) {
    let all: BTreeSet<&Translation> = a.translations().chain(b.translations()).collect();
    let mut packets = BTreeSet::new();
    for translation in all {
        let differs = first_difference(&a.translating(Some(translation)), &b.translating(Some(translation)));
        packets.extend(differs.missing.into_iter().chain(differs.excess));
    }
    found.extend(packets.into_iter().map(|packet| FirewallContrast {
        packet,
        host: String::new(),
        text: format!(
            "the first: {}; the second: {}",
            a.translation_in_words(&packet),
            b.translation_in_words(&packet)
        ),
    }));
}

/// What passes for a host, or by address alone; what DNAT takes passes.
fn passing(a: &Firewall, b: &Firewall, host: Option<&HostKey>, found: &mut Vec<FirewallContrast>) {
    let (a, b) = (a.passing(host), b.passing(host));
    let differs = first_difference(&a, &b);
    for packet in differs.missing.into_iter().chain(differs.excess) {
        if found.iter().any(|known| known.packet == packet) {
            continue;
        }
        let fate = |rules: &RuleList| {
            let decision = rules.evaluate(&packet);
            let verb = if decision.access.is_allow() { "passes" } else { "is denied" };
            format!("{verb} by {}", decided_by(&decision))
        };
        found.push(FirewallContrast {
            packet,
            host: host.map(HostKey::to_string).unwrap_or_default(),
            text: format!("the first: {}; the second: {}", fate(&a), fate(&b)),
        });
    }
}
