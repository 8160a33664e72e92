//! The next event of each thread, the earliest first. In: a generation's
//! batches. Out: when a thread's next event was, and what it says, once it may come.
//!
//! The heap keeps the very order of `internal/trace/batchcursor.go` (Go 1.27):
//! it decides which of two events of one time is tried first.

use std::mem::take;

use super::ahead::Reading;
use super::block::{Block, Rest};
use super::cursor::{NOWHERE, uvarint};
use super::event::TraceEvent;
use super::generation::{Batch, Generation};
use super::go_sort::sort_as_go;
use super::order::OrderFault;
use super::spec::{EventType, MAX_ARGS, SHAPES, Shape};

/// Bytes of a batch of which it can be told when its first event was, and what it is.
const FIRST: usize = 32;

/// Where a thread is in its batches.
pub(super) struct ThreadCursor {
    /// The next events, as far as they have been read ahead.
    block: Block,
    /// Where there are none: when the next event was.
    time: i64,
    /// The batch that it is of, as far as it is wanted still.
    bytes: Vec<u8>,
    /// Where it begins in these, and where its arguments do.
    begin: u32,
    arguments: u32,
    /// The batch's number in the generation.
    batch: u32,
    /// Whether that has been begun.
    begun: bool,
    /// The thread's slot in the order's table of threads.
    pub(super) slot: u32,
    /// What kind of event it is, and how many arguments that has.
    kind: EventType,
    count: u8,
}

impl ThreadCursor {
    pub(super) fn new(slot: u32, first: u32) -> ThreadCursor {
        ThreadCursor {
            block: Block::default(),
            time: 0,
            bytes: Vec::new(),
            begin: 0,
            arguments: 0,
            batch: first,
            begun: false,
            slot,
            kind: EventType(0),
            count: 0,
        }
    }

    /// Puts the cursor at the first event; its time. `None`: there is none. A batch that
    /// begins behind `soon` is not kept at hand.
    pub(super) fn begin(
        &mut self,
        generation: &mut Generation,
        soon: i64,
    ) -> Result<Option<i64>, OrderFault> {
        let first = self.batch;
        let batch = generation.batches.get(first as usize);
        if batch.is_some_and(|batch| generation.tables.nanoseconds(batch.time) > soon)
            && let Some(mut reading) = generation.again(first, FIRST)
        {
            if !reading.load() {
                return Err(OrderFault::Unfinished);
            }
            self.bytes = reading.bytes;
            let time = self.next(generation, 0)?;
            self.bytes = Vec::new();
            return Ok(time);
        }
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
        loop {
            self.give_back(generation);
            let Some(batch) = generation.batches.get(number as usize).copied() else { return Ok(None) };
            (self.batch, self.begin, self.arguments, self.time) = (number, 0, 0, 0);
            self.load(generation.begin(number))?;
            if let Some(time) = self.next(generation, 0)? {
                generation.want();
                return Ok(Some(time));
            }
            number = batch.next;
        }
    }

    /// Has a batch at hand.
    fn load(&mut self, mut reading: Reading) -> Result<(), OrderFault> {
        if !reading.load() {
            return Err(OrderFault::Unfinished);
        }
        (self.bytes, self.block, self.begun) = (reading.bytes, reading.block, true);
        Ok(())
    }

    /// Gives back what a batch was read into.
    fn give_back(&mut self, generation: &mut Generation) {
        let (bytes, block) = (take(&mut self.bytes), take(&mut self.block));
        generation.coming.take_back(Reading { from: None, bytes, block });
    }

    /// The next events, as far as they have been read ahead.
    #[inline(always)]
    pub(super) fn ahead(&self) -> Rest<'_> {
        self.block.rest()
    }

    /// So many of those were taken; the time of the one that comes next. `None`: there
    /// are no more, and [`ThreadCursor::read`] finds the next one behind them.
    #[inline(always)]
    pub(super) fn pass(&mut self, count: usize) -> Option<i64> {
        self.block.pass(count)
    }

    /// Lets go of its batch, which is read again when its turn comes.
    pub(super) fn let_go(&mut self, generation: &mut Generation) {
        self.settle();
        self.give_back(generation);
    }

    /// Has its batch at hand again, and reads ahead from where it is.
    #[cold]
    fn come_back(&mut self, generation: &mut Generation) -> Result<(), OrderFault> {
        let reading = match self.begun {
            true => generation.again(self.batch, usize::MAX).ok_or(OrderFault::Unfinished)?,
            false => generation.begin(self.batch),
        };
        self.load(reading)?;
        self.read_ahead(generation);
        generation.want();
        Ok(())
    }

    /// Is at its next event by itself, and not by what has been read ahead.
    fn settle(&mut self) {
        if let Some((ahead, time)) = self.block.first() {
            (self.begin, self.time) = (self.block.place(&self.bytes), time);
            (_, self.arguments) = uvarint(&self.bytes, self.begin + 1);
            self.be_of(ahead.kind());
        }
    }

    /// What the next event says, and where the bytes behind it begin, if it has not been
    /// read ahead.
    pub(super) fn event(&mut self, generation: &mut Generation) -> Result<(TraceEvent, u32), OrderFault> {
        if self.bytes.is_empty() {
            self.come_back(generation)?;
        }
        if let Some((ahead, time)) = self.block.first() {
            let ([first, second, third], kind) = (ahead.args.map(u64::from), ahead.kind());
            let args = [first, second, third, 0];
            return Ok((TraceEvent { time, args, kind, ..TraceEvent::EMPTY }, NOWHERE));
        }
        let (args, behind) = arguments(&self.bytes, self.arguments, self.count);
        if behind == NOWHERE {
            return Err(OrderFault::Unfinished);
        }
        let (time, kind) = (self.time, self.kind);
        Ok((TraceEvent { time, args, kind, ..TraceEvent::EMPTY }, behind))
    }

    /// Goes on behind an event, which ends at `behind` if it has not been read ahead; the
    /// time of the next one. `None`: the batch ends there.
    pub(super) fn go_on(&mut self, generation: &Generation, behind: u32) -> Result<Option<i64>, OrderFault> {
        if self.block.first().is_none() {
            return self.next(generation, behind);
        }
        match self.pass(1) {
            Some(time) => Ok(Some(time)),
            None => self.read(generation),
        }
    }

    /// Goes on behind those that have been read ahead, as [`ThreadCursor::go_on`] does.
    pub(super) fn read(&mut self, generation: &Generation) -> Result<Option<i64>, OrderFault> {
        let (time, behind) = self.block.end();
        self.time = time.unwrap_or(self.time);
        self.next(generation, behind)
    }

    /// Puts the cursor at the event that begins at `begin` of the batch.
    fn next(&mut self, generation: &Generation, begin: u32) -> Result<Option<i64>, OrderFault> {
        self.block.end_run();
        let Some(&kind) = self.bytes.get(begin as usize) else { return Ok(None) };
        self.be_of(EventType(kind));
        let (units, arguments) = uvarint(&self.bytes, begin + 1);
        (self.begin, self.arguments) = (begin, arguments);
        if self.count == Shape::NOT_TIMED || arguments == NOWHERE {
            return Err(self.unreadable());
        }
        if self.time == 0 {
            let batch = generation.batches.get(self.batch as usize);
            self.time = generation.tables.nanoseconds(batch.map_or(0, |batch| batch.time));
        }
        self.time = self.time.wrapping_add(generation.tables.nanoseconds(units));
        self.read_ahead(generation);
        Ok(Some(self.time))
    }

    /// Reads ahead from the event on that it is at.
    fn read_ahead(&mut self, generation: &Generation) {
        let unit = generation.tables.whole_unit();
        self.block.fill(&self.bytes, (self.begin, self.arguments), self.kind, self.time, unit);
    }

    fn be_of(&mut self, kind: EventType) {
        self.kind = kind;
        self.count = SHAPES.get(usize::from(kind.0)).map_or(Shape::NOT_TIMED, |shape| shape.args);
    }

    #[cold]
    fn unreadable(&self) -> OrderFault {
        if self.count == Shape::NOT_TIMED {
            OrderFault::NotTimed(self.kind.0)
        } else {
            OrderFault::Unfinished
        }
    }

    /// The byte of the file at which the cursor is: where the next event begins.
    pub(super) fn offset(&self, generation: &Generation) -> u64 {
        let Some(batch) = generation.batches.get(self.batch as usize) else { return 0 };
        let begin = self.block.first().map_or(self.begin, |_| self.block.place(&self.bytes));
        batch.offset.saturating_add(u64::from(begin))
    }
}

/// `count` arguments, the others being 0, and where the bytes behind them begin.
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

/// The first entry of a heap, the second with its place, and the time up to which they
/// are that.
pub(super) type FirstTwo = (Entry, Option<(usize, Entry)>, i64);

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

    /// The first entry; the one that would be it if the first were not there, with its
    /// place; and the time up to which these two are the first two, by turns, if times
    /// stay below it.
    #[inline(always)]
    pub(super) fn first_two(&self) -> Option<FirstTwo> {
        let first = self.get(0)?;
        let Some(left) = self.get(1) else { return Some((first, None, i64::MAX)) };
        let right = self.get(2).filter(|right| right.time < left.time);
        let (at, second) = right.map_or((1, left), |right| (2, right));
        let beside = self.time(3 - at).unwrap_or(i64::MAX);
        let below = [2 * at + 1, 2 * at + 2].map(|at| self.time(at).unwrap_or(i64::MAX));
        let until = below.into_iter().fold(beside, i64::min);
        Some((first, Some((at, second)), until))
    }

    /// Puts the two that [`Heap::first_two`] gave back, as they are now.
    #[inline(always)]
    pub(super) fn put_first_two(&mut self, first: Entry, second: Option<(usize, Entry)>) {
        self.put(0, first);
        if let Some((at, second)) = second {
            self.put(at, second);
        }
        self.look_at_second();
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

    /// The entries whose times are later.
    pub(super) fn later_than(&self, time: i64) -> impl Iterator<Item = Entry> {
        self.entries.iter().copied().filter(move |entry| entry.time > time)
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
        while let Some(mut least) = self.get(2 * at + 1) {
            let mut from = 2 * at + 1;
            if let Some(second) = self.get(from + 1).filter(|second| second.time < least.time) {
                (least, from) = (second, from + 1);
            }
            if least.time >= entry.time {
                break;
            }
            self.put(at, least);
            at = from;
        }
        self.put(at, entry);
    }

    #[inline]
    fn put(&mut self, at: usize, entry: Entry) {
        if let Some(place) = self.entries.get_mut(at) {
            // Part by part: a whole entry would wait for the part that was
            // written last.
            place.time = entry.time;
            place.cursor = entry.cursor;
        }
    }
}
