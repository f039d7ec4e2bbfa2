//! Lists of addresses in policies: how they are read, when exceptions apply, what they are called.

use super::intent::OneOrMany;
use super::place::Path;
use super::problems::Problems;
use super::rule::Remote;
use crate::addr::{AddrSet, Entry};
use crate::text::sha256_hex;

/// Reads prefixes, ranges and single addresses, strictly.
pub(super) fn addresses(texts: &OneOrMany, place: &Path, problems: &mut Problems) -> AddrSet {
    let mut set = AddrSet::empty();
    for (index, text) in texts.as_slice().iter().enumerate() {
        match Entry::parse(text, false) {
            Ok(Entry::V4(i)) => set.v4 = set.v4.union(&i.into()),
            Ok(Entry::V6(i)) => set.v6 = set.v6.union(&i.into()),
            Err(error) => problems.at(place.at(index), format!("{text}: {error}")),
        }
    }
    set
}

/// The exceptions, if they take something away from `remote`; else they would only change how it is written. They
/// are left whole, since what they take away from a tag changes with the tag, and names are made from them.
pub(super) fn applicable(except: &AddrSet, remote: &Remote) -> AddrSet {
    let applies = match remote {
        Remote::Tag(tag) => !tag.set().is_disjoint(except),
        Remote::Addresses(set) => !set.is_disjoint(except),
        Remote::Any | Remote::Symbol(_) | Remote::Outside(_) => true,
        Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) => false,
    };
    if applies { except.clone() } else { AddrSet::empty() }
}

/// A list of addresses as a part of a name that stays the same for ever: long ones by their first prefix and a digest.
pub(super) fn list_text(set: &AddrSet) -> String {
    const SHOWN: usize = 8;
    let list: Vec<String> = set.prefixes().map(|p| p.to_string()).collect();
    if list.len() <= SHOWN {
        return list.join(",");
    }
    let digest = &sha256_hex(list.join(",").as_bytes())[..8];
    format!("{} and {} more ({digest})", list[0], list.len() - 1)
}
