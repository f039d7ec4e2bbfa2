//! Lists of addresses: each holds just the addresses of one remote, and each remote of addresses has its list.

use std::collections::{BTreeMap, BTreeSet};

use super::extra::with_extra;
use super::report::{FailureKind, Proven, Report};
use crate::addr::{AddrSet, IpPrefix, PrefixError};
use crate::plan::{Extra, LimitKey};
use crate::policy::{Flow, Policy, Remote};
use crate::read::resources::{AddressList, Remarks};
use crate::target::{EdlDialect, FormatName, Target};
use crate::text::{is_reserved, sha256_hex};

/// Proves that the lists hold the addresses of the remotes that `policy` names, and those that `extras` declares, family
/// by family.
///
/// Firewalls fetch a list, and rules of others refer to a set, by its name: so each has the very name that follows from
/// its remote, and two lists cannot change places.
pub(super) fn check(
    policy: &Policy,
    lists: &[AddressList],
    extras: &[Extra],
    format: FormatName,
    report: &mut Report,
) {
    let (remarks, form, format) = (remarks(policy, format), format, format.name());
    let mut fail = |kind, text| report.fail(Target::Firewall, format, kind, text);
    let mut needs = needs(policy, extras);
    let count = needs.len();
    let mut entries = 0;
    let mut called = BTreeSet::new();
    for list in lists {
        let word = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if list.name.is_empty() || !list.name.chars().all(word) || !called.insert((&list.name, list.v6)) {
            fail(FailureKind::Invalid, format!("{:?} is no name of a list, or that of two", list.name));
        }
        if list.remarks != remarks {
            let text = format!("{}: its remarks are not in the form that its firewall reads", list.name);
            fail(FailureKind::Invalid, text);
        }
        if let Some(table) = list.table.as_ref().filter(|table| **table != table_of(policy)) {
            fail(
                FailureKind::Invalid,
                format!("{}: it is in the table {table}, not in that of {}", list.name, policy.name),
            );
        }
        let set = match addresses(list) {
            Ok(set) => set,
            Err(text) => {
                fail(FailureKind::Invalid, format!("{}: {text}", list.name));
                continue;
            }
        };
        entries += list.entries.len();
        let of =
            |fits: &dyn Fn(&Need) -> bool| needs.iter().position(|need| need.v6 == list.v6 && fits(need));
        let called = of(&|need| need.is_called(&list.name, form));
        let same = of(&|need| need.set == set);
        match (called, same) {
            (Some(found), _) if needs[found].set == set => _ = needs.swap_remove(found),
            (Some(found), _) => {
                fail(FailureKind::Excess, format!("{}: {}", list.name, difference(&set, &needs[found])));
            }
            (None, Some(found)) => {
                let need = needs.swap_remove(found);
                let text = format!(
                    "{}: by what it holds it is the list of {}, which is called {}",
                    list.name,
                    need.remote,
                    need.name_in(form)
                );
                fail(FailureKind::Invalid, text);
            }
            (None, None) => fail(
                FailureKind::Excess,
                format!("{}: no remote is called so, or has just these addresses", list.name),
            ),
        }
    }
    for need in needs {
        fail(FailureKind::Missing, format!("no list holds the addresses of {}", need.remote));
    }
    report.proven.push(Proven {
        target: "lists".to_owned(),
        format: format.to_owned(),
        part: "addresses".to_owned(),
        rules: entries,
        needs: count,
    });
}

/// The remarks that a format has. Source: documentation of each vendor, in docs/formats.md.
fn remarks(policy: &Policy, format: FormatName) -> Remarks {
    match policy.output.edl {
        _ if format != FormatName::Edl => Remarks::None,
        EdlDialect::Common => Remarks::None,
        EdlDialect::Panos => Remarks::Entries,
        EdlDialect::Fortigate | EdlDialect::Checkpoint => Remarks::Head,
    }
}

/// The table that the sets of an environment are in: rules of others refer to them by it.
fn table_of(policy: &Policy) -> String {
    format!("tagwall_{}", plain(&policy.name))
}

/// A text as languages with narrow names take it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The addresses of one remote in one family.
struct Need {
    /// What the list is called, without folder, family and ending.
    name: String,
    remote: String,
    v6: bool,
    set: AddrSet,
}

impl Need {
    /// The name of the list in a format.
    fn name_in(&self, format: FormatName) -> String {
        let family = if self.v6 { "ipv6" } else { "ipv4" };
        match format {
            FormatName::Lists => format!("lists/{}.{family}.txt", self.name),
            FormatName::Edl => format!("edl/{}.{family}.txt", self.name),
            FormatName::Nftables => format!("s_{}_{family}", plain(&self.name)),
            _ => self.name.clone(),
        }
    }

    /// Whether a list of this name is the remote's. Of sets whose names would be one, the later ones have a digest of
    /// the list's.
    fn is_called(&self, name: &str, format: FormatName) -> bool {
        let digest = || format!("{}_{}", plain(&self.name), &sha256_hex(self.name.as_bytes())[..8]);
        let family = if self.v6 { "ipv6" } else { "ipv4" };
        name == self.name_in(format)
            || format == FormatName::Nftables && name == format!("s_{}_{family}", digest())
    }
}

/// What the list of a flow's remote is called: the tag, the group of the policy, or the first prefix with a digest of all;
/// and a digest of what is left out of it. Source: docs/formats.md.
fn name_of(flow: &Flow) -> String {
    let digest = |texts: &[String]| sha256_hex(texts.join(",").as_bytes())[..6].to_owned();
    let texts = |set: &AddrSet| set.prefixes().map(|p| p.to_string()).collect::<Vec<_>>();
    let base = match (&flow.remote, &flow.group) {
        (Remote::Addresses(_), Some(group)) => format!("group-{group}"),
        (Remote::Addresses(set), None) => match texts(set).as_slice() {
            [one] => one.clone(),
            all => format!("{}-{}", all.first().map_or("", String::as_str), digest(all)),
        },
        (remote, _) => remote.to_string(),
    };
    let whole = match flow.except.is_empty() {
        true => base,
        false => format!("{base}-except-{}", digest(&texts(&flow.except))),
    };
    let name = file_name(&whole);
    if is_reserved(&name) { format!("list-{name}") } else { name }
}

/// A text as a name: other characters are one `-`, and of names that are too long the last nine are `-` and a digest of the text.
fn file_name(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let words: Vec<&str> = text.split(|c| !legal(c)).filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    let name = name.trim_matches(['-', '.']);
    let most = LimitKey::NameCharacters.current();
    match name.get(..most - 9).filter(|_| name.len() > most) {
        Some(head) => format!("{head}-{}", &sha256_hex(text.as_bytes())[..8]),
        None => name.to_owned(),
    }
}

fn needs(policy: &Policy, extras: &[Extra]) -> Vec<Need> {
    let symbols = policy.symbols();
    let mut sets: BTreeMap<String, (String, AddrSet)> = BTreeMap::new();
    for flow in policy.flows.iter().filter(|f| matches!(f.remote, Remote::Tag(_) | Remote::Addresses(_))) {
        let set = flow.remote_set(&symbols).unwrap_or_default();
        let set = with_extra(set, extras, Target::Lists, flow.id.as_str());
        let entry = sets.entry(name_of(flow)).or_insert_with(|| (flow.remote.to_string(), AddrSet::empty()));
        entry.1 = entry.1.union(&set);
    }
    let mut needs = Vec::new();
    for (name, (remote, set)) in sets {
        let v4 = AddrSet { v4: set.v4.clone(), ..AddrSet::empty() };
        let v6 = AddrSet { v6: set.v6.clone(), ..AddrSet::empty() };
        for (v6, set) in [(false, v4), (true, v6)] {
            if !set.is_empty() {
                needs.push(Need { name: name.clone(), remote: remote.clone(), v6, set });
            }
        }
    }
    needs
}

/// What is wrong with the entries of a list.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{text}: {error}")]
    Prefix { text: String, error: PrefixError },
    #[error("{0} is of the other family")]
    Family(String),
    #[error("its entries are not in order")]
    Order,
    #[error("it holds nothing, which some firewalls take for no list")]
    Empty,
    #[error("entries overlap")]
    Overlap,
}

/// The addresses of a list: canonical prefixes of its family, ascending, none twice or inside another.
fn addresses(list: &AddressList) -> Result<AddrSet, Fault> {
    let mut prefixes: Vec<IpPrefix> = Vec::with_capacity(list.entries.len());
    for text in &list.entries {
        let prefix: IpPrefix = text.parse().map_err(|error| Fault::Prefix { text: text.clone(), error })?;
        if prefix.is_v4() == list.v6 {
            return Err(Fault::Family(text.clone()));
        }
        prefixes.push(prefix);
    }
    if !prefixes.is_sorted() {
        return Err(Fault::Order);
    }
    let sum = prefixes.iter().map(|p| AddrSet::from(*p).count()).sum::<crate::addr::Count>();
    let set: AddrSet = prefixes.into_iter().collect();
    if set.is_empty() {
        return Err(Fault::Empty);
    }
    if set.count() == sum { Ok(set) } else { Err(Fault::Overlap) }
}

/// What differs from the remote that the list is called by.
fn difference(set: &AddrSet, need: &Need) -> String {
    let one = |set: AddrSet| set.prefixes().next().map_or_else(String::new, |p| p.to_string());
    let (missing, excess) = (need.set.difference(set), set.difference(&need.set));
    match (missing.is_empty(), excess.is_empty()) {
        (false, _) => format!("{} of {} is missing", one(missing), need.remote),
        _ => format!("{} is not one of {}", one(excess), need.remote),
    }
}
