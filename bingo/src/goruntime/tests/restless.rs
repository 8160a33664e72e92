//! Goroutines that run now and then while one looks.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::links::heap_of_each_release;
use super::*;
use crate::memory::{Batch, MemoryError};
use crate::model::{Access, ObjectKey};

/// Memory that is in one state for some reads, and in another one for some more, again
/// and again.
struct Changing {
    /// The states, and for how many reads they last.
    states: [(Image, usize); 2],
    reads: AtomicUsize,
}

impl Memory for Changing {
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError> {
        let [(first, count), (second, more)] = &self.states;
        let read = self.reads.fetch_add(1, Ordering::Relaxed) % (count + more);
        if read < *count { first.read_batch(batch) } else { second.read_batch(batch) }
    }
}

/// What two close looks say of the channel at the beginning of the heap, where one waits
/// to send. Goroutine 101 runs for so many reads, and then rests for so many; meanwhile
/// `resting` makes a difference.
fn access(mut made: Made, [runs, rests]: [usize; 2], resting: impl Fn(&mut Made)) -> Access {
    made.sender(OBJECTS, &[OBJECTS.0]);
    let g = made.parked(WaitReason::ForceGcIdle, &["runtime.gopark", "main.f"], &[]);
    // Below all that is in use while it rests.
    let stack = made.frame_of_f(g).0 & !0xffff;
    made.word(Addr(stack + 0x800), OBJECTS.0);
    let mut at_rest = Made { image: made.image.clone(), layout: made.layout.clone(), ..made };
    resting(&mut at_rest);
    made.status(g, 2);
    let states = [(made.image.clone(), runs), (at_rest.image, rests)];
    let mut reader = made.reader_of(Changing { states, reads: AtomicUsize::new(0) });
    reader.read_closely(Time(1)).unwrap();
    let links = reader.read_closely(Time(2)).unwrap().links.unwrap();
    let object = links.objects.iter().find(|object| object.key == ObjectKey::Address(OBJECTS));
    object.unwrap().access.clone()
}

#[test]
fn what_calls_that_are_over_left_on_its_stack_is_not_believed_of_one_that_comes_to_rest() {
    heap_of_each_release(|made| assert_eq!(access(made, [12, 300], |_| ()), Access::Closed));
}

#[test]
fn one_that_never_rests_for_long_is_believed() {
    let by = Access::Reached("goroutine 101, which goes on".into());
    heap_of_each_release(|made| assert_eq!(access(made, [3, 4], |_| ()), by));
    heap_of_each_release(|made| assert_eq!(access(made, [300, 0], |_| ()), by));
}

#[test]
fn what_one_has_in_its_hands_while_it_runs_and_puts_down_to_rest_is_reached() {
    let put_down = |made: &mut Made| made.word(VARIABLES, OBJECTS.0);
    for times in [[60, 300], [30, 30], [13, 7], [200, 20]] {
        heap_of_each_release(|made| {
            assert!(matches!(access(made, times, put_down), Access::Reached(_)), "{times:?}");
        });
    }
}

/// A close look at `made`, which `change` changes behind so many reads: who waits, and
/// how many turns they had had, those apart who are said to have gone on; who is listed; and
/// how many reads there were.
fn waiting(made: &Made, reads: usize, change: impl Fn(&mut Made)) -> (Vec<(u64, u8)>, Vec<u64>, usize) {
    let mut after = Made { image: made.image.clone(), layout: made.layout.clone(), ..*made };
    change(&mut after);
    let states = [(made.image.clone(), reads), (after.image, usize::MAX - reads)];
    let mut reader = made.reader_of(Changing { states, reads: AtomicUsize::new(0) });
    let snapshot = reader.read_closely(Time(1)).unwrap();
    let waits = |one: &&Arc<Goroutine>| {
        one.state == GoState::Blocked && snapshot.went_on.binary_search(&one.id).is_err()
    };
    let waiting =
        snapshot.goroutines.iter().filter(waits).map(|one| (one.id.0, one.switches.unwrap())).collect();
    let all = snapshot.goroutines.iter().map(|one| one.id.0).collect();
    let total = reader.memory().reads.load(Ordering::Relaxed);
    assert!(snapshot.goroutines.is_sorted_by_key(|one| one.id));
    (waiting, all, total)
}

#[test]
fn who_waits_in_a_close_look_does_so_at_one_moment() {
    each_release(|mut made| {
        let waits = made.parked(WaitReason::ChanReceive, CALLS, &[]);
        let partner = made.parked(WaitReason::Sleep, CALLS, &[]);
        let turns = made.layout.g.tracking_seq;
        // The partner lets it go on, and ends; whenever that is, nobody waits who did.
        let over = |after: &mut Made| {
            after.status(waits, 1);
            after.status(partner, 6);
        };
        let again = |after: &mut Made| {
            after.byte(waits.offset(turns), 2);
            after.status(partner, 6);
        };
        let (_, _, total) = waiting(&made, usize::MAX, |_| ());
        assert!(total > 4, "{total}");
        for reads in 0..total {
            assert_eq!(waiting(&made, reads, over).0, [(0, 0); 0], "behind {reads} of {total} reads");
            let still = waiting(&made, reads, again).0;
            // It may have been looked at behind the change alone.
            assert!(still.is_empty() || still == [(100, 2)], "behind {reads} of {total}: {still:?}");
        }
        assert_eq!(waiting(&made, usize::MAX, over).0, [(100, 0), (101, 0)]);
    });
}

#[test]
fn who_came_to_be_during_a_close_look_is_listed() {
    each_release(|mut made| {
        made.parked(WaitReason::ChanReceive, CALLS, &[]);
        let later = made.parked(WaitReason::ChanReceive, CALLS, &[]);
        let mut before = Made { image: made.image.clone(), layout: made.layout.clone(), ..made };
        before.status(later, 6);
        let (_, _, total) = waiting(&before, usize::MAX, |_| ());
        for reads in 0..total {
            let (_, all, _) = waiting(&before, reads, |after| after.status(later, 2));
            assert_eq!(all, [100, 101], "behind {reads} of {total} reads");
        }
    });
}
