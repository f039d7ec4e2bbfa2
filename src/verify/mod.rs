//! Proof: emitted bytes are read back, replayed under each target's own rules, and held against the policy.
//!
//! Nothing here is shared with the lowering or the emitters: the readers parse the files anew, and what must pass
//! is derived from the flows once more.

mod dnat;
mod earlier;
mod endpoints;
mod extra;
mod firewall;
mod lists;
mod meaning;
mod nsg;
mod read;
mod report;
pub mod resources;
mod routes;
pub mod rules;

use std::collections::HashSet;

pub(crate) use dnat::taken_needs;
pub use dnat::{FirewallDifference, compare_firewalls};
pub use earlier::earlier;
pub use read::{ReadError, read_arm};
pub use report::{Failure, FailureKind, Proven, Report};

use crate::addr::AddrSet;
use crate::plan::{Extra, NatCollection};
use crate::policy::{Policy, Symbols};
use crate::tags::Snapshot;
use crate::target::{FormatName, Target};
use meaning::Meaning;
use resources::Resources;

/// A need that the report lists as wholly not expressible on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unsaid<'a> {
    /// The target.
    pub target: Target,
    /// Id of the flow.
    pub flow: &'a str,
}

/// What a generation declares of itself: where it does less and where it does more than its policy asks. By default
/// nothing, so that the rules must be exact.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// Needs that are wholly not expressible; each that is after all is a failure.
    pub unsaid: &'a [Unsaid<'a>],
    /// What is admitted beyond what was asked for.
    pub extras: &'a [Extra],
    /// DNAT collections of an earlier generation that templates carry on: they must hold these just as they are
    /// declared, and no format may hold another.
    pub nat: &'a [NatCollection],
}

/// Reads artefacts back, each format by its own reader, and proves them; see [`check`].
///
/// `files` are names and contents; the name says the format. What cannot be read is a failure, and so is a format that
/// the policy asks for and that does not say everything.
pub fn check_files(
    policy: &Policy,
    snapshot: &Snapshot,
    files: &[(&str, &[u8])],
    declared: Declared<'_>,
    targets: &[Target],
) -> Report {
    let mut report = Report::default();
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
            Ok(resources) => report.extend(check(policy, snapshot, &resources, declared, format, targets)),
            Err(error) => report.fail(first, format, FailureKind::Invalid, error.to_string()),
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
                lists::check(policy, &found, if wide { declared.extras } else { &[] }, format, &mut report);
            }
            Err(error) => report.fail(first, format, FailureKind::Invalid, error.to_string()),
        }
    }
    if report.proven.is_empty() && report.failures.is_empty() && !targets.is_empty() {
        report.fail(
            targets[0],
            "none",
            FailureKind::Invalid,
            "no file of a known format is there".to_owned(),
        );
    }
    report
}

/// Reads the files of one format back, without proving anything; files of other formats are passed over.
///
/// # Errors
/// [`ReadError`] with file and place, where something is missing, not understood or contradicts itself; and for formats
/// that carry no rules.
///
/// ```
/// use tagwall::{target::FormatName, verify};
/// let files = [("ip-groups.csv", "ipGroup,ipAddress\na,203.0.113.0/24\n".as_bytes())];
/// let found = verify::read_files(FormatName::Csv, &files)?;
/// assert_eq!(found.ip_groups[0].addresses, ["203.0.113.0/24"]);
/// # Ok::<(), verify::ReadError>(())
/// ```
pub fn read_files(format: FormatName, files: &[(&str, &[u8])]) -> Result<Resources, ReadError> {
    let reader = read::READERS.iter().find(|reader| reader.format == format);
    let reader = reader.ok_or_else(|| ReadError {
        place: format.name().to_owned(),
        message: "the format carries no rules".to_owned(),
    })?;
    let own: Vec<(&str, &[u8])> = files.iter().filter(|(name, _)| (reader.takes)(name)).copied().collect();
    (reader.read)(&own)
}

/// Proves that `resources`, read back from files of one format, do just what `policy` asks and `declared` says: an
/// address more or less is a failure. Every packet and address is considered, not a sample. What is declared as extra
/// must be within the policy's `max-extra`, hold nothing that is never let through or excepted, and send nothing that
/// is asked for another way.
///
/// # Cost
/// A few milliseconds for an environment with thousands of prefixes; see [`rules`] for the worst case.
pub fn check(
    policy: &Policy,
    snapshot: &Snapshot,
    resources: &Resources,
    declared: Declared<'_>,
    format: &str,
    targets: &[Target],
) -> Report {
    let Declared { unsaid, extras, nat } = declared;
    let mut report = Report::default();
    let nat = dnat::declared(nat).unwrap_or_else(|error| {
        report.fail(Target::Firewall, format, FailureKind::Invalid, error);
        Vec::new()
    });
    extra::check(policy, extras, format, &mut report);
    // As wide as Azure may take `VirtualNetwork`: a default route on the subnet makes it everything.
    let routed = if policy.has_default_route() { AddrSet::all() } else { AddrSet::empty() };
    let symbols = Symbols::new(&policy.network, &routed);
    let mut meaning = Meaning::new(snapshot, &symbols);
    for group in &resources.ip_groups {
        if let Err(text) = meaning.add_group(&group.name, &group.addresses) {
            report.fail(Target::Firewall, format, FailureKind::Invalid, text);
        }
    }
    for &target in targets {
        let gaps: HashSet<&str> = unsaid.iter().filter(|u| u.target == target).map(|u| u.flow).collect();
        match target {
            Target::Nsg => match resources.nsgs.as_slice() {
                [nsg] => nsg::check(policy, nsg, (&gaps, extras), format, &mut meaning, &mut report),
                other => report.count_wrong(target, format, "network security group", other.len()),
            },
            Target::RouteTable => match resources.route_tables.as_slice() {
                [table] => routes::check(policy, table, extras, format, &mut meaning, &mut report),
                other => report.count_wrong(target, format, "route table", other.len()),
            },
            Target::Firewall => {
                let claims = (&gaps, extras, nat.as_slice());
                firewall::check(policy, resources, claims, format, &mut meaning, &mut report);
            }
            Target::ServiceEndpointPolicy => {
                endpoints::check(policy, &resources.endpoint_policies, format, &mut report);
            }
            // Not by resources, but by the files of each format that has lists.
            Target::Lists => {}
        }
    }
    report
}

/// Whether Azure takes `name` for a rule, route or group. Source: resource-name-rules.md, 2020-02-11.
fn legal_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let last = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    name.len() <= 80 && first && last && name.chars().all(inner)
}
