//! Real service-tags files and vectors of optimal answers; the shared folder that `TAGWALL_SHARED` names has them.

#[cfg(all(feature = "fetch", unix))]
#[path = "../fake/mod.rs"]
mod fake;
#[path = "../support/mod.rs"]
mod support;

#[path = "../../examples/solve_vectors/problems/mod.rs"]
mod problems;

mod churn;
mod drift;
mod exports;
#[cfg(all(feature = "cli", feature = "fetch", unix))]
mod field;
mod history;
mod precision_weeks;
mod recorded;
mod samples;
mod snapshots;
#[cfg(feature = "cli")]
mod stale;
mod statements;
#[cfg(all(feature = "cli", feature = "fetch", unix))]
mod trial;
#[cfg(all(feature = "cli", feature = "fetch", unix))]
mod trial_rows;
mod vectors;
mod vectors_chunks;
mod vectors_priorities;
mod vectors_rules;
mod vectors_tags;
