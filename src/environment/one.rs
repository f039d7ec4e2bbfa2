//! [`Environment`]: policy, catalogue, texts and earlier generation.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;

use super::catalogs;
use super::text::{TextError, read_text};
use crate::Error;
use crate::catalog::{Catalog, Date};
use crate::emit::Artefact;
use crate::pipeline::{self, Generation};
use crate::plan::Previous;
use crate::policy::{self, Layers, Loaded, NotLoaded, PolicySource, Remote, SourceText, cloud_of};
use crate::report::changes::Past;
use crate::report::{self, Manifest};
use crate::store::guard::Thresholds;
use crate::tags::{Cloud, Snapshot};
use crate::text::sha256_hex;
use crate::verify;

/// A policy with all that belongs to it.
#[derive(Clone)]
pub struct Environment {
    source: PolicySource,
    catalog: Arc<Catalog>,
    /// The policy's own catalogue files: name and text, in the order in which it names them.
    catalogs: Vec<(String, String)>,
    previous: Previous,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("file", &self.file())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A file cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Policy or catalogue are wrong.
    #[error(transparent)]
    Stage(#[from] Error),
    /// The copies of a policy's catalogue files are not all there.
    #[error("{file} names {named} catalogue files, and {found} lie beside it")]
    Copies {
        /// The policy.
        file: String,
        /// How many it names.
        named: usize,
        /// How many there are.
        found: usize,
    },
}

impl Environment {
    /// A policy with the texts of the catalogue files that it names, one for each and in the same order.
    ///
    /// # Errors
    /// [`EnvironmentError`] if these are not as many, or wrong.
    pub fn new(source: PolicySource, catalog_texts: Vec<String>) -> Result<Self, EnvironmentError> {
        let names = &source.intent.catalog.files;
        let (named, found) = (names.len(), catalog_texts.len());
        if named != found {
            return Err(EnvironmentError::Copies { file: source.file().to_owned(), named, found });
        }
        let catalogs: Vec<_> = names.iter().cloned().zip(catalog_texts).collect();
        let catalog = catalogs::of(&catalogs, None)?;
        Ok(Environment { source, catalog, catalogs, previous: Previous::default() })
    }

    /// Reads a policy file with what it extends and the catalogue files that it names, each relative to the file that
    /// names it.
    ///
    /// # Errors
    /// [`EnvironmentError`].
    pub fn read(path: &Path) -> Result<Self, EnvironmentError> {
        Environment::read_upon(path, None)
    }

    /// The same; `limits` is the file of limits of policies that have none beside them, such as one of the user's.
    ///
    /// # Errors
    /// [`EnvironmentError`].
    pub fn read_upon(path: &Path, limits: Option<&Path>) -> Result<Self, EnvironmentError> {
        Environment::of(read_layers(path, limits)?)
    }

    /// The environment of a policy that is put together already.
    ///
    /// # Errors
    /// [`EnvironmentError`].
    pub fn of(layers: Layers) -> Result<Self, EnvironmentError> {
        let place = policy::Path::top().at("catalog").at("files");
        let folder = Path::new(layers.file_of(&place)).parent().map(Path::to_owned).unwrap_or_default();
        let source = PolicySource::of(layers).map_err(Error::from)?;
        let texts: Result<Vec<String>, TextError> =
            source.intent.catalog.files.iter().map(|name| read_text(&folder.join(name))).collect();
        Environment::new(source, texts?)
    }

    /// The same with the facts of a day; of the catalogue's own where none is given.
    ///
    /// # Errors
    /// [`EnvironmentError`].
    pub fn at(self, day: Option<Date>) -> Result<Self, EnvironmentError> {
        Ok(match day {
            Some(_) => Environment { catalog: catalogs::of(&self.catalogs, day)?, ..self },
            None => self,
        })
    }

    /// The same upon an earlier generation, given by the names and contents of its files: what still holds of it keeps
    /// its name, priority and place.
    pub fn upon(self, files: &[(&str, &[u8])]) -> Self {
        let previous = verify::earlier(self.name(), files);
        self.upon_previous(previous)
    }

    /// The same upon an earlier generation that is read already.
    pub fn upon_previous(self, previous: Previous) -> Self {
        Environment { previous, ..self }
    }

    /// Makes everything that the policy asks for, with copies of what it was made from; notes about the earlier
    /// generation come first.
    ///
    /// # Errors
    /// As of [`pipeline::generate`].
    pub fn generate(&self, snapshot: &Snapshot) -> Result<Generation, Error> {
        self.generate_after(snapshot, None)
    }

    /// The same for a generation that follows others; see [`pipeline::generate_after`].
    ///
    /// # Errors
    /// As of [`pipeline::generate`].
    pub fn generate_after(&self, snapshot: &Snapshot, past: Option<&Past<'_>>) -> Result<Generation, Error> {
        let previous = Some(&self.previous);
        let mut made = pipeline::generate_after(&self.source, &self.catalog, snapshot, previous, past)?;
        made.files.extend(self.copies());
        made.files.sort_by(|a, b| a.name.cmp(&b.name));
        made.notes.splice(0..0, self.previous.notes.iter().cloned());
        Ok(made)
    }

    /// Proves files that were made earlier; see [`pipeline::reprove`].
    ///
    /// # Errors
    /// As of [`pipeline::reprove`].
    pub fn reprove(
        &self,
        snapshot: &Snapshot,
        claims: &Manifest,
        files: &[(&str, &[u8])],
    ) -> Result<pipeline::Reproof, Error> {
        pipeline::reprove(&self.source, &self.catalog, snapshot, claims, files)
    }

    /// Copies of the policy and of its catalogue files.
    pub fn copies(&self) -> Vec<Artefact> {
        let texts: Vec<&str> = self.catalogs.iter().map(|(_, text)| text.as_str()).collect();
        report::policy_copies(&self.source, &texts)
    }

    /// The policy.
    pub fn source(&self) -> &PolicySource {
        &self.source
    }

    /// The catalogue, with the policy's own files.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The policy's file, as named.
    pub fn file(&self) -> &str {
        self.source.file()
    }

    /// The environment's name. It is checked only when anything is made.
    pub fn name(&self) -> &str {
        &self.source.intent.name
    }

    /// The cloud whose data it needs.
    pub fn cloud(&self) -> Cloud {
        cloud_of(&self.source.intent)
    }

    /// The tags that it uses, by the data in `snapshot`. None where it does not resolve there: then there is nothing
    /// to hold new data against, and making its rules says what is wrong.
    pub fn tags_in_use(&self, snapshot: &Snapshot) -> BTreeSet<String> {
        let Ok(policy) = policy::expand(&self.source, &self.catalog, snapshot) else {
            return BTreeSet::new();
        };
        tags_of(&policy)
    }

    /// The thresholds that it asks for.
    pub fn thresholds(&self) -> Thresholds {
        let refresh = &self.source.intent.refresh;
        Thresholds {
            tags_lost: refresh.max_tags_lost,
            addresses_lost: refresh.max_addresses_lost,
            growth_per_week: refresh.max_growth,
            used_tag_lost: refresh.max_tag_lost,
            used_tag_growth: refresh.max_tag_growth,
        }
    }

    /// How long addresses that the data dropped are let through.
    pub fn hold(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.source.intent.refresh.hold_removed_days))
    }

    /// Digest of the policy's text and of its catalogue files, and of how many dated facts lie before the day that is
    /// asked for: another day alone changes nothing.
    pub fn sha256(&self) -> String {
        let texts = std::iter::once(self.source.text()).chain(self.catalogs.iter().map(|(_, t)| t.as_str()));
        let sums: Vec<String> = texts.map(|text| sha256_hex(text.as_bytes())).collect();
        let day = self.catalog.as_of();
        let past = self.catalog.dated().iter().filter(|fact| fact.date <= day).count();
        sha256_hex(format!("{}{past}", sums.concat()).as_bytes())
    }
}

/// The tags that a policy uses.
pub fn tags_of(policy: &policy::Policy) -> BTreeSet<String> {
    let remotes = policy.flows.iter().map(|f| &f.remote).chain(policy.routes.iter().map(|r| &r.to));
    let tag = |remote: &Remote| match remote {
        Remote::Tag(tag) => Some(tag.name().to_string()),
        _ => None,
    };
    remotes.filter_map(tag).collect()
}

/// The name of a file of limits that all policies of its folder share.
pub const LIMITS: &str = "limits.toml";

/// Reads a policy file with what it extends, each file relative to the one that names it, upon [`LIMITS`] where that lies
/// beside it, or else upon `limits`.
///
/// # Errors
/// [`EnvironmentError`].
pub fn read_layers(path: &Path, limits: Option<&Path>) -> Result<Layers, EnvironmentError> {
    let text = SourceText::new(path.display().to_string(), read_text(path)?);
    let layers = Layers::read(text, &identity(path), &mut load).map_err(Error::from)?;
    let beside = Some(path.with_file_name(LIMITS)).filter(|beside| beside.is_file());
    let limits = beside.or_else(|| limits.map(Path::to_owned));
    let Some(limits) = limits.filter(|limits| identity(limits) != identity(path)) else {
        return Ok(layers);
    };
    let text = SourceText::new(limits.display().to_string(), read_text(&limits)?);
    Ok(layers.upon_limits(text).map_err(Error::from)?)
}

fn load(from: &str, name: &str) -> Result<Loaded, NotLoaded> {
    let path: PathBuf = Path::new(from).parent().unwrap_or(Path::new("")).join(name);
    let text = read_text(&path).map_err(|error| NotLoaded(error.to_string()))?;
    Ok(Loaded { identity: identity(&path), text: SourceText::new(path.display().to_string(), text) })
}

/// What a file is, however it is named.
fn identity(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}
