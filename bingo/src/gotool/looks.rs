//! How who holds a test binary on its way out and who looks at it hear of each
//! other: a socket in a folder of ours. In: the number of a process that stands.
//! Out: what somebody saw of it; then it may go.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The socket, as the environment names it.
pub(super) const LOOKS: &str = "BINGO_RUN_LOOKS";

/// How long a test binary stands at the most.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that a number is waited for.
const PROMPT: Duration = Duration::from_secs(1);
/// As much as two numbers need.
const SAID: u64 = 64;

/// Asks at `socket` that somebody looks at the process `pid`, and waits until that is
/// done. Nobody may be there any more: then there is no look.
pub(super) fn ask(socket: &Path, pid: u32) {
    let asked = || -> io::Result<()> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        writeln!(stream, "{} {pid}", std::process::id())?;
        stream.read(&mut [0]).map(drop)
    };
    // It is for the one who looks to say that there is none.
    let _ = asked();
}

/// Where it can be asked for looks.
pub(super) struct Looks {
    listener: UnixListener,
    socket: PathBuf,
    _folder: tempfile::TempDir,
    over: AtomicBool,
}

impl Looks {
    /// At a socket of its own.
    pub(super) fn new() -> io::Result<Looks> {
        // A socket's name is short.
        let folder = tempfile::Builder::new().prefix("bingo-").tempdir()?;
        let socket = folder.path().join("looks");
        let listener = UnixListener::bind(&socket)?;
        Ok(Looks { listener, socket, _folder: folder, over: AtomicBool::new(false) })
    }

    /// Where to ask.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Looks at whatever is asked for, one by one, until it is over. What was seen
    /// comes by the number of who asked.
    pub(super) fn serve<L>(&self, mut look: impl FnMut(u32) -> L) -> HashMap<u32, L> {
        let mut seen = HashMap::new();
        for stream in self.listener.incoming() {
            if self.over.load(Ordering::Acquire) {
                break;
            }
            let Ok(mut stream) = stream else { continue };
            if let Some((who, pid)) = asked(&stream) {
                seen.insert(who, look(pid));
            }
            // Who asked may have gone.
            let _ = stream.write_all(b"\n");
        }
        seen
    }

    /// Ends that.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
        // It waits for somebody to come.
        let _ = UnixStream::connect(&self.socket);
    }
}

fn asked(stream: &UnixStream) -> Option<(u32, u32)> {
    stream.set_read_timeout(Some(PROMPT)).ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(SAID)).read_line(&mut line).ok()?;
    let (who, pid) = line.trim_end().split_once(' ')?;
    Some((who.parse().ok()?, pid.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_waits_until_somebody_has_looked() {
        let looks = Looks::new().unwrap();
        let seen = std::thread::scope(|scope| {
            let serving = scope.spawn(|| looks.serve(|pid| pid + 1));
            ask(looks.socket(), 41);
            // Others say nothing that makes sense, or nothing.
            UnixStream::connect(looks.socket()).unwrap().write_all(b"who?\n").unwrap();
            drop(UnixStream::connect(looks.socket()).unwrap());
            looks.end();
            serving.join().unwrap()
        });
        assert_eq!(seen, HashMap::from([(std::process::id(), 42)]));
        // Nobody is there any more.
        let socket = looks.socket().to_owned();
        drop(looks);
        ask(&socket, 41);
    }
}
