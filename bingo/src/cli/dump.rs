//! Prints what every goroutine of a running Go program does and what it waits on, once.
//!
//! The program runs on meanwhile, and is not prepared in any way. Goroutines in
//! one condition at one place are shown together, what is stuck first; --each
//! shows them one by one. What could not be read is listed at the end.
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
//!   sudo bingo dump 4242 --format pprof --output g.pb.gz && go tool pprof -top g.pb.gz

use super::{Failure, Status, manual, summary, values};

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("dump.rs")), long_about = manual(include_str!("dump.rs")))]
pub(super) struct Arguments {
    /// The process
    #[arg(value_name = "PID", value_parser = values::pid, allow_negative_numbers = true)]
    pub(super) pid: u32,
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

#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    use super::output::Output;
    use super::{outside, target};
    use crate::model::Source;
    use crate::report;
    use crate::session::View;

    if arguments.each && arguments.format != Format::Text {
        return Err(Failure::bad_input("--each goes with --format text alone"));
    }
    let selection = arguments.showing.selection()?;
    let mut source = target::open(arguments.pid)?;
    for note in &source.header().notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    let snapshot = target::snapshot(&mut source, outside::monotonic())?;
    let view = View::of_snapshot(source.header(), snapshot);
    if view.goroutines.is_empty() {
        return Err(target::no_goroutines(&view));
    }
    let mut output = Output::open(arguments.showing.output.as_deref())?;
    match arguments.format {
        Format::Text if arguments.each => output.write(report::each(&view, &selection).as_bytes())?,
        Format::Text => output.write(report::grouped(&view, &selection, output.style()).as_bytes())?,
        Format::Json => output.write_with(|out| report::json(&view, &selection, out))?,
        Format::Folded => output.write(report::folded(&view, &selection).as_bytes())?,
        Format::Dot => output.write(report::dot(&view, &selection).as_bytes())?,
        Format::Pprof => output.write_with(|out| report::pprof(&view, &selection, out))?,
    }
    // The process ends: to give back 100,000 goroutines one by one would take
    // a tenth of the dump.
    std::mem::forget((source, view));
    Ok(Status::Good)
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
pub(super) fn run(_: &Arguments) -> Result<Status, Failure> {
    Err(super::not_live("dump"))
}
