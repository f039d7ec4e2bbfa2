//! What must hold however a run ends: killed at any moment, a disk that is full, two runs at once.
//!
//! At small scale in every test run; `just reliability` is the same in full.

#![cfg(all(feature = "fetch", unix))]

use crate::fake;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::fake::{Place, scale, stderr};
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
    names.filter(|name| name.starts_with(".new-") || name.starts_with(".tagwall-")).collect()
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
    let wanted = scale("TAGWALL_KILLS", 25);
    // A run that was over before its moment came counts for nothing.
    for round in 0..20 * wanted {
        if killed == wanted {
            break;
        }
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
    assert_eq!(killed, wanted, "runs that were killed while they ran");
    say(&format!("{killed} runs were killed while they ran; generation {last} at the end"));
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
    say(&format!("of pairs at once {won} runs did the work, {kept_out} were kept out"));
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

/// A call of the system by which a run writes: its name, how many of the name came before it and itself, and the error
/// that it is made to give.
type Write = (String, usize, &'static str);

/// The calls by which a refresh of `place` writes, in order.
fn writes(place: &Place) -> Vec<Write> {
    let calls =
        "trace=openat,write,fsync,rename,renameat,renameat2,mkdir,symlink,symlinkat,unlink,chmod,fchmod";
    let output = traced(&refresh(place), &["-o", "trace", "-e", calls]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let trace = std::fs::read_to_string(place.path("trace")).unwrap();
    let (mut writes, mut counts) = (Vec::new(), std::collections::BTreeMap::new());
    for line in trace.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let count = counts.entry(name.to_owned()).and_modify(|n| *n += 1).or_insert(1);
        let error = match name {
            "write" | "openat" | "mkdir" => "ENOSPC",
            "fsync" => "EIO",
            _ => "EROFS",
        };
        // Reading is no writing, and what goes to the terminal is not kept.
        let reads = name == "openat" && !rest.contains("O_CREAT") && !rest.contains("O_WRONLY");
        let talks = name == "write" && (rest.starts_with("1,") || rest.starts_with("2,"));
        if !reads && !talks && name.chars().all(|c| c.is_ascii_alphanumeric()) {
            writes.push((name.to_owned(), *count, error));
        }
    }
    writes
}

/// The same run under a tracer, which can make calls of the system fail.
pub(crate) fn traced(run: &Command, flags: &[&str]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-qq"]).args(flags).arg(run.get_program()).args(run.get_args());
    traced
        .envs(run.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .current_dir(run.get_current_dir().unwrap());
    traced.stdout(Stdio::null()).stderr(Stdio::piped());
    traced
}

#[test]
fn every_write_that_fails_leaves_a_whole_generation() {
    let can = Command::new("strace").args(["-e", "inject=fsync:error=EIO:when=9", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return skip("strace cannot trace here");
    }
    let weeks = weeks();
    let base = Place::new();
    publish_week(&base, &weeks[0]);
    assert!(refresh(&base).output().unwrap().status.success());
    publish_week(&base, &weeks[1]);
    let writes = writes(&base.copy());
    assert!(writes.len() > 40, "{writes:?}");
    let wanted = scale("TAGWALL_WRITES", 16).clamp(1, writes.len());
    let (mut tried, mut failed) = (0, 0);
    for (name, count, error) in writes.iter().step_by(writes.len().div_ceil(wanted)) {
        let place = base.copy();
        let inject = format!("inject={name}:error={error}:when={count}");
        let output = traced(&refresh(&place), &["-o", "/dev/null", "-e", &inject]).output().unwrap();
        let record = place.published().expect("something is published");
        tried += 1;
        match output.status.code() {
            // What can be done without, such as tidying up, is.
            Some(0) => assert_eq!(record.number, 2, "{inject}"),
            Some(1) => {
                failed += 1;
                assert!(!stderr(&output).is_empty(), "{inject}");
            }
            other => panic!("{inject}: {other:?}: {}", stderr(&output)),
        }
        let healed = refresh(&place).output().unwrap();
        assert_eq!(healed.status.code(), Some(0), "{inject}: {}", stderr(&healed));
        // One that was whole, but not linked to yet, keeps its number.
        assert!([2, 3].contains(&place.published().unwrap().number), "{inject}");
        for folder in ["out", "out/.generations", "store/usgov/file"] {
            assert!(
                leftovers(&place.path(folder)).is_empty(),
                "{inject}: {:?}",
                leftovers(&place.path(folder))
            );
        }
    }
    assert!(failed * 2 > tried, "{failed} of {tried} failed");
    say(&format!("{tried} of {} writes were made to fail, {failed} ended the run", writes.len()));
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
pub(crate) fn fill(place: &Place, free: u64) {
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

pub(crate) fn skip(why: &str) {
    say(&format!("skipped: {why}"));
}

#[allow(clippy::print_stderr)] // counts, and that a test was skipped, are for whoever runs it
fn say(text: &str) {
    eprintln!("{text}");
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
