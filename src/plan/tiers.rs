//! [`Shortage`]: tiers of Azure Firewall that a region has no capacity for, as dated data.

use std::sync::LazyLock;

use serde::Deserialize;

const DATA: &str = include_str!("../../data/limits/tiers.csv");

/// A tier that cannot be had in a region, by what was known on the date of the source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Shortage {
    /// Azure location.
    pub location: String,
    /// The tier, as policies name it.
    pub tier: String,
    /// What is known.
    pub known: String,
    /// Page and its date.
    pub source: String,
}

impl Shortage {
    /// Every shortage known.
    pub fn all() -> &'static [Shortage] {
        static ALL: LazyLock<Vec<Shortage>> = LazyLock::new(|| {
            let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(DATA.as_bytes());
            let rows = reader.deserialize().collect::<Result<_, _>>();
            rows.expect("the built-in table is checked by a test")
        });
        &ALL
    }

    /// What is known of a tier in a region.
    ///
    /// ```
    /// use tagwall::plan::Shortage;
    /// assert!(Shortage::of("usgovvirginia", "premium").is_some());
    /// assert!(Shortage::of("usgovvirginia", "standard").is_none());
    /// ```
    pub fn of(location: &str, tier: &str) -> Option<&'static Shortage> {
        Self::all().iter().find(|shortage| shortage.location == location && shortage.tier == tier)
    }
}
