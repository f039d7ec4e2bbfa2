//! `tagwall batch merge`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::args::Merge;
use crate::cli::{Failure, output};
use crate::site::batch::{Destination, Folder, INDEX, MergeError, Part, SUMMARY, merge};
use crate::site::output::OutputFolder;
use crate::store::plain;

/// So many environments are copied together.
const GROUP: usize = 128;

pub(super) fn run(args: &Merge) -> Result<ExitCode, Failure> {
    let parts = args.dirs.iter().map(|dir| parts_of(dir)).collect::<Result<Vec<_>, _>>()?;
    let parts: Vec<(PathBuf, String, Part)> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        let dirs: Vec<String> = args.dirs.iter().map(|dir| dir.display().to_string()).collect();
        return Err(MergeError::None(dirs.join(", ")).into());
    }
    let homes: BTreeMap<String, PathBuf> = parts
        .iter()
        .flat_map(|(dir, _, part)| part.index.environments.iter().map(|e| (e.name.clone(), dir.clone())))
        .collect();
    let index = merge(parts.into_iter().map(|(_, file, part)| (file, part)).collect())?;
    let out = OutputFolder::new(&args.out);
    let place = Folder::new(&out, None)?;
    let own = fs::canonicalize(&args.out).ok();
    let names: Vec<&String> = homes.keys().collect();
    for group in names.chunks(GROUP) {
        let mut staged = Vec::new();
        for &name in group {
            let dir = &homes[name];
            // What lies there already needs no copy.
            if fs::canonicalize(dir).ok() != own {
                let files = OutputFolder::new(dir).earlier(name)?;
                if !files.is_empty() {
                    staged.extend(place.stage(name, files)?);
                }
            }
        }
        place.commit(staged)?.into_iter().collect::<Result<(), _>>()?;
    }
    place.write_beside(SUMMARY, index.summary().as_bytes())?;
    place.write_beside(INDEX, &index.bytes())?;
    place.take_notes().iter().for_each(|note| output::say(note));
    output::print(&args.printing, &index.counts, |text| {
        writeln!(
            text,
            "{}: {} environments: {}",
            args.out.display(),
            index.counts.environments,
            index.headline()
        )
    })?;
    Ok(ExitCode::from(index.exit_code))
}

/// The results of shards in a folder: where, the file as named, and what it says.
fn parts_of(dir: &Path) -> Result<Vec<(PathBuf, String, Part)>, Failure> {
    let failed = |error: std::io::Error| Failure::Io(format!("{}: {error}", dir.display()));
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("shard-") && name.contains("-of-") && name.ends_with(".json") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let file = path.display().to_string();
        let bytes = plain::read(&path).map_err(|error| Failure::Io(format!("{file}: {error}")))?;
        let part: Part = serde_json::from_slice(&bytes)
            .map_err(|_| Failure::from(MergeError::Unreadable(file.clone())))?;
        Ok((dir.to_owned(), file, part))
    };
    paths.into_iter().map(read).collect()
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Self {
        Failure::Input(error.to_string())
    }
}
