//! The command that nobody watches, from outside: codes, summary, guards by policy, hooks, signatures, rollback.

#![cfg(all(feature = "fetch", unix))]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use crate::fake::{POLICY, Place, stderr};
use serde_json::Value;
use tagwall::site::sign::{PublicKey, check_signature};
use tagwall::tags::{Cloud, sample};

/// The sample with one tag changed.
fn week(tag: &str, change: impl Fn(&mut Vec<Value>)) -> String {
    let mut file: Value = serde_json::from_slice(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    let values = file["values"].as_array_mut().unwrap();
    let found = values.iter_mut().find(|v| v["name"] == tag).unwrap();
    change(found["properties"]["addressPrefixes"].as_array_mut().unwrap());
    file.to_string()
}

fn start() -> String {
    week("Storage", |_| {})
}

fn grown() -> String {
    week("Storage", |list| list.push("203.0.113.77/32".into()))
}

fn run(place: &Place, data: &str, more: &[&str]) -> Output {
    std::fs::write(place.path("tags.json"), data).unwrap();
    let args = ["refresh", "p.toml", "--out", "out", "--source", "tags.json"];
    place.run(&[&args, more].concat())
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(output)))
}

#[test]
fn codes_and_summary_say_what_happened() {
    let place = Place::new();
    let first = run(&place, &start(), &["--detailed-exitcode"]);
    assert_eq!(first.status.code(), Some(6), "{}", stderr(&first));
    let same = run(&place, &start(), &["--detailed-exitcode"]);
    assert_eq!((same.status.code(), summary(&same)["status"].as_str()), (Some(0), Some("unchanged")));
    let changed = run(&place, &grown(), &["--detailed-exitcode"]);
    assert_eq!(changed.status.code(), Some(6));
    let said = summary(&changed);
    assert_eq!((said["generation"].as_u64(), said["previous"].as_u64()), (Some(2), Some(1)));
    assert_eq!(said["environments"][0]["tags"][0], "Storage: +1 IPv4 prefix, 1 address");
    let changes: Value =
        serde_json::from_slice(&std::fs::read(place.path("out/changes.json")).unwrap()).unwrap();
    let rules = changes[0]["rules"].as_array().unwrap();
    assert!(
        rules.iter().all(|r| r["because"][0] == "Storage" && r["gained"][0] == "203.0.113.77/32"),
        "{rules:?}"
    );
    // A tag that the policy does not use changes data, but no rule.
    let other =
        run(&place, &week("EventHub", |list| list.push("203.0.113.78/32".into())), &["--detailed-exitcode"]);
    assert_eq!(other.status.code(), Some(6), "what was added to Storage goes");
    let unused = week("EventHub", |list| list.push("203.0.113.79/32".into()));
    let unused = run(&place, &unused, &["--detailed-exitcode"]);
    assert_eq!((unused.status.code(), summary(&unused)["rules_changed"].as_bool()), (Some(0), Some(false)));
}

#[test]
fn rolling_back_holds_until_something_changes() {
    let place = Place::new();
    run(&place, &start(), &[]);
    run(&place, &grown(), &[]);
    let back = place.run(&["rollback", "--out", "out", "--format", "json"]);
    assert_eq!(summary(&back)["generation"], 1);
    assert_eq!(summary(&run(&place, &grown(), &[]))["status"], "rolled-back");
    assert_eq!(place.published().unwrap().number, 1);
    let none = place.run(&["rollback", "--out", "out", "--to", "9"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("there is no generation 9; there are 1, 2"), "{}", stderr(&none));
    assert_eq!(place.run(&["rollback", "--out", "nowhere"]).status.code(), Some(2));
}

#[test]
fn tags_in_use_are_guarded_by_the_policys_own_figures() {
    let place = Place::new();
    run(&place, &start(), &[]);
    let shrunk = week("AzureActiveDirectory", |list| list.truncate(list.len() / 5));
    let refused = run(&place, &shrunk, &[]);
    assert_eq!(refused.status.code(), Some(5));
    let text = stderr(&refused);
    assert!(text.contains("the tag AzureActiveDirectory, which a policy uses, lost"), "{text}");
    assert!(text.contains("--accept used-tag-shrunk"), "{text}");
    assert_eq!(run(&place, &shrunk, &["--accept", "used-tag-gone"]).status.code(), Some(5));
    let accepted = run(&place, &shrunk, &["--accept", "used-tag-shrunk"]);
    assert_eq!(accepted.status.code(), Some(0), "{}", stderr(&accepted));
    assert!(summary(&accepted)["notes"].to_string().contains("accepted by --accept used-tag-shrunk"));

    std::fs::write(place.path("p.toml"), format!("refresh.max-tag-lost = 0\n{POLICY}")).unwrap();
    let refused = run(&place, &week("AzureActiveDirectory", |list| list.truncate(1)), &[]);
    assert!(stderr(&refused).contains("where at most 0 % may go"), "{}", stderr(&refused));
    let unknown = run(&place, &start(), &["--accept", "fewer-tag"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean fewer-tags"), "{}", stderr(&unknown));
}

#[test]
fn a_wrong_policy_changes_nothing() {
    let place = Place::new();
    run(&place, &start(), &[]);
    std::fs::write(place.path("p.toml"), POLICY.replace("\"Storage\"", "\"Storrage\"")).unwrap();
    let wrong = run(&place, &grown(), &[]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    assert_eq!(place.published().unwrap().number, 1);
    std::fs::write(place.path("p.toml"), POLICY).unwrap();
    std::fs::write(place.path("q.toml"), POLICY).unwrap();
    let twice = place.run(&["refresh", "p.toml", "q.toml", "--out", "out", "--source", "tags.json"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(stderr(&twice).contains("are both called gov"), "{}", stderr(&twice));
    let cron = run(&place, &start(), &["--watch", "whenever"]);
    assert_eq!(cron.status.code(), Some(2));
}

#[test]
fn hooks_are_told_of_changes_only() {
    let place = Place::new();
    let hook = ["--on-change", "cat >> told"];
    run(&place, &start(), &hook);
    run(&place, &start(), &hook);
    let told = std::fs::read_to_string(place.path("told")).unwrap();
    let told: Vec<Value> =
        serde_json::Deserializer::from_str(&told).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["summary"]["generation"], 1);
    assert_eq!(told[0]["changes"][0]["name"], "gov");
    let failed = run(&place, &grown(), &["--on-change", "exit 3"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        stderr(&failed).contains("generation 2 is published, but the command `exit 3` failed"),
        "{}",
        stderr(&failed)
    );
    assert_eq!(place.published().unwrap().number, 2);
    let slow = run(
        &place,
        &start(),
        &["--accept", "older-content", "--on-change", "sleep 60", "--hook-timeout", "1"],
    );
    assert!(stderr(&slow).contains("was ended after 1 seconds"), "{}", stderr(&slow));
}

#[test]
fn webhooks_are_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut part) = (String::new(), [0; 65536]);
        loop {
            let read = stream.read(&mut part).unwrap();
            request += &String::from_utf8_lossy(&part[..read]);
            let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
            let length = head
                .lines()
                .find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if read == 0 || body.len() >= length.unwrap().parse().unwrap() {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        request
    });
    let place = Place::new();
    std::fs::write(place.path("secret"), "key\n").unwrap();
    let done = run(
        &place,
        &start(),
        &["--webhook", &url, "--webhook-plain-http", "--webhook-secret-file", "secret"],
    );
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let request = served.join().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line =
            head.lines().find(|line| line.to_lowercase().starts_with(name)).expect("the header is there");
        line.split_once(": ").unwrap().1.to_owned()
    };
    let signed = format!("{}.{}.{body}", header("x-tagwall-id"), header("x-tagwall-time"));
    std::fs::write(place.path("signed"), signed).unwrap();
    let mut openssl = std::process::Command::new("openssl");
    let openssl =
        openssl.args(["dgst", "-sha256", "-hmac", "key"]).arg(place.path("signed")).output().unwrap();
    let sum = String::from_utf8(openssl.stdout).unwrap().split_whitespace().last().unwrap().to_owned();
    assert_eq!(header("x-tagwall-signature"), format!("sha256={sum}"));
}

#[test]
fn what_is_published_is_signed() {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let place = Place::new();
    std::fs::write(place.path("key"), pair.sk.to_box(None).unwrap().into_string()).unwrap();
    let done = run(
        &place,
        &start(),
        &["--sign-key", "key", "--publish", &format!("file://{}", place.path("there").display())],
    );
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let pointer: Value =
        serde_json::from_slice(&std::fs::read(place.path("there/current.json")).unwrap()).unwrap();
    let there = place.path("there").join(pointer["folder"].as_str().unwrap());
    let public = PublicKey::read(&pair.pk.to_base64()).unwrap();
    for folder in [place.path("out/current"), there] {
        let record = std::fs::read(folder.join("record.json")).unwrap();
        let signature = std::fs::read(folder.join("record.json.minisig")).unwrap();
        let comment = check_signature(&public, &signature, &record).unwrap();
        assert!(comment.starts_with("tagwall generation 1 of"), "{comment}");
    }
    let wrong = run(&place, &start(), &["--sign-key", "p.toml"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("the key cannot be used"), "{}", stderr(&wrong));
}

/// A policy whose rules name a tag, where they are in any file at all: only lists are asked for.
fn only_lists() -> String {
    let formats = "[output]\nformats = [\"nftables\", \"edl\", \"lists\"]\n";
    POLICY.replace("nsg.tags = \"expand\"", "") + formats
}

#[test]
fn lists_that_change_are_changes() {
    let place = Place::new();
    std::fs::write(place.path("p.toml"), only_lists()).unwrap();
    let hook = ["--detailed-exitcode", "--on-change", "cat > told"];
    assert_eq!(run(&place, &start(), &[]).status.code(), Some(0));
    assert_eq!(run(&place, &start(), &hook).status.code(), Some(0));
    let changed = run(&place, &grown(), &hook);
    assert_eq!(changed.status.code(), Some(6), "{}", stderr(&changed));
    let environment = &summary(&changed)["environments"][0];
    assert_eq!(
        (environment["rules_changed"].as_u64(), environment["lists_changed"].as_u64()),
        (Some(0), Some(3))
    );
    assert!(place.path("told").exists());
    let text = std::fs::read_to_string(place.path("out/changes.md")).unwrap();
    for wanted in ["3 lists changed, and no other rule", "## lists: gov", "## edl: gov", "## nftables: gov"] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
    assert!(!text.contains("Azure applies"), "no file has a rule that names the tag:\n{text}");
    // With a template beside them, a rule names the tag.
    std::fs::write(place.path("p.toml"), only_lists().replace("\"lists\"]", "\"lists\", \"arm\"]")).unwrap();
    run(&place, &grown(), &[]);
    run(&place, &start(), &["--accept", "older-content", "--detailed-exitcode"]);
    let text = std::fs::read_to_string(place.path("out/changes.md")).unwrap();
    assert!(text.contains("Rules name Storage: there Azure applies the change by itself"), "{text}");
}

#[test]
fn a_rollback_says_what_it_changes_and_tells_the_hooks() {
    let place = Place::new();
    run(&place, &start(), &[]);
    run(&place, &grown(), &[]);
    let back = place.run(&["rollback", "--out", "out", "--format", "json", "--on-change", "cat > told"]);
    assert_eq!(back.status.code(), Some(0), "{}", stderr(&back));
    let said = summary(&back);
    assert_eq!(said["rules_changed"], true);
    assert_eq!(said["environments"][0]["tags"][0], "Storage: -1 IPv4 prefix, 1 address");
    let told: Value = serde_json::from_slice(&std::fs::read(place.path("told")).unwrap()).unwrap();
    assert_eq!((told["event"].as_str(), told["summary"]["generation"].as_u64()), (Some("rollback"), Some(1)));
    assert!(told["changes"][0]["rules"][0]["lost"][0] == "203.0.113.77/32", "{told}");
    let text = std::fs::read_to_string(place.path("out/rollback.md")).unwrap();
    assert!(text.starts_with("Generation 1 of ") && text.contains("loses 203.0.113.77/32"), "{text}");
    let json: Value =
        serde_json::from_slice(&std::fs::read(place.path("out/rollback.json")).unwrap()).unwrap();
    assert_eq!(json, told["changes"]);
    let status = || -> Value {
        serde_json::from_slice(&std::fs::read(place.path("out/status.json")).unwrap()).unwrap()
    };
    assert_eq!((status()["command"].as_str(), status()["held_back"].as_u64()), (Some("rollback"), Some(2)));
    // What is held back is seen by whoever looks at the summary or the status.
    let held = run(&place, &grown(), &["--detailed-exitcode"]);
    assert_eq!((held.status.code(), summary(&held)["held_back"].as_u64()), (Some(0), Some(2)));
    assert_eq!((status()["status"].as_str(), status()["held_back"].as_u64()), (Some("rolled-back"), Some(2)));
    // A run that fails changes nothing of that.
    assert_eq!(run(&place, "<html>", &[]).status.code(), Some(5));
    assert_eq!((status()["status"].as_str(), status()["held_back"].as_u64()), (Some("failed"), Some(2)));
    let again = run(&place, &grown(), &["--force"]);
    assert_eq!((summary(&again)["held_back"].as_u64(), status()["ok"].as_bool()), (None, Some(true)));
    assert!(
        !place.path("out/rollback.md").exists(),
        "it was about a generation that is not published any more"
    );
    let refused = run(&place, "<html>", &[]);
    assert_eq!(refused.status.code(), Some(5));
    assert_eq!((status()["status"].as_str(), status()["exit_code"].as_u64()), (Some("failed"), Some(5)));
    assert_eq!(status()["generation"], 3);
    assert_eq!(place.published().unwrap().number, 3);
}

#[test]
fn hooks_get_the_variables_that_are_named_and_no_others() {
    let place = Place::new();
    std::fs::write(place.path("tags.json"), start()).unwrap();
    let args = ["refresh", "p.toml", "--out", "out", "--source", "tags.json", "--on-change", "env > told"];
    let mut command = place.command(&[&args[..], &["--hook-env", "TICKET_URL"]].concat());
    command.env("AZURE_CLIENT_SECRET", "hidden").env("TAGWALL_WEBHOOK_SECRET", "hidden");
    command
        .env("HTTPS_PROXY", "http://u:hidden@proxy")
        .env("TICKET_URL", "https://t")
        .env("MY_TOKEN", "hidden");
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let told = std::fs::read_to_string(place.path("told")).unwrap();
    assert!(!told.contains("hidden"), "{told}");
    for wanted in [
        "TICKET_URL=https://t",
        "TAGWALL_EVENT=published",
        "TAGWALL_GENERATION=1",
        "TAGWALL_OUT=out",
        "PATH=",
    ] {
        assert!(told.lines().any(|line| line.starts_with(wanted)), "{wanted}: {told}");
    }
    let missing = place.run(&[&args[..], &["--hook-env", "NOT_THERE"]].concat());
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        stderr(&missing).contains("--hook-env NOT_THERE: there is no such variable"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn webhooks_without_tls_take_a_flag() {
    let place = Place::new();
    let refused = run(&place, &start(), &["--webhook", "http://127.0.0.1:9/hook"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--webhook-plain-http"), "{}", stderr(&refused));
    assert!(place.published().is_none(), "a wrong hook is noticed before anything is published");
}

/// What the sample's tag gains: more than anybody would call usual, and within all other figures.
fn swollen() -> String {
    week("Storage", |list| list.extend((0..64).map(|n| Value::from(format!("198.19.{n}.0/24")))))
}

#[test]
fn a_tag_in_use_that_grows_is_refused_on_every_way() {
    let place = Place::new();
    let small = week("Storage", |list| list.truncate(2));
    run(&place, &small, &[]);
    let whole = ["--accept", "more-addresses"];
    let refused = run(&place, &swollen(), &whole);
    assert_eq!(refused.status.code(), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("(override with --accept used-tag-grown)"), "{}", stderr(&refused));
    // A plain fetch does not know what is used; what it took is not published all the same.
    std::fs::write(place.path("tags.json"), swollen()).unwrap();
    let fetched = place.run(&["fetch", "--cloud", "usgov", "--source", "tags.json", whole[0], whole[1]]);
    assert_eq!(fetched.status.code(), Some(0), "{}", stderr(&fetched));
    for more in [&["--source", "tags.json"][..], &["--no-fetch"]] {
        let args = [&["refresh", "p.toml", "--out", "out"], more].concat();
        let refused = place.run(&args);
        assert_eq!(refused.status.code(), Some(5), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("is in the store, but not published"), "{}", stderr(&refused));
        assert_eq!(place.published().unwrap().number, 1);
    }
    let accepted =
        place.run(&["refresh", "p.toml", "--out", "out", "--no-fetch", "--accept", "used-tag-grown"]);
    assert_eq!(accepted.status.code(), Some(0), "{}", stderr(&accepted));
    assert_eq!(
        run(&place, &swollen(), &[]).status.code(),
        Some(0),
        "what was accepted once is not asked about again"
    );
}

#[test]
fn growth_that_the_policy_allows_passes() {
    let place = Place::new();
    std::fs::write(place.path("p.toml"), format!("refresh.max-tag-growth = 1000000\n{POLICY}")).unwrap();
    run(&place, &week("Storage", |list| list.truncate(2)), &[]);
    let grown = run(&place, &swollen(), &["--accept", "more-addresses"]);
    assert_eq!(grown.status.code(), Some(0), "{}", stderr(&grown));
}

/// A row of the catalogue begins on 2025-03-31 and another ends on 2026-03-31: the same data makes other rules when one of
/// these days has come, and none when nothing has.
#[test]
fn a_day_on_which_facts_begin_or_end_is_a_change_and_no_other_day_is() {
    let place = Place::new();
    let policy = "schema = 1\nname = \"gov\"\ncloud = \"usgov\"\nregion = \"usgovvirginia\"\n\
                  network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
                  subnets.nodes.prefixes = [\"10.20.1.0/24\"]\nroute-table.default = \"firewall\"\n\
                  [[allow]]\nworkload = \"aks-egress\"\n\
                  [[allow]]\nworkload = \"aml-compute\"\npublic-ip = true\nlegacy-batch-inbound = true\n";
    let has = |file: &str, words: &str| {
        std::fs::read_to_string(place.path(&format!("out/gov/{file}"))).unwrap().contains(words)
    };
    let (begins, ends) = ("packages.aks.azure.com", "29876");
    for (day, code, begun, ended) in [
        ("2025-03-02", 6, false, false),
        ("2025-03-30", 0, false, false),
        ("2025-03-31", 6, true, false),
        ("2026-03-30", 0, true, false),
        ("2026-04-01", 6, true, true),
        ("2026-04-02", 0, true, true),
    ] {
        let (found, said) = run_on(&place, policy, day);
        assert_eq!(found, Some(code), "{day}: {said}");
        assert_eq!((has("firewall.arm.json", begins), !has("nsg.arm.json", ends)), (begun, ended), "{day}");
        let changes = std::fs::read_to_string(place.path("out/changes.md")).unwrap();
        assert!(day != "2025-03-31" || changes.contains(begins), "{day}: {changes}");
        assert!(day != "2026-04-01" || changes.contains("aml-i2"), "{day}: {changes}");
    }
}

fn run_on(place: &Place, policy: &str, day: &str) -> (Option<i32>, String) {
    std::fs::write(place.path("p.toml"), policy).unwrap();
    let output = run(place, &start(), &["--detailed-exitcode", "--as-of", day, "--accept", "older-content"]);
    (output.status.code(), format!("{}{}", stderr(&output), String::from_utf8_lossy(&output.stdout)))
}
