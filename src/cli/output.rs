//! Data to standard output, talk to standard error.

use std::io::{self, BufWriter, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::Failure;
use super::args::{OutputFormat, Printing};

/// Where results go.
pub(super) fn stdout() -> impl Write {
    BufWriter::new(anstream::stdout().lock())
}

/// Prints results as text by `text`, or `data` as JSON.
pub(super) fn print<T: Serialize>(
    printing: &Printing,
    data: &T,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = stdout();
    let done = match printing.format {
        OutputFormat::Text => text(&mut out),
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut out, data).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
    };
    done.and_then(|()| out.flush()).map_err(Failure::Output)
}

/// A table without borders, as wide as it needs to be.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Writes a table without blanks at the ends of its lines.
pub(super) fn write_table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Says to people what goes on.
pub(super) fn say(text: &str) {
    // Nothing is to be done where even standard error is closed.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Says why a command failed. Reports that show a source line bring their own `error:`.
pub(super) fn complain(failure: &Failure) {
    let text = failure.to_string();
    let own = text.starts_with("error");
    say(&if own { text } else { format!("error: {text}") });
}
