//! A goroutine as a search sees it: what of its `g` is needed to read its stack, and to
//! tell whether it has gone on since. A search keeps all of them, so that is kept short.

use std::ops::Range;

use super::roots::Held;
use crate::goruntime::g::{G, Position, Status};
use crate::model::{Addr, GoId};

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stopped {
    /// Where its `g` is.
    pub(super) addr: Addr,
    pub(super) id: GoId,
    pub(super) status: Status,
    /// The first sudog that it is parked with.
    pub(super) waiting: Addr,
    stack: (u64, u64),
    pc: u64,
    sp: u64,
    at: At,
    /// How often it has left its processor, modulo 256.
    turns: u8,
    /// What the `g` refers to; most refer to nothing.
    held: Option<Box<Held>>,
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
        let at = match position {
            None => At::Unknown,
            Some(Position { interrupted: false, .. }) => At::Call,
            Some(Position { interrupted: true, .. }) => At::Interrupted,
        };
        Stopped {
            addr: g.addr,
            id: GoId(g.goid),
            status: g.status,
            waiting: g.waiting,
            stack: (g.stack_lo, g.stack_hi),
            pc: position.map_or(0, |position| position.pc),
            sp: position.map_or(0, |position| position.sp),
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
        self.status == Status::Running && self.has_position()
    }

    /// Whether it is parked, and has not run between the two.
    pub(super) fn is_at_rest_like(&self, after: &Stopped) -> bool {
        self.status == Status::Waiting && self == after
    }

    /// The code address that it stopped at, and whether that is any instruction, if its
    /// stack pointer is `sp`.
    pub(super) fn innermost(&self, sp: u64) -> Option<(u64, bool)> {
        let known = self.has_position() && self.pc != 0 && self.sp == sp;
        known.then_some((self.pc, self.at == At::Interrupted))
    }

    /// The part of its stack that it uses; all of it where that is not known.
    pub(super) fn in_use(&self) -> Range<u64> {
        let (low, high) = self.stack;
        let start = if self.has_position() && (low..high).contains(&self.sp) { self.sp } else { low };
        // The address where it runs counts in words.
        let step = if self.status == Status::Running { 8 } else { 1 };
        start.next_multiple_of(step)..high.max(start)
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
