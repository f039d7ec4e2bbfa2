//! What Terraform shows: plans, states, and configuration in JSON.

use std::borrow::Cow;

use super::view::View;
use crate::read::ReadError;
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

/// What takes one resource after the other: of many small ones never more than one is held.
type Take<'t> = &'t mut dyn FnMut(&Found<'_>) -> Result<(), ReadError>;

/// Goes through the resources of a document of Terraform; whether it is one.
pub(super) fn each(view: &View<'_>, take: Take<'_>) -> Result<bool, ReadError> {
    Ok(resources(view, take)? || raw(view, take)?)
}

fn resources(view: &View<'_>, take: Take<'_>) -> Result<bool, ReadError> {
    if let Some(changes) = view.own("resourcechanges") {
        for item in changes.each() {
            change(&item.view()).iter().try_for_each(&mut *take)?;
        }
        return Ok(true);
    }
    let Some(values) = view.own("values").or_else(|| view.own("plannedvalues")) else { return Ok(false) };
    match values.own("rootmodule") {
        Some(root) => module(&root, take, 0).map(|()| true),
        None => Ok(view.own("terraformversion").is_some() || view.own("formatversion").is_some()),
    }
}

/// The same for raw state (version 4), recorded states by type and name, and `.tf.json`.
fn raw(view: &View<'_>, take: Take<'_>) -> Result<bool, ReadError> {
    if let Some(blocks) = view.own("resource").filter(|blocks| is_by_type(blocks)) {
        return by_type(&blocks, take).map(|()| true);
    }
    let Some(resources) = view.own("resources") else { return Ok(false) };
    if view.own("terraformversion").is_some() || view.own("lineage").is_some() {
        for item in resources.each() {
            instances(&item.view(), take)?;
        }
        return Ok(true);
    }
    if is_by_type(&resources) { by_type(&resources, take).map(|()| true) } else { Ok(false) }
}

fn is_by_type(view: &View<'_>) -> bool {
    view.is_map()
        && view.members().any(|(name, _)| name.starts_with("azurerm_") || name.starts_with("azapi_"))
}

fn by_type(types: &View<'_>, take: Take<'_>) -> Result<(), ReadError> {
    for (kind, names) in types.members() {
        for (local, view) in names.members() {
            for item in view.each() {
                let (kind, local) = (kind.to_owned(), local.to_owned());
                take(&Found { kind, local, view: item.view(), unknown: None })?;
            }
        }
    }
    Ok(())
}

fn is_managed(view: &View<'_>) -> bool {
    view.text_of("mode").is_none_or(|mode| mode == "managed")
}

fn instances(resource: &View<'_>, take: Take<'_>) -> Result<(), ReadError> {
    let Some(list) = resource.own("instances").filter(|_| is_managed(resource)) else { return Ok(()) };
    for item in list.each() {
        found(resource, item.view().own("attributes")).iter().try_for_each(&mut *take)?;
    }
    Ok(())
}

/// A resource with those attributes.
fn found<'d>(resource: &View<'_>, attributes: Option<View<'d>>) -> Option<Found<'d>> {
    let [kind, local] = ["type", "name"].map(|key| resource.own(key).and_then(|view| view.text()));
    Some(Found { kind: kind?, local: local?, view: attributes?, unknown: None })
}

/// How deep modules may nest.
const DEEPEST: usize = 32;

fn module(view: &View<'_>, take: Take<'_>, depth: usize) -> Result<(), ReadError> {
    let list = view.own("resources");
    for item in list.iter().flat_map(View::each) {
        let resource = item.view();
        if is_managed(&resource) {
            found(&resource, resource.own("values")).iter().try_for_each(&mut *take)?;
        }
    }
    if depth < DEEPEST {
        let children = view.own("childmodules").map(|list| list.items()).unwrap_or_default();
        children.iter().try_for_each(|child| module(child, take, depth + 1))?;
    }
    Ok(())
}

/// A resource as it is planned to be; none where it is to go.
fn change<'d>(resource: &View<'d>) -> Option<Found<'d>> {
    let change = resource.own("change").filter(|_| is_managed(resource))?;
    let unknown = change.own("afterunknown").map(|unknown| unknown.value);
    found(resource, change.own("after")).map(|found| Found { unknown, ..found })
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
