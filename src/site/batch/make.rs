//! One environment of a batch: skipped where it is there, else made and written beside its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entry::{Facts, Folder, MadeEnvironment, Status, differing, file, only_tells};
use super::index::{INDEX, Index, SUMMARY};
use super::place::{Destination, DestinationError};
use crate::Error;
use crate::catalog::{Catalog, Date};
use crate::emit::Artefact;
use crate::environment::{Environment, EnvironmentError, Fleet, TextError, tags_of};
use crate::policy::Layers;
use crate::tags::{Cloud, Snapshot};

/// Service tags, and their day where it is known.
#[derive(Debug, Clone)]
pub struct Dated {
    /// The tags.
    pub snapshot: Arc<Snapshot>,
    /// The day whose facts of the catalogue go with them.
    pub day: Option<Date>,
}

/// Why an environment is not made: the exit code and the words.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The exit code.
    pub code: u8,
    /// What is wrong.
    pub text: String,
}

impl From<EnvironmentError> for Fault {
    fn from(error: EnvironmentError) -> Self {
        let code = match &error {
            EnvironmentError::Text(TextError::Io { .. }) => 1,
            EnvironmentError::Stage(error) => error.exit_code(),
            _ => 2,
        };
        Fault { code, text: error.to_string() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault { code: error.exit_code(), text: error.to_string() }
    }
}

impl From<DestinationError> for Fault {
    fn from(error: DestinationError) -> Self {
        Fault { code: error.exit_code(), text: error.to_string() }
    }
}

/// What all environments of a batch have in common.
pub(super) struct Maker<'a, D> {
    pub(super) fleet: &'a Fleet,
    pub(super) data: &'a BTreeMap<Cloud, Dated>,
    pub(super) as_of: Option<Date>,
    pub(super) force: bool,
    pub(super) place: &'a D,
    /// The result before.
    pub(super) before: Option<&'a Index>,
    /// The tags of the result before that hold other addresses now.
    pub(super) changed: &'a BTreeMap<Cloud, BTreeSet<String>>,
}

/// An environment with what waits to get its place.
pub(super) struct Made<S> {
    pub(super) entry: MadeEnvironment,
    pub(super) staged: Option<S>,
}

/// The cloud of an environment whose policy is not read yet.
pub(super) fn cloud_of(layers: &Layers) -> Cloud {
    layers.text_at("cloud").and_then(Cloud::find).unwrap_or(Cloud::Public)
}

impl<D: Destination> Maker<'_, D> {
    /// Makes the environment at `index`.
    pub(super) fn make(&self, index: usize) -> Made<D::Staged> {
        let mut entry = MadeEnvironment {
            name: self.fleet.name(index).to_owned(),
            from: self.fleet.place(index),
            status: Status::Failed,
            exit_code: 0,
            error: None,
            changed: Vec::new(),
            because: Vec::new(),
            notes: Vec::new(),
            made: None,
        };
        // A fault of the program in one environment is no reason to leave the others undone.
        let done =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.try_make(index, &mut entry)));
        let fault = match done {
            Ok(Ok(staged)) => return Made { entry, staged },
            Ok(Err(fault)) => fault,
            Err(_) => {
                Fault { code: 1, text: "the program failed in this environment; please report it".to_owned() }
            }
        };
        entry.status = Status::Failed;
        entry.exit_code = fault.code;
        entry.error = Some(fault.text);
        Made { entry, staged: None }
    }

    fn try_make(&self, index: usize, entry: &mut MadeEnvironment) -> Result<Option<D::Staged>, Fault> {
        check_name(&entry.name)?;
        let layers = self.fleet.layers(index)?;
        let cloud = cloud_of(&layers);
        let Some(data) = self.data.get(&cloud) else {
            return Err(Fault { code: 2, text: format!("there are no service tags of the cloud {cloud}") });
        };
        let earlier = self.place.earlier(&entry.name)?;
        let folder = Folder::read(&earlier);
        let day = self.as_of.or(data.day);
        if let Some(folder) = folder.as_ref().filter(|_| !self.force)
            && is_made(folder, &layers, data, day)
        {
            entry.status = Status::Unchanged;
            entry.made = Some(folder.facts(self.tags(&entry.name, folder, layers, data, day)?));
            return Ok(None);
        }
        let files: Vec<(&str, &[u8])> =
            earlier.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
        let environment = Environment::of(layers)?.at(day)?.upon(&files);
        drop(files);
        let made = environment.generate(&data.snapshot)?;
        entry.notes.extend(made.notes);
        let new = Folder::read(&made.files).expect("a manifest that was just made can be read");
        let facts = new.facts(tags_of(&made.policy).into_iter().collect());
        let differing = differing(&earlier, &made.files);
        entry.changed = differing.iter().filter(|name| !only_tells(name)).cloned().collect();
        entry.status = match (earlier.is_empty(), differing.is_empty(), entry.changed.is_empty()) {
            (true, ..) => Status::New,
            (_, true, _) => Status::Unchanged,
            (_, _, true) => Status::Refreshed,
            _ => Status::Changed,
        };
        if entry.status == Status::New {
            entry.changed.clear();
        } else if let Some(folder) = &folder {
            entry.because = self.causes(cloud, folder, &new, &facts);
        }
        entry.made = Some(facts);
        Ok(self.place.stage(&entry.name, made.files)?)
    }

    /// The tags of an environment that is there: as the result before has them, or else as its policy says.
    fn tags(
        &self,
        name: &str,
        folder: &Folder<'_>,
        layers: Layers,
        data: &Dated,
        day: Option<Date>,
    ) -> Result<Vec<String>, Fault> {
        let known = self.before.and_then(|index| index.entry(name)?.made.as_ref());
        let now = folder.facts(Vec::new());
        let same = |known: &&Facts| {
            known.policy == now.policy && known.data == now.data && known.manifest == now.manifest
        };
        match known.filter(same) {
            Some(known) => Ok(known.tags.clone()),
            None => {
                let environment = Environment::of(layers)?.at(day)?;
                Ok(environment.tags_in_use(&data.snapshot).into_iter().collect())
            }
        }
    }

    /// Why files differ from those before.
    fn causes(&self, cloud: Cloud, old: &Folder<'_>, new: &Folder<'_>, facts: &Facts) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        if let Some(changed) = self.changed.get(&cloud) {
            causes.extend(facts.tags.iter().filter(|tag| changed.contains(*tag)).cloned());
        }
        let (was, is) = (&old.manifest, &new.manifest);
        let others = [
            (old.policy() != new.policy(), "the policy"),
            (was.catalog.version != is.catalog.version, "the catalogue"),
            (was.tagwall != is.tagwall, "the program"),
            (!old.is_whole(), "files that were changed by hand"),
        ];
        causes.extend(others.into_iter().filter(|(differs, _)| *differs).map(|(_, cause)| cause.to_owned()));
        causes
    }
}

/// Whether the folder holds what would be made: of this policy, data, day and program, every file as it was.
fn is_made(folder: &Folder<'_>, layers: &Layers, data: &Dated, day: Option<Date>) -> bool {
    let manifest = &folder.manifest;
    let same_inputs = manifest.tagwall == env!("CARGO_PKG_VERSION")
        && manifest.snapshot.sha256 == data.snapshot.digest()
        && manifest.catalog.version == Catalog::version().to_string()
        && folder.policy() == Some(layers.text().as_bytes());
    same_inputs && as_of(day) == manifest.catalog.as_of && has_catalogs(folder, layers) && folder.is_whole()
}

/// Whether the folder has copies of the policy's own catalogue files as they are now. Where these cannot be read, making
/// the environment says so.
fn has_catalogs(folder: &Folder<'_>, layers: &Layers) -> bool {
    let same = |copy: &Artefact| file(folder.files, &copy.name) == Some(copy.bytes.as_slice());
    !layers.has("catalog")
        || Environment::of(layers.clone()).is_ok_and(|environment| environment.copies().iter().all(same))
}

fn as_of(day: Option<Date>) -> String {
    day.unwrap_or_else(Catalog::version).to_string()
}

/// Names that would lead elsewhere, or are those of the batch's own files. The rest is said when it is made.
fn check_name(name: &str) -> Result<(), Fault> {
    let own = name == INDEX || name == SUMMARY || (name.starts_with("shard-") && name.ends_with(".json"));
    let odd = name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.');
    match (odd, own) {
        (true, _) => Err(Fault { code: 2, text: format!("`{name}` is no name for an environment") }),
        (_, true) => Err(Fault {
            code: 2,
            text: format!("{name} is the name of a file of tagwall's own; take another name"),
        }),
        _ => Ok(()),
    }
}
