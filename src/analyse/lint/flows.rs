//! [`FlowReplay`]: recorded flows against planned rules.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::along::{Along, End, PlannedWay};
use super::list::Lines;
use super::routes::has_group;
use super::sides::{Sides, inside};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::Direction;
use crate::read::live::{FlowTuple, Live, LiveGroup, last_part};
use crate::replay::ReplayError;
use crate::rules::{Access, Packet, PacketProtocol};
use crate::tags::{Snapshot, TagIndex};

/// Flows of one kind that the planned rules decide otherwise than was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The narrowest service tag that holds the other side; the other side's address where none does.
    pub tag: String,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// The protocol.
    pub protocol: &'static str,
    /// The destination port; none for protocols without ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How many flows.
    pub flows: u64,
    /// Where along the way: `nsg`, `route`, `firewall`, `dnat`, `admin`, or `outbound` for a subnet without a way out.
    pub at: &'static str,
    /// The planned group, route table or firewall.
    pub resource: String,
    /// The planned rule or route that decides; that of Azure's which denies the rest has no other place.
    pub rule: String,
    /// The rule that decided then.
    pub recorded_rule: String,
    /// The first of the flows.
    #[serde(serialize_with = "packet")]
    pub packet: Packet,
}

fn packet<S: serde::Serializer>(packet: &Packet, serializer: S) -> Result<S::Ok, S::Error> {
    super::finding::packet(&Some(*packet), serializer)
}

/// What the verdict on flows hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hangs {
    /// What has to hold, or is assumed, as a sentence without full stop.
    pub on: String,
    /// How many flows; one may hang on several.
    pub flows: u64,
}

/// How often a planned rule or route decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Used {
    /// `nsg`, `route-table` or `firewall`.
    pub kind: &'static str,
    /// The group; the route table; of a firewall the rule collection.
    pub resource: String,
    /// The rule or route.
    pub rule: String,
    /// How many flows it decides.
    pub flows: u64,
}

/// What came of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Lines of the logs.
    pub tuples: u64,
    /// Flows among them: lines that say that a flow goes on or ends are of one that was counted.
    pub flows: u64,
    /// Flows that no planned group is for.
    pub without_group: u64,
    /// Flows whose decision hangs on what is not known, such as an application security group.
    pub unknown: u64,
    /// Whether planned routes and a planned firewall were asked too; else groups alone decide.
    pub along_the_way: bool,
    /// Of the flows that were asked along the way, those of no subnet that is known.
    pub without_subnet: u64,
    /// Flows that were let through and would be or not, as what is in `hangs` holds.
    pub may_break: u64,
    /// Flows that were stopped and would be let through or not, likewise.
    pub may_open: u64,
    /// What these hang on, most flows first.
    pub hangs: Vec<Hangs>,
    /// What was let through and would no longer be, most flows first.
    pub breaks: Vec<Changed>,
    /// What was stopped and would be let through.
    pub opens: Vec<Changed>,
    /// Every planned rule that decided a flow, and every route that a flow took.
    pub used: Vec<Used>,
    /// Planned rules and routes that no flow needed.
    pub unused: Vec<Used>,
    /// Those that flows may have needed: rules of a firewall by host, and what stands behind a condition.
    pub perhaps_used: Vec<Used>,
}

/// A planned group, both directions, with how often each rule decided.
struct Planned<'a> {
    group: &'a LiveGroup,
    /// Its name, and those of the rules of both lists.
    name: Arc<str>,
    rules: [Vec<Arc<str>>; 2],
    /// The addresses of the subnets that it is put on.
    local: AddrSet,
    lists: [(Lines, Vec<u64>); 2],
}

/// By what changed flows are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: &'static str,
    resource: Arc<str>,
    tag: String,
    inbound: bool,
    protocol: PacketProtocol,
    port: Option<u16>,
    rule: Arc<str>,
    recorded_rule: Arc<str>,
}

/// What a planned group says of a flow, and by which rule.
enum Door {
    /// No group is for it.
    None,
    Unknown,
    Allows(Arc<str>, Arc<str>),
    Denies(Arc<str>, Arc<str>),
}

/// Replays flows one after another; what it keeps grows with the kinds of changes, not with the flows.
pub struct FlowReplay<'a> {
    planned: Vec<Planned<'a>>,
    along: Option<Along<'a>>,
    index: TagIndex,
    sizes: Vec<crate::addr::Count>,
    done: Replayed,
    breaks: BTreeMap<Key, (u64, Packet)>,
    opens: BTreeMap<Key, (u64, Packet)>,
    hangs: BTreeMap<Arc<str>, u64>,
}

/// The most kinds of changes that are told apart; further ones are counted under no tag and port.
const KINDS: usize = 10_000;

impl<'a> FlowReplay<'a> {
    /// A replay against the groups of `live`; tags mean what `snapshot` says, the one of the week of the flows.
    pub fn new(live: &'a Live, snapshot: &Snapshot) -> Self {
        let sides = Sides::new(snapshot, &inside(live, |_| true));
        let planned = live.groups.iter().filter(|group| !group.effective).filter_map(|group| {
            let list = |direction| {
                let lines = Lines::of_group(group, direction, &sides)?;
                let counts = vec![0; lines.lines.len()];
                Some((lines, counts))
            };
            let own = live.subnets.iter().filter(|subnet| has_group(subnet, group));
            let local = own.flat_map(|s| &s.prefixes).filter_map(|t| IpPrefix::parse(t, true).ok()).collect();
            let lists = [list(Direction::Inbound)?, list(Direction::Outbound)?];
            let names =
                |(list, _): &(Lines, Vec<u64>)| list.lines.iter().map(|line| line.name().into()).collect();
            let (name, rules) = (group.name.as_str().into(), [names(&lists[0]), names(&lists[1])]);
            Some(Planned { group, name, rules, local, lists })
        });
        let index = TagIndex::of(snapshot);
        let sizes = snapshot.tags().iter().map(|tag| tag.set().count()).collect();
        let (done, breaks, opens, hangs) = Default::default();
        FlowReplay { planned: planned.collect(), along: None, index, sizes, done, breaks, opens, hangs }
    }

    /// The same with flows going on along `way` where their group lets them pass: routes, the firewall, the groups before
    /// the destination, the subnet's way out.
    ///
    /// # Errors
    /// The first rule or route that is not understood.
    pub fn along(mut self, way: &'a PlannedWay, snapshot: &'a Snapshot) -> Result<Self, ReplayError> {
        self.along = Some(Along::new(way, snapshot)?);
        self.done.along_the_way = true;
        Ok(self)
    }

    /// Whether there is nothing to replay against: no group of which all is known, no route, no firewall.
    pub fn is_empty(&self) -> bool {
        self.planned.is_empty() && self.along.is_none()
    }

    /// Replays one line of a log.
    pub fn take(&mut self, tuple: &FlowTuple) {
        self.done.tuples += 1;
        // Lines that say that a flow goes on or ends are of one that was there already.
        if matches!(tuple.state, 'C' | 'E') {
            return;
        }
        let Some(packet) = packet_of(tuple) else { return };
        self.done.flows += 1;
        let door = self.door(tuple, &packet);
        let direction = if tuple.inbound { Direction::Inbound } else { Direction::Outbound };
        let denied_by = if let Door::Denies(group, _) = &door { Some(group.as_ref()) } else { None };
        let end = self.along.as_mut().and_then(|along| along.take(direction, &packet, denied_by));
        match (door, end) {
            // The whole way says more than the group by itself: what `VirtualNetwork` is hangs on the routes.
            (_, Some(End::Stops(at, resource, rule))) => {
                let stop = (*at, resource.clone(), rule.clone());
                if tuple.is_allowed() {
                    self.changed(tuple, &packet, false, stop);
                }
            }
            (Door::Unknown, _) => self.done.unknown += 1,
            (_, Some(End::Hangs(on))) => {
                let may = if tuple.is_allowed() { &mut self.done.may_break } else { &mut self.done.may_open };
                *may += 1;
                for on in on {
                    *self.hangs.entry(on.clone()).or_default() += 1;
                }
            }
            (Door::Denies(resource, rule), None) if tuple.is_allowed() => {
                self.changed(tuple, &packet, false, ("nsg", resource, rule));
            }
            (Door::Denies(resource, rule), Some(End::Passes)) | (Door::Allows(resource, rule), _)
                if !tuple.is_allowed() =>
            {
                self.changed(tuple, &packet, true, ("nsg", resource, rule));
            }
            _ => {}
        }
    }

    /// What the flow's group says of it.
    fn door(&mut self, tuple: &FlowTuple, packet: &Packet) -> Door {
        let Some(at) = self.group_for(tuple, packet) else {
            self.done.without_group += 1;
            return Door::None;
        };
        let planned = &mut self.planned[at];
        let (lines, counts) = &mut planned.lists[usize::from(!tuple.inbound)];
        let decides = lines.lines.iter().position(|line| line.rule.matches(packet));
        let is_open = decides
            .is_some_and(|at| lines.lines[..=at].iter().any(|l| !l.is_known() && l.rule.matches(packet)));
        if is_open {
            return Door::Unknown;
        }
        let resource = planned.name.clone();
        match decides {
            Some(place) => {
                counts[place] += 1;
                let line = &lines.lines[place];
                let rule = planned.rules[usize::from(!tuple.inbound)][place].clone();
                match line.rule.access {
                    Access::Allow => Door::Allows(resource, rule),
                    Access::Deny => Door::Denies(resource, rule),
                }
            }
            None => {
                let end = if tuple.inbound { "DenyAllInBound" } else { "DenyAllOutBound" };
                Door::Denies(resource, end.into())
            }
        }
    }

    /// Counts a flow that would fare otherwise than was recorded, and by what.
    fn changed(
        &mut self,
        tuple: &FlowTuple,
        packet: &Packet,
        opens: bool,
        (at, resource, rule): (&'static str, Arc<str>, Arc<str>),
    ) {
        let other = if tuple.inbound { packet.src() } else { packet.dst() };
        let tag = self.tag_of(other);
        let changed = if opens { &mut self.opens } else { &mut self.breaks };
        let key = Key {
            at,
            resource,
            tag,
            inbound: tuple.inbound,
            protocol: packet.protocol(),
            port: packet.dport(),
            rule,
            recorded_rule: tuple.rule.clone(),
        };
        let full = changed.len() >= KINDS && !changed.contains_key(&key);
        let key = match full {
            true => Key { tag: "others".to_owned(), port: None, recorded_rule: Arc::default(), ..key },
            false => key,
        };
        changed.entry(key).or_insert((0, *packet)).0 += 1;
    }

    /// The group that decides: by the name that the log gives, by the subnet, or the only one.
    fn group_for(&self, tuple: &FlowTuple, packet: &Packet) -> Option<usize> {
        let name = last_part(&tuple.resource);
        let named =
            self.planned.iter().position(|p| !name.is_empty() && p.group.name.eq_ignore_ascii_case(name));
        let own = if tuple.inbound { packet.dst() } else { packet.src() };
        let local = || self.planned.iter().position(|planned| planned.local.contains(own));
        named.or_else(local).or((self.planned.len() == 1).then_some(0))
    }

    /// The smallest tag that holds an address, or the address.
    fn tag_of(&self, address: IpAddr) -> String {
        let tags = self.index.at(address);
        let smallest = tags.iter().min_by_key(|&&tag| (self.sizes[tag as usize], tag));
        smallest.map_or_else(|| address.to_string(), |&tag| self.index.name(tag).to_string())
    }

    /// What came of it.
    pub fn finish(self) -> Replayed {
        let mut done = self.done;
        let told = |changed: BTreeMap<Key, (u64, Packet)>| -> Vec<Changed> {
            let mut list: Vec<Changed> = changed
                .into_iter()
                .map(|(key, (flows, packet))| Changed {
                    tag: key.tag,
                    direction: if key.inbound { "inbound" } else { "outbound" },
                    protocol: key.protocol.name(),
                    port: key.port,
                    flows,
                    at: key.at,
                    resource: key.resource.to_string(),
                    rule: key.rule.to_string(),
                    recorded_rule: key.recorded_rule.to_string(),
                    packet,
                })
                .collect();
            list.sort_by_key(|changed| std::cmp::Reverse(changed.flows));
            list
        };
        (done.breaks, done.opens) = (told(self.breaks), told(self.opens));
        for planned in &self.planned {
            for (lines, counts) in &planned.lists {
                for (line, &flows) in lines.lines.iter().zip(counts) {
                    let resource = planned.group.name.clone();
                    let used = Used { kind: "nsg", resource, rule: line.name().to_owned(), flows };
                    match (flows, line.origin) {
                        (0, Some(_)) => done.unused.push(used),
                        (0, None) => {}
                        _ => done.used.push(used),
                    }
                }
            }
        }
        done.hangs = self.hangs.into_iter().map(|(on, flows)| Hangs { on: on.to_string(), flows }).collect();
        done.hangs.sort_by_key(|hangs| std::cmp::Reverse(hangs.flows));
        let Some(along) = self.along else { return done };
        done.without_subnet = along.without_subnet;
        for met in along.finish() {
            let used = Used { kind: met.kind, resource: met.resource, rule: met.rule, flows: met.surely };
            match (met.surely, met.perhaps) {
                (0, 0) => done.unused.push(used),
                (0, perhaps) => done.perhaps_used.push(Used { flows: perhaps, ..used }),
                _ => done.used.push(used),
            }
        }
        done
    }
}

/// The packet that began a flow; `None` where the line holds no addresses.
fn packet_of(tuple: &FlowTuple) -> Option<Packet> {
    let (src, dst) = (tuple.source.parse().ok()?, tuple.destination.parse().ok()?);
    let protocol = match tuple.protocol {
        6 => PacketProtocol::Tcp,
        17 => PacketProtocol::Udp,
        1 | 58 => PacketProtocol::Icmp,
        50 => PacketProtocol::Esp,
        51 => PacketProtocol::Ah,
        _ => PacketProtocol::Other,
    };
    let ports = protocol.has_ports().then_some((tuple.source_port, tuple.destination_port));
    Packet::new(src, dst, protocol, ports).ok()
}
