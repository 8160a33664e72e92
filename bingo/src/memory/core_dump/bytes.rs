//! The bytes of a file, read where they are asked for: file offset and length in,
//! bytes out. Nothing is kept: a core may be larger than memory, and the kernel
//! keeps what was read of it.

use std::fs::File;
use std::io;
use std::path::Path;

use super::CoreError;

/// A file, or bytes that stand for one.
pub(super) struct FileBytes {
    path: String,
    len: u64,
    backing: Backing,
}

enum Backing {
    File(File),
    Memory(Vec<u8>),
}

impl FileBytes {
    /// Opens the file at `path`.
    pub(super) fn open(path: &Path) -> Result<FileBytes, CoreError> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (about, file) = opened.map_err(|source| CoreError::Io { path: name.clone(), source })?;
        if about.is_dir() {
            return Err(CoreError::Io { path: name, source: io::ErrorKind::IsADirectory.into() });
        }
        Ok(FileBytes { path: name, len: about.len(), backing: Backing::File(file) })
    }

    /// A file of these bytes.
    pub(super) fn of(bytes: Vec<u8>) -> FileBytes {
        FileBytes { path: "memory".into(), len: bytes.len() as u64, backing: Backing::Memory(bytes) }
    }

    /// How many bytes it had when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out` from file offset `offset` on; `what` names it in an error.
    pub(super) fn read(&self, what: &'static str, offset: u64, out: &mut [u8]) -> Result<(), CoreError> {
        let len = out.len() as u64;
        let truncated = CoreError::Truncated { what, offset, len, file_len: self.len };
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(truncated);
        }
        match &self.backing {
            Backing::File(file) => read_at(file, offset, out).map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof => truncated,
                _ => CoreError::Io { path: self.path.clone(), source },
            }),
            Backing::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                match start.checked_add(out.len()).and_then(|end| bytes.get(start..end)) {
                    Some(found) => {
                        out.copy_from_slice(found);
                        Ok(())
                    }
                    None => Err(truncated),
                }
            }
        }
    }

    /// `len` bytes from file offset `offset` on. Never allocates more than the
    /// file's length.
    pub(super) fn bytes(&self, what: &'static str, offset: u64, len: u64) -> Result<Vec<u8>, CoreError> {
        let truncated = CoreError::Truncated { what, offset, len, file_len: self.len };
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(truncated);
        }
        let Ok(size) = usize::try_from(len) else { return Err(truncated) };
        let mut out = vec![0; size];
        self.read(what, offset, &mut out)?;
        Ok(out)
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match std::os::windows::fs::FileExt::seek_read(file, rest, offset + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => done += read,
        }
    }
    Ok(())
}
