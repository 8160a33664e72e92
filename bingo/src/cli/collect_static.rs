//! `bingo collect --mode static`: a package is built with the tracer in it, and its
//! trace becomes `events.jsonl` while it runs.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::collect::Arguments;
use super::output::Output;
use super::{Failure, Status, run};
use crate::export::{Export, Jsonl};
use crate::gotool::{Signals, TRACE_FILE, Toolchain, TracedBuild};
use crate::launch::{End, Following, LaunchError, Program};
use crate::model::{Header, Observation, Problem, Source, SourceKind, Time};
use crate::session;
use crate::session::live_loop::LoopError;
use crate::trace::TraceSource;

/// What a reader should know of such a recording.
const NOTE: &str = "collected from the initialisation of the program's packages on, by an execution trace";

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let failed = |error| run::failure(&error);
    let toolchain = Toolchain::find(None).map_err(failed)?;
    let minor = toolchain.minor();
    let folder =
        tempfile::Builder::new().prefix("bingo-collect-").tempdir().map_err(|error| temporary(&error))?;
    let flags: Vec<String> = words(&arguments.build_flags)?;
    let build = TracedBuild { package: &arguments.program, flags: &flags, into: folder.path() };
    // While it is built, to end is ours; `go` has heard of it, too.
    let mut signals = Signals::watch().map_err(failed)?;
    let built = build.build();
    if signals.count() > 0 {
        return Ok(Status::Interrupted);
    }
    let built = built.map_err(failed)?;
    let output = Output::open(Some(&arguments.output))?;

    let (reading, writing) = trace_file().map_err(|error| temporary(&error))?;
    let mut command = Command::new(&built);
    command.args(&arguments.arguments).env(TRACE_FILE, writing.as_raw_fd().to_string());
    let program = Program::start(&mut command).map_err(|error| launch_failure(&error))?;
    drop(writing);
    let header = Header {
        source: SourceKind::Collect,
        go_version: Some(toolchain.version),
        binary: Some(built.clone()),
        pid: Some(program.pid()),
        inner_pid: None,
        start: SystemTime::now(),
        start_monotonic: Time::default(),
        notes: vec![NOTE.to_owned()],
    };
    let waiting = program.wait();
    let end = waiting.end();
    let following = Following::new(reading, Arc::clone(&end));
    let cut_short = || match *end.get()? {
        End::Signal(signal) => {
            Some(format!("the program ended by {signal}: the last of its trace may be missing"))
        }
        // Before Go 1.23 a panic leaves the trace as it is.
        End::Exited(2) if minor.is_some_and(|minor| minor < 23) => {
            Some("the program ended with status 2: the last of its trace may be missing".to_owned())
        }
        End::Exited(_) => None,
    };
    // Whatever becomes of the events, the program runs to its end.
    match convert(following, header, output, cut_short) {
        Ok(events) => super::tell(format_args!("bingo: {events} events in {}", arguments.output.display())),
        Err(failure) => super::tell(format_args!("{failure}")),
    }
    Ok(Status::Passed(waiting.join().status()))
}

/// Writes the events of the trace as they come, and at the end what may have cut it
/// short; the answer is how many events there were.
fn convert(
    trace: Following,
    mut header: Header,
    output: Output,
    cut_short: impl FnOnce() -> Option<String>,
) -> Result<u64, Failure> {
    let name = output.name();
    let unwritten = |error| Failure::output(&name, &error);
    let mut source = match TraceSource::new(trace, header.start) {
        Ok(source) => source,
        Err(error) => {
            let mut export = Jsonl::new(output, &header).map_err(unwritten)?;
            let what = format!("the program wrote no trace that can be read: {error}");
            export
                .take(&Observation::Problem(Problem { goroutine: None, what: what.clone() }))
                .map_err(unwritten)?;
            export.finish().map_err(unwritten)?;
            return Err(Failure::bad_input(what));
        }
    };
    let of_trace = source.header().clone();
    header.start = of_trace.start;
    header.start_monotonic = of_trace.start_monotonic;
    header.notes.extend(of_trace.notes);
    let mut export = Jsonl::new(output, &header).map_err(unwritten)?;
    let mut events = 0_u64;
    let played = session::play(
        &mut source,
        || false,
        |observation| {
            match observation {
                Observation::Problem(problem) => super::tell(format_args!("bingo: {}", problem.what)),
                Observation::Event(_) | Observation::Snapshot(_) => events += 1,
            }
            export.take(observation)
        },
    );
    match played {
        Ok(()) => {}
        Err(LoopError::Source(error)) => {
            export.finish().map_err(unwritten)?;
            return Err(Failure::bad_input(format!("the program's trace: {error}")));
        }
        Err(LoopError::Output(error)) => return Err(unwritten(error)),
    }
    if let Some(what) = cut_short() {
        super::tell(format_args!("bingo: {what}"));
        export.take(&Observation::Problem(Problem { goroutine: None, what })).map_err(unwritten)?;
    }
    export.finish().map_err(unwritten)?;
    Ok(events)
}

/// A file without a name, once to read and once to be handed on: it goes with us
/// and the program, on whichever way out.
fn trace_file() -> std::io::Result<(File, File)> {
    let file = tempfile::NamedTempFile::new()?;
    let reading = file.reopen()?;
    let writing = file.into_file();
    fcntl(&writing, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok((reading, writing))
}

/// The words of `--build-flags`, as a shell would part them.
fn words(flags: &str) -> Result<Vec<String>, Failure> {
    shlex::split(flags)
        .ok_or_else(|| Failure::bad_input(format!("--build-flags {flags}: a quote has no end")))
}

fn temporary(error: &std::io::Error) -> Failure {
    let folder = std::env::temp_dir();
    Failure::bad_input(format!("cannot write to {}: {error}", folder.display()))
        .remedy("TMPDIR names another folder for what is temporary")
}

pub(super) fn launch_failure(error: &LaunchError) -> Failure {
    match error {
        LaunchError::Start { error: cause, .. } if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            Failure::not_permitted(error)
                .remedy("is it executable, and on a file system that may be executed from?")
        }
        _ => Failure::bad_input(error),
    }
}
