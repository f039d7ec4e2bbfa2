//! [`Acceptance`]: what Azure takes, as dated data with sources.

use std::sync::LazyLock;

use serde::Deserialize;

const DATA: &str = include_str!("../../../data/acceptance/azure.toml");

/// One thing that Azure takes or refuses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// A short name that stays.
    pub id: String,
    /// What holds where Azure takes it.
    pub what: String,
    /// When Azure refuses it otherwise.
    #[serde(rename = "where")]
    pub at: AcceptedAt,
    /// What is done about it here.
    pub does: AcceptanceDoes,
    /// Page or report, and its date.
    pub source: String,
}

/// When Azure refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptedAt {
    /// When the file is deployed.
    File,
    /// When it is put on a subnet.
    Association,
    /// When it is deployed over or beside what is there.
    SecondDeployment,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptanceDoes {
    /// The policy is refused with its line, and files by the proof.
    Refuse,
    /// Another form is written, and said so; files in the refused form are refused by the proof.
    Adapt,
    /// The report warns.
    Warn,
}

#[derive(Deserialize)]
struct AcceptanceFile {
    row: Vec<Acceptance>,
}

impl Acceptance {
    /// Every row, in the order of the data.
    ///
    /// ```
    /// use tagwall::verify::Acceptance;
    /// assert!(Acceptance::all().iter().any(|row| row.id == "platform-tags" && row.source.contains("56942")));
    /// ```
    pub fn all() -> &'static [Acceptance] {
        static ALL: LazyLock<Vec<Acceptance>> = LazyLock::new(|| {
            toml::from_str::<AcceptanceFile>(DATA).expect("the built-in rows are checked by a test").row
        });
        &ALL
    }
}
