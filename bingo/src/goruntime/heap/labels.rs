//! From where the objects of spans were reached: an object and its label come in, and of a
//! marked object its label comes out. What is in one span is reached from one root as a
//! rule, or from a few:
//!
//! ```text
//!   one label   in what is noted of the span
//!   up to 16    16 labels, then half a byte for each object: which one
//!   more        a label for each object
//! ```

use std::num::NonZeroU16;

use super::bits::lengthen;
use crate::goruntime::fields::index;

/// From where something was reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::goruntime) struct Label(NonZeroU16);

impl Label {
    /// How many there can be.
    pub(in crate::goruntime) const COUNT: u16 = u16::MAX - 1;
    /// The label with the highest number.
    pub(in crate::goruntime) const LAST: Label = Label(NonZeroU16::MAX);

    /// The label number `number`, from 0 on.
    pub(in crate::goruntime) fn new(number: u16) -> Option<Label> {
        NonZeroU16::new(number.checked_add(1)?).map(Label)
    }

    pub(in crate::goruntime) fn number(self) -> u16 {
        self.0.get() - 1
    }
}

/// So many labels are a few.
const FEW: usize = 16;
/// Bytes that they take.
const PALETTE: usize = 2 * FEW;

/// Where the labels of a span's objects are.
#[derive(Clone, Copy, Default, Debug)]
pub(super) enum Place {
    /// None of them has one.
    #[default]
    Nowhere,
    /// All that have one have this.
    One(Label),
    Few(u32),
    Many(u32),
}

/// The labels of the marked objects of one span.
#[derive(Clone, Copy)]
pub(in crate::goruntime) struct LabelsOf<'l> {
    place: Place,
    labels: &'l Labels,
}

impl LabelsOf<'_> {
    /// The label of an object that is marked.
    #[inline]
    pub(in crate::goruntime) fn get(self, object: u32) -> Option<Label> {
        match self.place {
            Place::One(all) => Some(all),
            place => self.labels.get(place, object),
        }
    }
}

/// The labels of spans in which there are several.
#[derive(Default)]
pub(super) struct Labels {
    few: Vec<u8>,
    many: Vec<Label>,
}

impl Labels {
    /// Notes the label of an object of a span, which has `count` of them.
    pub(super) fn set(&mut self, place: &mut Place, count: u32, object: u32, label: Label) {
        if let Place::One(all) = *place
            && all != label
            && let Ok(begin) = u32::try_from(self.few.len())
        {
            lengthen(&mut self.few, PALETTE + index(count).div_ceil(2), 0);
            *place = Place::Few(begin);
            self.set_few(begin, 0, all);
        }
        match *place {
            Place::Nowhere => *place = Place::One(label),
            Place::One(_) => {}
            Place::Few(begin) if self.set_few(begin, object, label) => {}
            Place::Few(begin) => {
                let Ok(end) = u32::try_from(self.many.len()) else { return };
                lengthen(&mut self.many, index(count), Label::LAST);
                let (few, many) = (&self.few, self.many.iter_mut().skip(index(end)));
                let known = (0..count).map(|object| get_few(few, begin, object));
                many.zip(known).for_each(|(into, known)| *into = known.unwrap_or(Label::LAST));
                *place = Place::Many(end);
                self.set_many(end, object, label);
            }
            Place::Many(begin) => self.set_many(begin, object, label),
        }
    }

    /// The label of an object that is marked.
    pub(super) fn get(&self, place: Place, object: u32) -> Option<Label> {
        match place {
            Place::Nowhere => None,
            Place::One(all) => Some(all),
            Place::Few(begin) => get_few(&self.few, begin, object),
            Place::Many(begin) => self.many.get(index(begin) + index(object)).copied(),
        }
    }

    /// Those of the span whose labels are at a place.
    pub(super) fn of(&self, place: Place) -> LabelsOf<'_> {
        LabelsOf { place, labels: self }
    }

    /// Gives the room back that is to spare.
    pub(super) fn rest(&mut self) {
        self.few.shrink_to_fit();
        self.many.shrink_to_fit();
    }

    /// Whether there was room for one more label, or it was there.
    fn set_few(&mut self, begin: u32, object: u32, label: Label) -> bool {
        let Some((palette, objects)) =
            self.few.get_mut(index(begin)..).and_then(|few| few.split_at_mut_checked(PALETTE))
        else {
            return true;
        };
        let entries = palette.as_chunks_mut::<2>().0;
        let free = |entry: &[u8; 2]| matches!(u16::from_le_bytes(*entry), 0);
        let is_it = |entry: &[u8; 2]| u16::from_le_bytes(*entry) == label.0.get();
        let Some(number) = entries.iter().position(|entry| free(entry) || is_it(entry)) else { return false };
        entries.iter_mut().skip(number).take(1).for_each(|entry| *entry = label.0.get().to_le_bytes());
        if let Some((byte, number)) = objects.get_mut(index(object / 2)).zip(u8::try_from(number).ok()) {
            let shift = object % 2 * 4;
            *byte = *byte & !(15 << shift) | number << shift;
        }
        true
    }

    fn set_many(&mut self, begin: u32, object: u32, label: Label) {
        let into = self.many.get_mut(index(begin) + index(object));
        into.into_iter().for_each(|into| *into = label);
    }
}

fn get_few(few: &[u8], begin: u32, object: u32) -> Option<Label> {
    let (palette, objects) = few.get(index(begin)..)?.split_at_checked(PALETTE)?;
    let number = objects.get(index(object / 2))? >> (object % 2 * 4) & 15;
    let entry = palette.as_chunks().0.get(usize::from(number))?;
    NonZeroU16::new(u16::from_le_bytes(*entry)).map(Label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_a_few_and_many() {
        for several in [1, 2, 16, 17, 300_u16] {
            let mut labels = Labels::default();
            let (mut place, mut other) = (Place::default(), Place::default());
            let label = |object: u32| Label::new(u16::try_from(object).unwrap() % several).unwrap();
            for object in 0..301 {
                labels.set(&mut place, 301, object, label(object));
                labels.set(&mut other, 301, 300 - object, label(object));
            }
            for object in 0..301 {
                assert_eq!(labels.get(place, object), Some(label(object)), "{several}");
                assert_eq!(labels.get(other, 300 - object), Some(label(object)), "{several}");
            }
            // One that is reached anew.
            labels.set(&mut place, 301, 7, Label::LAST);
            assert_eq!(labels.get(place, 7), Some(Label::LAST), "{several}");
            assert_eq!(labels.get(place, 8), Some(label(8)), "{several}");
        }
        assert_eq!(Labels::default().get(Place::Nowhere, 0), None);
    }
}
