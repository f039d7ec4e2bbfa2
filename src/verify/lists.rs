//! Lists of addresses: each holds just the addresses of one remote, and each remote of addresses has its list.

use std::collections::BTreeMap;

use super::extra::with_extra;
use super::report::{FailureKind, Proven, Report};
use super::resources::AddressList;
use crate::addr::{AddrSet, IpPrefix};
use crate::plan::Extra;
use crate::policy::{Policy, Remote};
use crate::target::Target;

/// Proves that the lists hold the addresses of the remotes that `policy` names, and those that `extras` declares, family
/// by family.
///
/// A list has a name that people read; which remote it is for is told by what it holds. A tag's list has the tag's
/// name in its own, so that two lists cannot change places.
pub(super) fn check(
    policy: &Policy,
    lists: &[AddressList],
    extras: &[Extra],
    format: &str,
    report: &mut Report,
) {
    let mut fail = |kind, text| report.fail(Target::Firewall, format, kind, text);
    let mut needs = needs(policy, extras);
    let count = needs.len();
    let mut entries = 0;
    for list in lists {
        let set = match addresses(list) {
            Ok(set) => set,
            Err(text) => {
                fail(FailureKind::Invalid, format!("{}: {text}", list.name));
                continue;
            }
        };
        entries += list.entries.len();
        match needs
            .iter()
            .position(|need| need.v6 == list.v6 && need.is_called(&list.name) && need.set == set)
        {
            Some(found) => {
                needs.swap_remove(found);
            }
            None => fail(FailureKind::Excess, format!("{}: {}", list.name, nearest(list, &set, &needs))),
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

/// The addresses of one remote in one family.
struct Need {
    remote: String,
    tag: Option<String>,
    v6: bool,
    set: AddrSet,
}

impl Need {
    /// Whether a list of this name can be the remote's.
    fn is_called(&self, name: &str) -> bool {
        let plain = |text: &str| {
            text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>()
        };
        self.tag.as_ref().is_none_or(|tag| plain(name).contains(&plain(tag)))
    }
}

fn needs(policy: &Policy, extras: &[Extra]) -> Vec<Need> {
    let symbols = policy.symbols();
    let mut sets: BTreeMap<String, (Option<String>, AddrSet)> = BTreeMap::new();
    for flow in &policy.flows {
        let tag = match &flow.remote {
            Remote::Tag(tag) => Some(tag.name().to_string()),
            Remote::Addresses(_) => None,
            _ => continue,
        };
        let exact: Vec<String> = match &flow.remote {
            Remote::Addresses(set) => set.prefixes().map(|p| p.to_string()).collect(),
            _ => Vec::new(),
        };
        let except: Vec<String> = flow.except.prefixes().map(|p| p.to_string()).collect();
        let key = format!("{} {} {}", flow.remote, exact.join(","), except.join(","));
        let set = flow.remote_set(&symbols).unwrap_or_default();
        let set = with_extra(set, extras, Target::Lists, &flow.id);
        let entry = sets.entry(key).or_insert_with(|| (tag, AddrSet::empty()));
        entry.1 = entry.1.union(&set);
    }
    let mut needs = Vec::new();
    for (remote, (tag, set)) in sets {
        let v4 = AddrSet { v4: set.v4.clone(), ..AddrSet::empty() };
        let v6 = AddrSet { v6: set.v6.clone(), ..AddrSet::empty() };
        for (v6, set) in [(false, v4), (true, v6)] {
            if !set.is_empty() {
                needs.push(Need { remote: remote.trim().to_owned(), tag: tag.clone(), v6, set });
            }
        }
    }
    needs
}

/// The addresses of a list: canonical prefixes of its family, none twice or inside another.
fn addresses(list: &AddressList) -> Result<AddrSet, String> {
    let mut prefixes: Vec<IpPrefix> = Vec::with_capacity(list.entries.len());
    for text in &list.entries {
        let prefix: IpPrefix = text.parse().map_err(|e| format!("{text}: {e}"))?;
        if prefix.is_v4() == list.v6 {
            return Err(format!("{text} is of the other family"));
        }
        prefixes.push(prefix);
    }
    let sum = prefixes.iter().map(|p| AddrSet::from(*p).count()).sum::<crate::addr::Count>();
    let set: AddrSet = prefixes.into_iter().collect();
    if set.is_empty() {
        return Err("it holds nothing, which some firewalls take for no list".to_owned());
    }
    if set.count() == sum { Ok(set) } else { Err("entries overlap".to_owned()) }
}

/// What differs from the remote that the list's name speaks of.
fn nearest(list: &AddressList, set: &AddrSet, needs: &[Need]) -> String {
    let named = needs.iter().find(|n| n.v6 == list.v6 && n.tag.is_some() && n.is_called(&list.name));
    let Some(need) = named else { return "no remote has just these addresses".to_owned() };
    let one = |set: AddrSet| set.prefixes().next().map_or_else(String::new, |p| p.to_string());
    let (missing, excess) = (need.set.difference(set), set.difference(&need.set));
    match (missing.is_empty(), excess.is_empty()) {
        (false, _) => format!("{} of {} is missing", one(missing), need.remote),
        _ => format!("{} is not one of {}", one(excess), need.remote),
    }
}
