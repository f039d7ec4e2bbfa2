//! Route tables, and routes in effect.

use super::adopt::{Children, Named, add_new};
use super::model::{LiveRoute, LiveTable, Note};
use super::names::{Passed, id_of, last_part, name_and_id, name_of, objects, type_of, unresolved};
use super::view::View;
use crate::read::ReadError;
use crate::read::resources::word;

/// Whether an object is a route by its members.
pub(super) fn is_route(view: &View<'_>) -> bool {
    view.get("nexthoptype").is_some() && view.any(&["addressprefix", "addressprefixes"]).is_some()
        || type_of(view).is_some_and(|kind| kind.ends_with("routetables/routes"))
}

/// Reads a route table. Without a list of routes it has none if `whole`; else the export was cut short.
pub(super) fn table(view: &View<'_>, whole: bool) -> Result<LiveTable, ReadError> {
    let disable = view.switch_of("disablebgproutepropagation");
    let enabled = view.switch_of("bgproutepropagationenabled");
    let mut table = LiveTable {
        name: name_of(view),
        id: id_of(view),
        disable_bgp: disable.or(enabled.map(|on| !on)),
        disable_peering_route: view
            .get("disablepeeringroute")
            .and_then(|word| word.text())
            .map(|word| word.eq_ignore_ascii_case("all")),
        applied_to: view.ids(&["subnets"]),
        place: view.place(),
        ..LiveTable::default()
    };
    match view.any(&["routes", "route"]) {
        Some(list) => {
            table.routes.reserve_exact(list.count());
            table.routes.extend(objects(&list)?.map(|item| route(&item.view())));
            if let Some(text) = unresolved(&list) {
                table.incomplete.push(list.note(Passed::List("routes", &text)));
            }
        }
        None if whole => {}
        None => table.incomplete.push(view.note(Passed::NoList("routes"))),
    }
    Ok(table)
}

/// Reads a route.
pub(super) fn route(view: &View<'_>) -> LiveRoute {
    let hop = view.any(&["nexthopipaddress", "nexthopinipaddress"]);
    let tags = view.texts(&["destinationservicetags"]);
    let prefixes = view.texts(&["addressprefix", "addressprefixes"]);
    LiveRoute {
        name: view.own("name").and_then(|name| name.text()).map(super::names::into_last).unwrap_or_default(),
        // A tag in effect stands beside the prefixes that it was at that moment.
        prefixes: if tags.is_empty() { prefixes } else { tags },
        next_hop_type: word(&view.text_of("nexthoptype").unwrap_or_default()),
        next_hop_address: hop.and_then(|hop| hop.flat_texts().into_iter().next()),
        source: view.text_of("source").map(|text| word(&text)),
        place: view.place(),
    }
}

/// Reads routes in effect; those that are not active are none.
pub(super) fn effective(list: &View<'_>) -> Result<LiveTable, ReadError> {
    let mut table = LiveTable {
        name: "routes in effect".to_owned(),
        effective: true,
        place: list.place(),
        ..LiveTable::default()
    };
    for item in objects(list)? {
        let item = item.view();
        let active = item.text_of("state").is_none_or(|state| state.eq_ignore_ascii_case("active"));
        if active {
            table.routes.push(route(&item));
        }
    }
    Ok(table)
}

/// Whether a list is one of routes in effect, not of a table's own.
pub(super) fn is_effective(list: &View<'_>) -> bool {
    let in_effect = |item: &View<'_>| item.get("state").is_some() && item.get("source").is_some();
    list.each().all(|item| is_route(&item.view())) && list.each().any(|item| in_effect(&item.view()))
}

/// Puts routes that stand beside their tables into these, the names of which `real` knows; the same route twice is one.
pub(super) fn adopt(
    tables: &mut Vec<LiveTable>,
    routes: Children<LiveRoute>,
    real: impl Fn(String) -> String,
) {
    let own = tables.iter().enumerate().filter(|(_, table)| !table.effective);
    let mut named = Named::of(own.map(|(at, table)| (at, table.name.as_str())));
    let joined = routes.joined(|parent, first| {
        let parent = real(parent);
        named.first([last_part(&parent), &parent]).unwrap_or_else(|| {
            let table = missing(parent, first);
            named.add(&table.name, tables.len());
            tables.push(table);
            tables.len() - 1
        })
    });
    for (at, routes) in joined {
        add_new(&mut tables[at].routes, routes, |route| &route.name);
    }
}

/// A table of which only routes are there.
fn missing(parent: String, route: &LiveRoute) -> LiveTable {
    let place = route.place.clone();
    let why = Note::new(place.clone(), Passed::Parent("table", &parent));
    let (name, id) = name_and_id(parent);
    LiveTable { name, id, place, incomplete: vec![why], ..LiveTable::default() }
}
