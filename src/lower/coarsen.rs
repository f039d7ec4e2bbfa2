//! Lists that do not fit a limit, widened by the fewest extra addresses.
//!
//! For each limit that an exact plan exceeds, and that shorter lists can keep, the lists that count against it are
//! covered together: one joint curve of prefixes against extra addresses, so that the budget goes where it saves most.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::udr::{self, Needs};
use crate::addr::{
    AddrSet, Certificate, Count, CoverCurve, CoverError, CoverRequest, IpPrefix, Prefix, RouteError,
};
use crate::packet::Direction;
use crate::plan::{Destination, Exceeded, Extra, FirewallRules, Limits, NsgRule, OverLimit, Plan, Side};
use crate::policy::Policy;
use crate::target::Target;

/// How one exceeded limit could be kept.
enum Fit {
    /// With these extra addresses, the fewest that do; `asked` is how many the widened lists hold without them.
    Widened { extras: Vec<Extra>, asked: Count },
    /// Not at any price: the fewest entries, and why there are not fewer.
    Impossible { smallest: usize, why: String },
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
}

/// The extra addresses with which the plan of `policy` keeps every limit in `over`, the fewest that do.
///
/// # Errors
/// [`OverLimit`] if a limit cannot be kept, or not within the policy's budget; then with the smallest one that works.
pub(super) fn fit(
    policy: &Policy,
    limits: &Limits,
    exact: &Plan,
    over: Vec<Exceeded>,
) -> Result<Vec<Extra>, OverLimit> {
    let fits: Vec<Fit> = over.iter().map(|exceeded| fit_one(policy, limits, exact, exceeded)).collect();
    let total: Option<Count> = fits.iter().map(Fit::cost).sum();
    if total.is_some_and(|total| total <= policy.precision.max_extra) {
        let extras = fits.into_iter().filter_map(|fit| match fit {
            Fit::Widened { extras, .. } => Some(extras),
            _ => None,
        });
        return Ok(extras.flatten().collect());
    }
    let over = over.into_iter().zip(&fits).map(|(exceeded, fit)| {
        let more = remedy(policy, fit, total, fits.len());
        Exceeded { remedy: format!("{}{more}", exceeded.remedy), extra: fit.cost(), ..exceeded }
    });
    Err(OverLimit { over: over.collect() })
}

/// What a budget could do about one limit; `total` is the smallest budget for all `count` of them.
fn remedy(policy: &Policy, fit: &Fit, total: Option<Count>, count: usize) -> String {
    let now = policy.precision.max_extra;
    match (fit, fit.cost()) {
        (Fit::Widened { asked, .. }, Some(cost)) => {
            let share = share(cost, *asked);
            match total {
                Some(total) if count == 1 => format!(
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
        (Fit::Impossible { smallest, why }, _) => {
            format!("; no precision.max-extra is enough: {smallest} are the fewest, since {why}")
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

fn fit_one(policy: &Policy, limits: &Limits, exact: &Plan, exceeded: &Exceeded) -> Fit {
    let key = exceeded.usage.key.as_str();
    let mut lists = Lists::new(policy, key);
    match key {
        "nsg-source-prefixes" => lists.add_nsg(exact, Direction::Inbound, |rule| &rule.source),
        "nsg-destination-prefixes" => lists.add_nsg(exact, Direction::Outbound, |rule| &rule.destination),
        "firewall-unique-pairs" => lists.add_firewall(exact),
        "routes-per-table" => return fit_routes(policy, limits, exceeded),
        _ => return Fit::Unrelated,
    }
    lists.fit(usize::try_from(limits.get(key)).unwrap_or(usize::MAX))
}

/// The fewest addresses that leave the default route's way, so that the table has no more routes than it may.
fn fit_routes(policy: &Policy, limits: &Limits, exceeded: &Exceeded) -> Fit {
    let fixed = udr::fixed_routes(policy);
    let needs = Needs::new(policy, limits);
    let by_name = needs.by_name();
    let most = usize::try_from(exceeded.usage.limit).unwrap_or(usize::MAX).saturating_sub(by_name);
    // What flows ask for keeps its way, as does all that may never be let through.
    let asked: Vec<AddrSet> = policy.flows.iter().filter_map(|flow| policy.listed(&flow.id)).collect();
    let kept = policy.never_extra().union(&AddrSet::union_of(&asked));
    match needs.wish(policy, &fixed, &[]).widened(most, &kept) {
        Ok(extras) => {
            let asked = needs.listed_addresses();
            let extras = extras.into_iter().map(|(addresses, hop)| Extra {
                target: Target::RouteTable,
                flows: needs.listed_for(hop),
                remote: hop.to_string(),
                addresses,
                exact: exceeded.usage.have as usize,
                written: exceeded.usage.limit as usize,
                limit: exceeded.usage.key.clone(),
            });
            Fit::Widened { extras: extras.collect(), asked }
        }
        Err(RouteError::TooFew { smallest: Some(smallest), .. }) => Fit::Impossible {
            smallest: smallest + by_name,
            why: "addresses that other needs ask for, private and special ranges and `precision.never` keep their next hops"
                .to_owned(),
        },
        Err(_) => Fit::Unrelated,
    }
}

/// The lists of addresses that count against one limit.
struct Lists<'a> {
    policy: &'a Policy,
    limit: &'a str,
    target: Target,
    /// Entries that cannot be widened.
    fixed: usize,
    /// What can be, by the addresses asked for, of one family.
    lists: BTreeMap<AddrSet, List>,
}

/// Addresses that some flows ask for.
#[derive(Default)]
struct List {
    /// How often each prefix of the list counts.
    times: usize,
    flows: Vec<String>,
}

impl<'a> Lists<'a> {
    fn new(policy: &'a Policy, limit: &'a str) -> Self {
        Lists { policy, limit, target: Target::Nsg, fixed: 0, lists: BTreeMap::new() }
    }

    /// Counts one side of all rules. The remote side, where it lists what a flow asks for, can be widened.
    fn add_nsg(&mut self, plan: &Plan, remote: Direction, side: impl Fn(&NsgRule) -> &Side) {
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

    /// Counts pairs of source and destination of all network rules. A flow can have several, each with a piece of the
    /// list.
    fn add_firewall(&mut self, plan: &Plan) {
        self.target = Target::Firewall;
        let mut pieces: BTreeMap<&String, (usize, usize)> = BTreeMap::new();
        for collection in plan.rule_collections() {
            let FirewallRules::Network(rules) = &collection.rules else { continue };
            for rule in rules {
                let sources = rule.sources.len();
                match (&rule.destination, rule.flows.as_slice()) {
                    (Destination::Prefixes(list), [flow]) => {
                        pieces.entry(flow).or_insert((sources, 0)).1 += list.len();
                    }
                    (Destination::Prefixes(list), _) => self.fixed += sources * list.len(),
                    (Destination::Any, _) => self.fixed += sources,
                    (Destination::Tags(list) | Destination::Groups(list) | Destination::Fqdns(list), _) => {
                        self.fixed += sources * list.len();
                    }
                }
            }
        }
        for (flow, (sources, entries)) in pieces {
            self.add(flow, true, sources, entries);
        }
    }

    fn add(&mut self, flow: &str, v4: bool, times: usize, entries: usize) {
        let Some(asked) = self.policy.listed(flow) else {
            self.fixed += times * entries;
            return;
        };
        let asked = match v4 {
            true => AddrSet { v4: asked.v4, ..AddrSet::empty() },
            false => AddrSet { v6: asked.v6, ..AddrSet::empty() },
        };
        let list = self.lists.entry(asked).or_default();
        list.times += times;
        list.flows.push(flow.to_owned());
    }

    /// The fewest extra addresses with which all entries together are at most `most`.
    fn fit(self, most: usize) -> Fit {
        let never = self.policy.never_extra();
        // What is asked for is no extra, wherever it lies.
        let never: Vec<AddrSet> = self.lists.keys().map(|asked| never.difference(asked)).collect();
        let requests: Vec<CoverRequest<'_>> = self
            .lists
            .iter()
            .zip(&never)
            .map(|((asked, list), never)| CoverRequest::new(asked).never(never).times(list.times))
            .collect();
        let room = most.saturating_sub(self.fixed);
        let curve = CoverCurve::joint(&requests, Some(room)).expect("nothing asked for is kept out");
        match curve.at_most(room) {
            Ok(covers) if most >= self.fixed => self.widened(covers.covers),
            Ok(_) => self.impossible(curve.smallest(), curve.certificate()),
            Err(CoverError::TooFew { certificate, .. }) => self.impossible(curve.smallest(), &certificate),
            Err(CoverError::Conflict { .. }) => unreachable!("the curve was made, so there is none"),
        }
    }

    fn widened(self, covers: Vec<Vec<IpPrefix>>) -> Fit {
        let mut extras = Vec::new();
        let mut held = Count::ZERO;
        for ((asked, list), cover) in self.lists.into_iter().zip(covers) {
            let covered: AddrSet = cover.into_iter().collect();
            let addresses = covered.difference(&asked);
            if addresses.is_empty() {
                continue;
            }
            held += asked.count();
            extras.push(Extra {
                target: self.target,
                remote: remote_of(self.policy, &list.flows),
                flows: list.flows,
                addresses,
                exact: asked.prefixes().count(),
                written: covered.prefixes().count(),
                limit: self.limit.to_owned(),
            });
        }
        Fit::Widened { extras, asked: held }
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
        Fit::Impossible { smallest: self.fixed + smallest, why: reasons.join(", and ") }
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
