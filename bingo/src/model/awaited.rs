//! What each blocked goroutine waits for. In: a goroutine and its waits. Out: the
//! waits of a goroutine, and all of them. Most goroutines wait for one thing, so
//! those of all stand in one list: a list for each would take more room than it.

use super::{GoId, WaitFor};

/// The waits of many goroutines; those of one are ended by any of them.
#[derive(Clone, Debug, Default)]
pub struct Awaited {
    /// Where in `waits` those of each goroutine begin, and where they end; by goroutine.
    places: Vec<(GoId, (u32, u32))>,
    waits: Vec<WaitFor>,
}

impl Awaited {
    /// Makes room for so many goroutines.
    pub fn reserve(&mut self, goroutines: usize) {
        self.places.reserve_exact(goroutines);
        self.waits.reserve_exact(goroutines);
    }

    /// Notes what a goroutine waits for, in place of what was noted of it before.
    /// More than 2^32 waits are not kept. Who notes many does so by goroutine.
    pub fn insert(&mut self, id: GoId, waits: &[WaitFor]) {
        let begin = self.waits.len();
        let place = |number: usize| u32::try_from(number).ok();
        if let (Some(from), Some(to)) = (place(begin), place(begin.saturating_add(waits.len()))) {
            self.waits.extend_from_slice(waits);
            let known = match self.places.last() {
                Some((last, _)) if *last >= id => self.place(id),
                _ => Err(self.places.len()),
            };
            match known {
                Ok(at) => self.places.get_mut(at).into_iter().for_each(|place| place.1 = (from, to)),
                Err(at) => self.places.insert(at, (id, (from, to))),
            }
        }
    }

    /// What a goroutine waits for, if that is known: nothing can end a wait for nothing.
    #[must_use]
    pub fn get(&self, id: GoId) -> Option<&[WaitFor]> {
        let (_, place) = self.places.get(self.place(id).ok()?)?;
        Some(self.at(*place))
    }

    /// How many goroutines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// How many waits there are at the most, of all goroutines together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.waits.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The goroutines.
    pub fn ids(&self) -> impl Iterator<Item = GoId> {
        self.places.iter().map(|(id, _)| *id)
    }

    /// All of them with their waits.
    pub fn iter(&self) -> impl Iterator<Item = (GoId, &[WaitFor])> {
        self.places.iter().map(|(id, place)| (*id, self.at(*place)))
    }

    fn place(&self, id: GoId) -> Result<usize, usize> {
        self.places.binary_search_by_key(&id, |(id, _)| *id)
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
        awaited.insert(GoId(6), &[wait(1)]);
        assert_eq!(awaited.get(GoId(7)), Some(&[wait(2), wait(3)][..]));
        assert_eq!(awaited.get(GoId(8)), Some(&[][..]));
        assert_eq!(awaited.get(GoId(9)), None);
        assert_eq!(awaited.ids().map(|id| id.0).collect::<Vec<_>>(), [6, 7, 8]);
        assert_eq!((awaited.len(), awaited.iter().flat_map(|(_, waits)| waits).count()), (3, 3));
    }
}
