//! [`expand`]: intent, catalogue and snapshot become a resolved [`Policy`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::endpoints::Endpoints;
use super::flows::{self, NewFlow};
use super::intent::{Allow, Amount, CloudName, DefaultRoute, HostUse, Intent, OneOrMany, OutputIntent};
use super::read::{Path, PolicyErrors, PolicySource};
use super::resolve::Resolver;
use super::rule::{
    LimitSettings, Network, Policy, Precision, Remarks, Remote, RouteNeed, only_families_of, short_list,
};
use super::suggest;
use crate::addr::{AddrSet, Count, Entry, IpPrefix};
use crate::catalog::Catalog;
use crate::packet::NextHop;
use crate::tags::{Cloud, Region, Snapshot, Symbol};
use crate::target::FormatName;
use crate::text::{did_you_mean, nearest};

/// What is wrong with a policy, place by place.
pub(super) type Problems = Vec<(Path, String)>;

/// Resolves every name of a policy against the catalogue and the snapshot.
///
/// # Errors
/// [`PolicyErrors`] with all unknown names, prefixes that are not understood and settings that contradict each
/// other; each with its line of the file and the way out.
pub fn expand(source: &PolicySource, catalog: &Catalog, snapshot: &Snapshot) -> Result<Policy, PolicyErrors> {
    let intent = &source.intent;
    let mut problems = Problems::new();
    check_head(intent, snapshot, &mut problems);
    let region = find_region(&intent.region, &Path::top().at("region"), snapshot, &mut problems);
    let network = network(intent, &mut problems);
    let mut remarks = Remarks::default();
    let mut flows = Vec::new();
    let mut routes = Vec::new();
    let mut endpoints = Endpoints::default();
    let diverted = match intent.route_table.default_route {
        Some(wanted) => wanted != DefaultRoute::Internet,
        None => !network.firewall.is_empty(),
    };
    let resolver = Resolver { catalog, snapshot, groups: &intent.groups, network: &network };
    for (index, allow) in intent.allow.iter().enumerate() {
        let place = Path::top().at("allow").at(index);
        let needs =
            Needs { resolver: &resolver, network: &network, home: region.as_ref(), allow, place, diverted };
        needs.collect(&mut flows, &mut routes, &mut endpoints, &mut remarks, &mut problems);
    }
    let precision = precision(intent, &mut problems);
    let flows = flows::merge(flows, &mut remarks.notes);
    let routes = merge_routes(routes, &network, &mut problems);
    let Some(region) = region.filter(|_| problems.is_empty()) else {
        return Err(source.errors(problems));
    };
    let mut policy = Policy {
        name: intent.name.clone(),
        cloud: snapshot.cloud(),
        region,
        network,
        flows,
        routes,
        endpoints: endpoints.into_needs(),
        precision,
        nsg: intent.nsg.clone(),
        route_table: intent.route_table.clone(),
        firewall: intent.firewall.clone(),
        limits: LimitSettings {
            profile: intent.limits.profile.clone(),
            overrides: intent.limits.overrides.clone(),
        },
        catalog: intent.catalog.clone(),
        output: intent.output.clone(),
        remarks: Remarks::default(),
    };
    remarks.notes.extend(suggest::notes(&policy, snapshot));
    policy.remarks = remarks.in_order();
    check_settings(&policy, &mut problems);
    if problems.is_empty() { Ok(policy) } else { Err(source.errors(problems)) }
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

fn check_head(intent: &Intent, snapshot: &Snapshot, problems: &mut Problems) {
    if intent.schema != 1 {
        let message = format!("schema {} is not known; this version reads schema 1", intent.schema);
        problems.push((Path::top().at("schema"), message));
    }
    let name = &intent.name;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.len() > 48 || !name.chars().all(legal) || !ends(name.chars().next()) || !ends(name.chars().last())
    {
        let message =
            "a name has 1 to 48 letters, digits, `-`, `_` or `.`, and begins and ends with a letter or digit";
        problems.push((Path::top().at("name"), message.to_owned()));
    }
    let cloud = cloud_of(intent);
    if cloud != snapshot.cloud() {
        let message =
            format!("the policy is for the cloud {cloud}, but the snapshot is of {}", snapshot.cloud());
        problems.push((Path::top().at("cloud"), message));
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
        let names: Vec<String> = snapshot.regions().locations().collect();
        let hint = did_you_mean(&nearest(text, names.iter().map(String::as_str)));
        problems
            .push((place.clone(), format!("the cloud {} has no region `{text}`{hint}", snapshot.cloud())));
    }
    found
}

/// Reads a list of prefixes, strictly.
pub(super) fn prefixes(texts: &[String], place: &Path, problems: &mut Problems) -> AddrSet {
    let mut list: Vec<IpPrefix> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match Entry::parse(text, false).map_err(|e| e.to_string()).and_then(|_| {
            text.parse::<IpPrefix>().map_err(|_| "a prefix is expected here, not a range".to_owned())
        }) {
            Ok(prefix) => list.push(prefix),
            Err(error) => problems.push((place.at(index), format!("{text}: {error}"))),
        }
    }
    list.into_iter().collect()
}

/// Reads prefixes, ranges and single addresses, strictly.
pub(super) fn addresses(texts: &OneOrMany, place: &Path, problems: &mut Problems) -> AddrSet {
    let mut set = AddrSet::empty();
    for (index, text) in texts.as_slice().iter().enumerate() {
        match Entry::parse(text, false) {
            Ok(Entry::V4(i)) => set.v4 = set.v4.union(&i.into()),
            Ok(Entry::V6(i)) => set.v6 = set.v6.union(&i.into()),
            Err(error) => problems.push((place.at(index), format!("{text}: {error}"))),
        }
    }
    set
}

fn network(intent: &Intent, problems: &mut Problems) -> Network {
    let place = Path::top().at("network");
    let space = prefixes(&intent.network.address_space, &place.at("address-space"), problems);
    if intent.network.address_space.is_empty() {
        problems.push((place.at("address-space"), "the address space needs at least one prefix".to_owned()));
    }
    let mut network = Network { space, ..Network::default() };
    for (index, text) in intent.network.firewall.as_slice().iter().enumerate() {
        let place = place.at("firewall").at(index);
        match text.parse::<IpAddr>() {
            Ok(addr) if network.firewall.iter().any(|a| a.is_ipv4() == addr.is_ipv4()) => {
                problems.push((place, format!("{text}: a second address of the same family")));
            }
            Ok(addr) => network.firewall.push(addr),
            Err(_) => problems.push((place, format!("{text}: not an IP address"))),
        }
    }
    network.firewall.sort();
    for (name, subnet) in &intent.subnets {
        let place = Path::top().at("subnets").at(name.as_str());
        add_subnet(&mut network, name, &subnet.prefixes, &place, problems);
    }
    network
}

fn add_subnet(network: &mut Network, name: &str, texts: &[String], place: &Path, problems: &mut Problems) {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 40 || !name.chars().all(legal) {
        let message = "a subnet's name has 1 to 40 letters, digits, `-`, `_` or `.`";
        problems.push((place.clone(), message.to_owned()));
    }
    let before = problems.len();
    let set = prefixes(texts, &place.at("prefixes"), problems);
    if problems.len() == before {
        let outside = set.difference(&network.space);
        if texts.is_empty() {
            problems.push((place.at("prefixes"), format!("subnet {name} needs at least one prefix")));
        } else if let Some(prefix) = outside.prefixes().next().filter(|_| !network.space.is_empty()) {
            problems.push((place.at("prefixes"), format!("{prefix} is outside network.address-space")));
        }
        for (other, theirs) in &network.subnets {
            if let Some(prefix) = set.intersection(theirs).prefixes().next() {
                problems.push((place.at("prefixes"), format!("{prefix} is also in subnet {other}")));
            }
        }
    }
    network.subnets.insert(name.to_owned(), set);
}

fn precision(intent: &Intent, problems: &mut Problems) -> Precision {
    let place = Path::top().at("precision");
    let max_extra = match &intent.precision.max_extra {
        Amount::Number(number) => Count::from(*number),
        Amount::Text(text) => text.parse::<Count>().unwrap_or_else(|_| {
            problems.push((place.at("max-extra"), format!("`{text}` is not a number of addresses")));
            Count::ZERO
        }),
    };
    // What is wrong with exceptions is said where the needs are read.
    let excepted = intent.allow.iter().map(|allow| addresses(&allow.except, &place, &mut Problems::new()));
    let excepted: Vec<AddrSet> = excepted.collect();
    let never = addresses(&intent.precision.never, &place.at("never"), problems);
    Precision { max_extra, never, excepted: AddrSet::union_of(&excepted) }
}

/// Settings that contradict each other, once everything is resolved.
fn check_settings(policy: &Policy, problems: &mut Problems) {
    check_output(&policy.output, problems);
    check_never(policy, problems);
    let route = Path::top().at("route-table");
    let no_firewall = policy.network.firewall.is_empty();
    if policy.route_table.default_route == Some(DefaultRoute::Firewall) && no_firewall {
        let message = "the default route leads to the firewall, but network.firewall is not set";
        problems.push((route.at("default"), message.to_owned()));
    }
    if policy.private_to_firewall() && policy.network.firewall_v4().is_none() {
        let message = "private ranges lead to the firewall, but network.firewall has no IPv4 address";
        problems.push((route.at("private"), message.to_owned()));
    }
    let to_firewall = matches!(policy.default_hop(false), Some(NextHop::Appliance(_)));
    if policy.nsg.hosts == HostUse::Internet && !to_firewall {
        let message = "opening ports to the Internet for host names needs a default route to the firewall that judges them";
        problems.push((Path::top().at("nsg").at("hosts"), message.to_owned()));
    }
}

/// What a policy asks for cannot be what it never lets through. Ranges that are kept from being extra without being
/// named give way to what is asked for; those that the policy names do not.
fn check_never(policy: &Policy, problems: &mut Problems) {
    let never = &policy.precision.never;
    if never.is_empty() {
        return;
    }
    let symbols = policy.symbols();
    let flows = policy.flows.iter().filter_map(|flow| match flow.remote {
        // The network itself and the platform's own services are not what `never` is about.
        Remote::Symbol(symbol) if symbol != Symbol::Internet => None,
        _ => Some((flow.remote.to_string(), flow.remote_set(&symbols)?)),
    });
    let routes = policy
        .routes
        .iter()
        .filter_map(|need| Some((format!("the route to {}", need.to), policy.listed(&need.id)?)));
    let mut seen = BTreeSet::new();
    for (remote, set) in flows.chain(routes) {
        let both = set.intersection(never);
        if !both.is_empty() && seen.insert(remote.clone()) {
            let message = format!(
                "{remote} is asked for and holds {}, which may never be let through; take it out of the need with `except`, or out of `never`",
                short_list(&both)
            );
            problems.push((Path::top().at("precision").at("never"), message));
        }
    }
}

fn check_output(output: &OutputIntent, problems: &mut Problems) {
    let place = Path::top().at("output");
    let asked = |format| output.formats.contains(&format);
    if output.formats.is_empty() {
        problems.push((place.at("formats"), "nothing would be written; name a format".to_owned()));
    }
    if asked(FormatName::Terraform) && asked(FormatName::TerraformJson) {
        let message =
            "terraform and terraform-json in one folder would say everything twice; take one of them";
        problems.push((place.at("formats"), message.to_owned()));
    }
    // Source: resource-name-rules.md, 2020-02-11; letters beyond ASCII are left out here.
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    if let Some(name) = &output.resource_group
        && (name.is_empty() || name.len() > 90 || !name.chars().all(legal) || name.ends_with('.'))
    {
        let message = "a resource group's name has 1 to 90 letters, digits, `-`, `_`, `.`, `(` or `)`, and ends in no `.`";
        problems.push((place.at("resource-group"), message.to_owned()));
    }
}

/// Routes of one destination and hop become one; those that overlap with different hops contradict each other.
fn merge_routes(
    mut routes: Vec<(Path, RouteNeed)>,
    network: &Network,
    problems: &mut Problems,
) -> Vec<RouteNeed> {
    routes.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    let platform = AddrSet::from("168.63.129.16".parse::<IpPrefix>().expect("a constant address"));
    let mut kept: Vec<(RouteNeed, AddrSet)> = Vec::new();
    for (place, need) in routes {
        let set = match &need.to {
            Remote::Tag(tag) => tag.set().clone(),
            Remote::Addresses(set) => set.clone(),
            _ => AddrSet::empty(),
        };
        let set = only_families_of(&set.difference(&need.except), &network.subnet_space());
        if !set.is_disjoint(&platform) {
            let message = format!(
                "the route to {} holds 168.63.129.16, the platform's own address, which is never routed; take it out with `except` or narrower prefixes",
                need.to
            );
            problems.push((place.clone(), message));
        }
        if let Some(prefix) = set.intersection(&network.space).prefixes().next() {
            let message = format!("the route to {} would take {prefix} out of the virtual network", need.to);
            problems.push((place.clone(), message));
        }
        if let Some((same, _)) = kept.iter_mut().find(|(k, _)| k.id == need.id) {
            same.causes.extend(need.causes);
            same.causes.sort();
            same.causes.dedup();
            continue;
        }
        for (other, theirs) in &kept {
            if other.next_hop != need.next_hop
                && let Some(prefix) = set.intersection(theirs).prefixes().next()
            {
                let message = format!(
                    "{prefix} would have two next hops: {} by the route to {}, {} by the route to {}",
                    need.next_hop, need.to, other.next_hop, other.to
                );
                problems.push((place.clone(), message));
            }
        }
        kept.push((need, set));
    }
    kept.into_iter().map(|(need, _)| need).collect()
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
}

impl Needs<'_> {
    fn collect(
        &self,
        flows: &mut Vec<NewFlow>,
        routes: &mut Vec<(Path, RouteNeed)>,
        endpoints: &mut Endpoints,
        remarks: &mut Remarks,
        problems: &mut Problems,
    ) {
        let subnets = self.subnets(problems);
        let except = addresses(&self.allow.except, &self.place.at("except"), problems);
        match &self.allow.workload {
            Some(workload) => {
                self.refuse_hand_keys(problems);
                let found = self.resolver.find_workload(workload, &self.place, problems);
                for region in self.regions(problems) {
                    let rows =
                        found.and_then(|w| self.resolver.rows(w, &region, self.allow, &self.place, problems));
                    let Some(resolved) = rows else { continue };
                    let context = flows::RowContext {
                        workload,
                        region: &region,
                        home: self.home.unwrap_or(&region),
                        except: &except,
                        diverted: self.diverted,
                    };
                    endpoints.add(&resolved, &context.scope(), &subnets, &self.place, remarks, problems);
                    let place = self.place.at("workload");
                    flows::from_rows(
                        &resolved,
                        &context,
                        &subnets,
                        self.resolver,
                        &place,
                        flows,
                        routes,
                        remarks,
                        problems,
                    );
                }
            }
            None => {
                self.refuse_workload_keys(problems);
                flows::by_hand(
                    self.allow,
                    &subnets,
                    &except,
                    self.resolver,
                    &self.place,
                    flows,
                    remarks,
                    problems,
                );
            }
        }
    }

    /// The subnets of the entry: those named, or all.
    fn subnets(&self, problems: &mut Problems) -> Vec<(String, AddrSet)> {
        let named = self.allow.subnet.as_slice();
        if named.is_empty() {
            return self.network.subnets.iter().map(|(n, s)| (n.clone(), s.clone())).collect();
        }
        let mut found = BTreeMap::new();
        for (index, name) in named.iter().enumerate() {
            match self.network.subnets.get(name) {
                Some(set) => {
                    found.insert(name.clone(), set.clone());
                }
                None => {
                    let known = self.network.subnets.keys().map(String::as_str);
                    let hint = did_you_mean(&nearest(name, known));
                    problems.push((
                        self.place.at("subnet").at(index),
                        format!("there is no subnet `{name}`{hint}"),
                    ));
                }
            }
        }
        found.into_iter().collect()
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
            let message = format!(
                "`{key}` does not go with `workload`; write a need by hand in an [[allow]] of its own"
            );
            problems.push((self.place.at(key), message));
        }
    }

    fn refuse_workload_keys(&self, problems: &mut Problems) {
        const KEYS: [&str; 9] =
            ["workload", "subnet", "direction", "to", "from", "except", "protocol", "ports", "why"];
        for key in self.allow.options.keys() {
            let hint = did_you_mean(&nearest(key, KEYS));
            problems.push((self.place.at(key.as_str()), format!("unknown key `{key}`{hint}")));
        }
        for (key, given) in
            [("without", &self.allow.without), ("with", &self.allow.with), ("region", &self.allow.region)]
        {
            if !given.is_empty() {
                problems.push((self.place.at(key), format!("`{key}` goes with `workload` only")));
            }
        }
        if self.allow.to.is_empty() && self.allow.from.is_empty() {
            let message = "an [[allow]] names a `workload`, or remotes in `to` or `from`";
            problems.push((self.place.clone(), message.to_owned()));
        }
    }
}
