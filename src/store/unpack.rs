//! Files unpacked, told by their first bytes, not by their names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::tags::{Snapshot, SnapshotError};

/// Why a snapshot cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{file}: {error}")]
    Io {
        /// The file as named.
        file: String,
        /// What the system said.
        error: io::Error,
    },
    /// The file is compressed, but broken.
    #[error("{file}: cannot be unpacked as {format}: {error}")]
    Unpack {
        /// The file as named.
        file: String,
        /// gzip, zstd, xz or zlib, or a format that is not unpacked.
        format: &'static str,
        /// What the decoder said.
        error: io::Error,
    },
    /// The content is no snapshot.
    #[error("{file}: {error}")]
    Snapshot {
        /// The file as named.
        file: String,
        /// What is wrong.
        error: SnapshotError,
    },
}

/// Reads and unpacks a service-tags file: plain, gzip, zstd, xz or zlib, told by its first bytes, not by its name.
///
/// # Errors
/// [`LoadError`]. At most [`Snapshot::MAX_BYTES`] are unpacked, so that a small file cannot fill the memory.
pub fn load_file(path: &Path) -> Result<Snapshot, LoadError> {
    load_bytes(path).map(|(_, snapshot)| snapshot)
}

/// [`load_file`] that gives the unpacked bytes as well.
///
/// # Errors
/// As [`load_file`].
pub fn load_bytes(path: &Path) -> Result<(Vec<u8>, Snapshot), LoadError> {
    let file = path.display().to_string();
    let packed = read_packed(path).map_err(|error| LoadError::Io { file: file.clone(), error })?;
    let json =
        unpack(packed).map_err(|(format, error)| LoadError::Unpack { file: file.clone(), format, error })?;
    let snapshot = Snapshot::parse(&json).map_err(|error| LoadError::Snapshot { file, error })?;
    Ok((json, snapshot))
}

/// The bytes of a file, of which no more than a snapshot can have are read: one more than that says that there are more.
pub(super) fn read_packed(path: &Path) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    File::open(path)?.take(Snapshot::MAX_BYTES as u64 + 1).read_to_end(&mut packed)?;
    Ok(packed)
}

/// A format that files are packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One or several members (RFC 1952).
    Gzip,
    /// One or several frames (RFC 8878), also those that hold no data, as parallel packers write them.
    Zstd,
    /// One or several streams.
    Xz,
    /// What servers send as "deflate" (RFC 1950).
    Zlib,
}

/// What the first bytes of a file tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Packed in a way that is unpacked here.
    Packed(Packing),
    /// A format that is not read: what it is, and what to do.
    Foreign(&'static str),
    /// Neither.
    Plain,
}

impl FileKind {
    /// How many bytes are enough to tell.
    pub const ENOUGH: usize = 264;

    /// What bytes at the start of a file tell.
    ///
    /// ```
    /// use tagwall::store::{FileKind, Packing};
    /// assert_eq!(FileKind::of(b"\x1f\x8b\x08"), FileKind::Packed(Packing::Gzip));
    /// assert_eq!(FileKind::of(b"10.0.0.0/8"), FileKind::Plain);
    /// ```
    pub fn of(start: &[u8]) -> FileKind {
        const FOREIGN: [(&[u8], &str); 9] = [
            (
                b"PK\x03\x04",
                "a ZIP archive (also what .xlsx, .docx and .ods files are): unpack it, or save the table as CSV",
            ),
            (b"PK\x05\x06", "an empty ZIP archive"),
            (b"BZh", "packed with bzip2: unpack it, or use gzip, zstd or xz"),
            (b"\x04\x22\x4d\x18", "packed with LZ4: unpack it, or use gzip, zstd or xz"),
            (b"\x1f\x9d", "packed with compress (.Z): unpack it, or use gzip, zstd or xz"),
            (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it"),
            (b"Rar!\x1a\x07", "a RAR archive: unpack it"),
            (b"%PDF-", "a PDF document: save the text of it"),
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
                "a document of an old Office program: save it as text or CSV",
            ),
        ];
        match start {
            [0x1f, 0x8b, ..] => FileKind::Packed(Packing::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                FileKind::Packed(Packing::Zstd)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => FileKind::Packed(Packing::Xz),
            // The two bytes are a multiple of 31, and no text begins like that.
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => FileKind::Packed(Packing::Zlib),
            _ if start.get(257..262) == Some(b"ustar") => {
                FileKind::Foreign("a tar archive: unpack it, and name the file in it")
            }
            _ => FOREIGN
                .iter()
                .find(|(magic, _)| start.starts_with(magic))
                .map_or(FileKind::Plain, |(_, what)| FileKind::Foreign(what)),
        }
    }
}

impl Packing {
    /// The format's usual name.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Xz => "xz",
            Packing::Zlib => "zlib",
        }
    }

    /// The unpacked bytes of a source.
    ///
    /// # Errors
    /// What the decoder says when it is made. Memory is bounded whatever the source asks for.
    pub fn reader<'a>(self, packed: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Packing::Gzip => {
                let decoder = Some(flate2::bufread::GzDecoder::new(BufReader::new(packed)));
                Box::new(Members { decoder })
            }
            Packing::Zlib => Box::new(flate2::read::ZlibDecoder::new(packed)),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(packed)?;
                decoder.window_log_max(27)?;
                Box::new(decoder)
            }
            Packing::Xz => {
                // Memory for the largest preset is 65 MiB; a stream that asks for more is refused.
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(128 << 20, liblzma::stream::CONCATENATED)?;
                Box::new(liblzma::read::XzDecoder::new_stream(packed, stream))
            }
        })
    }
}

/// The members of a gzip file one after another, and without the zeros behind the last, with which tapes and some
/// servers fill blocks.
struct Members<R> {
    /// Empty only while a member is changed for the next, and at the end.
    decoder: Option<flate2::bufread::GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let mut rest = self.decoder.take().expect("there is one here").into_inner();
            if more_than_zeros(&mut rest)? {
                self.decoder = Some(flate2::bufread::GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Passes over zeros; whether anything is behind them.
fn more_than_zeros(rest: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = rest.fill_buf()?;
        let (len, zeros) = (bytes.len(), bytes.iter().take_while(|&&b| b == 0).count());
        rest.consume(zeros);
        if len == 0 || zeros < len {
            return Ok(len > 0);
        }
    }
}

/// How often a file may be packed: some servers pack what is packed already.
const MOST_LAYERS: usize = 3;

/// Unpacks gzip, zstd, xz and zlib by their first bytes, also where a server has packed what was packed already;
/// anything else is given back as it is.
///
/// # Errors
/// The format and what its decoder said, also where more than [`Snapshot::MAX_BYTES`] would come out, or for a format
/// that is not read.
pub fn unpack(mut bytes: Vec<u8>) -> Result<Vec<u8>, (&'static str, io::Error)> {
    for _ in 0..MOST_LAYERS {
        match FileKind::of(&bytes) {
            FileKind::Plain => break,
            FileKind::Foreign(what) => {
                return Err(("a service-tags file", io::Error::other(format!("it is {what}"))));
            }
            FileKind::Packed(packing) => bytes = read_bounded(packing, &bytes)?,
        }
    }
    Ok(bytes)
}

fn read_bounded(packing: Packing, packed: &[u8]) -> Result<Vec<u8>, (&'static str, io::Error)> {
    let failed = |error| (packing.name(), error);
    let mut bytes = Vec::new();
    let most = Snapshot::MAX_BYTES as u64;
    let reader = packing.reader(packed).map_err(failed)?;
    reader.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(failed(io::Error::other(format!("more than {} MiB come out of it", most >> 20))));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text).unwrap();
        gz.finish().unwrap()
    }

    fn xz(text: &[u8]) -> Vec<u8> {
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text).unwrap();
        xz.finish().unwrap()
    }

    #[test]
    fn every_packing_gives_the_bytes_back() {
        let text = b"{\"changeNumber\": 1}".repeat(1000);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(&text).unwrap();
        let zstd = |text: &[u8]| zstd::stream::encode_all(text, 1).unwrap();
        let (first, second) = text.split_at(700);
        for packed in [
            gzip(&text),
            xz(&text),
            zstd(&text),
            zlib.finish().unwrap(),
            text.clone(),
            // Several members, as parallel packers write them, and a frame without data before one.
            [gzip(first), gzip(second)].concat(),
            [xz(first), xz(second)].concat(),
            [b"\x50\x2a\x4d\x18\x04\0\0\0abcd".to_vec(), zstd(first), zstd(second)].concat(),
            // Filled up with zeros; packed twice.
            [gzip(&text), vec![0; 5000]].concat(),
            gzip(&gzip(&text)),
            gzip(&xz(&text)),
        ] {
            assert_eq!(unpack(packed).unwrap(), text);
        }
    }

    #[test]
    fn zeros_inside_of_what_is_packed_stay() {
        // Stored without packing, so that the zeros are there as they are.
        let text = [vec![0; 70_000], b"x".to_vec(), vec![0; 70_000]].concat();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        gz.write_all(&text).unwrap();
        assert_eq!(unpack([gz.finish().unwrap(), vec![0; 9]].concat()).unwrap(), text);
    }

    #[test]
    fn broken_packing_is_an_error() {
        let whole = xz(b"abc");
        assert_eq!(unpack(whole[..whole.len() - 4].to_vec()).unwrap_err().0, "xz");
        assert_eq!(unpack(b"\x1f\x8bnonsense".to_vec()).unwrap_err().0, "gzip");
        let whole = gzip(b"abc");
        assert_eq!(unpack(whole[..whole.len() - 4].to_vec()).unwrap_err().0, "gzip");
        assert_eq!(unpack([whole, b"junk".to_vec()].concat()).unwrap_err().0, "gzip");
        assert_eq!(unpack(b"\x28\xb5\x2f\xfdnonsense".to_vec()).unwrap_err().0, "zstd");
        let error = unpack(b"PK\x03\x04...".to_vec()).unwrap_err().1.to_string();
        assert!(error.contains("ZIP"), "{error}");
    }
}
