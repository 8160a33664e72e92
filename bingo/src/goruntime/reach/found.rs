//! Words that point into the heap, and have still to be looked up there. They are kept by
//! the part of the heap that they point to: what is noted of one part fits into a
//! processor's cache, what is noted of all of a large heap does not. In: words as they are
//! found, each with the label of what it was reached from. Out: those of one part.

use std::ops::Range;

use crate::goruntime::heap::Label;

/// Bytes of the heap that are a part, as a power of two: 16 MiB.
const PART: u32 = 24;
/// Parts so far apart are kept as one.
const PARTS: usize = 256;
/// As many words of a part are worth looking up.
const FULL: usize = 1 << 10;
/// There is room for so many: those of a page that are found behind that.
const ROOM: usize = 2 * FULL;
/// Addresses of user programs have fewer bits.
const BITS: u32 = 48;

/// One of these words, and the label of what it was reached from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer(u64);

impl Pointer {
    fn new(word: u64, label: Label) -> Pointer {
        Pointer(word | u64::from(label.number()) << BITS)
    }

    pub(super) fn word(self) -> u64 {
        self.0 & ((1 << BITS) - 1)
    }

    pub(super) fn label(self) -> Label {
        u16::try_from(self.0 >> BITS).ok().and_then(Label::new).unwrap_or(Label::LAST)
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Found {
    parts: Vec<Vec<Pointer>>,
}

impl Found {
    /// Adds a word, which is an address of the heap. Where there are enough of that part
    /// to be looked up: which one it is.
    pub(super) fn add(&mut self, word: u64, label: Label) -> Option<usize> {
        if self.parts.is_empty() {
            self.parts.resize_with(PARTS, Vec::new);
        }
        let number = place(word >> PART);
        let part = self.parts.get_mut(number)?;
        if part.is_empty() {
            part.reserve_exact(ROOM);
        }
        part.push(Pointer::new(word, label));
        (part.len() == FULL).then_some(number)
    }

    /// The parts that addresses of a range are in; each once.
    pub(super) fn parts_of(range: &Range<u64>) -> impl Iterator<Item = usize> + use<> {
        let (first, last) = (range.start >> PART, range.end.saturating_sub(1) >> PART);
        (first..=last).take(PARTS).map(place)
    }

    /// All parts.
    pub(super) fn parts(&self) -> Range<usize> {
        0..self.parts.len()
    }

    /// Takes the words of a part out.
    pub(super) fn take(&mut self, part: usize) -> Option<Vec<Pointer>> {
        let part = self.parts.get_mut(part).filter(|part| !part.is_empty())?;
        Some(std::mem::take(part))
    }

    /// Gives the room of words that were taken out back.
    pub(super) fn give_back(&mut self, part: usize, mut room: Vec<Pointer>) {
        room.clear();
        room.shrink_to(ROOM);
        if let Some(part) = self.parts.get_mut(part).filter(|part| part.is_empty()) {
            *part = room;
        }
    }
}

/// Where the words of a part are kept.
fn place(part: u64) -> usize {
    usize::try_from(part % PARTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_by_part_with_their_labels() {
        let mut found = Found::default();
        let (near, far) = (0xc000_0000_1238, 0xc000_0000_1238 + (5 << PART));
        let label = |number| Label::new(number).unwrap();
        assert_eq!(found.add(near, label(7)), None);
        assert_eq!(found.add(far, Label::LAST), None);
        let parts: Vec<usize> = Found::parts_of(&(near..far)).collect();
        assert_eq!(parts.len(), 6);
        let of = |found: &mut Found, part| {
            let words = found.take(part).unwrap_or_default();
            words.iter().map(|one| (one.word(), one.label())).collect::<Vec<_>>()
        };
        assert_eq!(of(&mut found, parts[0]), [(near, label(7))]);
        assert_eq!(of(&mut found, parts[5]), [(far, Label::LAST)]);
        assert!(found.parts().all(|part| found.take(part).is_none()));
        // Where a range is as wide as all parts are, each comes once.
        assert_eq!(Found::parts_of(&(0..1 << 47)).count(), PARTS);
    }

    #[test]
    fn a_part_is_worth_looking_up_when_it_is_full() {
        let mut found = Found::default();
        let label = Label::new(1).unwrap();
        let full = (0..FULL as u64).find_map(|n| found.add(0xc000_0000_0000 + n * 8, label));
        let part = full.expect("it is full");
        let words = found.take(part).unwrap();
        assert_eq!(words.len(), FULL);
        found.give_back(part, words);
        assert_eq!(found.add(0xc000_0000_0000, label), None);
    }
}
