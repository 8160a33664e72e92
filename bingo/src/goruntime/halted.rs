//! A goroutine that runs, while its thread stands still: where it is, what it has in
//! registers, and a copy of its stack, all of one moment. The thread may go on then;
//! what is left to do, to walk the stack, takes the copy.

use super::code::Code;
use super::fields::length;
use super::g::{G, Position, Status};
use super::reader::SnapshotReader;
use super::running::Running;
use super::stop::{Stop, StopError};
use crate::memory::{Memory, MemoryError, Overlay, Registers};
use crate::model::{Addr, GoId};

/// So much of a stack is copied, in bytes: with more the thread would stand too long.
const COPIED: u64 = 256 << 10;

/// What was read of a goroutine while its thread stood still.
pub struct Halted {
    g: G,
    position: Position,
    registers: Option<[u64; 16]>,
    stack: (Addr, Vec<u8>),
}

impl<M: Memory, C: Code> SnapshotReader<M, C> {
    /// What the goroutine `id` of the last snapshot is at, on a thread that stands
    /// still, has the number `thread` in its own process, and these registers.
    ///
    /// # Errors
    /// [`StopError::Runs`] where it is on that thread no longer, or nothing tells
    /// where it left its stack: it may do so the next time.
    pub fn halted(&self, id: GoId, thread: u64, registers: Registers) -> Result<Halted, StopError> {
        let mut g = self.copy_of(id)?.ok_or(StopError::None(id))?;
        if g.status == Status::None || g.goid != id.0 {
            return Err(StopError::None(id));
        }
        let layout = &self.runtime().layout;
        let mut number = [0; 8];
        let is_there = g.status == Status::Running
            && self.memory().read(g.m.offset(layout.m.procid), &mut number).is_ok()
            && u64::from_le_bytes(number) == thread;
        let allm = self.runtime().allm.filter(|_| is_there).ok_or(StopError::Runs)?;
        let running = Running::find(self.memory(), layout, allm, &[(thread, Some(registers))])?;
        running.complete(&mut g);
        let position = g.position().ok_or(StopError::Runs)?;
        let size = g.stack_hi.saturating_sub(position.sp).min(COPIED);
        let mut copy = vec![0; length(size)];
        self.memory().read(Addr(position.sp), &mut copy)?;
        let general: Vec<u64> = running.registers(g.addr).collect();
        let registers = general.try_into().ok().filter(|_| position.interrupted);
        Ok(Halted { g, position, registers, stack: (Addr(position.sp), copy) })
    }

    /// Its frames, by the copy of its stack.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn stop_of_halted(&self, halted: &Halted) -> Result<Stop, MemoryError> {
        self.walk(&halted.over(self.memory()), halted.g, halted.position, halted.registers)
    }
}

impl Halted {
    /// `memory` as it was when the thread stood still, as far as it is the stack's.
    pub fn over<'a, M: Memory>(&self, memory: &'a M) -> Overlay<'a, M> {
        let (at, copy) = &self.stack;
        Overlay::new(memory, *at, copy.clone())
    }
}
