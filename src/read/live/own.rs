//! Files in formats that tagwall itself writes, and texts that are of no use.

use std::path::Path;

use super::model::{
    Live, LiveCollection, LiveCollectionGroup, LiveFirewall, LiveGroup, LiveIpGroup, LiveRoute, LiveRule,
    LiveTable, Place,
};
use crate::read::resources::{Resources, RuleCollection};
use crate::read::{READERS, ReadError};
use crate::target::FormatName;

/// The format of a text that is no JSON; `None` where it is none of ours.
pub(super) fn format_of(name: &str, text: &str) -> Option<FormatName> {
    let has = |part: &str| text.contains(part);
    if has("resource \"azurerm_") || (name.ends_with(".tf") && has("terraform {")) {
        return Some(FormatName::Terraform);
    }
    if has("resource ") && (has(" 'Microsoft.Network/") || has("targetScope")) {
        return Some(FormatName::Bicep);
    }
    if text.starts_with("#!") || has("az network ") {
        return Some(FormatName::Azcli);
    }
    let first = text.lines().next().unwrap_or_default();
    let is_header = |cell: &str| cell.chars().all(|c| c.is_ascii_alphabetic());
    let cells: Vec<&str> = first.split(',').collect();
    (cells.len() > 1 && cells.iter().all(|cell| is_header(cell.trim_matches('"')))).then_some(FormatName::Csv)
}

/// Reads files of one of our formats together: some name what stands in another.
pub(super) fn read(format: FormatName, files: &[(&str, &str)]) -> Result<Live, ReadError> {
    let reader = READERS.iter().find(|reader| reader.format == format);
    let reader = reader.ok_or_else(|| ReadError {
        place: files.first().map_or_else(String::new, |(name, _)| (*name).to_owned()),
        message: format!("the format {} carries no rules", format.name()),
    })?;
    // Our readers know files by their own names, without folders.
    let base = |name: &str| Path::new(name).file_name().map(|n| n.to_string_lossy().into_owned());
    let named: Vec<(String, &[u8])> =
        files.iter().map(|(name, text)| (base(name).unwrap_or_default(), text.as_bytes())).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    Ok(of_resources(&(reader.read)(&named)?, files))
}

/// Why a text cannot be read, in words that say what to do.
pub(super) fn refusal(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default().trim();
    let second = text.lines().nth(1).unwrap_or_default();
    if text.trim().is_empty() {
        "the file is empty".to_owned()
    } else if second.starts_with("---") || first.contains("  ") && first.starts_with(char::is_alphabetic) {
        "this is a table for people (`-o table`): export it again with `-o json`".to_owned()
    } else if text.contains('\t') {
        "these are values separated by tabs (`-o tsv`): export it again with `-o json`".to_owned()
    } else if first.ends_with(':') || first.contains(": ") || first == "---" {
        "this looks like YAML (`-o yaml`): export it again with `-o json`".to_owned()
    } else {
        "neither JSON nor a format that tagwall writes".to_owned()
    }
}

/// Resources as others are, with the line of their names as place.
pub(crate) fn of_resources(resources: &Resources, files: &[(&str, &str)]) -> Live {
    let finder = Finder { files };
    let mut live = Live::default();
    for nsg in &resources.nsgs {
        live.groups.push(LiveGroup {
            name: nsg.name.clone(),
            rules: nsg
                .rules
                .iter()
                .map(|rule| LiveRule {
                    rule: rule.clone(),
                    place: finder.place(&rule.name),
                    ..LiveRule::default()
                })
                .collect(),
            place: finder.place(&nsg.name),
            ..LiveGroup::default()
        });
    }
    for table in &resources.route_tables {
        let routes = table.routes.iter().map(|route| LiveRoute {
            name: route.name.clone(),
            prefixes: vec![route.address_prefix.clone()],
            next_hop_type: route.next_hop_type.clone(),
            next_hop_address: route.next_hop_address.clone(),
            source: None,
            place: finder.place(&route.name),
        });
        live.tables.push(LiveTable {
            name: table.name.clone(),
            disable_bgp: table.disable_bgp,
            disable_peering_route: table.disable_peering_route,
            routes: routes.collect(),
            place: finder.place(&table.name),
            ..LiveTable::default()
        });
    }
    for group in &resources.groups {
        live.collection_groups.push(LiveCollectionGroup {
            name: group.name.clone(),
            priority: Some(group.priority),
            collections: group.collections.iter().map(|c| finder.collection(c)).collect(),
            place: finder.place(&group.name),
            ..LiveCollectionGroup::default()
        });
    }
    for firewall in &resources.firewalls {
        live.firewalls.push(LiveFirewall {
            name: firewall.name.clone(),
            collections: firewall.collections.iter().map(|c| finder.collection(c)).collect(),
            place: finder.place(&firewall.name),
            ..LiveFirewall::default()
        });
    }
    live.ip_groups = resources
        .ip_groups
        .iter()
        .map(|group| LiveIpGroup {
            name: group.name.clone(),
            id: group.id.clone(),
            addresses: group.addresses.clone(),
            place: finder.place(&group.name),
        })
        .collect();
    live
}

/// Finds names in texts.
struct Finder<'f> {
    files: &'f [(&'f str, &'f str)],
}

impl Finder<'_> {
    fn place(&self, name: &str) -> Place {
        let line = |text: &str| text.lines().position(|line| line.contains(name)).map(|at| at + 1);
        let found = self.files.iter().find_map(|(file, text)| Some((file, line(text)?)));
        let first = || self.files.first().map(|(file, _)| (file, 1));
        match found.or_else(first) {
            Some((file, line)) => Place { file: (*file).to_owned(), line, pointer: String::new() },
            None => Place::default(),
        }
    }

    fn collection(&self, collection: &RuleCollection) -> LiveCollection {
        LiveCollection {
            collection: collection.clone(),
            places: collection.rules.iter().map(|rule| self.place(rule.name())).collect(),
            has_priority: true,
        }
    }
}
