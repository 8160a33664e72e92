//! Lines into events: a recording as a source. In comes anything that reads;
//! out come the events one for one. In memory stand one line, the events of one
//! [`Source::observe`], and the stacks that keep coming.

use std::io::{self, BufRead, Read};

use super::line::{self, Fault};
use super::stacks::Stacks;
use crate::model::{Event, Header, Observation, Problem, Sink, Source, SourceError, Time};

/// The longest line. The deepest stack that Go records has 128 calls.
const LONGEST: usize = 1 << 20;

/// Events that one [`Source::observe`] yields at most.
const AT_ONCE: usize = 1_024;

/// Reads `events.jsonl`.
pub struct EventReader<R> {
    input: R,
    header: Header,
    stacks: Stacks,
    line: Line,
    latest: Time,
    /// Whether anything came behind the header.
    begun: bool,
    disorder: bool,
    ended: bool,
}

/// The line that is at hand.
#[derive(Default)]
struct Line {
    text: Vec<u8>,
    /// Its number, from 1 on.
    number: u64,
    /// Where it begins, in bytes.
    offset: u64,
}

/// Why a recording cannot be read (on).
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// The first line is something else.
    #[error("its first line is not the header of an events.jsonl: {0}")]
    NoHeader(String),
    /// Another version of the format.
    #[error("it is of version {0} of the format, and this Bingo reads version 1")]
    Version(u64),
    /// A line that is no event.
    #[error("line {line} is no event, at byte {offset}: {reason}")]
    Line {
        /// Its number, from 1 on.
        line: u64,
        /// Where in the input what is wrong is.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A line that has no end.
    #[error("line {line}, at byte {offset}, is longer than {LONGEST} bytes")]
    TooLong {
        /// Its number, from 1 on.
        line: u64,
        /// Where it begins.
        offset: u64,
    },
    /// The operating system.
    #[error("line {line}, at byte {offset}, cannot be read: {error}")]
    Io {
        /// Its number, from 1 on.
        line: u64,
        /// Where it begins.
        offset: u64,
        /// Why.
        error: io::Error,
    },
}

impl<R: BufRead> EventReader<R> {
    /// A reader that has read the header.
    ///
    /// # Errors
    /// When `input` does not begin with one of a known version.
    pub fn new(mut input: R) -> Result<EventReader<R>, RecordingError> {
        let mut line = Line::default();
        if !line.next(&mut input)? {
            return Err(RecordingError::Empty);
        }
        let header = line::header(&line.text)?;
        let latest = Time::default();
        Ok(EventReader {
            input,
            header,
            stacks: Stacks::default(),
            line,
            latest,
            begun: false,
            disorder: false,
            ended: false,
        })
    }

    /// The next event; `None` at the end. A last line that breaks off is a problem.
    ///
    /// # Errors
    /// When a line is no event. Nothing comes behind an error.
    fn next(&mut self) -> Result<Option<Observation>, RecordingError> {
        if self.ended {
            return Ok(None);
        }
        let next = self.read_next();
        self.ended |= !matches!(next, Ok(Some(_)));
        next
    }

    fn read_next(&mut self) -> Result<Option<Observation>, RecordingError> {
        while self.line.next(&mut self.input)? {
            if self.line.text.trim_ascii().is_empty() {
                continue;
            }
            return match line::observation(&self.line.text, &mut self.stacks) {
                Ok(observation) => Ok(Some(observation)),
                Err(_) if !self.line.is_whole() => {
                    self.ended = true;
                    Ok(Some(Observation::Problem(self.cut_off())))
                }
                Err(Fault { at, reason }) => Err(RecordingError::Line {
                    line: self.line.number,
                    offset: self.line.offset + at,
                    reason,
                }),
            };
        }
        Ok(None)
    }

    fn cut_off(&self) -> Problem {
        let Line { text, number, offset } = &self.line;
        let what = format!(
            "the recording breaks off: line {number}, at byte {offset}, has no end after {} bytes",
            text.len()
        );
        Problem { goroutine: None, what }
    }

    /// Events are in order of time, or it is told once that they are not.
    fn check_order(&mut self, event: &Event, out: &mut dyn Sink) {
        if event.time < self.latest && !self.disorder {
            self.disorder = true;
            let what = format!("the events are not in order of time, from line {} on", self.line.number);
            out.problem(Problem { goroutine: None, what });
        }
        self.latest = self.latest.max(event.time);
    }
}

impl<R: BufRead> Source for EventReader<R> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, _: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        out.read(self.line.offset);
        for _ in 0..AT_ONCE {
            match self.next() {
                Ok(Some(observation)) => {
                    self.begun = true;
                    if let Observation::Event(event) = &observation {
                        self.check_order(event, out);
                    }
                    out.observation(observation);
                }
                Ok(None) => {
                    if !std::mem::replace(&mut self.begun, true) {
                        let what = "nothing was recorded: no event stands behind the header".to_owned();
                        out.problem(Problem { goroutine: None, what });
                    }
                    return Ok(false);
                }
                Err(error) => return Err(SourceError::BadInput(error.to_string())),
            }
        }
        Ok(true)
    }
}

impl Line {
    /// Takes the next line in; `false` at the end.
    fn next(&mut self, input: &mut impl BufRead) -> Result<bool, RecordingError> {
        self.offset += self.text.len() as u64;
        self.number += 1;
        self.text.clear();
        let (line, offset) = (self.number, self.offset);
        let limit = LONGEST as u64 + 1;
        let read = input.take(limit).read_until(b'\n', &mut self.text);
        read.map_err(|error| RecordingError::Io { line, offset, error })?;
        if self.text.len() > LONGEST {
            return Err(RecordingError::TooLong { line, offset });
        }
        Ok(!self.text.is_empty())
    }

    /// Whether it has its end.
    fn is_whole(&self) -> bool {
        self.text.ends_with(b"\n")
    }
}
