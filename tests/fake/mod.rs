//! The imitation of Microsoft's servers, and the command under test beside it.
#![allow(unreachable_pub, dead_code)] // each test file uses its part
#![allow(clippy::print_stderr)] // a skipped test says so

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tagwall::site::{Record, Site};

/// The folder with the imitation and the archived files. Without it, tests that need it say so and pass; where it is
/// named, it has to be there.
pub fn shared() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else {
        eprintln!("skipped: TAGWALL_SHARED is not set");
        return None;
    };
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join(shared);
    assert!(shared.is_dir(), "TAGWALL_SHARED names {}, which is not there", shared.display());
    Some(shared)
}

/// A number from the environment, for the same test at a larger scale.
pub fn scale(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The imitation, ended with the value.
pub struct Fake {
    child: Child,
    pub base: String,
    pub token: String,
    pub ca: Option<String>,
}

impl Fake {
    pub fn start(shared: &Path, more: &[&str]) -> Fake {
        let mut child = Command::new("python3")
            .arg(shared.join("tools/fake_microsoft.py"))
            .args(["serve", "--port", "0", "--dir"])
            .arg(shared.join("data/service-tags"))
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs the imitation");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).expect("it says where it listens");
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        Fake { child, base: text("base").unwrap(), token: text("token").unwrap_or_default(), ca: text("ca") }
    }

    /// Changes what the imitation does from now on.
    pub fn control(&self, json: &str) {
        let host = self.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = json.len();
        write!(stream, "POST /__ctl HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{json}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a policy, a store and a published folder.
pub struct Place {
    pub folder: tempfile::TempDir,
}

/// A policy for the cloud whose files are small, with prefixes written out so that data changes rules.
pub const POLICY: &str = r#"
    schema = 1
    name = "gov"
    cloud = "usgov"
    region = "usgovvirginia"
    network.address-space = ["10.20.0.0/16"]
    network.firewall = "10.20.255.4"
    subnets.a.prefixes = ["10.20.1.0/24"]
    nsg.tags = "expand"
    [[allow]]
    to = ["Storage", "AzureActiveDirectory", "Sql.usgovvirginia"]
    protocol = "tcp"
    ports = 443
"#;

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.toml"), POLICY).unwrap();
        Place { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A copy with all links as they are.
    pub fn copy(&self) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let from = format!("{}/.", self.folder.path().display());
        let done = Command::new("cp").args(["-a", &from]).arg(folder.path()).status().unwrap();
        assert!(done.success());
        Place { folder }
    }

    /// The command in this place, with nothing of the tester's environment that it listens to.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tagwall"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_uppercase();
            if text.starts_with("TAGWALL_") || text.starts_with("AZURE_") || text.ends_with("_PROXY") {
                command.env_remove(&name);
            }
        }
        command.current_dir(self.folder.path()).args(args);
        command.env("TAGWALL_STORE", "store").env("TAGWALL_RETRIES", "1").env("TAGWALL_RETRY_PAUSE_MS", "5");
        command.env("TAGWALL_NOW", "2026-07-21T00:00:00Z");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn site(&self) -> Site {
        Site::new(self.path("out"))
    }

    /// The published generation, which must be whole: each file is what the record says.
    pub fn published(&self) -> Option<Record> {
        let record = self.site().current().expect("the link leads to a generation")?;
        self.site().check(&record).expect("the published generation is whole");
        Some(record)
    }

    pub fn current_of_store(&self) -> String {
        std::fs::read_to_string(self.path("store/usgov/file/current")).unwrap_or_default()
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
