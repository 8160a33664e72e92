//! Sets and takes out probes.
//!
//! A probe lives as long as its descriptor: the kernel takes it out when Bingo
//! ends, however it ends. It is set for one process, and its program runs for
//! every thread of that address space (`uprobe_multi_link_filter` in
//! `kernel/trace/bpf_trace.c`, `__uprobe_perf_func` in
//! `kernel/trace/trace_uprobe.c`; Linux 6.18).

use std::ffi::CString;
use std::fs::File;
use std::num::NonZeroU32;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use aya::Ebpf;
use aya::programs::uprobe::UProbeScope;
use aya::programs::{ProgramError, UProbe};

use super::error::{chain, io_error};
use super::multi;
use super::{LiveError, Probe, Site};

/// The program that [`super::calibrate`] sets on a function of ours.
pub(super) const CALIBRATE: &str = "calibrate";

/// `int3`: what the kernel puts in place of a probed instruction (x86).
const BREAKPOINT: u8 = 0xcc;

/// The programs, and the probes that are set.
pub(super) struct Switches {
    programs: Programs,
    pid: u32,
    exe: String,
    memory: Option<File>,
    sites: Vec<Site>,
    links: [Option<Link>; 4],
}

/// The programs, loaded for the one or the other way of setting probes.
pub(super) enum Programs {
    /// As multi links, since Linux 6.6.
    Multi(multi::Programs),
    /// As uprobe events, since Linux 4.17.
    Events(Ebpf),
}

/// A set probe: taken out when it is dropped.
pub(super) type Link = Box<dyn Send>;

impl Switches {
    pub(super) fn new(programs: Programs, pid: u32, sites: &[Site]) -> Switches {
        Switches {
            programs,
            pid,
            exe: format!("/proc/{pid}/exe"),
            memory: File::open(format!("/proc/{pid}/mem")).ok(),
            sites: sites.to_vec(),
            links: [const { None }; 4],
        }
    }

    /// The probes that are set, by index.
    pub(super) fn on(&self) -> [bool; 4] {
        [0, 1, 2, 3].map(|index| self.links.get(index).is_some_and(Option::is_some))
    }

    /// Sets a probe, unless it is set. Takes the kernel some 10 ms, or 0.1 ms
    /// right after another one.
    pub(super) fn set(&mut self, probe: Probe) -> Result<(), LiveError> {
        let Some(site) = self.sites.iter().find(|site| site.probe == probe).copied() else { return Ok(()) };
        let Some(slot) = self.links.get_mut(probe.index()) else { return Ok(()) };
        if slot.is_some() {
            return Ok(());
        }
        let link = self.programs.attach(probe.as_str(), &self.exe, site.file_offset, self.pid);
        *slot = Some(link.map_err(|error| attach_error(site, self.pid, &error))?);
        Ok(())
    }

    /// Takes a probe out, and says for how long the target still trapped into
    /// the kernel there without any program counting it.
    pub(super) fn unset(&mut self, probe: Probe) -> Duration {
        let Some(link) = self.links.get_mut(probe.index()).and_then(Option::take) else {
            return Duration::ZERO;
        };
        match (&self.programs, self.sites.iter().find(|site| site.probe == probe)) {
            (Programs::Events(_), Some(site)) => self.watch_closing(link, site.address.0),
            _ => {
                drop(link);
                Duration::ZERO
            }
        }
    }

    /// Closes a uprobe event, and says when its breakpoint is gone: the kernel
    /// detaches the program, waits until none runs any more (some 60 ms on
    /// Linux 6.18), and takes the breakpoint out after that.
    fn watch_closing(&self, link: Link, address: u64) -> Duration {
        let trapped = |memory: &File| {
            let mut byte = [0];
            memory.read_exact_at(&mut byte, address).is_ok() && byte == [BREAKPOINT]
        };
        let began = Instant::now();
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| drop(link));
            while !closing.is_finished() && self.memory.as_ref().is_none_or(trapped) {
                std::thread::sleep(Duration::from_millis(1));
            }
            began.elapsed()
        })
    }
}

/// Takes out all at once: for each the kernel waits until no program runs.
impl Drop for Switches {
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            for link in self.links.iter_mut().filter_map(Option::take) {
                scope.spawn(|| drop(link));
            }
        });
    }
}

impl Programs {
    /// Sets the program that measures on a function of this process.
    pub(super) fn attach_to_ourselves(&mut self, file_offset: u64) -> Result<Link, ProgramError> {
        self.attach(CALIBRATE, "/proc/self/exe", file_offset, std::process::id())
    }

    fn attach(&mut self, name: &str, exe: &str, offset: u64, pid: u32) -> Result<Link, ProgramError> {
        match self {
            Programs::Multi(programs) => {
                let exe = CString::new(exe).map_err(|error| ProgramError::IOError(error.into()))?;
                Ok(Box::new(programs.attach(name, &exe, offset, pid)?))
            }
            Programs::Events(ebpf) => {
                let program: &mut UProbe =
                    ebpf.program_mut(name).ok_or(ProgramError::NotLoaded)?.try_into()?;
                let pid = NonZeroU32::new(pid).ok_or(ProgramError::NotLoaded)?;
                let id = program.attach(offset, exe, UProbeScope::OneProcess(pid))?;
                Ok(Box::new(program.take_link(id)?))
            }
        }
    }
}

fn attach_error(site: Site, pid: u32, error: &ProgramError) -> LiveError {
    match io_error(error) {
        Some(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            LiveError::NotPermitted { what: format!("setting the probe `{}`", site.probe) }
        }
        // ESRCH: the event's process; ENOENT: its executable.
        Some(_) if !Path::new(&format!("/proc/{pid}/exe")).exists() => LiveError::Exited { pid },
        _ => LiveError::Attach { probe: site.probe, offset: site.file_offset, why: chain(error) },
    }
}
