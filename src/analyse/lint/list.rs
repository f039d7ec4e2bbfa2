//! [`Lines`]: rules in the order in which they are tried, and what can be proven of them although parts are unknown.

use std::sync::Arc;

use super::sides::{RuleSide, Sides, ports, protocol};
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::read::live::{LiveGroup, LiveRule, Place};
use crate::rules::{Access, Packet, Rule, RuleList, first_difference};

/// A rule with its place, and what is not known of its sides.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// With every side that is not known as wide as can be.
    pub(super) rule: Rule,
    pub(super) source: RuleSide,
    pub(super) destination: RuleSide,
    /// The number of the rule in the file; `None` for rules that Azure adds.
    pub(super) origin: Option<usize>,
    pub(super) place: Place,
}

/// Rules in order; what none of them takes is denied.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
}

impl Line {
    pub(super) fn new(
        rule: Rule,
        source: RuleSide,
        destination: RuleSide,
        origin: Option<usize>,
        place: Place,
    ) -> Self {
        Line { rule, source, destination, origin, place }
    }

    pub(super) fn is_known(&self) -> bool {
        self.source.is_known() && self.destination.is_known()
    }

    pub(super) fn name(&self) -> &str {
        &self.rule.name
    }

    /// What the rule surely takes of the packets of `other`, a rule whose unknown sides are taken as whole: a side that
    /// is not known holds them only if it names the same.
    pub(super) fn surely(&self, other: &Line) -> Option<Rule> {
        let certain = |own: &RuleSide, their: &RuleSide, whole: &Arc<AddrSet>| {
            let alike = !their.atoms.is_empty()
                && their.set.is_empty()
                && their.atoms.iter().all(|atom| own.atoms.contains(atom));
            if alike { whole.clone() } else { own.set.clone() }
        };
        let src = certain(&self.source, &other.source, &other.rule.src);
        let dst = certain(&self.destination, &other.destination, &other.rule.dst);
        clip(&Rule { src, dst, ..self.rule.clone() }, &other.rule)
    }

    /// What the rule takes of the packets of `other` at most.
    pub(super) fn at_most(&self, other: &Line) -> Option<Rule> {
        clip(&self.rule, &other.rule)
    }
}

/// A rule that takes the packets that both take; `None` if there are none.
pub(super) fn clip(rule: &Rule, to: &Rule) -> Option<Rule> {
    let both = |a: &Arc<AddrSet>, b: &Arc<AddrSet>| {
        if Arc::ptr_eq(a, b) || b.is_all() {
            a.clone()
        } else if a.is_all() {
            b.clone()
        } else {
            Arc::new(a.intersection(b))
        }
    };
    let ports = |a: &Ports, b: &Ports| Ports::new(a.set().intersection(b.set()));
    let protocol = match (rule.protocol, to.protocol) {
        (Protocol::Any, other) | (other, Protocol::Any) => other,
        (a, b) if a == b => a,
        _ => return None,
    };
    let clipped = Rule {
        name: rule.name.clone(),
        priority: rule.priority,
        access: rule.access,
        protocol,
        src: both(&rule.src, &to.src),
        dst: both(&rule.dst, &to.dst),
        sport: ports(&rule.sport, &to.sport),
        dport: ports(&rule.dport, &to.dport),
    };
    let empty = (clipped.src.v4.is_empty() || clipped.dst.v4.is_empty())
        && (clipped.src.v6.is_empty() || clipped.dst.v6.is_empty());
    (!empty && !clipped.sport.set().is_empty() && !clipped.dport.set().is_empty()).then_some(clipped)
}

/// Rules in the order given.
pub(super) fn in_order(rules: impl IntoIterator<Item = Rule>, default: Access) -> RuleList {
    let numbered = rules.into_iter().zip(0..).map(|(rule, priority)| Rule { priority, ..rule });
    RuleList::new(numbered.collect(), default).expect("each rule has a number of its own")
}

/// A packet of `rule` that none of `others` takes.
pub(super) fn uncovered<'r>(rule: &Rule, others: impl IntoIterator<Item = &'r Rule>) -> Option<Packet> {
    let denied = others.into_iter().map(|other| Rule { access: Access::Deny, ..other.clone() });
    let allowed = Rule { access: Access::Allow, ..rule.clone() };
    let list = in_order(denied.chain([allowed]), Access::Deny);
    first_difference(&list, &in_order([], Access::Deny)).missing
}

impl Lines {
    /// The rules of one direction of a group, Azure's own at the end; `None` where one of them is not known well enough.
    pub(super) fn of_group(group: &LiveGroup, direction: Direction, sides: &Sides<'_>) -> Option<Self> {
        if !group.incomplete.is_empty() || group.rules.iter().any(|rule| !rule.unknown.is_empty()) {
            return None;
        }
        let own = |rule: &&LiveRule| rule.rule.direction.eq_ignore_ascii_case(direction.name());
        let mut order: Vec<(usize, &LiveRule)> =
            group.rules.iter().enumerate().filter(|(_, rule)| own(rule)).collect();
        order.sort_by_key(|(_, rule)| rule.rule.priority);
        let mut lines = Vec::with_capacity(order.len() + 2);
        for (origin, live) in order {
            lines.push(line(live, origin, sides)?);
        }
        lines.extend(defaults(direction, sides, &group.place));
        Some(Lines { lines })
    }

    /// The rules as a list in which every side that is not known is as wide as can be.
    pub(super) fn list(&self) -> RuleList {
        in_order(self.lines.iter().map(|line| line.rule.clone()), Access::Deny)
    }

    pub(super) fn is_known(&self) -> bool {
        self.lines.iter().all(Line::is_known)
    }

    /// A packet that the rule at a place decides in some reading of what is not known; `None` if it is dead in all.
    pub(super) fn own_packet(&self, at: usize) -> Option<Packet> {
        let line = &self.lines[at];
        let before: Vec<Rule> = self.lines[..at].iter().filter_map(|earlier| earlier.surely(line)).collect();
        uncovered(&line.rule, &before)
    }

    /// A packet of the rule at a place that the rules before it surely decide the other way.
    pub(super) fn contrary_packet(&self, at: usize) -> Option<Packet> {
        let line = &self.lines[at];
        let own = line.rule.access;
        let before: Vec<Rule> = self.lines[..at].iter().filter_map(|earlier| earlier.surely(line)).collect();
        if before.iter().all(|rule| rule.access == own) {
            return None;
        }
        let found = first_difference(&in_order(before, own), &in_order([], own));
        found.missing.or(found.excess)
    }

    /// Whether removing the rule at a place changes nothing in any reading of what is not known.
    pub(super) fn is_redundant(&self, at: usize) -> bool {
        let line = &self.lines[at];
        let own = line.rule.access;
        let before = self.lines[..at].iter().filter_map(|earlier| earlier.surely(line));
        let before: Vec<Rule> = before.map(|rule| Rule { access: own, ..rule }).collect();
        let after = self.lines[at + 1..].iter().filter_map(|later| {
            // What speaks for it must be sure, what speaks against it need only be possible.
            if later.rule.access == own { later.surely(line) } else { later.at_most(line) }
        });
        let rest = Rule { access: Access::Deny, ..line.rule.clone() };
        let list = in_order(before.into_iter().chain(after).chain([rest]), own);
        let found = first_difference(&list, &in_order([], own));
        found.is_empty()
    }

    /// The names of the rules at these places.
    pub(super) fn names(&self, places: impl IntoIterator<Item = usize>) -> Vec<String> {
        places.into_iter().map(|place| self.lines[place].rule.name.clone()).collect()
    }

    /// The name of the rule that decides a packet.
    pub(super) fn decider(&self, packet: &Packet) -> Option<&Line> {
        self.lines.iter().find(|line| line.rule.matches(packet))
    }
}

fn line(live: &LiveRule, origin: usize, sides: &Sides<'_>) -> Option<Line> {
    let rule = &live.rule;
    let source = sides.side(&rule.sources, &live.source_groups);
    let destination = sides.side(&rule.destinations, &live.destination_groups);
    let widest = |side: &RuleSide| if side.is_known() { side.set.clone() } else { sides.all() };
    let access = match rule.access.to_ascii_lowercase().as_str() {
        "allow" => Access::Allow,
        "deny" => Access::Deny,
        _ => return None,
    };
    let read = Rule {
        name: rule.name.clone(),
        priority: u32::try_from(rule.priority).ok()?,
        access,
        protocol: protocol(&rule.protocol)?,
        src: widest(&source),
        dst: widest(&destination),
        sport: ports(&rule.source_ports)?,
        dport: ports(&rule.destination_ports)?,
    };
    Some(Line::new(read, source, destination, Some(origin), live.place.clone()))
}

/// The rules that Azure adds, but for the one that denies the rest.
///
/// Source: network-security-groups-overview.md, 2025-07-15.
fn defaults(direction: Direction, sides: &Sides<'_>, place: &Place) -> Vec<Line> {
    let rows = match direction {
        Direction::Inbound => [
            ("AllowVnetInBound", "VirtualNetwork", "VirtualNetwork"),
            ("AllowAzureLoadBalancerInBound", "AzureLoadBalancer", "*"),
        ],
        Direction::Outbound => [
            ("AllowVnetOutBound", "VirtualNetwork", "VirtualNetwork"),
            ("AllowInternetOutBound", "*", "Internet"),
        ],
    };
    let made = rows.into_iter().zip(65000..).map(|((name, source, destination), priority)| {
        let side = |text: &str| sides.side(&[text.to_owned()], &[]);
        let (source, destination) = (side(source), side(destination));
        let rule = Rule {
            name: name.to_owned(),
            priority,
            access: Access::Allow,
            protocol: Protocol::Any,
            src: source.set.clone(),
            dst: destination.set.clone(),
            sport: Ports::all(),
            dport: Ports::all(),
        };
        Line::new(rule, source, destination, None, place.clone())
    });
    made.collect()
}
