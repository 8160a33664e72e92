//! Goroutines that ended a short while ago, so that what is older than their
//! end (a snapshot that was being read, an event of another thread) does not
//! bring them back. Ids are never reused, so a mistake could not heal.

use std::collections::{HashSet, VecDeque};

use crate::model::{GoId, Time};

/// More than any program ends between two snapshots.
const KEPT: usize = 1 << 18;

#[derive(Debug, Default)]
pub(super) struct Buried {
    ids: HashSet<GoId, foldhash::fast::RandomState>,
    by_time: VecDeque<(Time, GoId)>,
}

impl Buried {
    pub(super) fn bury(&mut self, id: GoId, time: Time) {
        if self.ids.insert(id) {
            self.by_time.push_back((time, id));
        }
        if self.by_time.len() > KEPT {
            self.forget_first();
        }
    }

    pub(super) fn contains(&self, id: GoId) -> bool {
        self.ids.contains(&id)
    }

    /// Forgets those that ended before `time`: nothing so old comes any more.
    pub(super) fn forget_before(&mut self, time: Time) {
        while self.by_time.front().is_some_and(|(ended, _)| *ended < time) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, id)) = self.by_time.pop_front() {
            self.ids.remove(&id);
        }
    }
}
