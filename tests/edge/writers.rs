//! Every command that publishes, against every fault of the place that it writes to: what was published is whole and
//! what it was, nothing outside is touched, nothing is waited for, and the next run heals what the fault left.
//!
//! `TAGWALL_FAULTS` is how many sizes of files and of disks are tried, between nothing and enough.

#![cfg(all(feature = "fetch", unix))]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fake::{Place, scale, stderr};
use crate::folders::{ended, leftovers, pipe, policy, tree, write_week};

/// A command that publishes, and the folder that it publishes in.
#[derive(Clone, Copy)]
struct Writer {
    args: &'static [&'static str],
    out: &'static str,
    /// What others see of it, below that folder.
    seen: &'static str,
}

const FETCH: Writer = Writer {
    args: &["fetch", "--cloud", "usgov", "--source", "tags.json", "--accept", "older-content"],
    out: "store",
    seen: "usgov/file",
};

/// What a run is started by, so that it meets a fault.
type Wrapped<'a> = &'a dyn Fn(&Place, Command) -> Command;

/// Puts something in the place of a folder.
type Make<'a> = &'a dyn Fn(&Path);

impl Writer {
    /// A place where the first week is published and the second is to come.
    fn begun(self) -> Place {
        let place = Place::new();
        policy(&place, "\"arm\", \"terraform\", \"lists\"");
        write_week(&place, 0);
        self.healthy(&place);
        write_week(&place, 1);
        self.stocked(&place);
        place
    }

    /// The pages are made of what the store has.
    fn stocked(self, place: &Place) {
        if self.args[0] == "site" {
            let output = ended(place.command(FETCH.args));
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
    }

    fn healthy(self, place: &Place) {
        self.stocked(place);
        let output = ended(place.command(self.args));
        assert_eq!(output.status.code(), Some(0), "{:?}: {}", self.args, stderr(&output));
    }

    /// What others see, but for files that say which run it was.
    fn seen(self, place: &Place) -> BTreeMap<String, String> {
        let root = place.path(self.out).join(self.seen).join("");
        let mut seen = if root.is_dir() { tree(&root) } else { BTreeMap::new() };
        let runs = ["index.json", "summary.md", "record.json"];
        seen.retain(|name, _| !name.starts_with('.') && !runs.contains(&name.as_str()));
        if self.args[0] == "fetch" {
            // A file that nothing leads to yet is not published.
            seen.retain(|name, _| name == "current");
        }
        seen
    }

    /// Runs into a fault, which `undo` ends, and holds what came of it against what was there before.
    fn faulty(self, place: &Place, fault: &str, (wrap, undo): (Wrapped<'_>, &dyn Fn(&Place))) {
        let what = format!("{}, {fault}", self.args[0]);
        let before = self.seen(place);
        let output = ended(wrap(place, place.command(self.args)));
        undo(place);
        self.judged(&what, &output);
        match output.status.code() {
            Some(0) => assert!(self.seen(place) != before, "{what}: nothing came of it"),
            _ => assert!(self.seen(place) == before, "{what}: {}", stderr(&output)),
        }
        self.healthy(place);
        assert!(self.seen(place) != before, "{what}: the next run publishes");
        let left = [self.out, "out/.generations", "store/usgov/file"].map(|folder| place.path(folder));
        let left: Vec<_> =
            left.iter().filter(|path| path.is_dir()).flat_map(|path| leftovers(path)).collect();
        assert!(left.is_empty(), "{what}: {left:?}");
    }

    fn judged(self, what: &str, output: &Output) {
        let said = stderr(output);
        assert!(output.status.code().is_some_and(|code| [0, 1, 2].contains(&code)), "{what}: {output:?}");
        assert!(
            !said.contains("panicked") && (output.status.success() || !said.is_empty()),
            "{what}: {said}"
        );
    }

    /// Everything that can be wrong with the place.
    fn holds(self) {
        let base = self.begun();
        let nothing = |_: &Place| {};
        for kib in sizes(64) {
            // Bash counts in KiB, other shells in blocks of 512 bytes; either will do.
            let limit = format!("ulimit -f {kib}; exec \"$0\" \"$@\"");
            let wrap = |_: &Place, run: Command| through(&run, &["sh", "-c", &limit]);
            self.faulty(&base.copy(), &format!("files up to {kib} KiB"), (&wrap, &nothing));
        }
        if let Some(as_nobody) = nobody() {
            let place = base.copy();
            let open = Command::new("chmod").args(["-R", "a+rX"]).arg(place.folder.path()).status();
            assert!(open.unwrap().success());
            let wrap = |_: &Place, run: Command| through(&run, as_nobody);
            self.faulty(&place, "no leave to write", (&wrap, &nothing));
        }
        self.on_disks(&base);
        self.at_odd_places(&base);
        self.among_odd_files(&base);
    }

    /// A disk that is read-only or full.
    fn on_disks(self, base: &Place) {
        let Some(disk) = Disk::mount() else {
            return crate::crash::skip("no file system can be mounted here");
        };
        for free in [None].into_iter().chain(sizes(160).map(Some)) {
            let place = Place { folder: tempfile::tempdir_in(disk.0.path()).unwrap() };
            let from = format!("{}/.", base.folder.path().display());
            assert!(
                Command::new("cp").args(["-a", &from]).arg(place.folder.path()).status().unwrap().success()
            );
            let (filler, root) = (place.path("filler"), disk.0.path());
            match free {
                Some(free) => {
                    crate::crash::fill(&place, free);
                    let undo = |_: &Place| fs::remove_file(&filler).unwrap();
                    self.faulty(&place, &format!("{free} KiB free"), (&|_, run| run, &undo));
                }
                None => {
                    remount(root, "ro");
                    self.faulty(&place, "read-only", (&|_, run| run, &|_| remount(root, "rw")));
                }
            }
        }
    }

    /// What has the folder's name is no folder, leads elsewhere, or has no parents.
    fn at_odd_places(self, base: &Place) {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("theirs"), "theirs").unwrap();
        let to = |path: PathBuf| move |at: &Path| symlink(&path, at).unwrap();
        let (dangling, outside) = (to("/nowhere/at/all".into()), to(elsewhere.path().to_owned()));
        let cases: [(&str, Make<'_>); 4] = [
            ("a pipe", &|at| pipe(at)),
            ("a file", &|at| fs::write(at, "mine").unwrap()),
            ("a link to nothing", &dangling),
            ("a link to a folder", &outside),
        ];
        for (kind, make) in cases {
            let (place, what) = (base.copy(), format!("{}, {kind}", self.args[0]));
            let at = place.path(self.out);
            fs::rename(&at, place.path("away")).unwrap();
            make(&at);
            let before = fs::symlink_metadata(&at).unwrap().file_type();
            self.judged(&what, &ended(place.command(self.args)));
            assert_eq!(fs::symlink_metadata(&at).unwrap().file_type(), before, "{what}");
            if kind == "a file" {
                assert_eq!(fs::read_to_string(&at).unwrap(), "mine", "{what}");
            }
            assert_eq!(fs::read_to_string(elsewhere.path().join("theirs")).unwrap(), "theirs", "{what}");
        }
        let place = base.copy();
        fs::remove_dir_all(place.path(self.out)).unwrap();
        let mut args = self.args.to_vec();
        if let Some(at) = args.iter().position(|arg| *arg == self.out) {
            args[at] = "no/such/folder";
        }
        let mut run = place.command(&args);
        run.env("TAGWALL_STORE", "no/such/store").args(self.stored());
        let output = ended(run);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        assert!(place.path("no/such").is_dir());
    }

    /// Where a site's pages come from, when the variable says something else.
    fn stored(self) -> &'static [&'static str] {
        if self.args[0] == "site" { &["--store", "store"] } else { &[] }
    }

    /// One of the published files is a pipe, or a link to a file of others.
    fn among_odd_files(self, base: &Place) {
        let files: Vec<String> = tree(&base.path(self.out))
            .into_iter()
            .filter(|(_, kind)| kind.starts_with("file "))
            .map(|(name, _)| name)
            .collect();
        for name in files.iter().step_by(files.len().div_ceil(3)) {
            for odd in ["a pipe", "a link"] {
                let (place, what) = (base.copy(), format!("{}, {name} is {odd}", self.args[0]));
                let (at, theirs) = (place.path(self.out).join(name), place.path("theirs"));
                fs::write(&theirs, "theirs").unwrap();
                fs::remove_file(&at).unwrap();
                if odd == "a pipe" {
                    pipe(&at)
                } else {
                    symlink(&theirs, &at).unwrap()
                }
                self.judged(&what, &ended(place.command(self.args)));
                assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs", "{what}");
            }
        }
    }
}

/// Some sizes from nothing up to `enough` KiB.
fn sizes(enough: usize) -> impl Iterator<Item = u64> {
    let count = scale("TAGWALL_FAULTS", 3);
    (0..count).map(move |at| (enough * at * at / ((count - 1).max(1) * (count - 1).max(1))) as u64)
}

/// The same run, started by another program.
fn through(run: &Command, program: &[&str]) -> Command {
    let mut through = Command::new(program[0]);
    through.args(&program[1..]).arg(run.get_program()).args(run.get_args());
    through
        .envs(run.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .current_dir(run.get_current_dir().unwrap());
    through
}

/// How a run gets the rights of a user who owns nothing; `None` where that cannot be done.
fn nobody() -> Option<&'static [&'static str]> {
    const AS_NOBODY: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let can = Command::new(AS_NOBODY[0]).args(&AS_NOBODY[1..]).arg("true").output();
    can.is_ok_and(|output| output.status.success()).then_some(AS_NOBODY)
}

/// A file system of its own.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Option<Disk> {
        let disk = Disk(tempfile::tempdir().unwrap());
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(disk.0.path())
            .output();
        mount.is_ok_and(|output| output.status.success()).then_some(disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

fn remount(root: &Path, how: &str) {
    let options = format!("remount,{how}");
    assert!(Command::new("mount").args(["-o", &options]).arg(root).status().unwrap().success());
}

#[test]
fn generate_meets_every_fault() {
    let args = &["generate", "p.toml", "--snapshot", "tags.json", "--out", "out"];
    Writer { args, out: "out", seen: "gov" }.holds();
}

#[test]
fn refresh_meets_every_fault() {
    let args = &["refresh", "p.toml", "--out", "out", "--source", "tags.json", "--accept", "older-content"];
    Writer { args, out: "out", seen: "current" }.holds();
}

#[test]
fn fetch_meets_every_fault() {
    FETCH.holds();
}

#[test]
fn batch_meets_every_fault() {
    let args = &["batch", "p.toml", "--snapshot", "tags.json", "--out", "out"];
    Writer { args, out: "out", seen: "" }.holds();
}

#[test]
fn site_meets_every_fault() {
    Writer { args: &["site", "--out", "out"], out: "out", seen: "current" }.holds();
}
