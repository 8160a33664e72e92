//! A child that is held on its way out, so that somebody can look at it as it was.
//! In: a child. Out: how it ended, after the look.
//!
//! Its first thread is traced (`PTRACE_SEIZE`, which does not stop it) with
//! `PTRACE_O_TRACEEXIT`: when the program ends, by whichever thread, the others are
//! gone and the first stands before it gives its memory back (`do_exit`,
//! `kernel/exit.c`, Linux 6.18). Only signals to that one thread pass through here,
//! as they come. Where it cannot be traced, as where somebody else does, it is
//! waited for and not held; so it is where it is killed. When we end it is traced no
//! more, and goes on.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, channel};

use nix::libc;
use nix::sys::ptrace;
use nix::unistd::Pid;
use rustix::process::{WaitOptions, waitpid};

/// Waits for the end of the child `pid` in a thread of its own, in place of whoever
/// started it; `look` is called while it stands before it.
///
/// # Errors
/// Where there can be no such thread; then the child is not waited for.
pub(super) fn watch(pid: u32, look: impl FnOnce() + Send + 'static) -> std::io::Result<Receiver<ExitStatus>> {
    let (send, ended) = channel();
    // Whoever traces has to be the same thread from first to last.
    std::thread::Builder::new().name("last stop".to_owned()).spawn(move || {
        if let Some(status) = see_out(pid.cast_signed(), look) {
            // Nobody may want to know any more.
            let _ = send.send(status);
        }
    })?;
    Ok(ended)
}

/// `None` where it is nobody's child any more.
fn see_out(pid: i32, look: impl FnOnce()) -> Option<ExitStatus> {
    let mut look = Some(look);
    // It may have ended, or be traced.
    let _ = ptrace::seize(Pid::from_raw(pid), ptrace::Options::PTRACE_O_TRACEEXIT);
    loop {
        let status = match waitpid(rustix::process::Pid::from_raw(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => status.as_raw(),
            Ok(None) | Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return None,
        };
        if !libc::WIFSTOPPED(status) {
            return Some(ExitStatus::from_raw(status));
        }
        let signal = libc::WSTOPSIG(status);
        match status >> 16 {
            libc::PTRACE_EVENT_EXIT => {
                if let Some(look) = look.take() {
                    look();
                }
                resume(libc::PTRACE_CONT, pid, 0);
            }
            // Stopped as a shell does it, with its other threads, and to stay so.
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => resume(libc::PTRACE_LISTEN, pid, 0),
            0 => resume(libc::PTRACE_CONT, pid, signal),
            _ => resume(libc::PTRACE_CONT, pid, 0),
        }
    }
}

/// Lets it go on, with the signal that it was stopped for: real-time signals among
/// them, which `nix` has no name for. Where it was killed meanwhile it is gone.
fn resume(how: libc::c_uint, pid: i32, signal: i32) {
    #[expect(unsafe_code, reason = "no crate hands on every signal; it touches no memory of ours")]
    unsafe {
        libc::ptrace(how, pid, 0, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Whoever watches it waits for it.
    fn start(script: &str) -> u32 {
        Command::new("sh").args(["-c", &format!("sleep 0.2; {script}")]).spawn().unwrap().id()
    }

    #[test]
    fn its_memory_is_there_when_it_ends_and_its_status_is_its_own() {
        for (program, status) in [("exit 7", Some(7)), ("kill -USR1 $$; exit 3", None), ("kill -9 $$", None)]
        {
            let pid = start(program);
            let (send, maps) = channel();
            let look = move || send.send(fs::read_to_string(format!("/proc/{pid}/maps")).unwrap()).unwrap();
            let ended = watch(pid, look).unwrap().recv_timeout(PATIENCE).unwrap();
            assert_eq!(ended.code(), status, "{program}: {ended}");
            if program != "kill -9 $$" {
                assert!(maps.recv().unwrap().contains("[heap]"), "{program}");
            }
        }
    }

    #[test]
    fn a_stop_is_a_stop_and_ends() {
        let pid = start("kill -STOP $$; exit 4");
        let ended = watch(pid, || ()).unwrap();
        let stopped = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") t ");
        while !stopped() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(ended.recv_timeout(Duration::from_millis(100)).is_err(), "it stays stopped");
        nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), nix::sys::signal::SIGCONT).unwrap();
        assert_eq!(ended.recv_timeout(PATIENCE).unwrap().code(), Some(4));
    }
}
