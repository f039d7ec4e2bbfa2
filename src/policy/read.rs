//! Policy text into [`Intent`], with all that is wrong in it.
//!
//! TOML is read into a tree with spans. The tree is checked against the JSON Schema of [`Intent`]: unknown keys,
//! wrong types, unknown words. Only then serde reads it, so that one mistake does not hide the next.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::intent::Intent;
use crate::text::{did_you_mean, nearest};

/// One step of a path into the policy file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// A place in the policy file, as `allow[1].to[0]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The file's top.
    pub fn top() -> Self {
        Path::default()
    }

    /// The place `step` below this one.
    #[must_use]
    pub fn at(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Path(steps)
    }

    /// The place one up, and the last step; `None` at the top.
    fn parent(&self) -> Option<Path> {
        let (_, rest) = self.0.split_last()?;
        Some(Path(rest.to_vec()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}

/// One thing that is wrong in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Where, as a path.
    pub place: Path,
    /// Where, as bytes of the file.
    pub span: Range<usize>,
    /// What is wrong, with the way out.
    pub message: String,
}

/// All that is wrong in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors {
    /// The file as the user named it.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// What is wrong, in order of place.
    pub problems: Vec<PolicyProblem>,
}

impl fmt::Display for PolicyErrors {
    /// Each problem with its line of the file, marked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
        let renderer = Renderer::plain();
        for (index, problem) in self.problems.iter().enumerate() {
            let annotation = AnnotationKind::Primary.span(problem.span.clone());
            let snippet = Snippet::source(&self.text).path(&self.file).annotation(annotation);
            let report = [Level::ERROR.primary_title(&problem.message).element(snippet)];
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", renderer.render(&report))?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

/// A policy file that is well-formed: its [`Intent`], and the text to point into.
#[derive(Debug, Clone)]
pub struct PolicySource {
    file: String,
    text: String,
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
        let failed = |mut problems: Vec<PolicyProblem>| {
            problems.sort_by_key(|p| (p.span.start, p.span.end));
            PolicyErrors { file: file.to_owned(), text: text.to_owned(), problems }
        };
        let (tree, syntax) = DeTable::parse_recoverable(text);
        if !syntax.is_empty() {
            let problem = |e: &toml::de::Error| PolicyProblem {
                place: Path::top(),
                span: e.span().unwrap_or(0..0),
                message: e.message().to_owned(),
            };
            return Err(failed(syntax.iter().map(problem).collect()));
        }
        let problems = Checker::new(schema()).check(&tree);
        if !problems.is_empty() {
            return Err(failed(problems));
        }
        match toml::from_str::<Intent>(text) {
            Ok(intent) => Ok(PolicySource { file: file.to_owned(), text: text.to_owned(), intent }),
            Err(e) => {
                let (span, message) = (e.span().unwrap_or(0..0), e.message().to_owned());
                Err(failed(vec![PolicyProblem { place: Path::top(), span, message }]))
            }
        }
    }

    /// The file's name as given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// An error report about `places`, each with its message.
    pub fn errors(&self, places: impl IntoIterator<Item = (Path, String)>) -> PolicyErrors {
        let tree = DeTable::parse(&self.text).expect("the text was parsed before");
        let mut problems: Vec<PolicyProblem> = places
            .into_iter()
            .map(|(place, message)| PolicyProblem { span: locate(&tree, &place), place, message })
            .collect();
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        PolicyErrors { file: self.file.clone(), text: self.text.clone(), problems }
    }
}

/// The JSON Schema of the policy file.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Intent).to_value());
    &SCHEMA
}

/// The span of the value at `place`, or of the nearest thing around it.
fn locate(tree: &Spanned<DeTable<'_>>, place: &Path) -> Range<usize> {
    if let Some(span) = find(tree, &place.0) {
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

    fn report(&mut self, place: &Path, span: Range<usize>, message: String) {
        self.problems.push(PolicyProblem { place: place.clone(), span, message });
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
                    let hint = did_you_mean(&nearest(name, names));
                    self.report(&below, key.span(), format!("unknown key `{name}`{hint}"));
                }
                (None, Value::Bool(true)) => {}
                (None, child) => self.value(child, value, &below),
            }
        }
        for name in node["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.keys().any(|key| key.get_ref() == name) {
                self.report(place, span.clone(), format!("`{name}` is missing{}", Self::inside(place)));
            }
        }
        if table.is_empty() && node["minProperties"].as_u64().is_some() {
            self.report(place, span, format!("`{place}` needs at least one entry"));
        }
    }

    fn inside(place: &Path) -> String {
        let text = place.to_string();
        if text.is_empty() { String::new() } else { format!(" in `{text}`") }
    }

    fn value(&mut self, node: &'s Value, value: &Spanned<DeValue<'_>>, place: &Path) {
        let node = self.follow(node);
        if let Some(options) = node["anyOf"].as_array() {
            self.any_of(options, value, place);
        } else if let Some(words) = words_of(node) {
            self.word(&words, value, place);
        } else if !self.type_fits(node, value.get_ref()) {
            let wanted = self.describe(node);
            self.report(
                place,
                value.span(),
                format!("`{place}` must be {wanted}, not {}", kind(value.get_ref())),
            );
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
                let text = number.to_string();
                let (min, max) = (node["minimum"].as_f64(), node["maximum"].as_f64());
                let outside = text
                    .parse::<f64>()
                    .map_or(true, |n| min.is_some_and(|min| n < min) || max.is_some_and(|max| n > max));
                if outside {
                    let range = match (min, max) {
                        (Some(min), Some(max)) => format!("from {min} to {max}"),
                        (Some(min), None) => format!("{min} or more"),
                        _ => "in range".to_owned(),
                    };
                    self.report(place, value.span(), format!("`{place}` must be {range}, not {text}"));
                }
            }
            _ => {}
        }
    }

    /// The first alternative whose type fits is held against the value; none: say what would fit.
    fn any_of(&mut self, options: &'s [Value], value: &Spanned<DeValue<'_>>, place: &Path) {
        let fitting = options.iter().map(|o| self.follow(o)).find(|o| {
            words_of(o).is_some_and(|_| matches!(value.get_ref(), DeValue::String(_)))
                || o["anyOf"].is_array()
                || self.type_fits(o, value.get_ref())
        });
        match fitting {
            Some(option) => self.value(option, value, place),
            None => {
                let wanted: Vec<String> =
                    options.iter().filter(|o| o["type"] != "null").map(|o| self.describe(o)).collect();
                let message =
                    format!("`{place}` must be {}, not {}", wanted.join(" or "), kind(value.get_ref()));
                self.report(place, value.span(), message);
            }
        }
    }

    fn word(&mut self, words: &[&str], value: &Spanned<DeValue<'_>>, place: &Path) {
        match value.get_ref() {
            DeValue::String(word) if words.contains(&word.as_ref()) => {}
            DeValue::String(word) => {
                let near = nearest(word, words.iter().copied());
                let hint = if near.is_empty() {
                    format!("; one of {}", words.join(", "))
                } else {
                    did_you_mean(&near)
                };
                self.report(place, value.span(), format!("unknown value `{word}` for `{place}`{hint}"));
            }
            other => {
                let message = format!("`{place}` must be one of {}, not {}", words.join(", "), kind(other));
                self.report(place, value.span(), message);
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

    fn describe(&self, node: &Value) -> String {
        let node = node["$ref"]
            .as_str()
            .and_then(|r| r.strip_prefix("#/$defs/"))
            .map_or(node, |name| &self.schema["$defs"][name]);
        let name = match &node["type"] {
            Value::Array(many) => many.iter().filter_map(Value::as_str).find(|n| *n != "null"),
            one => one.as_str(),
        };
        match name {
            Some("string") => "a text".into(),
            Some("integer") => "a whole number".into(),
            Some("number") => "a number".into(),
            Some("boolean") => "true or false".into(),
            Some("array") => "a list".into(),
            Some("object") => "a table".into(),
            _ => "another form".into(),
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
    fn places_are_found_again() {
        let source = PolicySource::read("p.toml", GOOD).unwrap();
        let place = Path::top().at("allow").at(1).at("to").at(0);
        let errors = source.errors([(place, "no such tag".to_owned())]);
        assert_eq!(&source.text[errors.problems[0].span.clone()], "\"Sql.westeurope\"");
    }

    #[test]
    fn all_syntax_errors_at_once() {
        assert!(messages("schema = \nname = \"x\nregion = 'a'\n").len() >= 2);
    }
}
