//! Widened lists from one generation to the next: they stay where they were as long as that takes at most a quarter more
//! than the fewest extra addresses, within the same budget and limits, and holds nothing that is never let through.

use crate::support;
use crate::support::{set, text_of};
use tagwall::Error;
use tagwall::addr::{AddrSet, Count};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::Previous;
use tagwall::report::Manifest;
use tagwall::tags::Cloud;
use tagwall::verify;

const HEAD: &str = r#"
schema = 1
name = "weeks"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
"#;
const NEED: &str = r#"
[[allow]]
to = ["group:list"]
protocol = "tcp"
ports = 443
"#;

/// Joining the first two takes 512 extra addresses, the last two 640.
const FIRST: [&str; 4] = ["20.40.0.0/24", "20.40.2.0/24", "20.50.0.0/24", "20.50.3.0/25"];
/// The first two 640, the last two 512.
const SECOND: [&str; 4] = ["20.40.0.0/25", "20.40.2.0/24", "20.50.0.0/24", "20.50.3.0/24"];
/// The first two 704, the last two 512.
const THIRD: [&str; 4] = ["20.40.0.0/26", "20.40.2.0/24", "20.50.0.0/24", "20.50.3.0/24"];

const OLD: [&str; 3] = ["20.40.1.0/24", "20.40.3.0/24", "20.40.0.128/25"];
const NEW: [&str; 2] = ["20.50.1.0/24", "20.50.2.0/24"];

/// Three entries where four are exact, in each place where lists are widened.
const PLACES: [&str; 5] = [
    "output.targets = [\"nsg\"]\nlimits.nsg-destination-prefixes = 8",
    "output.targets = [\"nsg\"]\noutput.formats = [\"edl\"]\nlimits.list-entries = 3",
    "output.targets = [\"firewall\"]\nfirewall.ip-groups = \"never\"\nlimits.firewall-unique-pairs = 3",
    "output.targets = [\"firewall\"]\nfirewall.ip-groups = \"always\"\nlimits.ip-group-entries = 1\nlimits.ip-groups = 3",
    "output.targets = [\"route-table\"]\nlimits.routes-per-table = 4",
];

fn quoted(list: &[&str]) -> String {
    list.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
}

/// The list as a group, and as routes past the firewall where the place is a table.
fn attempt(
    place: &str,
    list: &[&str],
    settings: &str,
    previous: Option<&Previous>,
) -> Result<Generation, Error> {
    let group = format!("groups.list = [{}]\n", quoted(list));
    let (needs, catalog) = if place.contains("route-table") {
        let text = format!(
            "name = \"lab\"\ntitle = \"Lab\"\nsummary = \"a lab\"\nsources.ticket = \"ticket 4711\"\n[[row]]\nid = \"lab-1\"\naddresses = [{}]\nnext-hop = \"internet\"\npurpose = \"measurements\"\nsource = \"ticket\"\n",
            quoted(list)
        );
        let catalog = Catalog::builtin().extended(&[("lab.toml".to_owned(), text)]).unwrap();
        ("[[allow]]\nworkload = \"lab\"\n", catalog)
    } else {
        (NEED, Catalog::builtin().clone())
    };
    let text = format!("{HEAD}{group}{place}\n{settings}\n{needs}");
    let source = support::policy("weeks.toml", &text);
    let made = pipeline::generate(&source, &catalog, &support::sample(Cloud::Public), previous)?;
    // What lies in the folder is proven again from its own manifest.
    let files: Vec<(&str, &[u8])> =
        made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let manifest = files.iter().find(|(name, _)| *name == "manifest.json").unwrap().1;
    let claims = Manifest::read(manifest).unwrap();
    let again =
        pipeline::reprove(&source, &catalog, &support::sample(Cloud::Public), &claims, &files).unwrap();
    assert!(again.is_success(), "{:?} {}", again.differences, again.proof);
    Ok(made)
}

fn generate(place: &str, list: &[&str], previous: Option<&Previous>) -> Generation {
    attempt(place, list, "precision.max-extra = 100000", previous).unwrap_or_else(|e| panic!("{place}: {e}"))
}

fn earlier(made: &Generation) -> Previous {
    let files: Vec<(&str, &[u8])> =
        made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let previous = verify::earlier(&made.name, &files);
    assert!(previous.notes.is_empty(), "{:?}", previous.notes);
    previous
}

fn extra(made: &Generation) -> AddrSet {
    AddrSet::union_of(made.plan.extras.iter().map(|extra| &extra.addresses))
}

#[test]
fn a_widened_list_stays_as_long_as_it_takes_hardly_more() {
    for place in PLACES {
        let first = generate(place, &FIRST, None);
        assert_eq!(extra(&first), set(&OLD[..2]), "{place}");
        let previous = earlier(&first);
        // The same again: the same bytes.
        assert_eq!(generate(place, &FIRST, Some(&previous)).files, first.files, "{place}");
        // Now the other pair takes fewer, but not much fewer.
        let kept = generate(place, &SECOND, Some(&previous));
        assert_eq!(extra(&kept), set(&OLD), "{place}");
        assert_eq!(kept.plan.fewest_extra, Count::from(512_u64), "{place}");
        let report = text_of(&kept, "report.md");
        assert!(report.contains("use 640, 512 being the fewest with which they fit"), "{report}");
        assert_eq!(generate(place, &SECOND, Some(&earlier(&kept))).files, kept.files, "{place}");
        // Without the generation before, the fewest.
        let anew = generate(place, &SECOND, None);
        assert_eq!(extra(&anew), set(&NEW), "{place}");
        assert!(text_of(&anew, "report.md").contains("use 512, the fewest with which they fit"));
        // A third week, in which it would take more than a quarter more: given up, whatever the way there.
        for previous in [earlier(&kept), previous] {
            let moved = generate(place, &THIRD, Some(&previous));
            assert_eq!(extra(&moved), set(&NEW), "{place}");
        }
        // Where exact lists fit, nothing is kept.
        let exact = generate(place, &FIRST[..3], Some(&earlier(&first)));
        assert!(exact.plan.extras.is_empty(), "{place}");
    }
}

#[test]
fn staying_costs_no_more_than_the_budget_and_admits_nothing_that_is_never_let_through() {
    for place in PLACES {
        let previous = earlier(&generate(place, &FIRST, None));
        let with = |settings: &str| {
            attempt(place, &SECOND, settings, Some(&previous)).unwrap_or_else(|e| panic!("{e}"))
        };
        assert_eq!(extra(&with("precision.max-extra = 639")), set(&NEW), "{place}");
        assert_eq!(extra(&with("precision.max-extra = 640")), set(&OLD), "{place}");
        let never = "precision.max-extra = 100000\nprecision.never = \"20.40.3.7\"";
        assert_eq!(extra(&with(never)), set(&NEW), "{place}");
        // The smallest budget is that of the fewest, also beside an earlier generation.
        match attempt(place, &SECOND, "precision.max-extra = 511", Some(&previous)) {
            Err(Error::Limit(over)) => assert_eq!(over.max_extra(), Some(Count::from(512_u64)), "{place}"),
            other => panic!("{place}: {other:?}"),
        }
    }
}

#[test]
fn what_is_new_is_joined_to_what_stands() {
    for place in PLACES {
        let previous = earlier(&generate(place, &FIRST, None));
        // One more prefix than fits: it lies in what is widened already.
        let inside = ["20.40.0.0/24", "20.40.1.0/25", "20.40.2.0/24", "20.50.0.0/24", "20.50.3.0/25"];
        let made = generate(place, &inside, Some(&previous));
        assert_eq!(extra(&made), set(&["20.40.1.128/25", "20.40.3.0/24"]), "{place}");
        // One that goes leaves nothing behind: its entry holds nothing that is asked for any more.
        let gone = ["20.60.0.0/24", "20.60.2.0/24", "20.50.0.0/24", "20.50.3.0/25"];
        let made = generate(place, &gone, Some(&previous));
        assert_eq!(extra(&made), set(&["20.60.1.0/24", "20.60.3.0/24"]), "{place}");
    }
}

#[test]
fn a_damaged_manifest_is_no_reason_to_fail() {
    let place = PLACES[0];
    let first = generate(place, &FIRST, None);
    let manifest = text_of(&first, "manifest.json");
    assert!(manifest.contains("\"20.40.0.0/22\""), "{manifest}");
    let read = |manifest: &str| verify::earlier("weeks", &[("manifest.json", manifest.as_bytes())]);
    assert_eq!(read(manifest).widened.len(), 1);
    for (from, to) in [
        ("\"20.40.0.0/22\"", "\"20.40.0.0/21\""),
        ("\"20.40.0.0/22\"", "\"20.40.1.0/22\""),
        ("\"20.40.0.0/22\"", "17"),
        ("\"target\": \"nsg\"", "\"target\": \"moon\""),
        ("\"widened\": [", "\"widened\": [ 3,"),
        ("\"widened\": [", "\"widened\": [ {\"prefixes\": 1},"),
    ] {
        let changed = manifest.replacen(from, to, 1);
        assert_ne!(changed, manifest, "{from}");
        let previous = read(&changed);
        // Wider than it was is well-formed: it is weighed like any other list, and given up.
        let foreign = to.contains("/21") || to.contains(" 3,");
        assert_eq!(previous.notes.is_empty(), foreign, "{to}: {:?}", previous.notes);
        let made = generate(place, &SECOND, Some(&previous));
        assert!(extra(&made) == set(&NEW) || to.contains(" 3,"), "{to}");
    }
    // What it says of the lists is held against them.
    let claims = Manifest::read(manifest.replace("\"20.40.0.0/22\"", "\"20.40.0.0/21\"").as_bytes()).unwrap();
    let text =
        format!("{HEAD}groups.list = [{}]\n{place}\nprecision.max-extra = 100000\n{NEED}", quoted(&FIRST));
    let source = support::policy("weeks.toml", &text);
    let files: Vec<(&str, &[u8])> =
        first.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let sample = support::sample(Cloud::Public);
    let again = pipeline::reprove(&source, Catalog::builtin(), &sample, &claims, &files).unwrap();
    assert!(again.differences.iter().any(|text| text.contains("widened list")), "{:?}", again.differences);
}
