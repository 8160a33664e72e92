//! The next event of each thread, the earliest first. In: a generation's
//! batches. Out: one decoded event a thread, taken when the order allows it.
//!
//! The heap keeps the very order of `internal/trace/batchcursor.go` (Go 1.27):
//! it decides which of two events of one time is tried first.

use super::cursor::uvarint;
use super::generation::{Batch, Generation};
use super::go_sort::sort_as_go;
use super::order::OrderFault;
use super::spec::{EventType, SHAPES, Shape};
use super::tables::Tables;

/// An event as it was written, but for its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawEvent {
    /// In nanoseconds of the trace's clock.
    pub(super) time: i64,
    pub(super) args: [u64; 4],
    pub(super) kind: EventType,
}

/// Where a thread is in its batches.
pub(super) struct ThreadCursor {
    /// The thread's place in the order's table of threads.
    pub(super) slot: usize,
    /// Its next event.
    pub(super) event: RawEvent,
    /// The time of the event before; 0: a batch begins.
    time: i64,
    at: usize,
    end: usize,
    batch: u32,
}

impl ThreadCursor {
    pub(super) fn new(slot: usize, first: u32) -> ThreadCursor {
        let event = RawEvent { time: 0, args: [0; 4], kind: EventType(0) };
        ThreadCursor { slot, event, time: 0, at: 0, end: 0, batch: first }
    }

    /// Enters the batch that `self.batch` names.
    fn enter(&mut self, generation: &Generation) -> bool {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return false };
        (self.at, self.end, self.time) = (batch.start, batch.end, 0);
        true
    }

    /// Puts the cursor at the first event; `false`: there is none.
    pub(super) fn begin(&mut self, generation: &Generation) -> Result<bool, OrderFault> {
        Ok(self.enter(generation) && self.next(generation)?)
    }

    /// Decodes the next event; `false`: there is none.
    #[inline]
    pub(super) fn next(&mut self, generation: &Generation) -> Result<bool, OrderFault> {
        while self.at == self.end {
            let Some(batch) = generation.batches.get(self.batch as usize) else { return Ok(false) };
            self.batch = batch.next;
            if !self.enter(generation) {
                return Ok(false);
            }
        }
        if self.time == 0 {
            let batch = generation.batches.get(self.batch as usize);
            self.time = generation.tables.nanoseconds(batch.map_or(0, |batch| batch.time));
        }
        self.decode(generation.bytes.get(..self.end).unwrap_or_default(), &generation.tables)?;
        Ok(true)
    }

    #[inline]
    fn decode(&mut self, bytes: &[u8], tables: &Tables) -> Result<(), OrderFault> {
        let unfinished = OrderFault::Unfinished;
        let kind = *bytes.get(self.at).ok_or(unfinished)?;
        let args = SHAPES.get(usize::from(kind)).map_or(Shape::NOT_TIMED, |shape| shape.args);
        if args == Shape::NOT_TIMED {
            return Err(OrderFault::NotTimed(kind));
        }
        let (units, mut at) = uvarint(bytes, self.at + 1).ok_or(unfinished)?;
        self.event.kind = EventType(kind);
        self.event.args = [0; 4];
        for arg in self.event.args.iter_mut().take(usize::from(args)) {
            (*arg, at) = uvarint(bytes, at).ok_or(unfinished)?;
        }
        self.time = self.time.wrapping_add(tables.nanoseconds(units));
        self.event.time = self.time;
        self.at = at;
        Ok(())
    }

    /// The byte of the file at which the cursor is.
    pub(super) fn offset(&self, generation: &Generation) -> u64 {
        let batch = generation.batches.get(self.batch as usize);
        let within = |batch: &Batch| u64::try_from(self.at.saturating_sub(batch.start)).unwrap_or(0);
        batch.map_or(0, |batch| batch.offset.saturating_add(within(batch)))
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
