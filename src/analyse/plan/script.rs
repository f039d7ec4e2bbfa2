//! Operations as a script for the Azure CLI.

use std::fmt::{self, Display, Write};

use serde_json::Value;

use super::model::Operation;
use crate::target::ApiVersion;
use crate::text::joined;

/// The operations as a script for a POSIX shell, one line each, in order. It stops at the first that fails, which is
/// safe: every step is.
///
/// ```
/// use tagwall::analyse::az_script;
/// let script = az_script(&[]);
/// assert!(script.starts_with("#!/bin/sh\n"));
/// assert!(script.contains("nothing to do"));
/// ```
pub fn az_script(operations: &[Operation]) -> String {
    let mut script = String::from(
        "#!/bin/sh\n# Made by `tagwall check --plan`. After each command every packet is decided as before or as wanted,\n\
         # so that it may stop anywhere.\nset -eu\n",
    );
    if operations.is_empty() {
        script.push_str("# There is nothing to do.\n");
        return script;
    }
    if operations.iter().any(|operation| operation.resource_group.is_none()) {
        script.push_str(": \"${RG:?the resource group}\"\n");
    }
    let of_firewall = |kind: &str| operations.iter().any(|operation| operation.kind == kind);
    if of_firewall("rule-collection-group") || of_firewall("firewall") {
        if operations.iter().any(|operation| operation.resource == "$POLICY") {
            script.push_str(": \"${POLICY:?the firewall policy}\"\n");
        }
        // Another cloud may not have it yet.
        add(&mut script, format_args!("API_VERSION=${{API_VERSION:-{}}}\n", ApiVersion::default()));
        script.push_str(REST);
    }
    if of_firewall("firewall") {
        script.push_str(CLASSIC);
    }
    if operations.iter().any(|operation| operation.kind == "ip-group" && operation.op == "put") {
        script.push_str(ADDRESSES);
    }
    script.push('\n');
    for operation in operations {
        add(&mut script, format_args!("{}\n", fmt::from_fn(|f| command(operation, f))));
    }
    script
}

fn add(script: &mut String, text: fmt::Arguments<'_>) {
    script.write_fmt(text).expect("a text takes what is written");
}

/// Requests whose end is waited for: Azure takes them long before it is done, and the next step is safe only then.
const REST: &str = r#"SUBSCRIPTION=${SUBSCRIPTION:-$(az account show --query id --output tsv)}
ALL="/subscriptions/$SUBSCRIPTION/resourceGroups"
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# Puts standard input at $1 and waits until Azure is done with it.
put() {
  cat >"$body"
  az rest --method put --url "$ALL/$1?api-version=$API_VERSION" --body "@$body" --output none
  state=
  until [ "$state" = Succeeded ]; do
    state=$(az rest --method get --url "$ALL/$1?api-version=$API_VERSION" --query properties.provisioningState --output tsv)
    case "$state" in
      Succeeded) ;;
      Failed | Canceled) echo "$1: $state" >&2; exit 1 ;;
      *) sleep "${POLL_SECONDS:-10}" ;;
    esac
  done
}

# Deletes what is at $1 and waits until it is gone.
remove() {
  az rest --method delete --url "$ALL/$1?api-version=$API_VERSION" --output none
  while state=$(az rest --method get --url "$ALL/$1?api-version=$API_VERSION" --query properties.provisioningState --output tsv 2>/dev/null); do
    case "$state" in
      Failed) echo "$1: $state" >&2; exit 1 ;;
      *) sleep "${POLL_SECONDS:-10}" ;;
    esac
  done
}
"#;

/// A firewall is one resource: what it has beside its rules is sent back as it is. The query leaves a word where the
/// collections of a kind are to stand.
const CLASSIC: &str = r#"
fill() {
  text="${text%%"\"$1\""*}$2${text#*"\"$1\""}"
}

# Puts the collections of standard input, a line for each kind, in place of those of the firewall at $1.
put_rules() {
  IFS= read -r nat
  IFS= read -r network
  IFS= read -r application
  text=$(az rest --method get --url "$ALL/$1?api-version=$API_VERSION" --output json --query \
    'merge(@, {properties: merge(properties, {natRuleCollections: `"@NAT"`, networkRuleCollections: `"@NETWORK"`, applicationRuleCollections: `"@APPLICATION"`})})')
  fill @NAT "$nat"
  fill @NETWORK "$network"
  fill @APPLICATION "$application"
  printf '%s\n' "$text" | put "$1"
}
"#;

/// An IP group that is there keeps its region, its tags and all else; a new one is made in the region of the policy file, where
/// that of the resource group may be another.
const ADDRESSES: &str = r#"
# Puts the addresses from $4 on into the IP group $2 of the resource group $1, which is made in the region $3 where it is not there.
put_addresses() {
  group=$1 name=$2 location=$3
  shift 3
  if az network ip-group show --resource-group "$group" --name "$name" --output none 2>/dev/null; then
    az network ip-group update --resource-group "$group" --name "$name" --ip-addresses "$@" --output none
  else
    az network ip-group create --resource-group "$group" --name "$name" ${location:+--location "$location"} --ip-addresses "$@" --output none
  fi
}
"#;

/// A word of the shell.
fn quoted(text: &str) -> impl Display {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:,".contains(c);
    let is_plain = !text.is_empty() && text.chars().all(plain);
    fmt::from_fn(move |f| match is_plain {
        true => f.write_str(text),
        false => write!(f, "'{}'", text.replace('\'', r"'\''")),
    })
}

fn command(operation: &Operation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let own_group = operation.resource_group.as_deref();
    let group = fmt::from_fn(|f| match own_group {
        Some(name) => quoted(name).fmt(f),
        None => f.write_str("\"$RG\""),
    });
    let of_group = with_variables(own_group.unwrap_or("$RG"));
    let network = fmt::from_fn(|f| write!(f, "{of_group}/providers/Microsoft.Network"));
    let (resource, name) = (quoted(&operation.resource), quoted(&operation.name));
    match (operation.kind, operation.op, &operation.body) {
        ("security-rule", "put", Some(body)) => {
            write!(
                f,
                "az network nsg rule create --resource-group {group} --nsg-name {resource} --name {name}{} --output none",
                fmt::from_fn(|f| rule(body, f))
            )
        }
        ("security-rule", ..) => {
            write!(
                f,
                "az network nsg rule delete --resource-group {group} --nsg-name {resource} --name {name}"
            )
        }
        ("route", "put", Some(body)) => {
            write!(
                f,
                "az network route-table route create --resource-group {group} --route-table-name {resource} --name {name}"
            )?;
            for (flag, key) in [
                ("--address-prefix", "addressPrefix"),
                ("--next-hop-type", "nextHopType"),
                ("--next-hop-ip-address", "nextHopIpAddress"),
            ] {
                if let Some(value) = body["properties"][key].as_str() {
                    write!(f, " {flag} {}", quoted(value))?;
                }
            }
            f.write_str(" --output none")
        }
        ("route", ..) => {
            write!(
                f,
                "az network route-table route delete --resource-group {group} --route-table-name {resource} --name {name}"
            )
        }
        ("ip-group", "put", Some(body)) => {
            let addresses = words(&body["properties"]["ipAddresses"]);
            let location = quoted(body["location"].as_str().unwrap_or_default());
            write!(f, "put_addresses {group} {name} {location} {addresses}")
        }
        ("ip-group", ..) => write!(f, "az network ip-group delete --resource-group {group} --name {name}"),
        ("firewall", _, Some(body)) => {
            let of = |key: &str| here(&body["properties"][key]);
            write!(
                f,
                "put_rules \"{network}/azureFirewalls/{}\" <<BODY\n{}\n{}\n{}\nBODY",
                with_variables(&operation.resource),
                of("natRuleCollections"),
                of("networkRuleCollections"),
                of("applicationRuleCollections")
            )
        }
        (_, op, body) => {
            let (policy, own) = (with_variables(&operation.resource), with_variables(&operation.name));
            let path = fmt::from_fn(|f| {
                write!(f, "\"{network}/firewallPolicies/{policy}/ruleCollectionGroups/{own}\"")
            });
            match (op, body) {
                ("put", Some(body)) => write!(f, "put {path} <<BODY\n{}\nBODY", here(body)),
                _ => write!(f, "remove {path}"),
            }
        }
    }
}

/// Variables that the script fills in.
const OURS: [&str; 3] = ["$SUBSCRIPTION", "$RG", "$POLICY"];

/// A text between double quotes, or in a here-document, in which only our variables are filled in.
fn escaped(text: &str, special: &str) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(name) = OURS.iter().find(|name| rest.starts_with(**name)) {
            made.push_str(name);
            rest = &rest[name.len()..];
            continue;
        }
        if special.contains(c) {
            made.push('\\');
        }
        made.push(c);
        rest = &rest[c.len_utf8()..];
    }
    made
}

fn with_variables(text: &str) -> String {
    escaped(text, "\"\\$`")
}

fn here(body: &Value) -> String {
    escaped(&body.to_string(), "\\$`")
}

/// A value or list as words.
fn words(value: &Value) -> impl Display {
    fmt::from_fn(move |f| match value {
        Value::Array(items) => joined(items.iter().filter_map(Value::as_str).map(quoted), " ").fmt(f),
        Value::String(text) => quoted(text).fmt(f),
        other => other.fmt(f),
    })
}

/// The flags of a security rule.
fn rule(body: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let properties = &body["properties"];
    let single = [
        ("--priority", "priority"),
        ("--direction", "direction"),
        ("--access", "access"),
        ("--protocol", "protocol"),
    ];
    for (flag, key) in single {
        write!(f, " {flag} {}", words(&properties[key]))?;
    }
    let lists = [
        ("--source-address-prefixes", "sourceAddressPrefix", "sourceAddressPrefixes"),
        ("--source-port-ranges", "sourcePortRange", "sourcePortRanges"),
        ("--destination-address-prefixes", "destinationAddressPrefix", "destinationAddressPrefixes"),
        ("--destination-port-ranges", "destinationPortRange", "destinationPortRanges"),
        ("--description", "description", "description"),
    ];
    for (flag, one, many) in lists {
        let value = if properties[one].is_null() { &properties[many] } else { &properties[one] };
        if !value.is_null() {
            write!(f, " {flag} {}", words(value))?;
        }
    }
    for (flag, key) in [
        ("--source-asgs", "sourceApplicationSecurityGroups"),
        ("--destination-asgs", "destinationApplicationSecurityGroups"),
    ] {
        if let Value::Array(groups) = &properties[key] {
            let ids = groups.iter().filter_map(|group| group["id"].as_str()).map(quoted);
            write!(f, " {flag} {}", joined(ids, " "))?;
        }
    }
    Ok(())
}
