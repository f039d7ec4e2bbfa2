//! Which flow lets through all that another asks for.

use super::rule::{Flow, Remote};
use crate::packet::Protocol;

/// Whether `wide` lets through all that `narrow` does, with the same remote side.
pub(super) fn holds(wide: &Flow, narrow: &Flow) -> bool {
    holds_but_remote(wide, narrow) && (same_remote(&wide.remote, &narrow.remote) || implies(wide, narrow))
}

/// Whether `wide` says all that `narrow` does, whatever their remote sides are.
fn holds_but_remote(wide: &Flow, narrow: &Flow) -> bool {
    let same_ends = (!wide.stand_in || narrow.stand_in)
        && wide.direction == narrow.direction
        && wide.subnet == narrow.subnet
        && wide.except == narrow.except;
    let ports = narrow.ports.set().is_subset(wide.ports.set());
    // Any protocol with a port list means TCP and UDP only.
    let protocol = wide.protocol == narrow.protocol
        || (wide.protocol == Protocol::Any && (wide.ports.is_all() || narrow.protocol.has_ports()));
    same_ends && ports && protocol
}

/// Whether the tag of `narrow` is a regional one of the service whose tag without a region `wide` has, and lies in it
/// in this snapshot.
///
/// Azure resolves names by itself, so that a tag which leaves the wider one has no rule until the next generation. Of
/// the 48,176 regional tags with a tag of the same service beside them in 32 real files of four clouds (2019-07 to
/// 2026-07), one lay outside of it: `AzureMonitor.AustriaEast` in the public file of 2026-06-08. Other tags lie in
/// each other by chance and keep rules of their own, those in `AzureCloud` too: 45 left it from one of these files to
/// the next, in 10 of 28 steps.
fn implies(wide: &Flow, narrow: &Flow) -> bool {
    let (Remote::Tag(all), Remote::Tag(part)) = (&wide.remote, &narrow.remote) else { return false };
    all.name().base() == part.name().base()
        && all.name().suffix().is_none()
        && part.name().suffix().is_some()
        && part.set().is_subset(all.set())
}

/// Whether all addresses of the tag of `narrow` are let through by a tag of all of Azure in `wide`, in this snapshot.
pub(super) fn within_cloud(wide: &Flow, narrow: &Flow) -> bool {
    let (Remote::Tag(all), Remote::Tag(part)) = (&wide.remote, &narrow.remote) else { return false };
    all.name().base() == "AzureCloud"
        && part.name().base() != "AzureCloud"
        && holds_but_remote(wide, narrow)
        && part.set().is_subset(all.set())
}

fn same_remote(a: &Remote, b: &Remote) -> bool {
    match (a, b) {
        (Remote::Tag(a), Remote::Tag(b)) => a.name() == b.name(),
        (Remote::Outside(a), Remote::Outside(b)) => a.name() == b.name(),
        (Remote::Symbol(a), Remote::Symbol(b)) => a == b,
        (Remote::Addresses(a), Remote::Addresses(b)) => a == b,
        (Remote::Fqdn(a), Remote::Fqdn(b)) => a == b,
        (Remote::FqdnTag(a), Remote::FqdnTag(b)) | (Remote::Url(a), Remote::Url(b)) => a == b,
        (Remote::Any, Remote::Any) => true,
        _ => false,
    }
}
