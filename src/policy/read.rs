//! Policy text into [`Intent`], with all that is wrong in it.
//!
//! TOML is read into a tree with spans. The tree is checked against the JSON Schema of [`Intent`]: unknown keys,
//! wrong types, unknown words. Only then serde reads it, so that one mistake does not hide the next.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::form::schema;
use super::form_problem::{FormProblem, KeyHint};
use super::intent::Intent;
use super::layers::Layers;
use super::place::{Path, PolicyErrors, PolicyProblem, Step};
use crate::text::{hidden, nearest};

/// A policy file that is well-formed: its [`Intent`], and the text to point into.
#[derive(Debug, Clone)]
pub struct PolicySource {
    file: String,
    text: String,
    /// What the text is put together from, where that is more than one file.
    layers: Option<Arc<Layers>>,
    /// What the user asked for.
    pub intent: Intent,
}

impl PolicySource {
    /// The text of the file, without a byte-order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the text of a policy file; `file` is its name in messages.
    ///
    /// # Errors
    /// [`PolicyErrors`] with every syntax error, or every unknown key, wrong type and unknown word.
    ///
    /// ```
    /// use tagwall::policy::PolicySource;
    /// let errors = PolicySource::read("p.toml", "schema = 1\nname = \"x\"\nregoin = \"westeurope\"\n").unwrap_err();
    /// let text = errors.to_string();
    /// assert!(text.contains("unknown key `regoin`; did you mean region?"), "{text}");
    /// assert!(text.contains("p.toml:3"), "{text}");
    /// ```
    pub fn read(file: &str, text: &str) -> Result<Self, PolicyErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let alone = "what a file extends is read from the files beside it; here the text stands alone";
        let intent = read_as(file, text, schema(), &[("extends", alone)])?;
        Ok(PolicySource { file: file.to_owned(), text: text.to_owned(), layers: None, intent })
    }

    /// The policy that several texts make together. Its text is all of them written out as one; messages point into
    /// the text that said what is wrong.
    ///
    /// # Errors
    /// As of [`PolicySource::read`].
    pub fn of(layers: Layers) -> Result<Self, PolicyErrors> {
        let (file, text) = (layers.file(), layers.text());
        if layers.is_single() {
            return PolicySource::read(&file, &text);
        }
        match PolicySource::read(&file, &text) {
            Ok(source) => Ok(PolicySource { layers: Some(Arc::new(layers)), ..source }),
            Err(errors) => {
                let tree = DeTable::parse_recoverable(&text).0;
                let place = |problem: PolicyProblem| {
                    let known = (problem.place != Path::top()).then(|| problem.place.clone());
                    (known.unwrap_or_else(|| place_at(tree.get_ref(), problem.span.start)), problem.message)
                };
                Err(layers.errors(errors.problems.into_iter().map(place)))
            }
        }
    }

    /// The file's name as given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// An error report about `places`, each with what is wrong there.
    pub fn errors<M: Display>(&self, places: impl IntoIterator<Item = (Path, M)>) -> PolicyErrors {
        if let Some(layers) = &self.layers {
            return layers.errors(places);
        }
        let tree = DeTable::parse(&self.text).expect("the text was parsed before");
        let mut problems: Vec<PolicyProblem> = places
            .into_iter()
            .map(|(place, message)| PolicyProblem::new(place.clone(), locate(&tree, &place), message))
            .collect();
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        PolicyErrors { file: self.file.clone(), text: self.text.clone(), problems }
    }
}

/// Reads a TOML text that has the form of `schema`. Of keys that are `refused`, only that is said.
///
/// # Errors
/// [`PolicyErrors`] with every syntax error, or every unknown key, wrong type and unknown word.
pub(crate) fn read_as<T: DeserializeOwned>(
    file: &str,
    text: &str,
    schema: &Value,
    refused: &[(&str, &str)],
) -> Result<T, PolicyErrors> {
    let failed = |mut problems: Vec<PolicyProblem>| {
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        PolicyErrors { file: file.to_owned(), text: text.to_owned(), problems }
    };
    let (tree, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        let problem =
            |e: &toml::de::Error| PolicyProblem::new(Path::top(), e.span().unwrap_or(0..0), e.message());
        return Err(failed(syntax.iter().map(problem).collect()));
    }
    for (key, why) in refused {
        if let Some((_, value)) = tree.get_ref().iter().find(|(name, _)| name.get_ref() == key) {
            return Err(failed(vec![PolicyProblem::new(Path::top().at(*key), value.span(), why)]));
        }
    }
    let mut problems = Checker::new(schema).check(&tree);
    hidden_in_table(tree.get_ref(), &Path::top(), &mut problems);
    if !problems.is_empty() {
        return Err(failed(problems));
    }
    toml::from_str(text)
        .map_err(|e| failed(vec![PolicyProblem::new(Path::top(), e.span().unwrap_or(0..0), e.message())]))
}

/// The place of the innermost value around a byte of the text.
fn place_at(table: &DeTable<'_>, byte: usize) -> Path {
    fn below(value: &Spanned<DeValue<'_>>, place: Path, byte: usize) -> Path {
        match value.get_ref() {
            DeValue::Table(table) => within(table, place, byte),
            DeValue::Array(items) => match items.iter().position(|item| item.span().contains(&byte)) {
                Some(at) => below(&items[at], place.at(at), byte),
                None => place,
            },
            _ => place,
        }
    }
    fn within(table: &DeTable<'_>, place: Path, byte: usize) -> Path {
        let around = |value: &Spanned<DeValue<'_>>| value.span().contains(&byte);
        match table.iter().find(|(key, value)| around(value) || key.span().contains(&byte)) {
            Some((key, value)) => below(value, place.at(key.get_ref().as_ref()), byte),
            None => place,
        }
    }
    within(table, Path::top(), byte)
}

/// The span of the value at `place`, or of the nearest thing around it.
fn locate(tree: &Spanned<DeTable<'_>>, place: &Path) -> Range<usize> {
    if let Some(span) = find(tree, place.steps()) {
        return span;
    }
    place.parent().map_or(0..0, |parent| locate(tree, &parent))
}

fn find(tree: &Spanned<DeTable<'_>>, steps: &[Step]) -> Option<Range<usize>> {
    let (first, rest) = steps.split_first()?;
    let Step::Key(key) = first else { return None };
    let (name, mut value) = tree.get_ref().iter().find(|(name, _)| name.get_ref() == key)?;
    let mut span = if rest.is_empty() { value.span() } else { name.span() };
    for step in rest {
        value = match (step, value.get_ref()) {
            (Step::Key(key), DeValue::Table(table)) => {
                let (name, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
                span = if matches!(value.get_ref(), DeValue::Table(_)) { name.span() } else { value.span() };
                value
            }
            (Step::Index(at), DeValue::Array(items)) => {
                let item = items.get(*at)?;
                span = item.span();
                item
            }
            _ => return None,
        };
    }
    Some(span)
}

/// Reports texts with characters that are not shown: what the policy says goes into rules, reports and terminals.
fn hidden_in_table(table: &DeTable<'_>, place: &Path, problems: &mut Vec<PolicyProblem>) {
    for (key, value) in table {
        let below = place.at(key.get_ref().as_ref());
        hidden_in_text(key.get_ref(), key.span(), &below, problems);
        hidden_in_value(value, &below, problems);
    }
}

fn hidden_in_value(value: &Spanned<DeValue<'_>>, place: &Path, problems: &mut Vec<PolicyProblem>) {
    match value.get_ref() {
        DeValue::String(text) => hidden_in_text(text, value.span(), place, problems),
        DeValue::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| hidden_in_value(item, &place.at(at), problems));
        }
        DeValue::Table(table) => hidden_in_table(table, place, problems),
        _ => {}
    }
}

fn hidden_in_text(text: &str, span: Range<usize>, place: &Path, problems: &mut Vec<PolicyProblem>) {
    if let Some(c) = hidden(text) {
        problems.push(PolicyProblem::new(place.clone(), span, FormProblem::Hidden(c)));
    }
}

/// Holds a TOML tree against a JSON Schema: the part of JSON Schema that schemars writes for [`Intent`].
struct Checker<'s> {
    schema: &'s Value,
    problems: Vec<PolicyProblem>,
}

impl<'s> Checker<'s> {
    fn new(schema: &'s Value) -> Self {
        Checker { schema, problems: Vec::new() }
    }

    fn check(mut self, tree: &Spanned<DeTable<'_>>) -> Vec<PolicyProblem> {
        self.table(self.schema, tree.get_ref(), 0..0, &Path::top());
        self.problems
    }

    fn report(&mut self, place: &Path, span: Range<usize>, problem: FormProblem<'_>) {
        self.problems.push(PolicyProblem::new(place.clone(), span, problem));
    }

    fn follow(&self, node: &'s Value) -> &'s Value {
        match node["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            Some(name) => &self.schema["$defs"][name],
            None => node,
        }
    }

    fn table(&mut self, node: &'s Value, table: &DeTable<'_>, span: Range<usize>, place: &Path) {
        let known = node["properties"].as_object();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let below = place.at(name);
            match (known.and_then(|k| k.get(name)), &node["additionalProperties"]) {
                (Some(child), _) => self.value(child, value, &below),
                (None, Value::Bool(false)) | (None, Value::Null) => {
                    let names = known.into_iter().flatten().map(|(n, _)| n.as_str());
                    let hint = match nearest(name, names) {
                        near if near.is_empty() => self.elsewhere(name),
                        near => KeyHint::Near(near),
                    };
                    self.report(&below, key.span(), FormProblem::Key { name, hint });
                }
                (None, Value::Bool(true)) => {}
                (None, child) => self.value(child, value, &below),
            }
        }
        for name in node["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.keys().any(|key| key.get_ref() == name) {
                self.report(place, span.clone(), FormProblem::Missing { name, place });
            }
        }
        if table.is_empty() && node["minProperties"].as_u64().is_some() {
            self.report(place, span, FormProblem::Empty(place));
        }
    }

    /// Where a key of this name belongs, if it is one of the top, or of one section below it alone.
    fn elsewhere<'k>(&self, name: &'k str) -> KeyHint<'k>
    where
        's: 'k,
    {
        let sections = self.schema["properties"].as_object().into_iter().flatten();
        let mut found = Vec::new();
        for (section, node) in sections {
            if section == name {
                return KeyHint::Top(name);
            }
            let node = self.follow(node);
            let several = node["items"].is_object();
            let inner = if several { self.follow(&node["items"]) } else { node };
            if inner["properties"].get(name).is_some() {
                found.push((section, several));
            }
        }
        match found.as_slice() {
            [(section, false)] => KeyHint::Section(name, section),
            [(section, true)] => KeyHint::Entry(name, section),
            _ => KeyHint::Near(Vec::new()),
        }
    }

    fn value(&mut self, node: &'s Value, value: &Spanned<DeValue<'_>>, place: &Path) {
        let node = self.follow(node);
        if let Some(options) = node["anyOf"].as_array() {
            self.any_of(options, value, place);
        } else if let Some(words) = words_of(node) {
            self.word(&words, value, place);
        } else if !self.type_fits(node, value.get_ref()) {
            let wanted = [self.describe(node)];
            let problem = FormProblem::Kind { place, wanted: &wanted, is: kind(value.get_ref()) };
            self.report(place, value.span(), problem);
        } else {
            self.inner(node, value, place);
        }
    }

    fn inner(&mut self, node: &'s Value, value: &Spanned<DeValue<'_>>, place: &Path) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(node, table, value.span(), place),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(&node["items"], item, &place.at(index));
                }
            }
            DeValue::Integer(number) => {
                let text = &*number.to_string();
                let (min, max) = (node["minimum"].as_f64(), node["maximum"].as_f64());
                let outside = text
                    .parse::<f64>()
                    .map_or(true, |n| min.is_some_and(|min| n < min) || max.is_some_and(|max| n > max));
                if outside {
                    self.report(place, value.span(), FormProblem::Number { place, min, max, is: text });
                }
            }
            _ => {}
        }
    }

    /// The first alternative whose type fits is held against the value; none: say what would fit.
    fn any_of(&mut self, options: &'s [Value], value: &Spanned<DeValue<'_>>, place: &Path) {
        let fitting = options.iter().map(|o| self.follow(o)).find(|o| match words_of(o) {
            Some(_) => matches!(value.get_ref(), DeValue::String(_)),
            None => o["anyOf"].is_array() || self.type_fits(o, value.get_ref()),
        });
        match fitting {
            Some(option) => self.value(option, value, place),
            None => {
                let wanted = options.iter().filter(|o| o["type"] != "null").map(|o| self.describe(o));
                let wanted: Vec<&str> = wanted.collect();
                let problem = FormProblem::Kind { place, wanted: &wanted, is: kind(value.get_ref()) };
                self.report(place, value.span(), problem);
            }
        }
    }

    fn word(&mut self, words: &[&str], value: &Spanned<DeValue<'_>>, place: &Path) {
        match value.get_ref() {
            DeValue::String(word) if words.contains(&word.as_ref()) => {}
            DeValue::String(word) => {
                let near = nearest(word, words.iter().copied());
                self.report(place, value.span(), FormProblem::Word { word, place, near, all: words });
            }
            other => {
                let problem = FormProblem::NoWord { place, all: words, is: kind(other) };
                self.report(place, value.span(), problem);
            }
        }
    }

    fn type_fits(&self, node: &Value, value: &DeValue<'_>) -> bool {
        let is = |name: &str| match &node["type"] {
            Value::String(one) => one == name,
            Value::Array(many) => many.iter().any(|n| n == name),
            _ => true,
        };
        match value {
            DeValue::String(_) => is("string"),
            DeValue::Integer(_) => is("integer") || is("number"),
            DeValue::Float(_) => is("number"),
            DeValue::Boolean(_) => is("boolean"),
            DeValue::Datetime(_) => false,
            DeValue::Array(_) => is("array"),
            DeValue::Table(_) => is("object"),
        }
    }

    fn describe(&self, node: &Value) -> &'static str {
        let node = node["$ref"]
            .as_str()
            .and_then(|r| r.strip_prefix("#/$defs/"))
            .map_or(node, |name| &self.schema["$defs"][name]);
        let name = match &node["type"] {
            Value::Array(many) => many.iter().filter_map(Value::as_str).find(|n| *n != "null"),
            one => one.as_str(),
        };
        match name {
            Some("string") => "a text",
            Some("integer") => "a whole number",
            Some("number") => "a number",
            Some("boolean") => "true or false",
            Some("array") => "a list",
            Some("object") => "a table",
            _ => "another form",
        }
    }
}

/// The words of an enumeration, whichever way schemars writes it.
fn words_of(node: &Value) -> Option<Vec<&str>> {
    if let Some(words) = node["enum"].as_array() {
        return words.iter().map(Value::as_str).collect();
    }
    let options = node["oneOf"].as_array()?;
    let mut words = Vec::new();
    for option in options {
        match (option["const"].as_str(), option["enum"].as_array()) {
            (Some(word), _) => words.push(word),
            (None, Some(several)) => words.extend(several.iter().filter_map(Value::as_str)),
            (None, None) => return None,
        }
    }
    Some(words)
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::policy::intent::OptionIntent;

    const GOOD: &str = r#"
schema = 1
name = "ml-prod"
region = "westeurope"
[network]
address-space = ["10.20.0.0/16"]
firewall = "10.20.255.4"
[subnets.training]
prefixes = ["10.20.1.0/24"]
[[allow]]
workload = "aml-compute"
subnet = "training"
public-ip = false
[[allow]]
to = ["Sql.westeurope", "fqdn:*.pytorch.org"]
ports = [443, "8000-8010"]
protocol = "tcp"
[limits]
routes-per-table = 400
"#;

    fn messages(text: &str) -> Vec<String> {
        let errors = PolicySource::read("p.toml", text).expect_err("must not be accepted");
        errors.problems.into_iter().map(|p| p.message).collect()
    }

    #[test]
    fn a_good_policy_is_read() {
        let source = PolicySource::read("p.toml", GOOD).map_err(|e| panic!("{e}")).unwrap();
        let intent = source.intent;
        assert_eq!(intent.allow[0].options["public-ip"], OptionIntent::Bool(false));
        assert_eq!(intent.allow[1].to.as_slice().len(), 2);
        assert_eq!(intent.limits.overrides["routes-per-table"], 400);
        assert!(intent.nsg.deny_rest);
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let text = GOOD
            .replace("address-space", "adress-space")
            .replace("[limits]", "[nsg]\ntags = \"autp\"\ndeny-rest = 1\n[limits]")
            .replace("prefixes = [\"10.20.1.0/24\"]", "prefixes = \"10.20.1.0/24\"");
        let found = messages(&text);
        assert_eq!(
            found,
            [
                "`address-space` is missing in `network`",
                "unknown key `adress-space`; did you mean address-space?",
                "`subnets.training.prefixes` must be a list, not a text",
                "unknown value `autp` for `nsg.tags`; did you mean auto?",
                "`nsg.deny-rest` must be true or false, not a whole number",
            ]
        );
    }

    #[test]
    fn a_key_in_the_wrong_section_is_sent_to_its_own() {
        let text = GOOD
            .replace(
                "region = \"westeurope\"\n[network]",
                "formats = [\"arm\"]\n[network]\nregion = \"westeurope\"",
            )
            .replace("[limits]", "[nsg]\nexcept = [\"Sql\"]\nvolcano = 1\n[limits]");
        assert_eq!(
            messages(&text),
            [
                "`region` is missing",
                "unknown key `formats`; `formats` belongs in [output]",
                "unknown key `region`; `region` belongs at the top of the file, before the first [section]",
                // In [[allow]], [[deny]] and others.
                "unknown key `except`",
                "unknown key `volcano`",
            ]
        );
    }

    #[test]
    fn places_are_found_again() {
        let source = PolicySource::read("p.toml", GOOD).unwrap();
        let place = Path::top().at("allow").at(1).at("to").at(0);
        let errors = source.errors([(place, "no such tag".to_owned())]);
        assert_eq!(&source.text[errors.problems[0].span.clone()], "\"Sql.westeurope\"");
    }

    #[test]
    fn characters_that_are_not_shown() {
        let text = GOOD
            .replace("[limits]", "[groups]\n\"a\u{200b}\" = [\"\\u001b[2J\", \"10.0.0.0/8\"]\n[limits]")
            + "\n[[allow]]\nto = \"10.0.0.0/8\"\nwhy = \"a\u{202e}b\"\n[[allow]]\nto = \"10.0.0.0/8\"\nwhy = \"\"\"two\nlines\"\"\"\n";
        let found = messages(&text);
        for (message, code) in found.iter().zip(["U+200B", "U+001B", "U+202E"]) {
            assert!(message.contains(code), "{found:?}");
        }
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn all_syntax_errors_at_once() {
        assert!(messages("schema = \nname = \"x\nregion = 'a'\n").len() >= 2);
    }
}
