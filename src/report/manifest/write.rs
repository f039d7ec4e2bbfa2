//! `manifest.json`: the stable description of one generation.

use serde::Serialize;

use crate::addr::Count;
use crate::catalog::Catalog;
use crate::emit::Artefact;
use crate::plan::{Association, CoveredBy, Gap, NatCollection, Reason, Usage};
use crate::report::{Made, extra, notes};
use crate::tags::FamilyCounts;
use crate::target::FormatName;
use crate::text::sha256_hex;
use crate::verify::{Proven, Work};

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    tagwall: &'static str,
    name: &'a str,
    cloud: &'a str,
    region: String,
    snapshot: SnapshotInfo<'a>,
    catalog: CatalogInfo,
    artefacts: Vec<ArtefactInfo<'a>>,
    associations: &'a [Association],
    deploy: Vec<DeployInfo<'a>>,
    counts: Counts,
    limits: LimitInfo<'a>,
    precision: PrecisionInfo<'a>,
    proof: Vec<ProofInfo<'a>>,
    gaps: Vec<GapInfo<'a>>,
    /// Of each need of each subnet whether it works, over all artefacts together.
    works: &'a [Work],
    /// What people should know about the way the rules were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Tags that no published file holds: what they stand for is not proven.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unproven_tags: Vec<String>,
    /// DNAT collections that the templates carry on from an earlier generation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nat: Vec<NatInfo>,
}

#[derive(Serialize)]
struct NatInfo {
    group: String,
    collection: serde_json::Value,
}

/// The facts that the rules come from.
#[derive(Serialize)]
struct CatalogInfo {
    /// Of the built-in facts: the day on which they were last gone through.
    version: String,
    /// The day whose facts are taken.
    as_of: String,
}

#[derive(Serialize)]
struct SnapshotInfo<'a> {
    cloud: &'a str,
    change_number: u64,
    /// Of the content, not of a file: the same for every order, layout and compression.
    sha256: &'a str,
    tags: usize,
    prefixes_ipv4: usize,
    prefixes_ipv6: usize,
}

#[derive(Serialize)]
struct ArtefactInfo<'a> {
    name: &'a str,
    bytes: usize,
    sha256: String,
}

#[derive(Serialize, Default)]
struct Counts {
    flows: usize,
    nsg_rules: usize,
    routes: usize,
    firewall_rules: usize,
    ip_groups: usize,
    ip_group_entries: usize,
    endpoint_policies: usize,
    gaps: usize,
}

#[derive(Serialize)]
struct LimitInfo<'a> {
    profile: &'a str,
    usage: Vec<UsageInfo<'a>>,
}

/// A limit's use, and what is left of it in percent, below zero where it is exceeded.
#[derive(Serialize)]
struct UsageInfo<'a> {
    #[serde(flatten)]
    usage: &'a Usage,
    headroom: i64,
    headroom_current: i64,
    headroom_conservative: i64,
}

/// The files of one format in the order in which they are deployed.
#[derive(Serialize)]
struct DeployInfo<'a> {
    /// As policies name it.
    format: &'static str,
    files: Vec<&'a str>,
}

/// Extra addresses by class, as text: they can be more than 2^53.
#[derive(Serialize)]
struct PrecisionInfo<'a> {
    exact: bool,
    max_extra: Count,
    extra_same_tag: Count,
    extra_azure: Count,
    extra_outside: Count,
    /// How many different addresses that is; the classes count one once for each list that admits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_distinct: Option<FamilyCounts>,
    /// The lists that are widened, and all addresses that this admits.
    widened: Vec<WidenedInfo<'a>>,
}

#[derive(Serialize)]
struct WidenedInfo<'a> {
    target: &'static str,
    remote: &'a str,
    flows: &'a [String],
    limit: &'static str,
    exact: usize,
    written: usize,
    extra_same_tag: Count,
    extra_azure: Count,
    extra_outside: Count,
    addresses: Vec<String>,
    /// What is asked for and what is not, together: the next generation keeps of it what still holds.
    prefixes: Vec<String>,
}

#[derive(Serialize)]
struct ProofInfo<'a> {
    #[serde(flatten)]
    proven: &'a Proven,
    result: &'static str,
}

#[derive(Serialize)]
struct GapInfo<'a> {
    target: &'static str,
    flow: &'a str,
    remote: &'a str,
    partial: bool,
    reason: &'a Reason,
    covered_by: &'a [CoveredBy],
}

pub(in crate::report) fn manifest(made: &Made<'_>, reports: &[Artefact]) -> Vec<u8> {
    let Made { policy, snapshot, plan, proof, artefacts, .. } = made;
    let (prefixes_ipv4, prefixes_ipv6) = snapshot.prefix_counts();
    let mut files: Vec<&Artefact> = artefacts.iter().chain(reports).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let manifest = Written {
        schema: 1,
        tagwall: env!("CARGO_PKG_VERSION"),
        name: &policy.name,
        cloud: policy.cloud.name(),
        region: policy.region.location(),
        snapshot: SnapshotInfo {
            cloud: snapshot.cloud().file_code(),
            change_number: snapshot.change_number(),
            sha256: snapshot.digest(),
            tags: snapshot.tags().len(),
            prefixes_ipv4,
            prefixes_ipv6,
        },
        catalog: CatalogInfo { version: Catalog::version().to_string(), as_of: policy.as_of.to_string() },
        artefacts: files
            .into_iter()
            .map(|a| ArtefactInfo { name: &a.name, bytes: a.bytes.len(), sha256: sha256_hex(&a.bytes) })
            .collect(),
        associations: &plan.associations,
        deploy: deploy(artefacts),
        counts: counts(made),
        limits: LimitInfo {
            profile: policy.limits.profile.as_deref().unwrap_or("current"),
            usage: plan.usage.iter().map(usage_info).collect(),
        },
        precision: precision(made),
        proof: proof.proven.iter().map(|proven| ProofInfo { proven, result: "proven" }).collect(),
        gaps: plan.gaps.iter().map(gap_info).collect(),
        works: &proof.works,
        unproven_tags: policy.outside().iter().map(|tag| tag.name().to_string()).collect(),
        notes: notes::of(made),
        nat: plan.kept_nat().into_iter().map(nat_info).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&manifest).expect("texts and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

fn precision<'a>(made: &Made<'a>) -> PrecisionInfo<'a> {
    let extras = extra::classified(made);
    let all = extra::sum(&extras);
    let widened = extras.iter().map(|(extra, classes)| WidenedInfo {
        target: extra.target.name(),
        remote: &extra.remote,
        flows: &extra.flows,
        limit: extra.limit_name(),
        exact: extra.exact,
        written: extra.written,
        extra_same_tag: classes.same_tag,
        extra_azure: classes.azure,
        extra_outside: classes.outside,
        addresses: extra.addresses.prefixes().map(|prefix| prefix.to_string()).collect(),
        prefixes: made
            .policy
            .widened(&extra.flows, &extra.addresses)
            .prefixes()
            .map(|p| p.to_string())
            .collect(),
    });
    PrecisionInfo {
        exact: extras.is_empty(),
        max_extra: made.policy.precision.max_extra,
        extra_same_tag: all.same_tag,
        extra_azure: all.azure,
        extra_outside: all.outside,
        extra_distinct: (!extras.is_empty()).then(|| extra::distinct(made)),
        widened: widened.collect(),
    }
}

fn usage_info(usage: &Usage) -> UsageInfo<'_> {
    UsageInfo {
        usage,
        headroom: usage.headroom(usage.limit),
        headroom_current: usage.headroom(usage.current),
        headroom_conservative: usage.headroom(usage.conservative),
    }
}

/// Artefacts come in order of deployment.
fn deploy(artefacts: &[Artefact]) -> Vec<DeployInfo<'_>> {
    let mut formats: Vec<DeployInfo<'_>> = Vec::new();
    for artefact in artefacts {
        let Some(format) = artefact.format.map(FormatName::name) else { continue };
        match formats.iter_mut().find(|f| f.format == format) {
            Some(known) => known.files.push(&artefact.name),
            None => formats.push(DeployInfo { format, files: vec![&artefact.name] }),
        }
    }
    formats
}

fn nat_info(nat: NatCollection) -> NatInfo {
    let collection = serde_json::from_str(&nat.json).expect("it was read from JSON");
    NatInfo { group: nat.group, collection }
}

fn gap_info(gap: &Gap) -> GapInfo<'_> {
    GapInfo {
        target: gap.target.name(),
        flow: &gap.flow,
        remote: &gap.remote,
        partial: gap.partial,
        reason: &gap.reason,
        covered_by: &gap.covered_by,
    }
}

fn counts(made: &Made<'_>) -> Counts {
    let plan = made.plan;
    Counts {
        flows: made.policy.flows.len(),
        nsg_rules: plan.nsg_rules().count(),
        routes: plan.route_tables.iter().map(|table| table.routes.len()).sum(),
        firewall_rules: plan.rule_collections().map(|c| c.rules.len()).sum(),
        ip_groups: plan.ip_groups.len(),
        ip_group_entries: plan.ip_groups.iter().map(|g| g.prefixes.len()).sum(),
        endpoint_policies: plan.endpoint_policies.len(),
        gaps: plan.gaps.len(),
    }
}
