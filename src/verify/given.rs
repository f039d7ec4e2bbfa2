//! What rules are held against, and what is found.

use std::collections::HashSet;
use std::fmt::Display;

use super::difference::{By, Differs, Tried};
use super::report::{FailureKind, Report};
use crate::packet::Direction;
use crate::plan::Extra;
use crate::policy::Policy;
use crate::replay::HostKey;
use crate::rules::{RuleList, first_difference};
use crate::target::Target;

/// What the rules of one target are held against: the policy, and what is declared of them.
pub(super) struct Given<'a> {
    pub(super) policy: &'a Policy,
    /// Ids of flows that are declared as wholly not expressible there.
    pub(super) gaps: HashSet<&'a str>,
    /// What is admitted beyond what was asked for.
    pub(super) extras: &'a [Extra],
}

/// What is found of one target in one format.
pub(super) struct Findings<'r> {
    pub(super) target: Target,
    pub(super) format: &'r str,
    pub(super) report: &'r mut Report,
}

impl Findings<'_> {
    /// Notes a failure.
    pub(super) fn fail(&mut self, kind: FailureKind, differs: impl Into<Differs>) {
        self.report.fail(self.target, self.format, kind, differs);
    }

    /// Notes that what is there cannot be replayed or would be refused.
    pub(super) fn invalid(&mut self, differs: impl Into<Differs>) {
        self.fail(FailureKind::Invalid, differs);
    }

    /// Notes where the rules that are there decide otherwise than those that are wanted, by address or for a host: the
    /// first packet that is missing and the first in excess.
    pub(super) fn compare(
        &mut self,
        wanted: &RuleList,
        emitted: &RuleList,
        way: Option<Direction>,
        host: Option<&HostKey>,
    ) {
        let differences = first_difference(wanted, emitted);
        let tried = |packet| Box::new(Tried { way, packet, host: host.cloned() });
        if let Some(packet) = differences.missing {
            let (need, rule) = (By::of(&wanted.evaluate(&packet)), By::of(&emitted.evaluate(&packet)));
            self.fail(FailureKind::Missing, Differs::Denied { packet: tried(packet), need, rule });
        }
        if let Some(packet) = differences.excess {
            let rule = By::of(&emitted.evaluate(&packet));
            self.fail(FailureKind::Excess, Differs::Passes { packet: tried(packet), rule });
        }
    }

    /// Notes that so many rules were held against so many needs.
    pub(super) fn proven(&mut self, part: impl Display, rules: usize, needs: usize) {
        self.report.prove(self.target, self.format, part, [rules, needs]);
    }
}
