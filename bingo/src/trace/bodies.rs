//! The events of a generation's batches, as bytes: kept one by one until they are
//! wanted, or left in the file. In: batch after batch. Out: a batch's bytes, once.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::ahead::Reading;
use super::batch::Input;
use super::error::TraceError;

/// The bodies of batches, by their numbers.
pub(super) enum Bodies {
    /// Those that were not wanted yet.
    Kept(Vec<Vec<u8>>),
    /// They are in a file.
    Left(Arc<File>),
}

impl Default for Bodies {
    fn default() -> Bodies {
        Bodies::Kept(Vec::new())
    }
}

impl Bodies {
    /// Bodies of a file that can be read again, or of what comes but once. Elsewhere
    /// than on Unix, to read at a place moves the one from which others read.
    pub(super) fn new(file: Option<Arc<File>>) -> Bodies {
        file.filter(|_| cfg!(unix)).map_or_else(Bodies::default, Bodies::Left)
    }

    /// Adds the next one, `size` bytes of `input`.
    pub(super) fn add(&mut self, size: usize, input: &mut Input<'_>) -> Result<(), TraceError> {
        let Bodies::Kept(bodies) = self else { return input.pass(size) };
        let mut body = Vec::with_capacity(size);
        input.body(size, &mut body)?;
        bodies.push(body);
        Ok(())
    }

    /// A body, which has not been asked for before, to be loaded into `spare`.
    pub(super) fn body(&mut self, number: usize, offset: u64, size: usize, spare: Reading) -> Reading {
        match self {
            Bodies::Kept(bodies) => {
                let bytes = bodies.get_mut(number).map(std::mem::take).unwrap_or_default();
                Reading { bytes, ..spare }
            }
            Bodies::Left(file) => left(file, offset, size, spare),
        }
    }

    /// A body that has been asked for before, where it can be had again.
    pub(super) fn again(&self, offset: u64, size: usize) -> Option<Reading> {
        match self {
            Bodies::Kept(_) => None,
            Bodies::Left(file) => Some(left(file, offset, size, Reading::default())),
        }
    }

    /// Whether they are in a file.
    pub(super) fn are_left(&self) -> bool {
        matches!(self, Bodies::Left(_))
    }
}

/// A body that is in a file.
fn left(file: &Arc<File>, offset: u64, size: usize, spare: Reading) -> Reading {
    Reading { from: Some((Arc::clone(file), offset, size)), ..spare }
}

#[cfg(unix)]
pub(super) fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
pub(super) fn read_at(_: &File, _: u64, _: &mut [u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
