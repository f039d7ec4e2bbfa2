//! Lists that do not fit a limit, widened by the fewest extra addresses.
//!
//! Limits that the same lists count against are one problem: the lists are covered together, so that the budget goes
//! where it saves most. Different problems admit their addresses in different places, so that their costs add up. What
//! is the fewest:
//!
//! - for a sum of entries (prefixes of a security group, pairs, entries of a list, routes), of all lists that fit;
//! - for a number of IP groups, of all that fit, a list taking as few groups as its entries need;
//! - for bytes and what follows from them, of the best lists of each length: with so many entries, no others add fewer
//!   addresses. How long they may be is found by trying, with the plan itself as the judge.
//!
//! What an earlier generation widened stays as it is where that takes hardly more: its prefixes that still hold
//! something asked for are covered as if they were asked for whole. What they admit beyond is counted all the same.

mod groups;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::fewest::private;
use super::lists::listing;
use super::udr::{self, Needs, meets};
use super::{Scene, attempt};
use crate::addr::{
    AddrSet, Certificate, Count, CoverCurve, CoverError, CoverRequest, IpPrefix, Prefix, RouteError,
};
use crate::packet::{Direction, NextHop};
use crate::plan::{Destination, Exceeded, Extra, FirewallRules, NsgRule, OverLimit, Plan, Side, WidenedList};
use crate::policy::{Policy, only_families_of};
use crate::target::Target;
use groups::{Ladder, Step};

/// How the limits of one problem could be kept.
enum Fit {
    /// With these extra addresses, the fewest that do; `asked` is how many the widened lists hold without them.
    Widened { extras: Vec<Extra>, asked: Count },
    /// Not at any price: the limit that stands in the way, the fewest of what it counts, and why there are not fewer.
    Impossible { key: String, smallest: usize, why: String },
    /// Shorter lists change nothing.
    Unrelated,
}

impl Fit {
    fn cost(&self) -> Option<Count> {
        match self {
            Fit::Widened { extras, .. } => Some(extras.iter().map(|extra| extra.addresses.count()).sum()),
            _ => None,
        }
    }

    /// How many extra addresses `calm` has more than this one, which has the fewest; `None` if that is more than a
    /// quarter of them.
    ///
    /// The quarter is held against the fewest of each week anew, so that what is kept cannot drift away from it.
    fn hardly_less(&self, calm: &Fit) -> Option<Count> {
        let (best, calm) = (self.cost()?, calm.cost()?);
        let bound = best.checked_mul(5)?;
        if calm.checked_mul(4)? > bound {
            return None;
        }
        // The fewest under a limit of bytes are those of the lengths that were tried, so that this may have fewer.
        Some(calm.checked_sub(best).unwrap_or(Count::ZERO))
    }
}

/// Lists that are widened together, since they count against the same limits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    /// The remote sides of one direction.
    Nsg(Direction),
    /// Both directions, since they lie in one file.
    NsgFile,
    Routes,
    Firewall,
    /// One list that firewalls fetch, by its name.
    Fetched(String),
    /// Nothing that shorter lists could change.
    None,
}

const FIREWALL: [&str; 7] = [
    "firewall-unique-pairs",
    "ip-groups",
    "firewall-rule-collection-groups",
    "firewall-group-bytes",
    "firewall-rule-collections",
    "firewall-priority",
    "firewall-classic-rules",
];

/// Whether a limit counts the firewall's lists, or what follows from their length.
pub(super) fn is_of_firewall(exceeded: &Exceeded) -> bool {
    FIREWALL.contains(&exceeded.usage.key.as_str())
}

impl Problem {
    fn of(exceeded: &Exceeded) -> Self {
        match (exceeded.usage.key.as_str(), exceeded.usage.of.split('.').next()) {
            ("nsg-source-prefixes", _) => Problem::Nsg(Direction::Inbound),
            ("nsg-destination-prefixes", _) => Problem::Nsg(Direction::Outbound),
            ("arm-template-bytes", Some("nsg")) => Problem::NsgFile,
            ("routes-per-table", _) | ("arm-template-bytes", Some("route-table")) => Problem::Routes,
            ("list-entries", _) => Problem::Fetched(exceeded.usage.of.clone()),
            _ if is_of_firewall(exceeded) => Problem::Firewall,
            _ => Problem::None,
        }
    }

    fn target(&self) -> Option<Target> {
        match self {
            Problem::Nsg(_) | Problem::NsgFile => Some(Target::Nsg),
            Problem::Routes => Some(Target::RouteTable),
            Problem::Firewall => Some(Target::Firewall),
            Problem::Fetched(_) => Some(Target::Lists),
            Problem::None => None,
        }
    }
}

/// The extra addresses with which the plan of a policy keeps every limit in `over`, and how many are the fewest that do.
/// They are those, or up to a quarter more where that leaves lists of the generation before as they were.
///
/// # Errors
/// [`OverLimit`] if a limit cannot be kept, or not within the policy's budget; then with the smallest one that works.
pub(super) fn fit(
    scene: &Scene<'_>,
    exact: &Plan,
    over: Vec<Exceeded>,
) -> Result<(Vec<Extra>, Count), OverLimit> {
    let problems = problems(&over);
    let fit = |problem: &Problem, keep| {
        let own = over.iter().filter(|exceeded| is_part(problem, exceeded)).collect();
        Widening { scene, exact, problem, over: own, keep }.fit()
    };
    let mut fits: Vec<(Problem, Fit)> = Vec::new();
    for problem in problems {
        let best = fit(&problem, false);
        fits.push((problem, best));
    }
    let total: Option<Count> = fits.iter().map(|(_, fit)| fit.cost()).sum();
    if let Some(total) = total
        && let Some(mut left) = scene.policy.precision.max_extra.checked_sub(total)
    {
        for (problem, best) in &mut fits {
            let before = scene.previous.widened.iter().any(|list| Some(list.target) == problem.target());
            if !before {
                continue;
            }
            let calm = fit(problem, true);
            if let Some(more) = best.hardly_less(&calm)
                && let Some(rest) = left.checked_sub(more)
            {
                left = rest;
                *best = calm;
            }
        }
        let extras = fits.into_iter().filter_map(|(_, fit)| match fit {
            Fit::Widened { extras, .. } => Some(extras),
            _ => None,
        });
        return Ok((extras.flatten().collect(), total));
    }
    let alone = over.len() == 1;
    let mut told: Vec<&Problem> = Vec::new();
    let over = over.into_iter().map(|exceeded| {
        let (problem, fit) = fits.iter().find(|(p, _)| is_part(p, &exceeded)).expect("each has its problem");
        let again = *problem != Problem::None && told.contains(&problem);
        told.push(problem);
        let more = remedy(scene.policy, (fit, again), &exceeded, total, alone);
        let extra = if again { fit.cost().map(|_| Count::ZERO) } else { fit.cost() };
        Exceeded { remedy: format!("{}{more}", exceeded.remedy), extra, ..exceeded }
    });
    Err(OverLimit { over: over.collect() })
}

/// The problems behind `over`, each once. Where the file of a security group is too large, its directions are one.
fn problems(over: &[Exceeded]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for problem in over.iter().map(Problem::of) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    if problems.contains(&Problem::NsgFile) {
        problems.retain(|problem| !matches!(problem, Problem::Nsg(_)));
    }
    problems
}

fn is_part(problem: &Problem, exceeded: &Exceeded) -> bool {
    let own = Problem::of(exceeded);
    own == *problem || (*problem == Problem::NsgFile && matches!(own, Problem::Nsg(_)))
}

/// What a budget could do about one limit; `total` is the smallest budget for all, of which this one is or is not
/// `alone`. `again` where a limit before it needs the same extra addresses.
fn remedy(
    policy: &Policy,
    (fit, again): (&Fit, bool),
    exceeded: &Exceeded,
    total: Option<Count>,
    alone: bool,
) -> String {
    let now = policy.precision.max_extra;
    match (fit, fit.cost()) {
        (Fit::Widened { .. }, Some(_)) if again => {
            "; the extra addresses that keep a limit above keep this one too".to_owned()
        }
        (Fit::Widened { asked, .. }, Some(cost)) => {
            let share = share(cost, *asked);
            match total {
                Some(total) if alone => format!(
                    "; or admit what was not asked for: the smallest precision.max-extra that fits is {total} (it is {now}), {share}"
                ),
                Some(total) => format!(
                    "; or admit what was not asked for: {cost} extra addresses are enough here, {share}; the smallest precision.max-extra that fits all limits is {total} (it is {now})"
                ),
                None => format!(
                    "; {cost} extra addresses would be enough here, {share}, but no precision.max-extra helps against the other limits"
                ),
            }
        }
        (Fit::Impossible { key, smallest, why }, _) if *key == exceeded.usage.key => {
            format!("; no precision.max-extra is enough: {smallest} are the fewest, since {why}")
        }
        (Fit::Impossible { key, .. }, _) => {
            format!("; no precision.max-extra is enough, since none is against {key}")
        }
        _ => String::new(),
    }
}

/// How many `extra` addresses are, held against those `asked` for.
fn share(extra: Count, asked: Count) -> String {
    let ratio = extra.to_f64() / asked.to_f64();
    match ratio {
        2.0.. => format!("{ratio:.0} times as many as these lists ask for"),
        0.01.. => format!("{:.0} % of what these lists ask for", ratio * 100.0),
        _ => "less than 1 % of what these lists ask for".to_owned(),
    }
}

/// One problem of a plan.
struct Widening<'a> {
    scene: &'a Scene<'a>,
    exact: &'a Plan,
    problem: &'a Problem,
    /// The limits that are exceeded.
    over: Vec<&'a Exceeded>,
    /// Whether what the generation before widened is kept.
    keep: bool,
}

impl<'a> Widening<'a> {
    /// No lists yet, of this problem.
    fn lists(&self, target: Target) -> Lists<'a> {
        let previous = &self.scene.previous.widened;
        Lists {
            policy: self.scene.policy,
            limit: self.over[0].usage.key.as_str(),
            target,
            before: if self.keep { previous } else { &[] },
            fixed: 0,
            fixed_groups: 0,
            lists: BTreeMap::new(),
        }
    }

    fn fit(&self) -> Fit {
        match self.problem {
            Problem::Nsg(direction) => {
                let mut lists = self.lists(Target::Nsg);
                lists.add_nsg(self.exact, *direction);
                lists.fit(self.room(&self.over[0].usage.key))
            }
            Problem::NsgFile => {
                let mut lists = self.lists(Target::Nsg);
                lists.add_nsg(self.exact, Direction::Inbound);
                lists.add_nsg(self.exact, Direction::Outbound);
                // Sides of both directions together: what they leave of each limit is for the judge.
                lists.fixed = 0;
                self.fit_judged(&lists, usize::MAX)
            }
            Problem::Routes => self.fit_routes(),
            Problem::Firewall => self.fit_firewall(),
            Problem::Fetched(name) => self.fit_fetched(name),
            Problem::None => Fit::Unrelated,
        }
    }

    fn room(&self, key: &str) -> usize {
        usize::try_from(self.scene.limits.get(key)).unwrap_or(usize::MAX)
    }

    fn exceeds(&self, key: &str) -> bool {
        self.over.iter().any(|exceeded| exceeded.usage.key == key)
    }

    /// The limits of this problem that a plan with `extras` exceeds.
    fn judge(&self, extras: &[Extra]) -> Vec<Exceeded> {
        let (_, mut over) = attempt(self.scene, extras.to_vec());
        over.retain(|exceeded| is_part(self.problem, exceeded));
        over
    }

    /// Not even `extras`, with which lists are as short as can be, is enough.
    fn hopeless(&self, left: &Exceeded) -> Fit {
        let before = self.over.iter().find(|e| e.usage.key == left.usage.key);
        let why = match before {
            Some(before) if before.usage.have <= left.usage.have => "shorter lists change nothing of it",
            _ => "that is what the shortest lists need",
        };
        let smallest = usize::try_from(left.usage.have).unwrap_or(usize::MAX);
        Fit::Impossible { key: left.usage.key.clone(), smallest, why: why.to_owned() }
    }

    /// The longest lists of at most `room` entries with which the plan fits, by halving: fewer entries are taken to
    /// need no more bytes. Where that is not so, the lists fit all the same, but somewhat longer ones might too.
    fn fit_judged(&self, lists: &Lists<'_>, room: usize) -> Fit {
        if lists.lists.is_empty() {
            return Fit::Unrelated;
        }
        let room = room.saturating_sub(lists.fixed);
        let never = lists.never();
        let requests = lists.requests(&never);
        let curve = CoverCurve::joint(&requests, None).expect("nothing asked for is kept out");
        let points: Vec<usize> = curve.points().map(|p| p.prefixes).filter(|&k| k <= room).collect();
        let extras = |k: usize| {
            lists.extras(curve.at_most(k).expect("a point of the curve").covers.into_iter().map(set_of))
        };
        let Some(&shortest) = points.first() else {
            return lists.impossible(curve.smallest(), curve.certificate());
        };
        if let Some(left) = self.judge(&extras(shortest)).first() {
            return self.hopeless(left);
        }
        let fitting = points.partition_point(|&k| self.judge(&extras(k)).is_empty());
        let (extras, asked) = (extras(points[fitting - 1]), lists.asked());
        Fit::Widened { extras, asked }
    }

    /// The fewest addresses that leave the default route's way, so that the table has no more routes than it may.
    fn fit_routes(&self) -> Fit {
        let policy = self.scene.policy;
        let fixed = udr::fixed_routes(policy);
        let needs = Needs::new(policy, self.scene.limits);
        let by_name = needs.by_name();
        // What flows ask for keeps its way, as does all that may never be let through.
        let asked: Vec<AddrSet> = policy.flows.iter().filter_map(|flow| policy.listed(&flow.id)).collect();
        let kept = policy.never_extra().union(&AddrSet::union_of(&asked));
        let before = if self.keep { self.routes_before(&needs, &kept) } else { Vec::new() };
        let wish = needs.wish(policy, &fixed, &before);
        let have = self.exact.route_table.as_ref().map_or(0, |table| table.routes.len());
        let limit = self.over.first().map_or_else(String::new, |exceeded| exceeded.usage.key.clone());
        let widened = |most: usize| -> Result<Vec<Extra>, RouteError> {
            let more = wish.widened(most, &kept)?;
            let extras = needs.hops().into_iter().map(|hop| {
                let flows = needs.listed_for(hop);
                let own = before.iter().filter(|extra| extra.flows == flows).map(|extra| &extra.addresses);
                let own = own.chain(more.iter().filter(|(_, to)| *to == hop).map(|(addresses, _)| addresses));
                let addresses = AddrSet::union_of(own);
                let remote = hop.to_string();
                let limit = limit.clone();
                Extra {
                    target: Target::RouteTable,
                    flows,
                    remote,
                    addresses,
                    exact: have,
                    written: have,
                    limit,
                }
            });
            Ok(extras.filter(|extra| !extra.addresses.is_empty()).collect())
        };
        let most = self.room("routes-per-table").min(have).saturating_sub(by_name);
        let asked = needs.listed_addresses();
        let too_few = |smallest: usize| {
            Fit::Impossible {
            key: "routes-per-table".to_owned(),
            smallest: smallest + by_name,
            why: "addresses that other needs ask for, private and special ranges and `precision.never` keep their next hops"
                .to_owned(),
        }
        };
        if !self.exceeds("arm-template-bytes") {
            return match widened(most) {
                Ok(extras) => Fit::Widened { extras, asked },
                Err(RouteError::TooFew { smallest: Some(smallest), .. }) => too_few(smallest),
                Err(_) => Fit::Unrelated,
            };
        }
        let shortest = match widened(0) {
            Err(RouteError::TooFew { smallest: Some(smallest), .. }) => smallest,
            _ => return Fit::Unrelated,
        };
        if shortest > most {
            return too_few(shortest);
        }
        let lengths: Vec<usize> = (shortest..=most).collect();
        let extras = |most| widened(most).unwrap_or_default();
        if let Some(left) = self.judge(&extras(shortest)).first() {
            return self.hopeless(left);
        }
        let fitting = lengths.partition_point(|&most| self.judge(&extras(most)).is_empty());
        Fit::Widened { extras: extras(lengths[fitting - 1]), asked }
    }

    /// What the table before led along with what was asked for, as far as nothing else is asked of it now.
    fn routes_before(&self, needs: &Needs<'_>, kept: &AddrSet) -> Vec<Extra> {
        let policy = self.scene.policy;
        let others: Vec<AddrSet> = policy.routes.iter().filter_map(|need| policy.listed(&need.id)).collect();
        let private = private();
        let kept = AddrSet::union_of(others.iter().chain([kept, &private]));
        let before = self.scene.previous.widened.iter().filter(|list| list.target == Target::RouteTable);
        let mut led = AddrSet::empty();
        let extras = needs.hops().into_iter().filter(|hop| *hop != NextHop::None).map(|hop| {
            let own = before.clone().filter(|list| list.remote == hop.to_string());
            let addresses: AddrSet = own.flat_map(|list| list.prefixes.iter().copied()).collect();
            let addresses = addresses.difference(&kept).difference(&led);
            led = led.union(&addresses);
            Extra {
                target: Target::RouteTable,
                flows: needs.listed_for(hop),
                remote: hop.to_string(),
                addresses: only_families_of(&addresses, &policy.network.subnet_space()),
                exact: 0,
                written: 0,
                limit: String::new(),
            }
        });
        extras.filter(|extra| !extra.addresses.is_empty()).collect()
    }

    fn fit_firewall(&self) -> Fit {
        let pairs = self.exceeds("firewall-unique-pairs");
        let judged =
            self.over.iter().any(|e| !["firewall-unique-pairs", "ip-groups"].contains(&e.usage.key.as_str()));
        let mut lists = self.lists(Target::Firewall);
        lists.add_firewall(self.exact, pairs);
        if lists.lists.is_empty() {
            return Fit::Unrelated;
        }
        let room = if pairs { self.room("firewall-unique-pairs") } else { usize::MAX };
        if lists.lists.keys().all(|key| !key.grouped) {
            return if judged { self.fit_judged(&lists, room) } else { lists.fit(room) };
        }
        self.fit_groups(&lists, room, judged)
    }

    /// Lists in IP groups: what counts is how many groups a list takes, not how many entries.
    fn fit_groups(&self, lists: &Lists<'_>, pairs: usize, judged: bool) -> Fit {
        let most = self.room("ip-group-entries").max(1);
        let never = lists.never();
        let curves: Vec<CoverCurve> = lists
            .requests(&never)
            .into_iter()
            .map(|request| CoverCurve::new(request.times(1), None).expect("nothing asked for is kept out"))
            .collect();
        let counts_pairs = judged || self.exceeds("firewall-unique-pairs");
        let ladders: Vec<Ladder> = lists
            .lists
            .iter()
            .zip(&curves)
            .map(|((key, list), curve)| {
                let size = if key.grouped { most } else { 1 };
                Ladder {
                    steps: steps(curve, size),
                    groups: list.names.len(),
                    pairs: list.times * usize::from(counts_pairs),
                }
            })
            .collect();
        let groups = if self.exceeds("ip-groups") { self.room("ip-groups") } else { usize::MAX };
        let groups = groups.checked_sub(lists.fixed_groups);
        let pairs = pairs.checked_sub(lists.fixed);
        let least =
            |of: fn(&Ladder) -> usize| ladders.iter().map(|l| of(l) * l.steps[0].units).sum::<usize>();
        for (key, room, fixed, least) in [
            ("ip-groups", groups, lists.fixed_groups, least(|l| l.groups)),
            ("firewall-unique-pairs", pairs, lists.fixed, least(|l| l.pairs)),
        ] {
            if self.exceeds(key) && room.is_none_or(|room| room < least) {
                let why = "each list needs a group or an entry of its own".to_owned();
                return Fit::Impossible { key: key.to_owned(), smallest: fixed + least, why };
            }
        }
        let rooms = (groups.unwrap_or(0), pairs.unwrap_or(usize::MAX));
        let extras = |units: &[usize]| {
            let covers = lists.lists.keys().zip(&curves).zip(units).map(|((key, curve), units)| {
                let size = if key.grouped { most } else { 1 };
                let covers = curve.at_most(units.saturating_mul(size)).expect("a step of the ladder");
                set_of(covers.covers.into_iter().flatten())
            });
            lists.extras(covers)
        };
        let asked = lists.asked();
        let ways = groups::ways(&ladders, rooms);
        if !judged {
            let best = ways.first().expect("the least units of every list fit");
            return Fit::Widened { extras: extras(&best.units), asked };
        }
        let mut left = None;
        for way in &ways {
            let extras = extras(&way.units);
            match self.judge(&extras).into_iter().next() {
                None => return Fit::Widened { extras, asked },
                Some(exceeded) => left = Some(exceeded),
            }
        }
        self.hopeless(&left.expect("there is a way, and it does not fit"))
    }

    /// One list, each family for itself, since they are fetched apart.
    fn fit_fetched(&self, name: &str) -> Fit {
        let most = self.room("list-entries");
        let mut all = (Vec::new(), Count::ZERO);
        for v4 in [true, false] {
            let mut lists = self.lists(Target::Lists);
            for flow in listing(self.scene.policy, name) {
                let local = if v4 { flow.local.v4.is_empty() } else { flow.local.v6.is_empty() };
                if !local {
                    lists.add(&flow.id, v4, 1, 0);
                }
            }
            lists.lists.retain(|key, list| {
                list.times = 1;
                !key.asked.is_empty()
            });
            match lists.fit(most) {
                Fit::Widened { extras, asked } => {
                    all.0.extend(extras);
                    all.1 += asked;
                }
                other => return other,
            }
        }
        Fit::Widened { extras: all.0, asked: all.1 }
    }
}

/// What a list costs in so many pieces of `size` entries, from the fewest to as many as are exact.
fn steps(curve: &CoverCurve, size: usize) -> Vec<Step> {
    let (least, most) = (curve.smallest().div_ceil(size).max(1), curve.lossless().div_ceil(size).max(1));
    let cost = |units: usize| {
        let most = units.saturating_mul(size).min(curve.lossless());
        curve.points().take_while(|p| p.prefixes <= most).last().map_or(Count::ZERO, |p| p.cost)
    };
    (least..=most).map(|units| Step { units, cost: cost(units) }).collect()
}

fn set_of(prefixes: impl IntoIterator<Item = IpPrefix>) -> AddrSet {
    prefixes.into_iter().collect()
}

/// The lists of addresses that count against the limits of one problem.
struct Lists<'a> {
    policy: &'a Policy,
    limit: &'a str,
    target: Target,
    /// Lists of the generation before that are kept.
    before: &'a [WidenedList],
    /// Entries that cannot be widened.
    fixed: usize,
    /// IP groups that cannot be.
    fixed_groups: usize,
    /// What can be.
    lists: BTreeMap<Key, List>,
}

/// Which lists are one: those of the same addresses, of one family, written the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    asked: AddrSet,
    grouped: bool,
}

/// Addresses that some flows ask for.
#[derive(Default)]
struct List {
    /// How often each prefix of the list counts.
    times: usize,
    flows: Vec<String>,
    /// What is covered: what is asked for, and of the list before what still holds some of it.
    base: AddrSet,
    /// The remotes that the list has IP groups for.
    names: BTreeSet<String>,
}

impl<'a> Lists<'a> {
    /// Counts one side of all rules. The remote side, where it lists what a flow asks for, can be widened.
    fn add_nsg(&mut self, plan: &Plan, remote: Direction) {
        let side = |rule: &'_ NsgRule| match remote {
            Direction::Inbound => rule.source.clone(),
            Direction::Outbound => rule.destination.clone(),
        };
        for rule in plan.nsg.iter().flat_map(|nsg| &nsg.rules) {
            match (side(rule), rule.flows.as_slice()) {
                (Side::Prefixes(list), [flow]) if rule.direction == remote => {
                    self.add(flow, list[0].is_v4(), 1, list.len());
                }
                (Side::Prefixes(list), _) => self.fixed += list.len(),
                (Side::Any | Side::Tag(_), _) => self.fixed += 1,
            }
        }
    }

    /// Counts what all network rules list: in pairs of source and destination, or each list once for each rule. A flow
    /// can have several rules, each with a piece of the list.
    fn add_firewall(&mut self, plan: &Plan, pairs: bool) {
        let mut pieces: BTreeMap<(&String, bool), (usize, usize)> = BTreeMap::new();
        let mut listed: BTreeSet<&String> = BTreeSet::new();
        for collection in plan.rule_collections() {
            let FirewallRules::Network(rules) = &collection.rules else { continue };
            for rule in rules {
                let sources = if pairs { rule.sources.len() } else { 1 };
                match (&rule.destination, rule.flows.as_slice()) {
                    (Destination::Prefixes(list), [flow]) => {
                        pieces.entry((flow, false)).or_insert((sources, 0)).1 += list.len();
                    }
                    (Destination::Groups(list), [flow]) => {
                        pieces.entry((flow, true)).or_insert((sources, 0)).1 += list.len();
                        if self.policy.listed(flow).is_some() {
                            listed.extend(list);
                        }
                    }
                    (Destination::Prefixes(list), _) => self.fixed += sources * list.len(),
                    (Destination::Any, _) => self.fixed += sources,
                    (Destination::Tags(list) | Destination::Groups(list) | Destination::Fqdns(list), _) => {
                        self.fixed += sources * list.len();
                    }
                }
            }
        }
        self.fixed_groups = plan.ip_groups.iter().filter(|group| !listed.contains(&group.name)).count();
        for ((flow, grouped), (sources, entries)) in pieces {
            self.add_as(flow, true, grouped, sources, entries);
        }
    }

    fn add(&mut self, flow: &str, v4: bool, times: usize, entries: usize) {
        self.add_as(flow, v4, false, times, entries);
    }

    fn add_as(&mut self, flow: &str, v4: bool, grouped: bool, times: usize, entries: usize) {
        let Some(asked) = self.policy.listed(flow) else {
            self.fixed += times * entries;
            return;
        };
        let asked = match v4 {
            true => AddrSet { v4: asked.v4, ..AddrSet::empty() },
            false => AddrSet { v6: asked.v6, ..AddrSet::empty() },
        };
        let before = self
            .before
            .iter()
            .find(|list| list.target == self.target && list.flows.iter().any(|id| id == flow));
        let base = before.map_or_else(|| asked.clone(), |list| self.still_holding(&asked, &list.prefixes));
        let list = self.lists.entry(Key { asked, grouped }).or_default();
        list.base = list.base.union(&base);
        list.times += times;
        list.flows.push(flow.to_owned());
        if let Some(flow) = self.policy.flows.iter().find(|f| f.id == flow).filter(|_| grouped) {
            list.names.insert(super::names::remote_part(flow));
        }
    }

    /// `asked`, and those of `prefixes` whole that hold some of it and nothing that is never let through.
    fn still_holding(&self, asked: &AddrSet, prefixes: &[IpPrefix]) -> AddrSet {
        let never = self.policy.never_extra().difference(asked);
        let kept = prefixes.iter().filter(|&&prefix| meets(asked, prefix) && !meets(&never, prefix));
        asked.union(&kept.copied().collect())
    }

    /// How many addresses all lists ask for.
    fn asked(&self) -> Count {
        self.lists.keys().map(|key| key.asked.count()).sum()
    }

    /// What each list may not hold. What is asked for is no extra, wherever it lies.
    fn never(&self) -> Vec<AddrSet> {
        let never = self.policy.never_extra();
        self.lists.keys().map(|key| never.difference(&key.asked)).collect()
    }

    fn requests<'b>(&'b self, never: &'b [AddrSet]) -> Vec<CoverRequest<'b>> {
        let lists = self.lists.iter().zip(never);
        lists.map(|((_, list), never)| CoverRequest::new(&list.base).never(never).times(list.times)).collect()
    }

    /// The fewest extra addresses with which all entries together are at most `most`.
    fn fit(&self, most: usize) -> Fit {
        let never = self.never();
        let requests = self.requests(&never);
        let room = most.saturating_sub(self.fixed);
        let curve = CoverCurve::joint(&requests, Some(room)).expect("nothing asked for is kept out");
        match curve.at_most(room) {
            Ok(covers) if most >= self.fixed => Fit::Widened {
                extras: self.extras(covers.covers.into_iter().map(set_of)),
                asked: self.asked(),
            },
            Ok(_) => self.impossible(curve.smallest(), curve.certificate()),
            Err(CoverError::TooFew { certificate, .. }) => self.impossible(curve.smallest(), &certificate),
            Err(CoverError::Conflict { .. }) => unreachable!("the curve was made, so there is none"),
        }
    }

    /// What `covers`, one of each list, hold beyond what is asked for.
    fn extras(&self, covers: impl Iterator<Item = AddrSet>) -> Vec<Extra> {
        let mut extras = Vec::new();
        for ((Key { asked, .. }, list), covered) in self.lists.iter().zip(covers) {
            let addresses = covered.difference(asked);
            if addresses.is_empty() {
                continue;
            }
            extras.push(Extra {
                target: self.target,
                remote: remote_of(self.policy, &list.flows),
                flows: list.flows.clone(),
                addresses,
                exact: asked.prefixes().count(),
                written: covered.prefixes().count(),
                limit: self.limit.to_owned(),
            });
        }
        extras
    }

    fn impossible(&self, smallest: usize, certificate: &Certificate) -> Fit {
        let mut reasons = Vec::new();
        if self.fixed > 0 {
            reasons.push(format!("{} entries are no lists that could be widened", self.fixed));
        }
        let stops = blocks(self.policy, certificate);
        if !stops.is_empty() {
            reasons.push(format!("wider prefixes would hold what may never be let through: {stops}"));
        } else if !self.lists.is_empty() {
            reasons.push("each list needs a prefix in each of its rules".to_owned());
        }
        let why = reasons.join(", and ");
        Fit::Impossible { key: self.limit.to_owned(), smallest: self.fixed + smallest, why }
    }
}

/// The remotes of some flows, each once.
fn remote_of(policy: &Policy, flows: &[String]) -> String {
    let named = policy.flows.iter().filter(|flow| flows.contains(&flow.id));
    let mut names: Vec<String> = named.map(|flow| flow.remote.to_string()).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// The ranges that stand in the way, most frequent first, and where each comes from.
fn blocks(policy: &Policy, certificate: &Certificate) -> String {
    let sources = [
        ("precision.never", policy.precision.never.clone()),
        ("`except` of a need", policy.precision.excepted.clone()),
        ("the network's own addresses", policy.network.space.clone()),
        ("a special range", crate::policy::never_extra()),
    ];
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for forbidden in certificate.anchors.iter().filter_map(|anchor| anchor.forbidden) {
        let forbidden: AddrSet = match forbidden {
            IpAddr::V4(addr) => IpPrefix::V4(Prefix::host(addr.into())).into(),
            IpAddr::V6(addr) => IpPrefix::V6(Prefix::host(addr.into())).into(),
        };
        let found = sources.iter().find_map(|(name, set)| {
            let block = set.prefixes().find(|&prefix| forbidden.is_subset(&prefix.into()))?;
            Some(format!("{block} ({name})"))
        });
        *counts.entry(found.expect("a forbidden address comes from one of them")).or_default() += 1;
    }
    let mut named: Vec<(usize, String)> = counts.into_iter().map(|(name, count)| (count, name)).collect();
    named.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let shown: Vec<String> = named.iter().take(3).map(|(_, name)| name.clone()).collect();
    match named.len() {
        0..=3 => shown.join(", "),
        n => format!("{} and {} more", shown.join(", "), n - 3),
    }
}
