//! Mending drift: the operations that bring what is there to what is wanted, in an order in which no step ever admits a
//! packet that neither side admits, nor drops one that both admit.
//!
//! Each step is proven by replaying it: the rules after it are held against those that are there and those that are
//! wanted, over every packet; each packet must be decided as by one of the two. What is not known (an application security
//! group, a tag of no file) is tried with every answer, or where there are many, with the usual ones.

mod body;
mod firewall;
mod group;
mod judge;
mod kept;
mod model;
mod routes;
mod script;
mod top;

pub use model::{NoSafeOrder, Operation};
pub use script::az_script;

use super::compare::pairs;
use super::open::{OpenResolver, space_of};
use crate::read::live::{Live, LiveGroup, LiveTable};
use crate::tags::Snapshot;

/// The operations that bring `live` to `wanted`, for the kinds of resources that are among the live files. Rules that do
/// what they should stay; rules that change nothing stay too.
///
/// # Errors
/// The first resource for which no order of operations is safe at each step: where priorities leave no room, or a change
/// of one rule can only be made together with one of another.
///
/// # Cost
/// For each step twice that of [`differences`](crate::rules::differences).
pub fn plan(wanted: &Live, live: &Live, snapshot: &Snapshot) -> Result<Vec<Operation>, NoSafeOrder> {
    let space = space_of(live).or_else(|| space_of(wanted));
    let mut meanings = [
        OpenResolver::new(wanted, Some(snapshot), space.clone(), "the policy"),
        OpenResolver::new(live, Some(snapshot), space, "what is there"),
    ];
    let mut operations = Vec::new();
    for (one, other) in pairs(&wanted.groups, &live.groups, |_| None, |g: &LiveGroup| &g.name) {
        if let (Some(one), Some(other)) = (one, other) {
            operations.extend(group::plan(&kept::rules(one, other), other, &mut meanings)?);
        }
    }
    for (one, other) in pairs(&wanted.tables, &live.tables, |_| None, |t: &LiveTable| &t.name) {
        if let (Some(one), Some(other)) = (one, other) {
            operations.extend(routes::plan(&kept::routes(one, other), other, &meanings)?);
        }
    }
    operations.extend(firewall::plan(wanted, live, snapshot)?);
    Ok(operations)
}
