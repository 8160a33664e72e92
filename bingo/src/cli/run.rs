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
//! A test that hangs is ended at -timeout (10m unless you give another), and the
//! goroutines that were blocked then are what is reported. A test binary that does
//! not end even so gets SIGQUIT five seconds later, and SIGKILL after five more. Of
//! one that is killed, or that calls os.Exit, the last second or so is missing; that
//! is said, and what is left is analysed. A TestMain that hangs before it calls
//! m.Run has no trace. A test that calls trace.Start itself gets an error from it, as
//! under `go test -trace`.
//!
//! --procs 1,2,4 runs all tests once for each number of processors (`go test
//! -cpu`), which brings out what depends on the order of things; a finding is told
//! once.
//!
//! Exit status: 0 the tests passed and nothing was found at or over --fail-on, 1 a
//! test failed or something was found, 2 a package could not be built or the usage is
//! wrong, 3 not permitted, 130 interrupted. After Ctrl-C the tests are ended, and what
//! was gathered is reported; a second one ends them at once.
//!
//! Examples:
//!   bingo run ./...
//!   bingo run ./orders -run TestCheckout -count 20 -timeout 30s
//!   bingo run --procs 1,2,8 -race ./... --format json --output report.json
//!   bingo run ./orders --keep traces && go tool trace traces/example.com_orders.out

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Instant, SystemTime};

use super::output::unwritable;
use super::reporting::Reporting;
use super::{Failure, Status, manual, summary, values};
use crate::gotool::{self, GoToolError, ObservedTest, Outcome, Signals, TestRun, Toolchain};
use crate::model::Problem;
use crate::session::Analysis;
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
    name: String,
    test: ObservedTest,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    arguments.reporting.check()?;
    let begun = Instant::now();
    let from = gotool::folder(&arguments.go);
    Toolchain::find(from.as_deref()).map_err(|error| failure(&error))?;
    let mut signals = Signals::watch().map_err(|error| failure(&error))?;
    let records = records(arguments.keep.as_deref())?;
    let mut ended = Vec::new();
    let mut ran = Vec::new();
    for (nth, procs) in each(&arguments.procs).enumerate() {
        let folder = records.path().join(nth.to_string());
        fs::create_dir(&folder).map_err(|error| unwritable(&folder, &error))?;
        let outcome = test(arguments, procs, &folder, &mut signals)?;
        ran.extend(named(outcome.tests, from.as_deref(), procs));
        ended.push((outcome.status, outcome.unbuilt));
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
    let names: Vec<String> = ran.iter().map(|ran| ran.name.clone()).collect();
    let found = arguments.reporting.report(&found, &names, begun)?;
    Ok(status(&ended, &ran, found, (signals.count() > 0, broken)))
}

/// Runs between `go test` and a test binary.
pub(super) fn observe(command: &[OsString]) -> Result<i32, Failure> {
    gotool::observe_test(command).map_err(|error| failure(&error))
}

/// The numbers of processors, each with a run of its own; or one run with all.
fn each(procs: &[u32]) -> impl Iterator<Item = Option<u32>> {
    let all = procs.is_empty().then_some(None);
    procs.iter().copied().map(Some).chain(all)
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
    procs: Option<u32>,
    records: &Path,
    signals: &mut Signals,
) -> Result<Outcome, Failure> {
    let bingo = std::env::current_exe()
        .map_err(|error| Failure::bad_input(format!("Bingo's own file is not to be found: {error}")))?;
    // Whoever gives a -count, even this one, gets no result out of the cache.
    let mut flags = vec![OsString::from("-count=1")];
    flags.extend(procs.map(|procs| OsString::from(format!("-cpu={procs}"))));
    let run = TestRun { arguments: &arguments.go, flags: &flags, observer: (&bingo, OBSERVER), records };
    run.run(signals).map_err(|error| failure(&error))
}

/// The test binaries by their packages' import paths.
fn named(tests: Vec<ObservedTest>, from: Option<&Path>, procs: Option<u32>) -> Vec<Ran> {
    let mut folders: Vec<PathBuf> = tests.iter().map(|test| test.folder.clone()).collect();
    folders.dedup();
    let paths = gotool::import_paths(from, &folders);
    let named = tests.into_iter().map(|test| {
        let path = paths.get(&test.folder).cloned();
        let path = path.unwrap_or_else(|| test.folder.display().to_string());
        let procs = procs.map(|procs| format!(" -cpu={procs}")).unwrap_or_default();
        Ran { name: format!("{path}{procs}"), test }
    });
    named.collect()
}

/// Moves the traces to `keep`.
fn keep_traces(ran: &mut [Ran], keep: &Path) -> Result<(), Failure> {
    for Ran { name, test } in ran {
        let name = name.replace(['/', '\\'], "_").replace(" -cpu=", "-cpu");
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
    for Ran { name, test } in ran {
        let why = test.cut_short.as_deref();
        let behind = why.map(|why| format!(": {why}")).unwrap_or_default();
        let stop = || signals.count() > already;
        let mut problem = |what: String| all.problems.push(Problem { goroutine: None, what });
        if !test.trace.is_file() {
            problem(format!("{name}: there is no trace, its tests did not begin{behind}"));
            continue;
        }
        if fs::metadata(&test.trace).is_ok_and(|about| about.len() == 0) {
            problem(format!("{name}: its trace is empty, it ended too soon{behind}"));
            continue;
        }
        match trace(&test.trace, arguments, stop) {
            Ok((mut found, cannot_go_on)) => {
                broken |= cannot_go_on;
                for problem in &mut found.problems {
                    problem.what = format!("{name}: {}{behind}", problem.what);
                }
                if let (Some(why), true) = (why, found.problems.is_empty()) {
                    problem(format!("{name}: {why}: the last of its trace may be missing"));
                }
                all.add(found);
            }
            Err(error) => {
                broken = true;
                problem(format!("{name}: its trace cannot be read: {error}"));
            }
        }
    }
    (all, broken)
}

/// What is found in a trace, and whether it is corrupt at some place: then that is
/// among the problems, and what is before it has been analysed.
fn trace(path: &Path, arguments: &Arguments, stop: impl FnMut() -> bool) -> Result<(Analysis, bool), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut source = TraceSource::new(file, SystemTime::now()).map_err(|error| error.to_string())?;
    let texts = arguments.reporting.source_files();
    let (found, error) = Analysis::as_far_as(&mut source, &texts, arguments.reporting.min_block, stop);
    Ok((found, error.is_some()))
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
        GoToolError::Quotes(_) => failure.remedy("call Bingo by another path, such as a symbolic link"),
        _ => failure,
    }
}
