//! Pairs of resources, compared one after another.

use super::model::{Decider, Difference, Part, RouteDifferenceSaid};
use super::pairs::pairs;
use crate::addr::{AddrSet, IpPrefix};
use crate::analyse::hanging::{Hanging, Which};
use crate::analyse::open::{
    Answers, Atoms, DEFAULTS, ListDifference, OpenFirewall, OpenList, OpenResolver, OpenRoutes, Unit,
    UnknownRoute, answered, compare_open, default_names, fewest, first_address, open_group, units,
};
use crate::analyse::said::{Answer, Named, PacketSaid, Test, said, way};
use crate::packet::Direction;
use crate::read::live::{Live, LiveGroup, LiveTable, Place};
use crate::replay::{HostKey, Translation};
use crate::rules::{Access, Packet, Region};

/// An assumption: its name, and what it says.
pub(super) type Assumption = (&'static str, &'static str);

/// Space that `VirtualNetwork` might be as well, to tell what is equal only by the usual one.
const OTHER_SPACES: [&[&str]; 3] = [&[], &["10.0.0.0/8"], &["0.0.0.0/0", "::/0"]];

/// The comparison as far as it is done.
pub(super) struct Compared<'a> {
    live: [&'a Live; 2],
    meanings: [OpenResolver<'a>; 2],
    parts: Vec<Part>,
    assumptions: Vec<Assumption>,
}

/// Names and places of the rules of one side, by origin.
struct Rules<'r> {
    of: Box<dyn Fn(usize) -> (Decider, Option<Place>) + 'r>,
    default: &'static str,
}

/// One pair of lists, with what is said about their rules.
struct Pair<'r> {
    lists: [&'r OpenList; 2],
    rules: [&'r Rules<'r>; 2],
    far: Direction,
    host: Option<HostKey>,
    translated: Option<Translation>,
    is_firewall: bool,
}

impl<'a> Compared<'a> {
    pub(super) fn new(live: [&'a Live; 2], meanings: [OpenResolver<'a>; 2]) -> Self {
        Compared { live, meanings, parts: Vec::new(), assumptions: Vec::new() }
    }

    pub(super) fn finish(self) -> (Vec<Part>, Vec<Assumption>) {
        (self.parts, self.assumptions)
    }

    fn assume(&mut self, id: &'static str, text: &'static str) {
        if !self.assumptions.iter().any(|(known, _)| *known == id) {
            self.assumptions.push((id, text));
        }
    }

    pub(super) fn groups(&mut self) {
        let [a, b] = self.live;
        for (one, other) in pairs(&a.groups, &b.groups, |g| g.id.as_deref(), |g| &g.name) {
            for direction in [Direction::Inbound, Direction::Outbound] {
                match (one, other) {
                    (Some(one), Some(other)) => self.group(one, other, direction),
                    _ => self.alone("nsg", one.map(|g| &g.name), other.map(|g| &g.name), Some(direction)),
                }
            }
        }
    }

    /// A resource that only one side has.
    fn alone(
        &mut self,
        kind: &'static str,
        a: Option<&String>,
        b: Option<&String>,
        direction: Option<Direction>,
    ) {
        let (which, name) = if a.is_some() { (Which::A, a) } else { (Which::B, b) };
        // Where the other side has nothing of that kind at all, it was perhaps not exported.
        let other = &self.live[usize::from(a.is_some())];
        let none = match kind {
            "nsg" => other.groups.is_empty(),
            "route-table" => other.tables.is_empty(),
            _ => units(other).is_empty(),
        };
        let incomplete = none || self.live.iter().any(|live| !live.incomplete.is_empty());
        self.parts.push(Part {
            kind,
            name_a: a.cloned(),
            name_b: b.cloned(),
            direction: direction.map(way),
            equal: if incomplete { Answer::If } else { Answer::No },
            only_a: Vec::new(),
            only_b: Vec::new(),
            differences: Vec::new(),
            ways: Vec::new(),
            conditional: Vec::new(),
            hangs_on: vec![Hanging::Only(which, name.cloned())],
        });
    }

    fn group(&mut self, a: &LiveGroup, b: &LiveGroup, direction: Direction) {
        let mut atoms = Atoms::default();
        let [meaning_a, meaning_b] = &mut self.meanings;
        let lists = [
            open_group(a, direction, meaning_a, &mut atoms),
            open_group(b, direction, meaning_b, &mut atoms),
        ];
        let outcome = compare_open(&lists[0], &lists[1]);
        let rules = [group_rules(a, direction), group_rules(b, direction)];
        let pair = Pair {
            lists: [&lists[0], &lists[1]],
            rules: [&rules[0], &rules[1]],
            far: direction,
            host: None,
            translated: None,
            is_firewall: false,
        };
        let mut named = Named::new(self.meanings[0].snapshot, &self.meanings[0].symbols);
        let mut part = part("nsg", &a.name, &b.name, Some(direction));
        fill(&mut part, &outcome, &pair, &atoms, &mut named);
        part.hangs_on.extend(a.incomplete.iter().chain(&b.incomplete).cloned().map(Hanging::Note));
        settle(&mut part, &outcome);
        let has_ports = |list: &OpenList| list.rules.iter().any(|open| !open.rule.dport.is_all());
        let is_assumed = self.meanings.iter().any(|meaning| meaning.space.is_none());
        if part.equal == Answer::Yes && is_assumed && !self.equal_elsewhere(a, b, direction) {
            part.equal = Answer::If;
            part.hangs_on.push(Hanging::PrivateSpace);
        }
        if is_assumed {
            self.assume(
                "virtual-network",
                "no virtual network is among the files: VirtualNetwork is 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 \
                 and fc00::/7, with 168.63.129.16",
            );
        }
        if lists.iter().any(has_ports) {
            self.assume("portless-protocols", "a rule with ports takes no protocol that has none");
        }
        self.parts.push(part);
    }

    /// Whether two groups are the same too if `VirtualNetwork` is something else.
    fn equal_elsewhere(&self, a: &LiveGroup, b: &LiveGroup, direction: Direction) -> bool {
        OTHER_SPACES.iter().all(|space| {
            let set: AddrSet = space.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
            let [mut of_a, mut of_b] =
                [self.meanings[0].with_network(&set), self.meanings[1].with_network(&set)];
            let mut atoms = Atoms::default();
            let one = open_group(a, direction, &mut of_a, &mut atoms);
            let other = open_group(b, direction, &mut of_b, &mut atoms);
            compare_open(&one, &other).is_equal()
        })
    }

    pub(super) fn tables(&mut self) {
        let [a, b] = self.live;
        for (one, other) in pairs(&a.tables, &b.tables, |t| t.id.as_deref(), |t| &t.name) {
            match (one, other) {
                (Some(one), Some(other)) => self.table(one, other),
                _ => self.alone("route-table", one.map(|t| &t.name), other.map(|t| &t.name), None),
            }
        }
    }

    fn table(&mut self, a: &LiveTable, b: &LiveTable) {
        let [of_a, of_b] =
            [OpenRoutes::of(Some(a), &self.meanings[0]), OpenRoutes::of(Some(b), &self.meanings[1])];
        let mut named = Named::new(self.meanings[0].snapshot, &self.meanings[0].symbols);
        let mut part = part("route-table", &a.name, &b.name, None);
        for difference in of_a.difference(&of_b) {
            let address = first_address(&difference.addresses).expect("differences are not empty");
            let route = |routes: &OpenRoutes| routes.route_at(address).map(str::to_owned);
            part.differences.push(RouteDifferenceSaid {
                prefixes: difference.addresses.prefixes().collect(),
                tag: named.of(&difference.addresses),
                hop_a: difference.a,
                hop_b: difference.b,
                route_a: route(&of_a),
                route_b: route(&of_b),
                address,
                addresses: difference.addresses.count(),
                test: Test::Route(None, address),
            });
        }
        part.hangs_on.extend(a.incomplete.iter().chain(&b.incomplete).cloned().map(Hanging::Note));
        part.hangs_on.extend(same_on_both(&of_a.open, &of_b.open).map(Hanging::Route));
        if !a.effective && !b.effective && a.disable_bgp.unwrap_or(false) != b.disable_bgp.unwrap_or(false) {
            let which = if a.disable_bgp.unwrap_or(false) { Which::A } else { Which::B };
            part.hangs_on.push(Hanging::GatewayRoutes(which));
        }
        let hides = |part: &LiveTable| part.disable_peering_route.unwrap_or(false);
        if !a.effective && !b.effective && hides(a) != hides(b) {
            let which = if hides(a) { Which::A } else { Which::B };
            part.hangs_on.push(Hanging::PeeringRoutes(which));
        }
        part.equal = match (part.differences.is_empty(), part.hangs_on.is_empty()) {
            (false, _) => Answer::No,
            (true, false) => Answer::If,
            (true, true) => Answer::Yes,
        };
        if self.meanings.iter().any(|meaning| meaning.space.is_none()) {
            self.assume(
                "system-routes",
                "no virtual network is among the files: where private addresses go without a route of the table is \
                 called `system`",
            );
        }
        self.parts.push(part);
    }

    pub(super) fn firewalls(&mut self) {
        let [a, b] = self.live;
        let (of_a, of_b) = (units(a), units(b));
        for (one, other) in pairs(&of_a, &of_b, |_| None, |unit| &unit.name) {
            match (one, other) {
                (Some(one), Some(other)) => self.firewall(one, other),
                _ => self.alone("firewall", one.map(|u| &u.name), other.map(|u| &u.name), None),
            }
        }
    }

    fn firewall(&mut self, a: &Unit<'_>, b: &Unit<'_>) {
        let mut atoms = Atoms::default();
        let [meaning_a, meaning_b] = &mut self.meanings;
        let both = [a.open(meaning_a, &mut atoms), b.open(meaning_b, &mut atoms)];
        let mut named = Named::new(self.meanings[0].snapshot, &self.meanings[0].symbols);
        let mut part = part("firewall", &a.name, &b.name, None);
        let rules = [firewall_rules(&both[0]), firewall_rules(&both[1])];
        let mut whole = ListDifference::default();
        let mut compare = |lists: [OpenList; 2], host: Option<HostKey>, to: Option<Translation>| {
            let outcome = compare_open(&lists[0], &lists[1]);
            let pair = Pair {
                lists: [&lists[0], &lists[1]],
                rules: [&rules[0], &rules[1]],
                far: Direction::Outbound,
                host,
                translated: to,
                is_firewall: true,
            };
            fill(&mut part, &outcome, &pair, &atoms, &mut named);
            outcome
        };
        let translations: std::collections::BTreeSet<_> =
            both[0].translations().chain(both[1].translations()).cloned().collect();
        for to in &translations {
            let lists = [both[0].translating(to), both[1].translating(to)];
            whole.extend(compare(lists, None, Some(to.clone())));
        }
        whole.extend(compare([both[0].passing(None), both[1].passing(None)], None, None));
        let hosts: std::collections::BTreeSet<_> =
            both[0].hosts().into_iter().chain(both[1].hosts()).collect();
        // What differs by address alone differs for every host, and is said once.
        let by_address = whole.sure.clone();
        for host in &hosts {
            let lists = [both[0].passing(Some(host)), both[1].passing(Some(host))];
            let outcome = compare_open(&lists[0], &lists[1]);
            let known = |region: &Region| by_address.iter().any(|own| own.contains(&region.packet));
            if outcome.is_equal() || outcome.open.is_empty() && outcome.sure.iter().all(known) {
                continue;
            }
            whole.extend(compare(lists, Some(host.clone()), None));
        }
        part.hangs_on.extend(a.incomplete.iter().chain(&b.incomplete).cloned().map(Hanging::Firewall));
        settle(&mut part, &whole);
        self.parts.push(part);
    }
}

/// What only one of two lists says; what both say alike is said of the same thing.
fn same_on_both(a: &[UnknownRoute], b: &[UnknownRoute]) -> impl Iterator<Item = UnknownRoute> {
    let mut all: Vec<UnknownRoute> = a.iter().chain(b).cloned().collect();
    all.sort();
    all.dedup();
    all.into_iter()
}

pub(super) fn part(kind: &'static str, a: &str, b: &str, direction: Option<Direction>) -> Part {
    Part {
        kind,
        name_a: Some(a.to_owned()),
        name_b: Some(b.to_owned()),
        direction: direction.map(way),
        equal: Answer::Yes,
        only_a: Vec::new(),
        only_b: Vec::new(),
        differences: Vec::new(),
        ways: Vec::new(),
        conditional: Vec::new(),
        hangs_on: Vec::new(),
    }
}

/// The answer of a part whose differences are filled in.
fn settle(part: &mut Part, outcome: &ListDifference) {
    if outcome.cut {
        part.hangs_on.push(Hanging::TooMuch);
    }
    part.equal = if !outcome.sure.is_empty() {
        Answer::No
    } else if part.hangs_on.is_empty() && outcome.open.is_empty() {
        Answer::Yes
    } else {
        Answer::If
    };
}

fn group_rules(group: &LiveGroup, direction: Direction) -> Rules<'_> {
    let names = default_names(direction);
    Rules {
        of: Box::new(move |origin| match group.rules.get(origin) {
            Some(rule) => (Decider::Rule(rule.rule.name.clone()), Some(rule.place.clone())),
            None => (Decider::Default(names[origin.wrapping_sub(DEFAULTS).min(2)]), None),
        }),
        default: names[2],
    }
}

fn firewall_rules(firewall: &OpenFirewall) -> Rules<'_> {
    Rules {
        of: Box::new(|origin| {
            let (name, place) = &firewall.names[origin];
            (Decider::Rule(name.clone()), Some(place.clone()))
        }),
        default: "default deny",
    }
}

/// Says all differences of two lists.
fn fill(part: &mut Part, outcome: &ListDifference, pair: &Pair<'_>, atoms: &Atoms, named: &mut Named<'_>) {
    for region in &fewest(outcome.sure.clone()) {
        let found = tell(region, &Vec::new(), pair, named);
        match region.first {
            Access::Allow => part.only_a.extend(found),
            Access::Deny => part.only_b.extend(found),
        }
    }
    for (region, answers) in &outcome.open {
        let hangs_on: Vec<Hanging> = answered(answers, atoms).into_iter().map(Hanging::Answered).collect();
        let passes = if region.first == Access::Allow { "a" } else { "b" };
        for difference in tell(region, answers, pair, named) {
            part.conditional.push(Difference {
                passes: Some(passes),
                hangs_on: hangs_on.clone(),
                ..difference
            });
        }
        for one in hangs_on {
            if !part.hangs_on.contains(&one) {
                part.hangs_on.push(one);
            }
        }
    }
}

fn tell(region: &Region, answers: &Answers, pair: &Pair<'_>, named: &mut Named<'_>) -> Vec<Difference> {
    let yes = |question: u32| answers.iter().any(|&(number, yes)| number == question && yes);
    let rule = |side: usize, packet: &Packet| {
        let found = pair.lists[side].deciding(packet, &yes);
        match found {
            Some(open) => (pair.rules[side].of)(open.origin),
            None => (Decider::Default(pair.rules[side].default), None),
        }
    };
    let tell = |(region, packet): (crate::analyse::said::RegionSaid, Packet)| {
        let ((rule_a, place_a), (rule_b, place_b)) = (rule(0, &packet), rule(1, &packet));
        let test = match pair.is_firewall {
            true => Test::Connection(packet, pair.host.clone()),
            false => Test::Group(packet, pair.far),
        };
        Difference {
            region,
            packet: PacketSaid::from(&packet),
            rule_a: Some(rule_a),
            rule_b: Some(rule_b),
            place_a,
            place_b,
            host: pair.host.clone(),
            translated: pair.translated.clone(),
            passes: None,
            hangs_on: Vec::new(),
            test,
        }
    };
    said(region, pair.far, named).into_iter().map(tell).collect()
}
