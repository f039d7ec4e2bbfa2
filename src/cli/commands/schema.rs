//! `tagwall schema`

use crate::cli::args::{OutputFormat, Printing, Schema};
use crate::cli::{Failure, output};
use crate::{catalog, environment, policy};

pub(in crate::cli) fn run(args: &Schema) -> Result<(), Failure> {
    let schema = match (args.catalog, args.fleet) {
        (true, _) => catalog::schema(),
        (_, true) => environment::fleet_schema(),
        _ => policy::schema(),
    };
    output::print(&Printing { format: OutputFormat::Json }, schema, |_| Ok(()))
}
