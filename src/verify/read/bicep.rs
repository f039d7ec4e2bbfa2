//! Bicep files: the template that a compiler would make of them, as far as resources need it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Files, ReadError, arm, utf8};
use crate::verify::resources::Resources;

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        let template = compile(name, utf8(name, bytes)?)?;
        resources.extend(arm::read_document(&template, name)?);
    }
    Ok(resources)
}

/// The template's resources. Parameters and existing resources stay what they are: names.
fn compile(name: &str, text: &str) -> Result<Value, ReadError> {
    let mut reader = Reader {
        name,
        rest: text,
        line: 1,
        existing: HashMap::new(),
        variables: Map::new(),
        parameters: Map::new(),
        depth: 0,
    };
    let mut resources = Vec::new();
    loop {
        reader.blank(true)?;
        if reader.rest.is_empty() {
            let Reader { variables, parameters, .. } = reader;
            return Ok(json!({ "parameters": parameters, "variables": variables, "resources": resources }));
        }
        if reader.takes("@description(") {
            reader.text()?;
            reader.expect(")")?;
            continue;
        }
        match reader.word()?.as_str() {
            "param" => reader.parameter()?,
            "var" => reader.variable()?,
            "resource" => resources.extend(reader.resource()?),
            other => return Err(reader.error(format!("`{other}` is not read"))),
        }
    }
}

struct Reader<'a> {
    name: &'a str,
    rest: &'a str,
    line: usize,
    /// Resources that exist, by symbol: type and name.
    existing: HashMap<String, (String, String)>,
    /// What is declared so far, as a template has it.
    variables: Map<String, Value>,
    parameters: Map<String, Value>,
    /// How many values are around the one that is read.
    depth: usize,
}

/// More values inside each other than any resource has.
const DEEPEST: usize = 64;

impl Reader<'_> {
    fn error(&self, message: impl Into<String>) -> ReadError {
        ReadError::new(format!("{} line {}", self.name, self.line), message)
    }

    /// Passes spaces and remarks, and with `lines` the ends of lines too.
    fn blank(&mut self, lines: bool) -> Result<(), ReadError> {
        loop {
            match self.rest.chars().next() {
                Some(' ' | '\t' | '\r') => self.rest = &self.rest[1..],
                Some('\n') if lines => {
                    self.rest = &self.rest[1..];
                    self.line += 1;
                }
                Some('/') if self.rest.starts_with("//") => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), ReadError> {
        self.blank(false)?;
        if self.takes(text) { Ok(()) } else { Err(self.error(format!("`{text}` is expected"))) }
    }

    fn word(&mut self) -> Result<String, ReadError> {
        self.blank(false)?;
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.error("a name is expected"));
        }
        let word = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        Ok(word)
    }

    /// A string on one line, without interpolation.
    fn text(&mut self) -> Result<String, ReadError> {
        self.expect("'")?;
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        let bad = "a string does not end, or holds what is not read";
        let end = loop {
            match chars.next() {
                Some((at, '\'')) => break Some(at + 1),
                Some((at, '$')) if self.rest[at..].starts_with("${") => break None,
                Some((_, '\\')) => match escape(&mut chars) {
                    Some(c) => out.push(c),
                    None => break None,
                },
                Some((_, c)) if c != '\n' => out.push(c),
                _ => break None,
            }
        };
        self.rest = &self.rest[end.ok_or_else(|| self.error(bad))?..];
        Ok(out)
    }

    /// A resource after its keyword; `None` for one that exists.
    fn resource(&mut self) -> Result<Option<Value>, ReadError> {
        let symbol = self.word()?;
        let kind = self.text()?;
        self.blank(false)?;
        let existing = self.takes("existing");
        self.expect("=")?;
        let body = self.value()?;
        let kind = kind.split('@').next().unwrap_or(&kind).to_owned();
        let Value::Object(mut members) = body else { return Err(self.error("an object is expected")) };
        if existing {
            let name = members.get("name").and_then(Value::as_str).unwrap_or_default();
            self.existing.insert(symbol, (kind, name.to_owned()));
            return Ok(None);
        }
        members.insert("type".to_owned(), Value::String(kind));
        Ok(Some(Value::Object(members)))
    }

    /// A parameter after its keyword. A default that is text is kept, one of another kind is not needed.
    fn parameter(&mut self) -> Result<(), ReadError> {
        let name = self.word()?;
        let kind = self.word()?;
        self.blank(false)?;
        let mut parameter = Map::from_iter([("type".to_owned(), Value::String(kind))]);
        if self.takes("=") {
            self.blank(false)?;
            if self.rest.starts_with('\'') {
                parameter.insert("defaultValue".to_owned(), Value::String(literal(self.text()?)));
            }
        }
        self.skip_line();
        match self.parameters.insert(name, Value::Object(parameter)) {
            None => Ok(()),
            Some(_) => Err(self.error("a parameter is given twice")),
        }
    }

    /// A variable after its keyword.
    fn variable(&mut self) -> Result<(), ReadError> {
        let name = self.word()?;
        self.expect("=")?;
        let value = self.value()?;
        match self.variables.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(self.error("a variable is given twice")),
        }
    }

    /// Reads something inside what is being read.
    fn inside<T>(&mut self, read: fn(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.depth == DEEPEST {
            return Err(self.error("values are too deep inside each other"));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn value(&mut self) -> Result<Value, ReadError> {
        self.blank(false)?;
        match self.rest.chars().next() {
            Some('\'') => self.text().map(|text| Value::String(literal(text))),
            Some('{') => self.inside(Self::object),
            Some('[') => self.inside(Self::list),
            Some('0'..='9') => {
                let digits = self.word()?;
                digits.parse::<i64>().map(Value::from).map_err(|_| self.error("a number is expected"))
            }
            _ => self.expression(),
        }
    }

    fn object(&mut self) -> Result<Value, ReadError> {
        self.expect("{")?;
        let mut members = Map::new();
        loop {
            self.blank(true)?;
            if self.takes("}") {
                return Ok(Value::Object(members));
            }
            let key = self.word()?;
            self.expect(":")?;
            let value = self.value()?;
            if members.insert(key, value).is_some() {
                return Err(self.error("a member is given twice"));
            }
        }
    }

    /// Items stand on lines of their own.
    fn list(&mut self) -> Result<Value, ReadError> {
        self.expect("[")?;
        let mut items = Vec::new();
        loop {
            self.blank(true)?;
            if self.takes("]") {
                return Ok(Value::Array(items));
            }
            items.push(self.value()?);
            self.blank(false)?;
            if !self.rest.starts_with(['\n', ']']) {
                return Err(self.error("one item on a line is expected"));
            }
        }
    }

    /// A name, `true`, `false`, the id of an existing resource, or a call.
    fn expression(&mut self) -> Result<Value, ReadError> {
        let word = self.word()?;
        match word.as_str() {
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            _ => {}
        }
        if self.takes(".id") {
            let known = self.existing.get(&word);
            let (kind, name) =
                known.ok_or_else(|| self.error(format!("no existing resource is called {word}")))?;
            return Ok(Value::String(format!("[resourceId('{kind}', '{}')]", name.replace('\'', "''"))));
        }
        if !self.takes("(") {
            return Ok(Value::String(format!("[{}]", self.name(&word))));
        }
        Ok(Value::String(format!("[{}]", self.call(&word)?)))
    }

    /// What a name stands for in a template.
    fn name(&self, word: &str) -> String {
        if self.parameters.contains_key(word) {
            format!("parameters('{word}')")
        } else if self.variables.contains_key(word) {
            format!("variables('{word}')")
        } else {
            word.to_owned()
        }
    }

    /// A call after its opening bracket, as a template writes it.
    fn call(&mut self, function: &str) -> Result<String, ReadError> {
        let mut arguments = Vec::new();
        self.blank(false)?;
        while !self.takes(")") {
            arguments.push(self.inside(Self::argument)?);
            self.blank(false)?;
            self.takes(",");
            self.blank(false)?;
        }
        Ok(format!("{function}({})", arguments.join(", ")))
    }

    /// An argument of a call: a string, a name, another call, or an object of such.
    fn argument(&mut self) -> Result<String, ReadError> {
        if self.rest.starts_with('\'') {
            return Ok(format!("'{}'", self.text()?.replace('\'', "''")));
        }
        if !self.takes("{") {
            let word = self.word()?;
            return if self.takes("(") { self.call(&word) } else { Ok(self.name(&word)) };
        }
        let mut members = Vec::new();
        loop {
            self.blank(true)?;
            if self.takes("}") {
                return Ok(format!("createObject({})", members.join(", ")));
            }
            let key = self.word()?;
            self.expect(":")?;
            self.blank(false)?;
            members.push(format!("'{key}', {}", self.inside(Self::argument)?));
        }
    }
}

fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        '\\' => Some('\\'),
        '\'' => Some('\''),
        '$' => Some('$'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'u' => {
            let code: String = chars.skip(1).map(|(_, c)| c).take_while(|c| *c != '}').collect();
            char::from_u32(u32::from_str_radix(&code, 16).ok()?)
        }
        _ => None,
    }
}

/// As the template has it: what would be read as an expression gets one more bracket.
fn literal(text: String) -> String {
    if text.starts_with('[') && text.ends_with(']') { format!("[{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_read() {
        let text = "// remark\nparam location string = resourceGroup().location\n\nresource a 'T/x@1' = {\n  \
                    name: 'it\\'s \\${b} \\u{7}'\n  list: [\n    'x' // remark\n    resourceId('T', 'n')\n  ]\n  \
                    on: true\n  n: 5\n}\n";
        let found = compile("t", text).unwrap();
        assert_eq!(
            found,
            json!({ "parameters": { "location": { "type": "string" } }, "variables": {}, "resources": [{
                "type": "T/x", "name": "it's ${b} \u{7}", "list": ["x", "[resourceId('T', 'n')]"],
                "on": true, "n": 5,
            }] })
        );
        assert!(compile("t", "resource a 'T@1' = {\n  name: 'x ${y}'\n}\n").is_err());
        assert!(compile("t", "output a int = 1\n").is_err());
        assert!(compile("t", "var a = 1\nvar a = 1\n").is_err());
        for open in ["[\n", "{\nx: ", "f(", "f({\nx: "] {
            let error = compile("t", &format!("var a = {}", open.repeat(100_000))).unwrap_err();
            assert!(error.to_string().contains("too deep"), "{error}");
        }
    }

    #[test]
    fn calls_are_written_as_in_templates() {
        let text = "param p object\nparam q string = 'it\\'s'\nvar v = [\n  q\n]\nresource a 'T@1' = {\n  \
                    properties: union(p, {\n    list: concat(v, other('x'))\n  })\n}\n";
        let found = compile("t", text).unwrap();
        assert_eq!(found["parameters"]["q"]["defaultValue"], "it's");
        assert_eq!(found["variables"]["v"], json!(["[parameters('q')]"]));
        let expression = "[union(parameters('p'), createObject('list', concat(variables('v'), other('x'))))]";
        assert_eq!(found["resources"][0]["properties"], expression);
    }
}
