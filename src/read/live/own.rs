//! Files in formats that tagwall itself writes, and texts that are of no use.

use std::path::Path;

use super::model::{
    Live, LiveCollection, LiveCollectionGroup, LiveFirewall, LiveGroup, LiveIpGroup, LiveRoute, LiveRule,
    LiveTable,
};
use super::place::{Place, Pointer};
use super::template::member;
use crate::read::resources::{Resources, RuleCollection, word};
use crate::read::tree::Tree;
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
    let reader = reader.ok_or_else(|| {
        let place = files.first().map_or("", |(name, _)| *name);
        ReadError::new(place, format_args!("the format {} carries no rules", format.name()))
    })?;
    // Our readers know files by their own names, without folders.
    let base = |name: &str| Path::new(name).file_name().map(|n| n.to_string_lossy().into_owned());
    let named: Vec<(String, &[u8])> =
        files.iter().map(|(name, text)| (base(name).unwrap_or_default(), text.as_bytes())).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    Ok(of_resources((reader.read)(&named)?, files))
}

/// The types of what stands in our own templates.
const OWN: [&str; 6] = [
    "networkSecurityGroups",
    "routeTables",
    "serviceEndpointPolicies",
    "firewallPolicies/ruleCollectionGroups",
    "azureFirewalls",
    "ipGroups",
];

/// Whether a document may be one of ours in that format. Templates with other resources are none, and need not be held as
/// values to find that out.
pub(super) fn may_be(format: Option<FormatName>, tree: &Tree<'_>) -> bool {
    let is_own = |resource: &Tree<'_>| match member(resource, "type") {
        Some(Tree::Text(kind)) => {
            kind.strip_prefix("Microsoft.Network/").is_some_and(|kind| OWN.contains(&kind))
        }
        _ => false,
    };
    match (format, member(tree, "resources")) {
        (Some(FormatName::Arm), Some(Tree::List(list))) => list.iter().all(is_own),
        (Some(FormatName::Arm), Some(Tree::Objects(list))) => list.iter().all(|resource| is_own(&resource)),
        (Some(FormatName::Arm), _) => false,
        (format, _) => format.is_some(),
    }
}

/// Why a text cannot be read, in words that say what to do.
pub(super) fn refusal(text: &str) -> &'static str {
    let first = text.lines().next().unwrap_or_default().trim();
    let second = text.lines().nth(1).unwrap_or_default();
    if text.trim().is_empty() {
        "the file is empty"
    } else if second.starts_with("---") || first.contains("  ") && first.starts_with(char::is_alphabetic) {
        "this is a table for people (`-o table`): export it again with `-o json`"
    } else if text.contains('\t') {
        "these are values separated by tabs (`-o tsv`): export it again with `-o json`"
    } else if first.ends_with(':') || first.contains(": ") || first == "---" {
        "this looks like YAML (`-o yaml`): export it again with `-o json`"
    } else {
        "neither JSON nor a format that tagwall writes"
    }
}

/// Resources as others are, with the line of their names as place.
pub(crate) fn of_resources(resources: Resources, files: &[(&str, &str)]) -> Live {
    let finder = Finder { files };
    let mut live = Live::default();
    for nsg in resources.nsgs {
        let rules = nsg.rules.into_iter().map(|rule| LiveRule {
            place: finder.place(&rule.name),
            rule,
            ..LiveRule::default()
        });
        live.groups.push(LiveGroup {
            rules: rules.collect(),
            place: finder.place(&nsg.name),
            name: nsg.name,
            ..LiveGroup::default()
        });
    }
    for table in resources.route_tables {
        let routes = table.routes.into_iter().map(|route| LiveRoute {
            place: finder.place(&route.name),
            name: route.name,
            prefixes: vec![route.address_prefix],
            next_hop_type: word(&route.next_hop_type),
            next_hop_address: route.next_hop_address,
            source: None,
        });
        live.tables.push(LiveTable {
            routes: routes.collect(),
            place: finder.place(&table.name),
            name: table.name,
            disable_bgp: table.disable_bgp,
            disable_peering_route: table.disable_peering_route,
            ..LiveTable::default()
        });
    }
    for group in resources.groups {
        live.collection_groups.push(LiveCollectionGroup {
            collections: group.collections.into_iter().map(|c| finder.collection(c)).collect(),
            place: finder.place(&group.name),
            name: group.name,
            priority: Some(group.priority),
            ..LiveCollectionGroup::default()
        });
    }
    for firewall in resources.firewalls {
        live.firewalls.push(LiveFirewall {
            collections: firewall.collections.into_iter().map(|c| finder.collection(c)).collect(),
            place: finder.place(&firewall.name),
            name: firewall.name,
            ..LiveFirewall::default()
        });
    }
    let ip_groups = resources.ip_groups.into_iter().map(|group| LiveIpGroup {
        place: finder.place(&group.name),
        name: group.name,
        id: group.id,
        addresses: group.addresses,
        location: None,
    });
    live.ip_groups = ip_groups.collect();
    live
}

/// Finds names in texts.
struct Finder<'f> {
    files: &'f [(&'f str, &'f str)],
}

impl Finder<'_> {
    fn place(&self, name: &str) -> Place {
        let line = |text: &str| {
            let inside = |byte: Option<&u8>| {
                byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            };
            // `web` does not stand in `web-2`.
            let is_whole = |&(at, _): &(usize, &str)| {
                let bytes = text.as_bytes();
                !inside(bytes[..at].last()) && !inside(bytes.get(at + name.len()))
            };
            let (at, _) =
                text.match_indices(name).find(is_whole).or_else(|| text.match_indices(name).next())?;
            Some(1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count())
        };
        let found = self.files.iter().find_map(|(file, text)| Some((file, line(text)?)));
        let first = || self.files.first().map(|(file, _)| (file, 1));
        match found.or_else(first) {
            Some((file, line)) => Place { file: (*file).into(), line, pointer: Pointer::default() },
            None => Place::default(),
        }
    }

    fn collection(&self, collection: RuleCollection) -> LiveCollection {
        LiveCollection {
            places: collection.rules.iter().map(|rule| self.place(rule.name())).collect(),
            collection,
            has_priority: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_another_has_its_own_line() {
        let files = [("a.tf", "x\n\"web-2\"\n\"web\"\n")];
        let finder = Finder { files: &files };
        assert_eq!(finder.place("web").line, 3);
        assert_eq!(finder.place("web-2").line, 2);
        assert_eq!(
            finder.place("we").line,
            2,
            "where it stands nowhere by itself, the first line that holds it"
        );
        assert_eq!(finder.place("other").line, 1);
    }
}
