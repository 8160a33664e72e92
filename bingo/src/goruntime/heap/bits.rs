//! Yes or no of each object, one bit each: the numbers of objects come in and go
//! out, those of one span 64 in a word.

use std::ops::Range;

use crate::goruntime::fields::index;

/// Many bits. Those of a span begin at a word of their own.
#[derive(Clone, Default, Debug)]
pub(super) struct Bits {
    words: Vec<u64>,
}

/// How many words `count` bits take.
pub(super) fn words_for(count: u32) -> u32 {
    count.div_ceil(u64::BITS)
}

/// Makes a list longer by so many. Twice the room each time would be much too much of
/// what is there for all objects of a large heap.
pub(super) fn lengthen<T: Clone>(list: &mut Vec<T>, by: usize, value: T) {
    if list.capacity() - list.len() < by {
        list.reserve_exact(by + list.len() / 8);
    }
    list.resize(list.len() + by, value);
}

/// Puts the entries of a list where they belong now, and `none` where one is new: `before`
/// has a place for each, rising, where it was before. In place, since the list may be long.
pub(super) fn rearrange<T: Clone>(
    list: &mut Vec<T>,
    before: impl DoubleEndedIterator<Item = Option<u32>> + ExactSizeIterator + Clone,
    none: T,
) {
    let mut kept = 0;
    for from in before.clone().flatten() {
        let from = index(from);
        if from >= kept && from < list.len() {
            list.swap(kept, from);
            kept += 1;
        }
    }
    list.truncate(kept);
    list.reserve_exact(before.len().saturating_sub(kept));
    list.resize(before.len(), none.clone());
    for (place, from) in before.enumerate().rev() {
        if from.is_some() {
            kept = kept.saturating_sub(1);
            if kept < place {
                list.swap(kept, place);
            }
        } else {
            list.get_mut(place).into_iter().for_each(|entry| *entry = none.clone());
        }
    }
}

/// The word of a bit, and the bit in it.
fn split(place: u32, number: u32) -> (usize, u64) {
    (index(place) + index(number / u64::BITS), 1 << (number % u64::BITS))
}

impl Bits {
    /// Adds so many words without a bit; where they are, if there is room.
    pub(super) fn grow(&mut self, words: u32) -> Option<u32> {
        let place = u32::try_from(self.words.len()).ok()?;
        lengthen(&mut self.words, index(words), 0);
        Some(place)
    }

    /// Whether there is no room at all.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Gives the room back: no bit is set any more.
    pub(super) fn give_up(&mut self) {
        self.words = Vec::new();
    }

    /// Takes as much room as `other` has.
    pub(super) fn match_room(&mut self, other: &Bits) {
        let missing = other.words.len().saturating_sub(self.words.len());
        lengthen(&mut self.words, missing, 0);
    }

    /// Clears those that `other` has, too.
    pub(super) fn subtract(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Clears all.
    pub(super) fn clear_all(&mut self) {
        self.words.fill(0);
    }

    /// Sets all bits of a word.
    pub(super) fn fill(&mut self, place: u32) {
        self.words.get_mut(index(place)).into_iter().for_each(|word| *word = u64::MAX);
    }

    pub(super) fn get(&self, place: u32, number: u32) -> bool {
        let (word, bit) = split(place, number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Sets a bit; whether it was not set before.
    pub(super) fn set(&mut self, place: u32, number: u32) -> bool {
        let (word, bit) = split(place, number);
        let Some(word) = self.words.get_mut(word) else { return false };
        let before = *word;
        *word |= bit;
        before & bit == 0
    }

    /// Clears a bit; whether it was set before.
    pub(super) fn clear(&mut self, place: u32, number: u32) -> bool {
        let (word, bit) = split(place, number);
        let Some(word) = self.words.get_mut(word) else { return false };
        let before = *word;
        *word &= !bit;
        before & bit != 0
    }

    /// The numbers among `range` whose bit is set.
    pub(super) fn among(&self, place: u32, range: Range<u32>) -> impl Iterator<Item = u32> + '_ {
        let first = range.start / u64::BITS;
        let last = words_for(range.end);
        let words = self.words.get(index(place) + index(first)..index(place) + index(last.max(first)));
        let numbers = (first..).zip(words.unwrap_or_default()).flat_map(|(word, &bits)| each(word, bits));
        numbers.filter(move |number| range.contains(number))
    }

    /// The lowest number whose bit is set here and not in `without`, and the highest.
    pub(super) fn extent(&self, without: &Bits, place: u32, words: u32) -> Option<(u32, u32)> {
        let range = index(place)..index(place) + index(words);
        let words = self.words.get(range.clone())?.iter().zip(without.words.get(range)?);
        let mut words =
            (0..).zip(words.map(|(word, without)| word & !without)).filter(|&(_, word)| word != 0);
        let (first, low) = words.next()?;
        let (last, high) = words.last().unwrap_or((first, low));
        let number = |word: u32, bit: u32| word * u64::BITS + bit;
        Some((number(first, low.trailing_zeros()), number(last, u64::BITS - 1 - high.leading_zeros())))
    }

    /// Adds the numbers of a span's bits to `into`, and clears them.
    pub(super) fn take(&mut self, place: u32, words: u32, into: &mut Vec<u32>) {
        let words = self.words.get_mut(index(place)..index(place) + index(words));
        for (word, bits) in (0..).zip(words.into_iter().flatten()) {
            into.extend(each(word, std::mem::take(bits)));
        }
    }
}

/// The numbers of the bits of one word.
fn each(word: u32, bits: u64) -> impl Iterator<Item = u32> {
    let mut rest = bits;
    std::iter::from_fn(move || {
        let bit = rest.trailing_zeros();
        rest &= rest.wrapping_sub(1);
        (bit < u64::BITS).then_some(word * u64::BITS + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_move_with_what_they_are_of() {
        let check = |before: &[Option<u32>], after: &str| {
            let mut list: Vec<char> = "abcde".chars().collect();
            rearrange(&mut list, before.iter().copied(), '-');
            assert_eq!(list.iter().collect::<String>(), after);
        };
        check(&[Some(0), Some(1), Some(2), Some(3), Some(4)], "abcde");
        check(&[Some(1), Some(4)], "be");
        check(&[None, Some(1), None, None, Some(2), Some(4), None], "-b--ce-");
        check(&[Some(0), None, None, Some(1), Some(2), Some(3), Some(4)], "a--bcde");
        check(&[None], "-");
        check(&[], "");
        let mut list = Vec::new();
        rearrange(&mut list, [None, None].into_iter(), 7);
        assert_eq!(list, [7, 7]);
    }

    #[test]
    fn spans_do_not_share_bits() {
        let mut bits = Bits::default();
        bits.grow(words_for(65));
        bits.grow(words_for(1));
        assert!(bits.set(0, 64));
        assert!(!bits.set(0, 64));
        assert!(bits.set(0, 3));
        assert!(bits.set(2, 0));
        assert_eq!(bits.among(0, 0..65).collect::<Vec<_>>(), [3, 64]);
        assert_eq!(bits.among(0, 4..64).count(), 0);
        assert_eq!(bits.among(0, 64..65).collect::<Vec<_>>(), [64]);
        assert!(bits.get(2, 0) && !bits.get(2, 1));
        let mut without = Bits::default();
        without.grow(3);
        assert_eq!(bits.extent(&without, 0, 2), Some((3, 64)));
        without.set(0, 3);
        assert_eq!(bits.extent(&without, 0, 2), Some((64, 64)));
        without.set(2, 0);
        assert_eq!(bits.extent(&without, 2, 1), None);
        let mut taken = Vec::new();
        bits.take(0, 2, &mut taken);
        assert_eq!(taken, [3, 64]);
        assert_eq!(bits.among(0, 0..65).count(), 0);
        assert!(bits.clear(2, 0));
        assert!(!bits.clear(2, 0));
        bits.set(0, 7);
        bits.set(2, 0);
        let mut less = Bits::default();
        less.grow(3);
        less.set(0, 7);
        bits.subtract(&less);
        assert!(!bits.get(0, 7) && bits.get(2, 0));
        bits.clear_all();
        assert!(!bits.get(2, 0));
    }
}
