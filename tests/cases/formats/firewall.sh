#!/usr/bin/env bash
# Written by tagwall: change the policy, not this file.
# RESOURCE_GROUP and LOCATION in the environment say where; running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

resource_group="${RESOURCE_GROUP:?set it to the name of the resource group}"
location="${LOCATION:-westeurope}"
firewall_policy="${FIREWALL_POLICY:-nasty-firewall-policy}"

scope="/subscriptions/$(az account show --query id --output tsv)/resourceGroups/$resource_group/providers/Microsoft.Network"
body="$(mktemp)"
trap 'rm -f "$body"' EXIT

put() {
  local url="$scope/$1?api-version=2025-05-01" state
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

put "firewallPolicies/$firewall_policy/ruleCollectionGroups/nasty-rules" <<BODY
{
  "properties": {
    "priority": 1000,
    "ruleCollections": [
      {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "nasty-network",
        "priority": 200,
        "action": {
          "type": "Allow"
        },
        "rules": [
          {
            "ruleType": "NetworkRule",
            "name": "a-192.0.2.1-32-any",
            "description": "policy: [parameters('x')] (as prefixes)",
            "ipProtocols": [
              "Any"
            ],
            "sourceAddresses": [
              "10.20.1.0/24"
            ],
            "destinationAddresses": [
              "192.0.2.1/32"
            ],
            "destinationPorts": [
              "*"
            ]
          },
          {
            "ruleType": "NetworkRule",
            "name": "a-198.51.100.7-32-a47163-tcp-443_8000-8010",
            "description": "policy: it's \\"q\\" \${x} \$\${y} %{z} %%{z} \$HOME \$(id) \`id\` \\\\ \\\\n [a] @b; c, {d} <e> #f //g (as prefixes)",
            "ipProtocols": [
              "TCP"
            ],
            "sourceAddresses": [
              "10.20.1.0/24"
            ],
            "destinationAddresses": [
              "198.51.100.7/32",
              "203.0.113.0/25"
            ],
            "destinationPorts": [
              "443",
              "8000-8010"
            ]
          },
          {
            "ruleType": "NetworkRule",
            "name": "b-198.51.100.7-32-a47163-tcp-443_8000-8010",
            "description": "policy: it's \\"q\\" \${x} \$\${y} %{z} %%{z} \$HOME \$(id) \`id\` \\\\ \\\\n [a] @b; c, {d} <e> #f //g (as prefixes)",
            "ipProtocols": [
              "TCP"
            ],
            "sourceAddresses": [
              "10.20.2.0/24"
            ],
            "destinationAddresses": [
              "198.51.100.7/32",
              "203.0.113.0/25"
            ],
            "destinationPorts": [
              "443",
              "8000-8010"
            ]
          },
          {
            "ruleType": "NetworkRule",
            "name": "b-Storage.WestEurope-tcp-443",
            "description": "policy (tag)",
            "ipProtocols": [
              "TCP"
            ],
            "sourceAddresses": [
              "10.20.2.0/24"
            ],
            "destinationAddresses": [
              "Storage.WestEurope"
            ],
            "destinationPorts": [
              "443"
            ]
          }
        ]
      },
      {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "nasty-application",
        "priority": 300,
        "action": {
          "type": "Allow"
        },
        "rules": [
          {
            "ruleType": "ApplicationRule",
            "name": "b-any.example.org-443",
            "description": "policy: two lines and a tab",
            "protocols": [
              {
                "protocolType": "Https",
                "port": 443
              }
            ],
            "sourceAddresses": [
              "10.20.2.0/24"
            ],
            "targetFqdns": [
              "*.example.org"
            ]
          }
        ]
      }
    ]
  }
}
BODY
