//! What must hold of each door through which bytes come in, whatever they are.
//!
//! One function a door: the fuzz targets call it with what the fuzzer thinks of, the ordinary tests with what fuzzers
//! found before (`fuzz/regressions`). It panics if something does not hold.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use tagwall::Error;
use tagwall::addr::{
    AddrList, AddrSet, CoverCurve, CoverError, CoverRequest, Interval, IntervalSet, IpPrefix, ListOptions,
    Prefix, cheapest_within, fewest_within,
};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::{self, PolicySource};
use tagwall::read;
use tagwall::report::Manifest;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::{FormatName, Target};
use tagwall::verify::{self, Asked, Declared, FailureKind};

/// A door by the name of its fuzz target and of its folder in `fuzz/regressions`.
pub type Door = (&'static str, fn(&[u8]));

/// Every door.
pub const DOORS: [Door; 19] = [
    ("list", list),
    ("snapshot", snapshot),
    ("policy", policy),
    ("catalogue", catalogue),
    ("manifest", manifest),
    ("template", template),
    ("arm", arm),
    ("bicep", bicep),
    ("terraform", terraform),
    ("terraform_json", terraform_json),
    ("azcli", azcli),
    ("csv", csv),
    ("plan", plan),
    ("lists", lists),
    ("sets", sets),
    ("cover", cover),
    ("round", round),
    ("live", live),
    ("live_template", live_template),
];

/// The tags that policies here resolve with.
static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    Snapshot::parse(&sample::sample_json(Cloud::Public).expect("a sample of the cloud")).expect("a snapshot")
});

/// A list of addresses: what is read is printed, and read again as the same set.
pub fn list(bytes: &[u8]) {
    for relaxed in [false, true] {
        match AddrList::parse(bytes, ListOptions { relaxed }) {
            Ok(list) => {
                let text: String = list.set.prefixes().map(|p| format!("{p}\n")).collect();
                let again = AddrList::parse(text.as_bytes(), ListOptions::default());
                assert_eq!(again.expect("our own output is read").set, list.set);
            }
            Err(error) => assert_said(&error.to_string()),
        }
    }
}

/// A service-tags file: what is accepted has a digest, merges, and finds its tags by name.
pub fn snapshot(bytes: &[u8]) {
    match Snapshot::parse(bytes) {
        Ok(snapshot) => {
            assert_eq!(snapshot.digest().len(), 64);
            for tag in snapshot.tags() {
                let published = tag.published().count();
                assert!(tag.set().prefixes().count() <= published, "merging never adds prefixes");
                assert!(snapshot.tag(tag.name().as_str()).is_some());
            }
        }
        Err(error) => assert_said(&error.to_string()),
    }
}

/// A policy: every error shows a place inside the text; what is read can be resolved or is refused likewise.
pub fn policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let resolved = PolicySource::read("fuzz.toml", &text)
        .and_then(|source| policy::expand(&source, Catalog::builtin(), &SNAPSHOT));
    if let Err(errors) = resolved {
        assert!(!errors.problems.is_empty());
        assert!(errors.problems.iter().all(|p| p.span.end <= errors.text.len()));
        assert_said(&errors.to_string());
    }
}

/// A catalogue file beside the built-in ones: errors name the file, and nothing built in is lost.
pub fn catalogue(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    match Catalog::builtin().extended(&[("fuzz.toml".to_owned(), text)]) {
        Ok(catalog) => {
            let names = |catalog: &Catalog| -> BTreeSet<String> {
                catalog.workloads().map(|workload| workload.name().to_owned()).collect()
            };
            assert!(names(Catalog::builtin()).is_subset(&names(&catalog)));
            assert!(catalog.workloads().all(|w| catalog.workload(w.name()).is_some()));
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            assert_said(&error.to_string());
        }
    }
}

/// A generation's manifest, as it is proven again and as an earlier one.
pub fn manifest(bytes: &[u8]) {
    match Manifest::read(bytes) {
        Ok(claims) => {
            let files = EXACT.files.iter().filter(|file| file.name != "manifest.json");
            let files: Vec<(&str, &[u8])> = files.map(|file| (file.name.as_str(), &*file.bytes)).collect();
            let found = pipeline::reprove(&exact_source(), Catalog::builtin(), &SNAPSHOT, &claims, &files);
            let found = found.expect("the policy resolves");
            // Whatever a manifest says, files that do what is asked for are not found wanting in that.
            for failure in &found.proof.failures {
                assert_said(&failure.to_string());
            }
        }
        Err(error) => assert_said(&error.to_string()),
    }
    let mut files = vec![("manifest.json", bytes)];
    let others = EXACT.files.iter().filter(|file| file.name != "manifest.json");
    files.extend(others.map(|file| (file.name.as_str(), &*file.bytes)));
    let previous = verify::earlier("fuzz", &files);
    previous.notes.iter().for_each(|note| assert_said(note));
    // What is kept of it can hold no plan up: with it, too, what is made is proven.
    let again = pipeline::generate(&exact_source(), Catalog::builtin(), &SNAPSHOT, Some(&previous));
    assert!(again.expect("what was made once is made again").proof.is_success());
}

/// Any JSON as an ARM template.
pub fn template(bytes: &[u8]) {
    if let Err(error) = read::read_arm(bytes) {
        assert_said(&error.to_string());
    }
}

/// The reader of ARM templates.
pub fn arm(bytes: &[u8]) {
    reader(FormatName::Arm, "nsg.arm.json", bytes);
}

/// Any file as one that others exported: places lie in the file, and a second reading gives the same.
pub fn live(bytes: &[u8]) {
    let lines = 1 + String::from_utf8_lossy(&tagwall::text::to_utf8(bytes)).matches('\n').count();
    let files = [("fuzz", bytes)];
    match read::live::read_live(&files) {
        Ok(found) => {
            let rules = found.groups.iter().flat_map(|group| group.rules.iter().map(|rule| &rule.place));
            let places = found.resources().map(|(_, _, place)| place).chain(rules);
            places.for_each(|place| assert!(place.line <= lines, "{place} of {lines}"));
            found.incomplete.iter().chain(&found.passed_over).for_each(|note| assert_said(&note.to_string()));
            assert_eq!(read::live::read_live(&files).expect("it was read before"), found);
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            errors.iter().for_each(|error| assert_said(&error.to_string()));
        }
    }
}

/// Any text as an expression of a template: what is not resolved is no address, and nothing grows without bounds.
pub fn live_template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace(['"', '\\'], "'").replace(char::is_control, " ");
    let template = format!(
        r#"{{ "contentVersion": "1.0.0.0", "parameters": {{ "p": {{ "defaultValue": "{text}" }} }},
            "variables": {{ "v": "{text}", "twice": "[concat(variables('v'), variables('v'))]" }},
            "resources": [ {{ "type": "Microsoft.Network/networkSecurityGroups", "name": "n", "properties": {{
                "securityRules": [ {{ "name": "r", "properties": {{ "priority": 100, "direction": "Inbound",
                    "access": "Allow", "protocol": "*", "sourceAddressPrefix": "{text}", "sourcePortRange": "*",
                    "destinationAddressPrefix": "[variables('twice')]", "destinationPortRange": "*" }} }} ] }} }} ] }}"#
    );
    live(template.as_bytes());
}

/// The reader of Bicep.
pub fn bicep(bytes: &[u8]) {
    reader(FormatName::Bicep, "nsg.bicep", bytes);
}

/// The reader of Terraform.
pub fn terraform(bytes: &[u8]) {
    reader(FormatName::Terraform, "nsg.tf", bytes);
}

/// The reader of Terraform in JSON.
pub fn terraform_json(bytes: &[u8]) {
    reader(FormatName::TerraformJson, "nsg.tf.json", bytes);
}

/// The reader of scripts.
pub fn azcli(bytes: &[u8]) {
    reader(FormatName::Azcli, "nsg.sh", bytes);
}

/// The reader of tables.
pub fn csv(bytes: &[u8]) {
    reader(FormatName::Csv, "nsg.csv", bytes);
}

/// The reader of `plan.json`.
pub fn plan(bytes: &[u8]) {
    reader(FormatName::Json, "plan.json", bytes);
}

/// The readers of the three kinds of lists.
pub fn lists(bytes: &[u8]) {
    for name in ["lists/203.0.113.0-24.ipv4.txt", "edl/203.0.113.0-24.ipv4.txt", "sets.nft"] {
        let files = pieces(name, bytes);
        let proof =
            verify::check_files(&EXACT.policy, &SNAPSHOT, &files, Declared::default(), &[Target::Lists]);
        proof.failures.iter().for_each(|failure| assert_said(&failure.to_string()));
    }
}

/// Reads and proves files that may or may not be `format`. What passes the proof has to hold what was asked for.
fn reader(format: FormatName, name: &'static str, bytes: &[u8]) {
    let files = pieces(name, bytes);
    match (read::read_files(format, &files), read::read_files(format, &files)) {
        (Ok(first), Ok(second)) => assert_eq!(format!("{first:?}"), format!("{second:?}")),
        (Err(first), Err(second)) => {
            assert_eq!(first, second);
            assert_said(&first.to_string());
        }
        _ => panic!("reading twice gives two answers"),
    }
    let passes = passes(format, &files);
    // Where nothing is written in another way, the text of what passes has the address that was asked for.
    let text = String::from_utf8_lossy(bytes);
    assert!(!passes || text.contains('\\') || text.contains("203.0.113."), "an empty proof");
}

/// Whether files prove that they do what the exact environment asks.
fn passes(format: FormatName, files: &[(&str, &[u8])]) -> bool {
    let Ok(resources) = read::read_files(format, files) else { return false };
    let targets = [Target::Nsg, Target::RouteTable, Target::Firewall];
    let targets: Vec<Target> = targets.into_iter().filter(|&target| EXACT.policy.wants(target)).collect();
    let declared = Declared::default();
    let asked = Asked { policy: &EXACT.policy, snapshot: &SNAPSHOT, declared, targets: &targets };
    let proof = verify::check(&asked, &resources, format.name());
    proof.failures.iter().for_each(|failure| assert_said(&failure.to_string()));
    proof.is_success()
}

/// Whether the exact environment's own files pass, by format.
pub fn exact_at_readers() -> Vec<(FormatName, bool)> {
    let files: Vec<(&str, &[u8])> =
        EXACT.files.iter().map(|file| (file.name.as_str(), &*file.bytes)).collect();
    let formats = [
        FormatName::Arm,
        FormatName::Bicep,
        FormatName::Terraform,
        FormatName::Azcli,
        FormatName::Csv,
        FormatName::Json,
    ];
    formats.map(|format| (format, passes(format, &files))).to_vec()
}

/// `bytes` as one file of that name, or where lines `=== NAME` cut it as several.
fn pieces<'a>(name: &'a str, bytes: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
    let mut files = Vec::new();
    let (mut name, mut start, mut at) = (name, 0, 0);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let next = line.strip_prefix(b"=== ").and_then(|next| std::str::from_utf8(next).ok());
        if let Some(next) = next {
            if at > start {
                files.push((name, &bytes[start..at]));
            }
            (name, start) = (next.trim_end(), at + line.len());
        }
        at += line.len();
    }
    if at > start || files.is_empty() {
        files.push((name, &bytes[start..]));
    }
    files
}

/// One exact generation, in every format.
static EXACT: LazyLock<Generation> = LazyLock::new(|| {
    pipeline::generate(&exact_source(), Catalog::builtin(), &SNAPSHOT, None)
        .expect("an environment that fits")
});

/// The formats that can stand beside each other in one environment.
const FORMATS: [&str; 2] = [
    r#"["arm", "bicep", "terraform", "azcli", "csv", "json", "lists", "edl", "nftables"]"#,
    r#"["arm", "terraform-json", "lists"]"#,
];

fn exact_source() -> PolicySource {
    PolicySource::read("fuzz.toml", include_str!("exact.toml")).expect("a policy")
}

/// What people are told says something, and holds nothing that moves their cursor or turns text around.
fn assert_said(text: &str) {
    assert!(!text.trim().is_empty(), "an empty message");
    let raw = tagwall::text::hidden(text);
    assert!(raw.is_none(), "{raw:?} raw in a message: {text:?}");
}

/// Sets over a universe of 256 addresses against a plain table of flags.
pub fn sets(bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let ((a, x), (b, y)) = (table(first), table(second));
    holds(&a, |i| x[i]);
    holds(&a.union(&b), |i| x[i] || y[i]);
    holds(&a.intersection(&b), |i| x[i] && y[i]);
    holds(&a.difference(&b), |i| x[i] && !y[i]);
    holds(&a.symmetric_difference(&b), |i| x[i] != y[i]);
    holds(&a.complement(), |i| !x[i]);
}

fn table(bytes: &[u8]) -> (IntervalSet<u8>, [bool; 256]) {
    let mut table = [false; 256];
    let mut intervals = Vec::new();
    for pair in bytes.chunks_exact(2) {
        let (first, last) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
        intervals.extend(Interval::new(first, last));
        (first..=last).for_each(|a| table[usize::from(a)] = true);
    }
    (IntervalSet::from_intervals(intervals), table)
}

fn holds(set: &IntervalSet<u8>, expected: impl Fn(usize) -> bool) {
    for addr in 0..=u8::MAX {
        assert_eq!(set.contains(addr), expected(usize::from(addr)), "{addr}");
    }
    let again: IntervalSet<u8> = set.prefixes().collect();
    assert_eq!(&again, set, "the prefixes are the set");
}

/// Covers within a budget: valid, and the same from either end.
pub fn cover(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (count, never, times) = (bytes.next() % 64, bytes.next() % 8, 1 + usize::from(bytes.next() % 3));
    let set: AddrSet = (0..count).map(|_| bytes.prefix()).collect();
    let never: AddrSet = (0..never).map(|_| bytes.prefix()).collect();
    let never = never.difference(&set);
    let requests = [CoverRequest::new(&set).never(&never), CoverRequest::new(&set).times(times)];
    let curve = CoverCurve::joint(&requests, None).expect("nothing required is forbidden");
    for k in 0..=curve.lossless() {
        match (curve.at_most(k), cheapest_within(&requests, k)) {
            (Ok(curve), Ok(found)) => {
                assert_eq!(curve, found);
                assert_eq!(fewest_within(&requests, found.cost).expect("no conflict"), found);
                let [kept, free]: [AddrSet; 2] =
                    [0, 1].map(|at: usize| found.covers[at].iter().copied().collect());
                assert!(set.is_subset(&kept) && set.is_subset(&free) && kept.is_disjoint(&never));
                assert_eq!(kept.difference(&set).count() + free.difference(&set).count(), found.extra);
                assert!(found.covers[0].len() + times * found.covers[1].len() <= k);
            }
            (Err(CoverError::TooFew { certificate, .. }), Err(CoverError::TooFew { .. })) => {
                assert!(certificate.smallest() > k);
            }
            (curve, found) => panic!("{curve:?} is not {found:?}"),
        }
    }
}

/// Plan, bytes, meaning: any small policy is refused, or made, proven and proven again from its files.
pub fn round(bytes: &[u8]) {
    let text = small_policy(&mut Bytes(bytes));
    let source = PolicySource::read("fuzz.toml", &text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    match pipeline::generate(&source, Catalog::builtin(), &SNAPSHOT, None) {
        Ok(made) => prove_again(&source, &made, &text),
        // What comes in from outside is lost where replies go to the firewall: nothing but that may fail, and it may be
        // accepted.
        Err(Error::Proof(report)) if report.failures.iter().all(|f| f.kind == FailureKind::Nowhere) => {
            let text = format!("accept-missing = true\n{text}");
            let source =
                PolicySource::read("fuzz.toml", &text).unwrap_or_else(|error| panic!("{text}\n{error}"));
            let made = pipeline::generate(&source, Catalog::builtin(), &SNAPSHOT, None);
            prove_again(&source, &made.unwrap_or_else(|error| panic!("{text}\n{error}")), &text);
        }
        Err(Error::Proof(report)) => panic!("{text}\n{report}"),
        Err(error) => assert_said(&error.to_string()),
    }
}

fn prove_again(source: &PolicySource, made: &Generation, text: &str) {
    let bytes = |name: &str| made.files.iter().find(|file| file.name == name).map(|file| &*file.bytes);
    let claims =
        Manifest::read(bytes("manifest.json").expect("each generation has one")).expect("our own manifest");
    let files = made.files.iter().filter(|file| file.name != "manifest.json");
    let files: Vec<(&str, &[u8])> = files.map(|file| (file.name.as_str(), &*file.bytes)).collect();
    let found =
        pipeline::reprove(source, Catalog::builtin(), &SNAPSHOT, &claims, &files).expect("it resolved");
    assert!(found.is_success(), "{text}\n{:?}\n{}", found.differences, found.proof);
    // With the generation before at hand nothing moves.
    let all: Vec<(&str, &[u8])> = made.files.iter().map(|file| (file.name.as_str(), &*file.bytes)).collect();
    let previous = verify::earlier("fuzz", &all);
    assert!(previous.notes.is_empty(), "{text}\n{:?}", previous.notes);
    let again = pipeline::generate(source, Catalog::builtin(), &SNAPSHOT, Some(&previous));
    let again = again.unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert_eq!(again.files.len(), made.files.len());
    for (before, after) in made.files.iter().zip(&again.files) {
        assert!(before.bytes == after.bytes, "{text}\n{} moves without a change", before.name);
    }
}

fn small_policy(bytes: &mut Bytes<'_>) -> String {
    let v6 = bytes.next().is_multiple_of(2);
    let (space, subnet) = match v6 {
        true => (r#", "fd00:20::/48""#, r#", "fd00:20:0:1::/64""#),
        false => ("", ""),
    };
    let mut text = format!(
        "schema = 1\nname = \"fuzz\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"{space}]\n\
         network.firewall = \"10.20.255.4\"\nsubnets.jobs.prefixes = [\"10.20.1.0/24\"{subnet}]\n\
         subnets.tools.prefixes = [\"10.20.2.0/25\"]\n"
    );
    for _ in 0..1 + bytes.next() % 5 {
        text += &need(bytes);
    }
    let tags = ["native", "expand"];
    text += &format!("[nsg]\ntags = \"{}\"\n", bytes.of(&tags));
    text += &format!("[route-table]\ntags = \"{}\"\n", bytes.of(&tags));
    text += &format!("[firewall]\ntags = \"{}\"\n", bytes.of(&tags));
    text += &format!("ip-groups = \"{}\"\n", bytes.of(&["never", "auto"]));
    if bytes.next().is_multiple_of(2) {
        text += &format!("[precision]\nmax-extra = {}\n", 1_u32 << (bytes.next() % 24));
        for (key, least) in
            [("nsg-destination-prefixes", 4), ("routes-per-table", 6), ("firewall-unique-pairs", 4)]
        {
            text += &if bytes.next().is_multiple_of(2) {
                format!("[limits]\n{key} = {}\n", least + bytes.next())
            } else {
                continue;
            };
            break;
        }
    }
    text + &format!("[output]\nformats = {}\n", bytes.of(&FORMATS))
}

fn need(bytes: &mut Bytes<'_>) -> String {
    let mut remotes = Vec::new();
    for _ in 0..1 + bytes.next() % 3 {
        let tag = ["Storage.westeurope", "AzureKeyVault", "AzureMonitor", "Sql.westeurope", "AzureDevOps"];
        remotes.push(match bytes.next() % 6 {
            0 => (*bytes.of(&tag)).to_owned(),
            1 => format!("203.0.113.{}-203.0.113.{}", bytes.next() % 128, 128 + bytes.next() % 128),
            2 => format!("2001:db8:{:x}::/{}", bytes.next(), 48 + bytes.next() % 81),
            3 => format!("198.51.100.{}", bytes.next()),
            _ => bytes.prefix().to_string(),
        });
    }
    let side = bytes.of(&["to", "to", "from"]);
    let quoted: Vec<String> = remotes.iter().map(|remote| format!("\"{remote}\"")).collect();
    let protocol = bytes.of(&["tcp", "udp", "tcp", "icmp", "any"]);
    let mut text = format!("[[allow]]\n{side} = [{}]\nprotocol = \"{protocol}\"\n", quoted.join(", "));
    if matches!(*protocol, "tcp" | "udp") {
        let first = u16::from(bytes.next()) * 16 + 1;
        text += &format!("ports = [{first}, \"{}-{}\"]\n", first + 20, first + 20 + u16::from(bytes.next()));
    }
    match bytes.next() % 4 {
        0 => text += "subnet = \"tools\"\n",
        1 => text += "subnet = \"jobs\"\n",
        _ => {}
    }
    if bytes.next().is_multiple_of(4) {
        text += &format!("except = \"203.0.113.{}\"\n", bytes.next());
    }
    text
}

/// Numbers from what the fuzzer thinks of; zeros where it ends.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn of<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[usize::from(self.next()) % choices.len()]
    }

    /// A prefix of a documentation or benchmark range.
    fn prefix(&mut self) -> IpPrefix {
        let len = 24 + self.next() % 9;
        let host = u32::from(self.next());
        match self.next() % 4 {
            0 => {
                let wide = (0x2001_0db8_u128 << 96) | (u128::from(host) << (u32::from(self.next()) % 90));
                IpPrefix::V6(Prefix::new_relaxed(wide, 48 + self.next() % 81).expect("at most 128 bits"))
            }
            1 => IpPrefix::V4(Prefix::new_relaxed(0xcb00_7100 | host, len).expect("at most 32 bits")),
            _ => {
                let block = u32::from(self.next() % 4) << 8;
                IpPrefix::V4(Prefix::new_relaxed(0xc612_0000 | block | host, len).expect("at most 32 bits"))
            }
        }
    }
}
