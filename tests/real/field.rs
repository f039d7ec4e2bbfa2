//! Situations that people met, each with a judge of its own beside it in the shared folder: all of them hold.

use std::process::Command;

use crate::support;

const COMMAND: &str = env!("CARGO_BIN_EXE_tagwall");

/// The lines of a judge that are no success, and how many are one.
fn judged(command: &mut Command, success: &str) -> (Vec<String>, usize) {
    let output = command.output().expect("the judge runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (good, bad): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.contains(success));
    let mut bad: Vec<String> = bad.into_iter().map(str::to_owned).collect();
    if !output.status.success() && bad.is_empty() {
        bad.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    (bad, good.len())
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn rules_for_azure() {
    let Some(shared) = support::shared("field") else { return };
    let mut judge = Command::new("python3");
    judge.arg(shared.join("field/azure/judge.py")).args(["--tagwall", COMMAND, "--data"]);
    judge.arg(shared.join("data/service-tags")).env("PYTHONDONTWRITEBYTECODE", "1");
    let (bad, good) = judged(&mut judge, " pass");
    assert_eq!(bad, Vec::<String>::new());
    assert!(good >= 38, "{good} judged");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn lists_and_downloads() {
    let Some(shared) = support::shared("field") else { return };
    let mut judge = Command::new("bash");
    judge.arg(shared.join("field/lists/run.sh")).arg(COMMAND);
    let (bad, good) = judged(&mut judge, "PASS ");
    assert_eq!(bad, Vec::<String>::new());
    assert!(good >= 20, "{good} judged");
}
