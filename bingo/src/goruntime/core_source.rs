//! A core file as a source: the file and the program that it is of come in, one
//! snapshot comes out, with how its goroutines hang together. Nothing moves any
//! more, so one look is as good as two, and goroutines that ran have their stacks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::program::{Program, ProgramError};
use super::reader::{ReadError, Runtime, SnapshotReader};
use super::{BinaryCode, GoOn};
use crate::binary::Binary;
use crate::memory::core_dump::{BuildIds, CoreDump, CoreError};
use crate::memory::{Memory, Pages};
use crate::model::{Addr, Header, LoadBias, Problem, Sink, Snapshot, Source, SourceError, SourceKind, Time};

/// No machine has more processors.
const MOST_PROCESSORS: u64 = 1 << 14;

/// The core of a Go program.
pub struct CoreSource {
    binary: Arc<Binary>,
    header: Header,
    reader: SnapshotReader<CoreDump, BinaryCode>,
    problems: Vec<Problem>,
    bias: LoadBias,
}

/// Why a core cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CoreOpenError {
    /// The core file itself.
    #[error("{}: {error}", path.display())]
    Core {
        /// The core file.
        path: PathBuf,
        /// What is wrong with it.
        error: CoreError,
    },
    /// It does not say of which program it is.
    #[error("{}: the core does not say of which program it is", core.display())]
    Nameless {
        /// The core file.
        core: PathBuf,
    },
    /// The program's file is not there.
    #[error("{}: its program {} cannot be opened: {error}", core.display(), binary.display())]
    NoBinary {
        /// The core file.
        core: PathBuf,
        /// The program's file, as the core or the user names it.
        binary: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The program's file is of another build.
    #[error(transparent)]
    OtherBuild(Box<OtherBuild>),
    /// Its program could be anywhere in memory.
    #[error("{}: the core does not say where its program was loaded", core.display())]
    NoEntry {
        /// The core file.
        core: PathBuf,
    },
    /// The program is none of Go's that is understood.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// A core, and the file of another program.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: the core is not of {}: {what}: its build id is {of_core}, that of the file is {of_binary}",
    core.display(), binary.display()
)]
pub struct OtherBuild {
    /// The core file.
    pub core: PathBuf,
    /// The program's file.
    pub binary: PathBuf,
    /// What differs, or is missing.
    pub what: &'static str,
    /// The core's build ids.
    pub of_core: BuildIds,
    /// The file's build ids.
    pub of_binary: BuildIds,
}

impl CoreSource {
    /// Opens the core at `path`, of the program `binary`; without that, of the file
    /// that the core names.
    ///
    /// # Errors
    /// [`CoreOpenError`], which says what is wrong with which of the two.
    pub fn open(path: &Path, binary: Option<&Path>) -> Result<CoreSource, CoreOpenError> {
        let core = || path.to_owned();
        let failed = |error| CoreOpenError::Core { path: core(), error };
        let mut dump = CoreDump::open(path).map_err(failed)?;
        let named = || dump.notes().executable().map(PathBuf::from);
        let file =
            binary.map(Path::to_owned).or_else(named).ok_or(CoreOpenError::Nameless { core: core() })?;
        if let Err(error) = std::fs::File::open(&file) {
            return Err(CoreOpenError::NoBinary { core: core(), binary: file, error });
        }
        let of_core = dump.build_ids();
        let of_binary = BuildIds::of_file(&file).map_err(failed)?;
        let other = |what| {
            let (of_core, of_binary) = (of_core.clone(), of_binary.clone());
            let binary = file.clone();
            Err(CoreOpenError::OtherBuild(Box::new(OtherBuild {
                core: core(),
                binary,
                what,
                of_core,
                of_binary,
            })))
        };
        if of_core.same_build(&of_binary) == Some(false) {
            return other("it is another build");
        }
        let program = Program::open(&file, &file)?;
        let binary = Arc::clone(&program.binary);
        let bias = match dump.notes().entry {
            Some(entry) => LoadBias(entry.0.wrapping_sub(binary.elf().entry().0)),
            None if !binary.is_pie() => LoadBias(0),
            None => return Err(CoreOpenError::NoEntry { core: core() }),
        };
        if let Err(what) = same_tables(&dump, &binary, bias) {
            return other(what);
        }
        let constant = binary.segments().iter().filter(|segment| !segment.writable);
        let ranges =
            constant.map(|segment| (bias.to_target(segment.address), segment.file_offset, segment.file_size));
        dump.supply(&file, ranges).map_err(failed)?;

        let (runtime, code) = program.loaded(bias);
        let notes = dump.notes();
        let header = Header {
            source: SourceKind::Core,
            go_version: Some(binary.build_info().go_version.text.clone()),
            binary: Some(file),
            pid: notes.pid,
            inner_pid: None,
            start: std::fs::metadata(path)
                .and_then(|about| about.modified())
                .unwrap_or_else(|_| SystemTime::now()),
            start_monotonic: latest(&dump, &runtime),
            notes: program.notes(),
        };
        let problem = |what: &String| Problem { goroutine: None, what: what.clone() };
        let problems = dump.problems().iter().map(problem).collect();
        let threads: Vec<_> =
            notes.threads.iter().map(|thread| (u64::from(thread.tid), Some(thread.registers))).collect();
        let reader = SnapshotReader::new(dump, runtime, code).standing_still(threads);
        Ok(CoreSource { binary, header, reader, problems, bias })
    }

    /// Its executable.
    #[must_use]
    pub fn binary(&self) -> &Arc<Binary> {
        &self.binary
    }

    /// What the loader added to the addresses of its executable.
    #[must_use]
    pub fn load_bias(&self) -> LoadBias {
        self.bias
    }

    /// What reads its snapshots.
    #[must_use]
    pub fn reader(&self) -> &SnapshotReader<CoreDump, BinaryCode> {
        &self.reader
    }

    /// Asks `go_on` while it is looked at closely: see [`SnapshotReader::ask_on`].
    pub fn ask_on(&mut self, go_on: GoOn) {
        self.reader.ask_on(go_on);
    }

    /// Its memory.
    #[must_use]
    pub fn memory(&self) -> &CoreDump {
        self.reader.memory()
    }

    /// Where its runtime keeps what is read.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        self.reader.runtime()
    }

    /// All goroutines as they were. The time is the latest that the runtime itself
    /// had noted: the true one is later, and waits were longer.
    ///
    /// # Errors
    /// [`ReadError`] where not even the list of goroutines can be read.
    pub fn snapshot(&mut self) -> Result<Snapshot, ReadError> {
        self.read(SnapshotReader::read)
    }

    /// The same, with how they hang together.
    ///
    /// # Errors
    /// Those of [`CoreSource::snapshot`].
    pub fn close_snapshot(&mut self) -> Result<Snapshot, ReadError> {
        self.read(SnapshotReader::read_closely)
    }

    fn read(
        &mut self,
        read: fn(&mut SnapshotReader<CoreDump, BinaryCode>, Time) -> Result<Snapshot, ReadError>,
    ) -> Result<Snapshot, ReadError> {
        let mut snapshot = read(&mut self.reader, self.header.start_monotonic)?;
        let waits = snapshot.goroutines.iter().filter_map(|goroutine| goroutine.blocked_since);
        snapshot.taken = waits.max().map_or(snapshot.taken, |latest| latest.max(snapshot.taken));
        // To read it took none of the program's time.
        snapshot.took = Duration::ZERO;
        snapshot.problems.splice(0..0, self.problems.iter().cloned());
        self.header.start_monotonic = snapshot.taken;
        Ok(snapshot)
    }
}

impl Source for CoreSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, _: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        let snapshot = self.close_snapshot().map_err(|error| SourceError::BadInput(error.to_string()))?;
        out.snapshot(Box::new(snapshot));
        Ok(false)
    }
}

/// Whether the module that the core has in memory is that of the file: its first
/// words are the places and lengths of tables, which differ from build to build.
fn same_tables(dump: &CoreDump, binary: &Binary, bias: LoadBias) -> Result<(), &'static str> {
    const WORDS: usize = 16;
    let address = binary.module_data().address;
    let mut found = [0; WORDS * 8];
    dump.read(bias.to_target(address), &mut found)
        .map_err(|_| "the core has no memory where that program has its variables")?;
    let expected =
        binary.read(address, (WORDS * 8) as u64).map_err(|_| "that program has no table of its functions")?;
    let words = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word)).collect();
    let (found, expected): (Vec<u64>, Vec<u64>) = (words(&found), words(&expected));
    let same = |(found, expected): (&u64, &u64)| found == expected || *found == expected.wrapping_add(bias.0);
    if found.iter().zip(&expected).all(same) { Ok(()) } else { Err("its tables of functions are others") }
}

/// The latest time that the scheduler had noted.
fn latest(dump: &CoreDump, runtime: &Runtime) -> Time {
    let mut pages = Pages::new(dump);
    let mut word = |at: Addr| pages.word(at).ok().flatten().unwrap_or(0);
    let layout = &runtime.layout;
    let mut latest = runtime.sched.map_or(0, |sched| word(sched.offset(layout.sched.lastpoll)));
    if let Some(allp) = runtime.allp {
        let (first, count) = (Addr(word(allp)), word(allp.offset(8)).min(MOST_PROCESSORS));
        for number in 0..count {
            let p = Addr(word(first.offset(number * 8)));
            let times = [layout.p.schedwhen, layout.p.syscallwhen].map(|time| word(p.offset(time)));
            latest = times.into_iter().fold(latest, u64::max);
        }
    }
    Time(latest)
}
