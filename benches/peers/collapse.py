"""The obvious script: read a service-tags file and merge the prefixes of every tag. Prints how many are left."""

import ipaddress
import json
import sys

left = 0
for tag in json.load(open(sys.argv[1]))["values"]:
    networks = [ipaddress.ip_network(p) for p in tag["properties"]["addressPrefixes"]]
    for version in (4, 6):
        left += sum(1 for _ in ipaddress.collapse_addresses(n for n in networks if n.version == version))
print(left)
