//! Which packets a published environment lets through to or from an address, by which rules: the rules as they are
//! published, asked as `tagwall explain` asks them.

use std::fmt::Display;

use serde::Serialize;

use super::answer::Answer;
use super::paths::{Asked as Or, Query};
use super::world::World;
use crate::addr::{AddrSet, IpPrefix};
use crate::analyse::{Asked, Explained, ExplainedSet, Explainer, Far};
use crate::catalog::Date;
use crate::packet::{Direction, Ports, Protocol};
use crate::replay::ReplayError;
use crate::tags::Cloud;

/// What becomes of packets of an environment.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Version of this form; 1.
    pub schema: u32,
    /// Name of the environment.
    pub environment: String,
    /// The generation that is published.
    pub generation: u64,
    /// What was asked about, on the other side.
    pub far: String,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// What had to be assumed.
    pub assumed: Vec<&'static str>,
    /// For each subnet what becomes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<ExplainedSet>,
    /// For each subnet what becomes of traffic to a host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Explained>,
}

impl World {
    /// `/v1/explain?environment=NAME&to=ADDRESS`, or with `from=` for what comes in.
    pub fn explain(&self, query: &Query) -> Answer {
        match self.explanation(query.get("environment").unwrap_or_default(), query) {
            Ok(found) => Answer::json(&found),
            Err(refusal) => *refusal,
        }
    }

    /// What becomes of what `query` asks for: `to` or, for what comes in, `from`, with `protocol` and `port`.
    pub(super) fn explanation(&self, name: &str, query: &Query) -> Or<Explanation> {
        let published = self.publication()?;
        let environment = published.environment(name)?;
        let snapshot = Cloud::find(&environment.cloud).and_then(|cloud| self.cloud(cloud));
        let Some(snapshot) = snapshot.map(|feed| feed.snapshot()) else {
            return Err(Box::new(Answer::unavailable("the tags of its cloud are not stored", 300)));
        };
        let (direction, far) = match (query.get("to"), query.get("from")) {
            (Some(to), None) => (Direction::Outbound, to),
            (None, Some(from)) => (Direction::Inbound, from),
            _ => {
                return wrong(
                    "name the other side: to=ADDRESS for what goes out, or from=ADDRESS for what comes in",
                );
            }
        };
        let far_side = Far::of(far.trim(), direction, snapshot).or_else(wrong)?;
        let protocol = query.get("protocol").unwrap_or("any");
        let protocol: Protocol =
            protocol.parse().or_else(|error| wrong(format_args!("protocol: {error}")))?;
        let ports = query.get("port").map_or(Ok(Ports::all()), str::parse);
        let ports: Ports = ports.or_else(|error| wrong(format_args!("port: {error}")))?;
        let readable = published.readable(name, snapshot, self.facts_of(&environment.cloud))?;
        // The manifest says what is on each subnet: one without a group has none.
        let explainer = Explainer::new(&readable.live, snapshot, readable.policy.as_ref());
        let mut found = Explanation {
            schema: 1,
            environment: name.to_owned(),
            generation: published.record().number,
            far: far.trim().to_owned(),
            direction: direction.name(),
            assumed: explainer.notes.clone(),
            subnets: Vec::new(),
            hosts: Vec::new(),
        };
        let subnets: Vec<String> = explainer.subnets().map(str::to_owned).collect();
        let asked = |subnet: String, far: Far, protocol: Protocol, ports: &Ports| Asked {
            direction,
            subnet: Some(subnet),
            near: None,
            far,
            protocol,
            ports: ports.clone(),
        };
        let refused = |error: ReplayError| {
            Box::new(Answer::unavailable(format_args!("{name}: its rules cannot be replayed: {error}"), 300))
        };
        for subnet in subnets {
            match &far_side {
                Far::Host(_) => {
                    // A host is asked for as the Web is, unless something else is said.
                    let (protocol, ports) = match (protocol, ports.is_all()) {
                        (Protocol::Any, true) => (Protocol::Tcp, "443".parse().expect("a port")),
                        _ => (protocol, ports.clone()),
                    };
                    let asked = asked(subnet, far_side.clone(), protocol, &ports);
                    found.hosts.extend(explainer.packet(&asked).map_err(refused)?);
                }
                other => {
                    let set = Far::Set(addresses(other));
                    let asked = asked(subnet, set, protocol, &ports);
                    found.subnets.extend(explainer.set(&asked).map_err(refused)?);
                }
            }
        }
        Ok(found)
    }

    /// The day whose facts hold: that of the newest data.
    fn facts_of(&self, cloud: &str) -> Option<Date> {
        let feed = Cloud::find(cloud).and_then(|cloud| self.cloud(cloud))?;
        Some(feed.history().current().date)
    }
}

fn wrong<T>(text: impl Display) -> Or<T> {
    Err(Box::new(Answer::wrong(text)))
}

fn addresses(far: &Far) -> AddrSet {
    match far {
        Far::Set(set) => set.clone(),
        Far::Address(address) => {
            let whole = if address.is_ipv4() { 32 } else { 128 };
            let text = format!("{address}/{whole}");
            text.parse::<IpPrefix>().map(Into::into).unwrap_or_default()
        }
        Far::Host(_) => AddrSet::empty(),
    }
}
