//! Fields of a structure that was copied out of the target: offsets go in,
//! numbers come out, `None` where the copy is shorter than the layout says.

use crate::model::Addr;

/// A copy of one of the target's structures.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    fn at<const N: usize>(self, offset: u64) -> Option<[u8; N]> {
        let start = usize::try_from(offset).ok()?;
        self.0.get(start..)?.first_chunk().copied()
    }

    pub(super) fn byte(self, offset: u64) -> Option<u8> {
        self.at::<1>(offset).map(|[byte]| byte)
    }

    pub(super) fn u32(self, offset: u64) -> Option<u32> {
        self.at(offset).map(u32::from_le_bytes)
    }

    pub(super) fn u64(self, offset: u64) -> Option<u64> {
        self.at(offset).map(u64::from_le_bytes)
    }

    pub(super) fn pointer(self, offset: u64) -> Option<Addr> {
        self.u64(offset).map(Addr)
    }
}

/// The 64-bit words of a copy.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word))
}

/// A number as the place in a list that it stands for; none is so large that it does not fit.
pub(super) fn index(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

/// The length of a structure as the reads want it. Layouts hold small numbers.
pub(super) fn length(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
