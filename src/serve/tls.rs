//! TLS: certificate and key from files, read again when they change; client certificates where an authority for them is named.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, crypto::ring};

/// Files of TLS, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, with those between it and the authority behind it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Authorities for certificates of clients.
    pub client_ca: Option<PathBuf>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct TlsError {
    file: String,
    why: String,
}

fn failed<E: std::fmt::Display>(file: &Path) -> impl FnOnce(E) -> TlsError {
    let file = file.display().to_string();
    move |error| TlsError { file, why: error.to_string() }
}

/// What new connections are met with.
#[derive(Debug)]
pub(super) struct Current {
    files: TlsFiles,
    /// Whether clients may come without a certificate, since they can show something else.
    optional: bool,
    config: RwLock<Arc<ServerConfig>>,
    seen: Mutex<Vec<Option<Vec<u8>>>>,
}

impl Current {
    pub(super) fn new(files: &TlsFiles, optional: bool) -> Result<Arc<Self>, TlsError> {
        let seen = contents(files);
        let config = RwLock::new(config(files, optional)?);
        Ok(Arc::new(Current { files: files.clone(), optional, config, seen: Mutex::new(seen) }))
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again if they changed, and says whether they did. Where they cannot be used, what was before stays, and they
    /// are only tried again once they change once more: certificate and key may be replaced one after the other.
    pub(super) fn look(&self) -> Result<bool, TlsError> {
        let now = contents(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(false);
        }
        *seen = now;
        let config = config(&self.files, self.optional)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(true)
    }
}

fn contents(files: &TlsFiles) -> Vec<Option<Vec<u8>>> {
    let paths = [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()];
    paths.into_iter().flatten().map(|path| std::fs::read(path).ok()).collect()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(failed(file))?.collect();
    let found = found.map_err(failed(file))?;
    if found.is_empty() { Err(failed(file)("there is no certificate in it")) } else { Ok(found) }
}

fn config(files: &TlsFiles, optional: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed(&files.key))?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(failed(&files.certificate))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(failed(file))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(failed(file))?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(failed(&files.key))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
