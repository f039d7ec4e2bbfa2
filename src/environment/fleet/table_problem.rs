//! [`TableProblem`]: where a text is no table of environments, or a row no environment.

use std::sync::Arc;

/// What is wrong with a table, a row, or the file that names them.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableProblem {
    #[error("a table is a file that ends in .csv, .json or .toml")]
    Ending,
    #[error("a table of environments has entries of [[environment]]")]
    NoEntries,
    #[error("an environment is a table")]
    NoTable,
    #[error("an environment is an object")]
    NoObject,
    #[error("the table is empty: its first row names the columns")]
    Empty,
    #[error("column {0} has no name")]
    Unnamed(usize),
    #[error("the column `{0}` is there twice")]
    Twice(Arc<str>),
    #[error("{cells} cells, and the header has {columns} columns")]
    Cells { cells: usize, columns: usize },
    #[error("a table in JSON is a list of objects, or one under `environments`: {0}")]
    Json(serde_json::Error),
    #[error("`{0}`: this value has no place in a policy")]
    NoValue(String),
    #[error("the environment has no name")]
    NoName,
    #[error("schema {0} is not known; this version reads schema 1")]
    Schema(u32),
    #[error("environments of a table stand upon a template: name it with `template`")]
    NoTemplate,
    #[error("a template makes nothing by itself: name a table, or write [[environment]] entries")]
    OnlyTemplate,
}
