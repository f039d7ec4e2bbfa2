//! Lists of addresses in policies: how they are read, when exceptions apply, what they are called.

use super::intent::OneOrMany;
use super::place::Path;
use super::problem::NetworkProblem;
use super::problems::Problems;
use super::rule::Remote;
use crate::addr::{AddrSet, Entry, IpPrefix};
use crate::text::{Joined, sha256_hex};

/// Reads prefixes, ranges and single addresses, strictly.
pub(super) fn addresses(texts: &OneOrMany, place: &Path, problems: &mut Problems) -> AddrSet {
    let mut set = AddrSet::empty();
    for (index, text) in texts.as_slice().iter().enumerate() {
        match Entry::parse(text, false) {
            Ok(Entry::V4(i)) => set.v4 = set.v4.union(&i.into()),
            Ok(Entry::V6(i)) => set.v6 = set.v6.union(&i.into()),
            Err(error) => problems.at(place.at(index), NetworkProblem::Entry { text: text.clone(), error }),
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

/// A remote as a part of a name that stays the same for ever: long lists by their first prefix and a digest.
pub(super) fn list_text(remote: &Remote) -> String {
    const SHOWN: usize = 8;
    let Remote::Addresses(set) = remote else { return remote.to_string() };
    let prefixes: Vec<IpPrefix> = set.prefixes().collect();
    let list = Joined(&prefixes, ",").to_string();
    if prefixes.len() <= SHOWN {
        return list;
    }
    let digest = &sha256_hex(list.as_bytes())[..8];
    format!("{} and {} more ({digest})", prefixes[0], prefixes.len() - 1)
}
