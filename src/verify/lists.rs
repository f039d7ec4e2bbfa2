//! Lists of addresses: each holds just the addresses of one remote, and each remote of addresses has its list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use super::difference::{Differs, Fault};
use super::extra::with_extra;
use super::report::{FailureKind, Report};
use crate::addr::{AddrSet, IpPrefix};
use crate::plan::{Extra, LimitKey};
use crate::policy::{Flow, Policy, Remote};
use crate::read::resources::{AddressList, Remarks};
use crate::target::{EdlDialect, FormatName, Target};
use crate::text::{is_reserved, says, sha256_hex};

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
    let mut fail = |kind, differs: Differs| report.fail(Target::Firewall, format, kind, differs);
    let mut needs = needs(policy, extras);
    let count = needs.len();
    let mut entries = 0;
    let mut called = BTreeSet::new();
    for list in lists {
        let name = || list.name.clone();
        let word = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if list.name.is_empty() || !list.name.chars().all(word) || !called.insert((&list.name, list.v6)) {
            fail(FailureKind::Invalid, Differs::ListName(name()));
        }
        if list.remarks != remarks {
            fail(FailureKind::Invalid, Differs::ListRemarks(name()));
        }
        if let Some(table) = list.table.as_ref().filter(|table| !is_table_of(policy, table)) {
            let (table, environment) = (table.clone(), policy.name.clone());
            fail(FailureKind::Invalid, Differs::ListTable { name: name(), table, environment });
        }
        let set = match addresses(list) {
            Ok(set) => set,
            Err(fault) => {
                fail(FailureKind::Invalid, Differs::List(name(), fault));
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
                fail(FailureKind::Excess, difference(name(), &set, &needs[found]));
            }
            (None, Some(found)) => {
                let need = needs.swap_remove(found);
                let wanted = need.name_in(form).to_string();
                fail(
                    FailureKind::Invalid,
                    Differs::ListOfOther { name: name(), remote: need.remote, wanted },
                );
            }
            (None, None) => fail(FailureKind::Excess, Differs::ListOfNone(name())),
        }
    }
    for need in needs {
        fail(FailureKind::Missing, Differs::NoList(need.remote));
    }
    report.prove(Target::Lists, format, "addresses", [entries, count]);
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

/// Whether the sets of an environment are in this table: rules of others refer to them by it.
fn is_table_of(policy: &Policy, table: &str) -> bool {
    says(table, format_args!("tagwall_{}", Plain(&policy.name)))
}

/// A text as languages with narrow names take it.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(if c.is_ascii_alphanumeric() { c } else { '_' }))
    }
}

/// The name of a need's list in a format; in that of nftables with a digest where its name would be that of another.
struct NameIn<'a> {
    need: &'a Need,
    format: FormatName,
    digest: bool,
}

impl fmt::Display for NameIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.need.v6 { "ipv6" } else { "ipv4" };
        let name = &self.need.name;
        match self.format {
            FormatName::Lists => write!(f, "lists/{name}.{family}.txt"),
            FormatName::Edl => write!(f, "edl/{name}.{family}.txt"),
            FormatName::Nftables if self.digest => {
                write!(f, "s_{}_{}_{family}", Plain(name), &sha256_hex(name.as_bytes())[..8])
            }
            FormatName::Nftables => write!(f, "s_{}_{family}", Plain(name)),
            _ => f.write_str(name),
        }
    }
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
    fn name_in(&self, format: FormatName) -> NameIn<'_> {
        NameIn { need: self, format, digest: false }
    }

    /// Whether a list of this name is the remote's. Of sets whose names would be one, the later ones have a digest of
    /// the list's.
    fn is_called(&self, name: &str, format: FormatName) -> bool {
        says(name, self.name_in(format))
            || format == FormatName::Nftables && says(name, NameIn { need: self, format, digest: true })
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
fn difference(name: String, set: &AddrSet, need: &Need) -> Differs {
    let (missing, excess) = (need.set.difference(set), set.difference(&need.set));
    let remote = need.remote.clone();
    match missing.prefixes().next() {
        Some(one) => Differs::ListLess { name, one, remote },
        None => Differs::ListMore { name, one: excess.prefixes().next(), remote },
    }
}
