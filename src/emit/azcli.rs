//! Bash scripts that call the Azure command line.
//!
//! Security groups and route tables take the commands made for them. The commands for IP groups, firewall policies and
//! classic rules belong to extensions, take minutes a rule and cannot replace a group or collection as a whole: there
//! the script sends one request for each group, and one for the firewall that holds classic rules. Long lists stand in
//! files in `azcli/`, one prefix on a line.

use std::fmt::Write;

use super::azure;
use super::format::numbers;
use super::tree::{Members, Tree};
use super::words;
use super::{Artefact, Format, Options};
use crate::catalog::is_kept_by_service;
use crate::plan::{
    Action, Association, ClassicFirewall, EndpointPolicy, Firewall, IpGroup, Nsg, NsgRule, PlanParts, Route,
    RouteTable, Side,
};
use crate::target::{ApiVersion, Part};

/// The longest list that stands in a script.
const INLINE: usize = 16;

/// `ip-groups.sh`, `firewall.sh`, `nsg.sh`, `service-endpoint-policy.sh`, `route-table.sh`, run in this order.
#[derive(Debug, Clone, Copy)]
pub struct AzCli;

impl Format for AzCli {
    fn name(&self) -> &'static str {
        "azcli"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        let mut files = Vec::new();
        let mut script = |part: Part, number: Option<usize>, body: String| {
            files.push(Artefact::of_part(part, number, ".sh", format!("{}{body}", head(options))));
        };
        let mut lists = Vec::new();
        let version = options.api_version;
        if !plan.ip_groups.is_empty() {
            script(Part::IpGroups, None, ip_groups(&plan.ip_groups, version));
        }
        if let Some(firewall) = plan.firewall.as_ref().filter(|f| !f.groups.is_empty()) {
            script(Part::Firewall, None, groups(firewall, options));
        }
        if let Some(firewall) = plan.classic_firewall.as_ref().filter(|f| !f.collections.is_empty()) {
            script(Part::Firewall, None, classic(firewall, version));
        }
        for (number, nsg) in numbers(plan.nsgs.len()).zip(&plan.nsgs) {
            let several = plan.nsgs.len() > 1;
            script(Part::Nsg, number, security_group(nsg, several, &mut lists));
        }
        if !plan.endpoint_policies.is_empty() {
            script(Part::ServiceEndpointPolicy, None, endpoint_policies(&plan.endpoint_policies, version));
        }
        for (number, table) in numbers(plan.route_tables.len()).zip(&plan.route_tables) {
            script(Part::RouteTable, number, route_table(table));
        }
        if options.associations && plan.associations.iter().any(is_put) {
            script(Part::Associations, None, associations(&plan.associations));
        }
        files.extend(lists);
        files
    }
}

fn head(options: &Options) -> String {
    let group = match &options.resource_group {
        Some(name) => format!("${{RESOURCE_GROUP:-{name}}}"),
        None => "${RESOURCE_GROUP:?set it to the name of the resource group}".to_owned(),
    };
    format!(
        "#!/usr/bin/env bash\n\
         # Written by tagwall: change the policy, not this file.\n\
         # RESOURCE_GROUP and LOCATION in the environment say where; running it again changes nothing.\n\
         set -euo pipefail\n\
         cd \"$(dirname \"${{BASH_SOURCE[0]}}\")\"\n\
         \n\
         resource_group=\"{group}\"\n\
         location=\"${{LOCATION:-{}}}\"\n",
        options.location
    )
}

/// A word that the shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An option with its value in one word, so that a value that begins with `-` is none itself.
fn option(name: &str, value: &str) -> String {
    format!(" \\\n  --{name}={}", quoted(value))
}

fn words_option(name: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|v| quoted(v)).collect();
    format!(" \\\n  --{name} {}", values.join(" "))
}

const NSG_HEAD: &str = r#"
rule() {
  local name="$1"
  shift
  echo "rule $name"
  az network nsg rule create --resource-group "$resource_group" --nsg-name "$nsg" --name "$name" --output none "$@"
}

# Whether a rule is one of tagwall's, by its name, and not one that is to stay.
mine() {
  local line
  while IFS= read -r line; do
    if [[ -n "$line" && "$1" == $line ]]; then
      return 1
    fi
  done <<<"$keep"
  while IFS= read -r line; do
    if [[ -n "$line" && "$1" == "$line"* ]]; then
      return 0
    fi
  done <<<"$own"
  return 1
}

count="$(az network nsg list --resource-group "$resource_group" --query "length([?name=='$nsg'])" --output tsv)"
if [[ "$count" == 0 ]]; then
  echo "network security group $nsg"
  az network nsg create --resource-group "$resource_group" --name "$nsg" --location "$location" --output none
fi

# Rules of tagwall's that are no longer wanted, or have another priority now, go first: two rules cannot share a
# priority. Rules of others stay.
rules="$(az network nsg rule list --resource-group "$resource_group" --nsg-name "$nsg" \
  --query '[].[direction, to_string(priority), name]' --output tsv)"
while IFS=$'\t' read -r direction priority name; do
  if [[ -z "$name" || "$wanted" == *"|$direction $priority $name|"* ]]; then
    continue
  elif mine "$name"; then
    echo "delete rule $name"
    az network nsg rule delete --resource-group "$resource_group" --nsg-name "$nsg" --name "$name" --output none
  else
    echo "left as it is, since tagwall did not make it: rule $name"
  fi
done <<<"$rules"
"#;

/// What takes the place of a line of [`NSG_HEAD`] where a service keeps rules in the group: such a rule is made
/// only where the service has none in its place, under whatever name.
const KEPT_RULE: [&str; 2] = [
    "  echo \"rule $name\"\n",
    r#"  if [[ "$name" == *_UseOnly_* ]] && kept "$1" "$2"; then
    echo "left as it is, since a service keeps it: rule $name"
    return
  fi
  echo "rule $name"
"#,
];

/// Stands before that.
const KEPT_RULE_BEFORE: &str = r#"
kept() {
  local direction priority name
  while IFS=$'\t' read -r direction priority name; do
    if [[ "$name" == *_UseOnly_* && "--priority=$priority --direction=$direction" == "$1 $2" ]]; then
      return 0
    fi
  done <<<"$rules"
  return 1
}
"#;

/// What takes the place of a line of [`TABLE_HEAD`] where a service keeps routes in the table: such a route is made
/// only where the service has none in its place, under whatever name.
const KEPT_ROUTE: [&str; 2] = [
    "  echo \"route $name\"\n",
    r#"  if [[ "$name" == *_UseOnly_* ]] && kept "$1"; then
    echo "left as it is, since a service keeps it: route $name"
    return
  fi
  echo "route $name"
"#,
];

/// Stands before that.
const KEPT_ROUTE_BEFORE: &str = r#"
kept() {
  local prefix name
  while IFS=$'\t' read -r prefix name; do
    if [[ "$name" == *_UseOnly_* && "--address-prefix=${prefix,,}" == "${1,,}" ]]; then
      return 0
    fi
  done <<<"$routes"
  return 1
}
"#;

fn security_group(nsg: &Nsg, several: bool, lists: &mut Vec<Artefact>) -> String {
    let mut out = format!("nsg={}\n", quoted(&nsg.name));
    for (name, lines) in [("own", &nsg.own_names), ("keep", &nsg.keep)] {
        writeln!(out, "{name}={}", quoted(&lines.join("\n"))).expect("writing to a string does not fail");
    }
    out.push_str("wanted='|\n");
    for rule in &nsg.rules {
        let line = format!("|{} {} {}|\n", words::direction(rule.direction), rule.priority, rule.name);
        out.push_str(&line);
    }
    out.push_str("'\n");
    if nsg.rules.iter().any(|rule| is_kept_by_service(&rule.name)) {
        let [line, guarded] = KEPT_RULE;
        out.push_str(KEPT_RULE_BEFORE);
        out.push_str(&NSG_HEAD.replacen(line, guarded, 1));
    } else {
        out.push_str(NSG_HEAD);
    }
    for rule in &nsg.rules {
        out.push_str(&security_rule(if several { &nsg.name } else { "" }, rule, lists));
    }
    out
}

/// The command for a rule; `group` begins the names of its lists, where there are several groups.
fn security_rule(group: &str, rule: &NsgRule, lists: &mut Vec<Artefact>) -> String {
    let mut before = String::new();
    let mut side = |side: &str, values: Vec<String>| {
        let name = format!("{side}-address-prefixes");
        if values.len() <= INLINE {
            return words_option(&name, &values);
        }
        let group = if group.is_empty() { String::new() } else { format!("{group}.") };
        let file = format!("azcli/{group}{}.{side}.txt", rule.name);
        writeln!(before, "mapfile -t {side} <{}", quoted(&file)).expect("writing to a string does not fail");
        lists.push(Artefact::new(file, values.join("\n") + "\n"));
        format!(" \\\n  --{name} \"${{{side}[@]}}\"")
    };
    let mut either = |name: &str, value: &Side| match value.security_group() {
        Some(group) => words_option(&format!("{name}-asgs"), &[group.to_owned()]),
        None => side(name, words::side(value)),
    };
    let source = either("source", &rule.source);
    let destination = either("destination", &rule.destination);
    format!(
        "\n{before}rule {}{}{}{}{}{source}{}{destination}{}{}\n",
        quoted(&rule.name),
        option("priority", &rule.priority.to_string()),
        option("direction", words::direction(rule.direction)),
        option("access", words::access(rule.action)),
        option("protocol", words::protocol(rule.protocol)),
        words_option("source-port-ranges", &["*".to_owned()]),
        words_option("destination-port-ranges", &rule.ports.ranges()),
        option("description", &rule.description),
    )
}

const TABLE_HEAD: &str = r#"
route() {
  local name="$1"
  shift
  echo "route $name"
  az network route-table route create --resource-group "$resource_group" --route-table-name "$route_table" \
    --name "$name" --output none "$@"
}

count="$(az network route-table list --resource-group "$resource_group" --query "length([?name=='$route_table'])" \
  --output tsv)"
if [[ "$count" == 0 ]]; then
  echo "route table $route_table"
  az network route-table create --resource-group "$resource_group" --name "$route_table" --location "$location" \
    --disable-bgp-route-propagation "$disable_bgp" --output none
else
  az network route-table update --resource-group "$resource_group" --name "$route_table" \
    --disable-bgp-route-propagation "$disable_bgp" --output none
fi

# Whether a route is one of tagwall's: its names are made of what the route leads to. What a service keeps is not.
mine() {
  local text="${1//[\/:]/_}"
  [[ "$2" != *_UseOnly_* ]] &&
    [[ "$2" == default || "$2" == default-v6 || "$2" == "$1" || "$2" == "$1"-* || ("$1" == */* && "$2" == *-"$text") ]]
}

# Routes of tagwall's that are no longer wanted go first: two routes cannot share a prefix. Routes of others stay.
routes="$(az network route-table route list --resource-group "$resource_group" --route-table-name "$route_table" \
  --query '[].[addressPrefix, name]' --output tsv)"
while IFS=$'\t' read -r prefix name; do
  if [[ -z "$name" || "$wanted" == *"|$prefix $name|"* ]]; then
    continue
  elif mine "$prefix" "$name"; then
    echo "delete route $name"
    az network route-table route delete --resource-group "$resource_group" --route-table-name "$route_table" \
      --name "$name" --output none
  else
    echo "left as it is, since tagwall did not make it: route $name"
  fi
done <<<"$routes"
"#;

fn route_table(table: &RouteTable) -> String {
    let mut out =
        format!("route_table={}\ndisable_bgp={}\nwanted='|\n", quoted(&table.name), table.disable_bgp);
    for route in &table.routes {
        writeln!(out, "|{} {}|", route.to, route.name).expect("writing to a string does not fail");
    }
    out.push_str("'\n");
    if table.routes.iter().any(|route| is_kept_by_service(&route.name)) {
        let [line, guarded] = KEPT_ROUTE;
        out.push_str(KEPT_ROUTE_BEFORE);
        out.push_str(&TABLE_HEAD.replacen(line, guarded, 1));
    } else {
        out.push_str(TABLE_HEAD);
    }
    out.extend(table.routes.iter().map(route));
    out
}

fn route(route: &Route) -> String {
    let (kind, address) = words::next_hop(route.next_hop);
    let address = address.map_or_else(String::new, |a| option("next-hop-ip-address", &a));
    format!(
        "\nroute {}{}{}{address}\n",
        quoted(&route.name),
        option("address-prefix", &route.to.to_string()),
        option("next-hop-type", kind)
    )
}

/// Creates or replaces one resource and waits until Azure is done with it.
const PUT: &str = r#"
scope="/subscriptions/$(az account show --query id --output tsv)/resourceGroups/$resource_group/providers/Microsoft.Network"
body="$(mktemp)"
trap 'rm -f "$body"' EXIT

put() {
  local url="$scope/$1?api-version=API_VERSION" state
  echo "put $1"
  cat >"$body"
  az rest --method put --url "$url" --body "@$body" --output none
  until [[ "${state:=}" == Succeeded ]]; do
    state="$(az rest --method get --url "$url" --query properties.provisioningState --output tsv)"
    case "$state" in
      Succeeded) ;;
      Failed | Canceled)
        echo "$1: $state" >&2
        exit 1
        ;;
      *) sleep "${POLL_SECONDS:-10}" ;;
    esac
  done
}
"#;

/// Puts what was made on the subnets of a network, which are there.
const ASSOCIATIONS: &str = r#"
network="${NETWORK:?set it to the name of the virtual network}"
network_group="${NETWORK_RESOURCE_GROUP:-$resource_group}"
scope="/subscriptions/$(az account show --query id --output tsv)/resourceGroups/$resource_group/providers/Microsoft.Network"

# All else of a subnet stays; a subnet that is not named keeps what it has.
put_on() {
  echo "subnet $1: $3"
  az network vnet subnet update --resource-group "$network_group" --vnet-name "$network" --name "$1" \
    "--$2" "$scope/$3" --output none
}

"#;

fn is_put(association: &Association) -> bool {
    association.nsg.is_some()
        || association.route_table.is_some()
        || association.service_endpoint_policy.is_some()
}

/// The tables come last: from then on traffic takes another way.
fn associations(all: &[Association]) -> String {
    type Name = fn(&Association) -> Option<&String>;
    let kinds: [(&str, &str, Name); 3] = [
        ("network-security-group", "networkSecurityGroups", |a| a.nsg.as_ref()),
        ("service-endpoint-policy", "serviceEndpointPolicies", |a| a.service_endpoint_policy.as_ref()),
        ("route-table", "routeTables", |a| a.route_table.as_ref()),
    ];
    let mut out = ASSOCIATIONS.to_owned();
    for (option, kind, of) in kinds {
        let named = all.iter().filter_map(|a| Some((&a.subnet, of(a)?)));
        out.extend(named.map(|(subnet, name)| {
            format!("put_on {} {option} {}\n", quoted(subnet), quoted(&format!("{kind}/{name}")))
        }));
    }
    out
}

/// Puts groups of rules into the draft of a firewall policy, which has to be there, and so have the groups in the policy.
const DRAFT: &str = r#"
scope="/subscriptions/$(az account show --query id --output tsv)/resourceGroups/$resource_group/providers/Microsoft.Network"
body="$(mktemp)"
trap 'rm -f "$body"' EXIT

# The draft is a copy of the policy as it was when somebody made it; nothing here makes one or deploys it.
if ! az rest --method get --output none \
  --url "$scope/firewallPolicies/$firewall_policy/firewallPolicyDrafts/default?api-version=API_VERSION"; then
  echo "$firewall_policy has no draft: make one first" >&2
  exit 1
fi

put() {
  local url="$scope/$1"
  if ! az rest --method get --url "$url?api-version=API_VERSION" --output none; then
    echo "$1 is not in the policy, and a draft takes no new group: deploy it without draft once" >&2
    exit 1
  fi
  echo "draft of $1"
  cat >"$body"
  az rest --method put --url "$url/ruleCollectionGroupDrafts/default?api-version=API_VERSION" --body "@$body" --output none
}
"#;

fn put_head(version: ApiVersion) -> String {
    PUT.replace("API_VERSION", version.name())
}

/// A request whose body is a here-document in which the shell replaces `$location` and `$scope` only.
fn put(path: &str, body: &Tree) -> String {
    let mut text = String::new();
    write_body(body, 0, &mut text);
    format!("\nput {path} <<BODY\n{text}\nBODY\n")
}

fn located(properties: Tree) -> Tree {
    Members::default()
        .with("location", Tree::Code("$location".to_owned()))
        .with("properties", properties)
        .map()
}

fn ip_groups(groups: &[IpGroup], version: ApiVersion) -> String {
    let one =
        |group: &IpGroup| put(&quoted(&format!("ipGroups/{}", group.name)), &located(azure::ip_group(group)));
    put_head(version) + &groups.iter().map(one).collect::<String>()
}

fn endpoint_policies(policies: &[EndpointPolicy], version: ApiVersion) -> String {
    let one = |policy: &EndpointPolicy| {
        let path = quoted(&format!("serviceEndpointPolicies/{}", policy.name));
        put(&path, &located(azure::endpoint_policy(policy)))
    };
    put_head(version) + &policies.iter().map(one).collect::<String>()
}

fn groups(firewall: &Firewall, options: &Options) -> String {
    let id = |name: &str| format!("$scope/ipGroups/{name}");
    let mut out = format!("firewall_policy=\"${{FIREWALL_POLICY:-{}}}\"\n", firewall.policy_name);
    out.push_str(&match options.firewall_draft {
        true => DRAFT.replace("API_VERSION", options.api_version.name()),
        false => put_head(options.api_version),
    });
    for group in &firewall.groups {
        let body = Members::default().with("properties", azure::rule_collection_group(group, &id)).map();
        let path = format!("\"firewallPolicies/$firewall_policy/ruleCollectionGroups/{}\"", group.name);
        out.push_str(&put(&path, &body));
    }
    out
}

/// Takes the firewall as it is, puts in the collections that are made here and sends it back. The query leaves a word
/// where a collection of ours is to stand.
const CLASSIC: &str = r#"
collection() {
  printf -v "$1" '%s' "$(cat)"
}

# Puts $2 into `text` in place of the word $1.
fill() {
  local before="${text%%"\"$1\""*}" after="${text#*"\"$1\""}"
  text="$before$2$after"
}

# The firewall as it is, with all that it has beside the collections that are made here.
current() {
  local query="merge(@, {properties: merge(properties, {
QUERY  })})"
  az rest --method get --url "$scope/azureFirewalls/$firewall?api-version=API_VERSION" --query "$query" --output json
}

send() {
  local text
  text="$(current)"
FILL  put "azureFirewalls/$firewall" <<<"$text"
}
"#;

fn classic(firewall: &ClassicFirewall, version: ApiVersion) -> String {
    let id = |name: &str| format!("$scope/ipGroups/{name}");
    let kinds = [
        ("network", firewall.network_names(), firewall.network()),
        ("application", firewall.application_names(), firewall.application()),
    ];
    let (mut queries, mut fill, mut bodies) = (Vec::new(), String::new(), String::new());
    for (kind, names, collections) in kinds {
        let other: Vec<String> = names.iter().map(|name| format!("name!='{name}'")).collect();
        let others = format!("properties.{kind}RuleCollections[?{}]", other.join(" && "));
        let mut words = Vec::new();
        for collection in collections {
            let (variable, word) = match collection.action {
                Action::Deny => (format!("{kind}_denies"), format!("tagwall {kind} denies")),
                Action::Allow => (kind.to_owned(), format!("tagwall {kind} rules")),
            };
            fill += &format!("  fill '{word}' \"${variable}\"\n");
            let mut body = String::new();
            write_body(&azure::classic_collection(collection, &id), 0, &mut body);
            bodies += &format!("\ncollection {variable} <<BODY\n{body}\nBODY\n");
            words.push(format!("'{word}'"));
        }
        // Flattened, what is missing becomes an empty list.
        let own = if words.is_empty() { String::new() } else { format!(", [{}]", words.join(", ")) };
        queries.push(format!("    {kind}RuleCollections: [{others}{own}][]"));
    }
    let head = CLASSIC
        .replace("API_VERSION", version.name())
        .replace("QUERY", &(queries.join(",\n") + "\n"))
        .replace("FILL", &fill);
    format!("firewall=\"${{FIREWALL:-{}}}\"\n{}{head}{bodies}\nsend\n", firewall.name, put_head(version))
}

/// JSON for a here-document: what the shell would replace is escaped, but for expressions.
fn write_body(value: &Tree, depth: usize, out: &mut String) {
    let list = |open: char, close: char, out: &mut String, items: Vec<(String, &Tree)>| {
        out.push(open);
        for (index, (key, item)) in items.iter().enumerate() {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.extend(std::iter::repeat_n("  ", depth + 1));
            out.push_str(key);
            write_body(item, depth + 1, out);
        }
        if !items.is_empty() {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
        out.push(close);
    };
    match value {
        Tree::Code(code) => write!(out, "\"{code}\"").expect("writing to a string does not fail"),
        Tree::List(items) => list('[', ']', out, items.iter().map(|i| (String::new(), i)).collect()),
        Tree::Map(members) => {
            list('{', '}', out, members.iter().map(|(k, v)| (format!("\"{k}\": "), v)).collect());
        }
        plain => {
            let json = serde_json::to_string(plain).expect("texts and numbers always serialise");
            out.push_str(&json.replace('\\', "\\\\").replace('$', "\\$").replace('`', "\\`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        let mut body = String::new();
        write_body(&Tree::text("a\"$b`c\\"), 0, &mut body);
        assert_eq!(body, r#""a\\"\$b\`c\\\\""#);
    }
}
