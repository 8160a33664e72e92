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
///
/// Eight bytes are read at once where there are so many. Most numbers take one or
/// two; of others the upper bits tell the length.
#[inline(always)]
pub(super) fn uvarint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) else {
        return any_uvarint(bytes, at);
    };
    let word = u64::from_le_bytes(*word);
    if word & 0x80 == 0 {
        return Some((word & 0x7f, at + 1));
    }
    if word & 0x8000 == 0 {
        return Some((word & 0x7f | word >> 1 & 0x3f80, at + 2));
    }
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return any_uvarint(bytes, at);
    }
    // All bits up to the first byte that ends it, without the upper one of each.
    let value = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let value = value & 0x007f_007f_007f_007f | (value & 0x7f00_7f00_7f00_7f00) >> 1;
    let value = value & 0x0000_3fff_0000_3fff | (value & 0x3fff_0000_3fff_0000) >> 2;
    let value = value & 0x0fff_ffff | (value & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, at + (ends.trailing_zeros() >> 3) as usize + 1))
}

#[cold]
fn any_uvarint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
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
    fn a_number_is_the_same_however_much_follows() {
        for shift in 0..64 {
            let value = 0x9234_5678_9abc_def1_u64 >> shift;
            let mut bytes = Vec::new();
            let mut rest = value;
            while rest >= 0x80 {
                bytes.push(rest.to_le_bytes()[0] | 0x80);
                rest >>= 7;
            }
            bytes.push(rest.to_le_bytes()[0]);
            let length = bytes.len();
            assert_eq!(uvarint(&bytes, 0), Some((value, length)), "{value:x} alone");
            bytes.extend([0xff; 9]);
            assert_eq!(uvarint(&bytes, 0), Some((value, length)), "{value:x}");
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
