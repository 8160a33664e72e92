//! Writes the completions of a shell to standard output.
//!
//! Examples:
//!   bingo completions bash > /etc/bash_completion.d/bingo
//!   bingo completions zsh > ~/.zfunc/_bingo
//!   bingo completions fish > ~/.config/fish/completions/bingo.fish

use clap::CommandFactory;

use super::output::Output;
use super::{Cli, Failure, Status, manual, summary};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("completions.rs")), long_about = manual(include_str!("completions.rs")))]
pub(super) struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "bingo", &mut script);
    Output::open(None)?.write(&script)?;
    Ok(Status::Good)
}
