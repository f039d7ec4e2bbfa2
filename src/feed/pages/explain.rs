//! The page that says what becomes of packets of an environment.

use askama::Template;

use super::{Frame, Medium, Title, page};
use crate::analyse::{Change, FateSaid, RegionSaid, StepSaid};
use crate::feed::answer::Answer;
use crate::feed::explain::Explanation;
use crate::feed::paths::Query;
use crate::feed::world::World;
use crate::replay::way::Condition;
use crate::text::joined;

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage<'w> {
    frame: Frame<'w>,
    name: &'w str,
    far: String,
    protocol: String,
    port: String,
    inbound: bool,
    /// What is wrong with the question.
    wrong: String,
    verdict: String,
    subnets: Vec<Subnet>,
    assumed: Vec<&'static str>,
    json: String,
}

struct Subnet {
    name: String,
    fates: Vec<Row>,
}

/// Packets with one fate.
struct Row {
    verdict: &'static str,
    what: String,
    way: String,
    steps: Vec<String>,
    notes: Vec<String>,
}

impl World {
    /// What becomes of packets between an environment and an address, tag or host.
    pub fn explain_page(&self, name: &str, query: &Query) -> Answer {
        if let Err(refusal) = self.publication().and_then(|published| published.environment(name)) {
            return *refusal;
        }
        let given = |name: &str| query.get(name).map(str::trim).unwrap_or_default().to_owned();
        let inbound = given("direction") == "inbound";
        let (far, protocol, port) = (given("far"), given("protocol"), given("port"));
        let mut pairs = vec![(if inbound { "from" } else { "to" }.to_owned(), far.clone())];
        let said =
            [("protocol", &protocol), ("port", &port)].into_iter().filter(|(_, value)| !value.is_empty());
        pairs.extend(said.map(|(name, value)| (name.to_owned(), value.clone())));
        let json =
            pairs.iter().map(|(name, value)| format!("&{name}={}", super::encode(value))).collect::<String>();
        let mut shown = ExplainPage {
            frame: Frame { title: Title::Passes(name), ..Frame::new(self, Medium::Served, name) },
            name,
            json: format!("v1/explain?environment={}{json}", super::encode(name)),
            wrong: String::new(),
            verdict: String::new(),
            subnets: Vec::new(),
            assumed: Vec::new(),
            far,
            protocol,
            port,
            inbound,
        };
        if !shown.far.is_empty() {
            match self.explanation(name, &Query::new(pairs)) {
                Ok(found) => shown.take(found),
                Err(refusal) if refusal.status == 400 => {
                    shown.wrong = String::from_utf8_lossy(refusal.body.bytes()).trim().to_owned();
                }
                Err(refusal) => return *refusal,
            }
        }
        page(&shown)
    }
}

impl ExplainPage<'_> {
    fn take(&mut self, found: Explanation) {
        let inbound = self.inbound;
        self.verdict = verdict(&found);
        self.assumed = found.assumed;
        self.subnets = found
            .subnets
            .into_iter()
            .map(|set| Subnet { name: set.subnet, fates: rows(&set.fates, inbound) })
            .chain(found.hosts.into_iter().map(|one| Subnet {
                fates: vec![Row {
                    verdict: word(one.verdict),
                    what: format!("{} to port {}", one.packet.protocol, one.packet.dport.unwrap_or_default()),
                    way: way(one.way),
                    steps: one.steps.iter().map(step).collect(),
                    notes: notes(&one.hangs_on, &one.changes),
                }],
                name: one.subnet,
            }))
            .collect();
    }
}

/// The answer in a sentence.
fn verdict(found: &Explanation) -> String {
    let of_sets = found.subnets.iter().map(|set| {
        let passing = set.fates.iter().filter(|fate| fate.verdict != "deny").count();
        (set.subnet.as_str(), passing > 0, passing < set.fates.len())
    });
    let of_hosts =
        found.hosts.iter().map(|one| (one.subnet.as_str(), one.verdict != "deny", one.verdict == "deny"));
    let all: Vec<(&str, bool, bool)> = of_sets.chain(of_hosts).collect();
    let names: Vec<&str> = all.iter().filter(|(_, passes, _)| *passes).map(|(name, ..)| *name).collect();
    let direction = if found.direction == "inbound" { "from" } else { "to" };
    match names.as_slice() {
        [] => format!("Nothing passes {direction} {}.", found.far),
        names if names.len() == all.len() && !all.iter().any(|(_, _, stops)| *stops) => {
            format!("Everything that was asked for passes {direction} {}.", found.far)
        }
        names => {
            let of = if found.direction == "inbound" { "into" } else { "out of" };
            format!("Some of it passes {direction} {}, {of} subnet {}.", found.far, names.join(", "))
        }
    }
}

fn rows(fates: &[FateSaid], inbound: bool) -> Vec<Row> {
    // What passes comes first: that is what is asked about.
    let rank = |fate: &&FateSaid| ["allow", "if", "deny"].iter().position(|known| *known == fate.verdict);
    let mut fates: Vec<&FateSaid> = fates.iter().collect();
    fates.sort_by_key(rank);
    let row = |fate: &FateSaid| Row {
        verdict: word(fate.verdict),
        what: services(&fate.region, inbound),
        way: way(fate.way),
        steps: fate.steps.iter().map(step).collect(),
        notes: notes(&fate.hangs_on, if fate.verdict == "deny" { &[] } else { &fate.changes }),
    };
    fates.into_iter().map(row).collect()
}

fn word(verdict: &'static str) -> &'static str {
    match verdict {
        "allow" => "passes",
        "deny" => "stops",
        _ => "depends",
    }
}

fn way(way: &str) -> String {
    if way == "none" { String::new() } else { way.to_owned() }
}

/// Protocols, ports and far side of a region.
fn services(region: &RegionSaid, inbound: bool) -> String {
    let protocols = region.protocols.join(", ");
    let ports = &region.destination_ports;
    let ports = match ports.is_all() || ports.set().is_empty() {
        true => String::new(),
        false => format!(" to port {}", joined(ports.ranges(), ", ")),
    };
    let (list, tag) = if inbound {
        (&region.sources, &region.source_tag)
    } else {
        (&region.destinations, &region.destination_tag)
    };
    let far = match (tag, list.as_slice()) {
        (Some(tag), _) => tag.to_string(),
        (None, list @ ([] | [_] | [_, _] | [_, _, _])) => joined(list, ", ").to_string(),
        (None, list) => format!("{} and {} more", joined(&list[..2], ", "), list.len() - 2),
    };
    format!("{protocols}{ports}, {far}")
}

/// Who decided, and because of what.
fn step(step: &StepSaid) -> String {
    let asked = step.asked_for().map_or_else(String::new, |asked| format!(" {asked}."));
    format!("{}: {}.{asked}", step.who(), step.because)
}

fn notes(hangs_on: &[Condition], changes: &[Change]) -> Vec<String> {
    let open = changes.iter().map(|change| format!("So that it passes: {change}."));
    hangs_on.iter().map(|text| format!("If {text}.")).chain(open).collect()
}
