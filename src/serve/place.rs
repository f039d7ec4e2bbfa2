//! [`Listen`]: where to listen.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and port; port 0 is any that is free.
    Tcp(SocketAddr),
    /// A socket of the file system.
    Unix(PathBuf),
    /// What systemd has opened.
    Inherited,
}

/// A text that names no place to listen.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address with a port (127.0.0.1:8080, [::1]:8080), no unix:PATH and not systemd")]
pub struct NoPlace(String);

impl std::str::FromStr for Listen {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        if text == "systemd" {
            return Ok(Listen::Inherited);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Listen::Unix(path.into()));
        }
        text.parse().map(Listen::Tcp).map_err(|_| NoPlace(text.to_owned()))
    }
}
