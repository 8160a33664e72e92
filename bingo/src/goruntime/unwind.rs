//! From a stopped goroutine's program counter and stack bytes to its calls'
//! addresses, without reading anything itself.
//!
//! ```text
//!   hi ┌──────────────────────────┐
//!      │ goexit's return address  │  the outermost call
//!      │ frame of the caller      │
//!      ├──────────────────────────┤
//!      │ return address           │ ◀ sp + frame size of pc: the caller's pc
//!      │ saved frame pointer      │
//!      │ locals                   │
//!   sp ├──────────────────────────┤
//!      │ not in use               │
//!   lo └──────────────────────────┘
//! ```
//!
//! Frames are measured by the function table, the way the runtime itself does
//! it: that is exact at every instruction, in functions without a frame and in
//! prologues, where the frame pointer still is the caller's. Where the table is
//! silent (C, some assembly) the frame pointer that the callee saved goes on.

use super::code::{Code, CodeCache, Unwind};
use super::g::Position;
use crate::model::{Addr, Pc};

/// More calls than this are cut off: with the smallest frame that a recursion
/// has it is 1 MiB of stack.
pub(super) const DEPTH: usize = 1 << 16;

/// Few stacks have more calls.
const USUAL: usize = 16;

/// A walk over one stack, which stops where it needs bytes that it has not got.
#[derive(Debug)]
pub(super) struct Walk {
    pc: u64,
    sp: u64,
    bp: u64,
    lo: u64,
    hi: u64,
    /// Whether what comes next stopped at an instruction: a signal called the last
    /// function seen, or nothing was called.
    injected: bool,
    pcs: Vec<Pc>,
    /// Where the frame of each call ends, where that is asked for.
    ends: Option<Vec<u64>>,
}

/// What a walk is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// It needs the stack from this address on.
    Needs(Addr),
    /// It is over.
    Ended(End),
}

/// How a stack ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum End {
    /// At the outermost function: whole.
    #[error("whole")]
    Outermost,
    /// At an address that no table knows.
    #[error("stack leads to unknown code at {0}")]
    UnknownCode(Addr),
    /// At an address outside the stack's bounds.
    #[error("stack leads out of its bounds at {0}")]
    OutOfBounds(Addr),
    /// Bytes of it could not be read.
    #[error("stack unreadable at {0}")]
    Unreadable(Addr),
    /// At more than [`DEPTH`] calls.
    #[error("stack deeper than 65536 calls, cut off")]
    TooDeep,
}

impl Walk {
    /// A walk from `from` over the stack `[lo, hi)`.
    pub(super) fn new(from: Position, lo: u64, hi: u64) -> Walk {
        Walk {
            pc: from.pc,
            sp: from.sp,
            bp: from.bp,
            lo,
            hi,
            injected: from.interrupted,
            pcs: Vec::with_capacity(USUAL),
            ends: None,
        }
    }

    /// The same, noting where each frame ends: see [`Walk::frames`].
    pub(super) fn with_frames(self) -> Walk {
        Walk { ends: Some(Vec::new()), ..self }
    }

    /// Where it needs the stack from at first.
    pub(super) fn start(&self) -> Progress {
        if self.sp < self.lo || self.sp >= self.hi {
            return Progress::Ended(End::OutOfBounds(Addr(self.sp)));
        }
        Progress::Needs(Addr(self.sp))
    }

    /// How many bytes of stack there are from `addr` on.
    pub(super) fn bytes_from(&self, addr: Addr) -> u64 {
        self.hi.saturating_sub(addr.0)
    }

    /// The calls found so far, innermost first.
    pub(super) fn pcs(&self) -> &[Pc] {
        &self.pcs
    }

    /// The calls found so far, innermost first, each with the stack pointer behind
    /// its return address (DWARF's canonical frame address). Of the outermost that
    /// is not known.
    pub(super) fn frames(&self) -> impl Iterator<Item = (Pc, Option<u64>)> {
        let ends = self.ends.iter().flatten().copied().map(Some);
        self.pcs.iter().copied().zip(ends.chain(std::iter::repeat(None)))
    }

    /// Goes on with the stack's bytes from `base` on.
    pub(super) fn advance<C: Code>(
        &mut self,
        base: Addr,
        window: &[u8],
        code: &mut CodeCache<C>,
    ) -> Progress {
        loop {
            if self.pc == 0 && self.pcs.is_empty() {
                // A call of a nil function: the caller's address is on top.
                match self.pop(self.sp, base, window) {
                    Ok(pc) => self.pc = pc,
                    Err(progress) => return progress,
                }
            }
            let Some(point) = code.point(Addr(self.pc)) else {
                return Progress::Ended(End::UnknownCode(Addr(self.pc)));
            };
            let slot = match point.unwind {
                Unwind::Frame(size) | Unwind::SpWritten(size) => self.sp.saturating_add(u64::from(size)),
                Unwind::Unknown if self.bp > self.sp => self.bp.saturating_add(8),
                Unwind::Outermost => {
                    self.push(point.entry);
                    return Progress::Ended(End::Outermost);
                }
                Unwind::Unknown => {
                    self.push(point.entry);
                    return Progress::Ended(End::UnknownCode(Addr(self.pc)));
                }
            };
            let saved_bp = slot.checked_sub(8).filter(|&at| at >= self.sp);
            let saved_bp = saved_bp.map(|at| self.word(at, base, window));
            let caller = match self.word(slot, base, window) {
                Ok(pc) => pc,
                Err(progress) => return progress,
            };
            if self.pcs.len() >= DEPTH {
                return Progress::Ended(End::TooDeep);
            }
            self.push(point.entry);
            self.injected = point.injected;
            if let Some(Ok(bp)) = saved_bp {
                self.bp = bp;
            }
            self.pc = caller;
            self.sp = slot.saturating_add(8);
            if let Some(ends) = &mut self.ends {
                ends.push(self.sp);
            }
        }
    }

    /// Notes the call that the walk is at; it stopped at an instruction where a
    /// signal or the start of a goroutine put it (`unwinder.symPC`, Go 1.27).
    fn push(&mut self, entry: Addr) {
        let addr = Addr(self.pc);
        self.pcs.push(if self.injected || addr == entry { Pc::Instruction(addr) } else { Pc::Return(addr) });
    }

    fn pop(&mut self, slot: u64, base: Addr, window: &[u8]) -> Result<u64, Progress> {
        let word = self.word(slot, base, window)?;
        self.sp = slot.saturating_add(8);
        Ok(word)
    }

    fn word(&self, at: u64, base: Addr, window: &[u8]) -> Result<u64, Progress> {
        if at < self.lo || at.checked_add(8).is_none_or(|end| end > self.hi) {
            return Err(Progress::Ended(End::OutOfBounds(Addr(at))));
        }
        let offset = at.checked_sub(base.0).and_then(|offset| usize::try_from(offset).ok());
        let bytes = offset.and_then(|offset| window.get(offset..)?.first_chunk());
        // From sp on, so that the saved frame pointer comes with it.
        bytes
            .map(|&word| u64::from_le_bytes(word))
            .ok_or(Progress::Needs(Addr(at.saturating_sub(8).max(self.sp))))
    }
}
