//! Lists and tables as people have them, wherever the command reads them; and nothing hidden in what it prints.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn tagwall(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tagwall"))
        .args(args)
        .current_dir(dir)
        .env_remove("TAGWALL_SNAPSHOT")
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("output is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("talk is text")
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{}", stderr(output));
    assert!(output.stdout.is_empty(), "no data where something went wrong");
    stderr(output)
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

#[test]
fn no_value_is_lost_wherever_lists_and_tables_are_read() {
    let dir = dir();
    let at = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    at("good.txt", "192.0.2.0/24\n");
    at("bad.txt", "192.0.2.0/24\n10.0.0.0/8 # 172.16.0.0/12\n");
    at("columns.txt", "192.0.2.0/24\n1.0.0.0;1.0.0.255;AU\n");
    at("routes.csv", "192.0.2.0/24,fw\n");
    at("bad-routes.csv", "192.0.2.0/24,fw\n10.0.0.0/8,fw;172.16.0.0/12,fw\n");
    at("prices.csv", "default,1\n10.0.0.0/8,5 # 172.16.0.0/12,6\n");
    for list in ["bad.txt", "columns.txt"] {
        for args in [
            &["minimize", list][..],
            &["set", "except", list, "good.txt"],
            &["set", "union", "good.txt", list],
            &["minimize", "good.txt", "--max-extra", "1", "--never", list],
            &["tags", "--cover", list, "--snapshot", "sample"],
            &["routes", "minimize", "routes.csv", "--protected", list],
            &["routes", "minimize", "routes.csv", "--free", list],
        ] {
            let text = refused(&tagwall(dir.path(), args));
            assert!(text.contains(&format!("{list}: line 2: ")), "{args:?}: {text}");
        }
    }
    for args in [
        &["routes", "minimize", "bad-routes.csv"][..],
        &["routes", "minimize", "routes.csv", "--pinned", "bad-routes.csv"],
        &["routes", "minimize", "routes.csv", "--system", "bad-routes.csv"],
        &["routes", "minimize", "routes.csv", "--max-routes", "1", "--price", "prices.csv"],
        &["minimize", "good.txt", "--max-extra", "1", "--price", "prices.csv"],
    ] {
        let text = refused(&tagwall(dir.path(), args));
        assert!(text.contains("line 2: ") && text.contains("172.16.0.0/12"), "{args:?}: {text}");
    }
}

#[test]
fn tables_of_every_separator() {
    let dir = dir();
    for text in [
        "prefix,next_hop\n10.0.0.0/9,fw\n10.128.0.0/9,fw\n",
        "sep=;\nPrefix;Hop\n\"10.0.0.0/9\";\"fw\"\n10.128.0.0/9;fw\n",
        "10.0.0.0/9\tfw\n10.128.0.0/9\tfw\n",
        "10.0.0.0/9 fw ; first\n10.128.0.0/9 fw # second\n",
    ] {
        for bytes in [text.as_bytes().to_vec(), wide(&format!("\u{feff}{text}")), gzip(text.as_bytes())] {
            fs::write(dir.path().join("t"), bytes).unwrap();
            assert_eq!(
                stdout(&tagwall(dir.path(), &["routes", "minimize", "t"])),
                "10.0.0.0/8,fw\n",
                "{text}"
            );
        }
    }
    fs::write(dir.path().join("t"), "10.0.0.0/8,1 024\n").unwrap();
    let text = refused(&tagwall(dir.path(), &["minimize", "t", "--max-extra", "1", "--price", "t"]));
    assert!(text.contains("line 1"), "{text}");
}

#[test]
fn what_is_printed_is_read_by_every_command() {
    let dir = dir();
    let keep = |name: &str, output: Output| fs::write(dir.path().join(name), stdout(&output)).unwrap();
    fs::write(dir.path().join("a"), "::fffe:0:0/95\n192.0.2.0/24\n2001:db8::/32\n").unwrap();
    fs::write(dir.path().join("b"), "::fffe:0:0/96\n2001:db8:8000::/33\n").unwrap();
    keep("text", tagwall(dir.path(), &["set", "except", "a", "b"]));
    let text = fs::read_to_string(dir.path().join("text")).unwrap();
    assert!(text.contains("::ffff:0.0.0.0/96"), "all of the mapped addresses is a block like others: {text}");
    keep("set.json", tagwall(dir.path(), &["set", "except", "a", "b", "--format", "json"]));
    keep("cover.json", tagwall(dir.path(), &["minimize", "text", "--max-extra", "9", "--format", "json"]));
    keep("tag.json", tagwall(dir.path(), &["expand", "Storage", "--snapshot", "sample", "--format", "json"]));
    keep("tag", tagwall(dir.path(), &["expand", "Storage", "--snapshot", "sample"]));
    for file in ["text", "set.json", "cover.json"] {
        assert_eq!(stdout(&tagwall(dir.path(), &["minimize", file])), text, "{file}");
    }
    assert_eq!(
        stdout(&tagwall(dir.path(), &["set", "symdiff", "tag", "tag.json"])),
        "",
        "both forms say the same"
    );
    for prefix in text.lines() {
        let found = stdout(&tagwall(dir.path(), &["lookup", prefix, "--snapshot", "sample"]));
        assert!(found.starts_with(prefix), "{found}");
        fs::write(dir.path().join("routes"), format!("{prefix},fw\n")).unwrap();
        assert_eq!(stdout(&tagwall(dir.path(), &["routes", "minimize", "routes"])), format!("{prefix},fw\n"));
    }
    // Parts of that block are read nowhere, and the way out is the address that is meant.
    fs::write(dir.path().join("mapped"), "::ffff:192.0.2.1\n").unwrap();
    fs::write(dir.path().join("routes"), "::ffff:192.0.2.1,fw\n").unwrap();
    for args in [
        &["lookup", "::ffff:192.0.2.1", "--snapshot", "sample"][..],
        &["minimize", "mapped"],
        &["minimize", "mapped", "--relaxed"],
        &["routes", "minimize", "routes"],
    ] {
        let text = refused(&tagwall(dir.path(), args));
        assert!(text.contains("if 192.0.2.1 is meant"), "{args:?}: {text}");
    }
}

#[test]
fn lists_in_json_and_packed() {
    let dir = dir();
    for text in [
        r#"["192.0.2.0/25", "192.0.2.128/25"]"#,
        r#"{"syncToken": "1", "prefixes": [{"ip_prefix": "192.0.2.0/25", "region": "r", "service": "S"},
            {"ip_prefix": "192.0.2.128/25"}], "ipv6_prefixes": []}"#,
        r#"{"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}"#,
        r#"{"result": {"ipv4_cidrs": ["192.0.2.0/24"], "ipv6_cidrs": []}, "success": true}"#,
        r#"{"Entries": [{"Cidr": "192.0.2.0/24", "Description": "x"}]}"#,
        r#"{"items": [{"network": "192.0.2.0", "mask_len": 24, "cidr": "192.0.2.0/24", "mask": "255.255.255.0"}]}"#,
        "{\"cidr\":\"192.0.2.0/25\",\"sblid\":\"x\"}\n{\"cidr\":\"192.0.2.128/25\"}\n{\"type\":\"metadata\",\"size\":1}\n",
        r#"{"prefixes": ["192.0.2.0/25"], "prefixes": ["192.0.2.128/25"]}"#,
        r#"[{"id": 1, "ips": ["192.0.2.0/24"], "urls": ["a.example.com"]}]"#,
    ] {
        for bytes in
            [text.as_bytes().to_vec(), wide(text), gzip(text.as_bytes()), gzip(&gzip(text.as_bytes()))]
        {
            fs::write(dir.path().join("l"), bytes).unwrap();
            assert_eq!(stdout(&tagwall(dir.path(), &["minimize", "l"])), "192.0.2.0/24\n", "{text}");
        }
    }
    for (bytes, reason) in [
        (
            &br#"{"hooks": ["192.0.2.0/24"]}"#[..],
            "hooks[0]: 192.0.2.0/24: addresses at this place are not known",
        ),
        (br#"{"prefixes": ["192.0.2.0/24"], "denied": "192.0.2.7"}"#, "denied: 192.0.2.7"),
        (br#"{"prefixes": ["192.0.2.1/24"]}"#, "prefixes[0]: 192.0.2.1/24: host bits"),
        (br#"{"prefixes": ["192.0.2.0/24"]"#, "JSON: EOF"),
        (br#"{"name": "x"}"#, "no addresses are found"),
        (br#"{"changeNumber": 1, "cloud": "Public", "values": []}"#, "tagwall expand TAG"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"PK\x03\x04xxxx", "ZIP archive"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8bxxxxx", "gzip"),
    ] {
        fs::write(dir.path().join("l"), bytes).unwrap();
        let text = refused(&tagwall(dir.path(), &["minimize", "l"]));
        assert!(text.contains(reason) && text.lines().count() == 1, "{reason}: {text}");
    }
}

#[test]
fn relaxed_says_what_it_did() {
    let dir = dir();
    fs::write(dir.path().join("l"), "192.0.2.0/24\n198.51.100.7/24\n").unwrap();
    let output = tagwall(dir.path(), &["minimize", "l", "--relaxed"]);
    assert_eq!(stdout(&output), "192.0.2.0/24\n198.51.100.0/24\n");
    assert_eq!(
        stderr(&output),
        "l: host bits were cleared in 1 entry:\n  line 2: 198.51.100.7/24 was read as 198.51.100.0/24\n"
    );
    let output = tagwall(dir.path(), &["set", "union", "l", "l", "--relaxed"]);
    assert_eq!(stderr(&output).lines().count(), 4);
}

#[test]
fn no_hidden_character_is_printed() {
    let dir = dir();
    let nasty = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{7f}";
    fs::write(dir.path().join("list"), format!("{nasty}gone\n10.0.0.0/8 {nasty}x {nasty}y\n")).unwrap();
    fs::write(dir.path().join("routes"), format!("10.0.0.0/8,a{nasty}b\n")).unwrap();
    fs::write(dir.path().join("policy"), format!("schema = 1\n# {nasty}\nname = \"{nasty}\"\n")).unwrap();
    fs::write(
        dir.path().join("snap"),
        format!("{{\"changeNumber\":1,\"cloud\":\"{nasty}\",\"values\":[]}}")
            .replace(['\u{1b}', '\u{7f}'], ""),
    )
    .unwrap();
    fs::write(dir.path().join("page"), format!("<html><title>{nasty}x</title>")).unwrap();
    for args in [
        &["minimize", "list"][..],
        &["minimize", nasty],
        &["routes", "minimize", "routes"],
        &["routes", "minimize", "routes", "--format", "json"],
        &["generate", "policy", "--snapshot", "sample"],
        &["expand", nasty, "--snapshot", "sample"],
        &["expand", "A", "--snapshot", "./snap"],
        &["expand", "A", "--snapshot", "./page"],
        &["lookup", nasty, "--snapshot", "sample"],
        &["workloads", nasty],
        &["workloads", "aml-compute", "--region", nasty],
        &[nasty],
        &["minimize", "--format", nasty],
        &["verify", nasty],
    ] {
        let output = tagwall(dir.path(), args);
        for bytes in [&output.stdout, &output.stderr] {
            let text = std::str::from_utf8(bytes).expect("text");
            assert_eq!(tagwall::text::hidden(text), None, "{args:?}: {text:?}");
        }
    }
    let json = stdout(&tagwall(dir.path(), &["routes", "minimize", "routes", "--format", "json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["routes"][0]["next_hop"], format!("a{nasty}b").as_str(), "JSON means the same");
}

#[test]
fn endless_input_ends() {
    #[cfg(target_os = "linux")]
    for args in [
        &["minimize", "/dev/zero"][..],
        &["routes", "minimize", "/dev/zero"],
        &["generate", "/dev/zero", "--snapshot", "sample"],
        &["expand", "A", "--snapshot", "/dev/zero"],
    ] {
        let text = refused(&tagwall(Path::new("/"), args));
        assert!(text.contains("MiB") || text.contains("service-tags"), "{args:?}: {text}");
    }
}

const POLICY: &str = r#"schema = 1
name = "demo"
region = "westeurope"
[network]
address-space = ["10.20.0.0/16"]
firewall = "10.20.255.4"
[subnets.training]
prefixes = ["10.20.1.0/24"]
[[allow]]
subnet = "training"
to = "203.0.113.0/24"
protocol = "tcp"
ports = "443"
why = "say <<BODY and 'x' << y"
[[allow]]
subnet = "training"
to = "url:example.com/a;b"
protocol = "tcp"
ports = "443"
[firewall]
sku = "premium"
tls-inspection = true
[output]
formats = ["azcli", "csv", "arm", "terraform", "bicep"]
"#;

#[test]
fn policies_in_utf16_and_with_odd_words() {
    let dir = dir();
    for bytes in [POLICY.as_bytes().to_vec(), wide(&format!("\u{feff}{POLICY}"))] {
        fs::write(dir.path().join("p.toml"), bytes).unwrap();
        let args = ["generate", "p.toml", "--snapshot", "sample", "--out", "out"];
        stdout(&tagwall(dir.path(), &args));
        let csv = fs::read_to_string(dir.path().join("out/demo/firewall.csv")).unwrap();
        assert!(csv.contains("\"\"\"example.com/a;b\"\"\""), "{csv}");
        stdout(&tagwall(dir.path(), &["verify", "out/demo", "--snapshot", "sample"]));
    }
    for (from, to, reason) in [
        ("name = \"demo\"", "name = \"NUL\"", "keeps it for a device"),
        ("name = \"demo\"", "name = \"con.prod\"", "keeps it for a device"),
        ("10.20.255.4", "::ffff:10.20.255.4", "if 10.20.255.4 is meant"),
        ("203.0.113.0/24", "203.0.113.0/24;198.51.100.0/24", "203.0.113.0/24;198.51.100.0/24"),
        ("203.0.113.0/24", "::ffff:203.0.113.0/120", "if 203.0.113.0/24 is meant"),
        ("203.0.113.0/24", "203.0.113.0/255.255.255.0", "write 203.0.113.0/24"),
        ("say", "a\\u202eb", "U+202E"),
    ] {
        fs::write(dir.path().join("p.toml"), POLICY.replace(from, to)).unwrap();
        let text = refused(&tagwall(dir.path(), &["generate", "p.toml", "--snapshot", "sample"]));
        assert!(text.contains(reason), "{to}: {text}");
    }
}

#[test]
fn workloads_with_a_snapshot() {
    let dir = dir();
    let text = stdout(&tagwall(dir.path(), &["workloads", "aml-compute", "--snapshot", "sample"]));
    assert!(text.contains("prefixes (IPv4 + IPv6)"), "{text}");
    let json = stdout(&tagwall(
        dir.path(),
        &["workloads", "aml-compute", "--snapshot", "sample", "--format", "json"],
    ));
    let json: Value = serde_json::from_str(&json).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert!(rows.iter().any(|r| r["prefixes"]["known"] == true && r["prefixes"]["ipv4"].as_u64() > Some(0)));
    assert!(rows.iter().any(|r| r["prefixes"].is_null()), "host names have none");
    let plain = stdout(&tagwall(dir.path(), &["workloads", "aml-compute", "--format", "json"]));
    assert!(!plain.contains("prefixes"));
    refused(&tagwall(dir.path(), &["workloads", "aml-compute", "--snapshot", "sample", "--cloud", "mars"]));
    refused(&tagwall(dir.path(), &["workloads", "--snapshot", "sample"]));
}

#[test]
fn lists_that_are_generated_are_read() {
    let dir = dir();
    let remotes =
        "[\"203.0.113.0/24\", \"198.51.100.0/25\", \"192.0.2.7\", \"2001:db8::/48\", \"192.0.2.64/27\"]";
    for dialect in ["common", "panos", "fortigate", "checkpoint"] {
        let policy = POLICY
            .replace("\"203.0.113.0/24\"", remotes)
            .replace("[\"10.20.1.0/24\"]", "[\"10.20.1.0/24\", \"2001:db8:20::/64\"]")
            .replace("[\"10.20.0.0/16\"]", "[\"10.20.0.0/16\", \"2001:db8:20::/48\"]")
            .replace("[firewall]", "[[allow]]\nsubnet = \"training\"\nto = \"Storage.WestEurope\"\nports = \"443\"\nprotocol = \"tcp\"\n[firewall]")
            .replace("[\"azcli\", \"csv\", \"arm\", \"terraform\", \"bicep\"]", "[\"edl\", \"lists\", \"csv\"]")
            + &format!("edl = \"{dialect}\"\n");
        fs::write(dir.path().join("p.toml"), policy).unwrap();
        stdout(&tagwall(dir.path(), &["generate", "p.toml", "--snapshot", "sample", "--out", dialect]));
        let folder = dir.path().join(dialect).join("demo");
        let mut files = 0;
        for file in fs::read_dir(folder.join("edl")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let read = |kind: &str| stdout(&tagwall(&folder.join(kind), &["minimize", &name]));
            assert_eq!(read("edl"), read("lists"), "{dialect}: {name}");
            files += 1;
        }
        assert!(files >= 3, "{dialect}: {files}");
        // A cell of our own tables.
        let csv = fs::read_to_string(folder.join("nsg.csv")).unwrap();
        let row = csv.lines().find(|line| line.contains("198.51.100.0/25")).expect("a rule of the list");
        let cell = row.split(',').find(|cell| cell.contains("198.51.100.0/25")).unwrap();
        fs::write(folder.join("cell"), cell).unwrap();
        assert_eq!(stdout(&tagwall(&folder, &["minimize", "cell"])).lines().count(), cell.split(';').count());
    }
}
