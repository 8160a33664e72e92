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

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::reporting::Reporting;
use super::{Failure, Status, input, interrupt, manual, summary};
use crate::session::Analysis;

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("analyze.rs")), long_about = manual(include_str!("analyze.rs")))]
pub(super) struct Arguments {
    /// Traces and recordings; `-` is standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    reporting: Reporting,
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
        let analysis = Analysis::of(&mut *source, arguments.reporting.min_block, stop).map_err(|error| {
            Failure::bad_input(format!("{path}: {error}")).remedy(
                "what is before that place can be analysed, cut off by `head`: it is read as far as it goes",
            )
        })?;
        found.add(analysis);
        if stop() {
            break;
        }
    }
    let status = arguments.reporting.report(&found, &arguments.inputs, begun)?;
    Ok(if stop() { Status::Interrupted } else { status })
}
