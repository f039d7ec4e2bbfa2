//! Policies that extend others, and fleets of them, as the command takes them.

#![cfg(all(feature = "fetch", unix))]

use std::fs;
use std::process::Command;

use crate::fake::{POLICY, Place};
use crate::folders::run;

fn write(place: &Place, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_policy_that_extends_another_is_made_and_proven_from_its_copy() {
    let place = Place::new();
    let own = "extends = \"../p.toml\"\nname = \"child\"\n[[allow]]\nid = \"db\"\nto = \"10.9.0.4\"\nports = 1433\n\
        protocol = \"tcp\"\n";
    write(&place, &[("p.toml", POLICY), ("sub/child.toml", own)]);
    let (code, said) = run(&place, &["generate", "sub/child.toml", "--snapshot", "sample", "--out", "out"]);
    assert_eq!(code, 0, "{said}");
    let copy = fs::read_to_string(place.path("out/child/policy.toml")).unwrap();
    assert!(copy.contains("10.9.0.4") && !copy.contains("extends"), "{copy}");
    // The copy is enough, wherever the folder is taken.
    fs::rename(place.path("out"), place.path("elsewhere")).unwrap();
    fs::remove_file(place.path("p.toml")).unwrap();
    let (code, said) = run(&place, &["verify", "elsewhere"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_is_wrong_below_names_the_file_that_said_it() {
    let place = Place::new();
    write(&place, &[("p.toml", &format!("{POLICY}\n[[allow]]\nto = \"Storrage\"\n"))]);
    write(
        &place,
        &[("c.toml", "extends = \"p.toml\"\nname = \"c\"\n"), ("d.toml", "extends = \"gone.toml\"\n")],
    );
    let (code, said) = run(&place, &["generate", "c.toml", "--snapshot", "sample"]);
    let line = POLICY.lines().count() + 3;
    assert!(code == 2 && said.contains(&format!("p.toml:{line}")) && said.contains("Storrage"), "{said}");
    let (code, said) = run(&place, &["generate", "d.toml", "--snapshot", "sample"]);
    assert!(code == 2 && said.contains("gone.toml") && said.contains("d.toml:1"), "{said}");
}

const SPOKE: &str = "schema = 1\ncloud = \"usgov\"\nregion = \"usgovvirginia\"\nnetwork.address-space = [\"${space}\"]\n\
    subnets.a.prefixes = [\"${space}\"]\nnsg.tags = \"expand\"\n[[allow]]\nid = \"data\"\n\
    to = [\"Storage.${region}\", \"Sql\"]\nprotocol = \"tcp\"\nports = 443\n";

/// A fleet of `count` environments, of which that at `wrong` is in a region that does not exist.
pub(crate) fn fleet(place: &Place, count: usize, wrong: Option<usize>) {
    let region = |n| if Some(n) == wrong { "usgovnowhere" } else { "usgovvirginia" };
    let rows: String = (1..=count).map(|n| format!("e{n:03},{},10.{n}.0.0/24\n", region(n))).collect();
    write(
        place,
        &[
            ("spoke.toml", SPOKE),
            ("t.csv", &format!("name,region,space\n{rows}")),
            ("fleet.toml", "schema = 1\ntemplate = \"spoke.toml\"\ntable = \"t.csv\"\n"),
        ],
    );
}

fn batch(place: &Place, more: &[&str]) -> (i32, String) {
    run(place, &[&["batch", "fleet.toml", "--snapshot", "sample"], more].concat())
}

fn index(place: &Place, out: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(place.path(out).join("index.json")).unwrap()).unwrap()
}

/// Every file below a folder with its content.
pub(crate) fn tree(place: &Place, out: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (std::collections::BTreeMap::new(), vec![place.path(out)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(place.path(out)).unwrap().display().to_string();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_batch_goes_on_past_what_fails_and_leaves_what_is_there() {
    let place = Place::new();
    fleet(&place, 5, Some(3));
    let (code, said) = batch(&place, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("row 3, column `region`") && said.contains("usgovnowhere"), "{said}");
    let found = index(&place, "out");
    assert_eq!(
        found["counts"],
        serde_json::json!({"environments": 5, "new": 4, "changed": 0, "refreshed": 0,
        "unchanged": 0, "failed": 1})
    );
    assert_eq!(
        (found["exit_code"].as_u64(), found["environments"][2]["exit_code"].as_u64()),
        (Some(2), Some(2))
    );
    assert!(!place.path("out/e003").exists() && place.path("out/e005/nsg.arm.json").exists());
    let summary = fs::read_to_string(place.path("out/summary.md")).unwrap();
    assert!(summary.contains("1 failed, 4 new") && summary.contains("e003 (t.csv row 3)"), "{summary}");
    // The second run leaves what is there, and makes what was wrong; what was changed by hand is made anew.
    fleet(&place, 5, None);
    fs::write(place.path("out/e002/nsg.arm.json"), "{}").unwrap();
    let (code, said) = batch(&place, &["-q"]);
    assert_eq!(code, 0, "{said}");
    let found = index(&place, "out");
    let status: Vec<_> =
        found["environments"].as_array().unwrap().iter().map(|e| e["status"].clone()).collect();
    assert_eq!(status, ["unchanged", "changed", "new", "unchanged", "unchanged"]);
    assert_eq!(found["environments"][1]["because"][0], "files that were changed by hand");
    // A third one changes no byte but of the result, and making all anew neither.
    let before = tree(&place, "out");
    for more in [&["-q"][..], &["-q", "--force", "-j", "1"]] {
        let (code, said) = batch(&place, more);
        assert_eq!(code, 0, "{said}");
        let mut after = tree(&place, "out");
        for own in ["index.json", "summary.md"] {
            after.insert(own.to_owned(), before[own].clone());
        }
        assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
        assert!(after == before, "{more:?}");
    }
    let (code, said) = run(&place, &["verify", "out"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_fleet_is_the_same_as_its_policies_one_by_one() {
    let place = Place::new();
    fleet(&place, 3, None);
    assert_eq!(batch(&place, &[]).0, 0);
    for n in 1..=3 {
        let copy = format!("out/e{n:03}/policy.toml");
        let (code, said) = run(&place, &["generate", &copy, "--snapshot", "sample", "--out", "single"]);
        assert_eq!(code, 0, "{said}");
    }
    let (mut together, single) = (tree(&place, "out"), tree(&place, "single"));
    together.retain(|name, _| name.contains('/'));
    assert!(together == single);
    // Several policies in one run of `generate` are all or none.
    let copies = ["out/e001/policy.toml", "out/e002/policy.toml", "t.toml"];
    write(&place, &[("t.toml", &SPOKE.replace("${space}", "10.0.0.0/33"))]);
    let (code, _) =
        run(&place, &[&["generate"], &copies[..], &["--snapshot", "sample", "--out", "all"]].concat());
    assert!(code == 2 && !place.path("all").exists());
    let (code, said) =
        run(&place, &[&["generate"], &copies[..2], &["--snapshot", "sample", "--out", "all"]].concat());
    assert_eq!(code, 0, "{said}");
    assert!(tree(&place, "all").iter().all(|(name, bytes)| single[name] == *bytes));
}

#[test]
fn shards_together_are_the_whole_to_the_byte() {
    let place = Place::new();
    fleet(&place, 12, Some(7));
    assert_eq!(batch(&place, &["--out", "whole"]).0, 2);
    // In one folder side by side, and in folders of their own.
    for shard in 1..=3 {
        let shard = format!("{shard}/3");
        assert!(batch(&place, &["--out", "one", "--shard", &shard]).0 % 2 == 0);
        let own = format!("own-{}", &shard[..1]);
        assert!(batch(&place, &["--out", &own, "--shard", &shard]).0 % 2 == 0);
    }
    let whole = tree(&place, "whole");
    for dirs in [&["one"][..], &["own-1", "own-2", "own-3"]] {
        let out = if dirs.len() == 1 { "one" } else { "merged" };
        let (code, said) = run(&place, &[&["batch", "merge"], dirs, &["--out", out]].concat());
        assert_eq!(code, 2, "{said}");
        let mut merged = tree(&place, out);
        merged.retain(|name, _| !name.starts_with("shard-"));
        assert_eq!(merged.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        let differing: Vec<_> = whole.iter().filter(|(name, bytes)| merged[*name] != **bytes).collect();
        assert!(differing.is_empty(), "{:?}", differing.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
    let merge = |dirs: &[&str]| run(&place, &[&["batch", "merge"], dirs, &["--out", "never"]].concat());
    for (dirs, words) in [
        (&["own-1", "own-3"][..], "these are missing: 2"),
        (&["own-1", "own-2", "own-3", "one"], "is there twice"),
        (&["whole"], "there is no shard-I-of-N.json in"),
    ] {
        let (code, said) = merge(dirs);
        assert!(code == 2 && said.contains(words), "{said}");
    }
    fleet(&place, 13, Some(7));
    batch(&place, &["--out", "own-2", "--shard", "2/3"]);
    let (code, said) = merge(&["own-1", "own-2", "own-3"]);
    assert!(code == 2 && said.contains("the fleet differs"), "{said}");
    assert!(!place.path("never").exists());
    let (code, said) = run(&place, &["batch", "fleet.toml", "--shard", "1/3"]);
    assert!(code == 2 && said.contains("by their digest"), "{said}");
}

#[test]
fn whoever_kills_a_batch_leaves_no_half_of_an_environment() {
    let place = Place::new();
    fleet(&place, 40, None);
    assert_eq!(batch(&place, &["--out", "whole"]).0, 0);
    let whole = tree(&place, "whole");
    for moment in 0..12 {
        let args = ["batch", "fleet.toml", "--snapshot", "sample", "-q"];
        let mut child = place.command(&args).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(40 * moment));
        child.kill().unwrap();
        child.wait().unwrap();
        for (name, bytes) in tree_if_there(&place) {
            if !name.starts_with(".tagwall-") && name.contains('/') {
                assert_eq!(whole[&name], bytes, "{name}");
            }
        }
        for entry in fs::read_dir(place.path("out")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && entry.file_type().unwrap().is_dir() {
                assert!(entry.path().join("manifest.json").exists(), "{name} is torn");
            }
        }
        if moment % 4 == 3 {
            fs::remove_dir_all(place.path("out")).unwrap_or_default();
        }
    }
    let (code, said) = batch(&place, &["-q"]);
    assert_eq!(code, 0, "{said}");
    let mut done = tree(&place, "out");
    assert!(done.keys().all(|name| !name.starts_with(".tagwall-")), "{:?}", done.keys());
    done.retain(|name, _| name.contains('/'));
    assert!(done.iter().all(|(name, bytes)| whole[name] == *bytes));
    assert_eq!(done.len(), whole.keys().filter(|name| name.contains('/')).count());
}

fn tree_if_there(place: &Place) -> std::collections::BTreeMap<String, Vec<u8>> {
    if place.path("out").exists() { tree(place, "out") } else { Default::default() }
}

/// The files beside the environments are written anew each time; killed while one is, a run leaves it half.
#[test]
fn what_a_killed_batch_left_of_its_index_is_swept() {
    let can = Command::new("strace").args(["-e", "inject=fsync:error=EIO:when=9", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return crate::crash::skip("strace cannot trace here");
    }
    let place = Place::new();
    fleet(&place, 2, None);
    assert_eq!(batch(&place, &[]).0, 0);
    let run = place.command(&["batch", "fleet.toml", "--snapshot", "sample"]);
    let left = || -> Vec<String> {
        let entries = fs::read_dir(place.path("out")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with('.') && !name.starts_with(".tagwall-lock")).collect()
    };
    let before = left();
    let mut seen = 0;
    for call in ["renameat:signal=KILL:when=1", "renameat:signal=KILL:when=2", "fsync:signal=KILL:when=1"] {
        let flags = ["-f", "-o", "/dev/null", "-e", &format!("inject={call}")];
        let killed = crate::crash::traced(&run, &flags).status().unwrap();
        assert!(!killed.success(), "{call}");
        seen += left().len() - before.len();
        fs::write(place.path("out/.new-ideas"), "of others").unwrap();
        assert_eq!(batch(&place, &[]).0, 0);
        fs::remove_file(place.path("out/.new-ideas")).expect("files of others stay");
        assert_eq!(left(), before, "{call}");
    }
    assert!(seen > 0, "no run left anything");
}

#[test]
fn a_week_is_told_by_its_tags() {
    let place = Place::new();
    fleet(&place, 3, None);
    let week = |prefix: &str| {
        let mut file: serde_json::Value =
            serde_json::from_slice(&tagwall::tags::sample::sample_json(tagwall::tags::Cloud::UsGov).unwrap())
                .unwrap();
        let values = file["values"].as_array_mut().unwrap();
        let sql = values.iter_mut().find(|v| v["name"] == "Sql").unwrap();
        sql["properties"]["addressPrefixes"].as_array_mut().unwrap().push(prefix.into());
        fs::write(place.path("week.json"), file.to_string()).unwrap();
    };
    week("203.0.113.0/32");
    assert_eq!(run(&place, &["batch", "fleet.toml", "--snapshot", "week.json"]).0, 0);
    week("203.0.113.9/32");
    let (code, said) = run(&place, &["batch", "fleet.toml", "--snapshot", "week.json"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("changed e001: nsg.arm.json (because of Sql)"), "{said}");
    let summary = fs::read_to_string(place.path("out/summary.md")).unwrap();
    assert!(summary.contains("# 3 environments: 3 changed") && summary.contains("| Sql |"), "{summary}");
    // An environment that no row has any more is told of, and stays.
    fleet(&place, 2, None);
    assert_eq!(run(&place, &["batch", "fleet.toml", "--snapshot", "week.json"]).0, 0);
    assert_eq!(index(&place, "out")["gone"], serde_json::json!(["e003"]));
    assert!(place.path("out/e003/manifest.json").exists());
}

#[test]
fn an_object_store_holds_bodies_under_their_content() {
    let place = Place::new();
    fleet(&place, 4, None);
    let url = format!("file://{}", place.path("there").display());
    fs::create_dir_all(place.path("there")).unwrap();
    let (code, said) = batch(&place, &["--out", &url]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(batch(&place, &["--out", "out"]).0, 0);
    for (name, bytes) in tree(&place, "out").iter().filter(|(name, _)| name.contains('/')) {
        let (environment, file) = name.split_once('/').unwrap();
        let pointer = fs::read(place.path(&format!("there/environments/{environment}.json"))).unwrap();
        let pointer: serde_json::Value = serde_json::from_slice(&pointer).unwrap();
        let sum = pointer["files"][file].as_str().unwrap();
        assert!(fs::read(place.path("there/blobs").join(sum)).unwrap() == *bytes, "{name}");
    }
    assert_eq!(index(&place, "there")["counts"]["new"], 4);
    assert_eq!(batch(&place, &["--out", &url]).0, 0);
    assert_eq!(index(&place, "there")["counts"]["unchanged"], 4);
}

#[test]
fn plans_pin_the_data_and_say_the_whole_command() {
    let place = Place::new();
    fleet(&place, 2, None);
    for (engine, words) in [
        (
            "kubernetes",
            &["completionMode: Indexed", "completions: 3", "backoffLimitPerIndex", "- \"auto\""][..],
        ),
        ("slurm", &["#SBATCH --array=1-3", "--requeue", "--shard auto --shards 3", "scontrol requeue"]),
        ("github", &["shard: [1, 2, 3]", "--shard ${{ matrix.shard }}/3", "batch merge"]),
        ("azure-pipelines", &["parallel: 3", "--shard auto --shards 3", "batch merge"]),
    ] {
        let args =
            ["batch", "plan", "fleet.toml", "--engine", engine, "--shards", "3", "--snapshot", "sample"];
        let (code, said) = run(&place, &args);
        assert_eq!(code, 0, "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        let (code, said) = run(&place, &[&args[..6], &["0", "--snapshot", "sample"]].concat());
        assert!(code == 2 && said.contains("at least 1"), "{said}");
    }
}

#[test]
fn own_catalogue_files_are_held_against_their_copies() {
    let place = Place::new();
    fleet(&place, 3, None);
    let workload = |port: u16| {
        format!(
            "name = \"own\"\ntitle = \"Own\"\nsummary = \"Its data.\"\n[[row]]\nid = \"own-1\"\n\
             direction = \"outbound\"\naddresses = \"198.51.100.0/24\"\nflows = \"tcp {port}\"\n\
             purpose = \"its data\"\nsource = \"our own ticket\"\n"
        )
    };
    let template = format!("{SPOKE}[[allow]]\nworkload = \"own\"\n[catalog]\nfiles = [\"own.toml\"]\n");
    write(&place, &[("spoke.toml", &template)]);
    let counts = |said: &str| {
        let counts = index(&place, "out")["counts"].clone();
        let of = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("{said}"));
        (of("new"), of("changed"), of("unchanged"))
    };
    for (port, expected) in [(443, (3, 0, 0)), (443, (0, 0, 3)), (8443, (0, 3, 0)), (8443, (0, 0, 3))] {
        write(&place, &[("own.toml", &workload(port))]);
        let (code, said) = batch(&place, &["-q"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(counts(&said), expected, "{said}");
    }
    let rules = fs::read_to_string(place.path("out/e002/nsg.arm.json")).unwrap();
    assert!(rules.contains("8443"), "{rules}");
}
