//! Data to standard output, talk to standard error.

use std::io::{self, BufWriter, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::Failure;
use super::args::{OutputFormat, Printing};
use crate::redact;
use crate::text::{Escape, hidden, visible, visible_bytes};

/// Where results go; hidden characters in them are written out.
pub(super) fn stdout() -> impl Write {
    BufWriter::new(Visible::new(anstream::stdout().lock(), Escape::Plain))
}

/// A sink of text in which characters are written out that would not be seen, or clear a terminal, or turn text around:
/// names and texts of others are among what is printed.
struct Visible<W> {
    inner: W,
    escape: Escape,
    /// The beginning of a character.
    open: Vec<u8>,
}

impl<W: Write> Visible<W> {
    fn new(inner: W, escape: Escape) -> Self {
        Visible { inner, escape, open: Vec::new() }
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open.extend_from_slice(bytes);
        let (shown, used) = visible_bytes(&self.open, self.escape);
        self.inner.write_all(&shown)?;
        drop(shown);
        self.open.drain(..used);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Prints results as text by `text`, or `data` as JSON.
pub(super) fn print<T: Serialize>(
    printing: &Printing,
    data: &T,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let escape = if printing.format == OutputFormat::Json { Escape::Json } else { Escape::Plain };
    let mut out = BufWriter::new(Visible::new(anstream::stdout().lock(), escape));
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
    let _ = writeln!(anstream::stderr().lock(), "{}", visible(&redact::text(text)));
}

/// Prints help, or what is wrong with the arguments: in colours, unless they have characters that must not be shown.
pub(super) fn print_usage(error: &clap::Error) -> io::Result<()> {
    let plain = error.render().to_string();
    if hidden(&plain).is_none() {
        return error.print();
    }
    io::stderr().write_all(visible(&plain).as_bytes())
}

/// Says why a command failed. Reports that show a source line bring their own `error:`.
pub(super) fn complain(failure: &Failure) {
    // A name that is empty is shown, so that no line begins with nothing.
    let text = failure.to_string().replace("\n: ", "\n``: ");
    let text = if text.starts_with(": ") { format!("``{text}") } else { text };
    let own = text.starts_with("error");
    say(&if own { text } else { format!("error: {text}") });
}
