//! A close look at one goroutine of a process: repeated until it did not run while
//! it was read, so that all of its variables are of one moment.

use super::{Failure, outside, target};
use crate::binary::debug::{Debug, DebugSections};
use crate::goruntime::{ProcessSource, StopError};
use crate::inspect::{Path, Subject};
use crate::model::{GoId, Inspection, Snapshot};

/// So often it is read anew when it ran meanwhile.
const TRIES: usize = 5;

/// All goroutines, and this one closely.
pub(super) fn look(
    source: &mut ProcessSource,
    id: GoId,
    paths: &[Path],
) -> Result<(Snapshot, Inspection), Failure> {
    let binary = std::sync::Arc::clone(source.binary());
    let mut notes = Vec::new();
    let sections = match DebugSections::of(&binary) {
        Ok(Some(sections)) => Some(sections),
        Ok(None) => {
            notes.push(
                "the program has no DWARF (-ldflags=-w or -s): of variables no more is known".to_owned(),
            );
            None
        }
        Err(error) => {
            notes.push(format!("the program's DWARF cannot be read: {error}"));
            None
        }
    };
    let debug = match sections.as_ref().map(Debug::new) {
        Some(Ok(debug)) => Some(debug),
        Some(Err(error)) => {
            notes.push(format!("no variables: {error}"));
            None
        }
        None => None,
    };
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let snapshot = target::close_snapshot(source, outside::monotonic())?;
        if !snapshot.goroutines.iter().any(|goroutine| goroutine.id == id) {
            return Err(Failure::bad_input(format!("there is no goroutine {id}"))
                .remedy("`bingo dump PID --each` lists those that there are"));
        }
        let reader = source.reader();
        let subject = Subject {
            memory: reader.memory(),
            code: &**reader.code(),
            binary: &binary,
            bias: source.target().load_bias(),
            layout: &reader.runtime().layout,
            debug: debug.as_ref(),
            snapshot: &snapshot,
        };
        let mut inspection = match reader.stop_of(id) {
            Ok(stop) => {
                let inspection = subject.inspect(id, &stop, paths);
                let still = reader.is_still(&stop).map_err(Failure::bad_input)?;
                if !still && tries > 0 {
                    continue;
                }
                let mut inspection = inspection;
                if !still {
                    inspection.notes.push(
                        "it ran while it was read, each time: its variables may be of several moments"
                            .to_owned(),
                    );
                }
                inspection
            }
            Err(StopError::Runs | StopError::None(_)) if tries > 0 => continue,
            Err(StopError::Runs) => subject.without_stack(id, "it runs: its stack is in motion"),
            Err(error) => return Err(Failure::bad_input(error)),
        };
        inspection.notes.append(&mut notes);
        return Ok((snapshot, inspection));
    }
}
