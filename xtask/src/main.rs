//! `cargo xtask …`: set-up, tests, benchmarks and generated files of Bingo.
//!
//! A file a command. `cargo xtask demo` shows Bingo at work, `cargo xtask test`
//! is what CI runs, `cargo xtask setup` fetches what both need.

mod bench;
mod demo;
mod ebpf;
mod layouts;
mod score;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Set-up, tests, benchmarks and generated files of Bingo")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures what watching costs and what it misses
    Bench(bench::Arguments),
    /// Shows Bingo at work on a small Go service with four bugs
    Demo(demo::Arguments),
    /// Builds the eBPF object that is checked in
    Ebpf(ebpf::Arguments),
    /// Scores `bingo analyze` on the corpus of bugs, fixed twins and clean programs
    Score(score::Arguments),
    /// Installs what the tests need: Go releases, the eBPF toolchain, real Go servers
    Setup(setup::Arguments),
    /// Writes the table of struct layouts from the Go releases, or checks it
    Layouts(layouts::Arguments),
    /// Runs all that CI runs, and closes with a summary
    Test(test::Arguments),
    /// Checks the house rules that the compiler cannot: layers, words, file length
    Tidy,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Ebpf(arguments) => ebpf::run(&arguments),
        Command::Layouts(arguments) => layouts::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Setup(arguments) => setup::run(&arguments),
        // Its summary has said all, and its last line is the last.
        Command::Test(arguments) => match test::run(&arguments) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
        Command::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
