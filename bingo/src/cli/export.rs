//! Writes a trace or a recording in the form of another viewer.
//!
//! An input is what `bingo analyze` reads: an execution trace of Go 1.22 or later,
//! an events.jsonl, the address of a trace, or `-` for standard input. No root is
//! needed.
//!
//! Formats, and what each leaves out:
//!   perfetto    for ui.perfetto.dev: a track for each goroutine with its states,
//!               where it blocked, and arrows from who woke or made it. Times are
//!               the monotonic clock's; addresses and threads are left out.
//!   speedscope  for speedscope.app: blocked time by stack, all and by reason.
//!   pprof       for `go tool pprof`: a block profile, as /debug/pprof/block.
//!   folded      for flamegraph.pl: a line for each stack, with nanoseconds.
//!   flamegraph  the same drawn, an SVG for any browser, in microseconds.
//!   dot         for Graphviz: which function woke which from what wait, how often.
//!   jsonl       events.jsonl, as `bingo attach` writes it, every event with all its
//!               frames: `bingo analyze` finds in it what it finds in the input.
//!
//! From speedscope to dot they sum up: they tell no order of time, no goroutine,
//! and only of waits, those that last until the end too. Runtime goroutines and
//! frames are left out without --all. dot knows the wakers of which the input has
//! the place, sixteen for each stack. No format has a trace's tasks, regions,
//! logs, collections, CPU samples and Ps.
//!
//! An input that is cut off or corrupt is written as far as it goes, and what is
//! missing is said. Ctrl-C ends it so that what is written can be opened.
//!
//! Exit status: 0 all is written, 2 wrong usage or input, a corrupt one too, 3 not
//! permitted, 130 interrupted, after what was read is written.
//!
//! Examples:
//!   bingo export trace.out --to perfetto --output trace.pftrace
//!   bingo export trace.out --to pprof --output b.pb.gz && go tool pprof -top b.pb.gz
//!   bingo export events.jsonl --to flamegraph > blocked.svg
//!   bingo export trace.out --to dot | dot -Tsvg > wakeups.svg
//!   bingo export trace.out --to jsonl | jq 'select(.event_type == "block") | .block_reason'

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::input::Reading;
use super::output::{Output, is_standard, keeps};
use super::progress::Progress;
use super::{Failure, Status, input, interrupt, manual, summary, values};
use crate::export::{self, Blocked, Export, Jsonl, Perfetto};
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
    /// The runtime's goroutines and frames too (speedscope, pprof, folded, flamegraph, dot)
    #[arg(long)]
    all: bool,
    /// How long a program records, if the address of its trace does not say
    #[arg(long, value_parser = values::duration, default_value = "3s")]
    duration: Duration,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// The timeline of every goroutine, for ui.perfetto.dev
    Perfetto,
    /// Blocked time by stack, for speedscope.app
    Speedscope,
    /// Blocked time by stack, for `go tool pprof`
    Pprof,
    /// Blocked time, a line for each stack
    Folded,
    /// Blocked time as a drawing (SVG)
    Flamegraph,
    /// Who woke whom, for Graphviz
    Dot,
    /// Events, one JSON object a line: what `bingo analyze` reads
    Jsonl,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let interrupted = interrupt::watch()?;
    let to_file = arguments.output.as_deref().filter(|output| !is_standard(output));
    let to_terminal = to_file.is_none() && io::stdout().is_terminal();
    let reading = Reading {
        interrupted: Arc::clone(&interrupted),
        // Not among the results.
        progress: Progress::new(!to_terminal),
        duration: arguments.duration,
        binary: None,
        takes_binary: false,
    };
    let Some(mut source) = input::open(&arguments.input, &reading)?.source else {
        let what = format!("{} has reports of races alone, which tell nothing of time", arguments.input);
        return Err(Failure::bad_input(what).remedy("`bingo analyze` reads them"));
    };
    to_file.map_or(Ok(()), |output| keeps(&arguments.input, output))?;
    let output = Output::open(to_file)?;
    if to_terminal && matches!(arguments.to, Format::Perfetto | Format::Pprof) {
        return Err(Failure::bad_input("this format is nothing that a terminal can show")
            .remedy("give it a file: --output FILE"));
    }
    let name = output.name();
    let failed = |error| Failure::output(&name, &error);
    let mut export = format(arguments, output, source.header()).map_err(failed)?;
    let stop = || interrupted.load(Ordering::Relaxed);
    let mut problems = Vec::new();
    let played = session::play(&mut *source, stop, |observation| {
        if let Observation::Problem(problem) = observation {
            problems.push(problem.what.clone());
        }
        export.take(observation)
    });
    reading.progress.clear();
    for problem in problems {
        super::tell(format_args!("bingo: {}: {problem}", arguments.input));
    }
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

fn format(arguments: &Arguments, out: Output, header: &Header) -> io::Result<Box<dyn Export>> {
    let blocked = |out, write| Box::new(Blocked::new(out, header, arguments.all, write)) as Box<dyn Export>;
    Ok(match arguments.to {
        Format::Perfetto => Box::new(Perfetto::new(out, header)?),
        Format::Speedscope => blocked(out, export::speedscope),
        Format::Pprof => blocked(out, export::pprof),
        Format::Folded => blocked(out, export::folded),
        Format::Flamegraph => blocked(out, export::flamegraph),
        Format::Dot => blocked(out, export::dot),
        Format::Jsonl => Box::new(Jsonl::new(out, header)?),
    })
}
