//! Extra addresses within a budget: only where a limit needs them, the fewest that do, declared, and proven to be all.

use crate::support;
use crate::support::{named, prove_declaring, set, text_of, total_extra};
use serde_json::Value;
use tagwall::Error;
use tagwall::addr::{AddrSet, Count, IpPrefix};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Extra, OverLimit, RouteTo, Side};
use tagwall::report::Manifest;
use tagwall::tags::{Cloud, Snapshot};
use tagwall::target::Target;
use tagwall::verify::Report;

const HEAD: &str = r#"
schema = 1
name = "lossy"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
subnets.training.prefixes = ["10.20.1.0/24"]
"#;

/// Three prefixes that two hold with one extra address, and one with twelve.
const LIST: &str = r#"
[[allow]]
to = ["group:list"]
protocol = "tcp"
ports = 443
"#;
const GROUP: &str = "groups.list = [\"20.33.16.0/31\", \"20.33.16.2\", \"20.33.16.8\"]\n";
/// Destinations that are no such lists: the network in a rule each way, the probes, and the two rules that deny.
const FIXED: u64 = 5;

fn list_policy(room: u64, budget: u64, settings: &str) -> String {
    let limit = FIXED + room;
    format!(
        "{HEAD}{GROUP}limits.nsg-destination-prefixes = {limit}\nprecision.max-extra = {budget}\n{settings}\n{LIST}"
    )
}

fn try_generate(text: &str, catalog: &Catalog, snapshot: &Snapshot) -> Result<Generation, Error> {
    pipeline::generate(&support::policy("lossy.toml", text), catalog, snapshot, None)
}

fn generate(text: &str) -> Generation {
    support::generate("lossy.toml", text, &support::sample(Cloud::Public))
}

/// Proves the files of a generation as if it had declared `extras`.
fn prove(made: &Generation, snapshot: &Snapshot, extras: &[Extra]) -> Report {
    prove_declaring(made, snapshot, &named(&made.files), extras)
}

fn refused(text: &str) -> OverLimit {
    match try_generate(text, Catalog::builtin(), &support::sample(Cloud::Public)) {
        Err(Error::Limit(over)) => over,
        Err(other) => panic!("{other}"),
        Ok(made) => panic!("made, with {} extra", total_extra(&made)),
    }
}

#[test]
fn exact_as_long_as_it_fits_whatever_the_budget() {
    let made = generate(&list_policy(3, 1_000_000, ""));
    assert!(made.plan.extras.is_empty());
    let exact = generate(&list_policy(3, 0, ""));
    let rules = |made: &Generation| text_of(made, "nsg.arm.json").to_owned();
    assert_eq!(rules(&made), rules(&exact));
    let manifest: Value = serde_json::from_str(text_of(&made, "manifest.json")).unwrap();
    assert_eq!(manifest["precision"]["exact"], true);
    assert!(text_of(&made, "report.md").contains("exact: no address is admitted that was not asked for"));
}

#[test]
fn no_more_extra_than_the_limit_takes_and_the_smallest_budget_is_named() {
    for (room, needed) in [(2, 1_u64), (1, 12)] {
        for budget in [0, needed - 1] {
            let over = refused(&list_policy(room, budget, ""));
            assert_eq!(over.max_extra(), Some(Count::from(needed)));
            let text = over.to_string();
            let named = format!("the smallest precision.max-extra that fits is {needed} (it is {budget})");
            assert!(text.contains(&named), "{text}");
            let counts = format!("nsg-destination-prefixes is {}, {} are needed", FIXED + room, FIXED + 3);
            assert!(text.contains(&counts), "{text}");
        }
        for budget in [needed, 5000] {
            assert_eq!(total_extra(&generate(&list_policy(room, budget, ""))), Count::from(needed));
        }
    }
}

#[test]
fn a_number_past_what_toml_holds_is_a_text() {
    let text = list_policy(2, 0, "")
        .replace("max-extra = 0", "max-extra = \"340282366920938463463374607431768211456\"");
    assert_eq!(total_extra(&generate(&text)), Count::from(1_u64));
}

#[test]
fn what_is_excepted_or_never_let_through_is_no_extra() {
    // The cheapest pair would hold .3; without it, the other two must be joined.
    let except = list_policy(2, 5000, "").replace("ports = 443", "ports = 443\nexcept = \"20.33.16.3\"");
    let over = refused(&except);
    assert_eq!(over.max_extra(), None);
    assert!(over.to_string().contains("20.33.16.3/32 (`except` of a need)"), "{over}");
    let never = "precision.never = [\"20.33.16.4/30\"]";
    let made = generate(&list_policy(2, 5000, never));
    assert_eq!(made.plan.extras[0].addresses, set(&["20.33.16.3/32"]));
    let over = refused(&list_policy(1, 5000, never));
    assert_eq!(over.max_extra(), None);
    let text = over.to_string();
    assert!(text.contains("no precision.max-extra is enough: 7 are the fewest"), "{text}");
    assert!(text.contains("20.33.16.4/30 (precision.never)"), "{text}");
    // Special ranges and the network itself stand in the way by themselves.
    let around = |list: &str| {
        list_policy(1, u64::from(u32::MAX), "")
            .replace("[\"20.33.16.0/31\", \"20.33.16.2\", \"20.33.16.8\"]", list)
    };
    let text = refused(&around("[\"168.63.129.15\", \"168.63.129.17\", \"168.63.129.19\"]")).to_string();
    assert!(text.contains("168.63.129.16/32 (a special range)"), "{text}");
    let network = around("[\"20.50.0.255\", \"20.50.2.0\"]")
        .replace("10.20.0.0/16", "20.50.1.0/24")
        .replace("10.20.1.0/24", "20.50.1.0/25");
    let text = refused(&network).to_string();
    assert!(text.contains("20.50.1.0/24 (the network's own addresses)"), "{text}");
}

#[test]
fn an_undeclared_extra_fails_and_so_does_one_that_is_not_allowed() {
    let snapshot = support::sample(Cloud::Public);
    let made = generate(&list_policy(1, 12, ""));
    let declared = &made.plan.extras;
    assert!(prove(&made, &snapshot, declared).is_success());
    let fails = |made: &Generation, extras: &[Extra], word: &str| {
        let report = prove(made, &snapshot, extras);
        assert!(report.to_string().contains(word), "{word}: {report}");
    };
    fails(&made, &[], "passes by");
    // One address of what is written is not declared.
    let mut less = declared.clone();
    less[0].addresses = less[0].addresses.difference(&set(&["20.33.16.5/32"]));
    fails(&made, &less, "20.33.16.5");
    // One that is declared is not written.
    let mut more = declared.clone();
    more[0].addresses = more[0].addresses.union(&set(&["20.33.17.0/32"]));
    fails(&made, &more, "20.33.17.0");
    fails(&made, &more, "13 extra addresses are declared, but precision.max-extra is 12");
    // Declared for another need than the rule is for.
    let mut other = declared.clone();
    other[0].flows = vec!["training/policy/nothing".to_owned()];
    fails(&made, &other, "has no list of addresses");
    let mut other = declared.clone();
    other[0].flows.clear();
    fails(&made, &other, "belongs to no need");
    let mut other = declared.clone();
    other[0].target = Target::RouteTable;
    fails(&made, &other, "has no list of addresses");
    // Within the budget, but what may not be let through.
    let mut tight = made.clone();
    tight.policy = tight.policy.changed(|policy| policy.precision.never = set(&["20.33.16.4/30"])).unwrap();
    fails(&tight, declared, "20.33.16.4/30, which is never let through");
    let mut tight = made.clone();
    tight.policy =
        tight.policy.changed(|policy| policy.precision.excepted = set(&["20.33.16.4/32"])).unwrap();
    fails(&tight, declared, "20.33.16.4/32, which is never let through");
    let mut tight = made;
    tight.policy = tight.policy.with_budget(Count::from(11_u64));
    fails(&tight, &tight.plan.extras, "12 extra addresses are declared, but precision.max-extra is 11");
}

#[test]
fn an_artefact_that_lets_more_through_than_declared_fails() {
    let snapshot = support::sample(Cloud::Public);
    let mut made = generate(&list_policy(2, 5000, ""));
    let place = made.files.iter().position(|f| f.name == "nsg.arm.json").unwrap();
    let text = text_of(&made, "nsg.arm.json");
    assert!(text.contains("\"20.33.16.0/30\""), "{text}");
    made.files[place].bytes = text.replace("\"20.33.16.0/30\"", "\"20.33.16.0/29\"").into_bytes();
    let report = prove(&made, &snapshot, &made.plan.extras);
    assert!(report.to_string().contains("excess"), "{report}");
}

#[test]
fn a_set_in_several_rules_counts_once_and_in_two_targets_twice() {
    let twice = format!("{}\n{}", list_policy(4, 1, ""), LIST.replace("tcp", "udp"));
    let made = generate(&twice);
    assert_eq!(total_extra(&made), Count::from(1_u64));
    assert_eq!(made.plan.extras[0].flows.len(), 2);
    let shared = made.plan.nsgs[0].rules.iter().filter(|r| !r.flows.is_empty());
    assert!(shared.into_iter().all(|r| matches!(&r.destination, Side::Prefixes(list) if list.len() == 2)));
    // Room for five: one rule could stay exact, but both list the same addresses, so both are widened or none.
    assert_eq!(
        total_extra(&generate(&twice.replace(&format!("= {}", FIXED + 4), &format!("= {}", FIXED + 5)))),
        Count::from(1_u64)
    );
    let both = "network.firewall = \"10.20.255.4\"\nfirewall.ip-groups = \"never\"\nlimits.firewall-unique-pairs = 2";
    let over = refused(&list_policy(2, 1, both));
    assert_eq!(over.max_extra(), Some(Count::from(2_u64)));
    let text = over.to_string();
    assert!(text.contains("1 extra addresses are enough here"), "{text}");
    assert!(text.contains("fits all limits is 2 (it is 1)"), "{text}");
    let made = generate(&list_policy(2, 2, both));
    assert_eq!(
        made.plan.extras.iter().map(|e| e.target).collect::<Vec<_>>(),
        [Target::Nsg, Target::Firewall]
    );
}

#[test]
fn another_limit_that_no_budget_helps_against() {
    let over = refused(&list_policy(2, 5000, "limits.nsg-ports = 0"));
    assert_eq!(over.max_extra(), None);
    assert!(over.to_string().contains("no precision.max-extra helps against the other limits"), "{over}");
}

#[test]
fn the_budget_goes_where_it_saves_most() {
    // Two lists of two addresses; joining the near ones costs nothing but them, the far ones 254.
    let text = list_policy(3, 5000, "").replace(
        GROUP,
        "groups.list = [\"20.33.16.0\", \"20.33.16.2\"]\ngroups.far = [\"20.40.1.0\", \"20.40.1.255\"]\n",
    ) + &LIST.replace("group:list", "group:far");
    let made = generate(&text);
    assert_eq!(made.plan.extras.len(), 1);
    assert_eq!(made.plan.extras[0].addresses, set(&["20.33.16.1/32", "20.33.16.3/32"]));
}

#[test]
fn tags_are_widened_and_reported_by_class() {
    let text = format!(
        "{HEAD}nsg.tags = \"expand\"\nlimits.nsg-destination-prefixes = 100\nprecision.max-extra = 100000000\n\n[[allow]]\nto = [\"Storage.westeurope\", \"AzureMonitor\", \"Sql\"]\nprotocol = \"tcp\"\nports = 443\n"
    );
    let snapshot = support::sample(Cloud::Public);
    let made = generate(&text);
    assert!(made.plan.usage.iter().all(tagwall::plan::Usage::fits));
    let manifest: Value = serde_json::from_str(text_of(&made, "manifest.json")).unwrap();
    let precision = &manifest["precision"];
    assert_eq!(precision["exact"], false);
    // Held against the snapshot by another way: tag by tag.
    let extra_of = |base: &str| {
        let own = made.plan.extras.iter().filter(|extra| extra.remote.split('.').next() == Some(base));
        AddrSet::union_of(own.map(|extra| &extra.addresses))
    };
    let mut same = Count::ZERO;
    let mut azure = Count::ZERO;
    for base in ["Storage", "AzureMonitor", "Sql"] {
        let mut rest = extra_of(base);
        for tag in snapshot.tags().iter().filter(|tag| tag.name().base() == base) {
            same += rest.intersection(tag.set()).count();
            rest = rest.difference(tag.set());
        }
        for tag in snapshot.tags() {
            azure += rest.intersection(tag.set()).count();
            rest = rest.difference(tag.set());
        }
    }
    assert!(!same.is_zero() && !azure.is_zero());
    assert_eq!(precision["extra_same_tag"], same.to_string());
    assert_eq!(precision["extra_azure"], azure.to_string());
    let outside: Count = precision["extra_outside"].as_str().unwrap().parse().unwrap();
    assert_eq!(same + azure + outside, total_extra(&made));
    let listed: AddrSet = precision["widened"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["addresses"].as_array().unwrap())
        .map(|text| text.as_str().unwrap().parse::<IpPrefix>().unwrap())
        .collect();
    assert_eq!(listed, AddrSet::union_of(made.plan.extras.iter().map(|extra| &extra.addresses)));
    let report = text_of(&made, "report.md");
    assert!(
        report
            .contains(&format!("**{} addresses are admitted that were not asked for**", total_extra(&made)))
    );
    assert!(report.contains("other customers' machines"));
    assert!(report.contains("nothing is in excess but the extra addresses listed above"));
    assert_eq!(generate(&text).files, made.files, "the same again is the same");
}

/// A workload that is nothing but routes past the firewall.
fn routes(addresses: &[&str]) -> Catalog {
    let list = addresses.iter().map(|a| format!("\"{a}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "name = \"lab\"\ntitle = \"Lab\"\nsummary = \"a lab\"\nsources.ticket = \"ticket 4711\"\n[[row]]\nid = \"lab-1\"\naddresses = [{list}]\nnext-hop = \"internet\"\npurpose = \"measurements\"\nsource = \"ticket\"\n"
    );
    Catalog::builtin().extended(&[("lab.toml".to_owned(), text)]).unwrap_or_else(|e| panic!("{e}"))
}

fn route_policy(settings: &str, needs: &str) -> String {
    format!("{HEAD}network.firewall = \"10.20.255.4\"\n{settings}\n[[allow]]\nworkload = \"lab\"\n{needs}")
}

fn table(made: &Generation) -> Vec<String> {
    let table = &made.plan.route_tables[0];
    let text = |to: &RouteTo| to.to_string();
    let mut list: Vec<String> =
        table.routes.iter().map(|r| format!("{} {}", text(&r.to), r.next_hop)).collect();
    list.sort();
    list
}

/// A /16 without one /20 of it.
const HOLED: [&str; 4] = ["20.33.0.0/20", "20.33.32.0/19", "20.33.64.0/18", "20.33.128.0/17"];

#[test]
fn a_hole_takes_one_route_where_a_list_takes_many() {
    let snapshot = support::sample(Cloud::Public);
    let made = try_generate(&route_policy("", ""), &routes(&HOLED), &snapshot).unwrap();
    // The proof held the table against the policy's sets, so that its meaning is that of the four prefixes.
    assert_eq!(
        table(&made),
        [
            "0.0.0.0/0 VirtualAppliance 10.20.255.4",
            "20.33.0.0/16 Internet",
            "20.33.16.0/20 VirtualAppliance 10.20.255.4"
        ]
    );
    let names: Vec<&str> = made.plan.route_tables[0].routes.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["addresses-20.33.0.0_16", "default", "except-20.33.16.0_20"]);
    assert!(
        text_of(&made, "report.md").contains("1 route leads back to the default from inside a broader route")
    );
    // Where a hole saves nothing, the plain prefixes stay.
    let plain = ["20.33.0.0/18", "20.33.64.0/19"];
    let made = try_generate(&route_policy("", ""), &routes(&plain), &snapshot).unwrap();
    assert_eq!(table(&made)[1..], ["20.33.0.0/18 Internet", "20.33.64.0/19 Internet"]);
    // One more address elsewhere moves none of the routes.
    let more = [&HOLED[..], &plain_more()].concat();
    let made = try_generate(&route_policy("", ""), &routes(&more), &snapshot).unwrap();
    assert_eq!(table(&made).len(), 4);
}

fn plain_more() -> [&'static str; 1] {
    ["20.90.0.0/24"]
}

#[test]
fn routes_by_name_and_private_space_are_left_alone() {
    let snapshot = support::sample(Cloud::Public);
    let private = ["172.17.0.0/20", "172.17.32.0/19", "172.17.64.0/18", "172.17.128.0/17"];
    let made = try_generate(&route_policy("", ""), &routes(&private), &snapshot).unwrap();
    assert_eq!(table(&made).len(), 5, "a narrow route there could take the place of a peering's");
    let aml = "\n[[allow]]\nworkload = \"aml-compute\"\npublic-ip = true\n";
    let made = try_generate(&route_policy("", aml), &routes(&HOLED), &snapshot).unwrap();
    assert!(table(&made).contains(&"AzureMachineLearning Internet".to_owned()));
    assert_eq!(table(&made).len(), 4);
}

#[test]
fn a_table_past_its_limit_leaks_no_more_than_the_budget() {
    let snapshot = support::sample(Cloud::Public);
    let catalog = routes(&HOLED);
    let limit = |budget: u64| format!("limits.routes-per-table = 2\nprecision.max-extra = {budget}");
    for budget in [0, 4095] {
        match try_generate(&route_policy(&limit(budget), ""), &catalog, &snapshot) {
            Err(Error::Limit(over)) => assert_eq!(over.max_extra(), Some(Count::from(4096_u64))),
            other => panic!("{other:?}"),
        }
    }
    let made = try_generate(&route_policy(&limit(4096), ""), &catalog, &snapshot).unwrap();
    assert_eq!(made.plan.extras[0].addresses, set(&["20.33.16.0/20"]));
    assert!(prove(&made, &snapshot, &made.plan.extras).is_success());
    assert!(prove(&made, &snapshot, &[]).to_string().contains("misrouted"));
    // What is asked for through the firewall stays there at any price, and so does what may never leave.
    let asked = "\n[[allow]]\nto = \"20.33.17.0/24\"\nprotocol = \"tcp\"\nports = 443\n";
    let never = "precision.never = \"20.33.17.0/24\"\n";
    for (settings, needs) in [("", asked), (never, "")] {
        let text = route_policy(&format!("{settings}{}", limit(1_000_000)), needs);
        match try_generate(&text, &catalog, &snapshot) {
            Err(Error::Limit(over)) => {
                assert_eq!(over.max_extra(), None);
                assert!(
                    over.to_string().contains("no precision.max-extra is enough: 3 are the fewest"),
                    "{over}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    // The proof would not let it pass either.
    let mut tight = made;
    let flow = try_generate(&route_policy("", asked), &catalog, &snapshot).unwrap().policy.flows.clone();
    tight.policy = tight.policy.changed(|policy| policy.flows = flow).unwrap();
    let report = prove(&tight, &snapshot, &tight.plan.extras).to_string();
    assert!(report.contains("20.33.17.0/24 is asked for, but goes to Internet as an extra"), "{report}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn the_tags_that_training_needs_on_a_real_file() {
    let Some(shared) = support::shared("the_tags_that_training_needs_on_a_real_file") else { return };
    let snapshot = support::real(&shared, "Public_20251028");
    let text = |settings: &str| {
        format!(
            "{HEAD}nsg.tags = \"expand\"\n{settings}\n[[allow]]\nto = [\"AzureActiveDirectory\", \"AzureMachineLearning\", \"BatchNodeManagement.westeurope\", \"AzureResourceManager\", \"Storage\", \"AzureFrontDoor.FirstParty\", \"AzureFrontDoor.Frontend\", \"MicrosoftContainerRegistry\", \"AzureMonitor\", \"AzureContainerRegistry\"]\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    let attempt = |settings: &str| try_generate(&text(settings), Catalog::builtin(), &snapshot);
    let exact = attempt("").unwrap();
    assert!(exact.plan.extras.is_empty());
    let over = |limit: u64, budget: Count| match attempt(&format!(
        "limits.nsg-destination-prefixes = {limit}\nprecision.max-extra = \"{budget}\""
    )) {
        Err(Error::Limit(over)) => over,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{limit} holds the exact lists"),
    };
    for limit in [1500, 400] {
        let smallest = over(limit, Count::ZERO).max_extra().expect("some budget is enough");
        let less = smallest.checked_sub(Count::from(1_u64)).unwrap();
        assert_eq!(over(limit, less).max_extra(), Some(smallest));
        let made = attempt(&format!(
            "limits.nsg-destination-prefixes = {limit}\nprecision.max-extra = \"{smallest}\""
        ))
        .unwrap();
        assert_eq!(total_extra(&made), smallest);
        let usage = made.plan.usage.iter().find(|u| u.key.name() == "nsg-destination-prefixes").unwrap();
        assert!(usage.have <= limit);
        assert!(total_extra(&made).to_f64() > if limit == 400 { 1e6 } else { 1.0 });
    }
}

#[test]
fn what_lies_in_a_folder_is_proven_again_with_what_its_manifest_declares() {
    let snapshot = support::sample(Cloud::Public);
    let text = list_policy(1, 12, "");
    let made = generate(&text);
    let source = support::policy("lossy.toml", &text);
    let files: Vec<(&str, &[u8])> =
        made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let manifest = text_of(&made, "manifest.json");
    let again = |manifest: &str| {
        let claims = Manifest::read(manifest.as_bytes()).unwrap();
        pipeline::reprove(&source, Catalog::builtin(), &snapshot, &claims, &files).unwrap()
    };
    let found = again(manifest);
    assert!(found.is_success(), "{:?} {}", found.differences, found.proof);
    // One address that the rules let through is not declared any more.
    assert!(manifest.contains("\"20.33.16.3/32\","), "{manifest}");
    let found = again(&manifest.replace("\"20.33.16.3/32\",", ""));
    assert!(found.proof.to_string().contains("20.33.16.3"), "{}", found.proof);
    for (from, to) in
        [("\"exact\": false", "\"exact\": true"), ("\"extra_outside\": \"12\"", "\"extra_outside\": \"11\"")]
    {
        assert!(manifest.contains(from), "{manifest}");
        assert!(!again(&manifest.replacen(from, to, 1)).differences.is_empty(), "{from}");
    }
    let wrong = manifest.replacen("20.33.16.3/32", "20.33.16.3/33", 1);
    assert!(Manifest::read(wrong.as_bytes()).unwrap_err().to_string().contains("20.33.16.3/33"));
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// The blocks of 64 of a /18, each to the Internet, dropped, or left to the default.
fn random_routes(numbers: &mut Numbers) -> [AddrSet; 2] {
    let mut sets = [AddrSet::empty(), AddrSet::empty()];
    let mut at = 0;
    while at < 64 {
        let run = 1 + numbers.below(9);
        let which = numbers.below(4) as usize;
        for block in at..(at + run).min(64) {
            if let Some(set) = sets.get_mut(which) {
                let block: IpPrefix = format!("20.33.{}.{}/26", block / 4, block % 4 * 64).parse().unwrap();
                *set = set.union(&block.into());
            }
        }
        at += run;
    }
    sets
}

#[test]
fn random_tables_are_proven_never_longer_and_leak_no_more_than_named() {
    let snapshot = support::sample(Cloud::Public);
    let mut numbers = Numbers(23);
    let (mut shorter, mut widened) = (0, 0);
    for _ in 0..60 {
        let sets = random_routes(&mut numbers);
        let plain: usize = sets.iter().map(|set| set.prefixes().count()).sum();
        if sets.iter().any(AddrSet::is_empty) {
            continue;
        }
        let row = |(set, hop): (&AddrSet, &str)| {
            let list: Vec<String> = set.prefixes().map(|p| format!("\"{p}\"")).collect();
            format!(
                "[[row]]\nid = \"lab-{hop}\"\naddresses = [{}]\nnext-hop = \"{hop}\"\npurpose = \"x\"\nsource = \"ticket\"\n",
                list.join(", ")
            )
        };
        let rows: String = sets.iter().zip(["internet", "none"]).map(row).collect();
        let text = format!(
            "name = \"lab\"\ntitle = \"Lab\"\nsummary = \"a lab\"\nsources.ticket = \"ticket 4711\"\n{rows}"
        );
        let catalog = Catalog::builtin().extended(&[("lab.toml".to_owned(), text)]).unwrap();
        let attempt = |settings: &str| try_generate(&route_policy(settings, ""), &catalog, &snapshot);
        let exact = attempt("").unwrap_or_else(|e| panic!("{e}"));
        let routes = table(&exact).len();
        assert!(routes <= plain + 1);
        shorter += usize::from(routes < plain + 1);
        let limit = routes as u64 - 1 - numbers.below(2).min(routes as u64 - 2);
        let with = |budget: Count| {
            attempt(&format!("limits.routes-per-table = {limit}\nprecision.max-extra = \"{budget}\""))
        };
        let Err(Error::Limit(over)) = with(Count::ZERO) else { panic!("{limit} of {routes} routes") };
        let Some(smallest) = over.max_extra() else { continue };
        let less = smallest.checked_sub(Count::from(1_u64)).expect("exact tables do not fit");
        assert!(matches!(with(less), Err(Error::Limit(over)) if over.max_extra() == Some(smallest)));
        let made = with(smallest).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(total_extra(&made), smallest);
        assert!(table(&made).len() as u64 <= limit);
        assert!(made.plan.extras.iter().all(|extra| extra.addresses.is_disjoint(&AddrSet::union_of(&sets))));
        widened += 1;
    }
    assert!(shorter > 10 && widened > 10, "{shorter} {widened}");
}
