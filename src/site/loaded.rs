//! What others put beside files for Terraform that changes what Terraform makes of them.

use std::collections::BTreeSet;
use std::path::Path;

use super::generations::{Record, Site};
use crate::read::{Beside, Configuration, is_loaded};
use crate::report::MANIFEST;
use crate::store::plain;

/// The same for every environment of a generation.
pub(super) fn notes_of(site: &Site, record: &Record) -> Vec<String> {
    let names = record.files.keys().filter_map(|path| path.strip_suffix(MANIFEST)?.strip_suffix('/'));
    let of = |name: &str| {
        let made = record.files.keys().filter_map(|path| path.strip_prefix(name)?.strip_prefix('/'));
        notes(&site.folder(record.number).join(name), made)
    };
    names.flat_map(of).collect()
}

/// What is worth saying of the folder of an environment, in which `made` are tagwall's own files.
pub(super) fn notes<'a>(folder: &Path, made: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let made: BTreeSet<&str> = made.into_iter().collect();
    let read = |name: &str| plain::read(&folder.join(name)).unwrap_or_default();
    let own = made.iter().filter(|name| is_loaded(name));
    // Only what decides about variables is read.
    let own: Vec<(&str, Vec<u8>)> =
        own.map(|&name| (name, if name.starts_with("main.") { read(name) } else { Vec::new() })).collect();
    if own.is_empty() {
        return Vec::new();
    }
    let ours = Configuration::of(own.iter().map(|(name, bytes)| (*name, bytes.as_slice())));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| is_loaded(name) && !made.contains(name.as_str())).collect();
    names.sort_unstable();
    let note = |name: String| match ours.beside(&name, &read(&name)) {
        Beside::Changes(why) => Some(format!(
            "warning: {}: tagwall did not make it, and {}; `tagwall verify` does not pass with it",
            folder.join(&name).display(),
            why
        )),
        Beside::Nothing | Beside::Sets(_) => None,
    };
    names.into_iter().filter_map(note).collect()
}
