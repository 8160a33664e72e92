//! How a short event changes the record of a goroutine. In: the event, where no
//! snapshot has anything to say against it. Out: what the goroutine was before.

use super::super::history::{Past, PlaceIndex};
use super::super::lent::{Lent, NONE};
use super::{Record, Woken};
use crate::model::{GoId, GoState, ShortKind, ThreadId, Time, WaitReason};

/// What a goroutine was before an event.
#[derive(Clone, Copy)]
pub(in super::super) struct Was {
    pub(in super::super) state: GoState,
    pub(in super::super) since: Time,
    pub(in super::super) reason: Option<WaitReason>,
    /// The number of its stack.
    pub(in super::super) lent: u32,
}

impl Record {
    /// Takes in an event of a burst, of a time, a kind and the number of a stack, which
    /// leaves the goroutine in `state`, as [`Record::note_event`] would; what it was before.
    /// `None`: it cannot, because more is known of it than events of bursts tell, or less,
    /// or who woke it was not told, or somebody has looked since.
    #[inline(always)]
    pub(in super::super) fn note_short(
        &mut self,
        (time, kind, stack): (Time, ShortKind, u32),
        (state, reason): (GoState, Option<WaitReason>),
        by: Option<GoId>,
        thread: Option<ThreadId>,
    ) -> Option<Was> {
        let told = self.told.as_mut().filter(|told| self.plain.get() && told.time < time)?;
        if kind != ShortKind::Unblock && told.state == GoState::Blocked {
            return None;
        }
        let was = Was { state: told.state, since: told.time, reason: told.reason, lent: self.lent };
        (told.time, told.state, told.reason, told.thread) = (time, state, reason, thread);
        match kind {
            ShortKind::Unblock => {
                match &mut self.woken {
                    Some(woken) => (woken.time, woken.by) = (time, by),
                    None => self.woken = Some(Woken { time, by, stack: None }),
                }
                self.woken_lent = stack;
                if stack == NONE
                    && let Some(woken) = &mut self.woken
                {
                    woken.stack = None;
                }
            }
            kind => {
                self.blocks += u64::from(kind == ShortKind::Block);
                if stack != NONE {
                    self.lent = stack;
                } else if kind == ShortKind::Block {
                    self.lose_stack();
                }
            }
        }
        Some(was)
    }

    /// The place where it waits for `reason`, by its own stack.
    pub(in super::super) fn place(
        &mut self,
        past: &mut Past,
        reason: Option<WaitReason>,
    ) -> Option<PlaceIndex> {
        past.place(reason, self.stack.as_ref()?)
    }

    /// It waits somewhere, and not where it was before.
    #[cold]
    pub(super) fn lose_stack(&mut self) {
        (self.stack, self.place, self.lent) = (None, None, NONE);
    }

    /// Refers to no stack by its number any more.
    pub(in super::super) fn own_stacks(&mut self, lent: &Lent) {
        if self.lent != NONE {
            (self.stack, self.place) = (lent.stack(self.lent).cloned(), None);
            self.lent = NONE;
        }
        if self.woken_lent != NONE
            && let Some(woken) = &mut self.woken
        {
            woken.stack = lent.stack(self.woken_lent).cloned();
            self.woken_lent = NONE;
        }
    }
}
