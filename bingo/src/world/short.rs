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
        if self.changes.is_followed() {
            burst.events.iter().for_each(|event| self.apply_at_length(burst, event));
            return;
        }
        // Who goes the long way is counted there.
        let (mut at_length, mut blocks) = (0, 0);
        for event in burst.events {
            if self.apply_short(burst, event, &mut blocks) {
                continue;
            }
            at_length += 1;
            self.apply_at_length(burst, event);
        }
        self.totals.events += u64::try_from(burst.events.len() - at_length).unwrap_or(0);
        self.totals.blocks += blocks;
        self.latest = self.latest.max(burst.events.last().map_or(self.latest, |event| event.time));
        self.changes.pass(burst.events.len());
    }

    /// Applies an event of the most common kinds. `false`: it is none of them. Each kind
    /// goes its own way, so that nobody has to ask again which one it is.
    #[inline(always)]
    fn apply_short(&mut self, burst: &Burst<'_>, event: &ShortEvent, blocks: &mut u64) -> bool {
        match event.kind {
            ShortKind::Run => self.apply_kind(burst, event, ShortKind::Run, GoState::Running),
            ShortKind::Block => {
                let applied = self.apply_kind(burst, event, ShortKind::Block, GoState::Blocked);
                *blocks += u64::from(applied);
                applied
            }
            ShortKind::Unblock => self.apply_kind(burst, event, ShortKind::Unblock, GoState::Runnable),
            ShortKind::Stop => self.apply_kind(burst, event, ShortKind::Stop, GoState::Runnable),
            ShortKind::Syscall => self.apply_kind(burst, event, ShortKind::Syscall, GoState::Syscall),
            ShortKind::Create | ShortKind::Dead | ShortKind::Found => false,
        }
    }

    #[inline(always)]
    fn apply_kind(&mut self, burst: &Burst<'_>, event: &ShortEvent, kind: ShortKind, state: GoState) -> bool {
        let Some(id) = burst.goroutines.get(event.goroutine as usize) else { return false };
        let record = self.records.at(self.lent.record(event.goroutine));
        let Some(record) = record.filter(|record| record.id == *id) else { return false };
        let woken = kind == ShortKind::Unblock;
        let by = burst.goroutines.get(event.by as usize).copied().filter(|_| woken);
        let thread = match kind {
            ShortKind::Run | ShortKind::Syscall => {
                burst.threads.get(event.thread as usize).copied().flatten()
            }
            _ => None,
        };
        let reason = event.reason.filter(|_| kind == ShortKind::Block);
        let Some(before) = record.note_short(event, kind, (state, reason), by, thread) else { return false };
        let Some(past) = &mut self.past else { return true };
        let lasted = event.time.0.saturating_sub(before.since.0);
        past.note(&mut record.kept, (event.time, state, reason, by), Some((before.state, lasted)));
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
        if let (Some(past), Some(place)) = (&mut self.past, gone.birthplace) {
            past.births.ended(place, self.latest);
        }
        self.changes.gone(id);
        self.changes.trim(self.records.len());
        Some(gone)
    }
}
