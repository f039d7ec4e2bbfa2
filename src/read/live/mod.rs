//! Resources in every dialect that users have: answers of the resource manager, what `az`, PowerShell, the Python SDK
//! and Resource Graph print, templates, Terraform's plans and states, flow logs, and what tagwall itself writes.
//!
//! One layer looks at members under any client's names: any case, `camelCase`, `snake_case` and `PascalCase`, flat or
//! under `properties`, single and plural beside each other; null, empty and absent are one. Content decides what a file
//! is, its name does not. What is read knows its [`Place`]. What is not known stays a text that is no address and no
//! tag, or stands in `incomplete`, so that nothing is proven of it.

mod adopt;
mod broken;
mod expression;
mod firewall;
mod functions;
mod group;
mod model;
mod names;
mod network;
mod own;
mod place;
mod record;
mod route;
mod template;
mod terraform;
mod view;
mod walk;

use std::borrow::Cow;
use std::collections::HashMap;

pub use group::bare_rule_name;
pub use model::{
    FlowTuple, Live, LiveAdminRule, LiveCollection, LiveCollectionGroup, LiveFirewall, LiveFirewallPolicy,
    LiveGroup, LiveInterface, LiveIpGroup, LiveNetwork, LiveRoute, LiveRule, LiveSubnet, LiveTable, Note,
    RecordedAnswer,
};
pub use names::{is_same_resource, last_part, part_of_id};
#[cfg(feature = "store")]
pub(crate) use own::of_resources;
pub use place::{Place, Pointer};
pub use record::flow_tuple;

use super::ReadError;
use super::resources::SecurityRule;
use super::tree::{self, Strings, Tree};
use crate::target::FormatName;
use crate::text::to_utf8;
use view::{Doc, View};
use walk::Walk;

/// Reads files in any dialect, each with the name that places are to have. A file of template parameters is for the
/// templates beside it. A resource that is there twice, in two dialects or files, is read once if its id is the same.
///
/// # Errors
/// Of each file the first place that cannot be read; files that are read have no part in it.
///
/// # Cost
/// Linear in the size of the files; loops of templates end at 2,000,000 values.
///
/// ```
/// use tagwall::read::live::read_live;
/// let printed = br#"{ "name": "web", "type": "microsoft.network/networksecuritygroups",
///   "security_rules": [
///     { "name": "https", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "TCP",
///       "source_address_prefix": "Internet", "source_port_range": "*",
///       "destination_address_prefixes": ["192.0.2.0/24"], "destination_port_ranges": ["443", "8443"] } ] }"#;
/// let found = read_live(&[("web.json", printed)]).unwrap();
/// let rule = &found.groups[0].rules[0];
/// assert_eq!(rule.rule.destination_ports, ["443", "8443"]);
/// assert_eq!(rule.place.to_string(), "web.json:3 /security_rules/0");
/// ```
pub fn read_live(files: &[(&str, &[u8])]) -> Result<Live, Vec<ReadError>> {
    let mut errors = Vec::new();
    // What is UTF-8 already, as nearly all is, is read where it lies.
    let decoded: Vec<(&str, Cow<'_, [u8]>)> =
        files.iter().map(|(name, bytes)| (*name, to_utf8(bytes))).collect();
    let mut texts: Vec<(&str, &str)> = Vec::new();
    for (name, bytes) in &decoded {
        match std::str::from_utf8(bytes) {
            Ok(text) => texts.push((name, text)),
            Err(error) => {
                let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
                errors.push(ReadError::new(format_args!("{name}:{line}"), error));
            }
        }
    }
    let mut documents: Vec<(&str, &str, Tree<'_>)> = Vec::new();
    let mut ours: Vec<(FormatName, Vec<(&str, &str)>)> = Vec::new();
    for (name, text) in &texts {
        match recognise(name, text) {
            Ok(Kind::Json(tree)) => documents.push((name, text, tree)),
            Ok(Kind::Ours(format)) => match ours.iter_mut().find(|(known, _)| *known == format) {
                Some((_, list)) => list.push((name, text)),
                None => ours.push((format, vec![(name, text)])),
            },
            Err(error) => errors.push(error),
        }
    }
    let mut live = Live::default();
    let mut given = HashMap::new();
    documents
        .iter()
        .filter(|(.., tree)| is_parameters(tree))
        .for_each(|(.., tree)| given.extend(template::given(tree)));
    for (name, text, tree) in documents {
        match read_document(name, text, tree, &given) {
            Ok(found) => live.extend(found),
            Err(error) => errors.push(error),
        }
    }
    for (format, list) in &ours {
        match own::read(*format, list) {
            Ok(found) => live.extend(found),
            Err(error) => errors.push(error),
        }
    }
    each_once(&mut live);
    if errors.is_empty() { Ok(live) } else { Err(errors) }
}

/// Whether a text in no format of JSON is in one that tagwall writes.
#[cfg(feature = "cli")]
pub(crate) fn is_ours(name: &str, text: &str) -> bool {
    own::format_of(name, text).is_some()
}

enum Kind<'t> {
    Json(Tree<'t>),
    Ours(FormatName),
}

fn recognise<'t>(name: &str, text: &'t str) -> Result<Kind<'t>, ReadError> {
    let start = text.trim_start();
    if !start.starts_with(['{', '[']) {
        return match own::format_of(name, text) {
            Some(format) => Ok(Kind::Ours(format)),
            None => Err(ReadError::new(format_args!("{name}:1"), own::refusal(text))),
        };
    }
    match tree::parse(text, name, Strings { in_place: true, ..Strings::default() }) {
        Ok(tree) if is_plan(&tree) => Ok(Kind::Ours(FormatName::Json)),
        Ok(tree) => Ok(Kind::Json(tree)),
        Err(error) => Err(broken::with_pointer(name, text, error)),
    }
}

/// Our own plan as JSON.
fn is_plan(tree: &Tree<'_>) -> bool {
    ["schema", "gaps", "lists"].iter().all(|key| template::member(tree, key).is_some())
}

fn is_parameters(tree: &Tree<'_>) -> bool {
    matches!(template::member(tree, "$schema"), Some(Tree::Text(schema))
        if schema.to_ascii_lowercase().contains("deploymentparameters"))
}

fn read_document(
    name: &str,
    text: &str,
    tree: Tree<'_>,
    given: &HashMap<String, Tree<'_>>,
) -> Result<Live, ReadError> {
    let has = |key: &str| template::member(&tree, key).is_some();
    let format = if has("resource") {
        Some(FormatName::TerraformJson)
    } else {
        (has("$schema") || has("contentversion")).then_some(FormatName::Arm)
    };
    // Our own templates are read to the letter by their own reader, also where expressions stand in them.
    let own = || own::read(format?, &[(name, text)]).ok().filter(|found| !found.is_empty());
    let is_marked = ["firewallProperties", "azurerm_"].iter().any(|word| text.contains(word));
    if let Some(found) = is_marked.then(own).flatten() {
        return Ok(found);
    }
    let doc = Doc::new(name, text);
    let mut walk = Walk::default();
    walk.document(&View::top(&doc, &tree), given)?;
    let live = walk.finish();
    // What stands in the document is not needed any more, and our own reader has it as values.
    let may_be_own = own::may_be(format, &tree);
    drop(tree);
    let is_open = !live.incomplete.is_empty()
        || live.groups.iter().any(|group| !group.incomplete.is_empty())
        || live.tables.iter().any(|table| !table.incomplete.is_empty());
    Ok((is_open && !is_marked && may_be_own).then(own).flatten().unwrap_or(live))
}

/// Of resources with one id that say the same only the first is kept.
fn each_once(live: &mut Live) {
    fn keep<T>(list: &mut Vec<T>, id: impl Fn(&T) -> Option<&str>, same: impl Fn(&T, &T) -> bool) {
        let (places, ids): (Vec<usize>, Vec<&str>) =
            list.iter().enumerate().filter_map(|(at, item)| Some((at, id(item)?))).unzip();
        let mut is_kept = vec![true; list.len()];
        for alike in adopt::alike(&ids) {
            let mut known: Vec<usize> = Vec::new();
            for at in alike.into_iter().map(|at| places[at]) {
                is_kept[at] = !known.iter().any(|&own| same(&list[own], &list[at]));
                known.extend(is_kept[at].then_some(at));
            }
        }
        let mut is_kept = is_kept.into_iter();
        list.retain(|_| is_kept.next() != Some(false));
    }
    fn rules(group: &LiveGroup) -> impl Iterator<Item = &SecurityRule> {
        group.rules.iter().map(|r| &r.rule)
    }
    keep(&mut live.groups, |g| g.id.as_deref().filter(|_| !g.effective), |a, b| rules(a).eq(rules(b)));
    fn routes(table: &LiveTable) -> impl Iterator<Item = (&str, &[String], &str)> {
        table.routes.iter().map(|r| (r.name.as_str(), r.prefixes.as_slice(), r.next_hop_type.as_ref()))
    }
    keep(&mut live.tables, |t| t.id.as_deref(), |a, b| routes(a).eq(routes(b)));
    keep(&mut live.ip_groups, |g| g.id.as_deref(), |a, b| a.addresses == b.addresses);
    keep(&mut live.networks, |n| n.id.as_deref(), |a, b| a.space == b.space);
    keep(&mut live.subnets, |s| s.id.as_deref(), |a, b| a.prefixes == b.prefixes);
    keep(&mut live.interfaces, |i| i.id.as_deref(), |a, b| a.addresses == b.addresses);
}
