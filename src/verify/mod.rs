//! Proof: whether what was made means what was asked.

pub mod rules;
