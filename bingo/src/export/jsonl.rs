//! `--to jsonl`: `events.jsonl`, with all frames, so that what is read back is
//! the World that the input was.

use std::io::{self, Write};

use super::Export;
use crate::model::{Header, Observation};
use crate::recording::EventWriter;

/// Bytes of lines that are written at once.
const BATCH: usize = 1 << 18;

/// Events as lines.
pub struct Jsonl<W>(EventWriter<W>);

impl<W: Write> Jsonl<W> {
    /// Has written the first line, which is about `header`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, header: &Header) -> io::Result<Jsonl<W>> {
        Ok(Jsonl(EventWriter::new(out, header, true)?))
    }
}

impl<W: Write> Export for Jsonl<W> {
    fn take(&mut self, observation: &Observation) -> io::Result<()> {
        match observation {
            Observation::Event(event) => self.0.event(event, None)?,
            Observation::Problem(problem) => self.0.problem(problem)?,
            Observation::Snapshot(_) => {}
        }
        if self.0.pending() >= BATCH { self.0.flush() } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
