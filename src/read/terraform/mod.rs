//! Terraform configuration for the provider azurerm: what tagwall writes, and nothing else.

mod frame;

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Files, ReadError, Wrong, utf8};
use super::hcl::{self, Block, Term};
use crate::read::resources::{
    ApplicationRule, Association, ClassicFirewall, EndpointDefinition, EndpointPolicy, FirewallRule, IpGroup,
    NatRule, NetworkRule, Nsg, Resources, Route, RouteTable, RuleCollection, RuleCollectionGroup,
    SecurityRule, Setting, SettingKind,
};
use frame::{Address, Frame, Resource};

/// The files of a configuration, without their ending. Others would be read by Terraform too, and some of them, such as
/// `override.tf`, change what the rest says.
const FILES: [&str; 7] =
    ["main", "ip-groups", "firewall", "nsg", "service-endpoint-policy", "route-table", "associations"];

fn check_name(name: &str, ending: &str) -> Result<(), ReadError> {
    match name.strip_suffix(ending).is_some_and(|stem| FILES.contains(&stem)) {
        true => Ok(()),
        false => Err(ReadError::new(name, "no configuration file of this name is known")),
    }
}

/// Reads a folder of `.tf` files.
pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut blocks = Vec::new();
    for (name, bytes) in files {
        check_name(name, ".tf")?;
        blocks.extend(hcl::native(name, utf8(name, bytes)?)?);
    }
    resources(&blocks)
}

/// Reads a folder of `.tf.json` files.
pub(super) fn read_json(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut blocks = Vec::new();
    for (name, bytes) in files {
        check_name(name, ".tf.json")?;
        blocks.extend(hcl::json(name, utf8(name, bytes)?)?);
    }
    resources(&blocks)
}

const NSG: &str = "azurerm_network_security_group";
const NSG_RULE: &str = "azurerm_network_security_rule";
const TABLE: &str = "azurerm_route_table";
const TABLE_ROUTE: &str = "azurerm_route";
const IP_GROUP: &str = "azurerm_ip_group";
const GROUP: &str = "azurerm_firewall_policy_rule_collection_group";
const NETWORK: &str = "azurerm_firewall_network_rule_collection";
const APPLICATION: &str = "azurerm_firewall_application_rule_collection";
const ENDPOINT_POLICY: &str = "azurerm_subnet_service_endpoint_storage_policy";

const NSG_ON: &str = "azurerm_subnet_network_security_group_association";
const TABLE_ON: &str = "azurerm_subnet_route_table_association";

/// The types of resources that are read, with how the label begins and whether the name follows.
const LABELS: [(&str, (&str, bool)); 9] = [
    (NSG, ("nsg", false)),
    (NSG_RULE, ("rule_", true)),
    (TABLE, ("route_table", false)),
    (TABLE_ROUTE, ("route_", true)),
    (IP_GROUP, ("ip_", true)),
    (GROUP, ("group_", true)),
    (NETWORK, ("network", false)),
    (APPLICATION, ("application", false)),
    (ENDPOINT_POLICY, ("policy_", true)),
];

/// What each block may hold beside `name`. Source: documentation of the provider, version 4.
const PLACED: [&str; 3] = ["name", "location", "resource_group_name"];
const SECURITY_RULE: [&str; 16] = [
    "name",
    "description",
    "priority",
    "direction",
    "access",
    "protocol",
    "source_address_prefix",
    "source_address_prefixes",
    "destination_address_prefix",
    "destination_address_prefixes",
    "source_port_range",
    "source_port_ranges",
    "destination_port_range",
    "destination_port_ranges",
    "source_application_security_group_ids",
    "destination_application_security_group_ids",
];
const ROUTE: [&str; 4] = ["name", "address_prefix", "next_hop_type", "next_hop_in_ip_address"];
const NETWORK_RULE: [&str; 9] = [
    "name",
    "description",
    "protocols",
    "source_addresses",
    "source_ip_groups",
    "destination_addresses",
    "destination_ip_groups",
    "destination_fqdns",
    "destination_ports",
];
const APPLICATION_RULE: [&str; 9] = [
    "name",
    "description",
    "source_addresses",
    "source_ip_groups",
    "destination_fqdns",
    "destination_urls",
    "destination_fqdn_tags",
    "web_categories",
    "terminate_tls",
];
const CLASSIC_APPLICATION_RULE: [&str; 6] =
    ["name", "description", "source_addresses", "source_ip_groups", "target_fqdns", "fqdn_tags"];
const NAT_RULE: [&str; 10] = [
    "name",
    "description",
    "protocols",
    "source_addresses",
    "source_ip_groups",
    "destination_address",
    "destination_ports",
    "translated_address",
    "translated_fqdn",
    "translated_port",
];

fn resources(blocks: &[Block]) -> Result<Resources, ReadError> {
    let (frame, all) = frame::part(blocks)?;
    let of = |kind: &str| all.iter().copied().filter(|r| r.kind == kind).collect::<Vec<_>>();
    let one_by_one = [GROUP, NETWORK, APPLICATION];
    for resource in all.iter().filter(|resource| ![NSG_ON, TABLE_ON].contains(&resource.kind)) {
        let Some((_, label)) = LABELS.iter().find(|(kind, _)| *kind == resource.kind) else {
            return Err(resource.block.error(Wrong::TypeHere("resources", resource.kind)));
        };
        frame::check_label(resource, *label)?;
    }
    let ordered: Vec<Resource<'_>> = all.iter().copied().filter(|r| one_by_one.contains(&r.kind)).collect();
    frame::check_order(&of(IP_GROUP), &ordered)?;
    let mut resources = Resources::default();
    for (name, kind) in
        [("location", SettingKind::Location), ("resource_group_name", SettingKind::ResourceGroup)]
    {
        let setting =
            |value: &String| Setting { place: format!("variable {name}"), kind, value: value.clone() };
        resources.settings.extend(frame.default(name).map(setting));
    }
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for Resource { label, block, .. } in of(IP_GROUP) {
        only(block, &[&PLACED, &["cidrs", "depends_on"]], &["timeouts"])?;
        inner(block)?;
        let (name, addresses) = (frame.placed(block)?, block.texts("cidrs")?);
        names.insert(label, name.clone());
        resources.ip_groups.push(IpGroup { name, id: None, addresses });
    }
    for Resource { block, .. } in of(GROUP) {
        resources.groups.push(group(block, &frame, &names)?);
    }
    resources.firewalls.extend(classic_firewall(&of(NETWORK), &of(APPLICATION), &frame, &names)?);
    let apart = Apart::sort(&of(NSG_RULE), ("network_security_group_name", NSG), &of(NSG), &frame)?;
    for resource in of(NSG) {
        resources.nsgs.push(nsg(&resource, &apart, &frame)?);
    }
    let rules = resources.nsgs.iter().flat_map(|nsg| &nsg.rules);
    frame.all_named(rules.flat_map(|rule| rule.sources.iter().chain(&rule.destinations)))?;
    let apart = Apart::sort(&of(TABLE_ROUTE), ("route_table_name", TABLE), &of(TABLE), &frame)?;
    for resource in of(TABLE) {
        resources.route_tables.push(table(&resource, &apart, &frame)?);
    }
    for Resource { block, .. } in of(ENDPOINT_POLICY) {
        resources.endpoint_policies.push(endpoint_policy(block, &frame)?);
    }
    let rules = ordered_last(&ordered);
    resources.associations =
        associations((&of(NSG_ON), &of(TABLE_ON)), (&of(NSG), &of(TABLE)), rules, &frame)?;
    Ok(resources)
}

/// The resource of rules for which no other waits: when it is made, all are.
fn ordered_last<'b>(ordered: &[Resource<'b>]) -> Option<Address<'b>> {
    let waits = |block: &Block, one: Address<'_>| {
        let is = |item| block.word(item).map(Address::read) == Some(one);
        block.items("depends_on").is_ok_and(|items| items.iter().any(is))
    };
    let mut all = ordered.iter().map(Resource::address);
    all.find(|one| !ordered.iter().any(|other| waits(other.block, *one)))
}

/// What is put on the subnets: a table after the group of its subnet and after the rules of the firewall.
fn associations(
    (groups, tables): (&[Resource<'_>], &[Resource<'_>]),
    (nsgs, route_tables): (&[Resource<'_>], &[Resource<'_>]),
    rules: Option<Address<'_>>,
    frame: &Frame,
) -> Result<Vec<Association>, ReadError> {
    let named = |block: &Block, key: &str, kind: &str, all: &[Resource<'_>]| {
        let label = label(block, key, block.term(key)?, (kind, "id"))?;
        let found = all.iter().find(|one| one.label == label);
        let found = found.ok_or_else(|| block.error_at(key, Wrong::NoResource(kind, label)))?;
        found.block.text("name")
    };
    let mut all: BTreeMap<String, Association> = BTreeMap::new();
    for resource in groups {
        let subnet = frame.subnet(resource)?;
        only(resource.block, &[&["subnet_id", "network_security_group_id"]], &[])?;
        let nsg = Some(named(resource.block, "network_security_group_id", NSG, nsgs)?);
        all.insert(subnet.clone(), Association { subnet: subnet.clone(), nsg, ..Association::default() });
    }
    for resource in tables {
        let (subnet, block) = (frame.subnet(resource)?, resource.block);
        only(block, &[&["subnet_id", "route_table_id", "depends_on"]], &[])?;
        let group = all.contains_key(subnet).then_some(Address::new(NSG_ON, resource.label));
        let wanted: BTreeSet<Address<'_>> = rules.into_iter().chain(group).collect();
        let items = block.items("depends_on")?;
        let waits: BTreeSet<Address<'_>> =
            items.iter().filter_map(|item| block.word(item)).map(Address::read).collect();
        if waits != wanted || waits.len() != items.len() {
            let text = "it must wait for the group of its subnet and for the last rules of the firewall";
            return Err(block.error_at("depends_on", text));
        }
        let table = named(block, "route_table_id", TABLE, route_tables)?;
        let fresh = || Association { subnet: subnet.clone(), ..Association::default() };
        all.entry(subnet.clone()).or_insert_with(fresh).route_table = Some(table);
    }
    if let Some(subnet) = frame.subnets().find(|subnet| !all.contains_key(*subnet)) {
        let (what, unused) = ("subnet", "nothing is put on it");
        return Err(ReadError::new("main", Wrong::UnusedId { what, name: subnet, unused }));
    }
    Ok(all.into_values().collect())
}

/// Refuses whatever a block holds beside these.
fn only(block: &Block, attributes: &[&[&str]], blocks: &[&str]) -> Result<(), ReadError> {
    block.only(&attributes.concat(), blocks)
}

/// Rules or routes that are resources of their own, by the label of the one that they belong to.
struct Apart<'b>(BTreeMap<&'b str, Vec<&'b Block>>);

impl<'b> Apart<'b> {
    /// Sorts `apart`, each of which names one of `owners` in its argument `key`.
    fn sort(
        apart: &[Resource<'b>],
        (key, kind): (&str, &str),
        owners: &[Resource<'_>],
        frame: &Frame,
    ) -> Result<Self, ReadError> {
        let mut sorted: BTreeMap<&str, Vec<&Block>> = BTreeMap::new();
        for Resource { block, .. } in apart {
            frame.takes(block, "resource_group_name", "resource_group_name")?;
            let label = label(block, key, block.term(key)?, (kind, "name"))?;
            if owners.iter().all(|owner| owner.label != label) {
                return Err(block.error_at(key, Wrong::NoResource(kind, label)));
            }
            sorted.entry(label).or_default().push(block);
        }
        Ok(Apart(sorted))
    }

    /// The blocks of an owner: those inside it, or those apart from it.
    fn of(&self, owner: &Resource<'b>) -> Result<Vec<&'b Block>, ReadError> {
        let inside: Vec<&Block> = owner.block.blocks.iter().collect();
        match self.0.get(owner.label) {
            None => Ok(inside),
            Some(apart) if inside.is_empty() => Ok(apart.clone()),
            Some(_) => {
                Err(owner.block.error("some stand inside it and some apart, which the provider cannot keep"))
            }
        }
    }
}

/// The label of the resource of type `kind` that a reference such as `azurerm_ip_group.a.id` names.
fn label<'a>(
    block: &Block,
    key: &str,
    term: &'a Term,
    (kind, attribute): (&str, &str),
) -> Result<&'a str, ReadError> {
    let path = if let Term::Name(name) = term { name.as_str() } else { "" };
    let label = path.strip_prefix(kind).and_then(|p| p.strip_prefix('.'));
    let label = label.and_then(|p| p.strip_suffix(attribute)).and_then(|p| p.strip_suffix('.'));
    let label = label.filter(|label| !label.contains('.'));
    label.ok_or_else(|| {
        block.error_at(key, format_args!("a reference to the {attribute} of a {kind} is expected"))
    })
}

fn nsg<'b>(resource: &Resource<'b>, apart: &Apart<'b>, frame: &Frame) -> Result<Nsg, ReadError> {
    only(resource.block, &[&PLACED], &["security_rule"])?;
    let rules =
        apart.of(resource)?.into_iter().map(|rule| security_rule(rule, frame)).collect::<Result<_, _>>()?;
    Ok(Nsg { name: frame.placed(resource.block)?, rules })
}

fn security_rule(b: &Block, frame: &Frame) -> Result<SecurityRule, ReadError> {
    let own: &[&str] =
        if b.labels.is_empty() { &[] } else { &["resource_group_name", "network_security_group_name"] };
    only(b, &[&SECURITY_RULE, own], &[])?;
    let side = |[groups, one, many]: [&str; 3]| {
        if b.optional(groups).is_none() {
            return b.one_or_many(one, many);
        }
        match [one, many].iter().find(|key| b.optional(key).is_some()) {
            Some(key) => Err(b.error_at(key, "a side is addresses or application security groups, not both")),
            None => frame.security_groups(b, groups),
        }
    };
    Ok(SecurityRule {
        name: b.text("name")?,
        description: b.optional_text("description")?.unwrap_or_default(),
        priority: b.number("priority")?,
        direction: b.text("direction")?.into(),
        access: b.text("access")?.into(),
        protocol: b.text("protocol")?.into(),
        sources: side([
            "source_application_security_group_ids",
            "source_address_prefix",
            "source_address_prefixes",
        ])?,
        destinations: side([
            "destination_application_security_group_ids",
            "destination_address_prefix",
            "destination_address_prefixes",
        ])?,
        source_ports: b.one_or_many("source_port_range", "source_port_ranges")?,
        destination_ports: b.one_or_many("destination_port_range", "destination_port_ranges")?,
    })
}

fn table<'b>(resource: &Resource<'b>, apart: &Apart<'b>, frame: &Frame) -> Result<RouteTable, ReadError> {
    let block = resource.block;
    only(block, &[&PLACED, &["bgp_route_propagation_enabled"]], &["route"])?;
    Ok(RouteTable {
        name: frame.placed(block)?,
        disable_bgp: block.switch("bgp_route_propagation_enabled")?.map(|enabled| !enabled),
        disable_peering_route: None,
        routes: apart.of(resource)?.into_iter().map(route).collect::<Result<_, ReadError>>()?,
    })
}

fn route(b: &Block) -> Result<Route, ReadError> {
    let own: &[&str] = if b.labels.is_empty() { &[] } else { &["resource_group_name", "route_table_name"] };
    only(b, &[&ROUTE, own], &[])?;
    Ok(Route {
        name: b.text("name")?,
        address_prefix: b.text("address_prefix")?,
        next_hop_type: b.text("next_hop_type")?,
        next_hop_address: b.optional_text("next_hop_in_ip_address")?,
    })
}

fn endpoint_policy(block: &Block, frame: &Frame) -> Result<EndpointPolicy, ReadError> {
    only(block, &[&PLACED], &["definition"])?;
    let definition = |b: &Block| {
        b.only(&["name", "description", "service", "service_resources"], &[])?;
        Ok(EndpointDefinition {
            name: b.text("name")?,
            description: b.optional_text("description")?.unwrap_or_default(),
            service: b.text("service")?,
            resources: b.texts("service_resources")?,
        })
    };
    Ok(EndpointPolicy {
        name: frame.placed(block)?,
        subnet: None,
        definitions: block.blocks.iter().map(definition).collect::<Result<_, ReadError>>()?,
    })
}

/// The blocks of a resource but for how long the provider waits, which has to be as tagwall writes it.
fn inner(block: &Block) -> Result<Vec<&Block>, ReadError> {
    let (waits, others): (Vec<_>, Vec<_>) = block.blocks.iter().partition(|inner| inner.kind == "timeouts");
    for wait in &waits {
        let keys = ["create", "update", "delete"];
        wait.only(&keys, &[])?;
        for key in keys {
            if wait.text(key)? != "2h" {
                return Err(wait.error_at(key, "two hours are expected, as `2h`"));
            }
        }
    }
    match waits.len() {
        0 | 1 => Ok(others),
        _ => Err(waits[1].error("`timeouts` stands there twice")),
    }
}

/// The firewall that classic collections belong to.
fn classic_firewall(
    network: &[Resource<'_>],
    application: &[Resource<'_>],
    frame: &Frame,
    ip_groups: &BTreeMap<&str, String>,
) -> Result<Option<ClassicFirewall>, ReadError> {
    let mut collections = Vec::new();
    for Resource { block, kind, .. } in network.iter().chain(application) {
        let own = ["azure_firewall_name", "resource_group_name", "priority", "action", "depends_on"];
        only(block, &[&["name"], &own], &["rule", "timeouts"])?;
        frame.takes(block, "azure_firewall_name", "firewall_name")?;
        frame.takes(block, "resource_group_name", "resource_group_name")?;
        collections.push(collection(block, |rule| match *kind {
            NETWORK => network_rule(rule, ip_groups),
            _ => classic_application_rule(rule, ip_groups),
        })?);
    }
    let name = frame.default("firewall_name").cloned().unwrap_or_default();
    Ok((!collections.is_empty()).then_some(ClassicFirewall { name, collections }))
}

/// A collection, each of whose rules `rule` reads.
fn collection(
    block: &Block,
    rule: impl Fn(&Block) -> Result<FirewallRule, ReadError>,
) -> Result<RuleCollection, ReadError> {
    Ok(RuleCollection {
        name: block.text("name")?,
        priority: block.number("priority")?,
        action: block.text("action")?,
        rules: inner(block)?.into_iter().map(rule).collect::<Result<_, _>>()?,
    })
}

/// Some arguments have other names than in a policy.
fn classic_application_rule(
    b: &Block,
    ip_groups: &BTreeMap<&str, String>,
) -> Result<FirewallRule, ReadError> {
    b.only(&CLASSIC_APPLICATION_RULE, &["protocol"])?;
    b.optional_text("description")?;
    Ok(FirewallRule::Application(ApplicationRule {
        name: b.text("name")?,
        sources: b.texts("source_addresses")?,
        source_groups: group_names(b, "source_ip_groups", ip_groups)?,
        protocols: app_protocols(b)?,
        fqdns: b.texts("target_fqdns")?,
        urls: Vec::new(),
        fqdn_tags: b.texts("fqdn_tags")?,
        web_categories: Vec::new(),
        terminate_tls: false,
    }))
}

/// The protocols of an application rule, which are the only blocks in it.
fn app_protocols(b: &Block) -> Result<Vec<(String, u16)>, ReadError> {
    let protocol = |inner: &Block| {
        inner.only(&["type", "port"], &[])?;
        let port = u16::try_from(inner.number("port")?);
        Ok((inner.text("type")?, port.map_err(|_| inner.error_at("port", "a port is expected"))?))
    };
    b.blocks.iter().map(protocol).collect()
}

fn group(
    block: &Block,
    frame: &Frame,
    ip_groups: &BTreeMap<&str, String>,
) -> Result<RuleCollectionGroup, ReadError> {
    let kinds = ["network_rule_collection", "application_rule_collection", "nat_rule_collection", "timeouts"];
    block.only(&["name", "firewall_policy_id", "priority", "depends_on"], &kinds)?;
    frame.takes(block, "firewall_policy_id", "firewall_policy_id")?;
    let mut collections = Vec::new();
    for inner in inner(block)? {
        inner.only(&["name", "priority", "action"], &["rule"])?;
        collections.push(collection(inner, |rule| match inner.kind.as_str() {
            "network_rule_collection" => network_rule(rule, ip_groups),
            "application_rule_collection" => application_rule(rule, ip_groups),
            _ => nat_rule(rule, ip_groups),
        })?);
    }
    Ok(RuleCollectionGroup { name: block.text("name")?, priority: block.number("priority")?, collections })
}

/// The names of the IP groups that an argument names.
fn group_names(b: &Block, key: &str, ip_groups: &BTreeMap<&str, String>) -> Result<Vec<String>, ReadError> {
    let name = |term: &Term| {
        let label = label(b, key, term, (IP_GROUP, "id"))?;
        ip_groups.get(label).cloned().ok_or_else(|| b.error_at(key, Wrong::NoSuch("IP group", label)))
    };
    b.items(key)?.iter().map(name).collect()
}

fn nat_rule(b: &Block, ip_groups: &BTreeMap<&str, String>) -> Result<FirewallRule, ReadError> {
    b.only(&NAT_RULE, &[])?;
    b.optional_text("description")?;
    let translated = match (b.optional_text("translated_address")?, b.optional_text("translated_fqdn")?) {
        (Some(to), None) | (None, Some(to)) => to,
        _ => return Err(b.error("one of `translated_address` and `translated_fqdn` is expected")),
    };
    Ok(FirewallRule::Nat(NatRule {
        name: b.text("name")?,
        protocols: b.texts("protocols")?,
        sources: b.texts("source_addresses")?,
        source_groups: group_names(b, "source_ip_groups", ip_groups)?,
        destinations: vec![b.text("destination_address")?],
        ports: b.texts("destination_ports")?,
        translated,
        translated_port: b
            .number("translated_port")
            .map(|n| n.to_string())
            .or_else(|_| b.text("translated_port"))?,
    }))
}

fn network_rule(b: &Block, ip_groups: &BTreeMap<&str, String>) -> Result<FirewallRule, ReadError> {
    b.only(&NETWORK_RULE, &[])?;
    b.optional_text("description")?;
    let groups = |key: &str| group_names(b, key, ip_groups);
    Ok(FirewallRule::Network(NetworkRule {
        name: b.text("name")?,
        protocols: b.texts("protocols")?,
        sources: b.texts("source_addresses")?,
        source_groups: groups("source_ip_groups")?,
        destinations: b.texts("destination_addresses")?,
        destination_groups: groups("destination_ip_groups")?,
        fqdns: b.texts("destination_fqdns")?,
        ports: b.texts("destination_ports")?,
    }))
}

fn application_rule(b: &Block, ip_groups: &BTreeMap<&str, String>) -> Result<FirewallRule, ReadError> {
    b.only(&APPLICATION_RULE, &["protocols"])?;
    b.optional_text("description")?;
    Ok(FirewallRule::Application(ApplicationRule {
        name: b.text("name")?,
        sources: b.texts("source_addresses")?,
        source_groups: group_names(b, "source_ip_groups", ip_groups)?,
        protocols: app_protocols(b)?,
        fqdns: b.texts("destination_fqdns")?,
        urls: b.texts("destination_urls")?,
        fqdn_tags: b.texts("destination_fqdn_tags")?,
        web_categories: b.texts("web_categories")?,
        terminate_tls: b.switch("terminate_tls")? == Some(true),
    }))
}
