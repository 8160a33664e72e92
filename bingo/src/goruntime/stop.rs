//! One goroutine where it has stopped: its calls with the place of each frame, to
//! read variables by, and whether it still is there when they have been read.

use std::sync::Arc;

use super::code::{Code, CodeCache};
use super::fields::length;
use super::g::{G, Position, Status};
use super::reader::SnapshotReader;
use super::sudog::Sudog;
use super::unwind::{End, Progress, Walk};
use crate::memory::{Memory, MemoryError, Pages};
use crate::model::{Addr, GoId, Pc};

/// How much of a stack is read at a time, in bytes.
const WINDOW: u64 = 64 << 10;

/// A goroutine that has stopped.
#[derive(Clone, Debug)]
pub struct Stop {
    g: G,
    /// Its calls, innermost first.
    pub frames: Vec<FrameOf>,
    /// What the innermost has in the general registers, as DWARF numbers them.
    pub registers: Option<[u64; 16]>,
    /// The one channel that it is queued at, if it waits for one.
    pub channel: Option<Addr>,
    /// What kept its stack from being read to its end, if something did.
    pub trouble: Option<String>,
}

/// A frame of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameOf {
    /// The address of the code.
    pub pc: Pc,
    /// The stack pointer behind the frame's return address; not known of the outermost.
    pub end: Option<u64>,
}

/// Why a goroutine has no frames.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StopError {
    /// There is none of that number, or it has ended.
    #[error("there is no goroutine {0}")]
    None(GoId),
    /// It runs: what it is at is in a thread's registers.
    #[error("it runs")]
    Runs,
    /// Its memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl<M: Memory, C: Code> SnapshotReader<M, C> {
    /// Where the goroutine `id` of the last snapshot has stopped.
    ///
    /// # Errors
    /// [`StopError`]: where it has not, or cannot be read.
    pub fn stop_of(&self, id: GoId) -> Result<Stop, StopError> {
        let g = self.copy_of(id)?.ok_or(StopError::None(id))?;
        if g.status == Status::None || g.goid != id.0 {
            return Err(StopError::None(id));
        }
        let position = g.position().ok_or(StopError::Runs)?;
        let registers: Vec<u64> = self.running().registers(g.addr).collect();
        let registers = registers.try_into().ok().filter(|_| position.interrupted);
        Ok(self.walk(self.memory(), g, position, registers)?)
    }

    /// Whether the goroutine has not run since `stop` was read.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn is_still(&self, stop: &Stop) -> Result<bool, MemoryError> {
        let now = self.copy_at(stop.g.addr)?;
        Ok(now.is_some_and(|now| stop.g.same_stop(&now)))
    }

    /// Walks the stack of `g` from `position` on.
    pub(super) fn walk<R: Memory>(
        &self,
        memory: &R,
        g: G,
        position: Position,
        registers: Option<[u64; 16]>,
    ) -> Result<Stop, MemoryError> {
        let mut code = CodeCache::new(Arc::clone(self.code()));
        let mut walk = Walk::new(position, g.stack_lo, g.stack_hi).with_frames();
        let mut progress = walk.start();
        let end = loop {
            let at = match progress {
                Progress::Needs(at) => at,
                Progress::Ended(end) => break end,
            };
            let mut bytes = vec![0; length(walk.bytes_from(at).min(WINDOW))];
            match memory.read(at, &mut bytes) {
                Ok(()) => {}
                Err(MemoryError::Unreadable { .. }) => break End::Unreadable(at),
                Err(error) => return Err(error),
            }
            progress = walk.advance(at, &bytes, &mut code);
            if progress == Progress::Needs(at) {
                break End::Unreadable(at);
            }
        };
        let mut pages = Pages::new(memory);
        let queued = match g.status {
            Status::Waiting if !g.waiting.is_nil() => {
                Sudog::read(&self.runtime().layout, &mut pages, g.waiting)?
            }
            _ => None,
        };
        let alone = queued.filter(|one| one.waitlink.is_nil() && one.g == g.addr && !one.c.is_nil());
        let channel = alone.map(|one| one.c);
        let frames = walk.frames().map(|(pc, end)| FrameOf { pc, end }).collect();
        Ok(Stop { g, frames, registers, channel, trouble: (end != End::Outermost).then(|| end.to_string()) })
    }

    /// A copy of the `g` of the goroutine `id` of the last snapshot.
    pub(super) fn copy_of(&self, id: GoId) -> Result<Option<G>, MemoryError> {
        match self.address_of(id) {
            Some(addr) => self.copy_at(addr),
            None => Ok(None),
        }
    }

    fn copy_at(&self, addr: Addr) -> Result<Option<G>, MemoryError> {
        let layout = &self.runtime().layout;
        let mut bytes = vec![0; length(layout.g.size)];
        match self.memory().read(addr, &mut bytes) {
            Ok(()) => {
                let mut g = G::decode(layout, addr, &bytes);
                g.iter_mut().for_each(|g| self.running().complete(g));
                Ok(g)
            }
            Err(MemoryError::Unreadable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
