//! Merges the prefixes of every tag of a service-tags file and prints how many are left:
//! `cargo run --release --example merge_all -- ServiceTags_Public_20260622.json`

use std::error::Error;

use tagwall::tags::Snapshot;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("which file?")?;
    let snapshot = Snapshot::parse(&std::fs::read(file)?)?;
    let left: usize = snapshot.tags().iter().map(|tag| tag.set().prefixes().count()).sum();
    std::io::Write::write_all(&mut std::io::stdout(), format!("{left}\n").as_bytes())?;
    Ok(())
}
