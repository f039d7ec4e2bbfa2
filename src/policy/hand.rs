//! Needs that a policy writes by hand: what is allowed, and what is denied.

use super::draft::Draft;
use super::intent::{Allow, Deny, DirectionName, OneOrMany, PortItem, PortsText};
use super::place::Path;
use super::problem::{ManagedPort, NeedProblem};
use super::problems::Problems;
use super::resolve::Resolver;
use super::rule::{Cause, Flow, Remarks, Remote};
use super::sets::{addresses, applicable, list_text};
use super::short::without;
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::FlowId;
use crate::tags::Symbol;

/// What a policy allows by hand: the flows of an entry but for `except`, for each of the subnets.
pub(super) fn allowed(
    allow: &Allow,
    (subnets, except): (&[(String, AddrSet)], &AddrSet),
    resolver: &Resolver<'_>,
    place: &Path,
    draft: &mut Draft,
) {
    let hand = Hand {
        direction: allow.direction,
        to: &allow.to,
        from: &allow.from,
        except,
        protocol: &allow.protocol,
        ports: &allow.ports,
        why: allow.why.as_deref(),
        place,
        denies: false,
    };
    let found = hand.flows(subnets, resolver, draft);
    draft.flows.extend(found);
}

/// What a policy denies by hand.
pub(super) fn denied(
    deny: &Deny,
    subnets: &[(String, AddrSet)],
    resolver: &Resolver<'_>,
    place: &Path,
    draft: &mut Draft,
) {
    let except = addresses(&deny.except, &place.at("except"), &mut draft.problems);
    let hand = Hand {
        direction: deny.direction,
        to: &deny.to,
        from: &deny.from,
        except: &except,
        protocol: &deny.protocol,
        ports: &deny.ports,
        why: deny.why.as_deref(),
        place,
        denies: true,
    };
    if deny.to.is_empty() && deny.from.is_empty() {
        draft.problems.at(place.clone(), "a [[deny]] names remotes in `to` or `from`");
    }
    let found = hand.flows(subnets, resolver, draft);
    draft.denies.extend(found);
}

/// An entry of `allow` or `deny` as it is written by hand.
struct Hand<'a> {
    direction: Option<DirectionName>,
    to: &'a OneOrMany,
    from: &'a OneOrMany,
    except: &'a AddrSet,
    protocol: &'a OneOrMany,
    ports: &'a PortsText,
    why: Option<&'a str>,
    place: &'a Path,
    denies: bool,
}

impl Hand<'_> {
    fn flows(&self, subnets: &[(String, AddrSet)], resolver: &Resolver<'_>, draft: &mut Draft) -> Vec<Flow> {
        let mut flows = Vec::new();
        let Draft { remarks, problems, .. } = draft;
        let direction = self.direction(problems);
        let protocols = protocols(self.protocol, self.place, problems);
        let ports = ports(self.ports, &self.place.at("ports"), problems).unwrap_or_else(Ports::all);
        for protocol in protocols.iter().filter(|p| !p.has_ports() && **p != Protocol::Any && !ports.is_all())
        {
            problems.at(self.place.at("ports"), NeedProblem::NoPorts(*protocol));
        }
        for (remote, group) in self.remotes(direction, resolver, (remarks, problems)) {
            let (except, why) = (self.except, self.why);
            let need = HandNeed { direction, remote, group, except, ports: &ports, why, denies: self.denies };
            if self.denies {
                self.check_platform(&need, &protocols, problems);
            } else {
                self.check_open(&need, problems);
                for risk in need.risks().into_iter().filter_map(|id| resolver.catalog.risk(id)) {
                    remarks.risk(risk, format_args!("policy {} {}", need.arrow(), need.remote));
                }
            }
            for subnet in subnets {
                flows.extend(protocols.iter().map(|&protocol| need.flow(subnet, protocol)));
            }
        }
        flows
    }

    /// The remotes of the entry. Plain addresses of one list are one remote.
    fn remotes(
        &self,
        direction: Direction,
        resolver: &Resolver<'_>,
        (remarks, problems): (&mut Remarks, &mut Problems),
    ) -> Vec<(Remote, Option<String>)> {
        let mut found = Vec::new();
        let mut plain = AddrSet::empty();
        for (key, texts) in [("to", self.to), ("from", self.from)] {
            for (index, text) in texts.as_slice().iter().enumerate() {
                let place = self.place.at(key).at(index);
                let remotes = match resolver.remotes(text, &mut remarks.notes) {
                    Ok(remotes) => remotes,
                    Err(error) => {
                        problems.at(place, error);
                        continue;
                    }
                };
                for (remote, group) in remotes {
                    self.check_remote(&remote, direction, &place, problems);
                    match remote {
                        Remote::Addresses(set) if group.is_none() => plain = plain.union(&set),
                        remote => found.push((remote, group)),
                    }
                }
            }
        }
        if !plain.is_empty() {
            found.push((Remote::Addresses(plain), None));
        }
        found
    }

    fn check_remote(&self, remote: &Remote, direction: Direction, place: &Path, problems: &mut Problems) {
        if let Remote::Addresses(set) = remote
            && set.difference(self.except).is_empty()
        {
            problems.at(self.place.at("except"), NeedProblem::NothingLeft(remote.clone()));
        }
        if matches!(remote, Remote::Outside(_)) && !self.except.is_empty() {
            problems.at(self.place.at("except"), NeedProblem::Whole(remote.clone()));
        }
        if direction == Direction::Inbound
            && matches!(remote, Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_))
        {
            problems.at(place.clone(), NeedProblem::Caller(remote.clone()));
        }
    }

    /// Platform tags are denied whole or not at all. Source: azure-docs pull requests 56942 and 89592.
    fn check_platform(&self, need: &HandNeed<'_>, protocols: &[Protocol], problems: &mut Problems) {
        let Remote::Symbol(symbol) = need.remote else { return };
        if !symbol.is_platform() {
            return;
        }
        if need.direction == Direction::Inbound {
            problems.at(self.place.at("from"), NeedProblem::Destination(symbol));
        }
        if *protocols != [Protocol::Any] || !need.ports.is_all() || !self.except.is_empty() {
            problems.at(self.place.clone(), NeedProblem::Platform(symbol));
        }
    }

    /// Ports by which machines are managed, opened to everybody.
    fn check_open(&self, need: &HandNeed<'_>, problems: &mut Problems) {
        const fn by(port: u16, name: &'static str) -> ManagedPort {
            ManagedPort { port, name }
        }
        const MANAGED: [ManagedPort; 4] =
            [by(22, "SSH"), by(3389, "RDP"), by(5985, "WinRM"), by(5986, "WinRM")];
        let everybody = match &need.remote {
            Remote::Any | Remote::Symbol(Symbol::Internet) => true,
            Remote::Addresses(set) => set.v4.is_all() || set.v6.is_all(),
            _ => false,
        };
        if need.direction != Direction::Inbound || !everybody {
            return;
        }
        let open = MANAGED.into_iter().filter(|managed| need.ports.set().contains(managed.port));
        let open: Vec<ManagedPort> = open.collect();
        if !open.is_empty() {
            problems.warn(self.place.at("from"), NeedProblem::Open(open));
        }
    }

    fn direction(&self, problems: &mut Problems) -> Direction {
        let by_key = if self.to.is_empty() && !self.from.is_empty() {
            Direction::Inbound
        } else {
            Direction::Outbound
        };
        let direction = match self.direction {
            Some(DirectionName::Inbound) => Direction::Inbound,
            Some(DirectionName::Outbound) => Direction::Outbound,
            None => by_key,
        };
        if !self.to.is_empty() && !self.from.is_empty() {
            let what = if self.denies { "deny" } else { "allow" };
            problems.at(self.place.at("from"), NeedProblem::BothWays(what));
        } else if direction == Direction::Outbound && !self.from.is_empty() {
            problems.at(self.place.at("from"), "an outbound need has its remotes in `to`");
        } else if direction == Direction::Inbound && !self.to.is_empty() {
            problems.at(self.place.at("to"), "an inbound need has its remotes in `from`");
        }
        direction
    }
}

struct HandNeed<'a> {
    direction: Direction,
    remote: Remote,
    group: Option<String>,
    except: &'a AddrSet,
    ports: &'a Ports,
    why: Option<&'a str>,
    denies: bool,
}

impl HandNeed<'_> {
    fn arrow(&self) -> &'static str {
        if self.direction == Direction::Inbound { "from" } else { "to" }
    }

    /// Risks of the catalogue that rows of the same kind carry.
    fn risks(&self) -> Vec<&'static str> {
        let inbound = self.direction == Direction::Inbound;
        let mut risks = Vec::new();
        match &self.remote {
            Remote::Tag(_) | Remote::Outside(_) if inbound => risks.push("tag-inbound"),
            Remote::Tag(tag) => match tag.name().base() {
                "Storage" => risks.push("storage-exfiltration"),
                "AzureCloud" => risks.push("wide-azure-cloud"),
                "AzureMonitor" => risks.push("wide-azure-monitor"),
                "AzureFrontDoor" => risks.push("wide-front-door"),
                _ => {}
            },
            Remote::Symbol(Symbol::Internet) | Remote::Any if !inbound => risks.push("everywhere"),
            Remote::Symbol(Symbol::VirtualNetwork) => risks.push("virtual-network-udr"),
            _ => {}
        }
        let plain = self.ports.set().contains(80) && !self.ports.is_all();
        if plain && matches!(&self.remote, Remote::Tag(tag) if tag.name().base() == "AzureActiveDirectory") {
            risks.push("plain-http");
        }
        if inbound && self.ports.set().contains(22) && !self.ports.is_all() {
            risks.push("ssh-open");
        }
        risks
    }

    fn flow(&self, (subnet, local): &(String, AddrSet), protocol: Protocol) -> Flow {
        let arrow = self.arrow();
        let list = match &self.group {
            Some(group) => format!("group:{group}"),
            None => list_text(&self.remote),
        };
        let denies = if self.denies { "deny " } else { "" };
        let except = applicable(self.except, &self.remote);
        let row = format!("{denies}{arrow} {list}{} {protocol} {}", without(&except), self.ports);
        Flow {
            id: FlowId::new(subnet, FlowId::BY_HAND, &row),
            stand_in: false,
            direction: self.direction,
            subnet: subnet.clone(),
            local: local.clone(),
            remote: self.remote.clone(),
            except,
            protocol,
            ports: self.ports.clone(),
            causes: vec![Cause::by_hand(self.why)],
            group: self.group.clone(),
        }
    }
}

fn protocols(texts: &OneOrMany, place: &Path, problems: &mut Problems) -> Vec<Protocol> {
    let mut found = Vec::new();
    for (index, text) in texts.as_slice().iter().enumerate() {
        match text.parse::<Protocol>() {
            Ok(protocol) => found.push(protocol),
            Err(error) => problems.at(place.at("protocol").at(index), error),
        }
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() || found.contains(&Protocol::Any) { vec![Protocol::Any] } else { found }
}

fn ports(text: &PortsText, place: &Path, problems: &mut Problems) -> Option<Ports> {
    let number = |n: u16| Ports::new(crate::addr::Prefix::host(n).into());
    let mut read = |text: &str, place: Path| match text.parse::<Ports>() {
        Ok(ports) => Some(ports),
        Err(error) => {
            problems.at(place, error);
            None
        }
    };
    match text {
        PortsText::All => None,
        PortsText::Number(n) => Some(number(*n)),
        PortsText::Text(text) => read(text, place.clone()),
        PortsText::List(items) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                PortItem::Number(n) => Some(number(*n)),
                PortItem::Text(text) => read(text, place.at(index)),
            })
            .reduce(|a, b| a.union(&b)),
    }
}
