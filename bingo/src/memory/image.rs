//! Memory made of literal bytes, for tests: it is laid out the way Go's runtime
//! lays out its structures, and read through the same code as a process.

use std::collections::BTreeMap;

use super::{Batch, Memory, MemoryError};
use crate::model::Addr;

/// Literal memory. Regions must not overlap; two that touch are read across.
#[derive(Clone, Default, Debug)]
pub struct Image {
    regions: BTreeMap<u64, Vec<u8>>,
}

impl Image {
    /// Maps `len` zero bytes at `addr`.
    pub fn map(&mut self, addr: Addr, len: usize) -> &mut Image {
        self.regions.insert(addr.0, vec![0; len]);
        self
    }

    /// Writes bytes into what is mapped; whether all of them were.
    pub fn write(&mut self, addr: Addr, bytes: &[u8]) -> bool {
        let Some((start, region)) = self.regions.range_mut(..=addr.0).next_back() else { return false };
        let Ok(offset) = usize::try_from(addr.0 - start) else { return false };
        match offset.checked_add(bytes.len()).and_then(|end| region.get_mut(offset..end)) {
            Some(place) => {
                place.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    /// Writes one 64-bit word; whether it is mapped.
    pub fn write_word(&mut self, addr: Addr, word: u64) -> bool {
        self.write(addr, &word.to_le_bytes())
    }

    fn copy(&self, addr: Addr, bytes: &mut [u8]) -> bool {
        let mut addr = addr.0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((start, region)) = self.regions.range(..=addr).next_back() else { return false };
            let Some(found) = usize::try_from(addr - start).ok().and_then(|offset| region.get(offset..))
            else {
                return false;
            };
            let len = found.len().min(rest.len());
            if len == 0 {
                return false;
            }
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(found.get(..len).unwrap_or(&[]));
            rest = later;
            addr = addr.wrapping_add(len as u64);
        }
        true
    }
}

impl Memory for Image {
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError> {
        batch.plan();
        for run in 0..batch.runs().0.len() {
            for piece in batch.pieces_of(run) {
                let (_, bytes) = batch.runs();
                let Some(bytes) = bytes.get_mut(piece.at..piece.at + piece.len) else { continue };
                if self.copy(piece.addr, bytes) {
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

    #[test]
    fn only_what_is_mapped_can_be_read() {
        let mut image = Image::default();
        image.map(Addr(0x1000), 16).map(Addr(0x1010), 8);
        assert!(image.write_word(Addr(0x1008), 5));
        assert!(!image.write_word(Addr(0x1014), 5));
        let mut across = [0; 16];
        image.read(Addr(0x1008), &mut across).unwrap();
        assert_eq!(across[0], 5);
        assert!(image.read(Addr(0x1010), &mut across).is_err());
        assert!(image.read(Addr(0xfff), &mut [0]).is_err());
    }
}
