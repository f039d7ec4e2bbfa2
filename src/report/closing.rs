//! What security groups end in, and what services keep in them.

use std::collections::{BTreeMap, BTreeSet};

use super::Made;
use super::document::{Block, Line};
use crate::policy::Policy;
use crate::policy::intent::Passage;
use crate::target::Target;

/// What is denied at the end of the groups, and what passes all the same.
pub(super) fn blocks(made: &Made<'_>) -> Vec<Block> {
    let nsg = &made.policy.nsg;
    if !made.policy.wants(Target::Nsg) {
        return Vec::new();
    }
    if !nsg.deny_rest {
        let open = Line::new()
            .strong("The security group denies nothing beyond Azure's default rules")
            .prose(" (`nsg.deny-rest = false`): all outbound traffic to the Internet passes it.");
        return vec![Block::Paragraph(open)];
    }
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
    let denied = Line::of("Everything else is denied by the security group, both ways. ");
    let denied = denied.prose(vnet).text("; ").prose(probes).text(".");
    std::iter::once(Block::Paragraph(denied)).chain(by_services(made.policy)).collect()
}

/// What the rules that services keep in their groups let pass, whatever else is denied there.
fn by_services(policy: &Policy) -> Vec<Block> {
    let mut told: BTreeMap<(&str, &BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for rule in &policy.managed {
        let (way, ports) = (rule.direction.name(), &rule.ports);
        let passes = format!("{way} {} {ports} from {} to {}", rule.protocol, rule.source, rule.destination);
        told.entry((&rule.workload, &rule.subnets)).or_default().push(passes);
    }
    let told = told.into_iter().map(|((workload, subnets), passes)| {
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        Block::paragraph(format_args!(
            "The rules that {workload} keeps in the group of {} let pass besides: {}.",
            subnets.join(", "),
            passes.join("; ")
        ))
    });
    told.collect()
}
