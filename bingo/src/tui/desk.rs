//! Where the threads that observe and the one that shows meet: the newest picture
//! lies there, and what the user wants to know next. Nobody waits for the other.
//!
//! In: pictures, judgements, the end; from the other side a goroutine whose past is
//! wanted. Out: [`News`], each at most once, and the newest alone.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::model::GoId;
use crate::session::{Finding, History, View};

/// What is shown of one moment.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The goroutines, and what they wait on.
    pub view: Arc<View>,
    /// What became of the goroutine that was asked for.
    pub past: Option<(GoId, History)>,
}

/// What is wrong.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

/// How the observing came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Over {
    /// There is nothing more to show, or the user knows.
    Leave,
    /// The last picture stays, and this is why nothing moves.
    Stay(String),
}

/// What has come since it was last asked for.
#[derive(Debug, Default)]
pub struct News {
    /// A picture.
    pub picture: Option<Arc<Picture>>,
    /// A judgement.
    pub judged: Option<Arc<Judged>>,
    /// The end.
    pub over: Option<Over>,
}

/// The desk. Both sides have it.
#[derive(Debug)]
pub struct Desk {
    news: Mutex<News>,
    wanted: Mutex<Option<GoId>>,
    stopped: Arc<AtomicBool>,
    /// A byte in it wakes who shows.
    bell: UnixStream,
    heard: UnixStream,
}

impl Desk {
    /// An empty one; `stopped` says on both sides that the user has had enough.
    ///
    /// # Errors
    /// When the system has no sockets left.
    pub fn new(stopped: Arc<AtomicBool>) -> io::Result<Desk> {
        let (bell, heard) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok(Desk { news: Mutex::default(), wanted: Mutex::default(), stopped, bell, heard })
    }

    /// Lays a picture there, in place of the one before.
    pub fn show(&self, picture: Picture) {
        self.news().picture = Some(Arc::new(picture));
        self.ring();
    }

    /// Lays a judgement there.
    pub fn judge(&self, judged: Judged) {
        self.news().judged = Some(Arc::new(judged));
        self.ring();
    }

    /// Says that no picture comes any more. What was said first counts.
    pub fn end(&self, over: Over) {
        self.news().over.get_or_insert(over);
        self.ring();
    }

    /// The goroutine whose past the next pictures should have.
    #[must_use]
    pub fn wanted(&self) -> Option<GoId> {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the user has had enough.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Asks for the past of a goroutine.
    pub(super) fn want(&self, id: Option<GoId>) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }

    /// Takes what has come.
    pub(super) fn take(&self) -> News {
        std::mem::take(&mut *self.news())
    }

    /// Waits until something has come.
    pub(super) fn wait(&self) -> io::Result<()> {
        let mut bell = [PollFd::new(self.heard.as_fd(), PollFlags::POLLIN)];
        match poll(&mut bell, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.quiet();
        Ok(())
    }

    /// Takes note of the bell.
    pub(super) fn quiet(&self) {
        let mut bells = [0; 64];
        while (&self.heard).read(&mut bells).is_ok_and(|read| read > 0) {}
    }

    /// What wakes who shows.
    pub(super) fn heard(&self) -> &UnixStream {
        &self.heard
    }

    /// What signals ring by.
    pub(super) fn bell(&self) -> io::Result<UnixStream> {
        self.bell.try_clone()
    }

    fn ring(&self) {
        // Where it is full there are bytes enough to wake anybody.
        let _ = (&self.bell).write(&[0]);
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
