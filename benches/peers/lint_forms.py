#!/usr/bin/env python3
"""SSH open and closed to the Internet, in every form of tests/laws/lint.rs, as `tagwall lint` and checkov see it.

usage: lint_forms.py TAGWALL CHECKOV

CHECKOV is the command of checkov's Python package. Each form is a template with one security group. Prints for both how
many of the open forms are found and how many of the closed ones are taken for open, and which forms they differ on.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

if len(sys.argv) != 3:
    sys.exit(__doc__)
tagwall, checkov = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:])
source = (pathlib.Path(__file__).resolve().parents[2] / "tests/laws/lint.rs").read_text()


def forms(name):
    body = re.search(rf"const {name}: &\[&str\] = &\[(.*?)\];", source, re.S)[1]
    return re.findall(r'"([^"]*)"', body)


def side(properties, one, many, text):
    parts = text.split(",")
    properties.update({one: parts[0]} if len(parts) == 1 else {many: parts})


def rule(line):
    priority, access, protocol, sources, ports, *rest = line.split()
    more = dict(field.split("=") for field in rest)
    properties = {"priority": int(priority), "access": access, "protocol": protocol, "direction": more.get("dir", "Inbound")}
    side(properties, "sourceAddressPrefix", "sourceAddressPrefixes", sources)
    side(properties, "destinationAddressPrefix", "destinationAddressPrefixes", more.get("to", "*"))
    side(properties, "sourcePortRange", "sourcePortRanges", more.get("sport", "*"))
    side(properties, "destinationPortRange", "destinationPortRanges", ports)
    return {"name": f"rule-{priority}", "properties": properties}


def template(form):
    rules = [rule(line) for line in form.split(";")]
    group = {"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2024-05-01", "name": "group", "location": "westeurope",
             "properties": {"securityRules": rules}}
    return {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
            "resources": [group]}


folder = pathlib.Path(tempfile.mkdtemp(prefix="lint-forms-"))
named = {}
for kind in ["OPEN", "CLOSED"]:
    for at, form in enumerate(forms(kind)):
        named[f"{kind}-{at:02}.json"] = form
        (folder / f"{kind}-{at:02}.json").write_text(json.dumps(template(form), indent=2))

ours = set()
for name in named:
    done = subprocess.run([tagwall, "lint", name, "--snapshot", "sample", "--format", "json", "--fail-on", "never"], cwd=folder,
                          capture_output=True, text=True, check=True)
    if any(f["id"] == "TW010" and "22 (SSH)" in f["message"] for f in json.loads(done.stdout)["findings"]):
        ours.add(name)
done = subprocess.run([checkov, "-d", str(folder), "--framework", "arm", "--check", "CKV_AZURE_10", "-o", "json", "--compact", "--quiet"],
                      capture_output=True, text=True)
answer = json.loads(done.stdout)
theirs = {pathlib.Path(check["file_path"]).name for check in answer["results"]["failed_checks"]}
version = answer["summary"]["checkov_version"]

print(f"| | open forms found | closed forms taken for open |\n|---|--:|--:|")
for who, found in [("`tagwall lint`", ours), (f"checkov {version} (CKV_AZURE_10)", theirs)]:
    counts = []
    for kind in ["OPEN", "CLOSED"]:
        all_of = [name for name in named if name.startswith(kind + "-")]
        counts.append(f"{sum(name in found for name in all_of)} of {len(all_of)}")
    print(f"| {who} | {counts[0]} | {counts[1]} |")
print()
for name in sorted(ours ^ theirs):
    print(f"{'only tagwall' if name in ours else 'only checkov'}: {named[name]}")
