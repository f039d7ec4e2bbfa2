//! The files of the built-in catalogue.

/// Name and text of a file in `data/catalog/`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../data/catalog/", $name, ".toml")))),*]
    };
}

/// Every file of the built-in catalogue; a test holds the list against the directory.
pub(super) const FILES: &[(&str, &str)] =
    files!["sources", "risks", "aliases", "absent-tags", "aml-compute",];
