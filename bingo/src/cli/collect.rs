//! Runs a Go program from its first instruction under observation, and writes what
//! its goroutines do.
//!
//! The program has Bingo's standard input and output, gets the signals that are
//! sent to Bingo, and its exit status is Bingo's (of a signal, 128 and its number).
//! So Bingo can stand before it as a container's entrypoint; as process 1 it takes
//! in orphans, too. Events go to events.jsonl, or to --output, while the program
//! runs: `bingo analyze` and `bingo export` read them.
//!
//! --mode static takes a main package (`.`, ./cmd/x, example.com/x, main.go) and
//! builds it with an overlay that starts Go's execution tracer; no source is touched
//! and no root is needed. Go 1.22 or later has to be on the PATH. The trace begins
//! before the program's own packages are initialised (but for those that import
//! nothing, or next to nothing), and ends when main returns, at
//! os.Exit and log.Fatal, and, from Go 1.23 on, at a panic. Of a program that ends by
//! a signal the last second or so is missing, which is said. Beside the tracer the
//! runtime does not notice that all goroutines are asleep: such a program hangs, and
//! can be ended with Ctrl-C. A program that calls trace.Start itself gets an error
//! from it. Flags for `go build` go into --build-flags.
//!
//! --mode live takes any Go program that is built already, and sets probes in it
//! before its first instruction, which stay to its end: every event is there, at a
//! cost to the program that --max-overhead can bound, as in `bingo attach`. It needs
//! what that needs, on Linux; where there can be no probes it polls, and says so.
//!
//! --mode auto, the default, is live for a file that is no .go file, and else static.
//!
//! Exit status: the program's. Where it could not be started: 2 wrong usage or input,
//! or a package that does not build, 3 not permitted.
//!
//! Examples:
//!   bingo collect ./cmd/server -- -listen :8080 && bingo analyze events.jsonl
//!   bingo collect --build-flags "-race -tags=slow" . --output /var/tmp/events.jsonl
//!   sudo bingo collect /usr/local/bin/server -- -config server.toml

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Failure, Status, manual, summary, values};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("collect.rs")), long_about = manual(include_str!("collect.rs")))]
pub(super) struct Arguments {
    /// A main package or its .go file; or a Go program that is built already
    #[arg(value_name = "PACKAGE|BINARY")]
    pub(super) program: String,
    /// How to observe it
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    mode: Mode,
    /// Where to write the events
    #[arg(long, short, value_name = "FILE", default_value = "events.jsonl")]
    pub(super) output: PathBuf,
    /// Flags for `go build`, as one word: "-race -tags=slow" (static)
    #[arg(long, value_name = "FLAGS", default_value = "", allow_hyphen_values = true)]
    pub(super) build_flags: String,
    /// What probes may add to the program's own CPU time, such as 2% (live); without
    /// it, all of them stay, whatever they cost
    #[arg(long, value_name = "PERCENT", value_parser = values::percent)]
    pub(super) max_overhead: Option<f64>,
    /// The program's own arguments
    #[arg(value_name = "ARGUMENTS", last = true)]
    pub(super) arguments: Vec<OsString>,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// By what is given
    Auto,
    /// A package, built with the execution tracer
    Static,
    /// A binary, with probes in it
    Live,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    if super::output::is_standard(&arguments.output) {
        return Err(Failure::bad_input("standard output is the program's own")
            .remedy("give the events a file, or a pipe: --output events.jsonl"));
    }
    let is_binary = || Path::new(&arguments.program).is_file() && !arguments.program.ends_with(".go");
    match arguments.mode {
        Mode::Live => live(arguments),
        Mode::Auto if is_binary() => live(arguments),
        Mode::Static | Mode::Auto => traced(arguments),
    }
}

#[cfg(unix)]
fn traced(arguments: &Arguments) -> Result<Status, Failure> {
    super::collect_static::run(arguments)
}

#[cfg(not(unix))]
fn traced(_: &Arguments) -> Result<Status, Failure> {
    Err(Failure::bad_input("`bingo collect` needs a Unix: it hands an open file to the program")
        .remedy("`bingo run` traces tests here, and runtime/trace any program"))
}

#[cfg(all(target_os = "linux", feature = "live"))]
fn live(arguments: &Arguments) -> Result<Status, Failure> {
    super::collect_live::run(arguments)
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
fn live(_: &Arguments) -> Result<Status, Failure> {
    Err(super::not_live("collect --mode live"))
}
