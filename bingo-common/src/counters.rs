//! What the programs count, exactly: `hits = filtered + dropped + sent`, and
//! what is sent is received.

use crate::Kind;

/// One count of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// Every time a probe fired: each cost the target a trap.
    Hits = 0,
    /// Hits that a filter kept from the ring.
    Filtered = 1,
    /// Records that the ring had no room for.
    Dropped = 2,
    /// Records dropped because the goroutine could not be read.
    Unreadable = 3,
}

const COUNTERS: u32 = 4;

/// Slots of the counter map.
pub const COUNTER_SLOTS: u32 = 5 * COUNTERS;

/// Slot of a count in the counter map.
#[must_use]
pub const fn counter_slot(kind: Kind, counter: Counter) -> u32 {
    (kind as u32) * COUNTERS + counter as u32
}
