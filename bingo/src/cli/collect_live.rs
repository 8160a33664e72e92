//! `bingo collect --mode live`: a binary is started, stands still before its first
//! instruction until probes are set in it, and is watched to its end.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::attach::Mode;
use super::collect::Arguments;
use super::collect_static::launch_failure;
use super::faces::JsonlFace;
use super::output::Output;
use super::outside::{INTERVAL, LATENCY, ProgramOutside, monotonic};
use super::{Failure, Status, probes, target};
use crate::binary::Binary;
use crate::launch::{self, Program};
use crate::model::{Source, SourceKind};
use crate::report::Selection;
use crate::session::Session;
use crate::session::live_loop::{self, LoopError, Pace};

/// The command that stands between us and the program.
pub(super) const GATE: &str = "gate";

const NOTE: &str = "collected from the program's first instruction on";

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let path = find(&arguments.program)?;
    refuse_others(&path)?;
    let output = Output::open(Some(&arguments.output))?;
    let name = output.name();
    let bingo = std::env::current_exe()
        .map_err(|error| Failure::bad_input(format!("Bingo's own file is not to be found: {error}")))?;
    let mut command = Command::new(bingo);
    command.arg(GATE).arg("--").arg(&path).args(&arguments.arguments);
    let program = Program::start(&mut command).map_err(|error| launch_failure(&error))?;
    let (mut session, mut outside) = match begin(&program, arguments.max_overhead) {
        Ok(begun) => begun,
        Err(failure) => {
            program.kill();
            return Err(failure);
        }
    };
    let waiting = program.wait();
    let selection = Selection { all: true, filter: None };
    let mut face = JsonlFace::new(output, selection);
    let pace = Pace { interval: INTERVAL, latency: LATENCY, duration: None };
    let watched = live_loop::run(&mut session, &mut face, &mut outside, pace);
    drop(face);
    // The probes go; whatever became of the events, the program runs to its end.
    drop(session);
    match watched {
        Ok(_) => super::tell(format_args!("bingo: its events are in {name}")),
        Err(LoopError::Source(error)) => super::tell(format_args!("{}", target::source_failure(&error))),
        Err(LoopError::Output(error)) => super::tell(format_args!("{}", Failure::output(&name, &error))),
    }
    Ok(Status::Passed(waiting.join().status()))
}

/// Becomes the program, and stands still.
pub(super) fn gate(command: &[OsString]) -> Result<Status, Failure> {
    match launch::gate(command) {
        Ok(never) => match never {},
        Err(error) => Err(launch_failure(&error)),
    }
}

/// Sets the probes while the program stands still, and lets it go.
fn begin(program: &Program, max_overhead: Option<f64>) -> Result<(Session, ProgramOutside), Failure> {
    let failed = |error| launch_failure(&error);
    program.wait_for_gate().map_err(failed)?;
    let source = target::open(program.pid())?;
    let mut header = source.header().clone();
    header.source = SourceKind::Collect;
    // That it is stopped is our doing, and over at once.
    header.notes.retain(|note| !note.contains("is stopped"));
    header.notes.push(NOTE.to_owned());
    let probes = probes::attach(&source, Mode::Auto, max_overhead, &mut header)?;
    for note in header.notes.iter().filter(|note| *note != NOTE) {
        super::tell(format_args!("bingo: note: {note}"));
    }
    let outside = ProgramOutside::new(program.pid())?;
    let mut session = Session::new(header, Some(Box::new(source)), probes);
    // A first look at nothing, so that no later one stands before the first events.
    session.advance(monotonic(), true).map_err(|error| target::source_failure(&error))?;
    program.open_gate().map_err(failed)?;
    Ok((session, outside))
}

/// The file: by its path, or on the PATH.
fn find(program: &str) -> Result<PathBuf, Failure> {
    let typed = Path::new(program);
    if typed.is_dir() {
        return Err(Failure::bad_input(format!("{program} is a directory"))
            .remedy("--mode static builds and runs a package; live takes a binary"));
    }
    if typed.is_file() {
        // Without a slash it would be sought on the PATH.
        return Ok(if program.contains('/') { typed.to_owned() } else { Path::new(".").join(typed) });
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut found =
        std::env::split_paths(&folders).map(|folder| folder.join(program)).filter(|path| path.is_file());
    found.next().filter(|_| !program.contains('/')).ok_or_else(|| {
        Failure::bad_input(format!("{program} is no file, and on the PATH there is none of that name"))
            .remedy("give the path of a Go program, or a package with --mode static")
    })
}

/// What is no Go program is not started at all.
fn refuse_others(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let mut first = [0; 2];
    let opened = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    if opened.is_ok() && &first == b"#!" {
        return Err(Failure::bad_input(format!("{shown} is a script"))
            .remedy("give the Go program that it starts, or `bingo attach` to that once it runs"));
    }
    match Binary::open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::bad_input(format!("{shown}: {error}"))
            .remedy("--mode live takes programs that Go built for linux/amd64")),
    }
}
