//! Terraform, in both syntaxes and with rules inside and apart from their resources.

use serde_json::{Value, json};

use super::json::{self, merge, with};
use super::text::{self, with_lines};
use super::{Change, Neutral, Scene, same};

/// What a configuration passes by: how it is laid out, what is there for people, and other words for the same.
const NEUTRAL: &[Neutral] = &[
    alike("blanks", ".tf line", LAYOUT),
    alike("blank line", ".tf line", LAYOUT),
    alike("text", ".tf carriage returns", LAYOUT),
    alike("text", ".tf no last line end", LAYOUT),
    alike("text", ".tf blank line at the end", LAYOUT),
    alike("item without comma", "\",", "The last item of a list may do without a comma."),
    alike("item without comma", ".id,", "The last item of a list may do without a comma."),
    alike("item without comma", " to azurerm_ip_group.", "The last item of a list may do without a comma."),
    alike("text", ".tf remark at the end", REMARK),
    alike("line dropped", "# Written", REMARK),
    alike("line twice", "# Written", REMARK),
    alike("line changed", "# Written", REMARK),
    alike("line dropped", " description ", REMARK),
    alike("line changed", " description ", REMARK),
    alike("text longer", " description ", REMARK),
    alike("text with space", " description ", REMARK),
    alike("text in other case", " description ", REMARK),
    alike("text to any", " description ", REMARK),
    alike("text with a line end", " description ", REMARK),
    alike("value emptied", " description ", REMARK),
    neutral("line dropped", "\"network-rg\"", NO_DEFAULT),
    neutral("line changed", "\"network-rg\"", NO_DEFAULT),
    neutral("text longer", " name ", RULE_NAME),
    neutral("text in other case", " name ", ANY_CASE),
    neutral("text in other case", " direction ", ANY_CASE),
    neutral("text in other case", " access ", ANY_CASE),
    neutral("text in other case", " protocol ", ANY_CASE),
    neutral("text in other case", " type ", ANY_CASE),
    neutral("text in other case", " action ", ANY_CASE),
    neutral("text in other case", "_address_prefix ", ANY_CASE),
    alike(
        "lines exchanged",
        ".tf line",
        "Arguments come in any order, items are a set, and all rules allow.",
    ),
    alike("item twice", ".tf line", SET),
    alike("line twice", "\",", SET),
    alike("line twice", ".id,", SET),
    neutral("number larger", " priority ", "No other rule or collection has a priority that is passed."),
    neutral("more in a block", "depends_on = []", "The first resource has none to wait for."),
];

const LAYOUT: &str =
    "The language takes any blanks and ends of lines between words, and a last line without its end.";
const REMARK: &str = "It is there for people: Terraform makes no rule of it.";
const NO_DEFAULT: &str =
    "Without a default Terraform asks for the resource group, and makes nothing until it is told.";
const RULE_NAME: &str = "Rules are replaced as a whole, whatever they were called before.";
const ANY_CASE: &str =
    "The provider or Azure takes it in any case for the same, or refuses it before anything is made.";
const SET: &str = "The items are a set: what matches one of them matches also where it stands twice.";

const fn neutral(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: None }
}

/// Neutral where the whole file says the same.
const fn alike(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: Some(same::terraform) }
}

fn apart(policy: &str) -> String {
    policy.replace("output.formats", "output.terraform-style = \"resources\"\noutput.formats")
}

/// Scenes with their changes: the rules inside their resources, apart from them, and classic ones; of the latter two only
/// the files that differ.
fn scenes(format: &str, changes: fn(&Scene) -> Vec<Change>) -> [(Scene, Vec<Change>); 3] {
    let texts = [
        (super::policy(&[format]), &[""][..]),
        (apart(&super::policy(&[format])), &["nsg.", "route-table."]),
        (super::classic(&[format]), &["firewall.", "main."]),
    ];
    texts.map(|(text, starts)| {
        let scene = Scene::new(&text);
        let mut changes = changes(&scene);
        changes.retain(|change| starts.iter().any(|start| change.edits[0].0.starts_with(start)));
        (scene, changes)
    })
}

#[test]
fn every_change_of_a_configuration_is_noticed() {
    Scene::judge("terraform", NEUTRAL, &scenes("terraform", native_changes));
}

/// What the JSON syntax passes by: what is there for people, and other words for the same.
const NEUTRAL_JSON: &[Neutral] = &[
    neutral("text longer", "/description", REMARK),
    neutral("text with space", "/description", REMARK),
    neutral("text to expression", "/description", REMARK),
    neutral("text emptied", "/description", REMARK),
    neutral("text in expression", "/description", REMARK),
    neutral("text in other case", "/description", REMARK),
    neutral("text to null", "/description", REMARK),
    neutral("member dropped", "/description", REMARK),
    neutral(
        "member dropped",
        "/timeouts",
        "Without it the provider waits half an hour in place of two: it may give up, and changes nothing else.",
    ),
    neutral("text longer", "/name", RULE_NAME),
    neutral("text in other case", "/name", ANY_CASE),
    neutral("text in other case", "/access", ANY_CASE),
    neutral("text in other case", "/protocol", ANY_CASE),
    neutral("text in other case", "/direction", ANY_CASE),
    neutral("text in other case", "/action", ANY_CASE),
    neutral("text in other case", "_address_prefix", ANY_CASE),
    neutral("text in other case", "fqdns/*", ANY_CASE),
    neutral("text in other case", "_addresses/*", ANY_CASE),
    neutral("item twice", "tf.json", SET),
    neutral("list reversed", "tf.json", "Items are sets, rules are tried by priority or all allow."),
    neutral("number larger", "/priority", "No other rule or collection has a priority that is passed."),
    neutral("member dropped", "/resource_group_name/default", NO_DEFAULT),
    neutral("text to null", "/resource_group_name/default", NO_DEFAULT),
    neutral(
        "member dropped",
        "/security_rule/*/",
        "It is null or for people; without it the provider refuses the file before anything is made.",
    ),
    neutral("member that Terraform knows", "\"depends_on\":[]", "The first resource has none to wait for."),
    neutral("member dropped", " ///", REMARK),
];

#[test]
fn every_change_of_a_configuration_in_json_is_noticed() {
    Scene::judge("terraform-json", NEUTRAL_JSON, &scenes("terraform-json", json_changes));
}

fn native_changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".tf") {
        let content = scene.text(file);
        // Layout means nothing anywhere: some places are enough.
        let layout = |(index, change): &(usize, Change)| change.kind != "blanks" || index % 5 == 0;
        let changes = text::changes(file, content).into_iter().enumerate().filter(layout);
        all.extend(changes.map(|(_, change)| change));
        for (index, line) in text::places(content) {
            let place = format!("{file} line {}: {line}", index + 1);
            for (kind, changed) in attribute_changes(line) {
                let what = format!("{place} to {}", changed.trim());
                all.push(Change::new(kind, what, file, with_lines(content, index, &[changed])));
            }
            if line.ends_with('{') {
                for more in members() {
                    let lines = [line.to_owned(), (*more).to_owned()];
                    let what = format!("{place} with {more}");
                    all.push(Change::new("more in a block", what, file, with_lines(content, index, &lines)));
                }
            }
        }
        for more in blocks() {
            let what = format!("{file}: {}", more.lines().next().expect("a line"));
            all.push(Change::new("more at the top", what, file, format!("{content}\n{more}\n")));
        }
    }
    let resource = "resource \"azurerm_network_security_group\" \"nsg\" {\n  name = \"x\"\n}\n";
    for name in ["override.tf", "nsg_override.tf", "more.tf", "sub/main.tf", "backend.tf", "more.tf.json"] {
        all.push(Change::new("another file", name, name, resource));
    }
    for file in scene.files(".tf") {
        let edits = vec![(file.to_owned(), None)];
        all.push(Change { kind: "file dropped", place: file.to_owned(), edits });
    }
    all
}

/// Changes of `key = value`.
fn attribute_changes(line: &str) -> Vec<(&'static str, String)> {
    let Some((key, value)) = line.split_once("= ").filter(|(key, _)| !key.trim().contains(' ')) else {
        return item_changes(line);
    };
    let to = |value: String| format!("{key}= {value}");
    let mut all = vec![
        ("argument in other case", format!("{}= {value}", text::swapped(key))),
        ("argument in quotes", format!("\"{}\" = {value}", key.trim())),
        ("argument made a block", format!("{} {{}}", key.trim())),
    ];
    if value == "[" || value == "{" {
        return all;
    }
    all.extend([
        ("value to null", to("null".to_owned())),
        ("value to a variable", to("var.other".to_owned())),
        ("value to another variable", to("var.location".to_owned())),
        ("value to a local", to("local.x".to_owned())),
        ("value to data", to("data.x.y.z".to_owned())),
        ("value in parentheses", to(format!("({value})"))),
        ("value in a call", to(format!("try({value})"))),
        ("value by condition", to(format!("true ? {value} : {value}"))),
        ("value in a list", to(format!("[{value}]"))),
        ("value emptied", to("\"\"".to_owned())),
        ("value to a heredoc", format!("{key}= <<E\nx\nE")),
        ("value in interpolation", to(format!("\"${{{value}}}\""))),
    ]);
    if let Ok(number) = value.parse::<i64>() {
        all.extend([
            ("number larger", to((number + 1).to_string())),
            ("number as text", to(format!("\"{number}\""))),
            ("number calculated", to(format!("{number} + 0"))),
            ("number with fraction", to(format!("{number}.5"))),
            ("number negative", to(format!("-{number}"))),
        ]);
    }
    if let Some(inside) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        all.extend(text_changes(inside).into_iter().map(|(kind, changed)| (kind, to(changed))));
    }
    if let Some(inside) = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
        all.extend([
            ("list emptied", to("[]".to_owned())),
            ("item twice", to(format!("[{inside}, {inside}]"))),
            ("item more", to(format!("[{inside}, \"*\"]"))),
            ("item more", to(format!("[{inside}, var.x]"))),
            ("list spread", to(format!("concat([{inside}], [])"))),
            ("list by `for`", to(format!("[for x in [{inside}] : x]"))),
            ("list to its item", to(inside.to_owned())),
        ]);
    }
    match value {
        "true" => all.push(("switch turned", to("false".to_owned()))),
        "false" => all.push(("switch turned", to("true".to_owned()))),
        _ => {}
    }
    if value.contains('.') && !value.contains('"') {
        all.extend([
            ("reference longer", to(format!("{value}x"))),
            ("reference with an index", to(format!("{value}[0]"))),
            ("reference as text", to(format!("\"{value}\""))),
        ]);
    }
    all
}

/// Changes of a text, between quotes.
fn text_changes(inside: &str) -> Vec<(&'static str, String)> {
    vec![
        ("text longer", format!("\"{inside}x\"")),
        ("text with space", format!("\" {inside}\"")),
        ("text in other case", format!("\"{}\"", text::swapped(inside))),
        ("text to any", "\"*\"".to_owned()),
        ("text by interpolation", format!("\"{inside}${{var.location}}\"")),
        ("text by directive", format!("\"{inside}%{{ if true }}x%{{ endif }}\"")),
        ("text with a line end", format!("\"{inside}\\n\"")),
        ("text without quotes", inside.to_owned()),
    ]
}

/// Changes of an item on a line of its own.
fn item_changes(line: &str) -> Vec<(&'static str, String)> {
    let item = line.trim_start();
    let Some(value) = item.strip_suffix(',') else { return Vec::new() };
    let to = |value: &str| format!("{}{value},", &line[..line.len() - item.len()]);
    let mut all = vec![
        ("item to null", to("null")),
        ("item to a variable", to("var.other")),
        ("item to a splat", to("var.other.*.x")),
        ("item in a list", to(&format!("[{value}]"))),
        ("item without comma", to(value).trim_end_matches(',').to_owned()),
        ("item to any", to("\"*\"")),
    ];
    if let Some(inside) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        all.extend(text_changes(inside).into_iter().map(|(kind, changed)| (kind, to(&changed))));
    }
    all
}

/// What may stand in a block, of the language, the provider, or somebody's invention.
fn members() -> &'static [&'static str] {
    &[
        "  count = 0",
        "  for_each = toset([])",
        "  provider = azurerm.other",
        "  depends_on = [azurerm_ip_group.none]",
        "  depends_on = []",
        "  lifecycle {\n    ignore_changes = all\n  }",
        "  lifecycle {\n    prevent_destroy = true\n  }",
        "  provisioner \"local-exec\" {\n    command = \"true\"\n  }",
        "  connection {\n  }",
        "  dynamic \"rule\" {\n    for_each = []\n    content {}\n  }",
        "  timeouts {\n  }",
        "  tags = {}",
        "  never_heard_of = true",
        "  never_heard_of {\n  }",
        "  alias = \"x\"",
        "  subscription_id = \"x\"",
        "  resource_provider_registrations = \"none\"",
        "  backend \"azurerm\" {\n  }",
        "  cloud {\n  }",
        "  experiments = []",
        "  validation {\n    condition = true\n    error_message = \"x\"\n  }",
        "  sensitive = true",
        "  nullable = false",
        "  ephemeral = true",
        "  default = \"other\"",
        "  source_application_security_group_ids = [\"x\"]",
        "  destination_application_security_group_ids = []",
        "  source_ip_groups = [\"x\"]",
        "  destination_ip_groups = [azurerm_ip_group.none.id]",
        "  destination_addresses = [\"*\"]",
        "  source_address_prefixes = [\"*\"]",
        "  destination_port_ranges = [\"22\"]",
        "  web_categories = [\"News\"]",
        "  terminate_tls = false",
        "  http_headers {\n    name = \"x\"\n    value = \"y\"\n  }",
        "  next_hop_in_ip_address = \"10.20.255.9\"",
        "  disable_bgp_route_propagation = true",
        "  security_rule = []",
        "  route = []",
        "  rule = []",
        "  google = {}",
    ]
}

/// What may stand beside the blocks of a file.
fn blocks() -> Vec<String> {
    let rule = "  resource_group_name = var.resource_group_name\n  priority = 100\n  direction = \"Inbound\"\n  \
                access = \"Allow\"\n  protocol = \"*\"\n  source_port_range = \"*\"\n  source_address_prefix = \"*\"\n  \
                destination_port_range = \"*\"\n  destination_address_prefix = \"*\"";
    let group = |owner: &str| {
        format!(
            "resource \"azurerm_network_security_rule\" \"open\" {{\n  name = \"open\"\n  \
             network_security_group_name = {owner}\n{rule}\n}}"
        )
    };
    let mut all: Vec<String> = [
        "x = 1",
        "module \"m\" {\n  source = \"./m\"\n}",
        "data \"azurerm_client_config\" \"c\" {}",
        "locals {\n  x = 1\n}",
        "output \"o\" {\n  value = 1\n}",
        "check \"c\" {\n}",
        "moved {\n  from = azurerm_ip_group.a\n  to = azurerm_ip_group.b\n}",
        "removed {\n  from = azurerm_network_security_group.nsg\n}",
        "import {\n  id = \"x\"\n  to = azurerm_network_security_group.nsg\n}",
        "ephemeral \"x\" \"y\" {}",
        "provider \"google\" {}",
        "provider \"azurerm\" {\n  alias = \"other\"\n  features {}\n}",
        "provider \"azurerm\" {\n  features {}\n}",
        "terraform {\n}",
        "terraform {\n  backend \"http\" {\n    address = \"x\"\n  }\n}",
        "variable \"other\" {\n  type = string\n  default = \"x\"\n}",
        "variable \"location\" {\n  type = string\n  default = \"northeurope\"\n}",
        "resource \"null_resource\" \"n\" {}",
        "resource \"azurerm_subnet\" \"s\" {\n  name = \"s\"\n}",
        "resource \"azurerm_network_security_group\" \"other\" {\n  name = \"changes-nsg\"\n  location = var.location\n  resource_group_name = var.resource_group_name\n}",
        "resource \"azurerm_ip_group\" \"other\" {\n  name = \"changes-other\"\n  location = var.location\n  resource_group_name = var.resource_group_name\n  cidrs = [\"198.18.0.0/15\"]\n}",
        "resource \"azurerm_subnet_network_security_group_association\" \"a\" {}",
        "Resource \"azurerm_ip_group\" \"r\" {}",
        "resource \"azurerm_ip_group\" {}",
        "resource \"azurerm_ip_group\" \"a\" \"b\" {}",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend(
        [
            "azurerm_network_security_group.nsg.name",
            "azurerm_network_security_group.none.name",
            "\"changes-nsg\"",
        ]
        .map(group),
    );
    all
}

fn json_changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".tf.json") {
        let document: Value = serde_json::from_str(scene.text(file)).expect("it is JSON");
        all.extend(json::changes(file, &document));
        for place in json::places(&document) {
            let value = document.pointer(&place).expect("the place is there");
            if !value.is_object() {
                continue;
            }
            for member in json_members() {
                let changed = with(&document, &place, |v| merge(v, &member));
                if changed != document {
                    let what = format!("{file} {place} with {member}");
                    all.push(Change::new("member that Terraform knows", what, file, json::bytes(&changed)));
                }
            }
        }
        for place in json::places(&document) {
            let Some(text) = document.pointer(&place).and_then(Value::as_str) else { continue };
            for other in [
                format!("{text}${{var.location}}"),
                format!("${{lower(\"{text}\")}}"),
                format!("{text}%{{ if true }}x%{{ endif }}"),
                "${var.other}".to_owned(),
                "${var.location}".to_owned(),
            ] {
                let what = format!("{file} {place} to {other}");
                let changed = with(&document, &place, |v| *v = other.into());
                if changed != document {
                    all.push(Change::new("text by interpolation", what, file, json::bytes(&changed)));
                }
            }
        }
    }
    for name in ["override.tf.json", "more.tf.json", "more.tf"] {
        all.push(Change::new("another file", name, name, "{ \"locals\": { \"x\": 1 } }\n"));
    }
    all
}

fn json_members() -> Vec<Value> {
    vec![
        json!({ "//": "remark" }),
        json!({ "count": 0 }),
        json!({ "for_each": [] }),
        json!({ "provider": "azurerm.other" }),
        json!({ "lifecycle": [{ "ignore_changes": "all" }] }),
        json!({ "provisioner": [{ "local-exec": { "command": "true" } }] }),
        json!({ "dynamic": { "rule": [] } }),
        json!({ "depends_on": [] }),
        json!({ "depends_on": ["azurerm_ip_group.none"] }),
        json!({ "module": { "m": { "source": "./m" } } }),
        json!({ "data": { "azurerm_client_config": { "c": {} } } }),
        json!({ "locals": { "x": 1 } }),
        json!({ "backend": { "http": {} } }),
        json!({ "google": {} }),
        json!({ "alias": "x" }),
        json!({ "default": "other" }),
        json!({ "source_application_security_group_ids": ["x"] }),
        json!({ "source_address_prefixes": ["*"] }),
        json!({ "source_address_prefix": "*" }),
        json!({ "destination_ip_groups": ["${azurerm_ip_group.none.id}"] }),
        json!({ "destination_addresses": ["*"] }),
        json!({ "rule": [] }),
        json!({ "security_rule": {} }),
    ]
}
