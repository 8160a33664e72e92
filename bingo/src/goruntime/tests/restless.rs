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
