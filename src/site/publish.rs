//! [`Remote`]: the published generation copied to an object store: Azure Blob, a folder, and by feature S3 and GCS.
//!
//! ```text
//! PREFIX/generations/RECORD/…            every file of a generation; written once, never changed
//! PREFIX/generations/RECORD/record.json  after all of them
//! PREFIX/current.json                    the record and where its files are; last, and only if nobody was faster
//! ```
//!
//! `RECORD` begins with the number and ends in a digest of the record, so that two publishers never write to the same
//! place. Readers follow `current.json`; what they find there is whole.

use object_store::path::Path;
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
    parse_url_opts,
};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::generations::{Record, Site};
use crate::redact;
use crate::text::sha256_hex;

/// A place in an object store.
#[derive(Debug)]
pub struct Remote {
    store: Box<dyn ObjectStore>,
    prefix: Path,
    name: String,
}

/// What `current.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pointer {
    /// Version of this form; 1.
    pub schema: u32,
    /// Folder of the generation's files, below the prefix.
    pub folder: String,
    /// What the generation is.
    pub record: Record,
}

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It is published there now.
    New,
    /// It was there already.
    Known,
}

/// Why nothing was copied; what is published there stays.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", redact::address(.place), redact::text(.why))]
pub struct PublishError {
    place: String,
    why: String,
}

impl Remote {
    /// The place that `url` names: `az://container/prefix`, `https://ACCOUNT.blob.core.windows.net/container/prefix`,
    /// `file:///folder`. `options` are the settings of the store as its documentation has them, such as
    /// `azure_storage_account_name`.
    ///
    /// # Errors
    /// [`PublishError`] if the address or a setting is wrong.
    pub fn new(url: &str, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, PublishError> {
        let failed = |why: String| PublishError { place: url.to_owned(), why };
        // Fails only where a provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let parsed = Url::parse(url).map_err(|error| failed(format!("this is no address: {error}")))?;
        let (store, prefix) = parse_url_opts(&parsed, options).map_err(|error| failed(error.to_string()))?;
        Ok(Remote { store, prefix, name: url.to_owned() })
    }

    /// Copies a generation there and makes it the current one.
    ///
    /// # Errors
    /// [`PublishError`], also where another publisher was faster: then its generation stays.
    pub async fn copy(&self, site: &Site, record: &Record) -> Result<Copied, PublishError> {
        let (known, version) = self.current().await?;
        let read = |name: &str| site.read(record.number, name);
        let text = read("record.json").ok_or_else(|| self.failed("record.json is gone".to_owned()))?;
        let folder = format!("generations/{:06}-{}", record.number, &sha256_hex(&text)[..12]);
        if known.is_some_and(|pointer| pointer.folder == folder) {
            return Ok(Copied::Known);
        }
        for name in record.files.keys().filter(|name| !name.starts_with('.')) {
            let bytes = read(name).ok_or_else(|| self.failed(format!("{name} is gone")))?;
            self.put(&format!("{folder}/{name}"), bytes, PutMode::Overwrite).await?;
        }
        if let Some(signature) = read("record.json.minisig") {
            self.put(&format!("{folder}/record.json.minisig"), signature, PutMode::Overwrite).await?;
        }
        self.put(&format!("{folder}/record.json"), text, PutMode::Overwrite).await?;
        let pointer = Pointer { schema: 1, folder, record: record.clone() };
        let text = serde_json::to_vec_pretty(&pointer).expect("texts and numbers always serialise");
        self.put("current.json", text, version).await?;
        Ok(Copied::New)
    }

    /// What is published there, and what a new pointer has to be held against.
    async fn current(&self) -> Result<(Option<Pointer>, PutMode), PublishError> {
        let path = self.path("current.json");
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(ObjectError::NotFound { .. }) => return Ok((None, PutMode::Create)),
            Err(error) => return Err(self.failed(error.to_string())),
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await.map_err(|error| self.failed(error.to_string()))?;
        let pointer = serde_json::from_slice(&bytes)
            .map_err(|error| self.failed(format!("current.json is not one of tagwall's: {error}")))?;
        // A plain folder has no versions; there the lock of the published folder has to do.
        let local = self.name.starts_with("file:");
        let mode = if local { PutMode::Overwrite } else { PutMode::Update(version) };
        Ok((Some(pointer), mode))
    }

    async fn put(&self, name: &str, bytes: Vec<u8>, mode: PutMode) -> Result<(), PublishError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        let done = self.store.put_opts(&self.path(name), PutPayload::from(bytes), options).await;
        match done {
            Ok(_) => Ok(()),
            Err(ObjectError::Precondition { .. } | ObjectError::AlreadyExists { .. }) => {
                Err(self.failed("another publisher was faster; its generation stays".to_owned()))
            }
            Err(error) => Err(self.failed(error.to_string())),
        }
    }

    fn path(&self, name: &str) -> Path {
        let parts = self.prefix.parts().map(|part| part.as_ref().to_owned());
        Path::from_iter(parts.chain(name.split('/').map(str::to_owned)))
    }

    fn failed(&self, why: String) -> PublishError {
        PublishError { place: self.name.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::site::NewGeneration;

    fn published(folder: &std::path::Path) -> (Site, Record) {
        let site = Site::new(folder);
        drop(site.lock().unwrap());
        let new = NewGeneration {
            at: Timestamp::UNIX_EPOCH,
            inputs: "a".to_owned(),
            snapshots: BTreeMap::new(),
            rules_changed: true,
            files: BTreeMap::from([
                ("ml/nsg.json".to_owned(), b"1".to_vec()),
                (".state/ml.json".to_owned(), b"s".to_vec()),
            ]),
        };
        let record = site.publish(&new, None).unwrap();
        (site, record)
    }

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_generation_is_copied_once_and_the_pointer_leads_to_it() {
        let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (site, record) = published(folder.path());
        let remote = Remote::new(&format!("file://{}/site", there.path().display()), []).unwrap();
        assert_eq!(block(remote.copy(&site, &record)).unwrap(), Copied::New);
        assert_eq!(block(remote.copy(&site, &record)).unwrap(), Copied::Known);
        let root = there.path().join("site");
        let pointer: Pointer =
            serde_json::from_slice(&std::fs::read(root.join("current.json")).unwrap()).unwrap();
        assert_eq!(pointer.record, record);
        assert_eq!(std::fs::read(root.join(&pointer.folder).join("ml/nsg.json")).unwrap(), b"1");
        assert!(
            !root.join(&pointer.folder).join(".state").exists(),
            "what only the program reads stays at home"
        );
    }

    #[test]
    fn the_slower_of_two_publishers_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (site, record) = published(folder.path());
        let remote = Remote {
            store: Box::new(object_store::memory::InMemory::new()),
            prefix: Path::default(),
            name: "memory:".into(),
        };
        block(async {
            let (_, before) = remote.current().await.unwrap();
            remote.copy(&site, &record).await.unwrap();
            let error = remote.put("current.json", b"{}".to_vec(), before).await.unwrap_err();
            assert!(error.to_string().contains("another publisher was faster"), "{error}");
            let (_, before) = remote.current().await.unwrap();
            remote.copy(&site, &Record { number: 2, ..record.clone() }).await.unwrap_err();
            remote
                .put(
                    "current.json",
                    serde_json::to_vec(&remote.current().await.unwrap().0).unwrap(),
                    PutMode::Overwrite,
                )
                .await
                .unwrap();
            let error = remote.put("current.json", b"{}".to_vec(), before).await.unwrap_err();
            assert!(error.to_string().contains("another publisher was faster"), "{error}");
        });
    }

    #[test]
    fn wrong_addresses_are_told() {
        for (url, words) in [("nonsense", "no address"), ("ftp://host/x", "ftp")] {
            let text = Remote::new(url, []).unwrap_err().to_string();
            assert!(text.contains(words), "{text}");
        }
    }
}
