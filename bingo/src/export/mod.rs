//! Traces and recordings for the viewers that people have: a file a format.
//!
//! In come the observations of an input, one by one; out go the bytes of the
//! format. Perfetto and `events.jsonl` tell of every event, so they are written
//! while the input is read, and a World would only be in the way. The others are
//! about blocked time: what a session gathers of it they write at the end.

mod blocked;
mod dot;
mod folded;
mod jsonl;
mod perfetto;
mod pprof;
mod speedscope;
#[cfg(test)]
mod tests;

use std::io;

use crate::model::Observation;

pub use blocked::{Blocked, Format, Picture};
pub use dot::dot;
pub use folded::{flamegraph, folded};
pub use jsonl::Jsonl;
pub use perfetto::Perfetto;
pub use pprof::pprof;
pub use speedscope::speedscope;

/// A format that is being written.
pub trait Export {
    /// Takes in what comes next.
    ///
    /// # Errors
    /// When it cannot be written; so for all of these.
    fn take(&mut self, observation: &Observation) -> io::Result<()>;

    /// Writes what is left, at the end of the input or at the place where it
    /// breaks off.
    ///
    /// # Errors
    /// As above.
    fn finish(&mut self) -> io::Result<()>;
}
