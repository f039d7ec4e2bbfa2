//! Network security groups: as configured, and as in effect on an interface.

use super::adopt::{Children, Named, add_new};
use super::model::{LiveGroup, LiveRule, Note};
use super::names::{
    Passed, id_of, last_part, name_and_id, name_of, objects, part_of_id, refuse_cut, type_of, unresolved,
};
use super::view::View;
use crate::read::ReadError;
use crate::read::resources::{SecurityRule, word};

/// Names under which members of rules go, the client's first.
const SOURCES: [&str; 2] = ["sourceaddressprefix", "sourceaddressprefixes"];
const DESTINATIONS: [&str; 2] = ["destinationaddressprefix", "destinationaddressprefixes"];
const SOURCE_PORTS: [&str; 2] = ["sourceportrange", "sourceportranges"];
const DESTINATION_PORTS: [&str; 2] = ["destinationportrange", "destinationportranges"];
const SOURCE_ASGS: [&str; 3] =
    ["sourceapplicationsecuritygroups", "sourceapplicationsecuritygroupids", "sourceasgs"];
const DESTINATION_ASGS: [&str; 3] =
    ["destinationapplicationsecuritygroups", "destinationapplicationsecuritygroupids", "destinationasgs"];

/// Whether an object is a rule by its members.
pub(super) fn is_rule(view: &View<'_>) -> bool {
    let has = |key: &str| view.get(key).is_some();
    has("direction") && has("priority") && has("access") && !has("sources") && !has("destinations")
        || type_of(view).is_some_and(|kind| is_rule_type(&kind))
}

/// Whether a type is that of a rule in a group.
pub(super) fn is_rule_type(kind: &str) -> bool {
    ["/securityrules", "/defaultsecurityrules"].iter().any(|ending| kind.ends_with(ending))
        && kind.contains("networksecuritygroups")
}

/// Reads a group. Without a list of rules it has none if `whole`; else the export was cut short.
pub(super) fn group(view: &View<'_>, whole: bool) -> Result<LiveGroup, ReadError> {
    let mut group = LiveGroup {
        name: name_of(view),
        id: id_of(view),
        applied_to: view.ids(&["subnets", "networkinterfaces"]),
        place: view.place(),
        ..LiveGroup::default()
    };
    let rules = view.any(&["securityrules", "securityrule"]);
    match &rules {
        Some(list) => {
            add_rules(&mut group, list)?;
            if let Some(text) = unresolved(list) {
                group.incomplete.push(list.note(Passed::List("rules", &text)));
            }
        }
        None if whole => {}
        None => group.incomplete.push(view.note(Passed::NoList("rules"))),
    }
    if let Some(defaults) = view.get("defaultsecurityrules") {
        group.defaults += objects(&defaults)?.count();
    }
    Ok(group)
}

/// Adds the rules of a list; Azure's own are counted only.
pub(super) fn add_rules(group: &mut LiveGroup, list: &View<'_>) -> Result<(), ReadError> {
    group.rules.reserve_exact(list.count());
    for item in objects(list)? {
        let item = item.view();
        if is_default(&item) { group.defaults += 1 } else { group.rules.push(rule(&item)?) }
    }
    Ok(())
}

/// Whether a rule is one of those that Azure adds to every group.
pub(super) fn is_default(view: &View<'_>) -> bool {
    let name = view.own("name").and_then(|name| name.text()).unwrap_or_default();
    let start = |prefix: &str| name.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
    let kind = type_of(view).unwrap_or_default();
    let priority = view.number_of("priority").unwrap_or_default();
    kind.ends_with("/defaultsecurityrules")
        || id_of(view).is_some_and(|id| part_of_id(&id, "defaultSecurityRules").is_some())
        || start("defaultsecurityrules/")
        || start("defaultrule_")
        || priority >= 65_000
}

/// Reads a rule.
pub(super) fn rule(view: &View<'_>) -> Result<LiveRule, ReadError> {
    for key in SOURCES.iter().chain(&DESTINATIONS).chain(&SOURCE_PORTS).chain(&DESTINATION_PORTS) {
        if let Some(value) = view.get(key) {
            refuse_cut(&value)?;
        }
    }
    let mut unknown = Vec::new();
    let mut known = |key: &'static str| {
        let text = view.get(key).and_then(|value| value.flat_texts().into_iter().next());
        if text.as_ref().is_none_or(|text| text.starts_with('[')) {
            unknown.push(key);
        }
        word(&text.unwrap_or_default())
    };
    let (direction, access, protocol) = (known("direction"), known("access"), known("protocol"));
    let priority = view.number_of("priority");
    if priority.is_none() {
        unknown.push("priority");
    }
    let is_effective = is_effective_name(view);
    let sides = |keys: &[&str]| {
        let mut texts = view.texts(keys);
        // What is in effect has `0.0.0.0/0` where the rule says `*`.
        if is_effective && texts.iter().any(|text| text == "0.0.0.0/0") {
            return vec!["*".to_owned()];
        }
        // Beside `*` nothing else says anything.
        if texts.iter().any(|text| text == "*") {
            texts.retain(|text| text == "*");
            texts.truncate(1);
        }
        texts
    };
    let asgs = |keys: &[&str]| view.ids(keys);
    let (source_groups, destination_groups) = (asgs(&SOURCE_ASGS), asgs(&DESTINATION_ASGS));
    let mut read = LiveRule {
        rule: SecurityRule {
            name: bare_rule_name(&name_of_rule(view)),
            description: view.text_of("description").unwrap_or_default(),
            priority: priority.unwrap_or(-1),
            direction,
            access,
            protocol,
            sources: sides(&SOURCES),
            destinations: sides(&DESTINATIONS),
            source_ports: view.texts(&SOURCE_PORTS),
            destination_ports: view.texts(&DESTINATION_PORTS),
        },
        source_groups,
        destination_groups,
        unknown,
        place: view.place(),
    };
    lacking(&mut read);
    Ok(read)
}

/// Sides and ports that a projection of the export left out are not known.
fn lacking(read: &mut LiveRule) {
    let LiveRule { rule, source_groups, destination_groups, unknown, .. } = read;
    let sides: [(&'static str, bool); 4] = [
        ("sourceAddressPrefix", rule.sources.is_empty() && source_groups.is_empty()),
        ("destinationAddressPrefix", rule.destinations.is_empty() && destination_groups.is_empty()),
        ("sourcePortRange", rule.source_ports.is_empty()),
        ("destinationPortRange", rule.destination_ports.is_empty()),
    ];
    unknown.extend(sides.iter().filter(|(_, lacks)| *lacks).map(|(name, _)| *name));
}

fn name_of_rule(view: &View<'_>) -> String {
    view.own("name").and_then(|name| name.text()).unwrap_or_else(|| name_of(view))
}

/// Prefixes of names that say where the rule in effect comes from.
const ORIGINS: [&str; 4] = ["securityrules/", "userrule_", "defaultsecurityrules/", "defaultrule_"];

fn is_effective_name(view: &View<'_>) -> bool {
    let name = name_of_rule(view).to_ascii_lowercase();
    ORIGINS.iter().any(|origin| name.starts_with(origin)) && view.own("id").is_none()
}

/// A rule's name without what logs and effective lists put before it.
///
/// ```
/// use tagwall::read::live::bare_rule_name;
/// assert_eq!(bare_rule_name("UserRule_default-allow-rdp"), "default-allow-rdp");
/// assert_eq!(bare_rule_name("securityRules/web"), "web");
/// assert_eq!(bare_rule_name("nsg-1/web"), "web");
/// ```
pub fn bare_rule_name(name: &str) -> String {
    let origin = ORIGINS
        .iter()
        .find(|origin| name.get(..origin.len()).is_some_and(|start| start.eq_ignore_ascii_case(origin)));
    let rest = origin.map_or(name, |origin| &name[origin.len()..]);
    super::names::last_name(rest).to_owned()
}

/// Reads a bare list of rules as groups, by the group that their ids name.
pub(super) fn rule_list(list: &View<'_>) -> Result<Vec<LiveGroup>, ReadError> {
    let mut groups: Vec<LiveGroup> = Vec::new();
    for item in objects(list)? {
        let item = item.view();
        let id = id_of(&item).unwrap_or_default();
        let name = part_of_id(&id, "networkSecurityGroups").unwrap_or_default().to_owned();
        let at = groups.iter().position(|group| group.name.eq_ignore_ascii_case(&name));
        let at = at.unwrap_or_else(|| {
            let end = id.to_ascii_lowercase().find("/securityrules/");
            let end = end.or_else(|| id.to_ascii_lowercase().find("/defaultsecurityrules/"));
            groups.push(LiveGroup {
                name,
                id: end.map(|end| id[..end].to_owned()),
                effective: is_effective_name(&item),
                place: list.place(),
                // Nearly always all are of one group.
                rules: Vec::with_capacity(if groups.is_empty() { list.count() } else { 0 }),
                ..LiveGroup::default()
            });
            groups.len() - 1
        });
        if is_default(&item) { groups[at].defaults += 1 } else { groups[at].rules.push(rule(&item)?) }
    }
    groups.iter_mut().for_each(|group| group.rules.shrink_to_fit());
    Ok(groups)
}

/// Reads the rules in effect of one association.
pub(super) fn effective(view: &View<'_>) -> Result<LiveGroup, ReadError> {
    let mut group = LiveGroup { effective: true, place: view.place(), ..LiveGroup::default() };
    group.id = view.id_of("networksecuritygroup");
    group.name = group.id.as_deref().map(last_part).unwrap_or("rules in effect").to_owned();
    if let Some(association) = view.own("association") {
        for key in ["networkmanager", "subnet", "networkinterface"] {
            group.applied_to.extend(association.id_of(key));
        }
    }
    if let Some(rules) = view.get("effectivesecurityrules") {
        add_rules(&mut group, &rules)?;
    }
    Ok(group)
}

/// Reads what a security group view says of one interface: the groups of its subnet and its own.
pub(super) fn group_view(view: &View<'_>) -> Result<Vec<LiveGroup>, ReadError> {
    let Some(all) = view.own("securityruleassociations") else { return Ok(Vec::new()) };
    let mut groups = Vec::new();
    for key in ["subnetassociation", "networkinterfaceassociation"] {
        let Some(association) = all.own(key) else { continue };
        let Some(rules) = association.own("securityrules") else { continue };
        let mut read = rule_list(&rules)?;
        for group in &mut read {
            group.applied_to.extend(association.own("id").and_then(|id| id.text()));
            if let Some(defaults) = all.own("defaultsecurityrules") {
                group.defaults = objects(&defaults)?.count();
            }
        }
        groups.extend(read);
    }
    if let Some(rules) = all.own("effectivesecurityrules") {
        let mut group = LiveGroup {
            name: format!("{} in effect", name_of(view)),
            effective: true,
            applied_to: id_of(view).into_iter().collect(),
            place: rules.place(),
            ..LiveGroup::default()
        };
        add_rules(&mut group, &rules)?;
        groups.push(group);
    }
    Ok(groups)
}

/// Puts rules that stand beside their groups into these, the names of which `real` knows; the same rule twice is one.
pub(super) fn adopt(groups: &mut Vec<LiveGroup>, rules: Children<LiveRule>, real: impl Fn(String) -> String) {
    let own = groups.iter().enumerate().filter(|(_, group)| !group.effective);
    let mut named = Named::of(own.map(|(at, group)| (at, group.name.as_str())));
    let joined = rules.joined(|parent, first| {
        let parent = real(parent);
        named.first([last_part(&parent), &parent]).unwrap_or_else(|| {
            let group = missing(parent, first);
            named.add(&group.name, groups.len());
            groups.push(group);
            groups.len() - 1
        })
    });
    for (at, rules) in joined {
        // What is set beside the group is what was not known of it.
        add_new(&mut groups[at].rules, rules, |rule| &rule.rule.name);
    }
}

/// A group of which only rules are there.
fn missing(parent: String, rule: &LiveRule) -> LiveGroup {
    let place = rule.place.clone();
    let why = Note::new(place.clone(), Passed::Parent("group", &parent));
    let (name, id) = name_and_id(parent);
    LiveGroup { name, id, place, incomplete: vec![why], ..LiveGroup::default() }
}
