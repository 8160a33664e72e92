//! Prints what every goroutine of a Go program does and what it waits on, once.
//!
//! The program runs, and runs on meanwhile, and is not prepared in any way; or it
//! is dead, and has left a core file: one that the kernel has written (`ulimit -c
//! unlimited` and GOTRACEBACK=crash), or gdb's gcore. Goroutines in one condition
//! at one place are shown together, what is stuck first; --each shows them one by
//! one. What could not be read is listed at the end.
//!
//! A core has the program's memory, not its code: the file that ran is read too, at
//! the path that the core names, or --binary FILE. It has to be of the same build.
//!
//! Goroutines of the runtime, and the runtime's frames, are left out without --all.
//!
//! Formats: text, json (one object, `bingo_dump` 1), folded (for flame graphs),
//! dot (who waits on what, for Graphviz), pprof (`go tool pprof`).
//!
//! Examples:
//!   sudo bingo dump 4242
//!   sudo bingo dump 4242 --each --filter 'mutex-lock|main\.\(\*Store\)'
//!   sudo bingo dump 4242 --format json | jq '.goroutines | length'
//!   sudo bingo dump 4242 --format dot | dot -Tsvg > waits.svg
//!   bingo dump core.4242 --binary ./server
//!   sudo bingo dump 4242 --format pprof --output g.pb.gz && go tool pprof -top g.pb.gz

use std::path::{Path, PathBuf};

use super::output::Output;
use super::values::Subject;
use super::{Failure, Status, core_file, manual, summary, values};
use crate::model::Source;
use crate::report;
use crate::session::View;

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("dump.rs")), long_about = manual(include_str!("dump.rs")))]
pub(super) struct Arguments {
    /// A process, or a core file
    #[arg(value_name = "PID|CORE", value_parser = values::subject, allow_negative_numbers = true)]
    pub(super) subject: Subject,
    /// The program that the core is of, if it is not where the core says
    #[arg(long, value_name = "FILE")]
    pub(super) binary: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// One by one rather than grouped by stack (text)
    #[arg(long)]
    pub(super) each: bool,
    #[command(flatten)]
    pub(super) showing: values::Showing,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// A line for each stack, for flame graphs
    Folded,
    /// Who waits on what, for Graphviz
    Dot,
    /// A goroutine profile, for `go tool pprof`
    Pprof,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    if arguments.each && arguments.format != Format::Text {
        return Err(Failure::bad_input("--each goes with --format text alone"));
    }
    let selection = arguments.showing.selection()?;
    let view = match &arguments.subject {
        Subject::Process(_) if arguments.binary.is_some() => {
            return Err(Failure::bad_input("--binary goes with a core file: a process has its program"));
        }
        Subject::Process(pid) => of_process(*pid)?,
        Subject::File(path) => of_core(path, arguments.binary.as_deref())?,
    };
    let mut output = Output::open(arguments.showing.output.as_deref())?;
    match arguments.format {
        Format::Text if arguments.each => output.write(report::each(&view, &selection).as_bytes())?,
        Format::Text => output.write(report::grouped(&view, &selection, output.style()).as_bytes())?,
        Format::Json => output.write_with(|out| report::json(&view, &selection, out))?,
        Format::Folded => output.write(report::folded(&view, &selection).as_bytes())?,
        Format::Dot => output.write(report::dot(&view, &selection).as_bytes())?,
        Format::Pprof => output.write_with(|out| report::pprof(&view, &selection, out))?,
    }
    // Bingo ends: to give back 100,000 goroutines one by one would take a tenth
    // of the dump.
    std::mem::forget(view);
    Ok(Status::Good)
}

#[cfg(all(target_os = "linux", feature = "live"))]
fn of_process(pid: u32) -> Result<View, Failure> {
    use super::{outside, target};

    let mut source = target::open(pid)?;
    for note in &source.header().notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    let snapshot = target::snapshot(&mut source, outside::monotonic())?;
    let view = View::of_snapshot(source.header(), snapshot);
    std::mem::forget(source);
    if view.goroutines.is_empty() { Err(target::no_goroutines(&view)) } else { Ok(view) }
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
fn of_process(pid: u32) -> Result<View, Failure> {
    Err(super::not_live("dump PID").remedy(format!("a core file of that name is ./{pid}")))
}

fn of_core(path: &Path, binary: Option<&Path>) -> Result<View, Failure> {
    let mut source = core_file::open_alone(path, binary)?;
    let snapshot = source.snapshot().map_err(|error| core_file::unreadable(path, &error))?;
    let view = View::of_snapshot(source.header(), snapshot);
    std::mem::forget(source);
    Ok(view)
}
