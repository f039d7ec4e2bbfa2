//! Which generation of our own it is that lies there, and which rules hands have edited since.

use std::collections::HashMap;

use super::model::{Drift, Have};
use crate::addr::{AddrSet, IpPrefix};
use crate::read::live::{Live, LiveGroup, LiveRule};
use crate::tags::Snapshot;

/// What the policy makes with the tags of one stored week.
pub struct Week {
    /// The day.
    pub date: String,
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
            let missing: AddrSet =
                need.missing.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
            let asks =
                |week: &&Week| week.snapshot.tag(tag).is_some_and(|tag| !tag.set().is_disjoint(&missing));
            need.since = weeks.iter().take_while(asks).last().map(|week| week.date.clone());
        }
        let whole = weeks.iter().find(|week| week.made.as_ref().is_some_and(|made| same_groups(made, live)));
        self.generation = whole.map(|week| week.date.clone());
        let of: Vec<(&str, HashMap<String, String>)> = weeks
            .iter()
            .filter_map(|week| Some((week.date.as_str(), contents(week.made.as_ref()?))))
            .collect();
        let own = contents(live);
        for state in &mut self.live {
            let name = state.rule.to_ascii_lowercase();
            let Some(content) = own.get(&name) else { continue };
            let known = of.iter().filter(|(_, week)| week.contains_key(&name)).count();
            let same = of.iter().find(|(_, week)| week.get(&name) == Some(content));
            state.generation = match (same, known) {
                (Some((date, _)), _) => Some((*date).to_owned()),
                (None, 0) => None,
                (None, _) => Some("edited by hand".to_owned()),
            };
        }
    }
}

fn same_groups(made: &Live, live: &Live) -> bool {
    let rules = |groups: &[LiveGroup]| {
        let mut all: Vec<String> = groups.iter().flat_map(|group| &group.rules).map(content).collect();
        all.sort();
        all
    };
    !live.groups.is_empty() && rules(&made.groups) == rules(&live.groups)
}

/// For each rule and route by its name, what it says.
fn contents(live: &Live) -> HashMap<String, String> {
    let rules = live.groups.iter().flat_map(|group| &group.rules);
    let rules = rules.map(|rule| (rule.rule.name.to_ascii_lowercase(), content(rule)));
    let routes = live.tables.iter().flat_map(|table| &table.routes).map(|route| {
        let hop = route.next_hop_address.as_deref().unwrap_or_default();
        let text = format!("{:?} {} {hop}", route.prefixes, route.next_hop_type.to_ascii_lowercase());
        (route.name.to_ascii_lowercase(), text)
    });
    rules.chain(routes).collect()
}

/// A rule's fields in one order and spelling.
fn content(rule: &LiveRule) -> String {
    let side = |texts: &[String]| {
        let mut texts: Vec<String> =
            texts.iter().map(|t| t.trim_end_matches("/32").to_ascii_lowercase()).collect();
        texts.sort();
        texts
    };
    let r = &rule.rule;
    format!(
        "{} {} {} {} {} {:?} {:?} {:?} {:?}",
        r.name.to_ascii_lowercase(),
        r.priority,
        r.direction.to_ascii_lowercase(),
        r.access.to_ascii_lowercase(),
        r.protocol.to_ascii_lowercase(),
        side(&r.sources),
        side(&r.destinations),
        side(&r.source_ports),
        side(&r.destination_ports)
    )
}
