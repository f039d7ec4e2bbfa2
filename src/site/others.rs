//! What others put into generations: Terraform's state and settings, notes. It belongs to the place, not to the
//! generation, and so goes from each generation to the next, back in a rollback, and is not lost with an old one.
//!
//! Whoever works in a folder of a generation keeps working there when the next one is published. What they only then
//! make is found in the old generation by the run after that. To tell it from what was removed in the newer one on
//! purpose, each generation has a list of what came into it, each with the generation that it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{SiteError, failed};
use super::generations::{CARRIED, GENERATIONS, NewGeneration, RECORD, Record, SIGNATURE, Site};
use crate::report::{Listed, MANIFEST};
use crate::store::carry::{self, Found, Other, Own};
use crate::text::sha256_hex;

/// What was found, with the number of the generation that it is in.
type FoundIn = (u64, Found);

impl Site {
    /// What others put into the generations, as far as a new one has to take it along, with the number of the generation
    /// that it is in; and the list of it.
    pub(super) fn others_for(
        &self,
        previous: Option<u64>,
        new: &NewGeneration,
    ) -> Result<(Vec<FoundIn>, Option<Vec<u8>>), SiteError> {
        let Some(previous) = previous else { return Ok((Vec::new(), None)) };
        let own: Own = new.files.keys().map(String::as_str).chain([RECORD, SIGNATURE, CARRIED]).collect();
        let mut all = vec![(previous, self.others_of(previous)?)];
        let mut known: BTreeSet<PathBuf> = all[0].1.others.iter().map(|other| other.path.clone()).collect();
        for number in self.numbers().into_iter().rev().filter(|&number| number != previous) {
            // One that cannot be read is no reason to publish nothing.
            let Ok(mut found) = self.others_of(number) else { continue };
            let taken = self.taken_from(number);
            found.others.retain(|other| {
                let late = !taken.contains(&listed(&other.path)) && !known.contains(&other.path);
                late || other.is_folder()
            });
            // Nor is what somebody left in it.
            drop(leave_out(&mut found, &own));
            if found.others.iter().any(|other| !other.is_folder()) {
                known.extend(found.others.iter().map(|other| other.path.clone()));
                all.push((number, found));
            }
        }
        let same = |path: &Path| {
            let bytes = self.read(previous, &listed(path));
            bytes.is_some() && bytes.as_ref() == new.files.get(&listed(path))
        };
        if let Some(other) = all[0].1.in_the_way(&own, same) {
            return Err(SiteError::OthersFile {
                path: self.folder(previous).join(&other.path).display().to_string(),
                what: other.what(),
                name: own.needs(&other.path),
            });
        }
        let from = |number: u64| move |other: &Other| (listed(&other.path), number);
        let list: BTreeMap<String, u64> =
            all.iter().flat_map(|(number, found)| found.others.iter().map(from(*number))).collect();
        // The rights of folders are those that they have in the generation before, which comes last.
        all.reverse();
        Ok((all, (!list.is_empty()).then(|| json(&list))))
    }

    /// Takes along what came into the generation `from` while `to` was made.
    pub(super) fn carry_late(&self, from: Option<u64>, to: u64) {
        let Some(from) = from else { return };
        // What fails here is found again by the next run.
        if let (Ok(found), Ok(own)) = (self.others_of(from), self.own_of(to))
            && found.in_the_way(&own, |_| true).is_none()
        {
            let _ = found.carry(&self.folder(from), &self.folder(to));
        }
    }

    /// Brings what others put into the generation `from` into an older one that is to be published again. Gives what is
    /// worth saying.
    pub(super) fn carry_back(&self, from: u64, to: &Record) -> Result<Vec<String>, SiteError> {
        let own = own_of(to);
        let mut found = self.others_of(from)?;
        let left = |path: PathBuf| {
            let place = self.folder(from).join(path);
            format!("{} is not taken along: tagwall has a file in its place", place.display())
        };
        let mut notes: Vec<String> = leave_out(&mut found, &own).into_iter().map(left).collect();
        let taken = self.taken_from(to.number);
        for other in found.others.iter().filter(|other| !other.is_folder()) {
            let (newer, older) =
                (self.folder(from).join(&other.path), self.folder(to.number).join(&other.path));
            if fs::symlink_metadata(&older).is_err() || carry::same_file(&newer, &older) {
                continue;
            }
            match taken.contains(&listed(&other.path)) {
                true => fs::remove_file(&older).map_err(failed(&older))?,
                false => self.put_aside(to.number, &other.path, &mut notes)?,
            }
        }
        found.carry(&self.folder(from), &self.folder(to.number))?;
        Ok(notes)
    }

    /// Sees to it that nothing is lost with a generation that is about to be removed. Says whether it can be.
    pub(super) fn save_others(&self, number: u64, notes: &mut Vec<String>) -> Result<bool, SiteError> {
        let folder = self.folder(number);
        let found = match self.record(number).map(|record| own_of(&record)) {
            Ok(own) => carry::look(&folder, &own)?,
            Err(_) => {
                notes.push(format!(
                    "{} is not removed: its {RECORD} cannot be read, so that it is not known which files in it others \
                     made; remove it by hand",
                    folder.display()
                ));
                return Ok(false);
            }
        };
        if let Some(lock) = found.others.iter().find(|other| other.is_state_lock()) {
            let lock = folder.join(&lock.path);
            notes.push(format!(
                "{} is not removed yet: Terraform is at work there; if it is not, remove {}",
                folder.display(),
                lock.display()
            ));
            return Ok(false);
        }
        let current = self.current_number()?.map(|current| self.folder(current));
        let taken = self.taken_from(number);
        for other in found.others.iter().filter(|other| !other.is_folder()) {
            let same =
                |current: &PathBuf| carry::same_file(&folder.join(&other.path), &current.join(&other.path));
            if !taken.contains(&listed(&other.path)) && !current.as_ref().is_some_and(same) {
                self.put_aside(number, &other.path, notes)?;
            }
        }
        Ok(true)
    }

    /// Moves what others made out of a generation, to where nothing is ever removed.
    fn put_aside(&self, number: u64, path: &Path, notes: &mut Vec<String>) -> Result<(), SiteError> {
        let root = self.out().join(GENERATIONS);
        let place = (0..)
            .map(|n| {
                root.join(format!("kept-{number}{}", if n == 0 { String::new() } else { format!("-{n}") }))
            })
            .map(|folder| folder.join(path))
            .find(|place| fs::symlink_metadata(place).is_err())
            .expect("there is a number that is free");
        let folder = place.parent().unwrap_or(&root);
        fs::create_dir_all(folder).map_err(failed(folder))?;
        fs::rename(self.folder(number).join(path), &place).map_err(failed(&place))?;
        let text = "was only in generation";
        notes.push(format!("{} {text} {number}, and is kept in {}", path.display(), place.display()));
        Ok(())
    }

    /// What in a generation is none of tagwall's, without the locks of a Terraform that is at work there.
    fn others_of(&self, number: u64) -> Result<Found, SiteError> {
        let mut found = carry::look(&self.folder(number), &self.own_of(number)?)?;
        found.others.retain(|other| !other.is_state_lock());
        Ok(found)
    }

    /// What tagwall made in a generation: by its record, or else by the manifests in it.
    fn own_of(&self, number: u64) -> Result<Own, SiteError> {
        if let Ok(record) = self.record(number) {
            return Ok(own_of(&record));
        }
        let mut names: Vec<String> =
            [RECORD, SIGNATURE, CARRIED, "changes.md", "changes.json"].map(str::to_owned).to_vec();
        let root = self.folder(number);
        for entry in fs::read_dir(&root).map_err(failed(&root))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let manifest = self.read(number, &format!("{name}/{MANIFEST}"));
            let policy = self.read(number, &format!("{name}/{}", crate::report::POLICY_COPY));
            if let Some(listed) = manifest.and_then(|bytes| Listed::read(&bytes).ok()) {
                names.extend(listed.names(policy.as_deref()).iter().map(|file| format!("{name}/{file}")));
                names.push(format!(".state/{name}.json"));
            }
        }
        names.push(super::memory::HELD.to_owned());
        Ok(names.into_iter().collect())
    }

    /// What any later generation has from the generation `number`.
    fn taken_from(&self, number: u64) -> BTreeSet<String> {
        let later = self.numbers().into_iter().filter(|&later| later > number);
        let lists = later.flat_map(|later| self.carried_into(later));
        lists.filter(|(_, from)| *from == number).map(|(path, _)| path).collect()
    }

    fn carried_into(&self, number: u64) -> BTreeMap<String, u64> {
        let Ok(record) = self.record(number) else { return BTreeMap::new() };
        let bytes = self.read(number, CARRIED).filter(|b| record.files.get(CARRIED) == Some(&sha256_hex(b)));
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// Takes out what has the place of an own file, with all below it. Gives the paths.
fn leave_out(found: &mut Found, own: &Own) -> Vec<PathBuf> {
    let mut left = Vec::new();
    while let Some(other) = found.in_the_way(own, |_| false) {
        let path = other.path.clone();
        found.others.retain(|other| !other.path.starts_with(&path));
        left.push(path);
    }
    left
}

fn json(list: &BTreeMap<String, u64>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(list).expect("texts always serialise");
    bytes.push(b'\n');
    bytes
}

fn own_of(record: &Record) -> Own {
    record.files.keys().map(String::as_str).chain([RECORD, SIGNATURE]).collect()
}

/// A path as it stands in lists, with `/` between folders.
fn listed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
