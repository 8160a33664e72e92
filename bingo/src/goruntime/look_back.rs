//! Whether those who were seen to wait did so all at one moment. In: the goroutines of
//! a snapshot, and copies of all `g`s that were made behind everything else. Out: who of
//! them has gone on since, and who was not among them.
//!
//! ```text
//!   7 is seen to wait for 9 ─▶ 9 lets it go on and ends ─▶ 9 is seen to be gone ─▶ 7 again:
//!                                                          it waits no longer
//!   9 is seen not to be there ─▶ 7 makes 9, waits for it, is seen so ─▶ 9 again: it is there
//! ```
//!
//! Who waits as before has done so all the time, so that there is a moment, before the
//! first of these copies, at which all of those waited.

use std::sync::Arc;

use super::g::G;
use crate::model::{GoId, GoState, Goroutine};

/// The goroutines of a snapshot as a second look finds them.
pub(super) struct LookBack<'s> {
    /// By id.
    seen: &'s [Arc<Goroutine>],
    /// Which of them are where they were.
    stand: Vec<bool>,
    /// Those that were not among them.
    new: Vec<G>,
}

impl<'s> LookBack<'s> {
    /// One at these, which are by id.
    pub(super) fn at(seen: &'s [Arc<Goroutine>]) -> LookBack<'s> {
        LookBack { seen, stand: vec![false; seen.len()], new: Vec::new() }
    }

    /// Takes in the copy of a `g` that is a goroutine.
    pub(super) fn note(&mut self, g: G) {
        match self.seen.binary_search_by_key(&GoId(g.goid), |goroutine| goroutine.id) {
            Ok(place) => {
                let before = self.seen.get(place).is_some_and(|before| waits_since(before, &g));
                self.stand.get_mut(place).into_iter().for_each(|stands| *stands |= before);
            }
            Err(_) => self.new.push(g),
        }
    }

    /// Those that waited and have gone on, by id, and those that are new.
    pub(super) fn found(self) -> (Vec<GoId>, Vec<G>) {
        let LookBack { seen, stand, new } = self;
        let moved = seen.iter().zip(stand).filter(|(one, stands)| !stands && one.state == GoState::Blocked);
        (moved.map(|(one, _)| one.id).collect(), new)
    }
}

/// Whether it waits since it was seen `before`.
fn waits_since(before: &Goroutine, g: &G) -> bool {
    g.status.state() == Some(GoState::Blocked) && before.switches == Some(g.tracking_seq)
}
