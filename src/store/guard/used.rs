//! Tags that policies use, one by one: gone, empty, shrunk, grown, or of another kind than before.

use std::sync::LazyLock;

use super::terms::{Dated, Guard, Rule, Verdict, percent, weeks_between};
use crate::addr::{AddrSet, IntervalSet, IpPrefix};
use crate::tags::{Cloud, Snapshot, SpecialRange, Tag, special_by_name};

/// A tag that gains no more IPv4 addresses than these grew by nothing worth a look, whatever that is in percent. In the
/// archived history regional tags of 128 addresses became 2,176 in one step.
const FEW_V4: u64 = 4096;
/// The same in blocks of a /48, by which IPv6 is counted: single addresses say nothing there.
const FEW_V6: u64 = 64;
/// By how much a regional tag may reach beyond its service's tag, in the same units. In the archived history it was 256
/// IPv4 addresses once, for a week.
const BEYOND_V4: u64 = 512;
const BEYOND_V6: u64 = 2;
/// Growth over this time is held to twice the figure of one week, so that a tag cannot creep.
pub(super) const CREEP_WEEKS: f64 = 8.0;

/// Holds the tag `name` against what it was.
pub(super) fn judge(
    guard: &Guard<'_>,
    name: &str,
    old: Option<Dated<'_>>,
    new: Dated<'_>,
    verdict: &mut Verdict,
) {
    let before = old.and_then(|old| old.snapshot.tag(name));
    let Some(now) = new.snapshot.tag(name) else {
        if before.is_some() {
            let text = format!("the tag {name}, which a policy uses, disappeared");
            verdict.find(guard.accepted, Rule::UsedTagGone, text);
        }
        return;
    };
    if let (Some(before), Some(old)) = (before, old) {
        if now.set().is_empty() && !before.set().is_empty() {
            let text = format!("the tag {name}, which a policy uses, has no addresses any more");
            return verdict.find(guard.accepted, Rule::UsedTagEmpty, text);
        }
        judge_loss(guard, name, before.set(), now.set(), verdict);
        judge_growth(guard, name, (old, before), (new, now), verdict);
    }
    judge_kind(guard, now, old.map(|old| old.snapshot), new.snapshot, verdict);
}

fn judge_loss(guard: &Guard<'_>, name: &str, old: &AddrSet, new: &AddrSet, verdict: &mut Verdict) {
    let families = [("IPv4", old.v4.count(), new.v4.count()), ("IPv6", old.v6.count(), new.v6.count())];
    for (family, before, now) in families {
        let change = percent(before.to_f64(), now.to_f64());
        let most = guard.thresholds.used_tag_lost;
        if !before.is_zero() && change < -f64::from(most) {
            let text = format!(
                "the tag {name}, which a policy uses, lost {:.1} % of its {family} addresses, where at most {most} % \
                 may go",
                -change
            );
            verdict.find(guard.accepted, Rule::UsedTagShrunk, text);
        }
    }
}

/// Growth since the last good data, by the week; and since older data, so that small steps add up.
fn judge_growth(
    guard: &Guard<'_>,
    name: &str,
    (old, before): (Dated<'_>, &Tag),
    (new, now): (Dated<'_>, &Tag),
    verdict: &mut Verdict,
) {
    let per_week = f64::from(guard.thresholds.used_tag_growth);
    let weeks = weeks_between(old.date, new.date);
    let since = old.date.map_or_else(|| "the last good data".to_owned(), |date| date.to_string());
    let bound = Bound { most: per_week * weeks, since };
    if grown(guard, name, (before.set(), now.set()), &bound, verdict) {
        return;
    }
    let Some((earlier, tag)) = guard.earlier.and_then(|e| Some((e, e.snapshot.tag(name)?))) else { return };
    let most = 2.0 * per_week * (weeks_between(earlier.date, new.date) / CREEP_WEEKS).max(1.0);
    let since = earlier.date.map_or_else(|| "older data".to_owned(), |date| date.to_string());
    grown(guard, name, (tag.set(), now.set()), &Bound { most, since }, verdict);
}

/// By how many percent addresses may grow, and since when, in words.
struct Bound {
    most: f64,
    since: String,
}

/// Refuses growth beyond a bound in a family; whether it did.
fn grown(
    guard: &Guard<'_>,
    name: &str,
    (old, new): (&AddrSet, &AddrSet),
    Bound { most, since }: &Bound,
    verdict: &mut Verdict,
) -> bool {
    let v4 = (old.v4.count().to_f64(), new.v4.count().to_f64(), FEW_V4, "IPv4 addresses");
    let v6 = (sites(&old.v6), sites(&new.v6), FEW_V6, "IPv6 blocks of a /48");
    let mut found = false;
    for (before, now, few, unit) in [v4, v6] {
        // From nothing no percentage leads anywhere: a family or region that begins. Of what kind it is, is judged below.
        let change = percent(before, now);
        if now - before > few as f64 && change > *most {
            let text = format!(
                "the tag {name}, which a policy uses, grew from {before:.0} to {now:.0} {unit} since {since}, \
                 {change:.0} % more, where at most {most:.0} % may come"
            );
            verdict.find(guard.accepted, Rule::UsedTagGrown, text);
            found = true;
        }
    }
    found
}

/// In how many blocks of a /48 there are addresses of `set`.
pub(super) fn sites(set: &IntervalSet<u128>) -> f64 {
    let (mut count, mut next) = (0_u128, 0_u128);
    for interval in set.intervals() {
        let (first, last) = ((interval.first() >> 80).max(next), interval.last() >> 80);
        if first <= last {
            count += last - first + 1;
            next = last + 1;
        }
    }
    count as f64
}

/// Addresses of a kind that the tag had none of before: special ones, another cloud's, or beyond its service's tag.
fn judge_kind(guard: &Guard<'_>, now: &Tag, old: Option<&Snapshot>, new: &Snapshot, verdict: &mut Verdict) {
    let name = now.name().as_str();
    // A tag that was not there is held against its service's, if it is regional: that is what it is carved from.
    let service = service_of(now);
    let reference = old.and_then(|old| old.tag(name).or_else(|| old.tag(service?)));
    let none = AddrSet::empty();
    let before = reference.map_or(&none, |tag| tag.set());
    let gained = now.set().difference(before);
    let found = |verdict: &mut Verdict, what: &str, set: &AddrSet| {
        let has = if reference.is_some() { "gained" } else { "holds" };
        let text = format!("the tag {name}, which a policy uses, {has} {what}: {}", some_of(set));
        verdict.find(guard.accepted, Rule::UsedTagGrown, text);
    };
    // What has only special addresses, as the built-in sample, is no tag of public ones.
    let public = if reference.is_some() { before } else { now.set() };
    let is_public = !public.is_subset(&special_and_documentation());
    for range in special_by_name().iter().chain(DOCUMENTATION.iter()) {
        let here = gained.intersection(&range.set);
        if !here.is_empty() && is_public && before.is_disjoint(&range.set) {
            found(verdict, &format!("addresses that are not public ({})", range.name), &here);
        }
    }
    for (cloud, blocks) in foreign(new.cloud()) {
        let here = gained.intersection(blocks);
        if !here.is_empty() {
            found(verdict, &format!("addresses of the cloud {cloud}"), &here);
        }
    }
    let Some(service) = service else { return };
    let beyond = beyond(now, service, new);
    let known = old.and_then(|old| Some(self::beyond(old.tag(name)?, service, old))).unwrap_or_default();
    let fresh = beyond.difference(&known);
    if fresh.v4.count().to_f64() > BEYOND_V4 as f64 || sites(&fresh.v6) > BEYOND_V6 as f64 {
        found(verdict, &format!("addresses beyond its service's tag {service}"), &fresh);
    }
}

/// The name of the service's tag of a regional one.
fn service_of(tag: &Tag) -> Option<&str> {
    tag.region().and_then(|_| Some(tag.name().as_str().rsplit_once('.')?.0))
}

/// What of `tag` is not in its service's tag; nothing where there is no such tag.
fn beyond(tag: &Tag, service: &str, of: &Snapshot) -> AddrSet {
    of.tag(service).map(|service| tag.set().difference(service.set())).unwrap_or_default()
}

/// Blocks for documentation and benchmarks, and the IPv6 addresses that are assigned to nobody. The built-in sample
/// lives in the former.
///
/// Source: IANA's special-purpose registries; `ipv6-address-space`: global unicast is 2000::/3.
static DOCUMENTATION: LazyLock<[SpecialRange; 2]> = LazyLock::new(|| {
    let set = |list: &[&str]| -> AddrSet {
        list.iter().map(|text| text.parse::<IpPrefix>().expect("a constant prefix")).collect()
    };
    let examples =
        ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32", "3fff::/20"];
    let named = AddrSet::union_of(special_by_name().iter().map(|range| &range.set));
    let global = set(&["0.0.0.0/0", "2000::/3"]);
    [
        SpecialRange { name: "documentation and benchmarks", set: set(&examples) },
        SpecialRange { name: "no global unicast", set: global.complement().difference(&named) },
    ]
});

fn special_and_documentation() -> AddrSet {
    AddrSet::union_of(special_by_name().iter().chain(DOCUMENTATION.iter()).map(|range| &range.set))
}

/// Blocks of the clouds other than `own` that are known to belong to one alone.
fn foreign(own: Cloud) -> impl Iterator<Item = &'static (Cloud, AddrSet)> {
    BLOCKS.iter().filter(move |(cloud, _)| *cloud != own)
}

static BLOCKS: LazyLock<Vec<(Cloud, AddrSet)>> = LazyLock::new(|| {
    const DATA: &str = include_str!("../../../data/cloud-blocks.csv");
    let rows = DATA.lines().filter(|line| !line.starts_with('#')).skip(1);
    let rows: Vec<(IpPrefix, Cloud)> = rows
        .map(|line| {
            let (prefix, cloud) = line.split_once(',').expect("two cells");
            let cloud = Cloud::find(cloud).expect("the table names clouds");
            (prefix.parse().expect("the table holds prefixes"), cloud)
        })
        .collect();
    let of =
        |cloud: Cloud| rows.iter().filter(move |(_, c)| *c == cloud).map(|(prefix, _)| *prefix).collect();
    [Cloud::UsGov, Cloud::China].into_iter().map(|cloud| (cloud, of(cloud))).collect()
});

/// The first prefixes of a set.
fn some_of(set: &AddrSet) -> String {
    let list: Vec<String> = set.prefixes().take(4).map(|prefix| prefix.to_string()).collect();
    let more = set.prefixes().count() - list.len().min(3);
    match list.len() {
        0..=3 => list.join(", "),
        _ => format!("{} and {more} more", list[..3].join(", ")),
    }
}
