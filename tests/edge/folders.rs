//! Folders that are there already: what others put into them stays, what tagwall did not make is not replaced, and no
//! kind of thing in them is followed, waited for or taken for another.

#![cfg(all(feature = "fetch", unix))]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::fake::{POLICY, Place, stderr};
use tagwall::tags::{Cloud, sample};

pub(crate) const GENERATE: &[&str] = &["generate", "p.toml", "--snapshot", "sample", "--out", "out"];

pub(crate) fn place(formats: &str) -> Place {
    let place = Place::new();
    policy(&place, formats);
    place
}

pub(crate) fn policy(place: &Place, formats: &str) {
    fs::write(place.path("p.toml"), format!("output.formats = [{formats}]\n{POLICY}")).unwrap();
}

/// Runs a command, which has to end by itself: whoever waits for a pipe does not.
pub(crate) fn ended(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(120);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > limit {
            child.kill().unwrap();
            panic!("it waits: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn run(place: &Place, args: &[&str]) -> (i32, String) {
    let output = ended(place.command(args));
    (output.status.code().unwrap(), format!("{}{}", stderr(&output), String::from_utf8_lossy(&output.stdout)))
}

pub(crate) fn generated(place: &Place) {
    let (code, said) = run(place, GENERATE);
    assert_eq!(code, 0, "{said}");
}

/// A file of tags whose `Storage` has so many addresses more.
pub(crate) fn write_week(place: &Place, week: usize) {
    let mut file: serde_json::Value =
        serde_json::from_slice(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    let values = file["values"].as_array_mut().unwrap();
    let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
    let prefixes = storage["properties"]["addressPrefixes"].as_array_mut().unwrap();
    prefixes.extend((0..week).map(|n| format!("203.0.113.{}/32", 2 * n).into()));
    fs::write(place.path("tags.json"), file.to_string()).unwrap();
}

pub(crate) fn refreshed(place: &Place, week: usize, more: &[&str]) -> (i32, String) {
    write_week(place, week);
    let args = ["refresh", "p.toml", "--out", "out", "--source", "tags.json", "--accept", "older-content"];
    run(place, &[&args, more].concat())
}

pub(crate) fn published(place: &Place, week: usize) {
    let (code, said) = refreshed(place, week, &[]);
    assert_eq!(code, 0, "{said}");
}

pub(crate) fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Everything below a folder: kind, and content of files.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let found = fs::symlink_metadata(&path).unwrap().file_type();
            let what = if found.is_dir() {
                folders.push(path);
                "folder".to_owned()
            } else if found.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else if found.is_file() {
                format!("file {}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
            } else {
                "special".to_owned()
            };
            all.insert(name, what);
        }
    }
    all
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(crate) fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".tagwall-") || name.starts_with(".new-")).collect()
}

/// What an administrator has beside the rules.
pub(crate) fn fill(folder: &Path) -> u64 {
    fs::write(folder.join("terraform.tfstate"), "the state").unwrap();
    fs::write(folder.join("terraform.tfvars"), "resource_group_name = \"net\"").unwrap();
    fs::create_dir_all(folder.join(".terraform/providers")).unwrap();
    fs::write(folder.join(".terraform/providers/plugin"), "a plugin").unwrap();
    fs::set_permissions(folder.join(".terraform/providers"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::create_dir_all(folder.join("lists")).unwrap();
    fs::write(folder.join("lists/notes.md"), "why").unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    symlink("/nowhere", folder.join("dangling")).unwrap();
    symlink("/etc", folder.join("linked")).unwrap();
    pipe(&folder.join("pipe"));
    fs::metadata(folder.join("terraform.tfstate")).unwrap().ino()
}

pub(crate) fn assert_filled(folder: &Path, inode: u64, when: &str) {
    let text =
        |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{when}: {name}: {e}"));
    assert_eq!(text("terraform.tfstate"), "the state", "{when}");
    assert_eq!(text("terraform.tfvars"), "resource_group_name = \"net\"", "{when}");
    assert_eq!(text(".terraform/providers/plugin"), "a plugin", "{when}");
    assert_eq!(text("lists/notes.md"), "why", "{when}");
    assert_eq!(mode(&folder.join(".terraform/providers")), 0o555, "{when}");
    assert!(folder.join("empty").is_dir(), "{when}");
    assert_eq!(fs::read_link(folder.join("dangling")).unwrap(), Path::new("/nowhere"), "{when}");
    assert_eq!(fs::read_link(folder.join("linked")).unwrap(), Path::new("/etc"), "{when}");
    assert!(fs::symlink_metadata(folder.join("pipe")).unwrap().file_type().is_fifo(), "{when}");
    // The same file, so that a program that still has it open writes to the right one.
    assert_eq!(fs::metadata(folder.join("terraform.tfstate")).unwrap().ino(), inode, "{when}");
}

#[test]
fn generate_keeps_what_it_did_not_make() {
    let place = place("\"terraform\", \"lists\"");
    generated(&place);
    let folder = place.path("out/gov");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
    let inode = fill(&folder);
    generated(&place);
    assert_filled(&folder, inode, "nothing changed");
    // What is not made any more goes, also from a folder in which something of others is.
    policy(&place, "\"arm\"");
    generated(&place);
    assert_filled(&folder, inode, "other formats");
    assert!(!folder.join("nsg.tf").exists() && folder.join("nsg.arm.json").exists());
    assert_eq!(fs::read_dir(folder.join("lists")).unwrap().count(), 1);
    policy(&place, "\"terraform\", \"lists\"");
    generated(&place);
    assert_filled(&folder, inode, "and back");
    assert_eq!(mode(&folder), 0o750, "a folder keeps its rights");
    assert!(leftovers(&place.path("out")).is_empty());
    let report = fs::read_to_string(folder.join("report.md")).unwrap();
    assert!(report.contains("Decide once where Terraform keeps its state"), "{report}");
    let (_, said) = run(&place, &["verify", "out/gov"]);
    assert!(said.contains("gov/pipe: is not in the manifest") && !said.contains("tfstate"), "{said}");
    for name in ["pipe", "dangling", "linked"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    let (code, said) = run(&place, &["verify", "out/gov"]);
    let beside = "beside it, not made by tagwall: .terraform/, terraform.tfstate, terraform.tfvars";
    assert!(code == 4 && said.contains("gov/lists/notes.md: is not in the manifest"), "{said}");
    fs::remove_file(folder.join("lists/notes.md")).unwrap();
    let (code, said) = run(&place, &["verify", "out/gov"]);
    assert!(code == 0 && said.contains(beside), "{said}");
}

#[test]
fn files_that_terraform_would_take_up_are_told_from_its_settings() {
    let place = place("\"terraform\"");
    generated(&place);
    let backend = "# ours\nterraform {\n  backend \"azurerm\" {\n    key = \"gov.tfstate\"\n  }\n}\n";
    fs::write(place.path("out/gov/backend.tf"), backend).unwrap();
    let (code, said) = run(&place, &["verify", "out/gov"]);
    assert!(code == 0 && said.contains("not made by tagwall: backend.tf"), "{said}");
    let more = format!("{backend}resource \"azurerm_resource_group\" \"g\" {{\n  name = \"g\"\n}}\n");
    fs::write(place.path("out/gov/backend.tf"), more).unwrap();
    let (code, said) = run(&place, &["verify", "out/gov"]);
    assert!(code == 4 && said.contains("gov/backend.tf: is not in the manifest"), "{said}");
}

#[test]
fn what_terraform_takes_up_by_itself_is_found() {
    let place = place("\"terraform\"");
    generated(&place);
    let folder = place.path("out/gov");
    let rule = "resource \"azurerm_network_security_group\" \"nsg\" {\n  tags = {}\n}\n";
    for (name, text, words) in [
        ("override.tf", rule, "lays it over the files"),
        ("nsg_override.tf.json", "{\"resource\": {}}", "lays it over the files"),
        ("nsg.tofu", "", "in place of nsg.tf"),
        ("main.tofu.json", "{\"locals\": {}}", "reads it with the files"),
        ("subnets.tf", rule, "reads it with the files"),
        ("ours.auto.tfvars", "location = \"usgovarizona\"\n", "sets location to \"usgovarizona\""),
        ("terraform.tfvars.json", "{\"location\": \"usgovarizona\"}", "sets location to"),
        ("terraform.tfvars", "location = \n", "Terraform cannot read it"),
    ] {
        fs::write(folder.join(name), text).unwrap();
        let (code, said) = run(&place, &["verify", "out/gov"]);
        assert!(
            code == 4 && said.contains(&format!("gov/{name}: ")) && said.contains(words),
            "{name}: {said}"
        );
        let (code, said) = run(&place, GENERATE);
        let note = format!("out/gov/{name}: tagwall did not make it, and ");
        assert!(code == 0 && said.contains(&note) && said.contains(words), "{name}: {said}");
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text, "it stays");
        fs::remove_file(folder.join(name)).unwrap();
    }
    let kept = [
        ("terraform.tfvars", "resource_group_name = \"net\"\n"),
        ("more.auto.tfvars.json", "{\"other\": 1}"),
        ("backend.tf.json", "{\"terraform\": {\"backend\": {\"local\": {}}}}"),
        ("override.tf", "terraform {\n  backend \"local\" {\n  }\n}\n"),
        (".terraform.lock.hcl", "provider \"registry.terraform.io/hashicorp/azurerm\" {\n}\n"),
        ("terraform.tfstate", "{}"),
        ("check.tftest.hcl", "run \"x\" {\n}\n"),
    ];
    kept.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    let (code, said) = run(&place, &["verify", "out/gov"]);
    assert!(code == 0 && kept.iter().all(|(name, _)| said.contains(name)), "{said}");
    assert!(said.contains("terraform.tfvars says what the files leave open: resource_group_name"), "{said}");
    let (code, said) = run(&place, GENERATE);
    assert!(code == 0 && !said.contains("did not make"), "{said}");
    // A folder of other formats has nothing that values could change.
    policy(&place, "\"arm\"");
    generated(&place);
    fs::write(folder.join("ours.auto.tfvars"), "location = \"usgovarizona\"\n").unwrap();
    let (code, said) = run(&place, &["verify", "out/gov"]);
    assert_eq!(code, 0, "{said}");
}

type Prepare = fn(&Path);

#[test]
fn what_tagwall_did_not_make_is_not_replaced() {
    let made = place("\"arm\"");
    generated(&made);
    let cases: [(&str, Prepare, &str); 14] = [
        ("no manifest", |f| fs::remove_file(f.join("manifest.json")).unwrap(), "no manifest.json"),
        ("half a manifest", |f| fs::write(f.join("manifest.json"), "{\"schema\": 1").unwrap(), "EOF"),
        ("empty manifest", |f| fs::write(f.join("manifest.json"), "").unwrap(), "EOF"),
        (
            "other form",
            |f| {
                fs::write(f.join("manifest.json"), "{\"schema\": 2, \"name\": \"gov\", \"artefacts\": []}")
                    .unwrap()
            },
            "schema 2 is not known",
        ),
        (
            "other name",
            |f| {
                let text = fs::read_to_string(f.join("manifest.json")).unwrap();
                fs::write(f.join("manifest.json"), text.replace("\"gov\"", "\"vog\"")).unwrap();
            },
            "holds the environment vog",
        ),
        (
            "pipe for a manifest",
            |f| {
                fs::remove_file(f.join("manifest.json")).unwrap();
                pipe(&f.join("manifest.json"));
            },
            "manifest.json: is a named pipe",
        ),
        (
            "folder for a manifest",
            |f| {
                fs::remove_file(f.join("manifest.json")).unwrap();
                fs::create_dir(f.join("manifest.json")).unwrap();
            },
            "manifest.json: is a folder",
        ),
        (
            "link for a manifest",
            |f| {
                fs::rename(f.join("manifest.json"), f.join("m")).unwrap();
                symlink("m", f.join("manifest.json")).unwrap();
            },
            "manifest.json: is a link",
        ),
        (
            "foreign folder",
            |f| {
                fs::remove_dir_all(f).unwrap();
                fs::create_dir(f).unwrap();
                fs::write(f.join("thesis.txt"), "years of work").unwrap();
            },
            "tagwall did not make it",
        ),
        (
            "link to a folder",
            |f| {
                fs::rename(f, f.with_file_name("elsewhere")).unwrap();
                symlink("elsewhere", f).unwrap();
            },
            "out/gov is a link",
        ),
        (
            "dangling link",
            |f| {
                fs::remove_dir_all(f).unwrap();
                symlink("nowhere", f).unwrap();
            },
            "out/gov is a link",
        ),
        (
            "pipe",
            |f| {
                fs::remove_dir_all(f).unwrap();
                pipe(f);
            },
            "out/gov is a named pipe",
        ),
        (
            "file",
            |f| {
                fs::remove_dir_all(f).unwrap();
                fs::write(f, "a file").unwrap();
            },
            "out/gov is a file",
        ),
        (
            "own file that is a folder now",
            |f| {
                fs::remove_file(f.join("nsg.arm.json")).unwrap();
                fs::create_dir(f.join("nsg.arm.json")).unwrap();
                fs::write(f.join("nsg.arm.json/notes"), "mine").unwrap();
            },
            "nsg.arm.json is in the way: tagwall did not make this folder",
        ),
    ];
    for (case, prepare, words) in cases {
        let place = made.copy();
        prepare(&place.path("out/gov"));
        let before = tree(&place.path("out"));
        // Two policies: that one of them can be written is no reason to.
        fs::write(place.path("q.toml"), POLICY.replace("\"gov\"", "\"second\"")).unwrap();
        let args = ["generate", "q.toml", "p.toml", "--snapshot", "sample", "--out", "out"];
        let (code, said) = run(&place, &args);
        assert!(
            code == 2 && said.contains(words) && said.to_lowercase().contains("move"),
            "{case}: {code} {said}"
        );
        let mut after = tree(&place.path("out"));
        after.remove(".lock");
        let mut before = before;
        before.remove(".lock");
        assert_eq!(after, before, "{case}");
    }
}

#[test]
fn an_empty_folder_is_nobodys() {
    let place = place("\"arm\"");
    fs::create_dir_all(place.path("out/gov")).unwrap();
    generated(&place);
    assert!(place.path("out/gov/manifest.json").exists());
}

#[test]
fn new_files_do_not_take_the_place_of_others() {
    let place = place("\"arm\"");
    generated(&place);
    let folder = place.path("out/gov");
    policy(&place, "\"arm\", \"terraform\", \"lists\"");
    let cases: [(&str, Prepare); 5] = [
        ("main.tf", |f| fs::write(f, "# mine").unwrap()),
        ("main.tf", |f| symlink("/etc/hostname", f).unwrap()),
        ("main.tf", |f| pipe(f)),
        ("lists", |f| symlink("/etc", f).unwrap()),
        ("lists", |f| fs::write(f, "mine").unwrap()),
    ];
    for (name, prepare) in cases {
        prepare(&folder.join(name));
        let before = tree(&folder);
        let (code, said) = run(&place, GENERATE);
        assert!(code == 2 && said.contains(&format!("out/gov/{name} is in the way")), "{name}: {said}");
        assert_eq!(tree(&folder), before, "{name}");
        fs::remove_file(folder.join(name)).unwrap();
    }
    generated(&place);
}

#[test]
fn a_folder_in_which_terraform_is_at_work_is_left_alone() {
    let place = place("\"terraform\"");
    generated(&place);
    fs::create_dir_all(place.path("out/gov/terraform.tfstate.d/blue")).unwrap();
    policy(&place, "\"arm\"");
    for name in [".terraform.tfstate.lock.info", "terraform.tfstate.d/blue/.terraform.tfstate.lock.info"] {
        let lock = place.path("out/gov").join(name);
        fs::write(&lock, "{}").unwrap();
        let (code, said) = run(&place, GENERATE);
        assert!(code == 1 && said.contains("Terraform is at work"), "{said}");
        assert!(place.path("out/gov/nsg.tf").exists());
        fs::remove_file(lock).unwrap();
    }
    generated(&place);
}

#[test]
fn files_that_are_changed_by_hand_are_told_of() {
    let place = place("\"arm\"");
    generated(&place);
    let file = place.path("out/gov/route-table.arm.json");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\n").unwrap();
    let (code, said) = run(&place, GENERATE);
    assert!(code == 0 && said.contains("route-table.arm.json: was changed after tagwall made it"), "{said}");
    let (_, said) = run(&place, GENERATE);
    assert!(!said.contains("was changed"), "{said}");
}

#[test]
fn a_lock_that_is_none_is_named() {
    for make in [pipe as Prepare, |f| symlink("/nowhere", f).unwrap(), |f| fs::create_dir(f).unwrap()] {
        let place = place("\"arm\"");
        fs::create_dir_all(place.path("out")).unwrap();
        make(&place.path("out/.lock"));
        generated(&place);
        let (code, said) = refreshed(&place, 0, &[]);
        assert!(code == 1 && said.contains("out/.lock: is a"), "{said}");
    }
}

#[test]
fn rights_are_what_umask_leaves_and_scripts_can_be_run() {
    for (mask, folder, file, script) in
        [(0o022, 0o755, 0o644, 0o755), (0o027, 0o750, 0o640, 0o750), (0o002, 0o775, 0o664, 0o775)]
    {
        let place = place("\"azcli\"");
        fs::write(place.path("tags.json"), sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
        let masked = |args: &[&str]| {
            let inner = place.command(args);
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("umask {mask:03o}; exec \"$0\" \"$@\"")]).arg(inner.get_program());
            shell.args(inner.get_args()).current_dir(place.folder.path());
            shell.envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
            let output = ended(shell);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        };
        masked(GENERATE);
        masked(&["refresh", "p.toml", "--out", "site", "--source", "tags.json"]);
        for root in ["out/gov", "site/current/gov"] {
            let at = place.path(root);
            let modes = [mode(&at), mode(&at.join("manifest.json")), mode(&at.join("nsg.sh"))];
            assert_eq!(modes, [folder, file, script], "{mask:o} {root}: {modes:?}");
        }
        assert_eq!(mode(&place.path("site/.generations/1")), folder);
        assert_eq!(mode(&place.path("store/usgov/file/current")), file);
    }
}
