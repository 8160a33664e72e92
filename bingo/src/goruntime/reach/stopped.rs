//! A goroutine as a search sees it: what of its `g` is needed to read its stack, and to
//! tell whether it has gone on since. A search keeps all of them, so that is kept short.

use std::ops::Range;

use super::roots::Held;
use crate::goruntime::g::{G, Position, Status};
use crate::model::{Addr, GoId};

/// Where it is not known how much of a stack is used.
const NOT_KNOWN: u32 = u32::MAX;

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stopped {
    /// Where its `g` is.
    pub(super) addr: Addr,
    pub(super) id: GoId,
    /// Where its stack begins, and how many bytes it has.
    stack: u64,
    size: u32,
    /// The part of that which it does not use, where that is known.
    unused: u32,
    pc: u64,
    doing: Doing,
    at: At,
    /// How often it has left its processor, modulo 256.
    turns: u8,
    /// What the `g` refers to; most refer to nothing.
    held: Option<Box<Held>>,
}

/// What it does, as far as that matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    Runs,
    Waits,
    Else,
}

/// What is known of where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Unknown,
    Call,
    /// At any instruction.
    Interrupted,
}

impl Stopped {
    /// The one of which `g` is a copy, which refers to what is `held`.
    pub(super) fn new(g: &G, held: Held) -> Stopped {
        let position = g.position();
        let (stack, size) = (g.stack_lo, short(g.stack_hi.saturating_sub(g.stack_lo)));
        let unused = position.map(|position| position.sp.wrapping_sub(stack));
        let doing = match g.status {
            Status::Running => Doing::Runs,
            Status::Waiting => Doing::Waits,
            _ => Doing::Else,
        };
        let at = match position {
            None => At::Unknown,
            Some(Position { interrupted: false, .. }) => At::Call,
            Some(Position { interrupted: true, .. }) => At::Interrupted,
        };
        Stopped {
            addr: g.addr,
            id: GoId(g.goid),
            stack,
            size,
            unused: unused.filter(|&unused| unused < u64::from(size)).map_or(NOT_KNOWN, short),
            pc: position.map_or(0, |position| position.pc),
            doing,
            at,
            turns: g.tracking_seq,
            held: (held != Held::default()).then(|| Box::new(held)),
        }
    }

    /// Whether it is known where it is.
    pub(super) fn has_position(&self) -> bool {
        self.at != At::Unknown
    }

    /// Whether it runs, and it is known where.
    pub(super) fn runs_at(&self) -> bool {
        self.doing == Doing::Runs && self.has_position()
    }

    /// Whether it is parked, and has not run between the two.
    pub(super) fn is_at_rest_like(&self, after: &Stopped) -> bool {
        self.doing == Doing::Waits && self == after
    }

    /// The code address that it stopped at, and whether that is any instruction, if its
    /// stack pointer is `sp`.
    pub(super) fn innermost(&self, sp: u64) -> Option<(u64, bool)> {
        let known = self.has_position() && self.pc != 0 && self.sp() == Some(sp);
        known.then_some((self.pc, self.at == At::Interrupted))
    }

    /// The part of its stack that it uses; all of it where that is not known.
    pub(super) fn in_use(&self) -> Range<u64> {
        let start = self.sp().unwrap_or(self.stack);
        let end = self.stack.saturating_add(u64::from(self.size));
        // The address where it runs counts in words.
        let step = if self.doing == Doing::Runs { 8 } else { 1 };
        let start = start.checked_next_multiple_of(step).unwrap_or(end);
        start..end.max(start)
    }

    /// Its stack pointer, where that is known and on its stack.
    fn sp(&self) -> Option<u64> {
        let unused = Some(self.unused).filter(|&unused| unused != NOT_KNOWN)?;
        self.stack.checked_add(u64::from(unused))
    }

    /// The words that its `g` holds.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        self.held.iter().flat_map(|held| held.words())
    }

    /// The innermost deferred call; 0 for none.
    pub(super) fn defers(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.defers)
    }
}

/// No stack has so many bytes that this is another number.
// go: runtime.maxstacksize (1.19-1.27)
fn short(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
