//! How a burst changes the World: as its events would one by one, and quicker.
//! What hardly ever happens, or concerns a goroutine that a snapshot has shown,
//! goes that way.

use super::World;
use super::goroutine::Record;
use super::history::{End, Past};
use super::lent::{NONE, Waits};
use super::step::Step;
use crate::model::{Burst, GoId, GoState, ShortEvent, ShortKind, ShortReason, ThreadId, Time};

impl World {
    pub(super) fn apply_burst(&mut self, burst: &Burst<'_>) {
        if !self.lent.is_continued_by(burst) {
            self.own_stacks();
        }
        self.lent.take_over(burst);
        if self.changes.is_followed() || self.past.is_none() {
            burst.events.iter().for_each(|event| self.apply_at_length(burst, event));
            return;
        }
        let mut events = burst.events;
        loop {
            events = self.apply_short(burst, events);
            let Some((event, behind)) = events.split_first() else { break };
            self.apply_at_length(burst, event);
            events = behind;
        }
        self.latest =
            self.latest.max(burst.events.last().map_or(self.latest, |event| event.time(burst.from)));
        self.changes.pass(burst.events.len());
    }

    /// Applies events up to the first that has to be applied at length; that one and
    /// those behind it.
    fn apply_short<'b>(&mut self, burst: &Burst<'b>, events: &'b [ShortEvent]) -> &'b [ShortEvent] {
        let Some(past) = &mut self.past else { return events };
        let (numbers, waits) = self.lent.tables();
        let records = self.records.by_number();
        let (from, goroutines, threads) = (burst.from, burst.goroutines, burst.threads);
        let mut fold = Fold { from, goroutines, threads, numbers, records, waits, past, blocks: 0 };
        let mut left = events;
        while let Some((event, behind)) = left.split_first()
            && fold.apply(event)
        {
            left = behind;
        }
        fold.waits.tallies.settle(fold.past);
        self.totals.blocks += fold.blocks;
        self.totals.events += u64::try_from(events.len() - left.len()).unwrap_or(0);
        left
    }

    #[inline(never)]
    fn apply_at_length(&mut self, burst: &Burst<'_>, event: &ShortEvent) {
        let Some(&id) = burst.goroutines.get(event.goroutine as usize) else { return };
        if event.kind == ShortKind::Dead && self.records.number(id).is_some() {
            // Nothing comes behind it that could bring it back.
            self.latest = self.latest.max(event.time(burst.from));
            self.totals.events += 1;
            self.remove(id);
            self.lent.note_record(event.goroutine, NONE);
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
    pub(super) fn remove(&mut self, id: GoId) -> Option<Record> {
        let gone = self.records.remove(id)?;
        self.budget.give_back(&gone);
        if let (Some(past), Some(place)) = (&mut self.past, gone.birthplace()) {
            past.births.ended(place, self.latest);
        }
        self.changes.gone(id);
        self.changes.trim(self.records.len());
        Some(gone)
    }
}

/// What events of the most common kinds change, and what that needs.
struct Fold<'w> {
    from: Time,
    goroutines: &'w [GoId],
    threads: &'w [Option<ThreadId>],
    /// By a goroutine's number the number of its record.
    numbers: &'w [u32],
    records: &'w mut [Option<Record>],
    waits: &'w mut Waits,
    past: &'w mut Past,
    /// How many of the events were parks.
    blocks: u64,
}

impl Fold<'_> {
    /// Applies an event of the most common kinds. `false`: it is none of them, or has
    /// to be applied at length. Each kind goes its own way, so that nobody has to ask
    /// again which one it is.
    #[inline(always)]
    fn apply(&mut self, event: &ShortEvent) -> bool {
        match event.kind {
            ShortKind::Run => self.apply_kind(event, ShortKind::Run, GoState::Running),
            ShortKind::Block => {
                let applied = self.apply_kind(event, ShortKind::Block, GoState::Blocked);
                self.blocks += u64::from(applied);
                applied
            }
            ShortKind::Unblock => self.apply_kind(event, ShortKind::Unblock, GoState::Runnable),
            ShortKind::Stop => self.apply_kind(event, ShortKind::Stop, GoState::Runnable),
            ShortKind::Syscall => self.apply_kind(event, ShortKind::Syscall, GoState::Syscall),
            ShortKind::Create | ShortKind::Dead | ShortKind::Found => false,
        }
    }

    #[inline(always)]
    fn apply_kind(&mut self, event: &ShortEvent, kind: ShortKind, state: GoState) -> bool {
        let at = event.goroutine as usize;
        let Some(number) = self.numbers.get(at) else { return false };
        let Some(Some(record)) = self.records.get_mut(*number as usize) else { return false };
        if !record.is_told_alone() {
            return false;
        }
        let by = match kind {
            ShortKind::Unblock => self.goroutines.get(event.by as usize).copied(),
            _ => None,
        };
        let thread = match kind {
            ShortKind::Run | ShortKind::Syscall => self.threads.get(event.thread as usize).copied().flatten(),
            _ => None,
        };
        let reason = if kind == ShortKind::Block { event.reason } else { ShortReason::NONE };
        let time = event.time(self.from);
        let noted = record.note_short((time, kind, event.stack), (state, reason), by, thread);
        let Some((before, course)) = noted else { return false };
        // It was so before the event.
        let lasted = time.0.wrapping_sub(before.since.0);
        let was = (before.since, before.state, before.reason);
        self.past.note(course, Step::new(time, state, reason, by), was, lasted);
        if kind != ShortKind::Unblock || before.state != GoState::Blocked {
            return true;
        }
        let (reason, end) = (before.reason, End { goroutine: record.id, time, lasted, by });
        let stacks = (before.lent, event.stack);
        if !self.waits.tallies.count(stacks, reason, end) {
            let place = match before.lent {
                NONE => record.place(self.past, reason.get()),
                number => self.waits.place(self.past, reason.get(), number),
            };
            if let Some(place) = place {
                let waker = self.waits.stack(event.stack).map(|stack| (stack, event.stack));
                self.past.note_end(place, end, waker);
                self.waits.tallies.learn(stacks, reason, (self.past, place));
            }
        }
        true
    }
}
