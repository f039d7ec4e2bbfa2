//! [`RemoteFleet`]: a batch in an object store.
//!
//! ```text
//! PREFIX/blobs/SHA256             every file, under the name of its content; written once, never changed
//! PREFIX/environments/NAME.json   which files an environment has; after all of them
//! PREFIX/index.json, summary.md   after all environments
//! ```
//!
//! Readers follow `index.json` or the file of an environment; what they find there is whole.

use std::collections::BTreeMap;
use std::future::Future;

use object_store::path::Path;
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, parse_url_opts,
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::place::{Destination, DestinationError};
use crate::emit::Artefact;
use crate::redact;
use crate::text::sha256_hex;

/// A place for environments in an object store.
#[derive(Debug)]
pub struct RemoteFleet {
    store: Box<dyn ObjectStore>,
    prefix: Path,
    name: String,
    runtime: Runtime,
}

/// What `environments/NAME.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pointer {
    schema: u32,
    name: String,
    /// SHA-256 of each file, which is the name of its content.
    files: BTreeMap<String, String>,
}

/// An environment that waits for its place.
#[derive(Debug)]
pub struct Waiting {
    pointer: Pointer,
    files: Vec<Artefact>,
}

impl RemoteFleet {
    /// The place that `url` names: `az://container/prefix`, `https://ACCOUNT.blob.core.windows.net/container/prefix`,
    /// `file:///folder`. `options` are the settings of the store as its documentation has them.
    ///
    /// # Errors
    /// [`DestinationError`] if the address or a setting is wrong.
    pub fn new(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, DestinationError> {
        // Fails only where a provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |why: String| DestinationError::Remote(format!("{}: {why}", redact::address(url)));
        let parsed = Url::parse(url).map_err(|error| failed(format!("this is no address: {error}")))?;
        let (store, prefix) = parse_url_opts(&parsed, options).map_err(|error| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed(format!("the network cannot be set up: {error}")))?;
        Ok(RemoteFleet { store, prefix, name: url.to_owned(), runtime })
    }

    fn path(&self, name: &str) -> Path {
        let parts = self.prefix.parts().map(|part| part.as_ref().to_owned());
        Path::from_iter(parts.chain(name.split('/').map(str::to_owned)))
    }

    fn failed(&self, why: &str) -> DestinationError {
        DestinationError::Remote(format!("{}: {}", redact::address(&self.name), redact::text(why)))
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, DestinationError> {
        match self.store.get(&self.path(name)).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(|error| self.failed(&error.to_string()))?;
                Ok(Some(bytes.to_vec()))
            }
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    /// Puts a content under its name, unless it is there.
    async fn put_blob(&self, sum: &str, bytes: Vec<u8>) -> Result<(), DestinationError> {
        let name = format!("blobs/{sum}");
        let there = self.store.head(&self.path(&name)).await;
        if there.is_ok_and(|meta| meta.size == bytes.len() as u64) {
            return Ok(());
        }
        self.put(&name, bytes, PutMode::Overwrite).await
    }

    async fn put(&self, name: &str, bytes: Vec<u8>, mode: PutMode) -> Result<(), DestinationError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name), PutPayload::from(bytes), options).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    async fn pointer(&self, name: &str) -> Result<Option<Pointer>, DestinationError> {
        let file = format!("environments/{name}.json");
        let Some(bytes) = self.get(&file).await? else { return Ok(None) };
        let pointer: Option<Pointer> = serde_json::from_slice(&bytes).ok();
        match pointer.filter(|pointer| pointer.schema == 1 && pointer.name == name) {
            Some(pointer) => Ok(Some(pointer)),
            None => Err(self.failed(&format!("{file} is not one of tagwall's"))),
        }
    }

    async fn publish(&self, Waiting { pointer, files }: Waiting) -> Result<(), DestinationError> {
        for file in files {
            let sum = &pointer.files[&file.name];
            self.put_blob(sum, file.bytes).await?;
        }
        let text = serde_json::to_vec_pretty(&pointer).expect("texts and numbers always serialise");
        self.put(&format!("environments/{}.json", pointer.name), text, PutMode::Overwrite).await
    }
}

impl Destination for RemoteFleet {
    type Staged = Waiting;

    fn earlier(&self, name: &str) -> Result<Vec<Artefact>, DestinationError> {
        self.wait(async {
            let Some(pointer) = self.pointer(name).await? else { return Ok(Vec::new()) };
            let mut files = Vec::new();
            for (file, sum) in pointer.files {
                // What is not what its name says is as good as gone: then it is written again.
                let bytes = self.get(&format!("blobs/{sum}")).await?.filter(|bytes| sha256_hex(bytes) == sum);
                files.extend(bytes.map(|bytes| Artefact::new(file, bytes)));
            }
            Ok(files)
        })
    }

    fn stage(&self, name: &str, files: Vec<Artefact>) -> Result<Option<Waiting>, DestinationError> {
        let sums = files.iter().map(|file| (file.name.clone(), sha256_hex(&file.bytes)));
        let pointer = Pointer { schema: 1, name: name.to_owned(), files: sums.collect() };
        Ok(Some(Waiting { pointer, files }))
    }

    fn commit(&self, group: Vec<Waiting>) -> Result<Vec<Result<(), DestinationError>>, DestinationError> {
        // Several at a time: what takes long is the way there and back.
        const AT_ONCE: usize = 16;
        let mut done = Vec::with_capacity(group.len());
        let mut rest = group.into_iter().peekable();
        while rest.peek().is_some() {
            let batch: Vec<Waiting> = rest.by_ref().take(AT_ONCE).collect();
            done.extend(std::thread::scope(|scope| {
                let running: Vec<_> =
                    batch.into_iter().map(|one| scope.spawn(|| self.wait(self.publish(one)))).collect();
                let ended = running.into_iter().map(|thread| match thread.join() {
                    Ok(done) => done,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                ended.collect::<Vec<_>>()
            }));
        }
        Ok(done)
    }

    fn beside(&self, name: &str) -> Option<Vec<u8>> {
        self.wait(self.get(name)).ok().flatten()
    }

    fn write_beside(&self, name: &str, bytes: &[u8]) -> Result<(), DestinationError> {
        self.wait(self.put(name, bytes.to_vec(), PutMode::Overwrite))
    }

    fn take_notes(&self) -> Vec<String> {
        Vec::new()
    }
}
