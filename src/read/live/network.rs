//! Virtual networks, subnets, interfaces.

use super::adopt::{alike, join};
use super::model::{LiveInterface, LiveNetwork, LiveSubnet};
use super::names::{id_of, last_part, name_of, objects, parent_name, part_of_id};
use super::view::View;
use crate::read::ReadError;

/// Reads a virtual network with its subnets.
pub(super) fn network(view: &View<'_>) -> Result<(LiveNetwork, Vec<LiveSubnet>), ReadError> {
    let space = view.get("addressspace");
    let space = space.map(|space| match space.own("addressprefixes") {
        Some(list) => list.flat_texts(),
        None => space.flat_texts(),
    });
    let mut network = LiveNetwork {
        name: name_of(view),
        id: id_of(view),
        space: space.unwrap_or_default(),
        location: view.text_of("location"),
        dns: view.texts(&["dnsservers"]),
        place: view.place(),
        ..LiveNetwork::default()
    };
    if let Some(options) = view.get("dhcpoptions") {
        network.dns.extend(options.texts(&["dnsservers"]));
    }
    for peering in view.get("virtualnetworkpeerings").map(|list| list.items()).unwrap_or_default() {
        network.peers.extend(peered(&peering));
    }
    let list = view.any(&["subnets", "subnet"]).filter(View::is_list);
    let mut subnets = Vec::new();
    for item in list.iter().map(objects).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let item = item.view();
        let mut subnet = subnet(&item);
        subnet.network = Some(network.name.clone());
        subnets.push(subnet);
    }
    Ok((network, subnets))
}

/// The address space on the other side of a peering; none where it is not connected.
pub(super) fn peered(view: &View<'_>) -> Vec<String> {
    let connected = view.text_of("peeringstate").is_none_or(|state| state.eq_ignore_ascii_case("connected"));
    let space = view.any(&["remotevirtualnetworkaddressspace", "remoteaddressspace"]).filter(|_| connected);
    space.map(|space| space.texts(&["addressprefixes"])).unwrap_or_default()
}

/// Reads a subnet.
pub(super) fn subnet(view: &View<'_>) -> LiveSubnet {
    let id = id_of(view);
    let name = view.own("name").and_then(|name| name.text()).unwrap_or_default();
    let of_id = id.as_deref().and_then(|id| part_of_id(id, "virtualNetworks")).map(str::to_owned);
    let services = |list: View<'_>| list.items().iter().filter_map(|item| item.text_of("service")).collect();
    let mut endpoints: Vec<String> = view.get("serviceendpoints").map(services).unwrap_or_default();
    endpoints.extend(view.texts(&["serviceendpoints"]));
    let names = |item: &View<'_>| {
        item.text_of("servicename")
            .or_else(|| item.get("servicedelegation")?.items().first()?.text_of("name"))
    };
    let delegations = view.any(&["delegations", "delegation"]).map(|list| list.items());
    LiveSubnet {
        name: name_of(view),
        id,
        network: of_id.or_else(|| view.text_of("virtualnetworkname")).or_else(|| parent_name(&name)),
        prefixes: view.texts(&["addressprefix", "addressprefixes"]),
        group: ["networksecuritygroup", "networksecuritygroupid", "securitygroup"]
            .iter()
            .find_map(|key| view.id_of(key)),
        table: ["routetable", "routetableid"].iter().find_map(|key| view.id_of(key)),
        endpoints,
        delegations: delegations.unwrap_or_default().iter().filter_map(names).collect(),
        nat: view.id_of("natgateway").is_some(),
        default_outbound: view
            .switch_of("defaultoutboundaccess")
            .or_else(|| view.switch_of("defaultoutboundaccessenabled")),
        place: view.place(),
    }
}

/// Reads a network interface.
pub(super) fn interface(view: &View<'_>) -> LiveInterface {
    let mut interface = LiveInterface {
        name: name_of(view),
        id: id_of(view),
        group: view.id_of("networksecuritygroup"),
        place: view.place(),
        ..LiveInterface::default()
    };
    for item in
        view.any(&["ipconfigurations", "ipconfiguration"]).map(|list| list.items()).unwrap_or_default()
    {
        interface.addresses.extend(item.text_of("privateipaddress"));
        interface.subnets.extend(item.id_of("subnet").or_else(|| item.text_of("subnetid")));
        interface.security_groups.extend(item.ids(&["applicationsecuritygroups"]));
        interface.is_public |=
            item.id_of("publicipaddress").or_else(|| item.text_of("publicipaddressid")).is_some();
    }
    interface
}

/// Puts subnets that stand beside their networks among the others; the same subnet twice is one.
pub(super) fn adopt(subnets: &mut Vec<LiveSubnet>, more: Vec<LiveSubnet>) {
    let before = subnets.len();
    join(subnets, more);
    let mut is_kept = vec![true; subnets.len()];
    let alike = alike(&subnets.iter().map(|subnet| subnet.name.as_str()).collect::<Vec<_>>());
    for alike in alike {
        let mut places: Vec<usize> = Vec::new();
        for at in alike {
            let same_network = |own: usize| match (&subnets[own].network, &subnets[at].network) {
                (Some(a), Some(b)) => last_part(a).eq_ignore_ascii_case(last_part(b)),
                _ => true,
            };
            let Some(own) = places.iter().copied().find(|&own| at >= before && same_network(own)) else {
                places.push(at);
                continue;
            };
            // What one of the two lacks, the other says.
            is_kept[at] = false;
            let subnet = std::mem::take(&mut subnets[at]);
            let own = &mut subnets[own];
            own.group = own.group.take().or(subnet.group);
            own.table = own.table.take().or(subnet.table);
            if own.prefixes.is_empty() {
                own.prefixes = subnet.prefixes;
            }
        }
    }
    let mut is_kept = is_kept.into_iter();
    subnets.retain(|_| is_kept.next() != Some(false));
}
