//! `tagwall schema`

use crate::cli::args::{OutputFormat, Printing};
use crate::cli::{Failure, output};
use crate::policy;

pub(in crate::cli) fn run() -> Result<(), Failure> {
    output::print(&Printing { format: OutputFormat::Json }, policy::schema(), |_| Ok(()))
}
