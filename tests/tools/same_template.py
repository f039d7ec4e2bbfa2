#!/usr/bin/env python3
"""Compares the resources of two ARM templates. usage: same_template.py A.json B.json; exit 0 if they are equal."""
import difflib
import json
import sys

a, b = (json.dumps(json.load(open(f))["resources"], sort_keys=True, indent=1).splitlines() for f in sys.argv[1:3])
for line in list(difflib.unified_diff(a, b, lineterm=""))[:40]:
    print(line)
sys.exit(a != b)
