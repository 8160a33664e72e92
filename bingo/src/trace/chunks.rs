//! A trace's events by the thousand, of one generation each, so that they are put
//! in order by one thread while another makes something of them. In: the bytes of
//! a trace. Out: [`Chunk`]s of the events that their reader asked for, in order.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use super::error::TraceError;
use super::event::TraceEvent;
use super::reader::{CutOff, Reader};
use super::spec::EventType;
use super::tables::Tables;
use super::version::Version;

/// Events of a chunk: few enough for a processor's cache to hold some chunks.
const EVENTS: usize = 1 << 10;
/// Chunks that wait to be taken.
const AHEAD: usize = 8;

/// Events of one generation.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) events: Vec<TraceEvent>,
    /// What they refer to; `None` before the first and behind the last generation.
    pub(super) tables: Option<Arc<Tables>>,
    /// How the trace ended, if it did behind these.
    pub(super) end: Option<Result<(), TraceError>>,
}

/// Chunk by chunk.
pub(super) enum Chunks {
    /// Read when they are asked for: there is one processor.
    Here(Box<Filler>, Chunk),
    /// Read by a thread, which is handed the emptied ones back.
    Ahead {
        /// Chunks that were read.
        filled: Receiver<Chunk>,
        /// Chunks to be filled again.
        emptied: Sender<Chunk>,
        /// The one that is out.
        current: Chunk,
    },
}

impl Chunks {
    /// The chunks of a trace, and its form. Of its events those come that are `wanted`.
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form.
    pub(super) fn new(
        bytes: impl Read + Send + 'static,
        wanted: fn(EventType) -> bool,
    ) -> Result<(Chunks, Version), TraceError> {
        let reader = Reader::new(bytes, CutOff::Salvage)?;
        let version = reader.version();
        let mut filler = Filler { reader, wanted, held: false };
        if thread::available_parallelism().map_or(1, usize::from) == 1 {
            return Ok((Chunks::Here(Box::new(filler), Chunk::default()), version));
        }
        let (sender, filled) = sync_channel(AHEAD);
        let (emptied, back) = channel::<Chunk>();
        thread::spawn(move || {
            loop {
                let mut chunk = back.try_recv().unwrap_or_default();
                filler.fill(&mut chunk);
                let last = chunk.end.is_some();
                // Nobody listens where enough was read.
                if sender.send(chunk).is_err() || last {
                    return;
                }
            }
        });
        Ok((Chunks::Ahead { filled, emptied, current: Chunk::default() }, version))
    }

    /// The one that was taken last.
    pub(super) fn current(&mut self) -> &mut Chunk {
        let (Chunks::Here(_, current) | Chunks::Ahead { current, .. }) = self;
        current
    }

    /// The next one; there is none behind the one that says the end.
    pub(super) fn next(&mut self) -> &mut Chunk {
        match self {
            Chunks::Here(filler, chunk) => {
                filler.fill(chunk);
                chunk
            }
            Chunks::Ahead { filled, emptied, current } => {
                let next = filled.recv().expect("the thread says the end before it goes");
                // At its end it takes none back.
                let _ = emptied.send(std::mem::replace(current, next));
                current
            }
        }
    }
}

/// Fills chunks.
pub(super) struct Filler {
    reader: Reader<'static>,
    wanted: fn(EventType) -> bool,
    /// Whether the reader's event has no place yet: it begins a generation.
    held: bool,
}

impl Filler {
    fn fill(&mut self, chunk: &mut Chunk) {
        (chunk.tables, chunk.end) = (None, None);
        chunk.events.clear();
        while self.held || chunk.events.len() < EVENTS {
            let more = if std::mem::take(&mut self.held) { Ok(true) } else { self.reader.advance() };
            if !matches!(more, Ok(true)) {
                chunk.end = Some(more.map(drop));
                return;
            }
            let event = self.reader.event();
            if !(self.wanted)(event.kind) {
                continue;
            }
            if chunk.events.is_empty() {
                chunk.tables = self.reader.shared_tables();
            } else if event.kind == EventType::SYNC_POINT {
                self.held = true;
                return;
            }
            chunk.events.push(*event);
        }
    }
}
