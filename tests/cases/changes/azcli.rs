//! Scripts for the Azure command line, and the lists beside them.

use super::lines::{self, Edit};
use super::{Change, Neutral, Scene, same};

/// What a script passes by.
const NEUTRAL: &[Neutral] = &[
    alike("space in front", ".sh line", SPACES),
    alike("space behind", ".sh line", SPACES),
    alike("carriage return", ".sh line", "It stands in a body, where it is a space to JSON."),
    alike("lines exchanged", "line ", "Options, members of an object and items of a set stand in any order."),
    alike("line dropped", "\"description\"", "It is there for people: no packet looks at it."),
    alike("no quotes", "rule", "The word has no character that means anything to the shell."),
    alike("no quotes", "route", "The word has no character that means anything to the shell."),
    alike("no quotes", "--", "The word has no character that means anything to the shell."),
    alike("value changed", "--description=", "It is there for people: no packet looks at it."),
    alike(
        "substitution in quotes",
        "--description=",
        "Nothing is replaced in single quotes, and it is for people.",
    ),
    neutral("line twice", "mapfile", "The same list is read from the same file once more."),
    neutral("extra command", ": \\", "It joins the line to the next one, and has nothing on it."),
];

const SPACES: &str = "Between words, and between the parts of JSON, any number of spaces may stand.";

const fn neutral(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: None }
}

/// Neutral where the whole file says the same.
const fn alike(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: Some(same::script) }
}

#[test]
fn every_change_of_a_script_is_noticed() {
    let scenes =
        [super::policy(&["azcli"]), super::classic(&["azcli"]), super::endpoints(&["azcli"])].map(|policy| {
            let scene = Scene::new(&policy);
            let changes = changes(&scene);
            (scene, changes)
        });
    assert!(!scenes[0].0.files(".txt").is_empty(), "a list stands in a file");
    Scene::judge("azcli", NEUTRAL, &scenes);
}

fn changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".sh") {
        let whole = scene.text(file);
        all.extend(lines::each(file, whole, &edits_of_line));
        all.extend(lines::whole(file, whole));
        all.extend(commands(file, whole));
    }
    for file in scene.files(".txt") {
        let whole = scene.text(file);
        all.extend(lines::each(file, whole, &edits_of_list));
        all.extend(lines::whole(file, whole));
        all.push(Change::new("text", format!("{file}: no end of line"), file, whole.trim_end()));
        all.push(Change {
            kind: "list missing",
            place: file.to_owned(),
            edits: vec![(file.to_owned(), None)],
        });
    }
    let more = [
        ("azcli/more.txt", "192.0.2.0/24\n"),
        ("azcli/more.sh", "az group delete\n"),
        ("more.sh", "az group delete\n"),
    ];
    for (name, content) in more {
        all.push(Change::new("extra file", name, name, content));
    }
    all
}

/// What is done to one line of a script.
fn edits_of_line(line: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut add = |kind, text: String| {
        if text != line {
            edits.push((kind, text));
        }
    };
    add("remark in front", format!("# {line}"));
    add("remark behind", format!("{line} # remark"));
    add("another command behind", format!("{line}; az group delete"));
    add("in the background", format!("{line} &"));
    add("failure passed over", format!("{line} || true"));
    add("space in front", format!(" {line}"));
    add("space behind", format!("{line} "));
    add("carriage return", format!("{line}\r"));
    add("condition", format!("if false; then\n{line}\nfi"));
    add("output elsewhere", format!("{line} >/dev/null"));
    if line.contains('\'') {
        add("quotes that replace", line.replace('\'', "\""));
        add("no quotes", line.replace('\'', ""));
        add("substitution in quotes", line.replacen('\'', "'$(id)", 1));
        add("substitution", line.replacen('\'', "$(id)'", 1));
        add("old substitution", line.replacen('\'', "`id`'", 1));
        add("value changed", line.replacen('\'', "'x", 1));
        add("ANSI quotes", line.replacen('\'', "$'", 1));
    }
    if let Some(option) = line.trim_start().strip_prefix("--") {
        add("option renamed", line.replacen("--", "--x", 1));
        add("option shortened", line.replacen("--", "-", 1));
        add("option cut", format!("  --{}", &option[1..]));
        add("option twice", format!("{} {line}", line.trim_end_matches(" \\")));
        add("another option", line.replacen("--", "--no-wait --", 1));
        add("another option", line.replacen("--", "--destination-asgs 'asg' --", 1));
        add("another option", line.replacen("--", "--subscription 'x' --", 1));
        add("another option", line.replacen("--", "--set 'access=Deny' --", 1));
    }
    if line.contains('"') && line.contains(':') {
        add("variable in a body", line.replacen(": \"", ": \"$HOME", 1));
        add("substitution in a body", line.replacen(": \"", ": \"$(id)", 1));
        add("another scope", line.replace("$scope", "$other").replace("$location", "northeurope"));
        add("member in other case", line.replacen("  \"", "  \"X", 1));
        add("member beside itself", format!("{line}\n\"resources\": [],"));
    }
    if line.starts_with("put ") || line.starts_with("collection ") {
        add("quoted here-document", line.replace("<<BODY", "<<'BODY'"));
        add("here-document with tabs", line.replace("<<BODY", "<<-BODY"));
        add("another path", line.replacen("/", "/x", 1));
        add("body from a file", line.replace("<<BODY", "<other.json <<BODY"));
        add("a path above", line.replacen("/", "/../", 1));
    }
    edits
}

fn edits_of_list(line: &str) -> Vec<Edit> {
    ["", "*", "Internet", "--access", "0.0.0.0/0", "$(id)", "#"]
        .map(|text| ("another entry", text.to_owned()))
        .into_iter()
        .chain([
            ("entry with more", format!("{line} # remark")),
            ("entry with more", format!("{line} 192.0.2.0/24")),
            ("entry with more", format!("{line}\r")),
            ("entry with more", format!(" {line}")),
        ])
        .collect()
}

/// Commands that nobody asked for, after each of the parts of a script.
fn commands(file: &str, whole: &str) -> Vec<Change> {
    let all = [
        "exit 0",
        "exit",
        "return 0",
        "exec true",
        "set +e",
        "set +u",
        "set -n",
        "set -x",
        "shopt -s extglob",
        "trap 'exit 0' ERR",
        "alias az=true",
        "az() { true; }",
        "rule() { true; }",
        "route() { :; }",
        "put() { cat >/dev/null; }",
        "send() { :; }",
        "function az { :; }",
        "unset -f rule",
        "nsg='other'",
        "route_table='other'",
        "wanted='|'",
        "scope='/subscriptions/x'",
        "resource_group='other'",
        "location='northeurope'",
        "disable_bgp=false",
        "PATH=/tmp",
        "export AZURE_CONFIG_DIR=/tmp",
        "source other.sh",
        ". ./other.sh",
        "eval \"$OTHER\"",
        "az group delete --name x --yes",
        "az network nsg rule create --nsg-name 'changes-nsg' --name 'open' --access 'Allow'",
        "rule 'open' --priority='101' --direction='Inbound' --access='Allow' --protocol='*' --source-address-prefixes '*' \
         --source-port-ranges '*' --destination-address-prefixes '*' --destination-port-ranges '*' --description=''",
        "route 'leak' --address-prefix='192.0.2.0/24' --next-hop-type='Internet'",
        "put 'ipGroups/more' <<BODY\n{ \"location\": \"$location\", \"properties\": { \"ipAddresses\": [\"192.0.2.0/24\"] } }\nBODY",
        "mapfile -t source <'azcli/more.txt'",
        "mapfile -t destination </dev/null",
        "readonly name",
        "if true; then",
        "while false; do",
        ": <<'END'",
        "cat <<END >/dev/null",
        "{",
        "(",
        "true",
        "# remark",
        "",
        "\\",
        "!",
        "time",
        "enable -n echo",
        "hash -p /bin/true az",
        "BASH_ENV=x",
        "IFS=,",
        "cd /",
    ];
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let gaps = (1..lines.len()).filter(|&at| lines[at - 1] == "\n" || lines[at - 1] == "BODY\n");
    let gaps: Vec<usize> = gaps.collect();
    let places: Vec<usize> =
        gaps.iter().take(4).chain(gaps.last()).copied().chain([0, 4, lines.len()]).collect();
    let mut changes = Vec::new();
    for command in all {
        for &at in &places {
            let changed = format!("{}{command}\n{}", lines[..at].concat(), lines[at..].concat());
            changes.push(Change::new(
                "extra command",
                format!("{file} line {}: {command}", at + 1),
                file,
                changed,
            ));
        }
    }
    changes
}
