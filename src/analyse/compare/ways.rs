//! Whole ways: what becomes of the packets of each subnet that both sides have, through groups, routes and firewall.

use super::model::{Decider, Difference, Part, WayDifferenceSaid};
use super::parts::part;
use crate::addr::AddrSet;
use crate::analyse::explain::environment;
use crate::analyse::hanging::Hanging;
use crate::analyse::open::{fewest, intersection};
use crate::analyse::said::{Answer, Named, PacketSaid, Test, said};
use crate::packet::Direction;
use crate::read::live::Live;
use crate::replay::ReplayError;
use crate::replay::way::{Arrival, Environment, Fate as WholeFate, Model, Question, Step, Verdict};
use crate::rules::{Access, Packet, Region};
use crate::tags::{Snapshot, Symbols};

/// Compares the ways of all subnets that both sides have, where both know what is on them.
pub(super) fn ways(a: &Live, b: &Live, snapshot: &Snapshot) -> Vec<Part> {
    if a.subnets.is_empty() || b.subnets.is_empty() {
        return Vec::new();
    }
    let environments = [environment(a, snapshot).0, environment(b, snapshot).0];
    let models = [Model::new(&environments[0], snapshot), Model::new(&environments[1], snapshot)];
    let mut parts = Vec::new();
    for subnet in &environments[0].subnets {
        let Some(other) = environments[1].subnet(&subnet.name) else { continue };
        // A subnet with nothing on either side has no way of its own.
        if [&subnet.group, &subnet.table, &other.group, &other.table].iter().all(|name| name.is_none()) {
            continue;
        }
        for direction in [Direction::Inbound, Direction::Outbound] {
            let mut part = part("way", &subnet.name, &other.name, Some(direction));
            match (&models[0], &models[1]) {
                (Ok(one), Ok(other)) => {
                    let pair = Pair {
                        models: [one, other],
                        subnet: &subnet.name,
                        direction,
                        snapshot,
                        environments: &environments,
                    };
                    if let Err(error) = pair.fill(&mut part) {
                        part.hangs_on.push(Hanging::Refused(error));
                        part.equal = Answer::If;
                    }
                }
                (Err(error), _) | (_, Err(error)) => {
                    part.hangs_on.push(Hanging::NoWay(error.clone()));
                    part.equal = Answer::If;
                }
            }
            parts.push(part);
        }
    }
    parts
}

/// One subnet of both, in one direction.
struct Pair<'p, 'm> {
    models: [&'p Model<'m>; 2],
    subnet: &'p str,
    direction: Direction,
    snapshot: &'p Snapshot,
    environments: &'p [Environment; 2],
}

/// Packets with what becomes of them.
type Fate = (Arrival, Vec<Region>);

impl Pair<'_, '_> {
    fn fates(&self, side: usize) -> Result<Vec<Fate>, ReplayError> {
        let mut fates: Vec<Fate> = Vec::new();
        for found in self.models[side].arrivals(self.subnet, self.direction, &AddrSet::all(), None)? {
            let region = Region {
                first: Access::Allow,
                sources: found.sources,
                destinations: found.destinations,
                services: found.services,
                packet: found.packet,
            };
            match fates.iter_mut().find(|(arrival, _)| *arrival == found.key) {
                Some((_, regions)) => regions.push(region),
                None => fates.push((found.key, vec![region])),
            }
        }
        Ok(fates)
    }

    fn fill(&self, part: &mut Part) -> Result<(), ReplayError> {
        let symbols = Symbols::new(&self.environments[0].network.space, &AddrSet::empty());
        let mut named = Named::new(Some(self.snapshot), &symbols);
        let (of_a, of_b) = (self.fates(0)?, self.fates(1)?);
        for (a, regions_a) in &of_a {
            for (b, regions_b) in &of_b {
                let same_way = a.way == b.way || a.verdict == Verdict::Deny;
                if a.verdict == b.verdict && same_way {
                    continue;
                }
                for region in fewest(intersection(regions_a, regions_b)) {
                    for (said, packet) in said(&region, self.direction, &mut named) {
                        let difference = self.difference(said, &packet)?;
                        match (a.verdict, b.verdict) {
                            (Verdict::Allow, Verdict::Deny) => part.only_a.push(difference),
                            (Verdict::Deny, Verdict::Allow) => part.only_b.push(difference),
                            (Verdict::Allow, Verdict::Allow) => part.ways.push(WayDifferenceSaid {
                                region: difference.region,
                                packet: difference.packet,
                                way_a: a.way.name(),
                                way_b: b.way.name(),
                                test: Test::Route(Some(packet.src()), packet.dst()),
                            }),
                            _ => part.conditional.push(difference),
                        }
                    }
                }
            }
        }
        let differs = !part.only_a.is_empty() || !part.only_b.is_empty() || !part.ways.is_empty();
        part.equal = match (differs, part.conditional.is_empty()) {
            (true, _) => Answer::No,
            (false, false) => Answer::If,
            (false, true) => Answer::Yes,
        };
        Ok(())
    }

    fn difference(
        &self,
        region: crate::analyse::said::RegionSaid,
        packet: &Packet,
    ) -> Result<Difference, ReplayError> {
        let question = Question {
            subnet: self.subnet.to_owned(),
            direction: self.direction,
            packet: *packet,
            host: None,
        };
        let mut rules = [None, None];
        let mut hangs_on = Vec::new();
        for (side, rule) in rules.iter_mut().enumerate() {
            let Some(fate) = self.models[side].fate(&question)? else { continue };
            *rule = Some(decider(&fate));
            hangs_on.extend(fate.conditions.into_iter().map(Hanging::Condition));
        }
        hangs_on.dedup();
        let [rule_a, rule_b] = rules;
        Ok(Difference {
            region,
            packet: PacketSaid::from(packet),
            rule_a,
            rule_b,
            place_a: None,
            place_b: None,
            host: None,
            translated: None,
            passes: None,
            hangs_on,
            test: match self.direction {
                // Only a connection shows what all of them do together.
                Direction::Outbound => Test::Connection(*packet, None),
                Direction::Inbound => Test::Group(*packet, self.direction),
            },
        })
    }
}

/// What decides: the door that stops the packet, or the last rule or route that lets it pass, with the way that it takes.
fn decider(fate: &WholeFate) -> Decider {
    let named = |step: &Step| (step.name.clone(), step.rule.clone().unwrap_or_else(|| step.because.clone()));
    match fate.verdict {
        Verdict::Deny => {
            fate.steps.last().map(named).map_or(Decider::Nothing, |(name, rule)| Decider::Step(name, rule))
        }
        _ => Decider::Way(fate.way, fate.steps.iter().rev().find(|step| step.rule.is_some()).map(named)),
    }
}
