//! Names into things: tags, groups, workloads.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::intent::{Allow, OneOrMany, OptionIntent, PreferName};
use super::name_error::{NameError, TagFile};
use super::network::Network;
use super::note::Note;
use super::outside::Outside;
use super::place::Path;
use super::problem::NeedProblem;
use super::problems::Problems;
use super::rule::Remote;
use crate::addr::AddrSet;
use crate::catalog::{
    Catalog, Context, Date, OptionValue, Prefer, RemoteSpec, ResolveError, Resolved, Workload,
};
use crate::tags::{Region, Snapshot, Tag};
use crate::text::nearest;

/// What names are looked up in.
pub(super) struct Resolver<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) snapshot: &'a Snapshot,
    pub(super) groups: &'a BTreeMap<String, OneOrMany>,
    pub(super) network: &'a Network,
    /// The day whose facts are taken.
    pub(super) as_of: Date,
    /// Tags that the policy forces although no file holds them.
    pub(super) outside: Outside,
}

impl Resolver<'_> {
    /// The remotes that a text stands for. A group stands for all of its own: its addresses are one remote, which
    /// comes with the group's name.
    ///
    /// # Errors
    /// What is wrong, with the nearest names.
    pub(super) fn remotes(
        &self,
        text: &str,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<(Remote, Option<String>)>, NameError> {
        let spec = RemoteSpec::parse(text)?;
        let RemoteSpec::Group(name) = spec else {
            return self.remote_of(text, &spec, notes).map(|r| vec![(r, None)]);
        };
        let Some(members) = self.groups.get(&name) else {
            let nearest = nearest(&name, self.groups.keys().map(String::as_str));
            return Err(NameError::NoGroup { name, nearest });
        };
        let mut remotes = Vec::new();
        let mut addresses = AddrSet::empty();
        for member in members.as_slice() {
            let spec = RemoteSpec::parse(member).map_err(|error| NameError::from(error).in_group(&name))?;
            if let RemoteSpec::Group(inner) = spec {
                return Err(NameError::GroupInGroup { group: name, inner });
            }
            match self.remote_of(member, &spec, notes).map_err(|error| error.in_group(&name))? {
                Remote::Addresses(set) => addresses = addresses.union(&set),
                other => remotes.push((other, None)),
            }
        }
        if !addresses.is_empty() {
            remotes.push((Remote::Addresses(addresses), Some(name.clone())));
        }
        if remotes.is_empty() { Err(NameError::EmptyGroup(name)) } else { Ok(remotes) }
    }

    /// One remote as a policy writes it, which may force a tag that no file holds.
    fn remote_of(&self, text: &str, spec: &RemoteSpec, notes: &mut Vec<Note>) -> Result<Remote, NameError> {
        match self.outside.get(text) {
            Some(tag) => Ok(Remote::Outside(tag)),
            None => self.remote(spec, notes),
        }
    }

    /// One remote that is no group.
    pub(super) fn remote(&self, spec: &RemoteSpec, notes: &mut Vec<Note>) -> Result<Remote, NameError> {
        Ok(match spec {
            RemoteSpec::Tag(name) => Remote::Tag(self.tag(name, notes)?),
            RemoteSpec::Symbol(symbol) => Remote::Symbol(*symbol),
            RemoteSpec::Addresses(set) => Remote::Addresses(set.clone()),
            RemoteSpec::Fqdn(host) => Remote::Fqdn(host.clone()),
            RemoteSpec::FqdnTag(name) => Remote::FqdnTag(self.fqdn_tag(name, notes)?),
            RemoteSpec::Url(url) => Remote::Url(url.clone()),
            RemoteSpec::Any => Remote::Any,
            RemoteSpec::Group(name) => return Err(NameError::GroupHere(name.clone())),
            RemoteSpec::Asg(name) => return Err(NameError::AsgHere(name.clone())),
        })
    }

    /// The spelling of an FQDN tag, which only Azure Firewall's own list has.
    fn fqdn_tag(&self, name: &str, notes: &mut Vec<Note>) -> Result<String, NameError> {
        let Some(spelt) = self.catalog.fqdn_tag(name).and_then(|tag| tag.spelling(name)) else {
            let nearest = self.catalog.nearest_fqdn_tags(name);
            return Err(NameError::NoFqdnTag { name: name.to_owned(), nearest });
        };
        if !spelt.eq_ignore_ascii_case(name) {
            notes.push(Note::FqdnTag { written: name.to_owned(), tag: spelt.clone() });
        }
        Ok(spelt)
    }

    /// Finds a tag: as the file spells it in any case, under any name of its region, or as documents misspell it.
    fn tag(&self, name: &str, notes: &mut Vec<Note>) -> Result<Arc<Tag>, NameError> {
        let written = || name.to_owned();
        if let Some(tag) = self.snapshot.tag(name) {
            // Only spellings that documents really have are worth a word; capitals as such are not.
            if tag.name().as_str() != name
                && let Some(alias) = self.catalog.alias(name)
            {
                notes.push(Note::Alias { written: written(), tag: tag.name().clone(), note: alias.note });
            }
            return self.usable(tag);
        }
        if let Some(tag) = self.by_region_name(name) {
            notes.push(Note::Region { written: written(), tag: tag.name().clone() });
            return self.usable(tag);
        }
        if let Some(alias) = self.catalog.alias(name) {
            let found = self.snapshot.tag(&alias.name).or_else(|| self.by_region_name(&alias.name));
            if let Some(tag) = found {
                notes.push(Note::Alias { written: written(), tag: tag.name().clone(), note: alias.note });
                return self.usable(tag);
            }
        }
        Err(self.unknown_tag(name))
    }

    fn by_region_name(&self, name: &str) -> Option<&Arc<Tag>> {
        let (base, ending) = name.split_once('.')?;
        let region = self.snapshot.regions().find(ending)?;
        self.snapshot.tag(&region.tag_name(base))
    }

    fn usable(&self, tag: &Arc<Tag>) -> Result<Arc<Tag>, NameError> {
        if tag.set().is_empty() {
            return Err(NameError::EmptyTag(tag.name().clone()));
        }
        Ok(tag.clone())
    }

    fn unknown_tag(&self, name: &str) -> NameError {
        let file = TagFile { cloud: self.snapshot.cloud(), change_number: self.snapshot.change_number() };
        // What is known comes before names that only look alike.
        if let Some(why) = self.catalog.why_absent(self.snapshot.cloud(), name) {
            return NameError::Absent { file, name: name.to_owned(), why };
        }
        if let Some((base, ending)) = name.split_once('.')
            && let (Some(tag), Some(region)) = (self.snapshot.tag(base), self.snapshot.regions().find(ending))
        {
            let (region, tag) = (region.clone(), tag.name().clone());
            return NameError::NotForRegion { file, base: base.to_owned(), region, tag };
        }
        NameError::NoTag { file, name: name.to_owned(), nearest: self.snapshot.nearest(name) }
    }

    /// Finds a workload, or says what is near.
    pub(super) fn find_workload(
        &self,
        name: &str,
        place: &Path,
        problems: &mut Problems,
    ) -> Option<&Workload> {
        let found = self.catalog.workload(name);
        if found.is_none() {
            let (name, nearest) = (name.to_owned(), self.catalog.nearest(name));
            problems.at(place.at("workload"), NeedProblem::NoWorkload { name, nearest });
        }
        found
    }

    /// The rows of a workload for one region.
    pub(super) fn rows(
        &self,
        workload: &Workload,
        region: &Region,
        allow: &Allow,
        place: &Path,
        problems: &mut Problems,
    ) -> Option<Resolved> {
        let options = allow.options.iter().map(|(k, v)| (k.clone(), option_value(v))).collect();
        let context = Context {
            cloud: self.snapshot.cloud(),
            region,
            regions: self.snapshot.regions(),
            options: &options,
            prefer: match allow.prefer {
                PreferName::Auto => Prefer::Auto,
                PreferName::Tags => Prefer::Tags,
                PreferName::Fqdns => Prefer::Fqdns,
                PreferName::Both => Prefer::Both,
            },
            without: allow.without.as_slice(),
            with: allow.with.as_slice(),
            as_of: self.as_of,
        };
        match workload.resolve(&context) {
            Ok(resolved) => Some(resolved),
            Err(errors) => {
                errors.into_iter().for_each(|error| problems.at(option_place(place, allow, &error), error));
                None
            }
        }
    }
}

fn option_value(value: &OptionIntent) -> OptionValue {
    match value {
        OptionIntent::Bool(switch) => OptionValue::Bool(*switch),
        OptionIntent::Number(number) => OptionValue::Text(number.to_string()),
        OptionIntent::Text(text) => OptionValue::Text(text.clone()),
        OptionIntent::List(list) => OptionValue::List(list.clone()),
    }
}

/// The place in the policy that an error of the catalogue is about.
fn option_place(place: &Path, allow: &Allow, error: &ResolveError) -> Path {
    match error {
        ResolveError::UnknownRow { list, id, .. } => {
            let texts = if *list == "with" { &allow.with } else { &allow.without };
            match texts.as_slice().iter().position(|t| t == id) {
                Some(index) => place.at(*list).at(index),
                None => place.at(*list),
            }
        }
        ResolveError::UnknownOption { option, .. } | ResolveError::OptionValue { option, .. } => {
            place.at(option.as_str())
        }
        _ => place.at("workload"),
    }
}
