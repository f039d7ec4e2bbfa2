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

mod fit;
mod groups;
mod list;
mod problem;

use std::collections::BTreeMap;

use super::attempt::{Scene, attempt};
use super::fewest::private;
use super::lists::listing;
use super::table::{Table, tables};
use super::udr::{self, Needs};
use crate::addr::{AddrSet, Count, CoverCurve, RouteError};
use crate::packet::{Direction, NextHop};
use crate::plan::{Exceeded, Extra, Fewest, LimitKey, OverLimit, PlanParts};
use crate::policy::only_families_of;
use crate::target::Target;
use fit::Fit;
use groups::{Ladder, Step};
use list::{Lists, set_of};
pub(super) use problem::is_of_firewall;
use problem::{ListsOf, budget, is_part, problems};

/// The extra addresses with which the plan of a policy keeps every limit in `over`, and how many are the fewest that do.
/// They are those, or up to a quarter more where that leaves lists of the generation before as they were.
///
/// # Errors
/// [`OverLimit`] if a limit cannot be kept, or not within the policy's budget; then with the smallest one that works.
pub(super) fn fit(
    scene: &Scene<'_>,
    exact: &PlanParts,
    over: Vec<Exceeded>,
) -> Result<(Vec<Extra>, Count), OverLimit> {
    let problems = problems(&over);
    let fit = |problem: &ListsOf, keep| {
        let own = over.iter().filter(|exceeded| is_part(problem, exceeded)).collect();
        Widening { scene, exact, problem, over: own, keep }.fit()
    };
    let mut fits: Vec<(ListsOf, Fit)> = Vec::new();
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
            let steady = fit(problem, true);
            if let Some(more) = best.hardly_less(&steady)
                && let Some(rest) = left.checked_sub(more)
            {
                left = rest;
                *best = steady;
            }
        }
        let extras = fits.into_iter().filter_map(|(_, fit)| match fit {
            Fit::Widened { extras, .. } => Some(extras),
            _ => None,
        });
        return Ok((extras.flatten().collect(), total));
    }
    let alone = over.len() == 1;
    let mut told: Vec<&ListsOf> = Vec::new();
    let over = over.into_iter().map(|exceeded| {
        let (problem, fit) = fits.iter().find(|(p, _)| is_part(p, &exceeded)).expect("each has its problem");
        let again = *problem != ListsOf::None && told.contains(&problem);
        told.push(problem);
        let budget = budget(scene.policy, (fit, again), &exceeded, total, alone);
        let extra = if again { fit.cost().map(|_| Count::ZERO) } else { fit.cost() };
        Exceeded { budget, extra, ..exceeded }
    });
    Err(OverLimit { over: over.collect() })
}

/// One problem of a plan.
struct Widening<'a> {
    scene: &'a Scene<'a>,
    exact: &'a PlanParts,
    problem: &'a ListsOf,
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
            limit: self.over[0].usage.key,
            target,
            before: if self.keep { previous } else { &[] },
            fixed: 0,
            fixed_groups: 0,
            lists: BTreeMap::new(),
        }
    }

    fn fit(&self) -> Fit {
        match self.problem {
            ListsOf::Nsg(direction) => {
                let mut lists = self.lists(Target::Nsg);
                lists.add_nsg(self.exact, *direction);
                lists.fit(self.room(self.over[0].usage.key))
            }
            ListsOf::NsgFile => {
                let mut lists = self.lists(Target::Nsg);
                lists.add_nsg(self.exact, Direction::Inbound);
                lists.add_nsg(self.exact, Direction::Outbound);
                // What both directions leave of each limit is for the judge.
                self.fit_judged(&lists, usize::MAX)
            }
            ListsOf::Routes => self.fit_routes(),
            ListsOf::Firewall => self.fit_firewall(),
            ListsOf::Fetched(name) => self.fit_fetched(name),
            ListsOf::None => Fit::Unrelated,
        }
    }

    fn room(&self, key: LimitKey) -> usize {
        self.scene.limits.room(key)
    }

    fn exceeds(&self, key: LimitKey) -> bool {
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
            Some(before) if before.usage.have <= left.usage.have => Fewest::Unchanged,
            _ => Fewest::Shortest,
        };
        let smallest = usize::try_from(left.usage.have).unwrap_or(usize::MAX);
        Fit::Impossible { key: left.usage.key, smallest, why }
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
        let curve = CoverCurve::joint(&requests, Some(room)).expect("nothing asked for is kept out");
        let points: Vec<usize> = curve.points().map(|p| p.prefixes).filter(|&k| k <= room).collect();
        let extras = |k: usize| {
            lists.extras(curve.at_most(k).expect("a point of the curve").covers.into_iter().map(set_of))
        };
        let Some(&shortest) = points.first() else {
            return lists.impossible(curve.certificate());
        };
        if let Some(left) = self.judge(&extras(shortest)).first() {
            return self.hopeless(left);
        }
        let fitting = points.partition_point(|&k| self.judge(&extras(k)).is_empty());
        let (extras, asked) = (extras(points[fitting - 1]), lists.asked());
        Fit::Widened { extras, asked }
    }

    /// The fewest addresses that leave the default route's way, so that no table has more routes than it may.
    fn fit_routes(&self) -> Fit {
        let named: Vec<&str> = self.over.iter().map(|exceeded| exceeded.usage.of.as_str()).collect();
        let bytes = self.exceeds(LimitKey::ArmTemplateBytes);
        let all = tables(self.scene.policy);
        let (mut extras, mut asked) = (Vec::<Extra>::new(), Count::ZERO);
        for table in all.iter().filter(|table| bytes || named.contains(&table.name.as_str())) {
            match self.fit_table(table) {
                Fit::Widened { extras: more, asked: of_table } => {
                    add_extras(&mut extras, more);
                    asked += of_table;
                }
                other => return other,
            }
        }
        Fit::Widened { extras, asked }
    }

    fn fit_table(&self, table: &Table<'_>) -> Fit {
        let policy = self.scene.policy;
        let fixed = udr::fixed_routes(policy, table);
        let needs = Needs::new(policy, table, self.scene.limits);
        let beside = needs.by_name() + table.lines.len();
        // What flows ask for keeps its way, as does what other tables lead elsewhere and all that may never be let through.
        let asked: Vec<AddrSet> =
            policy.flows.iter().filter_map(|flow| policy.listed(flow.id.as_str())).collect();
        let others = policy.routes.iter().filter(|need| table.needs.iter().all(|own| own.id != need.id));
        let others: Vec<AddrSet> = others.filter_map(|need| policy.listed(&need.id)).collect();
        let kept = policy.never_extra().union(&AddrSet::union_of(asked.iter().chain(&others)));
        let before = if self.keep { self.routes_before(&needs, &kept) } else { Vec::new() };
        let wanted = needs.wanted(table, &fixed, &before);
        let have = self.exact.route_tables.iter().find(|made| made.name == table.name);
        let have = have.map_or(0, |made| made.routes.len());
        let limit = self.over.first().map(|exceeded| exceeded.usage.key);
        let widened = |most: usize| -> Result<Vec<Extra>, RouteError> {
            let more = wanted.widened(most, &kept)?;
            let extras = needs.hops().into_iter().map(|hop| {
                let flows = needs.listed_for(hop);
                let own = before.iter().filter(|extra| extra.flows == flows).map(|extra| &extra.addresses);
                let own = own.chain(more.iter().filter(|(_, to)| *to == hop).map(|(addresses, _)| addresses));
                let addresses = AddrSet::union_of(own);
                let remote = hop.to_string();
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
        let most = self.room(LimitKey::RoutesPerTable).min(have).saturating_sub(beside);
        let asked = needs.listed_addresses();
        let too_few = |smallest: usize| Fit::Impossible {
            key: LimitKey::RoutesPerTable,
            smallest: smallest + beside,
            why: Fewest::Routes,
        };
        if !self.exceeds(LimitKey::ArmTemplateBytes) {
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
                limit: None,
            }
        });
        extras.filter(|extra| !extra.addresses.is_empty()).collect()
    }

    fn fit_firewall(&self) -> Fit {
        let pairs = self.exceeds(LimitKey::FirewallUniquePairs);
        let mut lists = self.lists(Target::Firewall);
        lists.add_firewall(self.exact, pairs);
        if lists.lists.is_empty() {
            return Fit::Unrelated;
        }
        let grouped = lists.lists.keys().any(|key| key.grouped);
        // Groups that none of the lists is in stay as many as they are: the judge says so.
        let judged = self.over.iter().any(|e| match e.usage.key {
            LimitKey::FirewallUniquePairs => false,
            LimitKey::IpGroups => !grouped,
            _ => true,
        });
        let room = if pairs { self.room(LimitKey::FirewallUniquePairs) } else { usize::MAX };
        if !grouped {
            return if judged { self.fit_judged(&lists, room) } else { lists.fit(room) };
        }
        self.fit_groups(&lists, room, judged)
    }

    /// Lists in IP groups: what counts is how many groups a list takes, not how many entries.
    fn fit_groups(&self, lists: &Lists<'_>, pairs: usize, judged: bool) -> Fit {
        let most = self.room(LimitKey::IpGroupEntries).max(1);
        let never = lists.never();
        let curves: Vec<CoverCurve> = lists
            .requests(&never)
            .into_iter()
            .map(|request| CoverCurve::new(request.times(1), None).expect("nothing asked for is kept out"))
            .collect();
        let counts_pairs = judged || self.exceeds(LimitKey::FirewallUniquePairs);
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
        let groups =
            if self.exceeds(LimitKey::IpGroups) { self.room(LimitKey::IpGroups) } else { usize::MAX };
        let groups = groups.checked_sub(lists.fixed_groups);
        let pairs = pairs.checked_sub(lists.fixed);
        let least =
            |of: fn(&Ladder) -> usize| ladders.iter().map(|l| of(l) * l.steps[0].units).sum::<usize>();
        for (key, room, fixed, least) in [
            (LimitKey::IpGroups, groups, lists.fixed_groups, least(|l| l.groups)),
            (LimitKey::FirewallUniquePairs, pairs, lists.fixed, least(|l| l.pairs)),
        ] {
            if self.exceeds(key) && room.is_none_or(|room| room < least) {
                let why = Fewest::EachList;
                return Fit::Impossible { key, smallest: fixed + least, why };
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
        let most = self.room(LimitKey::ListEntries);
        let mut all = (Vec::new(), Count::ZERO);
        for v4 in [true, false] {
            let mut lists = self.lists(Target::Lists);
            for flow in listing(self.scene.policy, name) {
                let local = if v4 { flow.local.v4.is_empty() } else { flow.local.v6.is_empty() };
                if !local {
                    lists.add(flow.id.as_str(), v4, 1, 0);
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

/// Adds extra addresses of a table to those of others: what the same needs admit is one.
fn add_extras(all: &mut Vec<Extra>, more: Vec<Extra>) {
    for extra in more {
        match all.iter_mut().find(|known| known.flows == extra.flows && known.remote == extra.remote) {
            Some(known) => known.addresses = known.addresses.union(&extra.addresses),
            None => all.push(extra),
        }
    }
}

/// What a list costs in so many pieces of `size` entries, from the fewest to as many as are exact.
fn steps(curve: &CoverCurve, size: usize) -> Vec<Step> {
    let (least, most) = (curve.smallest().div_ceil(size), curve.lossless().div_ceil(size));
    let cost = |units: usize| {
        let most = units.saturating_mul(size).min(curve.lossless());
        curve.points().take_while(|p| p.prefixes <= most).last().map_or(Count::ZERO, |p| p.cost)
    };
    (least..=most).map(|units| Step { units, cost: cost(units) }).collect()
}
