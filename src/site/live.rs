//! [`live_of`]: what a published environment does, as what is read of exports.

use std::collections::BTreeMap;
use std::path::Path;

use crate::addr::{AddrSet, IpPrefix};
use crate::policy::PolicySource;
use crate::policy::intent::OneOrMany;
use crate::read::live::{Live, LiveNetwork, LiveSubnet, Place, Pointer, of_resources, read_live};
use crate::read::{READERS, ReadError, read_files};
use crate::report::{MANIFEST, POLICY_COPY};
use crate::subnet::Announced;
use crate::target::FormatName;

/// The rules of the environment `name` in one of the formats that it has them in, with the network of its policy and what
/// its manifest says is on the subnets. `files` are its files by their paths below its folder, and `called` says how one is
/// named in places.
///
/// # Errors
/// Each file that cannot be read.
pub fn live_of(
    name: &str,
    files: &BTreeMap<&str, &[u8]>,
    called: &dyn Fn(&str) -> String,
) -> Result<Live, Vec<ReadError>> {
    let mut live = Live::default();
    let Some(reader) = READERS.iter().find(|reader| files.keys().any(|name| (reader.takes)(name))) else {
        return Ok(live);
    };
    let base = |name: &str| Path::new(name).file_name().is_some_and(|n| (reader.takes)(&n.to_string_lossy()));
    let own = || files.iter().filter(|(name, _)| base(name)).map(|(name, bytes)| (called(name), *bytes));
    if reader.format == FormatName::Arm {
        let own: Vec<(String, &[u8])> = own().collect();
        let named: Vec<(&str, &[u8])> = own.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        live.extend(read_live(&named)?);
    } else {
        let all: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, *bytes)).collect();
        let found = read_files(reader.format, &all).map_err(|error| vec![error])?;
        let texts: Vec<(String, &str)> =
            own().filter_map(|(name, bytes)| Some((name, std::str::from_utf8(bytes).ok()?))).collect();
        let named: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        live.extend(of_resources(found, &named));
    }
    let mut endpoints: BTreeMap<String, OneOrMany> = BTreeMap::new();
    if let Some(policy) = files.get(POLICY_COPY)
        && let Ok(text) = std::str::from_utf8(policy)
        && let Ok(source) = PolicySource::read("policy.toml", text)
    {
        let list = |texts: &[String]| {
            texts.iter().filter_map(|text| IpPrefix::parse(text, true).ok()).collect::<Vec<_>>()
        };
        let given = &source.intent.network;
        let space: AddrSet = list(&given.address_space).into_iter().collect();
        let announced: Announced = list(&given.on_premises).into_iter().collect();
        let peers: AddrSet = list(&given.peers).into_iter().collect();
        let mut own = network(name, &space);
        let beside = peers.union(&announced.space()).difference(&space);
        own.location = Some(source.intent.region.clone());
        endpoints = source
            .intent
            .subnets
            .into_iter()
            .map(|(name, subnet)| (name, subnet.service_endpoints))
            .collect();
        own.peers = beside.prefixes().map(|prefix| prefix.to_string()).collect();
        live.networks.push(own);
    }
    let mut subnets = subnets_of(files.get(MANIFEST).copied().unwrap_or_default(), name);
    for subnet in &mut subnets {
        let own = endpoints.get(&subnet.name).map(OneOrMany::as_slice);
        subnet.endpoints = own.unwrap_or_default().to_vec();
    }
    live.subnets.extend(subnets);
    Ok(live)
}

/// A network of this name and space.
pub fn network(name: &str, space: &AddrSet) -> LiveNetwork {
    LiveNetwork {
        name: name.to_owned(),
        space: space.prefixes().map(|prefix| prefix.to_string()).collect(),
        place: Place { file: name.into(), line: 1, pointer: Pointer::default() },
        ..LiveNetwork::default()
    }
}

/// The subnets that a manifest names, with what is on them.
fn subnets_of(manifest: &[u8], network: &str) -> Vec<LiveSubnet> {
    let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(manifest) else { return Vec::new() };
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let one = |association: &serde_json::Value| LiveSubnet {
        name: text(&association["subnet"]).unwrap_or_default(),
        network: Some(network.to_owned()),
        prefixes: association["prefixes"].as_array().into_iter().flatten().filter_map(text).collect(),
        group: text(&association["nsg"]),
        table: text(&association["route_table"]),
        place: Place { file: format!("{network}/{MANIFEST}").into(), line: 1, pointer: Pointer::default() },
        ..LiveSubnet::default()
    };
    manifest["associations"].as_array().into_iter().flatten().map(one).collect()
}
