//! `tagwall serve --watch`: refreshes beside the answers, also on a disk that is full and gets room again.

#![cfg(all(feature = "serve", target_os = "linux"))]
#![allow(clippy::print_stderr)] // a skipped test says so

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::fake::Place;
use crate::serve::{LIST, Server, publish, week};

/// Waits until `holds`, for as long as a minute's schedule may need.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let found = (0..900).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        holds()
    });
    assert!(found, "{what}");
}

#[test]
fn a_server_refreshes_at_its_start_and_serves_what_it_made() {
    let place = Place::new();
    fs::write(place.path("tags.json"), week(None)).unwrap();
    let mut command = place.command(&["serve", "p.toml", "--listen", "127.0.0.1:0", "--poll", "1"]);
    command.args(["--site", "out", "--watch", "0 0 1 1 *", "--jitter", "0"]);
    let mut server = Server::of(command.env("TAGWALL_SOURCE", "tags.json"));
    until("the list is served", || server.get(LIST).status == 200);
    until("the environment too", || server.get("/v1/environments/gov/nsg.arm.json").status == 200);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(place.published().is_some());
}

#[test]
fn a_full_disk_keeps_what_is_served_and_is_left_behind_once_there_is_room() {
    let place = Place::new();
    publish(&place, &week(None));
    let more = "192.88.99.0/24";
    fs::write(place.path("tags.json"), week(Some(more))).unwrap();
    // A disk of its own that is as good as full, which only the server sees.
    let script = "mkdir disk && mount -t tmpfs -o size=16m tagwall disk && cp -a out store disk/ \
        && { dd if=/dev/zero of=disk/filler bs=4k count=100k 2> full || true; } && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    if !command.arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system lets nobody have disks of their own");
        return;
    }
    let own = place.command(&[]);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(own.get_program());
    command.args(["serve", "p.toml", "--listen", "127.0.0.1:0", "--poll", "1", "--site", "disk/out"]);
    command.args(["--store", "disk/store", "--watch", "* * * * *", "--jitter", "0"]);
    command.current_dir(place.path("")).env("TAGWALL_SOURCE", "tags.json").env_remove("TAGWALL_NOW");
    let server = Server::of(&mut command);
    server.wait_for("serving ");
    let before = server.get(LIST);
    assert!(before.status == 200 && !before.text().contains(more));
    until("the failed refresh is told", || server.get("/metrics").text().contains("outcome=\"failed\"} 1"));
    let kept = server.get(LIST);
    assert_eq!((kept.status, kept.body), (200, before.body));
    let disk = format!("/proc/{}/root{}", server.child.id(), place.path("disk").display());
    fs::remove_file(format!("{disk}/filler")).unwrap();
    until("the next refresh is served", || server.get(LIST).text().lines().any(|line| line == more));
    let left: Vec<_> =
        fs::read_dir(format!("{disk}/out")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("new-")), "{left:?}");
}
