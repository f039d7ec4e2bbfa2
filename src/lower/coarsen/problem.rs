//! Which limits belong together, and what a budget could do about each.

use super::fit::Fit;
use crate::addr::Count;
use crate::packet::Direction;
use crate::plan::{Exceeded, LimitKey};
use crate::policy::Policy;
use crate::target::{Part, Target};

/// Lists that are widened together, since they count against the same limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListsOf {
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

const FIREWALL: [LimitKey; 7] = [
    LimitKey::FirewallUniquePairs,
    LimitKey::IpGroups,
    LimitKey::FirewallRuleCollectionGroups,
    LimitKey::FirewallGroupBytes,
    LimitKey::FirewallRuleCollections,
    LimitKey::FirewallPriority,
    LimitKey::FirewallClassicRules,
];

/// Whether a limit counts the firewall's lists, or what follows from their length.
pub(in crate::lower) fn is_of_firewall(exceeded: &Exceeded) -> bool {
    FIREWALL.contains(&exceeded.usage.key)
}

impl ListsOf {
    fn of(exceeded: &Exceeded) -> Self {
        match (exceeded.usage.key, exceeded.part) {
            (LimitKey::NsgSourcePrefixes, _) => ListsOf::Nsg(Direction::Inbound),
            (LimitKey::NsgDestinationPrefixes, _) => ListsOf::Nsg(Direction::Outbound),
            (LimitKey::ArmTemplateBytes, Some(Part::Nsg)) => ListsOf::NsgFile,
            (LimitKey::RoutesPerTable, _) | (LimitKey::ArmTemplateBytes, Some(Part::RouteTable)) => {
                ListsOf::Routes
            }
            (LimitKey::ListEntries, _) => ListsOf::Fetched(exceeded.usage.of.clone()),
            _ if is_of_firewall(exceeded) => ListsOf::Firewall,
            _ => ListsOf::None,
        }
    }

    pub(super) fn target(&self) -> Option<Target> {
        match self {
            ListsOf::Nsg(_) | ListsOf::NsgFile => Some(Target::Nsg),
            ListsOf::Routes => Some(Target::RouteTable),
            ListsOf::Firewall => Some(Target::Firewall),
            ListsOf::Fetched(_) => Some(Target::Lists),
            ListsOf::None => None,
        }
    }
}

/// The problems behind `over`, each once. Where the file of a security group is too large, its directions are one.
pub(super) fn problems(over: &[Exceeded]) -> Vec<ListsOf> {
    let mut problems: Vec<ListsOf> = Vec::new();
    for problem in over.iter().map(ListsOf::of) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    if problems.contains(&ListsOf::NsgFile) {
        problems.retain(|problem| !matches!(problem, ListsOf::Nsg(_)));
    }
    problems
}

pub(super) fn is_part(problem: &ListsOf, exceeded: &Exceeded) -> bool {
    let own = ListsOf::of(exceeded);
    own == *problem || (*problem == ListsOf::NsgFile && matches!(own, ListsOf::Nsg(_)))
}

/// What a budget could do about one limit; `total` is the smallest budget for all, of which this one is or is not
/// `alone`. `again` where a limit before it needs the same extra addresses.
pub(super) fn remedy(
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
