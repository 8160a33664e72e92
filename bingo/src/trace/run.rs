//! A run: events of the two threads that come first, by turns, as long as they are the
//! earliest of all, common, and in their turn. Two threads make nearly all events of a
//! short time, and so nobody has to ask which of all comes next. In: the threads by the
//! time of their next events. Out: events, to whoever takes them; whatever else comes,
//! and what cannot be, is left to [`Merge::step`].

use super::error::TraceError;
use super::frontier::Entry;
use super::merge::{Merge, Take};
use super::order::OrderFault;

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
        let Some((mut first, second, until)) = self.heap.first_two() else { return Ok(()) };
        let Some(generation) = &self.generation else { return Ok(()) };
        let tables = &*generation.tables;
        let cursor = |entry: Entry| self.cursors.get(entry.cursor as usize);
        let Some(ahead) = cursor(first) else { return Ok(()) };
        let other = second.and_then(|(_, entry)| cursor(entry));
        let slots = (ahead.slot, other.map(|other| other.slot));
        let common = self.order.common(tables.generation, slots.0, slots.1);
        let Some((mut common, lane, other_lane)) = common else { return Ok(()) };
        let mut lane = (lane, ahead.ahead(), 0);
        let mut other = other_lane.zip(other).map(|(lane, other)| (lane, other.ahead(), 0));
        let mut second = second;
        // A sample comes before what is later than it.
        let until = until.min(self.next_sample.saturating_add(1));
        let (mut left, mut ended) = (room, Ok(()));
        let mut last_time = self.last_time;
        while left > 0 {
            let Some(ahead) = lane.1.get(lane.2) else { break };
            if ahead.time >= until {
                break;
            }
            if let Some((_, second)) = &mut second
                && ahead.time > second.time
            {
                let Some(other) = &mut other else { break };
                first.time = ahead.time;
                std::mem::swap(&mut first, second);
                std::mem::swap(&mut lane, other);
                continue;
            }
            let time = ahead.time.max(last_time.wrapping_add(1));
            match common.advance(&mut lane.0, ahead, time, tables, taker) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    ended = Err((first.cursor as usize, fault));
                    break;
                }
            }
            last_time = time;
            lane.2 += 1;
            left -= 1;
        }
        self.last_time = last_time;
        self.count += u64::try_from(room - left).unwrap_or(0);
        let (taken, others) = (lane.2, other.map_or(0, |other| other.2));
        if let Some((at, second)) = second {
            // It is at an event that has been read ahead, or else it would be the first.
            self.pass(second, others);
            self.heap.put_first_two(first, Some((at, second)));
        }
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
