//! Finds goroutines that are parked for good, and waits that take long.
//!
//! An input is one of these; several are analysed one by one, and what they have
//! in common is told once:
//!   FILE     an execution trace (`go test -trace trace.out`, runtime/trace; of Go
//!            1.22 and later), or an events.jsonl that `bingo attach` has written
//!            or a text with what the runtime prints of all goroutines:
//!            `goroutine?debug=2`, SIGQUIT, a panic under GOTRACEBACK=all. That is
//!            one picture, with waits from a minute on. Or a text with reports of the
//!            race detector: what a program built with -race says, a CI's log
//!            Or a core file, of the kernel or of gdb's gcore: one picture of all
//!            memory, so who can reach what and who holds which lock is told as of
//!            a PID. The program that ran is read beside it: where the core says, or
//!            --binary FILE
//!   ADDRESS  http://… or https://…: a program that serves net/http/pprof records a
//!            trace, for as long as `seconds=` says, else for --duration. Without a
//!            path it is /debug/pprof/trace. http://USER:PASSWORD@HOST names you.
//!   PID      a number is a running process, watched for --duration as `bingo
//!            attach` does, which needs root; ./4242 is a file of that name
//!   -        standard input
//!
//! A process runs on while it is read, and what nobody can get at in it is told where
//! two looks, at the begin and at the end, have it so. With --freeze it is stopped for
//! one look at the end: all its threads stand still for as long as it takes to go once
//! over its heap, which is milliseconds for a small one and two to three seconds for a
//! gigabyte; how long it was is in the report. Nobody gets an answer from it meanwhile.
//! It is let go after one second, or --freeze=LIMIT, whatever has been read by then, and
//! then looked at as it runs. However Bingo ends, the kernel lets it go.
//!
//! There is one finding for each pattern, not for each goroutine, with what it
//! rests on and a confidence: proven, high, medium or low. A trace carries no
//! addresses: which channel or lock a goroutine waits on, who holds it and who could
//! still come is read from the program's Go source, where that is found: at the path
//! that the program was built from or, by the longest tail of that path, below
//! --source. Without it, of a goroutine that only waits to receive it often cannot
//! be told whether it idles or is lost: that is low. Events that were lost, and an
//! input that breaks off, lower the confidence, and are said.
//!
//! What is found can be set aside: --write-baseline FILE notes what is known, and
//! with --baseline FILE that is not told again. In the source, at the line of a
//! finding or alone on the line above it:
//!   //bingo:ignore goroutine_leak it lives as long as the program
//! takes a finding of that type out; the reason has to be there. The report says how
//! many were set aside, --fail-on counts the others alone.
//!
//! --explain asks a language model for root cause and fix, and prints its answer
//! behind the report (beside it, where other programs read that): Anthropic's, with
//! ANTHROPIC_API_KEY (and ANTHROPIC_BASE_URL), or any that speaks OpenAI's protocol at
//! OPENAI_BASE_URL, with --model. The findings, their stacks and the lines around are
//! sent; --explain=dry-run shows them and sends nothing. It is marked where its diff
//! cannot be applied, and where it names what it was not shown. It decides nothing.
//!
//! An input that is cut off is analysed as far as it goes. So is one that is
//! corrupt: what is before that place is analysed, the place stands among the
//! problems, and the exit status is 2 whatever was found. An input that cannot be
//! read at all does not keep the others from being analysed.
//!
//! Exit status: 0 nothing found at or over --fail-on, 1 found, 2 wrong usage or
//! input, 3 not permitted, 130 interrupted, after what was gathered is reported.
//!
//! Examples:
//!   go test -trace trace.out ./orders && bingo analyze trace.out
//!   bingo analyze events.jsonl --format json | jq '.bugs[].title'
//!   bingo analyze trace.out --format html --output report.html
//!   go test -race ./... 2>&1 | bingo analyze -
//!   bingo analyze run1.out run2.out --min-block 100ms --fail-on high
//!   bingo analyze trace.out --source ~/src/orders
//!   bingo analyze 'http://localhost:6060/debug/pprof/trace?seconds=5'
//!   sudo bingo analyze 4242 --duration 30s
//!   sudo bingo analyze 4242 --duration 100ms --freeze=200ms
//!   bingo analyze core.4242 --binary ./server
//!   sudo bingo attach 4242 --duration 30s | bingo analyze -

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::input::Reading;
use super::progress::Progress;
use super::reporting::Reporting;
use super::{Failure, Status, input, interrupt, manual, summary, values};
use crate::session::{Analysis, Run};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("analyze.rs")), long_about = manual(include_str!("analyze.rs")))]
pub(super) struct Arguments {
    /// Traces, recordings, addresses of traces, processes; `-` is standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// How long to watch a process, and a program whose address does not say
    #[arg(long, value_parser = values::duration, default_value = "3s")]
    duration: Duration,
    /// Stop a process for the look at who can reach what, for so long at the most
    #[arg(
        long,
        value_name = "LIMIT",
        value_parser = values::duration,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1s"
    )]
    freeze: Option<Duration>,
    /// The program that a core file is of, if it is not where the core says
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    #[command(flatten)]
    reporting: Reporting,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    if arguments.inputs.iter().filter(|input| *input == "-").count() > 1 {
        return Err(Failure::bad_input("standard input (`-`) can be read once alone"));
    }
    arguments.reporting.check(&arguments.inputs)?;
    let begun = Instant::now();
    let interrupted = interrupt::watch()?;
    let stop = || interrupted.load(Ordering::Relaxed);
    let mut found: Option<Analysis> = None;
    let mut failures = Vec::new();
    for path in &arguments.inputs {
        let reading = Reading {
            interrupted: Arc::clone(&interrupted),
            progress: Progress::new(true),
            duration: arguments.duration,
            binary: arguments.binary.clone(),
            takes_binary: true,
        };
        let (analysis, failure) = analysis(path, arguments, &reading);
        reading.progress.clear();
        if let Some(analysis) = analysis {
            found.get_or_insert_default().add(analysis.found_in(Run::of(path)));
        }
        failures.extend(failure);
        if stop() {
            break;
        }
    }
    let mut status = Status::Good;
    if let Some(found) = found {
        status = arguments.reporting.report(found, begun)?;
    }
    for failure in failures {
        super::tell(format_args!("{failure}"));
        status = status.max(failure.status());
    }
    Ok(if stop() { Status::Interrupted } else { status })
}

/// What is found in one input, and why it could not be read (on).
fn analysis(path: &str, arguments: &Arguments, reading: &Reading) -> (Option<Analysis>, Option<Failure>) {
    let min_block = arguments.reporting.min_block;
    if path.bytes().all(|byte| byte.is_ascii_digit()) && !path.is_empty() {
        return match watched(path, arguments, reading) {
            Ok(analysis) => (Some(analysis), None),
            Err(failure) => (None, Some(failure)),
        };
    }
    let mut input = match input::open(path, reading) {
        Ok(input) => input,
        Err(failure) => return (None, Some(failure)),
    };
    let stop = || reading.interrupted.load(Ordering::Relaxed);
    let texts = arguments.reporting.source_files();
    let (mut analysis, broken) = match &mut input.source {
        Some(source) => Analysis::as_far_as(&mut **source, &texts, min_block, stop),
        None => (Analysis::default(), None),
    };
    super::live_vars::add_of_core(&mut analysis, path, reading.binary.as_deref());
    analysis.add(Analysis::of_races(&input.races.races));
    analysis.problems.extend(input.problem());
    let failure = broken.map(|error| {
        Failure::bad_input(format!("{path}: {error}")).remedy("what is before that place has been analysed")
    });
    (Some(analysis), failure)
}

/// What is found in a process.
#[cfg(all(target_os = "linux", feature = "live"))]
fn watched(pid: &str, arguments: &Arguments, reading: &Reading) -> Result<Analysis, Failure> {
    let pid = values::pid(pid).map_err(Failure::bad_input)?;
    let texts = arguments.reporting.source_files();
    let min_block = arguments.reporting.min_block;
    let outside = (&reading.interrupted, &reading.progress);
    super::watch::analysis(pid, &texts, (arguments.duration, arguments.freeze), min_block, outside)
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
fn watched(pid: &str, _: &Arguments, _: &Reading) -> Result<Analysis, Failure> {
    Err(super::not_live("analyze PID").remedy(format!("a file of that name is ./{pid}")))
}
