//! `tagwall routes minimize`

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::addr::{Count, IpPrefix, Mismatch, Route, RouteProblem, RouteTable};
use crate::cli::args::RoutesMinimize;
use crate::cli::{Failure, lists, output};
use crate::policy::SYSTEM_NONE;

#[derive(Serialize)]
struct Minimized {
    routes: Vec<OneRoute>,
    count: usize,
    input_routes: usize,
    /// The price of all misrouted addresses; without prices their number.
    misrouted: Count,
}

#[derive(Serialize)]
struct OneRoute {
    prefix: String,
    next_hop: String,
}

/// What stands for Azure's own routes.
const AZURE: &str = "azure";

/// Where everything goes: the table with the routes beneath it, of which those at the same prefix do not count.
fn effect(mut table: Vec<Route<String>>, system: &[Route<String>]) -> Vec<Route<String>> {
    let taken: BTreeSet<IpPrefix> = table.iter().map(|route| route.prefix).collect();
    table.extend(system.iter().filter(|route| !taken.contains(&route.prefix)).cloned());
    table
}

/// The routes beneath the table: of a file, or Azure's own.
fn system(which: Option<&Path>) -> Result<Vec<Route<String>>, Failure> {
    if which != Some(Path::new(AZURE)) {
        return lists::read_routes(which);
    }
    let route = |prefix: &str, hop: &str| Route {
        prefix: prefix.parse().expect("a prefix of the constant list"),
        hop: hop.to_owned(),
    };
    let none = SYSTEM_NONE.iter().map(|prefix| route(prefix, "None"));
    Ok(none.chain([route("0.0.0.0/0", "Internet"), route("::/0", "Internet")]).collect())
}

pub(in crate::cli) fn run(args: &RoutesMinimize) -> Result<(), Failure> {
    let table = lists::read_routes(Some(&args.file))?;
    let input_routes = table.len();
    let protected = lists::read_set(args.protected.as_deref())?;
    let pinned = lists::read_routes(args.pinned.as_deref())?;
    let system = system(args.system.as_deref())?;
    let mut hops: BTreeSet<String> = table.iter().chain(&pinned).map(|route| route.hop.clone()).collect();
    if args.system.as_deref() == Some(Path::new(AZURE)) {
        hops.extend(system.iter().map(|route| route.hop.clone()));
    }
    let problem = RouteProblem::new(effect(table, &system))
        .next_hops(hops.into_iter().collect())
        .pinned(pinned)
        .system(system)
        .protected(protected.prefixes().collect())
        .free(lists::read_set(args.free.as_deref())?);
    let RouteTable { routes, cost } = match args.max_routes {
        None => RouteTable { routes: problem.minimise()?, cost: Count::ZERO },
        Some(most) => {
            let prices = lists::read_prices(args.price.as_deref())?;
            problem.curve(&prices, &Mismatch::new(), Some(most))?.at_most(most)?
        }
    };
    if !cost.is_zero() {
        let what = if args.price.is_some() { "price of misrouted addresses" } else { "misrouted addresses" };
        output::say(&format!("{} routes of {input_routes}; {what}: {cost}", routes.len()));
    }
    let one = |Route { prefix, hop }: Route<String>| OneRoute { prefix: prefix.to_string(), next_hop: hop };
    let minimized = Minimized {
        count: routes.len(),
        routes: routes.into_iter().map(one).collect(),
        input_routes,
        misrouted: cost,
    };
    output::print(&args.printing, &minimized, |out| {
        minimized.routes.iter().try_for_each(|r| writeln!(out, "{},{}", r.prefix, r.next_hop))
    })
}
