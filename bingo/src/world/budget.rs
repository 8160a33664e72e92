//! How much memory the goroutines of a recording may take, so that one that was made up
//! to name very many takes no more than a real one of its length. In: how many bytes of
//! it were read, and who is kept. Out: whether there is room for one more.

use super::course::Course;
use super::goroutine::Record;

/// What any recording may take, and how many times its length it may take beyond that.
const AT_ALL: u64 = 64 << 20;
const TIMES: u64 = 10;
/// About what a goroutine takes that was named: its record and what finds it, here and,
/// of those too for whom there is no room here, where events are put in order;
const NAMED: u64 = size_of::<Record>() as u64 + 200;
/// and what one takes more that was seen to be made, and so will run and wait.
const MADE: u64 = size_of::<Course>() as u64 + 40;

/// Memory that may be taken, in bytes, and that is.
#[derive(Debug)]
pub(super) struct Budget {
    most: u64,
    taken: u64,
}

impl Default for Budget {
    /// Of a process that runs all goroutines are kept: it takes more for each.
    fn default() -> Budget {
        Budget { most: u64::MAX, taken: 0 }
    }
}

impl Budget {
    /// So many bytes of a recording were read so far.
    pub(super) fn note_read(&mut self, bytes: u64) {
        self.most = bytes.saturating_mul(TIMES).saturating_add(AT_ALL);
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.taken < self.most
    }

    pub(super) fn take(&mut self, record: &Record) {
        self.taken += price(record);
    }

    pub(super) fn give_back(&mut self, record: &Record) {
        self.taken = self.taken.saturating_sub(price(record));
    }
}

fn price(record: &Record) -> u64 {
    if record.created().is_some() { NAMED + MADE } else { NAMED }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventKind, EventRef, GoId, Sink, Time};
    use crate::world::World;

    fn make(world: &mut World, ids: impl IntoIterator<Item = u64>) {
        for id in ids {
            let kind = &EventKind::Create { parent: Some(GoId(1)) };
            let (time, goroutine) = (Time(id), Some(GoId(id)));
            world.event(EventRef { time, goroutine, kind, stack: None, thread: None });
        }
    }

    #[test]
    fn a_short_recording_does_not_take_much() {
        let mut world = World::default();
        world.read(100);
        make(&mut world, 1..400_000);
        let kept = u64::try_from(world.goroutines().len()).unwrap();
        assert!(kept > 100_000 && kept * (NAMED + MADE) <= (70 << 20), "{kept}");
        let [problem] = world.source_problems() else { panic!("{:?}", world.source_problems()) };
        assert!(problem.what.starts_with(&format!("there are more than {kept} goroutines")));
        assert!(world.is_uncertain(GoId(1)));
        assert_eq!(world.totals().left_out, 399_999 - kept);
        // A longer one has room for more, and so has one whose goroutines end.
        let dead = EventRef {
            time: Time(500_000),
            goroutine: Some(GoId(7)),
            kind: &EventKind::Dead,
            stack: None,
            thread: None,
        };
        world.event(dead);
        make(&mut world, 500_001..500_003);
        assert!(world.goroutine(GoId(500_001)).is_some() && world.goroutine(GoId(500_002)).is_none());
        world.read(1 << 30);
        make(&mut world, 500_003..500_004);
        assert!(world.goroutine(GoId(500_003)).is_some());
    }

    #[test]
    fn of_a_process_all_are_kept() {
        let mut world = World::default();
        make(&mut world, 1..400_000);
        assert_eq!((world.goroutines().len(), world.source_problems().len()), (399_999, 0));
    }
}
