//! What a firewall has to let out, from the flows once more: as rules by address and by host. IPv4.

use std::sync::Arc;

use super::extra::with_extra;
use super::given::Given;
use crate::addr::{AddrSet, IntervalSet, Prefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::intent::Sku;
use crate::policy::{Flow, Policy, Remote};
use crate::replay::HostKey;
use crate::rules::{Access, Rule};
use crate::tags::Symbol;
use crate::target::Target;

/// The flows that a firewall sees.
pub(super) fn outbound<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a Flow> {
    let led = led(given.policy);
    given.policy.flows_with(&given.gaps).filter(move |f| f.direction == Direction::Outbound && led(f))
}

/// What a firewall has to deny.
fn denied<'a>(given: &Given<'a>) -> impl Iterator<Item = &'a Flow> {
    let led = led(given.policy);
    given.policy.denies.iter().filter(move |f| f.direction == Direction::Outbound && led(f))
}

/// Whether a flow comes from a subnet whose traffic a route table can lead to the firewall.
fn led(policy: &Policy) -> impl Fn(&Flow) -> bool {
    |flow| policy.may_be_routed(&flow.subnet)
}

/// Exact hosts that may not be reached at all: network rules deny them before anything is allowed by address.
pub(super) fn denied_hosts(given: &Given<'_>) -> Vec<(HostKey, Rule)> {
    let hosts = denied(given).filter(|flow| by_network(given.policy, flow) && carried(flow, given));
    let all =
        hosts.filter_map(|flow| Some((key_of(flow)?, need(flow, flow.protocol, Arc::new(AddrSet::all())))));
    all.map(|(key, rule)| (key, Rule { access: Access::Deny, ..rule })).collect()
}

/// What must pass by host, and before it what application rules deny.
pub(super) fn wanted_hosts(given: &Given<'_>) -> Vec<(HostKey, Rule)> {
    let policy = given.policy;
    let denied = denied(given).filter(|flow| !by_network(policy, flow) && carried(flow, given));
    let denied = denied.filter_map(|flow| host_need(policy, flow));
    let denied = denied.map(|(key, rule)| (key, Rule { access: Access::Deny, ..rule }));
    let passing = outbound(given).filter(|f| carried(f, given)).filter_map(|f| host_need(policy, f));
    denied.chain(passing).collect()
}

/// Whether the firewall must carry the IPv4 part of a flow.
pub(super) fn carried(flow: &Flow, given: &Given<'_>) -> bool {
    !flow.local.v4.is_empty() && !given.gaps.contains(flow.id.as_str())
}

/// Whether the remote side is a platform address, which no firewall is asked for.
pub(super) fn is_platform(flow: &Flow) -> bool {
    matches!(flow.remote, Remote::Symbol(s) if !matches!(s, Symbol::VirtualNetwork | Symbol::Internet))
}

/// What must pass by address, one rule for each flow that the firewall can carry.
pub(super) fn wanted_rules(given: &Given<'_>) -> Vec<Rule> {
    let symbols = given.policy.symbols();
    let expressible = |flow: &&Flow| {
        carried(flow, given) && !is_platform(flow) && !matches!(flow.protocol, Protocol::Esp | Protocol::Ah)
    };
    let by_address = |flow: &Flow| {
        let asked = AddrSet { v4: flow.remote_set(&symbols)?.v4, ..AddrSet::empty() };
        Some(need(flow, flow.protocol, with_extra(asked, given.extras, Target::Firewall, flow.id.as_str())))
    };
    let denied = denied(given).filter(expressible).filter_map(by_address);
    let denied = denied.map(|rule| Rule { access: Access::Deny, ..rule });
    denied.chain(outbound(given).filter(expressible).filter_map(by_address)).collect()
}

/// A host need as a rule. HTTP and HTTPS by name are TCP, also where any protocol is asked for.
fn host_need(policy: &Policy, flow: &Flow) -> Option<(HostKey, Rule)> {
    let key = key_of(flow)?;
    let web = web_ports(&flow.ports);
    let all_web = web == flow.ports;
    let protocol = if flow.protocol == Protocol::Any && all_web { Protocol::Tcp } else { flow.protocol };
    let rule = need(flow, protocol, Arc::new(AddrSet::all()));
    // A name that no network rule takes passes by the ports of HTTP and HTTPS alone.
    if all_web || by_network(policy, flow) {
        return Some((key, rule));
    }
    Some((key, Rule { protocol: Protocol::Tcp, dport: web, ..rule }))
}

fn key_of(flow: &Flow) -> Option<HostKey> {
    Some(match &flow.remote {
        Remote::Fqdn(host) => HostKey::Host(host.as_str().to_owned()),
        Remote::FqdnTag(tag) => HostKey::Tag(tag.clone()),
        Remote::Url(url) => HostKey::Url(url.clone()),
        _ => return None,
    })
}

/// Whether network rules take the host by its name.
fn by_network(policy: &Policy, flow: &Flow) -> bool {
    matches!(&flow.remote, Remote::Fqdn(host) if !host.is_wildcard())
        && policy.firewall.sku != Sku::Basic
        && policy.firewall.dns_proxy
}

/// The ports of a list, each by itself there, that application rules carry HTTP or HTTPS on.
fn web_ports(ports: &Ports) -> Ports {
    let alone = ports
        .set()
        .intervals()
        .iter()
        .filter(|i| i.first() == i.last() && [80, 443, 8080, 8443].contains(&i.first()));
    Ports::new(IntervalSet::from_intervals(alone.copied().collect()))
}

fn need(flow: &Flow, protocol: Protocol, dst: Arc<AddrSet>) -> Rule {
    Rule {
        name: flow.id.to_string(),
        priority: 0,
        access: Access::Allow,
        protocol,
        src: Arc::new(AddrSet { v4: flow.local.v4.clone(), ..AddrSet::empty() }),
        dst,
        sport: Ports::all(),
        dport: without_zero(&flow.ports),
    }
}

/// Port 0, which no rule of a firewall takes, is left out of a list. Source: firewall-known-issues.md, 2025-09-19.
pub(super) fn without_zero(ports: &Ports) -> Ports {
    if ports.is_all() {
        return ports.clone();
    }
    Ports::new(ports.set().difference(&Prefix::host(0_u16).into()))
}
