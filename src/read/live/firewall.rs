//! Firewalls: rule collection groups of policies, classic rules, IP groups.

use super::adopt::{Children, Named, join};
use super::model::{LiveCollection, LiveCollectionGroup, LiveFirewall, LiveFirewallPolicy, LiveIpGroup};
use super::names::{Passed, id_of, last_part, name_of, objects, parent_name, part_of_id, unresolved};
use super::view::View;
use crate::read::ReadError;
use crate::read::resources::{ApplicationRule, FirewallRule, NatRule, NetworkRule, RuleCollection};

/// The kinds of rules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Network,
    Application,
    Nat,
}

/// Lists that hold collections of one kind, by the names that clients give them.
const OF_KIND: [(&str, Kind); 9] = [
    ("networkrulecollections", Kind::Network),
    ("networkrulecollection", Kind::Network),
    ("applicationrulecollections", Kind::Application),
    ("applicationrulecollection", Kind::Application),
    ("natrulecollections", Kind::Nat),
    ("natrulecollection", Kind::Nat),
    ("networkrules", Kind::Network),
    ("applicationrules", Kind::Application),
    ("natrules", Kind::Nat),
];

/// Reads a rule collection group. Without a list of collections it has none if `whole`; else the export was cut short.
pub(super) fn collection_group(view: &View<'_>, whole: bool) -> Result<LiveCollectionGroup, ReadError> {
    let name = view.own("name").and_then(|name| name.text()).unwrap_or_default();
    let of_id = || part_of_id(&id_of(view)?, "firewallPolicies").map(str::to_owned);
    let of_terraform = || view.text_of("firewallpolicyid").map(|id| last_part(&id).to_owned());
    let mut group = LiveCollectionGroup {
        name: name_of(view),
        id: id_of(view),
        policy: of_id().or_else(|| parent_name(&name)).or_else(of_terraform),
        priority: view.number_of("priority"),
        place: view.place(),
        ..LiveCollectionGroup::default()
    };
    let mut lists = 0;
    if let Some(list) = view.any(&["rulecollections", "rules"]) {
        lists += 1;
        for item in objects(&list)? {
            let item = item.view();
            group.collections.push(collection(&item, None)?);
        }
        if let Some(text) = unresolved(&list) {
            group.incomplete.push(list.note(Passed::List("collections", &text)));
        }
    }
    lists += of_kinds(view, &mut group.collections)?;
    if lists == 0 && !whole {
        group.incomplete.push(view.note(Passed::NoList("rule collections")));
    }
    if group.priority.is_none() {
        group.incomplete.push(view.note("the priority of the group is not known"));
    }
    Ok(group)
}

/// Adds collections that stand in a list for their kind; how many lists there are.
fn of_kinds(view: &View<'_>, collections: &mut Vec<LiveCollection>) -> Result<usize, ReadError> {
    let mut lists = 0;
    for (key, kind) in OF_KIND {
        let Some(list) = view.get(key) else { continue };
        lists += 1;
        for item in objects(&list)? {
            let item = item.view();
            collections.push(collection(&item, Some(kind))?);
        }
    }
    Ok(lists)
}

fn collection(view: &View<'_>, kind: Option<Kind>) -> Result<LiveCollection, ReadError> {
    let is_nat = view.text_of("rulecollectiontype").is_some_and(|t| t.to_ascii_lowercase().contains("nat"));
    let action = view.get("action").and_then(|action| action.text().or_else(|| action.own("type")?.text()));
    let kind = kind.or(is_nat.then_some(Kind::Nat));
    let priority = view.number_of("priority");
    let mut read = LiveCollection {
        collection: RuleCollection {
            name: name_of(view),
            priority: priority.unwrap_or_default(),
            action: action.unwrap_or_else(|| if kind == Some(Kind::Nat) { "DNAT" } else { "" }.to_owned()),
            rules: Vec::new(),
        },
        places: Vec::new(),
        has_priority: priority.is_some(),
    };
    if let Some(list) = view.any(&["rules", "rule"]) {
        read.collection.rules.reserve_exact(list.count());
        read.places.reserve_exact(list.count());
        for item in objects(&list)? {
            let item = item.view();
            read.collection.rules.push(rule(&item, kind));
            read.places.push(item.place());
        }
    }
    Ok(read)
}

fn rule(view: &View<'_>, kind: Option<Kind>) -> FirewallRule {
    let of_type = || {
        let text = view.any(&["ruletype", "rulekind"])?.text()?.to_ascii_lowercase();
        [("nat", Kind::Nat), ("application", Kind::Application), ("network", Kind::Network)]
            .into_iter()
            .find_map(|(word, kind)| text.contains(word).then_some(kind))
    };
    let by_members = || {
        if view.any(&["translatedaddress", "translatedfqdn", "translatedport"]).is_some() {
            Kind::Nat
        } else if view.any(&["targetfqdns", "fqdntags", "targeturls", "webcategories"]).is_some() {
            Kind::Application
        } else {
            Kind::Network
        }
    };
    match kind.or_else(of_type).unwrap_or_else(by_members) {
        Kind::Nat => FirewallRule::Nat(nat(view)),
        Kind::Application => FirewallRule::Application(application(view)),
        Kind::Network => FirewallRule::Network(network(view)),
    }
}

fn network(view: &View<'_>) -> NetworkRule {
    NetworkRule {
        name: name_of(view),
        protocols: protocols(view),
        sources: view.texts(&["sourceaddresses"]),
        source_groups: view.ids(&["sourceipgroups"]),
        destinations: view.texts(&["destinationaddresses"]),
        destination_groups: view.ids(&["destinationipgroups"]),
        fqdns: view.texts(&["destinationfqdns"]),
        ports: view.texts(&["destinationports"]),
    }
}

fn protocols(view: &View<'_>) -> Vec<String> {
    view.texts(&["ipprotocols", "protocols"])
}

fn application(view: &View<'_>) -> ApplicationRule {
    let list = view.get("protocols").map(|list| list.items()).unwrap_or_default();
    let one = |item: &View<'_>| {
        let kind = item.any(&["protocoltype", "type"])?.text()?;
        let usual = if kind.eq_ignore_ascii_case("http") { 80 } else { 443 };
        Some((kind, item.number_of("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(usual)))
    };
    let written = |text: String| {
        let (kind, port) = text.split_once([':', '=']).unwrap_or((&text, ""));
        let usual = if kind.eq_ignore_ascii_case("http") { 80 } else { 443 };
        (kind.to_owned(), port.parse().unwrap_or(usual))
    };
    let texts = view.get("protocols").map(|list| list.flat_texts()).unwrap_or_default();
    ApplicationRule {
        name: name_of(view),
        sources: view.texts(&["sourceaddresses"]),
        source_groups: view.ids(&["sourceipgroups"]),
        protocols: list.iter().filter_map(one).chain(texts.into_iter().map(written)).collect(),
        fqdns: view.texts(&["targetfqdns", "destinationfqdns"]),
        urls: view.texts(&["targeturls", "destinationurls"]),
        fqdn_tags: view.texts(&["fqdntags", "destinationfqdntags"]),
        web_categories: view.texts(&["webcategories"]),
        terminate_tls: view.switch_of("terminatetls").unwrap_or(false),
    }
}

fn nat(view: &View<'_>) -> NatRule {
    NatRule {
        name: name_of(view),
        protocols: protocols(view),
        sources: view.texts(&["sourceaddresses"]),
        source_groups: view.ids(&["sourceipgroups"]),
        destinations: view.texts(&["destinationaddresses", "destinationaddress"]),
        ports: view.texts(&["destinationports"]),
        translated: view
            .any(&["translatedaddress", "translatedfqdn"])
            .and_then(|to| to.text())
            .unwrap_or_default(),
        translated_port: view.text_of("translatedport").unwrap_or_default(),
    }
}

/// Reads a firewall.
pub(super) fn firewall(view: &View<'_>) -> Result<LiveFirewall, ReadError> {
    let mut firewall = LiveFirewall {
        name: name_of(view),
        id: id_of(view),
        policy: view.id_of("firewallpolicy").or_else(|| view.text_of("firewallpolicyid")),
        place: view.place(),
        ..LiveFirewall::default()
    };
    if let Some(list) = view.any(&["ipconfigurations", "ipconfiguration"]) {
        firewall.addresses =
            list.items().iter().filter_map(|item| item.text_of("privateipaddress")).collect();
    }
    of_kinds(view, &mut firewall.collections)?;
    Ok(firewall)
}

/// Reads a collection that Terraform has beside its firewall: its name with it.
pub(super) fn beside(view: &View<'_>, kind: &str) -> Result<(String, LiveCollection), ReadError> {
    let kind = match kind {
        kind if kind.contains("_nat_") => Kind::Nat,
        kind if kind.contains("_application_") => Kind::Application,
        _ => Kind::Network,
    };
    Ok((view.text_of("azurefirewallname").unwrap_or_default(), collection(view, Some(kind))?))
}

/// Reads a firewall policy.
pub(super) fn policy(view: &View<'_>) -> LiveFirewallPolicy {
    LiveFirewallPolicy {
        name: name_of(view),
        base: view.id_of("basepolicy").or_else(|| view.text_of("basepolicyid")),
        place: view.place(),
    }
}

/// Reads an IP group.
pub(super) fn ip_group(view: &View<'_>) -> LiveIpGroup {
    LiveIpGroup {
        name: name_of(view),
        id: id_of(view),
        addresses: view.texts(&["ipaddresses", "cidrs"]),
        location: view.text_of("location").filter(|text| !text.starts_with('[')),
        place: view.place(),
    }
}

/// Puts collections that stand beside their firewalls into these, the names of which `real` knows.
pub(super) fn adopt(
    firewalls: &mut Vec<LiveFirewall>,
    collections: Children<LiveCollection>,
    real: impl Fn(String) -> String,
) {
    let mut named = Named::of(firewalls.iter().enumerate().map(|(at, own)| (at, own.name.as_str())));
    let joined = collections.joined(|name, first| {
        let name = real(name);
        named.first([last_part(&name)]).unwrap_or_else(|| {
            named.add(last_part(&name), firewalls.len());
            let place = first.places.first().cloned().unwrap_or_default();
            firewalls.push(LiveFirewall { name, place, ..LiveFirewall::default() });
            firewalls.len() - 1
        })
    });
    for (at, collections) in joined {
        join(&mut firewalls[at].collections, collections);
    }
}
