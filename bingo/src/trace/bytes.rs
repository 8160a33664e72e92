//! Where a trace's bytes come from, and how those are passed over that nobody wants
//! now. In: a stream, or a file. Out: its bytes from the front.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that can be had at any place.
trait ReadSeek: Read + Seek + Send {}

impl<R: Read + Seek + Send> ReadSeek for R {}

/// The bytes of a trace.
pub(super) struct Bytes<'r>(From<'r>);

enum From<'r> {
    /// They come but once.
    Stream(Box<dyn Read + Send + 'r>),
    /// They are in a file, which was so long when that was asked, read up to `at`.
    File { bytes: Box<dyn ReadSeek + 'r>, length: u64, at: u64 },
}

impl<'r> Bytes<'r> {
    /// Those of a stream.
    pub(super) fn stream(bytes: impl Read + Send + 'r) -> Bytes<'r> {
        Bytes(From::Stream(Box::new(bytes)))
    }

    /// Those of a file, from its beginning.
    pub(super) fn file(bytes: impl Read + Seek + Send + 'r) -> Bytes<'r> {
        Bytes(From::File { bytes: Box::new(bytes), length: 0, at: 0 })
    }

    /// How many are worth being read at once, if not all are wanted.
    pub(super) fn worth_reading(&self) -> usize {
        match &self.0 {
            From::Stream(_) => 1 << 16,
            From::File { .. } => 1 << 10,
        }
    }

    /// Passes over `count` bytes, or as many as there are: how many.
    pub(super) fn pass(&mut self, count: u64) -> io::Result<u64> {
        match &mut self.0 {
            From::Stream(bytes) => io::copy(&mut bytes.take(count), &mut io::sink()),
            From::File { bytes, length, at } => {
                let wanted = at.saturating_add(count);
                if wanted > *length {
                    // It may have grown.
                    *length = bytes.seek(SeekFrom::End(0))?;
                }
                let to = bytes.seek(SeekFrom::Start(wanted.min(*length).max(*at)))?;
                Ok(to - std::mem::replace(at, to))
            }
        }
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            From::Stream(bytes) => bytes.read(into),
            From::File { bytes, at, .. } => {
                let read = bytes.read(into)?;
                *at += u64::try_from(read).unwrap_or(0);
                Ok(read)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_over_is_counted_up_to_the_end() {
        let all: Vec<u8> = (0..100).collect();
        for mut bytes in [Bytes::stream(&all[..]), Bytes::file(io::Cursor::new(&all))] {
            let mut two = [0; 2];
            bytes.read_exact(&mut two).unwrap();
            assert_eq!(bytes.pass(10).unwrap(), 10);
            bytes.read_exact(&mut two).unwrap();
            assert_eq!(two, [12, 13]);
            assert_eq!(bytes.pass(1000).unwrap(), 86);
            assert_eq!((bytes.pass(1).unwrap(), bytes.read(&mut two).unwrap()), (0, 0));
        }
    }
}
