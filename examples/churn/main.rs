//! How much of a plan changes from week to week: replays real snapshots and prints a table for each way of writing
//! tags.
//!
//! ```text
//! TAGWALL_SHARED=… cargo run --release --example churn
//! ```
//!
//! Reads `data/service-tags/ServiceTags_Public_*.json.xz` below the folder that `TAGWALL_SHARED` names.

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

#[path = "policies.rs"]
mod policies;
mod replay;

use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use replay::{Week, replay};
use tagwall::tags::Snapshot;

fn main() -> Result<(), Box<dyn Error>> {
    let shared = std::env::var_os("TAGWALL_SHARED").ok_or("TAGWALL_SHARED names no folder with snapshots")?;
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(&shared).join("data/service-tags"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.to_string_lossy().contains("ServiceTags_Public_"));
    files.sort();
    let snapshots = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    for (title, policy) in policies::all() {
        println!("\n## {title}\n");
        let weeks = replay(&policy, snapshots.iter().map(|(name, snapshot)| (name.as_str(), snapshot)));
        table(&weeks);
    }
    Ok(())
}

fn read(path: &Path) -> Result<(String, Snapshot), Box<dyn Error>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let date = name.trim_start_matches("ServiceTags_Public_").trim_end_matches(".json.xz").to_owned();
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok((date, Snapshot::parse(&bytes)?))
}

fn table(weeks: &[Week]) {
    println!("| Snapshot | Prefixes changed | In lists | Entries changed | Ratio | Entries |");
    println!("|---|--:|--:|--:|--:|--:|");
    let (mut lists, mut entries) = (0, 0);
    for week in weeks {
        match &week.outcome {
            Ok(c) => {
                println!(
                    "| {} | {} | {} | {} | {} | {} |",
                    week.name,
                    c.tags,
                    c.lists,
                    c.entries,
                    ratio(c.entries, c.lists),
                    c.all
                );
                (lists, entries) = (lists + c.lists, entries + c.entries);
            }
            Err(reason) => println!("| {} | {reason} | | | | |", week.name),
        }
    }
    println!("| all | | {lists} | {entries} | {} | |", ratio(entries, lists));
}

fn ratio(entries: usize, lists: usize) -> String {
    if lists == 0 { "–".to_owned() } else { format!("{:.2}", entries as f64 / lists as f64) }
}
