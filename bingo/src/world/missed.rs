//! When events were lost, so that no claim of exactness is made across a loss.

use std::collections::VecDeque;

use crate::model::Time;

/// Spans kept; before the oldest of a full list nothing is known.
const KEPT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Missed {
    spans: VecDeque<(Time, Time)>,
}

impl Missed {
    /// Events may have been lost in `[from, until]`.
    pub(super) fn note(&mut self, from: Time, until: Time) {
        if let Some(last) = self.spans.back_mut().filter(|last| last.0 <= from && from <= last.1) {
            last.1 = last.1.max(until);
            return;
        }
        if self.spans.len() == KEPT {
            self.spans.pop_front();
        }
        self.spans.push_back((from, until));
    }

    pub(super) fn last(&self) -> Option<Time> {
        self.spans.iter().map(|span| span.1).max()
    }

    /// Whether events may have been lost in `[from, until]`.
    pub(super) fn between(&self, from: Time, until: Time) -> bool {
        let unknown = self.spans.len() == KEPT && self.spans.front().is_some_and(|oldest| from < oldest.0);
        unknown || self.spans.iter().any(|span| span.0 <= until && from <= span.1)
    }
}
