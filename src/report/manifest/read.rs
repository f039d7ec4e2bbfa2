//! [`Manifest`]: what a `manifest.json` says, read back, and held against the files beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::addr::{AddrSet, Count, IpPrefix};
use crate::catalog::Date;
use crate::plan::{Association, Extra, NatCollection};
use crate::policy::{Policy, short_list};
use crate::read::resources::{FirewallRule, Resources};
use crate::read::{ReadError, format_of, no_member_twice, place_in_order};
use crate::tags::Snapshot;
use crate::target::Target;
use crate::text::sha256_hex;
use crate::verify::{Inexpressible, Proven, Report, WorkState};

/// The name of the manifest in a folder of artefacts.
pub const MANIFEST: &str = "manifest.json";

/// The names of the reports beside it.
pub(in crate::report) const REPORTS: [&str; 2] = ["report.md", "report.html"];

/// What a manifest claims of the files beside it.
///
/// Limits are left out: they follow from the plan, which the files alone do not tell. So are notes, and the change
/// number, a label under which the same content comes again with another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: u32,
    name: String,
    cloud: String,
    region: String,
    snapshot: ClaimedData,
    /// Absent where it was made before facts had dates.
    #[serde(default)]
    catalog: Option<ClaimedCatalog>,
    artefacts: Vec<ClaimedFile>,
    /// Absent where it was made before tables and groups were told apart by subnet.
    #[serde(default)]
    associations: Vec<ClaimedAssociation>,
    deploy: Vec<ClaimedDeploy>,
    counts: BTreeMap<String, usize>,
    #[serde(rename = "tagwall")]
    _tagwall: String,
    #[serde(rename = "limits")]
    _limits: serde_json::Value,
    #[serde(default, rename = "notes")]
    _notes: Vec<String>,
    precision: ClaimedPrecision,
    proof: Vec<ClaimedProof>,
    gaps: Vec<ClaimedGap>,
    /// Absent where it was made before the way was proven.
    #[serde(default)]
    works: Option<Vec<ClaimedWork>>,
    #[serde(default)]
    nat: Vec<ClaimedNat>,
}

/// Whether a need works. Why not is in words, which may become others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedWork {
    need: String,
    subnet: String,
    state: WorkState,
    #[serde(default)]
    stops_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimedAssociation {
    subnet: String,
    #[serde(deserialize_with = "addresses")]
    prefixes: AddrSet,
    nsg: Option<String>,
    route_table: Option<String>,
    service_endpoint_policy: Option<String>,
    #[serde(default)]
    reserved: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedCatalog {
    as_of: Date,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimedDeploy {
    format: String,
    files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedNat {
    group: String,
    collection: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedPrecision {
    exact: bool,
    max_extra: String,
    extra_same_tag: String,
    extra_azure: String,
    extra_outside: String,
    #[serde(default)]
    extra_distinct: Option<ClaimedCounts>,
    #[serde(default)]
    widened: Vec<ClaimedExtra>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedCounts {
    v4: String,
    v6: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedExtra {
    #[serde(deserialize_with = "target")]
    target: Target,
    remote: String,
    flows: Vec<String>,
    limit: String,
    exact: usize,
    written: usize,
    #[serde(deserialize_with = "addresses")]
    addresses: AddrSet,
    #[serde(default, deserialize_with = "some_addresses")]
    prefixes: Option<AddrSet>,
}

fn target<'de, D: Deserializer<'de>>(from: D) -> Result<Target, D::Error> {
    let name = String::deserialize(from)?;
    let mut all = Target::ALL.into_iter().chain([Target::Lists]);
    let found = all.find(|target| target.name() == name);
    found.ok_or_else(|| D::Error::custom(format!("{name} is no target")))
}

fn some_addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Option<AddrSet>, D::Error> {
    addresses(from).map(Some)
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<AddrSet, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let prefix = |text: &String| {
        text.parse::<IpPrefix>().map_err(|error| D::Error::custom(format!("{text}: {error}")))
    };
    texts.iter().map(prefix).collect()
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedData {
    cloud: String,
    sha256: String,
    tags: usize,
    prefixes_ipv4: usize,
    prefixes_ipv6: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedFile {
    name: String,
    bytes: usize,
    sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedProof {
    #[serde(flatten)]
    proven: Proven,
    result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ClaimedGap {
    target: String,
    flow: String,
    partial: bool,
}

impl Manifest {
    /// The day whose facts of the catalogue were taken, where the manifest says so.
    pub fn as_of(&self) -> Option<Date> {
        self.catalog.as_ref().map(|catalog| catalog.as_of)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ReadError`], for anything that this version does not write.
    ///
    /// ```
    /// use tagwall::report::Manifest;
    /// assert!(Manifest::read(b"{}").unwrap_err().to_string().starts_with("manifest.json: missing field"));
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let wrong = |message: String| ReadError { place: MANIFEST.to_owned(), message };
        let claims: Manifest = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        no_member_twice(MANIFEST, bytes)?;
        match claims.schema {
            1 => Ok(claims),
            other => Err(wrong(format!("schema {other} is not known to this version"))),
        }
    }

    /// The environment's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the cloud.
    pub fn cloud(&self) -> &str {
        &self.cloud
    }

    /// Digest of the service tags' content.
    pub fn data(&self) -> &str {
        &self.snapshot.sha256
    }

    /// Needs that are listed as wholly not expressible; the proof refuses those that are.
    pub(crate) fn inexpressible(&self) -> Vec<Inexpressible<'_>> {
        let target = |name: &str| Target::ALL.into_iter().find(|t| t.name() == name);
        let whole = self.gaps.iter().filter(|gap| !gap.partial);
        whole
            .filter_map(|gap| Some(Inexpressible { target: target(&gap.target)?, flow: &gap.flow }))
            .collect()
    }

    /// What is declared to be admitted beyond what was asked for.
    pub(crate) fn extras(&self) -> Vec<Extra> {
        let extra = |claimed: &ClaimedExtra| Extra {
            target: claimed.target,
            flows: claimed.flows.clone(),
            remote: claimed.remote.clone(),
            addresses: claimed.addresses.clone(),
            exact: claimed.exact,
            written: claimed.written,
            limit: claimed.limit.parse().ok(),
        };
        self.precision.widened.iter().map(extra).collect()
    }

    /// What is said to be put on each subnet.
    pub(crate) fn associations(&self) -> Vec<Association> {
        let one = |claimed: &ClaimedAssociation| Association {
            subnet: claimed.subnet.clone(),
            prefixes: claimed.prefixes.prefixes().collect(),
            nsg: claimed.nsg.clone(),
            route_table: claimed.route_table.clone(),
            service_endpoint_policy: claimed.service_endpoint_policy.clone(),
            reserved: claimed.reserved.clone(),
        };
        self.associations.iter().map(one).collect()
    }

    /// The DNAT collections that the templates are to carry on.
    pub(crate) fn nat(&self) -> Vec<NatCollection> {
        let nat = |claimed: &ClaimedNat| NatCollection {
            group: claimed.group.clone(),
            name: claimed.collection["name"].as_str().unwrap_or_default().to_owned(),
            priority: claimed.collection["priority"].as_u64().and_then(|p| p.try_into().ok()).unwrap_or(0),
            json: claimed.collection.to_string(),
        };
        self.nat.iter().map(nat).collect()
    }

    /// How `files`, all that lie beside the manifest, differ from what it lists. `own` are names that it does not list
    /// and that may be there.
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # use tagwall::{catalog::Catalog, pipeline, policy::PolicySource, report::Manifest};
    /// # use tagwall::tags::{Cloud, Snapshot, sample};
    /// # let text = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
    /// #     subnets.a.prefixes = [\"10.20.1.0/24\"]\n";
    /// # let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// # let made = pipeline::generate(&PolicySource::read("e.toml", text)?, Catalog::builtin(), &snapshot, None)?;
    /// let mut files: BTreeMap<&str, &[u8]> = made.files.iter().map(|f| (f.name.as_str(), &*f.bytes)).collect();
    /// let claims = Manifest::read(files["manifest.json"]).unwrap();
    /// assert!(claims.file_differences(&files, &[]).is_empty());
    /// files.insert("nsg.arm.json", b"{}");
    /// assert!(claims.file_differences(&files, &[])[0].starts_with("nsg.arm.json: 2 bytes instead of"));
    /// # Ok::<(), tagwall::Error>(())
    /// ```
    pub fn file_differences(&self, files: &BTreeMap<&str, &[u8]>, own: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for claimed in &self.artefacts {
            let name = &claimed.name;
            match files.get(name.as_str()) {
                None => found.push(format!("{name}: is missing")),
                Some(bytes) if bytes.len() != claimed.bytes => found.push(format!(
                    "{name}: {} bytes instead of {} as the manifest says",
                    bytes.len(),
                    claimed.bytes
                )),
                Some(bytes) if sha256_hex(bytes) != claimed.sha256 => {
                    found.push(format!("{name}: its SHA-256 is not that of the manifest"));
                }
                Some(_) => {}
            }
        }
        found.extend(self.list_differences());
        let listed: BTreeSet<&str> = self.artefacts.iter().map(|a| a.name.as_str()).collect();
        let known = |name: &&str| *name == MANIFEST || listed.contains(name) || own.contains(name);
        let extra = files.keys().filter(|name| !known(name));
        found.extend(extra.map(|name| format!("{name}: is not in the manifest")));
        found
    }

    /// How the files that are to be deployed differ from those that are there, by name and order.
    fn list_differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut listed = BTreeSet::new();
        for name in self.artefacts.iter().map(|a| a.name.as_str()) {
            if !listed.insert(name) {
                found.push(format!("{MANIFEST}: {name} is listed twice"));
            }
            if !REPORTS.contains(&name) && format_of(name).is_none() {
                found.push(format!("{name}: no format has such a file"));
            }
        }
        let mut left = listed;
        left.retain(|name| !REPORTS.contains(name));
        for ClaimedDeploy { format, files } in &self.deploy {
            for name in files {
                if !left.remove(name.as_str()) {
                    found.push(format!(
                        "{MANIFEST}: deploy lists {name}, which is no artefact or listed before"
                    ));
                }
                if format_of(name).is_none_or(|own| own.name() != format) {
                    found.push(format!("{MANIFEST}: deploy lists {name} as {format}"));
                }
            }
            if !files.iter().filter_map(|name| place_in_order(name)).is_sorted() {
                found.push(format!(
                    "{MANIFEST}: deploy lists the files of {format} in an order that does not work"
                ));
            }
        }
        found.extend(left.iter().map(|name| format!("{MANIFEST}: deploy does not list {name}")));
        found
    }

    /// How `policy` and `snapshot` differ from what the artefacts were made from.
    pub(crate) fn input_differences(&self, policy: &Policy, snapshot: &Snapshot) -> Vec<String> {
        let mut found = Vec::new();
        let mut same = |what: &str, claimed: &dyn std::fmt::Display, have: &dyn std::fmt::Display| {
            let (claimed, have) = (claimed.to_string(), have.to_string());
            if claimed != have {
                found.push(format!("{MANIFEST}: {what} is {claimed}, but {have} by policy and data"));
            }
        };
        let data = &self.snapshot;
        let (v4, v6) = snapshot.prefix_counts();
        same("name", &self.name, &policy.name);
        same("cloud", &self.cloud, &policy.cloud.name());
        same("region", &self.region, &policy.region.location());
        same("snapshot.sha256", &data.sha256, &snapshot.digest());
        same("snapshot.cloud", &data.cloud, &snapshot.cloud().file_code());
        same("snapshot.tags", &data.tags, &snapshot.tags().len());
        same("snapshot.prefixes_ipv4", &data.prefixes_ipv4, &v4);
        same("snapshot.prefixes_ipv6", &data.prefixes_ipv6, &v6);
        let precision = &self.precision;
        let declared: Count = precision.widened.iter().map(|extra| extra.addresses.count()).sum();
        let classes = [&precision.extra_same_tag, &precision.extra_azure, &precision.extra_outside];
        let classes: Option<Count> = classes.into_iter().map(|text| text.parse::<Count>().ok()).sum();
        let classes = classes.map_or_else(|| "no number".to_owned(), |sum| sum.to_string());
        same("precision.max_extra", &precision.max_extra, &policy.precision.max_extra);
        same("precision.exact", &precision.exact, &declared.is_zero());
        same("the sum of the extra addresses", &classes, &declared);
        if let Some(claimed) = &precision.extra_distinct {
            let all = AddrSet::union_of(precision.widened.iter().map(|extra| &extra.addresses));
            same("the number of different extra IPv4 addresses", &claimed.v4, &all.v4.count());
            same("the number of different extra IPv6 addresses", &claimed.v6, &all.v6.count());
        }
        for extra in &precision.widened {
            let have = policy.widened(&extra.flows, &extra.addresses);
            if let Some(claimed) = &extra.prefixes {
                let what = format!("the widened list of {}", extra.remote);
                same(&what, &short_list(claimed).to_string(), &short_list(&have).to_string());
                same(&format!("the number of addresses in {what}"), &claimed.count(), &have.count());
            }
        }
        same("counts.flows", &self.count("flows"), &policy.flows.len());
        same("counts.gaps", &self.count("gaps"), &self.gaps.len());
        found
    }

    /// How the resources that were read from the files of a format differ in number from what the manifest says.
    pub(crate) fn count_differences(&self, format: &str, found: &Resources) -> Vec<String> {
        // DNAT rules are nothing that was made: the proof counts them.
        let rules = found.rule_collections().flat_map(|c| &c.rules);
        let rules = rules.filter(|rule| !matches!(rule, FirewallRule::Nat(_)));
        let have = [
            ("nsg_rules", found.nsgs.iter().map(|nsg| nsg.rules.len()).sum()),
            ("routes", found.route_tables.iter().map(|table| table.routes.len()).sum()),
            ("firewall_rules", rules.count()),
            ("ip_groups", found.ip_groups.len()),
            ("ip_group_entries", found.ip_groups.iter().map(|g| g.addresses.len()).sum()),
            ("endpoint_policies", found.endpoint_policies.len()),
        ];
        let differs = have.into_iter().filter(|(key, have)| self.count(key) != *have);
        differs
            .map(|(key, have)| {
                format!("{MANIFEST}: counts.{key} is {}, but {format} has {have}", self.count(key))
            })
            .collect()
    }

    /// How a new proof differs from the one that is recorded.
    pub(crate) fn proof_differences(&self, proof: &Report) -> Option<String> {
        let claimed = self.proof.iter().map(|p| (&p.proven, p.result.as_str()));
        let same = claimed.eq(proof.proven.iter().map(|p| (p, "proven")));
        (!same).then(|| format!("{MANIFEST}: the proof that it records is not the one that the files give"))
    }

    /// How what works differs from what is recorded of it.
    pub(crate) fn work_differences(&self, proof: &Report) -> Vec<String> {
        let Some(claimed) = &self.works else { return Vec::new() };
        let have: Vec<ClaimedWork> = proof
            .works
            .iter()
            .map(|work| ClaimedWork {
                need: work.need.clone(),
                subnet: work.subnet.clone(),
                state: work.state,
                stops_at: work.stops_at.map(str::to_owned),
            })
            .collect();
        let differs = claimed.iter().find(|work| !have.contains(work));
        let other = have.iter().find(|work| !claimed.contains(work));
        let told = differs.or(other).map(|work| {
            format!(
                "{MANIFEST}: whether {} works for subnet {} is not what it records",
                work.need, work.subnet
            )
        });
        told.into_iter().collect()
    }

    fn count(&self, key: &str) -> usize {
        self.counts.get(key).copied().unwrap_or(0)
    }
}
