//! The newest file of a folder, or a file.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::{Answer, Body, Validators};
use crate::store::date_in_name;
use crate::tags::{Cloud, Snapshot};

pub(super) fn read(path: &Path, cloud: Cloud) -> Result<Answer, String> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    let file = if fs::metadata(path).map_err(failed(path))?.is_dir() {
        newest_of(path, cloud).map_err(failed(path))?.ok_or_else(|| {
            format!("{}: no file ServiceTags_{}_YYYYMMDD.json", path.display(), cloud.file_code())
        })?
    } else {
        path.to_owned()
    };
    let length = fs::metadata(&file).map_err(failed(&file))?.len();
    if length > Snapshot::MAX_BYTES as u64 {
        return Err(format!("{}: {length} bytes are more than are ever read", file.display()));
    }
    let bytes = fs::read(&file).map_err(failed(&file))?;
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
