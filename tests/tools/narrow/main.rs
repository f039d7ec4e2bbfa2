//! Prints what the pure library makes: the sample of each cloud, and every file of each policy named, with its proof.
//!
//! `targets.sh` runs it on machines with pointers of different sizes and compares the bytes.

use std::error::Error;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, TagIndex, TagName, sample};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut samples = Vec::new();
    for bytes in Cloud::ALL.into_iter().filter_map(sample::sample_json) {
        out.write_all(&bytes)?;
        samples.push(Snapshot::parse(&bytes)?);
    }
    for snapshot in &samples {
        let index = TagIndex::of(snapshot);
        for tag in snapshot.tags() {
            for prefix in tag.v4() {
                let tags = index.at(Ipv4Addr::from(prefix.first()).into());
                let names: Vec<&str> = index.names_of(tags).map(TagName::as_str).collect();
                writeln!(out, "{prefix} {}", names.join(" "))?;
            }
        }
    }
    for file in std::env::args().skip(1) {
        let policy = PolicySource::read(&file, &std::fs::read_to_string(&file)?)?;
        let made = samples
            .iter()
            .find_map(|sample| pipeline::generate(&policy, Catalog::builtin(), sample, None).ok());
        let made = made.ok_or_else(|| format!("{file}: no sample suits it"))?;
        writeln!(out, "{file}: {}", made.proof)?;
        for artefact in &made.files {
            writeln!(out, "== {} {}", artefact.name, artefact.bytes.len())?;
            out.write_all(&artefact.bytes)?;
        }
    }
    writeln!(io::stderr(), "{} bits", usize::BITS)?;
    Ok(())
}
