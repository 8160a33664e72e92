//! A close look at one goroutine of a process or a core. Of a process it is repeated
//! until the goroutine did not run while it was read, so that all of its variables
//! are of one moment; one that runs has its thread stopped for its registers.

use crate::binary::Binary;
use crate::binary::debug::{Debug, DebugSections};
use crate::goruntime::{BinaryCode, CoreSource, Places, SnapshotReader, Stop, StopError};
use crate::inspect::{Path, Subject};
use crate::memory::Memory;
use crate::model::{Addr, GoId, Inspection, LoadBias, ObjectInspection, Snapshot};

use super::Failure;

/// So often it is read anew when it ran meanwhile.
#[cfg(all(target_os = "linux", feature = "live"))]
const TRIES: usize = 8;

/// What is looked for, and in which program.
struct Sought<'a, 'd> {
    id: GoId,
    paths: &'a [Path],
    binary: &'a Binary,
    bias: LoadBias,
    debug: Option<&'a Debug<'d>>,
}

impl Sought<'_, '_> {
    /// The frames of `stop`, read through `memory`.
    fn inspect<R: Memory, M: Memory>(
        &self,
        reader: &SnapshotReader<R, BinaryCode>,
        memory: &M,
        snapshot: &Snapshot,
        stop: &Stop,
    ) -> Inspection {
        let subject = Subject {
            memory,
            code: &**reader.code(),
            binary: self.binary,
            bias: self.bias,
            layout: &reader.runtime().layout,
            debug: self.debug,
            snapshot,
        };
        subject.inspect(self.id, stop, self.paths)
    }

    /// That the goroutine is among those of `snapshot`.
    fn is_in(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        if snapshot.goroutines.iter().any(|goroutine| goroutine.id == self.id) {
            return Ok(());
        }
        Err(Failure::bad_input(format!("there is no goroutine {}", self.id))
            .remedy("`bingo dump --each` lists those that there are"))
    }
}

/// What is looked at, and all that is known of it.
struct Around<'a, 'd, M> {
    reader: &'a SnapshotReader<M, BinaryCode>,
    binary: &'a Binary,
    bias: LoadBias,
    debug: Option<&'a Debug<'d>>,
    snapshot: &'a Snapshot,
}

impl<M: Memory> Around<'_, '_, M> {
    /// What is at `address`, and who refers to it.
    fn object(&self, address: Addr) -> Result<ObjectInspection, Failure> {
        let subject = Subject {
            memory: self.reader.memory(),
            code: &**self.reader.code(),
            binary: self.binary,
            bias: self.bias,
            layout: &self.reader.runtime().layout,
            debug: self.debug,
            snapshot: self.snapshot,
        };
        let places = Places::read(self.reader).map_err(Failure::bad_input)?;
        let places = places.ok_or_else(|| {
            Failure::bad_input("the program's heap is not found: nothing can be told of its objects")
        })?;
        subject.inspect_object(&places, address).map_err(Failure::bad_input)
    }
}

/// The DWARF of `binary`, or why there is none.
pub(super) fn sections(binary: &Binary) -> Result<DebugSections, String> {
    match DebugSections::of(binary) {
        Ok(Some(sections)) => Ok(sections),
        Ok(None) => {
            Err("the program has no DWARF (-ldflags=-w or -s): of variables no more is known".to_owned())
        }
        Err(error) => Err(format!("no variables: the program's DWARF cannot be read: {error}")),
    }
}

/// Opens the DWARF and has `look` look; why there is none is added to what it finds.
fn with_debug<T, I: Notes>(
    binary: &Binary,
    look: impl FnOnce(Option<&Debug<'_>>) -> Result<(T, I), Failure>,
) -> Result<(T, I), Failure> {
    let sections = sections(binary);
    let debug = match &sections {
        Ok(sections) => Debug::new(sections).map_err(|error| format!("no variables: {error}")),
        Err(why) => Err(why.clone()),
    };
    let (found, mut inspection) = look(debug.as_ref().ok())?;
    inspection.notes().extend(debug.err());
    Ok((found, inspection))
}

/// What has notes on what is not shown.
trait Notes {
    fn notes(&mut self) -> &mut Vec<String>;
}

impl Notes for Inspection {
    fn notes(&mut self) -> &mut Vec<String> {
        &mut self.notes
    }
}

impl Notes for ObjectInspection {
    fn notes(&mut self) -> &mut Vec<String> {
        &mut self.notes
    }
}

/// All goroutines of a core, and what it has at `address`.
pub(super) fn object_of_core(
    source: &mut CoreSource,
    address: Addr,
) -> Result<(Snapshot, ObjectInspection), Failure> {
    let binary = std::sync::Arc::clone(source.binary());
    with_debug(&binary, |debug| {
        let snapshot = source.close_snapshot().map_err(Failure::bad_input)?;
        let bias = source.load_bias();
        let around = Around { reader: source.reader(), binary: &binary, bias, debug, snapshot: &snapshot };
        let object = around.object(address)?;
        Ok((snapshot, object))
    })
}

/// All goroutines of a process, and what it has at `address`. It runs on meanwhile.
#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn object_of_process(
    source: &mut crate::goruntime::ProcessSource,
    address: Addr,
) -> Result<(Snapshot, ObjectInspection), Failure> {
    let binary = std::sync::Arc::clone(source.binary());
    with_debug(&binary, |debug| {
        let snapshot = super::target::close_snapshot(source, super::outside::monotonic())?;
        let bias = source.target().load_bias();
        let around = Around { reader: source.reader(), binary: &binary, bias, debug, snapshot: &snapshot };
        let object = around.object(address)?;
        Ok((snapshot, object))
    })
}

/// All goroutines of a core, and this one closely.
pub(super) fn of_core(
    source: &mut CoreSource,
    id: GoId,
    paths: &[Path],
) -> Result<(Snapshot, Inspection), Failure> {
    let binary = std::sync::Arc::clone(source.binary());
    with_debug(&binary, |debug| {
        let snapshot = source.close_snapshot().map_err(Failure::bad_input)?;
        let sought = Sought { id, paths, binary: &binary, bias: source.load_bias(), debug };
        sought.is_in(&snapshot)?;
        let reader = source.reader();
        let inspection = match reader.stop_of(id) {
            Ok(stop) => sought.inspect(reader, reader.memory(), &snapshot, &stop),
            Err(StopError::Runs) => without_stack(id, "it ran: where is not told by the core's registers"),
            Err(error) => return Err(Failure::bad_input(error)),
        };
        Ok((snapshot, inspection))
    })
}

fn without_stack(id: GoId, why: &str) -> Inspection {
    let mut inspection = Inspection::of(id);
    inspection.notes.push(why.to_owned());
    inspection
}

/// All goroutines of a process, and this one closely.
#[cfg(all(target_os = "linux", feature = "live"))]
pub(super) fn of_process(
    source: &mut crate::goruntime::ProcessSource,
    id: GoId,
    paths: &[Path],
) -> Result<(Snapshot, Inspection), Failure> {
    use super::{outside, target};

    let binary = std::sync::Arc::clone(source.binary());
    with_debug(&binary, |debug| {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let snapshot = target::close_snapshot(source, outside::monotonic())?;
            let bias = source.target().load_bias();
            let sought = Sought { id, paths, binary: &binary, bias, debug };
            sought.is_in(&snapshot)?;
            let reader = source.reader();
            match reader.stop_of(id) {
                Ok(stop) => {
                    let mut inspection = sought.inspect(reader, reader.memory(), &snapshot, &stop);
                    let still = reader.is_still(&stop).map_err(Failure::bad_input)?;
                    if !still && tries > 0 {
                        continue;
                    }
                    if !still {
                        inspection.notes.push(
                            "it ran while it was read, each time: its variables may be of several moments"
                                .to_owned(),
                        );
                    }
                    return Ok((snapshot, inspection));
                }
                Err(StopError::Runs) => match of_running(source, &sought, &snapshot) {
                    Ok(Some(inspection)) => return Ok((snapshot, inspection)),
                    Ok(None) if tries > 0 => {}
                    Ok(None) => return Ok((snapshot, without_stack(id, "it runs, on no stack of its own"))),
                    Err(why) => return Ok((snapshot, without_stack(id, &format!("it runs: {why}")))),
                },
                Err(StopError::None(_)) if tries > 0 => {}
                Err(error) => return Err(Failure::bad_input(error)),
            }
        }
    })
}

/// A goroutine that runs, by stopping its thread; nothing where it is on that thread
/// no longer.
#[cfg(all(target_os = "linux", feature = "live"))]
fn of_running(
    source: &crate::goruntime::ProcessSource,
    sought: &Sought<'_, '_>,
    snapshot: &Snapshot,
) -> Result<Option<Inspection>, String> {
    use crate::memory::StoppedThread;

    let goroutine = snapshot.goroutines.iter().find(|goroutine| goroutine.id == sought.id);
    let Some(thread) = goroutine.and_then(|goroutine| goroutine.thread) else { return Ok(None) };
    let threads = source.target().threads().map_err(|error| error.to_string())?;
    let own = threads.iter().find(|(_, host)| *host == thread).map_or(thread.0, |(own, _)| *own);
    let reader = source.reader();
    let stopped = StoppedThread::stop(thread.0).map_err(|error| error.to_string())?;
    let halted = stopped.registers().map(|registers| (registers, reader.halted(sought.id, own, registers)));
    let stopped_for = stopped.release();
    let (registers, halted) = halted.map_err(|error| error.to_string())?;
    let halted = match halted {
        Ok(halted) => halted,
        Err(StopError::Runs | StopError::None(_)) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let stop = reader.stop_of_halted(&halted).map_err(|error| error.to_string())?;
    let memory = halted.over(reader.memory());
    let mut inspection = sought.inspect(reader, &memory, snapshot, &stop);
    inspection.stopped_for = Some(stopped_for);
    inspection.registers = named(&registers);
    Ok(Some(inspection))
}

/// The registers by name, as DWARF numbers them, and where it executes.
#[cfg(all(target_os = "linux", feature = "live"))]
fn named(registers: &crate::memory::Registers) -> Vec<(&'static str, u64)> {
    const NAMES: [&str; 16] = [
        "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ];
    let general = NAMES.into_iter().zip(registers.general);
    general.chain([("rip", registers.pc)]).collect()
}
