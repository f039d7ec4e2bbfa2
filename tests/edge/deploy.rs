//! What lies in `deploy/` does what it says: units are checked by systemd, workflows are read, their script is run.

#![cfg(all(feature = "fetch", unix))]
#![allow(clippy::print_stderr)] // a skipped test says so

use std::path::Path;
use std::process::{Command, Output};

use crate::fake::{Place, stderr};
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

/// The step of a workflow that proposes, as it stands there: an indented block after `key: |`.
fn step_of(file: &str, key: &str) -> String {
    let text = std::fs::read_to_string(deploy().join(file)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let start =
        lines.iter().position(|line| line.trim_start().trim_start_matches("- ") == format!("{key}: |"));
    let start = start.unwrap_or_else(|| panic!("{file} has a block {key}"));
    let depth = |line: &str| line.len() - line.trim_start().len();
    let inner = depth(lines[start + 1]);
    let block = lines[start + 1..].iter().take_while(|line| line.trim().is_empty() || depth(line) >= inner);
    let block: Vec<&str> = block.map(|line| line.get(inner..).unwrap_or_default()).collect();
    assert!(block.iter().any(|line| line.contains("deploy/propose.sh")), "{block:?}");
    block.join("\n")
}

/// The settings that the step has beside it, but those that the service fills in.
fn settings_of(file: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(deploy().join(file)).unwrap();
    let pair = |line: &str| line.trim().split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned()));
    text.lines().filter_map(pair).filter(|(n, _)| n.starts_with("TAGWALL_") || n == "OPEN_REQUEST").collect()
}

/// Runs a workflow's own script in a clone that has the files of `deploy/`, with an imitation `tool` of the service's
/// command that writes down how it was called, and remembers that a request is open.
fn run_workflow(file: &str, key: &str, tool: &str, imitation: &str) -> String {
    let clone = Clone::new();
    let copy = format!(
        "cp -R {} repo/deploy && cd repo && git add . && git commit --quiet -m deploy",
        deploy().display()
    );
    clone.shell(&format!("{copy} && git push --quiet origin main && mkdir ../bin"));
    let tool = clone.place.path("bin").join(tool);
    std::fs::write(&tool, imitation).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tagwall"), clone.place.path("bin/tagwall")).unwrap();
    clone.shell(&format!("chmod +x {}", tool.display()));
    let step = step_of(file, key).replace("$(Build.SourceBranchName)", "main");
    let week = sample::sample_json(Cloud::UsGov).unwrap();
    for extra in ["203.0.113.77/32", "203.0.113.78/32"] {
        let mut data: serde_json::Value = serde_json::from_slice(&week).unwrap();
        let values = data["values"].as_array_mut().unwrap();
        let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
        storage["properties"]["addressPrefixes"].as_array_mut().unwrap().push(extra.into());
        clone.publish(data.to_string().as_bytes());
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command.args(["-e", "-c", &step]).current_dir(clone.place.path("repo")).envs(settings_of(file));
        command.env("PATH", format!("{}:{path}", clone.place.path("bin").display()));
        command.env("TAGWALL_SOURCE", "../tags.json").env("CALLS", clone.place.path("calls"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let rules = clone.shell("git --git-dir origin.git show tagwall/refresh:rules/gov/nsg.arm.json");
        assert!(rules.contains(extra));
        let there = clone.shell("git --git-dir origin.git ls-tree -r --name-only tagwall/refresh");
        assert!(!there.contains("record.json") && !there.contains(".tagwall"), "{there}");
    }
    std::fs::read_to_string(clone.place.path("calls")).unwrap()
}

#[test]
fn the_workflow_of_github_opens_a_pull_request_and_renews_it() {
    let imitation = r#"#!/bin/sh
echo "$*" >> "$CALLS"
case "$1 $2" in
    "pr view") test -e "$CALLS.open" && echo OPEN ;;
    "pr create") touch "$CALLS.open"; cat "${10}" >> "$CALLS" ;;
    "pr edit") cat "$7" >> "$CALLS" ;;
    *) exit 9 ;;
esac
"#;
    let calls = run_workflow("github/tagwall-refresh.yml", "run", "gh", imitation);
    let (created, edited) = calls.split_once("pr edit tagwall/refresh --title ").expect("it is renewed");
    assert!(
        created.contains("pr create --base main --head tagwall/refresh --title Firewall rules after"),
        "{calls}"
    );
    assert!(created.contains("First generation") && edited.contains("203.0.113.78/32"), "{calls}");
}

#[test]
fn the_pipeline_of_azure_opens_a_pull_request_and_renews_it() {
    let imitation = r#"#!/bin/sh
echo "$*" >> "$CALLS"
case "$3" in
    list) test ! -e "$CALLS.open" || echo 17 ;;
    create) touch "$CALLS.open" ;;
    update) ;;
    *) exit 9 ;;
esac
"#;
    let calls = run_workflow("azure-pipelines/tagwall-refresh.yml", "script", "az", imitation);
    let (created, updated) = calls.split_once("repos pr update --id 17 --title ").expect("it is renewed");
    assert!(
        created.contains("repos pr create --source-branch tagwall/refresh --target-branch main --title"),
        "{calls}"
    );
    assert!(created.contains("First generation") && updated.contains("203.0.113.78/32"), "{calls}");
}
