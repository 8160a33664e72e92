//! One goroutine, closely: where it has stopped comes in, with the program's DWARF
//! and memory; out come its calls with arguments and local variables, as a
//! [`crate::model::Inspection`].
//!
//! ```text
//!   goruntime::Stop ─▶ frames ─▶ binary::debug: calls and variables in scope
//!                                   │ where each is
//!                                   ▼
//!                      source ─▶ values ─┬▶ maps, channels, interfaces
//!                                        └▶ known: sync, time, context, errors
//! ```
//!
//! What is shown is what the program would print, or why it cannot be told: a
//! value that the compiler dropped, a register that nobody saved, a place that
//! holds something else at other times. Nothing is guessed.

mod aggregates;
mod expand;
mod frames;
mod interfaces;
mod known;
mod maps;
mod numbers;
mod object;
mod source;
mod sync;
mod values;
mod walk;

use crate::binary::Binary;
use crate::binary::debug::Debug;
use crate::binary::layout::Layout;
use crate::goruntime::{Code, Places, Stop};
use crate::memory::{Memory, MemoryError};
use crate::model::{Addr, Inspection, LoadBias, ObjectInspection, Snapshot};

pub use expand::{Path, PathError};
use frames::Frames;
use values::Values;

/// What is looked at.
pub struct Subject<'a, 'd, M, C> {
    /// The target's memory.
    pub memory: &'a M,
    /// Its code.
    pub code: &'a C,
    /// Its executable,
    pub binary: &'a Binary,
    /// and what the loader added to the executable's addresses.
    pub bias: LoadBias,
    /// Where its runtime's fields are.
    pub layout: &'a Layout,
    /// What its variables are; `None` where the executable has no DWARF.
    pub debug: Option<&'a Debug<'d>>,
    /// All goroutines, for who waits where.
    pub snapshot: &'a Snapshot,
}

impl<M: Memory, C: Code> Subject<'_, '_, M, C> {
    /// The frames of `stop` with their variables, and what `paths` name at more length.
    #[must_use]
    pub fn inspect(&self, goroutine: crate::model::GoId, stop: &Stop, paths: &[Path]) -> Inspection {
        let mut frames = Frames { subject: self, values: self.debug.map(|debug| Values::new(self, debug)) };
        let mut inspection = Inspection::of(goroutine);
        frames.read(stop, paths, &mut inspection);
        frames.package_variables(paths, &mut inspection);
        inspection.expanded = expand::meant(inspection.expanded);
        inspection.notes.extend(stop.trouble.clone());
        inspection
    }

    /// What is at `address`, and who refers to it.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn inspect_object(
        &self,
        places: &Places<'_, M, C>,
        address: Addr,
    ) -> Result<ObjectInspection, MemoryError> {
        object::of(self, places, address)
    }
}
