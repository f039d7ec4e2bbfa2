//! ARM templates, and what the resource manager answers.

mod firewall;
mod nat;
mod resource;
mod template;

use super::error::{Files, ReadError, Wrong, utf8};
use super::node::{Document, Mode, Node, Remark};
use super::tree::{self, Strings};
use crate::read::resources::{IpGroup, Resources};
use resource::{endpoint_policy, ip_group, last_name, nsg, route_table};

pub(super) use firewall::WITH_VARIABLES;
pub(crate) use nat::{NatFound, nat_found, read_nat_text};
pub(super) use resource::{IP_GROUPS, Quoted, ResourceId};
pub(super) use template::{
    CONTENT_VERSION, GROUPS, POLICY_NAME, SCHEMA, known_version, read as read_template, template_version,
};

/// What was read of a file that others made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// What is understood of it.
    pub resources: Resources,
    /// What is not, and may matter. Empty where everything is understood, and what is not only says what Azure filled
    /// in, as [`READ_ONLY`](super::READ_ONLY) lists it.
    pub remarks: Vec<Remark>,
}

/// Reads a deployment template, or what the resource manager answers, one resource or a page of them: network security
/// groups, route tables, IP groups, rule collection groups, firewalls with classic rules, service endpoint policies.
/// Other resources are passed over, and so are firewalls that have a policy. Names of members and types may be in any
/// case, as for Azure.
///
/// Nothing is passed over in silence: what may matter and is not read stands in the remarks.
///
/// # Errors
/// [`ReadError`] with the place in the document where a member is missing, there twice, or of another form.
///
/// ```
/// use tagwall::read::read_arm;
/// let found = read_arm(br#"{ "type": "Microsoft.Network/routeTables", "name": "r", "etag": "W/1", "properties": {
///     "routes": [ { "name": "all", "properties": { "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet",
///                                                  "hasBgpOverride": true } } ] } }"#)?;
/// assert_eq!(found.resources.route_tables[0].routes[0].address_prefix, "0.0.0.0/0");
/// let remarks: Vec<String> = found.remarks.iter().map(ToString::to_string).collect();
/// assert_eq!(
///     remarks,
///     ["template.properties.routes[0].properties.hasBgpOverride (line 3): the member is not known and may matter"]
/// );
/// # Ok::<(), tagwall::read::ReadError>(())
/// ```
pub fn read_arm(bytes: &[u8]) -> Result<Export, ReadError> {
    read_foreign("template", bytes)
}

fn read_foreign(place: &str, bytes: &[u8]) -> Result<Export, ReadError> {
    let text = utf8(place, bytes)?;
    let document = Document::new(place, text, Mode::Foreign);
    let tree = tree::parse(text, place, Strings { expressions: true, any_case: true, in_place: false })?;
    let resources = foreign(&Node::top(&document, &tree))?;
    Ok(Export { resources, remarks: document.remarks.into_inner() })
}

/// Reads all templates of a folder as tagwall writes them; anything else is an error.
pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        let text = utf8(name, bytes)?;
        let tree = tree::parse(text, name, Strings { expressions: true, any_case: false, in_place: false })?;
        resources.extend(template::read(name, text, &tree)?);
    }
    Ok(resources)
}

/// Reads all templates of a folder as far as they can be understood: what people changed in them is passed over.
pub(super) fn read_changed(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        resources.extend(read_foreign(name, bytes)?.resources);
    }
    Ok(resources)
}

/// What templates and pages have beside resources, and what changes nothing in these.
const AROUND: [&str; 7] =
    ["$schema", "contentVersion", "parameters", "variables", "outputs", "metadata", "functions"];

/// The resources of a file of others: of a template or a page, or the document as the only one.
fn foreign(top: &Node<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for key in AROUND {
        top.optional(key);
    }
    match (top.optional("resources").or_else(|| top.optional("value")), top.optional("type")) {
        (Some(list), _) => {
            for resource in list.items()? {
                foreign_resource(top, &resource, &mut resources)?;
            }
            top.close()?;
        }
        (None, Some(_)) => foreign_resource(top, top, &mut resources)?,
        (None, None) => return Err(top.error("`resources` is missing")),
    }
    Ok(resources)
}

fn foreign_resource(top: &Node<'_>, resource: &Node<'_>, resources: &mut Resources) -> Result<(), ReadError> {
    let kind = resource.member("type")?;
    let name = resource.member("name")?.text()?;
    let properties = resource.member("properties");
    match kind.text()?.to_ascii_lowercase().as_str() {
        "microsoft.network/networksecuritygroups" => resources.nsgs.push(nsg(name, &properties?)?),
        "microsoft.network/routetables" => resources.route_tables.push(route_table(name, &properties?)?),
        "microsoft.network/ipgroups" => {
            let id = resource.optional("id").map(|id| id.text()).transpose()?;
            resources.ip_groups.push(IpGroup { id, ..ip_group(name, &properties?)? });
        }
        "microsoft.network/firewallpolicies/rulecollectiongroups" => {
            resources.groups.push(firewall::group(last_name(&name).into_owned(), &properties?)?);
        }
        "microsoft.network/azurefirewalls" => {
            let Some(found) = firewall::foreign_classic(top, resource, &properties?)? else { return Ok(()) };
            resources.firewalls.push(found);
        }
        "microsoft.network/serviceendpointpolicies" => {
            resources.endpoint_policies.push(endpoint_policy(name, &properties?)?);
        }
        other => {
            kind.remark(Wrong::Type("resources", other));
            return Ok(());
        }
    }
    resource.close()
}
