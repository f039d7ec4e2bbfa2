//! What is put on the subnets, in the formats that can say it: after what it names, each subnet its own, and every break found.

use crate::support;
use tagwall::pipeline::Generation;
use tagwall::plan::Association;
use tagwall::tags::Cloud;
use tagwall::target::Target;
use tagwall::verify::{self, Declared};

const POLICY: &str = r#"
schema = 1
name = "on"
region = "westeurope"
[network]
address-space = ["10.20.0.0/16"]
firewall = "10.20.255.4"
[subnets.private]
prefixes = ["10.20.1.0/24"]
[subnets.pub-lic]
prefixes = ["10.20.2.0/24"]
[subnets.quiet]
prefixes = ["10.20.3.0/24"]
[subnets.GatewaySubnet]
prefixes = ["10.20.4.0/24"]
[nsg]
per-subnet = true
[[allow]]
workload = "aml-compute"
subnet = "private"
storage-account-ids = ["/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account"]
[[allow]]
workload = "aml-compute"
subnet = "pub-lic"
public-ip = true
"#;

fn made(format: &str, more: &str, top: &str) -> Generation {
    let text = POLICY.replace("[network]", &format!("{top}\n[network]"));
    let text = format!("{text}\n[output]\nformats = [\"{format}\"]\n{more}");
    support::generate_on_sample("on", &text)
}

const ON: &str = "associations = true\n";
const FORMATS: [(&str, &str); 3] = [
    ("terraform", "associations.tf"),
    ("terraform-json", "associations.tf.json"),
    ("azcli", "associations.sh"),
];

#[test]
fn formats_that_can_put_things_on_subnets_where_asked() {
    for (format, file) in FORMATS {
        let quiet = made(format, "", "");
        assert!(!quiet.files.iter().any(|f| f.name == file), "{format}: only where the policy asks for it");
        assert!(support::text_of(&quiet, "report.md").contains("az network vnet subnet update"));
        for rules in ["", "firewall.rules = \"classic\""] {
            let made = made(format, ON, rules);
            assert!(made.proof.is_success());
            let text = support::text_of(&made, file);
            for name in ["on-private-nsg", "on-pub-lic-nsg", "on-quiet-nsg"] {
                let label = name.replace('-', "_");
                assert!(text.contains(name) || text.contains(&label), "{name} in {text}");
            }
            assert!(!text.contains("GatewaySubnet"), "it takes no group, and nothing routes it: {text}");
            assert_eq!(text.contains("serviceEndpointPolicies"), format == "azcli", "{text}");
            let report = support::text_of(&made, "report.md");
            assert!(!report.contains("--network-security-group"), "{report}");
            let left = "-n private --service-endpoint-policy on-private-storage";
            assert_eq!(report.contains(left), format != "azcli", "{report}");
        }
    }
    // A template would have to make the subnets anew: there the commands stay in the report.
    for format in ["arm", "bicep"] {
        let made = made(format, ON, "");
        assert!(support::text_of(&made, "report.md").contains("--network-security-group"));
        assert!(made.files.iter().all(|f| !f.name.starts_with("associations")));
    }
}

#[test]
fn tables_come_last() {
    let made = made("azcli", ON, "");
    let script = support::text_of(&made, "associations.sh");
    let puts: Vec<&str> = script.lines().filter(|line| line.starts_with("put_on ")).collect();
    let first = puts.iter().position(|line| line.contains("routeTables")).unwrap();
    assert!(puts[first..].iter().all(|line| line.contains("routeTables")), "{puts:?}");
    let deploy: serde_json::Value =
        serde_json::from_slice(support::bytes_of(&made, "manifest.json")).unwrap();
    let files = deploy["deploy"][0]["files"].as_array().unwrap();
    assert_eq!(files.last().unwrap(), "associations.sh", "{files:?}");

    let terraform = self::made("terraform", ON, "");
    let text = support::text_of(&terraform, "associations.tf");
    let tables = text.split("resource \"azurerm_subnet_route_table_association\"").skip(1);
    for table in tables {
        let block = table.split("\n}\n").next().unwrap();
        assert!(block.contains("azurerm_firewall_policy_rule_collection_group."), "{block}");
        assert!(block.contains("azurerm_subnet_network_security_group_association.on_"), "{block}");
    }
    let main = support::text_of(&terraform, "main.tf");
    assert!(main.contains("Id of the subnet pub-lic."), "{main}");
}

/// The words in quotes, and those that name other blocks.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices(['\'', '"', '.']) {
        let rest = &text[start + 1..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_/".contains(c))).unwrap_or(rest.len());
        if end > 2 {
            found.push((start + 1, rest[..end].to_owned()));
        }
    }
    found
}

/// Every line dropped, said twice or exchanged with the next, every word exchanged with every other.
fn changes(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut all = Vec::new();
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        all.push(without.concat());
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        all.push(twice.concat());
        let mut exchanged = lines.clone();
        if at + 1 < lines.len() {
            exchanged.swap(at, at + 1);
            all.push(exchanged.concat());
        }
    }
    let words = words(text);
    let mut others: Vec<&String> = words.iter().map(|(_, word)| word).collect();
    others.sort();
    others.dedup();
    for (start, word) in &words {
        for other in others.iter().filter(|other| **other != word) {
            all.push(format!("{}{other}{}", &text[..*start], &text[start + word.len()..]));
        }
    }
    all.retain(|changed| changed != text);
    all
}

#[test]
fn every_change_of_what_is_put_where_is_found() {
    for (format, file) in FORMATS {
        let made = made(format, ON, "");
        let snapshot = support::sample(Cloud::Public);
        let text = support::text_of(&made, file);
        let changes = changes(text);
        assert!(changes.len() > 200, "{}", changes.len());
        let meaning = |text: &str| -> Vec<String> {
            // In what order blocks stand, and remarks, mean nothing.
            let mut lines: Vec<String> = text
                .lines()
                .map(|line| line.trim().trim_end_matches(',').to_owned())
                .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains("\"//\""))
                .collect();
            lines.sort();
            lines
        };
        for changed in &changes {
            let found = support::prove_with(&made, &snapshot, file, changed.as_bytes());
            if found.is_success() {
                assert_eq!(meaning(changed), meaning(text), "{format} passes\n{changed}");
            }
        }
        // Without the file nothing is put on the subnets, which was asked for.
        let files: Vec<(&str, &[u8])> =
            support::named(&made.files).into_iter().filter(|(name, _)| *name != file).collect();
        assert!(!support::prove(&made, &snapshot, &files).is_success(), "{format}");
    }
}

/// The ids that Terraform is given are those of the subnets that the variables name.
#[test]
fn the_name_of_a_subnet_is_bound_to_its_variable() {
    let made = made("terraform", ON, "");
    let snapshot = support::sample(Cloud::Public);
    let main = support::text_of(&made, "main.tf");
    for (from, to) in [
        ("Id of the subnet private.", "Id of the subnet quiet."),
        ("Id of the subnet private.", "Id."),
        ("subnet_id_private", "subnet_id_other"),
    ] {
        assert!(main.contains(from), "{main}");
        let found = support::prove_with(&made, &snapshot, "main.tf", main.replace(from, to).as_bytes());
        assert!(!found.is_success(), "{from} to {to}");
    }
}

/// What is said of these files where things are put on the subnets as `change` has it.
fn declared(made: &Generation, change: impl FnOnce(&mut Vec<Association>)) -> String {
    let mut associations = made.plan.associations.clone();
    change(&mut associations);
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let declared = Declared { associations: &associations, ..Declared::default() };
    let snapshot = support::sample(Cloud::Public);
    let files = support::named(&made.files);
    verify::check_files(&made.policy, &snapshot, &files, declared, &targets).to_string()
}

#[test]
fn groups_on_the_wrong_subnets_are_named() {
    let made = made("arm", "", "");
    fn of<'a>(all: &'a mut [Association], subnet: &str) -> &'a mut Association {
        all.iter_mut().find(|put| put.subnet == subnet).expect("it is declared")
    }
    let shared = declared(&made, |all| of(all, "quiet").nsg = Some("on-private-nsg".to_owned()));
    assert!(shared.contains("on-private-nsg is on subnets that cannot share a group"), "{shared}");
    assert!(shared.contains("on-quiet-nsg is a group that no subnet has"), "{shared}");
    let gateway = declared(&made, |all| of(all, "GatewaySubnet").nsg = Some("on-quiet-nsg".to_owned()));
    assert!(gateway.contains("subnet GatewaySubnet has a group, but takes none"), "{gateway}");
    let bare = declared(&made, |all| of(all, "quiet").nsg = None);
    assert!(bare.contains("no one group is there for quiet"), "{bare}");
    let stranger = declared(&made, |all| of(all, "quiet").subnet = "elsewhere".to_owned());
    assert!(stranger.contains("not those of the policy's subnets, each once"), "{stranger}");
}

#[test]
fn files_that_are_gone_are_missed() {
    let made = made("arm", "", "");
    let snapshot = support::sample(Cloud::Public);
    let without = |gone: &dyn Fn(&str) -> bool| {
        let files: Vec<(&str, &[u8])> =
            support::named(&made.files).into_iter().filter(|(name, _)| !gone(name)).collect();
        support::prove(&made, &snapshot, &files)
    };
    assert!(without(&|_| false).is_success());
    let policy = without(&|name| name.starts_with("service-endpoint-policy"));
    assert!(!policy.is_success());
    let all = without(&|name| name.ends_with(".arm.json")).to_string();
    assert!(all.contains("no one group is there for private"), "{all}");
}
