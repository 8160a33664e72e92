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
    next_sample: usize,
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
            next_sample: 0,
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

    fn event_mut(&mut self) -> Option<&mut TraceEvent> {
        match self.current {
            Current::Cursor(cursor) => self.cursors.get_mut(cursor)?.taken_mut(),
            Current::Kept => Some(&mut self.kept),
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
        if !matches!(stepped, Ok(true)) {
            self.done = true;
            return stepped;
        }
        let last = self.last_time;
        if let Some(event) = self.event_mut() {
            if event.time <= last {
                event.time = last.wrapping_add(1);
            }
            self.last_time = event.time;
        }
        self.count += 1;
        Ok(true)
    }

    /// Comes to the next event; `false`: there is none.
    #[inline]
    fn step(&mut self) -> Result<bool, TraceError> {
        loop {
            if let Some(event) = self.order.queued.pop_front() {
                self.check_ids(&event)?;
                self.keep(event);
                return Ok(true);
            }
            let sample = self.generation.as_ref().and_then(|generation| {
                let sample = generation.samples.get(self.next_sample);
                sample.filter(|sample| self.heap.get(0).is_none_or(|head| sample.time < head.time))
            });
            if let Some(sample) = sample {
                let event = sample.event();
                self.keep(event);
                self.next_sample += 1;
                return Ok(true);
            }
            if self.heap.is_empty() {
                return self.next_generation();
            }
            if self.let_through()? && self.order.queued.is_empty() {
                self.check_ids(self.event())?;
                return Ok(true);
            }
        }
    }

    /// Lets an event through: the earliest, or else the first that can be. `false`:
    /// there is no more of a generation that is cut off.
    #[inline]
    fn let_through(&mut self) -> Result<bool, TraceError> {
        let advanced = match self.try_advance(0) {
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
        self.next_sample = usize::MAX;
    }

    #[cold]
    fn advance_any(&mut self) -> Result<(), (usize, OrderFault)> {
        self.heap.sort();
        for at in 1..self.heap.len() {
            if self.try_advance(at)? {
                return Ok(());
            }
        }
        Err((0, OrderFault::Stuck(self.heap.len())))
    }

    /// Tries the event at `at` of the heap.
    #[inline]
    fn try_advance(&mut self, at: usize) -> Result<bool, (usize, OrderFault)> {
        let (Some(generation), Some(entry)) = (&self.generation, self.heap.get(at)) else { return Ok(false) };
        let Some(cursor) = self.cursors.get_mut(entry.cursor) else { return Ok(false) };
        let fault = |fault| (entry.cursor, fault);
        let slot = cursor.slot;
        let Some(event) = cursor.event() else { return Ok(false) };
        if !self.order.advance(event, &generation.tables, slot).map_err(fault)? {
            return Ok(false);
        }
        if let Some(time) = cursor.step() {
            self.current = Current::Cursor(entry.cursor);
            self.heap.update(at, time);
            return Ok(true);
        }
        self.current = Current::Kept;
        match cursor.event() {
            Some(event) => self.kept = *event,
            None => return Ok(false),
        }
        match cursor.refill(generation) {
            Ok(Some(time)) => self.heap.update(at, time),
            Ok(None) => self.heap.remove(at),
            // Of a generation that is cut off, this is as far as it goes.
            Err(_) if generation.tables.cut_off => self.end_generation(),
            Err(unreadable) => return Err(fault(unreadable)),
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
        self.keep(TraceEvent { time, args, kind: EventType::SYNC_POINT, ..TraceEvent::EMPTY });
        Ok(true)
    }

    fn install(&mut self, generation: Generation) -> Result<(), TraceError> {
        self.next_sample = 0;
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

    /// That the strings and stacks of an event are there.
    #[inline]
    fn check_ids(&self, event: &TraceEvent) -> Result<(), TraceError> {
        let Some(shape) = SHAPES.get(usize::from(event.kind.0)) else { return Ok(()) };
        let Some(tables) = self.tables() else { return Ok(()) };
        if shape.stacks | shape.strings == 0 || tables.cut_off {
            return Ok(());
        }
        // Bit by bit: most events have one id or two.
        let mut bits = shape.stacks | shape.strings;
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            let id = event.args.get(bit as usize).copied().unwrap_or(0);
            let is_stack = shape.stacks >> bit & 1 != 0;
            if !(if is_stack { tables.has_stack(id) } else { tables.has_string(id) }) {
                let what = if is_stack { "stack" } else { "string" };
                let fault = OrderFault::Dangling { event: event.kind, what, id };
                return Err(self.fault((usize::MAX, fault)));
            }
        }
        Ok(())
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
