//! Memory that goroutines share, as the source tells: who gets at it, and that
//! nothing in the source says who comes first.

use std::sync::Arc;

use super::Frame;

/// Memory that two goroutines may get at without an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shared {
    /// What the source calls it: `total`, `s.visits`.
    pub name: Arc<str>,
    /// By what it is got at: the first one is a write.
    pub uses: [SharedUse; 2],
}

/// An access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedUse {
    /// Whether it changes what is there.
    pub write: bool,
    /// Where it stands.
    pub at: Frame,
    /// The `go` statement that made who does it; `None`: it is the one who made the
    /// other.
    pub made_at: Option<MadeAt>,
}

/// The lines of a `go` statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MadeAt {
    /// The function that it is in.
    pub function: Arc<str>,
    /// Its file.
    pub file: Arc<str>,
    /// Its first line.
    pub line: u32,
    /// Its last line.
    pub end: u32,
}
