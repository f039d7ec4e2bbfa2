#!/usr/bin/env python3
"""What a template of classic rules does to a firewall that is there already.

usage: classic_firewall.py OUTPUT-DIR FIREWALL.json WORK-DIR

OUTPUT-DIR holds firewall.arm.json, firewall.bicep and report.md of one generation, FIREWALL.json a firewall as Azure
gives it, with collections of its own. Its parameters are those that the command in report.md asks Azure for. Writes
WORK-DIR/firewall.deployed.json, the template with its expressions worked out, and WORK-DIR/firewall.set, the same
parameters as options of bicep_check.py, one a line. All of the firewall must be there as it was, beside our two
collections. Exit 0 if it is, 1 if not. Needs the PyPI package jmespath.
"""
import json
import pathlib
import re
import sys

import jmespath

OURS = ("networkRuleCollections", "applicationRuleCollections")


def parameters(folder, firewall):
    """What `az resource show --query` gives for a firewall with the query of the report."""
    report = (folder / "report.md").read_text()
    query = re.search(r'Microsoft\.Network/azureFirewalls --query "(.*?)" --output', report)[1].replace("\\`", "`")
    return {key: value["value"] for key, value in jmespath.search(query, firewall).items()}


def deployed(template, given):
    """The template with parameters and variables put in; ids of IP groups stay expressions."""
    values = {name: p.get("defaultValue") for name, p in template["parameters"].items()} | given
    variables = template["variables"]

    def expression(text, at):
        word = re.compile(r"\s*([A-Za-z]+)\(\s*|\s*'((?:[^']|'')*)'\s*").match(text, at)
        if word[1] is None:
            return word[2].replace("''", "'"), word.end()
        arguments, at = [], word.end()
        while text[at] != ")":
            value, at = expression(text, at)
            arguments.append(value)
            at += len(re.compile(r"\s*,?\s*").match(text, at)[0])
        return call(word[1], arguments), at + 1

    def call(name, arguments):
        if name == "parameters":
            return values[arguments[0]]
        if name == "variables":
            return variables[arguments[0]]
        if name == "concat":
            return [item for part in arguments for item in part]
        if name == "createObject":
            return dict(zip(arguments[::2], arguments[1::2]))
        if name == "union":
            return {key: value for part in arguments for key, value in part.items()}
        raise ValueError(f"the function {name} is not known here")

    def whole(value):
        if isinstance(value, str) and re.match(r"\[(parameters|union)\(", value):
            return expression(value, 1)[0]
        return value

    return {**template, "parameters": {}, "variables": {},
            "resources": [{k: whole(v) for k, v in r.items()} for r in template["resources"]]}


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    folder, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3])
    firewall = json.loads(pathlib.Path(sys.argv[2]).read_text())
    template = json.loads((folder / "firewall.arm.json").read_text())
    own = {template["variables"][k][0]["name"] for k in OURS if template["variables"][k]}
    # Azure names the type of each collection, which the SDK for Python does not know.
    for key, value in firewall["properties"].items():
        if key.endswith("RuleCollections"):
            for collection in value:
                collection.pop("type", None)
    # An earlier generation's collections are there too, and are to be replaced.
    for key in OURS:
        firewall["properties"].setdefault(key, []).extend(
            {"name": c["name"], "properties": {**c["properties"], "rules": []}} for c in template["variables"][key])
    given = parameters(folder, firewall)
    result = deployed(template, given)
    (work / "firewall.deployed.json").write_text(json.dumps(result, indent=2))
    (work / "firewall.set").write_text("".join(f"{k}={json.dumps(v)}\n" for k, v in given.items()))
    made, bad = result["resources"][0], []
    for key in set(firewall) - {"id", "etag", "type", "properties"}:
        if made.get(key) != firewall[key]:
            bad.append(f"{key} was {firewall[key]}, is {made.get(key)}")
    for key in set(firewall["properties"]) | set(made["properties"]):
        before, after = firewall["properties"].get(key), made["properties"].get(key)
        if key in OURS:
            kept = [c for c in before if c["name"] not in own]
            before = kept + template["variables"][key]
        if before != after:
            bad.append(f"properties.{key}: was {before}, is {after}")
    for text in bad:
        print(text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
