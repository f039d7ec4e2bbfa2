//! One handler a path, each a call of [`World`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};

use super::around::{Said, around};
use super::health;
use super::shared::Shared;
use crate::catalog::Fqdn;
use crate::feed::{Answer, JSON, Medium, NoAddress, Query, Resolved, World, asset};

/// The description of the interface.
const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let router = Router::new()
        .route("/", get(lookup_page))
        .route("/assets/{name}", get(|Path(name): Path<String>| async move { Said(asset(&name)) }))
        .route("/tags/", asked(|world, _| world.tags_page(Medium::Served)))
        .route(
            "/tags/{cloud}/{tag}/",
            two(|world, [cloud, tag], _| world.tag_page(cloud, tag, Medium::Served)),
        )
        .route("/changes/", asked(|world, _| world.changes_page(Medium::Served)))
        .route("/environments/", asked(|world, _| world.environments_page(Medium::Served)))
        .route("/environments/{name}/", named(|world, name, _| world.environment_page(name, Medium::Served)))
        .route("/environments/{name}/explain/", get(explain_page))
        .route("/v1/explain", get(explain))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/v1/openapi.json", get(|| async { Said(document()) }))
        .route("/v1/lookup", asked(World::look_up))
        .route("/v1/tags", asked(World::tags))
        .route("/v1/delta", asked(World::delta))
        .route("/v1/changes.atom", asked(|world, query| world.changes("atom", query)))
        .route("/v1/changes.json", asked(|world, query| world.changes("json", query)))
        .route("/v1/environments", asked(|world, _| world.environments()))
        .route("/v1/environments/{name}", named(|world, name, _| world.environment(name)))
        .route("/v1/history/{tag}", named(World::history_of))
        .route("/v1/changes/{file}", named(|world, file, _| world.changes_of_cloud(file)))
        .route("/v1/changes/{whose}/{file}", two(|world, [whose, file], _| world.changes_in(whose, file)))
        .route("/v1/feeds/{cloud}/{list}", two(|world, [cloud, list], query| world.list(cloud, list, query)))
        .route("/v1/diff/{from}/{to}", two(|world, [from, to], query| world.diff(from, to, query)))
        .route("/v1/edl/{consumer}/{cloud}/{list}", get(edl))
        .route("/v1/environments/{name}/{*file}", get(environment_file));
    router
        .fallback(|| async {
            Said(Answer::unknown("there is nothing at this path; /v1/openapi.json lists what there is"))
        })
        .layer(from_fn_with_state(shared.clone(), around))
        .with_state(shared)
}

type Routed = MethodRouter<Arc<Shared>>;

/// What is answered from the world, or that there is none yet.
fn from_world(shared: &Shared, answer: impl FnOnce(&World) -> Answer) -> Said {
    Said(match shared.world() {
        Some(world) => answer(&world),
        None => Answer::unavailable("starting: data is being read", 5),
    })
}

fn query(raw: Option<String>) -> Query {
    let raw = raw.unwrap_or_default();
    Query::new(form_urlencoded::parse(raw.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned())))
}

/// A path without names in it.
fn asked(answer: impl Fn(&World, &Query) -> Answer + Clone + Send + Sync + 'static) -> Routed {
    get(move |State(shared): State<Arc<Shared>>, RawQuery(raw): RawQuery| async move {
        from_world(&shared, |world| answer(world, &query(raw)))
    })
}

/// A path with one name in it.
fn named(answer: impl Fn(&World, &str, &Query) -> Answer + Clone + Send + Sync + 'static) -> Routed {
    get(
        move |State(shared): State<Arc<Shared>>, Path(name): Path<String>, RawQuery(raw): RawQuery| async move {
            from_world(&shared, |world| answer(world, &name, &query(raw)))
        },
    )
}

/// A path with two names in it.
fn two(answer: impl Fn(&World, [&str; 2], &Query) -> Answer + Clone + Send + Sync + 'static) -> Routed {
    get(
        move |State(shared): State<Arc<Shared>>,
              Path((first, second)): Path<(String, String)>,
              RawQuery(raw): RawQuery| async move {
            from_world(&shared, |world| answer(world, [&first, &second], &query(raw)))
        },
    )
}

/// The most hosts that one request has resolved.
const HOSTS: usize = 10;

/// How long all of them may take.
const RESOLVING: Duration = Duration::from_secs(3);

/// The first page. Names are only resolved where the server may, and whoever looks asks for it.
async fn lookup_page(State(shared): State<Arc<Shared>>, RawQuery(raw): RawQuery) -> Said {
    let query = query(raw);
    let mut resolved = shared.resolves.then(Resolved::new);
    if let (Some(resolved), Some(world)) = (&mut resolved, shared.world()) {
        for host in world.hosts_to_resolve(&query, HOSTS) {
            resolved.insert(host, Err(NoAddress::Late));
        }
        let one = |host: Fqdn| async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let addresses = found.map(|found| {
                let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                addresses.sort_unstable();
                addresses.dedup();
                addresses
            });
            (host, addresses.map_err(|_| NoAddress::Unknown))
        };
        let mut running: tokio::task::JoinSet<_> = resolved.keys().cloned().map(one).collect();
        let until = tokio::time::Instant::now() + RESOLVING;
        while let Ok(Some(Ok((host, found)))) = tokio::time::timeout_at(until, running.join_next()).await {
            resolved.insert(host, found);
        }
    }
    from_world(&shared, |world| world.lookup_page_with(&query, Medium::Served, resolved.as_ref()))
}

/// Replaying rules takes a processor for a while: not all of them, and nobody else waits for it.
async fn asking(shared: Arc<Shared>, answer: impl FnOnce(&World) -> Answer + Send + 'static) -> Said {
    let Ok(_asking) = shared.asking.try_acquire() else {
        return Said(Answer::unavailable("others are asking the same; ask again", 1));
    };
    let of = shared.clone();
    let failed = |_| Said(Answer::unavailable("the rules cannot be asked now", 5));
    tokio::task::spawn_blocking(move || from_world(&of, answer)).await.unwrap_or_else(failed)
}

async fn explain(State(shared): State<Arc<Shared>>, RawQuery(raw): RawQuery) -> Said {
    asking(shared, move |world| world.explain(&query(raw))).await
}

async fn explain_page(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
) -> Said {
    asking(shared, move |world| world.explain_page(&name, &query(raw))).await
}

async fn edl(
    State(shared): State<Arc<Shared>>,
    Path((consumer, cloud, list)): Path<(String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Said {
    from_world(&shared, |world| world.edl(&consumer, &cloud, &list, &query(raw)))
}

/// Files are read from the disk, for which no other request has to wait.
async fn environment_file(
    State(shared): State<Arc<Shared>>,
    Path((name, file)): Path<(String, String)>,
) -> Said {
    let read = move || from_world(&shared, |world| world.environment_file(&name, &file));
    let failed = |_| Said(Answer::unavailable("the file cannot be read now", 5));
    tokio::task::spawn_blocking(read).await.unwrap_or_else(failed)
}

fn document() -> Answer {
    Answer::good(JSON, crate::feed::Body::new(OPENAPI.as_bytes()))
}
