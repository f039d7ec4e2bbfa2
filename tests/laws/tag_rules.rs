//! Tags that other tags make needless, and tags that could stand in place of lists.

use crate::support;
use tagwall::pipeline::Generation;
use tagwall::policy::Remote;
use tagwall::tags::{Cloud, Snapshot};

const HEAD: &str = r#"
schema = 1
name = "tags"
region = "westeurope"
network.address-space = ["10.20.0.0/16", "fd00:20::/48"]
subnets.old.prefixes = ["10.20.1.0/24"]
subnets.dual.prefixes = ["10.20.2.0/24", "fd00:20::/64"]
"#;

fn snapshot() -> Snapshot {
    support::sample(Cloud::Public)
}

fn generate(needs: &str) -> Generation {
    support::generate("tags.toml", &format!("{HEAD}{needs}"), &snapshot())
}

fn need(subnet: &str, to: &str, protocol: &str, ports: &str, more: &str) -> String {
    format!(
        "\n[[allow]]\nsubnet = \"{subnet}\"\nto = [{to}]\nprotocol = \"{protocol}\"\nports = \"{ports}\"\n{more}\n"
    )
}

fn tags(made: &Generation) -> Vec<String> {
    let tag =
        |remote: &Remote| if let Remote::Tag(tag) = remote { Some(tag.name().to_string()) } else { None };
    made.policy.flows.iter().filter_map(|flow| tag(&flow.remote)).collect()
}

fn report(made: &Generation) -> String {
    let file = made.files.iter().find(|f| f.name == "report.md").expect("a report is made");
    String::from_utf8(file.bytes.clone()).expect("a report is text")
}

#[test]
fn a_regional_tag_goes_where_the_whole_service_is_allowed() {
    let both = need("old", "\"Storage.westeurope\", \"Storage\"", "tcp", "443", "");
    let made = generate(&both);
    assert_eq!(tags(&made), ["Storage"]);
    let text = report(&made);
    let said = "to Storage.WestEurope (tcp 443, subnet old) has no rule of its own: Storage holds all of its addresses";
    assert!(text.contains(said), "{text}");
    // Fewer ports and a narrower protocol are held as well, from another entry too, whichever comes first.
    let narrow = need("old", "\"Storage.westeurope\"", "tcp", "443", "why = \"results\"");
    let wide = need("old", "\"Storage\"", "any", "*", "");
    for text in [format!("{narrow}{wide}"), format!("{wide}{narrow}")] {
        let made = generate(&text);
        assert_eq!(tags(&made), ["Storage"]);
        assert!(report(&made).contains("results"), "the reason is not lost");
    }
    // All of Azure holds the tags of its regions.
    let made = generate(&need("old", "\"AzureCloud\", \"AzureCloud.westeurope\"", "tcp", "443", ""));
    assert_eq!(tags(&made), ["AzureCloud"]);
}

#[test]
fn a_tag_within_all_of_azure_keeps_its_rule_and_is_pointed_out() {
    let said = |tag: &str, cloud: &str| {
        format!("to {tag} (tcp 443, subnet old): the tag lies within {cloud} in this snapshot")
    };
    for cloud in ["AzureCloud", "AzureCloud.westeurope"] {
        let made = generate(&need("old", &format!("\"{cloud}\", \"Sql.westeurope\""), "tcp", "443", ""));
        assert_eq!(tags(&made).len(), 2, "{cloud}");
        let name = &tags(&made)[0];
        let text = report(&made);
        assert!(text.contains(&said("Sql.WestEurope", name)), "{text}");
        assert!(text.contains("the rule of its own stays, because Azure may change that"), "{text}");
        assert!(!text.contains("has no rule of its own"), "{text}");
        // It has one in every target that takes it.
        let nsg = made.files.iter().find(|f| f.name == "nsg.arm.json").expect("a security group is made");
        let nsg = String::from_utf8(nsg.bytes.clone()).unwrap();
        assert!(nsg.contains("\"Sql.WestEurope\"") && nsg.contains(&format!("\"{name}\"")), "{nsg}");
    }
    // Nothing is said where the other rule lets less through, or holds only a part.
    let cloud = need("old", "\"AzureCloud\"", "tcp", "443", "");
    for other in [
        need("old", "\"Sql.westeurope\"", "tcp", "1433", ""),
        need("dual", "\"Sql.westeurope\"", "tcp", "443", ""),
        need("old", "\"Sql.westeurope\"", "udp", "443", ""),
    ] {
        let text = report(&generate(&format!("{cloud}{other}")));
        assert!(!text.contains("the tag lies within"), "{text}");
    }
    let part = need("old", "\"AzureCloud.westeurope\", \"Sql\"", "tcp", "443", "");
    assert!(!report(&generate(&part)).contains("the tag lies within"));
}

#[test]
fn a_regional_tag_that_lies_outside_of_its_service_keeps_its_rule() {
    let mut json: serde_json::Value =
        serde_json::from_slice(&tagwall::tags::sample::sample_json(Cloud::Public).unwrap()).unwrap();
    let storage =
        json["values"].as_array_mut().unwrap().iter_mut().find(|tag| tag["name"] == "Storage.WestEurope");
    let list = storage.unwrap()["properties"]["addressPrefixes"].as_array_mut().unwrap();
    list.push("192.88.99.64/28".into());
    let changed = Snapshot::parse(&serde_json::to_vec(&json).unwrap()).unwrap();
    let both = format!("{HEAD}{}", need("old", "\"Storage.westeurope\", \"Storage\"", "tcp", "443", ""));
    let made = support::generate("tags.toml", &both, &changed);
    assert_eq!(tags(&made), ["Storage", "Storage.WestEurope"]);
    assert!(!report(&made).contains("has no rule of its own"));
}

#[test]
fn a_regional_tag_stays_where_the_other_rule_says_less() {
    let wide = need("old", "\"Storage\"", "tcp", "443", "");
    let more_ports = need("old", "\"Storage.westeurope\"", "tcp", "443,445", "");
    let other_protocol = need("old", "\"Storage.westeurope\"", "udp", "443", "");
    let other_subnet = need("dual", "\"Storage.westeurope\"", "tcp", "443", "");
    let inbound = other_subnet.replace("\"dual\"", "\"old\"").replace("to =", "from =");
    let excepted = need("old", "\"Storage\"", "tcp", "443", "except = \"198.18.19.0/26\"");
    let regional = need("old", "\"Storage.westeurope\"", "tcp", "443", "");
    for text in [
        format!("{wide}{more_ports}"),
        format!("{wide}{other_protocol}"),
        format!("{wide}{other_subnet}"),
        format!("{wide}{inbound}"),
        format!("{excepted}{regional}"),
    ] {
        let made = generate(&text);
        assert_eq!(tags(&made).len(), 2, "{text}");
        assert!(!report(&made).contains("has no rule of its own"), "{text}");
    }
    // Another service's tag may lie in this one today and not next week.
    let snapshot = snapshot();
    let mut pairs = snapshot.tags().iter().filter_map(|part| {
        let all = snapshot.tags().iter().find(|all| {
            let other = all.name().base() != part.name().base() && all.name().base() != "AzureCloud";
            other && !part.set().v4.is_empty() && part.set() != all.set() && part.set().is_subset(all.set())
        })?;
        Some((part.name().clone(), all.name().clone()))
    });
    let (part, all) = pairs.next().expect("the sample has tags of one service within another's");
    let made = generate(&need("old", &format!("\"{part}\", \"{all}\""), "tcp", "443", ""));
    assert_eq!(tags(&made).len(), 2, "{part} in {all}");
}

#[test]
fn a_list_that_is_a_tag_is_said_to_be_one_and_stays_a_list() {
    let snapshot = snapshot();
    let v4 = |name: &str| -> Vec<String> {
        snapshot
            .tag(name)
            .expect("the tag is there")
            .set()
            .v4
            .prefixes()
            .map(|p| format!("\"{p}\""))
            .collect()
    };
    let list = v4("Sql.WestEurope").join(", ");
    let group = |list: &str| format!("groups.stores = [{list}]\n");
    let to_group = |subnet: &str| need(subnet, "\"group:stores\"", "tcp", "1433", "");
    let made = generate(&format!("{}{}", group(&list), to_group("old")));
    assert_eq!(tags(&made), [""; 0], "the list stays");
    let text = report(&made);
    let said = "group stores holds exactly what the tag `Sql.WestEurope` does in this snapshot";
    assert!(text.contains(said), "{text}");
    // Two tags together.
    let two = [v4("Sql.WestEurope"), v4("Storage.NorthEurope")].concat().join(", ");
    let text = report(&generate(&format!("{}{}", group(&two), to_group("old"))));
    assert!(text.contains("the tags `Sql.WestEurope` and `Storage.NorthEurope` do"), "{text}");
    // A subnet with IPv6 would get the tag's IPv6 addresses as well; one address less is no tag.
    let less = &v4("Sql.WestEurope")[1..].join(", ");
    for text in
        [format!("{}{}", group(&list), to_group("dual")), format!("{}{}", group(less), to_group("old"))]
    {
        assert!(!report(&generate(&text)).contains("holds exactly what"), "{text}");
    }
    // A tag that a target does not take by name is no help there.
    let unnamed = snapshot
        .tags()
        .iter()
        .find(|tag| !tag.set().v4.is_empty() && tag.features().is_stated() && !tag.features().has("NSG"));
    let tag = unnamed.expect("the sample has tags that security groups do not take");
    let text = format!("{}{}", group(&v4(tag.name().as_str()).join(", ")), to_group("old"));
    assert!(!report(&generate(&text)).contains(&format!("`{}`", tag.name())), "{}", tag.name());
}
