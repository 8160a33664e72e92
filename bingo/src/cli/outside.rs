//! The clock, the waiting and the signals of a live session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

use super::{Failure, target};
use crate::memory::{Target, TargetError};
use crate::model::Time;
use crate::session::live_loop::{Ending, Outside};

/// As `attach` has it unless it is told: how often all goroutines are read.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);
/// The longest that an event waits before a face gets it.
pub(super) const LATENCY: Duration = Duration::from_millis(20);

/// What is outside of a session on a process.
pub(super) struct LiveOutside {
    target: Target,
    interrupted: Arc<AtomicBool>,
}

impl LiveOutside {
    /// Watches the process, and whether the user has had enough.
    pub(super) fn new(pid: u32, interrupted: Arc<AtomicBool>) -> Result<LiveOutside, Failure> {
        let target = Target::open(pid).map_err(|error| target::target_failure(&error))?;
        Ok(LiveOutside { target, interrupted })
    }
}

impl Outside for LiveOutside {
    fn now(&mut self) -> Time {
        monotonic()
    }

    fn wait(&mut self, until: Time) {
        wait(&self.target, until);
    }

    fn stop(&mut self) -> Option<Ending> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Some(Ending::Interrupted);
        }
        match self.target.check() {
            Ok(()) => None,
            Err(TargetError::Executed { .. }) => Some(Ending::Executed),
            Err(_) => Some(Ending::Exited),
        }
    }
}

/// What is outside of a session on a program of our own: it is watched until it has
/// ended, and the user's wish to end is the program's to hear.
pub(super) struct ProgramOutside(Target);

impl ProgramOutside {
    /// Watches the process.
    pub(super) fn new(pid: u32) -> Result<ProgramOutside, Failure> {
        Target::open(pid).map(ProgramOutside).map_err(|error| target::target_failure(&error))
    }
}

impl Outside for ProgramOutside {
    fn now(&mut self) -> Time {
        monotonic()
    }

    fn wait(&mut self, until: Time) {
        wait(&self.0, until);
    }

    fn stop(&mut self) -> Option<Ending> {
        match self.0.check() {
            Err(TargetError::Executed { .. }) => Some(Ending::Executed),
            Err(TargetError::Exited { .. }) => Some(Ending::Exited),
            _ => None,
        }
    }
}

/// Waits until it is `until`, or the process has ended.
fn wait(target: &Target, until: Time) {
    // Up to the next millisecond, so that it is not asked for nothing.
    let left = until.since(monotonic()) + Duration::from_micros(999);
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    let mut exit = [PollFd::new(target.pidfd(), PollFlags::POLLIN)];
    // A signal ends the wait early, which is what it is for.
    let _ = poll(&mut exit, timeout);
}

/// The kernel's monotonic clock.
pub(super) fn monotonic() -> Time {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    Time(now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)))
}
