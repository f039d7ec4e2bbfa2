//! Templates as tagwall writes them: every part is read, and any other is an error.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::super::error::{ReadError, Wrong};
use super::super::node::{Document, Mode, Node};
use super::super::tree::Tree;
use super::firewall::{self, WITH_VARIABLES};
use super::resource::{IP_GROUPS, ResourceId, endpoint_policy, ip_group, nsg, quoted_text, route_table};
use crate::read::resources::{Resources, Setting, SettingKind};
use crate::target::ApiVersion;

pub(crate) const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
pub(crate) const CONTENT_VERSION: &str = "1.0.0.0";

/// How many IP groups Azure updates at once. Source: azure-docs, firewall/ip-groups.md, 2026-03-28.
pub(crate) const GROUPS_AT_ONCE: usize = 20;

const NSGS: &str = "Microsoft.Network/networkSecurityGroups";
const ROUTE_TABLES: &str = "Microsoft.Network/routeTables";
const ENDPOINT_POLICIES: &str = "Microsoft.Network/serviceEndpointPolicies";
pub(crate) const GROUPS: &str = "Microsoft.Network/firewallPolicies/ruleCollectionGroups";
/// The name of the firewall policy, which is a parameter.
pub(crate) const POLICY_NAME: &str = "parameters('firewallPolicyName')";
const FIREWALLS: &str = "Microsoft.Network/azureFirewalls";

/// Reads a template; `text` is what names in the tree are pieces of.
pub(crate) fn read(name: impl Display, text: &str, tree: &Tree<'_>) -> Result<Resources, ReadError> {
    let place = format!("{name}: template");
    let document = Document::new(&place, text, Mode::Own);
    Node::top(&document, tree).whole(|top| {
        top.member("$schema")?.is_text(SCHEMA)?;
        top.member("contentVersion")?.is_text(CONTENT_VERSION)?;
        let parameters = top.member("parameters")?;
        let list = top.member("resources")?;
        let mut template = Template {
            top,
            parameters: &parameters,
            waited: BTreeMap::new(),
            resources: Resources::default(),
        };
        let resources = list.items()?;
        if resources.is_empty() {
            return Err(list.error("at least one resource is expected"));
        }
        for resource in &resources {
            resource.whole(|resource| template.resource(resource))?;
        }
        // What no resource names is none of ours.
        parameters.close()?;
        Ok(template.resources)
    })
}

/// Refuses a version of the API under which members may mean something else than they are taken for.
pub(crate) fn known_version(text: &str) -> Result<(), Wrong<'_>> {
    ApiVersion::find(text).map(drop).ok_or(Wrong::Version(text))
}

/// Notes the version of a resource, once for each that a file has.
pub(crate) fn template_version(resources: &mut Resources, place: impl Display, value: &str) {
    let (kind, value) = (SettingKind::ApiVersion, value.to_owned());
    if !resources.settings.iter().any(|s| s.kind == kind && s.value == value) {
        resources.settings.push(Setting { place: place.to_string(), kind, value });
    }
}

struct Template<'n> {
    top: &'n Node<'n>,
    parameters: &'n Node<'n>,
    /// Of each type how many resources wait for none, and the ids of those for which none waits yet.
    waited: BTreeMap<String, (usize, Vec<String>)>,
    resources: Resources,
}

impl<'n> Template<'n> {
    fn resource(&mut self, resource: &Node<'_>) -> Result<(), ReadError> {
        let kind = resource.member("type")?;
        let kind_text = kind.text()?;
        let version = resource.member("apiVersion")?;
        let value = version.text()?;
        known_version(&value).map_err(|wrong| version.error(wrong))?;
        template_version(&mut self.resources, version.place(), &value);
        let id = match kind_text.as_str() {
            GROUPS => self.group(resource)?,
            FIREWALLS => self.classic(resource)?,
            _ => self.located(&kind, resource)?,
        };
        // Azure refuses to change more than so many at once.
        let at_once = match kind_text.as_str() {
            IP_GROUPS => GROUPS_AT_ONCE,
            GROUPS => 1,
            _ => usize::MAX,
        };
        let (free, last) = self.waited.entry(kind_text).or_default();
        match resource.optional("dependsOn") {
            None if *free < at_once => *free += 1,
            None => return Err(resource.error("`dependsOn` is missing: the resource before must be done")),
            Some(_) if at_once == usize::MAX => {
                return Err(resource.error("there is no resource to wait for"));
            }
            Some(list) => {
                let items = list.items()?;
                let wanted = |one: &Node<'_>| last.iter().position(|id| one.is_code(id).is_ok());
                match items.as_slice() {
                    [one] => match wanted(one) {
                        Some(at) => drop(last.swap_remove(at)),
                        None => {
                            return Err(one.error("a resource before is expected for which no other waits"));
                        }
                    },
                    _ => return Err(list.error("one resource before is expected, and no other")),
                }
            }
        }
        last.push(id);
        Ok(())
    }

    /// A resource with a name and place of its own.
    fn located(&mut self, kind: &Node<'_>, resource: &Node<'_>) -> Result<String, ReadError> {
        let (kind_text, name) = (kind.text()?, resource.member("name")?.text()?);
        let id = ResourceId::of(&kind_text, &name).to_string();
        self.location(resource)?;
        let properties = resource.member("properties")?;
        let found = &mut self.resources;
        match kind_text.as_str() {
            NSGS => found.nsgs.push(nsg(name, &properties)?),
            ROUTE_TABLES => found.route_tables.push(route_table(name, &properties)?),
            IP_GROUPS => found.ip_groups.push(ip_group(name, &properties)?),
            ENDPOINT_POLICIES => found.endpoint_policies.push(endpoint_policy(name, &properties)?),
            other => {
                return Err(kind.error(format_args!("resources of type {other} are not written by tagwall")));
            }
        }
        Ok(id)
    }

    /// A group in the policy that a parameter names.
    fn group(&mut self, resource: &Node<'_>) -> Result<String, ReadError> {
        let name = resource.member("name")?;
        let within = "format('{0}/{1}', parameters('firewallPolicyName'), '";
        let own = name.code().and_then(|code| quoted_text(code.strip_prefix(within)?.strip_suffix("')")?));
        let own = own.ok_or_else(|| name.error("the name of a group in the firewall policy is expected"))?;
        let policy = self.default("firewallPolicyName", SettingKind::FirewallPolicy)?;
        self.resources.settings.push(policy);
        let properties = resource.member("properties")?;
        self.resources.groups.push(firewall::group(own.clone().into_owned(), &properties)?);
        Ok(ResourceId::inside(GROUPS, POLICY_NAME, &own).to_string())
    }

    /// A firewall that keeps all that it has beside the collections in the variables.
    fn classic(&mut self, resource: &Node<'_>) -> Result<String, ReadError> {
        resource.member("name")?.is_code("parameters('firewallName')")?;
        let name = self.default("firewallName", SettingKind::Firewall)?.value;
        self.location(resource)?;
        for (key, code) in [("zones", "parameters('zones')"), ("tags", "parameters('tags')")] {
            resource.member(key)?.is_code(code)?;
        }
        resource.member("properties")?.is_code(WITH_VARIABLES)?;
        let given = [
            ("zones", "array"),
            ("tags", "object"),
            ("firewallProperties", "object"),
            ("otherNetworkRuleCollections", "array"),
            ("otherApplicationRuleCollections", "array"),
        ];
        for (parameter, kind) in given {
            self.parameter(parameter, kind, |_| Ok(()))?;
        }
        let variables = self.top.member("variables")?;
        for key in ["networkRuleCollections", "applicationRuleCollections"] {
            variables.member(key)?;
        }
        let found = variables.whole(|variables| firewall::classic(name, variables))?;
        self.resources.firewalls.push(found);
        Ok(String::new())
    }

    /// Resources are made where their group is, unless somebody says otherwise.
    fn location(&mut self, resource: &Node<'_>) -> Result<(), ReadError> {
        resource.member("location")?.is_code("parameters('location')")?;
        self.parameter("location", "string", |parameter| {
            parameter.member("defaultValue")?.is_code("resourceGroup().location")
        })
    }

    /// The name that a parameter has where nobody gives another.
    fn default(&self, parameter: &str, kind: SettingKind) -> Result<Setting, ReadError> {
        self.parameter(parameter, "string", |parameter| {
            let default = parameter.member("defaultValue")?;
            Ok(Setting { place: default.place().to_string(), kind, value: default.text()? })
        })
    }

    fn parameter<T>(
        &self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&Node<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.parameters.member(name)?.whole(|parameter| {
            parameter.member("type")?.is_text(kind)?;
            if let Some(metadata) = parameter.optional("metadata") {
                metadata.whole(|metadata| metadata.description())?;
            }
            read(parameter)
        })
    }
}
