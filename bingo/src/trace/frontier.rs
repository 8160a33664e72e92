//! The next event of each thread, the earliest first. In: a generation's
//! batches. Out: when a thread's next event was, and what it says, once it may come.
//!
//! The heap keeps the very order of `internal/trace/batchcursor.go` (Go 1.27):
//! it decides which of two events of one time is tried first.

use super::cursor::{NOWHERE, uvarint};
use super::event::TraceEvent;
use super::generation::{Batch, Generation};
use super::go_sort::sort_as_go;
use super::order::OrderFault;
use super::spec::{EventType, MAX_ARGS, SHAPES, Shape};

/// Where a thread is in its batches.
pub(super) struct ThreadCursor {
    /// When the next event was.
    time: i64,
    /// The batch that it is of, as far as it is wanted still.
    bytes: Vec<u8>,
    /// Where it begins in these, and where its arguments do.
    begin: u32,
    at: u32,
    /// The batch's number in the generation.
    batch: u32,
    /// The thread's slot in the order's table of threads.
    pub(super) slot: u32,
    /// What kind of event it is, and how many arguments that has.
    kind: EventType,
    args: u8,
}

impl ThreadCursor {
    pub(super) fn new(slot: u32, first: u32) -> ThreadCursor {
        let (bytes, kind) = (Vec::new(), EventType(0));
        ThreadCursor { time: 0, bytes, begin: 0, at: 0, batch: first, slot, kind, args: 0 }
    }

    /// Puts the cursor at the first event; its time. `None`: there is none.
    pub(super) fn begin(&mut self, generation: &mut Generation) -> Result<Option<i64>, OrderFault> {
        let first = self.batch;
        self.enter(generation, first)
    }

    /// Goes on with the thread's next batch that has events; the time of its first.
    /// `None`: there is none.
    #[cold]
    pub(super) fn next_batch(&mut self, generation: &mut Generation) -> Result<Option<i64>, OrderFault> {
        let next = generation.batches.get(self.batch as usize).map_or(Batch::LAST, |batch| batch.next);
        self.enter(generation, next)
    }

    /// Enters a batch, or the first one behind it that has events.
    fn enter(&mut self, generation: &mut Generation, first: u32) -> Result<Option<i64>, OrderFault> {
        let mut number = first;
        while let Some(batch) = generation.batches.get(number as usize).copied() {
            self.batch = number;
            (self.begin, self.at) = (0, 0);
            if !generation.load(number, &mut self.bytes) {
                return Err(OrderFault::Unfinished);
            }
            self.time = 0;
            if let Some(time) = self.next(generation, 0)? {
                return Ok(Some(time));
            }
            number = batch.next;
        }
        self.bytes = Vec::new();
        Ok(None)
    }

    /// What the next event says, and where the bytes behind it begin.
    #[inline(always)]
    pub(super) fn event(&self) -> Result<(TraceEvent, u32), OrderFault> {
        let (args, behind) = arguments(&self.bytes, self.at, self.args);
        if behind == NOWHERE {
            return Err(OrderFault::Unfinished);
        }
        let (time, kind) = (self.time, self.kind);
        Ok((TraceEvent { time, args, kind, ..TraceEvent::EMPTY }, behind))
    }

    /// Goes on to the event that begins at `at` of the batch; its time. `None`: the
    /// batch ends there.
    #[inline(always)]
    pub(super) fn next(&mut self, generation: &Generation, at: u32) -> Result<Option<i64>, OrderFault> {
        let Some(&kind) = self.bytes.get(at as usize) else { return Ok(None) };
        self.args = SHAPES.get(usize::from(kind)).map_or(Shape::NOT_TIMED, |shape| shape.args);
        self.kind = EventType(kind);
        let (units, args) = uvarint(&self.bytes, at + 1);
        (self.begin, self.at) = (at, args);
        if self.args == Shape::NOT_TIMED || args == NOWHERE {
            return Err(self.unreadable());
        }
        if self.time == 0 {
            let batch = generation.batches.get(self.batch as usize);
            self.time = generation.tables.nanoseconds(batch.map_or(0, |batch| batch.time));
        }
        self.time = self.time.wrapping_add(generation.tables.nanoseconds(units));
        Ok(Some(self.time))
    }

    #[cold]
    fn unreadable(&self) -> OrderFault {
        if self.args == Shape::NOT_TIMED { OrderFault::NotTimed(self.kind.0) } else { OrderFault::Unfinished }
    }

    /// The byte of the file at which the cursor is: where the next event begins.
    pub(super) fn offset(&self, generation: &Generation) -> u64 {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return 0 };
        batch.offset.saturating_add(u64::from(self.begin))
    }
}

/// `count` arguments, the others being 0, and where the bytes behind them begin.
#[inline(always)]
fn arguments(bytes: &[u8], at: u32, count: u8) -> ([u64; MAX_ARGS], u32) {
    let (first, second, third, fourth);
    let mut at = at;
    if count == 0 {
        return ([0; MAX_ARGS], at);
    }
    (first, at) = uvarint(bytes, at);
    if count == 1 {
        return ([first, 0, 0, 0], at);
    }
    (second, at) = uvarint(bytes, at);
    if count == 2 {
        return ([first, second, 0, 0], at);
    }
    (third, at) = uvarint(bytes, at);
    if count == 3 {
        return ([first, second, third, 0], at);
    }
    (fourth, at) = uvarint(bytes, at);
    ([first, second, third, fourth], at)
}

/// A thread's place in the heap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) time: i64,
    pub(super) cursor: u32,
}

/// The threads by the time of their next event: a binary heap.
#[derive(Default)]
pub(super) struct Heap {
    entries: Vec<Entry>,
    /// The time up to which the first entry stays the first: the second's.
    until: i64,
}

impl Heap {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<Entry> {
        self.entries.get(at).copied()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.sift_up(self.entries.len() - 1);
        self.look_at_second();
    }

    /// The first entry has another time now.
    #[inline(always)]
    pub(super) fn update_first(&mut self, time: i64) {
        if let Some(first) = self.entries.first_mut() {
            first.time = time;
        }
        if time > self.until {
            self.sift_down(0);
            self.look_at_second();
        }
    }

    /// The entry at `at` has another time now.
    pub(super) fn update(&mut self, at: usize, time: i64) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.time = time;
        }
        if self.sift_up(at) == at {
            self.sift_down(at);
        }
        self.look_at_second();
    }

    pub(super) fn remove(&mut self, mut at: usize) {
        while at > 0 {
            self.entries.swap((at - 1) / 2, at);
            at = (at - 1) / 2;
        }
        if !self.entries.is_empty() {
            self.entries.swap_remove(0);
            self.sift_down(0);
        }
        self.look_at_second();
    }

    /// Sorts the entries by time, which keeps them a heap.
    pub(super) fn sort(&mut self) {
        sort_as_go(&mut self.entries, |entry| entry.time);
        self.look_at_second();
    }

    #[inline]
    fn look_at_second(&mut self) {
        let time = |at| self.time(at).unwrap_or(i64::MAX);
        self.until = time(1).min(time(2));
    }

    #[inline]
    fn time(&self, at: usize) -> Option<i64> {
        self.entries.get(at).map(|entry| entry.time)
    }

    fn sift_up(&mut self, mut at: usize) -> usize {
        while at > 0 && self.time((at - 1) / 2) > self.time(at) {
            self.entries.swap((at - 1) / 2, at);
            at = (at - 1) / 2;
        }
        at
    }

    /// Moves an entry down to where it belongs; those that it passes move up.
    #[inline]
    fn sift_down(&mut self, mut at: usize) {
        let Some(entry) = self.get(at) else { return };
        loop {
            let (mut least, mut to) = (entry.time, at);
            for child in [2 * at + 1, 2 * at + 2] {
                if let Some(time) = self.time(child)
                    && time < least
                {
                    (least, to) = (time, child);
                }
            }
            let up = self.get(to).filter(|_| to != at);
            if let Some(place) = self.entries.get_mut(at) {
                // Part by part: a whole entry would wait for the part that was
                // written last.
                place.time = least;
                place.cursor = up.map_or(entry.cursor, |up| up.cursor);
            }
            if to == at {
                return;
            }
            at = to;
        }
    }
}
