//! Which goroutine a `g` is: the queues of the runtime hold addresses of `g`s,
//! people know goroutines by their ids.

use std::collections::HashMap;

use crate::model::{Addr, GoId};

/// The ids of all goroutines, by the address of their `g`.
#[derive(Default)]
pub(super) struct Ids {
    by_g: HashMap<Addr, GoId, foldhash::fast::FixedState>,
    /// How many `g`s there are.
    total: usize,
}

impl Ids {
    /// The goroutine that `g` is; `None` where it is none, or not known.
    pub(super) fn of(&self, g: Addr) -> Option<GoId> {
        self.by_g.get(&g).copied()
    }

    /// The address of the `g` of the goroutine `id`.
    pub(super) fn g_of(&self, id: GoId) -> Option<Addr> {
        self.by_g.iter().find(|(_, known)| **known == id).map(|(&g, _)| g)
    }

    /// Notes which goroutine `g` is now.
    pub(super) fn set(&mut self, g: Addr, id: Option<GoId>) {
        match id {
            Some(id) => self.by_g.insert(g, id),
            None => self.by_g.remove(&g),
        };
    }

    /// Notes how many `g`s there are, dead ones included.
    pub(super) fn set_total(&mut self, total: usize) {
        self.by_g.reserve(total.saturating_sub(self.by_g.len()));
        self.total = total;
    }

    /// No queue is longer than this, unless it was read while it changed. A
    /// select may put one goroutine into a queue many times.
    pub(super) fn limit(&self) -> usize {
        self.total.saturating_mul(4).saturating_add(1 << 16)
    }
}
