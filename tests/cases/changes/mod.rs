//! Every format is changed in every way that could mean something, and the proof has to notice each change, also where
//! somebody made the digests of the manifest fit. What it passes has to be argued here as neutral; how many changes of
//! each kind were tried and how many passed stands in a golden file beside this one.
//!
//! Each format has a module with a function that makes its [`Change`]s, a list of what is [`Neutral`], and a test that
//! hands both to [`Scene::judge`].

mod arm;
mod azcli;
mod bicep;
mod folder;
mod json;
mod lines;
mod lists;
mod same;
mod tables;
mod terraform;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest, Sha256};
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::Previous;
use tagwall::policy::PolicySource;
use tagwall::report::Manifest;
use tagwall::tags::{Cloud, Snapshot};

use crate::support;

/// Every kind of rule that a firewall policy, a group and a table have, and lists long enough to
/// stand in files of their own. Flows do not overlap, so that every rule is needed.
pub(super) const POLICY: &str = r#"
schema = 1
name = "changes"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.a.prefixes = ["10.20.1.0/24", "10.20.3.0/24"]
firewall.sku = "premium"
firewall.tls-inspection = true
limits.ip-group-entries = 12
nsg.deny-rest = true
route-table.default = "firewall"
route-table.disable-bgp = true
output.resource-group = "network-rg"
output.formats = FORMATS

[[allow]]
to = "group:many"
protocol = "tcp"
ports = "8000-8010"

[[allow]]
to = "Storage.westeurope"
protocol = "tcp"
ports = 443

[[allow]]
to = ["203.0.113.0/25", "198.51.100.8/29"]
protocol = "udp"
ports = [7000, "7005-7010"]

[[allow]]
to = ["fqdn:*.example.org", "fqdn:example.org", "fqdn-tag:WindowsUpdate", "url:www.example.com/a/*"]
protocol = "tcp"
ports = 443

[[allow]]
to = "fqdn:time.example.net"
protocol = "udp"
ports = 123
"#;

/// [`POLICY`] for the formats of that name, with the group that it names.
pub(super) fn policy(formats: &[&str]) -> String {
    let many: Vec<String> = (0..20).map(|i| format!("\"198.18.{}.0/25\"", 2 * i)).collect();
    let group = format!("groups.many = [{}]\noutput.formats", many.join(", "));
    POLICY.replace("output.formats", &group).replace("FORMATS", &format!("{formats:?}"))
}

/// The same with the rules in the firewall itself, which has no URLs.
pub(super) fn classic(formats: &[&str]) -> String {
    policy(formats)
        .replace("firewall.sku = \"premium\"\nfirewall.tls-inspection = true", "firewall.rules = \"classic\"")
        .replace(", \"url:www.example.com/a/*\"", "")
}

/// A service endpoint policy, which only workloads ask for, and nothing else.
pub(super) fn endpoints(formats: &[&str]) -> String {
    format!(
        r#"
schema = 1
name = "changes"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
subnets.a.prefixes = ["10.20.1.0/24"]
output.targets = ["service-endpoint-policy"]
output.formats = {formats:?}
[[allow]]
workload = "aml-compute"
storage-account-ids = ["{ACCOUNT}"]
"#
    )
}

const ACCOUNT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/mldata";

/// What is changed: a generation with what it was made from.
pub(super) struct Scene {
    source: PolicySource,
    snapshot: Snapshot,
    pub(super) made: Generation,
}

/// One change of a generation.
pub(super) struct Change {
    /// The kind of change, which the tally counts by.
    pub(super) kind: &'static str,
    /// Where it is done, and what it is.
    pub(super) place: String,
    /// Files with other content, or none: those are taken away.
    pub(super) edits: Vec<(String, Option<Vec<u8>>)>,
}

impl Change {
    pub(super) fn new(
        kind: &'static str,
        place: impl Into<String>,
        file: &str,
        content: impl Into<Vec<u8>>,
    ) -> Self {
        Change { kind, place: place.into(), edits: vec![(file.to_owned(), Some(content.into()))] }
    }
}

/// Changes that mean nothing: those of a kind whose place holds a text, and why nothing follows from them.
pub(super) struct Neutral {
    pub(super) kind: &'static str,
    pub(super) place: &'static str,
    pub(super) why: &'static str,
    /// Whether two texts of the file say the same: an argument holds for no change that says something else.
    pub(super) same: Option<Same>,
}

/// Holds a text before and after a change against each other.
pub(super) type Same = fn(&str, &str) -> bool;

impl Neutral {
    fn speaks_of(&self, scene: &Scene, change: &Change) -> bool {
        assert!(self.why.len() > 20, "{}: an argument has to be made", self.kind);
        let same = |same: Same| {
            change.edits.iter().all(|(name, content)| {
                let after = content.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
                after.is_some_and(|after| same(scene.text(name), after))
            })
        };
        self.kind == change.kind
            && (change.place.contains(self.place) || without_indices(&change.place).contains(self.place))
            && self.same.is_none_or(same)
    }
}

/// A place with `*` for every index, so that one argument holds for all items.
fn without_indices(place: &str) -> String {
    let plain = |part: &str| if part.parse::<usize>().is_ok() { "*".to_owned() } else { part.to_owned() };
    let (pointer, change) = place.split_once(" to ").unwrap_or((place, ""));
    format!("{} to {change}", pointer.split('/').map(plain).collect::<Vec<_>>().join("/"))
}

impl Scene {
    pub(super) fn new(text: &str) -> Self {
        Self::after(text, None)
    }

    /// The scene that follows an earlier generation.
    pub(super) fn after(text: &str, previous: Option<&Previous>) -> Self {
        let snapshot = support::sample(Cloud::Public);
        let source = support::policy("changes.toml", text);
        let made = pipeline::generate(&source, Catalog::builtin(), &snapshot, previous)
            .unwrap_or_else(|error| panic!("{error}"));
        Scene { source, snapshot, made }
    }

    /// The text of a file.
    pub(super) fn text(&self, name: &str) -> &str {
        support::text_of(&self.made, name)
    }

    /// Names of all files whose name ends so.
    pub(super) fn files(&self, ending: &str) -> Vec<&str> {
        let names = self.made.files.iter().map(|f| f.name.as_str());
        names.filter(|name| name.ends_with(ending)).collect()
    }

    /// Whether the proof passes what is left of the generation after the change.
    fn proof_passes(&self, change: &Change) -> bool {
        let files = self.changed(change);
        let report = ["manifest.json", "report.md"];
        let artefacts = files.iter().filter(|(name, _)| !report.contains(&name.as_str()));
        let artefacts: Vec<(&str, &[u8])> =
            artefacts.map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        support::prove(&self.made, &self.snapshot, &artefacts).is_success()
    }

    /// Whether `tagwall verify` passes it, digests put right.
    pub(super) fn verify_passes(&self, change: &Change) -> bool {
        let mut files = self.changed(change);
        if !change.edits.iter().any(|(name, _)| name == "manifest.json") {
            refit(&mut files);
        }
        let Ok(claims) = Manifest::read(&files["manifest.json"]) else { return false };
        let files: BTreeMap<&str, &[u8]> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        let listed: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, *bytes)).collect();
        claims.file_differences(&files, &[]).is_empty()
            && pipeline::reprove(&self.source, Catalog::builtin(), &self.snapshot, &claims, &listed)
                .is_ok_and(|found| found.is_success())
    }

    fn changed(&self, change: &Change) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<String, Vec<u8>> =
            self.made.files.iter().map(|f| (f.name.clone(), f.bytes.clone())).collect();
        for (name, content) in &change.edits {
            match content {
                Some(bytes) => files.insert(name.clone(), bytes.clone()),
                None => files.remove(name),
            };
        }
        files
    }

    /// Whether a change leaves everything as it was.
    fn is_none(&self, change: &Change) -> bool {
        let same = |(name, content): &(String, Option<Vec<u8>>)| {
            let own = self.made.files.iter().find(|f| f.name == *name);
            own.map(|f| &f.bytes) == content.as_ref()
        };
        change.edits.iter().all(same)
    }

    /// Tries all `changes` of the scenes: each that the proof passes must be argued in `neutral`, each argument must be
    /// of use, and the tally must be the golden one of that name.
    pub(super) fn judge(name: &str, neutral: &[Neutral], scenes: &[(Scene, Vec<Change>)]) {
        let (mut tally, mut holes) = (BTreeMap::<&str, [usize; 3]>::new(), Vec::new());
        let mut used = BTreeSet::new();
        for (scene, changes) in scenes {
            for change in changes.iter().filter(|change| !scene.is_none(change)) {
                let counts = tally.entry(change.kind).or_default();
                counts[0] += 1;
                if !scene.proof_passes(change) {
                    continue;
                }
                counts[1] += 1;
                counts[2] += usize::from(scene.verify_passes(change));
                match neutral.iter().position(|n| n.speaks_of(scene, change)) {
                    Some(argued) => _ = used.insert(argued),
                    None => holes.push(format!("{}: {}", change.kind, change.place)),
                }
            }
        }
        assert!(holes.is_empty(), "{} changes pass the proof:\n{}", holes.len(), holes.join("\n"));
        golden(name, &tally);
        let unused = neutral.iter().enumerate().filter(|(index, _)| !used.contains(index));
        let unused: Vec<String> = unused.map(|(_, n)| format!("{} at {}", n.kind, n.place)).collect();
        assert!(unused.is_empty(), "arguments for what never passes:\n{}", unused.join("\n"));
    }
}

/// Makes digests and sizes of the manifest fit the files, and lists those that are new.
pub(super) fn refit(files: &mut BTreeMap<String, Vec<u8>>) {
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&files["manifest.json"]).expect("it is JSON");
    let listed = files.iter().filter(|(name, _)| *name != "manifest.json").map(|(name, bytes)| {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        serde_json::json!({ "name": name, "bytes": bytes.len(), "sha256": digest })
    });
    manifest["artefacts"] = listed.collect();
    files.insert("manifest.json".to_owned(), serde_json::to_vec_pretty(&manifest).expect("it is JSON"));
}

/// Holds the counts of each kind against those in the file of that name.
fn golden(name: &str, tally: &BTreeMap<&str, [usize; 3]>) {
    let mut text =
        "Changes by kind: tried, passed by the proof, passed by `verify` with digests put right.\n\n"
            .to_owned();
    let mut line = |kind: &str, [tried, proof, verify]: [usize; 3]| {
        text += &format!("{tried:6} {proof:6} {verify:6}  {kind}\n");
    };
    tally.iter().for_each(|(kind, counts)| line(kind, *counts));
    let sum = |at: usize| tally.values().map(|counts| counts[at]).sum();
    line("all", [sum(0), sum(1), sum(2)]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/changes").join(format!("{name}.txt"));
    support::golden(&path, text.as_bytes());
}
