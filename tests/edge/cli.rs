//! The command as a user meets it: output, messages, exit codes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const POLICY: &str = r#"schema = 1
name = "demo"
region = "westeurope"

[network]
address-space = ["10.20.0.0/16"]
firewall = "10.20.255.4"

[subnets.training]
prefixes = ["10.20.1.0/24"]

[[allow]]
workload = "aml-compute"
subnet = "training"
"#;

fn tagwall(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tagwall"))
        .args(args)
        .current_dir(dir)
        .env_remove("TAGWALL_SNAPSHOT")
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

fn with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tagwall"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    child.stdin.take().expect("it has an input").write_all(input).expect("it reads its input");
    child.wait_with_output().expect("it ends")
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("output is text")
}

/// The complaint of a command that must end with `code` and print no data.
fn complaint(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(output.stdout.is_empty(), "no data where something went wrong");
    text
}

fn generate(dir: &Path, policy: &str) -> Output {
    fs::write(dir.join("p.toml"), policy).expect("the policy is written");
    tagwall(dir, &["generate", "p.toml", "--snapshot", "sample", "--out", "out"])
}

#[test]
fn from_init_to_artefacts() {
    let dir = dir();
    let init = tagwall(dir.path(), &["init"]);
    assert_eq!(init.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&init.stderr).contains("tagwall generate policy.toml"));
    let made = tagwall(dir.path(), &["generate", "policy.toml", "--snapshot", "sample", "--format", "json"]);
    let made: Value = serde_json::from_str(&stdout(&made)).expect("JSON");
    assert_eq!(made[0]["name"], "ml-prod");
    assert_eq!(made[0]["proven"], true);
    let manifest = fs::read(dir.path().join("out/ml-prod/manifest.json")).expect("the manifest is there");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    for artefact in manifest["artefacts"].as_array().expect("a list") {
        let bytes =
            fs::read(dir.path().join("out/ml-prod").join(artefact["name"].as_str().unwrap())).unwrap();
        assert_eq!(artefact["sha256"], tagwall::text::sha256_hex(&bytes).as_str());
    }
    let again = complaint(&tagwall(dir.path(), &["init"]), 2);
    assert!(again.contains("policy.toml exists already"), "{again}");
}

#[test]
fn every_workload_has_a_policy_to_begin_with() {
    let dir = dir();
    let list = stdout(&tagwall(dir.path(), &["workloads", "--format", "json"]));
    let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
    assert!(list.len() >= 10);
    for workload in list {
        let name = workload["name"].as_str().expect("a name");
        let text = stdout(&tagwall(dir.path(), &["init", "--stdout", "--workload", name]));
        fs::write(dir.path().join(format!("{name}.toml")), text).expect("the policy is written");
        let made = tagwall(dir.path(), &["generate", &format!("{name}.toml"), "--snapshot", "sample"]);
        assert_eq!(made.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    }
}

#[test]
fn a_folder_is_replaced_as_a_whole() {
    let dir = dir();
    stdout(&generate(dir.path(), POLICY));
    let folder = dir.path().join("out/demo");
    assert!(folder.join("nsg.arm.json").exists());
    stdout(&generate(dir.path(), &format!("{POLICY}\n[output]\nformats = [\"csv\"]\n")));
    assert!(!folder.join("nsg.arm.json").exists(), "what no longer belongs there is gone");
    let left: Vec<_> =
        fs::read_dir(dir.path().join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["demo"], "nothing is left beside it");
}

#[test]
fn wrong_policies_show_the_line_and_write_nothing() {
    let dir = dir();
    let cases = [
        ("firewall =", "firewal =", "unknown key `firewal`; did you mean firewall?"),
        ("aml-compute", "aml-compute-x", "there is no workload `aml-compute-x`; did you mean aml-compute"),
        ("westeurope", "westeurop", "has no region `westeurop`; did you mean westeurope"),
        (
            "subnet = \"training\"",
            "subnet = \"trainin\"",
            "there is no subnet `trainin`; did you mean training?",
        ),
        (
            "10.20.1.0/24",
            "10.20.1.1/24",
            "10.20.1.1/24: host bits are set; the prefix that holds this address is 10.20.1.0/24",
        ),
        ("10.20.1.0/24", "10.20.1.0/33", "prefix length 33 is more than 32"),
        ("10.20.1.0/24", "10.99.1.0/24", "10.99.1.0/24 is outside network.address-space"),
        ("workload = \"aml-compute\"", "to = \"Storrage\"", "has no tag `Storrage`; did you mean Storage"),
        ("workload = \"aml-compute\"", "to = \"::ffff:10.0.0.0/104\"", "IPv4-mapped"),
        (
            "workload = \"aml-compute\"",
            "workload = \"aml-compute\"\npublic-ipp = true",
            "did you mean public-ip?",
        ),
        ("schema = 1", "schema = 2", "schema 2 is not known"),
        ("[network]", "precision.max-extra = \"5 k\"\n[network]", "`5 k` is not a number of addresses"),
        ("[network]", "precision.never = \"128.0.0.0/1\"\n[network]", "which may never be let through"),
        ("name = \"demo\"", "name = \"../demo\"", "a name has 1 to 48"),
        ("name = \"demo\"", "name = ", "string"),
    ];
    for (from, to, message) in cases {
        assert!(POLICY.contains(from), "{from}");
        let text = complaint(&generate(dir.path(), &POLICY.replacen(from, to, 1)), 2);
        assert!(text.contains(message), "{to}: {text}");
        assert!(text.contains("p.toml:"), "{to} names its line: {text}");
        assert!(!dir.path().join("out").exists(), "{to}: nothing is written");
    }
}

#[test]
fn all_mistakes_of_a_policy_at_once() {
    let dir = dir();
    let policy = POLICY
        .replace("westeurope", "westeurop")
        .replace("10.20.1.0/24", "10.20.1.1/24")
        .replace("\"training\"\n", "\"x\"\n");
    let text = complaint(&generate(dir.path(), &policy), 2);
    for message in ["`westeurop`", "10.20.1.1/24", "there is no subnet `x`"] {
        assert!(text.contains(message), "{message}: {text}");
    }
}

#[test]
fn extra_addresses_are_admitted_only_up_to_the_budget_and_said() {
    let dir = dir();
    let policy = |budget: &str| {
        format!(
            "{POLICY}public-ip = true\n\n[nsg]\ntags = \"expand\"\n\n[limits]\nnsg-destination-prefixes = 150\n\n[precision]\nmax-extra = {budget}\n"
        )
    };
    let text = complaint(&generate(dir.path(), &policy("0")), 3);
    let (_, named) = text.split_once("the smallest precision.max-extra that fits is ").expect("it is named");
    let smallest = named.split(' ').next().unwrap();
    assert!(!dir.path().join("out").exists(), "nothing is written");
    let made = stdout(&generate(dir.path(), &policy(smallest)));
    let said = format!("  {smallest} addresses are admitted that were not asked for: see report.md");
    assert!(made.contains(&said), "{made}");
}

#[test]
fn limits_refuse_with_what_is_had_and_needed() {
    let dir = dir();
    let policy = format!(
        "{POLICY}public-ip = true\n\n[route-table]\ntags = \"expand\"\n\n[limits]\nroutes-per-table = 20\n"
    );
    let text = complaint(&generate(dir.path(), &policy), 3);
    assert!(text.contains("demo-routes: routes-per-table is 20, 76 are needed"), "{text}");
    assert!(text.contains("route-table.tags"), "the way out is named: {text}");
    assert!(!dir.path().join("out").exists(), "nothing is written");
}

#[test]
fn snapshots_that_are_none() {
    let dir = dir();
    fs::write(dir.path().join("p.toml"), POLICY).unwrap();
    let long = format!("{{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":[{}", "[".repeat(300_000));
    let cases: [(&str, &[u8], &str); 8] = [
        ("empty", b"", "it is empty"),
        ("page", b"<html><title>Not found</title>", "an HTML page, saying: Not found"),
        ("cut", br#"{"changeNumber": 1, "cloud": "Public", "values": [{"name": "A", "prop"#, "EOF"),
        ("deep", long.as_bytes(), "line 1"),
        ("type", br#"{"changeNumber": 1, "cloud": "Public", "values": [{"name": 5, "properties": {}}]}"#, "values[0].name"),
        ("cloud", br#"{"changeNumber": 1, "cloud": "Mars", "values": []}"#, "unknown cloud `Mars`"),
        ("host bits", br#"{"changeNumber": 1, "cloud": "Public", "values": [{"name": "A", "properties": {"addressPrefixes": ["10.0.0.1/8"]}}]}"#, "host bits"),
        ("twice", br#"{"changeNumber": 1, "cloud": "Public", "values": [{"name": "A", "properties": {"addressPrefixes": []}}, {"name": "a", "properties": {"addressPrefixes": []}}]}"#, "two tags are called"),
    ];
    for (name, bytes, message) in cases {
        fs::write(dir.path().join("tags.json"), bytes).unwrap();
        let text = complaint(&tagwall(dir.path(), &["generate", "p.toml", "--snapshot", "tags.json"]), 2);
        assert!(text.contains("tags.json: ") && text.contains(message), "{name}: {text}");
    }
    let text = complaint(&tagwall(dir.path(), &["generate", "p.toml", "--snapshot", "nowhere.json"]), 1);
    assert!(text.contains("nowhere.json"), "{text}");
    let text = complaint(&tagwall(dir.path(), &["generate", "nowhere.toml", "--snapshot", "sample"]), 1);
    assert!(text.contains("nowhere.toml"), "{text}");
}

#[test]
fn a_place_that_cannot_be_written() {
    let dir = dir();
    fs::write(dir.path().join("p.toml"), POLICY).unwrap();
    fs::write(dir.path().join("out"), "a file where a folder is wanted").unwrap();
    let text = complaint(&tagwall(dir.path(), &["generate", "p.toml", "--snapshot", "sample"]), 1);
    assert!(text.contains("out"), "{text}");
}

#[test]
fn lists_are_minimised_or_all_their_mistakes_told() {
    let list = b"\xef\xbb\xbf10.0.0.0/25\r\n10.0.0.128/25 # the other half\r\n\r\n10.0.1.0-10.0.1.255\n2001:db8::1\n";
    assert_eq!(stdout(&with_input(&["minimize"], list)), "10.0.0.0/23\n2001:db8::1/128\n");
    let json: Value =
        serde_json::from_str(&stdout(&with_input(&["minimize", "-", "--format", "json"], list))).unwrap();
    assert_eq!((&json["count"], &json["input_prefixes"]), (&2.into(), &4.into()));
    assert_eq!((&json["addresses"], &json["extra_addresses"]), (&"513".into(), &"0".into()));
    let top = with_input(&["minimize"], b"255.255.255.254/32\n");
    assert_eq!(stdout(&top), "255.255.255.254/32\n", "never wider than asked");
    let wrong = complaint(
        &with_input(&["minimize"], b"10.0.0.1/24\nok\n10.0.0.0/40\n::ffff:1.2.3.4\n10.9.0.0-10.8.0.0\n"),
        2,
    );
    for message in
        ["line 1: 10.0.0.1/24", "line 2: ok", "line 3: 10.0.0.0/40", "line 4: ::ffff:1.2.3.4", "line 5: "]
    {
        assert!(wrong.contains(message), "{message}: {wrong}");
    }
    assert_eq!(stdout(&with_input(&["minimize", "--relaxed"], b"10.0.0.1/24\n")), "10.0.0.0/24\n");
}

#[test]
fn questions_about_tags() {
    let dir = dir();
    let ask = |args: &[&str]| tagwall(dir.path(), &[args, &["--snapshot", "sample"]].concat());
    let prefixes = stdout(&ask(&["expand", "storage", "--region", "West Europe", "-4"]));
    assert!(prefixes.lines().count() >= 2 && prefixes.lines().all(|l| l.parse::<ipnet::Ipv4Net>().is_ok()));
    let first = prefixes.lines().next().expect("a prefix");
    let found = stdout(&ask(&["lookup", first, "--format", "json"]));
    let found: Value = serde_json::from_str(&found).expect("JSON");
    let names: Vec<&str> =
        found[0]["tags"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"Storage.WestEurope") && names.contains(&"Storage"), "{names:?}");
    let tags = stdout(&ask(&["tags", "machinelearning", "--global"]));
    assert!(
        tags.contains("AzureMachineLearning ") && !tags.contains("AzureMachineLearning.WestEurope"),
        "{tags}"
    );
    let text = complaint(&ask(&["expand", "Storag", "Sqll"]), 2);
    assert!(text.contains("`Storag`; did you mean Storage") && text.contains("`Sqll`"), "{text}");
    let text = complaint(&ask(&["expand", "Storage", "--region", "westurope"]), 2);
    assert!(text.contains("did you mean westeurope"), "{text}");
    let text = complaint(&ask(&["lookup", "10.0.0", "x"]), 2);
    assert_eq!(text.lines().count(), 2, "both mistakes: {text}");
}

#[test]
fn help_schema_and_completions() {
    let dir = dir();
    let help = stdout(&tagwall(dir.path(), &["--help"]));
    for word in ["generate", "lookup", "Exit codes", "tagwall init"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let schema: Value = serde_json::from_str(&stdout(&tagwall(dir.path(), &["schema"]))).expect("JSON");
    assert!(schema["properties"]["allow"].is_object());
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&tagwall(dir.path(), &["completions", shell])).contains("tagwall"));
    }
    complaint(&tagwall(dir.path(), &["generate"]), 2);
    complaint(&tagwall(dir.path(), &["no-such-command"]), 2);
}
