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
    let mut reader = Reader { name, rest: text, line: 1, existing: HashMap::new() };
    let mut resources = Vec::new();
    loop {
        reader.blank(true)?;
        if reader.rest.is_empty() {
            return Ok(json!({ "resources": resources }));
        }
        if reader.takes("@description(") {
            reader.text()?;
            reader.expect(")")?;
            continue;
        }
        match reader.word()?.as_str() {
            "param" => reader.skip_line(),
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
}

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

    fn value(&mut self) -> Result<Value, ReadError> {
        self.blank(false)?;
        match self.rest.chars().next() {
            Some('\'') => self.text().map(|text| Value::String(literal(text))),
            Some('{') => self.object(),
            Some('[') => self.list(),
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

    /// A name, `true`, `false`, the id of an existing resource, or a call with strings as its arguments.
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
            return Ok(Value::String(format!("[{word}]")));
        }
        let mut arguments = Vec::new();
        while !self.takes(")") {
            arguments.push(format!("'{}'", self.text()?.replace('\'', "''")));
            self.blank(false)?;
            self.takes(",");
            self.blank(false)?;
        }
        Ok(Value::String(format!("[{word}({})]", arguments.join(", "))))
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
            json!({ "resources": [{
                "type": "T/x", "name": "it's ${b} \u{7}", "list": ["x", "[resourceId('T', 'n')]"],
                "on": true, "n": 5,
            }] })
        );
        assert!(compile("t", "resource a 'T@1' = {\n  name: 'x ${y}'\n}\n").is_err());
        assert!(compile("t", "var a = 1\n").is_err());
    }
}
