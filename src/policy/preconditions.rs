//! What must hold before a workload can work, and what of it the policy answers.
//!
//! What the policy itself rules out is refused with its line; what it says is not left to people as homework.

use std::collections::{BTreeMap, BTreeSet};

use super::held_why::HeldWhy;
use super::intent::HostUse;
use super::network::{Outbound, Role, Subnet};
use super::place::Path;
use super::problem::NeedProblem;
use super::problems::Problems;
use super::rule::{Held, Precondition, Remote};
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
            let own = question.subnets.iter();
            let subnets =
                own.filter_map(|name| Some((name, policy.network.subnets.get(name)?))).collect::<Vec<_>>();
            let held = match &question.check {
                None => Held::Unsaid(None),
                Some(check) => match (Subject { workload: &workload, subnets, policy }).answer(check) {
                    Answer::Held(held) => held,
                    Answer::Never(why) if policy.accept_missing => Held::No(why),
                    Answer::Never(why) => {
                        problems.at(question.place, NeedProblem::Never { workload, why });
                        continue;
                    }
                },
            };
            if let Held::No(why) = &held {
                let (workload, text, why) = (workload.clone(), text.clone(), why.clone());
                problems.warn(question.place, NeedProblem::NotHeld { workload, text, why });
            }
            all.push(Precondition { workload, text, held });
        }
        all
    }
}

enum Answer {
    Held(Held),
    Never(HeldWhy),
}

fn yes(why: impl Into<HeldWhy>) -> Answer {
    Answer::Held(Held::Yes(why.into()))
}

fn no(why: HeldWhy) -> Answer {
    Answer::Held(Held::No(why))
}

fn unsaid(hint: impl Into<HeldWhy>) -> Answer {
    Answer::Held(Held::Unsaid(Some(hint.into())))
}

/// What a precondition is about: a workload in some subnets of a policy.
struct Subject<'a> {
    workload: &'a String,
    subnets: Vec<(&'a String, &'a Subnet)>,
    policy: &'a Policy,
}

impl Subject<'_> {
    fn answer(&self, check: &Check) -> Answer {
        match check {
            Check::NotDelegated => self.not_delegated(),
            Check::Delegated(service) => self.delegated(service),
            Check::Ipv4Only => self.ipv4_only(),
            Check::NotDenied(tag) => self.not_denied(tag),
            Check::Nodes => self.nodes(),
            Check::WayOut => self.way_out(),
            Check::Firewall => self.firewall(),
            Check::NoForcedTunnelling => self.tunnelling(),
            Check::Subnets(count) => match self.subnets.len() {
                n if n >= *count => yes(HeldWhy::Subnets(n)),
                n => unsaid(HeldWhy::TooFew(n)),
            },
            Check::SubnetLength(most) => self.subnet_length(*most),
            Check::NetworkLength(least, most) => self.network_length(*least, *most),
            Check::Row(id) => self.row(id),
            Check::LetsOut(other) => self.lets_out(other),
        }
    }

    /// What stays closed without one is among what works nowhere.
    fn firewall(&self) -> Answer {
        match (self.policy.network.firewall.is_empty(), self.policy.nsg.hosts) {
            (false, _) => yes("`network.firewall` is there"),
            (true, HostUse::Internet) => yes("`nsg.hosts` lets their ports out to the Internet"),
            (true, _) => unsaid("`network.firewall` says where one is"),
        }
    }

    fn not_delegated(&self) -> Answer {
        let taken = self.subnets.iter().find_map(|(name, subnet)| match &subnet.role {
            Role::Delegated(service) => Some((*name, service)),
            _ => None,
        });
        match taken {
            Some((subnet, service)) => Answer::Never(HeldWhy::Delegated {
                subnet: subnet.clone(),
                service: service.clone(),
                workload: self.workload.clone(),
            }),
            None => yes("no subnet of it has a role `delegated:…`"),
        }
    }

    fn not_denied(&self, tag: &str) -> Answer {
        let named = |remote: &Remote| match remote {
            Remote::Tag(own) | Remote::Outside(own) => own.name().as_str().eq_ignore_ascii_case(tag),
            Remote::Symbol(symbol) => symbol.name().eq_ignore_ascii_case(tag),
            _ => false,
        };
        let mut denied = self.policy.denies.iter().filter(|deny| named(&deny.remote));
        match denied.find(|deny| self.subnets.iter().any(|(name, _)| **name == deny.subnet)) {
            Some(deny) => Answer::Never(HeldWhy::Denied {
                tag: tag.to_owned(),
                subnet: deny.subnet.clone(),
                workload: self.workload.clone(),
            }),
            None => yes(HeldWhy::NotDenied(tag.to_owned())),
        }
    }

    fn ipv4_only(&self) -> Answer {
        match self.subnets.iter().find(|(_, subnet)| !subnet.prefixes.v6.is_empty()) {
            Some((name, _)) => {
                Answer::Never(HeldWhy::Ipv6 { subnet: String::clone(name), workload: self.workload.clone() })
            }
            None => yes("no subnet of it has an IPv6 prefix"),
        }
    }

    fn delegated(&self, service: &str) -> Answer {
        for (name, subnet) in &self.subnets {
            let (subnet, role) = (String::clone(name), &subnet.role);
            match role {
                Role::Delegated(own) if own.eq_ignore_ascii_case(service) => {}
                Role::Delegated(other) => {
                    let (other, service) = (other.clone(), service.to_owned());
                    return Answer::Never(HeldWhy::DelegatedElsewhere { subnet, other, service });
                }
                _ => return unsaid(HeldWhy::RoleUnsaid { service: service.to_owned(), subnet }),
            }
        }
        yes("so says the role of each subnet")
    }

    /// That they fit is checked where the subnet is read.
    fn nodes(&self) -> Answer {
        match self.subnets.iter().find(|(_, subnet)| subnet.nodes.is_none()) {
            Some((name, _)) => unsaid(HeldWhy::NodesUnsaid(String::clone(name))),
            None => {
                let each = self.subnets.iter();
                let each = each.map(|(name, subnet)| (String::clone(name), subnet.nodes.unwrap_or_default()));
                yes(HeldWhy::Nodes(each.collect()))
            }
        }
    }

    fn way_out(&self) -> Answer {
        let mut by = BTreeSet::new();
        let mut hint = None;
        for (name, subnet) in &self.subnets {
            let name = String::clone(name);
            match subnet.outbound {
                Some(Outbound::Nat) => drop(by.insert("a NAT gateway")),
                Some(Outbound::PublicIp) => drop(by.insert("public addresses")),
                Some(Outbound::LoadBalancer) => drop(by.insert("a load balancer")),
                _ if leads_to_firewall(&name, self.policy) => drop(by.insert("the firewall")),
                Some(Outbound::Firewall) => return no(HeldWhy::NotToFirewall(name)),
                Some(Outbound::None) => return no(HeldWhy::NoWayOut(name)),
                Some(Outbound::Default) => return no(HeldWhy::DefaultOutbound(name)),
                None => hint = Some(HeldWhy::OutboundUnsaid(name)),
            }
        }
        match hint {
            Some(hint) => unsaid(hint),
            None => yes(HeldWhy::WaysOut(by.into_iter().collect())),
        }
    }

    fn tunnelling(&self) -> Answer {
        let policy = self.policy;
        let to_gateway = |name: &str| {
            [false, true].into_iter().any(|v6| policy.default_way_of(name, v6) == Some(NextHop::Gateway))
        };
        match self.subnets.iter().find(|(name, _)| to_gateway(name)) {
            Some((name, _)) => no(HeldWhy::ToGateway(String::clone(name))),
            None if self.subnets.iter().all(|(name, _)| policy.default_hop_of(name, false).is_some()) => {
                yes("no default route leads to a gateway")
            }
            None => unsaid("a gateway may announce a default route where no table has one"),
        }
    }

    fn subnet_length(&self, most: u8) -> Answer {
        let longer = |subnet: &Subnet| v4(&subnet.prefixes).find(|prefix| prefix.len() > most);
        match self.subnets.iter().find_map(|(name, subnet)| Some((*name, longer(subnet)?))) {
            Some((name, prefix)) => Answer::Never(HeldWhy::Small { prefix, subnet: name.clone(), most }),
            None => yes(HeldWhy::Large(most)),
        }
    }

    /// Prefixes of the space that touch are one in a set, so that the length of a network that is written as two halves is
    /// that of the whole.
    fn network_length(&self, least: u8, most: u8) -> Answer {
        let space = &self.policy.network.space;
        if space.is_empty() {
            return unsaid("`network.address-space` has it checked");
        }
        let own = |p: &IpPrefix| self.subnets.iter().any(|(_, s)| !s.prefixes.is_disjoint(&(*p).into()));
        match v4(space).filter(own).find(|prefix| !(least..=most).contains(&prefix.len())) {
            Some(prefix) => no(HeldWhy::Space(prefix)),
            None => yes("so is the address space"),
        }
    }

    /// Taken, so that the proof has held it against the group.
    fn row(&self, id: &str) -> Answer {
        let taken = self.policy.flows.iter().flat_map(|flow| &flow.causes).any(|cause| {
            cause.row == id && cause.origin.as_ref().is_some_and(|origin| origin.workload == *self.workload)
        });
        match taken && self.policy.wants(Target::Nsg) {
            true => yes(HeldWhy::HasRow(id.to_owned())),
            false if self.policy.wants(Target::Nsg) => no(HeldWhy::RowLeftOut(id.to_owned())),
            false => Answer::Held(Held::Unsaid(None)),
        }
    }

    fn lets_out(&self, other: &str) -> Answer {
        let policy = self.policy;
        if !policy.wants(Target::Nsg) {
            return Answer::Held(Held::Unsaid(None));
        }
        if !policy.nsg.deny_rest {
            return yes("`nsg.deny-rest` is false");
        }
        for (name, _) in &self.subnets {
            let own =
                policy.flows.iter().filter(|f| f.subnet == **name && f.direction == Direction::Outbound);
            let needs: Vec<&str> =
                own.flat_map(|flow| flow.causes.iter().map(|cause| cause.workload.as_str())).collect();
            let (subnet, met) =
                (String::clone(name), needs.iter().any(|workload| workload.starts_with(other)));
            if needs.is_empty() {
                return Answer::Never(HeldWhy::DeniesAll { subnet, other: other.to_owned() });
            }
            if !met {
                return no(HeldWhy::LetsOutOthers { subnet, other: other.to_owned() });
            }
        }
        yes(HeldWhy::SameSubnets(other.to_owned()))
    }
}

fn leads_to_firewall(subnet: &str, policy: &Policy) -> bool {
    matches!(policy.default_hop_of(subnet, false), Some(NextHop::Appliance(_)))
}

fn v4(set: &AddrSet) -> impl Iterator<Item = IpPrefix> {
    set.prefixes().filter(|prefix| prefix.is_v4())
}
