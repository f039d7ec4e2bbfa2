//! [`Fate`]: what becomes of a packet, step by step.

use super::assume::Assumption;
use super::environment::Place;
use super::stage::{At, Condition, Judged, Verdict};
use crate::packet::Direction;
use crate::replay::hosts::HostKey;
use crate::rules::Packet;

/// Which way a packet takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Past the firewall: to the Internet or to Azure's services, or in from there.
    Direct,
    /// Through the firewall or another appliance.
    Firewall,
    /// Inside the virtual network.
    Inside,
    /// To a peered network, or from one.
    Peer,
    /// To a gateway, or from one.
    Gateway,
    /// None: it is dropped before it goes anywhere.
    None,
}

impl Way {
    /// A short name that stays.
    pub fn name(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Firewall => "firewall",
            Way::Inside => "inside",
            Way::Peer => "peer",
            Way::Gateway => "gateway",
            Way::None => "none",
        }
    }
}

/// A packet whose fate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Name of the subnet: the packet's source for outbound, its destination for inbound ones.
    pub subnet: String,
    /// Which side opens the connection.
    pub direction: Direction,
    /// The packet.
    pub packet: Packet,
    /// The host that it is for, where that is known.
    pub host: Option<HostKey>,
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Whether it arrives.
    pub verdict: Verdict,
    /// The way that it takes.
    pub way: Way,
    /// Where it stops; for [`Verdict::If`], where it may stop last.
    pub stops_at: Option<At>,
    /// What the verdict hangs on.
    pub conditions: Vec<Condition>,
    /// Assumptions without which the verdict, the way or the place where it stops would be another.
    pub assumptions: Vec<Assumption>,
    /// Who decided, in order.
    pub steps: Vec<Step>,
}

/// One decision on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it is made.
    pub at: At,
    /// Name of the resource.
    pub name: String,
    /// The rule or route; `None` where none is that says more than the default.
    pub rule: Option<String>,
    /// What is decided.
    pub verdict: Verdict,
    /// Why, as a sentence without full stop.
    pub because: String,
    /// Where the rule stands.
    pub place: Option<Place>,
}

/// What matters of what decides in one chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Whether packets are of the subnet at all.
    Within(bool),
    /// What a stage says, and by which rule where that is of interest.
    Door(Judged, Option<Decider>),
    /// A number: of a class of routes, or of where sources are.
    Number(Option<usize>),
}

/// What becomes of packets that are decided alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Whether they arrive.
    pub verdict: Verdict,
    /// The way that they take.
    pub way: Way,
    /// Where they stop; for [`Verdict::If`], where they may stop last.
    pub stops_at: Option<At>,
    /// What the verdict hangs on.
    pub conditions: Vec<Condition>,
    /// The rule that stops them, or the firewall's that lets them pass.
    pub rule: Option<String>,
    /// Which of all rules of a firewall it is, as [`firewall_rule`](crate::replay::firewall_rule) calls it: names are not
    /// unique there.
    pub rule_key: Option<String>,
}

/// A rule that is to be named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decider {
    pub(super) name: String,
    /// Which of all rules of a firewall it is.
    pub(super) key: Option<String>,
}

/// Places of the chains of outbound and inbound packets.
pub(super) const WITHIN: usize = 0;
pub(super) const ADMIN: usize = 1;
pub(super) const GROUPS: usize = 2;
pub(super) const ROUTE: usize = 4;
pub(super) const FIREWALL: usize = 5;
pub(super) const ARRIVAL: usize = 6;
pub(super) const ORIGIN: usize = 5;

/// Where the source of an inbound packet is, as numbers of the rules of that chain; all others are public.
pub(super) const OWN: usize = 0;
pub(super) const PEER: usize = 1;
pub(super) const ON_PREMISES: usize = 2;
pub(super) const PRIVATE: usize = 3;
