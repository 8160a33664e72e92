//! The reader of traces. In: the bytes of a trace. Out: its events in the one
//! order in which Go's own reader gives them, one a call.
//!
//! ```text
//!  bytes ─▶ generation ─▶ frontier ──────▶ order ─────▶ TraceEvent
//!           batches by    a heap: the      is it its
//!           thread,       threads by       turn? else
//!           tables        next event       the next thread
//! ```
//!
//! Source: `internal/trace/reader.go`, Go 1.27.

use std::io::Read;
use std::sync::Arc;

use super::detail::Detail;
use super::error::TraceError;
use super::event::TraceEvent;
use super::frontier::{Entry, Heap, ThreadCursor};
use super::generation::{Generation, Generations};
use super::order::{Order, OrderFault};
use super::spec::{EventType, SHAPES};
use super::tables::Tables;
use super::version::Version;

/// What a reader makes of a trace that is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutOff {
    /// An error behind the last whole generation, as Go's reader does.
    Refuse,
    /// What can be had of the generation that is not whole, then the error. Such
    /// events may refer to strings and stacks that the trace has not.
    Salvage,
}

/// Reads a trace, event by event. Memory is bounded by one generation.
pub struct Reader<'r> {
    generations: Generations<Box<dyn Read + Send + 'r>>,
    generation: Option<Generation>,
    cursors: Vec<ThreadCursor>,
    heap: Heap,
    samples_taken: usize,
    /// The time of the next CPU sample, if there is one.
    next_sample: Option<i64>,
    order: Order,
    current: Current,
    /// The event that came last, where it stands nowhere else.
    kept: TraceEvent,
    last_time: i64,
    syncs: u64,
    count: u64,
    /// What ended the trace; it comes behind a last point of synchrony.
    error: Option<TraceError>,
    done: bool,
}

/// Where the event is that came last. It is read where it was decoded, if it can
/// be: to copy it would take as long as to order it.
#[derive(Clone, Copy)]
enum Current {
    /// It is the one that the cursor of this number has just left.
    Cursor(usize),
    Kept,
}

impl<'r> Reader<'r> {
    /// A reader of these bytes, on this thread alone.
    ///
    /// # Errors
    /// When they are not a trace of a known form.
    pub fn new(bytes: impl Read + Send + 'r, cut_off: CutOff) -> Result<Reader<'r>, TraceError> {
        let bytes: Box<dyn Read + Send + 'r> = Box::new(bytes);
        let generations = Generations::new(bytes, cut_off == CutOff::Salvage)?;
        Ok(Reader {
            generations,
            generation: None,
            cursors: Vec::new(),
            heap: Heap::default(),
            samples_taken: 0,
            next_sample: None,
            order: Order::default(),
            current: Current::Kept,
            kept: TraceEvent::EMPTY,
            last_time: 0,
            syncs: 0,
            count: 0,
            error: None,
            done: false,
        })
    }

    /// The form of the trace.
    #[must_use]
    pub fn version(&self) -> Version {
        self.generations.version()
    }

    /// The tables that the ids of the event yielded last refer to; `None` before
    /// the first and behind the last generation.
    #[must_use]
    pub fn tables(&self) -> Option<&Tables> {
        self.generation.as_ref().map(|generation| &*generation.tables)
    }

    /// The same, to be kept.
    pub(super) fn shared_tables(&self) -> Option<Arc<Tables>> {
        self.generation.as_ref().map(|generation| Arc::clone(&generation.tables))
    }

    /// How many events were yielded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What the event yielded last says. `None`: its kind is not known.
    #[must_use]
    pub fn detail(&self, event: &TraceEvent) -> Option<Detail<'_>> {
        Detail::of(event, self.tables(), &self.order.task_names)
    }

    /// The next event; `None` behind the last, and behind an error.
    ///
    /// # Errors
    /// When the trace is corrupt or cut off; no event follows.
    pub fn next_event(&mut self) -> Result<Option<TraceEvent>, TraceError> {
        Ok(self.advance()?.then(|| *self.event()))
    }

    /// The event that [`Reader::advance`] came to.
    #[inline]
    #[must_use]
    pub fn event(&self) -> &TraceEvent {
        match self.current {
            Current::Cursor(cursor) => {
                self.cursors.get(cursor).and_then(ThreadCursor::taken).unwrap_or(&TraceEvent::EMPTY)
            }
            Current::Kept => &self.kept,
        }
    }

    fn keep(&mut self, event: TraceEvent) {
        (self.kept, self.current) = (event, Current::Kept);
    }

    /// Goes on to the next event, which [`Reader::event`] then is; `false` behind
    /// the last, and behind an error.
    ///
    /// # Errors
    /// When the trace is corrupt or cut off; no event follows.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, TraceError> {
        if self.done {
            return Ok(false);
        }
        let stepped = self.step();
        match stepped {
            Ok(true) => self.count += 1,
            _ => self.done = true,
        }
        stepped
    }

    /// Comes to the next event; `false`: there is none.
    #[inline]
    fn step(&mut self) -> Result<bool, TraceError> {
        loop {
            if !self.order.queued.is_empty() {
                return self.take_queued();
            }
            let Some(first) = self.heap.get(0) else {
                return if self.next_sample.is_some() { self.take_sample() } else { self.next_generation() };
            };
            if self.next_sample.is_some_and(|sample| sample < first.time) {
                return self.take_sample();
            }
            if self.let_through(first)? && self.order.queued.is_empty() {
                return Ok(true);
            }
        }
    }

    #[cold]
    fn take_queued(&mut self) -> Result<bool, TraceError> {
        let Some(mut event) = self.order.queued.pop_front() else { return Ok(false) };
        let dangling = self.tables().and_then(|tables| dangling(&event, tables));
        if let Some(fault) = dangling {
            return Err(self.fault((usize::MAX, fault)));
        }
        self.last_time = in_time(&mut event, self.last_time);
        self.keep(event);
        Ok(true)
    }

    #[cold]
    fn take_sample(&mut self) -> Result<bool, TraceError> {
        let samples = self.generation.as_ref().map_or(&[][..], |generation| &generation.samples);
        let Some(sample) = samples.get(self.samples_taken) else { return Ok(false) };
        let mut event = sample.event();
        self.samples_taken += 1;
        self.next_sample = samples.get(self.samples_taken).map(|sample| sample.time);
        self.last_time = in_time(&mut event, self.last_time);
        self.keep(event);
        Ok(true)
    }

    /// Lets an event through: the earliest, or else the first that can be. `false`:
    /// there is no more of a generation that is cut off.
    #[inline]
    fn let_through(&mut self, first: Entry) -> Result<bool, TraceError> {
        let advanced = match self.try_advance(0, first) {
            Ok(true) => return Ok(true),
            Ok(false) => self.advance_any(),
            Err(fault) => Err(fault),
        };
        match advanced {
            // Of a generation that is cut off, this is as far as it goes.
            Err(_) if self.tables().is_some_and(|tables| tables.cut_off) => {
                self.end_generation();
                Ok(false)
            }
            Err(fault) => Err(self.fault(fault)),
            Ok(()) => Ok(true),
        }
    }

    fn end_generation(&mut self) {
        self.heap.clear();
        self.next_sample = None;
    }

    #[cold]
    fn advance_any(&mut self) -> Result<(), (usize, OrderFault)> {
        self.heap.sort();
        for at in 1..self.heap.len() {
            if let Some(entry) = self.heap.get(at)
                && self.try_advance(at, entry)?
            {
                return Ok(());
            }
        }
        Err((0, OrderFault::Stuck(self.heap.len())))
    }

    /// Tries the event of the entry that is at `at` of the heap.
    #[inline]
    fn try_advance(&mut self, at: usize, entry: Entry) -> Result<bool, (usize, OrderFault)> {
        let Some(generation) = &self.generation else { return Ok(false) };
        let Some(cursor) = self.cursors.get_mut(entry.cursor) else { return Ok(false) };
        let fault = |fault| (entry.cursor, fault);
        let slot = cursor.slot;
        let Some(event) = cursor.event() else { return Ok(false) };
        if !self.order.advance(event, &generation.tables, slot).map_err(fault)? {
            return Ok(false);
        }
        let event = if let Some((event, time)) = cursor.step() {
            self.current = Current::Cursor(entry.cursor);
            if at == 0 {
                self.heap.update_first(time);
            } else {
                self.heap.update(at, time);
            }
            event
        } else {
            self.current = Current::Kept;
            self.kept = *cursor.event().unwrap_or(&mut self.kept);
            match cursor.refill(generation) {
                Ok(Some(time)) => self.heap.update(at, time),
                Ok(None) => self.heap.remove(at),
                // Of a generation that is cut off, this is as far as it goes.
                Err(_) if generation.tables.cut_off => {
                    self.heap.clear();
                    self.next_sample = None;
                }
                Err(unreadable) => return Err(fault(unreadable)),
            }
            &mut self.kept
        };
        // Those that come in its place are looked at when they are taken.
        if self.order.queued.is_empty() {
            if let Some(dangling) = dangling(event, &generation.tables) {
                return Err((usize::MAX, dangling));
            }
            self.last_time = in_time(event, self.last_time);
        }
        Ok(true)
    }

    #[cold]
    fn next_generation(&mut self) -> Result<bool, TraceError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.generation.is_none() && self.syncs > 0 {
            return Ok(false);
        }
        self.generation = None;
        self.order.task_names.clear();
        self.syncs += 1;
        let mut time = self.last_time;
        match self.generations.next() {
            Ok(Some(generation)) => {
                time = generation.tables.nanoseconds(generation.start);
                self.install(generation)?;
            }
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
        let args = [self.syncs, 0, 0, 0];
        let mut event = TraceEvent { time, args, kind: EventType::SYNC_POINT, ..TraceEvent::EMPTY };
        self.last_time = in_time(&mut event, self.last_time);
        self.keep(event);
        Ok(true)
    }

    fn install(&mut self, generation: Generation) -> Result<(), TraceError> {
        self.samples_taken = 0;
        self.next_sample = generation.samples.first().map(|sample| sample.time);
        self.cursors.clear();
        self.heap.clear();
        let mut begun = Ok(());
        for thread in &generation.threads {
            let slot = self.order.slot_of(thread.id);
            let mut cursor = ThreadCursor::new(slot, thread.first);
            match cursor.begin(&generation) {
                Ok(Some(time)) => {
                    self.heap.insert(Entry { time, cursor: self.cursors.len() });
                    self.cursors.push(cursor);
                }
                Ok(None) => {}
                Err(fault) => {
                    self.cursors.push(cursor);
                    begun = Err((self.cursors.len() - 1, fault));
                    break;
                }
            }
        }
        let cut_off = generation.tables.cut_off;
        self.generation = Some(generation);
        match begun {
            Err(fault) if !cut_off => Err(self.fault(fault)),
            _ => Ok(()),
        }
    }

    /// The error at the place of a cursor, or of all where there is none.
    #[cold]
    fn fault(&self, (cursor, fault): (usize, OrderFault)) -> TraceError {
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
#[inline]
fn in_time(event: &mut TraceEvent, last: i64) -> i64 {
    if event.time <= last {
        event.time = last.wrapping_add(1);
    }
    event.time
}

/// A string or a stack that an event refers to and that is not there.
#[inline]
fn dangling(event: &TraceEvent, tables: &Tables) -> Option<OrderFault> {
    let shape = SHAPES.get(usize::from(event.kind.0))?;
    let mut bits = shape.stacks | shape.strings;
    if tables.cut_off {
        return None;
    }
    // Bit by bit: most events have one id or two.
    while bits != 0 {
        let bit = bits.trailing_zeros();
        bits &= bits - 1;
        let id = event.args.get(bit as usize).copied().unwrap_or(0);
        let is_stack = shape.stacks >> bit & 1 != 0;
        if !(if is_stack { tables.has_stack(id) } else { tables.has_string(id) }) {
            let what = if is_stack { "stack" } else { "string" };
            return Some(OrderFault::Dangling { event: event.kind, what, id });
        }
    }
    None
}
