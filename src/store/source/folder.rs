//! The newest file of a folder, or a file.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::error::SourceError;
use super::{Answer, Body, Validators};
use crate::store::unpack::read_packed;
use crate::store::{date_in_name, plain};
use crate::tags::{Cloud, Snapshot};

pub(super) fn read(path: &Path, cloud: Cloud) -> Result<Answer, SourceError> {
    let file = if fs::metadata(path).map_err(SourceError::file(path))?.is_dir() {
        let newest = newest_of(path, cloud)
            .map_err(SourceError::file(path))?
            .ok_or_else(|| SourceError::NoneOfCloud { folder: path.to_owned(), cloud })?;
        // Nobody named it: a pipe would have to be waited for.
        let found = fs::metadata(&newest).map_err(SourceError::file(&newest))?.file_type();
        if !found.is_file() {
            return Err(SourceError::NoFile { path: newest, kind: plain::kind(found) });
        }
        newest
    } else {
        path.to_owned()
    };
    let bytes = read_packed(&file).map_err(SourceError::file(&file))?;
    if bytes.len() > Snapshot::MAX_BYTES {
        return Err(SourceError::TooLarge(file));
    }
    let from = file.display().to_string();
    let date = date_in_name(&from);
    Ok(Answer::Body(Body { bytes, from, date, validators: Validators::default() }))
}

fn newest_of(folder: &Path, cloud: Cloud) -> std::io::Result<Option<PathBuf>> {
    let start = format!("ServiceTags_{}_", cloud.file_code());
    let mut found: Vec<(Date, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What a browser has not finished, or keeps beside the file, is none.
        let ends = [".json", ".json.gz", ".json.zst", ".json.xz"].iter().any(|end| name.ends_with(end));
        if let Some(date) = date_in_name(&name)
            && name.starts_with(&start)
            && ends
        {
            found.push((date, path));
        }
    }
    Ok(found.into_iter().max().map(|(_, path)| path))
}
