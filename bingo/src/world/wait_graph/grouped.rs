//! Things by the object that they concern, in one piece of memory: there may be a
//! million objects. In: things with their objects. Out: those of an object.

use super::index;
use crate::model::ObjectIndex;

/// Things by object, in the order in which they came.
#[derive(Debug)]
pub(super) struct Grouped<T> {
    things: Box<[T]>,
    /// Where those of each object begin, and where the last one's end.
    starts: Box<[u32]>,
}

impl<T: Copy> Grouped<T> {
    /// These things, of so many objects; one of any other object is left out.
    pub(super) fn new(objects: usize, mut things: Vec<(ObjectIndex, T)>) -> Grouped<T> {
        things.sort_by_key(|(object, _)| *object);
        things.truncate(things.partition_point(|(object, _)| index(*object) < objects));
        if things.is_empty() {
            return Grouped { things: Box::default(), starts: Box::default() };
        }
        let mut starts = Vec::with_capacity(objects + 1);
        let mut at = 0_u32;
        for (object, _) in &things {
            starts.resize(starts.len().max(index(*object) + 1), at);
            at = at.saturating_add(1);
        }
        starts.resize(objects + 1, at);
        let things = things.into_iter().map(|(_, thing)| thing).collect();
        Grouped { things, starts: starts.into_boxed_slice() }
    }

    /// Those of an object.
    pub(super) fn of(&self, object: ObjectIndex) -> &[T] {
        let [start, end] = [0, 1].map(|behind| self.starts.get(index(object).saturating_add(behind)));
        let range = start.zip(end).map(|(start, end)| place(*start)..place(*end));
        range.and_then(|range| self.things.get(range)).unwrap_or_default()
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_has_its_own_in_their_order() {
        let things = [(2, 'a'), (0, 'b'), (2, 'c'), (4, 'd'), (9, 'e')];
        let grouped = Grouped::new(6, things.map(|(object, thing)| (ObjectIndex(object), thing)).to_vec());
        let of = |object| grouped.of(ObjectIndex(object)).iter().collect::<String>();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 9, u32::MAX].map(of), ["b", "", "ac", "", "d", "", "", "", ""]);
        let none = Grouped::<char>::new(0, Vec::new());
        assert_eq!(none.of(ObjectIndex(0)), []);
    }
}
