//! Shows what every goroutine of a running Go program does, and what changes, as it happens.
//!
//! On a terminal it is a table that is refreshed, what is stuck first; elsewhere
//! it is events, one a line (`events.jsonl`), or with --format text a line for
//! each change.
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
    /// How to show it [default: text on a terminal, else jsonl]
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
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use super::faces::{JsonlFace, LinesFace, TableFace};
    use super::output::Output;
    use super::outside::{LATENCY, LiveOutside};
    use super::reporting::Reporting;
    use super::{probes, target, watch};
    use crate::session::live_loop::{self, Ending, Face, LoopError, Pace};
    use crate::session::{Run, Session};

    let selection = arguments.showing.selection()?;
    let reporting = arguments.report.clone().map(Reporting::json);
    reporting.as_ref().map_or(Ok(()), |reporting| reporting.check(&[]))?;
    let begun = std::time::Instant::now();
    let mut source = target::open(arguments.pid)?;
    let mut header = crate::model::Source::header(&source).clone();
    let budget = (arguments.mode != Mode::Probe).then_some(arguments.max_overhead);
    let probes = probes::attach(&source, arguments.mode, budget, &mut header)?;
    let output = Output::open(arguments.showing.output.as_deref())?;
    let (terminal, name) = (output.is_terminal(), output.name());
    for note in &header.notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    let interrupted = super::interrupt::watch()?;
    source.ask_on(watch::until_interrupted(&interrupted));
    let mut outside = LiveOutside::new(arguments.pid, Arc::clone(&interrupted))?;
    let mut session = Session::new(header, Some(Box::new(source)), probes);
    if let Some(reporting) = &reporting {
        session = session.keeping(reporting.min_block);
    }
    let mut face: Box<dyn Face> = match arguments.format {
        Some(Format::Text) | None if terminal => Box::new(TableFace::new(output, selection)),
        Some(Format::Text) => Box::new(LinesFace::new(output, selection)),
        Some(Format::Jsonl) | None => Box::new(JsonlFace::new(output, selection)),
    };
    let pace = Pace { interval: arguments.interval, latency: LATENCY, duration: arguments.duration };
    let ended = if reporting.is_some() {
        watch::between_looks(&mut session, &mut *face, &mut outside, pace, arguments.pid)
    } else {
        live_loop::run(&mut session, &mut *face, &mut outside, pace)
    };
    drop(face);
    if let (Some(reporting), Ok(ending)) = (&reporting, &ended) {
        let texts = reporting.source_files();
        let stop = || interrupted.load(Ordering::Relaxed);
        let mut found = session.analysis(&texts, reporting.min_block, stop);
        super::live_vars::add_of_process(&mut found, arguments.pid, &session);
        found.problems.extend(watch::cut_short(*ending, arguments.pid));
        reporting.report(found.found_in(Run::of(arguments.pid.to_string())), begun)?;
    }
    match ended {
        Ok(ending) => {
            let pid = arguments.pid;
            match ending {
                Ending::Exited => super::tell(format_args!("bingo: the process {pid} has exited")),
                Ending::Executed => super::tell(format_args!(
                    "bingo: the process {pid} has executed another program: attach again to see that"
                )),
                Ending::Interrupted | Ending::TimeOver | Ending::OutputClosed => {}
            }
            Ok(if ending == Ending::Interrupted { Status::Interrupted } else { Status::Good })
        }
        Err(LoopError::Source(error)) => Err(target::source_failure(&error)),
        Err(LoopError::Output(error)) => Err(Failure::output(name, &error)),
    }
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
pub(super) fn run(_: &Arguments) -> Result<Status, Failure> {
    Err(super::not_live("attach"))
}
