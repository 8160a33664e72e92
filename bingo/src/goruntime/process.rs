//! A Go process as a source: a pid comes in, a snapshot of it for each call of
//! [`Source::observe`] comes out. The process is read while it runs; for a close look
//! it is stopped where that was asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

use super::program::{Program, ProgramError};
use super::reader::{ReadError, Runtime, SnapshotReader};
use super::{BinaryCode, GoOn};
use crate::binary::Binary;
use crate::memory::{FreezeError, FrozenProcess, MemoryError, ProcessMemory, Registers, Target, TargetError};
use crate::model::{GoId, Header, Problem, Sink, Snapshot, Source, SourceError, SourceKind, ThreadId, Time};

/// A running Go process.
pub struct ProcessSource {
    target: Target,
    binary: Arc<Binary>,
    header: Header,
    reader: SnapshotReader<ProcessMemory, BinaryCode>,
    /// How long it may be stopped for a close look, if it may.
    freeze: Option<Duration>,
    go_on: GoOn,
}

/// Why a process cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The pid is wrong, or access is refused.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Its executable is none of Go's that is understood.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl ProcessSource {
    /// Opens the process `pid`, as the host numbers it.
    ///
    /// # Errors
    /// [`OpenError`], which says what is wrong with the pid or its executable.
    pub fn open(pid: u32) -> Result<ProcessSource, OpenError> {
        let target = Target::open(pid)?;
        let program = Program::open(&target.exe_link(), target.executable())?;
        let binary = Arc::clone(&program.binary);
        let mut notes = program.notes();
        if target.was_stopped() {
            notes
                .push(format!("the process {pid} is stopped, by a signal or a debugger: nothing in it runs"));
        }
        let header = Header {
            source: SourceKind::Live,
            go_version: Some(binary.build_info().go_version.text.clone()),
            binary: Some(target.executable().to_owned()),
            pid: Some(pid),
            inner_pid: target.inner_pid(),
            start: SystemTime::now(),
            start_monotonic: monotonic(),
            notes,
        };
        let (runtime, code) = program.loaded(target.load_bias());
        let reader = SnapshotReader::new(target.memory(), runtime, code);
        Ok(ProcessSource { target, binary, header, reader, freeze: None, go_on: Arc::new(|| true) })
    }

    /// Has it stopped for each close look, for `limit` at the most. Where that is too
    /// short it is looked at while it runs, and the snapshot says so.
    pub fn freeze(&mut self, limit: Duration) {
        self.freeze = Some(limit);
    }

    /// Asks `go_on` while it is looked at closely: see [`SnapshotReader::ask_on`].
    pub fn ask_on(&mut self, go_on: GoOn) {
        self.reader.ask_on(Arc::clone(&go_on));
        self.go_on = go_on;
    }

    /// The process.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its executable.
    #[must_use]
    pub fn binary(&self) -> &Arc<Binary> {
        &self.binary
    }

    /// Where its runtime keeps what is read.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        self.reader.runtime()
    }

    /// What reads its snapshots.
    #[must_use]
    pub fn reader(&self) -> &SnapshotReader<ProcessMemory, BinaryCode> {
        &self.reader
    }

    /// Has these goroutines read anew the next time, changed or not.
    pub fn mark_changed(&mut self, goroutines: &[GoId]) {
        self.reader.mark_changed(goroutines);
    }

    /// Reads all goroutines as they are at `now`.
    ///
    /// # Errors
    /// [`ReadError::Memory`] with [`MemoryError::Gone`] where the process has
    /// exited, or executed another program.
    pub fn snapshot(&mut self, now: Time) -> Result<Snapshot, ReadError> {
        self.read(|reader| reader.read(now))
    }

    /// The same, with how they hang together: see [`SnapshotReader::read_closely`].
    ///
    /// # Errors
    /// Those of [`ProcessSource::snapshot`].
    pub fn close_snapshot(&mut self, now: Time) -> Result<Snapshot, ReadError> {
        match self.freeze {
            Some(limit) => self.frozen_snapshot(now, limit),
            None => self.read(|reader| reader.read_closely(now)),
        }
    }

    /// Finds where these goroutines are, so that they can be looked at closely one by one:
    /// see [`SnapshotReader::find`].
    ///
    /// # Errors
    /// Those of [`ProcessSource::snapshot`].
    pub fn find(&mut self, goroutines: &[GoId]) -> Result<(), ReadError> {
        self.reader.find(goroutines)
    }

    fn read(
        &mut self,
        read: impl FnOnce(&mut SnapshotReader<ProcessMemory, BinaryCode>) -> Result<Snapshot, ReadError>,
    ) -> Result<Snapshot, ReadError> {
        self.number_threads()?;
        let snapshot = read(&mut self.reader);
        // What was read counts only if it was this program's memory until the end.
        self.target.check().map_err(|_| MemoryError::Gone)?;
        snapshot
    }

    /// The host's numbers of its threads by its own, where those differ.
    fn number_threads(&mut self) -> Result<Vec<(u64, ThreadId)>, MemoryError> {
        if self.target.inner_pid().is_none() {
            return Ok(Vec::new());
        }
        let threads = self.target.threads().map_err(|_| MemoryError::Gone)?;
        self.reader.set_threads(threads.iter().copied());
        Ok(threads)
    }

    /// A close snapshot of the process as it stands still, for `limit` at the most.
    fn frozen_snapshot(&mut self, now: Time, limit: Duration) -> Result<Snapshot, ReadError> {
        let why = match FrozenProcess::freeze(self.target.pid(), limit) {
            Ok(frozen) => {
                let snapshot = self.snapshot_of(&frozen, now);
                let (stood, until_now) = frozen.release();
                if until_now {
                    return snapshot.map(|snapshot| Snapshot { stopped_for: stood, ..snapshot });
                }
                format!("the process was let go after {limit:?}, before it had been looked at")
            }
            Err(FreezeError::Gone(_)) => return Err(MemoryError::Gone.into()),
            Err(error) => error.to_string(),
        };
        // As it runs, what nobody gets at is told where two looks have it so.
        self.read(|reader| reader.read_closely(now))?;
        let mut snapshot = self.read(|reader| reader.read_closely(monotonic()))?;
        snapshot
            .problems
            .push(Problem { goroutine: None, what: format!("{why}: what is told is of it running") });
        Ok(snapshot)
    }

    fn snapshot_of(&mut self, frozen: &FrozenProcess, now: Time) -> Result<Snapshot, ReadError> {
        let numbers = self.number_threads()?;
        let own = |host: u64| {
            let number = numbers.iter().find(|(_, thread)| thread.0 == host);
            number.map_or(host, |(own, _)| *own)
        };
        let threads: Vec<(u64, Option<Registers>)> =
            frozen.threads().iter().map(|&(host, registers)| (own(host), registers)).collect();
        let (over, go_on): (Arc<AtomicBool>, _) = (frozen.over(), Arc::clone(&self.go_on));
        self.reader.ask_on(Arc::new(move || !over.load(Ordering::Acquire) && go_on()));
        self.reader.stand_still(Some(threads));
        let snapshot = self.read(|reader| reader.read_closely(now));
        self.reader.stand_still(None);
        self.reader.ask_on(Arc::clone(&self.go_on));
        snapshot
    }
}

impl Source for ProcessSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        tell(self.snapshot(now), out)
    }

    fn observe_closely(&mut self, now: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        tell(self.close_snapshot(now), out)
    }
}

fn tell(read: Result<Snapshot, ReadError>, out: &mut dyn Sink) -> Result<bool, SourceError> {
    match read {
        Ok(snapshot) => {
            out.snapshot(Box::new(snapshot));
            Ok(true)
        }
        Err(ReadError::Memory(MemoryError::Gone)) => Ok(false),
        Err(error @ ReadError::Memory(MemoryError::NotPermitted)) => {
            Err(SourceError::NotPermitted(error.to_string()))
        }
        Err(error) => Err(SourceError::BadInput(error.to_string())),
    }
}

fn monotonic() -> Time {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(std::time::Duration::from);
    Time(now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)))
}
