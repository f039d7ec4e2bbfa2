//! [`PlannedWay`] and [`Along`]: planned routes and firewall, asked what becomes of recorded flows along the way.

use std::collections::HashMap;
use std::sync::Arc;

use crate::analyse::explain::{condition_of, planned, put_on_all};
use crate::packet::Direction;
use crate::policy::Policy;
use crate::read::live::Live;
use crate::replay::way::{At, Environment, Kind, Kinds, Middle, Model, Question, Taker, Verdict};
use crate::replay::{ReplayError, firewall_rule};
use crate::rules::Packet;
use crate::tags::Snapshot;

/// The planned network with its routes and its firewall, to replay flows along.
pub struct PlannedWay {
    environment: Environment,
    /// What had to be assumed of the network.
    pub notes: Vec<&'static str>,
}

impl PlannedWay {
    /// The way that `live` shows; `None` where it has neither routes nor a firewall, so that groups alone decide.
    /// `policy` is what the rules are from, where that is known.
    pub fn of(live: &Live, snapshot: &Snapshot, policy: Option<&Policy>) -> Option<Self> {
        let has_firewall = !live.collection_groups.is_empty() || !live.firewalls.is_empty();
        if live.tables.is_empty() && !has_firewall {
            return None;
        }
        let (mut environment, notes) = planned(live, snapshot, policy);
        put_on_all(live, &mut environment);
        Some(PlannedWay { environment, notes })
    }
}

/// What becomes of a flow along the way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// It arrives.
    Passes,
    /// It stops: where, at which resource, by what.
    Stops(&'static str, Arc<str>, Arc<str>),
    /// It arrives or not, as these hold.
    Hangs(Vec<Arc<str>>),
}

/// How often a route or a rule of the firewall took a flow, and may have taken one.
#[derive(Debug, Clone)]
pub(super) struct Met {
    /// `route-table` or `firewall`.
    pub(super) kind: &'static str,
    pub(super) resource: String,
    pub(super) rule: String,
    pub(super) surely: u64,
    pub(super) perhaps: u64,
}

/// What becomes of flows of one kind, and which routes and rules take them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Judged {
    end: End,
    /// Numbers of what takes them, and whether for certain.
    takers: Vec<(usize, bool)>,
}

/// The kinds of flows that are remembered; further ones are decided anew.
const REMEMBERED: usize = 1 << 18;

/// Flows one after another along the planned way. What it keeps grows with the rules, not with the flows.
pub(super) struct Along<'a> {
    model: Model<'a>,
    kinds: Kinds,
    known: HashMap<Kind, Option<usize>>,
    /// What comes of flows, each once, with how many there were.
    judged: Vec<(Judged, u64)>,
    numbers: HashMap<Judged, usize>,
    all: Vec<Met>,
    /// Places in `all` by what the model calls them.
    names: HashMap<(At, String, String), usize>,
    pub(super) without_subnet: u64,
}

impl<'a> Along<'a> {
    pub(super) fn new(way: &'a PlannedWay, snapshot: &'a Snapshot) -> Result<Self, ReplayError> {
        let model = Model::new(&way.environment, snapshot)?;
        let kinds = model.kinds();
        let (known, judged, numbers) = Default::default();
        let mut along = Along {
            model,
            kinds,
            known,
            judged,
            numbers,
            all: Vec::new(),
            names: HashMap::new(),
            without_subnet: 0,
        };
        along.name(&way.environment);
        Ok(along)
    }

    /// Gives each route and each rule of the firewall a number.
    fn name(&mut self, environment: &Environment) {
        let mut add = |name: (At, String, String), kind, resource: String, rule: &str| {
            let next = self.all.len();
            if *self.names.entry(name).or_insert(next) == next {
                self.all.push(Met { kind, resource, rule: rule.to_owned(), surely: 0, perhaps: 0 });
            }
        };
        for table in &environment.tables {
            for route in &table.routes {
                let name = (At::Route, table.name.to_ascii_lowercase(), route.name.clone());
                add(name, "route-table", table.name.clone(), &route.name);
            }
        }
        let Middle::Azure { policies, .. } = &environment.firewall else { return };
        for (level, groups) in policies.iter().enumerate() {
            for group in groups {
                for collection in &group.collections {
                    for rule in &collection.rules {
                        let key = firewall_rule(level, &group.name, &collection.name, rule.name());
                        let resource = format!("{}/{}", group.name, collection.name);
                        add((At::Firewall, String::new(), key), "firewall", resource, rule.name());
                    }
                }
            }
        }
    }

    /// What becomes of a flow; `None` where no subnet has its address. `denied_by` is the group that stops it, looked at by
    /// itself: where that is no group of the subnet, nothing comes after it.
    pub(super) fn take(
        &mut self,
        direction: Direction,
        packet: &Packet,
        denied_by: Option<&str>,
    ) -> Option<&End> {
        let own = if direction == Direction::Inbound { packet.dst() } else { packet.src() };
        let subnets = &self.model.environment().subnets;
        let Some(subnet) = subnets.iter().position(|subnet| subnet.prefixes.contains(own)) else {
            self.without_subnet += 1;
            return None;
        };
        let groups = [&subnets[subnet].group, &subnets[subnet].interface_group];
        let is_own = |group: &str| groups.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(group));
        if denied_by.is_some_and(|group| !is_own(group)) {
            return None;
        }
        let kind = self.kinds.of(subnet, direction, packet);
        let found = match self.known.get(&kind) {
            Some(found) => *found,
            None => {
                let question =
                    Question { subnet: subnets[subnet].name.clone(), direction, packet: *packet, host: None };
                let found = self.judge(&question);
                if self.known.len() >= REMEMBERED {
                    self.known.clear();
                }
                self.known.insert(kind, found);
                found
            }
        };
        let (judged, flows) = &mut self.judged[found?];
        *flows += 1;
        Some(&judged.end)
    }

    fn judge(&mut self, question: &Question) -> Option<usize> {
        let account = self.model.account(question).ok().flatten()?;
        let fate = &account.fate;
        let sways = account.sways.iter().map(|assumption| Arc::from(assumption.text()));
        let conditions =
            fate.conditions.iter().map(|condition| Arc::from(condition_of(condition).to_string()));
        let end = match fate.verdict {
            Verdict::If => End::Hangs(conditions.chain(sways).collect()),
            _ if !account.sways.is_empty() => End::Hangs(sways.collect()),
            Verdict::Allow => End::Passes,
            Verdict::Deny => {
                let last = fate.steps.last();
                let rule = last.map(|step| match (step.at, &step.rule, question.direction) {
                    (_, Some(rule), _) => rule.as_str(),
                    (At::Nsg, None, Direction::Inbound) => "DenyAllInBound",
                    (At::Nsg, None, Direction::Outbound) => "DenyAllOutBound",
                    (At::Firewall, None, _) => "the default",
                    _ => &step.because,
                });
                let resource = last.map(|step| step.name.as_str());
                let at = fate.stops_at.map_or("network", At::name);
                End::Stops(at, resource.unwrap_or_default().into(), rule.unwrap_or_default().into())
            }
        };
        let number = |taker: &Taker| {
            let key = (taker.at, taker.resource.to_ascii_lowercase(), taker.rule.clone());
            Some((*self.names.get(&key)?, taker.surely))
        };
        let judged = Judged { end, takers: account.takers.iter().filter_map(number).collect() };
        if let Some(&known) = self.numbers.get(&judged) {
            return Some(known);
        }
        self.numbers.insert(judged.clone(), self.judged.len());
        self.judged.push((judged, 0));
        Some(self.judged.len() - 1)
    }

    /// Every route and rule of the firewall in order, with how many flows it took.
    pub(super) fn finish(mut self) -> Vec<Met> {
        for (judged, flows) in &self.judged {
            for &(at, surely) in &judged.takers {
                let met = &mut self.all[at];
                *(if surely { &mut met.surely } else { &mut met.perhaps }) += flows;
            }
        }
        self.all
    }
}
