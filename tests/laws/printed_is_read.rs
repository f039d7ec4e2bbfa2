//! What is printed is read: whatever lists say, the text of every set that comes of them is a list that says the same,
//! prefix by prefix as well as in whole, strictly and with nothing cleared.

use proptest::prelude::*;
use tagwall::addr::{
    AddrList, AddrSet, Count, CoverRequest, Entry, IpPrefix, ListOptions, Route, RouteProblem, fewest_within,
};

/// Texts of entries, many of them around the IPv4-mapped addresses and the ends of the space.
fn entry() -> impl Strategy<Value = String> {
    let address = prop_oneof![
        Just(0_u128),
        (0..4_u128).prop_map(|below| u128::MAX - below),
        (0..4_u128, 0..3_u128).prop_map(|(block, last)| ((0xfffe + block) << 32) | last),
        (0..4_u128, 0..3_u128).prop_map(|(block, above)| (((0xfffe + block) << 32) | 0xffff_ffff) - above),
        any::<u32>().prop_map(|v4| 0xffff_0000_0000 | u128::from(v4)),
        any::<u128>(),
    ];
    let v6 = (address.clone(), 80..=128_u8).prop_map(|(addr, len)| {
        let addr = addr & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
        format!("{}/{len}", std::net::Ipv6Addr::from(addr))
    });
    let range = (address.clone(), address).prop_map(|(a, b)| {
        format!("{}-{}", std::net::Ipv6Addr::from(a.min(b)), std::net::Ipv6Addr::from(a.max(b)))
    });
    let v4 = (any::<u32>(), any::<u32>()).prop_map(|(a, b)| {
        format!("{}-{}", std::net::Ipv4Addr::from(a.min(b)), std::net::Ipv4Addr::from(a.max(b)))
    });
    let whole = prop_oneof![Just("::/0"), Just("0.0.0.0/0"), Just("::ffff:0:0/96"), Just("::fffe:0:0/95")];
    prop_oneof![3 => v6, 3 => range, 1 => v4, 1 => whole.prop_map(str::to_owned)]
}

/// The union of the entries that are read at all.
fn set() -> impl Strategy<Value = AddrSet> {
    prop::collection::vec(entry(), 0..6)
        .prop_map(|texts| texts.iter().filter_map(|text| Entry::parse(text, false).ok()).collect())
}

fn is_read(set: &AddrSet) -> Result<(), TestCaseError> {
    let mut text = Vec::new();
    set.write_text(|block| std::io::Write::write_all(&mut text, block)).unwrap();
    let list = AddrList::parse(&text, ListOptions::default())
        .map_err(|errors| TestCaseError::fail(format!("{set:?}: {errors}")))?;
    prop_assert_eq!(&list.set, set);
    for prefix in set.prefixes() {
        prop_assert_eq!(prefix.to_string().parse::<IpPrefix>(), Ok(prefix));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sets_that_come_of_lists(a in set(), b in set()) {
        for set in [
            a.union(&b), a.intersection(&b), a.difference(&b), b.difference(&a), a.symmetric_difference(&b), a.complement(),
        ] {
            is_read(&set)?;
        }
    }

    #[test]
    fn covers_and_what_they_add(a in set(), never in set(), extra in 0..1000_u64) {
        let never = never.difference(&a);
        let request = CoverRequest::new(&a).never(&never);
        if let Ok(covers) = fewest_within(&[request], Count::from(extra)) {
            let covered: AddrSet = covers.covers[0].iter().copied().collect();
            is_read(&covered)?;
            is_read(&covered.difference(&a))?;
        }
    }

    #[test]
    fn routes(a in set(), b in set()) {
        let hop = |set: &AddrSet, hop| set.prefixes().map(move |prefix| Route { prefix, hop }).collect::<Vec<_>>();
        let routes = [hop(&a, "a"), hop(&b.difference(&a), "b")].concat();
        for route in RouteProblem::new(routes).minimise().unwrap() {
            prop_assert_eq!(route.prefix.to_string().parse::<IpPrefix>(), Ok(route.prefix));
        }
    }
}
