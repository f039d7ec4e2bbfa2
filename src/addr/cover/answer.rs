//! What is answered: covers, points of a curve, and why there is no cover.

use std::fmt;
use std::net::IpAddr;

use super::part::Pending;
use crate::addr::{AddrSet, Count, IpPrefix};

/// One point of a [`CoverCurve`](super::CoverCurve).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurvePoint {
    /// Number of prefixes.
    pub prefixes: usize,
    /// The least cost of so many.
    pub cost: Count,
    /// The fewest extra addresses at that cost.
    pub extra: Count,
}

/// Optimal covers, one for each set asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covers {
    /// The prefixes of each set: IPv4 first, each family ascending, disjoint.
    pub covers: Vec<Vec<IpPrefix>>,
    /// Number of prefixes of all covers together, each as often as it is written.
    pub prefixes: usize,
    /// What all extra addresses cost together.
    pub cost: Count,
    /// Number of extra addresses; one that two covers add counts twice.
    pub extra: Count,
}

/// A proof that fewer prefixes cannot do: required addresses of which no prefix can hold two, because a
/// forbidden address lies between each and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// One for each prefix that is needed, of each cover once.
    pub anchors: Vec<Anchor>,
}

/// A required address of a [`Certificate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The set, counted from 0, that requires the address.
    pub set: usize,
    /// The required address.
    pub required: IpAddr,
    /// A forbidden address that every prefix with this and the next anchor would hold; `None` where the next
    /// one belongs to another set or family.
    pub forbidden: Option<IpAddr>,
    /// How often the cover of its set is written, so that it stands for as many prefixes.
    pub times: usize,
}

impl Certificate {
    pub(super) fn new(pending: &[Box<dyn Pending + '_>], times: &[usize]) -> Self {
        let anchors = pending.iter().zip(times).enumerate().flat_map(|(at, (part, &times))| {
            let anchor = move |(required, forbidden)| Anchor { set: at / 2, required, forbidden, times };
            part.anchors().into_iter().map(anchor)
        });
        Certificate { anchors: anchors.collect() }
    }

    /// The number of prefixes that it proves necessary.
    pub fn smallest(&self) -> usize {
        self.anchors.iter().map(|anchor| anchor.times).sum()
    }
}

impl fmt::Display for Certificate {
    /// The first three places where a forbidden address stands in the way, and how many more there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blocks = self
            .anchors
            .windows(2)
            .filter_map(|pair| Some((pair[0].required, pair[1].required, pair[0].forbidden?)));
        for (index, (a, b, forbidden)) in blocks.by_ref().take(3).enumerate() {
            let join = if index == 0 { "" } else { "; " };
            write!(f, "{join}no prefix holds {a} and {b} without the forbidden {forbidden}")?;
        }
        match blocks.count() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Why there is no cover.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoverError {
    /// Required addresses are forbidden.
    #[error("required and forbidden at once: {}", first_prefixes(.addresses))]
    Conflict {
        /// The set, counted from 0.
        set: usize,
        /// The addresses that are both.
        addresses: AddrSet,
    },
    /// Fewer prefixes than any cover needs.
    #[error("{wanted} prefixes cannot do: at least {} are needed; {certificate}", .certificate.smallest())]
    TooFew {
        /// The number asked for.
        wanted: usize,
        /// Why, and the number that is enough.
        certificate: Certificate,
    },
}

fn first_prefixes(set: &AddrSet) -> String {
    const SHOWN: usize = 5;
    let mut list: Vec<String> = set.prefixes().take(SHOWN).map(|p| p.to_string()).collect();
    let more = set.prefixes().skip(SHOWN).count();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}
