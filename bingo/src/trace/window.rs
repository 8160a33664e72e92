//! Small numbers, one behind the other, of which a few are had at once: nearly all
//! numbers of a trace take one byte to four. In: the bytes of a batch. Out: its numbers,
//! where they are small and bytes enough follow; others are [`super::cursor::uvarint`]'s.

/// Bytes of which up to 16 are taken: a byte and three small numbers, at the least.
#[derive(Clone, Copy)]
pub(super) struct Window<'b> {
    bytes: &'b [u8; Window::BYTES],
    taken: u32,
}

impl<'b> Window<'b> {
    /// Twice what is taken of them, so that whatever comes next lies in them.
    pub(super) const BYTES: usize = 32;

    /// The bytes from `at` on. `None`: there are not so many.
    #[inline(always)]
    pub(super) fn new(bytes: &'b [u8], at: u32) -> Option<Window<'b>> {
        let at = at as usize;
        Some(Window { bytes: bytes.get(at..at + Window::BYTES)?.first_chunk()?, taken: 0 })
    }

    /// How many bytes were taken.
    #[inline(always)]
    pub(super) fn taken(&self) -> u32 {
        self.taken
    }

    /// The next byte.
    #[inline(always)]
    pub(super) fn byte(&mut self) -> u8 {
        let [byte, ..] = self.next();
        self.taken += 1;
        byte
    }

    /// The next number. `None`: it has more than 28 bits.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Option<u32> {
        let word = u32::from_le_bytes(self.next());
        if word & 0x80 == 0 {
            self.taken += 1;
            return Some(word & 0x7f);
        }
        let value = word & 0x7f | word >> 1 & 0x3f80;
        if word & 0x8000 == 0 {
            self.taken += 2;
            return Some(value);
        }
        let value = value | word >> 2 & 0x1f_c000;
        if word & 0x80_0000 == 0 {
            self.taken += 3;
            return Some(value);
        }
        self.taken += 4;
        (word & 0x8000_0000 == 0).then_some(value | word >> 3 & 0xfe0_0000)
    }

    /// The next four bytes.
    #[inline(always)]
    fn next(&self) -> [u8; 4] {
        // Always true: the compiler sees that nothing is read past the end.
        let rest = self.bytes.get(self.taken as usize % (Window::BYTES / 2)..).unwrap_or_default();
        rest.first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cursor::tests::put;
    use super::super::cursor::uvarint;
    use super::*;

    #[test]
    fn a_small_number_is_the_same_here() {
        for shift in 0..64 {
            let value = 0x9234_5678_9abc_def1_u64 >> shift;
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            let length = u32::try_from(bytes.len()).unwrap();
            bytes.extend([0xff; Window::BYTES]);
            assert_eq!(uvarint(&bytes, 0), (value, length));
            let small = u32::try_from(value).ok().filter(|value| *value < 1 << 28);
            let mut window = Window::new(&bytes, 0).unwrap();
            assert_eq!(window.number(), small, "{value:x}");
            assert!(small.is_none() || window.taken() == length, "{value:x}");
        }
    }

    #[test]
    fn numbers_follow_each_other() {
        let mut bytes = vec![9, 2, 0x83, 0x01, 0xff, 0xff, 0xff, 0x7f, 0x86, 0x80, 0x81, 0x01, 7];
        bytes.resize(Window::BYTES, 0xff);
        let mut window = Window::new(&bytes, 0).unwrap();
        let byte = window.byte();
        let numbers = [(); 5].map(|()| window.number().unwrap());
        assert_eq!((byte, numbers), (9, [2, 0x83, 0xfff_ffff, 0x20_4006, 7]));
        assert_eq!(window.taken(), 13);
        assert!(Window::new(&bytes, 1).is_none(), "too little follows");
    }
}
