//! One thread of a running process, stopped for its registers and let go again.
//!
//! `PTRACE_SEIZE` and `PTRACE_INTERRUPT`: no signal is sent, the other threads run
//! on, and when Bingo ends in whatever way the kernel lets the thread go.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::process::{getpriority_process, setpriority_process};

use super::Registers;

/// A thread that stands still until this is dropped.
#[derive(Debug)]
pub struct StoppedThread {
    tid: Pid,
    /// The signal that it was about to get.
    pending: Option<Signal>,
    since: Instant,
    released: bool,
    _first: First,
}

/// Has this thread go before others that want the processor, where that is allowed, as
/// long as it lives: the stopped thread waits for us.
#[derive(Debug)]
pub(super) struct First {
    /// The niceness to go back to.
    before: Option<i32>,
}

impl First {
    const HIGHEST: i32 = -20;

    pub(super) fn begin() -> First {
        let before = getpriority_process(None).ok();
        let raised = before.filter(|_| setpriority_process(None, First::HIGHEST).is_ok());
        First { before: raised }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // To be nicer is always allowed.
            let _ = setpriority_process(None, before);
        }
    }
}

/// Why a thread was not stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ThreadError {
    /// The kernel does not let us.
    #[error("stopping the thread {0} is not permitted, or a debugger has it already")]
    NotPermitted(u64),
    /// It has ended.
    #[error("the thread {0} has ended")]
    Gone(u64),
    /// It sleeps in the kernel, where it cannot be interrupted.
    #[error("the thread {0} does not stop: it is in a call of the kernel that nothing interrupts")]
    Stuck(u64),
    /// Another failure.
    #[error("stopping the thread {0} failed: {1}")]
    System(u64, Errno),
}

impl StoppedThread {
    /// Stops the thread `tid`, as the host numbers it.
    ///
    /// # Errors
    /// [`ThreadError`]; the thread runs on then.
    pub fn stop(tid: u64) -> Result<StoppedThread, ThreadError> {
        let pid = Pid::from_raw(i32::try_from(tid).map_err(|_| ThreadError::Gone(tid))?);
        // It would stop when that call is over, which may be never.
        let stat =
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|_| ThreadError::Gone(tid))?;
        if stat.rsplit(") ").next().is_some_and(|state| state.starts_with('D')) {
            return Err(ThreadError::Stuck(tid));
        }
        let first = First::begin();
        ptrace::seize(pid, ptrace::Options::empty()).map_err(|errno| failed(tid, errno))?;
        let since = Instant::now();
        let mut thread = StoppedThread { tid: pid, pending: None, since, released: false, _first: first };
        ptrace::interrupt(pid).map_err(|errno| failed(tid, errno))?;
        // To sleep here has it noticed at once, even where others want the processor.
        match waitpid(pid, Some(WaitPidFlag::__WALL)) {
            // A signal came first: the thread gets it when it is let go.
            Ok(WaitStatus::Stopped(_, signal)) => thread.pending = Some(signal),
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {
                thread.released = true;
                return Err(ThreadError::Gone(tid));
            }
            Ok(_) => {}
            Err(errno) => return Err(failed(tid, errno)),
        }
        Ok(thread)
    }

    /// Its registers.
    ///
    /// # Errors
    /// Where it has been killed meanwhile.
    pub fn registers(&self) -> Result<Registers, ThreadError> {
        let tid = u64::from(self.tid.as_raw().unsigned_abs());
        registers_of(self.tid).map_err(|errno| failed(tid, errno))
    }

    /// Lets it go; how long it stood still at the most.
    pub fn release(mut self) -> Duration {
        self.detach();
        self.since.elapsed()
    }

    fn detach(&mut self) {
        if !std::mem::replace(&mut self.released, true) {
            // It fails where the thread has been killed: there is nothing to let go.
            let _ = ptrace::detach(self.tid, self.pending);
        }
    }
}

impl Drop for StoppedThread {
    fn drop(&mut self) {
        self.detach();
    }
}

/// The registers of a thread that stands still for us.
pub(super) fn registers_of(tid: Pid) -> nix::Result<Registers> {
    let at = ptrace::getregs(tid)?;
    let general = [
        at.rax, at.rdx, at.rcx, at.rbx, at.rsi, at.rdi, at.rbp, at.rsp, at.r8, at.r9, at.r10, at.r11, at.r12,
        at.r13, at.r14, at.r15,
    ];
    Ok(Registers { general, pc: at.rip })
}

fn failed(tid: u64, errno: Errno) -> ThreadError {
    match errno {
        Errno::EPERM | Errno::EACCES => ThreadError::NotPermitted(tid),
        Errno::ESRCH | Errno::ECHILD => ThreadError::Gone(tid),
        errno => ThreadError::System(tid, errno),
    }
}
