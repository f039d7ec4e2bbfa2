//! What the fuzzers found, and what they began with, as plain tests: `fuzz/regressions/DOOR/*`, each run by the same code
//! as in the fuzz target.

use std::fs;
use std::path::Path;

// A library of its own for the fuzz targets.
#[allow(unreachable_pub)]
#[path = "../../fuzz/doors.rs"]
mod doors;

#[test]
fn what_was_found_at_any_door_is_found_no_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions");
    let mut seen = 0;
    for (door, run) in doors::DOORS {
        let Ok(folder) = fs::read_dir(root.join(door)) else { continue };
        for entry in folder {
            let path = entry.expect("the folder can be read").path();
            // Shown by the test harness only if the door does not hold.
            #[allow(clippy::print_stdout)]
            let () = println!("{}", path.display());
            run(&fs::read(&path).expect("a file"));
            seen += 1;
        }
    }
    assert!(seen > 0, "there are cases");
}

#[test]
fn every_door_has_its_target_and_every_folder_its_door() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| -> Vec<String> {
        let entries =
            fs::read_dir(fuzz.join(folder)).expect("a folder").map(|entry| entry.expect("an entry"));
        let mut names: Vec<String> = entries
            .map(|entry| entry.path().file_stem().expect("a name").to_str().expect("plain").to_owned())
            .collect();
        names.sort();
        names
    };
    let mut doors: Vec<String> = doors::DOORS.iter().map(|(door, _)| (*door).to_owned()).collect();
    doors.sort();
    assert_eq!(names("fuzz_targets"), doors);
    assert!(names("regressions").iter().all(|name| doors.contains(name)));
}

/// What the readers are given by the fuzzers can pass: else their last check would check nothing.
#[test]
fn the_files_of_the_exact_environment_pass_at_every_reader() {
    for (door, passes) in doors::exact_at_readers() {
        assert!(passes, "{door}");
    }
}

/// Some policies beside those that fuzzers think of.
#[test]
fn small_policies_are_made_and_proven_again() {
    let mut state = 1_u32;
    for _ in 0..24 {
        let bytes: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        doors::round(&bytes);
    }
}
