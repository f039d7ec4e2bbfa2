//! What must hold before a workload can work, and what of it the policy answers.
//!
//! What the policy itself rules out is refused with its line; what it says is not left to people as homework.

use std::collections::{BTreeMap, BTreeSet};

use super::intent::HostUse;
use super::network::{Outbound, Role, Subnet};
use super::place::Path;
use super::problems::Problems;
use super::rule::{Held, Precondition};
use super::whole::Policy;
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::{Check, Precondition as Said, Resolved};
use crate::packet::{Direction, NextHop};
use crate::target::Target;

/// Preconditions of one workload before they are held against the policy.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeMap<(String, String), Question>);

#[derive(Debug)]
struct Question {
    check: Option<Check>,
    subnets: BTreeSet<String>,
    place: Path,
}

impl Asked {
    /// Takes up what a workload says of the subnets that it is for. Of what two entries say alike the subnets count
    /// together.
    pub(super) fn add(
        &mut self,
        workload: &str,
        resolved: &Resolved,
        subnets: &[(String, AddrSet)],
        place: &Path,
    ) {
        for Said { text, check, .. } in &resolved.preconditions {
            let key = (workload.to_owned(), text.clone());
            let fresh = || Question { check: check.clone(), subnets: BTreeSet::new(), place: place.clone() };
            let question = self.0.entry(key).or_insert_with(fresh);
            question.subnets.extend(subnets.iter().map(|(name, _)| name.clone()));
        }
    }

    /// Holds all of it against the policy. What can never work is a problem, unless the policy accepts that.
    pub(super) fn settle(self, policy: &Policy, problems: &mut Problems) -> Vec<Precondition> {
        let mut all = Vec::new();
        for ((workload, text), question) in self.0 {
            let subnets: Vec<(&str, &Subnet)> = question
                .subnets
                .iter()
                .filter_map(|name| Some((name.as_str(), policy.network.subnets.get(name)?)))
                .collect();
            let held = match &question.check {
                None => Held::Unsaid(None),
                Some(check) => match answer(check, &workload, &subnets, policy) {
                    Answer::Held(held) => held,
                    Answer::Never(why) if policy.accept_missing => Held::No(why),
                    Answer::Never(why) => {
                        let accept = "accept it with accept-missing = true";
                        problems.at(question.place, format!("{workload}: {why}, or {accept}"));
                        continue;
                    }
                },
            };
            if let Held::No(why) = &held {
                problems
                    .warn(question.place, format!("{workload}: this must hold and does not: {text} ({why})"));
            }
            all.push(Precondition { workload, text, held });
        }
        all
    }
}

enum Answer {
    Held(Held),
    Never(String),
}

fn yes(why: impl Into<String>) -> Answer {
    Answer::Held(Held::Yes(why.into()))
}

fn no(why: impl Into<String>) -> Answer {
    Answer::Held(Held::No(why.into()))
}

fn unsaid(hint: impl Into<String>) -> Answer {
    Answer::Held(Held::Unsaid(Some(hint.into())))
}

fn answer(check: &Check, workload: &str, subnets: &[(&str, &Subnet)], policy: &Policy) -> Answer {
    match check {
        Check::NotDelegated => not_delegated(workload, subnets),
        Check::Delegated(service) => delegated(service, subnets),
        Check::Ipv4Only => ipv4_only(workload, subnets),
        Check::NotDenied(tag) => not_denied(tag, workload, subnets, policy),
        Check::Nodes => nodes(subnets),
        Check::WayOut => way_out(subnets, policy),
        Check::Firewall => firewall(policy),
        Check::NoForcedTunnelling => tunnelling(subnets, policy),
        Check::Subnets(count) => match subnets.len() {
            n if n >= *count => yes(format!("{n} subnets")),
            n => unsaid(format!("this policy has {n}")),
        },
        Check::SubnetLength(most) => subnet_length(*most, subnets),
        Check::NetworkLength(least, most) => network_length((*least, *most), subnets, policy),
        Check::Row(id) => row(workload, id, policy),
        Check::LetsOut(other) => lets_out(other, subnets, policy),
    }
}

/// What stays closed without one is among what works nowhere.
fn firewall(policy: &Policy) -> Answer {
    match (policy.network.firewall.is_empty(), policy.nsg.hosts) {
        (false, _) => yes("`network.firewall` is there"),
        (true, HostUse::Internet) => yes("`nsg.hosts` lets their ports out to the Internet"),
        (true, _) => unsaid("`network.firewall` says where one is"),
    }
}

fn not_delegated(workload: &str, subnets: &[(&str, &Subnet)]) -> Answer {
    let taken = subnets.iter().find_map(|(name, subnet)| match &subnet.role {
        Role::Delegated(service) => Some((name, service)),
        _ => None,
    });
    match taken {
        Some((name, service)) => Answer::Never(format!(
            "subnet {name} is delegated to {service}, and a subnet of {workload} may not be: take another"
        )),
        None => yes("no subnet of it has a role `delegated:…`"),
    }
}

fn not_denied(tag: &str, workload: &str, subnets: &[(&str, &Subnet)], policy: &Policy) -> Answer {
    let denied = policy.denies.iter().filter(|deny| deny.remote.to_string().eq_ignore_ascii_case(tag));
    match denied.into_iter().find(|deny| subnets.iter().any(|(name, _)| *name == deny.subnet)) {
        Some(deny) => Answer::Never(format!(
            "{tag} is denied to subnet {}, and {workload} does not work without it: name other subnets in that [[deny]]",
            deny.subnet
        )),
        None => yes(format!("no [[deny]] names {tag} for it")),
    }
}

fn ipv4_only(workload: &str, subnets: &[(&str, &Subnet)]) -> Answer {
    match subnets.iter().find(|(_, subnet)| !subnet.prefixes.v6.is_empty()) {
        Some((name, _)) => Answer::Never(format!(
            "subnet {name} has an IPv6 prefix, and {workload} does not run in such a subnet: take that prefix away"
        )),
        None => yes("no subnet of it has an IPv6 prefix"),
    }
}

fn delegated(service: &str, subnets: &[(&str, &Subnet)]) -> Answer {
    for (name, subnet) in subnets {
        match &subnet.role {
            Role::Delegated(own) if own.eq_ignore_ascii_case(service) => {}
            Role::Delegated(other) => {
                return Answer::Never(format!(
                    "subnet {name} is delegated to {other} and not to {service}; take another"
                ));
            }
            _ => return unsaid(format!("`role = \"delegated:{service}\"` of subnet {name} says that it is")),
        }
    }
    yes("so says the role of each subnet")
}

/// That they fit is checked where the subnet is read.
fn nodes(subnets: &[(&str, &Subnet)]) -> Answer {
    match subnets.iter().find(|(_, subnet)| subnet.nodes.is_none()) {
        Some((name, _)) => unsaid(format!("`nodes` of subnet {name} has it checked")),
        None => {
            let each = subnets.iter().map(|(name, subnet)| {
                format!("subnet {name} has room for its {} nodes", subnet.nodes.unwrap_or_default())
            });
            yes(each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn way_out(subnets: &[(&str, &Subnet)], policy: &Policy) -> Answer {
    let mut by = BTreeSet::new();
    let mut hint = None;
    for (name, subnet) in subnets {
        match subnet.outbound {
            Some(Outbound::Nat) => drop(by.insert("a NAT gateway")),
            Some(Outbound::PublicIp) => drop(by.insert("public addresses")),
            Some(Outbound::LoadBalancer) => drop(by.insert("a load balancer")),
            _ if leads_to_firewall(name, policy) => drop(by.insert("the firewall")),
            Some(Outbound::Firewall) => {
                return no(format!(
                    "outbound of subnet {name} is the firewall, and no default route leads there"
                ));
            }
            Some(Outbound::None) => return no(format!("outbound of subnet {name} is `none`")),
            Some(Outbound::Default) => {
                return no(format!("outbound of subnet {name} is default outbound access"));
            }
            None => hint = Some(format!("`outbound` of subnet {name} says by what")),
        }
    }
    match hint {
        Some(hint) => unsaid(hint),
        None => yes(by.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

fn leads_to_firewall(subnet: &str, policy: &Policy) -> bool {
    matches!(policy.default_hop_of(subnet, false), Some(NextHop::Appliance(_)))
}

fn tunnelling(subnets: &[(&str, &Subnet)], policy: &Policy) -> Answer {
    let to_gateway = |name: &str| {
        [false, true].into_iter().any(|v6| policy.default_way_of(name, v6) == Some(NextHop::Gateway))
    };
    match subnets.iter().find(|(name, _)| to_gateway(name)) {
        Some((name, _)) => no(format!("the default route of subnet {name} leads to a gateway")),
        None if subnets.iter().all(|(name, _)| policy.default_hop_of(name, false).is_some()) => {
            yes("no default route leads to a gateway")
        }
        None => unsaid("a gateway may announce a default route where no table has one"),
    }
}

fn subnet_length(most: u8, subnets: &[(&str, &Subnet)]) -> Answer {
    let longer = |subnet: &Subnet| v4(&subnet.prefixes).find(|prefix| prefix.len() > most);
    match subnets.iter().find_map(|(name, subnet)| Some((name, longer(subnet)?))) {
        Some((name, prefix)) => Answer::Never(format!(
            "{prefix} of subnet {name} is smaller than /{most}; give it more addresses"
        )),
        None => yes(format!("each is /{most} or larger")),
    }
}

fn v4(set: &AddrSet) -> impl Iterator<Item = IpPrefix> {
    set.prefixes().filter(|prefix| prefix.is_v4())
}

/// Prefixes of the space that touch are one in a set, so that the length of a network that is written as two halves is
/// that of the whole.
fn network_length((least, most): (u8, u8), subnets: &[(&str, &Subnet)], policy: &Policy) -> Answer {
    if policy.network.space.is_empty() {
        return unsaid("`network.address-space` has it checked");
    }
    let of = |prefix: &IpPrefix| subnets.iter().any(|(_, s)| !s.prefixes.is_disjoint(&(*prefix).into()));
    let wrong = v4(&policy.network.space).filter(of).find(|p| !(least..=most).contains(&p.len()));
    match wrong {
        Some(prefix) => no(format!("the address space has {prefix}")),
        None => yes("so is the address space"),
    }
}

/// Taken, so that the proof has held it against the group.
fn row(workload: &str, id: &str, policy: &Policy) -> Answer {
    let taken = policy.flows.iter().flat_map(|flow| &flow.causes).any(|cause| {
        cause.row == id && cause.origin.as_ref().is_some_and(|origin| origin.workload == workload)
    });
    match taken && policy.wants(Target::Nsg) {
        true => yes(format!("the security group has row {id}")),
        false if policy.wants(Target::Nsg) => no(format!("row {id} is left out")),
        false => Answer::Held(Held::Unsaid(None)),
    }
}

fn lets_out(other: &str, subnets: &[(&str, &Subnet)], policy: &Policy) -> Answer {
    if !policy.wants(Target::Nsg) {
        return Answer::Held(Held::Unsaid(None));
    }
    if !policy.nsg.deny_rest {
        return yes("`nsg.deny-rest` is false");
    }
    let outward = |name: &str| -> Vec<&str> {
        let own = policy.flows.iter().filter(|f| f.subnet == name && f.direction == Direction::Outbound);
        own.flat_map(|flow| flow.causes.iter().map(|cause| cause.workload.as_str())).collect()
    };
    for (name, _) in subnets {
        let needs = outward(name);
        if needs.is_empty() {
            return Answer::Never(format!(
                "the security group of subnet {name} would deny everything outbound; add {other} or needs of your \
                 own for the subnet, set nsg.deny-rest = false"
            ));
        }
        if !needs.iter().any(|workload| workload.starts_with(other)) {
            return no(format!("subnet {name} lets out what other needs ask for, and nothing for {other}"));
        }
    }
    yes(format!("{other} is in the same subnets"))
}
