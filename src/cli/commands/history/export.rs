//! The whole index for other tools.

use std::io::Write;
use std::path::Path;

use super::answer::find;
use super::held::{Held, last_week, rows};
use crate::cli::args::{ExportFormat, History};
use crate::cli::{Failure, output, select};
use crate::store::{atomic, index};
use crate::tags::{TagHistory, Timeline};

pub(super) fn run(args: &History, format: ExportFormat, timeline: &Timeline) -> Result<(), Failure> {
    let tags: Vec<&TagHistory> = match &args.what {
        Some(name) => vec![find(timeline, name)?],
        None => timeline.tags().iter().collect(),
    };
    match format {
        ExportFormat::Sqlite => {
            if args.what.is_some() {
                return Err(Failure::Input("--export sqlite writes all tags: leave out the tag".to_owned()));
            }
            let out = needed(args)?;
            if out.exists() {
                return Err(Failure::Input(format!("{} is there already", out.display())));
            }
            Ok(index::copy_to(&select::store(&args.place)?, out)?)
        }
        ExportFormat::Csv => {
            let text = csv(timeline, &rows(&tags)).map_err(Failure::Output)?;
            match &args.out {
                Some(out) => write(out, &text),
                None => {
                    let mut stdout = output::stdout();
                    stdout.write_all(&text).and_then(|()| stdout.flush()).map_err(Failure::Output)
                }
            }
        }
        #[cfg(feature = "export-parquet")]
        ExportFormat::Parquet => {
            let bytes = super::parquet::file(timeline, &rows(&tags));
            write(needed(args)?, &bytes.map_err(|error| Failure::Io(format!("parquet: {error}")))?)
        }
    }
}

fn needed(args: &History) -> Result<&Path, Failure> {
    args.out.as_deref().ok_or_else(|| Failure::Input("name the file to write: --out FILE".to_owned()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    atomic::write(path, bytes).map_err(|error| Failure::Io(format!("{}: {error}", path.display())))
}

fn csv(timeline: &Timeline, rows: &[Held<'_>]) -> std::io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["tag", "prefix", "first_date", "last_date", "current"])?;
    for held in rows {
        let (first, last) = (timeline.date(held.first), timeline.date(last_week(timeline, held)));
        let current = if held.last.is_none() { "true" } else { "false" };
        csv.write_record([
            held.tag,
            &held.prefix.to_string(),
            &first.to_string(),
            &last.to_string(),
            current,
        ])?;
    }
    csv.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}
