//! Prints one goroutine of a Go program, or one object, closely: calls with variables.
//!
//! The whole stack, inlined calls too. Of each call the variables that are in scope
//! and have been declared, in Go's notation, as the program's DWARF tells them:
//! what the compiler kept nowhere is said to be optimised out, and what the program
//! has no more use for is not shown as if it had. Also what the goroutine waits on,
//! who else is there, who holds it, who could end the wait, and who made it.
//!
//! A process runs on meanwhile, so what several goroutines use may change while it
//! is read. Of a goroutine that runs, its thread is stopped for its registers and a
//! copy of its stack, for less than a millisecond as a rule; for how long is said.
//! A core file (see `bingo dump --help`) is looked at in the same way.
//!
//! Of the standard library's calls only the arguments that are known are printed, each
//! on one line; --all shows all of them, --format json does in any case.
//! Values are cut off where they are long or deep; --expand shows a part of one at
//! length, of a package variable too. Without DWARF (`-ldflags=-w`) the words of arguments are shown.
//!
//! With --object it tells of an address in place of a goroutine: what is there (a
//! channel, a lock, an object of the heap, a variable, a part of a stack, free memory),
//! of what type and value, who waits there and who could end that, and who refers to
//! it: the ways that lead there from package variables, stacks, timers and finalizers,
//! as Go would write them. The whole heap is read for that, once for each step.
//!
//! Formats: text, json (one object, `bingo_inspect` 1).
//!
//! Examples:
//!   sudo bingo inspect 4242 18
//!   sudo bingo inspect 4242 18 --expand 'job.items[3:9]'
//!   sudo bingo inspect 4242 18 --expand main.serve.config.limits
//!   sudo bingo inspect 4242 18 --expand 'main.server.conns[3]'
//!   sudo bingo inspect 4242 18 --format json | jq '.stack[].vars'
//!   sudo bingo inspect 4242 --object 0xc000012345
//!   bingo inspect core.4242 18 --binary ./server

use std::path::PathBuf;

use super::output::Output;
use super::values::Subject;
use super::{Failure, Status, closely, core_file, manual, summary, values};
use crate::inspect::Path;
use crate::model::{Addr, GoId, Header, Inspection, ObjectInspection, Snapshot, Source};
use crate::report::{self, Closely, ObjectClosely, Selection};
use crate::session::View;

#[derive(clap::Args, Debug)]
#[command(about = summary(include_str!("inspect.rs")), long_about = manual(include_str!("inspect.rs")))]
pub(super) struct Arguments {
    /// A process, or a core file
    #[arg(value_name = "PID|CORE", value_parser = values::subject, allow_negative_numbers = true)]
    subject: Subject,
    /// The number of the goroutine
    #[arg(value_name = "GOROUTINE", value_parser = values::goroutine, allow_negative_numbers = true)]
    #[arg(required_unless_present = "object")]
    goroutine: Option<u64>,
    /// The address of a channel, a lock or anything else: what it is, and who refers to it
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    #[arg(conflicts_with_all = ["goroutine", "expand", "all"])]
    object: Option<u64>,
    /// The program that the core is of, if it is not where the core says
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A part of a variable to show at length: job.items[3:9], main.serve.job.name
    #[arg(long, value_name = "PATH")]
    expand: Vec<String>,
    /// The runtime's frames too, and all variables of the standard library's
    #[arg(long)]
    all: bool,
    /// Where to write, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let readings = arguments.expand.iter().map(|text| Path::parse(text, arguments.all));
    let paths: Result<Vec<Vec<Path>>, _> = readings.collect();
    let paths: Vec<Path> = paths.map_err(Failure::bad_input)?.concat();
    if let Some(address) = arguments.object {
        return run_object(arguments, Addr(address));
    }
    let id = GoId(arguments.goroutine.unwrap_or_default());
    let (header, (snapshot, mut inspection)) = match &arguments.subject {
        Subject::Process(_) if arguments.binary.is_some() => return Err(binary_of_process()),
        Subject::Process(pid) => of_process(*pid, id, &paths)?,
        Subject::File(path) => {
            let mut source = core_file::open_alone(path, arguments.binary.as_deref())?;
            let looked = closely::of_core(&mut source, id, &paths)?;
            (source.header().clone(), looked)
        }
    };
    let is_expanded = |path: &&String| inspection.expanded.iter().any(|part| *part.name == ***path);
    let amiss: Vec<&str> =
        arguments.expand.iter().filter(|path| !is_expanded(path)).map(String::as_str).collect();
    let amiss = amiss.join(", ");
    if !amiss.is_empty() {
        inspection.notes.push(format!("no variable in scope is meant by {amiss}"));
    }
    let links = snapshot.links.clone();
    let view = View::of_snapshot(&header, snapshot);
    let Some(goroutine) = view.goroutines.iter().find(|goroutine| goroutine.id == id) else {
        return Err(Failure::bad_input(format!("goroutine {id} has ended meanwhile")));
    };
    let closely = Closely { view: &view, links: links.as_deref(), goroutine, inspection: &inspection };
    let mut output = Output::open(arguments.output.as_deref())?;
    match arguments.format {
        Format::Text => {
            let selection = Selection { all: arguments.all, filter: None };
            let text = report::inspection(&closely, &selection, output.style());
            output.write(text.as_bytes())?;
        }
        Format::Json => output.write_with(|out| report::inspection_json(&closely, arguments.all, out))?,
    }
    // The rest of what was asked for is of use all the same.
    if amiss.is_empty() { Ok(Status::Good) } else { Ok(Status::BadInput) }
}

fn binary_of_process() -> Failure {
    Failure::bad_input("--binary goes with a core file: a process has its program")
}

fn run_object(arguments: &Arguments, address: Addr) -> Result<Status, Failure> {
    let (header, (snapshot, object)) = match &arguments.subject {
        Subject::Process(_) if arguments.binary.is_some() => return Err(binary_of_process()),
        Subject::Process(pid) => object_of_process(*pid, address)?,
        Subject::File(path) => {
            let mut source = core_file::open_alone(path, arguments.binary.as_deref())?;
            let looked = closely::object_of_core(&mut source, address)?;
            (source.header().clone(), looked)
        }
    };
    let links = snapshot.links.clone();
    let view = View::of_snapshot(&header, snapshot);
    let closely = ObjectClosely { view: &view, links: links.as_deref(), object: &object };
    let mut output = Output::open(arguments.output.as_deref())?;
    match arguments.format {
        Format::Text => {
            let text = report::object(&closely, output.style());
            output.write(text.as_bytes())?;
        }
        Format::Json => output.write_with(|out| report::object_json(&closely, out))?,
    }
    Ok(Status::Good)
}

type LookedAtObject = (Header, (Snapshot, ObjectInspection));

#[cfg(all(target_os = "linux", feature = "live"))]
fn object_of_process(pid: u32, address: Addr) -> Result<LookedAtObject, Failure> {
    let mut source = open(pid)?;
    let looked = closely::object_of_process(&mut source, address)?;
    Ok((source.header().clone(), looked))
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
fn object_of_process(pid: u32, _: Addr) -> Result<LookedAtObject, Failure> {
    Err(not_live(pid))
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
fn not_live(pid: u32) -> Failure {
    super::not_live("inspect PID").remedy(format!("a core file of that name is ./{pid}"))
}

#[cfg(all(target_os = "linux", feature = "live"))]
fn open(pid: u32) -> Result<crate::goruntime::ProcessSource, Failure> {
    let source = super::target::open(pid)?;
    for note in &source.header().notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    Ok(source)
}

type Looked = (Header, (Snapshot, Inspection));

#[cfg(all(target_os = "linux", feature = "live"))]
fn of_process(pid: u32, id: GoId, paths: &[Path]) -> Result<Looked, Failure> {
    let mut source = open(pid)?;
    let looked = closely::of_process(&mut source, id, paths)?;
    Ok((source.header().clone(), looked))
}

#[cfg(not(all(target_os = "linux", feature = "live")))]
fn of_process(pid: u32, _: GoId, _: &[Path]) -> Result<Looked, Failure> {
    Err(not_live(pid))
}
