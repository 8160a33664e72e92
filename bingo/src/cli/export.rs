//! Writes a trace or a recording in the form of another viewer.
//!
//! An input is what `bingo analyze` reads: an execution trace of Go 1.22 or later,
//! an events.jsonl, or `-` for standard input. No root is needed.
//!
//! Formats, and what each leaves out:
//!   jsonl   events.jsonl, as `bingo attach` writes it, every event with all its
//!           frames: `bingo analyze` finds in it what it finds in the input. Of a
//!           trace it leaves out what is not about goroutines' states: tasks,
//!           regions, logs, collections, CPU samples, Ps.
//!
//! An input that is cut off or corrupt is written as far as it goes, and what is
//! missing is said. Ctrl-C ends it so that what is written can be opened.
//!
//! Exit status: 0 all is written, 2 wrong usage or input, a corrupt one too, 3 not
//! permitted, 130 interrupted, after what was read is written.
//!
//! Examples:
//!   bingo export trace.out --to jsonl --output events.jsonl
//!   bingo export trace.out --to jsonl | jq 'select(.event_type == "block") | .block_reason'

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::output::Output;
use super::{Failure, Status, input, interrupt, manual, summary};
use crate::export::{Export, Jsonl};
use crate::model::{Header, Observation};
use crate::session::{self, live_loop::LoopError};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("export.rs")), long_about = manual(include_str!("export.rs")))]
pub(super) struct Arguments {
    /// A trace or a recording; `-` is standard input
    #[arg(value_name = "INPUT")]
    input: String,
    /// The form to write it in
    #[arg(long, value_enum)]
    to: Format,
    /// Where to write, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// Events, one JSON object a line: what `bingo analyze` reads
    Jsonl,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let interrupted = interrupt::watch()?;
    let mut source = input::open(&arguments.input, &interrupted)?;
    if let Some(output) = arguments.output.as_deref().filter(|output| is_same(&arguments.input, output)) {
        return Err(Failure::bad_input(format!("{} is the input itself", output.display()))
            .remedy("give --output another name"));
    }
    let output = Output::open(arguments.output.as_deref())?;
    let name = output.name();
    let failed = |error| Failure::output(&name, &error);
    let mut export = format(arguments.to, output, source.header()).map_err(failed)?;
    let stop = || interrupted.load(Ordering::Relaxed);
    let played = session::play(&mut *source, stop, |observation| {
        if let Observation::Problem(problem) = observation {
            super::tell(format_args!("bingo: {}: {}", arguments.input, problem.what));
        }
        export.take(observation)
    });
    match played {
        Err(LoopError::Output(error)) => return Err(failed(error)),
        Err(LoopError::Source(error)) => {
            export.finish().map_err(failed)?;
            return Err(Failure::bad_input(format!("{}: {error}", arguments.input))
                .remedy("what is before that place is written"));
        }
        Ok(()) => export.finish().map_err(failed)?,
    }
    Ok(if stop() { Status::Interrupted } else { Status::Good })
}

fn format(format: Format, out: Output, header: &Header) -> std::io::Result<Box<dyn Export>> {
    Ok(match format {
        Format::Jsonl => Box::new(Jsonl::new(out, header)?),
    })
}

/// Whether to write to `output` would destroy `input`.
fn is_same(input: &str, output: &Path) -> bool {
    fs::canonicalize(input).is_ok_and(|input| fs::canonicalize(output).is_ok_and(|output| input == output))
}
