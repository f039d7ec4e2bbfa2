//! Every example policy on the built-in sample, file by file against golden folders.
//!
//! `TAGWALL_BLESS=1 cargo test --test cases golden` takes new output over; read the difference before committing it.

use crate::support;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn examples_on_the_sample() {
    let mut policies = support::policies("examples/policies");
    // What fits a limit on the sample only with extra addresses is no example for real files.
    policies.extend(support::policies("tests/policies"));
    for (name, text) in policies {
        let made = support::generate_on_sample(&name, &text);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(&name);
        for file in &made.files {
            support::golden(&folder.join(&file.name), &file.bytes);
        }
        let there: BTreeSet<String> = fs::read_dir(&folder)
            .expect("the golden folder is there")
            .map(|entry| entry.expect("the folder can be read").file_name().to_string_lossy().into_owned())
            .collect();
        let made: BTreeSet<String> = made.files.iter().map(|f| f.name.clone()).collect();
        assert_eq!(there, made, "{name}: files of the golden folder");
    }
}

#[test]
fn the_same_again_is_the_same() {
    for (name, text) in support::policies("examples/policies") {
        let once = support::generate_on_sample(&name, &text);
        let again = support::generate_on_sample(&name, &text);
        assert_eq!(once.files, again.files, "{name}");
    }
}

#[test]
fn the_order_of_the_policy_plays_no_part() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies/by-hand.toml"))
            .unwrap();
    let (head, needs) = text.split_once("\n[[allow]]\n").expect("the policy has needs");
    let mut needs: Vec<&str> = needs.split("\n[[allow]]\n").collect();
    needs.reverse();
    let turned = format!("{head}\n[[allow]]\n{}", needs.join("\n[[allow]]\n"));
    assert_ne!(text, turned);
    let (a, b) = (support::generate_on_sample("a", &text), support::generate_on_sample("b", &turned));
    assert_eq!(a.files, b.files);
}
