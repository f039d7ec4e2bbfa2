//! Finds out what a document is, and hands each resource to its reader.

use std::collections::HashMap;
use std::fmt::Display;

use super::adopt::{Children, Named};
use super::model::{Live, LiveCollection, LiveRoute, LiveRule, LiveSubnet};
use super::names::{
    Passed, id_of, last_part, name_of, objects, parent_name, part_of_id, refuse_cut, type_of,
};
use super::template::{self, Scope};
use super::terraform::{self, Found};
use super::view::View;
use super::{firewall, group, network, record, route};
use crate::read::ReadError;
use crate::read::tree::Tree;

/// How deep deployments may nest; Azure's own limit is five.
const DEEPEST: usize = 8;

/// What is read so far, and what stands beside the resource that it belongs to.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) live: Live,
    rules: Children<LiveRule>,
    routes: Children<LiveRoute>,
    subnets: Vec<LiveSubnet>,
    collections: Children<LiveCollection>,
    peers: Vec<(String, Vec<String>)>,
    /// Subnets with the group or table that is put on them from outside.
    put_on: Vec<(String, Put)>,
    /// Resources of Terraform by type and local name, with their real names.
    locals: HashMap<String, HashMap<String, String>>,
    depth: usize,
    /// Whether a list that is not there is empty, as in templates and for Terraform.
    whole: bool,
}

enum Put {
    Group(String),
    Table(String),
}

type Done = Result<(), ReadError>;

/// What Terraform has beside groups and tables, and what nothing refers to.
const RULE: &str = "azurerm_network_security_rule";
const ROUTE: &str = "azurerm_route";

impl Walk {
    /// Reads a document; `given` are values of parameters from a file of their own.
    pub(super) fn document(&mut self, view: &View<'_>, given: &HashMap<String, Tree<'_>>) -> Done {
        match view.value {
            Tree::List(_) | Tree::Texts(_) | Tree::Objects(_) => self.list(view, given),
            Tree::Map(_) => self.object(view, given),
            _ => {
                refuse_cut(view)?;
                Err(ReadError::new(view.place(), "a resource or a list of them is expected"))
            }
        }
    }

    fn list(&mut self, view: &View<'_>, given: &HashMap<String, Tree<'_>>) -> Done {
        refuse_cut(view)?;
        let are_all =
            |is: fn(&View<'_>) -> bool| view.count() > 0 && view.each().all(|item| is(&item.view()));
        if are_all(group::is_rule) {
            self.live.groups.extend(group::rule_list(view)?);
        } else if route::is_effective(view) {
            self.live.tables.push(route::effective(view)?);
        } else if are_all(route::is_route) {
            for item in view.each() {
                let item = &item.view();
                let parent = id_of(item).and_then(|id| part_of_id(&id, "routeTables").map(str::to_owned));
                self.routes.push(parent.unwrap_or_else(|| "routes".to_owned()), route::route(item));
            }
        } else {
            for item in objects(view)? {
                let item = item.view();
                self.object(&item, given)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, view: &View<'_>, given: &HashMap<String, Tree<'_>>) -> Done {
        let schema = view.own("$schema").and_then(|s| s.text()).unwrap_or_default().to_ascii_lowercase();
        if schema.contains("deploymentparameters") {
            return Ok(());
        }
        let has_resources = view.own("resources").is_some();
        if schema.contains("deploymenttemplate") || (has_resources && view.own("contentversion").is_some()) {
            return self.template(view, given);
        }
        if terraform::each(view, &mut |found| self.terraform(found))? {
            self.whole = true;
            return Ok(());
        }
        if self.recorded(view)? || self.page(view, given)? {
            return Ok(());
        }
        if let Some(kind) = type_of(view)
            && self.resource(&kind, &full_name(view), view)?
        {
            return Ok(());
        }
        if self.by_members(view)? {
            return Ok(());
        }
        let inner = view.own("template").or_else(|| view.own("properties")?.own("template"));
        match inner.filter(View::is_map) {
            Some(template) => self.object(&template, given),
            None => {
                let what = type_of(view);
                let what = what.as_deref().unwrap_or("no type that is known");
                self.live.passed_over.push(view.note(Passed::Type(what)));
                Ok(())
            }
        }
    }

    /// What is no resource but an answer of Azure.
    fn recorded(&mut self, view: &View<'_>) -> Result<bool, ReadError> {
        if view.own("records").is_some() || view.own("flowrecords").is_some() {
            let odd = record::flows(view, &mut self.live.flows);
            if odd > 0 {
                self.live
                    .incomplete
                    .push(view.note(format_args!("{odd} lines of the flow log are not understood")));
            }
            return Ok(true);
        }
        if view.own("effectivesecurityrules").is_some() {
            self.live.groups.push(group::effective(view)?);
            return Ok(true);
        }
        if view.own("networksecuritygroupresult").is_some() {
            self.live.answers.extend(record::answer(view));
            return Ok(true);
        }
        if view.own("securityruleassociations").is_some() {
            self.live.groups.extend(group::group_view(view)?);
            return Ok(true);
        }
        if record::is_admin_rule(view) {
            self.live.admin_rules.push(record::admin_rule(view));
            return Ok(true);
        }
        Ok(false)
    }

    /// A page of a list, by any of the names that lists go under.
    fn page(&mut self, view: &View<'_>, given: &HashMap<String, Tree<'_>>) -> Result<bool, ReadError> {
        if type_of(view).is_some() {
            return Ok(false);
        }
        let of_views = || {
            let list = view.own("networkinterfaces")?;
            let holds = list.each().any(|item| item.view().own("securityruleassociations").is_some());
            (view.own("name").is_none() && holds).then_some(list)
        };
        let named = ["value", "data", "rows", "results", "effectiverouteswrapper"];
        let list = named.iter().find_map(|key| view.own(key).filter(View::is_list)).or_else(of_views);
        let Some(list) = list else { return Ok(false) };
        for key in ["nextlink", "skiptoken", "$skiptoken", "@odata.nextlink", "odata.nextlink"] {
            if let Some(next) = view.own(key).and_then(|next| next.text()) {
                let next = if next.len() > 60 { "" } else { next.as_str() };
                self.live.incomplete.push(view.note(format_args!(
                    "this page is not the whole list: `{key}` {next} leads to more; export all pages"
                )));
            }
        }
        let (total, here) = (view.number_of("totalrecords"), list.count());
        if let Some(total) = total.filter(|&total| total > i64::try_from(here).unwrap_or(i64::MAX)) {
            self.live.incomplete.push(view.note(format_args!("the page holds {here} of {total} records")));
        }
        if view.text_of("resulttruncated").is_some_and(|cut| cut.eq_ignore_ascii_case("true")) {
            self.live.incomplete.push(view.note("the answer was cut off (resultTruncated)"));
        }
        self.list(&list, given)?;
        Ok(true)
    }

    /// Reads a resource of that type; whether the type is known.
    fn resource(&mut self, kind: &str, name: &str, view: &View<'_>) -> Result<bool, ReadError> {
        match kind.strip_prefix("microsoft.network/") {
            Some(own) => self.of_network(own, name, view),
            None => Ok(false),
        }
    }

    /// The same of a type by what stands behind `Microsoft.Network/`.
    fn of_network(&mut self, own: &str, name: &str, view: &View<'_>) -> Result<bool, ReadError> {
        let parent = |of: &str| {
            let id = id_of(view);
            let whole = id.as_deref().and_then(|id| part_of_id(id, of).map(str::to_owned));
            whole.or_else(|| parent_name(name)).unwrap_or_default()
        };
        match own {
            "networksecuritygroups" => self.live.groups.push(group::group(view, self.whole)?),
            "networksecuritygroups/securityrules" => {
                self.rules.push(parent("networkSecurityGroups"), group::rule(view)?);
            }
            "networksecuritygroups/defaultsecurityrules" => {}
            "routetables" => self.live.tables.push(route::table(view, self.whole)?),
            "routetables/routes" => self.routes.push(parent("routeTables"), route::route(view)),
            "virtualnetworks" => {
                let (network, subnets) = network::network(view)?;
                self.live.networks.push(network);
                self.live.subnets.extend(subnets);
            }
            "virtualnetworks/subnets" => {
                let mut subnet = network::subnet(view);
                subnet.network = subnet.network.or_else(|| parent_name(name));
                self.subnets.push(subnet);
            }
            "virtualnetworks/virtualnetworkpeerings" => {
                self.peers.push((parent("virtualNetworks"), network::peered(view)));
            }
            "networkinterfaces" => self.live.interfaces.push(network::interface(view)),
            "ipgroups" => self.live.ip_groups.push(firewall::ip_group(view)),
            "firewallpolicies" => self.live.policies.push(firewall::policy(view)),
            "firewallpolicies/rulecollectiongroups" | "firewallpolicies/rulegroups" => {
                self.live.collection_groups.push(firewall::collection_group(view, self.whole)?);
            }
            "azurefirewalls" => self.live.firewalls.push(firewall::firewall(view)?),
            _ if own.starts_with("networkmanagers/") && own.ends_with("/rules") => {
                self.live.admin_rules.push(record::admin_rule(view));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads an object without type and id by what it holds.
    fn by_members(&mut self, view: &View<'_>) -> Result<bool, ReadError> {
        let has = |keys: &[&str]| view.any(keys).is_some();
        let kind = if has(&["securityrules", "defaultsecurityrules"]) {
            "networksecuritygroups"
        } else if has(&["routes"]) {
            "routetables"
        } else if has(&["rulecollections"]) {
            "firewallpolicies/rulecollectiongroups"
        } else if has(&["networkrulecollections", "applicationrulecollections", "natrulecollections"]) {
            "azurefirewalls"
        } else if has(&["ipaddresses"]) && has(&["firewalls", "firewallpolicies", "name"]) {
            "ipgroups"
        } else if has(&["addressspace"]) {
            "virtualnetworks"
        } else if group::is_rule(view) {
            "networksecuritygroups/securityrules"
        } else if route::is_route(view) {
            "routetables/routes"
        } else if has(&["addressprefix", "addressprefixes"]) && has(&["name"]) {
            "virtualnetworks/subnets"
        } else {
            return Ok(false);
        };
        self.of_network(kind, &full_name(view), view)
    }

    fn template(&mut self, view: &View<'_>, given: &HashMap<String, Tree<'_>>) -> Done {
        if self.depth >= DEEPEST {
            self.live.incomplete.push(view.note("deployments nest too deeply"));
            return Ok(());
        }
        self.depth += 1;
        let before = std::mem::replace(&mut self.whole, true);
        let scope = Scope::of(view.value, given);
        let resources = view.own("resources");
        let is_list = resources.as_ref().is_some_and(View::is_list);
        for item in resources.iter().filter(|_| is_list).flat_map(View::each) {
            self.of_template(&item.view(), item.value(), &scope)?;
        }
        for (_, resource) in resources.iter().filter(|_| !is_list).flat_map(View::members) {
            self.of_template(&resource, resource.value, &scope)?;
        }
        if resources.is_some_and(|list| list.text().is_some()) {
            self.live.incomplete.push(view.note("the resources of the template are not known"));
        }
        self.depth -= 1;
        self.whole = before;
        Ok(())
    }

    /// A resource of a template: whether it is made at all, how often, and with what. Its value refers to nothing but the
    /// document, as what is worked out has to.
    fn of_template<'d>(&mut self, view: &View<'_>, value: &Tree<'d>, scope: &Scope<'d>) -> Done {
        let is_existing = template::member(value, "existing") == Some(&Tree::Bool(true));
        let condition = template::member(value, "condition").map(|condition| scope.resolve(condition));
        let condition = condition.as_deref();
        let never = matches!(condition, Some(Tree::Bool(false)))
            || matches!(condition, Some(Tree::Text(text)) if text.eq_ignore_ascii_case("false"));
        if is_existing || never {
            return Ok(());
        }
        let kind = template::member(value, "type").map(|kind| scope.resolve(kind));
        let kind = if let Some(Tree::Text(kind)) = kind.as_deref() { kind } else { "" };
        let Some(each) = template::member(value, "copy") else {
            if let Some(Tree::Code(code)) = condition {
                self.uncertain(view, kind, format_args!("whether it is made depends on [{code}]"));
            }
            return self.made(view, value, scope);
        };
        let name = match template::member(each, "name") {
            Some(Tree::Text(name)) => name.as_ref(),
            _ => "",
        };
        let made = scope.repeat(each, name, |scope| self.made(view, value, scope));
        match made {
            Some(results) => results.into_iter().collect(),
            None => {
                self.uncertain(view, kind, "how often it is made is not known");
                Ok(())
            }
        }
    }

    /// Says that a resource which matters here may or may not be there.
    fn uncertain(&mut self, view: &View<'_>, kind: &str, why: impl Display) {
        if kind.to_ascii_lowercase().starts_with("microsoft.network/") {
            self.live.incomplete.push(view.note(format_args!("{kind}: {why}")));
        }
    }

    /// A resource with its expressions worked out.
    fn made<'d>(&mut self, view: &View<'_>, value: &Tree<'d>, scope: &Scope<'d>) -> Done {
        let kind = template::member(value, "type").map(|kind| scope.resolve(kind));
        if matches!(kind.as_deref(), Some(Tree::Text(kind)) if kind.to_ascii_lowercase() == "microsoft.resources/deployments")
        {
            return self.deployment(view, value, scope);
        }
        let resolved = scope.resolve(value);
        self.placed(&view.with(&resolved), None)
    }

    /// A resource and those in it; `parent` is the type and name of the one that it stands in.
    fn placed(&mut self, view: &View<'_>, parent: Option<(&str, &str)>) -> Done {
        let Some(Tree::Text(kind)) = template::member(view.value, "type") else { return Ok(()) };
        let kind = kind.split('@').next().unwrap_or_default().to_ascii_lowercase();
        let own = full_name(view);
        let (kind, name) = match parent {
            Some((outer, before)) => (format!("{outer}/{kind}"), format!("{before}/{own}")),
            None => (kind, own),
        };
        if !self.resource(&kind, &name, view)? && kind.starts_with("microsoft.network/") {
            self.live.passed_over.push(view.note(Passed::Type(&kind)));
        }
        for child in view.own("resources").iter().flat_map(View::each) {
            self.placed(&child.view(), Some((&kind, &name)))?;
        }
        Ok(())
    }

    /// A deployment in a template: its own template, in its own scope or in that of the outer one.
    fn deployment<'d>(&mut self, view: &View<'_>, value: &Tree<'d>, scope: &Scope<'d>) -> Done {
        let Some(properties) = view.own("properties") else { return Ok(()) };
        let Some(inner) = properties.own("template") else {
            self.live.incomplete.push(view.note("a deployment whose template is not in the file"));
            return Ok(());
        };
        let options =
            properties.own("expressionevaluationoptions").and_then(|options| options.text_of("scope"));
        let of_deployment = |key: &str| {
            template::member(template::member(value, "properties")?, key).map(|own| scope.resolve(own))
        };
        if options.is_some_and(|scope| scope.eq_ignore_ascii_case("inner")) {
            let given: HashMap<String, Tree<'_>> = match of_deployment("parameters") {
                Some(parameters) => template::given(&Tree::map([("parameters", parameters.into_owned())])),
                None => HashMap::new(),
            };
            return self.template(&inner, &given);
        }
        match of_deployment("template") {
            Some(resolved) => self.template(&inner.with(&resolved), &HashMap::new()),
            None => Ok(()),
        }
    }

    fn terraform(&mut self, found: &Found<'_>) -> Done {
        self.whole = true;
        let merged = found.unknown.map(|unknown| terraform::with_unknown(found.view.value, unknown));
        let view = match &merged {
            Some(merged) => found.view.with(merged),
            None => found.view.clone(),
        };
        let kind = found.kind.as_str();
        let name = name_of(&view);
        if ![RULE, ROUTE].contains(&kind) {
            let of_kind = self.locals.entry(found.kind.clone()).or_default();
            of_kind.insert(found.local.clone(), name.clone());
        }
        match kind {
            RULE => {
                let group = view.text_of("networksecuritygroupname").unwrap_or_default();
                self.rules.push(group, group::rule(&view)?);
            }
            ROUTE => {
                self.routes.push(view.text_of("routetablename").unwrap_or_default(), route::route(&view));
            }
            "azurerm_subnet" => self.subnets.push(network::subnet(&view)),
            "azurerm_subnet_network_security_group_association" => {
                let group = view.text_of("networksecuritygroupid").unwrap_or_default();
                self.put_on.push((view.text_of("subnetid").unwrap_or_default(), Put::Group(group)));
            }
            "azurerm_subnet_route_table_association" => {
                let table = view.text_of("routetableid").unwrap_or_default();
                self.put_on.push((view.text_of("subnetid").unwrap_or_default(), Put::Table(table)));
            }
            _ if kind.starts_with("azurerm_firewall_") && kind.ends_with("_rule_collection") => {
                let (name, collection) = firewall::beside(&view, kind)?;
                self.collections.push(name, collection);
            }
            _ => {
                let own = match kind {
                    "azurerm_network_security_group" => "networksecuritygroups",
                    "azurerm_route_table" => "routetables",
                    "azurerm_virtual_network" => "virtualnetworks",
                    "azurerm_network_interface" => "networkinterfaces",
                    "azurerm_ip_group" => "ipgroups",
                    "azurerm_firewall" => "azurefirewalls",
                    "azurerm_firewall_policy" => "firewallpolicies",
                    "azurerm_firewall_policy_rule_collection_group" => {
                        "firewallpolicies/rulecollectiongroups"
                    }
                    _ => return Ok(()),
                };
                self.of_network(own, &name, &view)?;
            }
        }
        Ok(())
    }

    /// The real name of what a reference in Terraform's configuration leads to.
    fn named(&self, parent: String) -> String {
        let local = terraform::reference(&parent);
        let known = local.and_then(|(kind, name)| self.locals.get(kind)?.get(name));
        known.cloned().unwrap_or(parent)
    }

    /// Puts together what stood apart.
    pub(super) fn finish(mut self) -> Live {
        let mut live = std::mem::take(&mut self.live);
        group::adopt(&mut live.groups, std::mem::take(&mut self.rules), |name| self.named(name));
        route::adopt(&mut live.tables, std::mem::take(&mut self.routes), |name| self.named(name));
        firewall::adopt(&mut live.firewalls, std::mem::take(&mut self.collections), |name| self.named(name));
        self.live = live;
        let mut subnets = std::mem::take(&mut self.subnets);
        for subnet in &mut subnets {
            subnet.network = subnet.network.take().map(|name| self.named(name));
        }
        network::adopt(&mut self.live.subnets, subnets);
        let networks = self.live.networks.iter().enumerate().map(|(at, network)| (at, network.name.as_str()));
        let named = Named::of(networks);
        for (name, peers) in std::mem::take(&mut self.peers) {
            if let Some(at) = named.first([name.as_str()]) {
                self.live.networks[at].peers.extend(peers);
            }
        }
        self.put_on_subnets();
        self.live
    }

    /// Puts groups and tables on subnets where that is said outside of these.
    fn put_on_subnets(&mut self) {
        if self.put_on.is_empty() {
            return;
        }
        let subnets = &self.live.subnets;
        let by_id =
            Named::of(subnets.iter().enumerate().filter_map(|(at, own)| Some((at, own.id.as_deref()?))));
        let by_name = Named::of(subnets.iter().enumerate().map(|(at, own)| (at, own.name.as_str())));
        for (subnet, put) in std::mem::take(&mut self.put_on) {
            let subnet = self.named(subnet);
            let found = [by_id.first([subnet.as_str()]), by_name.first([last_part(&subnet)])];
            let Some(at) = found.into_iter().flatten().min() else { continue };
            match put {
                Put::Group(group) => self.live.subnets[at].group = Some(self.named(group)),
                Put::Table(table) => self.live.subnets[at].table = Some(self.named(table)),
            }
        }
    }
}

/// The name as it stands, with those of parents.
fn full_name(view: &View<'_>) -> String {
    view.own("name").and_then(|name| name.text()).unwrap_or_default()
}
