#!/usr/bin/env bash
# Written by tagwall: change the policy, not this file.
# RESOURCE_GROUP and LOCATION in the environment say where; running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

resource_group="${RESOURCE_GROUP:?set it to the name of the resource group}"
location="${LOCATION:-westeurope}"
firewall="${FIREWALL:-classic-firewall}"

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
    networkRuleCollections: [properties.networkRuleCollections[?name!='classic-network'], ['tagwall network rules']][],
    applicationRuleCollections: [properties.applicationRuleCollections[?name!='classic-application'], ['tagwall application rules']][]
  })})"
  az rest --method get --url "$scope/azureFirewalls/$firewall?api-version=2025-05-01" --query "$query" --output json
}

send() {
  local text
  text="$(current)"
  fill 'tagwall network rules' "$network"
  fill 'tagwall application rules' "$application"
  put "azureFirewalls/$firewall" <<<"$text"
}

collection network <<BODY
{
  "name": "classic-network",
  "properties": {
    "priority": 400,
    "action": {
      "type": "Allow"
    },
    "rules": [
      {
        "name": "a-198.51.100.7-32-f3a40f-tcp-443_8000-8010",
        "description": "policy: it's \\"q\\" \${x} \$\${y} %{z} %%{z} \$HOME \$(id) \`id\` \\\\ \\\\n [a] @b; c, {d} <e> #f //g (as prefixes)",
        "protocols": [
          "TCP"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
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
        "name": "a-AzureActiveDirectory-tcp-443",
        "description": "aml-compute aml-f2/tag: directory graph, by which the service looks up identities (tag)",
        "protocols": [
          "TCP"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "destinationAddresses": [
          "AzureActiveDirectory"
        ],
        "destinationPorts": [
          "443"
        ]
      },
      {
        "name": "a-AzureMachineLearning-tcp-443_8787_18881",
        "description": "aml-compute aml-o1: Azure Machine Learning service (tag)",
        "protocols": [
          "TCP"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "destinationAddresses": [
          "AzureMachineLearning"
        ],
        "destinationPorts": [
          "443",
          "8787",
          "18881"
        ]
      },
      {
        "name": "a-AzureMachineLearning-udp-5831",
        "description": "aml-compute aml-o2: managing the compute (tag)",
        "protocols": [
          "UDP"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "destinationAddresses": [
          "AzureMachineLearning"
        ],
        "destinationPorts": [
          "5831"
        ]
      },
      {
        "name": "a-BatchNodeManagement.WestEurope-any-443",
        "description": "aml-compute aml-o3: Azure Batch, on which the compute is built (as IP group)",
        "protocols": [
          "Any"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "destinationIpGroups": [
          "$scope/ipGroups/classic-BatchNodeManagement.WestEurope"
        ],
        "destinationPorts": [
          "443"
        ]
      },
      {
        "name": "a-Storage.WestEurope-tcp-443",
        "description": "aml-compute aml-o4, policy: storage accounts of Azure Batch and of the workspace (tag)",
        "protocols": [
          "TCP"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "destinationAddresses": [
          "Storage.WestEurope"
        ],
        "destinationPorts": [
          "443"
        ]
      },
      {
        "name": "a-time.example.net-udp-123",
        "description": "policy (host name in a network rule)",
        "protocols": [
          "UDP"
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "destinationFqdns": [
          "time.example.net"
        ],
        "destinationPorts": [
          "123"
        ]
      }
    ]
  }
}
BODY

collection application <<BODY
{
  "name": "classic-application",
  "properties": {
    "priority": 500,
    "action": {
      "type": "Allow"
    },
    "rules": [
      {
        "name": "a-WindowsUpdate-80_443",
        "description": "policy",
        "protocols": [
          {
            "protocolType": "Http",
            "port": 80
          },
          {
            "protocolType": "Https",
            "port": 443
          }
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "fqdnTags": [
          "WindowsUpdate"
        ]
      },
      {
        "name": "a-any.example.org-80_443",
        "description": "policy",
        "protocols": [
          {
            "protocolType": "Http",
            "port": 80
          },
          {
            "protocolType": "Https",
            "port": 443
          }
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "targetFqdns": [
          "*.example.org"
        ]
      },
      {
        "name": "a-example.org-80_443",
        "description": "policy",
        "protocols": [
          {
            "protocolType": "Http",
            "port": 80
          },
          {
            "protocolType": "Https",
            "port": 443
          }
        ],
        "sourceAddresses": [
          "10.20.1.0/24",
          "10.20.3.0/24"
        ],
        "targetFqdns": [
          "example.org"
        ]
      }
    ]
  }
}
BODY

send
