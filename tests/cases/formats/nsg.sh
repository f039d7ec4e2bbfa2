#!/usr/bin/env bash
# Written by tagwall: change the policy, not this file.
# RESOURCE_GROUP and LOCATION in the environment say where; running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

resource_group="${RESOURCE_GROUP:?set it to the name of the resource group}"
location="${LOCATION:-westeurope}"
nsg='nasty-nsg'
own='a-in-
a-out-
b-in-
b-out-
shared-in-
shared-out-
vnet-in
vnet-out
load-balancer-in
deny-rest-'
keep=''
wanted='|
|Inbound 1124 a-in-any-icmp|
|Inbound 2049 a-in-any-icmp-v6|
|Inbound 2974 b-in-any-icmp|
|Inbound 4000 vnet-in|
|Inbound 4001 vnet-in-v6|
|Inbound 4050 load-balancer-in|
|Inbound 4096 deny-rest-in|
|Outbound 815 a-out-192.0.2.1-32-any|
|Outbound 1432 a-out-192.0.2.2-32-esp|
|Outbound 2049 a-out-198.51.100.7-32-a47163-tcp-443_8000-8010-v6|
|Outbound 2666 b-out-Storage.WestEurope-tcp-443|
|Outbound 3283 shared-out-198.51.100.7-32-a47163-tcp-443_8000-8010|
|Outbound 4000 vnet-out|
|Outbound 4001 vnet-out-v6|
|Outbound 4096 deny-rest-out|
'

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

rule 'a-in-any-icmp' \
  --priority='1124' \
  --direction='Inbound' \
  --access='Allow' \
  --protocol='Icmp' \
  --source-address-prefixes '*' \
  --source-port-ranges '*' \
  --destination-address-prefixes '10.20.1.0/24' \
  --destination-port-ranges '*' \
  --description='policy'

rule 'a-in-any-icmp-v6' \
  --priority='2049' \
  --direction='Inbound' \
  --access='Allow' \
  --protocol='Icmp' \
  --source-address-prefixes '*' \
  --source-port-ranges '*' \
  --destination-address-prefixes '2001:db8:0:1::/64' \
  --destination-port-ranges '*' \
  --description='policy'

rule 'b-in-any-icmp' \
  --priority='2974' \
  --direction='Inbound' \
  --access='Allow' \
  --protocol='Icmp' \
  --source-address-prefixes '*' \
  --source-port-ranges '*' \
  --destination-address-prefixes '10.20.2.0/24' \
  --destination-port-ranges '*' \
  --description='policy'

rule 'vnet-in' \
  --priority='4000' \
  --direction='Inbound' \
  --access='Allow' \
  --protocol='*' \
  --source-address-prefixes '10.20.0.0/16' \
  --source-port-ranges '*' \
  --destination-address-prefixes '10.20.0.0/16' \
  --destination-port-ranges '*' \
  --description='Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'

rule 'vnet-in-v6' \
  --priority='4001' \
  --direction='Inbound' \
  --access='Allow' \
  --protocol='*' \
  --source-address-prefixes '2001:db8::/48' \
  --source-port-ranges '*' \
  --destination-address-prefixes '2001:db8::/48' \
  --destination-port-ranges '*' \
  --description='Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'

rule 'load-balancer-in' \
  --priority='4050' \
  --direction='Inbound' \
  --access='Allow' \
  --protocol='*' \
  --source-address-prefixes 'AzureLoadBalancer' \
  --source-port-ranges '*' \
  --destination-address-prefixes '*' \
  --destination-port-ranges '*' \
  --description='Health probes of Azure Load Balancer'

rule 'deny-rest-in' \
  --priority='4096' \
  --direction='Inbound' \
  --access='Deny' \
  --protocol='*' \
  --source-address-prefixes '*' \
  --source-port-ranges '*' \
  --destination-address-prefixes '*' \
  --destination-port-ranges '*' \
  --description='What is not allowed above is denied, before Azure'\''s default rules can allow it'

rule 'a-out-192.0.2.1-32-any' \
  --priority='815' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='*' \
  --source-address-prefixes '10.20.1.0/24' \
  --source-port-ranges '*' \
  --destination-address-prefixes '192.0.2.1/32' \
  --destination-port-ranges '*' \
  --description='policy: [parameters('\''x'\'')] (192.0.2.1/32 as prefixes)'

rule 'a-out-192.0.2.2-32-esp' \
  --priority='1432' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='Esp' \
  --source-address-prefixes '10.20.1.0/24' \
  --source-port-ranges '*' \
  --destination-address-prefixes '192.0.2.2/32' \
  --destination-port-ranges '*' \
  --description='policy: =1+1 (192.0.2.2/32 as prefixes)'

rule 'a-out-198.51.100.7-32-a47163-tcp-443_8000-8010-v6' \
  --priority='2049' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='Tcp' \
  --source-address-prefixes '2001:db8:0:1::/64' \
  --source-port-ranges '*' \
  --destination-address-prefixes '2001:db8:f::/56' \
  --destination-port-ranges '443' '8000-8010' \
  --description='policy: it'\''s "q" ${x} $${y} %{z} %%{z} $HOME $(id) `id` \ \n [a] @b; c, {d} <e> #f //g (198.51.100.7/32, 203.0.113.0/25, 2001:db8:f::/56 as…'

rule 'b-out-Storage.WestEurope-tcp-443' \
  --priority='2666' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='Tcp' \
  --source-address-prefixes '10.20.2.0/24' \
  --source-port-ranges '*' \
  --destination-address-prefixes 'Storage.WestEurope' \
  --destination-port-ranges '443' \
  --description='policy (tag Storage.WestEurope)'

rule 'shared-out-198.51.100.7-32-a47163-tcp-443_8000-8010' \
  --priority='3283' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='Tcp' \
  --source-address-prefixes '10.20.1.0/24' '10.20.2.0/24' \
  --source-port-ranges '*' \
  --destination-address-prefixes '198.51.100.7/32' '203.0.113.0/25' \
  --destination-port-ranges '443' '8000-8010' \
  --description='policy: it'\''s "q" ${x} $${y} %{z} %%{z} $HOME $(id) `id` \ \n [a] @b; c, {d} <e> #f //g (198.51.100.7/32, 203.0.113.0/25, 2001:db8:f::/56 as…'

rule 'vnet-out' \
  --priority='4000' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='*' \
  --source-address-prefixes '10.20.0.0/16' \
  --source-port-ranges '*' \
  --destination-address-prefixes '10.20.0.0/16' \
  --destination-port-ranges '*' \
  --description='Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'

rule 'vnet-out-v6' \
  --priority='4001' \
  --direction='Outbound' \
  --access='Allow' \
  --protocol='*' \
  --source-address-prefixes '2001:db8::/48' \
  --source-port-ranges '*' \
  --destination-address-prefixes '2001:db8::/48' \
  --destination-port-ranges '*' \
  --description='Inside the virtual network, by its address space: the tag VirtualNetwork would hold more'

rule 'deny-rest-out' \
  --priority='4096' \
  --direction='Outbound' \
  --access='Deny' \
  --protocol='*' \
  --source-address-prefixes '*' \
  --source-port-ranges '*' \
  --destination-address-prefixes '*' \
  --destination-port-ranges '*' \
  --description='What is not allowed above is denied, before Azure'\''s default rules can allow it'
