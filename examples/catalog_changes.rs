//! The changelog of the catalogue in `docs/catalog-changes.md`, made from its data.
//!
//! `cargo run --example catalog_changes > docs/catalog-changes.md`

use std::fmt::Write as _;
use std::io::Write;

use tagwall::catalog::Catalog;

const HEAD: &str = "\
# What changed in the catalogue, and what begins or ends

Remade by `cargo run --example catalog_changes > docs/catalog-changes.md` from `data/catalog/versions.toml` and from the
dates of rows and events; `tagwall workloads --changes` prints the same.
";

#[allow(dead_code)] // the test that holds the document against it has a main of its own
fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(document().as_bytes())
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*")
}

/// The whole document.
pub(crate) fn document() -> String {
    let catalog = Catalog::builtin();
    let mut out = HEAD.to_owned();
    writeln!(out, "\n## Days\n\n| day | | what | announced | source |\n|---|---|---|---|---|").unwrap();
    for fact in catalog.dated() {
        let (date, turn, subject) = (fact.date, fact.turn.name(), &fact.subject);
        let kept = if fact.kept { "; kept, since documents still have it" } else { "" };
        let announced = fact.announced.map(|day| day.to_string()).unwrap_or_default();
        let (what, source) = (cell(&fact.what), cell(&fact.source));
        writeln!(out, "| {date} | {turn} | {subject}: {what}{kept} | {announced} | {source} |").unwrap();
    }
    for version in Catalog::versions() {
        writeln!(out, "\n## Version of {}\n\n{}", version.date, version.text).unwrap();
        if version.changes.is_empty() {
            continue;
        }
        writeln!(out, "\n| | workloads | rows and options | clouds | before | now | source |").unwrap();
        writeln!(out, "|---|---|---|---|---|---|---|").unwrap();
        for change in &version.changes {
            let clouds = if change.clouds.is_empty() { "all".to_owned() } else { change.clouds.join(", ") };
            writeln!(
                out,
                "| {} | {} | {} | {clouds} | {} | {} | {} |",
                change.id,
                change.workloads.join(", "),
                change.rows.join(", "),
                cell(&change.was),
                cell(&change.now),
                cell(&catalog.documents(&change.source).join("; "))
            )
            .unwrap();
        }
    }
    out
}
