//! The auxiliary vector as it lies on the initial stack. In: a process's memory
//! and where its stack began. Out: its entry point. `/proc/<pid>/auxv` says the
//! same, but opens for the process's own user and `CAP_DAC_READ_SEARCH` alone.
//!
//! ```text
//!   stack start → argc │ argv … 0 │ envp … 0 │ (type, value) … (AT_NULL, 0)
//! ```
//! (`create_elf_tables` in `fs/binfmt_elf.c`, Linux 6.18.)

use super::{Memory, ProcessMemory};
use crate::model::Addr;

/// `AT_ENTRY` (`include/uapi/linux/auxvec.h`): where the program's first
/// instruction is in memory.
pub(super) const AT_ENTRY: u64 = 9;
const AT_NULL: u64 = 0;

/// The kernel takes no more arguments and environment than a few MB of pointers.
const PAGES: u32 = 1 << 11;
const PAGE: u64 = 4096;

/// The entry point of the process whose stack began at `start`; `None` where
/// what lies there is no such list.
pub(super) fn entry_point(memory: &ProcessMemory, start: u64) -> Option<u64> {
    let mut words = Words { memory, next: start, page: Vec::new().into_iter(), pages: 0 };
    words.next()?;
    for _ in ["argv", "envp"] {
        words.find(|&word| word == 0)?;
    }
    loop {
        match (words.next()?, words.next()?) {
            (AT_ENTRY, entry) => return Some(entry),
            (AT_NULL, _) => return None,
            _ => {}
        }
    }
}

/// The words from an address on, read a page at a time.
struct Words<'a> {
    memory: &'a ProcessMemory,
    next: u64,
    page: std::vec::IntoIter<u64>,
    pages: u32,
}

impl Iterator for Words<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if let Some(word) = self.page.next() {
            return Some(word);
        }
        if self.pages == PAGES {
            return None;
        }
        self.pages += 1;
        let end = self.next.checked_add(PAGE)? / PAGE * PAGE;
        let mut bytes = vec![0; usize::try_from(end - self.next).ok()?];
        self.memory.read(Addr(self.next), &mut bytes).ok()?;
        self.next = end;
        let words: Vec<u64> = bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word)).collect();
        self.page = words.into_iter();
        self.page.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_says_what_proc_says() {
        let own = procfs::process::Process::myself().unwrap();
        let start = own.stat().unwrap().startstack;
        let memory = ProcessMemory::new(std::process::id());
        let said = own.auxv().unwrap().get(&AT_ENTRY).copied();
        assert!(said.is_some());
        assert_eq!(entry_point(&memory, start), said);
        assert_eq!(entry_point(&memory, 8), None, "nothing is mapped there");
    }
}
