//! A file that is being written, read as it grows. In: the file, and word of the
//! writer's end. Out: its bytes; its end is the end behind the writer's.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::End;

/// Between two looks for more.
const PAUSE: Duration = Duration::from_millis(20);

/// The file.
pub struct Following {
    file: File,
    end: Arc<OnceLock<End>>,
}

impl Following {
    /// Reads `file`, whose writer has ended when `end` is set.
    #[must_use]
    pub fn new(file: File, end: Arc<OnceLock<End>>) -> Following {
        Following { file, end }
    }
}

impl Read for Following {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            // In this order: what was written before the end is read behind it.
            let ended = self.end.get().is_some();
            let read = self.file.read(into)?;
            if read > 0 || ended || into.is_empty() {
                return Ok(read);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn it_goes_on_until_the_writer_has_ended() {
        let written = tempfile::NamedTempFile::new().unwrap();
        let ended = Arc::new(OnceLock::new());
        let mut following = Following::new(written.reopen().unwrap(), Arc::clone(&ended));
        let writing = std::thread::spawn(move || {
            let mut file = written.as_file();
            for piece in [b"one ", b"two "] {
                file.write_all(piece).unwrap();
                std::thread::sleep(PAUSE * 2);
            }
            file.write_all(b"end").unwrap();
            ended.set(End::Exited(0)).unwrap();
        });
        let mut text = String::new();
        following.read_to_string(&mut text).unwrap();
        writing.join().unwrap();
        assert_eq!(text, "one two end");
    }
}
