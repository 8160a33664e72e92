//! Batches that are read before their turn, by whoever has nothing better to do
//! meanwhile. In: batches that a thread's cursor comes to next. Out: their bytes
//! and what they say, or, where nobody has begun with them, the batches as they were.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::block::Block;
use super::bodies::read_at;
use super::tables::Tables;

/// Batches that are out at once: what bounds the memory they take.
const OUT: usize = 32;
/// Bytes of a batch that are worth being read by another thread.
const WORTH_IT: usize = 1 << 12;

/// Where batches are that are to be read before their turn.
#[derive(Default)]
pub(super) struct Ahead {
    wanted: Mutex<VecDeque<Arc<Slot>>>,
    out: AtomicUsize,
}

/// A batch's bytes, and what they say as far as that has been read.
#[derive(Default)]
pub(super) struct Reading {
    /// Where the bytes are to be had from, and how many, where that has not been done.
    pub(super) from: Option<(Arc<File>, u64, usize)>,
    pub(super) bytes: Vec<u8>,
    pub(super) block: Block,
}

/// Stands for a batch that is to be read before its turn.
pub(super) struct Ticket {
    slot: Arc<Slot>,
    ahead: Arc<Ahead>,
}

struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// A batch, the time before its first event, and what its numbers mean.
    Wanted(Reading, i64, Arc<Tables>),
    Begun,
    Done(Reading),
    Gone,
}

impl Ahead {
    /// Wants a batch to be read, whose events follow on `time`. Nothing comes of it
    /// where that is not worth it.
    pub(super) fn want(
        self: &Arc<Ahead>,
        reading: Reading,
        time: i64,
        tables: &Arc<Tables>,
    ) -> Option<Ticket> {
        let len = reading.from.as_ref().map_or(reading.bytes.len(), |(_, _, len)| *len);
        if len < WORTH_IT || tables.whole_unit() == 0 || self.out.load(Ordering::Relaxed) >= OUT {
            return None;
        }
        self.out.fetch_add(1, Ordering::Relaxed);
        let state = Mutex::new(State::Wanted(reading, time, Arc::clone(tables)));
        let slot = Arc::new(Slot { state, changed: Condvar::new() });
        self.wanted().push_back(Arc::clone(&slot));
        Some(Ticket { slot, ahead: Arc::clone(self) })
    }

    /// Reads a batch that is wanted; `false`: there is none.
    pub(super) fn read_one(&self) -> bool {
        loop {
            let Some(slot) = self.wanted().pop_front() else { return false };
            let begun = std::mem::replace(&mut *slot.state(), State::Begun);
            let State::Wanted(mut reading, time, tables) = begun else {
                *slot.state() = State::Gone;
                continue;
            };
            if reading.load() {
                reading.block.fill_whole(&reading.bytes, time, &tables);
            }
            *slot.state() = State::Done(reading);
            slot.changed.notify_one();
            return true;
        }
    }

    fn wanted(&self) -> MutexGuard<'_, VecDeque<Arc<Slot>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The batch, as far as it has been read.
    pub(super) fn redeem(self) -> Reading {
        let mut state = self.slot.state();
        while matches!(*state, State::Begun) {
            state = self.slot.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match std::mem::replace(&mut *state, State::Gone) {
            State::Wanted(reading, ..) | State::Done(reading) => reading,
            State::Begun | State::Gone => Reading::default(),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.ahead.out.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
