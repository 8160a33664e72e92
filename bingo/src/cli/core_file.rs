//! The core file that a command looks at: it is opened here, and what is wrong with
//! it or with its program gets its remedy here.

use std::path::Path;

use super::{Failure, input};
use crate::goruntime::{CoreOpenError, CoreSource, ProgramError, ReadError};
use crate::memory::core_dump::CoreError;
use crate::model::Source;

/// What holds of every core.
const NO_TIME: &str = "a core does not say when it was written: waits are counted up to the last time that \
                       its runtime noted, and were longer";

/// Opens the core at `path`, of the program `binary` or of the one that it names.
pub(super) fn open(path: &Path, binary: Option<&Path>) -> Result<CoreSource, Failure> {
    let source = CoreSource::open(path, binary).map_err(|error| failure(&error))?;
    for note in &source.header().notes {
        super::tell(format_args!("bingo: note: {note}"));
    }
    super::tell(format_args!("bingo: note: {NO_TIME}"));
    Ok(source)
}

/// What is wrong with a program, wherever it is looked at.
pub(super) fn program_failure(error: &ProgramError) -> Failure {
    let failure = Failure::bad_input(error);
    match error {
        ProgramError::Binary { .. } => failure.remedy(
            "Bingo reads programs that Go 1.18 or later built for linux/amd64: is this the right one?",
        ),
        ProgramError::Layout { .. } | ProgramError::Globals { .. } => {
            failure.remedy("`bingo doctor PID` shows what is known of this program")
        }
    }
}

/// Opens the core at `path`, if it is one.
pub(super) fn open_alone(path: &Path, binary: Option<&Path>) -> Result<CoreSource, Failure> {
    input::expect_core(path)?;
    open(path, binary)
}

/// Why not even the list of goroutines can be read.
pub(super) fn unreadable(path: &Path, error: &ReadError) -> Failure {
    Failure::bad_input(format!("{}: no goroutine can be read: {error}", path.display())).remedy(
        "the core does not have that part of memory: was it cut off, or written with a coredump_filter?",
    )
}

fn failure(error: &CoreOpenError) -> Failure {
    const BUILD: &str = "name the very file that ran, of the same build: --binary FILE";
    match error {
        CoreOpenError::Core { error: CoreError::Io { source, .. }, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            Failure::not_permitted(error).remedy("run Bingo as the user who may read it")
        }
        CoreOpenError::Core { error: CoreError::Truncated { .. }, .. } => Failure::bad_input(error).remedy(
            "was the disk full, or `ulimit -c` too low, when it was written? Not even its headers are there",
        ),
        CoreOpenError::Core { .. } => Failure::bad_input(error),
        CoreOpenError::Program(error) => program_failure(error),
        CoreOpenError::Nameless { .. } | CoreOpenError::NoBinary { .. } | CoreOpenError::OtherBuild(_) => {
            Failure::bad_input(error).remedy(BUILD)
        }
        CoreOpenError::NoEntry { .. } => Failure::bad_input(error)
            .remedy("its notes are cut off, and the program is position independent: write the core again"),
    }
}
