//! The bytes of a generation's batches, in blocks of one size. A single vector
//! would be copied, or leave holes, each time it grows, and a generation may have
//! a hundred megabytes. In: batch after batch. Out: a batch's bytes by its place.

/// Bytes of a block, and more than a batch has.
const BLOCK: usize = 1 << 20;

/// Blocks of bytes.
#[derive(Default)]
pub(super) struct Blocks {
    full: Vec<Vec<u8>>,
    last: Vec<u8>,
}

/// Where bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Span {
    block: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Blocks {
    /// The block that `size` more bytes fit into: they are to be put at its end.
    pub(super) fn room(&mut self, size: usize) -> &mut Vec<u8> {
        if self.last.capacity() - self.last.len() < size {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(size.max(BLOCK)));
            self.full.push(full);
        }
        &mut self.last
    }

    /// Where the bytes of the last block are that begin at `start`; `None`: there
    /// are more than can be counted.
    pub(super) fn behind(&self, start: usize) -> Option<Span> {
        let narrow = |number: usize| u32::try_from(number).ok();
        let (start, end) = (narrow(start)?, narrow(self.last.len())?);
        Some(Span { block: narrow(self.full.len())?, start, end })
    }

    /// The bytes of a block up to a span's end.
    #[inline]
    pub(super) fn up_to(&self, span: Span) -> &[u8] {
        let block = self.full.get(span.block as usize).unwrap_or(&self.last);
        block.get(..span.end as usize).unwrap_or_default()
    }
}
