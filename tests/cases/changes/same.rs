//! What two texts of a format have in common where they say the same: each text in a form that leaves out layout, remarks
//! and an order that means nothing. It is made by other means than the proof's readers, so that an argument for a change
//! does not rest on what it argues for.

use std::collections::BTreeSet;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Body, Structure};
use serde_json::Value;

/// Whether two Terraform files have the same blocks with the same arguments. Lists are sets.
pub(super) fn terraform(before: &str, after: &str) -> bool {
    let form = |text: &str| hcl_edit::parser::parse_body(text).ok().map(|body| of_body(&body));
    form(before).is_some_and(|before| form(after) == Some(before))
}

fn of_body(body: &Body) -> Vec<String> {
    let one = |structure: &Structure| match structure {
        Structure::Attribute(attribute) if attribute.key.as_str() == "description" => None,
        Structure::Attribute(attribute) => {
            Some(format!("{} = {}", attribute.key.as_str(), of_expression(&attribute.value)))
        }
        Structure::Block(block) => {
            let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
            Some(format!("{} {labels:?} {{{}}}", block.ident.as_str(), of_body(&block.body).join("; ")))
        }
    };
    let mut all: Vec<String> = body.iter().filter_map(one).collect();
    all.sort();
    all
}

fn of_expression(expression: &Expression) -> String {
    match expression {
        Expression::Array(items) => {
            let items: BTreeSet<String> = items.iter().map(of_expression).collect();
            format!("{items:?}")
        }
        Expression::Object(members) => {
            let member = |(key, value): (&hcl_edit::expr::ObjectKey, &hcl_edit::expr::ObjectValue)| {
                let key = key.as_ident().map(|key| key.as_str()).unwrap_or_default();
                format!("{key} = {}", of_expression(value.expr()))
            };
            let members: BTreeSet<String> = members.iter().map(member).collect();
            format!("{members:?}")
        }
        other => other.to_string().trim().to_owned(),
    }
}

/// Whether two Bicep files have the same statements with the same members and items, in any order, by their lines.
pub(super) fn bicep(before: &str, after: &str) -> bool {
    fn level<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(line) = lines.next() {
            let words = spaced_once(line);
            match words.as_str() {
                "" => {}
                remark if remark.starts_with("description:") || remark.starts_with("@description(") => {}
                "}" | "]" => break,
                opened if opened.ends_with(['{', '[']) => {
                    all.push(format!("{opened}{}", level(lines).join("; ")))
                }
                _ => all.push(words),
            }
        }
        all.sort();
        all
    }
    let form = |text: &str| {
        let (opened, closed) = (text.matches(['{', '[']).count(), text.matches(['}', ']']).count());
        (level(&mut text.lines()), opened, closed)
    };
    form(before) == form(after)
}

/// A line without a remark and blanks around it, and with one where there are several outside of quotes.
fn spaced_once(line: &str) -> String {
    let mut quoted = false;
    let mut out = String::new();
    for c in line.trim().chars() {
        quoted ^= c == '\'';
        if !quoted && out.ends_with('/') && c == '/' && !out.ends_with(":/") {
            out.pop();
            return out.trim_end().to_owned();
        }
        if quoted || !c.is_whitespace() || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

/// Whether two scripts give the same commands in the same order: options of a command in any order, bodies with the same
/// members and items, and a list of wanted names with the same lines. Of lists, whether they have the same lines.
pub(super) fn script(before: &str, after: &str) -> bool {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    match before.starts_with("#!") {
        true => commands(before) == commands(after),
        false => before.lines().count() == after.lines().count() && lines(before) == lines(after),
    }
}

fn commands(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut command = line.to_owned();
        while command.ends_with('\\') {
            command.pop();
            command.push_str(lines.next().unwrap_or_default());
        }
        let mut form = options(&command);
        if command.ends_with("<<BODY") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "BODY").collect();
            form += &body_of(&body.join("\n"));
        } else if command.ends_with("='|") {
            let wanted: BTreeSet<&str> = lines.by_ref().take_while(|line| *line != "'").collect();
            form += &format!("{wanted:?}");
        }
        if !form.is_empty() && !form.starts_with('#') {
            all.push(form);
        }
    }
    all
}

/// A command with its options in order, but for what is said to people.
fn options(command: &str) -> String {
    let words = spaced_once(command);
    let mut parts: Vec<String> = words.split(" --").map(|part| part.trim().replace('\'', "")).collect();
    let first = parts.remove(0);
    parts.retain(|part| !part.starts_with("description="));
    parts.sort();
    format!("{first} {}", parts.join(" --")).trim().to_owned()
}

/// The document in a here-document, with the members of each object and the items of each list in order.
fn body_of(text: &str) -> String {
    let plain = text.replace("\\\\", "\0").replace("\\$", "$").replace("\\`", "`").replace('\0', "\\");
    match serde_json::from_str::<Value>(&plain) {
        Ok(value) => sorted(value).to_string(),
        Err(_) => text.to_owned(),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sorted).collect();
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        Value::Object(members) => {
            let own = members.into_iter().filter(|(key, _)| key != "description");
            Value::Object(own.map(|(key, value)| (key, sorted(value))).collect())
        }
        other => other,
    }
}

/// Whether two tables have the same columns and the same rows in any order, each cell with the same items; the column
/// `description` is left out.
pub(super) fn table(before: &str, after: &str) -> bool {
    rows(before).is_some_and(|before| rows(after) == Some(before))
}

fn rows(text: &str) -> Option<(Vec<String>, BTreeSet<Vec<String>>)> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let heads: Vec<String> = reader.headers().ok()?.iter().map(str::to_owned).collect();
    let told = heads.iter().position(|head| head == "description");
    let cell =
        |cell: &str| cell.split(';').collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(";");
    let mut all = BTreeSet::new();
    for record in reader.records() {
        let record = record.ok()?;
        let own = record.iter().enumerate().filter(|(at, _)| Some(*at) != told);
        all.insert(own.map(|(_, text)| cell(text)).collect());
    }
    Some((heads, all))
}

/// Whether two files of sets have the same lines but for remarks.
pub(super) fn sets(before: &str, after: &str) -> bool {
    let form = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("\t# ")).map(str::to_owned).collect()
    };
    form(before) == form(after)
}

/// Whether two lists have the same entries in the same order but for remarks: lines that begin with `#`, and what stands
/// behind a space.
pub(super) fn entries(before: &str, after: &str) -> bool {
    let entry = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let form = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(entry).collect()
    };
    form(before) == form(after)
}

#[test]
fn what_says_something_else_is_not_the_same() {
    let tf = "a \"x\" {\n  k = [1, 2]\n  depends_on = [a.b, a.c]\n}\nb \"y\" {\n}\n";
    assert!(terraform(tf, "b \"y\" {}\n# remark\na \"x\" {\n  depends_on = [a.b, a.c]\n  k = [2, 1, 1,]\n}"));
    for other in [
        "b \"y\" {\n  k = [1, 2]\n  depends_on = [a.b, a.c]\n}\na \"x\" {\n}\n",
        "a \"x\" {\n  k = [1]\n  depends_on = [a.b, a.c]\n}\nb \"y\" {\n}\n",
        "a \"x\" {\n  k = [1, 2]\n  depends_on = [a.b]\n}\nb \"y\" {\n}\n",
        "a \"x\" {\n  k = [1, 2]\n",
    ] {
        assert!(!terraform(tf, other), "{other}");
    }
    let bicep_text = "resource a 'x' = {\n  p: {\n    k: 'v'\n    l: [\n      '1'\n    ]\n  }\n  q: 1\n}\n";
    assert!(bicep(
        bicep_text,
        "// r\nresource a 'x' = {\n  q: 1\n  p: {\n    l: [\n      '1'\n    ]\n    k: 'v'\n  }\n}\n"
    ));
    assert!(!bicep(
        bicep_text,
        "resource a 'x' = {\n  p: {\n    l: [\n      '1'\n    ]\n  }\n  k: 'v'\n  q: 1\n}\n"
    ));
    let run = "#!\nrule 'a' \\\n  --access='Allow' \\\n  --priority='1'\n\nput \"x\" <<BODY\n{\n \"a\": [1, 2],\n \"b\": 1\n}\nBODY\n";
    assert!(script(
        run,
        &run.replace("--access='Allow' \\\n  --priority='1'", "--priority='1' \\\n  --access='Allow'")
    ));
    assert!(script(run, &run.replace("\"a\": [1, 2],\n \"b\": 1", "\"b\": 1,\n \"a\": [2, 1]")));
    for (from, to) in
        [("Allow", "Deny"), ("[1, 2]", "[1]"), ("\\\n  --access", "\n  --access"), ("put \"x\"", "put \"y\"")]
    {
        assert!(!script(run, &run.replace(from, to)), "{to}");
    }
    let csv = "name,ports,description\na,1;2,x\nb,3,y\n";
    assert!(table(csv, "name,ports,description\nb,3,\na,2;1,z\n"));
    assert!(
        !table(csv, "name,ports,description\na,1;3,x\nb,3,y\n")
            && !table(csv, "name,ports,description\na,1;2,x\n")
    );
    assert!(
        !sets("\t# a\n\tset s {\n", "\t# a\n\tset t {\n") && sets("\t# a\n\tset s {\n", "\t# b\n\tset s {\n")
    );
    assert!(
        entries("# a\n192.0.2.0/24 x\n", "192.0.2.0/24\n") && !entries("192.0.2.0/24\n", "192.0.2.0/25\n")
    );
}
