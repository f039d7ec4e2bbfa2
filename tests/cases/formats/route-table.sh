#!/usr/bin/env bash
# Written by tagwall: change the policy, not this file.
# RESOURCE_GROUP and LOCATION in the environment say where; running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

resource_group="${RESOURCE_GROUP:?set it to the name of the resource group}"
location="${LOCATION:-westeurope}"
route_table='nasty-routes'
disable_bgp=false
wanted='|
|0.0.0.0/0 default|
|::/0 default-v6|
'

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

route 'default' \
  --address-prefix='0.0.0.0/0' \
  --next-hop-type='VirtualAppliance' \
  --next-hop-ip-address='10.20.255.4'

route 'default-v6' \
  --address-prefix='::/0' \
  --next-hop-type='VirtualAppliance' \
  --next-hop-ip-address='2001:db8::4'
