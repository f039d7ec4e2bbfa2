//! What becomes of packets, from what decides about them in each chain.

use std::net::IpAddr;

use super::assume::Assumption;
use super::course::Course;
use super::environment::{Outbound, Role, Subnet};
use super::fate::{
    ADMIN, ARRIVAL, Class, Decider, FIREWALL, GROUPS, ON_PREMISES, ORIGIN, OWN, Outcome, PEER, ROUTE, WITHIN,
    Way,
};
use super::stage::{At, Condition, Verdict};
use crate::packet::{Direction, NextHop};
use crate::replay::routes::{RouteClass, RouteSource};

/// The doors that were passed so far.
#[derive(Default)]
struct Run {
    conditions: Vec<Condition>,
    may_stop: Option<At>,
    rule: Option<Decider>,
}

impl Run {
    fn add(&mut self, at: At, conditions: &[Condition]) {
        if !conditions.is_empty() {
            self.conditions.extend_from_slice(conditions);
            self.may_stop = Some(at);
        }
    }

    /// Passes a door, or stops there.
    fn pass(&mut self, at: At, class: &Class) -> Result<(), Outcome> {
        let Class::Door(judged, rule) = class else { return Ok(()) };
        if judged.verdict == Verdict::Deny {
            return Err(self.stop(at, Way::None, rule.clone()));
        }
        self.add(at, &judged.conditions);
        if rule.is_some() {
            self.rule.clone_from(rule);
        }
        Ok(())
    }

    fn stop(&self, at: At, way: Way, rule: Option<Decider>) -> Outcome {
        let (rule, rule_key) = named(rule);
        Outcome { verdict: Verdict::Deny, way, stops_at: Some(at), conditions: Vec::new(), rule, rule_key }
    }

    fn arrive(mut self, way: Way) -> Outcome {
        self.conditions.sort();
        self.conditions.dedup();
        let verdict = if self.conditions.is_empty() { Verdict::Allow } else { Verdict::If };
        let (rule, rule_key) = named(self.rule);
        Outcome { verdict, way, stops_at: self.may_stop, conditions: self.conditions, rule, rule_key }
    }

    /// The admin rules and both groups.
    fn doors(&mut self, classes: &[Class]) -> Result<(), Outcome> {
        let Class::Door(admin, rule) = &classes[ADMIN] else { return Ok(()) };
        if admin.verdict == Verdict::Deny {
            return Err(self.stop(At::Admin, Way::None, rule.clone()));
        }
        if admin.denies {
            self.add(At::Admin, &admin.conditions);
        }
        if !admin.goes_on {
            return Ok(());
        }
        for class in &classes[GROUPS..GROUPS + 2] {
            if let Err(stopped) = self.pass(At::Nsg, class) {
                // A rule that may let it pass for good asks no group: then it hangs on that.
                if !admin.always {
                    return Err(stopped);
                }
                self.add(At::Admin, &admin.conditions);
                self.may_stop = Some(At::Nsg);
                return Ok(());
            }
        }
        Ok(())
    }
}

fn named(rule: Option<Decider>) -> (Option<String>, Option<String>) {
    rule.map_or((None, None), |rule| (Some(rule.name), rule.key))
}

impl Course<'_> {
    /// What becomes of packets that are decided so; `None` for those that are not of the subnet.
    pub(super) fn outcome(&self, classes: &[Class]) -> Option<Outcome> {
        if classes[WITHIN] != Class::Within(true) {
            return None;
        }
        let outcome = match self.direction {
            Direction::Outbound => self.outbound(classes),
            Direction::Inbound => self.inbound(classes),
        };
        Some(outcome.unwrap_or_else(|stopped| stopped))
    }

    fn route_class(&self, number: &Class) -> Option<&RouteClass> {
        let Class::Number(Some(number)) = number else { return None };
        self.prepared.classes.get(*number)
    }

    fn outbound(&self, classes: &[Class]) -> Result<Outcome, Outcome> {
        let mut run = Run::default();
        run.doors(classes)?;
        // Every address is in a class: the system's default takes the rest.
        let Some(class) = self.route_class(&classes[ROUTE]) else {
            return Err(run.stop(At::Route, Way::None, None));
        };
        if class.source != RouteSource::Network {
            run.add(At::Route, &self.prepared.unknown);
        }
        let led = self.led(class, classes, &mut run);
        let unknown = class.source != RouteSource::Network && !self.prepared.unknown.is_empty();
        match led {
            // A route that is not known may lead it elsewhere.
            Err(stopped) if unknown => {
                let way = stopped.way;
                run.may_stop = stopped.stops_at;
                Ok(run.arrive(way))
            }
            Err(stopped) => Err(stopped),
            Ok(way) => Ok(run.arrive(way)),
        }
    }

    /// Where a class of routes leads, and what is met there.
    fn led(&self, class: &RouteClass, classes: &[Class], run: &mut Run) -> Result<Way, Outcome> {
        match (class.hop, class.source) {
            (NextHop::VnetLocal, RouteSource::Peering) => Ok(Way::Peer),
            (NextHop::VnetLocal, _) => self.arrive(classes, run).map(|()| Way::Inside),
            (NextHop::Gateway, _) => Ok(Way::Gateway),
            (NextHop::Internet, RouteSource::Endpoint) => Ok(Way::Direct),
            (NextHop::Internet, _) => self.leave(run).map(|()| Way::Direct),
            (NextHop::None, RouteSource::System) if !self.environment.network.closed => {
                run.add(At::Route, &[undeclared()]);
                Ok(Way::Peer)
            }
            (NextHop::None, _) => Err(run.stop(At::Route, Way::None, None)),
            (NextHop::Appliance(at), _) => {
                self.through(at, &classes[FIREWALL], run)?;
                self.arrive(classes, run).map(|()| Way::Firewall)
            }
        }
    }

    /// The groups before the destination, where it is in a subnet.
    fn arrive(&self, classes: &[Class], run: &mut Run) -> Result<(), Outcome> {
        classes[ARRIVAL..ARRIVAL + 2].iter().try_for_each(|class| run.pass(At::Nsg, class))
    }

    fn through(&self, at: IpAddr, class: &Class, run: &mut Run) -> Result<(), Outcome> {
        if self.is_firewall(at) {
            let passed = run.pass(At::Firewall, class);
            return passed.map_err(|stopped| Outcome { way: Way::Firewall, ..stopped });
        }
        if !self.assumed.holds(Assumption::AppliancePasses) {
            run.add(At::Firewall, &[Condition::Missing(format!("the appliance at {at} lets it pass"))]);
        }
        Ok(())
    }

    /// Whether the rules of the firewall are those of the appliance at this address.
    pub(super) fn is_firewall(&self, at: IpAddr) -> bool {
        self.firewall.is_some() && self.environment.network.firewall.contains(&at)
    }

    /// Leaves to the Internet past the firewall, if the subnet can.
    fn leave(&self, run: &mut Run) -> Result<(), Outcome> {
        match way_out(self.subnet) {
            Some(true) => Ok(()),
            Some(false) => Err(run.stop(At::Outbound, Way::None, None)),
            None => {
                self.assume_way_out(run);
                Ok(())
            }
        }
    }

    fn assume_way_out(&self, run: &mut Run) {
        if !self.assumed.holds(Assumption::WayOut) {
            let name = &self.subnet.name;
            run.add(At::Outbound, &[Condition::Missing(format!("the subnet {name} has a way out"))]);
        }
    }

    fn inbound(&self, classes: &[Class]) -> Result<Outcome, Outcome> {
        let mut run = Run::default();
        run.doors(classes)?;
        let back = self.route_class(&classes[ROUTE]).map_or(NextHop::None, |class| class.hop);
        let way = match &classes[ORIGIN] {
            Class::Number(Some(OWN)) => Way::Inside,
            Class::Number(Some(PEER)) => Way::Peer,
            Class::Number(Some(ON_PREMISES)) => Way::Gateway,
            Class::Number(Some(_)) => return self.undeclared(run),
            _ => return self.enter(back, run),
        };
        match back {
            NextHop::None => return Err(run.stop(At::Route, Way::None, None)),
            NextHop::Appliance(at) if !self.assumed.holds(Assumption::Symmetric) => {
                let what = format!("the sender's routes lead by the appliance at {at}, to which replies go");
                run.add(At::Route, &[Condition::Missing(what)]);
            }
            _ => {}
        }
        Ok(run.arrive(way))
    }

    /// From private space that is neither in the network nor in a peered one nor announced.
    fn undeclared(&self, mut run: Run) -> Result<Outcome, Outcome> {
        if self.environment.network.closed {
            return Err(run.stop(At::Route, Way::None, None));
        }
        run.add(At::Route, &[undeclared()]);
        Ok(run.arrive(Way::Peer))
    }

    /// From the Internet: by a public address of the subnet's own, to which replies must go back the same way.
    fn enter(&self, back: NextHop, mut run: Run) -> Result<Outcome, Outcome> {
        match self.subnet.outbound {
            Some(Outbound::PublicIp | Outbound::LoadBalancer) => {}
            None => self.assume_way_out(&mut run),
            Some(_) => return Err(run.stop(At::Outbound, Way::None, None)),
        }
        match back {
            NextHop::Internet => Ok(run.arrive(Way::Direct)),
            _ => Err(run.stop(At::Route, Way::None, None)),
        }
    }
}

fn undeclared() -> Condition {
    Condition::Missing("a peering or gateway that was not given leads there".to_owned())
}

/// Whether packets that a route sends to the Internet get out; `None` where that is not known.
///
/// Source: default-outbound-access.md, 2025-12-03: subnets without default outbound access need an explicit way;
/// delegated ones are exempt.
pub(super) fn way_out(subnet: &Subnet) -> Option<bool> {
    match subnet.outbound {
        Some(Outbound::Nat | Outbound::PublicIp | Outbound::LoadBalancer) => Some(true),
        Some(Outbound::Default) => Some(subnet.private != Some(true)),
        Some(Outbound::Firewall | Outbound::None) => Some(false),
        None if subnet.private == Some(true) && !matches!(subnet.role, Role::Delegated(_)) => Some(false),
        None => None,
    }
}
