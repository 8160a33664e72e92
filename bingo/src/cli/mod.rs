//! The command line: arguments come in, an exit status goes out. It chooses the
//! sources, hands them to a session, and chooses the face that shows it.
//!
//! A file for each command; its module doc is the command's manual page.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator;
mod analyze;
mod attach;
mod collect;
mod completions;
mod core_file;
mod doctor;
mod dump;
mod explain;
mod export;
mod failure;
mod go_arguments;
mod http;
mod input;
mod inspect;
mod interrupt;
mod live_vars;
mod man;
mod output;
mod progress;
mod reporting;
mod run;
mod source_files;
mod suppress;
mod values;

#[cfg(all(target_os = "linux", feature = "live"))]
mod background;
#[cfg(all(target_os = "linux", feature = "live"))]
mod checks;
mod closely;
#[cfg(all(target_os = "linux", feature = "live"))]
mod collect_live;
#[cfg(unix)]
mod collect_static;
#[cfg(all(target_os = "linux", feature = "live"))]
mod faces;
#[cfg(all(target_os = "linux", feature = "live", feature = "tui"))]
mod judging;
#[cfg(all(target_os = "linux", feature = "live"))]
mod last_look;
#[cfg(all(target_os = "linux", feature = "live"))]
mod outside;
#[cfg(all(target_os = "linux", feature = "live"))]
mod probes;
#[cfg(all(target_os = "linux", feature = "live", feature = "tui"))]
mod screens;
#[cfg(all(target_os = "linux", feature = "live"))]
mod target;
#[cfg(all(target_os = "linux", feature = "live"))]
mod watch;
#[cfg(all(target_os = "linux", feature = "live"))]
mod watching;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

pub(crate) use failure::{Failure, Status};

/// Shows which goroutines of a Go program are stuck, on what, because of whom.
#[derive(Parser, Debug)]
#[command(name = "bingo", version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Gives Bingo for good what it needs to look and to probe without root.
#[cfg(all(target_os = "linux", feature = "live"))]
const SET_CAPABILITIES: &str = "sudo setcap cap_sys_ptrace,cap_bpf,cap_perfmon+ep $(command -v bingo)";

const EXAMPLES: &str = "Examples:
  sudo bingo attach 4242          what every goroutine does, as it happens
  sudo bingo dump 4242            one picture, grouped by stack
  sudo bingo inspect 4242 18      one goroutine's calls with their variables
  bingo analyze trace.out         what is wrong, by a trace, a recording or a core file
  bingo export trace.out --to …   a trace or a recording for another viewer
  bingo run ./...                 what hangs in the tests of a Go module
  bingo collect ./cmd/server      what a program does from its start on
  sudo bingo doctor 4242          what works here, and the remedy for what does not

Exit status: 0 all went well, 1 something was found or failed, 2 wrong usage or
input, 3 not permitted, 130 interrupted.";

#[derive(clap::Subcommand, Debug)]
enum Command {
    Analyze(analyze::Arguments),
    Run(run::Arguments),
    Collect(collect::Arguments),
    Attach(attach::Arguments),
    Dump(dump::Arguments),
    Inspect(inspect::Arguments),
    Export(export::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    /// What `bingo run` puts between `go test` and a test binary
    #[command(name = run::OBSERVER, hide = true)]
    ObserveTest {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// What `bingo collect` starts, to become the program
    #[cfg(all(target_os = "linux", feature = "live"))]
    #[command(name = collect_live::GATE, hide = true)]
    Gate {
        #[arg(last = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// Runs the command that the process's arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    allocator::keep_apart();
    let answer = match Cli::try_parse_from(go_arguments::sorted(std::env::args_os())) {
        Ok(Cli { command: Command::Analyze(arguments) }) => analyze::run(&arguments),
        Ok(Cli { command: Command::Run(arguments) }) => run::run(&arguments),
        Ok(Cli { command: Command::Collect(arguments) }) => collect::run(&arguments),
        Ok(Cli { command: Command::Attach(arguments) }) => attach::run(&arguments),
        Ok(Cli { command: Command::Dump(arguments) }) => dump::run(&arguments),
        Ok(Cli { command: Command::Inspect(arguments) }) => inspect::run(&arguments),
        Ok(Cli { command: Command::Export(arguments) }) => export::run(&arguments),
        Ok(Cli { command: Command::Doctor(arguments) }) => doctor::run(&arguments),
        Ok(Cli { command: Command::Completions(arguments) }) => completions::run(&arguments),
        Ok(Cli { command: Command::Man(arguments) }) => man::run(&arguments),
        Ok(Cli { command: Command::ObserveTest { command } }) => run::observe(&command).map(Status::Passed),
        #[cfg(all(target_os = "linux", feature = "live"))]
        Ok(Cli { command: Command::Gate { command } }) => collect_live::gate(&command),
        Err(answer) => usage(&answer),
    };
    match answer {
        Ok(status) => status.into(),
        Err(failure) => {
            if !failure.is_broken_pipe() {
                tell(format_args!("{failure}"));
            }
            failure.status().into()
        }
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments.
fn usage(answer: &clap::Error) -> Result<Status, Failure> {
    match answer.print() {
        Err(error) if !answer.use_stderr() => Err(Failure::output("standard output", &error)),
        _ if answer.use_stderr() => Ok(Status::BadInput),
        _ => Ok(Status::Good),
    }
}

/// Says it beside the results. Where standard error is closed or full there is
/// nobody to tell, which is no reason to leave off.
fn tell(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// The manual page that a command's file opens with: its `//!` lines.
fn manual(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// The first line of it.
fn summary(source: &str) -> String {
    manual(source).lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Why a command that looks at a running process does not here.
#[cfg(not(all(target_os = "linux", feature = "live")))]
fn not_live(command: &str) -> Failure {
    let why = if cfg!(target_os = "linux") {
        "this Bingo was built without the feature `live`"
    } else {
        "Bingo looks at running processes on Linux alone"
    };
    Failure::bad_input(format!("`bingo {command}` is not to be had: {why}"))
        .remedy("build it on Linux with `cargo install --path bingo`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_manual_is_the_module_doc() {
        assert_eq!(manual("//! One.\n//!\n//! Two.\n\nuse x;\n//! no"), "One.\n\nTwo.");
        assert_eq!(summary("//! One.\n//! Two."), "One");
    }
}
