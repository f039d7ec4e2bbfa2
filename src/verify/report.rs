//! [`Report`]: what was proven, and where it failed.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize, Serializer};

use super::difference::{Difference, Differs};
use super::work::Work;
use crate::rules::Packet;
use crate::target::Target;
use crate::text::visible;

/// The outcome of proving one set of artefacts. It succeeds only if nothing failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was proven, one entry for each target and part.
    pub proven: Vec<Proven>,
    /// What failed; empty on success.
    pub failures: Vec<Failure>,
    /// Of each need whether it works over all artefacts together, as the first format says it.
    pub works: Vec<Work>,
    /// What Azure takes and is hardly meant.
    pub warnings: Vec<String>,
}

/// One thing that was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// The target's name.
    pub target: String,
    /// The format whose bytes were read back.
    pub format: String,
    /// What was compared: `inbound`, `outbound`, `routes`, `network rules`, `hosts`.
    pub part: String,
    /// How many rules or routes were replayed.
    pub rules: usize,
    /// How many needs they were held against.
    pub needs: usize,
}

/// One difference between what was asked and what an artefact does, or all of them together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind of difference.
    pub kind: FailureKind,
    /// The target; of the way, that which has to change.
    #[serde(serialize_with = "name_of")]
    pub target: Target,
    /// The format whose bytes were read back.
    pub format: String,
    /// A packet that shows it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "packet")]
    pub packet: Option<Packet>,
    /// The rules or routes that decide it.
    pub rules: Vec<String>,
    /// The need that is not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    /// Where in the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What differs, with a packet where there is one.
    #[serde(rename = "message")]
    pub difference: Difference,
}

impl Failure {
    /// A difference of which no more is known than what it says itself.
    pub(super) fn new(target: Target, format: &str, kind: FailureKind, differs: impl Into<Differs>) -> Self {
        let (packet, need, place) = (None, None, None);
        let (format, difference) = (format.to_owned(), Difference(differs.into()));
        Failure { kind, target, format, packet, rules: Vec::new(), need, place, difference }
    }
}

fn name_of<S: Serializer>(target: &Target, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(target.name())
}

/// A packet in JSON has protocols in lower case and its ports beside the addresses.
fn packet<S: Serializer>(packet: &Option<Packet>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown {
        src: IpAddr,
        dst: IpAddr,
        protocol: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        sport: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dport: Option<u16>,
    }
    let shown = packet.map(|packet| Shown {
        src: packet.src(),
        dst: packet.dst(),
        protocol: packet.protocol().name(),
        sport: packet.sport(),
        dport: packet.dport(),
    });
    shown.serialize(to)
}

/// How an artefact differs from what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// A packet that must pass does not.
    Missing,
    /// A packet passes that nobody asked for.
    Excess,
    /// A packet goes another way than asked.
    Misrouted,
    /// A packet goes past the firewall, and no route of its subnet asks for that.
    Bypass,
    /// A need works nowhere, whatever its artefacts say one by one.
    Nowhere,
    /// Azure would refuse the artefact, or it cannot be read back.
    Invalid,
}

impl FailureKind {
    /// One word, as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Missing => "missing",
            FailureKind::Excess => "excess",
            FailureKind::Misrouted => "misrouted",
            FailureKind::Bypass => "bypass",
            FailureKind::Nowhere => "nowhere",
            FailureKind::Invalid => "invalid",
        }
    }
}

impl Report {
    /// Whether everything held.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }

    pub(super) fn extend(&mut self, other: Report) {
        self.proven.extend(other.proven);
        self.failures.extend(other.failures);
        self.warnings.extend(other.warnings);
        self.warnings.sort();
        self.warnings.dedup();
        if self.works.is_empty() {
            self.works = other.works;
        }
    }

    pub(super) fn fail(
        &mut self,
        target: Target,
        format: &str,
        kind: FailureKind,
        differs: impl Into<Differs>,
    ) {
        self.failures.push(Failure::new(target, format, kind, differs));
    }

    /// Notes that so many rules of a part were held against so many needs.
    pub(super) fn prove(
        &mut self,
        target: Target,
        format: &str,
        part: impl fmt::Display,
        [rules, needs]: [usize; 2],
    ) {
        let (target, format, part) = (target.name().to_owned(), format.to_owned(), part.to_string());
        self.proven.push(Proven { target, format, part, rules, needs });
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.name();
        write!(
            f,
            "{} ({}): {kind}: {}",
            self.target,
            visible(&self.format),
            visible(&self.difference.to_string())
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.failures.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
