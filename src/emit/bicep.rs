//! Bicep files.

use std::fmt::Write;

use super::azure;
use super::format::numbers;
use super::layout::{enclosed, push_escaped};
use super::tree::{Members, Tree};
use super::words::{self, identifiers, one_or_named};
use super::{Artefact, Format, Options};
use crate::plan::{ClassicFirewall, EndpointPolicy, FileCaps, Firewall, IpGroup, Nsg, PlanParts, RouteTable};
use crate::target::{ApiVersion, Part};

const ENDING: &str = ".bicep";
const HEAD: &str = "// Written by tagwall: change the policy, not this file.\n";
const LOCATION: &str =
    "\n@description('Location of the resources.')\nparam location string = resourceGroup().location\n";

/// Bicep: `ip-groups.bicep`, `firewall.bicep`, `nsg.bicep`, `service-endpoint-policy.bicep`, `route-table.bicep`,
/// deployed in this order. What would be too large for one template becomes several files with numbers.
#[derive(Debug, Clone, Copy)]
pub struct Bicep;

impl Format for Bicep {
    fn name(&self) -> &'static str {
        "bicep"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        let (caps, version) = (plan.file_caps, options.api_version);
        let split = |part, head: &str, resources| split((part, head), resources, version, caps);
        let mut files = Vec::new();
        if !plan.ip_groups.is_empty() {
            files.extend(split(Part::IpGroups, LOCATION, ip_groups(&plan.ip_groups)));
        }
        if let Some(firewall) = plan.firewall.as_ref().filter(|f| !f.groups.is_empty()) {
            let symbols = identifiers("ipGroup_", plan.ip_groups.iter().map(|g| g.name.as_str()));
            let known: Vec<_> = plan.ip_groups.iter().map(|g| g.name.as_str()).zip(&symbols).collect();
            files.extend(split(
                Part::Firewall,
                &policy_head(firewall, &known, version),
                groups(firewall, &known),
            ));
        }
        if let Some(firewall) = plan.classic_firewall.as_ref().filter(|f| !f.collections.is_empty()) {
            let symbols = identifiers("ipGroup_", plan.ip_groups.iter().map(|g| g.name.as_str()));
            let known: Vec<_> = plan.ip_groups.iter().map(|g| g.name.as_str()).zip(&symbols).collect();
            let text = classic(firewall, &known, version);
            files.push(Artefact::of_part(Part::Firewall, None, ENDING, text).holding(1));
        }
        if !plan.nsgs.is_empty() {
            files.extend(split(Part::Nsg, LOCATION, security_groups(&plan.nsgs)));
        }
        if !plan.endpoint_policies.is_empty() {
            let resources = endpoint_policies(&plan.endpoint_policies);
            files.extend(split(Part::ServiceEndpointPolicy, LOCATION, resources));
        }
        if !plan.route_tables.is_empty() {
            files.extend(split(Part::RouteTable, LOCATION, route_tables(&plan.route_tables)));
        }
        files
    }
}

/// One resource of a file.
struct Resource {
    symbol: String,
    kind: &'static str,
    members: Members,
    /// The symbol of the resource that this one waits for.
    after: Option<String>,
    properties: Tree,
}

fn located(
    symbol: &str,
    kind: &'static str,
    name: &str,
    properties: Tree,
    after: Option<String>,
) -> Resource {
    let members = Members::default().text("name", name).with("location", Tree::Code("location".to_owned()));
    Resource { symbol: symbol.to_owned(), kind, members, after, properties }
}

fn ip_groups(groups: &[IpGroup]) -> Vec<Resource> {
    let symbols = identifiers("ipGroup_", groups.iter().map(|g| g.name.as_str()));
    let kind = "Microsoft.Network/ipGroups";
    // Azure refuses to change more than so many groups at once, so each waits for the one so many before.
    let first = std::iter::repeat_n(None, words::GROUPS_AT_ONCE);
    let before = first.chain(symbols.iter().cloned().map(Some));
    groups
        .iter()
        .zip(&symbols)
        .zip(before)
        .map(|((group, symbol), before)| located(symbol, kind, &group.name, azure::ip_group(group), before))
        .collect()
}

fn security_groups(nsgs: &[Nsg]) -> Vec<Resource> {
    let symbols = one_or_named("nsg", nsgs.iter().map(|nsg| nsg.name.as_str()));
    let kind = "Microsoft.Network/networkSecurityGroups";
    let resource = |(nsg, symbol): (&Nsg, &String)| located(symbol, kind, &nsg.name, azure::nsg(nsg), None);
    nsgs.iter().zip(&symbols).map(resource).collect()
}

fn route_tables(tables: &[RouteTable]) -> Vec<Resource> {
    let symbols = one_or_named("routeTable", tables.iter().map(|table| table.name.as_str()));
    let kind = "Microsoft.Network/routeTables";
    let resource = |(table, symbol): (&RouteTable, &String)| {
        located(symbol, kind, &table.name, azure::route_table(table), None)
    };
    tables.iter().zip(&symbols).map(resource).collect()
}

fn endpoint_policies(policies: &[EndpointPolicy]) -> Vec<Resource> {
    let symbols = identifiers("endpointPolicy_", policies.iter().map(|p| p.name.as_str()));
    let kind = "Microsoft.Network/serviceEndpointPolicies";
    let resource = |(policy, symbol): (&EndpointPolicy, &String)| {
        located(symbol, kind, &policy.name, azure::endpoint_policy(policy), None)
    };
    policies.iter().zip(&symbols).map(resource).collect()
}

/// Parameter, and what exists when the groups are deployed: the policy and the IP groups, by their symbols.
fn policy_head(firewall: &Firewall, ip_groups: &[(&str, &String)], version: ApiVersion) -> String {
    let mut out = format!(
        "\n@description('Name of the existing firewall policy.')\nparam firewallPolicyName string = {}\n",
        quoted(&firewall.policy_name)
    );
    out.push_str(&existing("firewallPolicy", "firewallPolicies", "firewallPolicyName", version));
    out.extend(ip_groups.iter().map(|(name, symbol)| existing(symbol, "ipGroups", &quoted(name), version)));
    out
}

/// A resource that exists when the file is deployed.
fn existing(symbol: &str, kind: &str, name: &str, version: ApiVersion) -> String {
    format!("\nresource {symbol} 'Microsoft.Network/{kind}@{version}' existing = {{\n  name: {name}\n}}\n")
}

/// The expression for the id of an IP group.
fn id_of(ip_groups: &[(&str, &String)], name: &str) -> String {
    let known = ip_groups.iter().find(|(known, _)| *known == name);
    format!("{}.id", known.expect("a plan holds the groups it names").1)
}

/// The firewall as it is, but for the collections that are made here.
const CLASSIC: &str = "union(firewallProperties, {
    networkRuleCollections: concat(otherNetworkRuleCollections, networkRuleCollections)
    applicationRuleCollections: concat(otherApplicationRuleCollections, applicationRuleCollections)
  })";

fn classic(firewall: &ClassicFirewall, ip_groups: &[(&str, &String)], version: ApiVersion) -> String {
    let mut out = format!(
        "{HEAD}\n@description('Name of the firewall.')\nparam firewallName string = {}\n{LOCATION}",
        quoted(&firewall.name)
    );
    for (name, kind, description) in azure::KEPT {
        write!(out, "\n@description({})\nparam {name} {kind}\n", quoted(description))
            .expect("writing to a string does not fail");
    }
    out.extend(ip_groups.iter().map(|(name, symbol)| existing(symbol, "ipGroups", &quoted(name), version)));
    let kinds = [
        ("networkRuleCollections", firewall.network()),
        ("applicationRuleCollections", firewall.application()),
    ];
    for (name, collections) in kinds {
        let trees = collections.iter().map(|c| azure::classic_collection(c, &|name| id_of(ip_groups, name)));
        write!(out, "\nvar {name} = ").expect("writing to a string does not fail");
        write(&Tree::List(trees.collect()), 0, &mut out);
        out.push('\n');
    }
    let code = |text: &str| Tree::Code(text.to_owned());
    let members = ["location", "zones", "tags"]
        .into_iter()
        .fold(Members::default().with("name", code("firewallName")), |m, k| m.with(k, code(k)));
    let resource = Resource {
        symbol: "firewall".to_owned(),
        kind: "Microsoft.Network/azureFirewalls",
        members,
        after: None,
        properties: code(CLASSIC),
    };
    out + &text_of(&resource, version)
}

fn groups(firewall: &Firewall, ip_groups: &[(&str, &String)]) -> Vec<Resource> {
    let symbols = identifiers("group_", firewall.groups.iter().map(|g| g.name.as_str()));
    let id = |name: &str| id_of(ip_groups, name);
    // Groups of one policy must be deployed one after another.
    let before = std::iter::once(None).chain(symbols.iter().cloned().map(Some));
    let resource = |((group, symbol), after): ((&crate::plan::RuleCollectionGroup, &String), _)| Resource {
        symbol: symbol.clone(),
        kind: "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        members: Members::default()
            .with("parent", Tree::Code("firewallPolicy".to_owned()))
            .text("name", &group.name),
        after,
        properties: azure::rule_collection_group(group, &id),
    };
    firewall.groups.iter().zip(&symbols).zip(before).map(resource).collect()
}

/// One file with all resources, or several in order of deployment where the template made of it would be too large. In
/// each as many resources wait for none as in one.
fn split(
    (part, head): (Part, &str),
    resources: Vec<Resource>,
    version: ApiVersion,
    caps: FileCaps,
) -> Vec<Artefact> {
    let at_once = resources.iter().take_while(|resource| resource.after.is_none()).count();
    let mut texts: Vec<(String, usize)> = Vec::new();
    let (mut room, mut places, mut there) = (0, 0, 0);
    for mut resource in resources {
        let size = weight(&text_of(&resource, version));
        if texts.is_empty() || size > room || places == 0 {
            there = 0;
            texts.push((format!("{HEAD}{head}"), 0));
            (room, places) = (caps.bytes.saturating_sub(weight(head) + 1024), caps.resources);
        }
        if there < at_once {
            // The one before is in another file, which is deployed first.
            resource.after = None;
        }
        (room, places, there) = (room.saturating_sub(size), places.saturating_sub(1), there + 1);
        let (text, held) = texts.last_mut().expect("a file was just begun");
        text.push_str(&text_of(&resource, version));
        *held += 1;
    }
    let file = |(number, (text, held))| Artefact::of_part(part, number, ENDING, text).holding(held);
    numbers(texts.len()).zip(texts).map(file).collect()
}

/// The most bytes that the template has which is made of a text: it has up to five more bytes on each line.
fn weight(text: &str) -> usize {
    text.len() + 6 * text.lines().count()
}

fn text_of(resource: &Resource, version: ApiVersion) -> String {
    let after = resource.after.clone().map(|symbol| Tree::List(vec![Tree::Code(symbol)]));
    let members = resource.members.clone().optional("dependsOn", after);
    let mut out = format!("\nresource {} '{}@{version}' = ", resource.symbol, resource.kind);
    write(&members.with("properties", resource.properties.clone()).map(), 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Tree, depth: usize, out: &mut String) {
    match value {
        Tree::Text(text) => out.push_str(&quoted(text)),
        Tree::Code(code) => out.push_str(code),
        Tree::Number(number) => write!(out, "{number}").expect("writing to a string does not fail"),
        Tree::Bool(switch) => out.push_str(if *switch { "true" } else { "false" }),
        Tree::List(items) if items.is_empty() => out.push_str("[]"),
        Tree::List(items) => {
            enclosed(['[', ']'], items, depth, out, |item, out| write(item, depth + 1, out));
        }
        Tree::Map(members) => enclosed(['{', '}'], members, depth, out, |(key, value), out| {
            out.push_str(key);
            out.push_str(": ");
            write(value, depth + 1, out);
        }),
    }
}

/// A string literal. A leading `[` needs nothing: the compiler escapes it in the template.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '$' if rest.peek() == Some(&'{') => out.push_str("\\$"),
            c => push_escaped(c, '\'', |code| format!("\\u{{{code:x}}}"), &mut out),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quoted("it's"), r"'it\'s'");
        assert_eq!(quoted("${a} $b \\ %{"), r"'\${a} $b \\ %{'");
        assert_eq!(quoted("a\nb\u{7}"), r"'a\nb\u{7}'");
        assert_eq!(quoted("[x]"), "'[x]'");
    }
}
