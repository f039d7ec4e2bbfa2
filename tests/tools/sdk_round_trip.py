#!/usr/bin/env python3
"""Gives every resource of ARM templates to Microsoft's network SDK for Python (package azure-mgmt-network).

usage: sdk_round_trip.py TEMPLATE.arm.json...

Each body is made into the SDK's model and written again. Nothing may be lost, and the models may hold no member that
the SDK does not know. Exit 0 if all came back whole.
"""
import json
import sys

from azure.mgmt.network import models

KINDS = {
    "Microsoft.Network/networkSecurityGroups": "NetworkSecurityGroup",
    "Microsoft.Network/routeTables": "RouteTable",
    "Microsoft.Network/ipGroups": "IpGroup",
    "Microsoft.Network/azureFirewalls": "AzureFirewall",
    "Microsoft.Network/serviceEndpointPolicies": "ServiceEndpointPolicy",
    "Microsoft.Network/firewallPolicies/ruleCollectionGroups": "FirewallPolicyRuleCollectionGroup",
}


def known_members(value, place, unknown):
    """Names what is in a model's data and not among its declared members."""
    declared = getattr(type(value), "_attr_to_rest_field", None)
    if declared is not None:
        names = {field._rest_name for field in declared.values()}
        unknown += [f"{place}.{key}" for key in value.keys() if key not in names]
        for attribute, field in declared.items():
            if field._rest_name in value.keys():
                known_members(getattr(value, attribute), f"{place}.{field._rest_name}", unknown)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            known_members(item, f"{place}[{index}]", unknown)


def round_trip(kind, body):
    model = getattr(models, KINDS[kind])
    if hasattr(model, "deserialize"):
        made = model.deserialize(body)
        return made.serialize(), []
    made, unknown = model(body), []
    known_members(made, "", unknown)
    return made.as_dict(), unknown


def main():
    bad = 0
    for path in sys.argv[1:]:
        for resource in json.load(open(path))["resources"]:
            body = {k: resource[k] for k in ("location", "properties") if k in resource}
            back, unknown = round_trip(resource["type"], body)
            lost = difference(body, back, "")
            for text in unknown:
                print(f"{path}: {resource['name']}: the SDK does not know {text}")
            if lost:
                print(f"{path}: {resource['name']}: {lost}")
            bad += bool(lost) + len(unknown)
    return 1 if bad else 0


def difference(sent, back, place):
    """Where `back` is not `sent`; nothing if they are equal."""
    if isinstance(sent, dict) and isinstance(back, dict):
        for key in sorted(set(sent) | set(back)):
            found = difference(sent.get(key), back.get(key), f"{place}.{key}")
            if found:
                return found
        return ""
    if isinstance(sent, list) and isinstance(back, list) and len(sent) == len(back):
        return next(filter(None, (difference(a, b, f"{place}[{i}]") for i, (a, b) in enumerate(zip(sent, back)))), "")
    return "" if sent == back else f"{place}: sent {sent!r}, came back {back!r}"


if __name__ == "__main__":
    sys.exit(main())
