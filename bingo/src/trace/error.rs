//! Why a trace cannot be read on, and where: the byte, the generation, the event.

use std::io;

use super::order::OrderFault;
use super::version::HeaderError;

/// Why a trace cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The bytes could not be had.
    #[error("the trace cannot be read beyond byte {offset}: {source}")]
    Read {
        /// How many bytes were read before.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// It is no trace of a known form.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It ends where it should go on.
    #[error("the trace is cut off at byte {offset}, in generation {generation}: {what}")]
    CutOff {
        /// How long it is.
        offset: u64,
        /// The generation that is not whole; 0 where none had begun.
        generation: u64,
        /// What is not whole.
        what: &'static str,
    },
    /// Its structure is broken: batches and tables.
    #[error("corrupt trace: {fault} (byte {offset}, generation {generation})")]
    Structure {
        /// The byte of the batch.
        offset: u64,
        /// The generation.
        generation: u64,
        /// What is wrong.
        fault: StructureFault,
    },
    /// Its events contradict each other.
    #[error("corrupt trace: {fault} (byte {offset}, generation {generation}, event {event})")]
    Order {
        /// The byte at which the event ends, or where its thread's next one begins.
        offset: u64,
        /// The generation.
        generation: u64,
        /// How many events were yielded before.
        event: u64,
        /// What is wrong.
        fault: OrderFault,
    },
}

/// What is wrong with a batch or a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StructureFault {
    /// Neither a batch nor an end mark.
    #[error("expected batch event, got event {0}")]
    NotABatch(u8),
    /// A batch larger than any the runtime writes.
    #[error("invalid batch size {0}, maximum is {max}", max = super::batch::MAX_BATCH)]
    BatchSize(u64),
    /// A number that no generation has here: 0, or not the next.
    #[error("batch of generation {found} where {expected} goes on")]
    Interleaved {
        /// The batch's.
        found: u64,
        /// The one being read.
        expected: u64,
    },
    /// More threads than any program has.
    #[error("more than {max} threads in one generation", max = super::generation::MAX_THREADS)]
    Threads,
    /// Another kind of event in a batch of one kind.
    #[error("expected {expected}, got event {found}")]
    Foreign {
        /// What the batch consists of.
        expected: &'static str,
        /// What was found.
        found: u8,
    },
    /// A batch ends within an entry, or a number has more than 64 bits.
    #[error("a {0} ends within its batch")]
    Unfinished(&'static str),
    /// A string or a stack longer than any the runtime writes.
    #[error("invalid {what} size {size}, maximum is {max}")]
    TooLong {
        /// What.
        what: &'static str,
        /// Its length.
        size: u64,
        /// The longest.
        max: u64,
    },
    /// An id larger than any the runtime gives.
    #[error("{what} {id}: no runtime counts so far")]
    IdTooLarge {
        /// Of what.
        what: &'static str,
        /// The id.
        id: u64,
    },
    /// Two with one id.
    #[error("multiple {what}s with the same ID: {id}")]
    Twice {
        /// What.
        what: &'static str,
        /// The id.
        id: u32,
    },
    /// A frame names a string that is not there.
    #[error("found invalid string ID {string} for the frame at {pc:#x}")]
    Dangling {
        /// The string.
        string: u32,
        /// The frame's pc.
        pc: u64,
    },
    /// Something that has to be there once.
    #[error("found multiple {0} events")]
    Again(&'static str),
    /// Something that has to be there.
    #[error("no {0} event found")]
    Missing(&'static str),
}

impl TraceError {
    /// Whether the trace just ends too early, and is not broken otherwise.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        matches!(self, TraceError::CutOff { .. } | TraceError::Header(HeaderError::Short(_)))
    }
}
