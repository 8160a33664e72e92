//! A core's notes. In: the file and where its notes are. Out: its threads with
//! their registers, the auxiliary vector, the mapped files, the process.
//!
//! ```text
//!   note: name length │ length │ type │ name … │ bytes …    (4 bytes aligned)
//! ```
//! Their forms are the kernel's (`include/uapi/linux/elf.h`, `elfcore.h`,
//! `fill_files_note` in `fs/binfmt_elf.c`, Linux 6.18), which gdb follows.

use object::elf;

use super::CoreError;
use super::bytes::FileBytes;
use crate::memory::Registers;
use crate::model::Addr;

/// What the kernel itself counts as one process's.
const MOST_THREADS: usize = 1 << 22;
/// The kernel writes the names of mapped files up to 4 MiB.
const MOST_BYTES: u64 = 1 << 26;
/// As much of the notes as is read at once.
const WINDOW: u64 = 1 << 16;

/// What the notes say.
#[derive(Clone, Default, Debug)]
pub struct Notes {
    /// The threads; the first is the one that the core is about.
    pub threads: Vec<CoreThread>,
    /// The process, as its own pid namespace numbers it (gdb: as gdb's does).
    pub pid: Option<u32>,
    /// The command that it ran, cut off at 80 bytes.
    pub command: Option<String>,
    /// `AT_ENTRY`: where the program's first instruction is in memory.
    pub entry: Option<Addr>,
    /// The files that were mapped.
    pub files: Vec<MappedFile>,
}

/// A thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoreThread {
    /// Its number.
    pub tid: u32,
    /// What it had in its registers.
    pub registers: Registers,
}

/// A range of memory that shows a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappedFile {
    /// The first address.
    pub start: Addr,
    /// Behind the last one.
    pub end: Addr,
    /// File offset of the first byte.
    pub offset: u64,
    /// The file, as the process saw it.
    pub path: String,
}

impl Notes {
    /// The file that the program was started from, if it is told.
    #[must_use]
    pub fn executable(&self) -> Option<&str> {
        let entry = self.entry?;
        let file = self.files.iter().find(|file| (file.start..file.end).contains(&entry))?;
        // The kernel's remark on a file that was removed is no part of its path.
        Some(file.path.strip_suffix(" (deleted)").unwrap_or(&file.path))
    }
}

/// Reads the notes at `parts`: file offset and length of each. What is cut off is
/// left out; whether something was.
pub(super) fn read(file: &FileBytes, parts: &[(u64, u64)]) -> Result<(Notes, bool), CoreError> {
    let mut notes = Notes::default();
    let mut whole = true;
    for &(start, len) in parts {
        let part = Part { file, end: start.checked_add(len), window: Vec::new(), at: 0 };
        whole &= part.read(start, &mut notes)?;
    }
    Ok((notes, !whole))
}

/// A run of notes, read through a window.
struct Part<'a> {
    file: &'a FileBytes,
    end: Option<u64>,
    window: Vec<u8>,
    /// File offset of the window.
    at: u64,
}

impl Part<'_> {
    /// Whether all of it is there.
    fn read(mut self, start: u64, notes: &mut Notes) -> Result<bool, CoreError> {
        let malformed = |at| CoreError::Malformed { what: "note", at };
        let end = self.end.ok_or(malformed(start))?;
        let mut at = start;
        while at.checked_add(12).is_some_and(|header| header <= end) {
            let Some(header) = self.bytes(at, 12)? else { return Ok(false) };
            let header = Fields(&header);
            let (Some(name), Some(len), Some(kind)) = (header.u32(0), header.u32(4), header.u32(8)) else {
                return Err(malformed(at));
            };
            let body = at + 12 + u64::from(name).next_multiple_of(4);
            let next = body + u64::from(len).next_multiple_of(4);
            // The last one of some writers is not filled up.
            if body + u64::from(len) > end {
                return Err(malformed(at));
            }
            if u64::from(name) == 5 && wanted(kind) {
                if u64::from(len) > MOST_BYTES || notes.threads.len() >= MOST_THREADS {
                    return Err(malformed(at));
                }
                let Some(bytes) = self.bytes(at + 12, body - at - 12 + u64::from(len))? else {
                    return Ok(false);
                };
                if let Some(desc) = bytes.strip_prefix(b"CORE\0\0\0\0") {
                    notes.take(kind, desc).ok_or(malformed(at))?;
                }
            }
            at = next;
        }
        Ok(true)
    }

    /// `len` bytes at file offset `at`; `None` where the file ends before.
    fn bytes(&mut self, at: u64, len: u64) -> Result<Option<Vec<u8>>, CoreError> {
        let size = usize::try_from(len).unwrap_or(usize::MAX);
        let within = |window: &[u8], begin: u64| {
            let from = usize::try_from(at.checked_sub(begin)?).ok()?;
            window.get(from..from.checked_add(size)?).map(<[u8]>::to_vec)
        };
        if let Some(found) = within(&self.window, self.at) {
            return Ok(Some(found));
        }
        let left = self.file.len().saturating_sub(at);
        if left < len {
            return Ok(None);
        }
        self.window = self.file.bytes("notes", at, len.max(WINDOW).min(left))?;
        self.at = at;
        Ok(within(&self.window, self.at))
    }
}

fn wanted(kind: u32) -> bool {
    [elf::NT_PRSTATUS, elf::NT_PRPSINFO, elf::NT_AUXV, elf::NT_FILE].iter().any(|known| known.0 == kind)
}

impl Notes {
    /// Takes in what one note says; `None` where it is not of the form it should be.
    fn take(&mut self, kind: u32, bytes: &[u8]) -> Option<()> {
        let note = Fields(bytes);
        if kind == elf::NT_PRSTATUS.0 {
            // struct elf_prstatus: pr_pid at 32, pr_reg (struct user_regs_struct) at 112.
            let tid = note.u32(32)?;
            let registers = registers(|place| note.u64(112 + place * 8))?;
            self.threads.push(CoreThread { tid, registers });
        } else if kind == elf::NT_PRPSINFO.0 {
            // struct elf_prpsinfo: pr_pid at 24, pr_psargs at 56.
            self.pid = Some(note.u32(24)?);
            let command = bytes.get(56..)?;
            let text = command.split(|&byte| byte == 0).next().unwrap_or_default();
            self.command = Some(String::from_utf8_lossy(text).trim_end().to_owned());
        } else if kind == elf::NT_AUXV.0 {
            let words = bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word));
            let words: Vec<u64> = words.collect();
            let entry = words.as_chunks().0.iter().find(|&&[kind, _]| kind == AT_ENTRY);
            self.entry = entry.map(|&[_, value]| Addr(value));
        } else if kind == elf::NT_FILE.0 {
            self.files.extend(mapped_files(bytes)?);
        }
        Some(())
    }
}

/// `AT_ENTRY` (`include/uapi/linux/auxvec.h`).
const AT_ENTRY: u64 = 9;

/// `struct user_regs_struct` (`arch/x86/include/asm/user_64.h`): r15, r14, r13, r12,
/// rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags,
/// rsp, ss, fs_base, …
fn registers(at: impl Fn(u64) -> Option<u64>) -> Option<Registers> {
    // In DWARF's order: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15.
    const ORDER: [u64; 16] = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0];
    let mut general = [0; 16];
    for (into, place) in general.iter_mut().zip(ORDER) {
        *into = at(place)?;
    }
    Some(Registers { general, pc: at(16)? })
}

/// `fill_files_note`: count, page size, (start, end, offset in pages) of each, and
/// their names, each with a NUL behind it.
fn mapped_files(bytes: &[u8]) -> Option<Vec<MappedFile>> {
    let note = Fields(bytes);
    let (count, page) = (note.u64(0)?, note.u64(8)?);
    let names = count.checked_mul(24)?.checked_add(16)?;
    let mut names = bytes.get(usize::try_from(names).ok()?..)?.split(|&byte| byte == 0);
    let file = |place: u64| {
        let at = 16 + place * 24;
        Some(MappedFile {
            start: Addr(note.u64(at)?),
            end: Addr(note.u64(at + 8)?),
            offset: note.u64(at + 16)?.checked_mul(page)?,
            path: String::from_utf8_lossy(names.next()?).into_owned(),
        })
    };
    (0..count).map(file).collect()
}

/// Little-endian numbers at their places.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&self, at: u64) -> Option<u32> {
        self.0.get(usize::try_from(at).ok()?..)?.first_chunk().map(|&bytes| u32::from_le_bytes(bytes))
    }

    fn u64(&self, at: u64) -> Option<u64> {
        self.0.get(usize::try_from(at).ok()?..)?.first_chunk().map(|&bytes| u64::from_le_bytes(bytes))
    }
}
