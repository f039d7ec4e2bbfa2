//! The text of a draft.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

use super::parts::parts;
use super::said::{More, Naming, Origin, Remote};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::Direction;

/// Which way a need is opened.
pub(super) type Way = Direction;

/// One need or deny.
#[derive(Debug, Clone)]
pub(super) struct PolicyEntry {
    pub(super) allow: bool,
    pub(super) local: AddrSet,
    pub(super) direction: Way,
    pub(super) remotes: Vec<Remote>,
    pub(super) protocols: Vec<Cow<'static, str>>,
    pub(super) ports: Cow<'static, str>,
    pub(super) from: Origin,
    /// What the remotes are, where that is not what is written.
    pub(super) note: Option<More>,
}

/// A policy before it is text.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) naming: Naming,
    pub(super) space: Vec<String>,
    pub(super) peers: Vec<String>,
    /// Subnets by name, as the files have them.
    pub(super) known: Vec<(String, AddrSet)>,
    /// Service endpoints that are on, and for which addresses.
    pub(super) endpoints: Vec<(AddrSet, &'static str)>,
    pub(super) firewall: Option<String>,
    pub(super) default_route: Option<&'static str>,
    pub(super) disable_bgp: bool,
    pub(super) deny_rest: bool,
    pub(super) vnet: bool,
    pub(super) balancer: bool,
    pub(super) entries: Vec<PolicyEntry>,
    pub(super) routes: Vec<(Vec<String>, Cow<'static, str>, Origin)>,
    targets: Vec<&'static str>,
}

impl Policy {
    pub(super) fn new(naming: &Naming) -> Self {
        Policy {
            naming: naming.clone(),
            space: Vec::new(),
            peers: Vec::new(),
            known: Vec::new(),
            endpoints: Vec::new(),
            firewall: None,
            default_route: None,
            disable_bgp: false,
            deny_rest: true,
            vnet: false,
            balancer: false,
            entries: Vec::new(),
            routes: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Notes that a target is to be made.
    pub(super) fn target(&mut self, target: &'static str) {
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }

    pub(super) fn text(&self) -> String {
        let sets: Vec<AddrSet> = self.entries.iter().map(|entry| entry.local.clone()).collect();
        let mut subnets = parts(&sets, &self.known);
        if subnets.is_empty() {
            subnets = self.known.iter().cloned().collect();
        }
        let mut out = String::new();
        self.head(&subnets, &mut out);
        for entry in
            self.entries.iter().filter(|entry| !entry.allow).chain(self.entries.iter().filter(|e| e.allow))
        {
            need(entry, &subnets, &mut out);
        }
        for (to, hop, from) in &self.routes {
            line(
                &mut out,
                format_args!(
                    "\n[[route]]\nto = {}\nnext-hop = {}\nwhy = {}",
                    list(to),
                    quoted(hop),
                    quoted(from)
                ),
            );
        }
        out
    }

    fn head(&self, subnets: &BTreeMap<String, AddrSet>, out: &mut String) {
        let naming = &self.naming;
        line(out, format_args!("# Taken over by `tagwall adopt` from rules that were there."));
        line(out, format_args!("schema = 1\nname = {}", quoted(&naming.name)));
        line(
            out,
            format_args!("cloud = {}\nregion = {}", quoted(naming.cloud.name()), quoted(&naming.region)),
        );
        // A host name that the group lets no port out for works nowhere, there as here.
        line(out, format_args!("accept-missing = true\n\n[network]"));
        let covering = AddrSet::union_of(subnets.values());
        // What rules take for their own side is of the network, whatever else is said of it.
        let known: AddrSet = self.space.iter().filter_map(|text| IpPrefix::parse(text, true).ok()).collect();
        let space =
            if covering.is_subset(&known) { list(&self.space) } else { prefixes(&covering.union(&known)) };
        line(out, format_args!("address-space = {space}"));
        if !self.peers.is_empty() {
            line(out, format_args!("peers = {}", list(&self.peers)));
        }
        if let Some(firewall) = &self.firewall {
            line(out, format_args!("firewall = {}", quoted(firewall)));
        }
        for (name, set) in subnets {
            line(out, format_args!("\n[subnets.{}]\nprefixes = {}", quoted(name), prefixes(set)));
            let on = self.endpoints.iter().filter(|(of, _)| set.is_subset(of)).map(|(_, service)| *service);
            let on: BTreeSet<&str> = on.collect();
            if !on.is_empty() {
                let on: Vec<String> = on.into_iter().map(quoted).collect();
                line(out, format_args!("service-endpoints = [{}]", on.join(", ")));
            }
        }
        let said = |yes: bool| if yes { "allow" } else { "deny" };
        let (vnet, balancer) = (said(self.vnet), said(self.balancer));
        line(out, format_args!("\n[nsg]\ndeny-rest = {}", self.deny_rest && self.targets.contains(&"nsg")));
        line(out, format_args!("vnet = \"{vnet}\"\nload-balancer = \"{balancer}\""));
        if self.default_route.is_some() || self.disable_bgp {
            line(out, format_args!("\n[route-table]\ndisable-bgp = {}", self.disable_bgp));
        }
        if let Some(default) = self.default_route {
            line(out, format_args!("default = \"{default}\""));
        }
        let targets: Vec<String> = self.targets.iter().map(quoted).collect();
        line(out, format_args!("\n[output]\ntargets = [{}]", targets.join(", ")));
    }
}

fn need(entry: &PolicyEntry, subnets: &BTreeMap<String, AddrSet>, out: &mut String) {
    let own: Vec<String> =
        subnets.iter().filter(|(_, set)| set.is_subset(&entry.local)).map(|(name, _)| name.clone()).collect();
    line(out, format_args!("\n[[{}]]", if entry.allow { "allow" } else { "deny" }));
    line(out, format_args!("# {}", comment(&entry.from)));
    if let Some(note) = &entry.note {
        line(out, format_args!("# {}", comment(note)));
    }
    line(out, format_args!("subnet = {}", list(&own)));
    let (side, direction) = match entry.direction {
        Direction::Outbound => ("to", "outbound"),
        Direction::Inbound => ("from", "inbound"),
    };
    line(out, format_args!("direction = \"{direction}\"\n{side} = {}", list(&entry.remotes)));
    line(out, format_args!("protocol = {}\nports = {}", list(&entry.protocols), quoted(&entry.ports)));
    line(out, format_args!("why = {}", quoted(&entry.from.rule)));
}

/// A text that stays in its line.
fn comment(text: &impl Display) -> String {
    text.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a text takes what is written");
}

fn prefixes(set: &AddrSet) -> String {
    list(&set.prefixes().collect::<Vec<_>>())
}

fn list(texts: &[impl Display]) -> String {
    let texts: Vec<String> = texts.iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

/// A basic string of TOML.
fn quoted<T: Display + ?Sized>(text: &T) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                write!(out, "\\u{:04X}", u32::from(c)).expect("a text takes what is written");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
