//! Sets of addresses against two published crates that others rely on: `ipnet` for notation, `iprange` for the fewest
//! prefixes. Both are second opinions only; where they are known to be wrong, ours has to be right.

use std::net::Ipv4Addr;

use iprange::IpRange;
use proptest::prelude::*;
use tagwall::addr::{IntervalSet, IpPrefix, Prefix};

fn v4() -> impl Strategy<Value = Prefix<u32>> {
    // Close together and of all lengths, so that prefixes nest, touch and join; some at the very top.
    let base = prop_oneof![Just(0x0a00_0000_u32), Just(0xffff_ff00), Just(0)];
    (base, any::<u16>(), 0..=32_u8).prop_map(|(base, low, len)| {
        let len = if len < 14 && low % 7 != 0 { len + 18 } else { len };
        Prefix::new_relaxed(base | u32::from(low), len).expect("at most 32 bits")
    })
}

fn v6() -> impl Strategy<Value = Prefix<u128>> {
    let base = prop_oneof![Just(0x2001_0db8_u128 << 96), Just(u128::MAX << 16), Just(0)];
    (base, any::<u16>(), 100..=128_u8).prop_map(|(base, low, len)| {
        Prefix::new_relaxed(base | u128::from(low), len).expect("at most 128 bits")
    })
}

proptest! {
    #[test]
    fn iprange_finds_the_same_ipv4_cover(list in prop::collection::vec(v4(), 0..60)) {
        let mut theirs: IpRange<ipnet::Ipv4Net> = list.iter().map(|p| ipnet::Ipv4Net::from(*p)).collect();
        theirs.simplify();
        let mut theirs: Vec<String> = theirs.iter().map(|net| net.to_string()).collect();
        let ours: IntervalSet<u32> = list.into_iter().collect();
        let mut ours: Vec<String> = ours.prefixes().map(|p| p.to_string()).collect();
        theirs.sort();
        ours.sort();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn iprange_finds_the_same_ipv6_cover(list in prop::collection::vec(v6(), 0..60)) {
        let mut theirs: IpRange<ipnet::Ipv6Net> = list.iter().map(|p| ipnet::Ipv6Net::from(*p)).collect();
        theirs.simplify();
        let mut theirs: Vec<String> = theirs.iter().map(|net| net.to_string()).collect();
        let ours: IntervalSet<u128> = list.into_iter().collect();
        let mut ours: Vec<String> = ours.prefixes().map(|p| p.to_string()).collect();
        theirs.sort();
        ours.sort();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn ipnet_reads_and_prints_the_same(prefix in v4(), wide in v6()) {
        for ours in [IpPrefix::V4(prefix), IpPrefix::V6(wide)] {
            let theirs: ipnet::IpNet = ours.to_string().parse().expect("our notation is theirs");
            prop_assert_eq!(ipnet::IpNet::from(ours), theirs);
            prop_assert_eq!(IpPrefix::try_from(theirs).expect("no host bits"), ours);
            prop_assert_eq!(theirs.to_string(), ours.to_string());
        }
    }
}

#[test]
fn the_top_of_the_space_stays_as_narrow_as_it_is() {
    // A released `aggregate` of ipnet makes a /31 of this one address.
    let top = Ipv4Addr::new(255, 255, 255, 254);
    let ours: IntervalSet<u32> = [Prefix::host(u32::from(top))].into_iter().collect();
    assert_eq!(ours.prefixes().map(|p| p.to_string()).collect::<Vec<_>>(), ["255.255.255.254/32"]);
    assert_eq!(ours.count().to_string(), "1");
}
