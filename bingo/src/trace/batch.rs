//! The outermost structure of a trace: batches, each of one thread. In: the
//! bytes of a trace behind its header. Out: each batch's header, then its body.
//!
//! Source: `internal/trace/batch.go`, Go 1.27.

use std::io::{self, BufRead, BufReader, Read};

use super::bytes::Bytes;
use super::error::{StructureFault, TraceError};
use super::spec::EventType;

/// The largest body of a batch.
pub(super) const MAX_BATCH: u64 = 64 << 10;

/// What stands before a batch's body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchHeader {
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Of which experiment; 0: of none.
    pub(super) experiment: u8,
    /// The generation.
    pub(super) generation: u64,
    /// Whose; -1: nobody's.
    pub(super) thread: i64,
    /// The time before its first event, in the trace's units.
    pub(super) time: u64,
    /// The length of the body.
    pub(super) size: usize,
}

/// What comes next in a trace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// A batch: its body follows.
    Batch(BatchHeader),
    /// The end mark of a generation.
    EndOfGeneration,
    /// Nothing.
    End,
}

/// The bytes of a trace, and how many were taken.
pub(super) struct Input<'r> {
    bytes: BufReader<Bytes<'r>>,
    offset: u64,
    /// The generation that is being read, for messages.
    pub(super) generation: u64,
}

impl<'r> Input<'r> {
    /// The bytes of a trace from `offset` on.
    pub(super) fn new(bytes: Bytes<'r>, offset: u64) -> Input<'r> {
        let capacity = bytes.worth_reading();
        Input { bytes: BufReader::with_capacity(capacity, bytes), offset, generation: 0 }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The header of the next batch.
    pub(super) fn next(&mut self) -> Result<Next, TraceError> {
        let offset = self.offset;
        let Some(kind) = self.byte()? else { return Ok(Next::End) };
        match EventType(kind) {
            EventType::END_OF_GENERATION => return Ok(Next::EndOfGeneration),
            EventType::EVENT_BATCH | EventType::EXPERIMENTAL_BATCH => {}
            _ => return Err(self.fault(offset, StructureFault::NotABatch(kind))),
        }
        let experiment = match EventType(kind) {
            EventType::EXPERIMENTAL_BATCH => self.byte()?.ok_or_else(|| self.cut("a batch's header"))?,
            _ => 0,
        };
        let generation = self.uvarint()?;
        let thread = self.uvarint()?.cast_signed();
        let time = self.uvarint()?;
        let size = self.uvarint()?;
        let fits = usize::try_from(size).ok().filter(|_| size <= MAX_BATCH);
        let size = fits.ok_or_else(|| self.fault(offset, StructureFault::BatchSize(size)))?;
        Ok(Next::Batch(BatchHeader { offset, experiment, generation, thread, time, size }))
    }

    /// Appends the body of a batch, `size` bytes, to `out`; on an error `out`
    /// holds what could be had of it.
    pub(super) fn body(&mut self, size: usize, out: &mut Vec<u8>) -> Result<(), TraceError> {
        let wanted = u64::try_from(size).unwrap_or(u64::MAX);
        let got = (&mut self.bytes).take(wanted).read_to_end(out);
        let got = got.map_err(|source| TraceError::Read { offset: self.offset, source })?;
        self.offset += u64::try_from(got).unwrap_or(u64::MAX);
        if got < size { Err(self.cut("a batch")) } else { Ok(()) }
    }

    /// The first byte of what follows, if there is any.
    pub(super) fn peek(&mut self) -> Option<u8> {
        // What cannot be read now is told when it is to be taken.
        self.bytes.fill_buf().ok().and_then(|ready| ready.first()).copied()
    }

    /// Passes over the body of a batch, `size` bytes.
    pub(super) fn pass(&mut self, size: usize) -> Result<(), TraceError> {
        let at_hand = self.bytes.buffer().len().min(size);
        self.bytes.consume(at_hand);
        let [at_hand, rest] = [at_hand, size - at_hand].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        self.offset += at_hand;
        if rest == 0 {
            return Ok(());
        }
        // What was read before it is wanted is all passed.
        let passed = self.bytes.get_mut().pass(rest);
        let passed = passed.map_err(|source| TraceError::Read { offset: self.offset, source })?;
        self.offset += passed;
        if passed < rest { Err(self.cut("a batch")) } else { Ok(()) }
    }

    pub(super) fn fault(&self, offset: u64, fault: StructureFault) -> TraceError {
        TraceError::Structure { offset, generation: self.generation, fault }
    }

    pub(super) fn cut(&self, what: &'static str) -> TraceError {
        TraceError::CutOff { offset: self.offset, generation: self.generation, what }
    }

    fn byte(&mut self) -> Result<Option<u8>, TraceError> {
        loop {
            match self.bytes.fill_buf() {
                Ok(ready) => {
                    let byte = ready.first().copied();
                    if byte.is_some() {
                        self.bytes.consume(1);
                        self.offset += 1;
                    }
                    return Ok(byte);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(TraceError::Read { offset: self.offset, source }),
            }
        }
    }

    fn uvarint(&mut self) -> Result<u64, TraceError> {
        let mut value = 0;
        let begin = self.offset;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?.ok_or_else(|| self.cut("a batch's header"))?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fault(begin, StructureFault::Unfinished("batch's header")))
    }
}
