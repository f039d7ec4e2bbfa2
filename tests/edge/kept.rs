//! What is kept from one run to the next: generations with what others put into them, what is known of the one before,
//! snapshots in the store. Nothing of it is lost, and damage is named.

#![cfg(all(feature = "fetch", unix))]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::folders::{assert_filled, fill, leftovers, pipe, place, policy, published, refreshed, run};
use crate::fake::{POLICY, Place};

#[test]
fn what_is_beside_the_rules_goes_from_generation_to_generation() {
    let place = place("\"terraform\", \"lists\"");
    published(&place, 0);
    let folder = place.path("out/gov");
    let inode = fill(&folder);
    fs::write(place.path("out/.generations/1/gov/.terraform.tfstate.lock.info"), "{}").unwrap();
    published(&place, 1);
    assert_filled(&folder, inode, "the next generation");
    assert!(!folder.join(".terraform.tfstate.lock.info").exists(), "a lock ends with who has it");
    fs::remove_file(place.path("out/.generations/1/gov/.terraform.tfstate.lock.info")).unwrap();
    // Somebody still works in the folder of the old generation, and somebody tidies up in the new one.
    fs::write(place.path("out/.generations/1/gov/late.tfvars"), "late").unwrap();
    fs::remove_dir(folder.join("empty")).unwrap();
    fs::remove_file(folder.join("terraform.tfvars")).unwrap();
    published(&place, 2);
    assert_eq!(fs::read_to_string(folder.join("late.tfvars")).unwrap(), "late");
    assert!(!folder.join("terraform.tfvars").exists(), "what was removed stays removed");
    fs::remove_file(folder.join("late.tfvars")).unwrap();
    // A state that was replaced, not written to, goes back as it is now.
    fs::write(place.path("new"), "newer state").unwrap();
    fs::rename(place.path("new"), folder.join("terraform.tfstate")).unwrap();
    let (code, said) = run(&place, &["rollback", "--out", "out"]);
    assert!(code == 0 && place.published().unwrap().number == 2, "{said}");
    assert_eq!(fs::read_to_string(folder.join("terraform.tfstate")).unwrap(), "newer state");
    for week in 3..7 {
        let (code, said) = refreshed(&place, week, &["--keep", "1"]);
        assert_eq!(code, 0, "{said}");
    }
    assert_eq!(fs::read_to_string(folder.join("terraform.tfstate")).unwrap(), "newer state");
    assert_eq!(fs::read_to_string(folder.join(".terraform/providers/plugin")).unwrap(), "a plugin");
    assert!(!folder.join("late.tfvars").exists(), "what was removed is not found again");
    assert_eq!(place.site().numbers().len(), 2);
    assert!(leftovers(&place.path("out/.generations")).is_empty());
}

#[test]
fn each_run_says_what_terraform_would_take_up_beside_the_rules() {
    let place = place("\"terraform\"");
    published(&place, 0);
    fs::write(place.path("out/gov/ours.auto.tfvars"), "location = \"elsewhere\"\n").unwrap();
    let words = "gov/ours.auto.tfvars: tagwall did not make it, and it sets location to ";
    for week in [0, 1] {
        let (code, said) = refreshed(&place, week, &[]);
        assert!(code == 0 && said.contains(words), "{said}");
    }
    let (code, said) = run(&place, &["rollback", "--out", "out"]);
    assert!(code == 0 && said.contains(words), "{said}");
    let (code, said) = run(&place, &["verify", "out"]);
    assert!(code == 4 && said.contains("gov/ours.auto.tfvars: it sets location"), "{said}");
}

#[test]
fn nothing_of_others_is_lost_with_an_old_generation() {
    let place = place("\"terraform\"");
    published(&place, 0);
    fs::write(place.path("out/gov/terraform.tfstate"), "first").unwrap();
    published(&place, 1);
    // Both are worked on apart from each other.
    fs::remove_file(place.path("out/.generations/1/gov/terraform.tfstate")).unwrap();
    fs::write(place.path("out/.generations/1/gov/plan.out"), "of the old one").unwrap();
    fs::write(place.path("out/gov/plan.out"), "of the new one").unwrap();
    published(&place, 2);
    let (code, said) = refreshed(&place, 3, &["--keep", "1"]);
    assert!(code == 0 && said.contains("gov/plan.out was only in generation 1"), "{said}");
    let kept = fs::read_to_string(place.path("out/.generations/kept-1/gov/plan.out")).unwrap();
    assert_eq!(kept, "of the old one");
    assert_eq!(fs::read_to_string(place.path("out/gov/plan.out")).unwrap(), "of the new one");
    assert!(!place.path("out/.generations/1").exists());
    // An environment that is not published any more leaves its state where it was.
    fs::write(place.path("p.toml"), POLICY.replace("\"gov\"", "\"other\"")).unwrap();
    let (code, said) = refreshed(&place, 4, &["--keep", "1"]);
    assert!(code == 0 && said.contains("what tagwall did not make stays there"), "{said}");
    assert_eq!(fs::read_to_string(place.path("out/gov/terraform.tfstate")).unwrap(), "first");
    assert_eq!(run(&place, &["verify", "out"]).0, 0);
}

#[test]
fn a_generation_never_takes_the_place_of_others_files() {
    let place = place("\"arm\"");
    published(&place, 0);
    fs::write(place.path("out/gov/main.tf"), "# mine").unwrap();
    policy(&place, "\"arm\", \"terraform\"");
    let (code, said) = refreshed(&place, 1, &[]);
    assert!(code == 2 && said.contains("gov/main.tf is in the way"), "{said}");
    assert_eq!(place.published().unwrap().number, 1);
    for (name, to) in [("out/current", "/etc"), ("out/gov", "/etc")] {
        let place = self::place("\"arm\"");
        fs::create_dir_all(place.path("out")).unwrap();
        symlink(to, place.path(name)).unwrap();
        let (code, said) = refreshed(&place, 1, &[]);
        assert!(code == 2 && said.contains("is in the way"), "{name}: {said}");
    }
}

#[test]
fn damage_to_what_a_generation_keeps_is_named_and_held_prefixes_are_not_lost() {
    let base = place("\"arm\"");
    fs::write(base.path("p.toml"), format!("refresh.hold-removed-days = 7\n{POLICY}")).unwrap();
    published(&base, 0);
    published(&base, 3);
    published(&base, 1);
    let has = |place: &Place| {
        fs::read_to_string(place.path("out/gov/nsg.arm.json")).unwrap().contains("203.0.113.4/32")
    };
    assert!(has(&base), "one is held");
    let damage = |place: &Place, name: &str| fs::write(place.path("out/current").join(name), "{").unwrap();

    let place = base.copy();
    damage(&place, ".state/held.json");
    let (code, said) = refreshed(&place, 4, &[]);
    assert!(code == 0 && said.contains(".state/held.json: was changed") && has(&place), "{said}");

    let place = base.copy();
    damage(&place, ".state/gov.json");
    let (code, said) = refreshed(&place, 1, &[]);
    assert!(code == 1 && said.contains(".state/gov.json: was changed") && has(&place), "{said}");
    assert!(said.contains("tagwall rollback --out out --to 2") && said.contains("--force"), "{said}");
    assert_eq!(refreshed(&place, 1, &["--force"]).0, 0);
    assert!(has(&place), "what was held already still is");

    let place = base.copy();
    damage(&place, "record.json");
    let (code, said) = refreshed(&place, 4, &[]);
    assert!(code == 1 && said.contains("generation 3 is damaged: record.json: "), "{said}");
    assert!(said.contains("tagwall rollback --out out --to 2"), "{said}");
    let (code, said) = run(&place, &["rollback", "--out", "out"]);
    assert_eq!(code, 0, "a damaged generation can be left: {said}");
    published(&place, 1);
    assert!(has(&place));

    let place = base.copy();
    assert_eq!(run(&place, &["rollback", "--out", "out"]).0, 0);
    fs::write(place.path("out/.generations/rolled-back"), "").unwrap();
    let (code, said) = refreshed(&place, 1, &[]);
    assert!(code == 1 && said.contains("rolled-back: is damaged"), "{said}");
}

#[test]
fn the_status_says_what_the_published_generation_holds_on_to() {
    let place = place("\"arm\"");
    fs::write(place.path("p.toml"), format!("refresh.hold-removed-days = 7\n{POLICY}")).unwrap();
    (0..2).for_each(|week| published(&place, 3 - 2 * week));
    let holds = || {
        let status = fs::read(place.path("out/status.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&status).unwrap()["held_prefixes"].as_u64().unwrap()
    };
    assert_eq!(holds(), 2);
    assert_eq!(run(&place, &["rollback", "--out", "out"]).0, 0);
    assert_eq!(holds(), 0);
    assert_eq!(run(&place, &["rollback", "--out", "out", "--to", "2"]).0, 0);
    assert_eq!(holds(), 2, "so does one that is published again");
    fs::write(place.path("tags.json"), "<html>").unwrap();
    assert_eq!(run(&place, &["refresh", "p.toml", "--out", "out", "--source", "tags.json"]).0, 5);
    assert_eq!(holds(), 2, "a run that fails lets go of nothing");
}

#[test]
fn what_was_rolled_back_twice_stays_away() {
    let place = place("\"arm\"");
    (0..3).for_each(|week| published(&place, week));
    assert_eq!(run(&place, &["rollback", "--out", "out"]).0, 0);
    assert_eq!(run(&place, &["rollback", "--out", "out"]).0, 0);
    let (_, said) = refreshed(&place, 2, &[]);
    assert!(said.contains("\"rolled-back\"") && place.published().unwrap().number == 1, "{said}");
}

/// A name in the store, and what is put there.
type Case = (&'static str, fn(&Place));

#[test]
fn a_store_holds_files_and_nothing_else_is_waited_for() {
    let base = place("\"arm\"");
    published(&base, 0);
    published(&base, 1);
    let file = |place: &Place, end: &str| {
        let digest = place.current_of_store().trim().to_owned();
        place.path(&format!("store/usgov/file/{digest}{end}"))
    };
    let cases: [Case; 3] = [
        ("current", |p| replace(&p.path("store/usgov/file/current"), pipe)),
        ("a.meta.json", |p| pipe(&p.path("store/usgov/file/a.meta.json"))),
        ("b.meta.json", |p| symlink("/etc/hostname", p.path("store/usgov/file/b.meta.json")).unwrap()),
    ];
    for (name, make) in cases {
        let place = base.copy();
        make(&place);
        let (code, said) = run(&place, &["snapshots"]);
        assert!(code == 0 && said.contains(&format!("file/{name}: is a ")), "{name}: {said}");
        assert_eq!(refreshed(&place, 2, &[]).0, 0, "{name}");
    }
    let place = base.copy();
    replace(&file(&place, ".json.zst"), pipe);
    let (code, said) = run(&place, &["expand", "Storage", "--cloud", "usgov"]);
    assert!(code == 0 && said.contains("is damaged: is a named pipe"), "{said}");
    let args = ["refresh", "p.toml", "--out", "out", "--no-fetch"];
    let (code, said) = run(&place, &args);
    assert!(code == 1 && said.contains("nothing is made from older data"), "{said}");

    // Data that is damaged is made up for by the same data.
    let place = base.copy();
    fs::write(file(&place, ".json.zst"), "damaged").unwrap();
    assert_eq!(run(&place, &["fetch", "--cloud", "usgov", "--source", "tags.json"]).0, 0);
    let (code, said) = run(&place, &["expand", "Storage", "--cloud", "usgov"]);
    assert!(code == 0 && !said.contains("damaged"), "{said}");

    // A folder of files is looked at as well.
    fs::create_dir(base.path("mirror")).unwrap();
    pipe(&base.path("mirror/ServiceTags_AzureGovernment_20260720.json"));
    let (code, said) = run(&base, &["fetch", "--cloud", "usgov", "--source", "mirror"]);
    assert!(code == 1 && said.contains("is a named pipe, not a file"), "{said}");
}

fn replace(path: &Path, make: fn(&Path)) {
    fs::remove_file(path).unwrap();
    make(path);
}
