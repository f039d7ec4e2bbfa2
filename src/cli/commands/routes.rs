//! `tagwall routes minimize`

use serde::Serialize;

use crate::addr::{Count, Mismatch, Route, RouteProblem, RouteTable};
use crate::cli::args::RoutesMinimize;
use crate::cli::{Failure, lists, output};

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

pub(in crate::cli) fn run(args: &RoutesMinimize) -> Result<(), Failure> {
    let wished = lists::read_routes(Some(&args.file))?;
    let input_routes = wished.len();
    let protected = lists::read_set(args.protected.as_deref())?;
    let problem = RouteProblem::new(wished)
        .pinned(lists::read_routes(args.pinned.as_deref())?)
        .system(lists::read_routes(args.system.as_deref())?)
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
