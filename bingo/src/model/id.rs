//! Identities of goroutines and threads.

use std::fmt;

/// A goroutine's id: `runtime.g.goid`, never reused within a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GoId(pub u64);

impl GoId {
    /// The goroutine that runs `main.main`: `runtime.main` is started before any other one
    /// (`runtime/asm_*.s`, `rt0_go`).
    pub const MAIN: GoId = GoId(1);
}

/// A kernel thread's id (tid), as the host sees it: `runtime.m.procid`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ThreadId(pub u64);

impl fmt::Display for GoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
