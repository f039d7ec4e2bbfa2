//! Signatures of published generations, in the form of minisign: `minisign -Vm record.json -p key.pub` checks them too.
//!
//! What is signed is `record.json`, which holds the digest of every other file.

use std::fmt;
use std::io::Cursor;

use minisign::{PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

/// A secret key, ready to sign.
pub struct Signer {
    key: SecretKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

/// Why nothing is signed, or a signature is not good.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key is not understood, or its password is wrong.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// The signature is not that of the key over these bytes.
    #[error("the signature is not good: {0}")]
    Signature(String),
}

impl Signer {
    /// Reads the text of a secret key; `password` where it has one.
    ///
    /// # Errors
    /// [`SignError::Key`].
    pub fn new(text: &str, password: Option<String>) -> Result<Self, SignError> {
        let failed = |error: minisign::PError| SignError::Key(error.to_string());
        let boxed = SecretKeyBox::from_string(text).map_err(failed)?;
        let key = match password {
            Some(password) => boxed.into_secret_key(Some(password)),
            None => boxed.into_unencrypted_secret_key(),
        };
        Ok(Signer { key: key.map_err(failed)? })
    }

    /// The signature of `bytes`; `comment` is signed with them.
    ///
    /// # Errors
    /// [`SignError::Signature`] where the system has no random numbers.
    pub fn sign(&self, bytes: &[u8], comment: &str) -> Result<Vec<u8>, SignError> {
        let signed = minisign::sign(None, &self.key, Cursor::new(bytes), Some(comment), Some("tagwall"));
        let signed = signed.map_err(|error| SignError::Signature(error.to_string()))?;
        Ok(signed.into_string().into_bytes())
    }
}

/// A public key, which signatures are checked with.
#[derive(Debug, Clone)]
pub struct PublicKey(minisign::PublicKey);

impl PublicKey {
    /// Reads the text of a public key, with or without its comment.
    ///
    /// # Errors
    /// [`SignError::Key`].
    pub fn read(text: &str) -> Result<Self, SignError> {
        let key = match text.trim().contains('\n') {
            true => PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key),
            false => minisign::PublicKey::from_base64(text.trim()),
        };
        key.map(PublicKey).map_err(|error| SignError::Key(error.to_string()))
    }
}

/// Checks the signature of `bytes`. Gives the comment that was signed with them.
///
/// # Errors
/// [`SignError::Signature`].
pub fn check_signature(key: &PublicKey, signature: &[u8], bytes: &[u8]) -> Result<String, SignError> {
    let failed = |error: minisign::PError| SignError::Signature(error.to_string());
    let signature = SignatureBox::from_string(&String::from_utf8_lossy(signature)).map_err(failed)?;
    minisign::verify(&key.0, &signature, Cursor::new(bytes), true, false, false).map_err(failed)?;
    signature.trusted_comment().map_err(failed)
}

#[cfg(test)]
mod tests {
    use minisign::KeyPair;

    use super::*;

    #[test]
    fn what_is_signed_is_checked_and_nothing_else() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let secret = pair.sk.to_box(None).unwrap().into_string();
        let public = pair.pk.to_box().unwrap().into_string();
        let signer = Signer::new(&secret, None).unwrap();
        let signature = signer.sign(b"record", "generation 1").unwrap();
        let key = PublicKey::read(&public).unwrap();
        assert_eq!(check_signature(&key, &signature, b"record").unwrap(), "generation 1");
        let short = PublicKey::read(&pair.pk.to_base64()).unwrap();
        assert_eq!(check_signature(&short, &signature, b"record").unwrap(), "generation 1");
        assert!(check_signature(&key, &signature, b"Record").is_err());
        let other = KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
        assert!(check_signature(&PublicKey::read(&other).unwrap(), &signature, b"record").is_err());
        let forged = String::from_utf8(signature).unwrap().replace("generation 1", "generation 2");
        assert!(check_signature(&key, forged.as_bytes(), b"record").is_err());
        assert!(check_signature(&key, b"nonsense", b"record").is_err());
    }

    #[test]
    fn a_key_that_is_none_is_told() {
        assert!(matches!(Signer::new("nonsense", None), Err(SignError::Key(_))));
        assert!(matches!(PublicKey::read("nonsense"), Err(SignError::Key(_))));
    }
}
