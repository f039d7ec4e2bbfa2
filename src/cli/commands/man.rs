//! `tagwall man`

use std::fs;
use std::io::Write;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::args::{Cli, Man as Args};
use crate::cli::{Failure, output};
use crate::store::atomic;
use crate::text::{did_you_mean, nearest};

pub(in crate::cli) fn run(args: &Args) -> Result<(), Failure> {
    let mut program = Cli::command();
    program.build();
    let Some(folder) = &args.out else {
        let mut out = output::stdout();
        let page = page(&find(&program, &args.command)?)?;
        return out.write_all(&page).and_then(|()| out.flush()).map_err(Failure::Output);
    };
    let failed = |error: std::io::Error| Failure::Io(format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut all = Vec::new();
    collect(&program, "tagwall", &mut all);
    for (name, command) in all {
        atomic::write(&folder.join(format!("{name}.1")), &page(&command)?).map_err(failed)?;
    }
    Ok(())
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).map_err(Failure::Output)?;
    Ok(page)
}

/// A command and those below it, each under the name that its page has.
fn collect(command: &Command, name: &str, all: &mut Vec<(String, Command)>) {
    all.push((name.to_owned(), command.clone()));
    let below = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    below.for_each(|inner| collect(inner, &format!("{name}-{}", inner.get_name()), all));
}

fn find(program: &Command, words: &[String]) -> Result<Command, Failure> {
    let (mut command, mut name) = (program, "tagwall".to_owned());
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let hint = did_you_mean(&nearest(word, command.get_subcommands().map(Command::get_name)));
            Failure::Input(format!("{name} has no command `{word}`{hint}"))
        })?;
        name = format!("{name}-{}", command.get_name());
    }
    Ok(command.clone())
}
