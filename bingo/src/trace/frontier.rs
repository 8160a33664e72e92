//! The next event of each thread, the earliest first. In: a generation's
//! batches. Out: one decoded event a thread, taken when the order allows it.
//!
//! The heap keeps the very order of `internal/trace/batchcursor.go` (Go 1.27):
//! it decides which of two events of one time is tried first.

use super::blocks::Span;
use super::cursor::uvarint;
use super::event::TraceEvent;
use super::generation::Generation;
use super::go_sort::sort_as_go;
use super::order::OrderFault;
use super::spec::{EventType, MAX_ARGS, SHAPES, Shape};

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
    /// How many of these there are: what stands behind is of an earlier run.
    len: usize,
    /// The next of them.
    next: usize,
    /// The time of the last of them; 0: a batch begins.
    time: i64,
    /// Where they begin, and where the bytes behind them do.
    begin: usize,
    at: usize,
    /// The batch that they are of, and where it is.
    span: Span,
    batch: u32,
}

impl ThreadCursor {
    pub(super) fn new(slot: usize, first: u32) -> ThreadCursor {
        ThreadCursor {
            slot,
            run: Vec::new(),
            len: 0,
            next: 0,
            time: 0,
            begin: 0,
            at: 0,
            span: Span::default(),
            batch: first,
        }
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

    /// Goes on behind the next event: that one, and the time of the one that is
    /// next then. `None`: it was the last of the run.
    #[inline]
    pub(super) fn step(&mut self) -> Option<(&mut TraceEvent, i64)> {
        if self.next + 1 >= self.len {
            return None;
        }
        let [event, following] = self.run.get_mut(self.next..)?.first_chunk_mut::<2>()?;
        self.next += 1;
        Some((event, following.time))
    }

    /// Enters the batch that `self.batch` names.
    fn enter(&mut self, generation: &Generation) -> bool {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return false };
        (self.at, self.span, self.time) = (batch.span.start as usize, batch.span, 0);
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
        (self.len, self.next) = (0, 0);
        while self.at == self.span.end as usize {
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
        let bytes = generation.bytes.up_to(self.span);
        let most = RUN.min((bytes.len() - self.at).div_ceil(SHORTEST));
        if self.run.len() < most {
            self.run.reserve_exact(most - self.run.len());
            self.run.resize(most, TraceEvent::EMPTY);
        }
        for event in self.run.iter_mut().take(most) {
            if self.at == bytes.len() {
                break;
            }
            match decode(bytes, self.at, event) {
                Ok((at, units)) => {
                    self.at = at;
                    self.time = self.time.wrapping_add(generation.tables.nanoseconds(units));
                    event.time = self.time;
                    self.len += 1;
                }
                // It is told when its turn comes.
                Err(_) if self.len > 0 => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(self.run.first().map(|event| event.time))
    }

    /// The byte of the file at which the cursor is: where the next event begins.
    pub(super) fn offset(&self, generation: &Generation) -> u64 {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return 0 };
        let bytes = generation.bytes.up_to(batch.span);
        let mut scratch = TraceEvent::EMPTY;
        let mut decoded = |at| decode(bytes, at, &mut scratch).map(|(behind, _)| behind);
        let at = (0..self.next).try_fold(self.begin, |at, _| decoded(at)).unwrap_or(self.at);
        batch.offset.saturating_add(u64::try_from(at.saturating_sub(batch.span.start as usize)).unwrap_or(0))
    }
}

/// Decodes the kind and the arguments of the event at `at`; where the bytes behind
/// it begin, and how long after the event before it was, in the trace's units.
#[inline]
fn decode(bytes: &[u8], at: usize, event: &mut TraceEvent) -> Result<(usize, u64), OrderFault> {
    let kind = *bytes.get(at).ok_or(OrderFault::Unfinished)?;
    let count = SHAPES.get(usize::from(kind)).map_or(Shape::NOT_TIMED, |shape| shape.args);
    if count == Shape::NOT_TIMED {
        return Err(OrderFault::NotTimed(kind));
    }
    event.kind = EventType(kind);
    numbers(bytes, at + 1, count, &mut event.args).ok_or(OrderFault::Unfinished)
}

/// The time and then `count` arguments; the others are 0.
#[inline]
fn numbers(bytes: &[u8], at: usize, count: u8, args: &mut [u64; MAX_ARGS]) -> Option<(usize, u64)> {
    let (units, mut at) = uvarint(bytes, at)?;
    let [first, second, third, fourth] = args;
    (*first, *second, *third, *fourth) = (0, 0, 0, 0);
    if count > 0 {
        (*first, at) = uvarint(bytes, at)?;
        if count > 1 {
            (*second, at) = uvarint(bytes, at)?;
            if count > 2 {
                (*third, at) = uvarint(bytes, at)?;
                if count > 3 {
                    (*fourth, at) = uvarint(bytes, at)?;
                }
            }
        }
    }
    Some((at, units))
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

    /// The first entry has another time now.
    #[inline]
    pub(super) fn update_first(&mut self, time: i64) {
        if let Some(first) = self.0.first_mut() {
            first.time = time;
        }
        let stays = |child: Option<&Entry>| child.is_none_or(|child| child.time >= time);
        if !(stays(self.0.get(1)) && stays(self.0.get(2))) {
            self.sift_down(0);
        }
    }

    /// The entry at `at` has another time now.
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
