//! The house: a room imports only rooms on floors below it, and no files import each other in a circle.
//!
//! The arrows are read from the code itself: `use` declarations and paths in expressions, types and macros, followed
//! through re-exports to the file that defines the name.

mod imports;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use imports::{Arrow, Sources};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

/// The rooms from the ground up. Rooms of one floor do not import each other.
const FLOORS: &[&[&str]] = &[
    &["redact", "text"],
    &["addr"],
    &["limits", "packet", "subnet", "target"],
    &["tags", "read"],
    &["catalog", "plan", "rules"],
    &["emit", "policy", "replay", "store"],
    &["analyse", "lower", "verify"],
    &["report", "error"],
    &["pipeline"],
    &["environment"],
    &["site"],
    &["feed"],
    &["serve"],
    &["cli"],
    &["main"],
];

fn sources() -> Sources {
    Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// Arrows that do not run down the floors.
fn upward(arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    let fault = |arrow: &Arrow| {
        let (from, to) = (arrow.upper(), arrow.lower());
        if from == to || from == "lib" {
            return None;
        }
        match (floor(from), floor(to)) {
            (Some(high), Some(low)) if low < high => None,
            (Some(_), Some(_)) => Some(format!("{arrow}: does not run down")),
            (None, _) => Some(format!("{arrow}: {from} stands on no floor")),
            (_, None) => Some(format!("{arrow}: {to} stands on no floor")),
        }
    };
    arrows.iter().filter_map(fault).collect()
}

/// Files that import each other in a circle, each circle with its arrows.
fn circles(arrows: &BTreeSet<Arrow>) -> Vec<Vec<String>> {
    let mut graph: DiGraphMap<&str, ()> = DiGraphMap::new();
    for arrow in arrows {
        graph.add_edge(&arrow.from, &arrow.to, ());
    }
    let mut found: Vec<Vec<String>> = Vec::new();
    for component in tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1) {
        let inside = |file: &String| component.contains(&file.as_str());
        found.push(
            arrows.iter().filter(|a| inside(&a.from) && inside(&a.to)).map(ToString::to_string).collect(),
        );
    }
    found.sort();
    found
}

#[test]
fn imports_run_down_the_floors() {
    let upward = upward(&sources().arrows());
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = circles(&sources().arrows());
    let text: Vec<String> = circles.iter().map(|arrows| arrows.join("\n")).collect();
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), text.join("\n\n"));
}

#[test]
fn every_room_stands_on_a_floor_and_every_floor_has_its_rooms() {
    let rooms: BTreeSet<String> = sources().rooms().filter(|room| room != "lib").collect();
    let floors: BTreeSet<String> = FLOORS.iter().flat_map(|f| f.iter().map(|r| (*r).to_owned())).collect();
    assert_eq!(rooms, floors);
}

/// The test itself: planted faults of every way to name a file are found, and what is no fault is not.
#[test]
fn planted_circles_and_upward_imports_are_found() {
    let plant = |files: &[(&str, &str)]| {
        let files: BTreeMap<String, String> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Sources::new(&files).arrows()
    };
    let lib = ("lib.rs", "mod addr; mod tags;");
    let ground = ("addr/mod.rs", "mod a; mod b; pub use a::One; pub use b::Two;");
    let two = "use super::One; pub struct Two(One);";
    let circular = [
        "use super::Two; pub struct One(Two);",
        "use crate::addr::{b::Two}; pub struct One(Two);",
        "pub struct One(super::b::Two);",
        "pub struct One; fn f() { let _ = vec![crate::addr::Two(One)]; }",
        "use super::*; pub struct One(Two);",
        "use crate::addr as ground; pub struct One(ground::Two);",
    ];
    for one in circular {
        let arrows = plant(&[lib, ground, ("addr/a.rs", one), ("addr/b.rs", two), ("tags.rs", "")]);
        assert_eq!(circles(&arrows).len(), 1, "{one}: {arrows:?}");
    }
    let fine = "pub struct One; #[cfg(test)] mod tests { use super::super::Two; }";
    let arrows = plant(&[lib, ground, ("addr/a.rs", fine), ("addr/b.rs", two), ("tags.rs", "")]);
    assert!(circles(&arrows).is_empty(), "{arrows:?}");

    let up = "use crate::tags::Tag; pub struct One(Tag);";
    let arrows = plant(&[lib, ground, ("addr/a.rs", up), ("addr/b.rs", two), ("tags.rs", "pub struct Tag;")]);
    assert_eq!(upward(&arrows).len(), 1, "{arrows:?}");
    let down = ("tags.rs", "use crate::addr::One; pub struct Tag(One);");
    let arrows = plant(&[lib, ground, ("addr/a.rs", "pub struct One;"), ("addr/b.rs", two), down]);
    assert!(upward(&arrows).is_empty(), "{arrows:?}");
    assert!(
        arrows.iter().any(|a| a.from == "tags.rs" && a.to == "addr/a.rs"),
        "through the re-export: {arrows:?}"
    );
}
