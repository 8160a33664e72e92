//! Programs that are ours to end: groups of processes, and the signals that the
//! user sends to us for them.

use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::GoToolError;

/// The longest time between two looks at whether a child has ended, where no
/// signal tells of it.
const LOOK: Duration = Duration::from_millis(10);

/// The user's wish to end, as it is sent. While this is there, it ends nothing by itself.
pub struct Signals {
    received: Receiver<()>,
    count: u32,
}

impl Signals {
    /// Watches for them from now on.
    ///
    /// # Errors
    /// When the operating system does not let.
    pub fn watch() -> Result<Signals, GoToolError> {
        let (send, received) = std::sync::mpsc::channel();
        #[cfg(unix)]
        unix::send(send)?;
        // Where there are no signals, nobody sends; the end that sends is kept so
        // that to wait is to wait.
        #[cfg(not(unix))]
        std::mem::forget(send);
        Ok(Signals { received, count: 0 })
    }

    /// How many came so far.
    pub fn count(&mut self) -> u32 {
        while self.received.try_recv().is_ok() {
            self.count += 1;
        }
        self.count
    }

    /// Waits until one comes, or for `wait`.
    fn wait(&mut self, wait: Duration) {
        match self.received.recv_timeout(wait) {
            Ok(()) => self.count += 1,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
        }
    }
}

/// What to send to a group of processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signal {
    /// What Ctrl-C sends.
    Interrupt,
    /// Go programs print all goroutines and end.
    Quit,
    /// Nobody can ignore it.
    Kill,
}

/// A child that leads a group of processes, so that what it starts ends with it.
pub(super) struct Group {
    child: Child,
    /// Who waits for it, if not we.
    watched: Option<Receiver<ExitStatus>>,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts `command` as the first of a group.
    pub(super) fn start(command: &mut Command) -> std::io::Result<Group> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Group { child: command.spawn()?, watched: None, ended: None })
    }

    /// The same, and has `look` called with the number of its first process while that
    /// stands before its end.
    #[cfg(all(target_os = "linux", feature = "live"))]
    pub(super) fn start_held(
        command: &mut Command,
        look: impl FnOnce(u32) + Send + 'static,
    ) -> std::io::Result<Group> {
        let mut group = Group::start(command)?;
        let leader = group.leader();
        // Where there can be no thread for it, it ends without that.
        group.watched = super::last_stop::watch(leader, move || look(leader)).ok();
        Ok(group)
    }

    /// The pid of its first process.
    pub(super) fn leader(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, if that is piped and was not taken yet.
    pub(super) fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its first process's end: until then, until `until`, or until the
    /// user sends a signal.
    pub(super) fn wait(&mut self, until: Option<Instant>, signals: &mut Signals) -> Option<ExitStatus> {
        let (begun, mut pause) = (signals.count(), Duration::from_millis(1));
        loop {
            if self.ended.is_none() {
                self.ended = match &self.watched {
                    Some(watched) => watched.try_recv().ok(),
                    None => self.child.try_wait().ok().flatten(),
                };
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if self.ended.is_some() || signals.count() > begun || left == Some(Duration::ZERO) {
                return self.ended;
            }
            signals.wait(left.map_or(pause, |left| left.min(pause)));
            pause = (pause * 2).min(LOOK);
        }
    }

    /// Sends `signal` to all of the group that are still there.
    pub(super) fn send(&mut self, signal: Signal) {
        #[cfg(unix)]
        unix::send_to_group(self.child.id(), signal);
        #[cfg(not(unix))]
        if signal == Signal::Kill {
            // It may have ended by itself.
            let _ = self.child.kill();
        }
    }
}

impl Drop for Group {
    /// Nothing of it outlives us, on whichever way out.
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.send(Signal::Kill);
            match &self.watched {
                // It is not there any more where this fails.
                Some(watched) => drop(watched.recv()),
                None => drop(self.child.wait()),
            }
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::sync::mpsc::Sender;

    use nix::sys::signal;
    use nix::unistd::Pid;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    use super::{GoToolError, Signal};

    pub(super) fn send(to: Sender<()>) -> Result<(), GoToolError> {
        let watched = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
        let mut signals = signal_hook::iterator::Signals::new(watched).map_err(GoToolError::Signals)?;
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread
            .spawn(move || signals.forever().take_while(|_| to.send(()).is_ok()).for_each(drop))
            .map_err(GoToolError::Signals)?;
        Ok(())
    }

    pub(super) fn send_to_group(leader: u32, signal: Signal) {
        let signal = match signal {
            Signal::Interrupt => signal::SIGINT,
            Signal::Quit => signal::SIGQUIT,
            Signal::Kill => signal::SIGKILL,
        };
        if let Ok(leader) = i32::try_from(leader) {
            // Nobody may be left of it.
            let _ = signal::killpg(Pid::from_raw(leader), signal);
        }
    }
}
