//! A position in bytes that nobody vouches for. In: a slice. Out: bytes and
//! varints, or `None` where it ends. A failed read leaves the position.

/// A position in a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// The next base-128 number (Go's `binary.Uvarint`).
    pub(super) fn uvarint(&mut self) -> Option<u64> {
        let rest = self.bytes.get(self.at..)?;
        let (value, behind) = uvarint(rest, 0);
        if behind == NOWHERE {
            return None;
        }
        self.at += behind as usize;
        Some(value)
    }
}

/// Behind a number that is none: no place in any bytes.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The base-128 number at `at`, and where the bytes behind it begin, which is
/// [`NOWHERE`] where the bytes end within it, it has more than 64 bits, or it
/// begins nowhere: so several can be read before one looks.
///
/// Eight bytes are read at once where there are so many. Most numbers take one
/// byte, and nearly all take up to four.
#[inline(always)]
pub(super) fn uvarint(bytes: &[u8], at: u32) -> (u64, u32) {
    let start = at as usize;
    let word = bytes.get(start..start.wrapping_add(8)).and_then(<[u8]>::first_chunk::<8>);
    let Some(word) = word else { return any_uvarint(bytes, at) };
    let word = u64::from_le_bytes(*word);
    if word & 0x80 == 0 {
        return (word & 0x7f, at + 1);
    }
    let ends = !word & 0x8080_8080;
    if ends == 0 {
        return any_uvarint(bytes, at);
    }
    // All bits up to the first byte that ends it, without the upper one of each.
    let word = word & (ends ^ (ends - 1));
    let value = word & 0x7f | word >> 1 & 0x3f80 | word >> 2 & 0x1f_c000 | word >> 3 & 0xfe0_0000;
    (value, at + (ends.trailing_zeros() >> 3) + 1)
}

#[cold]
fn any_uvarint(bytes: &[u8], at: u32) -> (u64, u32) {
    let mut value = 0;
    let mut shift = 0;
    for (count, &byte) in (1..=10).zip(bytes.get(at as usize..).unwrap_or_default()) {
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return (value, at + count);
        }
        shift += 7;
    }
    (0, NOWHERE)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes a number behind `bytes`.
    pub(in super::super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
    }

    #[test]
    fn varints_end_where_they_end() {
        let check = |bytes: &[u8], expect| {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.uvarint().map(|value| (value, cursor.at)), expect, "{bytes:x?}");
        };
        check(&[0x00], Some((0, 1)));
        check(&[0x7f, 0x01], Some((127, 1)));
        check(&[0xac, 0x02, 0xff], Some((300, 2)));
        check(&[0x80, 0x80, 0x01], Some((1 << 14, 3)));
        check(&[], None);
        check(&[0x80], None);
        check(&[0x80, 0x80], None);
        check(&[0xff; 20], None);
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some((u64::MAX, 10)));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], None);
        check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], Some((0, 10)));
    }

    #[test]
    fn a_number_is_the_same_however_much_follows() {
        for shift in 0..64 {
            let value = 0x9234_5678_9abc_def1_u64 >> shift;
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            let length = u32::try_from(bytes.len()).unwrap();
            assert_eq!(uvarint(&bytes, 0), (value, length), "{value:x} alone");
            bytes.extend([0xff; 9]);
            assert_eq!(uvarint(&bytes, 0), (value, length), "{value:x}");
        }
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2]);
        assert_eq!(cursor.take(3), None);
        assert_eq!(cursor.take(usize::MAX), None);
        assert_eq!(cursor.byte(), Some(1));
        assert_eq!(cursor.take(1), Some(&[2][..]));
        assert_eq!(cursor.byte(), None);
    }
}
