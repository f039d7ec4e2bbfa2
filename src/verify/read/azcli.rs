//! Scripts for the Azure command line: the commands that make rules, routes and groups, with their arguments as the
//! shell would give them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Files, ReadError, arm, utf8};
use crate::verify::resources::{
    ClassicFirewall, Nsg, Resources, Route, RouteTable, RuleCollection, SecurityRule,
};

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".sh")) {
        let mut script = Script { name, files, variables: HashMap::new(), lists: HashMap::new() };
        let (mut rules, mut routes, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        let mut collections = Vec::new();
        for command in commands(name, utf8(name, bytes)?)? {
            match command.words.first().map(String::as_str) {
                Some("rule") => rules.push(script.rule(&command)?),
                Some("route") => routes.push(script.route(&command)?),
                Some("put") => bodies.push(script.body(&command)?),
                Some("collection") => collections.push(script.collection(&command)?),
                Some("mapfile") => script.mapfile(&command)?,
                _ => script.assign(&command),
            }
        }
        let variable = |key: &str| script.variables.get(key).cloned();
        if let Some(name) = variable("nsg") {
            resources.nsgs.push(Nsg { name, rules });
        }
        if let Some(name) = variable("route_table") {
            let disable_bgp = variable("disable_bgp").map(|text| text == "true");
            resources.route_tables.push(RouteTable { name, disable_bgp, routes });
        }
        if let Some(name) = variable("firewall") {
            resources.firewalls.push(ClassicFirewall { name: default_of(&name).to_owned(), collections });
        }
        resources.extend(arm::read_document(&json!({ "resources": bodies }), name)?);
    }
    Ok(resources)
}

/// A command with its words, and the here-document that it reads.
struct Command {
    line: usize,
    words: Vec<String>,
    document: Option<String>,
}

/// The commands outside functions and outside what only prepares.
fn commands(name: &str, text: &str) -> Result<Vec<Command>, ReadError> {
    let mut commands = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let at = |message: &str| ReadError::new(format!("{name} line {}", index + 1), message);
        let first = line.split([' ', '=']).next().unwrap_or("");
        if line.ends_with("() {") || first == "if" || first == "while" {
            let end = if first == "if" {
                "fi"
            } else if first == "while" {
                "done"
            } else {
                "}"
            };
            while lines.next().is_some_and(|(_, l)| l.split(' ').next() != Some(end)) {}
            continue;
        }
        let calls = [
            "rule",
            "route",
            "put",
            "collection",
            "mapfile",
            "nsg",
            "route_table",
            "disable_bgp",
            "firewall",
        ];
        if !calls.contains(&first) {
            continue;
        }
        let mut whole = line.to_owned();
        while let Some(open) = whole.strip_suffix('\\') {
            let (_, next) = lines.next().ok_or_else(|| at("the command does not end"))?;
            whole = format!("{open}{next}");
        }
        let (whole, marker) = match whole.split_once(" <<") {
            Some((command, marker)) => (command.to_owned(), Some(marker.to_owned())),
            None => (whole, None),
        };
        let mut document = None;
        if let Some(marker) = marker {
            let mut body = String::new();
            loop {
                let (_, line) = lines.next().ok_or_else(|| at("the here-document does not end"))?;
                if line == marker {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            document = Some(body);
        }
        let words = words(&whole).ok_or_else(|| at("a quote does not end"))?;
        commands.push(Command { line: index + 1, words, document });
    }
    Ok(commands)
}

/// The words of a command: parts in quotes lose them; nothing is replaced.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => word.push(chars.next()?),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// What a script has set so far.
struct Script<'a> {
    name: &'a str,
    files: &'a Files<'a>,
    variables: HashMap<String, String>,
    lists: HashMap<String, Vec<String>>,
}

impl Script<'_> {
    fn error(&self, command: &Command, message: impl Into<String>) -> ReadError {
        ReadError::new(format!("{} line {}", self.name, command.line), message)
    }

    fn assign(&mut self, command: &Command) {
        if let Some((key, value)) = command.words.first().and_then(|w| w.split_once('=')) {
            self.variables.insert(key.to_owned(), value.to_owned());
        }
    }

    /// `mapfile -t name <file`: the lines of a file as a list.
    fn mapfile(&mut self, command: &Command) -> Result<(), ReadError> {
        let [_, _, list, file] = command.words.as_slice() else {
            return Err(self.error(command, "`mapfile -t LIST <FILE` is expected"));
        };
        let file = file.strip_prefix('<').unwrap_or(file);
        let found = self.files.iter().find(|(name, _)| *name == file);
        let (_, bytes) = found.ok_or_else(|| self.error(command, format!("there is no file {file}")))?;
        let lines = utf8(file, bytes)?.lines().map(str::to_owned).collect();
        self.lists.insert(list.clone(), lines);
        Ok(())
    }

    /// The name and the options of a command; an option has one value after `=`, or the words up to the next one.
    fn options(&self, command: &Command) -> Result<(String, HashMap<String, Vec<String>>), ReadError> {
        let mut words = command.words.iter().skip(1);
        let name = words.next().ok_or_else(|| self.error(command, "a name is expected"))?;
        let mut options: HashMap<String, Vec<String>> = HashMap::new();
        let mut current = String::new();
        for word in words {
            match word.strip_prefix("--") {
                Some(option) => {
                    let (key, value) = option.split_once('=').map_or((option, None), |(k, v)| (k, Some(v)));
                    current = key.to_owned();
                    let values = value.map(str::to_owned).into_iter().collect();
                    if options.insert(current.clone(), values).is_some() {
                        return Err(self.error(command, format!("--{current} is given twice")));
                    }
                }
                None => {
                    let values = options.get_mut(&current);
                    let values = values.ok_or_else(|| self.error(command, format!("{word} is no option")))?;
                    match word.strip_prefix("${").and_then(|w| w.strip_suffix("[@]}")) {
                        Some(list) => {
                            let list = self.lists.get(list);
                            let list = list.ok_or_else(|| self.error(command, "the list is not set"))?;
                            values.extend(list.iter().cloned());
                        }
                        None => values.push(word.clone()),
                    }
                }
            }
        }
        Ok((name.clone(), options))
    }

    fn rule(&self, command: &Command) -> Result<SecurityRule, ReadError> {
        let (name, mut options) = self.options(command)?;
        let mut many = |key: &str| match options.remove(key) {
            Some(values) if !values.is_empty() => Ok(values),
            _ => Err(self.error(command, format!("--{key} is missing"))),
        };
        let priority = many("priority")?.concat();
        let rule = SecurityRule {
            name,
            priority: priority.parse().map_err(|_| self.error(command, "the priority is no number"))?,
            direction: many("direction")?.concat(),
            access: many("access")?.concat(),
            protocol: many("protocol")?.concat(),
            sources: many("source-address-prefixes")?,
            destinations: many("destination-address-prefixes")?,
            source_ports: many("source-port-ranges")?,
            destination_ports: many("destination-port-ranges")?,
            description: many("description").unwrap_or_default().concat(),
        };
        match options.keys().next() {
            Some(key) => Err(self.error(command, format!("--{key} is not read"))),
            None => Ok(rule),
        }
    }

    fn route(&self, command: &Command) -> Result<Route, ReadError> {
        let (name, mut options) = self.options(command)?;
        let mut one = |key: &str| options.remove(key).map(|values| values.concat());
        let missing = |key: &str| self.error(command, format!("--{key} is missing"));
        Ok(Route {
            name,
            address_prefix: one("address-prefix").ok_or_else(|| missing("address-prefix"))?,
            next_hop_type: one("next-hop-type").ok_or_else(|| missing("next-hop-type"))?,
            next_hop_address: one("next-hop-ip-address"),
        })
    }

    /// The here-document of a command.
    fn json(&self, command: &Command) -> Result<Value, ReadError> {
        let document = command.document.as_ref().ok_or_else(|| self.error(command, "a body is expected"))?;
        let text = shell_text(document).ok_or_else(|| self.error(command, "the body is not read"))?;
        serde_json::from_str(&text).map_err(|e| self.error(command, e.to_string()))
    }

    /// A classic collection after the word for its kind.
    fn collection(&self, command: &Command) -> Result<RuleCollection, ReadError> {
        let kind = match command.words.get(1).map(String::as_str) {
            Some("network") => arm::ClassicKind::Network,
            Some("application") => arm::ClassicKind::Application,
            _ => return Err(self.error(command, "network or application is expected")),
        };
        let place = format!("{} line {}", self.name, command.line);
        arm::read_classic_collection(&escaped(self.json(command)?), &place, kind)
    }

    /// A request as a resource of a template: type and name from the path, the rest from the body.
    fn body(&self, command: &Command) -> Result<Value, ReadError> {
        let path = command.words.get(1).ok_or_else(|| self.error(command, "a path is expected"))?;
        let parts: Vec<&str> = path.split('/').collect();
        let (kind, name) = match parts.as_slice() {
            [kind, name] => ((*kind).to_owned(), *name),
            [parent, _, kind, name] => (format!("{parent}/{kind}"), *name),
            _ => return Err(self.error(command, format!("{path}: not the path of a resource"))),
        };
        let body = self.json(command)?;
        let properties = body.get("properties").cloned().unwrap_or(Value::Null);
        let mut resource = Map::new();
        resource.insert("type".to_owned(), Value::String(format!("Microsoft.Network/{kind}")));
        resource.insert("name".to_owned(), Value::String(name.to_owned()));
        resource.insert("properties".to_owned(), escaped(properties));
        Ok(Value::Object(resource))
    }
}

/// The default in `${NAME:-default}`; what is no such thing is itself.
fn default_of(text: &str) -> &str {
    let inner = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    inner.and_then(|t| t.split_once(":-")).map_or(text, |(_, default)| default)
}

/// What the shell makes of a here-document: escapes are taken away, variables stay as they stand.
fn shell_text(document: &str) -> Option<String> {
    let mut out = String::with_capacity(document.len());
    let mut chars = document.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                c @ ('\\' | '$' | '`') => out.push(c),
                other => out.extend(['\\', other]),
            },
            '`' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// The strings of a request as a template would write them; a request has no expressions.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') && text.ends_with(']') => {
            Value::String(format!("[{text}"))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(escaped).collect()),
        Value::Object(members) => Value::Object(members.into_iter().map(|(k, v)| (k, escaped(v))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_shell() {
        let found = words(r#"rule 'it'\''s' --a='b c' "d $e" f"#).unwrap();
        assert_eq!(found, ["rule", "it's", "--a=b c", "d $e", "f"]);
        assert_eq!(words("a 'b"), None);
    }

    #[test]
    fn documents_are_unescaped() {
        assert_eq!(shell_text(r#""a\\n \$b \` $scope""#).as_deref(), Some(r#""a\n $b ` $scope""#));
        assert_eq!(shell_text("`id`"), None);
    }
}
