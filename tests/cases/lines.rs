//! Lines of tables and their defaults, one by one: which routes there are, what is told of them, and what they cover.

use crate::support;
use tagwall::addr::IpPrefix;
use tagwall::pipeline::Generation;
use tagwall::target::Target;

const HEAD: &str = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
                    firewall = \"10.20.255.4\"\n";
const NEED: &str = "[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n";

fn made(text: &str) -> Generation {
    support::generate_on_sample("e.toml", text)
}

fn subnet(name: &str, prefix: &str) -> String {
    format!("[subnets.{name}]\nprefixes = [\"{prefix}\"]\n")
}

/// Destination and next hop of each route of the table that a subnet has.
fn routes(made: &Generation, subnet: &str) -> Vec<String> {
    let put = made.plan.associations.iter().find(|put| put.subnet == subnet).expect("every subnet is there");
    let table = made.plan.route_tables.iter().find(|table| Some(&table.name) == put.route_table.as_ref());
    table
        .expect("it has one")
        .routes
        .iter()
        .map(|route| format!("{} -> {}", route.to, route.next_hop))
        .collect()
}

/// A line inside the network keeps the subnet's own addresses local, unless it does so itself or the network is a part of it.
#[test]
fn only_lines_inside_the_network_need_a_way_home() {
    let with = |to: &str, hop: &str| {
        let line = format!("[[route]]\nto = \"{to}\"\nnext-hop = \"{hop}\"\n");
        let made = made(&format!("{HEAD}{}{NEED}{line}", subnet("a", "10.20.1.0/24")));
        routes(&made, "a").into_iter().filter(|route| !route.starts_with("0.0.0.0/0")).collect::<Vec<_>>()
    };
    assert_eq!(
        with("10.20.0.0/17", "firewall"),
        ["10.20.0.0/17 -> VirtualAppliance 10.20.255.4", "10.20.1.0/24 -> VnetLocal"]
    );
    assert_eq!(with("10.20.0.0/17", "vnet"), ["10.20.0.0/17 -> VnetLocal"]);
    assert_eq!(with("10.0.0.0/8", "firewall"), ["10.0.0.0/8 -> VirtualAppliance 10.20.255.4"]);
    // Of symmetry is spoken only inside the network.
    let told = |to: &str| {
        let line = format!("[[route]]\nto = \"{to}\"\nnext-hop = \"firewall\"\n");
        let made = made(&format!("{HEAD}{}{NEED}{line}", subnet("a", "10.20.1.0/24")));
        made.plan.notes.iter().any(|note| note.contains("through an appliance inside the network"))
    };
    assert_eq!((told("10.20.2.0/24"), told("203.0.113.0/24")), (true, false));
}

/// Azure's own routes that drop private ranges are narrower than a line that holds a whole one, and so are the routes by
/// which a policy sends private ranges to its firewall: the line takes them by a route of their own.
#[test]
fn a_line_around_a_private_range_leads_that_too() {
    let with = |space: &str, private: bool, lines: &[(&str, &str)]| {
        let lines: String = lines
            .iter()
            .map(|(to, hop)| format!("[[route]]\nto = \"{to}\"\nnext-hop = \"{hop}\"\n"))
            .collect();
        let private = if private { "[route-table]\nprivate = \"firewall\"\n" } else { "" };
        let text = format!("{HEAD}{}{NEED}{lines}{private}", subnet("a", "10.20.1.0/24"));
        let made = made(&text.replace("10.20.0.0/16", space));
        let hop = |route: String| route.replace("VirtualAppliance 10.20.255.4", "firewall");
        let own = routes(&made, "a").into_iter().map(hop).filter(|route| route != "0.0.0.0/0 -> firewall");
        own.collect::<Vec<_>>()
    };
    let net = "10.20.0.0/16";
    let alone = |to, hop| with(net, false, &[(to, hop)]);
    assert_eq!(alone("192.0.0.0/3", "internet"), ["192.0.0.0/3 -> Internet", "192.168.0.0/16 -> Internet"]);
    assert_eq!(alone("172.0.0.0/8", "firewall"), ["172.0.0.0/8 -> firewall", "172.16.0.0/12 -> firewall"]);
    assert_eq!(alone("10.0.0.0/7", "internet"), ["10.0.0.0/7 -> Internet", "10.0.0.0/8 -> Internet"]);
    // What is to be dropped is dropped by the system; what is the network's own stays its own.
    assert_eq!(alone("172.0.0.0/8", "none"), ["172.0.0.0/8 -> None"]);
    assert_eq!(with("10.0.0.0/8", false, &[("10.0.0.0/7", "internet")]), ["10.0.0.0/7 -> Internet"]);
    // A line inside has the range, all of it or a part.
    assert_eq!(
        with(net, false, &[("172.0.0.0/8", "firewall"), ("172.0.0.0/11", "none")]),
        ["172.0.0.0/8 -> firewall", "172.0.0.0/11 -> None"]
    );
    assert_eq!(
        with(net, false, &[("172.0.0.0/8", "firewall"), ("172.16.5.0/24", "internet")]),
        ["172.0.0.0/8 -> firewall", "172.16.0.0/12 -> firewall", "172.16.5.0/24 -> Internet"]
    );
    let others = ["10.0.0.0/8 -> firewall", "100.64.0.0/10 -> firewall", "192.168.0.0/16 -> firewall"];
    for (to, hop, own) in [
        ("172.0.0.0/8", "none", ["172.0.0.0/8 -> None", "172.16.0.0/12 -> None"].as_slice()),
        ("172.16.0.0/12", "internet", &["172.16.0.0/12 -> Internet"]),
        ("172.16.0.0/12", "firewall", &["172.16.0.0/12 -> firewall"]),
    ] {
        let mut found = with(net, true, &[(to, hop)]);
        let mut wanted: Vec<&str> = own.iter().copied().chain(others).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }
}

/// Defaults of their own set tables apart, also where all else is the same.
#[test]
fn subnets_with_other_defaults_have_other_tables() {
    let subnets = [subnet("a", "10.20.1.0/24"), subnet("b", "10.20.2.0/24")].concat();
    let line = "[[route]]\nsubnet = \"a\"\nto = \"0.0.0.0/0\"\nnext-hop = \"internet\"\n";
    let made = made(&format!("{HEAD}{subnets}{NEED}{line}"));
    let of = |subnet: &str| routes(&made, subnet);
    assert_eq!(of("a"), ["0.0.0.0/0 -> Internet"]);
    assert_eq!(of("b"), ["0.0.0.0/0 -> VirtualAppliance 10.20.255.4"]);
}

/// A family without an appliance is told of where the policy leads it to one, and nowhere else.
#[test]
fn a_default_that_no_appliance_takes_is_told_of_where_it_is_wanted() {
    let both = "[subnets.a]\nprefixes = [\"10.20.1.0/24\", \"2001:db8:1::/64\"]\n";
    let line = "[[route]]\nto = \"203.0.113.0/24\"\nnext-hop = \"internet\"\n";
    let missing = |network: &str, subnets: &str| {
        let head = HEAD.replace(
            "address-space = [\"10.20.0.0/16\"]",
            "address-space = [\"10.20.0.0/16\", \"2001:db8::/32\"]",
        );
        assert_ne!(head, HEAD);
        let head = head.replace("firewall = \"10.20.255.4\"\n", network);
        let made = made(&format!("{head}{subnets}{NEED}{line}"));
        let gaps = made.plan.gaps.iter().filter(|gap| gap.flow.starts_with("default"));
        gaps.map(|gap| gap.remote.clone()).collect::<Vec<_>>()
    };
    assert_eq!(missing("firewall = \"10.20.255.4\"\n", both), ["::/0"]);
    assert_eq!(missing("firewall = \"10.20.255.4\"\n", &subnet("a", "10.20.1.0/24")), Vec::<String>::new());
    assert_eq!(missing("", both), Vec::<String>::new(), "nobody wants a firewall");
    let other = format!("{both}[route-table]\ndefault = \"internet\"\n");
    assert_eq!(missing("firewall = \"10.20.255.4\"\n", &other), Vec::<String>::new(), "it leads elsewhere");
}

/// How many routes a need has are those to its own hop that meet its addresses.
#[test]
fn routes_are_counted_by_the_need_that_they_are_for() {
    let line = |to: &str, hop: &str| format!("[[route]]\nto = [{to}]\nnext-hop = \"{hop}\"\n");
    let lines = [
        line("\"203.0.113.0/24\", \"198.51.100.0/24\", \"192.0.2.0/25\"", "internet"),
        line("\"192.0.2.128/26\"", "none"),
    ];
    let made = made(&format!("{HEAD}{}{NEED}{}", subnet("a", "10.20.1.0/24"), lines.concat()));
    let counts = |made: &Generation| {
        let choices = made.plan.choices.iter().filter(|choice| choice.target == Target::RouteTable);
        choices.map(|choice| format!("{:?}", choice.how)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&made), ["Prefixes(1)"; 4], "each prefix is a need of its own");
    let by_tag =
        [line("\"Sql.westeurope\"", "internet"), line("\"AzureKeyVault.westeurope\"", "none")].concat();
    let made_of = |more: &str| {
        let settings = "[route-table]\ntags = \"expand\"\n";
        self::made(&format!("{HEAD}{}{NEED}{by_tag}{more}{settings}", subnet("a", "10.20.1.0/24")))
    };
    let made = made_of("");
    let routes = routes(&made, "a");
    let to = |hop: &str| routes.iter().filter(|route| route.ends_with(hop) && !route.contains(':')).count();
    let mut wanted = [to("Internet"), to("None")].map(|count| format!("Prefixes({count})"));
    let mut told = counts(&made);
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted, "{routes:?}");
    // Of two needs with one hop each counts its own.
    let more = made_of(&line("\"EventHub.westeurope\"", "internet"));
    let both = counts(&more);
    assert!(
        both.len() == 3 && both.iter().filter(|count| told.contains(count)).count() >= 2,
        "{both:?} {told:?}"
    );
}

/// What covers a need from inside, and what helps where nothing does.
#[test]
fn needs_from_inside_are_covered_by_the_way_of_their_replies() {
    let told = |network: &str, more: &str| {
        let inbound =
            "[[allow]]\ndirection = \"inbound\"\nfrom = \"10.99.0.0/16\"\nprotocol = \"tcp\"\nports = 22\n";
        let head = HEAD.replace("schema = 1", "schema = 1\naccept-missing = true");
        let made = made(&format!("{head}{network}{}{more}{NEED}{inbound}", subnet("a", "10.20.1.0/24")));
        let gap =
            made.plan.gaps.iter().find(|gap| gap.remote.contains("10.99")).expect("a firewall is not asked");
        (gap.remedy.clone(), format!("{:?}", gap.covered_by))
    };
    let line = "[[route]]\nto = \"10.99.0.0/16\"\nnext-hop = \"internet\"\n";
    let (_, by) = told("", line);
    assert!(!by.contains("the appliance to which replies go"), "{by}");
    let (_, by) = told("", &line.replace("internet", "firewall"));
    assert!(by.contains("the appliance to which replies go"), "{by}");
    // One kind of neighbour that is named is enough to know that this one is not there.
    for other in ["peers = [\"10.0.0.0/22\"]\n", "on-premises = [\"172.20.0.0/16\"]\n"] {
        let (remedy, by) = told(other, "");
        assert!(remedy.contains("network.peers or network.on-premises") && by == "[]", "{remedy} {by}");
    }
    let kept_off = "[route-table]\ndisable-bgp = true\n";
    let (remedy, by) = told("on-premises = [\"10.99.0.0/16\"]\n", kept_off);
    assert!(remedy.contains("route-table.disable-bgp") && by == "[]", "{remedy} {by}");
}

/// A route by a tag leads the replies back to addresses that the tag holds.
#[test]
fn a_route_by_a_tag_covers_what_the_tag_holds() {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let held = snapshot
        .tag("Storage.WestEurope")
        .unwrap()
        .set()
        .prefixes()
        .find(|prefix: &IpPrefix| prefix.is_v4())
        .unwrap();
    let inbound =
        format!("[[allow]]\ndirection = \"inbound\"\nfrom = \"{held}\"\nprotocol = \"tcp\"\nports = 22\n");
    let line = "[[route]]\nto = \"Storage.westeurope\"\nnext-hop = \"internet\"\n";
    let made =
        made(&format!("{HEAD}{}outbound = \"public-ip\"\n{inbound}{line}", subnet("a", "10.20.1.0/24")));
    let gap =
        made.plan.gaps.iter().find(|gap| gap.remote == held.to_string()).expect("a firewall is not asked");
    assert!(format!("{:?}", gap.covered_by).contains("Route("), "{:?}", gap.covered_by);
}
