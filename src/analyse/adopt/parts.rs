//! Local sides of rules as subnets.

use std::collections::BTreeMap;

use crate::addr::{AddrSet, IpPrefix};

/// The disjoint parts of sets of addresses, each with a name: that of the subnet that it is, or its first prefix.
pub(super) fn parts(sets: &[AddrSet], known: &[(String, AddrSet)]) -> BTreeMap<String, AddrSet> {
    let mut parts: Vec<AddrSet> = Vec::new();
    for set in sets {
        let mut rest = set.clone();
        let mut next = Vec::new();
        for part in parts {
            let both = part.intersection(&rest);
            rest = rest.difference(&both);
            next.extend([part.difference(&both), both].into_iter().filter(|part| !part.is_empty()));
        }
        next.extend((!rest.is_empty()).then_some(rest));
        parts = next;
    }
    let name = |set: &AddrSet| {
        let own = known.iter().find(|(_, known)| known == set).map(|(name, _)| name.clone());
        let first = || set.prefixes().next().map(|prefix: IpPrefix| prefix.to_string()).unwrap_or_default();
        own.unwrap_or_else(|| format!("subnet-{}", first().replace(['.', ':', '/'], "-")))
    };
    parts.into_iter().map(|set| (name(&set), set)).collect()
}
