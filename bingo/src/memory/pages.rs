//! Memory read by whole pages and kept for as long as one picture is made.
//!
//! For what is reached by following pointers (sudogs, channels, semaphore
//! trees): the objects of one kind lie together, so one page answers for dozens
//! of them. A page that holds one readable byte is readable as a whole, so this
//! never fails where reading the object alone would not.

use std::collections::HashMap;

use super::{Batch, Memory, MemoryError, PieceId};
use crate::model::Addr;

/// The smallest page of x86-64.
const PAGE: u64 = 4096;

/// Where so many were read, 4 MiB, those read before them are forgotten. Who goes through
/// much does so by address, or nearly.
const MOST: usize = 1024;

/// A cache of pages over a memory. What it holds grows old: one lives as long
/// as one round of reading, or less.
pub struct Pages<'a, M: Memory + ?Sized> {
    memory: &'a M,
    /// The last ones that were read,
    last: Kept,
    /// and those before them.
    before: Kept,
}

/// Some pages.
#[derive(Default)]
struct Kept {
    /// Which of the batches has each page.
    pages: HashMap<u64, (usize, PieceId), foldhash::fast::FixedState>,
    read: Vec<Batch>,
}

impl Kept {
    /// The bytes of a page from one of its bytes on.
    fn bytes(&self, addr: u64) -> Option<&[u8]> {
        let &(batch, page) = self.pages.get(&(addr / PAGE))?;
        self.read.get(batch)?.bytes(page)?.get(usize::try_from(addr % PAGE).ok()?..)
    }
}

impl<'a, M: Memory + ?Sized> Pages<'a, M> {
    /// An empty cache over `memory`.
    pub fn new(memory: &'a M) -> Pages<'a, M> {
        Pages { memory, last: Kept::default(), before: Kept::default() }
    }

    /// What it reads.
    #[must_use]
    pub fn memory(&self) -> &'a M {
        self.memory
    }

    /// Reads all pages that these pieces touch, in one batch.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn prefetch(&mut self, pieces: impl IntoIterator<Item = (Addr, usize)>) -> Result<(), MemoryError> {
        if self.last.pages.len() >= MOST {
            self.before = std::mem::take(&mut self.last);
        }
        let Kept { pages, read } = &mut self.last;
        let mut batch = Batch::default();
        for (addr, len) in pieces {
            let last = addr.0.saturating_add(len.max(1) as u64 - 1) / PAGE;
            for page in addr.0 / PAGE..=last {
                let len = usize::try_from(PAGE).expect("4096 fits");
                let ask = || (read.len(), batch.push(Addr(page * PAGE), len));
                if !self.before.pages.contains_key(&page) {
                    pages.entry(page).or_insert_with(ask);
                }
            }
        }
        if !batch.is_empty() {
            self.memory.read_batch(&mut batch)?;
            read.push(batch);
        }
        Ok(())
    }

    /// Fills `bytes` from `addr` on, reading the pages that are not there yet;
    /// `None` where that cannot be done.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn read(&mut self, addr: Addr, bytes: &mut [u8]) -> Result<Option<()>, MemoryError> {
        if self.copy(addr, bytes).is_none() {
            self.prefetch([(addr, bytes.len())])?;
        }
        Ok(self.copy(addr, bytes))
    }

    /// The 64-bit word at `addr`; `None` where it cannot be read.
    ///
    /// # Errors
    /// As [`Memory::read_batch`].
    pub fn word(&mut self, addr: Addr) -> Result<Option<u64>, MemoryError> {
        let mut word = [0; 8];
        Ok(self.read(addr, &mut word)?.map(|()| u64::from_le_bytes(word)))
    }

    fn copy(&self, addr: Addr, bytes: &mut [u8]) -> Option<()> {
        let mut addr = addr.0;
        let mut rest = bytes;
        while !rest.is_empty() {
            let found = self.last.bytes(addr).or_else(|| self.before.bytes(addr))?;
            let (now, later) = rest.split_at_mut(found.len().min(rest.len()));
            now.copy_from_slice(found.get(..now.len())?);
            addr = addr.checked_add(now.len() as u64)?;
            rest = later;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Image;

    #[test]
    fn objects_across_pages_and_holes() {
        let mut image = Image::default();
        image.map(Addr(0x1000), 0x2000).map(Addr(0x4000), 0x1000);
        image.write_word(Addr(0x1ffc), 0x1122_3344_5566_7788);
        let mut pages = Pages::new(&image);
        pages.prefetch([(Addr(0x1000), 8), (Addr(0x3000), 8)]).unwrap();
        assert_eq!(pages.word(Addr(0x1ffc)).unwrap(), Some(0x1122_3344_5566_7788));
        assert_eq!(pages.word(Addr(0x2ffc)).unwrap(), None);
        assert_eq!(pages.word(Addr(0x4ff8)).unwrap(), Some(0));
        assert_eq!(pages.word(Addr(u64::MAX - 3)).unwrap(), None);
    }
}
