//! Whole processes side by side, text file to text file: `tagwall minimize` and what else there is, `rs-aggregate` and
//! Debian's `iprange`, on the same files in turns.
//!
//! `cargo bench --bench process` prints, for each file and program, the median time, the median over all rounds of
//! tagwall's time by the program's in the same round, and the most memory. A program is looked for in the folder that
//! `TAGWALL_PEERS` names and in `PATH`; one that is not there is skipped and said to be. Memory is what GNU time reports.
//! Behind `--`, `files FOLDER` only writes the files.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

#[allow(dead_code)] // each bench uses its part
mod data;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MILLION: usize = 1_000_000;

/// One list, and how often every program reads it.
struct List {
    name: &'static str,
    text: fn() -> String,
    v4: bool,
    rounds: usize,
}

const LISTS: [List; 3] = [
    List { name: "1 million IPv4", text: || data::text(&data::v4(MILLION, 1)), v4: true, rounds: 31 },
    List { name: "10 million IPv4", text: || data::text(&data::v4(10 * MILLION, 1)), v4: true, rounds: 9 },
    List { name: "1 million IPv6", text: || data::text(&data::v6(MILLION, 2)), v4: false, rounds: 31 },
];

impl List {
    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.txt", self.name.replace(' ', "-")))
    }
}

/// A program that reads a list and prints the fewest prefixes.
struct Program {
    name: &'static str,
    path: PathBuf,
    arguments: &'static [&'static str],
    v6: bool,
}

impl Program {
    fn command(&self, file: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.args(self.arguments).arg(file);
        command
    }

    fn run(&self, file: &Path, out: &Path) -> io::Result<Duration> {
        let mut command = self.command(file);
        command.stdout(File::create(out)?).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        let time = start.elapsed();
        if status.success() { Ok(time) } else { Err(io::Error::other(format!("{}: {status}", self.name))) }
    }

    /// The most memory in bytes; `None` without GNU time.
    fn memory(&self, file: &Path) -> Option<u64> {
        let output = Command::new("/usr/bin/time")
            .args(["-f", "%M"])
            .arg(&self.path)
            .args(self.arguments)
            .arg(file)
            .stdout(Stdio::null())
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr);
        Some(said.lines().last()?.trim().parse::<u64>().ok()? * 1024)
    }
}

/// Where a program lies, in `TAGWALL_PEERS` or in `PATH`.
fn find(name: &str) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = ["TAGWALL_PEERS", "PATH"]
        .into_iter()
        .filter_map(std::env::var_os)
        .flat_map(|folders| std::env::split_paths(&folders).collect::<Vec<_>>())
        .collect();
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn programs() -> Vec<Program> {
    let ours = Program {
        name: "tagwall",
        path: env!("CARGO_BIN_EXE_tagwall").into(),
        arguments: &["minimize"],
        v6: true,
    };
    let mut programs = vec![ours];
    for (name, v6) in [("rs-aggregate", true), ("iprange", false)] {
        match find(name) {
            Some(path) => programs.push(Program { name, path, arguments: &[], v6 }),
            None => println!("{name}: skipped, neither in TAGWALL_PEERS nor in PATH"),
        }
    }
    programs
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("times are numbers"));
    values[values.len() / 2]
}

fn lines(file: &Path) -> io::Result<usize> {
    Ok(BufReader::new(File::open(file)?).lines().count())
}

fn compare(list: &List, programs: &[Program], folder: &Path) -> io::Result<()> {
    let (file, out) = (list.file(folder), folder.join("out.txt"));
    let programs: Vec<&Program> = programs.iter().filter(|p| list.v4 || p.v6).collect();
    let mut times = vec![Vec::new(); programs.len()];
    let mut printed = vec![0; programs.len()];
    for round in 0..=list.rounds {
        for (at, program) in programs.iter().enumerate() {
            let time = program.run(&file, &out)?.as_secs_f64();
            // The first round only warms up, and shows whether all print as many prefixes.
            if round == 0 {
                printed[at] = lines(&out)?;
            } else {
                times[at].push(time);
            }
        }
    }
    println!("\n{}, {} rounds", list.name, list.rounds);
    for (at, program) in programs.iter().enumerate() {
        let ratios = times[0].iter().zip(&times[at]).map(|(ours, theirs)| ours / theirs).collect();
        let memory = program.memory(&file).map_or("unknown".to_owned(), |m| format!("{} MiB", m >> 20));
        println!(
            "{:>14}  {:8.1} ms  tagwall/it {:.3}  memory {memory}  {} prefixes",
            program.name,
            median(times[at].clone()) * 1e3,
            median::<f64>(ratios),
            printed[at],
        );
    }
    Ok(())
}

fn write_files(folder: &Path) -> io::Result<()> {
    LISTS.iter().try_for_each(|list| fs::write(list.file(folder), (list.text)()))
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [files, folder] = arguments.as_slice()
        && files == "files"
    {
        return write_files(Path::new(folder));
    }
    let folder = tempfile::tempdir()?;
    write_files(folder.path())?;
    let programs = programs();
    LISTS.iter().try_for_each(|list| compare(list, &programs, folder.path()))
}
