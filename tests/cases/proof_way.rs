//! The proof at its borders, second part: the way of needs, what is declared beside the files, lists, and what an earlier
//! generation had by hand.

use crate::support;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::Association;
use tagwall::policy::PolicySource;
use tagwall::read::{self, resources::Resources};
use tagwall::tags::Cloud;
use tagwall::target::{FormatName, Target};
use tagwall::verify::{self, Declared, Failure, FailureKind, Inexpressible, Work, WorkState};

const HEAD: &str = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n";
const OPEN: &str = "[network]\naddress-space = [\"10.20.0.0/16\"]\n";
const LED: &str = "[network]\naddress-space = [\"10.20.0.0/16\"]\nfirewall = \"10.20.255.4\"\n";
const ONE: &str = "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\n";
const TWO: &str = "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\n[subnets.b]\nprefixes = [\"10.20.2.0/24\"]\n";
const NEED: &str = "[[allow]]\nto = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 443\n";

fn try_made(text: &str) -> Result<Generation, Error> {
    let source = PolicySource::read("e.toml", &format!("{HEAD}{text}"))?;
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None)
}

fn made(text: &str) -> Generation {
    try_made(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn failures(text: &str) -> Vec<Failure> {
    match try_made(text) {
        Err(Error::Proof(report)) => report.failures,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is proven:\n{text}"),
    }
}

fn found(made: &Generation, files: &[(&str, &[u8])], declared: Declared<'_>) -> Vec<(FailureKind, String)> {
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let report =
        verify::check_files(&made.policy, &support::sample(Cloud::Public), files, declared, &targets);
    report.failures.into_iter().map(|failure| (failure.kind, failure.text)).collect()
}

fn gaps(made: &Generation) -> Vec<Inexpressible<'_>> {
    let whole = made.plan.gaps.iter().filter(|gap| !gap.partial);
    whole.map(|gap| Inexpressible { target: gap.target, flow: &gap.flow }).collect()
}

fn work<'a>(made: &'a Generation, need: &str) -> &'a Work {
    let all = &made.proof.works;
    all.iter().find(|work| work.need == need).unwrap_or_else(|| panic!("no {need} in {all:?}"))
}

/// What one subnet takes in from another is no need of that other to send it, though one group is on both.
#[test]
fn what_comes_in_from_a_neighbour_is_a_need_of_the_receiver_alone() {
    let made = made(&format!(
        "{OPEN}{TWO}[nsg]\nvnet = \"deny\"\n[[allow]]\nsubnet = \"b\"\ndirection = \"inbound\"\n\
         from = \"10.20.1.0/24\"\nprotocol = \"tcp\"\nports = 22\n"
    ));
    let works: Vec<_> = made.proof.works.iter().map(|work| (work.subnet.as_str(), work.state)).collect();
    assert_eq!(works, [("b", WorkState::Works)]);
}

/// What is denied is no part of a need that holds it.
#[test]
fn a_need_works_though_a_part_of_it_is_denied() {
    let made = made(&format!(
        "{OPEN}{ONE}{NEED}[[deny]]\nto = \"203.0.113.0/25\"\nprotocol = \"tcp\"\nports = 443\n"
    ));
    let work = work(&made, "203.0.113.0/24");
    assert_eq!((work.state, &work.why, work.in_part), (WorkState::Works, &None, false));
}

/// A failure names the target at which the need stops.
#[test]
fn what_works_nowhere_fails_the_target_that_stops_it() {
    let host = "[[allow]]\nto = \"fqdn:example.org\"\nprotocol = \"tcp\"\nports = 443\n";
    let at = |text: &str| -> Vec<Target> { failures(text).iter().map(|failure| failure.target).collect() };
    assert_eq!(at(&format!("{OPEN}{ONE}{host}")), [Target::Nsg]);
    assert_eq!(at(&format!("{OPEN}{ONE}{NEED}[route-table]\ndefault = \"none\"\n")), [Target::RouteTable]);
}

/// Needs by URL are followed like those by name, and such by name with any protocol are those of HTTPS.
#[test]
fn needs_by_url_and_by_any_protocol_are_followed() {
    let url = |more: &str| {
        format!(
            "accept-missing = true\n{LED}{ONE}{more}[firewall]\nsku = \"premium\"\ntls-inspection = true\n\
             [[allow]]\nto = \"url:www.example.org/a/*\"\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    let state = |text: &str| work(&made(text), "url:www.example.org/a/*").state;
    assert_eq!(state(&url("[nsg]\nhosts = \"internet\"\n")), WorkState::Works);
    assert_eq!(state(&url("[route-table]\ndefault = \"none\"\n")), WorkState::Nowhere);

    let any = made(&format!(
        "{LED}{ONE}[firewall]\ndns-proxy = false\n[nsg]\nhosts = \"internet\"\n\
         [[allow]]\nto = \"fqdn:example.org\"\nports = 443\n"
    ));
    assert_eq!(work(&any, "fqdn:example.org").state, WorkState::Works);
}

/// An endpoint takes what a route means for the firewall past it: the route asks for the contrary of that.
#[test]
fn a_route_to_the_firewall_asks_for_nothing_past_it() {
    let text = |hop: &str| {
        format!(
            "{LED}{ONE}service-endpoints = [\"Microsoft.Storage\"]\n[nsg]\ndeny-rest = false\n\
             [[allow]]\nto = \"Storage.westeurope\"\nprotocol = \"tcp\"\nports = 443\n\
             [[route]]\nto = [\"Storage.westeurope\", \"Storage.northeurope\"]\nnext-hop = \"{hop}\"\n"
        )
    };
    made(&text("internet"));
    let found = failures(&text("firewall"));
    assert!(found.iter().all(|failure| failure.kind == FailureKind::Bypass), "{found:?}");
}

/// Where the networks beside the own are said, private addresses that are in none of them lead nowhere.
#[test]
fn private_addresses_of_no_network_lead_nowhere_once_networks_are_said() {
    let text = |more: &str| {
        format!("{OPEN}{more}{ONE}[[allow]]\nto = \"10.9.0.0/24\"\nprotocol = \"tcp\"\nports = 443\n")
    };
    made(&text(""));
    made(&text("peers = [\"10.9.0.0/16\"]\n"));
    for more in ["peers = [\"10.8.0.0/16\"]\n", "on-premises = [\"10.8.0.0/16\"]\n"] {
        let error = try_made(&text(more)).map(drop).expect_err(more).to_string();
        assert!(error.contains("works nowhere for subnet a"), "{more}: {error}");
    }
}

/// What is put on a subnet that the policy has not is found, also where nothing is declared.
#[test]
fn an_association_with_a_stranger_is_found() {
    let subnets = "[subnets.lonely]\nprefixes = [\"10.20.1.0/24\"]\n";
    let made =
        made(&format!("{LED}{subnets}{NEED}[output]\nassociations = true\nformats = [\"terraform\"]\n"));
    let inexpressible = gaps(&made);
    let declared = || Declared { inexpressible: &inexpressible, ..Declared::default() };
    assert_eq!(found(&made, &support::named(&made.files), declared()), []);
    let files: Vec<(String, Vec<u8>)> = made
        .files
        .iter()
        .map(|file| {
            let text = String::from_utf8_lossy(&file.bytes).replace("lonely", "stranger");
            (file.name.clone(), text.into_bytes())
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let found = found(&made, &files, declared());
    let told = |(_, text): &(FailureKind, String)| text.contains("stranger, which the policy has not");
    assert!(found.iter().any(told), "{found:?}");
}

/// Prefixes that are declared of a subnet are those of the policy.
#[test]
fn declared_prefixes_are_those_of_the_policy() {
    let made = made(&format!("{LED}{TWO}{NEED}[output]\nformats = [\"arm\"]\n"));
    let inexpressible = gaps(&made);
    let told = |associations: &[Association]| {
        let declared = Declared { inexpressible: &inexpressible, associations, ..Declared::default() };
        found(&made, &support::named(&made.files), declared)
    };
    assert_eq!(told(&made.plan.associations), []);
    let mut other = made.plan.associations.clone();
    other[1].prefixes = other[0].prefixes.clone();
    let found = told(&other);
    assert!(
        found.iter().any(|(_, text)| text.contains("the prefixes of subnet b are not those of the policy")),
        "{found:?}"
    );
}

/// A format that puts only groups on subnets says so, and one that puts only tables.
#[test]
fn a_group_or_a_table_alone_is_put_on_subnets() {
    for format in ["terraform", "azcli"] {
        for target in ["nsg", "route-table"] {
            let made = made(&format!(
                "{LED}{TWO}{NEED}[output]\nassociations = true\nformats = [\"{format}\"]\ntargets = [\"{target}\"]\n"
            ));
            assert_eq!(made.plan.associations.len(), 2, "{format} {target}");
            assert!(made.proof.is_success());
        }
    }
}

/// Two subnets whose tables differ in the default route alone do not share one.
#[test]
fn a_table_with_the_default_route_of_another_subnet_is_found() {
    let made = made(&format!(
        "{LED}{TWO}[output]\nformats = [\"arm\"]\n{NEED}\
         [[route]]\nto = \"0.0.0.0/0\"\nnext-hop = \"internet\"\nsubnet = \"b\"\n"
    ));
    let tables: Vec<_> = made.plan.associations.iter().map(|put| put.route_table.clone()).collect();
    assert!(tables[0].is_some() && tables[1].is_some() && tables[0] != tables[1], "{tables:?}");
    let mut one = made.plan.associations.clone();
    one[1].route_table = tables[0].clone();
    let inexpressible = gaps(&made);
    let declared = Declared { inexpressible: &inexpressible, associations: &one, ..Declared::default() };
    let found = found(&made, &support::named(&made.files), declared);
    let told =
        |(kind, text): &(FailureKind, String)| *kind == FailureKind::Misrouted && text.contains("from b");
    assert!(found.iter().any(told), "{found:?}");
}

/// Rules that people keep beside those of a service are no part of the proof.
#[test]
fn rules_of_people_stay_out_of_the_proof_beside_those_of_a_service() {
    let made = made(&format!(
        "{OPEN}[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\nrole = \"delegated:Microsoft.Sql/managedInstances\"\n\
         [output]\nformats = [\"arm\"]\ntargets = [\"nsg\"]\n[nsg]\nkeep = [\"mine-*\"]\n\
         [[allow]]\nworkload = \"sql-managed-instance\"\n"
    ));
    assert!(!made.policy.managed.is_empty());
    let with = |name: &str| {
        let mut file: serde_json::Value =
            serde_json::from_slice(support::bytes_of(&made, "nsg.arm.json")).unwrap();
        let rules = file["resources"][0]["properties"]["securityRules"].as_array_mut().unwrap();
        rules.push(serde_json::json!({"name": name, "properties": {
            "access": "Allow", "direction": "Inbound", "priority": 2222, "protocol": "Tcp",
            "sourceAddressPrefix": "203.0.113.0/24", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "22"}}));
        let text = serde_json::to_vec(&file).unwrap();
        let report = support::prove_with(&made, &support::sample(Cloud::Public), "nsg.arm.json", &text);
        report.failures.into_iter().map(|failure| failure.text).collect::<Vec<_>>()
    };
    assert_eq!(with("mine-1"), [] as [&str; 0]);
    assert!(with("other-1").iter().any(|text| text.contains("nothing asks for it")), "{:?}", with("other-1"));
}

/// A need by IPv4 address that a firewall can say may not be declared as one that it cannot say.
#[test]
fn a_need_by_address_is_no_gap_of_a_firewall() {
    let text = |prefix: &str, to: &str| {
        format!(
            "[network]\naddress-space = [\"10.20.0.0/16\", \"fd00:20::/48\"]\nfirewall = \"10.20.255.4\"\n\
             [subnets.a]\nprefixes = [{prefix}]\n[output]\ntargets = [\"firewall\"]\nformats = [\"arm\"]\n\
             [[allow]]\nto = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 22\n\
             [[allow]]\nto = \"{to}\"\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    for (prefix, to, gap) in [
        ("\"10.20.1.0/24\"", "198.51.100.0/24", false),
        ("\"10.20.1.0/24\", \"fd00:20:0:1::/64\"", "198.51.100.0/24", false),
        ("\"10.20.1.0/24\", \"fd00:20:0:1::/64\"", "2001:db8::/64", true),
    ] {
        let made = made(&format!("accept-missing = true\n{}", text(prefix, to)));
        let flow = made.policy.flows.iter().find(|flow| flow.ports.to_string() == "443").expect("the need");
        let mut inexpressible = gaps(&made);
        inexpressible.push(Inexpressible { target: Target::Firewall, flow: flow.id.as_str() });
        let associations = &made.plan.associations;
        let declared = Declared { inexpressible: &inexpressible, associations, ..Declared::default() };
        let found = found(&made, &support::named(&made.files), declared);
        let told = |(_, text): &(FailureKind, String)| {
            text.contains("reported as not expressible, but it is") && text.contains(flow.id.as_str())
        };
        assert_eq!(!found.iter().any(told), gap, "{prefix} {to}: {found:?}");
    }
}

/// What is wrong with a list is said of it.
#[test]
fn faults_of_lists_are_told() {
    let made = made(&format!(
        "{LED}{ONE}[output]\nformats = [\"arm\", \"edl\", \"nftables\"]\n\
         [[allow]]\nto = [\"198.51.100.0/24\", \"203.0.113.0/24\"]\nprotocol = \"tcp\"\nports = 443\n"
    ));
    let inexpressible = gaps(&made);
    let associations = &made.plan.associations;
    let told = |change: &dyn Fn(&str, &str) -> String| {
        let files: Vec<(String, Vec<u8>)> = made
            .files
            .iter()
            .map(|file| match std::str::from_utf8(&file.bytes) {
                Ok(text) => (file.name.clone(), change(&file.name, text).into_bytes()),
                Err(_) => (file.name.clone(), file.bytes.clone()),
            })
            .collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        let declared = Declared { inexpressible: &inexpressible, associations, ..Declared::default() };
        found(&made, &files, declared)
    };
    assert_eq!(told(&|_, text| text.to_owned()), []);
    let of = |part: &'static str, from: &'static str, to: &'static str, wanted: &str| {
        let changed = std::cell::Cell::new(false);
        let found = told(&|name, text| {
            let new = if name.contains(part) { text.replace(from, to) } else { text.to_owned() };
            changed.set(changed.get() || new != text);
            new
        });
        assert!(changed.get(), "{part} has no {from}");
        assert!(found.iter().any(|(_, text)| text.contains(wanted)), "{wanted}: {found:?}");
    };
    let entry = "198.51.100.0/24\n";
    of("edl/", entry, "198.51.100.0/24\n198.51.100.0/25\n", "entries overlap");
    of("edl/", entry, "203.0.114.0/24\n", "its entries are not in order");
    of("edl/", entry, "2001:db8::/32\n", "is of the other family");
    of(".nft", "tagwall_e", "tagwall_f", "not in that of e");
}

/// Lists that the policy does not ask for are read all the same: a firewall may fetch them.
#[test]
fn lists_that_nobody_asked_for_are_read_all_the_same() {
    let made = made(&format!("{LED}{ONE}{NEED}[output]\nformats = [\"arm\"]\n"));
    let inexpressible = gaps(&made);
    let associations = &made.plan.associations;
    for (name, bytes) in [("edl/mine.ipv4.txt", "1.2.3.0/24\n"), ("lists/mine.ipv4.txt", "1.2.3.0/24\n")] {
        let mut files = support::named(&made.files);
        let declared = || Declared { inexpressible: &inexpressible, associations, ..Declared::default() };
        assert_eq!(found(&made, &files, declared()), []);
        files.push((name, bytes.as_bytes()));
        let found = found(&made, &files, declared());
        assert!(found.iter().any(|(kind, _)| *kind == FailureKind::Excess), "{name}: {found:?}");
    }
}

/// Lists of a group whose name is too long for a file have one that is cut, on both sides alike.
#[test]
fn lists_with_names_that_are_cut_are_proven() {
    let group = "a".repeat(90);
    let made = made(&format!(
        "groups.{group} = [\"198.51.100.0/24\", \"203.0.113.0/24\"]\n{LED}{ONE}\
         [output]\nformats = [\"arm\", \"lists\"]\n\
         [[allow]]\nto = \"group:{group}\"\nprotocol = \"tcp\"\nports = 443\n"
    ));
    let list = made.files.iter().find(|file| file.name.starts_with("lists/group-aa")).expect("a list");
    assert!(!list.name.contains(&group), "{}", list.name);
    assert!(made.proof.is_success());
}

/// Resources that were read are followed along the way like files.
#[test]
fn what_was_read_is_followed_along_the_way() {
    let made = made(&format!("{LED}{ONE}{NEED}[output]\nformats = [\"arm\"]\n"));
    let files: Vec<(&str, &[u8])> =
        support::named(&made.files).into_iter().filter(|(name, _)| name.ends_with(".arm.json")).collect();
    let resources = read::read_files(FormatName::Arm, &files).expect("it is read");
    let (snapshot, inexpressible) = (support::sample(Cloud::Public), gaps(&made));
    let asked = verify::Asked {
        policy: &made.policy,
        snapshot: &snapshot,
        declared: Declared {
            inexpressible: &inexpressible,
            associations: &made.plan.associations,
            ..Declared::default()
        },
        targets: &[Target::Nsg, Target::RouteTable, Target::Firewall],
    };
    let report = verify::check(&asked, &resources, "arm");
    assert_eq!(report.failures, []);
    assert_eq!(report.works, made.proof.works);
    // A group that is not there is missed before anything is followed.
    let none = verify::check(&asked, &Resources::default(), "arm");
    assert!(!none.failures.is_empty() && none.works.is_empty(), "{none:?}");
}

/// With an earlier generation in Terraform, DNAT collections in it are lost, and that is told; no others are.
#[test]
fn dnat_collections_outside_of_templates_are_told_as_lost() {
    let made = made(&format!(
        "{LED}{ONE}{NEED}[output]\nformats = [\"terraform\"]\nterraform-style = \"resources\"\n"
    ));
    let nat = r#"  nat_rule_collection {
    name     = "by-hand"
    priority = 101
    action   = "Dnat"
    rule {
      name                = "inbound-web"
      protocols           = ["TCP"]
      source_addresses    = ["*"]
      destination_address = "203.0.113.4"
      destination_ports   = ["443"]
      translated_address  = "10.20.1.4"
      translated_port     = 8443
    }
  }
  network_rule_collection {"#;
    let lost = |name: &str, with: bool| {
        let files: Vec<(String, Vec<u8>)> = made
            .files
            .iter()
            .map(|file| {
                let text = String::from_utf8_lossy(&file.bytes);
                let new =
                    if with { text.replacen("  network_rule_collection {", nat, 1) } else { text.into() };
                (file.name.clone(), new.into_bytes())
            })
            .collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        verify::earlier(name, &files)
    };
    let (none, some) = (lost("e", false), lost("e", true));
    assert!(none.nat_lost.is_empty() && none.notes.is_empty(), "{none:?}");
    assert_eq!(some.nat_lost.len(), 1, "{some:?}");
    assert_eq!(some.notes, some.nat_lost);
    assert!(some.notes[0].contains("by-hand") && some.notes[0].contains("only templates carry"), "{some:?}");
}
