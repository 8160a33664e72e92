//! All threads of a running process, standing still for one look, and let go again.
//!
//! As [`super::StoppedThread`] stops one: `PTRACE_SEIZE` and `PTRACE_INTERRUPT`, no
//! signal is sent. A thread of ours has hold of them; its end, in whatever way, is what
//! has the kernel let them go (`exit_ptrace`, `kernel/ptrace.c`, Linux 6.18):
//!
//! ```text
//!   who looks ──▶ holder: seizes all threads, until there are no more to be found
//!             ◀── their registers
//!   reads          waits
//!             ──▶ ends: let go       or the limit is over: ends, and says so
//! ```
//!
//! So they are let go where who looks panics, and where all of Bingo is killed. What a
//! thread was about to get, a signal that came first, is looked at and not taken (`WNOWAIT`):
//! it gets it when it is let go.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::Registers;
use super::thread::{First, registers_of};

/// Between two looks at whether they stand, the first of which comes at once.
const PAUSE: Duration = Duration::from_micros(100);

/// A process whose threads stand still until this is dropped, or for so long.
#[derive(Debug)]
pub struct FrozenProcess {
    threads: Vec<(u64, Option<Registers>)>,
    over: Arc<AtomicBool>,
    release: Option<Sender<()>>,
    holder: Option<JoinHandle<Duration>>,
    _first: First,
}

/// Why a process was not stopped. It runs on then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FreezeError {
    /// The kernel does not let us.
    #[error("stopping the process {0} is not permitted")]
    NotPermitted(u32),
    /// Only one at a time can.
    #[error("the process {pid} cannot be stopped: the process {by}, a debugger or a tracer, has hold of it")]
    Traced {
        /// The process.
        pid: u32,
        /// Who traces it.
        by: u32,
    },
    /// It has ended.
    #[error("the process {0} has ended")]
    Gone(u32),
    /// Its threads did not come to stand, or there were ever more.
    #[error("not all threads of the process {0} stopped within {1:?}")]
    Slow(u32, Duration),
    /// Another failure.
    #[error("stopping the process {0} failed: {1}")]
    System(u32, String),
}

impl FrozenProcess {
    /// Whether a process can be stopped, as far as that is known without.
    ///
    /// # Errors
    /// [`FreezeError::Traced`].
    pub fn can_freeze(pid: u32) -> Result<(), FreezeError> {
        let by = i32::try_from(pid).ok().map(Pid::from_raw).and_then(tracer);
        by.map_or(Ok(()), |by| Err(FreezeError::Traced { pid, by }))
    }

    /// Stops all threads of the process `pid`, as the host numbers it, for no longer
    /// than `limit`.
    ///
    /// # Errors
    /// [`FreezeError`].
    pub fn freeze(pid: u32, limit: Duration) -> Result<FrozenProcess, FreezeError> {
        let over = Arc::new(AtomicBool::new(false));
        let (release, released) = channel();
        let (tell, told) = channel();
        let is_over = Arc::clone(&over);
        let hold = move || {
            let _first = First::begin();
            let since = Instant::now();
            let stopped = stop_all(pid, since, limit);
            // Where nobody looks any more there is nothing to wait for.
            if tell.send(stopped).is_ok() {
                let left = limit.saturating_sub(since.elapsed());
                if released.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                    is_over.store(true, Ordering::Release);
                }
            }
            since.elapsed()
        };
        let system = |error: std::io::Error| FreezeError::System(pid, error.to_string());
        let holder = thread::Builder::new().name("holder".to_owned()).spawn(hold).map_err(system)?;
        let threads = told.recv().map_err(|_| FreezeError::Gone(pid))??;
        let (release, holder) = (Some(release), Some(holder));
        Ok(FrozenProcess { threads, over, release, holder, _first: First::begin() })
    }

    /// The host's number of each thread, with its registers. Those that are in a call of
    /// the kernel that nothing interrupts have none: they stop before they are back.
    #[must_use]
    pub fn threads(&self) -> &[(u64, Option<Registers>)] {
        &self.threads
    }

    /// Set when the limit is over, before the threads go on.
    #[must_use]
    pub fn over(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.over)
    }

    /// Lets all go: how long they stood still at the most, and whether they did until now.
    pub fn release(mut self) -> (Duration, bool) {
        let stood = self.let_go().unwrap_or_default();
        (stood, !self.over.load(Ordering::Acquire))
    }

    fn let_go(&mut self) -> Option<Duration> {
        drop(self.release.take());
        self.holder.take()?.join().ok()
    }
}

impl Drop for FrozenProcess {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// A thread that is held, or about to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Held {
    /// It was told to stop.
    Told,
    Stands,
    /// It sleeps in the kernel, where nothing interrupts it.
    Sleeps,
    Gone,
}

/// Stops all threads of `pid`: a new one can only come of one that still runs.
fn stop_all(pid: u32, since: Instant, limit: Duration) -> Result<Vec<(u64, Option<Registers>)>, FreezeError> {
    let mut known = HashSet::new();
    let mut all: Vec<(Pid, Held)> = Vec::new();
    loop {
        let begun = all.len();
        for tid in tasks(pid)?.into_iter().filter(|tid| known.insert(*tid)) {
            let held = seize(pid, tid)?;
            all.push((tid, held));
        }
        if all.len() == begun {
            break;
        }
        for (tid, held) in &mut all {
            while matches!(held, Held::Told) {
                *held = look(*tid);
                if *held == Held::Told {
                    if since.elapsed() >= limit {
                        return Err(FreezeError::Slow(pid, limit));
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }
    // It may be awake by now.
    let look_again = |(tid, held)| (tid, if held == Held::Sleeps { look(tid) } else { held });
    let standing = all.into_iter().map(look_again).filter(|(_, held)| *held != Held::Gone);
    let threads: Vec<_> = standing
        .map(|(tid, held)| {
            let registers = (held == Held::Stands).then(|| registers_of(tid).ok()).flatten();
            (u64::from(tid.as_raw().unsigned_abs()), registers)
        })
        .collect();
    if threads.is_empty() { Err(FreezeError::Gone(pid)) } else { Ok(threads) }
}

fn tasks(pid: u32) -> Result<Vec<Pid>, FreezeError> {
    let listed = fs::read_dir(format!("/proc/{pid}/task")).map_err(|_| FreezeError::Gone(pid))?;
    let name = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw);
    Ok(listed.flatten().filter_map(name).collect())
}

/// Takes hold of a thread and tells it to stop.
fn seize(pid: u32, tid: Pid) -> Result<Held, FreezeError> {
    let seized = ptrace::seize(tid, ptrace::Options::empty()).and_then(|()| ptrace::interrupt(tid));
    match seized {
        Ok(()) => Ok(Held::Told),
        Err(Errno::ESRCH) => Ok(Held::Gone),
        // The kernel says the same of one that is on its way out.
        Err(Errno::EPERM) if matches!(state(tid), None | Some('Z' | 'X')) => Ok(Held::Gone),
        Err(Errno::EPERM | Errno::EACCES) => Err(match tracer(tid) {
            Some(by) => FreezeError::Traced { pid, by },
            None => FreezeError::NotPermitted(pid),
        }),
        Err(errno) => Err(FreezeError::System(pid, errno.to_string())),
    }
}

/// Whether a thread that was told to stands by now.
fn look(tid: Pid) -> Held {
    let Some(id) = rustix::process::Pid::from_raw(tid.as_raw()) else { return Held::Gone };
    let options =
        WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(id), options) {
        Ok(Some(status)) if status.trapped() || status.stopped() => Held::Stands,
        Ok(Some(_)) | Err(_) => Held::Gone,
        Ok(None) if state(tid) == Some('D') => Held::Sleeps,
        Ok(None) => Held::Told,
    }
}

fn state(tid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{tid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// The process that traces it.
fn tracer(tid: Pid) -> Option<u32> {
    let number = |tid: u32, field: &str| -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix(field))?.trim().parse().ok()
    };
    let by = number(tid.as_raw().unsigned_abs(), "TracerPid:").filter(|&by| by != 0)?;
    // That is the number of a thread.
    Some(number(by, "Tgid:").unwrap_or(by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    const LIMIT: Duration = Duration::from_secs(20);

    /// Counts in a file, and ends when it is told to.
    struct Counter {
        child: Child,
        file: tempfile::NamedTempFile,
    }

    impl Counter {
        fn start() -> Counter {
            let file = tempfile::NamedTempFile::new().unwrap();
            let script = "trap 'echo told >>$0; exit 7' USR1; while :; do echo on >>$0; sleep 0.01; done";
            let mut command = Command::new("sh");
            let child = command.args(["-c", script]).arg(file.path()).stdout(Stdio::null()).spawn().unwrap();
            let counter = Counter { child, file };
            counter.goes_on();
            counter
        }

        fn length(&self) -> u64 {
            self.file.as_file().metadata().unwrap().len()
        }

        fn goes_on(&self) {
            let (begun, until) = (self.length(), Instant::now() + LIMIT);
            while self.length() == begun {
                assert!(Instant::now() < until, "it does not go on");
                thread::sleep(Duration::from_millis(2));
            }
        }
    }

    impl Drop for Counter {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn it_stands_and_goes_on() {
        let counter = Counter::start();
        let frozen = loop {
            let frozen = FrozenProcess::freeze(counter.child.id(), LIMIT).unwrap();
            let [(_, registers)] = frozen.threads() else { panic!("{:?}", frozen.threads()) };
            // A shell that is in the midst of vfork sleeps where nothing interrupts it.
            if let Some(registers) = registers {
                assert_ne!(registers.pc, 0);
                break frozen;
            }
        };
        let length = counter.length();
        thread::sleep(Duration::from_millis(100));
        assert_eq!(counter.length(), length);
        let (stood, until_now) = frozen.release();
        assert!(until_now && stood >= Duration::from_millis(100), "{stood:?}");
        counter.goes_on();
    }

    #[test]
    fn it_is_let_go_when_the_limit_is_over_or_who_looks_is_gone() {
        let counter = Counter::start();
        let frozen = FrozenProcess::freeze(counter.child.id(), Duration::from_millis(50)).unwrap();
        counter.goes_on();
        assert!(frozen.over().load(Ordering::Acquire));
        assert!(!frozen.release().1);
        let frozen = FrozenProcess::freeze(counter.child.id(), LIMIT).unwrap();
        let panicked = thread::spawn(move || {
            let _frozen = frozen;
            panic!("while it stands");
        });
        assert!(panicked.join().is_err());
        counter.goes_on();
    }

    #[test]
    fn a_signal_that_comes_meanwhile_is_not_lost() {
        let mut counter = Counter::start();
        let pid = counter.child.id();
        let told =
            move || nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), nix::sys::signal::SIGUSR1);
        // One is on its way when it is stopped, at some times, or comes while it stands.
        let sent = thread::spawn(move || told().unwrap());
        let frozen = FrozenProcess::freeze(pid, LIMIT).unwrap();
        sent.join().unwrap();
        drop(frozen);
        assert_eq!(counter.child.wait().unwrap().code(), Some(7));
    }

    #[test]
    fn what_has_a_tracer_or_has_ended_is_said_to() {
        let mut counter = Counter::start();
        let pid = counter.child.id();
        let first = FrozenProcess::freeze(pid, LIMIT).unwrap();
        let by = std::process::id();
        assert_eq!(FrozenProcess::freeze(pid, LIMIT).unwrap_err(), FreezeError::Traced { pid, by });
        assert!(FrozenProcess::can_freeze(pid).is_err());
        drop(first);
        assert_eq!(FrozenProcess::can_freeze(pid), Ok(()));
        counter.child.kill().unwrap();
        counter.child.wait().unwrap();
        assert_eq!(FrozenProcess::freeze(pid, LIMIT).unwrap_err(), FreezeError::Gone(pid));
    }
}
