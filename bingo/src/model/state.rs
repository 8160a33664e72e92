//! The states of a goroutine, those of Go's trace API.

use std::fmt;

/// A goroutine's state (`internal/trace.GoState`, Go 1.22 on).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GoState {
    /// On a run queue.
    Runnable,
    /// On a thread, executing Go code.
    Running,
    /// Parked, until somebody readies it (Go: `GoWaiting`).
    Blocked,
    /// On a thread, in a system call or in C.
    Syscall,
    /// Gone.
    Dead,
}

impl GoState {
    /// The word in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            GoState::Runnable => "runnable",
            GoState::Running => "running",
            GoState::Blocked => "blocked",
            GoState::Syscall => "syscall",
            GoState::Dead => "dead",
        }
    }
}

impl fmt::Display for GoState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
