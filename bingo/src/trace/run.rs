//! A run: events of the two threads that come first, by turns, as long as they are the
//! earliest of all, common, and in their turn. Two threads make nearly all events of a
//! short time, and so nobody has to ask which of all comes next. In: the threads by the
//! time of their next events. Out: events, to whoever takes them; whatever else comes,
//! and what cannot be, is left to [`Merge::step`].

use super::block::Rest;
use super::error::TraceError;
use super::frontier::Entry;
use super::merge::{Merge, Take};
use super::order::{Common, Lane, OrderFault};
use super::tables::Tables;

impl Merge<'_> {
    /// Hands up to `room` of the next events to `taker`, if they are common ones; all
    /// are of one generation.
    ///
    /// # Errors
    /// When the trace is corrupt; no event follows.
    pub(super) fn run(&mut self, mut room: usize, taker: &mut impl Take) -> Result<(), TraceError> {
        while !self.done && room > 0 && self.order.queued.is_empty() {
            let before = self.count;
            if let Err(fault) = self.run_of_two(room, taker)
                && let Err(fault) = self.end_here(fault)
            {
                self.done = true;
                return Err(self.fault(fault));
            }
            let ran = usize::try_from(self.count - before).unwrap_or(0);
            if ran == 0 {
                return Ok(());
            }
            room = room.saturating_sub(ran);
        }
        Ok(())
    }

    #[inline(always)]
    fn run_of_two(&mut self, room: usize, taker: &mut impl Take) -> Result<(), (usize, OrderFault)> {
        let Some((first, second, until)) = self.heap.first_two() else { return Ok(()) };
        let Some(generation) = &self.generation else { return Ok(()) };
        let tables = &*generation.tables;
        let cursor = |entry: Entry| self.cursors.get(entry.cursor as usize);
        let Some(ahead) = cursor(first) else { return Ok(()) };
        let other = second.and_then(|(_, entry)| cursor(entry));
        let slots = (ahead.slot, other.map(|other| other.slot));
        let common = self.order.common(tables.generation, slots.0, slots.1);
        let Some((common, lane, other_lane)) = common else { return Ok(()) };
        let mut leader = Runner { entry: first, lane, ahead: ahead.ahead(), taken: 0 };
        let mut other = second.zip(other_lane).zip(other).map(|(((_, entry), lane), other)| Runner {
            entry,
            lane,
            ahead: other.ahead(),
            taken: 0,
        });
        // A sample comes before what is later than it.
        let mut last = until.min(self.next_sample.saturating_add(1)).saturating_sub(1);
        if let (Some((_, second)), None) = (second, &other) {
            last = last.min(second.time);
        }
        let mut turns = Turns { common, tables, left: room, last_time: self.last_time };
        let (mut other_leads, mut ended) = (false, Ok(()));
        loop {
            let until = other.as_ref().map_or(last, |other| last.min(other.entry.time));
            match turns.turn_of(&mut leader, until, taker) {
                Ok(Some(later)) if later <= last => leader.entry.time = later,
                stopped => {
                    ended = stopped.map(drop);
                    break;
                }
            }
            let Some(other) = &mut other else { break };
            match turns.turn_of(other, last.min(leader.entry.time), taker) {
                Ok(Some(later)) if later <= last => other.entry.time = later,
                stopped => {
                    (other_leads, ended) = (true, stopped.map(drop));
                    break;
                }
            }
        }
        (self.last_time, self.count) =
            (turns.last_time, self.count + u64::try_from(room - turns.left).unwrap_or(0));
        let (mut first, mut taken) = (leader.entry, leader.taken);
        let mut others = other.map(|other| (other.entry, other.taken));
        if other_leads && let Some((other, others)) = &mut others {
            std::mem::swap(&mut first, other);
            std::mem::swap(&mut taken, others);
        }
        if let Some(((at, _), (second, others))) = second.zip(others) {
            // It is at an event that has been read ahead, or else it would be the first.
            self.pass(second, others);
            self.heap.put_first_two(first, Some((at, second)));
        }
        let ended = ended.map_err(|fault| (first.cursor as usize, fault));
        match self.pass(first, taken) {
            Some(time) => {
                self.heap.update_first(time);
                ended
            }
            None if taken == 0 => ended,
            // An event that cannot be read hides the one before it.
            None => self.go_on(0, first, None).inspect_err(|_| self.count -= 1),
        }
    }

    /// So many of the events of a thread that were read ahead were taken; the time of the
    /// next one that was.
    fn pass(&mut self, entry: Entry, count: usize) -> Option<i64> {
        self.cursors.get_mut(entry.cursor as usize)?.pass(count)
    }
}

/// A thread whose turn it may be.
struct Runner<'o, 'g> {
    entry: Entry,
    lane: Lane<'o>,
    /// What was read ahead of its events, but for those that were taken: so many.
    ahead: Rest<'g>,
    taken: usize,
}

/// What the turns of two threads have in common.
struct Turns<'o, 'g> {
    common: Common<'o>,
    tables: &'g Tables,
    /// How many more events may be taken.
    left: usize,
    last_time: i64,
}

impl Turns<'_, '_> {
    /// Hands the events of a thread to `taker` that are not later than `until`, up to one
    /// that is not common or not in its turn. The time of the first that is later, if
    /// that is what ended it.
    #[inline(always)]
    fn turn_of(
        &mut self,
        runner: &mut Runner<'_, '_>,
        until: i64,
        taker: &mut impl Take,
    ) -> Result<Option<i64>, OrderFault> {
        let Rest { events, from } = runner.ahead;
        let most = events.len().min(self.left);
        let (mut at, mut last_time) = (0, self.last_time);
        let mut outcome = Ok(None);
        while let Some(event) = events.get(at).filter(|_| at < most) {
            let time = event.time(from);
            if time > until {
                outcome = Ok(Some(time));
                break;
            }
            let time = time.max(last_time.wrapping_add(1));
            match self.common.advance(&mut runner.lane, event, time, self.tables, taker) {
                Ok(true) => (at, last_time) = (at + 1, time),
                Ok(false) => break,
                Err(fault) => {
                    outcome = Err(fault);
                    break;
                }
            }
        }
        self.last_time = last_time;
        runner.ahead.events = events.get(at..).unwrap_or_default();
        runner.taken += at;
        if at > 0 {
            runner.lane.note_seen();
        }
        self.left -= at;
        outcome
    }
}
