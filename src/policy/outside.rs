//! Tags that a policy names although no published file holds them: `tag:NAME`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::intent::Intent;
use crate::catalog::{Catalog, ManagedRow, ManagedSide, RemoteSpec};
use crate::tags::{Snapshot, Tag};

/// How a policy forces a name.
const FORCED: &str = "tag:";

/// A name this much like one of the file is a slip of the pen, however it is forced.
const SLIP: f64 = 0.85;

/// The tags that a policy forces, by name in lower case.
#[derive(Default)]
pub(super) struct Outside(BTreeMap<String, Arc<Tag>>);

impl Outside {
    /// Gathers the names that a policy forces and that neither the file has nor anybody knows to be wrong.
    pub(super) fn of(intent: &Intent, catalog: &Catalog, snapshot: &Snapshot) -> Self {
        let allowed = intent.allow.iter().flat_map(|allow| [&allow.to, &allow.from]);
        let denied = intent.deny.iter().flat_map(|deny| [&deny.to, &deny.from]);
        let texts = allowed.chain(denied).chain(intent.groups.values()).flat_map(|texts| texts.as_slice());
        let texts: Vec<&String> = texts.collect();
        let mut names: BTreeSet<String> = texts.iter().filter_map(|text| forced(text)).collect();
        names.extend(kept_by_services(intent, catalog, snapshot));
        let mut tags: BTreeMap<String, Arc<Tag>> = BTreeMap::new();
        for name in names.iter().filter(|name| find(name, catalog, snapshot).is_none()) {
            let number = u16::try_from(tags.len()).unwrap_or(u16::MAX);
            if let Some(tag) = outside(name, catalog, snapshot, number) {
                tags.entry(name.to_ascii_lowercase()).or_insert_with(|| Arc::new(tag));
            }
        }
        let groups: BTreeSet<String> = texts.iter().filter_map(|text| group(text)).collect();
        for name in groups {
            let number = u16::try_from(tags.len()).unwrap_or(u16::MAX);
            tags.entry(name.to_ascii_lowercase())
                .or_insert_with(|| Arc::new(Tag::outside(&name, &["NSG"], number)));
        }
        Outside(tags)
    }

    /// The tag of this name, where it is one of these.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Tag>> {
        self.0.get(&name.to_ascii_lowercase()).cloned()
    }

    /// The tag that `text` forces, where it is one of these.
    pub(super) fn get(&self, text: &str) -> Option<Arc<Tag>> {
        self.0.get(&forced(text).or_else(|| group(text))?.to_ascii_lowercase()).cloned()
    }
}

/// The tags of rules that services keep in their groups, as far as the catalogue knows them to be in no file.
fn kept_by_services(intent: &Intent, catalog: &Catalog, snapshot: &Snapshot) -> Vec<String> {
    let workloads = intent.allow.iter().filter_map(|allow| catalog.workload(allow.workload.as_deref()?));
    let sides = workloads.flat_map(|workload| workload.managed()).flat_map(ManagedRow::sides);
    let tags = sides.filter_map(|side| match side {
        ManagedSide::Spec(RemoteSpec::Tag(name)) => Some(name),
        _ => None,
    });
    tags.filter(|name| catalog.outside(snapshot.cloud(), name).is_some()).collect()
}

/// An application security group as it is written in rules: which machines are in it, no file says.
fn group(text: &str) -> Option<String> {
    match RemoteSpec::parse(text.trim()).ok()? {
        spec @ RemoteSpec::Asg(_) => Some(spec.to_string()),
        _ => None,
    }
}

fn forced(text: &str) -> Option<String> {
    let text = text.trim();
    match RemoteSpec::parse(text).ok()? {
        RemoteSpec::Tag(name) if text.starts_with(FORCED) => Some(name),
        _ => None,
    }
}

fn outside(name: &str, catalog: &Catalog, snapshot: &Snapshot, number: u16) -> Option<Tag> {
    let cloud = snapshot.cloud();
    if let Some(known) = catalog.outside(cloud, name) {
        let spelt = known.spelling(name);
        return (!known.takes.is_empty()).then(|| Tag::outside(&spelt, &known.takes, number));
    }
    let lower = name.to_ascii_lowercase();
    let slip = |tag: &Arc<Tag>| {
        strsim::normalized_damerau_levenshtein(&lower, &tag.name().as_str().to_ascii_lowercase()) >= SLIP
    };
    let wrong = catalog.why_absent(cloud, name).is_some() || snapshot.tags().iter().any(slip);
    (!wrong).then(|| Tag::outside(name, &["NSG", "FW"], number))
}

/// Finds a tag as the file spells it in any case, under any name of its region, or as documents misspell it.
pub(super) fn find<'s>(name: &str, catalog: &Catalog, snapshot: &'s Snapshot) -> Option<&'s Arc<Tag>> {
    let by_region = |name: &str| {
        let (base, ending) = name.split_once('.')?;
        snapshot.tag(&snapshot.regions().find(ending)?.tag_name(base))
    };
    let plain = |name: &str| snapshot.tag(name).or_else(|| by_region(name));
    plain(name).or_else(|| plain(&catalog.alias(name)?.name))
}
