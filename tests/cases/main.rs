//! Cases: what is asked, what is made of it, and what is broken on purpose and must be found.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod associations;
mod breaks;
mod catalog;
mod changes;
mod classic;
mod corrections;
mod dates;
mod demands;
mod deployment;
mod dialects;
mod dnat;
mod endpoint_policy;
mod formats;
mod fqdn_tags;
mod golden;
mod limits;
mod lines;
mod lint_routes;
mod lowering;
mod managed_instances;
mod outside;
mod page;
mod precision;
mod precision_borders;
mod precision_limits;
mod preconditions;
mod proof;
mod proof_borders;
mod proof_way;
mod remotes;
mod service_endpoints;
mod tables;
mod way;
mod workloads;
