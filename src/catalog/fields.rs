//! Reading TOML by hand: unlike derived readers it goes on after a mistake, so that all of them are reported,
//! each with its line.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::form_problem::{FormProblem, What};
use crate::text::{hidden, visible};

/// Where something stands in a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the file, as it was given.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One thing that is wrong in a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CatalogProblem {
    /// Where.
    pub place: Place,
    /// What, with the nearest name where one is near.
    pub message: String,
}

impl fmt::Display for CatalogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, visible(&self.message))
    }
}

/// The file being read and what was found wrong in it.
pub(super) struct CatalogReader<'t> {
    file: Arc<str>,
    text: &'t str,
    pub(super) problems: Vec<CatalogProblem>,
}

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

impl<'t> CatalogReader<'t> {
    pub(super) fn new(file: &str, text: &'t str) -> Self {
        CatalogReader { file: file.into(), text, problems: Vec::new() }
    }

    /// The document's top table; syntax errors become problems.
    pub(super) fn document(&mut self) -> Spanned<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.problem(error.span().unwrap_or(0..0), error.message());
        }
        table
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        Place { file: self.file.clone(), line: 1 + before.iter().filter(|&&b| b == b'\n').count() }
    }

    /// Notes what is wrong; here its sentence is made.
    pub(super) fn problem(&mut self, span: Range<usize>, problem: impl fmt::Display) {
        let place = self.place(&span);
        self.problems.push(CatalogProblem { place, message: problem.to_string() });
    }

    /// `value` as a table; anything else is a problem.
    pub(super) fn table<'v>(&mut self, what: What<'_>, value: &'v Value<'t>) -> Option<Fields<'v, 't>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Fields::new(table, value.span())),
            other => {
                self.kind(what, "a table", (other, value.span()));
                None
            }
        }
    }

    /// `value` as text.
    pub(super) fn text(&mut self, what: What<'_>, value: &Value<'t>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => {
                self.refuse_hidden(what, text, value.span());
                Some(text.to_string())
            }
            other => {
                self.kind(what, "text in quotes", (other, value.span()));
                None
            }
        }
    }

    /// Texts go into rules and reports: none may have characters that are not shown.
    fn refuse_hidden(&mut self, what: What<'_>, text: &str, span: Range<usize>) {
        if let Some(character) = hidden(text) {
            self.problem(span, FormProblem::Hidden { what, character });
        }
    }

    fn kind(&mut self, what: What<'_>, wanted: &'static str, (is, span): (&DeValue<'_>, Range<usize>)) {
        self.problem(span, FormProblem::Kind { what, wanted, is: is.type_str() });
    }

    /// `value` as one text or a list of them, each with its place in the file.
    pub(super) fn texts(&mut self, what: What<'_>, value: &Value<'t>) -> Vec<(String, Range<usize>)> {
        match value.get_ref() {
            DeValue::String(text) => {
                self.refuse_hidden(what, text, value.span());
                vec![(text.to_string(), value.span())]
            }
            DeValue::Array(list) => {
                list.iter().filter_map(|item| Some((self.text(what, item)?, item.span()))).collect()
            }
            other => {
                self.kind(what, "text or a list of texts", (other, value.span()));
                Vec::new()
            }
        }
    }

    /// The tables of `[[what]]`.
    pub(super) fn tables<'v>(&mut self, what: &str, value: Option<&'v Value<'t>>) -> Vec<Fields<'v, 't>> {
        match value.map(|v| (v, v.get_ref())) {
            None => Vec::new(),
            Some((_, DeValue::Array(list))) => {
                list.iter().filter_map(|item| self.table(What::Words(what), item)).collect()
            }
            Some((value, _)) => {
                self.problem(value.span(), FormProblem::NoTables(what));
                Vec::new()
            }
        }
    }
}

/// A table whose keys are taken one after another; what is left in the end is not known.
pub(super) struct Fields<'v, 't> {
    table: &'v DeTable<'t>,
    pub(super) span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'v, 't> Fields<'v, 't> {
    pub(super) fn new(table: &'v DeTable<'t>, span: Range<usize>) -> Self {
        Fields { table, span, known: Vec::new() }
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'v Value<'t>> {
        self.known.push(key);
        self.table.get(key)
    }

    pub(super) fn text(&mut self, reader: &mut CatalogReader<'t>, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        reader.text(What::Key(key), value)
    }

    pub(super) fn required_text(&mut self, reader: &mut CatalogReader<'t>, key: &'static str) -> String {
        if !self.table.contains_key(key) {
            reader.problem(self.span.clone(), FormProblem::Missing(key));
        }
        self.text(reader, key).unwrap_or_default()
    }

    pub(super) fn texts(
        &mut self,
        reader: &mut CatalogReader<'t>,
        key: &'static str,
    ) -> Vec<(String, Range<usize>)> {
        self.take(key).map(|value| reader.texts(What::Key(key), value)).unwrap_or_default()
    }

    pub(super) fn plain_texts(&mut self, reader: &mut CatalogReader<'t>, key: &'static str) -> Vec<String> {
        self.texts(reader, key).into_iter().map(|(text, _)| text).collect()
    }

    pub(super) fn flag(&mut self, reader: &mut CatalogReader<'t>, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            reader.problem(value.span(), FormProblem::NoFlag(key));
        }
        flag
    }

    /// A day: a date of TOML, or its text in quotes.
    pub(super) fn date(&mut self, reader: &mut CatalogReader<'t>, key: &'static str) -> Option<Date> {
        let value = self.take(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => Cow::Borrowed(&**text),
            DeValue::Datetime(date) => Cow::Owned(date.to_string()),
            _ => Cow::Borrowed(""),
        };
        let date = text.parse().ok().filter(|_| text.len() == 10);
        if date.is_none() {
            reader.problem(value.span(), FormProblem::NoDay(key));
        }
        date
    }

    /// Every key and value in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'v str, Range<usize>, &'v Value<'t>)> {
        let mut entries: Vec<_> =
            self.table.iter().map(|(key, value)| (&**key.get_ref(), key.span(), value)).collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        entries
    }

    /// Reports the keys that were never asked for.
    pub(super) fn finish(self, reader: &mut CatalogReader<'t>) {
        for (key, span, _) in self.entries() {
            if !self.known.contains(&key) {
                reader.problem(span, FormProblem::UnknownKey { key, known: &self.known });
            }
        }
    }
}
