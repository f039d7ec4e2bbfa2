//! `tagwall completions`

use clap::CommandFactory;

use crate::cli::args::{Cli, Completions};
use crate::cli::{Failure, output};

pub(in crate::cli) fn run(args: &Completions) -> Result<(), Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "tagwall", &mut output::stdout());
    Ok(())
}
