//! A core file as memory: what a process had in its memory and its threads in their
//! registers when it died, or when somebody wrote it down.
//!
//! In: the file, as the kernel or gdb's `gcore` writes it. Out: [`Memory`], read from
//! the file where it is asked for, and [`Notes`]. Code and constants are not in most
//! cores, since the program's file has them: [`CoreDump::supply`] says where.
//!
//! ```text
//!   memory   │ text │ constants │ variables │ … heap, stacks …
//!   core     │ (1st page)       │ ■■■■■■■■■ │ ■■■■■■■■■■■■■■■■
//!   program  │ ■■■■ │ ■■■■■■■■■ │
//! ```

mod build_id;
mod bytes;
mod error;
mod notes;
mod segments;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use build_id::BuildIds;
pub use error::CoreError;
pub use notes::{CoreThread, MappedFile, Notes};

use self::bytes::FileBytes;
use self::segments::Segment;
use super::{Batch, Memory, MemoryError};
use crate::model::Addr;

/// What is mapped of a file is mapped by pages.
const PAGE: u64 = 4096;

/// A core file.
pub struct CoreDump {
    file: FileBytes,
    segments: Vec<Segment>,
    notes: Notes,
    /// The program's file, and what of memory it has.
    program: Option<(FileBytes, Vec<Segment>)>,
    problems: Vec<String>,
}

impl CoreDump {
    /// Opens the core file at `path`.
    ///
    /// # Errors
    /// Where it is none, of another machine, or damaged.
    pub fn open(path: &Path) -> Result<CoreDump, CoreError> {
        CoreDump::of(FileBytes::open(path)?)
    }

    /// Reads `bytes` as if they were a file.
    ///
    /// # Errors
    /// Those of [`CoreDump::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<CoreDump, CoreError> {
        CoreDump::of(FileBytes::of(bytes))
    }

    fn of(file: FileBytes) -> Result<CoreDump, CoreError> {
        let headers = segments::read(&file)?;
        let (notes, cut) = notes::read(&file, &headers.notes)?;
        let mut problems = Vec::new();
        if headers.missing > 0 {
            problems.push(format!(
                "the core file is cut off at {} bytes: {} bytes of memory are missing",
                file.len(),
                headers.missing
            ));
        }
        if cut {
            problems.push("the core file is cut off: not all of its threads and notes are there".to_owned());
        }
        Ok(CoreDump { file, segments: headers.segments, notes, program: None, problems })
    }

    /// What it says beside memory.
    #[must_use]
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// What is missing of it.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Has memory that is not in the core read from the file at `path`: `ranges` say
    /// of each range of memory its first address, file offset and length. As in memory,
    /// what the file has behind a range up to the end of its page comes too
    /// (`elf_map` in `fs/binfmt_elf.c`, Linux 6.18).
    ///
    /// # Errors
    /// Where that file cannot be opened, or two ranges overlap.
    pub fn supply(
        &mut self,
        path: &Path,
        ranges: impl IntoIterator<Item = (Addr, u64, u64)>,
    ) -> Result<(), CoreError> {
        let file = FileBytes::open(path)?;
        let ranges =
            ranges.into_iter().filter(|&(start, _, len)| len > 0 && start.0.checked_add(len).is_some());
        let mut segments: Vec<Segment> =
            ranges.map(|(start, offset, len)| Segment { start: start.0, len, offset }).collect();
        segments.sort_unstable_by_key(|segment| segment.start);
        for pair in segments.windows(2) {
            if let [before, after] = pair
                && after.start - before.start < before.len
            {
                return Err(CoreError::Overlap(Addr(after.start)));
            }
        }
        let mut next = u64::MAX;
        for segment in segments.iter_mut().rev() {
            let page = segment.start.saturating_add(segment.len).checked_next_multiple_of(PAGE);
            let end = page.unwrap_or(next).min(next);
            let has = file.len().saturating_sub(segment.offset);
            segment.len = segment.len.max(has.min(end.saturating_sub(segment.start)));
            next = segment.start;
        }
        self.program = Some((file, segments));
        Ok(())
    }

    /// The build ids of the program in memory; those that the core does not have are
    /// left out.
    #[must_use]
    pub fn build_ids(&self) -> BuildIds {
        let Some(executable) = self.notes.executable() else { return BuildIds::default() };
        let first = self.notes.files.iter().find(|file| {
            file.offset == 0 && file.path.strip_suffix(" (deleted)").unwrap_or(&file.path) == executable
        });
        first.and_then(|first| BuildIds::in_memory(self, first.start)).unwrap_or_default()
    }

    /// Fills `out` from `addr` on, from the core, else from the program's file.
    fn fill(&self, addr: u64, out: &mut [u8]) -> Option<()> {
        let (mut addr, mut out) = (addr, out);
        while !out.is_empty() {
            let (file, (offset, len)) = match piece(&self.segments, addr) {
                Some(piece) => (&self.file, piece),
                None => {
                    let (file, segments) = self.program.as_ref()?;
                    let (offset, len) = piece(segments, addr)?;
                    // Up to where the core has it again.
                    let next = self.segments.partition_point(|segment| segment.start <= addr);
                    let limit = self.segments.get(next).map_or(len, |segment| segment.start - addr);
                    (file, (offset, len.min(limit)))
                }
            };
            let some = usize::try_from(len).unwrap_or(usize::MAX).min(out.len());
            let (now, rest) = out.split_at_mut(some);
            file.read("memory", offset, now).ok()?;
            addr = addr.checked_add(some as u64)?;
            out = rest;
        }
        Some(())
    }
}

/// File offset of the byte at `addr`, and how many follow it there.
fn piece(segments: &[Segment], addr: u64) -> Option<(u64, u64)> {
    let behind = segments.partition_point(|segment| segment.start <= addr);
    let segment = segments.get(behind.checked_sub(1)?)?;
    let at = addr - segment.start;
    (at < segment.len).then(|| (segment.offset + at, segment.len - at))
}

impl Memory for CoreDump {
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError> {
        batch.plan();
        for run in 0..batch.runs().0.len() {
            let (runs, bytes) = batch.runs();
            let Some(&this) = runs.get(run) else { continue };
            let into = this.at.checked_add(this.len).and_then(|end| bytes.get_mut(this.at..end));
            if into.is_some_and(|into| self.fill(this.addr.0, into).is_some()) {
                batch.mark_run(run);
                continue;
            }
            for piece in batch.pieces_of(run) {
                let (_, bytes) = batch.runs();
                let Some(bytes) = bytes.get_mut(piece.at..piece.at + piece.len) else { continue };
                if self.fill(piece.addr.0, bytes).is_some() {
                    batch.mark_piece(piece.index);
                }
            }
        }
        Ok(())
    }
}
