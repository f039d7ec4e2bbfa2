"""The obvious script: read a service-tags file and merge the prefixes of every tag. Prints how many are left.

With a number behind the file it does so that many times and prints the seconds that they took, without the start of
the interpreter."""

import ipaddress
import json
import sys
import time


def collapse(path):
    left = 0
    for tag in json.load(open(path))["values"]:
        networks = [ipaddress.ip_network(p) for p in tag["properties"]["addressPrefixes"]]
        for version in (4, 6):
            left += sum(1 for _ in ipaddress.collapse_addresses(n for n in networks if n.version == version))
    return left


if len(sys.argv) == 2:
    print(collapse(sys.argv[1]))
else:
    start = time.perf_counter()
    for _ in range(int(sys.argv[2])):
        collapse(sys.argv[1])
    print(time.perf_counter() - start)
