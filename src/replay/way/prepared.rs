//! [`Prepared`]: the stages and routes of subnets that share group, table and endpoints, ready to decide packets.

use std::collections::HashMap;
use std::sync::Arc;

use super::assume::{Assumption, Assumptions};
use super::environment::{Environment, Middle, Subnet};
use super::stage::{At, Condition, Stage};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::read::resources::{Route, RouteTable, SecurityRule};
use crate::replay::error::ReplayError;
use crate::replay::firewall::Firewall;
use crate::replay::hosts::HostKey;
use crate::replay::matched::MatchKind;
use crate::replay::nsg::{default_rules, direction};
use crate::replay::resolver::{Resolver, ports, protocol};
use crate::replay::routes::{RouteClass, RouteMap};
use crate::rules::{Access, Chain, Rule};
use crate::tags::{Snapshot, Symbol, Symbols, special_ranges};

/// What decides about the packets of a subnet up to where its routes lead.
pub(super) struct Prepared {
    /// For packets from outside.
    pub(super) inbound: Doors,
    /// For packets to outside.
    pub(super) outbound: Doors,
    /// The routes in effect.
    pub(super) routes: RouteMap,
    /// All addresses by where they go.
    pub(super) classes: Vec<RouteClass>,
    /// The classes as rules that take destinations.
    pub(super) to: Chain,
    /// The classes as rules that take sources, for replies.
    pub(super) back: Chain,
    /// What is not known of the routes.
    pub(super) unknown: Vec<Condition>,
}

/// The doors of one direction, in order.
pub(super) struct Doors {
    pub(super) admin: Stage,
    /// The two groups; outbound that of interfaces is asked first, inbound last.
    pub(super) groups: [Stage; 2],
}

/// Reads what is in an environment.
pub(super) struct Preparer<'a> {
    environment: &'a Environment,
    snapshot: &'a Snapshot,
    assumed: Assumptions,
}

impl<'a> Preparer<'a> {
    pub(super) fn new(environment: &'a Environment, snapshot: &'a Snapshot, assumed: Assumptions) -> Self {
        Preparer { environment, snapshot, assumed }
    }

    /// What `subnet` and all like it share.
    pub(super) fn prepare(&self, subnet: &Subnet) -> Result<Prepared, ReplayError> {
        let table = self.table(subnet);
        let symbols = self.symbols(table);
        let mut rules = Rules {
            resolver: Resolver::new(self.snapshot, &symbols),
            platform: self.assumed.holds(Assumption::Platform).then(|| platform(&symbols)),
            portless: self.assumed.holds(Assumption::Portless),
            trimmed: HashMap::new(),
        };
        let inbound = self.doors(subnet, Direction::Inbound, &mut rules)?;
        let outbound = self.doors(subnet, Direction::Outbound, &mut rules)?;
        let (routes, unknown) = self.routes(subnet, &rules.resolver)?;
        let classes = routes.classes();
        let all = rules.resolver.all();
        let (to, back) = (chain(&classes, &all, true), chain(&classes, &all, false));
        Ok(Prepared { inbound, outbound, routes, classes, to, back, unknown })
    }

    fn table(&self, subnet: &Subnet) -> Option<&'a RouteTable> {
        let name = subnet.table.as_ref()?;
        self.environment.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// What `Internet` and `VirtualNetwork` mean in a subnet with this table.
    fn symbols(&self, table: Option<&RouteTable>) -> Symbols {
        let network = &self.environment.network;
        let routes = table.map(|table| table.routes.as_slice()).unwrap_or_default();
        let (mut prefixes, mut tags) = (Vec::new(), Vec::new());
        for text in routes.iter().map(|route| &route.address_prefix) {
            match (text.parse::<IpPrefix>(), self.snapshot.tag(text)) {
                (Ok(prefix), _) => prefixes.push(AddrSet::from(prefix)),
                (_, Some(tag)) => tags.push(tag.set()),
                _ => {}
            }
        }
        let own = network.space.union(&network.peers);
        let mut outside = vec![own.clone(), special_ranges()];
        if self.assumed.holds(Assumption::TagRoutes) {
            outside.extend(tags.iter().map(|set| (*set).clone()));
        }
        if !self.assumed.holds(Assumption::PublicOnPremises) {
            outside.push(network.on_premises.space());
        }
        let host = Symbols::new(&AddrSet::empty(), &AddrSet::empty()).get(Symbol::AzureLoadBalancer);
        let mut inside = vec![own, network.on_premises.space(), host];
        if self.assumed.holds(Assumption::VirtualNetworkGrows) {
            inside.extend(prefixes);
            inside.extend(tags.iter().map(|set| (*set).clone()));
            // A default route is a prefix of the subnet's routes whoever brings it.
            inside.extend(network.on_premises.prefixes().iter().filter(|_| learns(table)).map(|&p| p.into()));
        }
        Symbols::of(AddrSet::union_of(&outside).complement(), AddrSet::union_of(&inside))
    }

    fn doors(
        &self,
        subnet: &Subnet,
        direction: Direction,
        rules: &mut Rules<'_>,
    ) -> Result<Doors, ReplayError> {
        let admin = rules.admin(&self.environment.admin, direction)?;
        let own = self.group(subnet.group.as_deref(), direction, rules)?;
        let interface = self.group(subnet.interface_group.as_deref(), direction, rules)?;
        let groups = match direction {
            Direction::Outbound => [interface, own],
            Direction::Inbound => [own, interface],
        };
        Ok(Doors { admin, groups })
    }

    fn group(
        &self,
        name: Option<&str>,
        direction: Direction,
        rules: &mut Rules<'_>,
    ) -> Result<Stage, ReplayError> {
        let Some(name) = name else { return Ok(Stage::open(At::Nsg)) };
        match self.environment.groups.iter().find(|group| group.name.eq_ignore_ascii_case(name)) {
            Some(group) => rules.group(&group.name, &group.rules, direction),
            None => {
                let what = format!("the network security group {name}, which was not given, lets it pass");
                let mut stage = Stage::new(At::Nsg, name, Access::Deny, "");
                stage.push(rules.everything("its rules"), Some(Condition::Missing(what)));
                Ok(stage)
            }
        }
    }

    /// The routes in effect, and what is not known of them.
    fn routes(
        &self,
        subnet: &Subnet,
        resolver: &Resolver<'_>,
    ) -> Result<(RouteMap, Vec<Condition>), ReplayError> {
        let network = &self.environment.network;
        let mut map = RouteMap::system(&network.space);
        let mut unknown = Vec::new();
        let table = self.table(subnet);
        if !table.and_then(|table| table.disable_peering_route).unwrap_or(false) {
            map = map.with_peers(&network.peers);
        }
        if learns(table) {
            map = map.with_gateway(network.on_premises.prefixes());
        }
        map = map.with_platform(platform(resolver.symbols()));
        for (service, addresses) in &subnet.endpoints {
            map = map.with_endpoint(service, addresses.clone());
        }
        match (table, &subnet.table) {
            (Some(table), _) => {
                let known = |route: &&Route| {
                    route.address_prefix.parse::<IpPrefix>().is_ok()
                        || self.snapshot.tag(&route.address_prefix).is_some()
                        || !route.address_prefix.starts_with(|c: char| c.is_ascii_alphabetic())
                };
                let (known, other): (Vec<&Route>, Vec<&Route>) = table.routes.iter().partition(known);
                unknown.extend(other.into_iter().map(|route| Condition::Tag(route.address_prefix.clone())));
                let routes = known.into_iter().cloned().collect();
                map = map.with_table(&RouteTable { routes, ..table.clone() }, resolver)?;
            }
            (None, Some(name)) => unknown.push(Condition::Missing(format!(
                "the route table {name}, which was not given, leaves Azure's own routes as they are"
            ))),
            (None, None) => {}
        }
        Ok((map, unknown))
    }

    /// The firewall's rules, where there are any. `name` is the host that packets are for, where it is known.
    pub(super) fn firewall(&self, name: Option<&HostKey>) -> Result<Option<Stage>, ReplayError> {
        let symbols = self.symbols(None);
        match &self.environment.firewall {
            Middle::Other => Ok(None),
            Middle::Missing => {
                let what = "the rules of the firewall, which were not given, let it pass".to_owned();
                let mut stage = Stage::new(At::Firewall, "firewall", Access::Deny, "the default");
                let all = Arc::new(AddrSet::all());
                stage.push(everything("its rules", &all), Some(Condition::Missing(what)));
                Ok(Some(stage))
            }
            Middle::Azure { policies, ip_groups } => {
                let resolver = Resolver::with_groups(self.snapshot, &symbols, ip_groups)?;
                let mut resolver = if self.environment.partial { resolver.tolerant() } else { resolver };
                let policies: Vec<&[_]> = policies.iter().map(Vec::as_slice).collect();
                Ok(Some(firewall_stage(&Firewall::of_policies(&policies, &mut resolver)?, name)))
            }
        }
    }
}

/// The rules of a firewall in its order: those by host take packets if the host is theirs.
pub(super) fn firewall_stage(firewall: &Firewall, name: Option<&HostKey>) -> Stage {
    let mut stage = Stage::new(At::Firewall, "firewall", Access::Deny, "the default");
    for matched in firewall.matched() {
        let host = match (&matched.kind, name) {
            (MatchKind::Host(key), None) => Some(Condition::Host(key.clone())),
            (MatchKind::Host(key), Some(name)) if !key.covers(name) => continue,
            _ => None,
        };
        stage.push(matched.rule.clone(), all_of(host, matched.hangs_on.as_deref()));
        stage.comes_from(matched.origin.clone(), matches!(matched.kind, MatchKind::Nat(_)));
    }
    stage
}

/// One condition for two that must both hold.
fn all_of(host: Option<Condition>, unknown: Option<&str>) -> Option<Condition> {
    match (host, unknown) {
        (Some(host), Some(unknown)) => Some(Condition::Missing(format!("{host} and {unknown}"))),
        (host, unknown) => host.or_else(|| unknown.map(|text| Condition::Missing(text.to_owned()))),
    }
}

/// Reads rules of groups as they are meant in one subnet.
struct Rules<'a> {
    resolver: Resolver<'a>,
    /// The platform's addresses, where rules without a platform tag leave them alone.
    platform: Option<AddrSet>,
    portless: bool,
    /// Sets without them.
    trimmed: HashMap<*const AddrSet, (Arc<AddrSet>, Arc<AddrSet>)>,
}

impl Rules<'_> {
    fn everything(&self, name: &str) -> Rule {
        everything(name, &self.resolver.all())
    }

    /// The user's rules by priority, then those that Azure adds.
    fn group(&mut self, name: &str, rules: &[SecurityRule], way: Direction) -> Result<Stage, ReplayError> {
        let end = if way == Direction::Inbound { "DenyAllInBound" } else { "DenyAllOutBound" };
        let mut stage = Stage::new(At::Nsg, name, Access::Deny, end);
        self.add(&mut stage, rules, way)?;
        for mut rule in default_rules(way, &mut self.resolver)? {
            if way == Direction::Outbound {
                rule.dst = self.without_platform(rule.dst);
            }
            stage.push(rule, None);
        }
        if let Some(platform) = self.platform.clone().filter(|_| way == Direction::Outbound) {
            let rule = Rule { dst: Arc::new(platform), ..self.everything("the platform's addresses pass") };
            stage.push(rule, None);
        }
        Ok(stage)
    }

    /// Security admin rules; what none of them takes goes to the groups.
    fn admin(&mut self, rules: &[SecurityRule], way: Direction) -> Result<Stage, ReplayError> {
        let mut stage = Stage::new(At::Admin, "network manager", Access::Allow, "");
        self.add(&mut stage, rules, way)?;
        Ok(stage)
    }

    fn add(&mut self, stage: &mut Stage, rules: &[SecurityRule], way: Direction) -> Result<(), ReplayError> {
        let mut own = Vec::new();
        for rule in rules {
            if direction(rule)? == way {
                own.push(rule);
            }
        }
        own.sort_by_key(|rule| rule.priority);
        own.into_iter()
            .try_for_each(|rule| self.add_rule(stage, rule, way).map_err(|e| e.in_rule(&rule.name)))
    }

    fn add_rule(
        &mut self,
        stage: &mut Stage,
        rule: &SecurityRule,
        way: Direction,
    ) -> Result<(), ReplayError> {
        let (access, always) = match rule.access.to_ascii_lowercase().as_str() {
            "allow" => (Access::Allow, false),
            "deny" => (Access::Deny, false),
            "alwaysallow" => (Access::Allow, true),
            other => return Err(ReplayError::Access(other.to_owned())),
        };
        let (src, source_if) = self.side(&rule.sources)?;
        let (mut dst, destination_if) = self.side(&rule.destinations)?;
        let names_platform = matches!(rule.destinations.as_slice(), [one] if is_platform(one));
        if way == Direction::Outbound && !names_platform {
            dst = self.without_platform(dst);
        }
        let read = Rule {
            name: rule.name.clone(),
            priority: 0,
            access,
            protocol: protocol(&rule.protocol)?,
            src,
            dst,
            sport: ports(&rule.source_ports)?,
            dport: ports(&rule.destination_ports)?,
        };
        for rule in self.as_meant(read) {
            stage.push(rule, source_if.clone().or_else(|| destination_if.clone()));
            if always {
                stage.always();
            }
        }
        Ok(())
    }

    /// A rule, and where ports are not looked at for them those that take ICMP, ESP and AH as it would.
    fn as_meant(&self, rule: Rule) -> Vec<Rule> {
        let ported = !(rule.sport.is_all() && rule.dport.is_all());
        let mut rules = Vec::new();
        if ported && !self.portless {
            let others = [Protocol::Icmp, Protocol::Esp, Protocol::Ah].into_iter();
            let taken = others.filter(|own| [Protocol::Any, *own].contains(&rule.protocol));
            let all = (Ports::all(), Ports::all());
            rules.extend(taken.map(|protocol| Rule {
                protocol,
                sport: all.0.clone(),
                dport: all.1.clone(),
                ..rule.clone()
            }));
        }
        rules.push(rule);
        rules
    }

    /// The addresses of one side, all of them if a tag is not known: the rule then hangs on it.
    fn side(&mut self, texts: &[String]) -> Result<(Arc<AddrSet>, Option<Condition>), ReplayError> {
        match self.resolver.side(texts) {
            Ok(set) => Ok((set, None)),
            Err(ReplayError::Tag(name)) => Ok((self.resolver.all(), Some(Condition::Tag(name)))),
            Err(error) => Err(error),
        }
    }

    fn without_platform(&mut self, set: Arc<AddrSet>) -> Arc<AddrSet> {
        let Some(platform) = &self.platform else { return set };
        if set.intersection(platform).is_empty() {
            return set;
        }
        // The set is kept beside, so that its address stays its own.
        let made = || (set.clone(), Arc::new(set.difference(platform)));
        self.trimmed.entry(Arc::as_ptr(&set)).or_insert_with(made).1.clone()
    }
}

fn everything(name: &str, all: &Arc<AddrSet>) -> Rule {
    Rule {
        name: name.to_owned(),
        priority: 0,
        access: Access::Allow,
        protocol: Protocol::Any,
        src: all.clone(),
        dst: all.clone(),
        sport: Ports::all(),
        dport: Ports::all(),
    }
}

/// Whether a gateway's routes reach a subnet with this table.
fn learns(table: Option<&RouteTable>) -> bool {
    !table.and_then(|table| table.disable_bgp).unwrap_or(false)
}

/// The addresses that platform tags stand for.
fn platform(symbols: &Symbols) -> AddrSet {
    symbols.get(Symbol::AzurePlatformDns).union(&symbols.get(Symbol::AzurePlatformImds))
}

fn is_platform(text: &str) -> bool {
    matches!(
        Symbol::find(text),
        Some(Symbol::AzurePlatformDns | Symbol::AzurePlatformImds | Symbol::AzurePlatformLkm)
    )
}

/// Classes of addresses as rules that take destinations, or sources.
fn chain(classes: &[RouteClass], all: &Arc<AddrSet>, to: bool) -> Chain {
    let mut chain = Chain::default();
    for class in classes {
        let (set, all) = (Arc::new(class.addresses.clone()), all.clone());
        let rule = everything("", &all);
        chain.push(if to { Rule { dst: set, ..rule } } else { Rule { src: set, ..rule } });
    }
    chain
}
