//! What must hold before a workload can work: checked where the policy says enough, refused where it can never hold,
//! and else left to people.

use crate::support;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::{Held, HeldWhy, PolicySource};
use tagwall::tags::Cloud;

fn try_made(text: &str) -> Result<Generation, Error> {
    let text = format!("schema = 1\nname = \"must\"\nregion = \"westeurope\"\n{text}");
    let source = PolicySource::read("must.toml", &text)?;
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None)
}

fn made(text: &str) -> Generation {
    try_made(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// How the one precondition whose sentence has `part` is held.
fn held(made: &Generation, part: &str) -> Held {
    let all = &made.policy.remarks.preconditions;
    let own: Vec<_> = all.iter().filter(|must| must.text.contains(part)).collect();
    assert_eq!(own.len(), 1, "{part}: {all:?}");
    own[0].held.clone()
}

fn unsaid(held: &Held) -> bool {
    matches!(held, Held::Unsaid(_))
}

const NETWORK: &str = "network.address-space = [\"10.20.0.0/16\"]\n";
const FIREWALL: &str = "network.firewall = \"10.20.255.4\"\n";

fn aml(subnet: &str, options: &str) -> String {
    format!(
        "{NETWORK}{FIREWALL}[subnets.training]\nprefixes = [\"10.20.1.0/24\"]\n{subnet}\n[[allow]]\n\
         workload = \"aml-compute\"\n{options}\n"
    )
}

#[test]
fn what_the_policy_says_is_no_homework() {
    let quiet = made(&aml("", ""));
    assert!(unsaid(&held(&quiet, "one free address for each node")));
    assert!(matches!(held(&quiet, "not delegated"), Held::Yes(_)));
    assert_eq!(held(&quiet, "NAT gateway or a firewall"), Held::Yes(HeldWhy::WaysOut(vec!["the firewall"])));
    assert!(unsaid(&held(&quiet, "in the subscription of the workspace")), "no policy can say that");

    let said = made(&aml("nodes = 50", ""));
    let Held::Yes(why) = held(&said, "one free address for each node") else { panic!("it has room") };
    assert!(why.to_string().contains("50 nodes"), "{why}");
    let report = support::text_of(&said, "report.md");
    let (steps, rest) = report.split_once("## Preconditions that hold").expect("a section of what holds");
    assert!(!steps.contains("one free address for each node"), "{steps}");
    assert!(rest.contains("room for its 50 nodes"), "{rest}");
    let error = try_made(&aml("nodes = 500", "")).map(drop).unwrap_err().to_string();
    assert!(error.contains("500 nodes do not fit"), "{error}");
}

#[test]
fn a_way_out_is_held_against_the_plan() {
    let bare = |subnet: &str| aml(subnet, "").replace(FIREWALL, "");
    assert!(unsaid(&held(&made(&bare("")), "NAT gateway or a firewall")));
    assert_eq!(
        held(&made(&bare("outbound = \"nat\"")), "NAT gateway or a firewall"),
        Held::Yes(HeldWhy::WaysOut(vec!["a NAT gateway"]))
    );
    let default = made(&bare("outbound = \"default\""));
    let Held::No(why) = held(&default, "NAT gateway or a firewall") else {
        panic!("it is not to be relied on")
    };
    assert!(why.to_string().contains("default outbound access"), "{why}");
    assert!(default.notes.iter().any(|n| n.contains("this must hold and does not")), "{:?}", default.notes);
    let report = support::text_of(&default, "report.md");
    assert!(report.contains("by what the policy says it does not:"), "{report}");
    assert!(report.lines().take(8).any(|line| line.contains("1 precondition does not hold")), "{report}");
}

#[test]
fn the_rule_beside_azures_own_group_is_there() {
    let public = made(&aml("", "public-ip = true"));
    assert_eq!(held(&public, "does not contradict the NSG"), Held::Yes(HeldWhy::HasRow("aml-i1".to_owned())));
    let without = made(&aml("", "public-ip = true\nwithout = [\"aml-i1\"]"));
    assert!(matches!(held(&without, "does not contradict the NSG"), Held::No(_)));
}

#[test]
fn compute_in_a_delegated_subnet_is_refused() {
    let delegated = aml("role = \"delegated:Microsoft.Databricks/workspaces\"", "");
    let error = try_made(&delegated).map(drop).unwrap_err().to_string();
    assert!(error.contains("subnet training is delegated to Microsoft.Databricks/workspaces"), "{error}");
    assert!(error.contains("must.toml:"), "with its line: {error}");
    let accepted = made(&format!("accept-missing = true\n{delegated}"));
    assert!(matches!(held(&accepted, "not delegated"), Held::No(_)));
}

fn databricks(space: &str, subnets: &[(&str, &str)]) -> String {
    let mut text = format!("network.address-space = [\"{space}\"]\n");
    for (at, (prefix, more)) in subnets.iter().enumerate() {
        text += &format!("[subnets.s{at}]\nprefixes = [\"{prefix}\"]\n{more}\n");
    }
    text + "[[allow]]\nworkload = \"databricks\"\n"
}

#[test]
fn the_subnets_of_a_workspace_are_looked_at() {
    const ROLE: &str = "role = \"delegated:Microsoft.Databricks/workspaces\"";
    let good = made(&databricks("10.20.0.0/20", &[("10.20.1.0/24", ROLE), ("10.20.2.0/24", ROLE)]));
    for part in ["delegated to the workspace", "/26 or larger", "prefix from /16 to /24", "two subnets"] {
        assert!(matches!(held(&good, part), Held::Yes(_)), "{part}");
    }
    let bad = made(&databricks("10.0.0.0/8", &[("10.20.1.0/24", "")]));
    assert!(unsaid(&held(&bad, "delegated to the workspace")) && unsaid(&held(&bad, "two subnets")));
    assert!(matches!(held(&bad, "prefix from /16 to /24"), Held::No(_)));
    let small = databricks("10.20.0.0/20", &[("10.20.1.0/28", ROLE)]);
    let error = try_made(&small).map(drop).unwrap_err().to_string();
    assert!(error.contains("10.20.1.0/28 of subnet s0 is smaller than /26"), "{error}");
    let other =
        databricks("10.20.0.0/20", &[("10.20.1.0/24", "role = \"delegated:Microsoft.Web/serverFarms\"")]);
    let error = try_made(&other).map(drop).unwrap_err().to_string();
    assert!(error.contains("delegated to Microsoft.Web/serverFarms and not to"), "{error}");
}

/// Trial T8: a machine that is attached keeps the default rules outbound, or has what training needs.
#[test]
fn an_attached_machine_is_not_cut_off() {
    let jump = |more: &str, allow: &str| {
        format!(
            "{more}{NETWORK}{FIREWALL}subnets.jump.prefixes = [\"10.20.1.0/24\"]\n[[allow]]\nworkload = \"aml-vm\"\n{allow}"
        )
    };
    let error = try_made(&jump("", "")).map(drop).unwrap_err().to_string();
    assert!(error.contains("subnet jump would deny everything outbound"), "{error}");
    assert!(error.contains("aml-training-internet") && error.contains("nsg.deny-rest = false"), "{error}");
    let part = "default rules, or the policy also has";
    let open = made(&jump("nsg.deny-rest = false\n", ""));
    assert_eq!(held(&open, part), Held::Yes(HeldWhy::Said("`nsg.deny-rest` is false")));
    let with = made(&jump("", "[[allow]]\nworkload = \"aml-training-internet\"\n"));
    assert!(matches!(held(&with, part), Held::Yes(_)));
    let own = made(&jump("", "[[allow]]\nto = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 443\n"));
    assert!(matches!(held(&own, part), Held::No(_)), "what the policy asks for is its own choice");
    for made in [&open, &with, &own] {
        let steps = support::text_of(made, "report.md").split("## Preconditions that hold").next().unwrap();
        let homework = steps.split("Make sure that this holds").nth(1).unwrap_or_default();
        assert!(!homework.contains(part), "{homework}");
    }
}

/// A way past the firewall from a subnet without default outbound access is a risk where nothing says how it gets out.
#[test]
fn the_risk_of_private_subnets_follows_the_policy() {
    let risks = |subnet: &str| {
        let made = made(&format!("accept-missing = true\n{}", aml(subnet, "public-ip = true")));
        let report = support::text_of(&made, "report.md").to_owned();
        report.contains("In a private subnet (no default outbound access")
    };
    for (subnet, risk) in [
        ("", true),
        ("private = true", true),
        ("private = false", false),
        ("outbound = \"public-ip\"", false),
        ("outbound = \"nat\"\nprivate = true", false),
        ("outbound = \"load-balancer\"", false),
        ("outbound = \"firewall\"", true),
        ("outbound = \"default\"\nprivate = true", true),
        ("outbound = \"default\"\nprivate = false", false),
    ] {
        assert_eq!(risks(subnet), risk, "{subnet}");
    }
    // By hand as well as from the catalogue.
    let by_hand = |subnet: &str| {
        let made = made(&format!(
            "{NETWORK}{FIREWALL}[subnets.s]\nprefixes = [\"10.20.1.0/24\"]\n{subnet}\n[[allow]]\nto = \"203.0.113.0/24\"\n\
             protocol = \"tcp\"\nports = 443\n[[route]]\nto = \"203.0.113.0/24\"\nnext-hop = \"internet\"\n"
        ));
        support::text_of(&made, "report.md").contains("In a private subnet (no default outbound access")
    };
    assert!(by_hand("") && !by_hand("outbound = \"nat\""));
}

#[test]
fn own_catalogues_check_as_well() {
    let file = |check: &str| {
        let text = format!(
            "name = \"labs\"\ntitle = \"t\"\nsummary = \"s\"\npreconditions = [{{ check = \"{check}\", text = \"It is so.\" }}]\n\
             [[row]]\nid = \"one\"\ndirection = \"outbound\"\ntags = \"Sql\"\nflows = \"tcp 1433\"\npurpose = \"p\"\n\
             source = \"our own\"\n"
        );
        Catalog::builtin().extended(&[("labs.toml".to_owned(), text)])
    };
    assert!(file("nodes").is_ok() && file("row:one").is_ok());
    for (check, part) in [
        ("node", "did you mean nodes"),
        ("row:two", "no row `two`"),
        ("subnet-length:99", "what `subnet-length` takes"),
    ] {
        let error = file(check).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("labs.toml"), "{error}");
    }
}
