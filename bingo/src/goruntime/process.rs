//! A Go process as a source: a pid comes in, a snapshot of it for each call of
//! [`Source::observe`] comes out. The process is read while it runs.

use std::sync::Arc;
use std::time::SystemTime;

use nix::time::{ClockId, clock_gettime};

use super::BinaryCode;
use super::program::{Program, ProgramError};
use super::reader::{ReadError, Runtime, SnapshotReader};
use crate::binary::Binary;
use crate::memory::{MemoryError, ProcessMemory, Target, TargetError};
use crate::model::{GoId, Header, Sink, Snapshot, Source, SourceError, SourceKind, Time};

/// A running Go process.
pub struct ProcessSource {
    target: Target,
    binary: Arc<Binary>,
    header: Header,
    reader: SnapshotReader<ProcessMemory, BinaryCode>,
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
        Ok(ProcessSource { target, binary, header, reader })
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
        self.read(now, false)
    }

    /// The same, with how they hang together: see [`SnapshotReader::read_closely`].
    ///
    /// # Errors
    /// Those of [`ProcessSource::snapshot`].
    pub fn close_snapshot(&mut self, now: Time) -> Result<Snapshot, ReadError> {
        self.read(now, true)
    }

    fn read(&mut self, now: Time, closely: bool) -> Result<Snapshot, ReadError> {
        if self.target.inner_pid().is_some() {
            self.reader.set_threads(self.target.threads().map_err(|_| MemoryError::Gone)?);
        }
        let snapshot = if closely { self.reader.read_closely(now) } else { self.reader.read(now) };
        // What was read counts only if it was this program's memory until the end.
        self.target.check().map_err(|_| MemoryError::Gone)?;
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
