//! Bicep files: the template that a compiler would make of them, as far as resources need it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{Display, Write};

use super::arm::{self, GROUPS, IP_GROUPS, POLICY_NAME, Quoted, ResourceId};
use super::error::{Files, Line, ReadError, Wrong, utf8};
use super::tree::{Tree, cut};
use crate::read::resources::Resources;
use crate::text::says;

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        let text = utf8(name, bytes)?;
        resources.extend(arm::read_template(name, text, &compile(name, text)?)?);
    }
    Ok(resources)
}

/// The template that a compiler makes of the file. Only statements that tagwall writes are known; all others, and
/// functions, loops, conditions and modules with them, are errors.
fn compile<'a>(name: &'a str, text: &'a str) -> Result<Tree<'a>, ReadError> {
    let mut reader = BicepReader {
        name,
        text,
        rest: text,
        existing: HashMap::new(),
        unused: BTreeSet::new(),
        made: HashMap::new(),
        variables: Vec::new(),
        parameters: Vec::new(),
        depth: 0,
    };
    reader.plain()?;
    let mut resources = Vec::new();
    loop {
        reader.blank(true);
        if reader.rest.is_empty() {
            return match reader.unused.first() {
                Some(symbol) => {
                    Err(reader.error(format_args!("nothing names the existing resource {symbol}")))
                }
                None => Ok(reader.template(resources)),
            };
        }
        let description = reader.description()?;
        match reader.word()? {
            "param" => reader.parameter(description)?,
            _ if description.is_some() => return Err(reader.error("only parameters have a description")),
            "var" => reader.variable()?,
            "resource" => resources.extend(reader.resource()?),
            other => return Err(reader.error(format_args!("`{other}` is not written by tagwall"))),
        }
        reader.end_of_line()?;
    }
}

/// Members of an object, by name.
type Members<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

struct BicepReader<'a> {
    name: &'a str,
    text: &'a str,
    rest: &'a str,
    /// Resources that exist, by symbol: type and name.
    existing: HashMap<&'a str, (Cow<'a, str>, Tree<'a>)>,
    /// Symbols of those that nothing has named yet.
    unused: BTreeSet<&'a str>,
    /// Resources that were made so far, by symbol: the expressions of their ids.
    made: HashMap<&'a str, String>,
    /// What is declared so far, as a template has it.
    variables: Members<'a>,
    parameters: Members<'a>,
    /// How many values are around the one that is read.
    depth: usize,
}

/// More values inside each other than any resource has.
const DEEPEST: usize = 64;

const POLICIES: &str = "Microsoft.Network/firewallPolicies";

impl<'a> BicepReader<'a> {
    fn error(&self, message: impl Display) -> ReadError {
        let read = &self.text[..self.text.len() - self.rest.len()];
        let line = 1 + read.matches('\n').count();
        ReadError::new(Line(self.name, line), message)
    }

    /// Makes sure that lines end where a compiler sees their ends, and that nothing is there that people do not see.
    fn plain(&mut self) -> Result<(), ReadError> {
        match self.text.find(|c: char| c.is_control() && c != '\n') {
            None => Ok(()),
            Some(at) => {
                self.rest = &self.text[at..];
                Err(self.error("a control character"))
            }
        }
    }

    fn template(self, resources: Vec<Tree<'a>>) -> Tree<'a> {
        let mut members = vec![
            ("$schema", Tree::text(arm::SCHEMA)),
            ("contentVersion", Tree::text(arm::CONTENT_VERSION)),
            ("parameters", Tree::Map(self.parameters)),
        ];
        if !self.variables.is_empty() {
            members.push(("variables", Tree::Map(self.variables)));
        }
        members.push(("resources", Tree::List(resources)));
        Tree::map(members)
    }

    /// Passes spaces and remarks, and with `lines` the ends of lines too.
    fn blank(&mut self, lines: bool) {
        loop {
            let rest = self.rest;
            self.rest = match rest.as_bytes().first() {
                Some(b' ') => &rest[1..],
                Some(b'\n') if lines => &rest[1..],
                Some(b'/') if rest.starts_with("//") => &rest[rest.find('\n').unwrap_or(rest.len())..],
                _ => return,
            };
        }
    }

    fn end_of_line(&mut self) -> Result<(), ReadError> {
        self.blank(false);
        if self.rest.is_empty() || self.rest.starts_with('\n') {
            Ok(())
        } else {
            Err(self.error("the end of the line is expected"))
        }
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
        self.blank(false);
        if self.takes(text) { Ok(()) } else { Err(self.error(Wrong::Expected(text))) }
    }

    fn word(&mut self) -> Result<&'a str, ReadError> {
        self.blank(false);
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.error("a name is expected"));
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    /// A string on one line, without interpolation.
    fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.expect("'")?;
        let rest = self.rest;
        if let Some(end) = rest.find(['\'', '\\', '$', '\n']).filter(|end| rest[*end..].starts_with('\'')) {
            self.rest = &rest[end + 1..];
            return Ok(Cow::Borrowed(&rest[..end]));
        }
        let mut out = String::new();
        let mut chars = rest.char_indices();
        let bad = "a string does not end, or holds what is not read";
        let end = loop {
            match chars.next() {
                Some((at, '\'')) => break Some(at + 1),
                Some((at, '$')) if rest[at..].starts_with("${") => break None,
                Some((_, '\\')) => match escape(&mut chars) {
                    Some(c) => out.push(c),
                    None => break None,
                },
                Some((_, c)) if c != '\n' => out.push(c),
                _ => break None,
            }
        };
        self.rest = &rest[end.ok_or_else(|| self.error(bad))?..];
        Ok(Cow::Owned(out))
    }

    /// The description before a parameter, if one is there.
    fn description(&mut self) -> Result<Option<Cow<'a, str>>, ReadError> {
        if !self.takes("@description(") {
            return Ok(None);
        }
        let text = self.string()?;
        self.expect(")")?;
        self.end_of_line()?;
        self.takes("\n");
        Ok(Some(text))
    }

    /// A symbol, a parameter or a variable that is declared: each name once.
    fn new_name(&mut self) -> Result<&'a str, ReadError> {
        let name = self.word()?;
        let declared = |list: &[(Cow<'a, str>, Tree<'a>)]| list.iter().any(|(other, _)| other == name);
        let taken = self.existing.contains_key(name)
            || self.made.contains_key(name)
            || declared(&self.variables)
            || declared(&self.parameters);
        if taken { Err(self.error(Wrong::DeclaredTwice(name))) } else { Ok(name) }
    }

    /// A resource after its keyword; `None` for one that exists.
    fn resource(&mut self) -> Result<Option<Tree<'a>>, ReadError> {
        let symbol = self.new_name()?;
        let text = self.string()?;
        let Some(at) = text.find('@') else {
            return Err(self.error("a type with its API version is expected"));
        };
        arm::known_version(&text[at + 1..]).map_err(|wrong| self.error(wrong))?;
        let (version, after) = (cut(text.clone(), at + 1, 0), text.len() - at);
        let kind = cut(text, 0, after);
        self.blank(false);
        let existing = self.takes("existing ");
        self.expect("=")?;
        self.blank(false);
        if !self.rest.starts_with('{') {
            return Err(self.error("an object is expected: tagwall writes no conditions and no loops"));
        }
        let Tree::Map(members) = self.value()? else { return Err(self.error("an object is expected")) };
        if existing {
            let [(key, name)]: [_; 1] = members
                .try_into()
                .map_err(|_| self.error("a resource that exists has a name and nothing else"))?;
            if key != "name" {
                return Err(self.error("a name is expected"));
            }
            self.existing.insert(symbol, (kind, name));
            self.unused.insert(symbol);
            return Ok(None);
        }
        let (id, members) = self.members(&kind, members)?;
        self.made.insert(symbol, id);
        let head = [("type".into(), Tree::Text(kind)), ("apiVersion".into(), Tree::Text(version))];
        Ok(Some(Tree::Map(head.into_iter().chain(members).collect())))
    }

    /// The members of a resource as a template has them, and the expression of its id.
    fn members(&self, kind: &str, mut members: Members<'a>) -> Result<(String, Members<'a>), ReadError> {
        if members.iter().any(|(key, _)| key == "type" || key == "apiVersion") {
            return Err(self.error("type and API version stand before the object"));
        }
        let name = members.iter().position(|(key, _)| key == "name");
        let Some(at) = name else { return Err(self.error("`name` is missing")) };
        let text = match &members[at].1 {
            Tree::Text(text) => text.clone(),
            _ => Cow::Borrowed(""),
        };
        if kind != GROUPS {
            return Ok((ResourceId::of(kind, &text).to_string(), members));
        }
        let parent = members.iter().position(|(key, _)| key == "parent");
        match parent.map(|at| &members[at].1) {
            Some(Tree::Code(code)) if says(code, POLICY_ID) => {}
            _ => return Err(self.error("the existing firewall policy is expected as the parent")),
        }
        members[at].1 = Tree::Code(format!("format('{{0}}/{{1}}', {POLICY_NAME}, {})", Quoted(&text)).into());
        members.remove(parent.unwrap_or_default());
        Ok((ResourceId::inside(GROUPS, POLICY_NAME, &text).to_string(), members))
    }

    /// A parameter after its keyword.
    fn parameter(&mut self, description: Option<Cow<'a, str>>) -> Result<(), ReadError> {
        let name = self.new_name()?;
        let mut parameter = vec![("type", Tree::text(self.word()?))];
        self.blank(false);
        if self.takes("=") {
            self.blank(false);
            let default = match self.takes("resourceGroup().location") {
                true => Tree::code("resourceGroup().location"),
                false => Tree::Text(self.string()?),
            };
            parameter.push(("defaultValue", default));
        }
        if let Some(text) = description {
            parameter.push(("metadata", Tree::map([("description", Tree::Text(text))])));
        }
        self.parameters.push((name.into(), Tree::map(parameter)));
        Ok(())
    }

    /// A variable after its keyword.
    fn variable(&mut self) -> Result<(), ReadError> {
        let name = self.new_name()?;
        self.expect("=")?;
        let value = self.value()?;
        self.variables.push((name.into(), value));
        Ok(())
    }

    /// Reads something inside what is being read.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.depth == DEEPEST {
            return Err(self.error("values are too deep inside each other"));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn value(&mut self) -> Result<Tree<'a>, ReadError> {
        self.blank(false);
        match self.rest.as_bytes().first() {
            Some(b'\'') => self.string().map(Tree::Text),
            Some(b'{') => self.inside(Self::object),
            Some(b'[') => self.inside(Self::list),
            Some(b'0'..=b'9') => {
                let digits = self.word()?;
                digits.parse::<i64>().map(Tree::Number).map_err(|_| self.error("a number is expected"))
            }
            _ => self.expression(),
        }
    }

    fn object(&mut self) -> Result<Tree<'a>, ReadError> {
        self.expect("{")?;
        let mut members: Members<'a> = Vec::new();
        loop {
            self.blank(true);
            if self.takes("}") {
                return Ok(Tree::Map(members));
            }
            let key = self.word()?;
            self.expect(":")?;
            if members.iter().any(|(other, _)| other == key) {
                return Err(self.error(Wrong::MemberTwice(key)));
            }
            let value = self.value()?;
            self.end_of_line()?;
            members.push((key.into(), value));
        }
    }

    /// Items stand on lines of their own.
    fn list(&mut self) -> Result<Tree<'a>, ReadError> {
        self.expect("[")?;
        let mut items = Vec::new();
        loop {
            self.blank(true);
            if self.takes("]") {
                return Ok(Tree::List(items));
            }
            items.push(self.value()?);
            self.end_of_line()?;
        }
    }

    /// `true`, `false`, a name, the id of an existing resource, or a call.
    fn expression(&mut self) -> Result<Tree<'a>, ReadError> {
        let word = self.word()?;
        match word {
            "true" => return Ok(Tree::Bool(true)),
            "false" => return Ok(Tree::Bool(false)),
            _ => {}
        }
        self.unused.remove(word);
        if self.takes(".id") {
            return match self.existing.get(word) {
                Some((kind, Tree::Text(name))) if kind == IP_GROUPS => {
                    Ok(Tree::Code(ResourceId::of(IP_GROUPS, name).to_string().into()))
                }
                _ => Err(self.error(format_args!("no existing IP group is called {word}"))),
            };
        }
        let mut code = String::new();
        if self.takes("(") {
            self.call(word, &mut code)?
        } else {
            self.name(word, &mut code)?
        }
        Ok(Tree::Code(code.into()))
    }

    /// Adds what a name stands for in a template.
    fn name(&self, word: &str, code: &mut String) -> Result<(), ReadError> {
        let declared = |list: &[(Cow<'a, str>, Tree<'a>)]| list.iter().any(|(other, _)| other == word);
        let place = if declared(&self.parameters) {
            "parameters"
        } else if declared(&self.variables) {
            "variables"
        } else if let Some(id) = self.made.get(word) {
            code.push_str(id);
            return Ok(());
        } else {
            return match self.existing.get(word) {
                Some((kind, Tree::Code(name))) if kind == POLICIES && name == POLICY_NAME => {
                    add(code, POLICY_ID);
                    Ok(())
                }
                _ => Err(self.error(Wrong::Undeclared(word))),
            };
        };
        add(code, format_args!("{place}('{word}')"));
        Ok(())
    }

    /// Adds a call after its opening bracket, as a template writes it.
    fn call(&mut self, function: &str, code: &mut String) -> Result<(), ReadError> {
        add(code, format_args!("{function}("));
        self.blank(false);
        let mut first = true;
        while !self.takes(")") {
            if !first {
                self.expect(",")?;
                self.blank(false);
                code.push_str(", ");
            }
            first = false;
            self.inside(|reader| reader.argument(code))?;
            self.blank(false);
        }
        code.push(')');
        Ok(())
    }

    /// Adds an argument of a call: a string, a name, another call, or an object of such.
    fn argument(&mut self, code: &mut String) -> Result<(), ReadError> {
        if self.rest.starts_with('\'') {
            add(code, Quoted(&self.string()?));
            return Ok(());
        }
        if !self.takes("{") {
            let word = self.word()?;
            return if self.takes("(") { self.call(word, code) } else { self.name(word, code) };
        }
        code.push_str("createObject(");
        let mut first = true;
        loop {
            self.blank(true);
            if self.takes("}") {
                code.push(')');
                return Ok(());
            }
            let key = self.word()?;
            self.expect(":")?;
            self.blank(false);
            add(code, format_args!("{}'{key}', ", if first { "" } else { ", " }));
            first = false;
            self.inside(|reader| reader.argument(code))?;
            self.end_of_line()?;
        }
    }
}

/// Adds what `part` is shown as to an expression.
fn add(code: &mut String, part: impl Display) {
    // Writing to a text cannot fail.
    _ = write!(code, "{part}");
}

/// What the symbol of the firewall policy stands for.
const POLICY_ID: ResourceId<'static> = ResourceId::by(POLICIES, POLICY_NAME);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_read() {
        let text = "// remark\nparam location string = resourceGroup().location\n\nresource a 'T/x@2025-05-01' = {\n  \
                    name: 'it\\'s \\${b} \\u{7}'\n  list: [\n    'x' // remark\n    location\n  ]\n  \
                    on: true\n  n: 5\n}\n";
        let found = compile("t", text).unwrap();
        let location = found.get("parameters").and_then(|p| p.get("location")).unwrap();
        assert_eq!(location.get("defaultValue"), Some(&Tree::code("resourceGroup().location")));
        let Some(Tree::List(resources)) = found.get("resources") else { panic!("{found:?}") };
        let expected = Tree::map([
            ("type", Tree::text("T/x")),
            ("apiVersion", Tree::text("2025-05-01")),
            ("name", Tree::text("it's ${b} \u{7}")),
            ("list", Tree::List(vec![Tree::text("x"), Tree::code("parameters('location')")])),
            ("on", Tree::Bool(true)),
            ("n", Tree::Number(5)),
        ]);
        assert_eq!(*resources, [expected]);
    }

    #[test]
    fn what_is_not_written_is_an_error_with_its_line() {
        let error = |text: &str| compile("t", text).unwrap_err().to_string();
        for (text, expected) in [
            ("\nmodule m 'x' = {}", "t line 2: `module` is not written"),
            ("\n\noutput o string = 'a'", "t line 3: `output` is not written"),
            ("targetScope = 'subscription'", "`targetScope` is not written"),
            ("/* a */", "a name is expected"),
            ("@secure()\nparam p string", "a name is expected"),
            ("@description('d')\nvar v = 1", "only parameters"),
            ("param p string\nvar p = 1", "p is declared twice"),
            ("param p string = a ? 'b' : 'c'", "`'` is expected"),
            ("param p string = 'a' + 'b'", "the end of the line"),
            ("var v = [for i in range(0, 2): i]", "for is not declared"),
            ("var v = {\n  a: 1\n  a: 2\n}", "t line 3: the member `a` is there twice"),
            ("var v = '${a}'", "a string does not end, or holds"),
            ("var v = '''a'''", "the end of the line"),
            ("resource a 'T/x@2025-05-01' = if (true) {\n}", "no conditions"),
            ("resource a 'T/x@2025-05-01' = [for i in [1]: {\n}]", "no loops"),
            ("resource a 'T/x@2020-05-01' = {\n}", "API version 2020-05-01 is none of"),
            ("resource a 'T/x@2025-05-01' existing = {\n  name: 'a'\n  scope: 'b'\n}", "and nothing else"),
            ("// remark\rvar v = 1", "a control character"),
        ] {
            assert!(error(text).contains(expected), "{text}: {}", error(text));
        }
    }

    #[test]
    fn calls_and_names_are_those_of_a_template() {
        let text = "param p object\nparam q string = 'it\\'s'\nvar v = [\n  q\n]\n\nresource a 'T/x@2025-05-01' = {\n  \
                    name: 'n'\n  properties: union(p, {\n    list: concat(v, other('x'))\n  })\n}\n";
        let found = compile("t", text).unwrap();
        let parameters = found.get("parameters").unwrap();
        assert_eq!(parameters.get("q").unwrap().get("defaultValue"), Some(&Tree::text("it's")));
        let variables = found.get("variables").unwrap();
        assert_eq!(variables.get("v"), Some(&Tree::List(vec![Tree::code("parameters('q')")])));
        let Some(Tree::List(resources)) = found.get("resources") else { panic!("{found:?}") };
        let expression = "union(parameters('p'), createObject('list', concat(variables('v'), other('x'))))";
        assert_eq!(resources[0].get("properties"), Some(&Tree::code(expression)));
    }
}
