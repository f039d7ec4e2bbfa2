//! Proof: emitted bytes are read back, replayed under each target's own rules, and held against the policy.
//!
//! Nothing here is shared with the lowering or the emitters: the readers parse the files anew, and what must pass
//! is derived from the flows once more.

mod acceptance;
mod difference;
mod dnat;
mod earlier;
mod endpoints;
mod extra;
mod firewall;
mod given;
mod inexpressible;
mod lists;
mod named;
mod names;
mod nsg;
mod placed;
mod refusal;
mod report;
mod routes;
mod wanted;
mod way;
mod work;
mod work_why;

use std::collections::HashSet;

pub use acceptance::{Acceptance, AcceptanceDoes, AcceptedAt};
pub use difference::Difference;
pub(crate) use dnat::needs_taken;
pub use earlier::earlier;
pub use inexpressible::Inexpressible;
pub use report::{Failure, FailureKind, Proven, Report};
pub use work::{Work, WorkState};
pub use work_why::{Remedy, WorkWhy};

use crate::plan::{Association, Extra, NatCollection};
use crate::policy::Policy;
use crate::read::{self, resources::Resources};
use crate::replay::Resolver;
use crate::tags::Snapshot;
use crate::target::{FormatName, Target};
use difference::Differs;
use given::{Findings, Given};

/// What a generation declares of itself: where it does less and where it does more than its policy asks. By default
/// nothing, so that the rules must be exact.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// Needs that are wholly not expressible; each that is after all is a failure.
    pub inexpressible: &'a [Inexpressible<'a>],
    /// What is admitted beyond what was asked for.
    pub extras: &'a [Extra],
    /// DNAT collections of an earlier generation that templates carry on: they must hold these just as they are
    /// declared, and no format may hold another.
    pub nat: &'a [NatCollection],
    /// What is put on each subnet. Without it, the only resource of a kind is taken to be on every subnet that needs one.
    pub associations: &'a [Association],
}

/// What files are proven against.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What was asked for.
    pub policy: &'a Policy,
    /// What the tags hold.
    pub snapshot: &'a Snapshot,
    /// Where the files declare to do less or more.
    pub declared: Declared<'a>,
    /// The targets that the files are for.
    pub targets: &'a [Target],
}

/// Reads artefacts back, each format by its own reader, and proves them; see [`check`].
///
/// `files` are names and contents; the name says the format. What cannot be read is a failure, and so are anything that
/// tagwall would not have written, a file that no format has, and a format that the policy asks for and that does not
/// say everything.
pub fn check_files(
    policy: &Policy,
    snapshot: &Snapshot,
    files: &[(&str, &[u8])],
    declared: Declared<'_>,
    targets: &[Target],
) -> Report {
    let mut report = Report::default();
    let mut followed: Vec<Resources> = Vec::new();
    let asked = |format| policy.output.formats.contains(&format);
    let first = targets.first().copied().unwrap_or(Target::Nsg);
    for reader in read::READERS {
        let own: Vec<(&str, &[u8])> =
            files.iter().filter(|(name, _)| (reader.takes)(name)).copied().collect();
        if own.is_empty() && !asked(reader.format) {
            continue;
        }
        let format = reader.format.name();
        match (reader.read)(&own) {
            Ok(resources) => {
                let all = Asked { policy, snapshot, declared, targets };
                let mut own = artefacts(&all, &resources, format);
                // Formats that say the same lead the same way.
                let known = followed.contains(&resources);
                if own.is_success() && !known {
                    follow(&all, &resources, format, &mut own);
                    followed.push(resources);
                }
                report.extend(own);
            }
            Err(error) => report.fail(first, format, FailureKind::Invalid, error),
        }
    }
    for reader in read::LIST_READERS {
        let own: Vec<(&str, &[u8])> =
            files.iter().filter(|(name, _)| (reader.takes)(name)).copied().collect();
        if own.is_empty() && !asked(reader.format) {
            continue;
        }
        let format = reader.format.name();
        match (reader.read)(&own) {
            Ok(found) => {
                // Only firewalls that fetch lists have a limit, so that only theirs may be wider.
                let wide = reader.format == FormatName::Edl;
                if wide {
                    extra::check(policy, declared.extras, format, &mut report);
                }
                lists::check(
                    policy,
                    &found,
                    if wide { declared.extras } else { &[] },
                    reader.format,
                    &mut report,
                );
            }
            Err(error) => report.fail(first, format, FailureKind::Invalid, error),
        }
    }
    // Whatever else lies there may be deployed with the rest.
    for (name, _) in files.iter().filter(|(name, _)| read::format_of(name).is_none() && !is_beside(name)) {
        let differs = Differs::StrangeFile((*name).to_owned());
        report.fail(first, "none", FailureKind::Invalid, differs);
    }
    if report.proven.is_empty() && report.failures.is_empty() && !targets.is_empty() {
        report.fail(targets[0], "none", FailureKind::Invalid, Differs::NoFile);
    }
    report
}

/// Proves that `resources`, read back from files of one `format`, do just what the policy asks and what is declared: an
/// address more or less is a failure. Every packet and address is considered, not a sample. What is declared as extra
/// must be within the policy's `max-extra`, hold nothing that is never let through or excepted, and send nothing that
/// is asked for another way.
///
/// # Cost
/// A few milliseconds for an environment with thousands of prefixes; see [`rules`](crate::rules) for the worst case.
pub fn check(asked: &Asked<'_>, resources: &Resources, format: &str) -> Report {
    let mut report = artefacts(asked, resources, format);
    // Each artefact by itself comes first: its messages are the clearest.
    if report.is_success() {
        follow(asked, resources, format, &mut report);
    }
    report
}

/// Proves what all artefacts do together.
fn follow(asked: &Asked<'_>, resources: &Resources, format: &str, report: &mut Report) {
    let Asked { policy, snapshot, declared, targets } = *asked;
    let Declared { inexpressible, extras, associations, .. } = declared;
    let placed = placed::of(policy, associations, resources);
    let proof = way::Proof { policy, extras, inexpressible, placed: &placed, format, targets };
    report.works = way::check(&proof, snapshot, resources, report);
}

/// Proves each artefact by itself.
fn artefacts(asked: &Asked<'_>, resources: &Resources, format: &str) -> Report {
    let Asked { policy, snapshot, declared, targets } = *asked;
    let Declared { inexpressible, extras, nat, associations } = declared;
    let mut report = Report::default();
    let nat = dnat::declared(nat).unwrap_or_else(|error| {
        report.fail(Target::Firewall, format, FailureKind::Invalid, error);
        Vec::new()
    });
    extra::check(policy, extras, format, &mut report);
    named::check(policy, resources, format, targets, &mut report);
    for differs in placed::differences(policy, associations, resources, format) {
        let first = targets.first().copied().unwrap_or(Target::Nsg);
        report.fail(first, format, FailureKind::Invalid, differs);
    }
    let placed = placed::of(policy, associations, resources);
    let symbols = policy.symbols();
    let mut resolver = Resolver::new(snapshot, &symbols);
    for group in &resources.ip_groups {
        if let Err(error) = resolver.add_group(group) {
            report.fail(Target::Firewall, format, FailureKind::Invalid, error);
        }
    }
    for &target in targets {
        let gaps: HashSet<&str> =
            inexpressible.iter().filter(|u| u.target == target).map(|u| u.flow).collect();
        let given = Given { policy, gaps, extras };
        let findings = &mut Findings { target, format, report: &mut report };
        match target {
            Target::Nsg => nsg::check(&given, (&resources.nsgs, &placed), snapshot, findings),
            Target::RouteTable => {
                routes::check(&given, (&resources.route_tables, &placed), &resolver, findings);
            }
            Target::Firewall => firewall::check(&given, resources, &nat, &mut resolver, findings),
            Target::ServiceEndpointPolicy => {
                endpoints::check(policy, &resources.endpoint_policies, format, &mut report);
            }
            // Not by resources, but by the files of each format that has lists.
            Target::Lists => {}
        }
    }
    report
}

/// Whether a file may lie beside artefacts that nobody deploys: manifest, report, and copies of what they were made from.
fn is_beside(name: &str) -> bool {
    let copy = |name: &str| name.strip_prefix("catalog-")?.strip_suffix(".toml")?.parse::<u32>().ok();
    let name = name.strip_suffix(".minisig").unwrap_or(name);
    ["manifest.json", "report.md", "report.html", "policy.toml"].contains(&name) || copy(name).is_some()
}
