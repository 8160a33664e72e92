//! What is read before its turn, by whoever has nothing better to do meanwhile: batches,
//! and the generation that comes next. In: what comes soon. Out: the same, and what it
//! says, or, where nobody has begun with it, as it was.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::block::Block;
use super::bodies::read_at;
use super::error::TraceError;
use super::generation::{Generation, Generations};
use super::tables::Tables;

/// Batches that are out at once: what bounds the memory they take.
pub(super) const OUT: usize = 16;
/// Bytes of a batch that are worth being read by another thread.
const WORTH_IT: usize = 1 << 12;

/// What is to be read before its turn.
#[derive(Clone, Default)]
pub(super) struct Ahead<'r> {
    pub(super) batches: Arc<BatchesAhead>,
    pub(super) generation: Arc<Slot<NextGeneration<'r>>>,
}

/// Batches that are to be read before their turn, the soonest first.
#[derive(Default)]
pub(super) struct BatchesAhead {
    wanted: Mutex<VecDeque<Arc<Slot<NextBatch>>>>,
    out: AtomicUsize,
}

/// Stands for a batch that is to be read before its turn.
pub(super) struct Ticket {
    slot: Arc<Slot<NextBatch>>,
    ahead: Arc<BatchesAhead>,
}

/// A place for something to be read before its turn.
pub(super) struct Slot<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
}

enum State<W> {
    Empty,
    Wanted(W),
    Begun,
    Done(W),
}

/// What can be read before its turn.
pub(super) trait Work {
    fn read(&mut self);
}

/// A batch's bytes, and what they say as far as that has been read.
#[derive(Default)]
pub(super) struct Reading {
    /// Where the bytes are to be had from, and how many, where that has not been done.
    pub(super) from: Option<(Arc<File>, u64, usize)>,
    pub(super) bytes: Vec<u8>,
    pub(super) block: Block,
}

/// A batch, the time before its first event, and what its numbers mean.
struct NextBatch {
    reading: Reading,
    time: i64,
    tables: Arc<Tables>,
}

/// What reads generations, and the next one, if it was read.
pub(super) struct NextGeneration<'r> {
    pub(super) from: Generations<'r>,
    pub(super) next: Option<Result<Option<Generation>, TraceError>>,
}

impl Ahead<'_> {
    /// Reads something that is wanted; `false`: there is nothing.
    pub(super) fn read_one(&self) -> bool {
        self.batches.read_one() || self.generation.read()
    }
}

impl BatchesAhead {
    /// Whether more batches may be out.
    pub(super) fn has_room(&self) -> bool {
        self.out.load(Ordering::Relaxed) < OUT
    }

    /// Whether it is worth it that a batch of so many bytes is read by another thread.
    pub(super) fn is_worth(len: usize, tables: &Tables) -> bool {
        len >= WORTH_IT && tables.whole_unit() != 0
    }

    /// Wants a batch to be read, whose events follow on `time`.
    pub(super) fn want(self: &Arc<Self>, reading: Reading, time: i64, tables: &Arc<Tables>) -> Ticket {
        self.out.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::new(Slot::default());
        slot.want(NextBatch { reading, time, tables: Arc::clone(tables) });
        self.wanted().push_back(Arc::clone(&slot));
        Ticket { slot, ahead: Arc::clone(self) }
    }

    fn read_one(&self) -> bool {
        loop {
            let Some(slot) = self.wanted().pop_front() else { return false };
            if slot.read() {
                return true;
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, VecDeque<Arc<Slot<NextBatch>>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The batch, as far as it has been read.
    pub(super) fn redeem(self) -> Reading {
        self.slot.take().map(|batch| batch.reading).unwrap_or_default()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.ahead.out.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<W> Default for Slot<W> {
    fn default() -> Slot<W> {
        Slot { state: Mutex::new(State::Empty), changed: Condvar::new() }
    }
}

impl<W: Work> Slot<W> {
    /// Wants something to be read.
    pub(super) fn want(&self, work: W) {
        *self.state() = State::Wanted(work);
    }

    /// What was wanted, whether it has been read or not; whoever has begun is waited for.
    pub(super) fn take(&self) -> Option<W> {
        let mut state = self.state();
        while matches!(*state, State::Begun) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match std::mem::replace(&mut *state, State::Empty) {
            State::Wanted(work) | State::Done(work) => Some(work),
            State::Begun | State::Empty => None,
        }
    }

    /// Reads what is wanted; `false`: nothing is, or somebody has begun.
    fn read(&self) -> bool {
        let mut state = self.state();
        let mut work = match std::mem::replace(&mut *state, State::Begun) {
            State::Wanted(work) => work,
            other => {
                *state = other;
                return false;
            }
        };
        drop(state);
        work.read();
        *self.state() = State::Done(work);
        self.changed.notify_one();
        true
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for NextBatch {
    fn read(&mut self) {
        if self.reading.load() {
            self.reading.block.fill_whole(&self.reading.bytes, self.time, &self.tables);
        }
    }
}

impl Work for NextGeneration<'_> {
    fn read(&mut self) {
        self.next = Some(self.from.next());
    }
}

impl Reading {
    /// Has the bytes at hand. `false`: they cannot be had.
    pub(super) fn load(&mut self) -> bool {
        let Some((file, offset, len)) = self.from.take() else { return true };
        if self.bytes.capacity() < len {
            self.bytes = Vec::with_capacity(len);
        }
        self.bytes.resize(len, 0);
        let read = read_at(&file, offset, &mut self.bytes);
        if read.is_err() {
            self.bytes.clear();
        }
        read.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::tables::TablesBuilder;
    use super::*;

    /// How often it was read.
    struct Times(u32);

    impl Work for Times {
        fn read(&mut self) {
            self.0 += 1;
        }
    }

    #[test]
    fn what_is_wanted_is_read_once_or_comes_as_it_was() {
        let slot = Slot::default();
        assert!(!slot.read() && slot.take().is_none());
        slot.want(Times(0));
        assert_eq!(slot.take().map(|times| times.0), Some(0));
        slot.want(Times(0));
        assert!(slot.read() && !slot.read());
        assert_eq!(slot.take().map(|times| times.0), Some(1));
        assert!(!slot.read() && slot.take().is_none());
    }

    #[test]
    fn whoever_has_begun_is_waited_for() {
        for _ in 0..200 {
            let slot = Arc::new(Slot::default());
            slot.want(Times(0));
            let other = Arc::clone(&slot);
            let reads = thread::spawn(move || other.read());
            let times = slot.take().map(|times| times.0);
            assert_eq!(times, Some(u32::from(reads.join().unwrap())));
        }
    }

    #[test]
    fn as_many_batches_are_out_as_may_be() {
        let ahead = Arc::new(BatchesAhead::default());
        let tables = Arc::new(TablesBuilder::default().finish(1, 64.0, None, false).unwrap());
        let mut tickets: Vec<Ticket> = (0..OUT).map(|_| ahead.want(Reading::default(), 0, &tables)).collect();
        assert!(!ahead.has_room());
        // The batch of one that is not wanted any more is passed over.
        tickets.remove(0).redeem();
        assert!(ahead.has_room() && ahead.read_one());
        drop(tickets);
        assert_eq!(ahead.out.load(Ordering::Relaxed), 0);
    }
}
