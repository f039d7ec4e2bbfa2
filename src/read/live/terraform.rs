//! What Terraform shows: plans, states, and configuration in JSON.

use std::borrow::Cow;

use super::view::View;
use crate::read::tree::Tree;

/// A resource of Terraform with its attributes.
pub(super) struct Found<'d> {
    /// `azurerm_route_table` and so on.
    pub(super) kind: String,
    /// Its name in the configuration.
    pub(super) local: String,
    pub(super) view: View<'d>,
    /// What is known only after it was applied, in the shape of the attributes.
    pub(super) unknown: Option<&'d Tree<'d>>,
}

/// The resources of a document of Terraform; `None` where it is none.
pub(super) fn resources<'d>(view: &View<'d>) -> Option<Vec<Found<'d>>> {
    let is_terraform = view.own("terraformversion").is_some() || view.own("formatversion").is_some();
    if let Some(changes) = view.own("resourcechanges") {
        return Some(changes.items().iter().filter_map(change).collect());
    }
    let root = view.own("values").or_else(|| view.own("plannedvalues"))?.own("rootmodule");
    if let Some(root) = root {
        let mut found = Vec::new();
        module(&root, &mut found, 0);
        return Some(found);
    }
    is_terraform.then(Vec::new)
}

/// The same for raw state (version 4), recorded states by type and name, and `.tf.json`.
pub(super) fn raw<'d>(view: &View<'d>) -> Option<Vec<Found<'d>>> {
    if let Some(blocks) = view.own("resource").filter(|blocks| is_by_type(blocks)) {
        return Some(by_type(&blocks));
    }
    let resources = view.own("resources")?;
    if view.own("terraformversion").is_some() || view.own("lineage").is_some() {
        return Some(resources.items().iter().flat_map(instances).collect());
    }
    is_by_type(&resources).then(|| by_type(&resources))
}

fn is_by_type(view: &View<'_>) -> bool {
    view.is_map()
        && view.members().any(|(name, _)| name.starts_with("azurerm_") || name.starts_with("azapi_"))
}

fn by_type<'d>(types: &View<'d>) -> Vec<Found<'d>> {
    let mut found = Vec::new();
    for (kind, names) in types.members() {
        for (local, view) in names.members() {
            found.extend(view.items().into_iter().map(|view| Found {
                kind: kind.to_owned(),
                local: local.to_owned(),
                view,
                unknown: None,
            }));
        }
    }
    found
}

fn is_managed(view: &View<'_>) -> bool {
    view.text_of("mode").is_none_or(|mode| mode == "managed")
}

fn instances<'d>(resource: &View<'d>) -> Vec<Found<'d>> {
    let list = resource.own("instances").filter(|_| is_managed(resource));
    let one = |instance: View<'d>| {
        Some(Found {
            kind: resource.own("type")?.text()?,
            local: resource.own("name")?.text()?,
            view: instance.own("attributes")?,
            unknown: None,
        })
    };
    list.map(|list| list.items().into_iter().filter_map(one).collect()).unwrap_or_default()
}

/// How deep modules may nest.
const DEEPEST: usize = 32;

fn module<'d>(view: &View<'d>, found: &mut Vec<Found<'d>>, depth: usize) {
    let all = view.own("resources").map(|list| list.items()).unwrap_or_default();
    found.extend(all.iter().filter(|resource| is_managed(resource)).filter_map(|resource| {
        Some(Found {
            kind: resource.own("type")?.text()?,
            local: resource.own("name")?.text()?,
            view: resource.own("values")?,
            unknown: None,
        })
    }));
    if depth < DEEPEST {
        let children = view.own("childmodules").map(|list| list.items()).unwrap_or_default();
        children.iter().for_each(|child| module(child, found, depth + 1));
    }
}

/// A resource as it is planned to be; none where it is to go.
fn change<'d>(resource: &View<'d>) -> Option<Found<'d>> {
    let change = resource.own("change").filter(|_| is_managed(resource))?;
    Some(Found {
        kind: resource.own("type")?.text()?,
        local: resource.own("name")?.text()?,
        view: change.own("after")?,
        unknown: change.own("afterunknown").map(|unknown| unknown.value),
    })
}

/// Attributes with what is known only later: each such one is an expression. What is known already stays borrowed, and
/// so does a resource of which all is known.
pub(super) fn with_unknown<'t, 'd>(value: &'t Tree<'d>, unknown: &Tree<'d>) -> Cow<'t, Tree<'d>> {
    match (value, unknown) {
        (_, unknown) if !any_unknown(unknown) => Cow::Borrowed(value),
        (_, Tree::Bool(true)) => Cow::Owned(later()),
        (Tree::Map(members), Tree::Map(later_members)) => {
            let known = |name: &str| later_members.iter().find(|(own, _)| own == name);
            let own = members.iter().map(|(name, own)| match known(name) {
                Some((_, later)) => (name.clone(), with_unknown(own, later).into_owned()),
                None => (name.clone(), own.clone()),
            });
            let added = later_members.iter().filter(|(name, later)| {
                *later == Tree::Bool(true) && members.iter().all(|(own, _)| own != name)
            });
            Cow::Owned(Tree::Map(own.chain(added.map(|(name, _)| (name.clone(), later()))).collect()))
        }
        (Tree::Objects(_), _) => Cow::Owned(with_unknown(&value.clone().unfolded(), unknown).into_owned()),
        (_, Tree::Objects(_)) => with_unknown(value, &unknown.clone().unfolded()),
        (Tree::List(items), Tree::List(later)) => {
            let rest = items.iter().skip(later.len()).cloned();
            let all = items.iter().zip(later).map(|(own, later)| with_unknown(own, later).into_owned());
            Cow::Owned(Tree::List(all.chain(rest).collect()))
        }
        (Tree::Texts(texts), Tree::List(marks)) => {
            let mut all = texts.list();
            let unknown = all.iter_mut().zip(marks).filter(|(_, mark)| **mark == Tree::Bool(true));
            unknown.for_each(|(own, _)| *own = later());
            Cow::Owned(Tree::List(all))
        }
        _ => Cow::Borrowed(value),
    }
}

fn later<'d>() -> Tree<'d> {
    Tree::Code(Cow::Borrowed("known after apply"))
}

/// Whether anything in the shape of attributes is known only later.
fn any_unknown(unknown: &Tree<'_>) -> bool {
    match unknown {
        Tree::Bool(later) => *later,
        Tree::List(items) => items.iter().any(any_unknown),
        Tree::Objects(objects) => objects.iter().any(|object| any_unknown(&object)),
        Tree::Map(members) => members.iter().any(|(_, value)| any_unknown(value)),
        _ => false,
    }
}

/// The resource that a reference in configuration leads to, `${azurerm_route_table.main.name}`: its type and name.
pub(super) fn reference(text: &str) -> Option<(&str, &str)> {
    let inner = text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))?;
    let mut parts = inner.split(['.', '[']);
    let (kind, name) = (parts.next()?, parts.next()?);
    kind.starts_with("azurerm_").then_some((kind, name))
}
