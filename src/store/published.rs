//! [`Published`]: what lies in a folder, as whoever deploys from it finds it; nothing is written.
//!
//! Knows three forms: a folder that `refresh` publishes to, one generation of it or one environment in that, and what
//! `generate` wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::site::{CURRENT, RECORD, Record, SIGNATURE};
use crate::report::{MANIFEST, POLICY_COPY, catalog_copy};
use crate::text::sha256_hex;

/// Files by their paths, with `/` between folders.
type Files = BTreeMap<String, Vec<u8>>;

/// The content of a published folder, read whole.
#[derive(Debug, Clone)]
pub struct Published {
    root: PathBuf,
    files: Files,
    record: Option<Result<Record, String>>,
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
}

impl Published {
    /// Reads what is published in `folder`, which may be a link.
    ///
    /// # Errors
    /// [`PublishedError`]. Damage is no error; see [`Published::differences`].
    pub fn read(folder: &Path) -> Result<Self, PublishedError> {
        let real = |path: &Path| path.canonicalize().map_err(failed(path));
        let folder = real(folder)?;
        if std::fs::symlink_metadata(folder.join(CURRENT)).is_ok_and(|meta| meta.is_symlink()) {
            return Self::generation(real(&folder.join(CURRENT))?, None);
        }
        if folder.join(RECORD).exists() {
            return Self::generation(folder, None);
        }
        if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name())
            && parent.join(RECORD).exists()
        {
            return Self::generation(parent.to_owned(), Some(&name.to_string_lossy()));
        }
        Self::environments_in(&folder)
    }

    /// A generation, or the one environment `only` of it.
    fn generation(root: PathBuf, only: Option<&str>) -> Result<Self, PublishedError> {
        let mut files = tree(&root)?;
        let record: Result<Record, String> =
            serde_json::from_slice(files.get(RECORD).map_or(&[][..], Vec::as_slice))
                .map_err(|error| format!("{RECORD}: is not one of tagwall's: {error}"));
        let listed = record.iter().flat_map(|record| record.files.keys());
        let mut environments: BTreeSet<String> =
            listed.chain(files.keys()).filter_map(|path| environment_of(path)).collect();
        if let Some(only) = only {
            environments.retain(|name| name == only);
            let own = |name: &String| [RECORD, SIGNATURE].contains(&name.as_str()) || name.starts_with('.');
            files.retain(|name, _| own(name) || name.split('/').next() == Some(only));
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
        Ok(Published { root, files, record: Some(record), environments: environments.into_iter().collect() })
    }

    /// What `generate` wrote: one environment, or a folder of several.
    fn environments_in(folder: &Path) -> Result<Self, PublishedError> {
        let foreign = || PublishedError::Foreign(folder.display().to_string());
        let (root, environments) = if folder.join(MANIFEST).exists() {
            let name = folder.file_name().ok_or_else(foreign)?.to_string_lossy().into_owned();
            (folder.parent().unwrap_or(folder).to_owned(), vec![name])
        } else {
            let entries = std::fs::read_dir(folder).map_err(failed(folder))?;
            let names = entries.flatten().filter(|e| e.path().join(MANIFEST).exists());
            let mut names: Vec<String> =
                names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
            // What begins with a dot is written at this moment, or was left by a run that died.
            names.retain(|name| !name.starts_with('.'));
            names.sort_unstable();
            (folder.to_owned(), names)
        };
        if environments.is_empty() {
            return Err(foreign());
        }
        let mut files = Files::new();
        for name in &environments {
            let own = tree(&root.join(name))?;
            files.extend(own.into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        }
        Ok(Published { root, files, record: None, environments })
    }

    /// Every environment in it, in order of names.
    pub fn environments(&self) -> impl Iterator<Item = PublishedEnvironment<'_>> {
        self.environments.iter().map(|name| {
            let start = format!("{name}/");
            let own =
                self.files.iter().filter_map(|(path, b)| Some((path.strip_prefix(&start)?, b.as_slice())));
            PublishedEnvironment { folder: self.root.join(name), name, files: own.collect() }
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

    /// How the files differ from what the generation's record lists: changed, missing, too many. Nothing where there
    /// is no record.
    ///
    /// The program's own notes, whose names begin with a dot, may be missing all together: copies elsewhere lack them.
    pub fn differences(&self) -> Vec<String> {
        let record = match &self.record {
            None => return Vec::new(),
            Some(Err(text)) => return vec![text.clone()],
            Some(Ok(record)) => record,
        };
        let has_notes = self.files.keys().any(|name| name.starts_with('.'));
        let mut found = Vec::new();
        for (name, sum) in &record.files {
            match self.files.get(name) {
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

/// Every file below `root`, whatever its name. Folders behind links are not entered, since a link can lead back; they
/// and what is no file, such as a pipe, count as files without content, which tagwall never writes.
fn tree(root: &Path) -> Result<Files, PublishedError> {
    let mut files = Files::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, start)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
            let entry = entry.map_err(failed(&folder))?;
            let path = entry.path();
            let name = format!("{start}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed(&path))?.is_dir() {
                folders.push((path, format!("{name}/")));
            } else {
                let bytes =
                    if path.is_file() { std::fs::read(&path).map_err(failed(&path))? } else { Vec::new() };
                files.insert(name, bytes);
            }
        }
    }
    Ok(files)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PublishedError {
    let path = path.display().to_string();
    move |error| PublishedError::Io { path, error }
}
