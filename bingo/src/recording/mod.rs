//! `events.jsonl`: events go in, lines come out, as scripts and editors read
//! them (`bingo_events` 1); lines go in, the same events come out. A key that does not apply is absent; a number over
//! 2^53 is a string; a key's meaning never changes.

mod jsonl;
mod line;
mod read;
mod stacks;
pub mod wire;

#[cfg(test)]
mod tests;

pub use jsonl::EventWriter;
pub use read::{EventReader, RecordingError};
