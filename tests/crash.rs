//! What must hold however a run ends: killed at any moment, a disk that is full, two runs at once.
//!
//! At small scale in every test run; `TAGWALL_KILLS=1000 TAGWALL_PAIRS=200 cargo test --release --test crash` is the
//! same in full.

#![cfg(all(feature = "fetch", unix))]

mod fake;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake::{Place, scale, stderr};
use tagwall::tags::{Cloud, sample};

const ARGS: &[&str] = &["refresh", "p.toml", "--out", "out", "--source", "tags.json", "--keep", "3"];

/// Two weeks that differ in a tag that the policy uses.
fn weeks() -> [Vec<u8>; 2] {
    let first = sample::sample_json(Cloud::UsGov).unwrap();
    let mut file: serde_json::Value = serde_json::from_slice(&first).unwrap();
    let values = file["values"].as_array_mut().unwrap();
    let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
    storage["properties"]["addressPrefixes"].as_array_mut().unwrap().push("203.0.113.77/32".into());
    [first, file.to_string().into_bytes()]
}

/// No run of these is stopped by the rule against content that was there before: what counts here is the writing.
fn refresh(place: &Place) -> Command {
    let mut command = place.command(ARGS);
    command.args(["--accept", "older-content"]).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn publish_week(place: &Place, week: &[u8]) {
    // As a mirror would do it: the source itself is never half a file.
    let fresh = place.path("fresh.json");
    std::fs::write(&fresh, week).unwrap();
    std::fs::rename(fresh, place.path("tags.json")).unwrap();
}

/// Names that only a run under way may use.
fn leftovers(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".new-")).collect()
}

#[test]
fn killed_at_any_moment_a_whole_generation_is_published() {
    let weeks = weeks();
    let place = Place::new();
    publish_week(&place, &weeks[0]);
    let start = Instant::now();
    let first = refresh(&place).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let whole = start.elapsed().max(Duration::from_millis(20));
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let (mut killed, mut last) = (0, 1);
    for round in 0..scale("TAGWALL_KILLS", 25) {
        publish_week(&place, &weeks[(round + 1) % 2]);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = refresh(&place).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(1.1 * (random % 1000) as f64 / 1000.0));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let record = place.published().expect("a generation is published at every moment");
        assert!(record.number >= last, "{} after {last}", record.number);
        last = record.number;
        // Whatever the store lists can be read.
        let list = place.run(&["snapshots", "--format", "json"]);
        assert!(list.status.success() && !stderr(&list).contains("warning"), "{}", stderr(&list));
        let latest = place.run(&["expand", "Storage", "--cloud", "usgov"]);
        assert!(latest.status.success(), "{}", stderr(&latest));
    }
    let healed = refresh(&place).output().unwrap();
    assert_eq!(healed.status.code(), Some(0), "{}", stderr(&healed));
    place.published().unwrap();
    for folder in ["out", "out/.generations", "store/usgov/file"] {
        assert!(leftovers(&place.path(folder)).is_empty(), "{folder}: {:?}", leftovers(&place.path(folder)));
    }
    assert!(place.path("out/gov/manifest.json").exists(), "the standing links are there");
    assert!(killed > 0, "no run was killed while it ran");
}

#[test]
fn of_two_runs_at_once_each_is_whole() {
    let weeks = weeks();
    let place = Place::new();
    let (mut won, mut kept_out) = (0, 0);
    for round in 0..scale("TAGWALL_PAIRS", 8) {
        publish_week(&place, &weeks[round % 2]);
        let pair = [refresh(&place).spawn().unwrap(), refresh(&place).spawn().unwrap()];
        let mut done = 0;
        for child in pair {
            let output = child.wait_with_output().unwrap();
            match output.status.code() {
                Some(0) => done += 1,
                Some(1) => {
                    assert!(stderr(&output).contains("another run is at work"), "{}", stderr(&output));
                    kept_out += 1;
                }
                other => panic!("{other:?}: {}", stderr(&output)),
            }
        }
        assert!(done >= 1, "one of two runs does the work");
        won += done;
        place.published().expect("something is published");
    }
    assert!(won >= kept_out);
}

#[test]
fn a_dead_run_does_not_block() {
    let place = Place::new();
    publish_week(&place, &weeks()[0]);
    std::fs::create_dir_all(place.path("out")).unwrap();
    std::fs::write(place.path("out/.lock"), "left by a run that died").unwrap();
    std::fs::create_dir_all(place.path("store")).unwrap();
    std::fs::write(place.path("store/.lock"), "").unwrap();
    assert_eq!(refresh(&place).output().unwrap().status.code(), Some(0));
}

#[test]
fn what_cannot_be_written_leaves_everything_as_it_was() {
    let weeks = weeks();
    let base = Place::new();
    publish_week(&base, &weeks[0]);
    assert!(refresh(&base).output().unwrap().status.success());
    publish_week(&base, &weeks[1]);
    let (mut failed, mut done) = (0, 0);
    // The shell's limit of file sizes makes writing fail after so many KiB: at the snapshot, at a rule file, nowhere.
    for kib in [0, 1, 2, 4, 8, 16, 32, 64, 128, 1024] {
        let place = base.copy();
        let run = refresh(&place);
        let program = run.get_program().to_owned();
        let args: Vec<_> = run.get_args().map(ToOwned::to_owned).collect();
        // Bash counts in KiB, other shells in blocks of 512 bytes; either will do.
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        let mut limited = place.command(&[]);
        let envs: Vec<_> =
            limited.get_envs().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect();
        limited = Command::new("sh");
        limited.current_dir(place.folder.path()).envs(envs).args(["-c", &script]).arg(program).args(args);
        let output = limited.stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
        let record = place.published().expect("something is published");
        match output.status.code() {
            Some(0) => {
                done += 1;
                assert_eq!(record.number, 2);
            }
            Some(1) => {
                failed += 1;
                assert_eq!(record.number, 1, "{kib} KiB");
                assert!(leftovers(&place.path("out/.generations")).is_empty());
                let healed = refresh(&place).output().unwrap();
                assert_eq!(healed.status.code(), Some(0), "{}", stderr(&healed));
                assert_eq!(place.published().unwrap().number, 2);
            }
            other => panic!("{kib} KiB: {other:?}: {}", stderr(&output)),
        }
    }
    assert!(failed >= 3 && done >= 1, "{failed} failed, {done} done");
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let weeks = weeks();
    let disk = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
        .arg(disk.path())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        return skip("no file system can be mounted here");
    }
    let _unmount = Unmount(disk.path());
    let place = Place { folder: tempfile::tempdir_in(disk.path()).unwrap() };
    std::fs::write(place.path("p.toml"), fake::POLICY).unwrap();
    publish_week(&place, &weeks[0]);
    assert!(refresh(&place).output().unwrap().status.success());
    publish_week(&place, &weeks[1]);
    let mut codes = Vec::new();
    for free in (0..200).step_by(8) {
        fill(&place, free);
        let output = refresh(&place).output().unwrap();
        codes.push(output.status.code().unwrap());
        let record = place.published().expect("something is published");
        match codes.last() {
            Some(1) => assert_eq!(record.number, 1, "{free} KiB free"),
            Some(0) => break,
            other => panic!("{free} KiB free: {other:?}: {}", stderr(&output)),
        }
    }
    assert!(codes.len() > 1 && codes.last() == Some(&0), "{codes:?}");
}

/// Leaves about `free` KiB on the disk.
fn fill(place: &Place, free: u64) {
    let file = place.path("filler");
    let _ = std::fs::remove_file(&file);
    let available = || {
        let output =
            Command::new("df").args(["-k", "--output=avail"]).arg(place.folder.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().last().unwrap().trim().parse::<u64>().unwrap()
    };
    let size = available().saturating_sub(free) * 1024;
    std::fs::write(&file, vec![0_u8; size as usize]).unwrap();
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[allow(clippy::print_stderr)] // a skipped test says so
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn a_signal_to_stop_ends_a_watch_cleanly() {
    let place = Place::new();
    publish_week(&place, &weeks()[0]);
    let mut watch = refresh(&place);
    let child = watch.args(["--watch", "0 0 1 1 *", "--jitter", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while place.site().current().unwrap().is_none() {
        assert!(Instant::now() < limit, "the watch publishes at once");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let summary: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(summary["status"], "published");
    place.published().unwrap();
}
