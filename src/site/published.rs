//! [`Published`]: what lies in a folder, as whoever deploys from it finds it; nothing is written.
//!
//! Knows three forms: a folder that `refresh` publishes to, one generation of it or one environment in that, and what
//! `generate` wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::generations::{CURRENT, GENERATIONS, RECORD, Record, SIGNATURE};
use crate::read::{Beside, BesideChange, Configuration, is_loaded, is_values};
use crate::report::{Listed, MANIFEST, POLICY_COPY, catalog_copy};
use crate::store::plain;
use crate::text::sha256_hex;

/// Files by their paths, with `/` between folders.
type Files = BTreeMap<String, Vec<u8>>;

/// The content of a published folder: all that tagwall made, and all that could be deployed with it.
#[derive(Debug, Clone)]
pub struct Published {
    root: PathBuf,
    files: Files,
    /// What is no file, such as a link, by its path.
    odd: BTreeMap<String, &'static str>,
    /// What others put there, and nobody deploys.
    beside: BTreeSet<String>,
    /// The variables of Terraform that files of those set.
    sets: BTreeMap<String, Vec<String>>,
    /// What others put there and makes something else of the files, and how.
    changing: BTreeMap<String, BesideChange>,
    record: Option<Result<Record, Damaged>>,
    environments: Vec<String>,
}

/// One environment of a published folder.
#[derive(Debug, Clone)]
pub struct PublishedEnvironment<'a> {
    /// Its folder.
    pub folder: PathBuf,
    /// Name of that folder.
    pub name: &'a str,
    /// Its files by their paths below the folder.
    pub files: BTreeMap<&'a str, &'a [u8]>,
    /// What others put beside them, and nobody deploys: Terraform's state and settings, notes.
    pub beside: Vec<&'a str>,
    /// The variables of Terraform, left open by the files, that some of those set.
    pub sets: BTreeMap<&'a str, &'a [String]>,
}

/// Why a record is none.
#[derive(Debug, Clone, thiserror::Error)]
enum Damaged {
    #[error("{RECORD}: is not one of tagwall's: {0}")]
    Io(Arc<io::Error>),
    #[error("{RECORD}: is not one of tagwall's: {0}")]
    Form(Arc<serde_json::Error>),
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedError {
    /// The system refused to read.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Nothing that tagwall makes is there.
    #[error(
        "{0} has neither {MANIFEST} nor {RECORD}, and so have the folders in it: it was not made by `tagwall generate` \
         or `tagwall refresh`"
    )]
    Foreign(String),
    /// The link of the published generation leads to something else.
    #[error(
        "{0} leads to no generation of this folder: it was not made by `tagwall refresh`; name the folder that it leads \
         to"
    )]
    LeadsOut(String),
}

impl Published {
    /// Reads what is published in `folder`, which may be a link.
    ///
    /// # Errors
    /// [`PublishedError`]. Damage is no error; see [`Published::differences`].
    pub fn read(folder: &Path) -> Result<Self, PublishedError> {
        let real = |path: &Path| path.canonicalize().map_err(failed(path));
        let there = |path: PathBuf| std::fs::symlink_metadata(path).is_ok();
        let folder = real(folder)?;
        let link = folder.join(CURRENT);
        if std::fs::symlink_metadata(&link).is_ok_and(|meta| meta.is_symlink()) {
            let generation = real(&link)?;
            if generation.parent() != Some(&folder.join(GENERATIONS)) {
                return Err(PublishedError::LeadsOut(link.display().to_string()));
            }
            return Self::generation(generation, None);
        }
        if there(folder.join(RECORD)) {
            return Self::generation(folder, None);
        }
        if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name())
            && there(parent.join(RECORD))
        {
            return Self::generation(parent.to_owned(), Some(&name.to_string_lossy()));
        }
        Self::environments_in(&folder)
    }

    /// A generation, or the one environment `only` of it.
    fn generation(root: PathBuf, only: Option<&str>) -> Result<Self, PublishedError> {
        let bytes = match plain::read(&root.join(RECORD)) {
            Err(error) if error.kind() != io::ErrorKind::Other => {
                return Err(failed(&root.join(RECORD))(error));
            }
            other => other.map_err(|error| Damaged::Io(Arc::new(error))),
        };
        let record: Result<Record, Damaged> = bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| Damaged::Form(Arc::new(error))));
        let mut listed: BTreeSet<String> =
            record.iter().flat_map(|record| record.files.keys()).cloned().collect();
        let mut environments: BTreeSet<String> =
            listed.iter().filter_map(|path| environment_of(path)).collect();
        environments.extend(environments_below(&root)?);
        listed.extend([RECORD, SIGNATURE].map(str::to_owned));
        for name in &environments {
            listed.extend(own_names(&root, name));
        }
        let mut tree = Tree::read(&root, &listed, true)?;
        if let Some(only) = only {
            environments.retain(|name| name == only);
            let own = |name: &String| [RECORD, SIGNATURE].contains(&name.as_str()) || name.starts_with('.');
            let wanted = |name: &String| own(name) || name.split('/').next() == Some(only);
            tree.files.retain(|name, _| wanted(name));
            tree.odd.retain(|name, _| wanted(name));
            tree.changing.retain(|name, _| wanted(name));
        }
        if environments.is_empty() {
            let folder = only.map_or(root.clone(), |name| root.join(name));
            return Err(PublishedError::Foreign(folder.display().to_string()));
        }
        let record = record.map(|mut record| {
            record.files.retain(|name, _| {
                name.starts_with('.') || only.is_none_or(|only| name.split('/').next() == Some(only))
            });
            record
        });
        Ok(tree.published(root, Some(record), environments.into_iter().collect()))
    }

    /// What `generate` wrote: one environment, or a folder of several.
    fn environments_in(folder: &Path) -> Result<Self, PublishedError> {
        let foreign = || PublishedError::Foreign(folder.display().to_string());
        let (root, environments) = if std::fs::symlink_metadata(folder.join(MANIFEST)).is_ok() {
            let name = folder.file_name().ok_or_else(foreign)?.to_string_lossy().into_owned();
            (folder.parent().unwrap_or(folder).to_owned(), vec![name])
        } else {
            (folder.to_owned(), environments_below(folder)?)
        };
        if environments.is_empty() {
            return Err(foreign());
        }
        let mut all = Tree::default();
        for name in &environments {
            let start = format!("{name}/");
            let below = |path: String| path.strip_prefix(&start).map(str::to_owned);
            let listed = own_names(&root, name).into_iter().filter_map(below).collect();
            all.add(&start, Tree::read(&root.join(name), &listed, false)?);
        }
        Ok(all.published(root, None, environments))
    }

    /// Every environment in it, in order of names.
    pub fn environments(&self) -> impl Iterator<Item = PublishedEnvironment<'_>> {
        self.environments.iter().map(|name| {
            let start = format!("{name}/");
            let own =
                self.files.iter().filter_map(|(path, b)| Some((path.strip_prefix(&start)?, b.as_slice())));
            let beside = self.beside.iter().filter_map(|path| path.strip_prefix(&start)).collect();
            let sets =
                self.sets.iter().filter_map(|(path, names)| Some((path.strip_prefix(&start)?, &names[..])));
            let (files, sets) = (own.collect(), sets.collect());
            PublishedEnvironment { folder: self.root.join(name), name, files, beside, sets }
        })
    }

    /// The record of the generation, where there is one that can be read.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()?.as_ref().ok()
    }

    /// A file by its path in the generation.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// How the files differ from what the generation's record lists: changed, missing, too many. Without a record, only
    /// what is no file, and what others put there that makes something else of them.
    ///
    /// The program's own notes, whose names begin with a dot, may be missing all together: copies elsewhere lack them.
    pub fn differences(&self) -> Vec<String> {
        let mut found: Vec<String> =
            self.odd.iter().map(|(name, kind)| format!("{name}: is {kind}, not a file")).collect();
        found.extend(self.changing.iter().map(|(name, why)| format!("{name}: {why}")));
        let record = match &self.record {
            None => return found,
            Some(Err(text)) => {
                found.push(text.to_string());
                return found;
            }
            Some(Ok(record)) => record,
        };
        let has_notes = self.files.keys().any(|name| name.starts_with('.'));
        for (name, sum) in &record.files {
            match self.files.get(name) {
                _ if self.odd.contains_key(name) => {}
                Some(bytes) if sha256_hex(bytes) == *sum => {}
                Some(_) => found.push(format!("{name}: was changed after it was published")),
                None if name.starts_with('.') && !has_notes => {}
                None => found.push(format!("{name}: is missing")),
            }
        }
        let known =
            |name: &String| record.files.contains_key(name) || [RECORD, SIGNATURE].contains(&name.as_str());
        let extra = self.files.keys().filter(|name| !known(name));
        found.extend(extra.map(|name| format!("{name}: is not in {RECORD}")));
        found
    }

    /// What a signature of an environment is over: name and bytes of the file that holds the digests of all others,
    /// and name and bytes of the signature if there is one. In a generation that is its record, else the manifest.
    pub fn signed<'a>(&'a self, environment: &'a PublishedEnvironment<'_>) -> Signed<'a> {
        let signature_of = |name: &str| format!("{name}.minisig");
        match &self.record {
            Some(_) => Signed { name: RECORD, bytes: self.file(RECORD), signature: self.file(SIGNATURE) },
            None => Signed {
                name: MANIFEST,
                bytes: environment.files.get(MANIFEST).copied(),
                signature: environment.files.get(signature_of(MANIFEST).as_str()).copied(),
            },
        }
    }
}

/// What a signature is over.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Name of the signed file.
    pub name: &'static str,
    /// Its content, if it is there.
    pub bytes: Option<&'a [u8]>,
    /// The content of the file beside it whose name ends in `.minisig`, if it is there.
    pub signature: Option<&'a [u8]>,
}

impl PublishedEnvironment<'_> {
    /// The copy of the policy, and of as many catalogue files as lie beside it.
    pub fn policy(&self) -> Option<(&[u8], Vec<&[u8]>)> {
        let policy = self.files.get(POLICY_COPY)?;
        let catalogs = (0..).map_while(|index| self.files.get(catalog_copy(index).as_str()).copied());
        Some((policy, catalogs.collect()))
    }

    /// Files that belong here without being artefacts.
    pub fn own_names(&self) -> Vec<&str> {
        let signature = format!("{MANIFEST}.minisig");
        let own = |name: &&str| {
            *name == POLICY_COPY
                || *name == signature
                || (0..self.files.len()).any(|i| *name == catalog_copy(i))
        };
        self.files.keys().copied().filter(own).collect()
    }
}

/// The environment whose manifest `path` is.
fn environment_of(path: &str) -> Option<String> {
    let name = path.strip_suffix(MANIFEST)?.strip_suffix('/')?;
    (!name.contains('/') && !name.starts_with('.')).then(|| name.to_owned())
}

/// The names of the folders in `folder` that have a manifest. What begins with a dot is written at this moment, or was
/// left by a run that died.
fn environments_below(folder: &Path) -> Result<Vec<String>, PublishedError> {
    let entries = std::fs::read_dir(folder).map_err(failed(folder))?.flatten();
    let folders = entries.filter(|e| e.file_type().is_ok_and(|found| found.is_dir()));
    let own = folders.filter(|e| std::fs::symlink_metadata(e.path().join(MANIFEST)).is_ok());
    let names = own.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    Ok(names)
}

/// The paths below `root` of all that tagwall made for the environment `name`, by its manifest.
fn own_names(root: &Path, name: &str) -> Vec<String> {
    let read = |file: &str| plain::read_below(root, &format!("{name}/{file}")).ok();
    let listed = read(MANIFEST).and_then(|bytes| Listed::read(&bytes).ok());
    let names = listed.map(|listed| listed.names(read(POLICY_COPY).as_deref()));
    let copies = [MANIFEST, POLICY_COPY].map(str::to_owned).to_vec();
    let names = names.unwrap_or(copies).into_iter().chain([format!("{MANIFEST}.minisig")]);
    names.map(|file| format!("{name}/{file}")).collect()
}

/// Whether someone who deploys a folder could take up a file that is not in its manifest, or a program that reads it.
/// `path` is that in the environment's folder.
fn deployable(path: &str) -> bool {
    const ENDINGS: [&str; 8] =
        [".arm.json", ".bicep", ".bicepparam", ".tf", ".tf.json", ".sh", ".csv", ".nft"];
    const FOLDERS: [&str; 3] = ["lists", "edl", "azcli"];
    let catalog = path.starts_with("catalog-") && path.ends_with(".toml");
    let own = ["plan.json", "report.md", "report.html", MANIFEST, POLICY_COPY].contains(&path) || catalog;
    match path.split_once('/') {
        None => own || is_loaded(path) || ENDINGS.iter().any(|ending| path.ends_with(ending)),
        Some((folder, _)) => FOLDERS.contains(&folder),
    }
}

/// What lies in a folder.
#[derive(Default)]
struct Tree {
    files: Files,
    odd: BTreeMap<String, &'static str>,
    beside: BTreeSet<String>,
    sets: BTreeMap<String, Vec<String>>,
    changing: BTreeMap<String, BesideChange>,
}

impl Tree {
    /// Looks through `root`: reads what is `listed` and what could be deployed, and only notes the rest, which may be
    /// large. Nothing is followed or waited for: links, and what is no file, such as a pipe, count as files without
    /// content, which tagwall never writes. In a `generation` the first folder is that of an environment.
    fn read(root: &Path, listed: &BTreeSet<String>, generation: bool) -> Result<Tree, PublishedError> {
        let mut tree = Tree::default();
        let mut folders = vec![(root.to_owned(), String::new())];
        while let Some((folder, start)) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
                let entry = entry.map_err(failed(&folder))?;
                let path = entry.path();
                let name = format!("{start}{}", entry.file_name().to_string_lossy());
                let found = entry.file_type().map_err(failed(&path))?;
                let inner =
                    name.split_once('/').filter(|_| generation).map_or(name.as_str(), |(_, inner)| inner);
                let wanted = listed.contains(&name) || deployable(inner);
                if found.is_dir() && listed.contains(&name) {
                    tree.odd.insert(name.clone(), plain::kind(found));
                } else if found.is_dir() && terraforms(&entry.file_name().to_string_lossy()) {
                    tree.beside.insert(format!("{name}/"));
                } else if found.is_dir() {
                    folders.push((path, format!("{name}/")));
                } else if !found.is_file() {
                    tree.odd.insert(name.clone(), plain::kind(found));
                    tree.files.insert(name, Vec::new());
                } else if wanted {
                    tree.files.insert(name, plain::read(&path).map_err(failed(&path))?);
                } else {
                    tree.beside.insert(name);
                }
            }
        }
        tree.settle(listed);
        Ok(tree)
    }

    /// Holds what Terraform would read, and tagwall did not make, against the configuration that it lies beside.
    fn settle(&mut self, listed: &BTreeSet<String>) {
        let others: Vec<String> = self.files.keys().filter(|name| !listed.contains(*name)).cloned().collect();
        for name in others {
            let at = name.rfind('/').map_or(0, |at| at + 1);
            let (folder, base) = name.split_at(at);
            if !is_loaded(base) || self.odd.contains_key(&name) {
                continue;
            }
            let own = self.files.iter().filter(|(path, _)| listed.contains(*path));
            let own = own.filter_map(|(path, b)| Some((path.strip_prefix(folder)?, b.as_slice())));
            let found = Configuration::of(own.filter(|(path, _)| !path.contains('/')))
                .beside(base, &self.files[&name]);
            if is_values(base) || found == Beside::Nothing {
                self.files.remove(&name);
                self.beside.insert(name.clone());
            }
            match found {
                Beside::Nothing => {}
                Beside::Sets(variables) => _ = self.sets.insert(name, variables),
                Beside::Changes(why) => _ = self.changing.insert(name, why),
            }
        }
    }

    /// Takes over another tree, all of whose names begin with `start`.
    fn add(&mut self, start: &str, other: Tree) {
        self.files.extend(other.files.into_iter().map(|(name, bytes)| (format!("{start}{name}"), bytes)));
        self.odd.extend(other.odd.into_iter().map(|(name, kind)| (format!("{start}{name}"), kind)));
        self.beside.extend(other.beside.into_iter().map(|name| format!("{start}{name}")));
        self.sets.extend(other.sets.into_iter().map(|(name, sets)| (format!("{start}{name}"), sets)));
        self.changing.extend(other.changing.into_iter().map(|(name, why)| (format!("{start}{name}"), why)));
    }

    fn published(
        self,
        root: PathBuf,
        record: Option<Result<Record, Damaged>>,
        environments: Vec<String>,
    ) -> Published {
        let Tree { files, odd, beside, sets, changing } = self;
        Published { root, files, odd, beside, sets, changing, record, environments }
    }
}

/// Whether a folder is where Terraform keeps what it downloads, and its states.
fn terraforms(name: &str) -> bool {
    name == ".terraform" || name == "terraform.tfstate.d"
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PublishedError {
    let path = path.display().to_string();
    move |error| PublishedError::Io { path, error }
}
