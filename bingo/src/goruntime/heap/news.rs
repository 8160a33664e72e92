//! Where spans have come to be since the heap was read before: what is there had no mark
//! and could have none, whatever points to it. New spans come in; of an address comes out
//! whether it may be in one. A bit for each page: of these there are so few that they stay
//! in a processor's cache.

use std::ops::Range;

use super::span::PAGE;
use crate::goruntime::fields::index;

/// No more bits than this; pages that are so far apart share one.
const MOST: u64 = 1 << 24;

/// Some of the pages of the heap.
#[derive(Default, Debug)]
pub(in crate::goruntime) struct News {
    bits: Vec<u64>,
    /// How many bits there are, less one: a power of two.
    mask: u64,
    /// Where the first one begins, and how many bytes behind that the last one ends.
    low: u64,
    size: u64,
}

impl News {
    /// These, which are ranges of addresses, each behind the one before.
    pub(super) fn of(ranges: impl Iterator<Item = Range<u64>> + Clone) -> News {
        let Some((first, last)) = ranges.clone().next().zip(ranges.clone().last()) else {
            return News::default();
        };
        let (low, size) = (first.start, last.end.saturating_sub(first.start));
        let bits = (size / PAGE).next_power_of_two().clamp(64, MOST);
        let mut news = News { bits: vec![0; index(bits / 64)], mask: bits - 1, low, size };
        for range in ranges {
            // More would be the same ones again.
            for page in (range.start / PAGE..range.end.div_ceil(PAGE)).take(index(bits)) {
                let bit = page & news.mask;
                let word = news.bits.get_mut(index(bit / 64));
                word.into_iter().for_each(|word| *word |= 1 << (bit % 64));
            }
        }
        news
    }

    pub(in crate::goruntime) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Whether `address` may be in one of them.
    #[inline]
    pub(in crate::goruntime) fn may_hold(&self, address: u64) -> bool {
        let bit = (address / PAGE) & self.mask;
        address.wrapping_sub(self.low) < self.size
            && self.bits.get(index(bit / 64)).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_new_and_others() {
        let heap = 0xc000_0000_0000;
        let page = |number: u64| heap + number * PAGE;
        let new = |ranges: &[Range<u64>]| News::of(ranges.iter().cloned());
        let news = new(&[page(1)..page(2), page(7)..page(9), page(90)..page(91)]);
        let held: Vec<u64> = (0..200).filter(|&number| news.may_hold(page(number) + 8)).collect();
        assert_eq!(held, [1, 7, 8, 90]);
        assert!(news.may_hold(page(2) - 1) && !news.may_hold(page(2)));
        let wide = new(&[0..PAGE, page(50)..page(50) + (1 << 40)]);
        assert!(wide.may_hold(8) && wide.may_hold(page(60)) && !wide.may_hold(page(50) + (1 << 41)));
        assert!(!wide.is_empty() && new(&[]).is_empty() && !new(&[]).may_hold(heap));
    }
}
