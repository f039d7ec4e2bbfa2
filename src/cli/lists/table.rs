//! Tables of two columns: routes and prices.

use std::path::Path;

use super::{json, source};
use crate::addr::{Entry, value_in_remark};
use crate::cli::Failure;

/// The most bytes of a table.
const MOST_TABLE: usize = 256 << 20;

/// One line of a table: `KEY,VALUE`, with a semicolon, tab or blank in place of the comma.
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// Reads the rows of a table, whatever they mean. A first line with names of columns is skipped.
pub(super) fn read_rows(file: &Path) -> Result<Vec<Row>, Failure> {
    let name = file.display().to_string();
    let source = source::open(file)?;
    let is_json = json::is_json(&source.start);
    let text = source.text(&name, MOST_TABLE)?;
    if is_json {
        let rows = json::read_table(&text).map_err(|error| Failure::Input(format!("{name}: {error}")))?;
        let row = |(at, (key, value)): (usize, (String, String))| Row { line: at + 1, key, value };
        return Ok(rows.into_iter().enumerate().map(row).collect());
    }
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        match split(whole) {
            Ok(None) => {}
            Ok(Some((key, _))) if rows.is_empty() && is_header(&key) => {}
            Ok(Some((key, value))) => rows.push(Row { line, key, value }),
            Err(error) => errors.push(format!("{name}: line {line}: {}: {error}", whole.trim())),
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(Failure::Input(errors.join("\n"))) }
}

/// Why a line is no row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NoRow {
    #[error("two values are needed; write numbers without a mark between thousands")]
    Thousands,
    #[error("two values with a comma, semicolon, tab or blank between are needed")]
    Values,
    #[error(
        "`{value}` stands behind `{sign}`, where only remarks do; give it a line of its own, or begin the remark with \
         a word"
    )]
    Remark { value: String, sign: char },
}

/// The two cells of a line; `None` for one without.
fn split(line: &str) -> Result<Option<(String, String)>, NoRow> {
    let line = crate::text::trim_hidden(line);
    let (data, remark) = line.split_once('#').unwrap_or((line, ""));
    let mut data = data.trim();
    // A line that begins with the sign is a remark, whatever it once said.
    if data.is_empty() {
        return Ok(None);
    }
    refuse_values('#', remark)?;
    if let Some(rest) = data.strip_prefix(';') {
        // All of the line is a remark, unless it is a row whose first cell is empty.
        return if rest.contains(';') && !rest.starts_with(' ') { refuse_values(';', rest) } else { Ok(()) }
            .map(|()| None);
    }
    if data.starts_with("//") || data.to_ascii_lowercase().starts_with("sep=") {
        return Ok(None);
    }
    // `;` begins a remark behind two cells, and stands between cells where nothing else does.
    let mut between = [',', '\t'].into_iter().find(|&c| data.contains(c));
    if let Some((before, behind)) = data.split_once(';') {
        if between.is_some_and(|c| before.contains(c)) || before.split_whitespace().count() == 2 {
            refuse_values(';', behind)?;
            data = before.trim_end();
        } else {
            between = Some(';');
        }
    }
    let cells: Vec<String> = match between {
        Some(between) => data.split(between).map(cell).collect(),
        None => data
            .rsplit_once(char::is_whitespace)
            .map_or(vec![cell(data)], |(key, value)| vec![cell(key), cell(value)]),
    };
    let filled = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |at| at + 1);
    match &cells[..filled] {
        [] => Ok(None),
        [key, value] if !key.is_empty() => Ok(Some((key.clone(), value.clone()))),
        [_, rest @ ..]
            if rest.len() > 1 && rest.iter().all(|cell| cell.bytes().all(|b| b.is_ascii_digit())) =>
        {
            Err(NoRow::Thousands)
        }
        _ => Err(NoRow::Values),
    }
}

/// A cell without the blanks and quotes around it.
fn cell(text: &str) -> String {
    crate::text::trim_hidden(crate::text::trim_hidden(text).trim_matches('"')).to_owned()
}

fn refuse_values(sign: char, remark: &str) -> Result<(), NoRow> {
    match value_in_remark(remark) {
        Some(value) => Err(NoRow::Remark { value: value.to_string(), sign }),
        None => Ok(()),
    }
}

/// Whether a first cell is the name of a column.
fn is_header(key: &str) -> bool {
    const NAMES: [&str; 9] =
        ["prefix", "prefixes", "addressprefix", "address", "cidr", "destination", "ip", "network", "route"];
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    NAMES.contains(&plain.to_ascii_lowercase().as_str()) && Entry::parse(key, true).is_err()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn cells_of_every_kind_of_table() {
        for line in [
            "10.0.0.0/8,fw",
            "10.0.0.0/8, fw # x",
            "10.0.0.0/8 fw",
            "10.0.0.0/8 fw ; x",
            "10.0.0.0/8;fw",
            "10.0.0.0/8\tfw",
            "\"10.0.0.0/8\";\"fw\"",
            "10.0.0.0/8,fw,,",
            "\u{feff}10.0.0.0/8,fw\u{a0}",
            "10.0.0.0/8,fw ; remark",
            "10.0.0.0/8 ; fw",
        ] {
            assert_eq!(split(line), Ok(Some(("10.0.0.0/8".to_owned(), "fw".to_owned()))), "{line}");
        }
        for line in ["", "# 10.0.0.0/8,fw", "; 10.0.0.0/8 fw", "sep=;", ";;", "// x", ",,"] {
            assert_eq!(split(line), Ok(None), "{line}");
        }
        for line in [
            "10.0.0.0/8",
            "10.0.0.0/8,fw,x",
            "10.0.0.0/8,fw;10.1.0.0/16,x",
            "10.0.0.0/8,fw # 10.1.0.0/16,x",
            "10.0.0.0/8 fw ; 10.1.0.0/16",
            "10.0.0.0/8,1,024",
            ",fw",
            ";10.0.0.0/8;fw",
            "10.0.0.0/8;fw;x",
        ] {
            assert!(split(line).is_err(), "{line}: {:?}", split(line));
        }
    }
}
