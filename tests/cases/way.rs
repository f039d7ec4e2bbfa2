//! The way: whether needs work from end to end, what goes past the firewall, and what the report says of it.

use crate::support;
use serde_json::Value;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::PolicySource;
use tagwall::tags::Cloud;
use tagwall::target::Target;
use tagwall::verify::{self, Declared, Work, WorkState};

const HEAD: &str = r#"
schema = 1
name = "way"
region = "westeurope"
"#;

fn try_made(text: &str) -> Result<Generation, Error> {
    let text = format!("{HEAD}{text}");
    let source = PolicySource::read("way.toml", &text)?;
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None)
}

fn made(text: &str) -> Generation {
    try_made(text).unwrap_or_else(|error| panic!("{error}"))
}

fn report(made: &Generation) -> &str {
    support::text_of(made, "report.md")
}

/// The text of one section of the report.
fn section<'a>(report: &'a str, head: &str) -> &'a str {
    let start = report.find(&format!("## {head}\n")).unwrap_or_else(|| panic!("no section {head}"));
    let rest = &report[start + 3..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

fn works(made: &Generation, state: WorkState) -> Vec<&Work> {
    made.proof.works.iter().filter(|work| work.state == state).collect()
}

const PRIVATE: &str = r#"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
[[allow]]
workload = "aml-compute"
"#;

/// A default route to nowhere drops all that the group lets out.
#[test]
fn what_works_nowhere_is_refused_unless_accepted() {
    let policy = format!("{PRIVATE}[route-table]\ndefault = \"none\"\n");
    let error = try_made(&policy).map(drop).expect_err("nothing arrives").to_string();
    assert!(error.contains("works nowhere for subnet training") && error.contains("route"), "{error}");
    assert!(matches!(try_made(&policy), Err(Error::Proof(_))));

    let accepted = made(&format!("accept-missing = true\n{policy}"));
    let nowhere = works(&accepted, WorkState::Nowhere);
    assert!(!nowhere.is_empty() && nowhere.iter().all(|work| work.stops_at == Some("route")), "{nowhere:?}");
    // No part of any of them gets through.
    assert!(nowhere.iter().all(|work| !work.in_part), "{nowhere:?}");
    let report = report(&accepted);
    assert!(!report.contains("nothing that was asked for is left out"), "{report}");
    assert!(section(report, "Verdict").contains("work nowhere"), "{report}");
    assert!(section(report, "What does not work").contains("aml-o"), "{report}");
}

/// With the firewall in place the same needs work, and the manifest says so of each.
#[test]
fn what_works_is_in_the_manifest() {
    let made = made(PRIVATE);
    assert!(works(&made, WorkState::Nowhere).is_empty());
    let manifest: Value = serde_json::from_slice(support::bytes_of(&made, "manifest.json")).unwrap();
    let works = manifest["works"].as_array().expect("a list");
    assert!(works.iter().any(|work| work["need"] == "aml-o1" && work["state"] == "works"), "{works:?}");
    assert!(section(report(&made), "Verdict").contains("nothing of what was asked for"));
}

/// A host without a firewall: no target can say it, so that it works nowhere.
#[test]
fn a_host_without_firewall_works_nowhere() {
    let policy = r#"
network.address-space = ["10.20.0.0/16"]
subnets.a.prefixes = ["10.20.1.0/24"]
[[allow]]
to = "fqdn:example.org"
protocol = "tcp"
ports = 443
"#;
    let error = try_made(policy).map(drop).expect_err("nobody takes the name").to_string();
    assert!(error.contains("fqdn:example.org works nowhere for subnet a"), "{error}");
    let accepted = made(&format!("accept-missing = true\n{policy}"));
    assert_eq!(works(&accepted, WorkState::Nowhere)[0].stops_at, Some("nsg"));
}

/// A subnet that is private and names no way out cannot leave, whatever its routes say.
#[test]
fn a_subnet_without_way_out_does_not_leave() {
    let policy = |outbound: &str| {
        format!(
            "network.address-space = [\"10.20.0.0/16\"]\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\n{outbound}\n\
             [[allow]]\nto = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    for shut in ["subnets.a.private = true", "subnets.a.outbound = \"none\""] {
        let error = try_made(&policy(shut)).map(drop).expect_err(shut).to_string();
        assert!(error.contains("has no way out"), "{shut}: {error}");
    }
    for open in ["", "subnets.a.outbound = \"nat\"", "subnets.a.outbound = \"default\""] {
        let made = made(&policy(open));
        assert_eq!(works(&made, WorkState::Works).len(), 1, "{open}");
    }
}

/// Senders inside the network and in private space come back by its own routes.
#[test]
fn replies_inside_the_network_need_no_remedy() {
    for from in ["10.0.5.0/24", "10.20.9.0/24"] {
        let made = made(&format!(
            "{PRIVATE}[[allow]]\ndirection = \"inbound\"\nfrom = \"{from}\"\nprotocol = \"tcp\"\nports = 22\n"
        ));
        let report = report(&made);
        assert!(!report.contains("add a route for its addresses to the Internet"), "{from}: {report}");
    }
}

/// A sender on the Internet is answered by the firewall, which never saw the connection: that is refused, with what to do,
/// and doing it helps.
#[test]
fn replies_to_the_internet_must_go_back_the_same_way() {
    let inbound = |from: &str| {
        format!(
            "{PRIVATE}[[allow]]\ndirection = \"inbound\"\nfrom = \"{from}\"\nprotocol = \"tcp\"\nports = 22\n"
        )
    };
    for (from, outbound) in [
        ("203.0.113.0/24", "subnets.training.outbound = \"public-ip\""),
        ("BatchNodeManagement", "subnets.training.outbound = \"load-balancer\""),
        ("Internet", "subnets.training.outbound = \"public-ip\""),
    ] {
        let policy = inbound(from).replacen("[[allow]]", &format!("{outbound}\n[[allow]]"), 1);
        let error = try_made(&policy).map(drop).expect_err(from).to_string();
        assert!(error.contains(&format!("{from} works nowhere for subnet training")), "{error}");
        assert!(error.contains(&format!("`[[route]]` to {from}")) && error.contains("DNAT"), "{error}");

        let accepted = made(&format!("accept-missing = true\n{policy}"));
        let nowhere = works(&accepted, WorkState::Nowhere);
        assert_eq!((nowhere.len(), nowhere[0].need.as_str()), (1, from), "{nowhere:?}");
        assert_eq!(nowhere[0].stops_at, Some("route"));
        let told = section(report(&accepted), "What does not work");
        assert!(told.contains(from) && told.contains("What to do"), "{told}");
    }
    let policy = inbound("203.0.113.0/24");
    // Where nobody says that packets come in straight, they may come by where their replies go.
    let hanging = made(&policy);
    let work = works(&hanging, WorkState::Elsewhere).into_iter().find(|work| work.need == "203.0.113.0/24");
    let why = work.and_then(|work| work.why.as_ref()).map(ToString::to_string).unwrap_or_default();
    assert!(why.starts_with("only if ") && why.contains("10.20.255.4"), "{why}");
    assert!(
        section(report(&hanging), "Verdict").contains("1 need works only if it comes in"),
        "{}",
        report(&hanging)
    );
    assert!(section(report(&hanging), "What does not work").contains("[[route]]"), "{}", report(&hanging));
    let nowhere = format!("{policy}[route-table]\ndefault = \"none\"\n");
    assert!(try_made(&nowhere).is_err(), "no replies, no matter by where it comes in");
    let route = "[[route]]\nto = \"203.0.113.0/24\"\nnext-hop = \"internet\"\nsubnet = \"training\"\n";
    assert!(works(&made(&format!("{policy}{route}")), WorkState::Nowhere).is_empty());
    let published = inbound("10.20.255.0/26");
    assert!(works(&made(&published), WorkState::Nowhere).is_empty());
}

/// Nothing comes in from the Internet to a subnet without a public address of its own, whatever its routes are.
#[test]
fn what_comes_in_needs_an_address_of_the_subnets_own() {
    let inbound =
        "[[allow]]\ndirection = \"inbound\"\nfrom = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 22\n";
    let route = "[[route]]\nto = \"203.0.113.0/24\"\nnext-hop = \"internet\"\n";
    for shut in ["nat", "firewall", "default", "none"] {
        let outbound = format!("subnets.training.outbound = \"{shut}\"\n[[allow]]");
        let policy = format!("{}{inbound}{route}", PRIVATE.replacen("[[allow]]", &outbound, 1));
        let error = try_made(&policy).map(drop).expect_err(shut).to_string();
        assert!(error.contains("203.0.113.0/24 works nowhere") && error.contains("load-balancer"), "{error}");
        let accepted = made(&format!("accept-missing = true\n{policy}"));
        let nowhere = works(&accepted, WorkState::Nowhere);
        assert_eq!(
            nowhere.iter().map(|work| work.stops_at).collect::<Vec<_>>(),
            [Some("outbound")],
            "{shut}"
        );
    }
}

/// Senders behind a gateway or in private space whose replies no route leads back, and what helps.
#[test]
fn replies_that_no_route_leads_back_are_lost() {
    let policy = |from: &str, keys: &str| {
        format!(
            "{}[[allow]]\ndirection = \"inbound\"\nfrom = \"{from}\"\nprotocol = \"tcp\"\nports = 22\n",
            PRIVATE.replacen("[[allow]]", &format!("{keys}\n[[allow]]"), 1)
        )
    };
    let announced = "network.on-premises = [\"172.20.0.0/16\"]\n";
    let kept_off = format!("{announced}route-table.disable-bgp = true");
    for (from, keys, told) in [
        ("172.20.0.0/16", kept_off.as_str(), "`[[route]]`"),
        ("10.99.0.0/16", announced, "`network.peers` or `network.on-premises`"),
    ] {
        let error = try_made(&policy(from, keys)).map(drop).expect_err(from).to_string();
        assert!(error.contains(&format!("{from} works nowhere")) && error.contains(told), "{error}");
    }
    let route = "[[route]]\nto = \"172.20.0.0/16\"\nnext-hop = \"gateway\"\n";
    let peered = format!("{announced}network.peers = [\"10.99.0.0/16\"]");
    for helped in [
        policy("172.20.0.0/16", announced),
        policy("172.20.0.0/16", &kept_off) + route,
        policy("10.99.0.0/16", &peered),
    ] {
        assert!(works(&made(&helped), WorkState::Nowhere).is_empty(), "{helped}");
    }
}

/// What only another form of the workload needs is no homework of this one.
#[test]
fn only_what_this_plan_lacks_is_required() {
    let made = made(PRIVATE);
    assert!(!report(&made).contains("These rows are required, but make no rule yet"), "{}", report(&made));
}

/// No risk speaks of parts that are not there, or advises what is done.
#[test]
fn risks_are_those_of_the_plan() {
    let bare = PRIVATE.replace("network.firewall = \"10.20.255.4\"\n", "");
    let without = made(&bare);
    assert!(!section(report(&without), "Risks").contains("past the firewall"), "{}", report(&without));

    let public = made(&format!("{PRIVATE}public-ip = true\n"));
    let risks = section(report(&public), "Risks");
    assert!(!risks.contains("Add the route that sends the tag's addresses straight"), "{risks}");
    assert!(!risks.contains("Let the NSG of the subnet restrict"), "{risks}");
}

/// Trial T11: what a service endpoint policy closes is no risk, and one that is not there is not spoken of.
#[test]
fn a_policy_at_the_service_endpoint_is_what_was_advised() {
    const OPEN: &str = "A Storage tag admits every storage account of the region";
    const ADVICE: &str = "Put a service endpoint policy on the subnet";
    let open = made(PRIVATE);
    let risks = section(report(&open), "Risks");
    assert!(risks.contains(OPEN) && risks.contains(ADVICE), "{risks}");
    let account = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account";
    let closed = made(&format!("{PRIVATE}storage-account-ids = [\"{account}\"]\n"));
    assert!(closed.files.iter().any(|file| file.name == "service-endpoint-policy.arm.json"));
    assert!(!report(&closed).contains(OPEN) && !report(&closed).contains(ADVICE), "{}", report(&closed));
    let verdict = report(&closed).lines().find(|line| line.starts_with("4. ")).unwrap();
    assert!(!verdict.contains("storage-exfiltration"), "{verdict}");

    // With a second subnet that has none, the risk is that one's.
    let two = PRIVATE.replace(
        "[[allow]]",
        "[subnets.other]\nprefixes = [\"10.20.2.0/24\"]\n[[allow]]\nworkload = \"aml-compute\"\nsubnet = \"other\"\n[[allow]]\nsubnet = \"training\"",
    );
    let half = made(&format!("{two}storage-account-ids = [\"{account}\"]\n"));
    let risks = section(report(&half), "Risks");
    assert!(
        risks.contains("Subnets with a service endpoint policy are closed here; the others are not."),
        "{risks}"
    );

    // Without firewall and table nothing is said of either.
    let bare = made(&PRIVATE.replace("network.firewall = \"10.20.255.4\"\n", ""));
    for word in ["past the firewall", "default route leads to a firewall, replies"] {
        assert!(!section(report(&bare), "Risks").contains(word), "{word}");
    }
}

/// A firewall in a network that nobody named.
#[test]
fn a_firewall_elsewhere_is_in_a_peered_network() {
    let elsewhere = PRIVATE.replace("10.20.255.4", "10.0.1.4");
    let text = "own address space only; name the peered space in `network.peers`";
    assert!(report(&made(&elsewhere)).contains(text));
    let named = elsewhere.replace("network.firewall", "network.peers = [\"10.0.0.0/22\"]\nnetwork.firewall");
    assert!(!report(&made(&named)).contains(text));
}

/// The verdict is the first thing that is read.
#[test]
fn the_verdict_comes_first() {
    let made = made(PRIVATE);
    let lines: Vec<&str> = report(&made).lines().take(10).collect();
    assert_eq!(lines[2], "## Verdict");
    let numbered = lines.iter().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    assert_eq!(numbered, 5, "{lines:?}");
}

/// Compute is made with the flag that the rules were made for.
#[test]
fn the_command_for_compute_has_the_right_flag() {
    for (option, flag) in
        [("", "--enable-node-public-ip false"), ("public-ip = true\n", "--enable-node-public-ip true")]
    {
        let made = made(&format!("{PRIVATE}{option}"));
        let steps = section(report(&made), "What to do next");
        for kind in ["--type amlcompute", "--type computeinstance"] {
            let own = |line: &&str| line.contains(kind) && line.contains("--subnet training");
            let line = steps.lines().find(own).unwrap_or_else(|| panic!("{steps}"));
            assert!(line.contains(flag), "{line}");
        }
    }
}

const SIDE_BY_SIDE: &str = r#"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
network.peers = ["10.0.0.0/22"]
network.on-premises = ["172.20.0.0/16"]
subnets.private.prefixes = ["10.20.1.0/24"]
subnets.public.prefixes = ["10.20.2.0/24"]
[[allow]]
workload = "aml-compute"
subnet = "private"
[[allow]]
workload = "aml-compute"
subnet = "public"
public-ip = true
[[allow]]
to = "10.0.0.0/24"
subnet = "private"
protocol = "tcp"
ports = 1433
"#;

/// The tables of the subnets exchanged: what goes past the firewall is told as that, with a packet.
#[test]
fn tables_on_the_wrong_subnets_are_found() {
    let made = made(SIDE_BY_SIDE);
    let mut exchanged = made.plan.associations.clone();
    let (first, second) = (exchanged[0].route_table.clone(), exchanged[1].route_table.clone());
    assert_ne!(first, second);
    (exchanged[0].route_table, exchanged[1].route_table) = (second, first);
    let files = support::named(&made.files);
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let declared = Declared { associations: &exchanged, ..Declared::default() };
    let found =
        verify::check_files(&made.policy, &support::sample(Cloud::Public), &files, declared, &targets);
    assert!(!found.is_success());
}

/// A peering that is gone takes the needs behind it along.
#[test]
fn a_peering_that_is_removed_is_found() {
    let made = made(SIDE_BY_SIDE);
    assert!(works(&made, WorkState::Nowhere).is_empty(), "{:?}", works(&made, WorkState::Nowhere));
    let without = SIDE_BY_SIDE.replace("network.peers = [\"10.0.0.0/22\"]\n", "");
    let error = try_made(&without).map(drop).expect_err("nothing leads there").to_string();
    assert!(error.contains("10.0.0.0/24 works nowhere for subnet private"), "{error}");
}

/// A rule of the firewall for the wrong subnet.
#[test]
fn a_firewall_rule_for_the_wrong_subnet_is_found() {
    let made = made(SIDE_BY_SIDE);
    let text = support::text_of(&made, "firewall.arm.json");
    assert!(text.contains("10.20.1.0/24"));
    let wrong = text.replace("10.20.1.0/24", "10.20.9.0/24");
    let found =
        support::prove_with(&made, &support::sample(Cloud::Public), "firewall.arm.json", wrong.as_bytes());
    assert!(found.to_string().contains("10.20.1."), "{found}");
}

/// Where no table is made here, nobody knows that something goes past the firewall.
#[test]
fn without_a_table_nothing_is_said_of_the_way_past_the_firewall() {
    let firewall = format!("{PRIVATE}[output]\ntargets = [\"firewall\"]\n");
    assert!(try_made(&firewall).is_ok());
}

const SPOKE: &str = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
                     firewall = \"10.0.1.4\"\npeers = [\"10.0.0.0/22\"]\non-premises = [\"172.20.0.0/16\"]\n\
                     [subnets.a]\nprefixes = [\"10.20.1.0/24\"]\n[subnets.b]\nprefixes = [\"10.20.2.0/24\"]\n\
                     [[allow]]\nsubnet = \"a\"\ndirection = \"inbound\"\nfrom = \"172.20.5.0/24\"\nprotocol = \"tcp\"\nports = 443\n\
                     [[allow]]\nsubnet = \"a\"\nto = \"Sql.westeurope\"\nprotocol = \"tcp\"\nports = 1433\n";

/// By what replies to senders behind a gateway go, as the table lets them.
#[test]
fn what_covers_a_need_from_on_premises_is_the_way_of_its_replies() {
    let gap = |table: &str| {
        let policy = format!("accept-missing = true\n{SPOKE}[route-table]\n{table}");
        let made = support::generate_on_sample("e.toml", &policy);
        let gap =
            made.plan.gaps.iter().find(|gap| gap.remote == "172.20.5.0/24").expect("it is there").clone();
        (gap.reason.to_string(), gap.covered_by.iter().map(ToString::to_string).collect::<String>())
    };
    assert!(gap("").1.contains("the routes of the network and its peerings"));
    // Without the gateway's routes, private space is dropped, or goes to the firewall where the policy sends it there.
    let (reason, covered) = gap("disable-bgp = true\n");
    assert!(covered.is_empty() && reason.contains("no route leads its replies back"), "{reason} {covered}");
    let (_, covered) = gap("disable-bgp = true\nprivate = \"firewall\"\n");
    assert!(covered.contains("the appliance to which replies go"), "{covered}");
    // With them the longer prefix of the gateway wins.
    assert!(gap("private = \"firewall\"\n").1.contains("the routes of the network and its peerings"));
    let line = "[[route]]\nsubnet = \"a\"\nto = \"172.20.0.0/16\"\nnext-hop = \"firewall\"\n";
    let made = support::generate_on_sample("e.toml", &format!("{SPOKE}{line}"));
    let gap = made.plan.gaps.iter().find(|gap| gap.remote == "172.20.5.0/24").expect("it is there");
    assert!(gap.covered_by.iter().any(|by| by.to_string().contains("the appliance")), "{gap:?}");
}

#[test]
fn two_appliances_between_two_subnets_are_warned_of() {
    let line = |subnet: &str, to: &str, hop: &str| {
        format!("[[route]]\nsubnet = \"{subnet}\"\nto = \"{to}\"\nnext-hop = \"{hop}\"\n")
    };
    let warned = |lines: &str| {
        let made = support::generate_on_sample("e.toml", &format!("{SPOKE}{lines}"));
        let report = support::text_of(&made, "report.md").to_owned();
        let told = made.policy.remarks.warnings.iter().any(|text| text.contains("different appliances"));
        (told, report)
    };
    let there = line("a", "10.20.2.0/24", "firewall");
    let (told, report) = warned(&(there.clone() + &line("b", "10.20.1.0/24", "10.20.255.5")));
    assert!(told);
    // A line by hand to where the default leads too is no exception from a broader route.
    assert!(!report.contains("back to the default from inside a broader route"), "{report}");
    assert!(
        !warned(&(there.clone() + &line("b", "10.20.1.0/24", "firewall"))).0,
        "the same appliance both ways"
    );
    assert!(!warned(&(there + &line("b", "10.0.2.0/24", "10.20.255.5"))).0, "elsewhere");
    let (_, report) = warned("[route-table]\nprivate = \"firewall\"\n");
    assert!(report.contains("| private ranges (`route-table.private`) |"), "{report}");
}

/// A gateway that announces a default route takes all that no table leads elsewhere: what has to leave directly has routes,
/// a group names addresses in place of the tags that hold the default, and replies to the Internet are lost.
#[test]
fn a_default_route_that_a_gateway_announces_is_heeded() {
    let bare = PRIVATE.replace("network.firewall = \"10.20.255.4\"\n", "");
    let announced = |keys: &str| bare.replacen("[[allow]]", &format!("{keys}\n[[allow]]"), 1);
    let tunnelled = "network.on-premises = [\"172.20.0.0/16\", \"0.0.0.0/0\"]";
    let made_public = |keys: &str| made(&format!("{}public-ip = true\n", announced(keys)));

    let (without, with) = (made_public(""), made_public(tunnelled));
    assert!(without.plan.route_tables.is_empty(), "nothing leads elsewhere");
    let [table] = with.plan.route_tables.as_slice() else { panic!("{:?}", with.plan.route_tables) };
    let routes: Vec<String> = table.routes.iter().map(|route| route.to.to_string()).collect();
    assert!(routes.iter().any(|to| to.starts_with("AzureMachineLearning")), "{routes:?}");
    assert!(!routes.iter().any(|to| to == "0.0.0.0/0"), "the gateway brings it: {routes:?}");
    // A table of the user's own default, or one that keeps the gateway's routes off, is stronger.
    let inbound =
        "[[allow]]\ndirection = \"inbound\"\nfrom = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 22\n";
    let route = "[[route]]\nto = \"192.0.2.0/24\"\nnext-hop = \"internet\"\n";
    for keys in ["route-table.default = \"internet\"", "route-table.disable-bgp = true"] {
        let made = made(&format!("{}{inbound}{route}", announced(&format!("{tunnelled}\n{keys}"))));
        assert!(works(&made, WorkState::Nowhere).is_empty(), "{keys}");
    }

    // What comes in from the Internet is answered by way of the gateway, which the sender does not know.
    assert!(works(&made(&format!("{bare}{inbound}")), WorkState::Nowhere).is_empty());
    let hanging = made(&format!("{}{inbound}", announced(tunnelled)));
    let hanging =
        works(&hanging, WorkState::Elsewhere).into_iter().find(|work| work.need == "203.0.113.0/24");
    let why = hanging.and_then(|work| work.why.as_ref()).map(ToString::to_string).unwrap_or_default();
    assert!(why.contains("by the gateway"), "{why}");
    let public = format!("{tunnelled}\nsubnets.training.outbound = \"public-ip\"");
    let error =
        try_made(&format!("{}{inbound}", announced(&public))).map(drop).expect_err("lost").to_string();
    assert!(error.contains("203.0.113.0/24 works nowhere"), "{error}");

    // The tag would hold all that the default leads away.
    let network = "[[allow]]\nto = \"VirtualNetwork\"\nprotocol = \"tcp\"\nports = 1433\n";
    let destinations = |made: &Generation| {
        let rules = made.plan.nsgs.iter().flat_map(|group| &group.rules);
        let own = rules.filter(|rule| format!("{:?}", rule.ports).contains("1433"));
        own.map(|rule| format!("{:?}", rule.destination)).collect::<Vec<_>>().join(" ")
    };
    let (tag, list) =
        (made(&format!("{bare}{network}")), made(&format!("{}{network}", announced(tunnelled))));
    assert!(destinations(&tag).contains("VirtualNetwork"), "{}", destinations(&tag));
    assert!(!destinations(&list).contains("VirtualNetwork"), "{}", destinations(&list));
}

/// What a gateway announces may hold the network as a part of more, which system routes take out; what lies inside it has
/// no effect.
#[test]
fn what_a_gateway_announces_may_hold_the_network() {
    let with = |list: &str| PRIVATE.replacen("subnets", &format!("network.on-premises = {list}\nsubnets"), 1);
    let reached = "[[allow]]\nto = \"10.77.0.0/16\"\nprotocol = \"tcp\"\nports = 1433\n";
    let made = made(&format!("{}{reached}", with("[\"10.0.0.0/8\"]")));
    assert!(works(&made, WorkState::Nowhere).is_empty());
    let error = try_made(&with("[\"10.20.4.0/24\"]")).map(drop).expect_err("inside").to_string();
    assert!(error.contains("10.20.4.0/24") && error.contains("no effect"), "{error}");
}
