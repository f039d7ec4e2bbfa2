//! Writes the sample snapshot of a cloud in the form of a service-tags file.
//!
//! ```text
//! cargo run --example write_sample -- public|usgov|china [FILE]
//! ```
//!
//! Without `FILE` it goes to the standard output.

use std::error::Error;
use std::io::{self, Write};

use tagwall::tags::{Cloud, sample::sample_json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let cloud =
        args.next().and_then(|name| Cloud::find(&name)).ok_or("which cloud? public, usgov or china")?;
    let bytes = sample_json(cloud).ok_or("there is no sample of that cloud")?;
    match args.next() {
        Some(file) => std::fs::write(file, bytes)?,
        None => io::stdout().lock().write_all(&bytes)?,
    }
    Ok(())
}
