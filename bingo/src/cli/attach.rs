//! Shows what every goroutine of a running Go program does, and what changes, as it happens.
//!
//! On a terminal these are screens, what is stuck first: ? shows the keys. With --format
//! text it is a table that is refreshed, without keys. Elsewhere it is events, one a
//! line (`events.jsonl`), or with --format text a line for each change.
//!
//! The program is not stopped and needs no preparation. Its memory is read at
//! each interval, which costs it nothing; probes on the scheduler tell the exact
//! times and what happens in between, at a cost to the program that
//! --max-overhead bounds: where it would be more, probes are taken out until it
//! is not. What they cost is shown. Where the kernel allows no probes it goes on
//! without, and says so (--mode auto). A time with a `>` is at least that long:
//! the goroutine was in that state already when it was first seen.
//!
//! The events end with a line for each goroutine as it is then, so that `bingo analyze
//! events.jsonl` knows for how long it waited.
//!
//! With --report what is wrong with it is found, too, as `bingo analyze PID` does it,
//! and written as JSON when the watching ends. For that it is looked at closely as it
//! begins and as it ends; where the program ends first, the last look is missing.
//!
//! Ctrl-C ends it after all that was gathered is written; so does the program's
//! own end.
//!
//! Examples:
//!   sudo bingo attach 4242
//!   sudo bingo attach 4242 --duration 30s --output events.jsonl
//!   sudo bingo attach 4242 --mode poll --format text --filter mutex-lock
//!   sudo bingo attach 4242 --duration 10m --report report.json

use std::path::PathBuf;
use std::time::Duration;

use super::{Failure, Status, manual, summary, values};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("attach.rs")), long_about = manual(include_str!("attach.rs")))]
pub(super) struct Arguments {
    /// The process
    #[arg(value_name = "PID", value_parser = values::pid, allow_negative_numbers = true)]
    pub(super) pid: u32,
    /// How to show it [default: tui on a terminal, else jsonl]
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// How long to watch, such as 30s; without it, until Ctrl-C or the program's end
    #[arg(long, value_parser = values::duration)]
    pub(super) duration: Option<Duration>,
    /// How often to read all goroutines and refresh the picture
    #[arg(long, value_parser = values::duration, default_value = "100ms")]
    pub(super) interval: Duration,
    /// How to watch: by probes and reading, or by reading alone
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    pub(super) mode: Mode,
    /// What the probes may add to the program's own CPU time (with --mode auto)
    #[arg(long, value_name = "PERCENT", value_parser = values::percent, default_value = "2%")]
    pub(super) max_overhead: f64,
    /// Write what is wrong with it to this file at the end: the JSON report of `analyze`
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) showing: values::Showing,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// Screens with keys, on a terminal
    #[cfg(all(target_os = "linux", feature = "live", feature = "tui"))]
    Tui,
    /// A table on a terminal, a line for each change elsewhere
    Text,
    /// Events, one JSON object a line
    Jsonl,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// With probes if the kernel allows them, else without
    Auto,
    /// Without probes: at no cost to the program
    Poll,
    /// With all probes all the time, whatever they cost, or not at all
    Probe,
}

#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    use super::faces::{JsonlFace, LinesFace, TableFace};
    use super::output::Output;
    use super::watching::observe;
    use crate::session::live_loop::Face;

    let selection = arguments.showing.selection()?;
    #[cfg(feature = "tui")]
    if arguments.is_for_screens()? {
        return super::watching::on_screen(arguments);
    }
    let interrupted = super::interrupt::watch()?;
    let (ending, status) = observe(arguments, &interrupted, arguments.report.is_some(), || {
        let output = Output::open(arguments.showing.output.as_deref())?;
        let (terminal, name) = (output.is_terminal(), output.name());
        let face: Box<dyn Face> = match arguments.format {
            Some(Format::Jsonl) => Box::new(JsonlFace::new(output, selection)),
            None if !terminal => Box::new(JsonlFace::new(output, selection)),
            _ if terminal => Box::new(TableFace::new(output, selection)),
            _ => Box::new(LinesFace::new(output, selection)),
        };
        Ok((face, name))
    })?;
    if let Some(why) = super::watching::why(ending, arguments.pid) {
        super::tell(format_args!("bingo: {why}"));
    }
    Ok(status)
}

#[cfg(all(target_os = "linux", feature = "live", feature = "tui"))]
impl Arguments {
    /// Whether screens show it: where they are asked for, and on a terminal.
    fn is_for_screens(&self) -> Result<bool, Failure> {
        use std::io::IsTerminal;

        use super::screens;

        let named = self.showing.output.is_some();
        match self.format {
            Some(Format::Tui) if named => Err(Failure::bad_input("screens cannot be written to a file")
                .remedy("leave --output out, or write --format jsonl to it")),
            Some(Format::Tui) => screens::expect_terminal().map(|()| true),
            Some(_) => Ok(false),
            None => Ok(!named && screens::can_be_shown() && std::io::stdin().is_terminal()),
        }
    }
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
pub(super) fn run(_: &Arguments) -> Result<Status, Failure> {
    Err(super::not_live("attach"))
}
