//! [`expand`]: intent, catalogue and snapshot become a resolved [`Policy`].

use std::collections::BTreeSet;
use std::sync::Arc;

use super::draft::{Draft, Rows};
use super::endpoints::Endpoints;
use super::flows;
use super::intent::{Allow, Amount, CloudName, DefaultRoute, Intent, OptionIntent};
use super::managed;
use super::network::Network;
use super::outside::Outside;
use super::place::{Path, PolicyErrors};
use super::preconditions::Asked;
use super::problem::{NeedProblem, Problem, SettingProblem};
use super::problems::Problems;
use super::read::PolicySource;
use super::resolve::Resolver;
use super::routing::{self, Lines};
use super::rule::{LimitSettings, PolicyParts, Precision, Remarks, Remote, only_families_of};
use super::rule::{Managed, ManagedRoute};
use super::sets::addresses;
use super::whole::Policy;
use super::{checks, chosen, hand, hosts, read_network, service_endpoints, suggest};
use crate::addr::{AddrSet, Count};
use crate::catalog::{Catalog, Date, OptionValue, Resolved, RowNeed, Workload};
use crate::tags::{Cloud, Region, Snapshot, unknown_region};
use crate::text::{is_reserved, nearest};

/// Resolves every name of a policy against the catalogue and the snapshot.
///
/// # Errors
/// [`PolicyErrors`] with all unknown names, prefixes that are not understood and settings that contradict each
/// other; each with its line of the file and the way out.
pub fn expand(source: &PolicySource, catalog: &Catalog, snapshot: &Snapshot) -> Result<Policy, PolicyErrors> {
    let intent = &source.intent;
    let mut draft = Draft::default();
    check_head(intent, snapshot, &mut draft.problems);
    let region = find_region(&intent.region, &Path::top().at("region"), snapshot, &mut draft.problems);
    let network = read_network::network(intent, &mut draft.problems);
    let mut beside = BesideRows::default();
    let diverted = is_diverted(intent, &network);
    let as_of = as_of(intent, catalog, &mut draft.problems);
    let outside = Outside::of(intent, catalog, snapshot);
    let groups = &intent.groups;
    let resolver = Resolver { catalog, snapshot, groups, network: &network, as_of, outside };
    for (index, allow) in intent.allow.iter().enumerate() {
        let place = Path::top().at("allow").at(index);
        let (home, window) = (region.as_ref(), intent.catalog.window_days);
        let needs = Needs { resolver: &resolver, network: &network, home, allow, place, diverted, window };
        needs.collect(&mut draft, &mut beside);
    }
    denies(intent, &resolver, &mut draft);
    for (index, line) in intent.route.iter().enumerate() {
        let place = Path::top().at("route").at(index);
        let lines = Lines { resolver: &resolver, network: &network };
        lines.read(line, &place, &mut draft);
    }
    let Draft { flows, denies, routes, defaults, managed, managed_routes, mut remarks, mut problems } = draft;
    let reserved = checks::reserved(&intent.nsg.reserved, &mut problems);
    let precision = precision(intent, &mut problems);
    let (tags, here) = (intent.firewall.fqdn_tags, region.as_deref());
    let flows = hosts::written_out(flows, tags, &resolver, here, &mut problems);
    let flows = flows::merge(flows, &mut remarks.notes);
    let routes = routing::merge(routes, &network, &mut problems);
    let managed = Managed::merged(managed);
    let managed_routes = ManagedRoute::in_order(managed_routes);
    let endpoints = beside.endpoints.into_needs();
    let known = region.as_deref().map(|region| (snapshot, region));
    let network = service_endpoints::resolved(intent, known, &endpoints, network, &mut problems);
    let Some(region) = region.filter(|_| problems.is_empty()) else {
        return Err(problems.in_source(source));
    };
    let parts = PolicyParts {
        name: intent.name.clone(),
        cloud: snapshot.cloud(),
        as_of,
        region,
        network,
        flows,
        denies,
        routes,
        defaults,
        managed,
        managed_routes,
        reserved,
        names: intent.names.clone(),
        accept_missing: intent.accept_missing,
        endpoints,
        precision,
        nsg: intent.nsg.clone(),
        route_table: intent.route_table.clone(),
        firewall: intent.firewall.clone(),
        limits: LimitSettings::of(&intent.limits),
        catalog: intent.catalog.clone(),
        output: intent.output.clone(),
        lint: intent.lint.clone(),
        remarks: Remarks::default(),
    };
    let mut policy = Policy::new(parts).map_err(|fault| {
        problems.at(Path::top(), fault);
        std::mem::take(&mut problems).in_source(source)
    })?;
    remarks.notes.extend(suggest::notes(&policy, snapshot));
    remarks.notes.extend(suggest::peers_missing(&policy.network));
    checks::check_settings(&policy, &mut problems);
    remarks.preconditions = beside.asked.settle(&policy, &mut problems);
    remarks.warnings = problems.warnings(source);
    policy.0.remarks = remarks.in_order();
    if problems.is_empty() { Ok(policy) } else { Err(problems.in_source(source)) }
}

/// What may never pass, in order, each once.
fn denies(intent: &Intent, resolver: &Resolver<'_>, draft: &mut Draft) {
    for (index, deny) in intent.deny.iter().enumerate() {
        let place = Path::top().at("deny").at(index);
        let subnets = chosen::subnets(resolver.network, &deny.subnet, &place, &mut draft.problems);
        hand::denied(deny, &subnets, resolver, &place, draft);
    }
    draft.denies.sort_by(|a, b| a.id.cmp(&b.id));
    draft.denies.dedup_by(|b, a| a.id == b.id);
}

/// The day whose facts are taken: the policy's own, else that of the catalogue.
fn as_of(intent: &Intent, catalog: &Catalog, problems: &mut Problems) -> Date {
    let Some(text) = &intent.catalog.as_of else { return catalog.as_of() };
    text.parse().ok().filter(|_| text.len() == 10).unwrap_or_else(|| {
        let place = Path::top().at("catalog").at("as-of");
        problems.at(place, SettingProblem::AsOf(text.clone()));
        catalog.as_of()
    })
}

/// The cloud that a policy names.
pub fn cloud_of(intent: &Intent) -> Cloud {
    match intent.cloud {
        CloudName::Public => Cloud::Public,
        CloudName::UsGov => Cloud::UsGov,
        CloudName::China => Cloud::China,
        CloudName::Germany => Cloud::Germany,
    }
}

/// Whether a default route leads subnets with needs elsewhere than to the Internet.
fn is_diverted(intent: &Intent, network: &Network) -> bool {
    match intent.route_table.default_route {
        Some(wanted) => wanted != DefaultRoute::Internet,
        None if network.firewall.is_empty() => {
            let learnt = [false, true].into_iter().any(|v6| network.on_premises.has_default(v6));
            learnt && !intent.route_table.disable_bgp
        }
        None => true,
    }
}

fn check_head(intent: &Intent, snapshot: &Snapshot, problems: &mut Problems) {
    if intent.schema != 1 {
        problems.at(Path::top().at("schema"), SettingProblem::Schema(intent.schema));
    }
    let name = &intent.name;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.len() > 48 || !name.chars().all(legal) || !ends(name.chars().next()) || !ends(name.chars().last())
    {
        let message =
            "a name has 1 to 48 letters, digits, `-`, `_` or `.`, and begins and ends with a letter or digit";
        problems.at(Path::top().at("name"), message);
    } else if is_reserved(name) {
        problems.at(Path::top().at("name"), SettingProblem::Device(name.clone()));
    }
    let (policy, snapshot) = (cloud_of(intent), snapshot.cloud());
    if policy != snapshot {
        problems.at(Path::top().at("cloud"), SettingProblem::Cloud { policy, snapshot });
    }
}

/// Finds a region, or says what is near.
pub(super) fn find_region(
    text: &str,
    place: &Path,
    snapshot: &Snapshot,
    problems: &mut Problems,
) -> Option<Arc<Region>> {
    let found = snapshot.regions().find(text).cloned();
    if found.is_none() {
        let words = unknown_region(snapshot.cloud(), snapshot.regions(), text);
        problems.at(place.clone(), Problem::NoRegion(words));
    }
    found
}

fn precision(intent: &Intent, problems: &mut Problems) -> Precision {
    let place = Path::top().at("precision");
    let max_extra = match &intent.precision.max_extra {
        Amount::Number(number) => Count::from(*number),
        Amount::Text(text) => text.parse::<Count>().unwrap_or_else(|_| {
            problems.at(place.at("max-extra"), SettingProblem::Count(text.clone()));
            Count::ZERO
        }),
    };
    // What is wrong with exceptions is said where the needs are read.
    let all = intent.allow.iter().map(|allow| &allow.except);
    let excepted = all.map(|except| addresses(except, &place, &mut Problems::default()));
    let excepted: Vec<AddrSet> = excepted.collect();
    let never = addresses(&intent.precision.never, &place.at("never"), problems);
    Precision { max_extra, never, excepted: AddrSet::union_of(&excepted) }
}

/// What a workload says beside its rows.
#[derive(Default)]
struct BesideRows {
    endpoints: Endpoints,
    asked: Asked,
}

/// One entry of `allow`, with what it is read against.
struct Needs<'a> {
    resolver: &'a Resolver<'a>,
    network: &'a Network,
    /// The environment's region; `None` where its name is not known, which is reported already.
    home: Option<&'a Arc<Region>>,
    allow: &'a Allow,
    place: Path,
    /// Whether the default route leads elsewhere than to the Internet.
    diverted: bool,
    /// How many days before and after its day the policy asks to be told of.
    window: u32,
}

impl Needs<'_> {
    fn collect(&self, draft: &mut Draft, beside: &mut BesideRows) {
        let subnets = chosen::subnets(self.network, &self.allow.subnet, &self.place, &mut draft.problems);
        let except = addresses(&self.allow.except, &self.place.at("except"), &mut draft.problems);
        let Some(workload) = &self.allow.workload else {
            self.refuse_workload_keys(&mut draft.problems);
            return hand::allowed(self.allow, (&subnets, &except), self.resolver, &self.place, draft);
        };
        self.refuse_hand_keys(&mut draft.problems);
        let found = self.resolver.find_workload(workload, &self.place, &mut draft.problems);
        for region in self.regions(&mut draft.problems) {
            let (allow, place) = (self.allow, &self.place);
            let resolved =
                found.and_then(|w| self.resolver.rows(w, &region, allow, place, &mut draft.problems));
            let Some(resolved) = resolved else { continue };
            let rows = Rows {
                workload,
                subnets: &subnets,
                place,
                region: &region,
                home: self.home.unwrap_or(&region),
                except: &except,
                diverted: self.diverted,
            };
            let before = draft.routes.len();
            self.dates(workload, &resolved, &mut draft.remarks);
            beside.asked.add(workload, &resolved, &subnets, &place.at("workload"));
            managed::from_workload(&resolved, &rows, self.resolver, draft);
            beside.endpoints.add(&resolved, &rows, &mut draft.remarks, &mut draft.problems);
            flows::from_rows(&resolved, &rows, self.resolver, draft);
            let narrower = found.and_then(|workload| self.narrower(workload, &region));
            draft.routes[before..].iter_mut().for_each(|(_, need)| need.narrower.clone_from(&narrower));
        }
    }

    /// The choice of a workload with which its routes are fewer, where they are by the tags of the region in place of one
    /// without, and how many they are then.
    fn narrower(&self, workload: &Workload, region: &Region) -> Option<String> {
        const OPTION: &str = "return-route";
        let option = workload.option(OPTION)?;
        let given = self.allow.options.get(OPTION);
        let global = given.map_or(option.default == OptionValue::Text("global".to_owned()), |given| {
            *given == OptionIntent::Text("global".to_owned())
        });
        let mut allow = self.allow.clone();
        allow.options.insert(OPTION.to_owned(), OptionIntent::Text("regional".to_owned()));
        let mut unheard = Problems::default();
        let resolved = self.resolver.rows(workload, region, &allow, &self.place, &mut unheard)?;
        let routes = resolved.rows.iter().filter(|row| matches!(row.need, RowNeed::Route { .. }));
        let remotes = routes.filter_map(|row| self.resolver.remote(row.need.remote(), &mut Vec::new()).ok());
        let sets = remotes.filter_map(|remote| match remote {
            Remote::Tag(tag) => Some(only_families_of(tag.set(), &self.network.subnet_space())),
            _ => None,
        });
        let count = AddrSet::union_of(&sets.collect::<Vec<_>>()).prefixes().count();
        (global && count > 0).then(|| {
            format!(
                "set {OPTION} = \"regional\" for {} ({count} routes of the region and its pair)",
                workload.name()
            )
        })
    }

    /// Notes what begins or ends for a workload near the day whose facts are taken.
    fn dates(&self, workload: &str, resolved: &Resolved, remarks: &mut Remarks) {
        let Resolver { catalog, snapshot, as_of, .. } = self.resolver;
        let as_of = *as_of;
        let events = catalog.events(workload, snapshot.cloud());
        let facts = resolved.dated.iter().chain(events);
        remarks.dated.extend(facts.filter(|fact| fact.is_near(as_of, self.window)).cloned());
        remarks.retired.extend_from_slice(&resolved.retired);
    }

    fn regions(&self, problems: &mut Problems) -> Vec<Arc<Region>> {
        let named = self.allow.region.as_slice();
        if named.is_empty() {
            return self.home.cloned().into_iter().collect();
        }
        let mut seen = BTreeSet::new();
        let mut regions = Vec::new();
        for (index, text) in named.iter().enumerate() {
            let place = self.place.at("region").at(index);
            if let Some(region) = find_region(text, &place, self.resolver.snapshot, problems)
                && seen.insert(region.location())
            {
                regions.push(region);
            }
        }
        regions
    }

    fn refuse_hand_keys(&self, problems: &mut Problems) {
        let allow = self.allow;
        let given = [
            ("direction", allow.direction.is_some()),
            ("to", !allow.to.is_empty()),
            ("from", !allow.from.is_empty()),
            ("protocol", !allow.protocol.is_empty()),
            ("ports", allow.ports != super::intent::PortsText::All),
        ];
        for (key, _) in given.into_iter().filter(|(_, given)| *given) {
            problems.at(self.place.at(key), NeedProblem::NotWithWorkload(key));
        }
    }

    fn refuse_workload_keys(&self, problems: &mut Problems) {
        const KEYS: [&str; 9] =
            ["workload", "subnet", "direction", "to", "from", "except", "protocol", "ports", "why"];
        for key in self.allow.options.keys() {
            let problem = Problem::UnknownKey { key: key.clone(), nearest: nearest(key, KEYS) };
            problems.at(self.place.at(key.as_str()), problem);
        }
        for (key, given) in
            [("without", &self.allow.without), ("with", &self.allow.with), ("region", &self.allow.region)]
        {
            if !given.is_empty() {
                problems.at(self.place.at(key), NeedProblem::OnlyWithWorkload(key));
            }
        }
        if self.allow.to.is_empty() && self.allow.from.is_empty() {
            let message = "an [[allow]] names a `workload`, or remotes in `to` or `from`";
            problems.at(self.place.clone(), message);
        }
    }
}
