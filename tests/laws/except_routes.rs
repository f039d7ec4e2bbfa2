//! `except` of an entry with a workload holds for the routes of the workload too.

use crate::support;
use tagwall::Error;
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::RouteTo;
use tagwall::tags::Cloud;
use tagwall::target::Target;
use tagwall::verify::{self, Declared};

const HEAD: &str = r#"
schema = 1
name = "except"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
output.targets = ["route-table"]
"#;

/// Routes past the firewall: to addresses, and to a tag that route tables take by name.
fn catalog() -> Catalog {
    let text = r#"
name = "lab"
title = "Lab"
summary = "a lab"
sources.ticket = "ticket 4711"
[[row]]
id = "lab-1"
addresses = ["20.33.0.0/16", "20.50.0.0/24"]
next-hop = "internet"
purpose = "measurements"
source = "ticket"
[[row]]
id = "lab-2"
tags = "AzureMachineLearning"
next-hop = "internet"
purpose = "control plane"
source = "ticket"
"#;
    Catalog::builtin().extended(&[("lab.toml".to_owned(), text.to_owned())]).unwrap_or_else(|e| panic!("{e}"))
}

fn entry(except: &str) -> String {
    format!("\n[[allow]]\nworkload = \"lab\"\nexcept = [{except}]\n")
}

fn attempt(needs: &str) -> Result<Generation, Error> {
    let source = support::policy("except.toml", &format!("{HEAD}{needs}"));
    pipeline::generate(&source, &catalog(), &support::sample(Cloud::Public), None)
}

fn generate(needs: &str) -> Generation {
    attempt(needs).unwrap_or_else(|e| panic!("{e}"))
}

fn set(text: &str) -> AddrSet {
    text.parse::<IpPrefix>().expect("a prefix").into()
}

/// What leads to the Internet: names of tags, and addresses, without those of narrower routes back.
fn direct(made: &Generation) -> (Vec<String>, AddrSet) {
    let table = &made.plan.route_tables[0];
    let (mut names, mut led, mut back) = (Vec::new(), AddrSet::empty(), AddrSet::empty());
    for route in &table.routes {
        match &route.to {
            RouteTo::Tag(name) => names.push(name.clone()),
            RouteTo::Prefix(prefix) if prefix.len() == 0 => {}
            RouteTo::Prefix(prefix) if route.next_hop.to_string() == "Internet" => {
                led = led.union(&(*prefix).into());
            }
            RouteTo::Prefix(prefix) => back = back.union(&(*prefix).into()),
        }
    }
    (names, led.difference(&back))
}

/// Holds the files of one generation against the policy of another.
fn prove(policy: &Generation, files: &Generation) -> verify::Report {
    let files: Vec<(&str, &[u8])> =
        files.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let sample = support::sample(Cloud::Public);
    verify::check_files(&policy.policy, &sample, &files, Declared::default(), &[Target::RouteTable])
}

fn report(made: &Generation) -> &str {
    let file = made.files.iter().find(|f| f.name == "report.md").expect("a report is made");
    std::str::from_utf8(&file.bytes).expect("a report is text")
}

#[test]
fn excepted_addresses_keep_the_default_way() {
    let whole = generate(&entry(""));
    let (names, led) = direct(&whole);
    assert_eq!(names, ["AzureMachineLearning"]);
    assert_eq!(led, set("20.33.0.0/16").union(&set("20.50.0.0/24")));
    let holed = generate(&entry("\"20.33.16.0/20\""));
    let (names, led) = direct(&holed);
    assert_eq!(names, ["AzureMachineLearning"], "a tag that holds nothing of it stays a tag");
    assert_eq!(led, set("20.33.0.0/16").difference(&set("20.33.16.0/20")).union(&set("20.50.0.0/24")));
    assert!(report(&holed).contains("| 20.33.0.0/16 except 20.33.16.0/20, as"), "{}", report(&holed));
    // Each table is refused where the other one is asked for.
    assert!(prove(&whole, &whole).is_success() && prove(&holed, &holed).is_success());
    for (policy, files) in [(&holed, &whole), (&whole, &holed)] {
        let text = prove(policy, files).to_string();
        assert!(text.contains("misrouted") && text.contains("20.33.16.0"), "{text}");
    }
}

#[test]
fn a_tag_of_which_addresses_are_excepted_is_listed() {
    let sample = support::sample(Cloud::Public);
    let tag = sample.tag("AzureMachineLearning").unwrap().set().v4.clone();
    let tag = AddrSet { v4: tag, ..AddrSet::empty() };
    let part = tag.prefixes().next().unwrap();
    let whole = generate(&entry(""));
    for setting in ["auto", "native"] {
        let made = generate(&format!("route-table.tags = \"{setting}\"\n{}", entry(&format!("\"{part}\""))));
        let (names, led) = direct(&made);
        assert!(names.is_empty(), "{names:?}");
        let rest = tag.difference(&part.into());
        assert_eq!(led, rest.union(&set("20.33.0.0/16")).union(&set("20.50.0.0/24")));
        assert!(report(&made).contains("addresses are excepted, so the rest is listed"), "{}", report(&made));
        for (policy, files) in [(&made, &whole), (&whole, &made)] {
            let text = prove(policy, files).to_string();
            assert!(text.contains("misrouted"), "{text}");
        }
    }
}

#[test]
fn another_entry_that_does_not_except_them_routes_them() {
    let made = generate(&format!("{}{}", entry("\"20.33.16.0/20\""), entry("")));
    assert_eq!(direct(&made), direct(&generate(&entry(""))));
    assert_eq!(made.policy.routes.len(), 4, "one of the blocks with and without, the other, and the tag");
}

#[test]
fn where_nothing_is_left_there_is_no_route() {
    let made = generate(&entry("\"20.33.0.0/16\", \"20.50.0.0/24\""));
    let (names, led) = direct(&made);
    assert_eq!(names, ["AzureMachineLearning"]);
    assert!(led.is_empty());
    let text = report(&made);
    for block in ["20.33.0.0/16", "20.50.0.0/24"] {
        assert!(text.contains(&format!("nothing is left of the route to {block}")), "{text}");
    }
}

#[test]
fn what_may_not_be_routed_can_be_excepted() {
    // The platform's own address, and the network itself.
    let text = |except: &str| format!("{}\n", entry(except));
    let lab = catalog();
    let wide = "name = \"wide\"\ntitle = \"Wide\"\nsummary = \"wide\"\nsources.ticket = \"ticket 4711\"\n[[row]]\nid = \"wide-1\"\naddresses = [\"168.63.128.0/20\", \"10.16.0.0/12\"]\nnext-hop = \"internet\"\npurpose = \"x\"\nsource = \"ticket\"\n";
    let catalog = lab.extended(&[("wide.toml".to_owned(), wide.to_owned())]).unwrap();
    let attempt = |except: &str| {
        let text = format!("{HEAD}{}", text(except).replace("\"lab\"", "\"wide\""));
        let source = support::policy("except.toml", &text);
        pipeline::generate(&source, &catalog, &support::sample(Cloud::Public), None)
    };
    let error = attempt("").unwrap_err().to_string();
    assert!(
        error.contains("take it out with `except`") && error.contains("of the virtual network out of it"),
        "{error}"
    );
    let made = attempt("\"168.63.129.16\", \"10.20.0.0/16\"").unwrap_or_else(|e| panic!("{e}"));
    let (_, led) = direct(&made);
    assert!(led.is_disjoint(&set("168.63.129.16/32")) && led.is_disjoint(&set("10.20.0.0/16")));
    assert!(set("168.63.130.0/24").is_subset(&led) && set("10.21.0.0/16").is_subset(&led));
}
