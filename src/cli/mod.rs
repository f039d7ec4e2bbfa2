//! The command line: flags to calls, results to text or JSON, errors to exit codes.

mod args;
mod clock;
mod commands;
mod lists;
#[cfg(feature = "fetch")]
mod online;
mod output;
mod select;
mod write;

use std::fmt;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, Routes};

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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is wrong input.
            let code = if error.use_stderr() { 2 } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(1) };
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

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(args) => commands::init::run(&args),
        Command::Generate(args) => commands::generate::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Expand(args) => commands::expand::run(&args),
        Command::Lookup(args) => commands::lookup::run(&args),
        #[cfg(feature = "fetch")]
        Command::Fetch(args) => commands::fetch::run(&args),
        #[cfg(feature = "fetch")]
        Command::Refresh(args) => return commands::refresh::run(&args),
        Command::Rollback(args) => commands::rollback::run(&args),
        Command::Snapshots(args) => commands::snapshots::run(&args),
        Command::Tags(args) => commands::tags::run(&args),
        Command::Workloads(args) => commands::workloads::run(&args),
        Command::Minimize(args) => commands::minimize::run(&args),
        Command::Set(args) => commands::set::run(&args),
        Command::Routes(Routes::Minimize(args)) => commands::routes::run(&args),
        Command::Verify(args) => return commands::verify::run(&args),
        Command::Schema(_) => commands::schema::run(),
        Command::Completions(args) => commands::completions::run(&args),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Why a command did not do what it should.
#[derive(Debug)]
enum Failure {
    /// A file or the network failed; exit code 1.
    Io(String),
    /// The input is wrong; exit code 2.
    Input(String),
    /// New data is refused as suspicious; exit code 5.
    #[cfg(feature = "fetch")]
    Refused(String),
    /// A stage of the library refused; its own exit code.
    Stage(crate::Error),
    /// Not possible within the budget asked for; exit code 3.
    Budget(String),
    /// Writing the results failed; exit code 1.
    Output(std::io::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::Io(_) | Failure::Output(_) => 1,
            Failure::Input(_) => 2,
            Failure::Budget(_) => 3,
            #[cfg(feature = "fetch")]
            Failure::Refused(_) => 5,
            Failure::Stage(error) => error.exit_code(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Io(text) | Failure::Input(text) | Failure::Budget(text) => f.write_str(text),
            #[cfg(feature = "fetch")]
            Failure::Refused(text) => f.write_str(text),
            Failure::Stage(error) => error.fmt(f),
            Failure::Output(error) => write!(f, "cannot write the results: {error}"),
        }
    }
}

impl<E: Into<crate::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Stage(error.into())
    }
}

impl From<crate::store::site::SiteError> for Failure {
    fn from(error: crate::store::site::SiteError) -> Self {
        use crate::store::site::SiteError;
        match error {
            SiteError::InTheWay(_) | SiteError::NoSuchGeneration(_) => Failure::Input(error.to_string()),
            _ => Failure::Io(error.to_string()),
        }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Failure::Io(error.to_string())
    }
}

impl From<crate::store::LoadError> for Failure {
    fn from(error: crate::store::LoadError) -> Self {
        use crate::store::LoadError;
        match error {
            LoadError::Io { .. } => Failure::Io(error.to_string()),
            _ => Failure::Input(error.to_string()),
        }
    }
}
