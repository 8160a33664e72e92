//! A process to be looked at: a pid comes in; who it is, where its executable
//! was loaded and how to read its memory come out, or what is wrong with it.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use procfs::ProcError;
use procfs::process::{Process, Stat};
use rustix::process::PidfdFlags;

use super::auxv::{self, AT_ENTRY};
use super::capabilities::{CAP_SYS_PTRACE, Capabilities};
use super::{Memory, MemoryError, ProcessMemory};
use crate::model::{Addr, LoadBias, ThreadId};

/// `PF_KTHREAD` (`include/linux/sched.h`).
const KERNEL_THREAD: u32 = 0x0020_0000;

/// How often, and how far apart, a process that is executing a program is looked at.
const EXEC_TRIES: u32 = 200;
const EXEC_PAUSE: std::time::Duration = std::time::Duration::from_millis(1);

/// A process that was there, and could be read, when it was opened.
#[derive(Debug)]
pub struct Target {
    pid: u32,
    inner_pid: Option<u32>,
    start_ticks: u64,
    stopped: bool,
    executable: PathBuf,
    image: ImageId,
    bias: LoadBias,
    pidfd: OwnedFd,
    memory: ProcessMemory,
}

/// What changes when a process executes another program, or the same one again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ImageId {
    device: u64,
    inode: u64,
    /// Where its stack began: placed anew, at random, by each exec.
    stack: u64,
}

/// Why a process cannot be looked at.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetError {
    /// There is none of that number.
    #[error("no process has the pid {pid}")]
    NoSuchProcess {
        /// The number.
        pid: u32,
    },
    /// The number is a thread's.
    #[error("{tid} is a thread of the process {pid}")]
    Thread {
        /// The number.
        tid: u32,
        /// The process that the thread belongs to.
        pid: u32,
    },
    /// It has exited, and its parent has not asked for its status yet.
    #[error("the process {pid} is a zombie: it has exited, and its parent has not noticed")]
    Zombie {
        /// The number.
        pid: u32,
    },
    /// It is part of the kernel.
    #[error("the process {pid} is a kernel thread")]
    KernelThread {
        /// The number.
        pid: u32,
    },
    /// The kernel refuses access.
    #[error("access to the process {pid} is refused: {why}")]
    NotPermitted {
        /// The number.
        pid: u32,
        /// The rule that refuses it, as far as it can be told.
        why: Refusal,
    },
    /// Its executable is no 64-bit little-endian ELF file for x86-64.
    #[error("the executable of the process {pid} is not for x86-64: {what}")]
    OtherMachine {
        /// The number.
        pid: u32,
        /// What the ELF header says: `32-bit`, `machine 183`.
        what: String,
    },
    /// It has exited since it was opened.
    #[error("the process {pid} has exited")]
    Exited {
        /// The number.
        pid: u32,
    },
    /// It has executed a program since it was opened.
    #[error("the process {pid} has executed another program")]
    Executed {
        /// The number.
        pid: u32,
    },
    /// A file of `/proc` could not be read for another reason.
    #[error("{path}: {error}")]
    Proc {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: String,
    },
}

/// The rule by which access is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// `/proc/sys/kernel/yama/ptrace_scope` is at this value.
    Yama(u8),
    /// It is another user's, has more capabilities, or is not dumpable.
    Credentials,
    /// We have `CAP_SYS_PTRACE`: a security module refuses it, or that capability is worth
    /// nothing outside of our user namespace.
    Policy,
}

impl Target {
    /// Opens the process `pid`, as the host numbers it.
    ///
    /// # Errors
    /// Every way in which `pid` can be the wrong number, and refusal of access.
    pub fn open(pid: u32) -> Result<Target, TargetError> {
        let process = process_of(pid)?;
        let failed = |file: &str, error: ProcError| proc_error(pid, file, &error);
        let stat = process.stat().map_err(|error| failed("stat", error))?;
        let status = process.status().map_err(|error| failed("status", error))?;
        if let Some(owner) = u32::try_from(status.tgid).ok().filter(|&owner| owner != pid) {
            return Err(TargetError::Thread { tid: pid, pid: owner });
        }
        refuse_unreadable_kinds(pid, &stat)?;
        let raw = rustix::process::Pid::from_raw(process.pid()).ok_or(TargetError::NoSuchProcess { pid })?;
        let pidfd = rustix::process::pidfd_open(raw, PidfdFlags::empty())
            .map_err(|error| proc_error_text(pid, "", error.to_string()))?;

        let shown = std::fs::read_link(exe_link(pid)).map_err(|error| io_error(pid, "exe", &error))?;
        let Loaded { image, entry, loaded } = loaded(&process, pid)?;
        let memory = ProcessMemory::new(pid);
        match memory.read(Addr(loaded), &mut [0]) {
            Ok(()) => {}
            Err(MemoryError::Gone) => return Err(TargetError::Exited { pid }),
            Err(MemoryError::NotPermitted) => return Err(not_permitted(pid)),
            Err(error) => return Err(proc_error_text(pid, "mem", error.to_string())),
        }
        let inner_pid = status
            .nspid
            .and_then(|pids| pids.last().copied())
            .and_then(|inner| u32::try_from(inner).ok())
            .filter(|&inner| inner != pid);
        let bias = LoadBias(loaded.wrapping_sub(entry));
        let executable = without_deleted(shown);
        let (start_ticks, stopped) = (stat.starttime, matches!(stat.state, 'T' | 't'));
        Ok(Target { pid, inner_pid, start_ticks, stopped, executable, image, bias, pidfd, memory })
    }

    /// Its number, as the host counts.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its number as it counts itself, where that differs: in a container.
    #[must_use]
    pub fn inner_pid(&self) -> Option<u32> {
        self.inner_pid
    }

    /// Whether a signal or a debugger had stopped it when it was opened.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// The path of its executable as it sees it, for people; the file may be in
    /// another mount namespace, or deleted. To open it there is [`Target::exe_link`].
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// The path by which its executable can be opened, whatever became of the file.
    #[must_use]
    pub fn exe_link(&self) -> PathBuf {
        exe_link(self.pid)
    }

    /// What the loader added to the addresses of the file: `AT_ENTRY` less the
    /// entry point of the ELF header. (Unlike `/proc/<pid>/maps` this holds on
    /// file systems that report other inodes there, such as overlayfs.)
    #[must_use]
    pub fn load_bias(&self) -> LoadBias {
        self.bias
    }

    /// Its memory.
    #[must_use]
    pub fn memory(&self) -> ProcessMemory {
        self.memory
    }

    /// When it was started, in clock ticks since boot: with the pid, this names
    /// a process for good.
    #[must_use]
    pub fn start_ticks(&self) -> u64 {
        self.start_ticks
    }

    /// A descriptor that becomes readable when it exits.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Whether it is still the process, running the program, that was opened.
    /// Costs one small file of `/proc`.
    ///
    /// # Errors
    /// [`TargetError::Exited`], [`TargetError::Executed`].
    pub fn check(&self) -> Result<(), TargetError> {
        let exited = TargetError::Exited { pid: self.pid };
        let stat = process_of(self.pid).ok().and_then(|process| process.stat().ok()).ok_or(exited.clone())?;
        if stat.starttime != self.start_ticks || matches!(stat.state, 'Z' | 'X' | 'x') {
            return Err(exited);
        }
        match image_of(self.pid, &stat) {
            Ok(image) if image == self.image => Ok(()),
            Ok(_) => Err(TargetError::Executed { pid: self.pid }),
            Err(_) => Err(exited),
        }
    }

    /// The host's number of each of its threads, by the number that the process
    /// itself knows it by (`m.procid`).
    ///
    /// # Errors
    /// [`TargetError::Exited`] where the list cannot be read.
    pub fn threads(&self) -> Result<Vec<(u64, ThreadId)>, TargetError> {
        let exited = TargetError::Exited { pid: self.pid };
        let tasks = process_of(self.pid).and_then(|process| process.tasks().map_err(|_| exited))?;
        let numbers = tasks.flatten().filter_map(|task| {
            let host = u64::try_from(task.tid).ok()?;
            let inner = task.status().ok()?.nspid.and_then(|pids| pids.last().copied())?;
            Some((u64::try_from(inner).ok()?, ThreadId(host)))
        });
        Ok(numbers.collect())
    }
}

fn process_of(pid: u32) -> Result<Process, TargetError> {
    let raw = i32::try_from(pid).ok().filter(|&raw| raw > 0).ok_or(TargetError::NoSuchProcess { pid })?;
    Process::new(raw).map_err(|error| match error {
        // With hidepid, /proc does not show what is there.
        ProcError::NotFound(_) if nix::sys::signal::kill(nix::unistd::Pid::from_raw(raw), None).is_ok() => {
            not_permitted(pid)
        }
        ProcError::NotFound(_) => TargetError::NoSuchProcess { pid },
        error => proc_error(pid, "", &error),
    })
}

fn refuse_unreadable_kinds(pid: u32, stat: &Stat) -> Result<(), TargetError> {
    if stat.flags & KERNEL_THREAD != 0 {
        return Err(TargetError::KernelThread { pid });
    }
    if matches!(stat.state, 'Z' | 'X' | 'x') {
        return Err(TargetError::Zombie { pid });
    }
    Ok(())
}

fn image_of(pid: u32, stat: &Stat) -> Result<ImageId, TargetError> {
    let meta = std::fs::metadata(exe_link(pid)).map_err(|error| io_error(pid, "exe", &error))?;
    Ok(ImageId { device: meta.dev(), inode: meta.ino(), stack: stat.startstack })
}

/// What a process executes, and where its entry point is in the file and in memory.
struct Loaded {
    image: ImageId,
    entry: u64,
    loaded: u64,
}

/// What `process` executes. In the middle of an exec the files of `/proc` tell
/// of two programs, or of none: that passes.
fn loaded(process: &Process, pid: u32) -> Result<Loaded, TargetError> {
    let image = || {
        let stat = process.stat().map_err(|error| proc_error(pid, "stat", &error))?;
        image_of(pid, &stat)
    };
    for _ in 0..EXEC_TRIES {
        let before = image()?;
        let entry = entry_of(pid, &exe_link(pid));
        if matches!(entry, Err(TargetError::OtherMachine { .. })) && image()? == before {
            // Its auxiliary vector has words of another size.
            entry.as_ref().map_err(Clone::clone)?;
        }
        let loaded = match process.auxv() {
            Ok(auxv) => auxv.get(&AT_ENTRY).copied(),
            // The file is its user's alone; who may trace it can read its stack.
            Err(ProcError::PermissionDenied(_)) => {
                let entry = auxv::entry_point(&ProcessMemory::new(pid), before.stack);
                Some(entry.ok_or_else(|| not_permitted(pid))?)
            }
            Err(error) => return Err(proc_error(pid, "auxv", &error)),
        };
        if let Some(loaded) = loaded
            && image()? == before
        {
            return Ok(Loaded { image: before, entry: entry?, loaded });
        }
        std::thread::sleep(EXEC_PAUSE);
    }
    Err(TargetError::Executed { pid })
}

/// The entry point that the ELF header states.
fn entry_of(pid: u32, path: &Path) -> Result<u64, TargetError> {
    let mut header = [0_u8; 64];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .map_err(|error| io_error(pid, "exe", &error))?;
    let [0x7f, b'E', b'L', b'F', class, order, ..] = header else {
        return Err(TargetError::OtherMachine { pid, what: "not an ELF file".into() });
    };
    let [.., machine_low, machine_high, _, _, _, _, e0, e1, e2, e3, e4, e5, e6, e7] =
        *header.first_chunk::<32>().expect("64 bytes hold 32");
    let machine = u16::from_le_bytes([machine_low, machine_high]);
    let what = match (class, order, machine) {
        (2, 1, 62) => return Ok(u64::from_le_bytes([e0, e1, e2, e3, e4, e5, e6, e7])),
        (1, ..) => "32-bit".into(),
        (_, 2, _) => "big-endian".into(),
        _ => format!("machine {machine}"),
    };
    Err(TargetError::OtherMachine { pid, what })
}

fn exe_link(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/exe"))
}

/// The kernel's note on the path of a file that was removed is no part of it.
fn without_deleted(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(before) => PathBuf::from(before),
        None => path,
    }
}

fn not_permitted(pid: u32) -> TargetError {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let scope = scope.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    TargetError::NotPermitted { pid, why: refusal(scope, Capabilities::held().contains(CAP_SYS_PTRACE)) }
}

/// The rule that refuses where Yama is at `scope`, to who has `CAP_SYS_PTRACE` or not: with
/// that, Yama refuses at 3 alone (`yama_ptrace_access_check`, `security/yama/yama_lsm.c`,
/// Linux 6.18).
fn refusal(scope: u8, has_ptrace: bool) -> Refusal {
    match scope {
        0..=2 if has_ptrace => Refusal::Policy,
        0 => Refusal::Credentials,
        scope => Refusal::Yama(scope),
    }
}

fn proc_error(pid: u32, file: &str, error: &ProcError) -> TargetError {
    match error {
        ProcError::PermissionDenied(_) => not_permitted(pid),
        ProcError::NotFound(_) => TargetError::Exited { pid },
        error => proc_error_text(pid, file, error.to_string()),
    }
}

fn io_error(pid: u32, file: &str, error: &std::io::Error) -> TargetError {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => not_permitted(pid),
        std::io::ErrorKind::NotFound => TargetError::Exited { pid },
        _ => proc_error_text(pid, file, error.to_string()),
    }
}

fn proc_error_text(pid: u32, file: &str, error: String) -> TargetError {
    TargetError::Proc { path: PathBuf::from(format!("/proc/{pid}/{file}")), error }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Yama(scope) => write!(f, "kernel.yama.ptrace_scope is {scope}"),
            Refusal::Credentials => f.write_str("it is another user's, or has more capabilities than we"),
            Refusal::Policy => {
                f.write_str("a security policy, or the container that we are in, keeps it from us")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn sleeping() -> Killed {
        Killed(Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap())
    }

    #[test]
    fn who_has_the_capability_is_refused_by_yama_at_3_alone() {
        let refusals = |has_ptrace| [0, 1, 2, 3].map(|scope| refusal(scope, has_ptrace));
        let yama = Refusal::Yama;
        assert_eq!(refusals(false), [Refusal::Credentials, yama(1), yama(2), yama(3)]);
        assert_eq!(refusals(true), [Refusal::Policy, Refusal::Policy, Refusal::Policy, yama(3)]);
    }

    #[test]
    fn wrong_numbers_are_named() {
        assert_eq!(Target::open(0).unwrap_err(), TargetError::NoSuchProcess { pid: 0 });
        assert_eq!(Target::open(u32::MAX).unwrap_err(), TargetError::NoSuchProcess { pid: u32::MAX });
        let own = std::process::id();
        let tid = std::thread::spawn(|| nix::unistd::gettid().as_raw().cast_unsigned()).join();
        let tid = tid.unwrap();
        let (open, close) = std::sync::mpsc::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            tell.send(nix::unistd::gettid().as_raw().cast_unsigned()).unwrap();
            close.recv().ok()
        });
        let living = told.recv().unwrap();
        assert_eq!(Target::open(living).unwrap_err(), TargetError::Thread { tid: living, pid: own });
        open.send(()).unwrap();
        thread.join().unwrap();
        assert!(Target::open(tid).is_err());
    }

    #[test]
    fn a_zombie_and_an_exit() {
        let mut child = sleeping();
        // The child may not have executed yet.
        while std::fs::read_link(exe_link(child.0.id())).is_ok_and(|exe| !exe.ends_with("sleep")) {
            std::thread::yield_now();
        }
        let target = Target::open(child.0.id());
        child.0.kill().unwrap();
        let pid = child.0.id();
        while !matches!(process_of(pid).unwrap().stat().unwrap().state, 'Z') {
            std::thread::yield_now();
        }
        assert_eq!(Target::open(pid).unwrap_err(), TargetError::Zombie { pid });
        if let Ok(target) = target {
            assert_eq!(target.check(), Err(TargetError::Exited { pid }));
        }
    }

    #[test]
    fn an_exec_is_noticed() {
        let mut child = Killed(
            Command::new("sh")
                .args(["-c", "read x; exec sh -c 'read y; read z'"])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap(),
        );
        let pid = child.0.id();
        while std::fs::read_link(exe_link(pid)).is_ok_and(|exe| exe == std::env::current_exe().unwrap()) {
            std::thread::yield_now();
        }
        let target = Target::open(pid).unwrap();
        assert_eq!(target.check(), Ok(()));
        std::io::Write::write_all(child.0.stdin.as_mut().unwrap(), b"\n").unwrap();
        while target.check().is_ok() {
            std::thread::yield_now();
        }
        assert_eq!(target.check(), Err(TargetError::Executed { pid }));
    }

    #[test]
    fn itself() {
        let target = Target::open(std::process::id()).unwrap();
        assert_eq!(target.executable(), std::env::current_exe().unwrap());
        let mut magic = [0; 4];
        let start = target.load_bias().to_target(crate::model::StaticAddr(0));
        target.memory().read(start, &mut magic).unwrap();
        assert_eq!(&magic, b"\x7fELF");
        assert!(target.threads().unwrap().iter().any(|(_, host)| host.0 == u64::from(target.pid())));
        assert_eq!(target.check(), Ok(()));
    }
}
