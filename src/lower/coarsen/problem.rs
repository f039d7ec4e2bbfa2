//! Which limits belong together, and what a budget could do about each.

use super::fit::Fit;
use crate::addr::Count;
use crate::packet::Direction;
use crate::plan::{Budget, Exceeded, LimitKey, Share};
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
pub(super) fn budget(
    policy: &Policy,
    (fit, again): (&Fit, bool),
    exceeded: &Exceeded,
    total: Option<Count>,
    alone: bool,
) -> Option<Budget> {
    let now = policy.precision.max_extra;
    Some(match (fit, fit.cost()) {
        (Fit::Widened { .. }, Some(_)) if again => Budget::Above,
        (Fit::Widened { asked, .. }, Some(extra)) => {
            let share = Share { extra, asked: *asked };
            match total {
                Some(total) if alone => Budget::Smallest { total, now, share },
                Some(total) => Budget::OfAll { total, now, share },
                None => Budget::Here { share },
            }
        }
        (Fit::Impossible { key, smallest, why }, _) if *key == exceeded.usage.key => {
            Budget::Never { smallest: *smallest, why: why.clone() }
        }
        (Fit::Impossible { key, .. }, _) => Budget::Against(*key),
        _ => return None,
    })
}
