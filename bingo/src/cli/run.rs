//! Runs a Go package's tests under the execution tracer, and finds what hangs in them.
//!
//! What is given is for `go test`: packages, and its flags with one dash or two
//! (-run, -count, -timeout, -race, -tags, -v, -args …). Only the options below are
//! Bingo's. `go test` builds and runs the packages as it always does, several at
//! once; what it says goes to standard error as it says it. Then the traces of all
//! test binaries are analysed as `bingo analyze` does it, and what is found is one
//! report on standard output. Go 1.22 or later has to be on the PATH. No root is
//! needed, and nothing is left in your folders; results are never taken from the
//! cache.
//!
//! On Linux each test binary is held for a moment on its way out, when all its tests
//! are done or were given up on, and its memory is read, as by `bingo analyze PID`:
//! so a finding has addresses, says who holds a lock, and can be proven. That needs no
//! root: the binary is a child of Bingo.
//!
//! A test that hangs is ended at -timeout (10m unless you give another), and the
//! goroutines that were blocked then are what is reported. A test binary that does
//! not end even so gets SIGQUIT five seconds later, and SIGKILL after five more. Of
//! one that is killed, or that calls os.Exit, the last second or so is missing; that
//! is said, and what is left is analysed. A TestMain that hangs before it calls
//! m.Run has no trace. A test that calls trace.Start itself gets an error from it, as
//! under `go test -trace`.
//!
//! --count 20 runs all tests so often, --procs 1,2,4 once for each number of
//! processors (`go test -cpu`), and both together so often with each. That brings out
//! what depends on the order of things; a finding is told once, with in how many of
//! the runs it came. `-count`, with one dash, is go test's: all in one process.
//!
//! --race builds with the race detector, as -race does, and reports the races that it
//! sees: both accesses, and where their goroutines were made. Its reports stand in
//! what the tests say, too, at the end of each binary's. It needs a C compiler. What
//! GORACE asks for is kept.
//!
//! Exit status: 0 the tests passed and nothing was found at or over --fail-on, 1 a
//! test failed or something was found, 2 a package could not be built or the usage is
//! wrong, 3 not permitted, 130 interrupted. After Ctrl-C the tests are ended, and what
//! was gathered is reported; a second one ends them at once.
//!
//! Examples:
//!   bingo run ./...
//!   bingo run ./orders -run TestCheckout -count 20 -timeout 30s
//!   bingo run --race --count 10 --procs 1,2,8 ./...
//!   bingo run ./... --format sarif --output bingo.sarif --baseline known.json
//!   bingo run ./orders --keep traces && go tool trace traces/example.com_orders.out

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Instant, SystemTime};

use super::output::unwritable;
use super::reporting::Reporting;
use super::{Failure, Status, manual, summary, values};
use crate::gotool::{self, GoToolError, ObservedTest, Outcome, Signals, TestRun, Toolchain};
use crate::model::{GoId, Header, LiveVars, Problem, Snapshot, Source};
use crate::race;
use crate::session::{Analysis, Run, WithEnd};
use crate::trace::TraceSource;

#[derive(clap::Args, Debug)]
#[command(
    about = summary(include_str!("run.rs")),
    long_about = manual(include_str!("run.rs")),
    override_usage = "bingo run [OPTIONS] [GO TEST ARGUMENTS]..."
)]
pub(super) struct Arguments {
    /// Run all tests once with each of these numbers of processors, such as 1,2,4
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = values::processors)]
    procs: Vec<u32>,
    /// Run all tests so many times, in a process of its own each time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Build with the race detector, and report what it sees
    #[arg(long)]
    race: bool,
    /// Keep the traces in this folder, one for each package
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    reporting: Reporting,
    /// What is for `go test`: packages and flags
    #[arg(value_name = "GO TEST ARGUMENTS", last = true)]
    go: Vec<OsString>,
}

/// The command that `go test` is given to run its binaries with.
pub(super) const OBSERVER: &str = "observe-test";

/// A test binary that ran, and what to call it.
struct Ran {
    run: Run,
    test: ObservedTest,
    look: Option<Result<LastLook, String>>,
}

/// What was seen of a test binary that stood on its way out.
#[derive(Clone)]
pub(super) struct LastLook {
    /// What is known of the program.
    pub(super) header: Header,
    /// Its goroutines.
    pub(super) snapshot: Box<Snapshot>,
    /// What those had at hand that waited.
    pub(super) live_vars: HashMap<GoId, LiveVars>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    arguments.reporting.check(&[])?;
    let begun = Instant::now();
    let from = gotool::folder(&arguments.go);
    Toolchain::find(from.as_deref()).map_err(|error| failure(&error))?;
    let races = arguments.race || gotool::wants_races(&arguments.go);
    if races {
        Toolchain::check_races(from.as_deref()).map_err(|error| failure(&error))?;
    }
    let mut signals = Signals::watch().map_err(|error| failure(&error))?;
    let records = records(arguments.keep.as_deref())?;
    let mut ended = Vec::new();
    let mut ran = Vec::new();
    for (at, schedule) in schedules(arguments).enumerate() {
        let folder = records.path().join(at.to_string());
        fs::create_dir(&folder).map_err(|error| unwritable(&folder, &error))?;
        let outcome = test(arguments, (schedule.0, races), &folder, &mut signals)?;
        ended.push((outcome.status, outcome.unbuilt));
        ran.extend(named(outcome, from.as_deref(), schedule));
        if signals.count() > 0 {
            break;
        }
    }
    if let Some(keep) = &arguments.keep {
        keep_traces(&mut ran, keep)?;
    }
    let (mut found, broken) = analyse(&ran, arguments, &mut signals);
    if ended.iter().any(|(_, unbuilt)| *unbuilt) {
        let what = "a package did not build: of its tests nothing is known".to_owned();
        found.problems.push(Problem { goroutine: None, what });
    }
    if ran.is_empty() {
        super::tell(format_args!("bingo: no test ran, so there is nothing to analyse"));
    }
    if cfg!(all(target_os = "linux", feature = "live")) {
        note_unseen(&ran);
    }
    let found = arguments.reporting.report(found, begun)?;
    Ok(status(&ended, &ran, found, (signals.count() > 0, broken)))
}

/// Says of which test binaries the traces are all that is known.
fn note_unseen(ran: &[Ran]) {
    let unseen: Vec<&Ran> = ran.iter().filter(|one| !matches!(one.look, Some(Ok(_)))).collect();
    let Some(first) = unseen.first() else { return };
    let why = match &first.look {
        Some(Err(why)) => why.as_str(),
        _ => first.test.cut_short.as_deref().unwrap_or("the kernel did not let it be held"),
    };
    let others = match unseen.len() {
        1 => String::new(),
        count => format!(", nor could {} others", count - 1),
    };
    super::tell(format_args!(
        "bingo: note: {} could not be looked at on its way out: {why}{others}",
        first.run
    ));
}

/// Runs between `go test` and a test binary.
pub(super) fn observe(command: &[OsString]) -> Result<i32, Failure> {
    gotool::observe_test(command).map_err(|error| failure(&error))
}

/// The runs: with which number of processors, if one was asked for, and which of
/// several with as many.
type Schedule = (Option<u32>, Option<u32>);

fn schedules(arguments: &Arguments) -> impl Iterator<Item = Schedule> {
    let several = arguments.count > 1;
    (1..=arguments.count).flat_map(move |nth| {
        let all = arguments.procs.is_empty().then_some(None);
        let procs = arguments.procs.iter().copied().map(Some).chain(all);
        procs.map(move |procs| (procs, several.then_some(nth)))
    })
}

/// A folder for traces and records that goes when we do: where traces are kept, on
/// the same file system.
fn records(keep: Option<&Path>) -> Result<tempfile::TempDir, Failure> {
    let folder = keep.map_or_else(std::env::temp_dir, Path::to_path_buf);
    let made = match keep {
        Some(keep) => fs::create_dir_all(keep),
        None => Ok(()),
    };
    made.and_then(|()| tempfile::Builder::new().prefix("bingo-run-").tempdir_in(&folder))
        .map_err(|error| unwritable(&folder, &error))
}

fn test(
    arguments: &Arguments,
    (procs, races): (Option<u32>, bool),
    records: &Path,
    signals: &mut Signals,
) -> Result<Outcome<Result<LastLook, String>>, Failure> {
    let bingo = std::env::current_exe()
        .map_err(|error| Failure::bad_input(format!("Bingo's own file is not to be found: {error}")))?;
    // Whoever gives a -count, even this one, gets no result out of the cache.
    let mut flags = vec![OsString::from("-count=1")];
    flags.extend(procs.map(|procs| OsString::from(format!("-cpu={procs}"))));
    flags.extend(arguments.race.then(|| OsString::from("-race")));
    let observer = (&*bingo, OBSERVER);
    let run = TestRun { arguments: &arguments.go, flags: &flags, observer, races, records };
    #[cfg(all(target_os = "linux", feature = "live"))]
    let outcome = run.run(signals, super::last_look::at);
    #[cfg(not(all(target_os = "linux", feature = "live")))]
    let outcome = run.run_alone(signals);
    outcome.map_err(|error| failure(&error))
}

/// The test binaries by their packages' import paths.
fn named(
    outcome: Outcome<Result<LastLook, String>>,
    from: Option<&Path>,
    (procs, nth): Schedule,
) -> Vec<Ran> {
    let Outcome { tests, mut looks, .. } = outcome;
    let mut folders: Vec<PathBuf> = tests.iter().map(|test| test.folder.clone()).collect();
    folders.dedup();
    let paths = gotool::import_paths(from, &folders);
    let named = tests.into_iter().map(|test| {
        let path = paths.get(&test.folder).cloned();
        let name = path.unwrap_or_else(|| test.folder.display().to_string());
        let look = looks.remove(&test.observer);
        Ran { run: Run { name, procs, nth }, test, look }
    });
    named.collect()
}

/// Moves the traces to `keep`.
fn keep_traces(ran: &mut [Ran], keep: &Path) -> Result<(), Failure> {
    for Ran { run, test, .. } in ran {
        let name = run.to_string().replace(['/', '\\'], "_").replace(" -cpu=", "-cpu").replace(" #", "-");
        let path = keep.join(format!("{}.out", name.trim_start_matches('_')));
        if test.trace.is_file() {
            fs::rename(&test.trace, &path).map_err(|error| unwritable(&path, &error))?;
            test.trace = path;
        }
    }
    super::tell(format_args!("bingo: the traces are in {}", keep.display()));
    Ok(())
}

/// What is found in all traces together, and whether one could not be read.
fn analyse(ran: &[Ran], arguments: &Arguments, signals: &mut Signals) -> (Analysis, bool) {
    let mut all = Analysis::default();
    let mut broken = false;
    // Who has had enough while the tests ran still gets what they left.
    let already = signals.count();
    for one in ran {
        let Ran { run, test, .. } = one;
        let mut found = Analysis::default();
        broken |= add_trace(&mut found, one, arguments, || signals.count() > already);
        add_races(&mut found, run, test);
        all.add(found.found_in(run.clone()));
    }
    (all, broken)
}

/// Adds what is found in a test binary's trace, and in what it was on its way out. The
/// answer is whether the trace is corrupt.
fn add_trace(found: &mut Analysis, ran: &Ran, arguments: &Arguments, stop: impl FnMut() -> bool) -> bool {
    let Ran { run, test, look } = ran;
    let why = test.cut_short.as_deref();
    let behind = why.map(|why| format!(": {why}")).unwrap_or_default();
    let mut problem = |what: String| found.problems.push(Problem { goroutine: None, what });
    let missing = match fs::metadata(&test.trace) {
        Ok(about) if about.is_file() && about.len() > 0 => None,
        Ok(about) if about.is_file() => Some("its trace is empty, it ended too soon"),
        _ => Some("there is no trace, its tests did not begin"),
    };
    if let Some(missing) = missing {
        problem(format!("{run}: {missing}{behind}"));
        if let Some(Ok(LastLook { header, snapshot, live_vars })) = look {
            let mut end = WithEnd::<TraceSource>::alone(header.clone(), snapshot.clone());
            let mut analysis = analysis(&mut end, arguments, stop).0;
            analysis.take_live_vars(live_vars);
            found.add(analysis);
        }
        return false;
    }
    match trace(&test.trace, look.as_ref().and_then(|look| look.as_ref().ok()), arguments, stop) {
        Ok((mut analysis, cannot_go_on)) => {
            for problem in &mut analysis.problems {
                problem.what = format!("{run}: {}{behind}", problem.what);
            }
            if let (Some(why), true) = (why, analysis.problems.is_empty()) {
                problem(format!("{run}: {why}: the last of its trace may be missing"));
            }
            found.add(analysis);
            cannot_go_on
        }
        Err(error) => {
            problem(format!("{run}: its trace cannot be read: {error}"));
            true
        }
    }
}

/// Adds what a test binary's race detector said.
fn add_races(found: &mut Analysis, run: &Run, test: &ObservedTest) {
    for path in &test.races {
        let mut problem = |what: String| {
            let what = format!("{run}: what its race detector said {what}");
            found.problems.push(Problem { goroutine: None, what });
        };
        match File::open(path).and_then(race::races) {
            Ok(said) => {
                if said.unreadable > 0 {
                    problem(format!("has {} reports that could not be made out", said.unreadable));
                }
                found.add(Analysis::of_races(&said.races));
            }
            Err(error) => problem(format!("cannot be read: {error}")),
        }
    }
}

/// What is found in a trace and the look behind it, and whether the trace is corrupt at
/// some place: then that is among the problems, and what is before it has been analysed.
fn trace(
    path: &Path,
    look: Option<&LastLook>,
    arguments: &Arguments,
    stop: impl FnMut() -> bool,
) -> Result<(Analysis, bool), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let again = file.try_clone().map_err(|error| error.to_string())?;
    let source = TraceSource::of_file(file, again, SystemTime::now());
    let source = source.map_err(|error| error.to_string())?;
    let mut source = WithEnd::new(source, look.map(|look| look.snapshot.clone()));
    let (mut found, cannot_go_on) = analysis(&mut source, arguments, stop);
    if let Some(look) = look {
        found.take_live_vars(&look.live_vars);
    }
    Ok((found, cannot_go_on))
}

fn analysis(source: &mut dyn Source, arguments: &Arguments, stop: impl FnMut() -> bool) -> (Analysis, bool) {
    let texts = arguments.reporting.source_files();
    let (found, error) = Analysis::as_far_as(source, &texts, arguments.reporting.min_block, stop);
    (found, error.is_some())
}

/// The exit status by how `go test` ended, what ran and what was found.
fn status(
    ended: &[(ExitStatus, bool)],
    ran: &[Ran],
    found: Status,
    (interrupted, broken): (bool, bool),
) -> Status {
    let failed = ended.iter().any(|(status, _)| !status.success());
    let unbuilt = ended.iter().any(|(_, unbuilt)| *unbuilt);
    if interrupted {
        Status::Interrupted
    } else if unbuilt || broken || failed && ran.is_empty() {
        Status::BadInput
    } else if failed {
        Status::Found
    } else {
        found
    }
}

/// What is wrong with `go`, and what to do.
pub(super) fn failure(error: &GoToolError) -> Failure {
    let failure = Failure::bad_input(error);
    match error {
        GoToolError::NoGo => failure.remedy(
            "install it from https://go.dev/dl/ or by your system's packages (golang-go),\n\
             and put the folder of `go` on the PATH, as /usr/local/go/bin",
        ),
        GoToolError::TooOld { .. } => failure.remedy(
            "put a Go of 1.22 or later on the PATH; the code under test may stay as it is:\n\
             an older `go` line in go.mod does not matter",
        ),
        GoToolError::NoCgo { .. } => {
            failure.remedy("install a C compiler (gcc) and set CGO_ENABLED=1, or leave the race detector out")
        }
        GoToolError::Quotes(_) => failure.remedy("call Bingo by another path, such as a symbolic link"),
        _ => failure,
    }
}
