//! Where Events and Snapshots come from.

use std::path::PathBuf;
use std::time::SystemTime;

use super::{Burst, Event, EventRef, Problem, Snapshot, Time};

/// A source of what is known about a program: a process, a trace, a core, a recording.
pub trait Source {
    /// What the source is about.
    fn header(&self) -> &Header;

    /// Tells `out` what has come to be known since the last call, oldest first, and
    /// returns without waiting. `now` is the time to stamp what carries none.
    ///
    /// `Ok(false)`: nothing will ever come any more (the target has exited, the
    /// file is at its end).
    ///
    /// # Errors
    /// When the source as a whole cannot go on; damage to a part of it is data.
    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError>;

    /// The same, with how goroutines hang together ([`super::Links`]), where the
    /// source can find out. That takes it longer, and some of it is known only
    /// after a second time.
    ///
    /// # Errors
    /// As [`Source::observe`].
    fn observe_closely(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        self.observe(now, out)
    }
}

/// What a source tells what it knows. Events are lent: most of them are folded
/// where they stand, and kept by nobody.
pub trait Sink {
    /// Something happened.
    fn event(&mut self, event: EventRef<'_>);
    /// Much has happened.
    fn burst(&mut self, burst: &Burst<'_>) {
        burst.each(&mut |event| self.event(event));
    }
    /// So it is now.
    fn snapshot(&mut self, snapshot: Box<Snapshot>);
    /// Something is missing, or is not to be trusted.
    fn problem(&mut self, problem: Problem);
    /// So many bytes of a recording were read, of which all that was told so far is made.
    fn read(&mut self, _bytes: u64) {}

    /// One of the three.
    fn observation(&mut self, observation: Observation) {
        match observation {
            Observation::Event(event) => self.event(event.lend()),
            Observation::Snapshot(snapshot) => self.snapshot(snapshot),
            Observation::Problem(problem) => self.problem(problem),
        }
    }
}

/// Keeps it all.
impl Sink for Vec<Observation> {
    fn event(&mut self, event: EventRef<'_>) {
        self.push(Observation::Event(event.to_owned()));
    }

    fn snapshot(&mut self, snapshot: Box<Snapshot>) {
        self.push(Observation::Snapshot(snapshot));
    }

    fn problem(&mut self, problem: Problem) {
        self.push(Observation::Problem(problem));
    }

    fn observation(&mut self, observation: Observation) {
        self.push(observation);
    }
}

/// One thing a source yields.
#[derive(Clone, Debug)]
pub enum Observation {
    /// Something happened.
    Event(Event),
    /// So it is now.
    Snapshot(Box<Snapshot>),
    /// Something is missing, or is not to be trusted.
    Problem(Problem),
}

/// Why a source cannot go on. The variants that matter to the exit status are
/// told apart; the text says what was wrong and where.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused access.
    #[error("{0}")]
    NotPermitted(String),
    /// What was given cannot be read as what it should be.
    #[error("{0}")]
    BadInput(String),
}

/// What an input is about: the first line of `events.jsonl`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// What kind of source.
    pub source: SourceKind,
    /// The Go release that built the program, as it says: `go1.27.3`.
    pub go_version: Option<String>,
    /// The executable.
    pub binary: Option<PathBuf>,
    /// The process, as the host numbers it.
    pub pid: Option<u32>,
    /// The process as it numbers itself, where that differs (a container).
    pub inner_pid: Option<u32>,
    /// The wall-clock time at [`Header::start_monotonic`].
    pub start: SystemTime,
    /// The monotonic time at [`Header::start`]: with it, any [`Time`] can be
    /// given as wall-clock time.
    pub start_monotonic: Time,
    /// What a reader should know of how it was observed: a probe's fallback, a
    /// struct layout that was assumed.
    pub notes: Vec<String>,
}

/// What kind of source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SourceKind {
    /// A recorded execution trace.
    Trace,
    /// A process that was attached to.
    Live,
    /// What a process had in its memory when it died, or when that was written down.
    Core,
    /// A program that was run under observation.
    Collect,
}
