//! [`Table`]: rows of environments from CSV, JSON or TOML, each cell with its place in the text.

use std::fmt::Display;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use super::table_problem::TableProblem;
use crate::policy::{self, PolicyErrors, PolicyProblem, Row, SourceText, keys_of};

/// What a cell says.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// A text that becomes what its key takes.
    Text(String),
    /// A value with a kind of its own.
    Value(Value),
}

/// A cell of a row.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) column: Arc<str>,
    pub(super) said: Said,
    pub(super) span: Range<usize>,
}

impl Cell {
    /// The cell as text, for `${…}` and names.
    pub(super) fn text(&self) -> String {
        fn of(value: &Value) -> String {
            match value {
                Value::String(text) => text.clone(),
                Value::Array(items) => items.iter().map(of).collect::<Vec<_>>().join(" "),
                other => other.to_string(),
            }
        }
        match &self.said {
            Said::Text(text) => text.clone(),
            Said::Value(value) => of(value),
        }
    }
}

/// A row with its text.
#[derive(Debug, Clone)]
pub(super) struct RowText {
    pub(super) source: Arc<SourceText>,
    pub(super) cells: Vec<Cell>,
}

impl RowText {
    pub(super) fn cell(&self, column: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| &*cell.column == column)
    }
}

/// A table of environments. Rows are read when they are asked for, so that a long one takes little more than its text.
#[derive(Debug)]
pub(super) struct Table {
    file: String,
    text: Arc<str>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Csv { delimiter: u8, columns: Vec<Arc<str>>, at: Vec<(Range<usize>, usize)> },
    Json(Vec<(Range<usize>, usize)>),
    Toml { whole: Arc<SourceText>, rows: Vec<Vec<Cell>> },
}

impl Table {
    /// Reads a table; what it is says the ending of its name.
    ///
    /// # Errors
    /// [`PolicyErrors`] if the text has not the form of a table, or not that of any.
    pub(super) fn read(file: &str, text: &str) -> Result<Table, PolicyErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ending = Path::new(file).extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let rows = match ending.as_deref() {
            Some("csv" | "tsv" | "txt") => csv_rows(file, text)?,
            Some("json") => json_rows(file, text)?,
            Some("toml") => return Table::inline(file, text),
            _ => return Err(failed(file, text, 0..0, TableProblem::Ending)),
        };
        Ok(Table { file: file.to_owned(), text: text.into(), rows })
    }

    /// The `[[environment]]` entries of a text in TOML.
    pub(super) fn inline(file: &str, text: &str) -> Result<Table, PolicyErrors> {
        let (tree, syntax) = DeTable::parse_recoverable(text);
        if let Some(error) = syntax.first() {
            return Err(failed(file, text, error.span().unwrap_or(0..0), error.message()));
        }
        let entries = tree.get_ref().iter().find(|(key, _)| key.get_ref() == "environment");
        let Some(DeValue::Array(entries)) = entries.map(|(_, value)| value.get_ref()) else {
            return Err(failed(file, text, 0..0, TableProblem::NoEntries));
        };
        let row = |entry: &Spanned<DeValue<'_>>| match entry.get_ref() {
            DeValue::Table(table) => {
                let mut cells = Vec::new();
                toml_cells(table, "", &mut cells);
                Ok(cells)
            }
            _ => Err(failed(file, text, entry.span(), TableProblem::NoTable)),
        };
        let rows = entries.iter().map(row).collect::<Result<_, _>>()?;
        let whole = Arc::new(SourceText::new(file, text));
        Ok(Table { file: file.to_owned(), text: text.into(), rows: Rows::Toml { whole, rows } })
    }

    pub(super) fn len(&self) -> usize {
        match &self.rows {
            Rows::Csv { at, .. } | Rows::Json(at) => at.len(),
            Rows::Toml { rows, .. } => rows.len(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The columns of the header, with their place, where there is one.
    pub(super) fn header(&self) -> Option<&[Arc<str>]> {
        match &self.rows {
            Rows::Csv { columns, .. } => Some(columns),
            _ => None,
        }
    }

    /// A report about something in the first line.
    pub(super) fn header_error(&self, column: &str, problem: impl Display) -> PolicyErrors {
        let line = self.text.lines().find(|line| is_record(line)).unwrap_or_default();
        let start = line.as_ptr() as usize - self.text.as_ptr() as usize;
        let at = line.find(column).map_or(0..line.len(), |at| at..at + column.len());
        failed(&self.file, &self.text, start + at.start..start + at.end, problem)
    }

    /// The row `index`, from 0.
    ///
    /// # Errors
    /// [`PolicyErrors`] if it has not the form of the others.
    pub(super) fn row(&self, index: usize) -> Result<RowText, PolicyErrors> {
        match &self.rows {
            Rows::Csv { delimiter, columns, at } => self.csv_row(index, *delimiter, columns, &at[index]),
            Rows::Json(at) => self.json_row(index, &at[index]),
            Rows::Toml { whole, rows } => {
                let cells = rows[index].clone();
                let row = row_of(index, &cells);
                let source = SourceText { row: Some(row), ..whole.as_ref().clone() };
                Ok(RowText { source: Arc::new(source), cells })
            }
        }
    }

    fn csv_row(
        &self,
        index: usize,
        delimiter: u8,
        columns: &[Arc<str>],
        (at, line): &(Range<usize>, usize),
    ) -> Result<RowText, PolicyErrors> {
        let text = self.text[at.clone()].trim_end_matches(['\r', '\n']);
        let mut record = csv::StringRecord::new();
        let read = reader(text, delimiter).read_record(&mut record);
        let spans = csv_spans(text, delimiter);
        let whole = || {
            let row = Row { number: index + 1, cells: Vec::new() };
            SourceText { file: self.file.clone(), text: text.to_owned(), first_line: *line, row: Some(row) }
        };
        if let Err(error) = read {
            return Err(of_row(whole(), 0..text.len(), error));
        }
        if record.len() != columns.len() {
            let problem = TableProblem::Cells { cells: record.len(), columns: columns.len() };
            return Err(of_row(whole(), 0..text.len(), problem));
        }
        let cells = columns.iter().zip(record.iter()).enumerate();
        let cells: Vec<Cell> = cells
            .map(|(at, (column, text))| Cell {
                column: column.clone(),
                said: Said::Text(text.trim().to_owned()),
                span: spans.get(at).cloned().unwrap_or(0..0),
            })
            .collect();
        let source = SourceText { row: Some(row_of(index, &cells)), ..whole() };
        Ok(RowText { source: Arc::new(source), cells })
    }

    fn json_row(&self, index: usize, (at, line): &(Range<usize>, usize)) -> Result<RowText, PolicyErrors> {
        let text = &self.text[at.clone()];
        let mut cells = Vec::new();
        let done = json_cells(text, text, "", &mut cells);
        let row = Some(row_of(index, &cells));
        let source = SourceText { file: self.file.clone(), text: text.to_owned(), first_line: *line, row };
        match done {
            Ok(()) => Ok(RowText { source: Arc::new(source), cells }),
            Err((span, problem)) => Err(of_row(source, span, problem)),
        }
    }
}

fn row_of(index: usize, cells: &[Cell]) -> Row {
    let cells = cells.iter().map(|cell| (cell.column.to_string(), cell.span.clone())).collect();
    Row { number: index + 1, cells }
}

/// A report about a row.
pub(super) fn of_row(source: SourceText, span: Range<usize>, problem: impl Display) -> PolicyErrors {
    let (file, text) = (source.file.clone(), source.text.clone());
    let problem = PolicyProblem::new(policy::Path::top(), span, problem).of(Some(Arc::new(source)));
    PolicyErrors { file, text, problems: vec![problem] }
}

/// A report about a text that is no row.
pub(super) fn failed(file: &str, text: &str, span: Range<usize>, problem: impl Display) -> PolicyErrors {
    let problem = PolicyProblem::new(policy::Path::top(), span, problem);
    PolicyErrors { file: file.to_owned(), text: text.to_owned(), problems: vec![problem] }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes())
}

fn is_record(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// What stands between the cells: the one of comma, semicolon and tab that the header has most of.
fn delimiter_of(header: &str) -> u8 {
    let count = |c: char| header.chars().filter(|&h| h == c).count();
    [(b',', count(',')), (b';', count(';')), (b'\t', count('\t'))]
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(delimiter, _)| delimiter)
}

fn csv_rows(file: &str, text: &str) -> Result<Rows, PolicyErrors> {
    let header = text.lines().find(|line| is_record(line)).unwrap_or_default();
    let delimiter = delimiter_of(header);
    let mut reader = reader(text, delimiter);
    let mut record = csv::StringRecord::new();
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut columns: Vec<Arc<str>> = Vec::new();
    let mut empty = Vec::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(failed(file, text, 0..0, error)),
        }
        let position = record.position().expect("a record that was read has a place");
        let start = usize::try_from(position.byte()).expect("the text is in memory");
        starts.push((start, usize::try_from(position.line()).expect("the text is in memory")));
        if starts.len() == 1 {
            columns = record.iter().map(|name| name.trim().into()).collect();
        }
        // Spreadsheets leave rows of nothing but separators.
        empty.push(record.iter().all(|cell| cell.trim().is_empty()));
    }
    check_header(file, text, &columns)?;
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]);
    let rows = starts.iter().zip(ends).zip(empty).skip(1).filter(|(_, empty)| !empty);
    let at = rows.map(|((&(start, line), end), _)| record_at(text, start, end, line)).collect();
    Ok(Rows::Csv { delimiter, columns, at })
}

/// Where a record is, without the empty lines and remarks before it, and its line.
fn record_at(text: &str, start: usize, end: usize, line: usize) -> (Range<usize>, usize) {
    let (mut start, mut line) = (start, line);
    for before in text[start..end].split_inclusive('\n') {
        if is_record(before.trim_end_matches(['\r', '\n'])) {
            break;
        }
        start += before.len();
        line += 1;
    }
    (start..end, line)
}

fn check_header(file: &str, text: &str, columns: &[Arc<str>]) -> Result<(), PolicyErrors> {
    let end = text.lines().next().map_or(0, str::len);
    if columns.is_empty() {
        return Err(failed(file, text, 0..0, TableProblem::Empty));
    }
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            return Err(failed(file, text, 0..end, TableProblem::Unnamed(index + 1)));
        }
        if columns[..index].contains(column) {
            return Err(failed(file, text, 0..end, TableProblem::Twice(column.clone())));
        }
    }
    Ok(())
}

/// Where the cells of a record are.
fn csv_spans(text: &str, delimiter: u8) -> Vec<Range<usize>> {
    let (mut spans, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if byte == delimiter && !quoted => {
                spans.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    spans.push(start..text.len());
    spans
}

/// The place of `part` in `whole`, of which it is a part.
fn range_in(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

fn json_rows(file: &str, text: &str) -> Result<Rows, PolicyErrors> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        environments: Vec<&'a RawValue>,
    }
    let list = text.trim_start().starts_with('[');
    let read = if list {
        serde_json::from_str::<Vec<&RawValue>>(text)
    } else {
        serde_json::from_str::<Named<'_>>(text).map(|named| named.environments)
    };
    let rows = read.map_err(|error| {
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let at = (lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1)).min(text.len());
        failed(file, text, at..at, TableProblem::Json(error))
    })?;
    let (mut line, mut seen) = (1, 0);
    let place = |raw: &RawValue| {
        let range = range_in(text, raw.get());
        line += text[seen..range.start].matches('\n').count();
        seen = range.start;
        (range, line)
    };
    Ok(Rows::Json(rows.into_iter().map(place).collect()))
}

type Wrong = (Range<usize>, TableProblem);

/// The cells of an object; objects in it are keys below keys.
fn json_cells(row: &str, text: &str, above: &str, cells: &mut Vec<Cell>) -> Result<(), Wrong> {
    let object: std::collections::BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|_| (range_in(row, text), TableProblem::NoObject))?;
    for (key, raw) in object {
        let (column, span) = (join(above, &key), range_in(row, raw.get()));
        match raw.get().as_bytes().first() {
            Some(b'{') => json_cells(row, raw.get(), &column, cells)?,
            Some(b'n') => {}
            _ => {
                let Some(value) = toml_of(raw.get()) else {
                    return Err((span, TableProblem::NoValue(column)));
                };
                cells.push(Cell { column: column.into(), said: Said::Value(value), span });
            }
        }
    }
    Ok(())
}

fn toml_of(json: &str) -> Option<Value> {
    fn of(value: serde_json::Value) -> Option<Value> {
        Some(match value {
            serde_json::Value::String(text) => Value::String(text),
            serde_json::Value::Bool(yes) => Value::Boolean(yes),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64()?),
            },
            serde_json::Value::Array(items) => {
                Value::Array(items.into_iter().map(of).collect::<Option<_>>()?)
            }
            serde_json::Value::Object(map) => Value::Table(
                map.into_iter().map(|(key, value)| Some((key, of(value)?))).collect::<Option<_>>()?,
            ),
            serde_json::Value::Null => return None,
        })
    }
    of(serde_json::from_str(json).ok()?)
}

fn toml_cells(table: &DeTable<'_>, above: &str, cells: &mut Vec<Cell>) {
    for (key, value) in table {
        let column = join(above, key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => toml_cells(inner, &column, cells),
            other => {
                let said = Said::Value(policy::value_of(other));
                cells.push(Cell { column: column.into(), said, span: value.span() });
            }
        }
    }
}

/// The name of a column for a key below others: as TOML writes keys.
fn join(above: &str, key: &str) -> String {
    let mut column = above.to_owned();
    if !above.is_empty() {
        column.push('.');
    }
    // At the top a key may be written in one piece, as in the header of a CSV file.
    let whole = above.is_empty() && keys_of(key).is_some();
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if whole || bare {
        column.push_str(key);
    } else {
        column.push_str(&Value::String(key.to_owned()).to_string());
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(table: &Table, index: usize) -> Vec<(String, String)> {
        let row = table.row(index).unwrap();
        row.cells.iter().map(|cell| (cell.column.to_string(), cell.text())).collect()
    }

    #[test]
    fn the_three_kinds_say_the_same() {
        let csv = "# hub\n\nname;region;network.address-space\n\n# first\na;westeurope;\"10.0.0.0/16;10.1.0.0/16\"\n;;\nb;uksouth;10.2.0.0/16\n";
        let json = r#"{"environments": [
            {"name": "a", "region": "westeurope", "network": {"address-space": ["10.0.0.0/16", "10.1.0.0/16"]}},
            {"name": "b", "region": "uksouth", "network.address-space": "10.2.0.0/16", "x": null}
        ]}"#;
        let toml = "[[environment]]\nname = \"a\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.0.0.0/16\", \"10.1.0.0/16\"]\n[[environment]]\nname = \"b\"\nregion = \"uksouth\"\nnetwork.address-space = \"10.2.0.0/16\"\n";
        for (file, text, lines) in
            [("t.csv", csv, [6, 8]), ("t.json", json, [2, 3]), ("t.toml", toml, [1, 1])]
        {
            let table = Table::read(file, text).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(table.len(), 2, "{file}");
            for (index, want) in
                [["a", "westeurope", "10.0.0.0/16 10.1.0.0/16"], ["b", "uksouth", "10.2.0.0/16"]]
                    .iter()
                    .enumerate()
            {
                let row = table.row(index).unwrap();
                assert_eq!(row.source.first_line, lines[index], "{file}");
                let found = |column: &str| row.cell(column).unwrap().text().replace(';', " ");
                assert_eq!([found("name"), found("region"), found("network.address-space")], *want, "{file}");
                let span = row.cell("region").unwrap().span.clone();
                assert_eq!(row.source.text[span].trim_matches('"'), want[1], "{file}");
            }
        }
        assert_eq!(texts(&Table::read("t.csv", "a,b\n1,\n").unwrap(), 0)[1].1, "");
    }

    #[test]
    fn what_is_no_table_is_told_with_its_place() {
        for (file, text, words) in [
            ("t.csv", "a,b\n1\n", "row 1: 1 cells, and the header has 2 columns"),
            ("t.csv", "a,a\n1,2\n", "`a` is there twice"),
            ("t.csv", "a,\n1,2\n", "column 2 has no name"),
            ("t.csv", "", "the table is empty"),
            ("t.json", "[1]", "row 1: an environment is an object"),
            ("t.json", "{\"environments\": [\n{]}", "t.json:2"),
            ("t.toml", "[[environmen]]\n", "entries of [[environment]]"),
            ("t.xlsx", "", "ends in .csv, .json or .toml"),
        ] {
            let error = match Table::read(file, text) {
                Err(error) => error,
                Ok(table) => table.row(0).unwrap_err(),
            };
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
