//! The tables that map each address of a function to a number: its frame's
//! size, its file, its line, its place in the inline tree.
//!
//! A table is a run of pairs, each a zigzag varint that changes the value and a
//! varint that says for how many bytes of code it holds; a zero change ends it
//! (`step` in `runtime/symtab.go`, Go 1.18 to 1.27).

/// The value at `offset` bytes into the function, or `None` where the table is
/// damaged or does not reach so far. `table` starts at the function's first
/// pair and may go on behind its last.
///
/// Go's value for "none" is -1, which is a value like any other here.
pub(crate) fn value_at(table: &mut impl Iterator<Item = u8>, offset: u32, size: u32) -> Option<i32> {
    Runs::new(table, size).find(|run| offset < run.end).map(|run| run.value)
}

/// A stretch of code with one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    /// The value.
    pub(crate) value: i32,
    /// The offset behind it, in bytes from the function's entry.
    pub(crate) end: u32,
}

/// The runs of a table, in order; ends at the first damage.
pub(crate) struct Runs<'t, T> {
    table: &'t mut T,
    value: i32,
    end: u32,
    first: bool,
    steps_left: u32,
}

impl<'t, T: Iterator<Item = u8>> Runs<'t, T> {
    /// The runs of a function of `size` bytes. There are never more of them than
    /// bytes: a table that claims so is damaged.
    pub(crate) fn new(table: &'t mut T, size: u32) -> Runs<'t, T> {
        Runs { table, value: -1, end: 0, first: true, steps_left: size.saturating_add(1) }
    }
}

impl<T: Iterator<Item = u8>> Iterator for Runs<'_, T> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        self.steps_left = self.steps_left.checked_sub(1)?;
        let change = varint(self.table)?;
        if change == 0 && !self.first {
            self.steps_left = 0;
            return None;
        }
        self.first = false;
        let magnitude = (change >> 1).cast_signed();
        let change = if change & 1 == 0 { magnitude } else { !magnitude };
        self.value = self.value.wrapping_add(change);
        let Some(end) = varint(self.table).and_then(|bytes| self.end.checked_add(bytes)) else {
            self.steps_left = 0;
            return None;
        };
        self.end = end;
        Some(Run { value: self.value, end })
    }
}

/// A varint of 32 bits.
fn varint(table: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let byte = table.next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bytes: &[u8], size: u32) -> Vec<(i32, u32)> {
        let mut bytes = bytes.iter().copied();
        Runs::new(&mut bytes, size).map(|run| (run.value, run.end)).collect()
    }

    #[test]
    fn runs_of_a_table() {
        // A leaf: 0 up to 14, 8 up to 30, 0 up to 31.
        assert_eq!(runs(&[2, 14, 16, 16, 15, 1, 0], 31), [(0, 14), (8, 30), (0, 31)]);
        // The first change may be zero: the value stays -1.
        assert_eq!(runs(&[0, 5, 2, 1, 0], 6), [(-1, 5), (0, 6)]);
    }

    #[test]
    fn damaged_tables_end() {
        assert_eq!(runs(&[], 10), []);
        assert_eq!(runs(&[2], 10), []);
        assert_eq!(runs(&[0xff; 64], 10), []);
        assert_eq!(runs(&[2, 0xff, 0xff, 0xff, 0xff, 0x0f, 2, 1, 0], 10), [(0, u32::MAX)]);
        let endless = [2, 0].repeat(1 << 16);
        assert_eq!(runs(&endless, 7).len(), 8);
    }

    #[test]
    fn a_value_holds_up_to_its_end() {
        let check = |offset, expect| {
            let mut table = [2_u8, 14, 16, 16, 15, 1, 0].into_iter();
            assert_eq!(value_at(&mut table, offset, 31), expect, "{offset}");
        };
        check(0, Some(0));
        check(13, Some(0));
        check(14, Some(8));
        check(30, Some(0));
        check(31, None);
    }
}
