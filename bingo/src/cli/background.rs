//! Writing beside the live loop: bytes come in and are written by a thread of
//! their own, so that a disk or a reader that is slow for a moment does not keep
//! the loop from taking events out of the kernel's ring.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pieces that may wait. A piece is what was gathered in 20 ms, 256 KiB at the
/// most, so this bounds the memory as well.
const WAITING: usize = 256;

/// A writer that writes later, in order.
pub(super) struct Background {
    pieces: Option<SyncSender<Vec<u8>>>,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Background {
    /// Writes to `out`.
    pub(super) fn new(mut out: impl Write + Send + 'static) -> io::Result<Background> {
        let (pieces, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let writing = std::thread::Builder::new().name("output".to_owned()).spawn(move || {
            for piece in waiting {
                out.write_all(&piece)?;
                out.flush()?;
            }
            Ok(())
        })?;
        Ok(Background { pieces: Some(pieces), writing: Some(writing) })
    }

    /// Waits until everything is written.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.pieces = None;
        match self.writing.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(_)) => Err(io::Error::other("the thread that writes has panicked")),
            None => Ok(()),
        }
    }
}

impl Write for Background {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.pieces.as_ref().is_some_and(|pieces| pieces.send(bytes.to_vec()).is_ok());
        if sent {
            return Ok(bytes.len());
        }
        // The thread has ended: it says why.
        self.finish()?;
        Err(io::ErrorKind::BrokenPipe.into())
    }

    /// Tells whether writing has failed meanwhile; it does not wait.
    fn flush(&mut self) -> io::Result<()> {
        if self.writing.as_ref().is_some_and(JoinHandle::is_finished) { self.finish() } else { Ok(()) }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // An error that nobody asked for any more.
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>, Option<io::ErrorKind>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(kind) = self.1 {
                return Err(kind.into());
            }
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_is_written_in_order_at_the_end() {
        let shared = Shared::default();
        let mut background = Background::new(shared.clone()).unwrap();
        let expected: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        expected.chunks(7).for_each(|piece| background.write_all(piece).unwrap());
        background.finish().unwrap();
        assert_eq!(*shared.0.lock().unwrap(), expected);
    }

    #[test]
    fn an_error_comes_back_as_it_was() {
        let full = Shared(Arc::default(), Some(io::ErrorKind::StorageFull));
        let mut background = Background::new(full).unwrap();
        let failed = (0..10_000).find_map(|_| background.write_all(b"x").err()).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}
