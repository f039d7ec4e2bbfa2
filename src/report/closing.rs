//! What security groups end in, and what services keep in them, in `report.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Made;
use crate::policy::Policy;
use crate::policy::intent::Passage;
use crate::target::Target;

/// What is denied at the end of the groups, and what passes all the same.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    let nsg = &made.policy.nsg;
    if !made.policy.wants(Target::Nsg) {
        return;
    }
    if nsg.deny_rest {
        let vnet = if nsg.vnet == Passage::Allow {
            "Traffic inside the virtual network passes by its literal address space (`nsg.vnet`)"
        } else {
            "Traffic inside the virtual network is denied too (`nsg.vnet`)"
        };
        let probes = if nsg.load_balancer == Passage::Allow {
            "health probes pass (`nsg.load-balancer`)"
        } else {
            "health probes are denied (`nsg.load-balancer`)"
        };
        writeln!(out, "Everything else is denied by the security group, both ways. {vnet}; {probes}.")
            .expect("writing to a string does not fail");
        by_services(made.policy, out);
    } else {
        writeln!(out, "**The security group denies nothing beyond Azure's default rules** (`nsg.deny-rest = false`): all outbound traffic to the Internet passes it.").expect("writing to a string does not fail");
    }
    out.push('\n');
}

/// What the rules that services keep in their groups let pass, whatever else is denied there.
fn by_services(policy: &Policy, out: &mut String) {
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
