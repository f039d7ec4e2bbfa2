//! Terraform configuration for the provider azurerm.

use std::collections::BTreeMap;

use super::hcl::{self, Block, Term};
use super::{Files, ReadError, utf8};
use crate::verify::resources::{
    ApplicationRule, ClassicFirewall, EndpointDefinition, EndpointPolicy, FirewallRule, IpGroup, NatRule,
    NetworkRule, Nsg, Resources, Route, RouteTable, RuleCollection, RuleCollectionGroup, SecurityRule,
};

/// Reads a folder of `.tf` files.
pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut blocks = Vec::new();
    for (name, bytes) in files {
        blocks.extend(hcl::native(name, utf8(name, bytes)?)?);
    }
    resources(&blocks)
}

/// Reads a folder of `.tf.json` files.
pub(super) fn read_json(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut blocks = Vec::new();
    for (name, bytes) in files {
        blocks.extend(hcl::json(name, bytes)?);
    }
    resources(&blocks)
}

impl Block {
    fn error(&self, message: impl Into<String>) -> ReadError {
        ReadError::new(&self.place, message)
    }

    fn term(&self, key: &str) -> Result<&Term, ReadError> {
        self.attributes.get(key).ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    fn text(&self, key: &str) -> Result<String, ReadError> {
        match self.term(key)? {
            Term::Text(text) => Ok(text.clone()),
            _ => Err(self.error(format!("`{key}` must be a string"))),
        }
    }

    fn optional_text(&self, key: &str) -> Result<Option<String>, ReadError> {
        if self.attributes.contains_key(key) { self.text(key).map(Some) } else { Ok(None) }
    }

    fn number(&self, key: &str) -> Result<i64, ReadError> {
        match self.term(key)? {
            Term::Number(number) => Ok(*number),
            _ => Err(self.error(format!("`{key}` must be a number"))),
        }
    }

    fn switch(&self, key: &str) -> Result<Option<bool>, ReadError> {
        match self.attributes.get(key) {
            None => Ok(None),
            Some(Term::Bool(switch)) => Ok(Some(*switch)),
            Some(_) => Err(self.error(format!("`{key}` must be true or false"))),
        }
    }

    fn items(&self, key: &str) -> Result<&[Term], ReadError> {
        match self.attributes.get(key) {
            None => Ok(&[]),
            Some(Term::List(items)) => Ok(items),
            Some(_) => Err(self.error(format!("`{key}` must be a list"))),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, ReadError> {
        let text = |term: &Term| match term {
            Term::Text(text) => Ok(text.clone()),
            _ => Err(self.error(format!("`{key}` must hold strings"))),
        };
        self.items(key)?.iter().map(text).collect()
    }

    /// The value of the singular argument or those of the plural one; the provider takes one of them only.
    fn one_or_many(&self, one: &str, many: &str) -> Result<Vec<String>, ReadError> {
        match (self.optional_text(one)?, self.texts(many)?) {
            (Some(single), list) if list.is_empty() => Ok(vec![single]),
            (None, list) if !list.is_empty() => Ok(list),
            _ => Err(self.error(format!("one of `{one}` and `{many}` is to be given"))),
        }
    }

    /// The label of the resource of type `kind` that a reference such as `azurerm_ip_group.a.id` names.
    fn label<'a>(&self, term: &'a Term, kind: &str, attribute: &str) -> Result<&'a str, ReadError> {
        let path = if let Term::Name(name) = term { name.as_str() } else { "" };
        let label = path.strip_prefix(kind).and_then(|p| p.strip_prefix('.'));
        let label = label.and_then(|p| p.strip_suffix(attribute)).and_then(|p| p.strip_suffix('.'));
        label.ok_or_else(|| self.error(format!("a reference to the {attribute} of a {kind} is expected")))
    }
}

const NSG: &str = "azurerm_network_security_group";
const TABLE: &str = "azurerm_route_table";
const IP_GROUP: &str = "azurerm_ip_group";

fn resources(blocks: &[Block]) -> Result<Resources, ReadError> {
    let of = |kind: &str| -> Vec<(&str, &Block)> {
        let own = blocks.iter().filter(|b| b.kind == "resource");
        own.filter_map(|b| match b.labels.as_slice() {
            [k, label] if k == kind => Some((label.as_str(), b)),
            _ => None,
        })
        .collect()
    };
    let mut resources = Resources::default();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for (label, block) in of(IP_GROUP) {
        let (name, addresses) = (block.text("name")?, block.texts("cidrs")?);
        names.insert(label, name.clone());
        resources.ip_groups.push(IpGroup { name, addresses });
    }
    for (_, block) in of("azurerm_firewall_policy_rule_collection_group") {
        resources.groups.push(group(block, &names)?);
    }
    resources.firewalls.extend(classic_firewall(
        blocks,
        &of("azurerm_firewall_network_rule_collection"),
        &of("azurerm_firewall_application_rule_collection"),
        &names,
    )?);
    for (label, block) in of(NSG) {
        resources.nsgs.push(nsg(label, block, &of("azurerm_network_security_rule"))?);
    }
    for (label, block) in of(TABLE) {
        resources.route_tables.push(table(label, block, &of("azurerm_route"))?);
    }
    for (_, block) in of("azurerm_subnet_service_endpoint_storage_policy") {
        resources.endpoint_policies.push(endpoint_policy(block)?);
    }
    Ok(resources)
}

fn nsg(label: &str, block: &Block, apart: &[(&str, &Block)]) -> Result<Nsg, ReadError> {
    let mut rules: Vec<&Block> = block.blocks.iter().filter(|b| b.kind == "security_rule").collect();
    let inline = !rules.is_empty();
    for (_, rule) in apart {
        if rule.label(rule.term("network_security_group_name")?, NSG, "name")? == label {
            rules.push(rule);
        }
    }
    if inline && rules.iter().any(|r| r.kind == "resource") {
        return Err(block.error("rules inside the group and apart from it, which the provider cannot keep"));
    }
    let rules = rules.into_iter().map(security_rule).collect::<Result<_, _>>()?;
    Ok(Nsg { name: block.text("name")?, rules })
}

fn security_rule(b: &Block) -> Result<SecurityRule, ReadError> {
    Ok(SecurityRule {
        name: b.text("name")?,
        description: b.optional_text("description")?.unwrap_or_default(),
        priority: b.number("priority")?,
        direction: b.text("direction")?,
        access: b.text("access")?,
        protocol: b.text("protocol")?,
        sources: b.one_or_many("source_address_prefix", "source_address_prefixes")?,
        destinations: b.one_or_many("destination_address_prefix", "destination_address_prefixes")?,
        source_ports: b.one_or_many("source_port_range", "source_port_ranges")?,
        destination_ports: b.one_or_many("destination_port_range", "destination_port_ranges")?,
    })
}

fn table(label: &str, block: &Block, apart: &[(&str, &Block)]) -> Result<RouteTable, ReadError> {
    let mut routes: Vec<&Block> = block.blocks.iter().filter(|b| b.kind == "route").collect();
    for (_, route) in apart {
        if route.label(route.term("route_table_name")?, TABLE, "name")? == label {
            routes.push(route);
        }
    }
    let route = |b: &Block| {
        Ok(Route {
            name: b.text("name")?,
            address_prefix: b.text("address_prefix")?,
            next_hop_type: b.text("next_hop_type")?,
            next_hop_address: b.optional_text("next_hop_in_ip_address")?,
        })
    };
    Ok(RouteTable {
        name: block.text("name")?,
        disable_bgp: block.switch("bgp_route_propagation_enabled")?.map(|enabled| !enabled),
        routes: routes.into_iter().map(route).collect::<Result<_, ReadError>>()?,
    })
}

fn endpoint_policy(block: &Block) -> Result<EndpointPolicy, ReadError> {
    let definition = |b: &Block| {
        Ok(EndpointDefinition {
            name: b.text("name")?,
            description: b.optional_text("description")?.unwrap_or_default(),
            service: b.optional_text("service")?.unwrap_or_else(|| "Microsoft.Storage".to_owned()),
            resources: b.texts("service_resources")?,
        })
    };
    let definitions = block.blocks.iter().filter(|b| b.kind == "definition").map(definition);
    Ok(EndpointPolicy {
        name: block.text("name")?,
        definitions: definitions.collect::<Result<_, ReadError>>()?,
    })
}

/// The firewall that classic collections belong to; they must all belong to one.
fn classic_firewall(
    blocks: &[Block],
    network: &[(&str, &Block)],
    application: &[(&str, &Block)],
    ip_groups: &BTreeMap<&str, String>,
) -> Result<Option<ClassicFirewall>, ReadError> {
    let mut firewall: Option<ClassicFirewall> = None;
    let kinds = network.iter().map(|(_, b)| (*b, true)).chain(application.iter().map(|(_, b)| (*b, false)));
    for (block, network) in kinds {
        let name = match block.term("azure_firewall_name")? {
            Term::Text(name) => name.clone(),
            Term::Name(path) => default_of(blocks, path).ok_or_else(|| {
                block.error("`azure_firewall_name` must be a name, or a variable that has a default")
            })?,
            _ => return Err(block.error("`azure_firewall_name` must be a name")),
        };
        let rules = block.blocks.iter().filter(|b| b.kind == "rule");
        let rules = rules.map(|r| match network {
            true => network_rule(r, ip_groups),
            false => classic_application_rule(r, ip_groups),
        });
        let collection = RuleCollection {
            name: block.text("name")?,
            priority: block.number("priority")?,
            action: block.text("action")?,
            rules: rules.collect::<Result<_, _>>()?,
        };
        let found =
            firewall.get_or_insert_with(|| ClassicFirewall { name: name.clone(), collections: Vec::new() });
        if found.name != name {
            return Err(block.error("classic collections of several firewalls"));
        }
        found.collections.push(collection);
    }
    Ok(firewall)
}

/// The default of the variable that a reference such as `var.firewall_name` names.
fn default_of(blocks: &[Block], path: &str) -> Option<String> {
    let name = path.strip_prefix("var.")?;
    let block = blocks.iter().find(|b| b.kind == "variable" && b.labels == [name])?;
    block.text("default").ok()
}

/// Some arguments have other names than in a policy.
fn classic_application_rule(
    b: &Block,
    ip_groups: &BTreeMap<&str, String>,
) -> Result<FirewallRule, ReadError> {
    Ok(FirewallRule::Application(ApplicationRule {
        name: b.text("name")?,
        sources: b.texts("source_addresses")?,
        source_groups: group_names(b, "source_ip_groups", ip_groups)?,
        protocols: app_protocols(b, "protocol")?,
        fqdns: b.texts("target_fqdns")?,
        urls: Vec::new(),
        fqdn_tags: b.texts("fqdn_tags")?,
        web_categories: Vec::new(),
        terminate_tls: false,
    }))
}

/// The protocols of an application rule, in blocks of a kind.
fn app_protocols(b: &Block, kind: &str) -> Result<Vec<(String, u16)>, ReadError> {
    let mut protocols = Vec::new();
    for inner in b.blocks.iter().filter(|b| b.kind == kind) {
        let port = inner.number("port")?;
        let port = u16::try_from(port).map_err(|_| inner.error("a port is expected"))?;
        protocols.push((inner.text("type")?, port));
    }
    Ok(protocols)
}

fn group(block: &Block, ip_groups: &BTreeMap<&str, String>) -> Result<RuleCollectionGroup, ReadError> {
    let mut collections = Vec::new();
    for inner in &block.blocks {
        let rules = inner.blocks.iter().filter(|b| b.kind == "rule");
        let rules: Vec<FirewallRule> = match inner.kind.as_str() {
            "network_rule_collection" => {
                rules.map(|r| network_rule(r, ip_groups)).collect::<Result<_, _>>()?
            }
            "application_rule_collection" => {
                rules.map(|r| application_rule(r, ip_groups)).collect::<Result<_, _>>()?
            }
            "nat_rule_collection" => rules.map(|r| nat_rule(r, ip_groups)).collect::<Result<_, _>>()?,
            other => return Err(inner.error(format!("blocks of kind {other} are not read"))),
        };
        collections.push(RuleCollection {
            name: inner.text("name")?,
            priority: inner.number("priority")?,
            action: inner.text("action")?,
            rules,
        });
    }
    Ok(RuleCollectionGroup { name: block.text("name")?, priority: block.number("priority")?, collections })
}

/// The names of the IP groups that an argument names.
fn group_names(b: &Block, key: &str, ip_groups: &BTreeMap<&str, String>) -> Result<Vec<String>, ReadError> {
    let name = |term: &Term| {
        let label = b.label(term, IP_GROUP, "id")?;
        ip_groups.get(label).cloned().ok_or_else(|| b.error(format!("there is no IP group {label}")))
    };
    b.items(key)?.iter().map(name).collect()
}

fn nat_rule(b: &Block, ip_groups: &BTreeMap<&str, String>) -> Result<FirewallRule, ReadError> {
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
    Ok(FirewallRule::Application(ApplicationRule {
        name: b.text("name")?,
        sources: b.texts("source_addresses")?,
        source_groups: group_names(b, "source_ip_groups", ip_groups)?,
        protocols: app_protocols(b, "protocols")?,
        fqdns: b.texts("destination_fqdns")?,
        urls: b.texts("destination_urls")?,
        fqdn_tags: b.texts("destination_fqdn_tags")?,
        web_categories: b.texts("web_categories")?,
        terminate_tls: b.switch("terminate_tls")? == Some(true),
    }))
}
