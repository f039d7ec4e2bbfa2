//! Makes `docs/churn.md`, how much of a plan changes from week to week: replays real snapshots for each way of writing
//! tags.
//!
//! ```text
//! TAGWALL_SHARED=… cargo run --release --example churn > docs/churn.md
//! ```
//!
//! Reads `data/service-tags/ServiceTags_Public_*.json.xz` below the folder that `TAGWALL_SHARED` names.

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

mod document;
mod policies;
mod replay;

use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use replay::replay;
use tagwall::tags::Snapshot;

fn main() -> Result<(), Box<dyn Error>> {
    let shared = std::env::var_os("TAGWALL_SHARED").ok_or("TAGWALL_SHARED names no folder with snapshots")?;
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(&shared).join("data/service-tags"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.to_string_lossy().contains("ServiceTags_Public_"));
    files.sort();
    let snapshots = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let replays = policies::all().map(|(title, policy)| {
        (title, replay(&policy, snapshots.iter().map(|(name, snapshot)| (name.as_str(), snapshot))))
    });
    print!("{}", document::document(&replays));
    Ok(())
}

fn read(path: &Path) -> Result<(String, Snapshot), Box<dyn Error>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let date = name.trim_start_matches("ServiceTags_Public_").trim_end_matches(".json.xz").to_owned();
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok((date, Snapshot::parse(&bytes)?))
}
