//! Each limit that shorter lists can keep, exceeded once on purpose: it fits with exactly so many extra addresses and not
//! with one fewer; they are declared, classed and proven.

use crate::support;
use crate::support::{named, prove_declaring, set, text_of, total_extra};
use serde_json::Value;
use tagwall::Error;
use tagwall::addr::{AddrSet, Count, IpPrefix};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Extra, OverLimit, Previous, Usage};
use tagwall::tags::Cloud;
use tagwall::target::Target;
use tagwall::verify::{self, Report};

const HEAD: &str = r#"
schema = 1
name = "tight"
region = "westeurope"
network.address-space = ["10.20.0.0/16", "fd00:20::/48"]
network.firewall = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
"#;

/// Three prefixes that two hold with one extra address and one with twelve; and two that one holds with 254.
const NEEDS: &str = r#"
[[allow]]
to = ["group:near"]
protocol = "tcp"
ports = 443

[[allow]]
to = ["group:far"]
protocol = "tcp"
ports = 443
"#;
const GROUPS: &str = "groups.near = [\"20.33.16.0/31\", \"20.33.16.2\", \"20.33.16.8\"]\ngroups.far = [\"20.40.1.0\", \"20.40.1.255\"]\n";

fn policy(settings: &str, budget: Count) -> String {
    format!("{HEAD}{GROUPS}precision.max-extra = \"{budget}\"\n{settings}\n{NEEDS}")
}

fn attempt(text: &str, catalog: &Catalog) -> Result<Generation, Error> {
    pipeline::generate(&support::policy("tight.toml", text), catalog, &support::sample(Cloud::Public), None)
}

fn number(n: u64) -> Count {
    Count::from(n)
}

/// Proves the files of a generation as if it had declared `extras`.
fn prove(made: &Generation, extras: &[Extra]) -> Report {
    prove_declaring(made, &support::sample(Cloud::Public), &named(&made.files), extras)
}

fn refused(text: &str, catalog: &Catalog) -> OverLimit {
    match attempt(text, catalog) {
        Err(Error::Limit(over)) => over,
        Err(other) => panic!("{other}"),
        Ok(made) => panic!("made, with {:?}", made.plan.extras),
    }
}

/// How much of a limit a policy uses without any: the most of one resource.
fn have(settings: &str, key: &str, of: &str) -> u64 {
    let made = attempt(&policy(settings, Count::ZERO), Catalog::builtin()).unwrap_or_else(|e| panic!("{e}"));
    let own = made.plan.usage.iter().filter(|usage| usage.key.name() == key && usage.of.starts_with(of));
    own.map(|usage| usage.have).max().unwrap_or_else(|| panic!("{key} of {of} is counted"))
}

/// Made with exactly `needed` extra addresses, refused with one fewer and with none; and everything that is written of
/// them adds up.
fn fits_with_exactly(settings: &str, keys: &[&str], needed: u64, catalog: &Catalog) -> Generation {
    let text = |budget: u64| policy(settings, number(budget));
    for budget in [0, needed - 1] {
        let over = refused(&text(budget), catalog);
        assert_eq!(over.max_extra(), Some(number(needed)), "{over}");
        let mut found: Vec<&str> = over.over.iter().map(|e| e.usage.key.name()).collect();
        found.dedup();
        assert_eq!(found, keys, "{over}");
        assert!(over.to_string().contains("precision.max-extra that fits"), "{over}");
        assert!(over.to_string().contains(&format!("is {needed} (it is {budget})")), "{over}");
    }
    let made = attempt(&text(needed), catalog).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(total_extra(&made), number(needed));
    assert!(made.plan.usage.iter().all(Usage::fits));
    // Told in the manifest, whole and by class, and in the report.
    let manifest: Value = serde_json::from_str(text_of(&made, "manifest.json")).unwrap();
    let precision = &manifest["precision"];
    assert_eq!(precision["exact"], false);
    let widened = precision["widened"].as_array().unwrap();
    assert_eq!(widened.len(), made.plan.extras.len());
    let of = |value: &Value| value.as_str().unwrap().parse::<Count>().unwrap();
    let classes = |value: &Value| -> Count {
        ["extra_same_tag", "extra_azure", "extra_outside"].iter().map(|class| of(&value[class])).sum()
    };
    assert_eq!(classes(precision), number(needed));
    assert_eq!(widened.iter().map(classes).sum::<Count>(), number(needed));
    for (entry, extra) in widened.iter().zip(&made.plan.extras) {
        let listed: AddrSet = entry["addresses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().parse::<IpPrefix>().unwrap())
            .collect();
        assert_eq!(listed, extra.addresses);
        assert!(keys.contains(&entry["limit"].as_str().unwrap()), "{entry}");
    }
    let report = text_of(&made, "report.md");
    assert!(
        report.contains(&format!("**{needed} addresses are admitted that were not asked for**")),
        "{report}"
    );
    // Proven with what is declared, and with no address less or elsewhere.
    assert!(prove(&made, &made.plan.extras).is_success());
    assert!(!prove(&made, &[]).is_success());
    let mut elsewhere = made.plan.extras.clone();
    for extra in &mut elsewhere {
        extra.target = if extra.target == Target::Nsg { Target::Firewall } else { Target::Nsg };
    }
    assert!(!prove(&made, &elsewhere).is_success());
    made
}

#[test]
fn lists_that_firewalls_fetch() {
    for dialect in ["common", "panos", "fortigate", "checkpoint"] {
        let settings = |limit: u64| {
            format!(
                "output.formats = [\"arm\", \"lists\", \"edl\"]\noutput.edl = \"{dialect}\"\nlimits.list-entries = {limit}"
            )
        };
        let made = fits_with_exactly(&settings(2), &["list-entries"], 1, Catalog::builtin());
        assert!(text_of(&made, "edl/group-near.ipv4.txt").contains("20.33.16.0/30"));
        // Only what is fetched has the limit.
        assert_eq!(
            text_of(&made, "lists/group-near.ipv4.txt"),
            "20.33.16.0/31\n20.33.16.2/32\n20.33.16.8/32\n"
        );
        assert!(!text_of(&made, "nsg.arm.json").contains("20.33.16.0/30"));
        assert!(
            text_of(&made, "report.md")
                .contains("| the list of 20.33.16.0/31, 20.33.16.2/32, 20.33.16.8/32 | 3 entries | 2 |")
        );
        // Each list has the limit for itself: both take one entry.
        fits_with_exactly(&settings(1), &["list-entries"], 12 + 254, Catalog::builtin());
        let over = refused(&policy(&settings(0), number(1 << 40)), Catalog::builtin());
        assert_eq!(over.max_extra(), None);
    }
}

#[test]
fn a_list_that_firewalls_fetch_is_widened_in_each_family() {
    let group = GROUPS.replace("\"20.33.16.8\"]", "\"20.33.16.8\", \"2a00::1\", \"2a00::2\", \"2a00::8\"]");
    let text = |budget: u64| {
        policy("output.formats = [\"edl\"]\nlimits.list-entries = 2", number(budget))
            .replace(GROUPS, &group)
            .replace("[\"10.20.1.0/24\"]", "[\"10.20.1.0/24\", \"fd00:20::/64\"]")
    };
    // IPv4: .3; IPv6: ::0 and ::3.
    let over = refused(&text(2), Catalog::builtin());
    assert_eq!(over.max_extra(), Some(number(3)), "{over}");
    let made = attempt(&text(3), Catalog::builtin()).unwrap_or_else(|e| panic!("{e}"));
    let extra = AddrSet::union_of(made.plan.extras.iter().map(|extra| &extra.addresses));
    assert_eq!(extra, set(&["20.33.16.3/32", "2a00::/128", "2a00::3/128"]));
    assert_eq!(made.plan.extras.len(), 2);
    assert_eq!(text_of(&made, "edl/group-near.ipv6.txt"), "2a00::/126\n2a00::8/128\n");
    // Nothing but lists is made, and what they admit is held against the policy all the same.
    let mut tight = made.clone();
    tight.policy = tight.policy.with_budget(number(2));
    assert!(prove(&tight, &made.plan.extras).to_string().contains("3 extra addresses are declared"));
    let mut tight = made.clone();
    tight.policy = tight.policy.changed(|policy| policy.precision.never = set(&["20.33.16.3/32"])).unwrap();
    assert!(prove(&tight, &made.plan.extras).to_string().contains("never let through"));
    let mut wider = made.clone();
    for file in wider.files.iter_mut().filter(|f| f.name == "edl/group-near.ipv4.txt") {
        file.bytes = b"20.33.16.0/29\n20.33.16.8/32\n".to_vec();
    }
    assert!(!prove(&wider, &made.plan.extras).is_success());
}

#[test]
fn the_number_of_ip_groups() {
    let grouped = "firewall.ip-groups = \"always\"\nlimits.ip-group-entries = 2\n";
    // Three entries in two groups, two in one; three groups in all.
    assert_eq!(have(&format!("{grouped}limits.ip-groups = 3"), "ip-groups", ""), 3);
    let limit = |groups: u64| format!("{grouped}limits.ip-groups = {groups}");
    let made = fits_with_exactly(&limit(2), &["ip-groups"], 1, Catalog::builtin());
    assert_eq!(made.plan.ip_groups.iter().map(|g| g.prefixes.len()).collect::<Vec<_>>(), [2, 2]);
    let over = refused(&policy(&limit(1), number(1 << 40)), Catalog::builtin());
    assert_eq!(over.max_extra(), None);
    assert!(over.to_string().contains("no precision.max-extra is enough: 2 are the fewest"), "{over}");
    // One entry in a group: the cheapest of the lists gives way, and as far as it must.
    let single = |groups: u64| {
        format!("firewall.ip-groups = \"always\"\nlimits.ip-group-entries = 1\nlimits.ip-groups = {groups}")
    };
    fits_with_exactly(&single(4), &["ip-groups"], 1, Catalog::builtin());
    fits_with_exactly(&single(3), &["ip-groups"], 12, Catalog::builtin());
    fits_with_exactly(&single(2), &["ip-groups"], 12 + 254, Catalog::builtin());
}

#[test]
fn full_groups_come_before_wider_ones() {
    let list: Vec<String> = (0..16).map(|n| format!("\"20.33.{}.0/24\"", n * 2)).collect();
    let text = |groups: u64| {
        policy(
            &format!(
                "firewall.ip-groups = \"always\"\nlimits.ip-group-entries = 4\nlimits.ip-groups = {groups}"
            ),
            Count::ZERO,
        )
        .replace("\"20.33.16.0/31\", \"20.33.16.2\", \"20.33.16.8\"", &list.join(", "))
    };
    let roomy = attempt(&text(100), Catalog::builtin()).unwrap();
    assert!(
        roomy.plan.ip_groups.len() > 5,
        "the test needs groups with room: {}",
        roomy.plan.ip_groups.len()
    );
    let full = attempt(&text(5), Catalog::builtin()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(full.plan.ip_groups.iter().map(|g| g.prefixes.len()).collect::<Vec<_>>(), [2, 4, 4, 4, 4]);
    assert!(full.plan.extras.is_empty());
    assert!(text_of(&full, "report.md").contains("16 prefixes in 4 slices of even size"));
    assert!(matches!(attempt(&text(4), Catalog::builtin()), Err(Error::Limit(_))));
}

#[test]
fn pairs_in_rules_and_in_ip_groups() {
    let never =
        |pairs: u64| format!("firewall.ip-groups = \"never\"\nlimits.firewall-unique-pairs = {pairs}");
    fits_with_exactly(&never(4), &["firewall-unique-pairs"], 1, Catalog::builtin());
    fits_with_exactly(&never(2), &["firewall-unique-pairs"], 12 + 254, Catalog::builtin());
    let always = |pairs: u64| {
        format!(
            "firewall.ip-groups = \"always\"\nlimits.ip-group-entries = 1\nlimits.firewall-unique-pairs = {pairs}"
        )
    };
    fits_with_exactly(&always(4), &["firewall-unique-pairs"], 1, Catalog::builtin());
    // Both at once: what keeps one limit keeps the other, and is paid for once.
    let both = format!("{}\nlimits.ip-groups = 3", always(4));
    fits_with_exactly(&both, &["firewall-unique-pairs", "ip-groups"], 12, Catalog::builtin());
    // A list that is short enough to stand in its rule stays there, however it is widened.
    let auto = "firewall.ip-groups = \"auto\"\nlimits.firewall-unique-pairs = 4";
    let made = fits_with_exactly(auto, &["firewall-unique-pairs"], 1, Catalog::builtin());
    assert!(made.plan.ip_groups.is_empty());
}

#[test]
fn bytes_of_groups_and_what_follows_from_them() {
    let never = "firewall.ip-groups = \"never\"\n";
    // The bytes that one group for everything takes; the room for its name is counted with them.
    let alone = |bytes: &u64| {
        have(&format!("{never}limits.firewall-group-bytes = {bytes}"), "firewall-rule-collection-groups", "")
            == 1
    };
    let bytes = have(never, "firewall-group-bytes", "");
    let more: Vec<u64> = (bytes..bytes + 1024).collect();
    let bytes = more[more.partition_point(|bytes| !alone(bytes))];
    // A byte too few for the exact lists, in one group or in as many as are allowed.
    let one = format!(
        "{never}limits.firewall-group-bytes = {}\nlimits.firewall-rule-collection-groups = 1",
        bytes - 1
    );
    fits_with_exactly(&one, &["firewall-rule-collection-groups"], 1, Catalog::builtin());
    let collections =
        format!("{never}limits.firewall-group-bytes = {}\nlimits.firewall-rule-collections = 1", bytes - 1);
    fits_with_exactly(&collections, &["firewall-rule-collections"], 1, Catalog::builtin());
    let priority = format!(
        "{never}firewall.priority = 300\nlimits.firewall-group-bytes = {}\nlimits.firewall-priority = 300",
        bytes - 1
    );
    fits_with_exactly(&priority, &["firewall-priority"], 1, Catalog::builtin());
    // One rule alone is too large.
    let single = |entries: &str| {
        let far = NEEDS.find("\n[[allow]]\nto = [\"group:far\"]").unwrap();
        policy(&format!("{never}{entries}"), Count::ZERO).replace(&NEEDS[far..], "")
    };
    let made = attempt(&single(""), Catalog::builtin()).unwrap();
    let alone = made.plan.usage.iter().find(|u| u.key.name() == "firewall-group-bytes").unwrap().have;
    let text = single(&format!("limits.firewall-group-bytes = {}", alone - 1));
    let over = refused(&text, Catalog::builtin());
    assert_eq!(over.max_extra(), Some(number(1)), "{over}");
    let made = attempt(&text.replace("max-extra = \"0\"", "max-extra = 1"), Catalog::builtin()).unwrap();
    assert_eq!(total_extra(&made), number(1));
    // Several at once are one problem, paid for once.
    let both = format!("{one}\nlimits.firewall-unique-pairs = 4");
    fits_with_exactly(
        &both,
        &["firewall-unique-pairs", "firewall-rule-collection-groups"][..],
        1,
        Catalog::builtin(),
    );
    // What no list is the cause of is no matter of lists, also beside what is.
    let high = format!(
        "{never}firewall.priority = 300\nlimits.firewall-priority = 200\nlimits.firewall-unique-pairs = 4"
    );
    let over = refused(&policy(&high, number(1 << 40)), Catalog::builtin());
    assert_eq!(over.max_extra(), None);
    let text = over.to_string();
    assert!(text.contains("300 are the fewest, since shorter lists change nothing of it"), "{text}");
    assert!(
        text.contains("no precision.max-extra is enough, since none is against firewall-priority"),
        "{text}"
    );
    let over = refused(
        &policy(&format!("{never}limits.firewall-group-bytes = 300"), number(1 << 40)),
        Catalog::builtin(),
    );
    assert_eq!(over.max_extra(), None);
    assert!(
        over.to_string().contains("are the fewest, since that is what the shortest lists need"),
        "{over}"
    );
}

#[test]
fn bytes_of_templates() {
    let bytes = have("", "arm-template-bytes", "nsg");
    let nsg = format!("output.targets = [\"nsg\"]\nlimits.arm-template-bytes = {}", bytes - 1);
    let made = fits_with_exactly(&nsg, &["arm-template-bytes"], 1, Catalog::builtin());
    assert!((text_of(&made, "nsg.arm.json").len() as u64) < bytes);
    // Along with the limit of prefixes, of which seven are for what every group ends in.
    let both = format!("{nsg}\nlimits.nsg-destination-prefixes = 10");
    let made = fits_with_exactly(&both, &["nsg-destination-prefixes"], 12, Catalog::builtin());
    // Where one of them takes more than the other, both are named from the beginning.
    let bytes = text_of(&made, "nsg.arm.json").len();
    let both = format!(
        "output.targets = [\"nsg\"]\nlimits.arm-template-bytes = {bytes}\nlimits.nsg-destination-prefixes = 11"
    );
    fits_with_exactly(&both, &["nsg-destination-prefixes", "arm-template-bytes"], 12, Catalog::builtin());
    let text = "name = \"lab\"\ntitle = \"Lab\"\nsummary = \"a lab\"\nsources.ticket = \"ticket 4711\"\n[[row]]\nid = \"lab-1\"\naddresses = [\"20.50.0.0/24\", \"20.50.2.0/23\"]\nnext-hop = \"internet\"\npurpose = \"measurements\"\nsource = \"ticket\"\n";
    let catalog = Catalog::builtin().extended(&[("lab.toml".to_owned(), text.to_owned())]).unwrap();
    let lab = "[[allow]]\nworkload = \"lab\"";
    let table = |limit: String, budget: u64| {
        policy(&format!("output.targets = [\"route-table\"]\n{limit}\n{lab}"), number(budget))
    };
    let made = attempt(&table(String::new(), 0), &catalog).unwrap();
    let bytes = made.plan.usage.iter().find(|u| u.key.name() == "arm-template-bytes").unwrap().have;
    let limit = format!("limits.arm-template-bytes = {}", bytes - 1);
    for budget in [0, 255] {
        assert_eq!(refused(&table(limit.clone(), budget), &catalog).max_extra(), Some(number(256)));
    }
    let made = attempt(&table(limit, 256), &catalog).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(made.plan.extras[0].addresses, set(&["20.50.1.0/24"]));
    assert!(prove(&made, &made.plan.extras).is_success() && !prove(&made, &[]).is_success());
}

#[test]
fn what_several_targets_admit_adds_up() {
    let settings = "output.formats = [\"arm\", \"edl\"]\nfirewall.ip-groups = \"never\"\nlimits.list-entries = 2\nlimits.firewall-unique-pairs = 4\nlimits.nsg-destination-prefixes = 11";
    let keys = ["nsg-destination-prefixes", "firewall-unique-pairs", "list-entries"];
    let made = fits_with_exactly(settings, &keys, 3, Catalog::builtin());
    let targets: Vec<Target> = made.plan.extras.iter().map(|e| e.target).collect();
    assert_eq!(targets, [Target::Nsg, Target::Firewall, Target::Lists]);
    assert!(made.plan.extras.iter().all(|e| e.addresses == set(&["20.33.16.3/32"])));
}

#[test]
fn tags_of_the_sample_in_few_groups_and_short_lists() {
    let text = |settings: &str, budget: &str| {
        format!(
            "{HEAD}precision.max-extra = \"{budget}\"\nfirewall.tags = \"expand\"\n{settings}\n[[allow]]\nto = [\"Storage.westeurope\", \"AzureMonitor\", \"Sql\"]\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    for settings in [
        "output.formats = [\"arm\", \"edl\"]\nlimits.list-entries = 20",
        "limits.ip-group-entries = 10\nlimits.ip-groups = 6",
        "firewall.ip-groups = \"never\"\nlimits.firewall-group-bytes = 2500\nlimits.firewall-rule-collection-groups = 1",
    ] {
        let over = refused(&text(settings, "0"), Catalog::builtin());
        let smallest = over.max_extra().unwrap_or_else(|| panic!("{over}"));
        assert!(smallest > number(100), "{smallest}");
        let less = smallest.checked_sub(number(1)).unwrap();
        assert_eq!(
            refused(&text(settings, &less.to_string()), Catalog::builtin()).max_extra(),
            Some(smallest)
        );
        let made = attempt(&text(settings, &smallest.to_string()), Catalog::builtin())
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(total_extra(&made), smallest);
        assert!(made.plan.usage.iter().all(Usage::fits));
        let report = text_of(&made, "report.md");
        assert!(report.contains("other customers' machines"), "tags are scattered: {report}");
    }
}

/// Settings with needs of their own, before those that every policy here has.
fn beside(settings: &str, needs: &[(&str, &str, &str)]) -> String {
    let need = |(to, protocol, ports): &(&str, &str, &str)| {
        format!("\n[[allow]]\nto = \"{to}\"\nprotocol = \"{protocol}\"\nports = {ports}\n")
    };
    format!("{settings}\n{}", needs.iter().map(need).collect::<String>())
}

#[test]
fn a_list_of_several_needs_counts_as_often_as_it_is_written() {
    // One list that is fetched, whatever the needs that have it.
    let fetched = beside(
        "output.formats = [\"arm\", \"edl\"]\nlimits.list-entries = 2",
        &[("group:near", "udp", "443")],
    );
    fits_with_exactly(&fetched, &["list-entries"], 1, Catalog::builtin());
    let over = refused(&policy(&fetched, Count::ZERO), Catalog::builtin()).to_string();
    assert!(over.contains("25 % of what these lists ask for"), "{over}");
    // One rule of a security group that two needs share.
    let shared = |limit: u64| {
        let limits = format!("output.targets = [\"nsg\"]\nlimits.nsg-destination-prefixes = {limit}");
        beside(&limits, &[("group:near", "tcp", "8443")])
    };
    let exact = have(&shared(1000), "nsg-destination-prefixes", "");
    fits_with_exactly(&shared(exact - 1), &["nsg-destination-prefixes"], 1, Catalog::builtin());
    fits_with_exactly(&shared(exact - 2), &["nsg-destination-prefixes"], 12, Catalog::builtin());
}

#[test]
fn what_is_no_list_counts_as_well() {
    let never = |limit: u64, needs: &[(&str, &str, &str)]| {
        beside(&format!("firewall.ip-groups = \"never\"\nlimits.firewall-unique-pairs = {limit}"), needs)
    };
    // A tag, a host, and every address but some, as prefixes that no need lists.
    let others = [
        ("Sql", "tcp", "1433"),
        ("fqdn:db.example.org", "tcp", "5432"),
        ("any", "udp", "123\nexcept = \"203.0.113.0/24\""),
    ];
    let exact = have(&never(1000, &others), "firewall-unique-pairs", "");
    assert_eq!(exact, 3 + 2 + 2 + 24);
    for (fewer, needed) in [(1, 1), (2, 12), (3, 266)] {
        fits_with_exactly(
            &never(exact - fewer, &others),
            &["firewall-unique-pairs"],
            needed,
            Catalog::builtin(),
        );
    }
    let impossible = |settings: &str| {
        let over = refused(&policy(settings, number(1 << 40)), Catalog::builtin());
        assert_eq!(over.max_extra(), None);
        over.to_string()
    };
    let text = impossible(&never(exact - 4, &others));
    assert!(
        text.contains("28 are the fewest, since 26 entries are no lists that could be widened"),
        "{text}"
    );
    let text = impossible(&never(2, &[("Sql", "tcp", "1433")]));
    assert!(text.contains("3 are the fewest, since 1 entries are no lists"), "{text}");
    let text = impossible(&never(1, &[]));
    assert!(text.contains("2 are the fewest, since each list needs a prefix in each of its rules"), "{text}");
}

#[test]
fn groups_that_no_budget_makes_fewer() {
    // Every address but some is in a group, and no list is.
    let settings = beside(
        "limits.ip-groups = 0\nlimits.nsg-destination-prefixes = 34",
        &[("any", "udp", "123\nexcept = \"203.0.113.0/24\"")],
    );
    let over = refused(&policy(&settings, number(1 << 40)), Catalog::builtin());
    assert_eq!(over.max_extra(), None, "{over}");
    assert!(
        over.to_string().contains("1 are the fewest, since shorter lists change nothing of it"),
        "{over}"
    );
    let priority = "firewall.ip-groups = \"never\"\nfirewall.priority = 300\nlimits.firewall-priority = 200";
    let over = refused(&policy(priority, number(1 << 40)), Catalog::builtin()).to_string();
    assert!(over.contains("300 are the fewest, since shorter lists change nothing of it"), "{over}");
}

#[test]
fn lists_of_the_same_addresses_have_groups_of_their_own() {
    // Of three entries each in groups of two: two and two, and one for the far list.
    let settings = |groups: u64| {
        let limits = format!(
            "groups.twin = [\"20.33.16.0/31\", \"20.33.16.2\", \"20.33.16.8\"]\nfirewall.ip-groups = \"always\"\n\
             limits.ip-group-entries = 2\nlimits.ip-groups = {groups}"
        );
        beside(&limits, &[("group:twin", "udp", "443")])
    };
    assert_eq!(have(&settings(5), "ip-groups", ""), 5);
    for groups in [3, 4] {
        let made = fits_with_exactly(&settings(groups), &["ip-groups"], 1, Catalog::builtin());
        assert_eq!(made.plan.ip_groups.len(), 3);
    }
}

#[test]
fn lists_that_stand_in_their_rules_take_no_groups() {
    let text = |groups: u64, needs: &str| {
        format!(
            "{HEAD}{GROUPS}firewall.tags = \"expand\"\nlimits.ip-group-entries = 10\nlimits.ip-groups = {groups}\n{needs}\n\
             [[allow]]\nto = [\"Storage.westeurope\", \"Sql\"]\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    for groups in [4, 6] {
        let alone = refused(&text(groups, ""), Catalog::builtin()).max_extra();
        assert!(alone.is_some_and(|extra| extra > number(100)), "{alone:?}");
        assert_eq!(refused(&text(groups, NEEDS), Catalog::builtin()).max_extra(), alone, "{groups}");
    }
}

#[test]
fn bytes_of_rules_with_ip_groups() {
    // Each name of a group takes bytes of the rule: one group fewer is one name fewer.
    let always = "firewall.ip-groups = \"always\"\nlimits.ip-group-entries = 1\n";
    let with = |bytes: u64| format!("{always}limits.firewall-group-bytes = {bytes}");
    let alone = |bytes: &u64| have(&with(*bytes), "firewall-rule-collection-groups", "") == 1;
    let bytes = have(always, "firewall-group-bytes", "");
    let more: Vec<u64> = (bytes..bytes + 1024).collect();
    let bytes = more[more.partition_point(|bytes| !alone(bytes))];
    let one = format!("{}\nlimits.firewall-rule-collection-groups = 1", with(bytes - 1));
    let made = fits_with_exactly(&one, &["firewall-rule-collection-groups"], 1, Catalog::builtin());
    assert_eq!(made.plan.ip_groups.len(), 4);
}

#[test]
fn each_table_past_its_limit_is_widened_by_itself() {
    let workload = |name: &str, second: u8| {
        let text = format!(
            "name = \"{name}\"\ntitle = \"Lab\"\nsummary = \"a lab\"\nsources.ticket = \"ticket 4711\"\n[[row]]\nid = \"{name}-1\"\naddresses = [\"20.{second}.0.0/20\", \"20.{second}.32.0/19\", \"20.{second}.64.0/18\", \"20.{second}.128.0/17\"]\nnext-hop = \"internet\"\npurpose = \"measurements\"\nsource = \"ticket\"\n"
        );
        (format!("{name}.toml"), text)
    };
    let catalog = Catalog::builtin().extended(&[workload("lab", 33), workload("field", 35)]).unwrap();
    let text = |budget: u64| {
        format!(
            "{HEAD}subnets.other.prefixes = [\"10.20.2.0/24\"]\noutput.targets = [\"route-table\"]\n\
             limits.routes-per-table = 2\nprecision.max-extra = {budget}\n[[allow]]\nworkload = \"lab\"\n\
             subnet = \"training\"\n[[allow]]\nworkload = \"field\"\nsubnet = \"other\"\n"
        )
    };
    for budget in [0, 2 * 4096 - 1] {
        let over = refused(&text(budget), &catalog);
        assert_eq!(over.max_extra(), Some(number(2 * 4096)), "{over}");
        assert!(over.to_string().contains("7 % of what these lists ask for"), "{over}");
    }
    let made = attempt(&text(2 * 4096), &catalog).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(made.plan.route_tables.len(), 2);
    let extra = AddrSet::union_of(made.plan.extras.iter().map(|extra| &extra.addresses));
    assert_eq!(extra, set(&["20.33.16.0/20", "20.35.16.0/20"]));
    assert!(prove(&made, &made.plan.extras).is_success());
}

/// Of lists in two targets, both stay where they were in the generation before.
#[test]
fn lists_of_every_target_stay_as_they_were() {
    let text = |list: &str| {
        format!(
            "{}network.firewall = \"10.20.255.4\"\nsubnets.training.prefixes = [\"10.20.1.0/24\"]\ngroups.list = [{list}]\n\
             firewall.ip-groups = \"never\"\nlimits.firewall-unique-pairs = 3\nlimits.nsg-destination-prefixes = 8\n\
             precision.max-extra = 100000\n[[allow]]\nto = \"group:list\"\nprotocol = \"tcp\"\nports = 443\n",
            HEAD.split("network.firewall").next().unwrap().replace(", \"fd00:20::/48\"", "")
        )
    };
    let made = |list: &str, previous: Option<&Previous>| {
        let source = support::policy("tight.toml", &text(list));
        pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), previous).unwrap()
    };
    // The first two are joined, for 512 addresses; a week later that would take 640, and the last two 512.
    let first = made("\"20.40.0.0/24\", \"20.40.2.0/24\", \"20.50.0.0/24\", \"20.50.3.0/25\"", None);
    let later = "\"20.40.0.0/25\", \"20.40.2.0/24\", \"20.50.0.0/24\", \"20.50.3.0/24\"";
    let previous = verify::earlier("tight", &named(&first.files));
    for (made, extra) in [
        (made(later, None), set(&["20.50.1.0/24", "20.50.2.0/24"])),
        (made(later, Some(&previous)), set(&["20.40.1.0/24", "20.40.3.0/24", "20.40.0.128/25"])),
    ] {
        let targets: Vec<Target> = made.plan.extras.iter().map(|extra| extra.target).collect();
        assert_eq!(targets, [Target::Nsg, Target::Firewall]);
        assert!(made.plan.extras.iter().all(|own| own.addresses == extra), "{:?}", made.plan.extras);
    }
}
