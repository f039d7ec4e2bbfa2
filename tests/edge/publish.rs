//! Publishing to object stores, against emulators: Azurite, which Microsoft gives away, moto for S3, and
//! fake-gcs-server for Google Cloud Storage.
//!
//! `tests/tools/emulators.sh FOLDER` installs them, and `TAGWALL_EMULATORS` names the folder. Without it the tests say
//! so and pass. Each starts a server of its own on a free port of the loopback, and stops it.

#![cfg(all(feature = "fetch", unix))]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::fake::{Place, scale, stderr};
use crate::fleet;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tagwall::tags::{Cloud, sample};

/// A server that imitates an object store, ended with the value.
struct Emulator {
    child: Child,
    /// What the command finds in its environment.
    settings: Vec<(&'static str, String)>,
    /// Scheme of addresses in it.
    scheme: &'static str,
    _data: tempfile::TempDir,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // One of them ends with its standard input, and ends its own child then.
        drop(self.child.stdin.take());
        if self.scheme != "gs" {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The word of the server's output that begins with `http:`.
fn address(output: impl Read + Send + 'static) -> String {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let said =
        lines.find_map(|line| line.split_whitespace().find(|w| w.starts_with("http:")).map(str::to_owned));
    // Whoever writes to a closed pipe dies of it: the rest is read, too.
    std::thread::spawn(move || lines.count());
    said.expect("it says where it listens")
}

fn azure(tools: &Path) -> Emulator {
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new("node")
        .arg(tools.join("node_modules/.bin/azurite-blob"))
        .args(["--blobPort", "0", "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs the emulator");
    let base = address(child.stdout.take().unwrap());
    make_container(&base, "rules");
    let settings =
        vec![("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()), ("AZURITE_BLOB_STORAGE_URL", base)];
    Emulator { child, settings, scheme: "az", _data: data }
}

/// The account that every emulator of Azure's has, and its published key.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Nothing in tagwall makes containers, so the test does.
fn make_container(base: &str, name: &str) {
    let script = r#"
import base64, email.utils, hashlib, hmac, sys, urllib.request
base, name, account, key = sys.argv[1:5]
key = base64.b64decode(key)
date = email.utils.formatdate(usegmt=True)
text = f"PUT\n\n\n\n\ntext/plain\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n/{account}/{account}/{name}\nrestype:container"
signed = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Type": "text/plain", "Authorization": f"SharedKey {account}:{signed}"}
urllib.request.urlopen(urllib.request.Request(f"{base}/{account}/{name}?restype=container", b"", headers, method="PUT"))
"#;
    let made = Command::new("python3").args(["-c", script, base, name, ACCOUNT, KEY]).status().unwrap();
    assert!(made.success());
}

#[cfg(feature = "publish-s3")]
fn s3(tools: &Path) -> Emulator {
    let mut child = Command::new(tools.join("venv/bin/moto_server"))
        .args(["-H", "127.0.0.1", "-p", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs the emulator");
    let base = address(child.stderr.take().unwrap());
    let script = "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], b'', method='PUT', \
                  headers={'Authorization': 'AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request'}))";
    let made = Command::new("python3").args(["-c", script, &format!("{base}/rules")]).status().unwrap();
    assert!(made.success());
    let settings = vec![
        ("AWS_ENDPOINT", base),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    Emulator { child, settings, scheme: "s3", _data: tempfile::tempdir().unwrap() }
}

#[cfg(feature = "publish-gcs")]
fn gcs(tools: &Path) -> Emulator {
    let mut child = Command::new(tools.join("venv/bin/python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/gcs_emulator.py"))
        .arg("rules")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs the emulator");
    let base = address(child.stdout.take().unwrap());
    let account = serde_json::json!({
        "gcs_base_url": base, "disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""
    });
    let settings = vec![("GOOGLE_SERVICE_ACCOUNT_KEY", account.to_string())];
    Emulator { child, settings, scheme: "gs", _data: tempfile::tempdir().unwrap() }
}

impl Emulator {
    fn refresh(&self, place: &Place, now: &str) -> Command {
        let url = format!("{}://rules/prod", self.scheme);
        let args =
            ["refresh", "p.toml", "--out", "out", "--source", "tags.json", "--force", "--publish", &url];
        let mut command = self.command(place, &args);
        command.env("TAGWALL_NOW", now).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// A folder there.
    fn open(&self, path: &str) -> (Box<dyn ObjectStore>, object_store::path::Path) {
        let url = format!("{}://rules/{path}", self.scheme).parse().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = self.settings.iter().flat_map(|(name, value)| match *name {
            // The emulator's own switch is only read from the environment.
            "AZURE_STORAGE_USE_EMULATOR" => Vec::new(),
            "AZURITE_BLOB_STORAGE_URL" => vec![
                ("azure_storage_endpoint".to_owned(), format!("{value}/{ACCOUNT}")),
                ("azure_storage_account_name".to_owned(), ACCOUNT.to_owned()),
                ("azure_storage_account_key".to_owned(), KEY.to_owned()),
                ("azure_allow_http".to_owned(), "true".to_owned()),
            ],
            name => vec![(name.to_lowercase(), value.clone())],
        });
        object_store::parse_url_opts(&url, options).unwrap()
    }

    /// The command in a place, with what leads to the emulator.
    fn command(&self, place: &Place, args: &[&str]) -> Command {
        let mut command = place.command(args);
        for (name, _) in std::env::vars_os() {
            if ["AWS_", "GOOGLE_"].iter().any(|start| name.to_string_lossy().starts_with(start)) {
                command.env_remove(&name);
            }
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What is published there: the number of the generation, each of whose files must be what the record says.
    fn published(&self) -> u64 {
        let (store, prefix) = self.open("prod");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pointer: Value =
                serde_json::from_slice(&read(&*store, &prefix, "current.json").await).unwrap();
            let folder = pointer["folder"].as_str().unwrap();
            let record: Value =
                serde_json::from_slice(&read(&*store, &prefix, &format!("{folder}/record.json")).await)
                    .unwrap();
            assert_eq!(record, pointer["record"]);
            for (name, sum) in
                record["files"].as_object().unwrap().iter().filter(|(n, _)| !n.starts_with('.'))
            {
                let bytes = read(&*store, &prefix, &format!("{folder}/{name}")).await;
                let have: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(have, sum.as_str().unwrap(), "{name}");
            }
            record["number"].as_u64().unwrap()
        })
    }
}

async fn read(store: &dyn ObjectStore, prefix: &object_store::path::Path, name: &str) -> Vec<u8> {
    let path = object_store::path::Path::from(format!("{prefix}/{name}"));
    let found = store.get(&path).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    found.bytes().await.unwrap().to_vec()
}

fn tools() -> Option<PathBuf> {
    let tools = std::env::var_os("TAGWALL_EMULATORS").map(PathBuf::from);
    if tools.is_none() {
        skip("TAGWALL_EMULATORS is not set");
    }
    // Tests run in the folder of the package.
    tools.map(|tools| tools.canonicalize().expect("TAGWALL_EMULATORS names a folder"))
}

#[allow(clippy::print_stderr)] // a skipped test says so
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

fn place() -> Place {
    let place = Place::new();
    std::fs::write(place.path("tags.json"), sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    place
}

/// A place there that is missing leaves the own folder published, and the next run makes up for it.
fn missing(emulator: &Emulator) {
    let place = place();
    let url = format!("{}://missing/prod", emulator.scheme);
    let mut refresh = emulator.refresh(&place, "2026-07-21T00:00:00Z");
    let output = refresh.args(["--publish", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = format!("generation 1 is published here, but not there: {url}");
    assert!(stderr(&output).contains(&words), "{}", stderr(&output));
    assert_eq!(place.published().unwrap().number, 1);
    assert_eq!(emulator.published(), 1, "the other place has it all the same");
}

/// Of publishers at once each wins whole or not at all, and what is there afterwards is one of theirs, whole.
fn race(emulator: &Emulator) {
    let first = place();
    let output = emulator.refresh(&first, "2026-07-21T00:00:00Z").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rounds = scale("TAGWALL_PUBLISHERS", 3);
    let (mut won, mut late) = (0, 0);
    for round in 0..rounds {
        let places: Vec<Place> = (0..4).map(|_| first.copy()).collect();
        let times = (0..4).map(|n| format!("2026-07-22T0{}:0{n}:00Z", round % 10));
        let runs: Vec<_> =
            places.iter().zip(times).map(|(p, now)| emulator.refresh(p, &now).spawn().unwrap()).collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            match output.status.code() {
                Some(0) => won += 1,
                Some(1) => {
                    assert!(stderr(&output).contains("another publisher was faster"), "{}", stderr(&output));
                    late += 1;
                }
                other => panic!("{other:?}: {}", stderr(&output)),
            }
        }
        assert_eq!(emulator.published(), 2);
    }
    assert!(won >= rounds && late >= 1 && won + late == 4 * rounds, "{won} won, {late} were late");
}

/// A fleet written there is the same as one in a folder, file by file; what is there already is left, also by a run after
/// one that was killed, and a change is one.
fn batch(emulator: &Emulator) {
    let place = Place::new();
    fleet::fleet(&place, 6, None);
    let url = format!("{}://rules/fleet", emulator.scheme);
    let args = ["batch", "fleet.toml", "--snapshot", "sample", "-q", "--out"];
    let run = |out: &str| {
        let output = emulator.command(&place, &[&args[..], &[out]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    let killed = |after: u64| {
        let mut child = emulator.command(&place, &[&args[..], &[&url]].concat()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(after));
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let (store, prefix) = emulator.open("fleet");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let get = |name: &str| runtime.block_on(read(&*store, &prefix, name));
    let counts = || serde_json::from_slice::<Value>(&get("index.json")).unwrap()["counts"].clone();
    [40, 80, 160].into_iter().for_each(killed);
    run(&url);
    run("out");
    let mut files = 0;
    for (name, bytes) in fleet::tree(&place, "out") {
        let Some((environment, file)) = name.split_once('/') else { continue };
        let list: Value = serde_json::from_slice(&get(&format!("environments/{environment}.json"))).unwrap();
        assert_eq!(get(&format!("blobs/{}", list["files"][file].as_str().unwrap())), bytes, "{name}");
        files += 1;
    }
    assert!(files > 20, "{files}");
    run(&url);
    assert_eq!((&counts()["unchanged"], &counts()["failed"]), (&6.into(), &0.into()));
    let template = std::fs::read_to_string(place.path("spoke.toml")).unwrap();
    std::fs::write(place.path("spoke.toml"), template.replace("443", "8443")).unwrap();
    run(&url);
    assert_eq!(counts()["changed"], 6);
}

#[test]
fn azure_blob() {
    let Some(tools) = tools() else { return };
    batch(&azure(&tools));
    missing(&azure(&tools));
    race(&azure(&tools));
}

#[cfg(feature = "publish-s3")]
#[test]
fn s3_of_amazon() {
    let Some(tools) = tools() else { return };
    batch(&s3(&tools));
    missing(&s3(&tools));
    race(&s3(&tools));
}

#[cfg(feature = "publish-gcs")]
#[test]
fn google_cloud_storage() {
    let Some(tools) = tools() else { return };
    batch(&gcs(&tools));
    missing(&gcs(&tools));
    race(&gcs(&tools));
}
