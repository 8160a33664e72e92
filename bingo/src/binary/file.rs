//! The bytes of a file, read in pieces as they are asked for: a file offset and
//! a length in, bytes out. A file of any size costs at most [`CACHE_LIMIT`] bytes
//! of memory, plus what the caller keeps.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::BinaryError;

/// Small reads fetch a piece of this size, in bytes, and keep it.
const PIECE: usize = 32 << 10;
/// All that is kept, in bytes; when it is full it starts anew.
pub(crate) const CACHE_LIMIT: usize = 8 << 20;

/// A file, or bytes that stand for one.
pub(crate) struct FileBytes {
    path: String,
    len: u64,
    backing: Backing,
}

enum Backing {
    File(Mutex<Pieces>),
    Memory(Vec<u8>),
}

struct Pieces {
    file: File,
    kept: HashMap<u64, Box<[u8]>>,
}

impl FileBytes {
    /// Opens the file at `path`.
    pub(crate) fn open(path: &Path) -> Result<FileBytes, BinaryError> {
        let name = path.display().to_string();
        let fail = |source| BinaryError::Io { path: name.clone(), source };
        let mut file = File::open(path).map_err(fail)?;
        if file.metadata().map_err(fail)?.is_dir() {
            return Err(fail(std::io::ErrorKind::IsADirectory.into()));
        }
        let len = file.seek(SeekFrom::End(0)).map_err(fail)?;
        let backing = Backing::File(Mutex::new(Pieces { file, kept: HashMap::new() }));
        Ok(FileBytes { path: name, len, backing })
    }

    /// A file of these bytes.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> FileBytes {
        let len = bytes.len() as u64;
        FileBytes { path: "memory".into(), len, backing: Backing::Memory(bytes) }
    }

    /// How many bytes the file had when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// `len` bytes at file offset `offset`: all of them or an error. Never
    /// allocates more than the file's length.
    pub(crate) fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>, BinaryError> {
        self.check_range(offset, len)?;
        let size = usize::try_from(len).map_err(|_| self.truncated(offset, len))?;
        let mut out = vec![0; size];
        self.read_into(offset, &mut out)?;
        Ok(out)
    }

    /// Fills `out` with the bytes at file offset `offset`.
    pub(crate) fn read_into(&self, offset: u64, out: &mut [u8]) -> Result<(), BinaryError> {
        let len = out.len() as u64;
        self.check_range(offset, len)?;
        match &self.backing {
            Backing::Memory(bytes) => {
                let from = usize::try_from(offset)
                    .ok()
                    .and_then(|at| bytes.get(at..)?.get(..out.len()))
                    .ok_or_else(|| self.truncated(offset, len))?;
                out.copy_from_slice(from);
                Ok(())
            }
            Backing::File(pieces) => {
                // A panic elsewhere leaves at worst a piece missing.
                let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
                let read = if out.len() > PIECE {
                    read_exact_at(&mut pieces.file, offset, out)
                } else {
                    copy_from_pieces(&mut pieces, self.len, offset, out)
                };
                read.map_err(|source| BinaryError::Io { path: self.path.clone(), source })
            }
        }
    }

    fn check_range(&self, offset: u64, len: u64) -> Result<(), BinaryError> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(self.truncated(offset, len)),
        }
    }

    fn truncated(&self, offset: u64, len: u64) -> BinaryError {
        BinaryError::Truncated { offset, len, file_len: self.len }
    }
}

fn read_exact_at(file: &mut File, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(out)
}

/// Fills `out` from the pieces kept, fetching those that are missing.
fn copy_from_pieces(
    pieces: &mut MutexGuard<'_, Pieces>,
    file_len: u64,
    offset: u64,
    out: &mut [u8],
) -> std::io::Result<()> {
    let piece_size = PIECE as u64;
    let mut offset = offset;
    let mut out = out;
    while !out.is_empty() {
        let start = offset - offset % piece_size;
        if !pieces.kept.contains_key(&start) {
            if pieces.kept.len() >= CACHE_LIMIT / PIECE {
                pieces.kept.clear();
            }
            let size = usize::try_from(piece_size.min(file_len - start)).unwrap_or(PIECE);
            let mut piece = vec![0; size].into_boxed_slice();
            read_exact_at(&mut pieces.file, start, &mut piece)?;
            pieces.kept.insert(start, piece);
        }
        let within = usize::try_from(offset - start).unwrap_or(PIECE);
        let from = pieces
            .kept
            .get(&start)
            .and_then(|piece| piece.get(within..))
            .filter(|from| !from.is_empty())
            .ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let count = from.len().min(out.len());
        let (now, rest) = out.split_at_mut(count);
        now.copy_from_slice(from.get(..count).unwrap_or_default());
        out = rest;
        offset += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_across_pieces_and_refuses_what_is_not_there() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let path = std::env::temp_dir().join(format!("bingo-file-bytes-{}", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        for file in [FileBytes::open(&path).unwrap(), FileBytes::from_bytes(bytes.clone())] {
            for (offset, len) in [(0, 1), (32_767, 2), (99_999, 1), (65_530, 20), (10, 90_000), (100_000, 0)]
            {
                let expect = &bytes[offset..offset + len];
                assert_eq!(file.read(offset as u64, len as u64).unwrap(), expect, "{offset} {len}");
            }
            for (offset, len) in [(100_000, 1), (99_999, 2), (u64::MAX, 2), (0, u64::MAX)] {
                let error = file.read(offset, len).unwrap_err();
                assert!(matches!(error, BinaryError::Truncated { .. }), "{error}");
            }
        }
        std::fs::remove_file(path).unwrap();
    }
}
