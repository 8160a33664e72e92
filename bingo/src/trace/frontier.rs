//! The next event of each thread, the earliest first. In: a generation's
//! batches. Out: one decoded event a thread, taken when the order allows it.
//!
//! The heap keeps the very order of `internal/trace/batchcursor.go` (Go 1.27):
//! it decides which of two events of one time is tried first.

use super::cursor::uvarint;
use super::event::TraceEvent;
use super::generation::Generation;
use super::go_sort::sort_as_go;
use super::order::OrderFault;
use super::spec::{EventType, SHAPES, Shape};
use super::tables::Tables;

/// Events that are decoded at a time, if the batch has so many.
const RUN: usize = 32;
/// The fewest bytes that an event takes: its kind and its time.
const SHORTEST: usize = 2;

/// Where a thread is in its batches.
pub(super) struct ThreadCursor {
    /// The thread's place in the order's table of threads.
    pub(super) slot: usize,
    /// Events of one batch; what the order adds to them is not there yet.
    run: Vec<TraceEvent>,
    /// The next of them.
    next: usize,
    /// The time of the last of them; 0: a batch begins.
    time: i64,
    /// Where they begin, and where the bytes behind them do.
    begin: usize,
    at: usize,
    end: usize,
    batch: u32,
}

impl ThreadCursor {
    pub(super) fn new(slot: usize, first: u32) -> ThreadCursor {
        ThreadCursor { slot, run: Vec::new(), next: 0, time: 0, begin: 0, at: 0, end: 0, batch: first }
    }

    /// The next event.
    #[inline]
    pub(super) fn event(&mut self) -> Option<&mut TraceEvent> {
        self.run.get_mut(self.next)
    }

    /// An event that was taken while there were more in the run.
    #[inline]
    pub(super) fn taken(&self) -> Option<&TraceEvent> {
        self.run.get(self.next.wrapping_sub(1))
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn taken_mut(&mut self) -> Option<&mut TraceEvent> {
        self.run.get_mut(self.next.wrapping_sub(1))
    }

    /// Goes on behind the next event, to one that is decoded; its time. `None`:
    /// that was the last of the run.
    #[inline]
    pub(super) fn step(&mut self) -> Option<i64> {
        let time = self.run.get(self.next + 1)?.time;
        self.next += 1;
        Some(time)
    }

    /// Enters the batch that `self.batch` names.
    fn enter(&mut self, generation: &Generation) -> bool {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return false };
        (self.at, self.end, self.time) = (batch.start, batch.end, 0);
        true
    }

    /// Puts the cursor at the first event; its time. `None`: there is none.
    pub(super) fn begin(&mut self, generation: &Generation) -> Result<Option<i64>, OrderFault> {
        if !self.enter(generation) {
            return Ok(None);
        }
        self.refill(generation)
    }

    /// Decodes the next run; the time of its first event. `None`: there is none.
    pub(super) fn refill(&mut self, generation: &Generation) -> Result<Option<i64>, OrderFault> {
        self.run.clear();
        self.next = 0;
        while self.at == self.end {
            let Some(batch) = generation.batches.get(self.batch as usize) else { return Ok(None) };
            self.batch = batch.next;
            if !self.enter(generation) {
                return Ok(None);
            }
        }
        if self.time == 0 {
            let batch = generation.batches.get(self.batch as usize);
            self.time = generation.tables.nanoseconds(batch.map_or(0, |batch| batch.time));
        }
        self.begin = self.at;
        let bytes = generation.bytes.get(..self.end).unwrap_or_default();
        let most = RUN.min((self.end - self.at).div_ceil(SHORTEST));
        self.run.reserve_exact(most);
        while self.run.len() < RUN && self.at < self.end {
            match self.decode(bytes, &generation.tables) {
                Ok(event) => self.run.push(event),
                // It is told when its turn comes.
                Err(_) if !self.run.is_empty() => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(self.run.first().map(|event| event.time))
    }

    #[inline]
    fn decode(&mut self, bytes: &[u8], tables: &Tables) -> Result<TraceEvent, OrderFault> {
        let unfinished = OrderFault::Unfinished;
        let kind = *bytes.get(self.at).ok_or(unfinished)?;
        let args = SHAPES.get(usize::from(kind)).map_or(Shape::NOT_TIMED, |shape| shape.args);
        if args == Shape::NOT_TIMED {
            return Err(OrderFault::NotTimed(kind));
        }
        let (units, mut at) = uvarint(bytes, self.at + 1).ok_or(unfinished)?;
        let mut event = TraceEvent { kind: EventType(kind), ..TraceEvent::EMPTY };
        for arg in event.args.iter_mut().take(usize::from(args)) {
            (*arg, at) = uvarint(bytes, at).ok_or(unfinished)?;
        }
        self.time = self.time.wrapping_add(tables.nanoseconds(units));
        event.time = self.time;
        self.at = at;
        Ok(event)
    }

    /// The byte of the file at which the cursor is: where the next event begins.
    pub(super) fn offset(&self, generation: &Generation) -> u64 {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return 0 };
        let bytes = generation.bytes.get(..batch.end).unwrap_or_default();
        let mut again = ThreadCursor { at: self.begin, ..ThreadCursor::new(self.slot, self.batch) };
        let decoded = (0..self.next).take_while(|_| again.decode(bytes, &generation.tables).is_ok());
        let at = if decoded.count() < self.next { self.at } else { again.at };
        batch.offset.saturating_add(u64::try_from(at.saturating_sub(batch.start)).unwrap_or(0))
    }
}

/// A thread's place in the heap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) time: i64,
    pub(super) cursor: usize,
}

/// The threads by the time of their next event: a binary heap.
#[derive(Default)]
pub(super) struct Heap(Vec<Entry>);

impl Heap {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<Entry> {
        self.0.get(at).copied()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.0.push(entry);
        self.sift_up(self.0.len() - 1);
    }

    /// The entry at `at` has another time now.
    #[inline]
    pub(super) fn update(&mut self, at: usize, time: i64) {
        if let Some(entry) = self.0.get_mut(at) {
            entry.time = time;
        }
        if self.sift_up(at) == at {
            self.sift_down(at);
        }
    }

    pub(super) fn remove(&mut self, mut at: usize) {
        while at > 0 {
            self.0.swap((at - 1) / 2, at);
            at = (at - 1) / 2;
        }
        if !self.0.is_empty() {
            self.0.swap_remove(0);
            self.sift_down(0);
        }
    }

    /// Sorts the entries by time, which keeps them a heap.
    pub(super) fn sort(&mut self) {
        sort_as_go(&mut self.0, |entry| entry.time);
    }

    #[inline]
    fn time(&self, at: usize) -> Option<i64> {
        self.0.get(at).map(|entry| entry.time)
    }

    fn sift_up(&mut self, mut at: usize) -> usize {
        while at > 0 && self.time((at - 1) / 2) > self.time(at) {
            self.0.swap((at - 1) / 2, at);
            at = (at - 1) / 2;
        }
        at
    }

    #[inline]
    fn sift_down(&mut self, mut at: usize) {
        while let Some(mut least) = self.time(at) {
            let mut to = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if let Some(time) = self.time(child)
                    && time < least
                {
                    (least, to) = (time, child);
                }
            }
            if to == at {
                break;
            }
            self.0.swap(at, to);
            at = to;
        }
    }
}
