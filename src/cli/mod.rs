//! The command line: flags to calls, results to text or JSON, errors to exit codes.

mod args;
mod clock;
mod commands;
mod failure;
mod lists;
#[cfg(feature = "fetch")]
mod online;
mod output;
mod reading;
mod select;
mod status;

use std::process::ExitCode;

use clap::Parser;

use args::{CatalogCommand, Cli, Command, Routes};
use failure::Failure;

/// Reads the arguments, does what they say and gives the exit code.
///
/// | code | meaning |
/// |---|---|
/// | 0 | done |
/// | 1 | could not do it: network, disk |
/// | 2 | the input is wrong; nothing written |
/// | 3 | not possible within the limits or budget; nothing written |
/// | 4 | a difference, drift or failed proof |
/// | 5 | new data refused as suspicious; last good kept |
/// | 6 | rules changed; only with `--detailed-exitcode` |
pub fn run() -> ExitCode {
    outlive_file_size_limits();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is wrong input.
            let code = if error.use_stderr() { 2 } else { 0 };
            return if output::print_usage(&error).is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::from(1)
            };
        }
    };
    match dispatch(cli.command) {
        Ok(code) => code,
        // A reader that has seen enough closed the pipe: nothing to say, nobody to say it to.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Who writes more than the limit on the size of files allows gets a signal, which ends a program that does nothing about
/// it in the middle of its work. Where it is caught, writing fails as on a full disk.
fn outlive_file_size_limits() {
    #[cfg(unix)]
    {
        let seen = std::sync::Arc::default();
        // Where it cannot be caught the limit ends the process, as it would have without this.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen);
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(args) => commands::init::run(&args),
        Command::Generate(args) => commands::generate::run(&args),
        Command::Batch(args) => return commands::batch::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Expand(args) => commands::expand::run(&args),
        Command::Lookup(args) => commands::lookup::run(&args),
        #[cfg(feature = "fetch")]
        Command::Fetch(args) => commands::fetch::run(&args),
        #[cfg(feature = "fetch")]
        Command::Refresh(args) => return commands::refresh::run(&args),
        Command::Rollback(args) => commands::rollback::run(&args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => return commands::serve::run(&args),
        Command::Site(args) => commands::site::run(&args),
        Command::Snapshots(args) => commands::snapshots::run(&args),
        Command::History(args) => commands::history::run(&args),
        Command::Lint(args) => return commands::lint::run(&args),
        Command::Adopt(args) => return commands::adopt::run(&args),
        Command::Replay(args) => return commands::replay::run(&args),
        Command::Tags(args) => commands::tags::run(&args),
        Command::Workloads(args) => commands::workloads::run(&args),
        Command::Catalog(CatalogCommand::Check(args)) => commands::catalog::check(&args),
        Command::Minimize(args) => commands::minimize::run(&args),
        Command::Set(args) => commands::set::run(&args),
        Command::Routes(Routes::Minimize(args)) => commands::routes::run(&args),
        Command::Verify(args) => return commands::verify::run(&args),
        Command::Check(args) => return commands::check::run(&args),
        Command::Explain(args) => commands::explain::run(&args).map(drop),
        Command::Compare(args) => return commands::compare::run(&args),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
    }
    .map(|()| ExitCode::SUCCESS)
}
