//! When events were lost, so that no claim of exactness is made across a loss.

use std::collections::VecDeque;

use crate::model::Time;

/// Times kept; before the oldest of a full list nothing is known.
const KEPT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Missed {
    times: VecDeque<Time>,
}

impl Missed {
    pub(super) fn note(&mut self, time: Time) {
        if self.times.len() == KEPT {
            self.times.pop_front();
        }
        self.times.push_back(time);
    }

    pub(super) fn last(&self) -> Option<Time> {
        self.times.iter().copied().max()
    }

    /// Whether events may have been lost in `[from, until]`.
    pub(super) fn between(&self, from: Time, until: Time) -> bool {
        let unknown = self.times.len() == KEPT && self.times.front().is_some_and(|oldest| from < *oldest);
        unknown || self.times.iter().any(|time| (from..=until).contains(time))
    }
}
