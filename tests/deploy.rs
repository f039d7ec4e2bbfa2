//! What lies in `deploy/` does what it says: units are checked by systemd, workflows are read, their script is run.

#![cfg(all(feature = "fetch", unix))]
#![allow(clippy::print_stderr)] // a skipped test says so

mod fake;

use std::path::Path;
use std::process::{Command, Output};

use fake::{Place, stderr};
use tagwall::tags::{Cloud, sample};

fn deploy() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
}

#[test]
fn systemd_accepts_the_units() {
    let units =
        ["tagwall-refresh.service", "tagwall-refresh.timer"].map(|name| deploy().join("systemd").join(name));
    let verify = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output();
    let Ok(output) = verify else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    let own: Vec<String> =
        text(&output).lines().filter(|line| line.contains("tagwall-refresh")).map(str::to_owned).collect();
    assert!(own.is_empty(), "{own:?}");
}

#[test]
fn the_workflows_are_yaml_with_the_parts_that_matter() {
    let script = r#"
import sys, yaml
root = sys.argv[1]
read = lambda name: list(yaml.safe_load_all(open(f"{root}/{name}")))
claim, job = read("kubernetes/cronjob.yaml")
spec = job["spec"]
assert job["apiVersion"] == "batch/v1" and spec["concurrencyPolicy"] == "Forbid"
pod = spec["jobTemplate"]["spec"]["template"]["spec"]
mounts = {m["name"] for m in pod["containers"][0]["volumeMounts"]}
assert mounts == {v["name"] for v in pod["volumes"]}
assert pod["volumes"][1]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
(github,) = read("github/tagwall-refresh.yml")
assert github["permissions"]["pull-requests"] == "write" and "schedule" in github[True]
(pipeline,) = read("azure-pipelines/tagwall-refresh.yml")
assert pipeline["schedules"][0]["always"] is True
for steps in (github["jobs"]["refresh"]["steps"], pipeline["steps"]):
    assert any("deploy/propose.sh" in (s.get("run") or s.get("script") or "") for s in steps)
"#;
    let has_yaml =
        Command::new("python3").args(["-c", "import yaml"]).output().is_ok_and(|o| o.status.success());
    if !has_yaml {
        eprintln!("skipped: there is no python3 with a reader for YAML");
        return;
    }
    let output = Command::new("python3").args(["-c", script]).arg(deploy()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

/// A clone of a repository with a policy, where the script proposes.
struct Clone {
    place: Place,
}

impl Clone {
    fn new() -> Clone {
        let clone = Clone { place: Place::new() };
        clone.shell("git init --quiet --bare origin.git && git init --quiet --initial-branch main repo");
        clone.shell(
            "mkdir repo/policies && mv p.toml repo/policies/gov.toml && cd repo && echo .tagwall > .gitignore && \
             git config user.name t && git config user.email t@localhost && git remote add origin ../origin.git && \
             git add . && git commit --quiet -m start && git push --quiet origin main",
        );
        clone
    }

    fn shell(&self, script: &str) -> String {
        let output =
            Command::new("sh").args(["-c", script]).current_dir(self.place.folder.path()).output().unwrap();
        assert!(output.status.success(), "{script}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn publish(&self, week: &[u8]) {
        std::fs::write(self.place.path("tags.json"), week).unwrap();
    }

    fn propose(&self) -> Output {
        let request =
            "#!/bin/sh\nprintf '%s\\n%s\\n' \"$BRANCH\" \"$1\" > ../asked; cat \"$2\" >> ../asked\n";
        std::fs::write(self.place.path("request.sh"), request).unwrap();
        let mut command = Command::new("sh");
        command.arg(deploy().join("propose.sh")).arg("policies/gov.toml");
        command.current_dir(self.place.path("repo"));
        command.env("TAGWALL", env!("CARGO_BIN_EXE_tagwall")).env("TAGWALL_SOURCE", "../tags.json");
        command.env("TAGWALL_STORE", ".tagwall/snapshots").env("OPEN_REQUEST", "sh ../request.sh");
        command.output().unwrap()
    }
}

#[test]
fn the_script_proposes_changes_and_nothing_else() {
    let clone = Clone::new();
    let week = sample::sample_json(Cloud::UsGov).unwrap();
    clone.publish(&week);
    let first = clone.propose();
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    let asked = std::fs::read_to_string(clone.place.path("asked")).unwrap();
    assert!(asked.starts_with("tagwall/refresh\n") && asked.contains("First generation"), "{asked}");
    clone.shell("cd repo && git merge --quiet tagwall/refresh && git push --quiet origin main");
    std::fs::remove_file(clone.place.path("asked")).unwrap();

    let same = clone.propose();
    assert!(same.status.success() && text(&same).contains("nothing to propose"), "{}", text(&same));

    let mut file: serde_json::Value = serde_json::from_slice(&week).unwrap();
    let values = file["values"].as_array_mut().unwrap();
    let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
    storage["properties"]["addressPrefixes"].as_array_mut().unwrap().push("203.0.113.77/32".into());
    clone.publish(file.to_string().as_bytes());
    let changed = clone.propose();
    assert_eq!(changed.status.code(), Some(0), "{}", text(&changed));
    let asked = std::fs::read_to_string(clone.place.path("asked")).unwrap();
    assert!(asked.contains("203.0.113.77/32") && asked.contains("because Storage changed"), "{asked}");
    let rules = clone.shell("git --git-dir origin.git show tagwall/refresh:rules/gov/nsg.arm.json");
    assert!(rules.contains("203.0.113.77/32"));
    assert_eq!(
        clone.shell("cd repo && git status --short && git rev-parse --abbrev-ref HEAD").trim(),
        "main"
    );

    clone.publish(b"<html><title>Busy</title></html>");
    let refused = clone.propose();
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused));
}
