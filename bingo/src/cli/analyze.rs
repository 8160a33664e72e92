//! Finds goroutines that are parked for good, and waits that take long.
//!
//! An input is an execution trace (`go test -trace trace.out`, runtime/trace,
//! /debug/pprof/trace; of Go 1.22 and later) or an events.jsonl that `bingo
//! attach` has written; `-` is standard input. Several are analysed one by one,
//! and what they have in common is told once. No root is needed.
//!
//! There is one finding for each pattern, not for each goroutine, with what it
//! rests on and a confidence: proven, high, medium or low. A trace carries no
//! addresses, so that of a goroutine that only waits to receive it often cannot be
//! told whether it idles or is lost: that is low. Events that were lost, and an
//! input that breaks off, lower the confidence, and are said.
//!
//! Exit status: 0 nothing found at or over --fail-on, 1 found, 2 wrong usage or
//! input, 3 not permitted, 130 interrupted, after what was gathered is reported.
//!
//! Examples:
//!   go test -trace trace.out ./orders && bingo analyze trace.out
//!   bingo analyze events.jsonl --format json | jq '.bugs[].title'
//!   bingo analyze run1.out run2.out --min-block 100ms --fail-on high
//!   sudo bingo attach 4242 --duration 30s | bingo analyze -

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::output::Output;
use super::{Failure, Status, input, interrupt, manual, summary, values};
use crate::report::{self, Context};
use crate::session::{Analysis, Confidence};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("analyze.rs")), long_about = manual(include_str!("analyze.rs")))]
pub(super) struct Arguments {
    /// Traces and recordings; `-` is standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Where to write, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// From how long on a wait is long
    #[arg(long, value_parser = values::duration, default_value = "1s")]
    min_block: Duration,
    /// From which confidence on a finding makes the exit status 1
    #[arg(long, value_enum, default_value_t = FailOn::Medium)]
    fail_on: FailOn,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Terminal,
    /// One JSON object (`bingo_report` 1)
    Json,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum FailOn {
    Proven,
    High,
    Medium,
    Low,
    Never,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    if arguments.inputs.iter().filter(|input| *input == "-").count() > 1 {
        return Err(Failure::bad_input("standard input (`-`) can be read once alone"));
    }
    let begun = Instant::now();
    let interrupted = interrupt::watch()?;
    let stop = || interrupted.load(Ordering::Relaxed);
    let mut found = Analysis::default();
    for path in &arguments.inputs {
        let mut source = input::open(path, &interrupted)?;
        let analysis = Analysis::of(&mut *source, arguments.min_block, stop).map_err(|error| {
            Failure::bad_input(format!("{path}: {error}")).remedy(
                "what is before that place can be analysed, cut off by `head`: it is read as far as it goes",
            )
        })?;
        found.add(analysis);
        if stop() {
            break;
        }
    }
    let mut output = Output::open(arguments.output.as_deref())?;
    let context = Context { inputs: &arguments.inputs, took: begun.elapsed() };
    match arguments.format {
        Format::Terminal => output.write(report::findings(&found, output.style()).as_bytes())?,
        Format::Json => output.write_with(|out| report::findings_json(&found, &context, out))?,
    }
    let fails = |confidence| arguments.fail_on.least().is_some_and(|least| confidence >= least);
    Ok(if stop() {
        Status::Interrupted
    } else if found.findings.iter().any(|finding| fails(finding.confidence)) {
        Status::Found
    } else {
        Status::Good
    })
}

impl FailOn {
    fn least(self) -> Option<Confidence> {
        match self {
            FailOn::Proven => Some(Confidence::Proven),
            FailOn::High => Some(Confidence::High),
            FailOn::Medium => Some(Confidence::Medium),
            FailOn::Low => Some(Confidence::Low),
            FailOn::Never => None,
        }
    }
}
