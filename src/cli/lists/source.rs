//! Files and pipes that lists come from: unpacked, and looked at before they are read.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use crate::cli::Failure;
use crate::store::FileKind;
use crate::text::to_utf8;

/// A source of which the beginning was looked at.
pub(super) struct Source {
    /// The first bytes, which `reader` gives again.
    pub(super) start: Vec<u8>,
    reader: Box<dyn Read + Send>,
}

/// How often a file may be packed.
const MOST_LAYERS: usize = 3;

/// Opens a file or standard input, and unpacks it. A file that cannot be a list is refused as a whole.
pub(super) fn open(file: &Path) -> Result<Source, Failure> {
    let name = file.display();
    let failed = |error: io::Error| Failure::Io(format!("{name}: {error}"));
    let reader: Box<dyn Read + Send> = match file == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(file).map_err(failed)?),
    };
    let mut source = Source::new(reader).map_err(failed)?;
    for _ in 0..MOST_LAYERS {
        let FileKind::Packed(packing) = FileKind::of(&source.start) else { break };
        let unpack =
            |error| Failure::Input(format!("{name}: cannot be unpacked as {}: {error}", packing.name()));
        let reader = packing.reader(source).map_err(unpack)?;
        source = Source::new(Box::new(reader)).map_err(unpack)?;
    }
    if let FileKind::Foreign(what) = FileKind::of(&source.start) {
        return Err(Failure::Input(format!("{name}: not a list but {what}")));
    }
    if let Some(what) = page(&source.start) {
        return Err(Failure::Input(format!(
            "{name}: not a list but {what}, as servers send it in place of a file"
        )));
    }
    Ok(source)
}

impl Source {
    fn new(mut reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut start = Vec::new();
        while start.len() < FileKind::ENOUGH {
            let mut buffer = [0; FileKind::ENOUGH];
            match read_some(&mut reader, &mut buffer)? {
                0 => break,
                count => start.extend_from_slice(&buffer[..count]),
            }
        }
        Ok(Source { reader: Box::new(Cursor::new(start.clone()).chain(reader)), start })
    }

    /// All of it as text, if that is not more than `most` bytes.
    pub(super) fn text(self, name: &str, most: usize) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let failed = |error: io::Error| Failure::Io(format!("{name}: {error}"));
        self.reader.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > most {
            return Err(Failure::Input(format!(
                "{name}: more than {} MiB, which is never read here",
                most >> 20
            )));
        }
        String::from_utf8(to_utf8(&bytes).into_owned()).map_err(|error| {
            Failure::Input(format!("{name}: not text in UTF-8 or UTF-16: {}", error.utf8_error()))
        })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_some(&mut self.reader, buffer)
    }
}

/// Reads what comes next, whatever interrupts.
fn read_some(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// What a file is that begins with a tag.
fn page(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&to_utf8(start)).trim_start().to_ascii_lowercase();
    let html = ["<!doctype", "<html", "<head", "<body", "<!--"].iter().any(|tag| text.starts_with(tag));
    if html {
        Some("an HTML page")
    } else if text.starts_with("<?xml") {
        Some("an XML document")
    } else {
        None
    }
}
