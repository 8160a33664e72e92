//! What stands between `go test` and a test binary (`go test -exec`): it has the
//! binary write a trace, ends it where it does not end by itself, and leaves a
//! record of how it ended.
//!
//! In: the command that `go test` would run. Out: its exit status.
//!
//! The testing package stops the trace before it gives up on a test that takes
//! longer than `-timeout`, so such a trace is whole. What it cannot end (a
//! `TestMain` that hangs before the tests, code that is never preempted, a child
//! that keeps the output open) is ended here, [`GRACE`] later.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use super::children::{Group, Signal};
use super::observed::ObservedTest;
use super::race_log::{GORACE, RaceLog};
use super::{GoToolError, Signals};

/// How long after its own time is over a test binary is ended, and how long it is
/// given to do as it is asked.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// The same where it is the user who wants it to end.
const IMPATIENT: Duration = Duration::from_secs(2);
/// The exit status where there is none: as shells have it.
const NOT_STARTED: i32 = 127;

/// The folder that records are left in, as the environment names it.
pub(super) const RECORDS: &str = "BINGO_RUN_RECORDS";

/// There when the binary has a race detector.
pub(super) const RACES: &str = "BINGO_RUN_RACES";

/// How a program ends that raced.
const RACED: i32 = 66;

/// Runs `command`, a test binary with its arguments, maybe behind a program that
/// runs it. The answer is the status to exit with.
///
/// # Errors
/// Where it cannot be started, or no record can be left.
pub fn observe_test(command: &[OsString]) -> Result<i32, GoToolError> {
    let records = PathBuf::from(std::env::var_os(RECORDS).unwrap_or_default());
    let mut signals = Signals::watch()?;
    let own = records.join(format!("{}.out", std::process::id()));
    let (program, arguments) = with_trace(command, &own);
    let folder = std::env::current_dir().unwrap_or_default();
    let trace = match last_of(command, "-test.trace=").filter(|trace| !trace.is_empty()) {
        // The user wants it at that place: it is a folder's, or the output's.
        Some(trace) => {
            let output = last_of(command, "-test.outputdir=").unwrap_or_default();
            folder.join(output).join(trace)
        }
        None => own,
    };
    let cut_short = Some("it was killed".to_owned());
    let observer = std::process::id();
    let mut observed = ObservedTest { observer, folder, trace, cut_short, races: Vec::new() };
    observed.write(&records)?;
    let races = std::env::var_os(RACES).map(|_| {
        let prefix = records.join(format!("{}.race", std::process::id()));
        RaceLog::new(std::env::var_os(GORACE).unwrap_or_default(), prefix)
    });

    let timeout = last_of(command, "-test.timeout=").and_then(|text| go_duration(&text));
    let begun = Instant::now();
    let mut binary = Command::new(&program);
    binary.args(&arguments).env_remove(RECORDS).env_remove(RACES);
    if let Some(races) = &races {
        binary.env(GORACE, &races.options);
    }
    let mut group = start(&mut binary)
        .map_err(|error| GoToolError::Start { program: program.to_string_lossy().into_owned(), error })?;
    let end = see_out(&mut group, timeout.map(|timeout| begun + timeout + GRACE), &mut signals);
    let late = timeout.is_some_and(|timeout| begun.elapsed() >= timeout);
    observed.cut_short = match end {
        // Tests that failed, or that the testing package has given up on: it has
        // stopped the trace before.
        End::Itself(status) if late || matches!(status.code(), Some(0 | 1)) => None,
        // It went on to its end, and that the race detector had the last word.
        End::Itself(status)
            if status.code() == Some(RACED) && races.as_ref().is_some_and(RaceLog::goes_on) =>
        {
            None
        }
        End::Itself(status) => Some(format!("it ended with {}", said(status))),
        End::Overdue(_) => Some("it did not end by itself, even after the -timeout".to_owned()),
        End::Interrupted(_) => Some("it was interrupted".to_owned()),
    };
    if late {
        // What it has started may keep its output open, and `go test` waiting.
        group.send(Signal::Kill);
    }
    if let Some(races) = races {
        observed.races = races.files(group.leader());
        if races.is_ours() {
            show(&observed.races);
        }
    }
    observed.write(&records)?;
    Ok(match end {
        End::Itself(status) | End::Overdue(status) | End::Interrupted(status) => code(status),
    })
}

/// Starts it; who wants to look at it is asked to before it ends.
fn start(binary: &mut Command) -> std::io::Result<Group> {
    #[cfg(all(target_os = "linux", feature = "live"))]
    if let Some(socket) = std::env::var_os(super::looks::LOOKS) {
        binary.env_remove(super::looks::LOOKS);
        return Group::start_held(binary, move |pid| super::looks::ask(socket.as_ref(), pid));
    }
    Group::start(binary)
}

/// Says what the race detector would have said.
fn show(races: &[PathBuf]) {
    for path in races {
        // Where nobody can be told, it is in the report.
        let _ = File::open(path).and_then(|mut said| std::io::copy(&mut said, &mut std::io::stderr()));
    }
}

/// How a test binary came to its end.
enum End {
    Itself(ExitStatus),
    Overdue(ExitStatus),
    Interrupted(ExitStatus),
}

/// Waits for its end, and brings it about where it has to be.
fn see_out(group: &mut Group, deadline: Option<Instant>, signals: &mut Signals) -> End {
    let ended = group.wait(deadline, signals);
    let wanted = signals.count();
    if let Some(status) = ended {
        return if wanted > 0 { End::Interrupted(status) } else { End::Itself(status) };
    }
    // Asked as Ctrl-C asks, or for its goroutines; then told.
    let (signal, patience) = if wanted > 0 { (Signal::Interrupt, IMPATIENT) } else { (Signal::Quit, GRACE) };
    group.send(signal);
    let status = group.wait(Some(Instant::now() + patience), signals).unwrap_or_else(|| {
        group.send(Signal::Kill);
        loop {
            if let Some(status) = group.wait(None, signals) {
                break status;
            }
        }
    });
    if wanted > 0 { End::Interrupted(status) } else { End::Overdue(status) }
}

/// The command with a trace to `path`, in front of what it already has for the
/// testing package: of several the last one counts, and that is the user's.
fn with_trace(command: &[OsString], path: &std::path::Path) -> (OsString, Vec<OsString>) {
    let is_test_flag = |argument: &OsString| argument.as_encoded_bytes().starts_with(b"-test.");
    let at = command.iter().position(is_test_flag).unwrap_or(command.len());
    let mut flag = OsString::from("-test.trace=");
    flag.push(path);
    let mut words: Vec<OsString> = command.to_vec();
    words.insert(at.max(1).min(words.len()), flag);
    let program = words.remove(0);
    (program, words)
}

/// The value of the last argument that begins with `flag`, of those that are the
/// testing package's.
fn last_of(command: &[OsString], flag: &str) -> Option<String> {
    let flags = command.iter().skip(1).skip_while(|argument| !starts(argument, "-test."));
    let flags = flags.take_while(|argument| starts(argument, "-"));
    let values = flags.filter_map(|argument| Some(argument.to_str()?.strip_prefix(flag)?.to_owned()));
    values.last()
}

fn starts(argument: &OsStr, with: &str) -> bool {
    argument.as_encoded_bytes().starts_with(with.as_bytes())
}

/// What Go prints of a duration: `10m0s`, `1.5s`, `100ms`; `0s` is none.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = after;
    }
    Duration::try_from_secs_f64(total).ok().filter(|duration| !duration.is_zero())
}

/// `exit status 3`, as Go says it.
fn said(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

/// The status that says the same: of a signal, as shells have it.
fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let signal = None;
    status.code().or(signal).unwrap_or(NOT_STARTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_trace_stands_before_all_that_is_the_tests_own() {
        let check = |text: &str, expect: &str| {
            let (program, arguments) = with_trace(&words(text), "/t".as_ref());
            let all: Vec<OsString> = [vec![program], arguments].concat();
            assert_eq!(all, words(expect));
        };
        check("/b/x.test -test.timeout=10m0s a", "/b/x.test -test.trace=/t -test.timeout=10m0s a");
        check("qemu -L / x.test -test.v=true", "qemu -L / x.test -test.trace=/t -test.v=true");
        check("/b/x.test", "/b/x.test -test.trace=/t");
    }

    #[test]
    fn flags_end_where_the_tests_arguments_begin() {
        let command = words("x.test -test.timeout=2s -test.timeout=3s -own a -test.timeout=4s");
        assert_eq!(last_of(&command, "-test.timeout=").as_deref(), Some("3s"));
        assert_eq!(last_of(&command, "-test.trace="), None);
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(go_duration("10m0s"), Some(Duration::from_secs(600)));
        assert_eq!(go_duration("1h1m1.5s"), Some(Duration::from_millis(3_661_500)));
        assert_eq!(go_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(go_duration("0s"), None);
        assert_eq!(go_duration("soon"), None);
    }
}
