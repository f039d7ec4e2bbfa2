//! Named sets for nftables.

use std::fmt::Write;

use super::words::identifiers;
use super::{Artefact, Format, Options};
use crate::plan::PlanParts;

/// `sets.nft`: a table of the environment with one set for each remote and family. Loading it again replaces what the
/// sets hold, in one transaction, and leaves rules that use them in place.
#[derive(Debug, Clone, Copy)]
pub struct Nftables;

impl Format for Nftables {
    fn name(&self) -> &'static str {
        "nftables"
    }

    fn render(&self, plan: &PlanParts, _: &Options) -> Vec<Artefact> {
        if plan.lists.is_empty() {
            return Vec::new();
        }
        let table = identifiers("tagwall_", [plan.name.as_str()]).remove(0);
        let names = identifiers("", plan.lists.iter().map(|l| l.name.as_str()));
        let mut declared = String::new();
        let mut filled = String::new();
        for (list, name) in plan.lists.iter().zip(&names) {
            for (family, prefixes) in list.families() {
                // Never a keyword, and never a digit at the front.
                let set = format!("s_{name}_{family}");
                let kind = if family == "ipv4" { "ipv4_addr" } else { "ipv6_addr" };
                let elements = prefixes.iter().map(|p| format!("\t{p},\n")).collect::<String>();
                write!(
                    declared,
                    "\t# {}\n\tset {set} {{\n\t\ttype {kind}\n\t\tflags interval\n\t}}\n",
                    list.title.replace(char::is_control, " ")
                )
                .and_then(|()| {
                    write!(
                        filled,
                        "\nflush set inet {table} {set}\nadd element inet {table} {set} {{\n{elements}}}\n"
                    )
                })
                .expect("writing to a string does not fail");
            }
        }
        let text = format!(
            "# Written by tagwall: change the policy, not this file.\n\ntable inet {table} {{\n{declared}}}\n{filled}"
        );
        vec![Artefact::new("sets.nft", text)]
    }
}
