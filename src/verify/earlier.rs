//! An earlier generation, read back for what must stay where it was.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::addr::IpPrefix;
use crate::packet::{Direction, Ports};
use crate::plan::{Action, NatCollection, NsgRule, Previous, Side, WidenedList, lost_nat};
use crate::read::resources::{FirewallRule, NetworkRule, Resources, RuleCollection, SecurityRule};
use crate::read::{READERS, nat_found};
use crate::target::{FormatName, Target};

/// Reads the files of an earlier generation of `environment`, given by name and content.
///
/// Never fails: what is damaged, or belongs to another environment, is passed over, and the notes of the result say
/// so. Everything is then placed as if there were no earlier generation.
pub fn earlier(environment: &str, files: &[(&str, &[u8])]) -> Previous {
    if files.is_empty() {
        return Previous::default();
    }
    let manifest = match manifest(environment, files) {
        Ok(manifest) => manifest,
        Err(note) => {
            let foreign = |found: &crate::read::NatFound| {
                let why = format!("the earlier generation is not used: {note}");
                lost_nat(&found.group, &found.name, &why)
            };
            let nat_lost: Vec<String> = found_in(files).iter().map(foreign).collect();
            let mut notes = vec![format!("the earlier generation is not used: {note}")];
            notes.extend(nat_lost.iter().cloned());
            return Previous { notes, nat_lost, ..Previous::default() };
        }
    };
    let nat = nat(files);
    let mut notes = nat.nat_lost.clone();
    let widened = widened(&manifest).unwrap_or_else(|| {
        notes
            .push("what the earlier generation widened is not used: its manifest.json is damaged".to_owned());
        Vec::new()
    });
    for reader in READERS {
        let own: Vec<(&str, &[u8])> =
            files.iter().filter(|(name, _)| (reader.takes)(name)).copied().collect();
        if own.is_empty() {
            continue;
        }
        let resources = match reader.read_earlier(&own) {
            Ok(resources) => resources,
            Err(error) => {
                notes.push(format!("the earlier {} files are not used: {error}", reader.format));
                continue;
            }
        };
        // All formats say the same, so that the first one that can be read is enough.
        let mut previous = Previous { nat: nat.nat, nat_lost: nat.nat_lost, widened, ..placed(&resources) };
        if reader.format != FormatName::Arm {
            let elsewhere = nat_elsewhere(&resources, reader.format);
            notes.extend(elsewhere.iter().cloned());
            previous.nat_lost.extend(elsewhere);
        }
        return Previous { notes, ..previous };
    }
    Previous { notes, widened, ..nat }
}

/// All DNAT collections of the templates, in order of groups and names.
fn found_in(files: &[(&str, &[u8])]) -> Vec<crate::read::NatFound> {
    let templates = files.iter().filter(|(name, _)| name.ends_with(".arm.json"));
    let mut found: Vec<_> = templates.flat_map(|(_, bytes)| nat_found(bytes)).collect();
    found.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    found
}

/// The DNAT collections of the templates: those that a new one can carry, and those that none can.
fn nat(files: &[(&str, &[u8])]) -> Previous {
    let mut previous = Previous::default();
    for found in found_in(files) {
        let priority = found
            .usable
            .map_err(|error| error.to_string())
            .and_then(|p| u32::try_from(p).map_err(|error| error.to_string()));
        match priority {
            Ok(priority) => {
                let crate::read::NatFound { group, name, json, .. } = found;
                previous.nat.push(NatCollection { group, name, priority, json });
            }
            Err(why) => previous.nat_lost.push(lost_nat(&found.group, &found.name, &why)),
        }
    }
    previous
}

/// DNAT collections that are in no template.
fn nat_elsewhere(resources: &Resources, format: FormatName) -> Vec<String> {
    let why = format!("only templates carry such collections on, not the format {format}");
    let mut lines = Vec::new();
    for group in &resources.groups {
        let nat = |c: &&RuleCollection| c.rules.iter().any(|rule| matches!(rule, FirewallRule::Nat(_)));
        lines.extend(group.collections.iter().filter(nat).map(|c| lost_nat(&group.name, &c.name, &why)));
    }
    lines
}

/// Why an earlier generation is not used.
#[derive(Debug, thiserror::Error)]
enum NotUsed {
    #[error("it has no manifest.json")]
    NoManifest,
    #[error("manifest.json: {0}")]
    Form(#[from] serde_json::Error),
    #[error("manifest.json is that of {0}")]
    Other(String),
    #[error("manifest.json names no environment")]
    Nameless,
}

/// The manifest, if it is one of the environment.
fn manifest(environment: &str, files: &[(&str, &[u8])]) -> Result<Value, NotUsed> {
    let (_, bytes) = files.iter().find(|(name, _)| *name == "manifest.json").ok_or(NotUsed::NoManifest)?;
    let manifest: Value = serde_json::from_slice(bytes)?;
    match manifest.get("name").and_then(Value::as_str) {
        Some(name) if name == environment => Ok(manifest),
        Some(name) => Err(NotUsed::Other(name.to_owned())),
        None => Err(NotUsed::Nameless),
    }
}

/// The lists that the manifest says are widened; `None` where it does not say it as it should. A manifest of before
/// there were any, or of before lists were kept in it, has none.
fn widened(manifest: &Value) -> Option<Vec<WidenedList>> {
    let Some(lists) = manifest.get("precision").and_then(|precision| precision.get("widened")) else {
        return Some(Vec::new());
    };
    let texts = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let list = |value: &Value| {
        let target = value.get("target")?.as_str()?;
        let prefixes = texts(value.get("prefixes")?)?;
        let prefixes: Result<Vec<IpPrefix>, _> = prefixes.iter().map(|text| text.parse()).collect();
        Some(WidenedList {
            target: Target::ALL.into_iter().chain([Target::Lists]).find(|t| t.name() == target)?,
            flows: texts(value.get("flows")?)?,
            remote: value.get("remote")?.as_str()?.to_owned(),
            prefixes: prefixes.ok()?,
        })
    };
    let known = lists.as_array()?.iter().filter(|value| value.get("prefixes").is_some());
    known.map(list).collect()
}

fn placed(resources: &Resources) -> Previous {
    let mut previous = Previous::default();
    for rule in resources.nsgs.iter().flat_map(|nsg| &nsg.rules) {
        if let Ok(priority) = u32::try_from(rule.priority) {
            previous.nsg_priorities.insert(rule.name.clone(), priority);
        }
    }
    for nsg in &resources.nsgs {
        let rules = nsg.rules.iter().filter_map(planned).collect();
        previous.nsg_rules.insert(nsg.name.clone(), rules);
    }
    for group in &resources.ip_groups {
        add_list(&mut previous.ip_groups, &group.name, &group.addresses);
    }
    for group in &resources.groups {
        previous.rule_groups.push(group.name.clone());
        add_rules(&mut previous, &group.name, &group.collections);
    }
    for firewall in &resources.firewalls {
        previous.classic_collections.extend(firewall.collections.iter().map(|c| c.name.clone()));
        add_rules(&mut previous, &firewall.name, &firewall.collections);
    }
    previous.classic_collections.sort();
    previous.rule_groups.sort();
    previous
}

/// A rule of a security group as plans have it, if it is one that they can have.
fn planned(rule: &SecurityRule) -> Option<NsgRule> {
    let side = |texts: &[String]| match texts {
        [one] if one == "*" => Some(Side::Any),
        [one] if one.parse::<IpPrefix>().is_err() => Some(Side::Tag(one.clone())),
        texts => Some(Side::Prefixes(texts.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?)),
    };
    let direction = match rule.direction.to_ascii_lowercase().as_str() {
        "inbound" => Direction::Inbound,
        _ => Direction::Outbound,
    };
    let denies = rule.access.eq_ignore_ascii_case("deny");
    let ports = rule.destination_ports.iter().map(|text| Ports::parse_one(text).ok());
    Some(NsgRule {
        name: rule.name.clone(),
        priority: u32::try_from(rule.priority).ok()?,
        direction,
        action: if denies { Action::Deny } else { Action::Allow },
        protocol: rule.protocol.parse().ok()?,
        source: side(&rule.sources)?,
        destination: side(&rule.destinations)?,
        ports: Ports::new(ports.collect::<Option<_>>()?),
        description: rule.description.clone(),
        flows: Vec::new(),
    })
    .filter(|_| rule.source_ports == ["*"])
}

/// Notes where rules stand, and what those that list prefixes hold.
fn add_rules(previous: &mut Previous, place: &str, collections: &[RuleCollection]) {
    for rule in collections.iter().flat_map(|c| &c.rules) {
        match rule {
            FirewallRule::Network(NetworkRule { name, destinations, .. }) => {
                previous.network_rules.insert(name.clone(), place.to_owned());
                add_list(&mut previous.rule_lists, name, destinations);
            }
            // They are kept as a whole.
            FirewallRule::Nat(_) => {}
            FirewallRule::Application(rule) => {
                previous.application_rules.insert(rule.name.clone(), place.to_owned());
            }
        }
    }
}

/// Keeps a list if it holds prefixes only: names of tags and ranges are no pieces of a long list.
fn add_list(lists: &mut BTreeMap<String, Vec<IpPrefix>>, name: &str, texts: &[String]) {
    if let Ok(mut prefixes) = texts.iter().map(|text| text.parse()).collect::<Result<Vec<IpPrefix>, _>>() {
        prefixes.sort_unstable();
        lists.insert(name.to_owned(), prefixes);
    }
}
