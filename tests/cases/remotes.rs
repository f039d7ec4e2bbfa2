//! Remote sides whose form hangs on what surrounds them: `Internet` beside a default route, host names by UDP.

use crate::support;
use serde_json::{Value, json};
use tagwall::pipeline::Generation;
use tagwall::tags::Cloud;
use tagwall::target::Target;
use tagwall::verify::Report;

/// An environment with one need; `settings` decide where its default route leads.
fn made(settings: &str, need: &str) -> Generation {
    let text = format!(
        "schema = 1\nname = \"remotes\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
         subnets.a.prefixes = [\"10.20.1.0/24\"]\n{settings}\n[[allow]]\n{need}\n"
    );
    support::generate("remotes.toml", &text, &support::sample(Cloud::Public))
}

/// The rules of the first resource of `file` for the need, as their template says them.
fn rules(made: &Generation, file: &str, is_rule: impl Fn(&Value) -> bool) -> Vec<Value> {
    fn walk(value: &Value, is_rule: &impl Fn(&Value) -> bool, out: &mut Vec<Value>) {
        match value {
            value if is_rule(value) => out.push(value.clone()),
            Value::Object(map) => map.values().for_each(|v| walk(v, is_rule, out)),
            Value::Array(list) => list.iter().for_each(|v| walk(v, is_rule, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(&serde_json::from_str(support::text_of(made, file)).unwrap(), &is_rule, &mut out);
    out
}

/// The proof with the text of `file` changed; the change must be one.
fn with(made: &Generation, file: &str, from: &str, to: &str) -> Report {
    let text = support::text_of(made, file);
    let changed = text.replace(from, to);
    assert_ne!(text, changed, "{file} has no {from}");
    support::prove_with(made, &support::sample(Cloud::Public), file, changed.as_bytes())
}

fn holds(made: &Generation) {
    let report = support::prove(made, &support::sample(Cloud::Public), &support::named(&made.files));
    assert!(report.is_success(), "{report:?}");
}

/// The destination of the outbound rule for the one need of the group.
fn nsg_destination(made: &Generation) -> Value {
    let found = rules(made, "nsg.arm.json", |v| {
        let name = v["name"].as_str().unwrap_or_default();
        v["properties"]["direction"] == "Outbound" && name != "deny-rest-out" && !name.starts_with("vnet-")
    });
    assert_eq!(found.len(), 1, "{found:#?}");
    let properties = &found[0]["properties"];
    let one = &properties["destinationAddressPrefix"];
    if one.is_null() { properties["destinationAddressPrefixes"].clone() } else { one.clone() }
}

const INTERNET: &str = "to = \"Internet\"\nprotocol = \"tcp\"\nports = 443";

#[test]
fn internet_is_a_tag_only_where_no_default_route_takes_addresses_from_it() {
    for settings in ["", "route-table.default = \"internet\""] {
        let made = made(settings, INTERNET);
        assert_eq!(nsg_destination(&made), json!("Internet"), "{settings}");
        holds(&made);
    }
    let nowhere = "accept-missing = true\nroute-table.default = \"none\"";
    for settings in ["network.firewall = \"10.20.255.4\"", nowhere] {
        let made = made(settings, INTERNET);
        let said = nsg_destination(&made);
        let list: Vec<&str> = said.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        // Public addresses, with those of the sample among them; none of the network, none of private ranges.
        let set = support::set(&list);
        for (address, inside) in [
            ("203.0.112.1/32", true),
            ("10.20.1.4/32", false),
            ("192.168.0.1/32", false),
            ("10.0.0.1/32", false),
        ] {
            let one = support::set(&[address]);
            assert_eq!(!set.intersection(&one).is_empty(), inside, "{settings}: {address}");
        }
        let choice = made.plan.choices.iter().find(|c| c.target == Target::Nsg).expect("the choice is told");
        assert!(choice.why.to_string().contains("with a default route"), "{}", choice.why);
        holds(&made);
    }
}

/// A firewall's network rule by host name, for what an application rule cannot carry.
fn by_name(need: &str) -> (Generation, Value) {
    let made = made("network.firewall = \"10.20.255.4\"\nfirewall.sku = \"standard\"", need);
    let mut found = rules(&made, "firewall.arm.json", |v| v["ruleType"].is_string());
    assert_eq!(found.len(), 1, "{found:#?}");
    let rule = found.remove(0);
    (made, rule)
}

#[test]
fn a_host_by_udp_stays_udp_also_on_the_ports_of_the_web() {
    for port in [80, 443, 123] {
        let need = format!("to = \"fqdn:quic.example.org\"\nprotocol = \"udp\"\nports = {port}");
        let (made, rule) = by_name(&need);
        assert_eq!(rule["ruleType"], "NetworkRule");
        assert_eq!(rule["ipProtocols"], json!(["UDP"]));
        assert_eq!(rule["destinationFqdns"], json!(["quic.example.org"]));
        assert_eq!(rule["destinationPorts"], json!([port.to_string()]));
        holds(&made);
        for other in ["\"TCP\"", "\"Any\"", "\"ICMP\""] {
            let report = with(&made, "firewall.arm.json", "\"UDP\"", other);
            assert!(!report.is_success(), "{other} passes for UDP on {port}");
        }
    }
}

#[test]
fn a_host_by_any_protocol_is_tcp_on_the_ports_of_the_web_and_every_protocol_elsewhere() {
    // 8080 and 8443 are registered for HTTP and HTTPS too.
    for ports in ["443", "[80, 443]", "8443", "[443, 8443]"] {
        let need = format!("to = \"fqdn:www.example.org\"\nports = {ports}");
        let (made, rule) = by_name(&need);
        assert_eq!(rule["ruleType"], "ApplicationRule", "{rule:#}");
        holds(&made);
    }
    for ports in ["9443", "[443, 9443]", "\"443-444\""] {
        let need = format!("to = \"fqdn:www.example.org\"\nports = {ports}");
        let (made, rule) = by_name(&need);
        assert_eq!(rule["ruleType"], "NetworkRule", "{rule:#}");
        assert_eq!(rule["ipProtocols"], json!(["Any"]));
        holds(&made);
        let report = with(&made, "firewall.arm.json", "\"Any\"", "\"TCP\"");
        assert!(!report.is_success(), "TCP alone passes for every protocol on {ports}");
    }
}
