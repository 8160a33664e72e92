//! A program that is run for somebody: it has our standard input and output, gets
//! the signals that are sent to us, and its exit status is ours. As the first
//! process of a container we take in the orphans, too.

use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts;
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;

use super::LaunchError;

/// What is handed on: all that others may send to a program to tell it something.
const HANDED_ON: [i32; 8] = [
    consts::SIGTERM,
    consts::SIGINT,
    consts::SIGHUP,
    consts::SIGQUIT,
    consts::SIGUSR1,
    consts::SIGUSR2,
    consts::SIGWINCH,
    consts::SIGCONT,
];

/// A program that runs.
pub struct Program {
    pid: Pid,
    signals: signal_hook::iterator::Handle,
}

impl Program {
    /// Starts `command`. Signals are handed on from before its start.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> Result<Program, LaunchError> {
        let mut signals = SignalsInfo::<WithRawSiginfo>::new(HANDED_ON).map_err(LaunchError::Signals)?;
        let handle = signals.handle();
        let child = command.spawn().map_err(|error| LaunchError::Start {
            program: command.get_program().to_string_lossy().into_owned(),
            error,
        })?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let thread = std::thread::Builder::new().name("signals".to_owned());
        let handing_on = thread.spawn(move || {
            // What a terminal sends comes from the kernel, and the program, which is
            // in the same group, has got it too: a positive code (siginfo_t).
            let sent = signals.forever().filter(|signal| signal.si_code <= 0);
            for signal in sent.filter_map(|signal| Signal::try_from(signal.si_signo).ok()) {
                // It may have ended.
                let _ = kill(pid, signal);
            }
        });
        handing_on.map_err(LaunchError::Signals)?;
        Ok(Program { pid, signals: handle })
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    /// Waits until it stands before the first instruction of what [`super::gate`]
    /// executes.
    ///
    /// # Errors
    /// Where it ends before, since it cannot be executed.
    #[cfg(all(target_os = "linux", feature = "live"))]
    pub fn wait_for_gate(&self) -> Result<(), LaunchError> {
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Stopped(_, Signal::SIGTRAP)) => return Ok(()),
                // Another signal that came in between: it waits until the program runs.
                Ok(WaitStatus::Stopped(_, signal)) => {
                    nix::sys::ptrace::cont(self.pid, signal).map_err(LaunchError::gate)?;
                }
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return Err(LaunchError::NeverBegan),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(LaunchError::gate(errno)),
            }
        }
    }

    /// Lets it go on from there, unwatched.
    ///
    /// # Errors
    /// Where it has ended.
    #[cfg(all(target_os = "linux", feature = "live"))]
    pub fn open_gate(&self) -> Result<(), LaunchError> {
        nix::sys::ptrace::detach(self.pid, None).map_err(LaunchError::gate)
    }

    /// Ends it at once.
    pub fn kill(&self) {
        // It may have ended.
        let _ = kill(self.pid, Signal::SIGKILL);
    }

    /// Waits for its end, in a thread of its own.
    #[must_use]
    pub fn wait(self) -> Waiting {
        let end = Arc::new(OnceLock::new());
        let known = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let how = loop {
                match waitpid(None, Some(WaitPidFlag::empty())) {
                    Ok(WaitStatus::Exited(pid, status)) if pid == self.pid => break End::Exited(status),
                    Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.pid => {
                        break End::Signal(signal);
                    }
                    // An orphan, or a signal that was for us.
                    Ok(_) | Err(Errno::EINTR) => {}
                    // It is nobody's child any more: its status cannot be had.
                    Err(_) => break End::Exited(0),
                }
            };
            self.signals.close();
            // Nobody else sets it.
            let _ = known.set(how);
            how
        });
        Waiting { end, thread }
    }
}

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// By itself, with a status.
    Exited(i32),
    /// By a signal.
    Signal(Signal),
}

impl End {
    /// The status that says the same, as shells have it.
    #[must_use]
    pub fn status(self) -> i32 {
        match self {
            End::Exited(status) => status,
            End::Signal(signal) => 128 + signal as i32,
        }
    }
}

/// Somebody waits for a program's end.
pub struct Waiting {
    end: Arc<OnceLock<End>>,
    thread: JoinHandle<End>,
}

impl Waiting {
    /// How it ended, as soon as it has.
    #[must_use]
    pub fn end(&self) -> Arc<OnceLock<End>> {
        Arc::clone(&self.end)
    }

    /// Waits until it has.
    #[must_use]
    pub fn join(self) -> End {
        self.thread.join().unwrap_or(End::Exited(0))
    }
}
