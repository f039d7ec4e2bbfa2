//! What services keep in groups and tables is left as it is, whatever else is mended.

use crate::catalog::is_kept_by_service;
use crate::read::live::{LiveGroup, LiveRule, LiveTable};

/// What is wanted of a group, with the rules that a service has there: in place of wanted ones of the service's that would
/// stand where these do, and beside all others.
pub(super) fn rules(wanted: &LiveGroup, live: &LiveGroup) -> LiveGroup {
    let kept = |rule: &&LiveRule| is_kept_by_service(&rule.rule.name);
    let same_place = |a: &LiveRule, b: &LiveRule| {
        a.rule.priority == b.rule.priority && a.rule.direction.eq_ignore_ascii_case(&b.rule.direction)
    };
    let there: Vec<&LiveRule> = live.rules.iter().filter(kept).collect();
    let mut group = wanted.clone();
    group.rules.retain(|rule| !kept(&rule) || !there.iter().any(|own| same_place(own, rule)));
    for rule in there {
        group.rules.retain(|own| !own.rule.name.eq_ignore_ascii_case(&rule.rule.name));
        group.rules.push(rule.clone());
    }
    group
}

/// The same for a table, whose routes stand for their prefixes.
pub(super) fn routes(wanted: &LiveTable, live: &LiveTable) -> LiveTable {
    let mut table = wanted.clone();
    let same = |a: &[String], b: &[String]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    for route in live.routes.iter().filter(|route| is_kept_by_service(&route.name)) {
        table.routes.retain(|own| !is_kept_by_service(&own.name) || !same(&own.prefixes, &route.prefixes));
        if !table.routes.iter().any(|own| same(&own.prefixes, &route.prefixes)) {
            table.routes.push(route.clone());
        }
    }
    table
}
