//! The events of all threads, merged into one order. In: the bytes of a trace. Out:
//! event after event, to whoever takes them.
//!
//! ```text
//!  bytes ─▶ generation ─▶ frontier ──────▶ order ─────▶ Take
//!           batches by    a heap: the      is it its
//!           thread,       threads by       turn? else
//!           tables        next event       the next thread
//! ```
//!
//! Source: `internal/trace/reader.go`, Go 1.27.

use std::fs::File;
use std::sync::Arc;

use super::ahead::{Ahead, NextGeneration};
use super::bytes::Bytes;
use super::error::TraceError;
use super::event::TraceEvent;
use super::frontier::{Entry, Heap, ThreadCursor};
use super::generation::{Generation, Generations};
use super::order::{Order, OrderFault, Touched};
use super::spec::{EventType, SHAPES};
use super::tables::Tables;
use super::version::Version;

/// A thread that does nothing for so long, in nanoseconds of the trace's clock, need
/// not have its batch at hand: it is read once more, then.
const PATIENCE: i64 = 20_000_000;
/// Such threads are looked for once in so many batches, or more where there are many threads.
const BATCHES: usize = 16;

/// Who takes the events, one by one.
pub(super) trait Take {
    /// Takes an event, with the slots of whom it is about and what its ids mean.
    ///
    /// # Errors
    /// When it refers to what is not there.
    fn take(&mut self, event: &TraceEvent, touched: Touched, tables: &Tables) -> Result<(), OrderFault>;

    /// Takes the point of synchrony that begins a generation, or ends the trace.
    fn take_sync(&mut self, event: &TraceEvent, tables: Option<&Tables>);
}

/// Merges the events of a trace. Memory is bounded by one generation and, where the next
/// one is read before its turn, that.
pub(super) struct Merge<'r> {
    /// `None`: the next one may be being read before its turn.
    generations: Option<Generations<'r>>,
    ahead: Ahead<'r>,
    version: Version,
    bytes_read: u64,
    pub(super) generation: Option<Generation>,
    pub(super) cursors: Vec<ThreadCursor>,
    pub(super) heap: Heap,
    samples_taken: usize,
    /// The time of the next CPU sample; behind the last, the end of time.
    pub(super) next_sample: i64,
    pub(super) order: Order,
    pub(super) last_time: i64,
    syncs: u64,
    /// How many events were taken.
    pub(super) count: u64,
    /// Batches that were begun since threads were looked at that do nothing.
    batches: usize,
    /// What ended the trace; it comes behind a last point of synchrony.
    error: Option<TraceError>,
    pub(super) done: bool,
}

impl<'r> Merge<'r> {
    /// `salvage`: what can be had of a generation that is cut off comes, too.
    /// `again`: where the same bytes can be read again, so that they need not be kept.
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form.
    pub(super) fn new(bytes: Bytes<'r>, salvage: bool, again: Option<File>) -> Result<Merge<'r>, TraceError> {
        let generations = Generations::new(bytes, salvage, again)?;
        Ok(Merge {
            ahead: Ahead::default(),
            version: generations.version(),
            bytes_read: generations.bytes_read(),
            generations: Some(generations),
            generation: None,
            cursors: Vec::new(),
            heap: Heap::default(),
            samples_taken: 0,
            next_sample: i64::MAX,
            order: Order::default(),
            last_time: 0,
            syncs: 0,
            count: 0,
            batches: 0,
            error: None,
            done: false,
        })
    }

    /// Lets what comes soon be read before its turn; where that is.
    pub(super) fn read_ahead(&mut self) -> Ahead<'r> {
        if let Some(generations) = &mut self.generations {
            generations.ahead = Some(Arc::clone(&self.ahead.batches));
        }
        self.ahead.clone()
    }

    /// How many bytes of the trace were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// The tables of the generation that the event taken last is of.
    pub(super) fn tables(&self) -> Option<&Tables> {
        self.generation.as_ref().map(|generation| &*generation.tables)
    }

    /// Hands the next event to `taker`; `false` behind the last, and behind an error.
    ///
    /// # Errors
    /// When the trace is corrupt or cut off; no event follows.
    pub(super) fn step(&mut self, taker: &mut impl Take) -> Result<bool, TraceError> {
        if self.done {
            return Ok(false);
        }
        let stepped = self.try_step(taker);
        match stepped {
            Ok(true) => self.count += 1,
            _ => self.done = true,
        }
        stepped
    }

    fn try_step(&mut self, taker: &mut impl Take) -> Result<bool, TraceError> {
        loop {
            if !self.order.queued.is_empty() {
                return self.take_queued(taker);
            }
            let Some(first) = self.heap.get(0) else {
                return if self.has_sample() { self.take_sample(taker) } else { self.next_generation(taker) };
            };
            if self.next_sample < first.time {
                return self.take_sample(taker);
            }
            if self.let_through(first, taker)? && self.order.queued.is_empty() {
                return Ok(true);
            }
        }
    }

    #[cold]
    fn take_queued(&mut self, taker: &mut impl Take) -> Result<bool, TraceError> {
        let Some((mut event, touched)) = self.order.queued.pop_front() else { return Ok(false) };
        let Some(generation) = &self.generation else { return Ok(false) };
        self.last_time = in_time(&mut event, self.last_time);
        let taken = taker.take(&event, touched, &generation.tables);
        taken.map_err(|fault| self.fault((usize::MAX, fault)))?;
        Ok(true)
    }

    fn has_sample(&self) -> bool {
        self.generation.as_ref().is_some_and(|generation| self.samples_taken < generation.samples.len())
    }

    #[cold]
    fn take_sample(&mut self, taker: &mut impl Take) -> Result<bool, TraceError> {
        let Some(generation) = &self.generation else { return Ok(false) };
        let Some(sample) = generation.samples.get(self.samples_taken) else { return Ok(false) };
        let mut event = sample.event();
        self.samples_taken += 1;
        let next = generation.samples.get(self.samples_taken);
        self.next_sample = next.map_or(i64::MAX, |sample| sample.time);
        self.last_time = in_time(&mut event, self.last_time);
        let taken = taker.take(&event, Touched::default(), &generation.tables);
        taken.map_err(|fault| self.fault((usize::MAX, fault)))?;
        Ok(true)
    }

    /// Lets an event through: the earliest, or else the first that can be. `false`:
    /// there is no more of a generation that is cut off.
    fn let_through(&mut self, first: Entry, taker: &mut impl Take) -> Result<bool, TraceError> {
        let advanced = match self.try_advance(0, first, taker) {
            Ok(true) => return Ok(true),
            Ok(false) => self.advance_any(taker),
            Err(fault) => Err(fault),
        };
        match advanced {
            Ok(()) => Ok(true),
            Err(fault) => match self.end_here(fault) {
                Ok(()) => Ok(false),
                Err(fault) => Err(self.fault(fault)),
            },
        }
    }

    #[cold]
    fn advance_any(&mut self, taker: &mut impl Take) -> Result<(), (usize, OrderFault)> {
        self.heap.sort();
        for at in 1..self.heap.len() {
            if let Some(entry) = self.heap.get(at)
                && self.try_advance(at, entry, taker)?
            {
                return Ok(());
            }
        }
        Err((0, OrderFault::Stuck(self.heap.len())))
    }

    /// Tries the event of the entry that is at `at` of the heap.
    fn try_advance(
        &mut self,
        at: usize,
        entry: Entry,
        taker: &mut impl Take,
    ) -> Result<bool, (usize, OrderFault)> {
        let Some(generation) = &mut self.generation else { return Ok(false) };
        let Some(cursor) = self.cursors.get_mut(entry.cursor as usize) else { return Ok(false) };
        let fault = |fault| (entry.cursor as usize, fault);
        let (mut event, behind) = cursor.event(generation).map_err(fault)?;
        let time = in_time(&mut event, self.last_time);
        let advanced = self.order.advance(event, &generation.tables, cursor.slot, taker);
        if !advanced.map_err(fault)? {
            return Ok(false);
        }
        if self.order.queued.is_empty() {
            self.last_time = time;
        }
        self.go_on(at, entry, Some(behind))?;
        Ok(true)
    }

    /// Goes on with a thread's events, which begin at `behind` of its batch, or behind
    /// those that have been read ahead.
    pub(super) fn go_on(
        &mut self,
        at: usize,
        entry: Entry,
        behind: Option<u32>,
    ) -> Result<(), (usize, OrderFault)> {
        let Some(generation) = &self.generation else { return Ok(()) };
        let Some(cursor) = self.cursors.get_mut(entry.cursor as usize) else { return Ok(()) };
        // An event that cannot be read hides the one before it, as Go has it.
        let next = match behind {
            Some(behind) => cursor.go_on(generation, behind),
            None => cursor.read(generation),
        };
        match next {
            Ok(Some(time)) if at == 0 => self.heap.update_first(time),
            Ok(Some(time)) => self.heap.update(at, time),
            Ok(None) => self.next_batch(at, entry)?,
            Err(unreadable) => self.end_here((entry.cursor as usize, unreadable))?,
        }
        Ok(())
    }

    /// Goes on with the thread's next batch.
    #[cold]
    fn next_batch(&mut self, at: usize, entry: Entry) -> Result<(), (usize, OrderFault)> {
        let Some(generation) = &mut self.generation else { return Ok(()) };
        let Some(cursor) = self.cursors.get_mut(entry.cursor as usize) else { return Ok(()) };
        match cursor.next_batch(generation) {
            Ok(Some(time)) => self.heap.update(at, time),
            Ok(None) => self.heap.remove(at),
            Err(unreadable) => self.end_here((entry.cursor as usize, unreadable))?,
        }
        self.let_go_of_what_is_idle();
        Ok(())
    }

    /// Lets threads go of their batches that do nothing for a while, now and then.
    fn let_go_of_what_is_idle(&mut self) {
        self.batches += 1;
        let is_time = self.batches >= BATCHES.max(self.cursors.len() / 16);
        let Some(generation) = self.generation.as_mut().filter(|_| is_time) else { return };
        self.batches = 0;
        if generation.is_in_file() {
            let idle = self.heap.later_than(self.last_time.saturating_add(PATIENCE));
            for entry in idle {
                if let Some(cursor) = self.cursors.get_mut(entry.cursor as usize) {
                    cursor.let_go(generation);
                }
            }
        }
    }

    /// Ends a generation that is cut off: this is as far as it goes.
    ///
    /// # Errors
    /// Of one that is not, the fault.
    #[cold]
    pub(super) fn end_here(&mut self, fault: (usize, OrderFault)) -> Result<(), (usize, OrderFault)> {
        if !self.tables().is_some_and(|tables| tables.cut_off) {
            return Err(fault);
        }
        self.heap.clear();
        self.samples_taken = usize::MAX;
        self.next_sample = i64::MAX;
        Ok(())
    }

    #[cold]
    fn next_generation(&mut self, taker: &mut impl Take) -> Result<bool, TraceError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.generation.is_none() && self.syncs > 0 {
            return Ok(false);
        }
        let before = self.generation.take();
        self.order.task_names.clear();
        self.syncs += 1;
        let mut time = self.last_time;
        match self.read_generation() {
            Ok(Some(mut generation)) => {
                time = generation.tables.nanoseconds(generation.start);
                if let Some(before) = before {
                    generation.coming.follow(before.coming);
                }
                self.install(generation)?;
            }
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
        let args = [self.syncs, 0, 0, 0];
        let mut event = TraceEvent { time, args, kind: EventType::SYNC_POINT, ..TraceEvent::EMPTY };
        self.last_time = in_time(&mut event, self.last_time);
        taker.take_sync(&event, self.tables());
        Ok(true)
    }

    /// The next generation. The one behind it may be read before its turn, if it is in a
    /// file: elsewhere, who reads may have to wait.
    fn read_generation(&mut self) -> Result<Option<Generation>, TraceError> {
        let generations = self.generations.take().map(|from| NextGeneration { from, next: None });
        let Some(taken) = generations.or_else(|| self.ahead.generation.take()) else { return Ok(None) };
        let NextGeneration { mut from, next } = taken;
        let next = next.unwrap_or_else(|| from.next());
        self.bytes_read = from.bytes_read();
        let is_in_file = next.as_ref().ok().and_then(Option::as_ref).is_some_and(Generation::is_in_file);
        if from.ahead.is_some() && is_in_file {
            self.ahead.generation.want(NextGeneration { from, next: None });
        } else {
            self.generations = Some(from);
        }
        next
    }

    fn install(&mut self, mut generation: Generation) -> Result<(), TraceError> {
        self.samples_taken = 0;
        self.next_sample = generation.samples.first().map_or(i64::MAX, |sample| sample.time);
        self.cursors.clear();
        self.heap.clear();
        let mut begun = Ok(());
        let soon = generation.tables.nanoseconds(generation.start).saturating_add(PATIENCE);
        let threads = std::mem::take(&mut generation.threads);
        generation.want();
        for (at, thread) in (0..).zip(&threads) {
            let slot = self.order.slot_of(thread.id);
            let mut cursor = ThreadCursor::new(slot, thread.first);
            match cursor.begin(&mut generation, soon) {
                Ok(Some(time)) => {
                    if time > soon && generation.is_in_file() {
                        cursor.let_go(&mut generation);
                    }
                    self.heap.insert(Entry { time, cursor: at });
                }
                Ok(None) => {}
                Err(fault) => {
                    self.cursors.push(cursor);
                    begun = Err((self.cursors.len() - 1, fault));
                    break;
                }
            }
            self.cursors.push(cursor);
        }
        let cut_off = generation.tables.cut_off;
        if self.heap.len() > 0 {
            self.order.begin(generation.number);
        }
        self.generation = Some(generation);
        match begun {
            Err(fault) if !cut_off => Err(self.fault(fault)),
            _ => Ok(()),
        }
    }

    /// The error at the place of a cursor, or of all where there is none.
    #[cold]
    pub(super) fn fault(&self, (cursor, fault): (usize, OrderFault)) -> TraceError {
        let (mut offset, mut number) = (0, 0);
        if let Some(generation) = &self.generation {
            number = generation.number;
            let batches = || generation.batches.iter().map(|batch| batch.offset).max();
            let cursor = self.cursors.get(cursor);
            offset = cursor.map_or_else(|| batches().unwrap_or(0), |cursor| cursor.offset(generation));
        }
        TraceError::Order { offset, generation: number, event: self.count, fault }
    }
}

/// Puts an event behind `last`, the time of the one before; its time.
#[inline(always)]
pub(super) fn in_time(event: &mut TraceEvent, last: i64) -> i64 {
    if event.time <= last {
        event.time = last.wrapping_add(1);
    }
    event.time
}

/// Looks for a string or a stack that an event refers to and that is not there.
///
/// # Errors
/// When there is one.
#[inline]
pub(super) fn refers_to_what_is_there(event: &TraceEvent, tables: &Tables) -> Result<(), OrderFault> {
    let Some(shape) = SHAPES.get(usize::from(event.kind.0)) else { return Ok(()) };
    let mut bits = shape.stacks | shape.strings;
    if tables.cut_off {
        return Ok(());
    }
    // Bit by bit: most events have one id or two.
    while bits != 0 {
        let bit = bits.trailing_zeros();
        bits &= bits - 1;
        let id = event.args.get(bit as usize).copied().unwrap_or(0);
        let is_stack = shape.stacks >> bit & 1 != 0;
        if !(if is_stack { tables.has_stack(id) } else { tables.has_string(id) }) {
            let what = if is_stack { "stack" } else { "string" };
            return Err(OrderFault::Dangling { event: event.kind, what, id });
        }
    }
    Ok(())
}
