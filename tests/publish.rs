//! Publishing to Azure Blob, against the emulator that Microsoft gives away (`npm install azurite`).
//!
//! `TAGWALL_AZURITE` names the folder with its `node_modules`. Without it the test says so and passes.

#![cfg(all(feature = "fetch", unix))]

mod fake;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fake::{Place, scale, stderr};
use tagwall::tags::{Cloud, sample};

struct Azurite {
    child: Child,
    base: String,
    _data: tempfile::TempDir,
}

impl Azurite {
    fn start(modules: &Path) -> Azurite {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new("node")
            .arg(modules.join("node_modules/.bin/azurite-blob"))
            .args([
                "--blobPort",
                "0",
                "--silent",
                "--skipApiVersionCheck",
                "--disableTelemetry",
                "--location",
            ])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs the emulator");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).find(|line| line.contains("successfully listens on"));
        let base = said.expect("it says where it listens").split_whitespace().last().unwrap().to_owned();
        Azurite { child, base, _data: data }
    }

    /// Nothing in tagwall makes containers, so the test does, with the account that every emulator has.
    fn make_container(&self, name: &str) {
        let script = r#"
import base64, email.utils, hashlib, hmac, sys, urllib.request
base, name = sys.argv[1:3]
account = "devstoreaccount1"
key = base64.b64decode("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==")
date = email.utils.formatdate(usegmt=True)
text = f"PUT\n\n\n\n\ntext/plain\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n/{account}/{account}/{name}\nrestype:container"
signed = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Type": "text/plain", "Authorization": f"SharedKey {account}:{signed}"}
urllib.request.urlopen(urllib.request.Request(f"{base}/{account}/{name}?restype=container", b"", headers, method="PUT"))
"#;
        let made = Command::new("python3").args(["-c", script, &self.base, name]).status().unwrap();
        assert!(made.success());
    }

    fn refresh(&self, place: &Place, now: &str) -> Command {
        let args = [
            "refresh",
            "p.toml",
            "--out",
            "out",
            "--source",
            "tags.json",
            "--force",
            "--publish",
            "az://rules/prod",
        ];
        let mut command = place.command(&args);
        command.env("AZURE_STORAGE_USE_EMULATOR", "true").env("AZURITE_BLOB_STORAGE_URL", &self.base);
        command.env("TAGWALL_NOW", now).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn azurite() -> Option<Azurite> {
    let Some(modules) = std::env::var_os("TAGWALL_AZURITE").map(PathBuf::from) else {
        skip("TAGWALL_AZURITE is not set");
        return None;
    };
    let azurite = Azurite::start(&modules);
    azurite.make_container("rules");
    Some(azurite)
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

#[test]
fn a_container_that_is_missing_leaves_the_own_folder_published() {
    let Some(azurite) = azurite() else { return };
    let place = place();
    let mut refresh = azurite.refresh(&place, "2026-07-21T00:00:00Z");
    let output = refresh.args(["--publish", "az://missing/prod"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("generation 1 is published here, but not there: az://missing/prod"));
    assert_eq!(place.published().unwrap().number, 1);
}

#[test]
fn of_many_publishers_each_wins_whole_or_not_at_all() {
    let Some(azurite) = azurite() else { return };
    let first = place();
    let output = azurite.refresh(&first, "2026-07-21T00:00:00Z").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (mut won, mut late) = (0, 0);
    for round in 0..scale("TAGWALL_PUBLISHERS", 3) {
        let places: Vec<Place> = (0..4).map(|_| first.copy()).collect();
        let times = (0..4).map(|n| format!("2026-07-22T0{}:0{n}:00Z", round % 10));
        let runs: Vec<_> =
            places.iter().zip(times).map(|(p, now)| azurite.refresh(p, &now).spawn().unwrap()).collect();
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
    }
    assert!(won >= 1 && won + late == 4 * scale("TAGWALL_PUBLISHERS", 3));
}
