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
        let (value, at) = uvarint(self.bytes, self.at)?;
        self.at = at;
        Some(value)
    }
}

/// The base-128 number at `at`, and where the bytes behind it begin. `None`: the
/// bytes end within it, or it has more than 64 bits.
#[inline(always)]
pub(super) fn uvarint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    let second = *bytes.get(at + 1)?;
    if second < 0x80 {
        return Some((u64::from(first & 0x7f) | u64::from(second) << 7, at + 2));
    }
    long_uvarint(bytes, at)
}

#[inline(never)]
fn long_uvarint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    let mut shift = 0;
    for (count, &byte) in (1..=10).zip(bytes.get(at..)?) {
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some((value, at + count));
        }
        shift += 7;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn nothing_is_read_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2]);
        assert_eq!(cursor.take(3), None);
        assert_eq!(cursor.take(usize::MAX), None);
        assert_eq!(cursor.byte(), Some(1));
        assert_eq!(cursor.take(1), Some(&[2][..]));
        assert_eq!(cursor.byte(), None);
    }
}
