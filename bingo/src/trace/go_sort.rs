//! Go's `slices.SortFunc`, step by step: it is not stable, and where Go's reader
//! sorts events of one time, its steps decide their order. In: a slice and a key.
//! Out: the slice, sorted just so.
//!
//! Source: `slices/zsortanyfunc.go`, the same from Go 1.22 to 1.27.

/// Below this many, elements are inserted one by one.
const MAX_INSERTION: usize = 12;
/// From this many on, a pivot is the median of three medians.
const SHORTEST_NINTHER: usize = 50;

/// Sorts as Go does.
pub(super) fn sort_as_go<T: Copy>(values: &mut [T], key: impl Fn(&T) -> i64) {
    let len = values.len();
    let limit = usize::BITS - len.leading_zeros();
    Sort { values, key }.quick(0, len, limit);
}

struct Sort<'v, T, K> {
    values: &'v mut [T],
    key: K,
}

#[derive(PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

impl<T: Copy, K: Fn(&T) -> i64> Sort<'_, T, K> {
    fn less(&self, a: usize, b: usize) -> bool {
        self.values.get(a).map(&self.key) < self.values.get(b).map(&self.key)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.values.swap(a, b);
    }

    fn quick(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut was_balanced, mut was_partitioned) = (true, true);
        loop {
            let length = b - a;
            if length <= MAX_INSERTION {
                return self.insertion(a, b);
            }
            if limit == 0 {
                return self.heap(a, b);
            }
            if !was_balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose_pivot(a, b);
            if hint == Hint::Decreasing {
                if let Some(range) = self.values.get_mut(a..b) {
                    range.reverse();
                }
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            let sorted = was_balanced && was_partitioned && hint == Hint::Increasing;
            if sorted && self.partial_insertion(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (mid, partitioned) = self.partition(a, b, pivot);
            was_partitioned = partitioned;
            let (left, right) = (mid - a, b - mid);
            if left < right {
                was_balanced = left >= length / 8;
                self.quick(a, mid, limit);
                a = mid + 1;
            } else {
                was_balanced = right >= length / 8;
                self.quick(mid + 1, b, limit);
                b = mid;
            }
        }
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn heap(&mut self, a: usize, b: usize) {
        let len = b - a;
        for root in (0..=(len - 1) / 2).rev() {
            self.sift_down(root, len, a);
        }
        for end in (0..len).rev() {
            self.swap(a, a + end);
            self.sift_down(0, end, a);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.swap(first + root, first + child);
            root = child;
        }
    }

    /// Elements less than the pivot to its left, the others to its right.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut first = true;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                self.swap(j, a);
                return (j, first);
            }
            self.swap(i, j);
            (i, j, first) = (i + 1, j - 1, false);
        }
    }

    /// Elements equal to the pivot first; there are none less.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.swap(i, j);
            (i, j) = (i + 1, j - 1);
        }
    }

    /// Whether a few insertions were enough to sort it.
    fn partial_insertion(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..5 {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < SHORTEST_NINTHER {
                return false;
            }
            self.swap(i, i - 1);
            if i - a >= 2 {
                let mut j = i - 1;
                while j >= 1 && self.less(j, j - 1) {
                    self.swap(j, j - 1);
                    j -= 1;
                }
            }
            if b - i >= 2 {
                let mut j = i + 1;
                while j < b && self.less(j, j - 1) {
                    self.swap(j, j - 1);
                    j += 1;
                }
            }
        }
        false
    }

    fn break_patterns(&mut self, a: usize, b: usize) {
        let length = b - a;
        let mut random = u64::try_from(length).unwrap_or(u64::MAX);
        let mask = u64::MAX >> random.leading_zeros();
        let middle = a + length / 4 * 2;
        for at in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut other = usize::try_from(random & mask).unwrap_or(0);
            if other >= length {
                other -= length;
            }
            self.swap(at, a + other);
        }
    }

    fn choose_pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        let length = b - a;
        let mut swaps = 0;
        let [mut i, mut j, mut k] = [1, 2, 3].map(|quarter| a + length / 4 * quarter);
        if length >= SHORTEST_NINTHER {
            i = self.median(i - 1, i, i + 1, &mut swaps);
            j = self.median(j - 1, j, j + 1, &mut swaps);
            k = self.median(k - 1, k, k + 1, &mut swaps);
        }
        j = self.median(i, j, k, &mut swaps);
        match swaps {
            0 => (j, Hint::Increasing),
            12 => (j, Hint::Decreasing),
            _ => (j, Hint::Unknown),
        }
    }

    fn median(&self, a: usize, b: usize, c: usize, swaps: &mut u32) -> usize {
        let mut order = |a, b| {
            let swap = self.less(b, a);
            *swaps += u32::from(swap);
            if swap { (b, a) } else { (a, b) }
        };
        let (a, b) = order(a, b);
        let (b, _) = order(b, c);
        let (_, b) = order(a, b);
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in no order, the same each time.
    fn shuffled(len: usize, of: i64) -> Vec<i64> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33).cast_signed() % of
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn it_sorts() {
        for len in (0..200).chain([1000, 5000]) {
            for of in [2, 5, 1000, i64::MAX] {
                let falling = (0..len).rev().map(|at| i64::try_from(at).unwrap()).collect();
                for mut values in [shuffled(len, of), falling] {
                    let mut expect = values.clone();
                    expect.sort_unstable();
                    sort_as_go(&mut values, |value| *value);
                    assert_eq!(values, expect);
                }
            }
        }
    }

    /// The places that Go 1.27's `slices.SortFunc` gives to equals.
    #[test]
    fn equals_come_as_go_has_them() {
        let digest = |len: usize| {
            let keys = shuffled(len, 7);
            let mut values: Vec<(i64, u64)> = keys.into_iter().zip(0..).collect();
            sort_as_go(&mut values, |(key, _)| *key);
            values.iter().fold(0_u64, |sum, (_, place)| sum.wrapping_mul(31).wrapping_add(*place))
        };
        let go = [4121174007102221208, 1244115667702217666, 3753121763687296454, 1548544080231446240];
        assert_eq!([13, 40, 100, 1000].map(digest), go);
    }
}
