//! [`Failure`]: why a command ends without doing what it should, and its exit code.

use std::fmt;

/// Why a command did not do what it should.
#[derive(Debug)]
pub(super) enum Failure {
    /// A file or the network failed; exit code 1.
    Io(String),
    /// Another run is at work; exit code 1.
    Busy(String),
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
    /// The exit code of the command.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Io(_) | Failure::Busy(_) | Failure::Output(_) => 1,
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
            Failure::Io(text) | Failure::Busy(text) | Failure::Input(text) | Failure::Budget(text) => {
                f.write_str(text)
            }
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

impl From<crate::environment::TextError> for Failure {
    fn from(error: crate::environment::TextError) -> Self {
        use crate::environment::TextError;
        match error {
            TextError::Io { .. } => Failure::Io(error.to_string()),
            _ => Failure::Input(error.to_string()),
        }
    }
}

impl From<crate::environment::EnvironmentError> for Failure {
    fn from(error: crate::environment::EnvironmentError) -> Self {
        use crate::environment::EnvironmentError;
        match error {
            EnvironmentError::Text(error) => error.into(),
            EnvironmentError::Stage(error) => Failure::Stage(error),
            other => Failure::Input(other.to_string()),
        }
    }
}

impl From<crate::site::SiteError> for Failure {
    fn from(error: crate::site::SiteError) -> Self {
        use crate::site::SiteError;
        match error {
            SiteError::InTheWay(_) | SiteError::OthersFile { .. } | SiteError::NoSuchGeneration(_) => {
                Failure::Input(error.to_string())
            }
            SiteError::Busy(_) => Failure::Busy(error.to_string()),
            _ => Failure::Io(error.to_string()),
        }
    }
}

impl From<crate::site::output::OutputError> for Failure {
    fn from(error: crate::site::output::OutputError) -> Self {
        if error.is_input() { Failure::Input(error.to_string()) } else { Failure::Io(error.to_string()) }
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

impl From<crate::store::index::IndexError> for Failure {
    fn from(error: crate::store::index::IndexError) -> Self {
        Failure::Io(error.to_string())
    }
}
