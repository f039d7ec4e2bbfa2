//! What single needs become on each target: rules in the right kind and place, their names and priorities, and gaps that
//! are told once, with a way out that is one.

use crate::support;
use serde_json::Value;
use tagwall::catalog::Catalog;
use tagwall::packet::Direction;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Action, CoveredBy, Destination, FirewallRules, Gap, NsgRule, Previous};
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::Target;
use tagwall::verify;

const FIREWALL: &str = "network.firewall = \"10.20.255.4\"\n";

fn text(settings: &str, needs: &str) -> String {
    format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\naccept-missing = true\n\
         network.address-space = [\"10.20.0.0/16\"]\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\n{settings}\n{needs}\n"
    )
}

fn made_with(text: &str, previous: Option<&Previous>) -> Generation {
    let source = support::policy("e.toml", text);
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), previous)
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn made(settings: &str, needs: &str) -> Generation {
    made_with(&text(settings, needs), None)
}

fn need(to: &str, protocol: &str, ports: &str) -> String {
    format!("[[allow]]\nto = {to}\nprotocol = \"{protocol}\"\nports = \"{ports}\"\n")
}

fn gaps(made: &Generation, target: Target) -> Vec<&Gap> {
    made.plan.gaps.iter().filter(|gap| gap.target == target).collect()
}

/// The one gap of a target, which is of the whole need.
fn whole_gap(made: &Generation, target: Target) -> &Gap {
    let found = gaps(made, target);
    let [gap] = found.as_slice() else { panic!("{found:?}") };
    assert!(!gap.partial, "{gap:?}");
    gap
}

/// A host is denied by a network rule where it can be: application rules come after what network rules let through.
#[test]
fn a_denied_host_is_denied_before_addresses_are_allowed() {
    let kinds = |settings: &str, host: &str| -> Vec<&'static str> {
        let deny = format!(
            "[[deny]]\nto = \"fqdn:{host}\"\nprotocol = \"tcp\"\nports = 443\n{}",
            need("\"203.0.113.0/24\"", "tcp", "443")
        );
        let made = made(&format!("{FIREWALL}{settings}"), &deny);
        let denies = made.plan.rule_collections().filter(|collection| collection.action == Action::Deny);
        let kind = |rules: &FirewallRules| match rules {
            FirewallRules::Network(rules) => {
                assert_eq!(rules[0].destination, Destination::Fqdns(vec![host.to_owned()]));
                "network"
            }
            FirewallRules::Application(_) => "application",
        };
        denies.map(|collection| kind(&collection.rules)).collect()
    };
    assert_eq!(kinds("firewall.sku = \"standard\"", "bad.example.org"), ["network"]);
    assert_eq!(kinds("firewall.sku = \"premium\"", "bad.example.org"), ["network"]);
    assert_eq!(kinds("firewall.sku = \"basic\"", "bad.example.org"), ["application"]);
    assert_eq!(kinds("firewall.dns-proxy = false", "bad.example.org"), ["application"]);
    assert_eq!(kinds("", "*.example.org"), ["application"]);
}

#[test]
fn what_a_firewall_cannot_say_makes_no_rule_and_is_told_once() {
    let tag = "allow the service tag that covers it, or its addresses";
    for (settings, need, reason, remedy) in [
        ("", need("\"fqdn:*.example.org\"", "udp", "443"), "takes no wildcard", tag),
        ("", need("\"fqdn:*.example.org\"", "tcp", "5432"), "takes no wildcard", tag),
        ("", need("\"203.0.113.0/24\"", "tcp", "0"), "take ports from 1 on", "listens on port 0"),
        (
            "firewall.sku = \"premium\"",
            need("\"url:www.example.org/a/*\"", "tcp", "443"),
            "a path needs the premium tier with TLS inspection",
            "allow the whole host with fqdn:www.example.org",
        ),
    ] {
        let made = made(&format!("{FIREWALL}{settings}"), &need);
        assert_eq!(made.plan.rule_collections().count(), 0, "{need}");
        let gap = whole_gap(&made, Target::Firewall);
        assert!(gap.reason.contains(reason) && gap.remedy.contains(remedy), "{gap:?}");
    }
    // What the platform does by itself passes no firewall, so that a deny of it is none of a firewall's.
    let deny = format!("[[deny]]\nto = \"AzurePlatformDNS\"\n{}", need("\"203.0.113.0/24\"", "tcp", "443"));
    assert_eq!(gaps(&made(FIREWALL, &deny), Target::Firewall), Vec::<&Gap>::new());
}

#[test]
fn every_address_is_one_destination_of_a_firewall() {
    let made = made(FIREWALL, &need("\"any\"", "udp", "123"));
    let pairs = made.plan.usage.iter().find(|usage| usage.key.name() == "firewall-unique-pairs");
    assert_eq!(pairs.expect("pairs are counted").have, 1);
}

/// One network rule takes 5000 prefixes, so that a longer list is in several.
#[test]
fn a_list_past_what_one_rule_takes_is_in_several_rules() {
    let rules = |count: usize| -> Vec<usize> {
        let list: Vec<String> =
            (0..count).map(|n| format!("\"20.33.{}.{}\"", n / 128, 2 * (n % 128))).collect();
        let settings = format!(
            "{FIREWALL}output.targets = [\"firewall\"]\nfirewall.ip-groups = \"never\"\ngroups.list = [{}]",
            list.join(", ")
        );
        let made = made(&settings, &need("\"group:list\"", "tcp", "443"));
        let mut lengths = Vec::new();
        for collection in made.plan.rule_collections() {
            let FirewallRules::Network(rules) = &collection.rules else { panic!("no network rules") };
            lengths.extend(rules.iter().map(|rule| match &rule.destination {
                Destination::Prefixes(list) => list.len(),
                other => panic!("{other:?}"),
            }));
        }
        lengths
    };
    assert_eq!(rules(5000), [5000]);
    let several = rules(5001);
    assert!(several.len() > 1 && several.iter().all(|&length| length <= 5000), "{several:?}");
    assert_eq!(several.iter().sum::<usize>(), 5001);
}

#[test]
fn why_a_tag_is_listed_is_told_as_it_is() {
    let bytes = sample::sample_json(Cloud::Public).unwrap();
    let mut old: Value = serde_json::from_slice(&bytes).unwrap();
    for tag in old["values"].as_array_mut().unwrap() {
        tag["properties"].as_object_mut().unwrap().remove("networkFeatures");
    }
    let old = Snapshot::parse(old.to_string().as_bytes()).unwrap();
    let made = support::generate("e.toml", &text("", &need("\"Sql\"", "tcp", "1433")), &old);
    let choice = made.plan.choices.iter().find(|choice| choice.target == Target::Nsg).unwrap();
    assert_eq!(choice.why, "the file does not say which targets take the tag");
}

#[test]
fn what_a_security_group_cannot_say_is_told_with_a_way_out() {
    let made4 = made("", &need("\"2a00::1\"", "tcp", "443"));
    let gap = whole_gap(&made4, Target::Nsg);
    assert!(gap.reason.contains("no address of a family that the subnet has"), "{gap:?}");
    let host = need("\"fqdn:db.example.org\"", "tcp", "5432");
    let (without, with) = (made("", &host), made(FIREWALL, &host));
    assert_eq!(whole_gap(&without, Target::Nsg).remedy, "allow its service tag or its addresses");
    assert!(whole_gap(&with, Target::Nsg).remedy.contains("set nsg.hosts = \"internet\""));
}

fn outbound(made: &Generation) -> impl Iterator<Item = &NsgRule> {
    made.plan.nsg_rules().filter(|rule| rule.direction == Direction::Outbound && !rule.flows.is_empty())
}

#[test]
fn rules_that_say_the_same_are_one_under_one_name() {
    // The name does not hang on the order of the needs.
    let groups = "groups.zz = [\"203.0.113.0/24\", \"198.51.100.0/24\"]\ngroups.aa = [\"203.0.113.0/24\", \"198.51.100.0/24\"]";
    let (zz, aa) = (need("\"group:zz\"", "tcp", "443"), need("\"group:aa\"", "tcp", "8443"));
    for needs in [format!("{zz}{aa}"), format!("{aa}{zz}")] {
        let made = made(groups, &needs);
        let names: Vec<&str> = outbound(&made).map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["a-out-group-aa-tcp-443_8443"]);
    }
    // Nor on that of flows, which are in order of workloads.
    for workload in ["aa", "zz"] {
        let row = format!(
            "name = \"{workload}\"\ntitle = \"Lab\"\nsummary = \"a lab\"\nsources.ticket = \"ticket 4711\"\n[[row]]\n\
             id = \"{workload}-1\"\ndirection = \"outbound\"\naddresses = [\"203.0.113.0/24\"]\n\
             flows = \"tcp 8443\"\npurpose = \"x\"\nsource = \"ticket\"\n"
        );
        let catalog = Catalog::builtin().extended(&[(format!("{workload}.toml"), row)]).unwrap();
        let needs = format!("{}[[allow]]\nworkload = \"{workload}\"\n", need("\"group:one\"", "tcp", "443"));
        let source = support::policy("e.toml", &text("groups.one = [\"203.0.113.0/24\"]", &needs));
        let made = pipeline::generate(&source, &catalog, &support::sample(Cloud::Public), None).unwrap();
        let names: Vec<&str> = outbound(&made).map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["a-out-203.0.113.0-24-tcp-443_8443"]);
    }
    // One rule for several subnets is for lists, whose entries it saves; a single prefix stays with its subnet.
    let two =
        "subnets.b.prefixes = [\"10.20.3.0/24\"]\ngroups.list = [\"203.0.113.0/24\", \"198.51.100.0/24\"]";
    let names = |to: &str| -> Vec<String> {
        outbound(&made(two, &need(to, "tcp", "443"))).map(|rule| rule.name.clone()).collect()
    };
    assert_eq!(names("\"203.0.113.0/24\""), ["a-out-203.0.113.0-24-tcp-443", "b-out-203.0.113.0-24-tcp-443"]);
    assert_eq!(names("\"group:list\""), ["shared-out-group-list-tcp-443"]);
}

/// The generation as if someone had put a rule into its group by hand.
fn with_rule_by_hand(made: &Generation, direction: &str, priority: u32) -> Previous {
    let rule = format!(
        r#""securityRules": [{{ "name": "by-hand", "properties": {{ "description": "", "priority": {priority},
        "direction": "{direction}", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "10.20.1.4",
        "sourcePortRange": "*", "destinationAddressPrefix": "203.0.113.7", "destinationPortRange": "22" }} }},"#
    );
    let changed = support::text_of(made, "nsg.arm.json").replacen("\"securityRules\": [", &rule, 1);
    let mut files = support::named(&made.files);
    for file in files.iter_mut().filter(|file| file.0 == "nsg.arm.json") {
        file.1 = changed.as_bytes();
    }
    verify::earlier("e", &files)
}

#[test]
fn a_rule_that_is_kept_has_its_priority_for_itself_in_its_direction() {
    let text = text("nsg.keep = [\"by-hand\"]", &need("\"Sql\"", "tcp", "1433"));
    let first = made_with(&text, None);
    let own = outbound(&first).next().expect("a rule").priority;
    let now = |direction: &str| {
        let made = made_with(&text, Some(&with_rule_by_hand(&first, direction, own)));
        let kept = made.plan.nsg_rules().find(|rule| rule.name == "by-hand").expect("it is kept").priority;
        assert_eq!(kept, own);
        outbound(&made).next().expect("a rule").priority
    };
    assert_ne!(now("Outbound"), own);
    assert_eq!(now("Inbound"), own, "the other direction has priorities of its own");
}

#[test]
fn rules_at_the_end_of_a_group_pass_over_reserved_priorities_downwards() {
    let closing = |reserved: &str| -> [u32; 3] {
        let made = made(&format!("nsg.reserved = [{reserved}]"), &need("\"Sql\"", "tcp", "1433"));
        let of = |name: &str| {
            made.plan.nsg_rules().find(|rule| rule.name == name).unwrap_or_else(|| panic!("{name}")).priority
        };
        [of("vnet-in"), of("load-balancer-in"), of("deny-rest-in")]
    };
    assert_eq!(closing(""), [4000, 4050, 4096]);
    // Two in a row for the two families of the network, right before the probes.
    assert_eq!(closing("\"4002-4096\""), [3998, 4000, 4001]);
    assert_eq!(closing("\"4002\""), [4000, 4050, 4096]);
    assert_eq!(closing("\"4001\""), [3999, 4050, 4096]);
    // Where nothing is denied, no priorities are needed for it.
    assert_eq!(closing("\"110-199\""), [4000, 4050, 4096]);
}

#[test]
fn rules_that_a_service_keeps_are_never_told_of_as_those_of_others() {
    let text = text(
        &format!("{FIREWALL}subnets.b.prefixes = [\"10.20.3.0/24\"]"),
        "[[allow]]\nworkload = \"databricks\"\nsubnet = [\"a\", \"b\"]\n",
    );
    let first = made_with(&text, None);
    let again = made_with(&text, Some(&verify::earlier("e", &support::named(&first.files))));
    assert!(first.plan.nsg_rules().any(|rule| rule.name.contains("UseOnly")));
    let others: Vec<&String> =
        again.plan.notes.iter().filter(|note| note.contains("tagwall did not make it")).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Behind a default route the tag VirtualNetwork is every address: told where rules of a service have it on both sides.
#[test]
fn rules_of_a_service_that_let_everything_through_are_told_of() {
    let notes = |from: &str, settings: &str| -> usize {
        let keeper = format!(
            "name = \"keeper\"\ntitle = \"Keeper\"\nsummary = \"a service\"\nsources.ticket = \"ticket 4711\"\n\
             [[row]]\nid = \"k-1\"\ndirection = \"outbound\"\naddresses = [\"203.0.113.0/24\"]\nflows = \"tcp 443\"\npurpose = \"x\"\nsource = \"ticket\"\n\
             [[managed]]\nid = \"k-n1\"\nname = \"Keeper_UseOnly_in\"\npriority = 100\ndirection = \"inbound\"\n\
             from = \"{from}\"\nto = \"VirtualNetwork\"\nflows = \"any *\"\npurpose = \"x\"\nsource = \"ticket\"\n"
        );
        let catalog = Catalog::builtin().extended(&[("keeper.toml".to_owned(), keeper)]).unwrap();
        let source = support::policy("e.toml", &text(settings, "[[allow]]\nworkload = \"keeper\"\n"));
        let made = pipeline::generate(&source, &catalog, &support::sample(Cloud::Public), None)
            .unwrap_or_else(|e| panic!("{e}"));
        assert!(made.plan.nsg_rules().any(|rule| rule.name == "Keeper_UseOnly_in"));
        made.plan.notes.iter().filter(|note| note.contains("the rules that keeper keeps in e-")).count()
    };
    assert_eq!(notes("VirtualNetwork", FIREWALL), 1);
    assert_eq!(notes("VirtualNetwork", ""), 0);
    assert_eq!(notes("AzureLoadBalancer", FIREWALL), 0);
}

/// By what the replies to an inbound need go: the routes of the network and its neighbours unless the table keeps them off,
/// an appliance that a route or the default leads to, a route of their own, or nothing.
#[test]
fn by_what_replies_go_is_told_as_the_routes_have_it() {
    let told = |settings: &str, from: &str| -> &'static str {
        let inbound = format!(
            "[[allow]]\ndirection = \"inbound\"\nfrom = \"{from}\"\nprotocol = \"tcp\"\nports = 22\n"
        );
        let made = made(&format!("{FIREWALL}{settings}"), &inbound);
        let gap = whole_gap(&made, Target::Firewall);
        match gap.covered_by.as_slice() {
            [CoveredBy::Route(_)] => "route",
            [CoveredBy::Anyway(text)] if text.starts_with("the routes of the network") => "network",
            [CoveredBy::Anyway(text)] if text.starts_with("the appliance") => "appliance",
            [CoveredBy::Anyway(text)] if text.starts_with("the direct way") => "direct",
            [] if gap.remedy.contains("leave out what keeps the routes") => "kept off",
            [] if gap.remedy.contains("name the network that it is in") => "dropped",
            [] if gap.remedy.contains("add a route for its addresses") => "nothing",
            other => panic!("{other:?} {gap:?}"),
        }
    };
    let peers = "network.peers = [\"10.8.0.0/16\"]\n";
    let behind = "network.on-premises = [\"10.8.0.0/16\"]\n";
    let both = format!("{peers}network.on-premises = [\"10.7.0.0/16\"]\n");
    let no_peering = "route-table.disable-peering-route = true\n";
    let no_bgp = "route-table.disable-bgp = true\n";
    let to_internet = "route-table.default = \"internet\"\n";
    let to = |prefix: &str, hop: &str| format!("[[route]]\nto = \"{prefix}\"\nnext-hop = \"{hop}\"\n");
    let (near, local, sender) = ("10.8.1.0/24", "169.254.8.0/24", "203.0.113.0/24");
    for (settings, from, wanted) in [
        (String::new(), "10.20.9.0/24", "network"),
        (String::new(), near, "network"),
        (String::new(), local, "network"),
        (peers.to_owned(), near, "network"),
        (peers.to_owned(), "10.9.1.0/24", "dropped"),
        (peers.to_owned(), local, "appliance"),
        (behind.to_owned(), near, "network"),
        (behind.to_owned(), local, "appliance"),
        (both.clone(), local, "appliance"),
        (format!("{peers}{no_peering}"), near, "kept off"),
        (format!("{peers}{no_bgp}"), near, "network"),
        (format!("{behind}{no_bgp}"), near, "kept off"),
        (format!("{peers}{to_internet}"), local, "network"),
        (format!("{peers}route-table.private = \"firewall\"\n"), "10.9.1.0/24", "appliance"),
        (format!("{peers}{}", to("10.9.0.0/16", "firewall")), "10.9.1.0/24", "appliance"),
        (to("10.9.0.0/16", "firewall"), "10.9.1.0/24", "appliance"),
        (String::new(), sender, "nothing"),
        (to(sender, "internet"), sender, "route"),
        (to(sender, "none"), sender, "nothing"),
        (to("203.0.113.0/25", "internet"), sender, "nothing"),
        (to("Storage.westeurope", "internet"), "Storage.westeurope", "route"),
        (to("Storage.northeurope", "internet"), "Storage.westeurope", "nothing"),
    ] {
        assert_eq!(told(&settings, from), wanted, "{from} with {settings}");
    }
}

/// Denies alone are written too, and no collection is empty, whatever holds the rules.
#[test]
fn collections_hold_rules_and_denies_alone_have_theirs() {
    for holder in ["", "firewall.rules = \"classic\"\n"] {
        let rules = |needs: &str| -> Vec<(Action, usize)> {
            let made = made(&format!("{FIREWALL}{holder}"), needs);
            let len = |rules: &FirewallRules| match rules {
                FirewallRules::Network(rules) => rules.len(),
                FirewallRules::Application(rules) => rules.len(),
            };
            made.plan.rule_collections().map(|c| (c.action, len(&c.rules))).collect()
        };
        let deny = "[[deny]]\nto = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 443\n";
        assert_eq!(rules(deny), [(Action::Deny, 1)], "{holder}");
        let host = need("\"fqdn:example.org\"", "tcp", "443");
        assert_eq!(rules(&host), [(Action::Allow, 1)], "{holder}");
        assert_eq!(rules(&need("\"203.0.113.0/24\"", "tcp", "443")), [(Action::Allow, 1)], "{holder}");
    }
}
