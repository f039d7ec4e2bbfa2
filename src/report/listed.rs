//! [`Listed`]: which files of a folder tagwall made, by its manifest.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::copies::{POLICY_COPY, catalog_copy};
use super::manifest::MANIFEST;

/// What a manifest says of the files beside it, and no more: manifests of other versions are understood as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The environment.
    pub name: String,
    /// SHA-256 of every artefact by its name, with `/` between folders.
    pub artefacts: BTreeMap<String, String>,
}

/// Why a manifest does not say which files were made with it.
#[derive(Debug, thiserror::Error)]
pub enum ListedError {
    /// It is not JSON, or lacks what it has to have.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A later version of the program wrote it.
    #[error("its schema {0} is not known to this version of tagwall")]
    Schema(u32),
}

#[derive(Deserialize)]
struct Form {
    schema: u32,
    name: String,
    artefacts: Vec<Artefact>,
}

#[derive(Deserialize)]
struct Artefact {
    name: String,
    sha256: String,
}

impl Listed {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ListedError`].
    ///
    /// ```
    /// use tagwall::report::Listed;
    /// let manifest = r#"{"schema": 1, "name": "e", "artefacts": [{"name": "nsg.csv", "sha256": "00"}]}"#;
    /// let listed = Listed::read(manifest.as_bytes()).unwrap();
    /// assert_eq!(listed.artefacts["nsg.csv"], "00");
    /// assert!(Listed::read(b"{}").is_err());
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Self, ListedError> {
        let form: Form = serde_json::from_slice(bytes)?;
        if form.schema != 1 {
            return Err(ListedError::Schema(form.schema));
        }
        let artefacts = form.artefacts.into_iter().map(|a| (a.name, a.sha256)).collect();
        Ok(Listed { name: form.name, artefacts })
    }

    /// The names of all files that were made: the artefacts, the manifest, and the copies of policy and catalogues.
    /// `policy` is the copy of the policy, which says how many catalogues there are.
    pub fn names(&self, policy: Option<&[u8]>) -> Vec<String> {
        let catalogs = policy.map_or(0, catalogs_of);
        let copies = (0..catalogs).map(catalog_copy).chain([MANIFEST.to_owned(), POLICY_COPY.to_owned()]);
        self.artefacts.keys().cloned().chain(copies).collect()
    }
}

/// How many catalogue files a policy names; none if it cannot be read, so that nobody's file is taken for a copy.
fn catalogs_of(policy: &[u8]) -> usize {
    let table: Option<toml::Table> = std::str::from_utf8(policy).ok().and_then(|text| text.parse().ok());
    let files = table.as_ref().and_then(|table| table.get("catalog")?.get("files")?.as_array());
    files.map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_the_artefacts_and_their_company() {
        let manifest =
            br#"{"schema": 1, "name": "e", "more": 1, "artefacts": [{"name": "a", "sha256": "0"}]}"#;
        let listed = Listed::read(manifest).unwrap();
        assert_eq!(listed.names(None), ["a", "manifest.json", "policy.toml"]);
        let policy = b"catalog.files = ['x.toml', 'y.toml']";
        assert_eq!(
            listed.names(Some(policy)),
            ["a", "catalog-1.toml", "catalog-2.toml", "manifest.json", "policy.toml"]
        );
        assert_eq!(listed.names(Some(b"\xff")).len(), 3);
        let later = Listed::read(br#"{"schema": 2, "name": "e", "artefacts": []}"#).unwrap_err();
        assert_eq!(later.to_string(), "its schema 2 is not known to this version of tagwall");
    }
}
