//! Copies of what an environment was made from, for the folder of what was made.

use crate::emit::Artefact;
use crate::policy::PolicySource;

/// Name of the copy of a policy in the folder of what was made from it.
pub const POLICY_COPY: &str = "policy.toml";

/// Name of the copy of the `index`-th catalogue file that a policy names, counted from 0.
pub fn catalog_copy(index: usize) -> String {
    format!("catalog-{}.toml", index + 1)
}

/// Copies of the policy and of the catalogue files that it names, for the folder of what is made from them: with them
/// whoever finds the folder can prove it again. They are no artefacts; order and comments of a policy play no part in
/// those.
///
/// ```
/// use tagwall::{policy::PolicySource, report};
/// let text = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
///     subnets.a.prefixes = [\"10.20.1.0/24\"]\n";
/// let source = PolicySource::read("e.toml", text).unwrap();
/// let copies = report::policy_copies(&source, &["# ours"]);
/// let names: Vec<&str> = copies.iter().map(|c| c.name.as_str()).collect();
/// assert_eq!(names, ["policy.toml", "catalog-1.toml"]);
/// ```
pub fn policy_copies<S: AsRef<str>>(source: &PolicySource, catalog_texts: &[S]) -> Vec<Artefact> {
    let copy = |name: String, text: &str| Artefact::new(name, text);
    let policy = copy(POLICY_COPY.to_owned(), source.text());
    let catalogs =
        catalog_texts.iter().enumerate().map(|(index, text)| copy(catalog_copy(index), text.as_ref()));
    std::iter::once(policy).chain(catalogs).collect()
}
