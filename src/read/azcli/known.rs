//! The parts of a script that are the same in every one, as they must stand there to the letter: whatever else a shell
//! could do in their place is not worked out but refused. Each says what the commands around it mean.

/// Stops at the first command that fails, and finds lists beside the script.
pub(super) const HEAD: &str = r#"#!/usr/bin/env bash
# Written by tagwall: change the policy, not this file.
# RESOURCE_GROUP and LOCATION in the environment say where; running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

"#;

/// Stands for the default where the policy names no resource group.
pub(super) const NO_GROUP: &str =
    "resource_group=\"${RESOURCE_GROUP:?set it to the name of the resource group}\"\n";

/// `rule NAME OPTIONS` makes a rule of the group `$nsg`; those of tagwall's, by `$own` and `$keep`, that `$wanted` does not list
/// are deleted.
pub(super) const RULES: &str = r#"
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

/// `route NAME OPTIONS` makes a route of the table `$route_table`; those of tagwall's that `$wanted` does not list are
/// deleted.
pub(super) const ROUTES: &str = r#"
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

/// What takes the place of a line of [`RULES`] where a service keeps rules in the group: such a rule is made
/// only where the service has none in its place, under whatever name.
pub(super) const KEPT_RULE: [&str; 2] = [
    "  echo \"rule $name\"\n",
    r#"  if [[ "$name" == *_UseOnly_* ]] && kept "$1" "$2"; then
    echo "left as it is, since a service keeps it: rule $name"
    return
  fi
  echo "rule $name"
"#,
];

/// Stands before that.
pub(super) const KEPT_RULE_BEFORE: &str = r#"
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

/// What takes the place of a line of [`ROUTES`] where a service keeps routes in the table: such a route is made
/// only where the service has none in its place, under whatever name.
pub(super) const KEPT_ROUTE: [&str; 2] = [
    "  echo \"route $name\"\n",
    r#"  if [[ "$name" == *_UseOnly_* ]] && kept "$1"; then
    echo "left as it is, since a service keeps it: route $name"
    return
  fi
  echo "route $name"
"#,
];

/// Stands before that.
pub(super) const KEPT_ROUTE_BEFORE: &str = r#"
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

/// Where the version of the API stands in the texts here.
pub(super) const VERSION: &str = "API_VERSION";

/// `put_on SUBNET OPTION RESOURCE` puts a resource on a subnet that is there.
pub(super) const ASSOCIATIONS: &str = r#"
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

/// `put PATH <<BODY` puts a group of rules into the draft of the firewall policy.
pub(super) const DRAFT: &str = r#"
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

/// The line of [`DRAFT`] that no other head has, with what stands before it.
pub(super) const IS_DRAFT: &str = "# The draft is a copy of the policy";

/// `put PATH <<BODY` makes or replaces the resource at a path of `Microsoft.Network`, and waits for it.
pub(super) const PUT: &str = r#"
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

/// `collection KIND <<BODY` keeps a collection; between this and [`CURRENT`] stands what is asked of the firewall.
pub(super) const COLLECTION: &str = r#"
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
"#;

pub(super) const CURRENT: &str = r#"  })})"
  az rest --method get --url "$scope/azureFirewalls/$firewall?api-version=API_VERSION" --query "$query" --output json
}

send() {
  local text
  text="$(current)"
"#;

/// Sends the firewall back with the collections in it.
pub(super) const SEND: &str = r#"  put "azureFirewalls/$firewall" <<<"$text"
}
"#;
