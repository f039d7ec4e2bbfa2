//! What the columns of a table mean for a template.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::table::{RowText, Said, Table, of_row};
use crate::policy::{self, Layers, Overlay, PolicyErrors, form_at, keys_of, top_keys};
use crate::text::{did_you_mean, nearest};

/// A column: a key of the policy, a name in `${…}` of the template, or both.
#[derive(Debug, Clone)]
struct Column {
    /// The steps of the key, and what it takes.
    key: Option<(Arc<[String]>, &'static serde_json::Value)>,
    variable: bool,
}

/// A column that says nothing.
#[derive(Debug, thiserror::Error)]
#[error(
    "the column `{name}` is no key of a policy, and the template has no `${{{name}}}`{}; name it in `ignore` if it is \
     for others",
    did_you_mean(.nearest)
)]
struct Meaningless {
    name: String,
    nearest: Vec<String>,
}

/// The columns of a table by name; those that are ignored mean nothing.
#[derive(Debug)]
pub(super) struct Columns(BTreeMap<Arc<str>, Option<Column>>);

impl Columns {
    /// Finds out what the columns mean. Rows of JSON and TOML have columns of their own, so that all are looked at.
    pub(super) fn of(table: &Table, template: &Layers, ignore: &[String]) -> Result<Columns, PolicyErrors> {
        let variables: BTreeSet<String> = template.variables().into_keys().collect();
        let mut columns = Columns(BTreeMap::new());
        let mut know = |name: &Arc<str>| -> Result<(), Meaningless> {
            if columns.0.contains_key(name) {
                return Ok(());
            }
            let ignored = ignore.iter().any(|i| **i == **name);
            let meaning = if ignored { None } else { Some(meaning(name, &variables)?) };
            columns.0.insert(name.clone(), meaning);
            Ok(())
        };
        match table.header() {
            Some(header) => {
                for name in header {
                    know(name).map_err(|error| table.header_error(name, error))?;
                }
            }
            None => {
                for index in 0..table.len() {
                    let row = table.row(index)?;
                    for cell in &row.cells {
                        know(&cell.column)
                            .map_err(|error| of_row(row.source.as_ref().clone(), cell.span.clone(), error))?;
                    }
                }
            }
        }
        let known = columns.0.keys().map(ToString::to_string).collect();
        match template.unknown_variables(&known) {
            Some(errors) => Err(errors),
            None => Ok(columns),
        }
    }

    /// Whether a column sets the key, or stands in its place.
    pub(super) fn sets(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// What a row says of the policy.
    pub(super) fn overlay(&self, row: &RowText) -> Overlay {
        let mut overlay = Overlay { source: row.source.clone(), ..Overlay::default() };
        for cell in &row.cells {
            let Some(Some(column)) = self.0.get(&cell.column) else { continue };
            let text = cell.text();
            if let Some((keys, form)) = &column.key
                && !text.is_empty()
            {
                let value = match &cell.said {
                    Said::Text(text) => policy::typed(text, Some(form)),
                    Said::Value(value) => value.clone(),
                };
                overlay.keys.push((keys.clone(), value, cell.span.clone()));
            }
            if column.variable {
                overlay.variables.push((cell.column.to_string(), text, cell.span.clone()));
            }
        }
        overlay
    }
}

fn meaning(name: &str, variables: &BTreeSet<String>) -> Result<Column, Meaningless> {
    let variable = variables.contains(name);
    let keys = keys_of(name);
    let key = keys.and_then(|keys| {
        let form = form_at(&keys)?;
        Some((Arc::from(keys), form))
    });
    if key.is_none() && !variable {
        let mut known: Vec<&str> = top_keys().collect();
        known.extend(variables.iter().map(String::as_str));
        return Err(Meaningless { name: name.to_owned(), nearest: nearest(name, known) });
    }
    Ok(Column { key, variable })
}
