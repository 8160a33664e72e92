//! Which goroutines changed, in order: a bounded log read from any point on.
//!
//! Each change has a number. A goroutine carries the number of its last change,
//! so that a reader who goes through the log meets each goroutine once: where
//! the entry's number is the goroutine's own.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::Goroutine;
use super::lent::Lent;
use super::records::Records;
use crate::model::GoId;

/// Entries kept at least, and for each goroutine that lives.
const KEPT: usize = 1 << 16;
const KEPT_PER_GOROUTINE: usize = 4;

/// What changed since a change number.
#[derive(Debug)]
pub struct Changes<'a> {
    /// Whether these are all goroutines: a reader drops what it knew.
    pub whole: bool,
    /// Those that are new or changed.
    pub goroutines: Vec<&'a Arc<Goroutine>>,
    /// Those that ended.
    pub gone: Vec<GoId>,
    /// The number to ask from the next time.
    pub seq: u64,
}

/// The log: entry `i` is change number `base + i + 1`. Nothing is logged before
/// somebody asks for the first time: he is told all.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    followed: Cell<bool>,
    base: u64,
    entries: VecDeque<Entry>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Changed(GoId),
    Gone(GoId),
}

impl ChangeLog {
    pub(super) fn seq(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// Notes a change; the answer is its number.
    pub(super) fn changed(&mut self, id: GoId) -> u64 {
        self.note(Entry::Changed(id));
        self.seq()
    }

    /// Notes an end.
    pub(super) fn gone(&mut self, id: GoId) {
        self.note(Entry::Gone(id));
    }

    fn note(&mut self, entry: Entry) {
        if self.followed.get() {
            self.entries.push_back(entry);
        } else {
            self.base += 1;
        }
    }

    /// Whether somebody reads it.
    pub(super) fn is_followed(&self) -> bool {
        self.followed.get()
    }

    /// Notes changes that nobody will ask for by name.
    pub(super) fn pass(&mut self, count: usize) {
        if !self.followed.get() {
            self.base += u64::try_from(count).unwrap_or(0);
        }
    }

    /// Drops the oldest entries beyond what `alive` goroutines are worth.
    pub(super) fn trim(&mut self, alive: usize) {
        while self.entries.len() > KEPT.max(alive * KEPT_PER_GOROUTINE) {
            self.entries.pop_front();
            self.base += 1;
        }
    }

    pub(super) fn since<'a>(&self, seq: u64, alive: &'a Records, lent: &'a Lent) -> Changes<'a> {
        self.followed.set(true);
        if seq == 0 || seq < self.base {
            let goroutines = alive.iter().map(|record| record.shown(lent)).collect();
            return Changes { whole: true, goroutines, gone: Vec::new(), seq: self.seq() };
        }
        let mut changes = Changes { whole: false, goroutines: Vec::new(), gone: Vec::new(), seq: self.seq() };
        let skip = usize::try_from(seq - self.base).unwrap_or(usize::MAX);
        for (number, entry) in (seq + 1..).zip(self.entries.iter().skip(skip)) {
            match entry {
                Entry::Gone(id) => changes.gone.push(*id),
                Entry::Changed(id) => {
                    let record = alive.get(*id).filter(|record| record.changed == number);
                    changes.goroutines.extend(record.map(|record| record.shown(lent)));
                }
            }
        }
        changes
    }
}
