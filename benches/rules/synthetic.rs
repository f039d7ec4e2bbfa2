//! Made-up rule lists of realistic size, from a seed.

use std::sync::Arc;

use tagwall::addr::{AddrSet, IpPrefix, Prefix};
use tagwall::packet::{Ports, Protocol};
use tagwall::rules::{Access, Rule, RuleList};

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough for test data.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A prefix as service tags have them: nine in ten are IPv4 of /20 to /32.
    fn prefix(&mut self) -> IpPrefix {
        if self.below(10) == 0 {
            let addr = 0x2603_1000_u128 << 96 | u128::from(self.next() & 0xffff_ffff) << 64;
            return IpPrefix::V6(Prefix::new_relaxed(addr, 44 + self.below(21) as u8).expect("at most 64"));
        }
        let addr = 0x1400_0000 | (self.next() as u32 & 0x07ff_ffff);
        IpPrefix::V4(Prefix::new_relaxed(addr, 20 + self.below(13) as u8).expect("at most 32"))
    }

    fn addresses(&mut self, prefixes: usize) -> Vec<IpPrefix> {
        (0..prefixes).map(|_| self.prefix()).collect()
    }
}

fn rule(place: usize, access: Access, src: Arc<AddrSet>, dst: Arc<AddrSet>, dport: Ports) -> Rule {
    let name = format!("rule-{place:04}");
    let priority = 100 + place as u32;
    Rule { name, priority, access, protocol: Protocol::Tcp, src, dst, sport: Ports::all(), dport }
}

/// The outbound rules of one subnet for a dozen services, 250 prefixes each, with two exceptions in front: first
/// as wanted, one rule a service; then as written, cut into some 40 rules.
pub(crate) fn subnet() -> (RuleList, RuleList) {
    let mut random = Random(1);
    let src: Arc<AddrSet> = Arc::new(
        ["10.1.0.0/24", "fd00:1::/64"].map(|t| t.parse::<IpPrefix>().unwrap()).into_iter().collect(),
    );
    let mut wanted = Vec::new();
    let mut written = Vec::new();
    for service in 0..14 {
        let access = if service < 2 { Access::Deny } else { Access::Allow };
        let prefixes = random.addresses(if service < 2 { 4 } else { 250 });
        let dport: Ports = ["443", "443,1433", "80,443", "5671-5672"][service % 4].parse().unwrap();
        let whole: AddrSet = prefixes.iter().copied().collect();
        for part in whole.prefixes().collect::<Vec<_>>().chunks(95) {
            let part = Arc::new(part.iter().copied().collect());
            written.push(rule(written.len(), access, src.clone(), part, dport.clone()));
        }
        wanted.push(rule(wanted.len(), access, src.clone(), Arc::new(whole), dport));
    }
    (RuleList::new(wanted, Access::Deny).unwrap(), RuleList::new(written, Access::Deny).unwrap())
}

/// A hard pair: `rules` rules of both kinds that share pools of address sets, with over half as many distinct port
/// sets; and a rewriting in which seven of ten rules are cut in two.
pub(crate) fn hard(rules: usize) -> (RuleList, RuleList) {
    let mut random = Random(2);
    let pool = |random: &mut Random, sets: usize, prefixes: usize| -> Vec<Arc<AddrSet>> {
        (0..sets).map(|_| Arc::new(random.addresses(prefixes).into_iter().collect())).collect()
    };
    let targets = pool(&mut random, rules / 5, 80);
    let sources = pool(&mut random, rules / 10, 40);
    let mut plain = Vec::new();
    let mut cut = Vec::new();
    for place in 0..rules {
        let access = if random.below(3) == 0 { Access::Deny } else { Access::Allow };
        let src = match random.below(3) {
            0 => Arc::new(AddrSet::all()),
            _ => sources[random.below(sources.len())].clone(),
        };
        let dst = targets[random.below(targets.len())].clone();
        let first = random.below(rules * 2 / 3) * 8;
        let dport: Ports = match random.below(4) {
            0 => Ports::all(),
            _ => format!("{first}-{}", first + random.below(200)).parse().unwrap(),
        };
        plain.push(rule(place, access, src.clone(), dst.clone(), dport.clone()));
        let prefixes: Vec<IpPrefix> = dst.prefixes().collect();
        let parts = if random.below(10) < 7 { 2 } else { 1 };
        for part in prefixes.chunks(prefixes.len().div_ceil(parts)) {
            let part = Arc::new(part.iter().copied().collect());
            cut.push(rule(cut.len(), access, src.clone(), part, dport.clone()));
        }
    }
    (RuleList::new(plain, Access::Deny).unwrap(), RuleList::new(cut, Access::Deny).unwrap())
}

/// `list` without its rule at `place`.
pub(crate) fn without(list: &RuleList, place: usize) -> RuleList {
    let mut rules = list.rules().to_vec();
    rules.remove(place);
    RuleList::new(rules, list.default_access()).unwrap()
}
