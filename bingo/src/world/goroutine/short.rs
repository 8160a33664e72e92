//! How a short event changes the record of a goroutine. In: the event, where no
//! snapshot has anything to say against it. Out: what the goroutine was before.

use super::super::course::Course;
use super::super::history::{Past, PlaceIndex};
use super::super::lent::{Lent, NONE};
use super::{Facts, Record};
use crate::model::{GoId, GoState, ShortKind, ShortReason, ThreadId, Time, WaitReason};

/// What a goroutine was before an event.
#[derive(Clone, Copy)]
pub(in super::super) struct Was {
    pub(in super::super) state: GoState,
    pub(in super::super) since: Time,
    pub(in super::super) reason: ShortReason,
    /// The number of its stack.
    pub(in super::super) lent: u32,
}

impl Record {
    /// Whether all that is known of it was told by events. [`Record::note_short`] asks, too;
    /// asked along with whether there is a record it is one question.
    #[inline(always)]
    pub(in super::super) fn is_told_alone(&self) -> bool {
        matches!(self.facts, Facts::Told(_))
    }

    /// Takes in an event of a burst, of a time, a kind and the number of a stack, which
    /// leaves the goroutine in `state`, as [`Record::note_event`] would; what it was before,
    /// and what has become of it. `None`: it cannot, because more is known of it than events
    /// of bursts tell, or less, or who woke it was not told, or somebody has looked since.
    #[inline(always)]
    pub(in super::super) fn note_short(
        &mut self,
        (time, kind, stack): (Time, ShortKind, u32),
        (state, reason): (GoState, ShortReason),
        by: Option<GoId>,
        thread: Option<ThreadId>,
    ) -> Option<(Was, &mut Course)> {
        let Facts::Told(told) = &mut self.facts else { return None };
        if !told.is_plain()
            || told.time >= time
            || kind != ShortKind::Unblock && told.state == GoState::Blocked
        {
            return None;
        }
        let was = Was { state: told.state, since: told.time, reason: told.reason, lent: self.lent };
        (told.time, told.state, told.reason) = (time, state, reason);
        told.put_on(thread);
        if kind != ShortKind::Unblock {
            if stack != NONE {
                self.lent = stack;
            } else if kind == ShortKind::Block {
                self.lose_stack();
            }
        }
        let course = self.course.get_or_insert_default();
        match kind {
            ShortKind::Unblock => course.note_woken_by_number(time, by, stack),
            kind => course.blocks += u64::from(kind == ShortKind::Block),
        }
        Some((was, course))
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
        (self.stack, self.lent) = (None, NONE);
        self.forget_place();
    }

    /// Refers to no stack by its number any more.
    pub(in super::super) fn own_stacks(&mut self, lent: &Lent) {
        if self.lent != NONE {
            self.stack = lent.stack(self.lent).cloned();
            self.lent = NONE;
            self.forget_place();
        }
        if let Some(course) = &mut self.course {
            course.own_stacks(lent);
        }
    }
}
