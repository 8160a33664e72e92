//! What each blocked goroutine waits for. In: a goroutine and its waits. Out: the
//! waits of a goroutine, and all of them. Most goroutines wait for one thing, so
//! those of all stand in one list: a list for each would take more room than it.

use std::collections::HashMap;

use super::{GoId, WaitFor};

/// The waits of many goroutines; those of one are ended by any of them.
#[derive(Clone, Debug, Default)]
pub struct Awaited {
    /// Where in `waits` those of each goroutine begin, and where they end.
    places: HashMap<GoId, (u32, u32), foldhash::fast::FixedState>,
    waits: Vec<WaitFor>,
}

impl Awaited {
    /// Makes room for so many goroutines.
    pub fn reserve(&mut self, goroutines: usize) {
        self.places.reserve(goroutines);
        self.waits.reserve_exact(goroutines);
    }

    /// Notes what a goroutine waits for, in place of what was noted of it before.
    /// More than 2^32 waits are not kept.
    pub fn insert(&mut self, id: GoId, waits: &[WaitFor]) {
        let begin = self.waits.len();
        let place = |number: usize| u32::try_from(number).ok();
        if let (Some(from), Some(to)) = (place(begin), place(begin.saturating_add(waits.len()))) {
            self.waits.extend_from_slice(waits);
            self.places.insert(id, (from, to));
        }
    }

    /// What a goroutine waits for, if that is known: nothing can end a wait for nothing.
    #[must_use]
    pub fn get(&self, id: GoId) -> Option<&[WaitFor]> {
        self.places.get(&id).map(|&place| self.at(place))
    }

    /// How many goroutines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The goroutines, in no order.
    pub fn ids(&self) -> impl Iterator<Item = GoId> {
        self.places.keys().copied()
    }

    /// All of them with their waits, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (GoId, &[WaitFor])> {
        self.places.iter().map(|(&id, &place)| (id, self.at(place)))
    }

    fn at(&self, (from, to): (u32, u32)) -> &[WaitFor] {
        let place = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        self.waits.get(place(from)..place(to)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectIndex, Operation};

    #[test]
    fn what_was_noted_last_counts() {
        let wait = |object| WaitFor { object: ObjectIndex(object), operation: Operation::Lock };
        let mut awaited = Awaited::default();
        awaited.insert(GoId(7), &[wait(1)]);
        awaited.insert(GoId(8), &[]);
        awaited.insert(GoId(7), &[wait(2), wait(3)]);
        assert_eq!(awaited.get(GoId(7)), Some(&[wait(2), wait(3)][..]));
        assert_eq!(awaited.get(GoId(8)), Some(&[][..]));
        assert_eq!(awaited.get(GoId(9)), None);
        assert_eq!((awaited.len(), awaited.iter().flat_map(|(_, waits)| waits).count()), (2, 2));
    }
}
