//! ARM templates.

use serde_json::Value;

use super::{Files, ReadError};
use crate::verify::resources::{
    ApplicationRule, ClassicFirewall, EndpointDefinition, EndpointPolicy, FirewallRule, IpGroup, NatRule,
    NetworkRule, Nsg, Resources, Route, RouteTable, RuleCollection, RuleCollectionGroup, SecurityRule,
};

/// Reads a deployment template, or what the resource manager answers, one resource or a page of them: network security
/// groups, route tables, IP groups, rule collection groups, firewalls with classic rules, service endpoint policies.
/// Other resources are passed over, and so are firewalls that have a policy.
///
/// # Errors
/// [`ReadError`] with the place in the document where a member is missing or of another form.
pub fn read_arm(bytes: &[u8]) -> Result<Resources, ReadError> {
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| ReadError::new("template", error.to_string()))?;
    read_document(&document, "template")
}

/// Reads all templates of a folder.
pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        let at = |error: ReadError| ReadError::new(format!("{name}: {}", error.place), error.message);
        resources.extend(read_arm(bytes).map_err(at)?);
    }
    Ok(resources)
}

/// Reads the resources of a template that is parsed already.
pub(super) fn read_document(document: &Value, place: &str) -> Result<Resources, ReadError> {
    let top = Node { value: document, place: place.to_owned() };
    let mut resources = Resources::default();
    for resource in top.resources()? {
        let properties = resource.member("properties");
        match resource.member("type")?.text()?.to_ascii_lowercase().as_str() {
            "microsoft.network/networksecuritygroups" => resources.nsgs.push(nsg(&resource, &properties?)?),
            "microsoft.network/routetables" => {
                resources.route_tables.push(route_table(&resource, &properties?)?)
            }
            "microsoft.network/ipgroups" => resources.ip_groups.push(IpGroup {
                name: resource.member("name")?.text()?,
                addresses: properties?.texts("ipAddresses")?,
            }),
            "microsoft.network/firewallpolicies/rulecollectiongroups" => {
                resources.groups.push(group(&resource, &properties?)?);
            }
            "microsoft.network/azurefirewalls" => {
                resources.firewalls.extend(classic_firewall(&top, &resource, &properties?)?);
            }
            "microsoft.network/serviceendpointpolicies" => {
                resources.endpoint_policies.push(endpoint_policy(&resource, &properties?)?);
            }
            _ => {}
        }
    }
    Ok(resources)
}

/// A value of the document and where it stands.
struct Node<'a> {
    value: &'a Value,
    place: String,
}

impl<'a> Node<'a> {
    fn error(&self, message: &str) -> ReadError {
        ReadError { place: self.place.clone(), message: message.to_owned() }
    }

    fn optional(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(Node { value, place: format!("{}.{key}", self.place) })
    }

    fn member(&self, key: &str) -> Result<Node<'a>, ReadError> {
        self.optional(key).ok_or_else(|| self.error(&format!("`{key}` is missing")))
    }

    /// The resources of a template or a page, or the document as the only one.
    fn resources(&self) -> Result<Vec<Node<'a>>, ReadError> {
        match self.optional("resources").or_else(|| self.optional("value")) {
            Some(list) => list.items(),
            None if self.optional("type").is_some() => {
                Ok(vec![Node { value: self.value, place: self.place.clone() }])
            }
            None => Err(self.error("`resources` is missing")),
        }
    }

    fn items(&self) -> Result<Vec<Node<'a>>, ReadError> {
        let list = self.value.as_array().ok_or_else(|| self.error("a list is expected"))?;
        let item = |(index, value)| Node { value, place: format!("{}[{index}]", self.place) };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// A string; a literal that begins with `[` and ends with `]` is written with `[[`.
    fn text(&self) -> Result<String, ReadError> {
        let text = self.value.as_str().ok_or_else(|| self.error("a string is expected"))?;
        let inner = text.strip_prefix('[').filter(|inner| inner.starts_with('[') && inner.ends_with(']'));
        Ok(inner.unwrap_or(text).to_owned())
    }

    fn switch(&self) -> Result<bool, ReadError> {
        self.value.as_bool().ok_or_else(|| self.error("true or false is expected"))
    }

    fn number(&self) -> Result<i64, ReadError> {
        self.value.as_i64().ok_or_else(|| self.error("a whole number is expected"))
    }

    /// The strings of a list; empty if there is no such member.
    fn texts(&self, key: &str) -> Result<Vec<String>, ReadError> {
        match self.optional(key) {
            Some(list) => list.items()?.iter().map(Node::text).collect(),
            None => Ok(Vec::new()),
        }
    }

    /// The value of the singular member and those of the plural one.
    fn one_and_many(&self, one: &str, many: &str) -> Result<Vec<String>, ReadError> {
        let mut values = self.texts(many)?;
        if let Some(single) = self.optional(one) {
            let text = single.text()?;
            if !text.is_empty() {
                values.push(text);
            }
        }
        if values.is_empty() {
            Err(self.error(&format!("neither `{one}` nor `{many}` is given")))
        } else {
            Ok(values)
        }
    }

    /// The names at the end of resource ids, plain or as `[resourceId(…, 'name')]`.
    fn ids(&self, key: &str) -> Result<Vec<String>, ReadError> {
        self.texts(key)?.iter().map(|id| Ok(last_name(id))).collect()
    }
}

fn last_name(id: &str) -> String {
    match id.strip_prefix('[').and_then(|e| e.strip_suffix(']')) {
        Some(expression) => {
            let inner = expression.trim_end_matches(')');
            let last = inner.rsplit(", ").next().unwrap_or(inner);
            last.trim_matches('\'').replace("''", "'")
        }
        None => id.rsplit('/').next().unwrap_or(id).to_owned(),
    }
}

fn nsg(resource: &Node<'_>, properties: &Node<'_>) -> Result<Nsg, ReadError> {
    let mut nsg = Nsg { name: resource.member("name")?.text()?, rules: Vec::new() };
    for rule in properties.member("securityRules")?.items()? {
        let p = rule.member("properties")?;
        nsg.rules.push(SecurityRule {
            name: rule.member("name")?.text()?,
            description: p.optional("description").map_or(Ok(String::new()), |d| d.text())?,
            priority: p.member("priority")?.number()?,
            direction: p.member("direction")?.text()?,
            access: p.member("access")?.text()?,
            protocol: p.member("protocol")?.text()?,
            sources: p.one_and_many("sourceAddressPrefix", "sourceAddressPrefixes")?,
            destinations: p.one_and_many("destinationAddressPrefix", "destinationAddressPrefixes")?,
            source_ports: p.one_and_many("sourcePortRange", "sourcePortRanges")?,
            destination_ports: p.one_and_many("destinationPortRange", "destinationPortRanges")?,
        });
    }
    Ok(nsg)
}

fn route_table(resource: &Node<'_>, properties: &Node<'_>) -> Result<RouteTable, ReadError> {
    let disable_bgp =
        properties.optional("disableBgpRoutePropagation").map(|switch| switch.switch()).transpose()?;
    let mut table = RouteTable { name: resource.member("name")?.text()?, disable_bgp, routes: Vec::new() };
    for route in properties.member("routes")?.items()? {
        let p = route.member("properties")?;
        table.routes.push(Route {
            name: route.member("name")?.text()?,
            address_prefix: p.member("addressPrefix")?.text()?,
            next_hop_type: p.member("nextHopType")?.text()?,
            next_hop_address: p.optional("nextHopIpAddress").map(|n| n.text()).transpose()?,
        });
    }
    Ok(table)
}

fn endpoint_policy(resource: &Node<'_>, properties: &Node<'_>) -> Result<EndpointPolicy, ReadError> {
    let mut policy = EndpointPolicy { name: resource.member("name")?.text()?, definitions: Vec::new() };
    for definition in properties.member("serviceEndpointPolicyDefinitions")?.items()? {
        let p = definition.member("properties")?;
        policy.definitions.push(EndpointDefinition {
            name: definition.member("name")?.text()?,
            description: p.optional("description").map_or(Ok(String::new()), |d| d.text())?,
            service: p.member("service")?.text()?,
            resources: p.texts("serviceResources")?,
        });
    }
    Ok(policy)
}

fn group(resource: &Node<'_>, properties: &Node<'_>) -> Result<RuleCollectionGroup, ReadError> {
    let mut group = RuleCollectionGroup {
        name: last_name(&resource.member("name")?.text()?),
        priority: properties.member("priority")?.number()?,
        collections: Vec::new(),
    };
    for collection in properties.member("ruleCollections")?.items()? {
        group.collections.push(rule_collection(&collection)?);
    }
    Ok(group)
}

/// The `ruleCollectionType` of collections of DNAT rules.
const NAT_COLLECTION: &str = "FirewallPolicyNatRuleCollection";

fn rule_collection(collection: &Node<'_>) -> Result<RuleCollection, ReadError> {
    let kind = collection.member("ruleCollectionType")?;
    let rule: fn(&Node<'_>) -> Result<FirewallRule, ReadError> = match kind.text()?.as_str() {
        "FirewallPolicyFilterRuleCollection" => firewall_rule,
        NAT_COLLECTION => nat_rule,
        other => return Err(kind.error(&format!("collections of type {other} are not read"))),
    };
    let rules = collection.member("rules")?.items()?;
    Ok(RuleCollection {
        name: collection.member("name")?.text()?,
        priority: collection.member("priority")?.number()?,
        action: collection.member("action")?.member("type")?.text()?,
        rules: rules.iter().map(rule).collect::<Result<_, _>>()?,
    })
}

fn nat_rule(rule: &Node<'_>) -> Result<FirewallRule, ReadError> {
    let kind = rule.member("ruleType")?;
    match kind.text()?.as_str() {
        "NatRule" => nat_of(rule, "ipProtocols"),
        other => Err(kind.error(&format!("rules of type {other} do not translate addresses"))),
    }
}

/// A DNAT rule; `protocols` is the member that lists them.
fn nat_of(rule: &Node<'_>, protocols: &str) -> Result<FirewallRule, ReadError> {
    let filled = |key: &str| match rule.optional(key) {
        Some(node) => Ok(Some(node.text()?).filter(|text| !text.is_empty())),
        None => Ok(None),
    };
    let translated = match (filled("translatedAddress")?, filled("translatedFqdn")?) {
        (Some(to), None) | (None, Some(to)) => to,
        _ => return Err(rule.error("one of `translatedAddress` and `translatedFqdn` is expected")),
    };
    Ok(FirewallRule::Nat(NatRule {
        name: rule.member("name")?.text()?,
        protocols: rule.texts(protocols)?,
        sources: rule.texts("sourceAddresses")?,
        source_groups: rule.ids("sourceIpGroups")?,
        destinations: rule.texts("destinationAddresses")?,
        ports: rule.texts("destinationPorts")?,
        translated,
        translated_port: rule.member("translatedPort")?.text()?,
    }))
}

/// A collection of DNAT rules as it stands in a template.
pub(in crate::verify) struct NatFound {
    pub(in crate::verify) group: String,
    pub(in crate::verify) name: String,
    pub(in crate::verify) json: String,
    /// Its priority; or why the collection cannot stand in another template.
    pub(in crate::verify) usable: Result<i64, String>,
}

/// All collections of DNAT rules of a template, also where the rest of it cannot be read.
pub(in crate::verify) fn nat_found(bytes: &[u8]) -> Vec<NatFound> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return Vec::new() };
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for resource in list(&document, "resources") {
        for value in list(&resource["properties"], "ruleCollections") {
            if value["ruleCollectionType"] == NAT_COLLECTION {
                let read = read_nat(&value).map(|collection| collection.priority);
                found.push(NatFound {
                    group: last_name(&text(&resource["name"])),
                    name: text(&value["name"]),
                    json: value.to_string(),
                    usable: read.map_err(|error| error.to_string()),
                });
            }
        }
    }
    found
}

/// Reads a collection of DNAT rules alone, which may name nothing else of its template.
fn read_nat(value: &Value) -> Result<RuleCollection, ReadError> {
    if let Some(expression) = local_expression(value) {
        return Err(ReadError::new(
            "collection",
            format!("{expression} means something in its template only"),
        ));
    }
    rule_collection(&Node { value, place: "collection".to_owned() })
}

/// [`read_nat`] from text.
pub(in crate::verify) fn read_nat_text(json: &str) -> Result<RuleCollection, ReadError> {
    let value =
        serde_json::from_str(json).map_err(|error| ReadError::new("collection", error.to_string()))?;
    read_nat(&value)
}

/// An expression that names a parameter, variable or resource of the template around it.
fn local_expression(value: &Value) -> Option<&str> {
    let local = ["parameters(", "variables(", "reference(", "copyIndex("];
    match value {
        Value::String(text) if text.starts_with('[') && !text.starts_with("[[") => {
            local.iter().any(|word| text.contains(word)).then_some(text)
        }
        Value::Array(items) => items.iter().find_map(local_expression),
        Value::Object(members) => members.values().find_map(local_expression),
        _ => None,
    }
}

fn firewall_rule(rule: &Node<'_>) -> Result<FirewallRule, ReadError> {
    let kind = rule.member("ruleType")?;
    match kind.text()?.as_str() {
        "NetworkRule" => network_of(rule, "ipProtocols"),
        "ApplicationRule" => application_of(rule),
        other => Err(kind.error(&format!("rules of type {other} are not read"))),
    }
}

/// A network rule; `protocols` is the member that lists them.
fn network_of(rule: &Node<'_>, protocols: &str) -> Result<FirewallRule, ReadError> {
    Ok(FirewallRule::Network(NetworkRule {
        name: rule.member("name")?.text()?,
        protocols: rule.texts(protocols)?,
        sources: rule.texts("sourceAddresses")?,
        source_groups: rule.ids("sourceIpGroups")?,
        destinations: rule.texts("destinationAddresses")?,
        destination_groups: rule.ids("destinationIpGroups")?,
        fqdns: rule.texts("destinationFqdns")?,
        ports: rule.texts("destinationPorts")?,
    }))
}

fn application_of(rule: &Node<'_>) -> Result<FirewallRule, ReadError> {
    let mut protocols = Vec::new();
    for protocol in rule.member("protocols")?.items()? {
        let port = protocol.member("port")?;
        let number = u16::try_from(port.number()?).map_err(|_| port.error("a port is expected"))?;
        protocols.push((protocol.member("protocolType")?.text()?, number));
    }
    Ok(FirewallRule::Application(ApplicationRule {
        name: rule.member("name")?.text()?,
        sources: rule.texts("sourceAddresses")?,
        source_groups: rule.ids("sourceIpGroups")?,
        protocols,
        fqdns: rule.texts("targetFqdns")?,
        urls: rule.texts("targetUrls")?,
        fqdn_tags: rule.texts("fqdnTags")?,
        web_categories: rule.texts("webCategories")?,
        terminate_tls: rule.optional("terminateTLS").is_some_and(|t| t.value == &Value::Bool(true)),
    }))
}

/// The kinds of classic collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClassicKind {
    Nat,
    Network,
    Application,
}

impl ClassicKind {
    const ALL: [ClassicKind; 3] = [ClassicKind::Nat, ClassicKind::Network, ClassicKind::Application];

    /// The member of a firewall that holds collections of this kind.
    fn key(self) -> &'static str {
        match self {
            ClassicKind::Nat => "natRuleCollections",
            ClassicKind::Network => "networkRuleCollections",
            ClassicKind::Application => "applicationRuleCollections",
        }
    }
}

/// What a template of ours says of a firewall: it is as it was, but for the collections in two variables.
const WITH_VARIABLES: &str = "[union(parameters('firewallProperties'),createObject('networkRuleCollections',\
     concat(parameters('otherNetworkRuleCollections'),variables('networkRuleCollections')),\
     'applicationRuleCollections',\
     concat(parameters('otherApplicationRuleCollections'),variables('applicationRuleCollections'))))]";

/// The classic rules of a firewall; `None` where it has a policy, and rules stand there.
fn classic_firewall(
    template: &Node<'_>,
    resource: &Node<'_>,
    properties: &Node<'_>,
) -> Result<Option<ClassicFirewall>, ReadError> {
    if properties.optional("firewallPolicy").is_some() {
        return Ok(None);
    }
    let mut firewall = ClassicFirewall { name: name_of(template, resource)?, collections: Vec::new() };
    let holder = match properties.value.as_str() {
        None => properties,
        Some(expression) if expression.replace(' ', "") == WITH_VARIABLES => &template.member("variables")?,
        Some(_) => return Err(properties.error("the expression is not read")),
    };
    for kind in ClassicKind::ALL {
        let Some(list) = holder.optional(kind.key()) else { continue };
        for collection in list.items()? {
            firewall.collections.push(classic_collection(&collection, kind)?);
        }
    }
    Ok(Some(firewall))
}

/// The name of a resource; that of a parameter is its default, if it has one.
fn name_of(template: &Node<'_>, resource: &Node<'_>) -> Result<String, ReadError> {
    let name = resource.member("name")?.text()?;
    let parameter = name.strip_prefix("[parameters('").and_then(|rest| rest.strip_suffix("')]"));
    let default = parameter.and_then(|parameter| {
        let known = template.optional("parameters")?.optional(parameter)?.optional("defaultValue")?;
        known.text().ok()
    });
    Ok(default.unwrap_or(name))
}

fn classic_collection(collection: &Node<'_>, kind: ClassicKind) -> Result<RuleCollection, ReadError> {
    let properties = collection.member("properties")?;
    let rule = |rule: &Node<'_>| match kind {
        ClassicKind::Nat => nat_of(rule, "protocols"),
        ClassicKind::Network => network_of(rule, "protocols"),
        ClassicKind::Application => application_of(rule),
    };
    let rules = properties.member("rules")?.items()?;
    Ok(RuleCollection {
        name: collection.member("name")?.text()?,
        priority: properties.member("priority")?.number()?,
        action: properties.member("action")?.member("type")?.text()?,
        rules: rules.iter().map(rule).collect::<Result<_, _>>()?,
    })
}

/// Reads one classic collection that stands alone.
pub(super) fn read_classic_collection(
    value: &Value,
    place: &str,
    kind: ClassicKind,
) -> Result<RuleCollection, ReadError> {
    classic_collection(&Node { value, place: place.to_owned() }, kind)
}
