//! `go test`, with each test binary run by [`super::observe_test`]. In: its
//! arguments, as the user gave them. Out: what it says, as it says it, on
//! standard error; then how it ended and which test binaries ran.
//!
//! `go test` itself builds, vets, caches what it built, runs as many packages at
//! once as it always does, and prints their results in order: there is one of it
//! for all packages, and only the binaries that it starts are started through us.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::children::{Group, Signal};
#[cfg(all(target_os = "linux", feature = "live"))]
use super::looks::{LOOKS, Looks};
use super::observe_test::{GRACE, RACES, RECORDS};
use super::observed::ObservedTest;
use super::toolchain::start;
use super::{GoToolError, Signals, Toolchain};

/// What a package's line of results ends with that was never run.
const UNBUILT: [&str; 2] = [" [build failed]", " [setup failed]"];

/// How long what is left of its output is waited for, when it has ended.
const LEFT: Duration = Duration::from_secs(1);

/// One `go test`.
pub struct TestRun<'a> {
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// What stands before them: flags that may be overruled.
    pub flags: &'a [OsString],
    /// This program, and the command of it that runs [`super::observe_test`].
    pub observer: (&'a Path, &'a str),
    /// Whether what the race detector says is wanted.
    pub races: bool,
    /// An empty folder for what is left of each binary.
    pub records: &'a Path,
}

/// What came of it, and `L`, what was seen of test binaries on their way out.
#[derive(Debug)]
pub struct Outcome<L> {
    /// How `go test` ended.
    pub status: ExitStatus,
    /// Whether a package was not built, or could not be found.
    pub unbuilt: bool,
    /// The test binaries that ran.
    pub tests: Vec<ObservedTest>,
    /// What was seen of them, by [`ObservedTest::observer`].
    pub looks: HashMap<u32, L>,
}

impl TestRun<'_> {
    /// Runs it to its end, which the user's signals bring about. On Linux `look` is
    /// called with the number of each test binary while that stands before its end.
    ///
    /// # Errors
    /// Where it cannot be started, or what is left of its binaries cannot be read.
    #[cfg(all(target_os = "linux", feature = "live"))]
    pub fn run<L: Send>(
        &self,
        signals: &mut Signals,
        look: impl FnMut(u32) -> L + Send,
    ) -> Result<Outcome<L>, GoToolError> {
        // Where there is no place for a socket, nobody looks.
        let Ok(asked) = Looks::new() else { return self.run_alone(signals) };
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| asked.serve(look));
            let outcome = self.run_with(signals, |go| {
                go.env(LOOKS, asked.socket());
            });
            asked.end();
            let looks = looking.join().unwrap_or_default();
            outcome.map(|outcome| Outcome { looks, ..outcome })
        })
    }

    /// Runs it to its end, which the user's signals bring about.
    ///
    /// # Errors
    /// As above.
    pub fn run_alone<L>(&self, signals: &mut Signals) -> Result<Outcome<L>, GoToolError> {
        self.run_with(signals, |_| ())
    }

    fn run_with<L>(
        &self,
        signals: &mut Signals,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Outcome<L>, GoToolError> {
        let split = Split::of(self.arguments);
        let mut go = Toolchain::command();
        // `-C` has to come first.
        go.arg("test").args(&split.folder).args(self.flags);
        go.arg(self.exec(split.exec.as_deref())?).args(&split.rest);
        go.env(RECORDS, self.records).stdin(Stdio::null()).stdout(Stdio::piped());
        if self.races {
            go.env(RACES, "1");
        }
        prepare(&mut go);
        let mut group = Group::start(&mut go).map_err(start)?;
        let said = group.take_stdout().map(pass_on);
        let (mut asked, mut deadline) = (0, None);
        let status = loop {
            if let Some(status) = group.wait(deadline, signals) {
                break status;
            }
            let wanted = signals.count();
            if wanted > asked {
                // Who runs a binary ends it at the first signal, at once at the second.
                group.send(Signal::Interrupt);
                deadline = Some(Instant::now() + GRACE * 2);
            } else {
                group.send(Signal::Kill);
                deadline = None;
            }
            asked = wanted;
        };
        let unbuilt = said.is_some_and(|said| said.recv_timeout(LEFT).unwrap_or_default());
        Ok(Outcome { status, unbuilt, tests: ObservedTest::all(self.records)?, looks: HashMap::new() })
    }

    /// `-exec`, with the program that the user wants behind ours.
    fn exec(&self, behind: Option<&OsStr>) -> Result<OsString, GoToolError> {
        let (program, command) = self.observer;
        let bytes = program.as_os_str().as_encoded_bytes();
        let quote = if bytes.contains(&b'\'') { "\"" } else { "'" };
        if bytes.contains(&b'\'') && bytes.contains(&b'"') {
            return Err(GoToolError::Quotes(program.to_owned()));
        }
        let mut exec = OsString::from("-exec=");
        for part in
            [OsStr::new(quote), program.as_os_str(), OsStr::new(quote), " ".as_ref(), command.as_ref()]
        {
            exec.push(part);
        }
        if let Some(behind) = behind {
            exec.push(" ");
            exec.push(behind);
        }
        Ok(exec)
    }
}

/// Passes what `go test` says on to standard error. The answer, at its end, is
/// whether a package was not built.
fn pass_on(said: impl Read + Send + 'static) -> Receiver<bool> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut unbuilt = false;
        let mut said = BufReader::new(said);
        let mut line = Vec::new();
        while said.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // Where nobody can be told, the tests go on.
            let _ = std::io::stderr().write_all(&line);
            unbuilt |= is_unbuilt(&String::from_utf8_lossy(&line));
            line.clear();
        }
        // Whoever does not wait any more does not want to know.
        let _ = send.send(unbuilt);
    });
    receive
}

/// Whether it is the result of a package that was not built, as text or, with
/// `-json`, within an event.
fn is_unbuilt(line: &str) -> bool {
    let line = line.trim_end();
    let text = line.strip_prefix("FAIL\t").or_else(|| {
        let (_, output) = line.split_once(r#""Output":"FAIL\t"#)?;
        output.strip_suffix(r#"\n"}"#)
    });
    text.is_some_and(|text| UNBUILT.iter().any(|unbuilt| text.ends_with(unbuilt)))
}

/// The user's arguments, without those that have to stand elsewhere.
struct Split {
    /// `-C` with its value.
    folder: Vec<OsString>,
    /// The value of `-exec`.
    exec: Option<OsString>,
    rest: Vec<OsString>,
}

impl Split {
    fn of(arguments: &[OsString]) -> Split {
        let mut split = Split { folder: Vec::new(), exec: None, rest: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let name = argument.to_string_lossy();
            let name = name.strip_prefix("--").or_else(|| name.strip_prefix('-')).unwrap_or_default();
            if name == "args" {
                split.rest.push(argument.clone());
                split.rest.extend(arguments.cloned());
                break;
            } else if name == "exec" {
                split.exec = arguments.next().cloned();
            } else if let Some(value) = name.strip_prefix("exec=") {
                split.exec = Some(OsString::from(value));
            } else if name == "C" {
                split.folder.push(argument.clone());
                split.folder.extend(arguments.next().cloned());
            } else if name.starts_with("C=") {
                split.folder.push(argument.clone());
            } else {
                split.rest.push(argument.clone());
            }
        }
        split
    }
}

/// The folder that `-C` names in `arguments`.
#[must_use]
pub fn folder(arguments: &[OsString]) -> Option<PathBuf> {
    match &Split::of(arguments).folder[..] {
        [_, folder] => Some(PathBuf::from(folder)),
        [both] => both.to_str()?.split_once('=').map(|(_, folder)| PathBuf::from(folder)),
        _ => None,
    }
}

/// Whether `arguments` ask for the race detector.
#[must_use]
pub fn wants_races(arguments: &[OsString]) -> bool {
    let own = arguments.iter().take_while(|argument| !matches!(argument.to_str(), Some("-args" | "--args")));
    let asked = own.filter_map(|argument| match argument.to_str()?.trim_start_matches('-') {
        "race" | "race=true" | "race=1" => argument.to_str()?.starts_with('-').then_some(true),
        "race=false" | "race=0" => Some(false),
        _ => None,
    });
    asked.last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_built_is_told_from_what_failed() {
        assert!(is_unbuilt("FAIL\texample.com/a [build failed]\n"));
        assert!(is_unbuilt("FAIL\texample.com/a [setup failed]"));
        assert!(is_unbuilt(r#"{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}"#));
        assert!(!is_unbuilt("FAIL\texample.com/a\t0.1s"));
        assert!(!is_unbuilt("a test says: FAIL [build failed]"));
    }

    #[test]
    fn whether_races_are_asked_for() {
        let asked = |text: &str| wants_races(&text.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(asked("./... -race") && asked("--race=true") && !asked("-race -race=false"));
        assert!(!asked("./... -args -race") && !asked("race") && !asked("-run race"));
    }

    #[test]
    fn what_has_its_place_is_taken_out() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let split = Split::of(&words("-C /src -run X -exec=qemu ./... -args -C no -exec no"));
        assert_eq!(split.folder, words("-C /src"));
        assert_eq!(split.exec, Some(OsString::from("qemu")));
        assert_eq!(split.rest, words("-run X ./... -args -C no -exec no"));
        assert_eq!(folder(&words("-C=/src")), Some(PathBuf::from("/src")));
        assert_eq!(folder(&words("./...")), None);
    }
}
