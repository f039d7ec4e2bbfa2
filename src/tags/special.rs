//! Blocks that are no ordinary destinations, from `data/special-ranges.csv`.

use std::sync::LazyLock;

use crate::addr::{AddrSet, IpPrefix};

const DATA: &str = include_str!("../../data/special-ranges.csv");

/// A block that is no ordinary destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialRange {
    /// What it is for, as `private use`.
    pub name: &'static str,
    /// Its addresses.
    pub set: AddrSet,
}

struct Ranges {
    all: Vec<SpecialRange>,
    unrouted: AddrSet,
    never_extra: AddrSet,
}

static RANGES: LazyLock<Ranges> = LazyLock::new(|| {
    let rows = DATA.lines().filter(|line| !line.starts_with('#')).skip(1);
    let rows = rows.map(|line| {
        let mut cells = line.split(',');
        let set = cells.next().and_then(prefix).expect("the table holds prefixes");
        let unrouted = cells.next().expect("the table says what each is for") == "internet";
        (SpecialRange { name: cells.next().expect("the table has names"), set }, unrouted)
    });
    let rows: Vec<(SpecialRange, bool)> = rows.collect();
    Ranges {
        unrouted: AddrSet::union_of(
            rows.iter().filter(|(_, unrouted)| *unrouted).map(|(range, _)| &range.set),
        ),
        never_extra: AddrSet::union_of(rows.iter().map(|(range, _)| &range.set)),
        all: rows.into_iter().map(|(range, _)| range).collect(),
    }
});

fn prefix(text: &str) -> Option<AddrSet> {
    text.parse::<IpPrefix>().ok().map(AddrSet::from)
}

/// Every block of the table, in its order. No block lies in another.
///
/// Source: `data/special-ranges.csv`, with the document of each block.
///
/// ```
/// use tagwall::{addr::{AddrSet, IpPrefix}, tags::special_by_name};
/// let ten: AddrSet = "10.0.0.0/8".parse::<IpPrefix>().unwrap().into();
/// assert!(special_by_name().iter().any(|range| range.set == ten && range.name == "private use"));
/// ```
pub fn special_by_name() -> &'static [SpecialRange] {
    &RANGES.all
}

/// Ranges that the public Internet does not route: private and shared space, link-local, loopback, multicast, and
/// their IPv6 counterparts.
///
/// Source: `data/special-ranges.csv`, with the document of each block.
pub fn special_ranges() -> AddrSet {
    RANGES.unrouted.clone()
}

/// Addresses that no rule ever admits as extra, whatever the policy says: [`special_ranges`], and blocks that lead
/// elsewhere than they seem to, such as IPv4 addresses written as IPv6.
///
/// Source: `data/special-ranges.csv`, with the document of each block.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// let nat64: AddrSet = "64:ff9b::/96".parse::<IpPrefix>().unwrap().into();
/// assert!(nat64.is_subset(&tagwall::tags::never_extra()));
/// ```
pub fn never_extra() -> AddrSet {
    RANGES.never_extra.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let rows: Vec<&str> = DATA.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rows[0], "prefix,use,name,source");
        for row in &rows[1..] {
            let cells: Vec<&str> = row.split(',').collect();
            assert_eq!(cells.len(), 4, "{row}");
            assert!(["internet", "never"].contains(&cells[1]), "{row}");
            assert!(prefix(cells[0]).is_some() && !cells[3].is_empty(), "{row}");
        }
        let sets: Vec<AddrSet> = rows[1..].iter().filter_map(|row| prefix(row.split(',').next()?)).collect();
        let sum: crate::addr::Count = sets.iter().map(AddrSet::count).sum();
        assert_eq!(sum, never_extra().count(), "no block lies in another");
        assert!(special_ranges().is_subset(&never_extra()) && special_ranges() != never_extra());
    }
}
