//! Inputs of `analyze`: what a file is, by its first bytes, and the source that
//! reads it. What it is not made for is named for what it is, with what to do.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, SystemTime};

use flate2::read::GzDecoder;

use super::Failure;
use crate::model::Source;
use crate::recording::{EventReader, RecordingError};
use crate::trace::TraceSource;

/// As much as is looked at to tell what it is.
const LOOKED_AT: usize = 1 << 16;

/// Between two looks at whether the user has had enough.
const PATIENCE: Duration = Duration::from_millis(50);

const RECORD: &str = "record one with `sudo bingo attach <pid> --output events.jsonl`,\n\
                      or a trace with `go test -trace trace.out`";

/// The source that reads `path`, or standard input for `-`.
pub(super) fn open(path: &str, interrupted: &Arc<AtomicBool>) -> Result<Box<dyn Source>, Failure> {
    let (bytes, recorded): (Box<dyn Read + Send>, _) = if path == "-" {
        (Box::new(Piped::new(io::stdin(), Arc::clone(interrupted))), SystemTime::now())
    } else {
        let file = File::open(path).map_err(|error| unopened(path, &error))?;
        let about = file.metadata().map_err(|error| unopened(path, &error))?;
        if about.is_dir() {
            return Err(Failure::bad_input(format!("{path} is a directory"))
                .remedy("name the files in it: a trace.out or an events.jsonl"));
        }
        (Box::new(file), about.modified().unwrap_or_else(|_| SystemTime::now()))
    };
    let mut bytes = BufReader::with_capacity(LOOKED_AT, bytes);
    let first =
        bytes.fill_buf().map_err(|error| Failure::bad_input(format!("{path} cannot be read: {error}")))?;
    match Kind::of(first) {
        Kind::Trace => match TraceSource::new(bytes, recorded) {
            Ok(source) => Ok(Box::new(source)),
            Err(error) => Err(Failure::bad_input(format!("{path}: {error}"))
                .remedy("record it again, with a Go from 1.22 on; a newer Go may need a newer Bingo")),
        },
        Kind::Recording => match EventReader::new(bytes) {
            Ok(source) => Ok(Box::new(source)),
            Err(error) => {
                let remedy = match error {
                    RecordingError::Version(_) => "a newer Bingo reads it",
                    _ => RECORD,
                };
                Err(Failure::bad_input(format!("{path}: {error}")).remedy(remedy))
            }
        },
        Kind::Other(what, remedy) => Err(Failure::bad_input(format!("{path} is {what}")).remedy(remedy)),
    }
}

/// What an input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Trace,
    Recording,
    /// Something else: what, and what to do.
    Other(&'static str, &'static str),
}

impl Kind {
    fn of(first: &[u8]) -> Kind {
        let profile =
            Kind::Other("a pprof profile", "`go tool pprof` reads it; a profile tells no order of time");
        let text = first.trim_ascii_start();
        if first.is_empty() {
            Kind::Other("empty", RECORD)
        } else if first.starts_with(b"go 1.") {
            Kind::Trace
        } else if first.starts_with(&[0x1f, 0x8b]) {
            let mut inside = Vec::new();
            // As much as can be had of it.
            let _ = GzDecoder::new(first).take(64).read_to_end(&mut inside);
            if is_profile(&inside) {
                return profile;
            }
            Kind::Other("compressed by gzip", "unpack it: `gzip -dc FILE | bingo analyze -`")
        } else if is_profile(first) {
            profile
        } else if text.starts_with(b"{") {
            Kind::Recording
        } else if first.starts_with(b"\x7fELF") {
            Kind::Other("a program or a core file", RECORD)
        } else if text.is_empty() || is_text(first) {
            Kind::Other("a text", RECORD)
        } else {
            Kind::Other("no trace and no recording", RECORD)
        }
    }
}

/// `profile.proto` begins with a sample type: field 1, a message of two numbers.
fn is_profile(first: &[u8]) -> bool {
    matches!(first, [0x0a, 2..=12, 0x08, ..])
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
        io::ErrorKind::NotFound => Failure::bad_input(what).remedy(RECORD),
        _ => Failure::bad_input(what),
    }
}

/// A pipe that nobody may write to for long: the user's wish to end is its end.
struct Piped {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
    interrupted: Arc<AtomicBool>,
}

impl Piped {
    fn new(mut from: impl Read + Send + 'static, interrupted: Arc<AtomicBool>) -> Piped {
        let (sender, pieces) = sync_channel(4);
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; LOOKED_AT];
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
        Piped { pieces, piece: io::Cursor::default(), interrupted }
    }
}

impl Read for Piped {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => self.piece = io::Cursor::new(piece?),
                Err(RecvTimeoutError::Timeout) if !self.interrupted.load(Ordering::Relaxed) => continue,
                Err(_) => return Ok(0),
            }
            if self.piece.get_ref().is_empty() {
                return Ok(0);
            }
        }
    }
}
