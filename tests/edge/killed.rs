//! Runs of generate that are killed, that meet each other or that run out of room: the folder is whole after each.

#![cfg(all(feature = "fetch", unix))]

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::fake::{scale, stderr};
use crate::folders::{GENERATE, assert_filled, ended, fill, generated, leftovers, place, policy, run, tree};

#[test]
fn what_killed_runs_left_is_swept_and_what_they_moved_is_put_back() {
    let place = place("\"arm\"");
    generated(&place);
    let out = place.path("out");
    let inode = fill(&out.join("gov"));
    fs::create_dir_all(out.join(".tagwall-new-half/lists")).unwrap();
    fs::write(out.join(".tagwall-new-half/lists/x"), "x").unwrap();
    fs::create_dir(out.join(".new-ideas")).unwrap();
    generated(&place);
    assert!(!out.join(".tagwall-new-half").exists() && out.join(".new-ideas").exists());
    // Killed between two renames, on a file system that cannot exchange.
    fs::rename(out.join("gov"), out.join(".tagwall-old-abcdef")).unwrap();
    generated(&place);
    assert_filled(&out.join("gov"), inode, "put back");
    // Killed after the exchange, with a file that came too late to be taken along, and one that was changed twice.
    assert!(
        Command::new("cp")
            .args(["-a", "gov", ".tagwall-old-late"])
            .current_dir(&out)
            .status()
            .unwrap()
            .success()
    );
    fs::write(out.join(".tagwall-old-late/late.tfvars"), "late").unwrap();
    generated(&place);
    assert_eq!(fs::read_to_string(out.join("gov/late.tfvars")).unwrap(), "late");
    assert!(!out.join(".tagwall-old-late").exists());
    assert!(
        Command::new("cp")
            .args(["-a", "gov", ".tagwall-old-twice"])
            .current_dir(&out)
            .status()
            .unwrap()
            .success()
    );
    fs::write(out.join(".tagwall-old-twice/terraform.tfstate"), "another state").unwrap();
    let (code, said) = run(&place, GENERATE);
    assert!(code == 0 && said.contains("kept in out/.tagwall-kept-twice"), "{said}");
    assert_filled(&out.join("gov"), inode, "the one in place stays");
    assert_eq!(
        fs::read_to_string(out.join(".tagwall-kept-twice/terraform.tfstate")).unwrap(),
        "another state"
    );
    generated(&place);
    assert!(out.join(".tagwall-kept-twice").exists());
}

#[test]
fn a_generate_that_is_killed_at_any_moment_leaves_a_whole_folder() {
    let place = place("\"arm\"");
    let start = Instant::now();
    generated(&place);
    let whole = start.elapsed().max(Duration::from_millis(20));
    let inode = fill(&place.path("out/gov"));
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..scale("TAGWALL_KILLS", 12) {
        policy(&place, ["\"terraform\", \"lists\"", "\"arm\""][round % 2]);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut command = place.command(GENERATE);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Making takes most of the time; what counts here is the writing at its end.
        std::thread::sleep(whole.mul_f64(0.6 + 0.6 * (random % 1000) as f64 / 1000.0));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_filled(&place.path("out/gov"), inode, &format!("round {round}"));
        let (_, said) = run(&place, &["verify", "out/gov"]);
        assert!(!said.contains("is missing") && !said.contains("SHA-256"), "round {round}: {said}");
    }
    generated(&place);
    assert!(leftovers(&place.path("out")).is_empty(), "{:?}", leftovers(&place.path("out")));
}

#[test]
fn a_generate_that_is_killed_while_it_tidies_up_is_swept_up_after() {
    let can = Command::new("strace").args(["-e", "inject=fsync:error=EIO:when=9", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return crate::crash::skip("strace cannot trace here");
    }
    let place = place("\"arm\"");
    generated(&place);
    let inode = fill(&place.path("out/gov"));
    let mut killed = 0;
    // The old folder is removed file by file: after each of them, one without its manifest may be left.
    let removing = (1..=14).map(|when| ("unlinkat", when));
    let others = [("rename", 1), ("rename", 2), ("renameat2", 1), ("linkat", 2), ("fsync", 3)];
    for (round, (call, when)) in removing.chain(others).enumerate() {
        policy(&place, ["\"terraform\", \"lists\"", "\"arm\""][round % 2]);
        let inject = format!("inject={call}:signal=KILL:when={when}");
        let flags = ["-o", "/dev/null", "-e", &inject];
        killed +=
            usize::from(!crate::crash::traced(&place.command(GENERATE), &flags).status().unwrap().success());
        assert_filled(&place.path("out/gov"), inode, &inject);
        generated(&place);
        assert_filled(&place.path("out/gov"), inode, &inject);
        assert!(leftovers(&place.path("out")).is_empty(), "{inject}: {:?}", leftovers(&place.path("out")));
    }
    assert!(killed >= 10, "{killed}");
}

#[test]
fn generates_at_once_wait_for_each_other() {
    let place = place("\"arm\"");
    generated(&place);
    let inode = fill(&place.path("out/gov"));
    for round in 0..scale("TAGWALL_PAIRS", 6) {
        policy(&place, ["\"terraform\", \"lists\"", "\"arm\""][round % 2]);
        let start = || place.command(GENERATE).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        for child in [start(), start(), start()] {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
        assert_filled(&place.path("out/gov"), inode, &format!("round {round}"));
        assert!(leftovers(&place.path("out")).is_empty());
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_leaves_nothing() {
    let base = place("\"arm\", \"terraform\"");
    generated(&base);
    let inode = fill(&base.path("out/gov"));
    assert!(inode > 0);
    policy(&base, "\"arm\", \"lists\"");
    let mut failed = 0;
    for kib in [0, 1, 4, 16] {
        let place = base.copy();
        let before = tree(&place.path("out/gov"));
        let inner = place.command(GENERATE);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -f {kib}; exec \"$0\" \"$@\"")]).arg(inner.get_program());
        shell.args(inner.get_args()).current_dir(place.folder.path());
        shell.envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
        let output = ended(shell);
        // The signal itself would end the process without a word.
        if output.status.code() == Some(1) {
            failed += 1;
            assert!(stderr(&output).contains("too large"), "{kib}: {}", stderr(&output));
            assert_eq!(tree(&place.path("out/gov")), before, "{kib}");
        } else {
            assert_eq!(output.status.code(), Some(0), "{kib}: {:?} {}", output.status, stderr(&output));
        }
        assert!(leftovers(&place.path("out")).is_empty(), "{kib}");
    }
    assert!(failed >= 3, "{failed}");
}
