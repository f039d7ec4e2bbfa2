//! The steps of a [`Fate`](super::Fate): who decided, by which rule, why.

use super::course::Course;
use super::decide::way_out;
use super::environment::{Outbound, Place};
use super::fate::{ADMIN, ARRIVAL, FIREWALL, GROUPS, Outcome, Step, Way};
use super::stage::{At, Condition, Stage, Verdict};
use crate::packet::{Direction, NextHop};
use crate::replay::routes::{RouteDecision, RouteSource};
use crate::rules::{Decided, Packet};

/// What is named where a route of the system decides.
pub(crate) const OWN_ROUTES: &str = "Azure's own routes";

/// The decisions about a packet, up to where it stops.
pub(super) fn of(course: &Course<'_>, packet: &Packet, decided: &[Decided], outcome: &Outcome) -> Vec<Step> {
    let mut steps = Vec::new();
    let door = |place: usize, steps: &mut Vec<Step>| {
        let step = course.stage(place).filter(|stage| !stage.is_open());
        steps.extend(step.map(|stage| of_stage(course, stage, &decided[place])));
        steps.last().is_none_or(|step| step.verdict != Verdict::Deny)
    };
    // A rule of a network manager that always allows leaves no group anything to say.
    let admin = course.stage(ADMIN).map(|stage| stage.judge(&decided[ADMIN]));
    let is_settled = admin.is_some_and(|judged| judged.always && !judged.goes_on && !judged.denies);
    let doors = if is_settled { &[ADMIN][..] } else { &[ADMIN, GROUPS, GROUPS + 1] };
    for &place in doors {
        if !door(place, &mut steps) {
            return steps;
        }
    }
    let (to, hop) = match course.direction {
        Direction::Outbound => (packet.dst(), course.prepared.routes.evaluate(packet.dst())),
        Direction::Inbound => (packet.src(), course.prepared.routes.evaluate(packet.src())),
    };
    steps.push(of_route(course, to, &hop, outcome));
    if course.direction == Direction::Outbound {
        let ours = matches!(hop.hop, NextHop::Appliance(at) if course.is_firewall(at));
        if ours && !door(FIREWALL, &mut steps) {
            return steps;
        }
        if let NextHop::Appliance(at) = hop.hop
            && !ours
        {
            steps.push(passing(at));
        }
        let inside = matches!(outcome.way, Way::Inside | Way::Firewall) || outcome.stops_at == Some(At::Nsg);
        if inside && course.environment.subnet_space().contains(packet.dst()) {
            let _ = door(ARRIVAL, &mut steps) && door(ARRIVAL + 1, &mut steps);
        }
    }
    if leaves(course, &hop, outcome) {
        steps.push(of_outbound(course, outcome));
    }
    steps
}

/// Whether the subnet's own way to and from the Internet is asked.
fn leaves(course: &Course<'_>, hop: &RouteDecision<'_>, outcome: &Outcome) -> bool {
    let endpoint = course.direction == Direction::Outbound && hop.source == RouteSource::Endpoint;
    !endpoint && (outcome.way == Way::Direct || outcome.stops_at == Some(At::Outbound))
}

/// Where a rule of a resource stands.
fn place(course: &Course<'_>, resource: &str, rule: Option<&str>) -> Option<Place> {
    let key = (resource.to_owned(), rule?.to_owned());
    course.environment.places.get(&key).cloned()
}

fn of_stage(course: &Course<'_>, stage: &Stage, decided: &Decided) -> Step {
    let judged = stage.judge(decided);
    let rule = stage.deciding(decided, &judged);
    let because = match (&rule, judged.verdict) {
        (_, Verdict::If) => format!("it passes or not, as {}", listed(&judged.conditions)),
        (Some(_), Verdict::Allow) => "the first rule that takes it lets it pass".to_owned(),
        (Some(_), _) => "the first rule that takes it denies it".to_owned(),
        (None, Verdict::Allow) => "no rule takes it, and it goes on".to_owned(),
        (None, _) => format!("no rule takes it, so that {} denies it", stage.default_name()),
    };
    Step {
        at: if rule.as_ref().is_some_and(|rule| rule.translates) { At::Dnat } else { stage.at },
        place: place(course, &stage.resource, rule.as_ref().map(|rule| rule.key)),
        name: stage.resource.clone(),
        rule: rule.map(|rule| rule.name.to_owned()),
        verdict: judged.verdict,
        because,
    }
}

fn listed(conditions: &[Condition]) -> String {
    let texts: Vec<String> = conditions.iter().map(ToString::to_string).collect();
    texts.join(", or ")
}

fn of_route(course: &Course<'_>, to: std::net::IpAddr, hop: &RouteDecision<'_>, outcome: &Outcome) -> Step {
    let table = course.subnet.table.as_deref();
    let users = hop.source == RouteSource::User;
    let name = table.filter(|_| users).unwrap_or(OWN_ROUTES).to_owned();
    let replies = if course.direction == Direction::Inbound { "replies to " } else { "" };
    let by = hop.prefix.map_or_else(String::new, |prefix| format!(" by {prefix}"));
    // A service endpoint leads to the service past every route.
    let to_where = match (hop.source, hop.route) {
        (RouteSource::Endpoint, Some(route)) => route.to_owned(),
        _ => hop.hop.to_string(),
    };
    let mut because =
        format!("{replies}{to} go{} to {to_where}{by}", if replies.is_empty() { "es" } else { "" });
    if outcome.stops_at == Some(At::Route) && course.direction == Direction::Inbound {
        because.push_str(", which is not the way that the packet came");
    }
    let stops = outcome.stops_at == Some(At::Route);
    Step {
        at: At::Route,
        place: place(course, &name, hop.route),
        name,
        rule: hop.route.map(str::to_owned),
        verdict: if stops { outcome.verdict } else { Verdict::Allow },
        because,
    }
}

fn passing(at: std::net::IpAddr) -> Step {
    Step {
        at: At::Firewall,
        name: format!("the appliance at {at}"),
        rule: None,
        verdict: Verdict::Allow,
        because: "its rules are not known; it is taken to pass everything".to_owned(),
        place: None,
    }
}

fn of_outbound(course: &Course<'_>, outcome: &Outcome) -> Step {
    let stops = outcome.stops_at == Some(At::Outbound);
    let because = match (way_out(course.subnet), course.subnet.outbound) {
        (None, _) => "its way out is not known".to_owned(),
        (Some(_), None) => "it is private, and no way out is given".to_owned(),
        (Some(false), Some(Outbound::Default)) => {
            "it is private, which leaves it without default outbound access".to_owned()
        }
        (Some(_), Some(outbound)) => format!("its way out is: {}", outbound.name()),
    };
    Step {
        at: At::Outbound,
        name: course.subnet.name.clone(),
        rule: None,
        verdict: if stops { outcome.verdict } else { Verdict::Allow },
        because,
        place: None,
    }
}
