//! Bicep files.

use super::lines::{self, Edit};
use super::{Change, Neutral, Scene, same};

/// What a file passes by: remarks and descriptions, which no deployment reads.
const NEUTRAL: &[Neutral] = &[
    alike("line dropped", ": // Written by", REMARK),
    alike("line twice", ": // Written by", REMARK),
    alike("lines exchanged", ": // Written by", REMARK),
    alike("text", ": remark", REMARK),
    alike("text", ": no-break space", "It stands in the remark at the beginning."),
    neutral("text", ": more spaces", "Between the parts of a line any number of spaces may stand."),
    alike("line dropped", ":  to ", EMPTY),
    alike("line twice", ":  to ", EMPTY),
    alike("line dropped", "description", "It is there for people: no packet looks at it."),
    alike("another value", "description: '*'", "It is there for people: no packet looks at it."),
    alike("lines exchanged", ": ", "Members of an object, and items of a set, stand in any order."),
];

const REMARK: &str = "A compiler passes remarks over, up to the end of the line.";
const EMPTY: &str = "Between statements any number of empty lines may stand.";

const fn neutral(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: None }
}

/// Neutral where the whole file says the same.
const fn alike(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: Some(same::bicep) }
}

#[test]
fn every_change_of_a_bicep_file_is_noticed() {
    let scenes =
        [super::policy(&["bicep"]), super::classic(&["bicep"]), super::endpoints(&["bicep"])].map(|policy| {
            let scene = Scene::new(&policy);
            let changes = changes(&scene);
            (scene, changes)
        });
    Scene::judge("bicep", NEUTRAL, &scenes);
}

fn changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".bicep") {
        let whole = scene.text(file);
        all.extend(lines::each(file, whole, &edits_of_line));
        all.extend(lines::whole(file, whole));
        all.extend(statements(file, whole));
    }
    all
}

/// What is done to one line.
fn edits_of_line(line: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return edits;
    }
    let mut add = |kind, text: String| {
        if text != line {
            edits.push((kind, text));
        }
    };
    let indent = &line[..line.len() - trimmed.len()];
    if let Some((key, value)) = trimmed.split_once(": ") {
        add("member in other case", format!("{indent}{}: {value}", lines::recased(key)));
        add("member renamed", format!("{indent}x{key}: {value}"));
        add("member with quotes", format!("{indent}'{key}': {value}"));
        if !value.ends_with(['{', '[']) {
            for other in
                ["null", "'*'", "[]", "{}", "7", "true", "location", "resourceGroup().name", "'${location}'"]
            {
                add("another value", format!("{indent}{key}: {other}"));
            }
            add("value in a condition", format!("{indent}{key}: true ? {value} : {value}"));
            add("value in a call", format!("{indent}{key}: any({value})"));
            add("value with more", format!("{indent}{key}: {value} more: 1"));
            add("member twice", format!("{line}\n{line}"));
        }
    } else if trimmed.starts_with('\'') {
        add("item to expression", format!("{indent}location"));
        add("item in a call", format!("{indent}concat({trimmed}, '')"));
        add("item changed", line.replacen('\'', "'x", 1));
        add("item interpolated", line.replacen('\'', "'${location}", 1));
        add("item spread", format!("{indent}...[{trimmed}]"));
        add("two items", format!("{indent}{trimmed}, {trimmed}"));
    }
    if trimmed.starts_with("resource ") {
        let head = trimmed.trim_end_matches(" = {");
        for (kind, text) in [
            ("condition", format!("{head} = if (false) {{")),
            ("condition", format!("{head} = if (location == 'x') {{")),
            ("loop", format!("{head} = [for i in range(0, 2): {{")),
            ("existing", format!("{head} existing = {{")),
            ("another version", trimmed.replace("@2025-05-01", "@2020-01-01")),
            ("another type", trimmed.replace("Microsoft.Network/", "Microsoft.Compute/")),
            ("type in other case", trimmed.replace("Microsoft.Network/", "microsoft.network/")),
            ("decorator", format!("@batchSize(1)\n{trimmed}")),
            ("decorator", format!("@onlyIfNotExists()\n{trimmed}")),
            ("decorator", format!("@description('x')\n{trimmed}")),
            ("member that Azure knows", format!("{trimmed}\n  scope: resourceGroup('other')")),
            ("member that Azure knows", format!("{trimmed}\n  tags: {{\n    a: 'b'\n  }}")),
            ("member that Azure knows", format!("{trimmed}\n  dependsOn: []")),
            (
                "child resource",
                format!("{trimmed}\n  resource open 'securityRules' = {{\n    name: 'open'\n  }}"),
            ),
        ] {
            add(kind, text);
        }
    }
    if trimmed.starts_with("param ") {
        add("default changed", format!("{} = 'other'", trimmed.split(" = ").next().unwrap_or(trimmed)));
        add("default dropped", trimmed.split(" = ").next().unwrap_or(trimmed).to_owned());
        add("decorator", format!("@secure()\n{trimmed}"));
        add("decorator", format!("@allowed([\n  'x'\n])\n{trimmed}"));
    }
    edits
}

/// Statements that nobody asked for, before all and behind all.
fn statements(file: &str, whole: &str) -> Vec<Change> {
    let open = "resource open 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {\n  name: 'open'\n  location: location\n  \
                properties: {\n    securityRules: []\n  }\n}\n";
    let rule = "resource open 'Microsoft.Network/networkSecurityGroups/securityRules@2025-05-01' = {\n  name: 'changes-nsg/open'\n  \
                properties: {\n    priority: 100\n  }\n}\n";
    let all = [
        "module m 'other.bicep' = {\n  name: 'm'\n}\n",
        "output o string = 'x'\n",
        "targetScope = 'subscription'\n",
        "var more = 1\n",
        "param more string\n",
        "param more string = 'x'\n",
        "import * as m from 'other.bicep'\n",
        "extension microsoftGraph\n",
        "func f() string => 'x'\n",
        "type t = string\n",
        "metadata m = 'x'\n",
        "assert a = true\n",
        "using 'other.bicep'\n",
        "provider 'sys@1.0.0'\n",
        "#disable-next-line no-unused-params\n",
        "/* remark */\n",
        "resource more 'Microsoft.Network/ipGroups@2025-05-01' existing = {\n  name: 'more'\n}\n",
        open,
        rule,
    ];
    let mut changes = Vec::new();
    for more in all {
        let what = more.split([' ', '\n']).next().unwrap_or_default();
        for (at, changed) in [("first", format!("{more}{whole}")), ("last", format!("{whole}\n{more}"))] {
            changes.push(Change::new("extra statement", format!("{file} {what} {at}"), file, changed));
        }
    }
    for (what, changed) in [
        ("remark", format!("// remark\n{whole}")),
        ("remark behind", whole.replacen("{\n", "{ // remark\n", 1)),
        ("carriage return in a remark", format!("// remark\rtargetScope = 'tenant'\n{whole}")),
        ("carriage returns", whole.replace('\n', "\r\n")),
        ("remark over lines", whole.replacen("\nresource ", "\n/*\nresource ", 1) + "*/"),
        ("more spaces", whole.replace(": ", ":  ")),
        ("no-break space", whole.replacen(": ", ":\u{a0}", 1)),
    ] {
        changes.push(Change::new("text", format!("{file}: {what}"), file, changed));
    }
    changes
}
