//! Blocks that are no ordinary destinations, from `data/special-ranges.csv`.

use std::sync::LazyLock;

use crate::addr::{AddrSet, IpPrefix};

const DATA: &str = include_str!("../../data/special-ranges.csv");

struct Ranges {
    unrouted: AddrSet,
    never_extra: AddrSet,
}

static RANGES: LazyLock<Ranges> = LazyLock::new(|| {
    let rows = DATA.lines().filter(|line| !line.starts_with('#')).skip(1);
    let rows = rows.map(|line| {
        let mut cells = line.split(',');
        let prefix = cells.next().and_then(prefix).expect("the table holds prefixes");
        (prefix, cells.next().expect("the table says what each is for") == "internet")
    });
    let rows: Vec<(AddrSet, bool)> = rows.collect();
    Ranges {
        unrouted: AddrSet::union_of(rows.iter().filter(|(_, unrouted)| *unrouted).map(|(set, _)| set)),
        never_extra: AddrSet::union_of(rows.iter().map(|(set, _)| set)),
    }
});

/// One prefix as a set. IPv4-mapped addresses are no prefixes to the strict reader, so that block is made by hand.
fn prefix(text: &str) -> Option<AddrSet> {
    if text == "::ffff:0:0/96" {
        let block = crate::addr::Prefix::new(0xffff_0000_0000_u128, 96).ok()?;
        return Some(IpPrefix::V6(block).into());
    }
    text.parse::<IpPrefix>().ok().map(AddrSet::from)
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
/// assert!(nat64.is_subset(&tagwall::policy::never_extra()));
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
