//! Memory of which one part was copied earlier: reads there get the copy, all others
//! the memory as it is now.

use super::{Batch, Memory, MemoryError};
use crate::model::Addr;

/// A memory with a copy over a part of it.
pub struct Overlay<'a, M> {
    memory: &'a M,
    at: Addr,
    copy: Vec<u8>,
}

impl<'a, M: Memory> Overlay<'a, M> {
    /// `memory`, of which `copy` was at `at`.
    #[must_use]
    pub fn new(memory: &'a M, at: Addr, copy: Vec<u8>) -> Overlay<'a, M> {
        Overlay { memory, at, copy }
    }

    /// Writes what the copy has of the `bytes` at `addr` over them; whether that is all.
    fn cover(&self, addr: Addr, bytes: &mut [u8]) -> bool {
        let (from, len) = (self.at.0, self.copy.len() as u64);
        let start = addr.0.max(from);
        let end = addr.0.saturating_add(bytes.len() as u64).min(from.saturating_add(len));
        if start >= end {
            return false;
        }
        let range = |base: u64| {
            let place = |at: u64| usize::try_from(at.checked_sub(base)?).ok();
            Some(place(start)?..place(end)?)
        };
        let (Some(into), Some(of)) = (range(addr.0), range(from)) else { return false };
        let whole = into.len() == bytes.len();
        match (bytes.get_mut(into), self.copy.get(of)) {
            (Some(into), Some(found)) => into.copy_from_slice(found),
            _ => return false,
        }
        whole
    }
}

impl<M: Memory> Memory for Overlay<'_, M> {
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError> {
        self.memory.read_batch(batch)?;
        for run in 0..batch.runs().0.len() {
            for piece in batch.pieces_of(run) {
                let (_, bytes) = batch.runs();
                let Some(bytes) = bytes.get_mut(piece.at..piece.at + piece.len) else { continue };
                if self.cover(piece.addr, bytes) {
                    batch.mark_piece(piece.index);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Image;

    #[test]
    fn the_copy_counts_where_there_is_one() {
        let mut image = Image::default();
        image.map(Addr(0x1000), 0x20);
        image.write(Addr(0x1000), &[1; 0x20]);
        let overlay = Overlay::new(&image, Addr(0x1008), vec![2; 0x1000]);
        let mut bytes = [0; 16];
        overlay.read(Addr(0x1000), &mut bytes).unwrap();
        assert_eq!(bytes, [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
        // What is not there any more is in the copy.
        overlay.read(Addr(0x1800), &mut bytes).unwrap();
        assert_eq!(bytes, [2; 16]);
        assert!(overlay.read(Addr(0x2000), &mut bytes).is_err());
    }
}
