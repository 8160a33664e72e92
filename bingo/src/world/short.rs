//! How a burst changes the World: as its events would one by one, and quicker.
//! What hardly ever happens, or concerns a goroutine that a snapshot has shown,
//! goes that way.

use super::World;
use super::goroutine::Record;
use super::history::End;
use super::lent::NONE;
use crate::model::{Burst, GoId, GoState, ShortEvent, ShortKind};

impl World {
    pub(super) fn apply_burst(&mut self, burst: &Burst<'_>) {
        if !self.lent.is_continued_by(burst) {
            self.own_stacks();
        }
        self.lent.take_over(burst);
        let followed = self.changes.is_followed();
        for event in burst.events {
            if followed || !self.apply_short(burst, event) {
                self.apply_at_length(burst, event);
            }
        }
        self.changes.pass(burst.events.len());
    }

    /// Applies an event of the most common kinds. `false`: it is none of them.
    #[inline(always)]
    fn apply_short(&mut self, burst: &Burst<'_>, event: &ShortEvent) -> bool {
        let state = match event.kind {
            ShortKind::Run => GoState::Running,
            ShortKind::Block => GoState::Blocked,
            ShortKind::Unblock | ShortKind::Stop => GoState::Runnable,
            ShortKind::Syscall => GoState::Syscall,
            ShortKind::Create | ShortKind::Dead | ShortKind::Found(_) => return false,
        };
        let Some(id) = burst.goroutines.get(event.goroutine as usize) else { return false };
        let record = self.records.at(self.lent.record(event.goroutine));
        let Some(record) = record.filter(|record| record.id == *id) else { return false };
        let by = burst.goroutines.get(event.by as usize).copied();
        let thread = match event.kind {
            ShortKind::Run | ShortKind::Syscall => {
                burst.threads.get(event.thread as usize).copied().flatten()
            }
            _ => None,
        };
        let Some(before) = record.note_short(event, state, by, thread) else { return false };
        self.latest = event.time;
        self.totals.events += 1;
        self.totals.blocks += u64::from(event.kind == ShortKind::Block);
        let Some(past) = &mut self.past else { return true };
        let lasted = event.time.0.saturating_sub(before.since.0);
        past.note(&mut record.kept, (event.time, state, event.reason, by), Some((before.state, lasted)));
        if before.state != GoState::Blocked {
            return true;
        }
        let place = match before.lent {
            NONE => record.place(past, before.reason),
            number => self.lent.place(past, before.reason, number),
        };
        if let Some(place) = place {
            let (goroutine, time) = (*id, event.time);
            let waker = self.lent.stack(event.stack).map(|stack| (stack, event.stack));
            past.note_end(place, End { goroutine, time, lasted, by, waker });
        }
        true
    }

    #[inline(never)]
    fn apply_at_length(&mut self, burst: &Burst<'_>, event: &ShortEvent) {
        let Some(&id) = burst.goroutines.get(event.goroutine as usize) else { return };
        if event.kind == ShortKind::Dead && self.records.number(id).is_some() {
            // Nothing comes behind it that could bring it back.
            self.latest = self.latest.max(event.time);
            self.totals.events += 1;
            self.remove(id);
            return;
        }
        burst.tell(event, &mut |event| self.apply_event(event));
        self.lent.note_record(event.goroutine, self.records.number(id).unwrap_or(NONE));
    }

    /// Lets no record refer to a stack by its number.
    fn own_stacks(&mut self) {
        let lent = &self.lent;
        self.records.iter_mut().for_each(|record| record.own_stacks(lent));
        self.lent.forget_stacks();
        if let Some(past) = &mut self.past {
            past.forget_numbers();
        }
    }

    /// Removes a goroutine that has ended.
    pub(super) fn remove(&mut self, id: GoId) -> Option<Box<Record>> {
        let gone = self.records.remove(id)?;
        self.changes.gone(id);
        self.changes.trim(self.records.len());
        Some(gone)
    }
}
