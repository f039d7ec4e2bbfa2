//! [`Body`]: the bytes of an answer, with their digest, and packed as a client asks for them.

use std::io::{self, Write};
use std::sync::OnceLock;

use bytes::Bytes;

use crate::text::sha256_hex;

/// How the bytes of an answer are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// What packs, in the order in which it is preferred where a client likes all the same.
    pub const PACKED: [Encoding; 3] = [Encoding::Zstd, Encoding::Brotli, Encoding::Gzip];

    /// The name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Brotli => "br",
            Encoding::Zstd => "zstd",
        }
    }

    fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Encoding::Identity => Ok(bytes.to_vec()),
            Encoding::Gzip => {
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                out.write_all(bytes)?;
                out.finish()
            }
            Encoding::Brotli => {
                let mut out = Vec::new();
                let mut input = bytes;
                let settings = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
                brotli::BrotliCompress(&mut input, &mut out, &settings)?;
                Ok(out)
            }
            Encoding::Zstd => zstd::stream::encode_all(bytes, 6),
        }
    }
}

/// Shorter bodies are not packed: there is nothing to be won.
const WORTH_PACKING: usize = 512;

/// The bytes of an answer. Cheap to copy; each packed form is made once, when somebody asks for it.
#[derive(Debug)]
pub struct Body {
    bytes: Bytes,
    sha256: String,
    packed: [OnceLock<Bytes>; 3],
}

impl Body {
    /// A body of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let sha256 = sha256_hex(&bytes);
        Body::known(bytes, sha256)
    }

    /// A body whose SHA-256 is known already.
    pub fn known(bytes: Bytes, sha256: String) -> Self {
        Body { bytes, sha256, packed: Default::default() }
    }

    /// The bytes as they are.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// SHA-256 of the bytes as they are, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether to pack it saves anything.
    pub fn is_worth_packing(&self) -> bool {
        self.bytes.len() >= WORTH_PACKING
    }

    /// The bytes in a packed form; as they are where packing fails.
    pub fn packed(&self, encoding: Encoding) -> Bytes {
        let Some(place) = Encoding::PACKED.iter().position(|&known| known == encoding) else {
            return self.bytes.clone();
        };
        let pack = || encoding.pack(&self.bytes).map_or_else(|_| self.bytes.clone(), Bytes::from);
        self.packed[place].get_or_init(pack).clone()
    }

    /// The strong entity tag of a form, with its quotes.
    pub fn etag(&self, encoding: Encoding) -> String {
        etag(&self.sha256, encoding)
    }
}

/// The strong entity tag of bytes with this SHA-256 in a form. How a version of tagwall packs is a function of the bytes, so
/// that the digest with both names stands for the packed bytes.
fn etag(sha256: &str, encoding: Encoding) -> String {
    let short = &sha256[..32.min(sha256.len())];
    match encoding {
        Encoding::Identity => format!("\"{short}\""),
        packed => format!("\"{short}-{}-{}\"", packed.name(), env!("CARGO_PKG_VERSION")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn every_form_unpacks_to_the_same_bytes_and_has_its_own_tag() {
        let text = "192.0.2.0/24\n".repeat(1_000);
        let body = Body::new(text.clone().into_bytes());
        let mut gzip = String::new();
        flate2::read::GzDecoder::new(&body.packed(Encoding::Gzip)[..]).read_to_string(&mut gzip).unwrap();
        let mut br = Vec::new();
        brotli::BrotliDecompress(&mut &body.packed(Encoding::Brotli)[..], &mut br).unwrap();
        let zstd = zstd::stream::decode_all(&body.packed(Encoding::Zstd)[..]).unwrap();
        assert_eq!(
            (gzip.as_bytes(), &br[..], &zstd[..]),
            (text.as_bytes(), text.as_bytes(), text.as_bytes())
        );
        let mut tags: Vec<String> = Encoding::PACKED.iter().map(|&e| body.etag(e)).collect();
        tags.push(body.etag(Encoding::Identity));
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 4);
        assert!(tags.iter().all(|tag| tag.starts_with('"') && tag.ends_with('"')), "{tags:?}");
    }
}
