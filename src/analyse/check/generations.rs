//! Which generation of our own it is that lies there, and which rules hands have edited since.

use std::collections::HashMap;

use jiff::civil::Date;

use super::model::{Drift, Have, Made};
use crate::addr::AddrSet;
use crate::read::live::{Live, LiveGroup, LiveRoute, LiveRule};
use crate::tags::Snapshot;

/// What the policy makes with the tags of one stored week.
pub struct Week {
    /// The day.
    pub date: Date,
    /// The tags.
    pub snapshot: Snapshot,
    /// What it makes; none where the policy does not resolve with those tags.
    pub made: Option<Live>,
}

impl Drift {
    /// Names the weeks: since when needs ask for what is missing, and of which generation each rule is. `weeks` are the
    /// newest first.
    pub fn name_weeks(&mut self, live: &Live, weeks: &[Week]) {
        for need in self.needs.iter_mut().filter(|need| need.state != Have::Ok) {
            let Some(tag) = &need.tag else { continue };
            let missing: AddrSet = need.missing.iter().copied().collect();
            let asks = |week: &&Week| {
                week.snapshot.tag(tag.as_str()).is_some_and(|tag| !tag.set().is_disjoint(&missing))
            };
            need.since = weeks.iter().take_while(asks).last().map(|week| week.date);
        }
        let whole = weeks.iter().find(|week| week.made.as_ref().is_some_and(|made| same_groups(made, live)));
        self.generation = whole.map(|week| week.date);
        let of: Vec<(Date, HashMap<String, Content>)> =
            weeks.iter().filter_map(|week| Some((week.date, contents(week.made.as_ref()?)))).collect();
        let own = contents(live);
        for state in &mut self.live {
            let name = state.rule.to_ascii_lowercase();
            let Some(content) = own.get(&name) else { continue };
            let known = of.iter().filter(|(_, week)| week.contains_key(&name)).count();
            let same = of.iter().find(|(_, week)| week.get(&name) == Some(content));
            state.generation = match (same, known) {
                (Some((date, _)), _) => Some(Made::Week(*date)),
                (None, 0) => None,
                (None, _) => Some(Made::ByHand),
            };
        }
    }
}

fn same_groups(made: &Live, live: &Live) -> bool {
    let rules = |groups: &[LiveGroup]| {
        let mut all: Vec<Content> = groups.iter().flat_map(|group| &group.rules).map(content_of).collect();
        all.sort();
        all
    };
    !live.groups.is_empty() && rules(&made.groups) == rules(&live.groups)
}

/// What a rule or route says, in one order and spelling.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Rule { words: [String; 4], priority: i64, sides: [Vec<String>; 4] },
    Route { prefixes: Vec<String>, kind: String, address: Option<String> },
}

/// For each rule and route by its name, what it says.
fn contents(live: &Live) -> HashMap<String, Content> {
    let rules = live.groups.iter().flat_map(|group| &group.rules);
    let rules = rules.map(|rule| (rule.rule.name.to_ascii_lowercase(), content_of(rule)));
    let routes = live.tables.iter().flat_map(|table| &table.routes);
    let routes = routes.map(|route| (route.name.to_ascii_lowercase(), content_of_route(route)));
    rules.chain(routes).collect()
}

fn content_of_route(route: &LiveRoute) -> Content {
    Content::Route {
        prefixes: route.prefixes.clone(),
        kind: route.next_hop_type.to_ascii_lowercase(),
        address: route.next_hop_address.clone().filter(|address| !address.is_empty()),
    }
}

fn content_of(rule: &LiveRule) -> Content {
    let side = |texts: &[String]| {
        let mut texts: Vec<String> =
            texts.iter().map(|t| t.trim_end_matches("/32").to_ascii_lowercase()).collect();
        texts.sort();
        texts
    };
    let r = &rule.rule;
    Content::Rule {
        words: [r.name.as_str(), &r.direction, &r.access, &r.protocol].map(str::to_ascii_lowercase),
        priority: r.priority,
        sides: [&r.sources, &r.destinations, &r.source_ports, &r.destination_ports].map(|texts| side(texts)),
    }
}
