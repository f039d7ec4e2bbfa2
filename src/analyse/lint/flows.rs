//! [`FlowReplay`]: recorded flows against planned rules.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::list::Lines;
use super::routes::has_group;
use super::sides::{Sides, inside};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::Direction;
use crate::read::live::{FlowTuple, Live, LiveGroup, last_part};
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
    /// The planned group.
    pub resource: String,
    /// The planned rule that decides; that of Azure's which denies the rest has no other place.
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

/// How often a planned rule decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Used {
    /// The group.
    pub resource: String,
    /// The rule.
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
    /// What was let through and would no longer be, most flows first.
    pub breaks: Vec<Changed>,
    /// What was stopped and would be let through.
    pub opens: Vec<Changed>,
    /// Every planned rule that decided a flow.
    pub used: Vec<Used>,
    /// Planned rules that no flow needed.
    pub unused: Vec<Used>,
}

/// A planned group, both directions, with how often each rule decided.
struct Planned<'a> {
    group: &'a LiveGroup,
    /// The addresses of the subnets that it is put on.
    local: AddrSet,
    lists: [(Lines, Vec<u64>); 2],
}

/// By what changed flows are counted together: group, tag, direction, protocol, port, rules.
type Key = (usize, String, bool, PacketProtocol, Option<u16>, String, Arc<str>);

/// Replays flows one after another; what it keeps grows with the kinds of changes, not with the flows.
pub struct FlowReplay<'a> {
    planned: Vec<Planned<'a>>,
    index: TagIndex,
    sizes: Vec<crate::addr::Count>,
    done: Replayed,
    breaks: BTreeMap<Key, (u64, Packet)>,
    opens: BTreeMap<Key, (u64, Packet)>,
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
            Some(Planned { group, local, lists: [list(Direction::Inbound)?, list(Direction::Outbound)?] })
        });
        let index = TagIndex::of(snapshot);
        let sizes = snapshot.tags().iter().map(|tag| tag.set().count()).collect();
        let (breaks, opens) = Default::default();
        FlowReplay { planned: planned.collect(), index, sizes, done: Replayed::default(), breaks, opens }
    }

    /// Whether there is any group to replay against.
    pub fn is_empty(&self) -> bool {
        self.planned.is_empty()
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
        let Some(at) = self.group_for(tuple, &packet) else {
            self.done.without_group += 1;
            return;
        };
        let (lines, counts) = &mut self.planned[at].lists[usize::from(!tuple.inbound)];
        let decides = lines.lines.iter().position(|line| line.rule.matches(&packet));
        let is_open = decides
            .is_some_and(|at| lines.lines[..=at].iter().any(|l| !l.is_known() && l.rule.matches(&packet)));
        if is_open {
            self.done.unknown += 1;
            return;
        }
        let (allows, rule) = match decides {
            Some(place) => {
                counts[place] += 1;
                let line = &lines.lines[place];
                (line.rule.access == Access::Allow, line.name().to_owned())
            }
            None if tuple.inbound => (false, "DenyAllInBound".to_owned()),
            None => (false, "DenyAllOutBound".to_owned()),
        };
        if allows == tuple.is_allowed() {
            return;
        }
        let other = if tuple.inbound { packet.src() } else { packet.dst() };
        let tag = self.tag_of(other);
        let changed = if allows { &mut self.opens } else { &mut self.breaks };
        let key = (at, tag, tuple.inbound, packet.protocol(), packet.dport(), rule, tuple.rule.clone());
        let full = changed.len() >= KINDS && !changed.contains_key(&key);
        let key =
            if full { (at, "others".to_owned(), key.2, key.3, None, key.5, Arc::default()) } else { key };
        changed.entry(key).or_insert((0, packet)).0 += 1;
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
                .map(|((at, tag, inbound, protocol, port, rule, recorded_rule), (flows, packet))| Changed {
                    tag,
                    direction: if inbound { "inbound" } else { "outbound" },
                    protocol: protocol.name(),
                    port,
                    flows,
                    resource: self.planned[at].group.name.clone(),
                    rule,
                    recorded_rule: recorded_rule.to_string(),
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
                    let used = Used { resource, rule: line.name().to_owned(), flows };
                    match (flows, line.origin) {
                        (0, Some(_)) => done.unused.push(used),
                        (0, None) => {}
                        _ => done.used.push(used),
                    }
                }
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
