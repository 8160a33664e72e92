//! Inputs of `analyze`, `export` and `dump`: what a file, a pipe or an answer is, by its
//! first bytes, and the source that reads it. What it is not made for is named for what it is, with what to do.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, SystemTime};

use flate2::read::GzDecoder;

use super::progress::Progress;
use super::{Failure, core_file, http};
use crate::model::{Problem, Source};
use crate::race::{RaceReader, RacesFound};
use crate::recording::{EventReader, RecordingError};
use crate::trace::{HeaderError, TraceError, TraceSource};
use crate::traceback::{TracebackError, TracebackSource};

/// As much as is looked at to tell what it is, in bytes. A pipe may hand it over
/// in small pieces.
const LOOKED_AT: u64 = 512;
/// As much as is read at once.
const PIECE: usize = 1 << 16;

/// Between two looks at whether the user has had enough.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

const RECORD: &str = "record one with `sudo bingo attach <pid> --output events.jsonl`,\n\
                      or a trace with `go test -trace trace.out`";

const UNPACK_CORE: &str = "unpack it first: `unzstd`, `lz4 -d`, `xz -d`;\n\
                           a core that systemd keeps: `coredumpctl dump PID --output core`";

/// What a program is where a core is read, and what to do.
const PROGRAM: (&str, &str) = (
    "a program, no core file of one",
    "name the core, and the program with --binary; of a running one the number: `pgrep -a NAME`",
);

const NAME_CORE: &str = "name a core file, or a process by its number, which `pgrep -a NAME` finds";

/// How inputs are read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// Whether the user has had enough.
    pub(super) interrupted: Arc<AtomicBool>,
    /// Where it is shown how far it has come.
    pub(super) progress: Progress,
    /// How long to record what has no length of its own.
    pub(super) duration: Duration,
    /// The program that a core is of.
    pub(super) binary: Option<PathBuf>,
    /// Whether that can be named.
    pub(super) takes_binary: bool,
}

/// What an input has in it.
#[derive(Default)]
pub(super) struct Input {
    /// What happened to goroutines.
    pub(super) source: Option<Box<dyn Source>>,
    /// What the race detector said.
    pub(super) races: RacesFound,
}

impl Input {
    fn of(source: impl Source + 'static) -> Input {
        Input { source: Some(Box::new(source)), ..Input::default() }
    }

    /// What of the races could not be made out.
    pub(super) fn problem(&self) -> Option<Problem> {
        let unreadable = Some(self.races.unreadable).filter(|unreadable| *unreadable > 0)?;
        let what = format!("{unreadable} reports of the race detector could not be made out");
        Some(Problem { goroutine: None, what })
    }
}

/// What is in `path`, an address, or standard input for `-`.
pub(super) fn open(path: &str, reading: &Reading) -> Result<Input, Failure> {
    let piped = |from| Piped::new(from, reading.clone());
    let progress = &reading.progress;
    // What can be read again need not be kept.
    let mut again = None;
    let (bytes, recorded): (Box<dyn Read + Send>, _) = if path == "-" {
        progress.begin("standard input", None);
        (Box::new(piped(Box::new(io::stdin()))), SystemTime::now())
    } else if http::is_address(path) {
        (Box::new(piped(http::get(path, reading)?)), SystemTime::now())
    } else {
        let about = fs::metadata(path).map_err(|error| unopened(path, &error))?;
        if about.is_dir() {
            return Err(Failure::bad_input(format!("{path} is a directory"))
                .remedy("name the files in it: a trace.out or an events.jsonl"));
        }
        progress.begin(path, Some(about.len()).filter(|_| about.is_file()));
        let recorded = about.modified().unwrap_or_else(|_| SystemTime::now());
        if about.is_file() {
            let file = File::open(path).map_err(|error| unopened(path, &error))?;
            again = file.try_clone().ok();
            (Box::new(file), recorded)
        } else {
            // A named pipe may have nothing to say for long, and cannot be opened before
            // somebody writes to it.
            (Box::new(piped(Box::new(Late { path: path.to_owned(), file: None }))), recorded)
        }
    };
    let mut bytes = progress.counting(bytes);
    let mut first = Vec::new();
    (&mut bytes)
        .take(LOOKED_AT)
        .read_to_end(&mut first)
        .map_err(|error| Failure::bad_input(format!("{path} cannot be read: {error}")))?;
    if first.is_empty() && reading.interrupted.load(Ordering::Relaxed) {
        return Err(Failure::interrupted(format!("nothing came from {path}")));
    }
    let kind = Kind::of(&first);
    let bytes = BufReader::with_capacity(PIECE, io::Cursor::new(first).chain(bytes));
    match kind {
        Kind::Trace => match trace(bytes, again.map(|file| (progress, file)), recorded) {
            Ok(source) => Ok(Input::of(source)),
            // Some say themselves what to do.
            Err(error @ TraceError::Header(HeaderError::Old(_) | HeaderError::Unknown(_))) => {
                Err(Failure::bad_input(format!("{path}: {error}")))
            }
            Err(error) => Err(Failure::bad_input(format!("{path}: {error}")).remedy("record it again")),
        },
        Kind::Recording => match EventReader::new(bytes) {
            Ok(source) => Ok(Input::of(source)),
            Err(error) => {
                let remedy = match error {
                    RecordingError::Version(_) => "a newer Bingo reads it",
                    _ => RECORD,
                };
                Err(Failure::bad_input(format!("{path}: {error}")).remedy(remedy))
            }
        },
        Kind::Text => {
            let mut bytes = RaceReader::new(bytes);
            let read = TracebackSource::new(BufReader::with_capacity(PIECE, &mut bytes), recorded);
            let races = bytes.into_found();
            let nothing = races.races.is_empty() && races.unreadable == 0;
            match read {
                Ok(source) => Ok(Input { races, ..Input::of(source) }),
                Err(TracebackError::NoGoroutine) if !nothing => Ok(Input { source: None, races }),
                Err(TracebackError::NoGoroutine) => {
                    let what = format!("{path} is a text without a goroutine or a race in it");
                    Err(Failure::bad_input(what).remedy(RECORD))
                }
                Err(error) => Err(Failure::bad_input(format!("{path}: {error}"))),
            }
        }
        Kind::Core if again.is_none() => {
            Err(Failure::bad_input(format!("{path} is a core file, and no plain file"))
                .remedy("write it to one: a core is read at many places at once"))
        }
        Kind::Core => {
            let mut source = core_file::open(Path::new(path), reading.binary.as_deref())?;
            progress.work(&format!("searching {path}"));
            let (progress, interrupted) = (progress.clone(), Arc::clone(&reading.interrupted));
            source.ask_on(Arc::new(move || {
                progress.tick();
                !interrupted.load(Ordering::Relaxed)
            }));
            Ok(Input::of(source))
        }
        kind => {
            let (what, remedy) = match kind {
                Kind::Empty => ("empty", RECORD),
                Kind::Gzip => ("compressed by gzip", "unpack it: `gzip -dc FILE | bingo analyze -`"),
                Kind::Page => (
                    "an HTML page",
                    "the address of a trace ends in /debug/pprof/trace?seconds=5; a page may also be a login's",
                ),
                Kind::Program if reading.takes_binary => PROGRAM,
                Kind::Program => ("a program, no trace and no recording", RECORD),
                Kind::Other(what, remedy) => (what, remedy),
                _ => ("no trace and no recording", RECORD),
            };
            Err(Failure::bad_input(format!("{path} is {what}")).remedy(remedy))
        }
    }
}

fn trace(
    bytes: impl Read + Send + 'static,
    again: Option<(&Progress, File)>,
    recorded: SystemTime,
) -> Result<TraceSource, TraceError> {
    let failed = |source| TraceError::Read { offset: 0, source };
    match again {
        Some((progress, mut file)) => {
            file.rewind().map_err(failed)?;
            let bytes = progress.counting(file.try_clone().map_err(failed)?);
            TraceSource::of_file(bytes, file, recorded)
        }
        None => TraceSource::new(bytes, recorded),
    }
}

/// What an input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Trace,
    Recording,
    /// It may have a traceback in it.
    Text,
    /// What a process had in its memory.
    Core,
    Empty,
    Gzip,
    Page,
    Program,
    /// Something else: what, and what to do.
    Other(&'static str, &'static str),
    Unknown,
}

impl Kind {
    fn of(first: &[u8]) -> Kind {
        let profile =
            Kind::Other("a pprof profile", "`go tool pprof` reads it; a profile tells no order of time");
        let text = first.trim_ascii_start();
        if first.is_empty() {
            Kind::Empty
        } else if first.starts_with(b"go 1.") {
            Kind::Trace
        } else if first.starts_with(&[0x1f, 0x8b]) {
            let mut inside = Vec::new();
            // As much as can be had of it.
            let _ = GzDecoder::new(first).take(64).read_to_end(&mut inside);
            if is_profile(&inside) {
                return profile;
            }
            Kind::Gzip
        } else if is_profile(first) {
            profile
        } else if text.starts_with(b"{") {
            Kind::Recording
        } else if is_core(first) {
            Kind::Core
        } else if first.starts_with(b"\x7fELF") {
            Kind::Program
        } else if first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Kind::Other("compressed by zstd", UNPACK_CORE)
        } else if first.starts_with(&[0x04, 0x22, 0x4d, 0x18]) {
            Kind::Other("compressed by lz4", UNPACK_CORE)
        } else if first.starts_with(b"\xfd7zXZ\0") {
            Kind::Other("compressed by xz", UNPACK_CORE)
        } else if is_page(text) {
            Kind::Page
        } else if first.starts_with(b"goroutine profile: total ") {
            Kind::Other(
                "a goroutine profile in its short form",
                "ask for the long one, which has the waits: …/debug/pprof/goroutine?debug=2",
            )
        } else if text.is_empty() || is_text(first) {
            Kind::Text
        } else {
            Kind::Unknown
        }
    }
}

/// Whether these are the first bytes of an ELF file of type `ET_CORE`, of whatever machine.
fn is_core(first: &[u8]) -> bool {
    first.starts_with(b"\x7fELF") && matches!(first.get(16..18), Some([4, 0] | [0, 4]))
}

/// Whether the file at `path` is a core; what it is where it is none.
pub(super) fn expect_core(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let mut first = Vec::new();
    // A named pipe would be waited for.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(Failure::bad_input(format!("{shown} is no regular file")).remedy("name a core file"));
    }
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::bad_input(format!("{shown} cannot be opened: {error}")).remedy(NAME_CORE)
        }
        _ => unopened(&shown.to_string(), &error),
    })?;
    file.take(LOOKED_AT)
        .read_to_end(&mut first)
        .map_err(|error| Failure::bad_input(format!("{shown} cannot be read: {error}")))?;
    let analyzed = format!("`bingo analyze {shown}` reads it");
    let (what, remedy) = match Kind::of(&first) {
        Kind::Core => return Ok(()),
        Kind::Other(what, remedy) => (what, remedy),
        Kind::Program => PROGRAM,
        Kind::Empty => ("empty", NAME_CORE),
        Kind::Gzip => ("compressed by gzip", "unpack it first: `gzip -d`"),
        Kind::Page => ("an HTML page, no core file", NAME_CORE),
        Kind::Unknown => ("no core file", NAME_CORE),
        Kind::Trace => ("an execution trace, no core file", &*analyzed),
        Kind::Recording => ("no core file", &*analyzed),
        Kind::Text => ("a text, no core file", &*analyzed),
    };
    Err(Failure::bad_input(format!("{shown} is {what}")).remedy(remedy))
}

/// `profile.proto` begins with a sample type or the period type: field 1 or 11, a
/// message of two numbers.
fn is_profile(first: &[u8]) -> bool {
    matches!(first, [0x0a | 0x5a, 2..=12, 0x08, ..])
}

fn is_page(text: &[u8]) -> bool {
    let begin = text.get(..14).unwrap_or(text).to_ascii_lowercase();
    begin.starts_with(b"<!doctype html") || begin.starts_with(b"<html")
}

fn is_text(first: &[u8]) -> bool {
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        // A character that is cut by the end of what is looked at.
        Err(error) if error.error_len().is_none() => return !first.contains(&0),
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_whitespace())
}

fn unopened(path: &str, error: &io::Error) -> Failure {
    let what = format!("{path} cannot be opened: {error}");
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Failure::not_permitted(what).remedy("run Bingo as the user who may read it")
        }
        io::ErrorKind::NotFound if http::lacks_scheme(path) => {
            Failure::bad_input(what).remedy(format!("an address begins with its scheme: http://{path}"))
        }
        io::ErrorKind::NotFound => Failure::bad_input(what).remedy(RECORD),
        _ => Failure::bad_input(what),
    }
}

/// A pipe that nobody may write to for long: the user's wish to end is its end.
struct Piped {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
    reading: Reading,
}

impl Piped {
    fn new(mut from: Box<dyn Read + Send>, reading: Reading) -> Piped {
        let (sender, pieces) = sync_channel(4);
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = from.read(&mut piece).map(|length| {
                    piece.truncate(length);
                    piece
                });
                let last = !matches!(&read, Ok(piece) if !piece.is_empty());
                if sender.send(read).is_err() || last {
                    return;
                }
            }
        });
        Piped { pieces, piece: io::Cursor::default(), reading }
    }
}

/// A file that is opened when it is read.
struct Late {
    path: String,
    file: Option<File>,
}

impl Read for Late {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        self.file.insert(file).read(into)
    }
}

impl Read for Piped {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            // Heard where there is no end of pieces, too.
            if self.reading.interrupted.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => self.piece = io::Cursor::new(piece?),
                Err(RecvTimeoutError::Timeout) => {
                    self.reading.progress.tick();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.piece.get_ref().is_empty() {
                return Ok(0);
            }
        }
    }
}
