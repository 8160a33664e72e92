//! A trace's events by the thousand, of one generation each, so that they are put
//! in order by one thread while another makes something of them. In: the bytes of
//! a trace. Out: [`Chunk`]s of its events in the model's words, in order.

use std::fs::File;
use std::hint;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;

use super::ahead::Ahead;
use super::bytes::Bytes;
use super::error::TraceError;
use super::merge::Merge;
use super::version::Version;
use super::words::{Clocks, Words};
use crate::model::{GoId, ShortEvent, Stack, ThreadId, Time};

/// Events of a chunk where one processor makes and takes it: few enough for its
/// innermost cache.
const EVENTS: usize = 1 << 10;
/// Where two do: many enough for handing it over to be little beside it.
const EVENTS_AHEAD: usize = 1 << 12;
/// Chunks that wait to be taken.
const AHEAD: usize = 12;
/// How often it is asked for the next one before the thread sleeps that takes it: some
/// hundred microseconds, in which it comes as a rule. To be woken takes long.
const PATIENCE: u32 = 400;
/// Turns of a loop that does nothing, in between.
const SPINS: u32 = 64;

/// Events of one generation, and what of their numbers is new.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) events: Vec<ShortEvent>,
    /// What their times are counted from: from which one of them on, and the time.
    pub(super) times: Vec<(usize, Time)>,
    /// Numbers of goroutines that stand for another one than before.
    pub(super) goroutines: Vec<(u32, GoId)>,
    /// The next threads.
    pub(super) threads: Vec<Option<ThreadId>>,
    /// The next stacks.
    pub(super) stacks: Vec<Stack>,
    /// Whether these are the first of all that follow.
    pub(super) other_stacks: bool,
    /// When their generation began.
    pub(super) began: Time,
    /// How many bytes of the trace were read for these and those before.
    pub(super) read: u64,
    /// How the trace's clock relates to others; from the first chunk on.
    pub(super) clocks: Option<Clocks>,
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
        /// What may be done while there is none.
        ahead: Ahead<'static>,
    },
}

impl Chunks {
    /// The chunks of a trace, and its form. `again`: the file that the bytes are of.
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form.
    pub(super) fn new(bytes: Bytes<'static>, again: Option<File>) -> Result<(Chunks, Version), TraceError> {
        let merge = Merge::new(bytes, true, again)?;
        let version = merge.version();
        let mut filler = Filler { merge, words: Words::default(), threads: 0, room: EVENTS };
        if thread::available_parallelism().map_or(1, usize::from) == 1 {
            return Ok((Chunks::Here(Box::new(filler), Chunk::default()), version));
        }
        filler.room = EVENTS_AHEAD;
        let ahead = filler.merge.read_ahead();
        let (sender, filled) = sync_channel(AHEAD);
        let (emptied, back) = channel::<Chunk>();
        let also_ahead = ahead.clone();
        thread::spawn(move || {
            loop {
                let mut chunk = back.try_recv().unwrap_or_default();
                filler.fill(&mut chunk);
                let last = chunk.end.is_some();
                // Nobody listens where enough was read.
                if !hand_over(chunk, &sender, &also_ahead) || last {
                    return;
                }
            }
        });
        Ok((Chunks::Ahead { filled, emptied, current: Chunk::default(), ahead }, version))
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
            Chunks::Ahead { filled, emptied, current, ahead } => {
                let mut patience = PATIENCE;
                let next = loop {
                    if let Ok(next) = filled.try_recv() {
                        break next;
                    }
                    if ahead.read_one() {
                        continue;
                    }
                    if patience == 0 {
                        break filled.recv().expect("the thread says the end before it goes");
                    }
                    patience -= 1;
                    (0..SPINS).for_each(|_| hint::spin_loop());
                };
                // At its end it takes none back.
                let _ = emptied.send(std::mem::replace(current, next));
                current
            }
        }
    }
}

/// Hands a chunk over. While there are enough that wait to be taken, what comes later is
/// read. `false`: nobody takes it.
fn hand_over(mut chunk: Chunk, sender: &SyncSender<Chunk>, ahead: &Ahead<'_>) -> bool {
    loop {
        chunk = match sender.try_send(chunk) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(chunk)) if ahead.read_one() => chunk,
            Err(TrySendError::Full(chunk)) => return sender.send(chunk).is_ok(),
        }
    }
}

/// Fills chunks.
pub(super) struct Filler {
    merge: Merge<'static>,
    words: Words,
    /// How many threads were told of.
    threads: usize,
    /// How many events a chunk has.
    room: usize,
}

impl Filler {
    fn fill(&mut self, chunk: &mut Chunk) {
        let words = &mut self.words;
        words.begin();
        std::mem::swap(&mut words.events, &mut chunk.events);
        words.events.clear();
        chunk.end = None;
        // Of a switch of coroutines, which is several events, all are in one chunk: whoever
        // ends there keeps its number until then.
        while (words.events.len() < self.room && words.next_begins.is_none())
            || !self.merge.order.queued.is_empty()
        {
            let room = self.room.saturating_sub(words.events.len());
            let ran = self.merge.run(room, words);
            match ran.and_then(|()| self.merge.step(words)) {
                Ok(true) => {}
                other => {
                    chunk.end = Some(other.map(drop));
                    break;
                }
            }
        }
        std::mem::swap(&mut words.events, &mut chunk.events);
        std::mem::swap(&mut words.times, &mut chunk.times);
        std::mem::swap(&mut words.stacks.made, &mut chunk.stacks);
        chunk.read = self.merge.bytes_read();
        (chunk.other_stacks, chunk.began, chunk.clocks) = (words.stacks.others, words.began, words.clocks);
        let given = self.merge.order.goroutines.settle();
        chunk.goroutines.clear();
        chunk.goroutines.extend(given.map(|(slot, id)| (slot, GoId(id.cast_unsigned()))));
        chunk.threads.clear();
        let new = self.merge.order.threads_behind(self.threads);
        chunk.threads.extend(new.map(|id| u64::try_from(id).ok().map(ThreadId)));
        self.threads += chunk.threads.len();
    }
}
