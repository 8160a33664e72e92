//! The ring buffer → records in order of time.
//!
//! Records of several CPUs stand in the ring in the order in which they were
//! reserved; a thread that is preempted between reading the clock and reserving
//! is late. So the newest [`WINDOW`] is held back and sorted into place.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use aya::maps::{MapData, RingBuf};

use super::decode::Received;
use crate::model::Time;

/// How long a record waits for a late one.
pub(super) const WINDOW: Duration = Duration::from_millis(2);

/// Records taken in one go, so that a flood cannot keep a caller for ever.
const MOST: usize = 1 << 18;

/// The reading end of the ring.
pub(super) struct Ring {
    ring: RingBuf<MapData>,
    order: Order,
    /// Records received, by kind.
    received: [u64; 4],
    /// Records that could not be read: the two sides disagree.
    damaged: u64,
}

/// Sorts records that come nearly sorted.
#[derive(Default)]
struct Order {
    waiting: Vec<Received>,
    /// The time of the last record let go.
    passed: u64,
    /// Records that came after one of a later time had been let go.
    late: u64,
}

impl Ring {
    pub(super) fn new(ring: RingBuf<MapData>) -> Ring {
        Ring { ring, order: Order::default(), received: [0; 4], damaged: 0 }
    }

    /// Takes what is in the ring and hands on, oldest first, what is older than
    /// the window; with `all`, everything. Answers whether there may be more.
    pub(super) fn drain(&mut self, now: Time, all: bool, mut each: impl FnMut(&Received)) -> bool {
        let mut left = MOST;
        while left > 0 {
            let Some(item) = self.ring.next() else { break };
            left -= 1;
            let Some(received) = Received::parse(&item) else {
                self.damaged += 1;
                continue;
            };
            if let Some(count) = self.received.get_mut(received.kind.index()) {
                *count += 1;
            }
            self.order.waiting.push(received);
        }
        let window = u64::try_from(WINDOW.as_nanos()).unwrap_or(u64::MAX);
        let until = if all { u64::MAX } else { now.0.saturating_sub(window) };
        self.order.release(until, &mut each);
        left == 0
    }

    /// Records received, by probe.
    pub(super) fn received(&self) -> [u64; 4] {
        self.received
    }

    /// Records that were handed on after one of a later time.
    pub(super) fn late(&self) -> u64 {
        self.order.late
    }

    /// Records that could not be read.
    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Becomes readable when the programs wake the reader.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

impl Order {
    /// Hands on every record up to the time `until`, oldest first.
    fn release(&mut self, until: u64, each: &mut impl FnMut(&Received)) {
        // Stable and fast on runs, which this nearly is.
        self.waiting.sort_by_key(|received| received.time);
        let count = self.waiting.partition_point(|received| received.time <= until);
        for received in self.waiting.drain(..count) {
            if received.time < self.passed {
                self.late += 1;
            } else {
                self.passed = received.time;
            }
            each(&received);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes each batch of times, releasing up to the time behind it.
    fn check(batches: &[(&[u64], u64)], expect: &[u64], late: u64) {
        let mut order = Order::default();
        let mut out = Vec::new();
        for (times, until) in batches {
            for time in *times {
                let mut bytes = [0_u8; 32];
                bytes[..8].copy_from_slice(&time.to_ne_bytes());
                order.waiting.push(Received::parse(&bytes).unwrap());
            }
            order.release(*until, &mut |received| out.push(received.time));
        }
        assert_eq!((out.as_slice(), order.late), (expect, late));
    }

    #[test]
    fn order() {
        check(&[(&[1, 2, 3], 9)], &[1, 2, 3], 0);
        // Two CPUs, out of step within the window.
        check(&[(&[10, 30, 20], 25), (&[28, 40], 50)], &[10, 20, 28, 30, 40], 0);
        // Late beyond the window: still handed on, and counted.
        check(&[(&[10, 30], 30), (&[20, 40], 50)], &[10, 30, 20, 40], 1);
        check(&[(&[5], 4)], &[], 0);
    }
}
