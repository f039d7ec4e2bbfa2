#!/usr/bin/env python3
"""Runs the scripts of the format azcli with the real az against a resource manager on the loopback interface.

usage: az_loopback.py OUTPUT-DIR WORK-DIR

OUTPUT-DIR holds the scripts and the ARM templates of one generation; WORK-DIR gets a virtual environment (`venv`, with
the package azure-cli) unless there is one. Each script runs twice; after each run the resources that az sent must be
those of the ARM templates, and rules and routes that were there before and are not wanted must be gone. Nothing but
127.0.0.1 is talked to. Exit 0 if everything was equal, 1 if not, 2 if it could not run.
"""
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
import time

import classic_firewall

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT = "00000000-0000-0000-0000-000000000002"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
LISTS = {"networksecuritygroups": "securityRules", "routetables": "routes"}
# az reads the account from its profile; only the step that would sign in is replaced.
SHIM = '''#!{python}
import sys
from azure.cli.core import _profile
class Credential:
    def acquire_token(self, *args, **kwargs):
        return {{"access_token": "loopback", "token_type": "Bearer", "expires_in": 86400, "token_source": "cache"}}
_profile.Profile._create_credential = lambda self, *args, **kwargs: Credential()
# az looks for these in several threads at once, which now and then ends in a deadlock of the interpreter's.
import azure.core.pipeline.transport._requests_basic
import urllib3.util.retry
from azure.cli.core import get_default_cli
sys.exit(get_default_cli().invoke(sys.argv[1:]))
'''


class State:
    """Resources by path in lower case; children of a group or table live inside it."""

    def __init__(self):
        self.resources = {}
        self.log = []
        self.errors = []

    def put(self, path, body):
        body = json.loads(json.dumps(body))
        body.pop("id", None)
        body["name"] = path.rsplit("/", 1)[1]
        body["id"] = path
        body.setdefault("properties", {})["provisioningState"] = "Succeeded"
        parent, key, name = child(path)
        if parent is None:
            # Azure answers with an empty list where a new group or table has nothing.
            kind = path.rsplit("/", 2)[1].lower()
            if kind in LISTS:
                body["properties"].setdefault(LISTS[kind], [])
            for inner in LISTS.values():
                for item in body["properties"].get(inner) or []:
                    item.setdefault("properties", {})["provisioningState"] = "Succeeded"
            self.resources[path.lower()] = body
            return body
        items = self.resources[parent]["properties"].setdefault(key, [])
        if key == "securityRules":
            self.check_priority(items, body)
        items[:] = [i for i in items if i["name"].lower() != name.lower()] + [body]
        return body

    def check_priority(self, items, body):
        new = body["properties"]
        for item in items:
            old = item["properties"]
            if item["name"].lower() != body["name"].lower() and (old["direction"], old["priority"]) == (
                new["direction"], new["priority"]):
                self.errors.append(f"SecurityRuleConflict: {item['name']} and {body['name']}")

    def get(self, path):
        parent, key, name = child(path)
        if parent is not None:
            items = self.resources.get(parent, {}).get("properties", {}).get(key, [])
            return next((i for i in items if i["name"].lower() == name.lower()), None)
        if path.lower() in self.resources:
            return self.resources[path.lower()]
        kind = re.fullmatch(r"(.*/(?:networksecuritygroups|routetables))", path.lower())
        if kind:
            return {"value": [r for p, r in self.resources.items() if p.rsplit("/", 1)[0] == kind[1]]}
        inner = re.fullmatch(r"(.*)/(securityrules|routes)", path, re.I)
        if inner and inner[1].lower() in self.resources:
            key = "securityRules" if inner[2].lower() == "securityrules" else "routes"
            return {"value": self.resources[inner[1].lower()]["properties"].get(key, [])}
        return None

    def delete(self, path):
        parent, key, name = child(path)
        if parent is None:
            return self.resources.pop(path.lower(), None)
        items = self.resources[parent]["properties"][key]
        items[:] = [i for i in items if i["name"].lower() != name.lower()]


def child(path):
    found = re.fullmatch(r"(.*)/(securityRules|routes)/([^/]+)", path, re.I)
    if not found:
        return None, None, None
    return found[1].lower(), "securityRules" if found[2].lower() == "securityrules" else "routes", found[3]


def handler(state):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body=None):
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do(self):
            path = self.path.split("?")[0]
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            state.log.append((self.command, path))
            if self.command == "PUT":
                return self.answer(200, state.put(path, body))
            if self.command == "DELETE":
                state.delete(path)
                return self.answer(200)
            found = state.get(path)
            if found is None:
                return self.answer(404, {"error": {"code": "ResourceNotFound", "message": path}})
            return self.answer(200, found)

        do_GET = do_PUT = do_DELETE = do

        def log_message(self, *args):
            pass

    return Handler


def serve(work, state):
    cert, key = work / "cert.pem", work / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(state))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], cert


def install(work):
    venv = work / "venv"
    if not (venv / "bin" / "az").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "azure-cli"], check=True)
    return venv


def version(env):
    done = subprocess.run(["az", "version", "--output", "json"], env=env, capture_output=True, text=True, check=True)
    return f"azure-cli {json.loads(done.stdout)['azure-cli']}"


def environment(work, venv, port, cert):
    config = work / "config"
    config.mkdir(exist_ok=True)
    base = f"https://127.0.0.1:{port}"
    (config / "clouds.config").write_text(
        f"[loopback]\nendpoint_resource_manager = {base}\nendpoint_management = {base}\n"
        f"endpoint_active_directory = {base}\nendpoint_active_directory_resource_id = {base}\n"
        f"endpoint_active_directory_graph_resource_id = {base}\nprofile = latest\n")
    (config / "config").write_text(
        "[cloud]\nname = loopback\n[core]\ncollect_telemetry = no\noutput = json\n"
        "[auto-upgrade]\nenable = no\n[logging]\nenable_log_file = no\n")
    (config / "azureProfile.json").write_text(json.dumps({"installationId": SUBSCRIPTION, "subscriptions": [{
        "id": SUBSCRIPTION, "name": "loopback", "state": "Enabled", "isDefault": True, "tenantId": TENANT,
        "environmentName": "loopback", "user": {"name": "app", "type": "servicePrincipal"}}]}))
    bin_dir = work / "bin"
    bin_dir.mkdir(exist_ok=True)
    az = bin_dir / "az"
    az.write_text(SHIM.format(python=venv / "bin" / "python"))
    az.chmod(0o755)
    return {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}", "AZURE_CONFIG_DIR": str(config),
            "REQUESTS_CA_BUNDLE": str(cert), "RESOURCE_GROUP": "rg", "LOCATION": "westeurope", "POLL_SECONDS": "0",
            "AZURE_CORE_NO_COLOR": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def plain(value):
    """A template's literal as the resource manager takes it; ids of IP groups as they are in a subscription."""
    if isinstance(value, str):
        found = re.fullmatch(r"\[resourceId\('Microsoft.Network/ipGroups', '(.*)'\)\]", value)
        if found:
            return f"{NETWORK}/ipGroups/{found[1]}"
        if value == "[parameters('location')]":
            return "westeurope"
        return value[1:] if value.startswith("[[") and value.endswith("]") else value
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def standing(name, template, with_seed):
    """A firewall that is there before classic rules are put in: collections of others, and ours of an earlier time."""
    def collection(name, priority, rules):
        return {"name": name, "properties": {"priority": priority, "action": {"type": "Allow"}, "rules": rules}}
    ours = [template["variables"][key] for key in classic_firewall.OURS]
    network, application = [[collection(c["name"], 64000, []) for c in own] if with_seed else [] for own in ours]
    return {"name": name, "location": "westeurope", "zones": ["1", "2"], "tags": {"team": "network"}, "properties": {
        "sku": {"name": "AZFW_VNet", "tier": "Standard"}, "threatIntelMode": "Alert",
        "additionalProperties": {"Network.DNS.EnableProxy": "true"},
        "ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": f"{NETWORK}/virtualNetworks/hub/subnets/fw"}}}],
        "natRuleCollections": [collection("by-hand-nat", 100, [])],
        "networkRuleCollections": [collection("by-hand", 150, []), *network],
        "applicationRuleCollections": application}}


def expected(folder, with_seed):
    """What the templates say, by path, and the firewall that must be there before."""
    out, firewall = {}, None
    for file in sorted(folder.glob("*.arm.json")):
        template = json.loads(file.read_text())
        if template.get("variables"):
            name = template["parameters"]["firewallName"]["defaultValue"]
            firewall = standing(name, template, with_seed)
            template = classic_firewall.deployed(template, classic_firewall.parameters(folder, firewall))
        policy = template["parameters"].get("firewallPolicyName", {}).get("defaultValue")
        for resource in template["resources"]:
            kind = resource["type"].removeprefix("Microsoft.Network/")
            name = resource["name"]
            found = re.fullmatch(r"\[format\('\{0\}/\{1\}', parameters\('firewallPolicyName'\), '(.*)'\)\]", name)
            path = f"firewallPolicies/{policy}/ruleCollectionGroups/{found[1]}" if found else f"{kind}/{name}"
            body = {"properties": plain(resource["properties"])}
            if "location" in resource:
                body["location"] = plain(resource["location"])
            out[f"{NETWORK}/{path}".lower()] = body | {k: resource[k] for k in ("zones", "tags") if k in resource}
    return out, firewall


def reduced(body):
    """A body without what Azure adds, and with lists whose order says nothing in one order."""
    body = {k: v for k, v in body.items() if k in ("properties", "location", "zones", "tags")}
    properties = {k: v for k, v in body["properties"].items() if k != "provisioningState" and v is not None}
    for key in ("securityRules", "routes"):
        if key in properties:
            rows = [{"name": r["name"], "properties": clean(r["properties"])} for r in properties[key]]
            properties[key] = sorted(rows, key=lambda r: r["name"])
    return {**body, "properties": properties}


def clean(properties):
    """az may write a list of one as a single value or the other way round, and sends empty lists."""
    out = {k: v for k, v in properties.items() if k != "provisioningState" and v not in (None, [], "")}
    for one, many in (("sourceAddressPrefix", "sourceAddressPrefixes"),
                      ("destinationAddressPrefix", "destinationAddressPrefixes"),
                      ("sourcePortRange", "sourcePortRanges"), ("destinationPortRange", "destinationPortRanges")):
        if len(out.get(many, [])) == 1 and one not in out:
            out[one] = out.pop(many)[0]
    return out


def seed(state, wanted):
    """Things that are there before: of an earlier generation a rule and a route too many, which go, and a rule whose
    priority another one takes; by other hands a rule and a route, which stay."""
    for path, body in wanted.items():
        rules = body["properties"].get("securityRules")
        if rules:
            first = rules[0]["properties"]
            old = {"name": rules[0]["name"] + "-stale",
                   "properties": {**first, "priority": 4000, "direction": "Outbound"}}
            moved = json.loads(json.dumps(rules[-1]))
            moved["properties"]["priority"] = 3999
            taken = {rule["properties"]["priority"] for rule in rules}
            free = next(n for n in range(3998, 100, -1) if n not in taken)
            other = {"name": "by-hand", "properties": {**first, "priority": free, "direction": "Outbound"}}
            state.put(path, {"location": "westeurope", "properties": {"securityRules": [old, moved, other]}})
            rules.append(other)
        if "routes" in body["properties"]:
            # The names of our routes end in what they lead to.
            old = {"name": "stale-192.0.2.0_24", "properties": {"addressPrefix": "192.0.2.0/24", "nextHopType": "Internet"}}
            other = {"name": "by-hand", "properties": {"addressPrefix": "198.18.0.0/24", "nextHopType": "None"}}
            state.put(path, {"location": "westeurope", "properties": {
                "disableBgpRoutePropagation": True, "routes": [old, other]}})
            body["properties"]["routes"].append(other)


def run(folder, work, with_seed):
    state = State()
    port, cert = serve(work, state)
    wanted, firewall = expected(folder, with_seed)
    if firewall:
        state.put(f"{NETWORK}/azureFirewalls/{firewall['name']}", firewall)
    if with_seed:
        seed(state, wanted)
    env = environment(work, install(work), port, cert)
    if not with_seed:
        print(version(env))
    bad = 0
    for script in ["ip-groups.sh", "firewall.sh", "nsg.sh", "service-endpoint-policy.sh", "route-table.sh"]:
        if not (folder / script).exists():
            continue
        started = time.monotonic()
        done = subprocess.run(["bash", folder / script], env=env, capture_output=True, text=True)
        took = time.monotonic() - started
        good = done.returncode == 0
        print(f"{'PASS' if good else 'FAIL'} {script} exit {done.returncode}, {took:.0f} s")
        if not good:
            print(done.stdout[-2000:], done.stderr[-4000:])
            bad += 1
    for path in sorted(set(wanted) | set(state.resources)):
        name = path.split("/microsoft.network/")[1]
        if path not in state.resources or path not in wanted:
            print(f"FAIL {name}: {'not sent' if path in wanted else 'nothing asks for it'}")
            bad += 1
            continue
        have, want = reduced(state.resources[path]), reduced(wanted[path])
        if have == want:
            print(f"PASS {name}: the body is that of the template")
        else:
            bad += 1
            print(f"FAIL {name}: {first_difference(want, have, '')}")
    for error in state.errors:
        print(f"FAIL {error}")
    return bad + len(state.errors)


def first_difference(want, have, place):
    if isinstance(want, dict) and isinstance(have, dict):
        for key in sorted(set(want) | set(have)):
            if want.get(key) != have.get(key):
                return first_difference(want.get(key), have.get(key), f"{place}.{key}")
    if isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        for index, (a, b) in enumerate(zip(want, have)):
            if a != b:
                return first_difference(a, b, f"{place}[{index}]")
    return f"{place}: template {json.dumps(want)[:300]}, az {json.dumps(have)[:300]}"


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    bad = run(folder, work, with_seed=False)
    print("again, over what an earlier generation left")
    bad += run(folder, work, with_seed=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
