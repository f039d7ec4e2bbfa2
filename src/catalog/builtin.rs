//! The files of the built-in catalogue.

/// Name and text of a file in `data/catalog/`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../data/catalog/", $name, ".toml")))),*]
    };
}

/// Every file of the built-in catalogue; a test holds the list against the directory.
pub(super) const FILES: &[(&str, &str)] = files![
    "sources",
    "risks",
    "aliases",
    "absent-tags",
    "events",
    "outside-tags",
    "fqdn-tags",
    "aks-egress",
    "aml-compute",
    "aml-exfiltration",
    "aml-hdinsight",
    "aml-inference",
    "aml-kubernetes",
    "aml-serverless",
    "aml-training-internet",
    "aml-vm",
    "aml-workspace",
    "databricks",
    "hdinsight",
    "sql-managed-instance",
];
