//! [`RunStatus`]: how the last refresh of a published folder ended, as it says itself in `status.json`.

use jiff::Timestamp;
use serde::Deserialize;

use crate::site::Site;

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunStatus {
    /// When.
    pub at: Timestamp,
    /// `published`, `unchanged`, `rolled-back`, `restored` or `failed`.
    pub status: String,
    /// Whether it did what it should.
    pub ok: bool,
    /// The exit code.
    pub exit_code: u8,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

impl RunStatus {
    /// What the folder says, where it says something that is understood.
    pub fn read(site: &Site) -> Option<Self> {
        serde_json::from_slice(&Self::bytes(site)?).ok()
    }

    /// The file as it is.
    pub(super) fn bytes(site: &Site) -> Option<Vec<u8>> {
        site.read_notice("status.json")
    }

    /// The outcome in one word: that of a good run, else `refused` for suspicious data and `failed` for all other.
    pub fn outcome(&self) -> &str {
        match (self.ok, self.exit_code) {
            (true, _) => &self.status,
            (false, 5) => "refused",
            (false, _) => "failed",
        }
    }
}
