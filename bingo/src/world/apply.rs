//! How an event and a snapshot change the World.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::goroutine::Record;
use crate::model::{Event, EventKind, EventRef, GoId, GoState, Problem, Snapshot, Time};

/// A wait this long has its details told again once a snapshot knows them: the
/// address of a mutex, say, which no probe sees.
const WORTH_DETAILS: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn apply_event(&mut self, event: EventRef<'_>) {
        self.latest = self.latest.max(event.time);
        self.began.get_or_insert(event.time);
        if let EventKind::Lost { kind, count } = *event.kind {
            self.totals.lost.add(kind, count);
            self.note_missed(event.time, event.time);
            return;
        }
        self.totals.events += 1;
        let (Some(id), Some(state)) = (event.goroutine, event.kind.state()) else { return };
        match event.kind {
            EventKind::Block { .. } => self.totals.blocks += 1,
            EventKind::Create { parent: Some(parent) } if self.past.is_some() => {
                // One that has ended has no past any more.
                if let Some(parent) = self.records.get_mut(*parent) {
                    parent.course.get_or_insert_default().note_child(id);
                }
            }
            _ => {}
        }
        if state == GoState::Dead {
            self.end(id, event.time);
            return;
        }
        let record = match self.records.number(id) {
            Some(number) => {
                self.tell(number, event, state);
                return;
            }
            None if self.buried.contains(id) => return,
            None if !self.budget.has_room() => {
                self.leave_out(event.time);
                return;
            }
            None => {
                self.totals.goroutines += 1;
                let known = (&self.missed, &mut self.go_statements);
                let record = Record::first_told(id, event, state, known);
                let Some(number) = self.records.insert(record) else { return };
                let Some(record) = self.records.at(number) else { return };
                self.budget.take(record);
                if let Some(past) = &mut self.past
                    && let (EventKind::Create { .. }, Some(stack)) = (event.kind, event.stack)
                {
                    record.note_birthplace(past.births.born(id, stack, event.time));
                }
                record
            }
        };
        record.changed = self.changes.changed(id);
        self.changes.trim(self.records.len());
    }

    /// Tells a record that there is of an event, which leaves its goroutine in `state`.
    fn tell(&mut self, number: u32, event: EventRef<'_>, state: GoState) {
        let Some(record) = self.records.at(number) else { return };
        record.own_stacks(&self.lent);
        let before = self.past.as_mut().map(|past| past.before(record));
        record.note_event(event, state, (&self.missed, &mut self.go_statements));
        if let Some((past, before)) = self.past.as_mut().zip(before) {
            past.moved(before, record, Some(event), &self.missed);
        }
        record.changed = self.changes.changed(record.id);
        self.changes.trim(self.records.len());
    }

    /// Leaves out what happened to a goroutine that there is no room for.
    #[cold]
    fn leave_out(&mut self, time: Time) {
        let from = *self.left_out.get_or_insert(time);
        if self.totals.left_out == 0 {
            let kept = self.records.len();
            let what = format!(
                "there are more than {kept} goroutines at once, too many for a recording of this length: \
                 what happened to others is left out"
            );
            self.note_problem(Problem { goroutine: None, what });
        }
        self.totals.left_out += 1;
        self.missed.note(from, time);
    }

    /// Notes that in `[from, until]` events may have been missed: they were lost,
    /// or the probes that tell them were taken out.
    pub fn note_missed(&mut self, from: Time, until: Time) {
        self.missed.note(from, until);
        self.records.iter_mut().for_each(|record| record.note_missed(from, until));
    }

    /// Takes in a snapshot; `untold` gets what nobody told, if somebody wants to know.
    pub(super) fn apply_snapshot(&mut self, snapshot: &Snapshot, mut untold: Option<&mut Vec<Event>>) {
        let (taken, end) = (snapshot.taken, snapshot.end());
        self.latest = self.latest.max(end);
        self.began.get_or_insert(taken);
        let first = self.totals.snapshots == 0;
        self.totals.snapshots += 1;
        self.totals.stopped_for += snapshot.stopped_for;
        self.records.reserve(snapshot.goroutines.len().saturating_sub(self.records.len()));
        for sighted in &snapshot.goroutines {
            if self.buried.contains(sighted.id) {
                continue;
            }
            let Some(number) = self.records.number(sighted.id) else {
                let record = Record::first_seen(sighted, (taken, end), first);
                let Some(number) = self.records.insert(record) else { continue };
                let Some(record) = self.records.at(number) else { continue };
                record.changed = self.changes.changed(sighted.id);
                self.budget.take(record);
                self.totals.goroutines += 1;
                untold.iter_mut().for_each(|untold| untold.push(record.found(&self.lent, taken)));
                continue;
            };
            let Some(record) = self.records.at(number) else { continue };
            record.own_stacks(&self.lent);
            if self.past.is_some() {
                record.sample(sighted, taken);
            }
            let before = self.past.as_mut().map(|past| past.before(record));
            let sighting = record.note_sighting(sighted, (taken, end), &self.missed);
            if sighting.changed {
                if let Some((past, before)) = self.past.as_mut().zip(before) {
                    past.moved(before, record, None, &self.missed);
                }
                record.changed = self.changes.changed(sighted.id);
            }
            let long = taken.since(record.condition().since.time()) >= WORTH_DETAILS;
            if sighting.untold || (sighting.detailed && long) {
                untold.iter_mut().for_each(|untold| untold.push(record.found(&self.lent, taken)));
            }
        }
        self.end_absent(snapshot, untold.as_deref_mut());
        self.let_go(snapshot, untold);
        // Events of the time of this snapshot may still come; older ones no more.
        self.buried.forget_before(self.snapshot_taken());
        self.snapshot = Some((taken, end));
        self.changes.trim(self.records.len());
        self.objects = Arc::clone(&snapshot.objects);
        if let Some(links) = &snapshot.links {
            self.links = Some(Arc::clone(links));
        }
        if self.problems[..] != snapshot.problems[..] {
            self.problems = snapshot.problems.clone().into();
        }
    }

    /// Ends those that the snapshot should have seen. One that was heard of
    /// since `taken` may have been made after its place was read; one that was
    /// unreadable is not gone; and where nothing could be read, nothing is known.
    fn end_absent(&mut self, snapshot: &Snapshot, mut untold: Option<&mut Vec<Event>>) {
        if snapshot.goroutines.is_empty() {
            return;
        }
        let unreadable: HashSet<GoId> =
            snapshot.problems.iter().filter_map(|problem| problem.goroutine).collect();
        let absent: Vec<GoId> = self
            .records
            .iter()
            .filter(|record| record.known_at() < snapshot.taken && !unreadable.contains(&record.id))
            .map(|record| record.id)
            .collect();
        for id in absent {
            if let Some(gone) = self.end(id, snapshot.taken)
                && let Some(untold) = &mut untold
            {
                let mut event = gone.found(&self.lent, snapshot.taken);
                event.kind = EventKind::Snapshot {
                    state: GoState::Dead,
                    reason: None,
                    on: None,
                    parent: None,
                    since: None,
                };
                event.stack = None;
                event.thread = None;
                untold.push(event);
            }
        }
    }

    /// Has those go on who did while others were looked at: by whom is not known, nor
    /// when, but for that it was so by the end.
    fn let_go(&mut self, snapshot: &Snapshot, mut untold: Option<&mut Vec<Event>>) {
        let (time, kind) = (snapshot.end(), EventKind::Unblock { by: None });
        for &id in &snapshot.went_on {
            let event = EventRef { time, goroutine: Some(id), kind: &kind, stack: None, thread: None };
            let Some(number) = self.records.number(id) else { continue };
            let waits = |record: &&mut Record| record.condition().state == GoState::Blocked;
            if self.records.at(number).filter(waits).is_none() {
                continue;
            }
            self.tell(number, event, GoState::Runnable);
            if let Some((untold, record)) = untold.as_mut().zip(self.records.at(number)) {
                untold.push(record.found(&self.lent, time));
            }
        }
    }

    fn end(&mut self, id: GoId, time: Time) -> Option<Record> {
        self.buried.bury(id, time);
        let gone = self.remove(id)?;
        self.lent.forget_records();
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Goroutine, Stack, WaitReason};
    use crate::world::Since;

    /// Since when goroutine 7 waits by snapshots at these times, at each of which it has
    /// waited so often, since the time that the collector has noted.
    fn since(sightings: &[(u64, u8, u64)]) -> Since {
        let mut world = World::default();
        for &(time, switches, noted) in sightings {
            let waiting = Goroutine {
                id: GoId(7),
                state: GoState::Blocked,
                reason: Some(WaitReason::Select),
                blocked_since: Some(Time(noted)),
                switches: Some(switches),
                wait: None,
                stack: Stack::empty(),
                created_by: None,
                parent: None,
                labels: None,
                thread: None,
                system: false,
            };
            let waiting = vec![Arc::new(waiting)];
            let snapshot = Snapshot { taken: Time(time), goroutines: waiting, ..Snapshot::default() };
            world.apply_snapshot(&snapshot, None);
        }
        world.goroutine(GoId(7)).expect("it waits").since
    }

    #[test]
    fn what_the_collector_has_noted_counts_of_the_first_picture_alone() {
        assert_eq!(since(&[(100, 1, 30)]), Since::About(Time(30)));
        assert_eq!(since(&[(100, 1, 30), (200, 1, 30)]), Since::About(Time(30)));
        // It came to wait between the two, and what was noted is of before.
        assert_eq!(since(&[(100, 1, 30), (200, 2, 90)]), Since::AtLatest(Time(200)));
        assert_eq!(since(&[(100, 1, 30), (200, 2, 90), (300, 2, 90)]), Since::AtLatest(Time(200)));
    }
}
