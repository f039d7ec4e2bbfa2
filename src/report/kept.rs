//! What services keep in the groups of their subnets, in `report.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::policy::Policy;

/// What the rules that services keep in their groups let pass, whatever else is denied there.
pub(super) fn by_services(policy: &Policy, out: &mut String) {
    let mut told: BTreeMap<(&str, &BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for rule in &policy.managed {
        let (way, ports) = (rule.direction.name(), &rule.ports);
        let passes = format!("{way} {} {ports} from {} to {}", rule.protocol, rule.source, rule.destination);
        told.entry((&rule.workload, &rule.subnets)).or_default().push(passes);
    }
    for ((workload, subnets), passes) in told {
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        out.push('\n');
        writeln!(
            out,
            "The rules that {workload} keeps in the group of {} let pass besides: {}.",
            subnets.join(", "),
            passes.join("; ")
        )
        .expect("writing to a string does not fail");
    }
}
