//! A trace as a source: its events in the model's words, on the monotonic clock.
//! In: the bytes of a trace. Out: events; what is missing at the end of
//! one that is cut off comes as a problem, a corrupt one is an error.

use std::fs::File;
use std::io::{Read, Seek};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::bytes::Bytes;
use super::chunks::{Chunk, Chunks};
use super::error::TraceError;
use super::version::Version;
use crate::model::{
    Burst, GoId, Header, Problem, Sink, Source, SourceError, SourceKind, Stack, ThreadId, Time,
};

/// A trace that is being read.
pub struct TraceSource {
    chunks: Chunks,
    header: Header,
    /// What to begin with: it told the clocks.
    first: bool,
    numbers: Numbers,
    done: bool,
}

/// What the numbers in short events stand for.
#[derive(Default)]
struct Numbers {
    goroutines: Vec<GoId>,
    /// Which of them have changed since the last burst.
    renamed: Vec<u32>,
    threads: Vec<Option<ThreadId>>,
    stacks: Vec<Stack>,
}

impl TraceSource {
    /// The source of a trace. `recorded` is taken for the wall-clock time of its
    /// beginning where it does not tell (before Go 1.25).
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form.
    pub fn new(bytes: impl Read + Send + 'static, recorded: SystemTime) -> Result<TraceSource, TraceError> {
        TraceSource::made(Bytes::stream(bytes), None, recorded)
    }

    /// The same of the bytes of `file`, from its beginning on, which are read there when
    /// they are needed: so no more of them has to be kept than a few batches of each thread.
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form.
    pub fn of_file(
        bytes: impl Read + Seek + Send + 'static,
        file: File,
        recorded: SystemTime,
    ) -> Result<TraceSource, TraceError> {
        TraceSource::made(Bytes::file(bytes), Some(file), recorded)
    }

    fn made(
        bytes: Bytes<'static>,
        again: Option<File>,
        recorded: SystemTime,
    ) -> Result<TraceSource, TraceError> {
        let (mut chunks, version) = Chunks::new(bytes, again)?;
        let first = chunks.next();
        let clocks = first.clocks;
        let begin = clocks.map_or(0, |clocks| clocks.begin);
        let clock = clocks.and_then(|clocks| clocks.snapshot);
        let mut notes = vec![written_by(version).to_owned()];
        let wall = match clock {
            Some(clock) => {
                let since = Duration::from_secs(clock.wall_seconds)
                    .saturating_add(Duration::from_nanos(clock.wall_nanoseconds));
                let into = Duration::from_nanos(clock.trace.saturating_sub(begin).max(0).unsigned_abs());
                UNIX_EPOCH.checked_add(since.saturating_sub(into)).unwrap_or(recorded)
            }
            None => {
                notes.push("it does not tell its clocks: wall-clock times are the file's".to_owned());
                recorded
            }
        };
        let header = Header {
            source: SourceKind::Trace,
            go_version: None,
            binary: None,
            pid: None,
            inner_pid: None,
            start: wall,
            start_monotonic: clocks.map_or(Time::default(), |clocks| clocks.began()),
            notes,
        };
        Ok(TraceSource { chunks, header, first: true, numbers: Numbers::default(), done: false })
    }
}

impl Source for TraceSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, _: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        if self.done {
            return Ok(false);
        }
        let first = std::mem::take(&mut self.first);
        let chunk = if first { self.chunks.current() } else { self.chunks.next() };
        self.numbers.learn(chunk);
        out.read(chunk.read);
        let Numbers { goroutines, renamed, threads, stacks } = &self.numbers;
        let mut renamed = &renamed[..];
        let ends = chunk.times.iter().skip(1).map(|(begin, _)| *begin).chain([chunk.events.len()]);
        for (&(begin, from), end) in chunk.times.iter().zip(ends) {
            let events = chunk.events.get(begin..end).unwrap_or_default();
            let found_since = chunk.began;
            out.burst(&Burst { events, from, goroutines, renamed, threads, stacks, found_since });
            renamed = &[];
        }
        if renamed.is_empty() {
            self.numbers.renamed.clear();
        }
        let end = chunk.end.take();
        self.done = end.is_some();
        match end {
            None | Some(Ok(())) => Ok(!self.done),
            Some(Err(error)) if error.is_cut_off() => {
                out.problem(Problem { goroutine: None, what: error.to_string() });
                Ok(false)
            }
            Some(Err(error)) => Err(SourceError::BadInput(error.to_string())),
        }
    }
}

impl Numbers {
    fn learn(&mut self, chunk: &mut Chunk) {
        for (slot, id) in chunk.goroutines.drain(..) {
            self.renamed.push(slot);
            let slot = slot as usize;
            if self.goroutines.len() <= slot {
                self.goroutines.resize(slot + 1, GoId(0));
            }
            if let Some(place) = self.goroutines.get_mut(slot) {
                *place = id;
            }
        }
        self.threads.append(&mut chunk.threads);
        if std::mem::take(&mut chunk.other_stacks) {
            self.stacks.clear();
        }
        self.stacks.append(&mut chunk.stacks);
    }
}

fn written_by(version: Version) -> &'static str {
    match version {
        Version::Go122 => "trace written by Go 1.22",
        Version::Go123 => "trace written by Go 1.23 or 1.24",
        Version::Go125 => "trace written by Go 1.25",
        Version::Go126 => "trace written by Go 1.26 or 1.27",
    }
}
