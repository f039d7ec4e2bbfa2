//! What the server says of environments: rules that hold an address by an IP group or name a host, what passes, what changed.

#![cfg(all(feature = "serve", unix))]

use serde_json::Value;

use crate::fake::{Place, stderr};
use crate::serve::{Server, week};

const POLICY: &str = r#"
    schema = 1
    name = "hub"
    cloud = "usgov"
    region = "usgovvirginia"
    network.address-space = ["10.20.0.0/16"]
    network.firewall = "10.20.255.4"
    subnets.training.prefixes = ["10.20.1.0/24"]
    route-table.default = "firewall"
    nsg.hosts = "internet"
    firewall.tags = "expand"
    firewall.ip-groups = "always"
    output.formats = ["arm"]
    output.report = ["html", "markdown"]
    [[allow]]
    to = "Storage"
    protocol = "tcp"
    ports = 443
    [[allow]]
    to = ["fqdn:*.example.org", "fqdn:example.net", "fqdn:deep.example.com"]
    protocol = "tcp"
    ports = 443
"#;

fn asked(policy: &str, args: &[&str]) -> (Place, Server) {
    let place = Place::new();
    std::fs::write(place.path("hub.toml"), policy).unwrap();
    std::fs::write(place.path("tags.json"), week(None)).unwrap();
    let done = place.run(&["refresh", "hub.toml", "--out", "out", "--source", "tags.json"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let mut all = vec!["--site", "out"];
    all.extend(args);
    let server = Server::start(&place, &all);
    server.wait_for("serving ");
    (place, server)
}

fn json(server: &Server, path: &str) -> Value {
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// An address of the tag Storage, as the server tells.
fn storage(server: &Server) -> String {
    let list = server.get("/v1/feeds/usgov/Storage.v4.txt");
    list.text().lines().next().unwrap().split('/').next().unwrap().to_owned()
}

#[test]
fn an_address_is_found_in_rules_by_their_ip_groups_and_a_host_by_its_name() {
    let (_place, server) = asked(POLICY, &[]);
    let address = storage(&server);
    let found = json(&server, &format!("/v1/lookup?ip={address}"));
    let rules = found["results"][0]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["target"] == "firewall"), "by its IP group: {rules:#?}");
    assert!(rules.iter().any(|rule| rule["target"] == "nsg"), "{rules:#?}");

    let found = json(&server, "/v1/lookup?host=www.Example.org.,example.org&host=example.net&host=-");
    let results = found["results"].as_array().unwrap();
    let count = |at: usize| results[at]["rules"].as_array().unwrap().len();
    assert!(count(0) >= 1 && results[0]["query"] == "www.example.org", "{found:#}");
    assert_eq!(count(1), 0, "a wildcard is not the bare name: {found:#}");
    assert!(count(2) >= 1, "{found:#}");
    assert!(results[3]["error"].as_str().unwrap().contains('-'), "{found:#}");
    let wide = json(&server, "/v1/lookup?host=*.example.com");
    assert_eq!(wide["results"][0]["rules"][0]["whole"], false, "{wide:#}");

    let page = server.get("/?q=www.example.org");
    assert!(page.text().contains("Rules name www.example.org in hub."), "{}", page.text());
    let log = server.get(&format!("/?q=kernel.warn+dst%3D{address}+host%3Dexample.net"));
    let text = log.text();
    assert!(
        text.contains("Rules name example.net in hub.") && text.contains("Allow rules hold it in hub."),
        "{text}"
    );
    assert!(text.contains("Passed over") && text.contains("kernel.warn"), "{text}");
    assert!(!text.contains("name=\"resolve\""), "names are not resolved unless the server may");
}

#[test]
fn names_are_resolved_only_where_that_is_asked_for() {
    let (_place, server) = asked(POLICY, &["--resolve-hosts"]);
    let page = |path: &str| server.get(path).text().to_owned();
    let not_asked = page("/?q=nothing.invalid");
    assert!(not_asked.contains("name=\"resolve\"") && !not_asked.contains("does not resolve"), "{not_asked}");
    // Reserved so that nobody ever has it.
    let asked = page("/?q=nothing.invalid&resolve=1");
    assert!(asked.contains("It does not resolve from here"), "{asked}");
    assert!(asked.contains("value=\"1\" checked"), "{asked}");
}

#[test]
fn what_passes_is_asked_of_the_published_rules() {
    let (place, server) = asked(POLICY, &[]);
    let address = storage(&server);
    let found = json(&server, &format!("/v1/explain?environment=hub&to={address}&protocol=tcp&port=443"));
    let fates = found["subnets"][0]["fates"].as_array().unwrap();
    assert_eq!(
        (fates.len(), &fates[0]["verdict"], &fates[0]["way"]),
        (1, &"allow".into(), &"firewall".into())
    );
    let steps = fates[0]["steps"].as_array().unwrap();
    let at: Vec<&str> = steps.iter().filter_map(|step| step["at"].as_str()).collect();
    assert!(["nsg", "route", "firewall"].iter().all(|wanted| at.contains(wanted)), "{found:#}");
    assert!(steps.iter().any(|step| step["workload"] == "policy"), "who asks for it is told: {found:#}");
    // The same question to the command, of the same files.
    let told = place.run(&[
        "explain",
        "out/hub",
        "--to",
        &format!("{address}/32"),
        "--port",
        "443",
        "--protocol",
        "tcp",
        "--format",
        "json",
        "--snapshot",
        "tags.json",
    ]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr(&told)));
    assert_eq!(told["fates"][0]["verdict"], fates[0]["verdict"]);
    let names = |value: &Value| -> Vec<Value> {
        value["steps"].as_array().unwrap().iter().map(|step| step["rule"].clone()).collect()
    };
    assert_eq!(names(&told["fates"][0]), names(&fates[0]));

    let other = json(&server, &format!("/v1/explain?environment=hub&to={address}&protocol=udp"));
    assert!(
        other["subnets"][0]["fates"].as_array().unwrap().iter().all(|fate| fate["verdict"] == "deny"),
        "{other:#}"
    );
    let host = json(&server, "/v1/explain?environment=hub&to=www.example.org");
    assert_eq!(
        (&host["hosts"][0]["verdict"], &host["hosts"][0]["packet"]["dport"]),
        (&"allow".into(), &443.into())
    );
    let inbound = json(&server, "/v1/explain?environment=hub&from=198.51.100.7");
    assert!(inbound["subnets"][0]["fates"].as_array().unwrap().iter().all(|fate| fate["verdict"] == "deny"));

    let page = server
        .get(&format!("/environments/hub/explain/?far={address}&direction=outbound&protocol=tcp&port=443"));
    assert!(
        page.text().contains(&format!("Everything that was asked for passes to {address}.")),
        "{}",
        page.text()
    );
    let wrong = server.get("/environments/hub/explain/?far=Storag");
    assert!(wrong.status == 200 && wrong.text().contains("is no address, prefix, service tag or host"));
    for (path, status) in [
        ("/v1/explain?environment=hub", 400),
        ("/v1/explain?environment=hub&to=192.0.2.1&from=192.0.2.2", 400),
        ("/v1/explain?environment=hub&to=192.0.2.1&port=x", 400),
        ("/v1/explain?environment=hub&to=192.0.2.1&protocol=x", 400),
        ("/v1/explain?environment=hup&to=192.0.2.1", 404),
        ("/environments/hup/explain/", 404),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    // Rules that were changed after they were published answer nothing.
    let changed = place.path("out/hub/nsg.arm.json");
    std::fs::write(&changed, std::fs::read_to_string(&changed).unwrap().replace("443", "444")).unwrap();
    let (_, fresh) = ((), Server::start(&place, &["--site", "out"]));
    fresh.wait_for("serving ");
    let refused = fresh.get(&format!("/v1/explain?environment=hub&to={address}"));
    assert!(refused.status == 503 && refused.text().contains("was changed"), "{}", refused.text());
}

/// A subnet that Azure takes no group for has none, whatever the others have.
#[test]
fn a_subnet_without_a_group_is_stopped_by_none() {
    let policy = POLICY.replace(
        "route-table.default",
        "subnets.GatewaySubnet.prefixes = [\"10.20.2.0/27\"]\n    route-table.default",
    );
    let (place, server) = asked(&policy, &[]);
    let found = json(&server, "/v1/explain?environment=hub&to=198.51.100.7&protocol=udp");
    let subnet = |name: &str| {
        let all = found["subnets"].as_array().unwrap();
        let one = all.iter().find(|subnet| subnet["subnet"] == name).unwrap_or_else(|| panic!("{found:#}"));
        one["fates"].as_array().unwrap().clone()
    };
    let by_group = |fates: &[Value]| {
        let steps = fates.iter().flat_map(|fate| fate["steps"].as_array().unwrap());
        steps.filter(|step| step["at"] == "nsg" && step["rule"] == "deny-rest-out").count()
    };
    assert!(by_group(&subnet("training")) > 0, "{found:#}");
    assert_eq!(by_group(&subnet("GatewaySubnet")), 0, "{found:#}");
    // So says the command, of the same folder.
    let told = |from: &str| -> Vec<Value> {
        let args = ["explain", "out/hub", "--from", from, "--to", "198.51.100.7/32", "--protocol", "udp"];
        let told = place.run(&[&args[..], &["--format", "json", "--snapshot", "tags.json"]].concat());
        let told: Value =
            serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr(&told)));
        told["fates"].as_array().unwrap_or_else(|| panic!("{told:#}")).clone()
    };
    assert!(by_group(&told("training")) > 0);
    assert_eq!(by_group(&told("GatewaySubnet")), 0);
}

#[test]
fn lists_alone_say_nothing_of_what_passes() {
    let policy = POLICY.replace("[\"arm\"]", "[\"lists\"]");
    let (_place, server) = asked(&policy, &[]);
    let answer = server.get("/v1/explain?environment=hub&to=192.0.2.1");
    assert!(answer.status == 503 && answer.text().contains("lists alone"), "{}", answer.text());
}
