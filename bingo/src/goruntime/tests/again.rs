//! What comes to be while one looks, and where one has looked already.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::links::heap_of_each_release;
use super::*;
use crate::memory::{Batch, MemoryError};
use crate::model::{Access, ObjectKey};

/// A page of objects of 256 bytes that may hold pointers.
const LATER: Addr = Addr(OBJECTS.0 + 0x6000);

/// Memory that becomes another one behind so many reads.
struct Turning {
    states: [Image; 2],
    turn: usize,
    reads: AtomicUsize,
}

impl Memory for Turning {
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError> {
        let [before, after] = &self.states;
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        if read < self.turn { before.read_batch(batch) } else { after.read_batch(batch) }
    }
}

/// What the second of two close looks says of the channel at the beginning of the heap, if
/// `made` becomes `after` behind so many reads; and how many reads had been made when each
/// look was over.
fn access(made: &Made, after: &Made, turn: usize) -> (Access, [usize; 2]) {
    let states = [made.image.clone(), after.image.clone()];
    let mut reader = made.reader_of(Turning { states, turn, reads: AtomicUsize::new(0) });
    let mut look = |at| {
        let links = reader.read_closely(Time(at)).unwrap().links.unwrap();
        let object = links.objects.iter().find(|object| object.key == ObjectKey::Address(OBJECTS));
        (object.unwrap().access.clone(), reader.memory().reads.load(Ordering::Relaxed))
    };
    let (_, first) = look(1);
    let (access, second) = look(2);
    (access, [first, second])
}

#[test]
fn what_is_put_into_a_new_span_that_is_pointed_to_at_once_is_reached_whenever_that_is() {
    heap_of_each_release(|mut made| {
        made.sender(OBJECTS, &[OBJECTS.0]);
        made.word(VARIABLES, OBJECTS.0 + 0x300);
        let (span, state) = (3 * made.layout.mspan.size, made.layout.mspan.state);
        let mut after = Made { image: made.image.clone(), layout: made.layout.clone(), ..made };
        after.byte(Addr(0x31_0000).offset(span + state), 1);
        after.word(OBJECTS.offset(0x340), LATER.0 + 0x100);
        after.word(LATER.offset(0x180), OBJECTS.0);
        let (never, [first, second]) = access(&made, &after, usize::MAX);
        assert_eq!(never, Access::Closed);
        // The second look sweeps sixteen times, and twice of these over everything: what had
        // not come to be by then was out of reach all that time.
        for turn in (0..first + (second - first) / 8).step_by(2) {
            let (access, _) = access(&made, &after, turn);
            let by = Access::Reached("package variable main.v".into());
            assert_eq!(access, by, "behind {turn} of {first} and {second} reads");
        }
    });
}
