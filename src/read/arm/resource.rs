//! The members of single resources, in templates and answers alike.

use std::borrow::Cow;
use std::fmt;

use super::super::error::ReadError;
use super::super::node::Node;
use crate::read::resources::{
    EndpointDefinition, EndpointPolicy, IpGroup, Nsg, Route, RouteTable, SecurityRule,
};

/// The last part of a name or expression.
pub(super) fn last_name(id: &str) -> Cow<'_, str> {
    match id.strip_prefix('[').and_then(|e| e.strip_suffix(']')) {
        Some(expression) => {
            let inner = expression.trim_end_matches(')');
            let last = inner.rsplit(", ").next().unwrap_or(inner);
            Cow::Owned(last.trim_matches('\'').replace("''", "'"))
        }
        None => Cow::Borrowed(id.rsplit('/').next().unwrap_or(id)),
    }
}

/// The name in `resourceId('KIND', 'NAME')`: a resource in the same resource group.
fn name_of_id<'c>(code: &'c str, kind: &str) -> Option<Cow<'c, str>> {
    let name =
        code.strip_prefix("resourceId('")?.strip_prefix(kind)?.strip_prefix("', '")?.strip_suffix("')")?;
    quoted_text(name)
}

/// The expression of the id of a resource in the same resource group.
#[derive(Debug, Clone, Copy)]
pub(in crate::read) struct ResourceId<'a> {
    kind: &'a str,
    /// The expression of its own name, or of the name of what it stands in.
    by: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> ResourceId<'a> {
    /// That of a resource by its own name.
    pub(in crate::read) const fn of(kind: &'a str, name: &'a str) -> Self {
        ResourceId { kind, by: None, name: Some(name) }
    }

    /// That of a resource whose name an expression gives.
    pub(in crate::read) const fn by(kind: &'a str, by: &'a str) -> Self {
        ResourceId { kind, by: Some(by), name: None }
    }

    /// That of one inside another, whose name the expression `by` gives.
    pub(in crate::read) const fn inside(kind: &'a str, by: &'a str, name: &'a str) -> Self {
        ResourceId { kind, by: Some(by), name: Some(name) }
    }
}

impl fmt::Display for ResourceId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resourceId('{}'", self.kind)?;
        if let Some(by) = self.by {
            write!(f, ", {by}")?;
        }
        if let Some(name) = self.name {
            write!(f, ", {}", Quoted(name))?;
        }
        f.write_str(")")
    }
}

/// A text as a string in an expression.
#[derive(Debug, Clone, Copy)]
pub(in crate::read) struct Quoted<'a>(pub(in crate::read) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// What stands in quotes, if the quotes end where it does.
pub(super) fn quoted_text(inner: &str) -> Option<Cow<'_, str>> {
    let text = inner.replace("''", "");
    if text.contains('\'') {
        return None;
    }
    Some(if text.len() == inner.len() { inner.into() } else { inner.replace("''", "'").into() })
}

pub(in crate::read) const IP_GROUPS: &str = "Microsoft.Network/ipGroups";

/// The IP groups that a rule names: those of the same resource group by their names, others by their whole ids.
pub(super) fn ip_groups(rule: &Node<'_>, key: &str) -> Result<Vec<String>, ReadError> {
    let Some(list) = rule.optional(key) else { return Ok(Vec::new()) };
    let one = |id: &Node<'_>| match id.code() {
        Some(code) => match name_of_id(code, IP_GROUPS) {
            Some(name) => Ok(name.into_owned()),
            None => id.text(),
        },
        None => match id.text()? {
            text if id.is_own() && !text.starts_with("/subscriptions/") => Err(id.error("an id is expected")),
            text => Ok(text),
        },
    };
    let ids = list.items()?.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    list.each_once(&ids)?;
    Ok(ids)
}

/// The words of a direction and of an access.
const DIRECTIONS: [&str; 2] = ["Inbound", "Outbound"];
const ACCESSES: [&str; 2] = ["Allow", "Deny"];
const PROTOCOLS: [&str; 6] = ["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"];
const HOPS: [&str; 5] = ["VnetLocal", "Internet", "None", "VirtualNetworkGateway", "VirtualAppliance"];

pub(super) fn nsg(name: String, properties: &Node<'_>) -> Result<Nsg, ReadError> {
    properties.whole(|properties| {
        let list = properties.member("securityRules")?;
        let rules = list.items()?.iter().map(|rule| rule.whole(security_rule)).collect::<Result<_, _>>()?;
        Ok(Nsg { name, rules })
    })
}

fn security_rule(rule: &Node<'_>) -> Result<SecurityRule, ReadError> {
    let name = rule.member("name")?.text()?;
    rule.member("properties")?.whole(|p| {
        Ok(SecurityRule {
            name,
            description: p.description()?,
            priority: p.member("priority")?.number()?,
            direction: p.member("direction")?.word(&DIRECTIONS)?.into(),
            access: p.member("access")?.word(&ACCESSES)?.into(),
            protocol: p.member("protocol")?.word(&PROTOCOLS)?.into(),
            sources: side(
                p,
                ["sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups"],
            )?,
            destinations: side(
                p,
                [
                    "destinationAddressPrefix",
                    "destinationAddressPrefixes",
                    "destinationApplicationSecurityGroups",
                ],
            )?,
            source_ports: p.one_and_many("sourcePortRange", "sourcePortRanges")?,
            destination_ports: p.one_and_many("destinationPortRange", "destinationPortRanges")?,
        })
    })
}

const SECURITY_GROUPS: &str = "Microsoft.Network/applicationSecurityGroups";

/// One side of a rule: addresses, a tag, or application security groups of the same resource group, `asg:NAME` each.
fn side(rule: &Node<'_>, [one, many, groups]: [&str; 3]) -> Result<Vec<String>, ReadError> {
    let listed = rule.optional(many).map(|list| list.items().map(|items| !items.is_empty())).transpose()?;
    // Beside addresses groups are none that Azure takes: of files of others that is told.
    if rule.optional(one).is_some() || listed == Some(true) {
        return rule.one_and_many(one, many);
    }
    let Some(list) = rule.optional(groups) else { return rule.one_and_many(one, many) };
    let one = |item: &Node<'_>| {
        item.whole(|item| {
            let id = item.member("id")?;
            let name = id.code().and_then(|code| name_of_id(code, SECURITY_GROUPS));
            let text = match name {
                Some(_) => String::new(),
                None if rule.is_own() => {
                    return Err(id.error("the id of an application security group is expected"));
                }
                None => id.text()?,
            };
            Ok(format!("asg:{}", name.unwrap_or_else(|| last_name(&text))))
        })
    };
    list.items()?.iter().map(one).collect()
}

pub(super) fn route_table(name: String, properties: &Node<'_>) -> Result<RouteTable, ReadError> {
    properties.whole(|properties| {
        let disable_bgp = properties.optional("disableBgpRoutePropagation").map(|switch| switch.switch());
        let peerings = properties.optional("disablePeeringRoute").map(|word| match word.text()?.as_str() {
            "All" => Ok(true),
            "None" => Ok(false),
            _ => Err(word.error("All or None is expected")),
        });
        let list = properties.member("routes")?;
        let routes = list.items()?.iter().map(|each| each.whole(route)).collect::<Result<_, _>>()?;
        let disable_bgp = disable_bgp.transpose()?;
        Ok(RouteTable { name, disable_bgp, disable_peering_route: peerings.transpose()?, routes })
    })
}

fn route(route: &Node<'_>) -> Result<Route, ReadError> {
    let name = route.member("name")?.text()?;
    route.member("properties")?.whole(|p| {
        Ok(Route {
            name,
            address_prefix: p.member("addressPrefix")?.text()?,
            next_hop_type: p.member("nextHopType")?.word(&HOPS)?,
            next_hop_address: p.optional("nextHopIpAddress").map(|n| n.text()).transpose()?,
        })
    })
}

pub(super) fn ip_group(name: String, properties: &Node<'_>) -> Result<IpGroup, ReadError> {
    properties.whole(|properties| Ok(IpGroup { name, id: None, addresses: properties.texts("ipAddresses")? }))
}

pub(super) fn endpoint_policy(name: String, properties: &Node<'_>) -> Result<EndpointPolicy, ReadError> {
    properties.whole(|properties| {
        let list = properties.member("serviceEndpointPolicyDefinitions")?;
        let items = list.items()?;
        let definitions = items.iter().map(|each| each.whole(endpoint_definition));
        Ok(EndpointPolicy { name, subnet: None, definitions: definitions.collect::<Result<_, _>>()? })
    })
}

fn endpoint_definition(definition: &Node<'_>) -> Result<EndpointDefinition, ReadError> {
    let name = definition.member("name")?.text()?;
    definition.member("properties")?.whole(|p| {
        Ok(EndpointDefinition {
            name,
            description: p.description()?,
            service: p.member("service")?.text()?,
            resources: p.texts("serviceResources")?,
        })
    })
}
