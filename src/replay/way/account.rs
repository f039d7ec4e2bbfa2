//! [`Account`]: the fate of a packet with all that may have had a part in it.

use super::assume::Assumption;
use super::course::Course;
use super::fate::{FIREWALL, Fate, Question};
use super::kinds::Kinds;
use super::model::Model;
use super::stage::{At, Verdict};
use super::steps::OWN_ROUTES;
use crate::replay::error::ReplayError;
use crate::rules::Decided;

/// The fate of a packet, what could turn its verdict, and which routes and rules of the firewall take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The fate.
    pub fate: Fate,
    /// Assumptions without which the verdict would be another.
    pub sways: Vec<Assumption>,
    /// The user's route, and the rules of the firewall, that take the packet or may take it, in order.
    pub takers: Vec<Taker>,
}

/// A route or a rule of the firewall that takes a packet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taker {
    /// [`At::Route`] or [`At::Firewall`].
    pub at: At,
    /// The route table; of the firewall nothing, since it has one.
    pub resource: String,
    /// The route's name; what [`firewall_rule`](crate::replay::firewall_rule) calls the rule.
    pub rule: String,
    /// Whether it takes the packet whatever else holds.
    pub surely: bool,
}

impl Model<'_> {
    /// Sorts packets so that [`account`](Self::account) has to be asked once for each kind.
    ///
    /// # Cost
    /// See [`Kinds`].
    pub fn kinds(&self) -> Kinds {
        Kinds::new(self)
    }

    /// What becomes of a packet, with all that has a part in it. `None` as for [`fate`](Self::fate).
    ///
    /// # Errors
    /// As [`fate`](Self::fate).
    pub fn account(&self, question: &Question) -> Result<Option<Account>, ReplayError> {
        let Some(fate) = self.fate(question)? else { return Ok(None) };
        let turned = |assumption: &Assumption| {
            let other = self.without(*assumption).and_then(|model| model.outcome(question));
            other.is_none_or(|other| other.verdict != fate.verdict)
        };
        let sways = fate.assumptions.iter().copied().filter(turned).collect();
        let stage = self.firewall_for(question.host.as_ref())?;
        let course = self.course(&question.subnet, question.direction, stage.as_deref());
        let takers = course
            .map(|course| takers(&course, &fate, &course.decided(&question.packet)))
            .unwrap_or_default();
        Ok(Some(Account { fate, sways, takers }))
    }
}

fn takers(course: &Course<'_>, fate: &Fate, decided: &[Decided]) -> Vec<Taker> {
    let mut takers = Vec::new();
    let mut surely = true;
    for step in &fate.steps {
        match (step.at, &step.rule) {
            (At::Route, Some(route)) if step.name != OWN_ROUTES => {
                let surely = surely && course.prepared.unknown.is_empty();
                takers.push(Taker {
                    at: At::Route,
                    resource: step.name.clone(),
                    rule: route.clone(),
                    surely,
                });
            }
            (At::Firewall | At::Dnat, _) => {
                // An appliance of which no rules are known has a step too, and no rules here.
                let stage = course.stage(FIREWALL).filter(|stage| stage.resource == step.name);
                let Some((stage, own)) = stage.zip(decided.get(FIREWALL)) else { continue };
                let certain = surely && own.maybe.is_empty();
                let all = own.maybe.iter().map(|&rule| (rule, false));
                takers.extend(all.chain(own.rule.map(|rule| (rule, certain))).map(|(rule, surely)| Taker {
                    at: At::Firewall,
                    resource: String::new(),
                    rule: stage.key_of(rule).to_owned(),
                    surely,
                }));
            }
            _ => {}
        }
        surely &= step.verdict == Verdict::Allow;
    }
    takers
}
