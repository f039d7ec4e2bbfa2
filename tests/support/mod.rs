//! What the integration tests share. Each test file uses a part of it.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::print_stderr)]

mod listing;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use tagwall::addr::{AddrSet, Count, IpPrefix};
use tagwall::catalog::Catalog;
use tagwall::emit::Artefact;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::Extra;
use tagwall::policy::{PolicySource, cloud_of};
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::Target;
use tagwall::verify::{self, Declared, Inexpressible, Report};

pub use listing::listing;

/// The folder of shared data, or `None` with a word that the test is skipped where `TAGWALL_SHARED` is not set.
///
/// Where it is set, the folder has to be there.
pub fn shared(test: &str) -> Option<PathBuf> {
    let Some(dir) = std::env::var_os("TAGWALL_SHARED") else {
        eprintln!("{test}: skipped, since TAGWALL_SHARED is not set");
        return None;
    };
    let dir = PathBuf::from(dir);
    let dir = if dir.is_absolute() { dir } else { Path::new(env!("CARGO_MANIFEST_DIR")).join(dir) };
    assert!(dir.is_dir(), "TAGWALL_SHARED names {}, which is not there", dir.display());
    Some(dir)
}

/// The bytes of an `.xz` file, unpacked.
pub fn unpack(path: &Path) -> Vec<u8> {
    let packed = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("the file is whole");
    bytes
}

/// Every real service-tags file, in order of names.
pub fn real_files(shared: &Path) -> Vec<PathBuf> {
    let dir = shared.join("data/service-tags");
    let mut files: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "xz"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no snapshots", dir.display());
    files
}

/// A real snapshot by the end of its name, as `Public_20260622`.
pub fn real(shared: &Path, name: &str) -> Snapshot {
    let path = shared.join(format!("data/service-tags/ServiceTags_{name}.json.xz"));
    Snapshot::parse(&unpack(&path)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The built-in sample of a cloud.
pub fn sample(cloud: Cloud) -> Snapshot {
    Snapshot::parse(&sample::sample_json(cloud).expect("there is a sample")).expect("the sample is valid")
}

/// Reads a policy that must be right.
pub fn policy(name: &str, text: &str) -> PolicySource {
    PolicySource::read(name, text).unwrap_or_else(|e| panic!("{e}"))
}

/// Makes everything for a policy that must be right.
pub fn generate(name: &str, text: &str, snapshot: &Snapshot) -> Generation {
    let source = policy(name, text);
    pipeline::generate(&source, Catalog::builtin(), snapshot, None).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Makes everything for a policy from the sample of its cloud.
pub fn generate_on_sample(name: &str, text: &str) -> Generation {
    let cloud = cloud_of(&policy(name, text).intent);
    generate(name, text, &sample(cloud))
}

/// Names and contents of files.
pub fn named(files: &[Artefact]) -> Vec<(&str, &[u8])> {
    files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect()
}

/// The proof of `files` against what `made` was made for.
pub fn prove(made: &Generation, snapshot: &Snapshot, files: &[(&str, &[u8])]) -> Report {
    prove_declaring(made, snapshot, files, &made.plan.extras)
}

/// The proof of `files` as if `made` had declared `extras`.
pub fn prove_declaring(
    made: &Generation,
    snapshot: &Snapshot,
    files: &[(&str, &[u8])],
    extras: &[Extra],
) -> Report {
    let whole = made.plan.gaps.iter().filter(|g| !g.partial);
    let inexpressible: Vec<Inexpressible<'_>> =
        whole.map(|g| Inexpressible { target: g.target, flow: &g.flow }).collect();
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let nat = made.plan.kept_nat();
    let declared =
        Declared { inexpressible: &inexpressible, extras, nat: &nat, associations: &made.plan.associations };
    verify::check_files(&made.policy, snapshot, files, declared, &targets)
}

/// The proof of `made` where the file called `name` holds `bytes`.
pub fn prove_with(made: &Generation, snapshot: &Snapshot, name: &str, bytes: &[u8]) -> Report {
    assert!(made.files.iter().any(|f| f.name == name), "there is no {name}");
    let replaced = |(file, content)| (file, if file == name { bytes } else { content });
    prove(made, snapshot, &named(&made.files).into_iter().map(replaced).collect::<Vec<_>>())
}

/// The bytes of a file that was made.
pub fn bytes_of<'a>(made: &'a Generation, name: &str) -> &'a [u8] {
    let file = made.files.iter().find(|f| f.name == name);
    &file.unwrap_or_else(|| panic!("{name} is not made")).bytes
}

/// The text of a file that was made.
pub fn text_of<'a>(made: &'a Generation, name: &str) -> &'a str {
    std::str::from_utf8(bytes_of(made, name)).expect("files are text")
}

/// How many addresses are admitted that were not asked for.
pub fn total_extra(made: &Generation) -> Count {
    made.plan.extras.iter().map(|extra| extra.addresses.count()).sum()
}

/// The addresses of prefixes.
pub fn set(prefixes: &[&str]) -> AddrSet {
    prefixes.iter().map(|text| text.parse::<IpPrefix>().expect("a prefix")).collect()
}

/// The policies under a folder: file name without ending, and text.
pub fn policies(folder: &str) -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut list: Vec<(String, String)> = fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("policies are text"))
        })
        .collect();
    list.sort();
    assert!(!list.is_empty(), "{folder} holds no policies");
    list
}

/// Holds `text` against a golden file; with `TAGWALL_BLESS=1` writes it.
pub fn golden(path: &Path, text: &[u8]) {
    if std::env::var_os("TAGWALL_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("golden files lie in a folder"))
            .expect("the folder can be made");
        fs::write(path, text).expect("the golden file can be written");
        return;
    }
    let expected =
        fs::read(path).unwrap_or_else(|e| panic!("{}: {e}; TAGWALL_BLESS=1 makes it", path.display()));
    if expected != text {
        let (expected, found) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(text));
        let line = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
        let at = line.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
        panic!(
            "{} differs from line {}:\n  expected: {}\n  found:    {}\nTAGWALL_BLESS=1 takes the new text over",
            path.display(),
            at + 1,
            expected.lines().nth(at).unwrap_or("(end)"),
            found.lines().nth(at).unwrap_or("(end)")
        );
    }
}
