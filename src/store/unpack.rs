//! Bytes of a snapshot from a file, unpacked.

use std::fs::File;
use std::io::{self, Read};
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
        /// gzip, zstd or xz.
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

/// Reads and unpacks a service-tags file: plain, gzip, zstd or xz, told by its first bytes, not by its name.
///
/// # Errors
/// [`LoadError`]. At most [`Snapshot::MAX_BYTES`] are unpacked, so that a small file cannot fill the memory.
pub fn load_file(path: &Path) -> Result<Snapshot, LoadError> {
    let file = path.display().to_string();
    let io = |error| LoadError::Io { file: file.clone(), error };
    let mut packed = Vec::new();
    let most = Snapshot::MAX_BYTES as u64 + 1;
    File::open(path).and_then(|f| f.take(most).read_to_end(&mut packed)).map_err(io)?;
    let json =
        unpack(packed).map_err(|(format, error)| LoadError::Unpack { file: file.clone(), format, error })?;
    Snapshot::parse(&json).map_err(|error| LoadError::Snapshot { file, error })
}

/// Unpacks gzip, zstd and xz by their first bytes; anything else is given back as it is.
///
/// # Errors
/// The format and what its decoder said, also where more than [`Snapshot::MAX_BYTES`] would come out.
pub fn unpack(packed: Vec<u8>) -> Result<Vec<u8>, (&'static str, io::Error)> {
    const XZ: &[u8] = b"\xfd7zXZ\0";
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
    const GZIP: &[u8] = b"\x1f\x8b";
    if packed.starts_with(XZ) {
        // Memory for the largest preset is 65 MiB; a stream that asks for more is refused.
        let stream = liblzma::stream::Stream::new_stream_decoder(128 << 20, liblzma::stream::CONCATENATED)
            .map_err(|e| ("xz", io::Error::from(e)))?;
        read_bounded("xz", liblzma::read::XzDecoder::new_stream(packed.as_slice(), stream))
    } else if packed.starts_with(ZSTD) {
        let decoder = zstd::stream::read::Decoder::new(packed.as_slice()).and_then(|mut decoder| {
            decoder.window_log_max(27)?;
            Ok(decoder)
        });
        read_bounded("zstd", decoder.map_err(|e| ("zstd", e))?)
    } else if packed.starts_with(GZIP) {
        read_bounded("gzip", flate2::read::MultiGzDecoder::new(packed.as_slice()))
    } else {
        Ok(packed)
    }
}

fn read_bounded(format: &'static str, reader: impl Read) -> Result<Vec<u8>, (&'static str, io::Error)> {
    let mut bytes = Vec::new();
    let most = Snapshot::MAX_BYTES as u64;
    reader.take(most + 1).read_to_end(&mut bytes).map_err(|error| (format, error))?;
    if bytes.len() as u64 > most {
        let text = format!("more than {} MiB come out of it", most >> 20);
        return Err((format, io::Error::other(text)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_packing_gives_the_bytes_back() {
        let text = b"{\"changeNumber\": 1}".repeat(1000);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&text).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(&text).unwrap();
        let zst = zstd::stream::encode_all(text.as_slice(), 1).unwrap();
        for packed in [gz.finish().unwrap(), xz.finish().unwrap(), zst, text.clone()] {
            assert_eq!(unpack(packed).unwrap(), text);
        }
    }

    #[test]
    fn broken_packing_is_an_error() {
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(b"abc").unwrap();
        let whole = xz.finish().unwrap();
        assert_eq!(unpack(whole[..whole.len() - 4].to_vec()).unwrap_err().0, "xz");
        assert_eq!(unpack(b"\x1f\x8bnonsense".to_vec()).unwrap_err().0, "gzip");
        assert_eq!(unpack(b"\x28\xb5\x2f\xfdnonsense".to_vec()).unwrap_err().0, "zstd");
    }
}
