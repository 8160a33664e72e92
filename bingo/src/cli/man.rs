//! Writes a manual page to standard output.
//!
//! Examples:
//!   bingo man > bingo.1
//!   bingo man attach | man -l -

use clap::CommandFactory;

use super::output::Output;
use super::{Cli, Failure, Status, manual, summary};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("man.rs")), long_about = manual(include_str!("man.rs")))]
pub(super) struct Arguments {
    /// The command whose page it is; without it, that of bingo itself
    command: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let mut bingo = Cli::command();
    bingo.build();
    let page = match &arguments.command {
        None => clap_mangen::Man::new(bingo),
        Some(name) => {
            let command = bingo.find_subcommand(name).cloned().ok_or_else(|| {
                Failure::bad_input(format!("no command is called {name}")).remedy("`bingo --help` lists them")
            })?;
            clap_mangen::Man::new(command)
        }
    };
    let mut roff = Vec::new();
    page.render(&mut roff).map_err(|error| Failure::output("memory", &error))?;
    Output::open(None)?.write(&roff)?;
    Ok(Status::Good)
}
