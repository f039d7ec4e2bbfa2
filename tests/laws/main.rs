//! Laws that hold for every input, held against slow twins and against every input of small universes.

#[path = "../support/mod.rs"]
mod support;

mod addr_borders;
mod any_policy;
mod except_routes;
mod fewest_regions;
mod flows_twin;
mod house;
mod kernel_routes;
mod lint;
mod plan_twin;
mod printed_is_read;
mod reading_twin;
mod regressions;
mod replay_twin;
mod rules_threads;
mod rules_twin;
mod sample;
mod second_opinion;
mod small_universe;
mod stability;
mod tag_covers;
mod tag_index;
mod tag_rules;
mod way_twin;
