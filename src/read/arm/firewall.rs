//! Rules of firewalls: in the groups of a policy, and classic ones.

use super::super::error::{ReadError, Wrong};
use super::super::node::Node;
use super::resource::ip_groups;
use crate::read::resources::{
    ApplicationRule, ClassicFirewall, FirewallRule, NatRule, NetworkRule, RuleCollection, RuleCollectionGroup,
};

/// What a template says of a firewall with classic rules: it is as it was, but for the collections in two variables.
pub(crate) const WITH_VARIABLES: &str = "union(parameters('firewallProperties'), createObject(\
     'networkRuleCollections', concat(parameters('otherNetworkRuleCollections'), \
     variables('networkRuleCollections')), \
     'applicationRuleCollections', concat(parameters('otherApplicationRuleCollections'), \
     variables('applicationRuleCollections'))))";

/// The `ruleCollectionType` of collections of DNAT rules, and of the others.
pub(super) const NAT_COLLECTION: &str = "FirewallPolicyNatRuleCollection";
const FILTER_COLLECTION: &str = "FirewallPolicyFilterRuleCollection";

pub(super) fn group(name: String, properties: &Node<'_>) -> Result<RuleCollectionGroup, ReadError> {
    properties.whole(|properties| {
        let priority = properties.member("priority")?.number()?;
        let list = properties.member("ruleCollections")?;
        let collections = list.items()?.iter().map(rule_collection).collect::<Result<_, _>>()?;
        Ok(RuleCollectionGroup { name, priority, collections })
    })
}

pub(super) fn rule_collection(collection: &Node<'_>) -> Result<RuleCollection, ReadError> {
    collection.whole(|collection| {
        let kind = collection.member("ruleCollectionType")?;
        let (actions, rule): (&[&str], Rule) = match kind.text()?.as_str() {
            FILTER_COLLECTION => (&["Allow", "Deny"], firewall_rule),
            NAT_COLLECTION => (&["DNAT", "Dnat"], nat_rule),
            other => return Err(kind.error(Wrong::Type("collections", other))),
        };
        let rules = collection.member("rules")?;
        Ok(RuleCollection {
            name: collection.member("name")?.text()?,
            priority: collection.member("priority")?.number()?,
            action: action(collection, actions)?,
            rules: rules.items()?.iter().map(|each| rule(each)).collect::<Result<_, _>>()?,
        })
    })
}

/// The words of the protocols of DNAT and network rules.
const PROTOCOLS: [&str; 4] = ["TCP", "UDP", "ICMP", "Any"];

type Rule = fn(&Node<'_>) -> Result<FirewallRule, ReadError>;

fn action(collection: &Node<'_>, words: &[&str]) -> Result<String, ReadError> {
    collection.member("action")?.whole(|action| action.member("type")?.word(words))
}

fn nat_rule(rule: &Node<'_>) -> Result<FirewallRule, ReadError> {
    let kind = rule.member("ruleType")?;
    match kind.text()?.as_str() {
        "NatRule" => nat_of(rule, "ipProtocols"),
        other => Err(kind.error(format_args!("rules of type {other} do not translate addresses"))),
    }
}

fn firewall_rule(rule: &Node<'_>) -> Result<FirewallRule, ReadError> {
    let kind = rule.member("ruleType")?;
    match kind.text()?.as_str() {
        "NetworkRule" => network_of(rule, "ipProtocols"),
        "ApplicationRule" => application_of(rule, false),
        other => Err(kind.error(Wrong::Type("rules", other))),
    }
}

/// A DNAT rule; `protocols` is the member that lists them.
fn nat_of(rule: &Node<'_>, protocols: &str) -> Result<FirewallRule, ReadError> {
    rule.whole(|rule| {
        rule.description()?;
        let filled = |key: &str| match rule.optional(key) {
            Some(node) => Ok(Some(node.kept_text()?).filter(|text| !text.is_empty())),
            None => Ok(None),
        };
        let translated = match (filled("translatedAddress")?, filled("translatedFqdn")?) {
            (Some(to), None) | (None, Some(to)) => to,
            _ => return Err(rule.error("one of `translatedAddress` and `translatedFqdn` is expected")),
        };
        Ok(FirewallRule::Nat(NatRule {
            name: rule.member("name")?.text()?,
            protocols: rule.words(protocols, &PROTOCOLS)?,
            sources: rule.kept_texts("sourceAddresses")?,
            source_groups: ip_groups(rule, "sourceIpGroups")?,
            destinations: rule.kept_texts("destinationAddresses")?,
            ports: rule.kept_texts("destinationPorts")?,
            translated,
            translated_port: rule.member("translatedPort")?.kept_text()?,
        }))
    })
}

/// A network rule; `protocols` is the member that lists them.
fn network_of(rule: &Node<'_>, protocols: &str) -> Result<FirewallRule, ReadError> {
    rule.whole(|rule| {
        rule.description()?;
        Ok(FirewallRule::Network(NetworkRule {
            name: rule.member("name")?.text()?,
            protocols: rule.words(protocols, &PROTOCOLS)?,
            sources: rule.texts("sourceAddresses")?,
            source_groups: ip_groups(rule, "sourceIpGroups")?,
            destinations: rule.texts("destinationAddresses")?,
            destination_groups: ip_groups(rule, "destinationIpGroups")?,
            fqdns: rule.texts("destinationFqdns")?,
            ports: rule.texts("destinationPorts")?,
        }))
    })
}

/// An application rule. A classic one knows neither URLs nor web categories, and looks into no TLS.
fn application_of(rule: &Node<'_>, classic: bool) -> Result<FirewallRule, ReadError> {
    rule.whole(|rule| {
        rule.description()?;
        let more = |key: &str| if classic { Ok(Vec::new()) } else { rule.texts(key) };
        let inspected = if classic { None } else { rule.optional("terminateTLS") };
        let protocols = rule.member("protocols")?;
        Ok(FirewallRule::Application(ApplicationRule {
            name: rule.member("name")?.text()?,
            sources: rule.texts("sourceAddresses")?,
            source_groups: ip_groups(rule, "sourceIpGroups")?,
            protocols: protocols.items()?.iter().map(protocol).collect::<Result<_, _>>()?,
            fqdns: rule.texts("targetFqdns")?,
            urls: more("targetUrls")?,
            fqdn_tags: rule.texts("fqdnTags")?,
            web_categories: more("webCategories")?,
            terminate_tls: inspected.map_or(Ok(false), |t| t.switch())?,
        }))
    })
}

/// A protocol of an application rule, with its port.
fn protocol(protocol: &Node<'_>) -> Result<(String, u16), ReadError> {
    protocol.whole(|protocol| {
        let port = protocol.member("port")?;
        let number = u16::try_from(port.number()?).map_err(|_| port.error("a port is expected"))?;
        Ok((protocol.member("protocolType")?.word(&["Http", "Https"])?, number))
    })
}

/// The kinds of classic collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClassicKind {
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

/// The firewall that has the collections in `holder`, its properties or the variables of a template of ours.
pub(super) fn classic(name: String, holder: &Node<'_>) -> Result<ClassicFirewall, ReadError> {
    let mut firewall = ClassicFirewall { name, collections: Vec::new() };
    for kind in ClassicKind::ALL {
        let Some(list) = holder.optional(kind.key()) else { continue };
        for collection in list.items()? {
            firewall.collections.push(classic_collection(&collection, kind)?);
        }
    }
    Ok(firewall)
}

/// The classic rules of a firewall of others; `None` where it has a policy, and rules stand there. A name that is a
/// parameter is its default, if it has one.
pub(super) fn foreign_classic(
    top: &Node<'_>,
    resource: &Node<'_>,
    properties: &Node<'_>,
) -> Result<Option<ClassicFirewall>, ReadError> {
    if properties.optional("firewallPolicy").is_some() {
        return Ok(None);
    }
    let name = resource.member("name")?;
    let parameter = name.code().and_then(|code| code.strip_prefix("parameters('")?.strip_suffix("')"));
    let default = parameter.and_then(|parameter| {
        let parameters = top.optional("parameters")?;
        let parameter = parameters.optional(parameter)?;
        let default = parameter.optional("defaultValue")?;
        default.text().ok()
    });
    let name = default.map_or_else(|| name.text(), Ok)?;
    match properties.code() {
        None => properties.whole(|properties| classic(name, properties)).map(Some),
        Some(code) if code == WITH_VARIABLES => classic(name, &top.member("variables")?).map(Some),
        Some(_) => Err(properties.error("the expression is not read")),
    }
}

fn classic_collection(collection: &Node<'_>, kind: ClassicKind) -> Result<RuleCollection, ReadError> {
    let rule = |rule: &Node<'_>| match kind {
        ClassicKind::Nat => nat_of(rule, "protocols"),
        ClassicKind::Network => network_of(rule, "protocols"),
        ClassicKind::Application => application_of(rule, true),
    };
    collection.whole(|collection| {
        let name = collection.member("name")?.text()?;
        collection.member("properties")?.whole(|properties| {
            let rules = properties.member("rules")?;
            Ok(RuleCollection {
                name,
                priority: properties.member("priority")?.number()?,
                action: action(properties, &["Allow", "Deny"])?,
                rules: rules.items()?.iter().map(rule).collect::<Result<_, _>>()?,
            })
        })
    })
}
