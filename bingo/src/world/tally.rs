//! How waits end as a rule, summed up while a burst lasts: at a place that has seen
//! many, shorter than any worth a note, by who has ended others there. In: the ends of
//! waits, by the numbers of stacks. Out: sums for [`Past`], once for each burst.

use super::history::{End, Past, PlaceIndex};
use crate::model::{GoId, ShortReason, Time};

/// By the number of the stack where goroutines waited, what is a rule there.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    by_stack: Vec<Option<Tally>>,
    /// Which of them have counted something.
    begun: Vec<u32>,
}

/// Waits at one place that one and the same place of a waker ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    reason: ShortReason,
    /// The number of the waker's stack.
    waker: u32,
    pub(super) place: PlaceIndex,
    /// Which of the place's wakers that is.
    pub(super) waker_at: u32,
    /// Waits as long as that, in nanoseconds, are worth a note.
    notable: u64,
    pub(super) ended: u64,
    /// How long they took together, in nanoseconds.
    pub(super) blocked: u64,
    /// The last one: who woke whom, and when.
    pub(super) last: (GoId, GoId),
    pub(super) time: Time,
}

impl Tallies {
    /// There are so many stacks.
    pub(super) fn resize(&mut self, stacks: usize) {
        self.by_stack.resize(stacks, None);
    }

    /// Counts the end of a wait for a reason, by the numbers of the stacks of who waited
    /// and who woke. `false`: that is left to whoever asks.
    #[inline(always)]
    pub(super) fn count(&mut self, (stack, waker): (u32, u32), reason: ShortReason, end: End) -> bool {
        let Some(Some(tally)) = self.by_stack.get_mut(stack as usize) else { return false };
        let Some(by) = end.by else { return false };
        if tally.waker != waker || tally.reason != reason || end.lasted >= tally.notable {
            return false;
        }
        if tally.ended == 0 {
            self.begun.push(stack);
        }
        tally.ended += 1;
        tally.blocked += end.lasted;
        (tally.last, tally.time) = ((by, end.goroutine), end.time);
        true
    }

    /// Counts such ends from now on, at a place, where none is counted at that stack.
    pub(super) fn learn(
        &mut self,
        (stack, waker): (u32, u32),
        reason: ShortReason,
        (past, place): (&Past, PlaceIndex),
    ) {
        let Some(tally) = self.by_stack.get_mut(stack as usize) else { return };
        if tally.is_none_or(|tally| tally.ended == 0)
            && let Some((waker_at, notable)) = past.rule(place, waker)
        {
            let (last, time) = ((GoId(0), GoId(0)), Time::default());
            *tally =
                Some(Tally { reason, waker, place, waker_at, notable, ended: 0, blocked: 0, last, time });
        }
    }

    /// Hands over what was counted.
    pub(super) fn settle(&mut self, past: &mut Past) {
        for stack in self.begun.drain(..) {
            if let Some(Some(tally)) = self.by_stack.get_mut(stack as usize) {
                past.note_tally(tally);
                (tally.ended, tally.blocked) = (0, 0);
            }
        }
    }
}
