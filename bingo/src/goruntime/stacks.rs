//! Stacks, kept once each: a list of code addresses comes in, the named calls
//! and what follows from their names come out. Ten thousand goroutines in one
//! loop have one stack.

use std::collections::HashMap;

use super::code::Code;
use super::lock::LockCall;
use crate::model::{Pc, Stack};

/// When the stacks kept have more calls than this together, all are forgotten:
/// those in use are still held by who uses them.
const CALLS_KEPT: usize = 1 << 21;

/// A stack and what its functions' names say.
#[derive(Clone, Debug)]
pub(super) struct KnownStack {
    pub(super) stack: Stack,
    /// The lock operation that it is in.
    pub(super) lock_call: LockCall,
    /// Whether a function outside package runtime is on it.
    pub(super) leaves_runtime: bool,
}

impl KnownStack {
    /// Equal for goroutines with the same stack.
    pub(super) fn id(&self) -> usize {
        self.stack.frames().as_ptr().addr()
    }
}

/// All stacks seen.
#[derive(Default)]
pub(super) struct Stacks {
    known: HashMap<Box<[Pc]>, KnownStack, foldhash::fast::FixedState>,
    calls: usize,
}

impl Stacks {
    /// The stack of these calls, innermost first.
    pub(super) fn intern(&mut self, pcs: &[Pc], code: &impl Code) -> KnownStack {
        if let Some(known) = self.known.get(pcs) {
            return known.clone();
        }
        if self.calls.saturating_add(pcs.len()) > CALLS_KEPT {
            self.known.clear();
            self.calls = 0;
        }
        let stack = code.stack(pcs);
        let frames = stack.frames();
        let known = KnownStack {
            lock_call: LockCall::of(frames),
            leaves_runtime: frames.iter().any(|frame| !frame.function.starts_with("runtime.")),
            stack,
        };
        self.calls += pcs.len();
        self.known.insert(pcs.into(), known.clone());
        known
    }
}
