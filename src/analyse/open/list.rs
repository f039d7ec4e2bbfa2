//! [`OpenList`]: rules of which some hang on what is not known, and where two such lists differ.
//!
//! For one packet everything unknown is a yes-or-no question: whether its source is in that application security group,
//! whether its destination is in that tag. So two lists do the same, whatever the unknown is, exactly if they do the
//! same under every set of answers, where a question that is answered yes stands for all addresses and one that is
//! answered no for none.

use std::sync::Arc;

use super::atoms::{Answered, Atoms};
use super::regions::{intersection, joined, subtracted};
use crate::addr::AddrSet;
use crate::packet::{Ports, Protocol};
use crate::rules::{Access, Packet, Region, Rule, RuleList, differences};

/// A rule, and the questions that it hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenRule {
    /// What of it is known. Priorities play no part: the list's order does.
    pub(crate) rule: Rule,
    /// Questions each of which makes the source match.
    pub(crate) sources: Vec<u32>,
    /// Questions each of which makes the destination match.
    pub(crate) destinations: Vec<u32>,
    /// Questions that make the source port, destination port and protocol match.
    pub(crate) services: [Option<u32>; 3],
    /// The question whether it allows.
    pub(crate) access: Option<u32>,
    /// The question whether it is there at all.
    pub(crate) gate: Option<u32>,
    /// Which of the caller's rules it is of.
    pub(crate) origin: usize,
}

impl OpenRule {
    /// A rule that hangs on nothing.
    pub(crate) fn known(rule: Rule, origin: usize) -> Self {
        OpenRule {
            rule,
            sources: Vec::new(),
            destinations: Vec::new(),
            services: [None; 3],
            access: None,
            gate: None,
            origin,
        }
    }

    /// The questions that it hangs on.
    pub(crate) fn questions(&self) -> impl Iterator<Item = u32> + '_ {
        let sides = self.sources.iter().chain(&self.destinations).copied();
        sides.chain(self.services.iter().flatten().copied()).chain(self.access).chain(self.gate)
    }

    /// The rule under a set of answers; none where it is not there.
    fn closed(&self, all: &Arc<AddrSet>, yes: &dyn Fn(u32) -> bool) -> Option<Rule> {
        if self.gate.is_some_and(|gate| !yes(gate)) {
            return None;
        }
        let mut rule = self.rule.clone();
        if self.sources.iter().any(|&q| yes(q)) {
            rule.src = all.clone();
        }
        if self.destinations.iter().any(|&q| yes(q)) {
            rule.dst = all.clone();
        }
        let [sport, dport, protocol] = self.services.map(|question| question.is_some_and(yes));
        if sport {
            rule.sport = Ports::all();
        }
        if dport {
            rule.dport = Ports::all();
        }
        match (self.services[2], protocol) {
            (Some(_), true) => rule.protocol = Protocol::Any,
            (Some(_), false) => return None,
            (None, _) => {}
        }
        if let Some(question) = self.access {
            rule.access = if yes(question) { Access::Allow } else { Access::Deny };
        }
        Some(rule)
    }

    /// What decides, without names and numbers.
    fn content(&self) -> impl PartialEq + '_ {
        let r = &self.rule;
        let known = (r.access, r.protocol, &r.src, &r.dst, &r.sport, &r.dport);
        (known, &self.sources, &self.destinations, self.services, (self.access, self.gate))
    }
}

/// Rules in the order in which they are tried; what none takes is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OpenList {
    pub(crate) rules: Vec<OpenRule>,
    /// Whether the unknown is of IPv4 addresses only, as with a firewall.
    pub(crate) v4_only: bool,
}

impl OpenList {
    /// The list under a set of answers. Each rule has its place among all of them as priority.
    pub(crate) fn closed(&self, yes: &dyn Fn(u32) -> bool) -> RuleList {
        let all = Arc::new(AddrSet::all());
        let rules = self
            .rules
            .iter()
            .zip(0..)
            .filter_map(|(rule, priority)| Some(Rule { priority, ..rule.closed(&all, yes)? }));
        RuleList::new(rules.collect(), Access::Deny).expect("each rule has a number of its own")
    }

    /// What a question that is answered yes stands for.
    fn all(&self) -> Arc<AddrSet> {
        let mut all = AddrSet::all();
        if self.v4_only {
            all.v6 = AddrSet::empty().v6;
        }
        Arc::new(all)
    }

    /// The rule that decides a packet under a set of answers; none where none takes it.
    pub(crate) fn deciding(&self, packet: &Packet, yes: &dyn Fn(u32) -> bool) -> Option<&OpenRule> {
        let all = self.all();
        self.rules.iter().find(|open| open.closed(&all, yes).is_some_and(|rule| rule.matches(packet)))
    }

    /// The questions that any rule hangs on, ascending.
    pub(crate) fn questions(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.rules.iter().flat_map(OpenRule::questions).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn same_content(&self, other: &Self) -> bool {
        self.rules.len() == other.rules.len()
            && self.rules.iter().zip(&other.rules).all(|(a, b)| a.content() == b.content())
    }
}

/// Answers to questions: their numbers with yes or no.
pub(crate) type Answers = Vec<(u32, bool)>;

/// Where two lists differ.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListDifference {
    /// Packets that they decide differently whatever the unknown is. Disjoint.
    pub(crate) sure: Vec<Region>,
    /// Packets that they decide differently under these answers, and not under all.
    pub(crate) open: Vec<(Region, Answers)>,
    /// Whether there are more questions than were tried out.
    pub(crate) cut: bool,
}

impl ListDifference {
    /// Adds that of other lists of the same resource.
    pub(crate) fn extend(&mut self, other: ListDifference) {
        self.sure.extend(other.sure);
        self.open.extend(other.open);
        self.cut |= other.cut;
    }

    /// Whether the lists do the same whatever the unknown is.
    pub(crate) fn is_equal(&self) -> bool {
        self.sure.is_empty() && self.open.is_empty() && !self.cut
    }
}

/// Up to so many questions all answers are tried out.
const ALL_ANSWERS: usize = 8;

/// Compares two lists over every packet and every answer to what is not known. With more than eight questions only the
/// answers with at most two of them yes, and all of them yes, are tried out; that is told.
///
/// # Cost
/// That of [`differences`] for each set of answers; lists of the same rules are told without.
pub(crate) fn compare_open(a: &OpenList, b: &OpenList) -> ListDifference {
    if a.same_content(b) {
        return ListDifference::default();
    }
    let mut questions = a.questions();
    questions.extend(b.questions());
    questions.sort_unstable();
    questions.dedup();
    let mut outcome = ListDifference { cut: questions.len() > ALL_ANSWERS, ..ListDifference::default() };
    let mut found: Vec<(Answers, Vec<Region>)> = Vec::new();
    for answers in answers_to(&questions) {
        let yes = |question: u32| answers.iter().any(|&(number, yes)| number == question && yes);
        found.push((answers.clone(), joined(differences(&a.closed(&yes), &b.closed(&yes)))));
    }
    let mut sure = found[0].1.clone();
    for (_, regions) in &found[1..] {
        if sure.is_empty() {
            break;
        }
        sure = intersection(&sure, regions);
    }
    outcome.sure = joined(sure);
    if found.len() > 1 {
        for (answers, regions) in found {
            let open = subtracted(regions, &outcome.sure);
            outcome.open.extend(open.into_iter().map(|region| (region, answers.clone())));
        }
        fewest(&mut outcome.open);
    }
    outcome
}

/// Of what is alike under several answers one is told: the one with the fewest questions answered yes.
fn fewest(open: &mut Vec<(Region, Answers)>) {
    let yes = |answers: &Answers| answers.iter().filter(|(_, yes)| *yes).count();
    open.sort_by_key(|(_, answers)| yes(answers));
    let mut kept: Vec<(Region, Answers)> = Vec::new();
    for (region, answers) in open.drain(..) {
        let same = |(own, _): &(Region, Answers)| {
            own.first == region.first
                && own.sources == region.sources
                && own.destinations == region.destinations
                && own.services == region.services
        };
        if !kept.iter().any(same) {
            kept.push((region, answers));
        }
    }
    *open = kept;
}

/// The sets of answers that are tried out.
fn answers_to(questions: &[u32]) -> Vec<Answers> {
    let some = |is_yes: &dyn Fn(usize) -> bool| -> Answers {
        questions.iter().enumerate().map(|(at, &question)| (question, is_yes(at))).collect()
    };
    if questions.len() <= ALL_ANSWERS {
        return (0..1_usize << questions.len()).map(|bits| some(&|at| bits >> at & 1 == 1)).collect();
    }
    let count = questions.len().min(48);
    let mut all = vec![some(&|_| false), some(&|_| true)];
    for first in 0..count {
        all.push(some(&|at| at == first));
    }
    for first in 0..count.min(16) {
        for second in first + 1..count.min(16) {
            all.push(some(&|at| at == first || at == second));
        }
    }
    all
}

/// The sets of answers to all that any of the lists hangs on: every one where there are few questions, else the usual.
pub(crate) fn some_answers(lists: &[&OpenList]) -> Vec<Answers> {
    let mut questions: Vec<u32> = lists.iter().flat_map(|list| list.questions()).collect();
    questions.sort_unstable();
    questions.dedup();
    answers_to(&questions)
}

/// What must hold for a difference to be one.
pub(crate) fn answered(answers: &Answers, atoms: &Atoms) -> Vec<Answered> {
    let one = |&(number, yes): &(u32, bool)| Answered { atom: atoms.get(number).clone(), yes };
    let yes: Vec<Answered> = answers.iter().filter(|(_, yes)| *yes).map(one).collect();
    if yes.is_empty() { answers.iter().map(one).collect() } else { yes }
}
