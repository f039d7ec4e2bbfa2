//! Groups of a policy against those that are there, and the book of needs and rules that all kinds share.

use std::borrow::Cow;

use super::classes::Classes;
use super::model::{Have, LiveState, NeedId, NeedState, Purpose, Use};
use super::needs::Need;
use crate::addr::AddrSet;
use crate::analyse::compare::pairs;
use crate::analyse::hanging::{Hanging, Kind};
use crate::analyse::open::{
    Atoms, ListDifference, OpenList, OpenResolver, answered, compare_open, default_names, intersection,
    open_group, region_of, subtracted,
};
use crate::analyse::said::PacketSaid;
use crate::packet::{Direction, Ports};
use crate::read::live::{Live, LiveGroup, Place};
use crate::rules::{Access, Region, Rule, RuleList, ServiceBox, differences};
use crate::tags::Snapshot;

/// What was found out so far.
pub(super) struct Judged<'a> {
    pub(super) live: [&'a Live; 2],
    pub(super) meanings: [OpenResolver<'a>; 2],
    pub(super) needs: &'a [Need],
    classes: Classes<'a>,
    states: Vec<NeedState>,
    rules: Vec<LiveState>,
    pub(super) hangs_on: Vec<Hanging>,
}

/// A rule that is there, with the packets that it lets through without need.
pub(super) struct Found<'f> {
    pub(super) resource: &'f str,
    pub(super) rule: &'f str,
    pub(super) place: &'f Place,
    /// Whether anything of it is needed.
    pub(super) is_needed: bool,
    /// Whether the policy makes one of that name.
    pub(super) is_ours: bool,
    pub(super) excess: AddrSet,
    pub(super) packet: Option<PacketSaid>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(
        live: [&'a Live; 2],
        meanings: [OpenResolver<'a>; 2],
        needs: &'a [Need],
        snapshot: &'a Snapshot,
    ) -> Self {
        let tags = needs.iter().filter_map(|need| need.tag.as_ref());
        Judged {
            live,
            meanings,
            needs,
            classes: Classes::new(tags, snapshot),
            states: Vec::new(),
            rules: Vec::new(),
            hangs_on: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Vec<NeedState>, Vec<LiveState>, Vec<Hanging>) {
        (self.states, self.rules, self.hangs_on)
    }

    pub(super) fn groups(&mut self) {
        let [wanted, live] = self.live;
        if live.groups.is_empty() {
            if !wanted.groups.is_empty() {
                self.hangs_on.push(Hanging::NoneLive(Kind::Group));
            }
            return;
        }
        for (one, other) in pairs(&wanted.groups, &live.groups, |_| None, |g| &g.name) {
            match (one, other) {
                (Some(one), Some(other)) => {
                    for direction in [Direction::Inbound, Direction::Outbound] {
                        self.group(one, other, direction);
                    }
                    self.hangs_on.extend(other.incomplete.iter().cloned().map(Hanging::Note));
                }
                (Some(one), None) => {
                    self.hangs_on.push(Hanging::NotLive(Kind::Group, one.name.clone()));
                }
                (None, Some(other)) => {
                    self.hangs_on.push(Hanging::NotMade(Kind::Group, other.name.clone()));
                }
                (None, None) => {}
            }
        }
    }

    fn group(&mut self, wanted: &LiveGroup, live: &LiveGroup, direction: Direction) {
        let mut atoms = Atoms::default();
        let [of_wanted, of_live] = &mut self.meanings;
        let lists = [
            open_group(wanted, direction, of_wanted, &mut atoms),
            open_group(live, direction, of_live, &mut atoms),
        ];
        let outcome = compare_open(&lists[0], &lists[1]);
        self.open(&live.name, &outcome, &atoms);
        let (missing, excess): (Vec<Region>, Vec<Region>) =
            outcome.sure.into_iter().partition(|region| region.first == Access::Allow);
        let stopped = |region: &Region| {
            let open = lists[1].deciding(&region.packet, &|_| false);
            open.map_or(Cow::Borrowed(default_names(direction)[2]), |open| Cow::Owned(open.rule.name.clone()))
        };
        self.missing("nsg", direction, missing, stopped);
        self.rules_of_group(wanted, live, direction, &lists, excess);
    }

    /// Notes what the answer about a resource hangs on.
    pub(super) fn open(&mut self, resource: &str, outcome: &ListDifference, atoms: &Atoms) {
        for one in outcome.open.iter().flat_map(|(_, answers)| answered(answers, atoms)) {
            let one = Hanging::AnsweredOf(resource.to_owned(), one);
            if !self.hangs_on.contains(&one) {
                self.hangs_on.push(one);
            }
        }
    }

    /// Puts what is missing to the needs that it is of; the rest is told by itself.
    pub(super) fn missing(
        &mut self,
        target: &'static str,
        direction: Direction,
        missing: Vec<Region>,
        stopped: impl Fn(&Region) -> Cow<'static, str>,
    ) {
        let mut rest = missing.clone();
        for need in self.needs.iter().filter(|need| need.direction == direction && need.remote.is_some()) {
            // Of nothing there is no part, and most needs lack nothing.
            let own = if missing.is_empty() { Vec::new() } else { need.regions() };
            let found = intersection(&missing, &own);
            rest = subtracted(rest, &own);
            let set = AddrSet::union_of(found.iter().map(|region| need.far(region)));
            let asked = AddrSet::union_of(own.iter().map(|region| need.far(region)));
            self.states.push(NeedState {
                id: NeedId::Flow(need.id.clone()),
                target,
                state: have(&set, &asked),
                missing: set.prefixes().collect(),
                packet: found.first().map(|region| PacketSaid::from(&region.packet)),
                since: None,
                tag: need.tag.clone(),
                host: None,
                stopped_by: found.first().map(&stopped),
                why: Purpose::Said(need.why.clone()),
            });
        }
        if rest.is_empty() {
            return;
        }
        let far = |region: &Region| match direction {
            Direction::Inbound => region.sources.clone(),
            Direction::Outbound => region.destinations.clone(),
        };
        let sets: Vec<AddrSet> = rest.iter().map(far).collect();
        self.states.push(NeedState {
            id: NeedId::Beside(direction),
            target,
            state: Have::Missing,
            missing: AddrSet::union_of(&sets).prefixes().collect(),
            packet: rest.first().map(|region| PacketSaid::from(&region.packet)),
            since: None,
            tag: None,
            host: None,
            stopped_by: rest.first().map(&stopped),
            why: Purpose::Beside,
        });
    }

    pub(super) fn need(&mut self, state: NeedState) {
        self.states.push(state);
    }

    fn rules_of_group(
        &mut self,
        wanted: &LiveGroup,
        live: &LiveGroup,
        direction: Direction,
        lists: &[OpenList; 2],
        excess: Vec<Region>,
    ) {
        let by_rule = by_rule(&lists[1], excess);
        let wanted_list = lists[0].closed(&|_| false);
        let live_list = lists[1].closed(&|_| false);
        for (at, open) in lists[1].rules.iter().enumerate() {
            let Some(rule) = live.rules.get(open.origin) else { continue };
            let regions = &by_rule[at];
            let far = |region: &Region| match direction {
                Direction::Inbound => region.sources.clone(),
                Direction::Outbound => region.destinations.clone(),
            };
            let sets: Vec<AddrSet> = regions.iter().map(far).collect();
            let is_needed = is_needed(open, regions, at, &live_list, &wanted_list);
            let is_ours = wanted.rules.iter().any(|own| own.rule.name.eq_ignore_ascii_case(&rule.rule.name));
            self.rule(Found {
                resource: &live.name,
                rule: &rule.rule.name,
                place: &rule.place,
                is_needed,
                is_ours,
                excess: AddrSet::union_of(&sets),
                packet: regions.first().map(|region| PacketSaid::from(&region.packet)),
            });
        }
        // What Azure's own rules let through counts too: a deny of the policy is not there.
        let own: Vec<&Region> = lists[1]
            .rules
            .iter()
            .zip(&by_rule)
            .filter(|(o, _)| live.rules.get(o.origin).is_none())
            .flat_map(|(_, r)| r)
            .collect();
        if let Some(first) = own.first() {
            let sets: Vec<AddrSet> = own
                .iter()
                .map(|region| {
                    if direction == Direction::Inbound {
                        region.sources.clone()
                    } else {
                        region.destinations.clone()
                    }
                })
                .collect();
            self.rule(Found {
                resource: &live.name,
                rule: lists[1].deciding(&first.packet, &|_| false).map_or("", |open| &open.rule.name),
                place: &live.place,
                is_needed: true,
                is_ours: true,
                excess: AddrSet::union_of(&sets),
                packet: Some(PacketSaid::from(&first.packet)),
            });
        }
    }

    /// Writes a rule that is there into the book.
    pub(super) fn rule(&mut self, found: Found<'_>) {
        let classes = self.classes.of(&found.excess);
        let state = match (found.is_needed, found.excess.is_empty(), found.is_ours) {
            (true, true, _) => Use::Needed,
            (true, false, _) => Use::Part,
            (false, _, true) => Use::Excess,
            (false, _, false) => Use::Foreign,
        };
        self.rules.push(LiveState {
            resource: found.resource.to_owned(),
            rule: found.rule.to_owned(),
            state,
            excess: found.excess.prefixes().collect(),
            class: classes.first().map(|(name, _)| *name),
            classes,
            packet: found.packet,
            generation: None,
            place: found.place.clone(),
        });
    }
}

/// How much of what is asked is left if `missing` is not there.
pub(super) fn have(missing: &AddrSet, asked: &AddrSet) -> Have {
    match (missing.is_empty(), asked.is_subset(missing)) {
        (true, _) => Have::Ok,
        (false, true) => Have::Missing,
        (false, false) => Have::Part,
    }
}

/// For each rule of a list, which of `regions` it decides.
pub(super) fn by_rule(list: &OpenList, regions: Vec<Region>) -> Vec<Vec<Region>> {
    let mut rest = regions;
    let mut found = vec![Vec::new(); list.rules.len()];
    for (at, open) in list.rules.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        let own = boxes(&open.rule);
        // What one takes is decided by it and by no later one.
        let sides: Vec<Region> = rest
            .first()
            .map(|region| region.first)
            .into_iter()
            .flat_map(|first| {
                own.iter().filter_map(move |(src, dst, services)| {
                    region_of(first, src.clone(), dst.clone(), services.clone())
                })
            })
            .collect();
        found[at] = intersection(&rest, &sides);
        if !found[at].is_empty() {
            rest = subtracted(rest, &sides);
        }
    }
    found
}

/// The packets of a rule, those of each family apart.
fn boxes(rule: &Rule) -> Vec<(AddrSet, AddrSet, Vec<ServiceBox>)> {
    let all_ports = rule.sport.is_all() && rule.dport.is_all();
    let protocols = crate::rules::PacketProtocol::ALL.into_iter();
    let taken = protocols.filter(|p| p.is_taken_by(rule.protocol) && (p.has_ports() || all_ports));
    let services: Vec<ServiceBox> = taken
        .map(|protocol| match protocol.has_ports() {
            true => ServiceBox { protocol, sport: rule.sport.clone(), dport: rule.dport.clone() },
            false => ServiceBox { protocol, sport: Ports::all(), dport: Ports::all() },
        })
        .collect();
    let v4 = |set: &AddrSet| AddrSet { v4: set.v4.clone(), ..AddrSet::empty() };
    let v6 = |set: &AddrSet| AddrSet { v6: set.v6.clone(), ..AddrSet::empty() };
    vec![(v4(&rule.src), v4(&rule.dst), services.clone()), (v6(&rule.src), v6(&rule.dst), services)]
}

/// Whether a rule that is there decides any packet as it is wanted that it would take to have it so: for one that allows,
/// whether any packet that it lets through is wanted; for one that denies, whether the policy makes it.
pub(super) fn is_needed(
    open: &crate::analyse::open::OpenRule,
    excess: &[Region],
    at: usize,
    live: &RuleList,
    wanted: &RuleList,
) -> bool {
    let same = |own: &&Rule| {
        let rule = &open.rule;
        own.access == rule.access
            && own.protocol == rule.protocol
            && own.src == rule.src
            && own.dst == rule.dst
            && own.sport == rule.sport
            && own.dport == rule.dport
    };
    if excess.is_empty() && wanted.rules().iter().any(|own| same(&own)) {
        return true;
    }
    if !open.rule.access.is_allow() {
        return false;
    }
    // What it decides: those before it take away, it lets through.
    let Some(priority) = u32::try_from(at).ok() else { return false };
    let before = live.rules().iter().filter(|rule| rule.priority <= priority).map(|rule| {
        let access = if rule.priority == priority { Access::Allow } else { Access::Deny };
        Rule { access, ..rule.clone() }
    });
    let Ok(own) = RuleList::new(before.collect(), Access::Deny) else { return false };
    let flipped = wanted.rules().iter().map(|rule| {
        let access = if rule.access.is_allow() { Access::Deny } else { Access::Allow };
        Rule { access, ..rule.clone() }
    });
    let Ok(unwanted) = RuleList::new(flipped.collect(), Access::Allow) else { return false };
    differences(&own, &unwanted).iter().any(|region| region.first == Access::Allow)
}
