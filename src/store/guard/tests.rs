//! The guard rule by rule.

use std::collections::BTreeSet;

use super::*;

fn snapshot(number: u64, tags: &[(&str, &[&str])]) -> Snapshot {
    let values: Vec<_> = tags
        .iter()
        .map(|(name, prefixes)| {
            serde_json::json!({"name": name, "properties": {"region": "", "addressPrefixes": prefixes}})
        })
        .collect();
    let file = serde_json::json!({"changeNumber": number, "cloud": "Public", "values": values});
    Snapshot::parse(file.to_string().as_bytes()).unwrap()
}

fn dated<'a>(snapshot: &'a Snapshot, date: &str) -> Dated<'a> {
    Dated { snapshot, date: Some(date.parse().unwrap()), seen: None }
}

fn guard<'a>(used: &'a BTreeSet<String>, accepted: &'a [Rule]) -> Guard<'a> {
    const DEFAULT: &Thresholds = &Thresholds {
        tags_lost: 10,
        addresses_lost: 20,
        growth_per_week: 25,
        used_tag_lost: 50,
        used_tag_growth: 400,
    };
    Guard { thresholds: DEFAULT, accepted, used, earlier: None, published: true }
}

fn rules(old: &Snapshot, new: &Snapshot, used: &[&str], accepted: &[Rule]) -> Vec<Rule> {
    let used = used.iter().map(|&name| name.to_owned()).collect();
    let (old, new) = (dated(old, "2026-06-08"), dated(new, "2026-06-15"));
    let verdict = guard(&used, accepted).judge(Some(old), new);
    verdict.refusals.iter().map(|(rule, _)| *rule).collect()
}

#[test]
fn what_is_no_file_is_told_apart() {
    let cloud = Cloud::Public;
    assert!(matches!(read(b"<html><title>x</title>", cloud), Err(Unusable::NotJson(_))));
    assert!(matches!(read(b"", cloud), Err(Unusable::NotJson(_))));
    assert!(matches!(read(br#"{"changeNumber": 1, "cl"#, cloud), Err(Unusable::CutOff(_))));
    let empty = br#"{"changeNumber": 1, "cloud": "Public", "values": []}"#;
    assert_eq!(read(empty, cloud).unwrap_err(), Unusable::Empty("no tags"));
    let text = read(empty, Cloud::China).unwrap_err().to_string();
    assert_eq!(text, "the file is of the cloud public, where china was asked for");
    assert!(matches!(read(b"{\"a\": 1,}", cloud), Err(Unusable::Malformed(_))));
}

#[test]
fn losses_and_growth_are_refused_and_can_be_overridden() {
    let whole = snapshot(7, &[("A", &["10.0.0.0/9"]), ("B", &["10.128.0.0/9"])]);
    let tags = snapshot(8, &[("A", &["10.0.0.0/8"])]);
    assert_eq!(rules(&whole, &tags, &[], &[]), [Rule::FewerTags]);
    assert_eq!(rules(&tags, &whole, &[], &[]), [Rule::MoreTags]);
    let half = snapshot(8, &[("A", &["10.0.0.0/9"]), ("B", &["10.0.0.0/9"])]);
    assert_eq!(rules(&whole, &half, &[], &[]), [Rule::FewerAddresses]);
    assert_eq!(rules(&half, &whole, &[], &[]), [Rule::MoreAddresses]);
    assert!(rules(&half, &whole, &[], &[Rule::MoreAddresses]).is_empty());
}

#[test]
fn used_tags_are_watched_by_name() {
    let list = |b: &'static [&'static str]| snapshot(7, &[("A", &["10.0.0.0/8"]), ("B", b)]);
    let (old, empty) = (list(&["192.0.2.0/24"]), list(&[]));
    let gone = snapshot(7, &[("A", &["10.0.0.0/8"]), ("C", &["192.0.2.0/24"])]);
    assert_eq!(rules(&old, &gone, &["B"], &[]), [Rule::UsedTagGone]);
    assert_eq!(rules(&old, &empty, &["B"], &[]), [Rule::UsedTagEmpty]);
    assert_eq!(rules(&old, &list(&["192.0.2.0/26"]), &["B"], &[]), [Rule::UsedTagShrunk]);
    assert!(rules(&old, &gone, &["A"], &[]).is_empty());
}

/// A small public cloud in which `Storage.WestEurope` has 512 addresses, with `more` in it, and perhaps in its
/// service's tag too.
fn cloud(number: u64, more: &[&str], in_service: bool) -> Snapshot {
    let regional: Vec<&str> = ["20.60.0.0/24", "20.60.2.0/24"].iter().chain(more).copied().collect();
    let service = ["20.60.0.0/16"].iter().chain(more.iter().filter(|_| in_service));
    let service: Vec<&str> = service.copied().collect();
    let tags: [(&str, &str, &[&str]); 3] = [
        ("AzureCloud", "", &["20.0.0.0/8", "52.236.0.0/16"]),
        ("Storage", "", &service),
        ("Storage.WestEurope", "westeurope", &regional),
    ];
    let value = |(name, region, list): &(&str, &str, &[&str])| serde_json::json!({"name": name, "properties": {"region": region, "addressPrefixes": list}});
    let values: Vec<_> = tags.iter().map(value).collect();
    let file = serde_json::json!({"changeNumber": number, "cloud": "Public", "values": values});
    Snapshot::parse(file.to_string().as_bytes()).unwrap()
}

fn westeurope() -> BTreeSet<String> {
    BTreeSet::from(["Storage.WestEurope".to_owned()])
}

/// What is said when `Storage.WestEurope` gains `more`.
fn said(more: &[&str], in_service: bool) -> Vec<String> {
    let (old, new) = (cloud(1, &[], true), cloud(2, more, in_service));
    let (old, new) = (dated(&old, "2026-06-08"), dated(&new, "2026-06-15"));
    let verdict = guard(&westeurope(), &[Rule::MoreAddresses]).judge(Some(old), new);
    assert!(verdict.refusals.iter().all(|(rule, _)| *rule == Rule::UsedTagGrown), "{verdict:?}");
    verdict.refusals.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_used_tag_does_not_grow_without_bound() {
    let text = said(&["20.60.32.0/19", "20.60.64.0/19"], false).remove(0);
    let wanted = "grew from 512 to 16896 IPv4 addresses since 2026-06-08, 3200 % more, where at most 400 %";
    assert!(text.contains(wanted), "{text}");
    assert!(said(&["20.60.32.0/20"], false).is_empty(), "4,096 addresses more are nothing worth a look");
    // From 1,280 to 6,400 are five times as many: exactly what is allowed.
    let step = |more: &[&str]| {
        let all: Vec<&str> = ["20.60.4.0/24", "20.60.6.0/23"].iter().chain(more).copied().collect();
        let (old, new) = (cloud(1, &all[..2], true), cloud(2, &all, true));
        let old = Some(dated(&old, "2026-06-08"));
        guard(&westeurope(), &[]).judge(old, dated(&new, "2026-06-15")).is_accepted()
    };
    assert!(step(&["20.60.16.0/20", "20.60.32.0/22"]));
    assert!(!step(&["20.60.16.0/20", "20.60.32.0/22", "20.60.36.0/32"]));
}

#[test]
fn a_used_tag_gains_no_addresses_of_another_kind() {
    for (more, words) in [
        ("10.0.0.0/8", "gained addresses that are not public (private use): 10.0.0.0/8"),
        ("192.168.7.0/24", "gained addresses that are not public (private use): 192.168.7.0/24"),
        ("100.64.0.0/32", "gained addresses that are not public (shared address space): 100.64.0.0/32"),
        ("127.0.0.1/32", "gained addresses that are not public (loopback): 127.0.0.1/32"),
        ("169.254.169.254/32", "gained addresses that are not public (link-local)"),
        ("224.0.0.0/4", "gained addresses that are not public (multicast)"),
        ("255.255.255.255/32", "gained addresses that are not public (reserved and limited broadcast)"),
        ("203.0.113.0/24", "gained addresses that are not public (documentation and benchmarks)"),
        ("fc00::/7", "gained addresses that are not public (unique local)"),
        ("::1/128", "gained addresses that are not public (loopback)"),
        ("fe80::/64", "gained addresses that are not public (link-local)"),
        ("4000::/16", "gained addresses that are not public (no global unicast)"),
        ("52.130.7.0/24", "gained addresses of the cloud china: 52.130.7.0/24"),
        ("2406:e500:4400::/48", "gained addresses of the cloud china"),
        ("52.227.0.0/24", "gained addresses of the cloud usgov"),
        ("52.236.0.0/22", "gained addresses beyond its service's tag Storage: 52.236.0.0/22"),
    ] {
        let texts = said(&[more], !words.contains("beyond"));
        assert!(texts.iter().any(|text| text.contains(words)), "{more}: {texts:?}");
    }
    assert!(said(&["0.0.0.0/0", "::/0"], true).len() > 20, "everything is of every kind");
    assert!(said(&["52.236.0.0/23"], false).is_empty(), "a little beyond its service's tag has happened");
}

#[test]
fn a_tag_that_comes_into_use_is_held_against_its_service() {
    let old = snapshot(1, &[("Storage", &["20.60.0.0/16"])]);
    let (new, fine) = (cloud(2, &["10.0.0.0/8"], false), cloud(2, &[], true));
    let (old, new) = (dated(&old, "2026-06-08"), dated(&new, "2026-06-15"));
    let used = westeurope();
    let verdict = guard(&used, &[Rule::MoreAddresses, Rule::MoreTags]).judge(Some(old), new);
    let text = verdict.reasons().join("\n");
    assert!(text.contains("gained addresses that are not public (private use): 10.0.0.0/8"), "{text}");
    assert!(text.contains("beyond its service's tag Storage: 10.0.0.0/8"), "{text}");
    assert!(text.ends_with("(override with --accept used-tag-grown)"), "{text}");
    // Also where nothing is known before.
    let first = guard(&used, &[Rule::UnusualSize]).judge(None, new);
    assert!(first.reasons()[0].contains("holds addresses that are not public (private use)"), "{first:?}");
    let fine = guard(&used, &[Rule::UnusualSize]).judge(None, dated(&fine, "2026-06-15"));
    assert!(fine.is_accepted() && fine.overridden == [Rule::UnusualSize], "{fine:?}");
}

#[test]
fn small_steps_add_up() {
    let first = cloud(1, &[], true);
    let then = cloud(2, &["20.60.8.0/21", "20.60.16.0/22"], true);
    let now = cloud(3, &["20.60.64.0/18"], true);
    let used = westeurope();
    let judged = |earlier| {
        let guard = Guard { earlier, ..guard(&used, &[]) };
        guard.judge(Some(dated(&then, "2026-06-08")), dated(&now, "2026-06-15"))
    };
    assert!(judged(None).is_accepted(), "{:?}", judged(None));
    let sum = judged(Some(dated(&first, "2026-06-01")));
    assert!(sum.reasons()[0].contains("since 2026-06-01, 3200 % more, where at most 800 %"), "{sum:?}");
}

#[test]
fn a_first_file_is_held_against_what_is_usual() {
    let none = BTreeSet::new();
    let file = cloud(1, &[], true);
    let judged = |published| Guard { published, ..guard(&none, &[]) }.judge(None, dated(&file, "2026-06-15"));
    let text = judged(true).reasons().remove(0);
    let wanted =
        "the file has 3 tags, where a file of the cloud public of 2026-06-15 has between 1940 and 6468";
    assert_eq!(text, format!("{wanted} (override with --accept unusual-size)"));
    let other = judged(false);
    assert!(other.is_accepted() && other.notes[0].starts_with(wanted), "{other:?}");
}

#[test]
fn a_first_file_has_as_many_addresses_as_is_usual() {
    // As many tags and prefixes as files of usgov have; what differs is how many addresses they are.
    let judged = |storage: &[&str], cloud: &str, used: &str| {
        let mut values: Vec<_> = (0..298)
            .map(|tag| {
                let prefixes: Vec<String> =
                    (0..22).map(|at| format!("20.{}.{}.{at}/32", tag / 256, tag % 256)).collect();
                serde_json::json!({"name": format!("T{tag}"), "properties": {"addressPrefixes": prefixes}})
            })
            .collect();
        let tag =
            |name, prefixes| serde_json::json!({"name": name, "properties": {"addressPrefixes": prefixes}});
        values.extend([tag("Storage", storage), tag("AzureCloud", &[cloud][..])]);
        for value in &mut values {
            value["properties"]["region"] = "".into();
        }
        let file = serde_json::json!({"changeNumber": 1, "cloud": "AzureGovernment", "values": values});
        let file = Snapshot::parse(file.to_string().as_bytes()).unwrap();
        let used = BTreeSet::from([used.to_owned()]);
        guard(&used, &[]).judge(None, dated(&file, "2026-07-20")).reasons().join("\n")
    };
    assert_eq!(judged(&["21.0.0.0/20"], "21.0.0.0/12", "Storage"), "");
    let eight = judged(&["21.0.0.0/20", "8.0.0.0/8"], "21.0.0.0/12", "Storage");
    assert!(eight.starts_with("the file has 17832") && eight.contains("IPv4 addresses"), "{eight}");
    assert!(judged(&["21.0.0.0/20"], "21.0.0.0/20", "Storage").contains("IPv4 addresses, where"));
    let sites = judged(&["21.0.0.0/20", "2603:1000::/24"], "21.0.0.0/12", "Storage");
    assert!(sites.contains("16777216 IPv6 blocks of a /48"), "{sites}");
    // A service's tag that holds the whole cloud changes nothing but itself.
    let whole = judged(&["21.0.0.0/12"], "21.0.0.0/12", "Storage");
    assert!(
        whole.starts_with("the tag Storage, which a policy uses, holds 99 % of the file's IPv4"),
        "{whole}"
    );
    assert_eq!(judged(&["21.0.0.0/12"], "21.0.0.0/12", "AzureCloud"), "");
}

#[test]
fn dates_refuse_and_numbers_do_not() {
    let (old, new) = (snapshot(9, &[("A", &["10.0.0.0/9"])]), snapshot(8, &[("A", &["10.128.0.0/9"])]));
    let judged = |old, new| guard(&BTreeSet::new(), &[]).judge(Some(old), new);
    let forward = judged(dated(&old, "2026-06-08"), dated(&new, "2026-06-15"));
    assert!(forward.is_accepted());
    assert_eq!(forward.notes, ["the change number went back from 9 to 8"]);
    let back = judged(dated(&old, "2026-06-15"), dated(&new, "2026-06-08"));
    assert_eq!(back.refusals[0].0, Rule::OlderDate);
    assert!(back.reasons()[0].ends_with("(override with --accept older-date)"));
    let returned = Dated { seen: Some("2026-06-01".parse().unwrap()), ..dated(&new, "2026-06-15") };
    assert_eq!(judged(dated(&old, "2026-06-08"), returned).refusals[0].0, Rule::OlderContent);
}

#[test]
fn growth_is_measured_by_the_week() {
    let (old, new) = (snapshot(1, &[("A", &["10.0.0.0/9"])]), snapshot(2, &[("A", &["10.0.0.0/8"])]));
    let judged = |date| {
        let new = dated(&new, date);
        guard(&BTreeSet::new(), &[]).judge(Some(dated(&old, "2026-06-01")), new)
    };
    assert!(!judged("2026-06-08").is_accepted());
    assert!(judged("2026-07-06").is_accepted());
}
