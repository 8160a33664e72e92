//! Loads the object into the kernel, and sets and takes out probes.
//!
//! What the kernel asks for (tried with `setpriv` on Linux 6.18): `CAP_BPF` to
//! make the maps, `CAP_PERFMON` with it to load the programs, and `CAP_SYS_ADMIN`
//! to open a uprobe event (`perf_uprobe_event_init` in `kernel/events/core.c`;
//! with the other two alone it answers `EACCES`), besides the right to ptrace the
//! target to open its `/proc/<pid>/exe`. A probe lives as long as its descriptor:
//! the kernel takes it out when Bingo ends, however it ends.
//!
//! A probe's event is opened for the target's process, but its program runs for
//! every thread of that address space (`__uprobe_perf_func` in
//! `kernel/trace/trace_uprobe.c` runs it before it looks at the thread).

use std::fs::File;
use std::num::NonZeroU32;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::uprobe::{UProbeLink, UProbeScope};
use aya::programs::{ProgramError, UProbe};
use aya::{Ebpf, EbpfLoader};
use bingo_common::{CONFIG_WORDS, Config, maps};
use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use super::counts::Counts;
use super::error::{chain, io_error};
use super::{LiveError, Probe, Site};

/// The object that `cargo xtask ebpf` built.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../bingo-ebpf/object/bingo.bpf.o"));

/// Where the kernel says that it has uprobe events, and their number.
const UPROBES: &str = "/sys/bus/event_source/devices/uprobe/type";

/// The program that [`super::calibrate`] sets on a function of ours.
const CALIBRATE: &str = "calibrate";

/// `int3`: what the kernel puts in place of a probed instruction (x86).
const BREAKPOINT: u8 = 0xcc;

/// What is in the kernel after loading, without any probe set.
pub(super) struct Loaded {
    pub(super) switches: Switches,
    pub(super) counts: Counts,
    pub(super) ring: RingBuf<MapData>,
    pub(super) filter: Filter,
}

/// The configuration, which can be changed at any time.
pub(super) struct Filter {
    map: Array<MapData, [u64; CONFIG_WORDS]>,
    wanted: HashMap<MapData, u64, u8>,
    config: Config,
}

/// The programs, and the probes that are set.
pub(super) struct Switches {
    ebpf: Ebpf,
    pid: NonZeroU32,
    exe: PathBuf,
    memory: Option<File>,
    sites: Vec<Site>,
    links: [Option<UProbeLink>; 4],
    calibration: Option<UProbeLink>,
}

/// Loads the object (`None`: the one that is built in) for the process `pid`.
pub(super) fn load(
    object: Option<&[u8]>,
    ring_bytes: u32,
    config: Config,
    pid: u32,
    sites: &[Site],
) -> Result<Loaded, LiveError> {
    if !Path::new(UPROBES).exists() {
        return Err(LiveError::NoUprobes { path: UPROBES });
    }
    // Before Linux 5.11 maps count as locked memory.
    if setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_err() {
        // Needs CAP_SYS_RESOURCE, and matters on old kernels alone: there making
        // the maps will say so.
    }
    let mut ebpf = EbpfLoader::new()
        .btf(None)
        .map_max_entries(maps::EVENTS, ring_bytes)
        .load(object.unwrap_or(OBJECT))
        .map_err(|error| load_error(&error, ring_bytes))?;
    let counts = Counts::new(PerCpuArray::try_from(take(&mut ebpf, maps::COUNTERS)?).map_err(broken)?);
    let ring = RingBuf::try_from(take(&mut ebpf, maps::EVENTS)?).map_err(broken)?;
    let map = Array::try_from(take(&mut ebpf, maps::CONFIG)?).map_err(broken)?;
    let wanted = HashMap::try_from(take(&mut ebpf, maps::WANTED)?).map_err(broken)?;
    let mut filter = Filter { map, wanted, config };
    filter.write()?;
    for name in Probe::ALL.map(Probe::as_str).into_iter().chain([CALIBRATE]) {
        program(&mut ebpf, name)?.load().map_err(|error| program_error(name, &error))?;
    }
    let switches = Switches {
        ebpf,
        pid: NonZeroU32::new(pid).ok_or(LiveError::Exited { pid })?,
        exe: PathBuf::from(format!("/proc/{pid}/exe")),
        memory: File::open(format!("/proc/{pid}/mem")).ok(),
        sites: sites.to_vec(),
        links: [const { None }; 4],
        calibration: None,
    };
    Ok(Loaded { switches, counts, ring, filter })
}

impl Filter {
    /// Changes the configuration.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Config)) -> Result<(), LiveError> {
        change(&mut self.config);
        self.write()
    }

    /// Lets the records of these goroutines through alone.
    pub(super) fn only(&mut self, goroutines: impl Iterator<Item = u64>) -> Result<(), LiveError> {
        let old: Vec<u64> = self.wanted.keys().filter_map(Result::ok).collect();
        for goid in old {
            self.wanted.remove(&goid).map_err(broken)?;
        }
        for goid in goroutines {
            self.wanted.insert(goid, 1, 0).map_err(broken)?;
        }
        self.change(|config| config.only_wanted = 1)
    }

    fn write(&mut self) -> Result<(), LiveError> {
        self.map.set(0, self.config.words(), 0).map_err(broken)
    }
}

impl Switches {
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
        let scope = UProbeScope::OneProcess(self.pid);
        let link = attach(&mut self.ebpf, probe.as_str(), site.file_offset, &self.exe, scope);
        *slot = Some(link.map_err(|error| attach_error(site, self.pid.get(), &error))?);
        Ok(())
    }

    /// Takes a probe out, and says for how long the target still trapped into
    /// the kernel there without any program counting it: the kernel detaches
    /// the program, waits until none runs any more (some 60 ms on Linux 6.18),
    /// and takes the breakpoint out after that.
    pub(super) fn unset(&mut self, probe: Probe) -> Duration {
        let Some(link) = self.links.get_mut(probe.index()).and_then(Option::take) else {
            return Duration::ZERO;
        };
        let address = self.sites.iter().find(|site| site.probe == probe).map(|site| site.address.0);
        let trapped = |memory: &File, address| {
            let mut byte = [0];
            memory.read_exact_at(&mut byte, address).is_ok() && byte == [BREAKPOINT]
        };
        let began = Instant::now();
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| drop(link));
            while !closing.is_finished() {
                if let (Some(memory), Some(address)) = (&self.memory, address)
                    && !trapped(memory, address)
                {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            began.elapsed()
        })
    }

    /// Sets the program that measures on a function of this process.
    pub(super) fn set_calibration(&mut self, file_offset: u64) -> Result<(), LiveError> {
        let exe = Path::new("/proc/self/exe");
        let link = attach(&mut self.ebpf, CALIBRATE, file_offset, exe, UProbeScope::CallingProcess);
        self.calibration = Some(link.map_err(|error| program_error(CALIBRATE, &error))?);
        Ok(())
    }
}

fn attach(
    ebpf: &mut Ebpf,
    name: &'static str,
    offset: u64,
    exe: &Path,
    scope: UProbeScope,
) -> Result<UProbeLink, ProgramError> {
    let program: &mut UProbe = ebpf.program_mut(name).ok_or(ProgramError::NotLoaded)?.try_into()?;
    let id = program.attach(offset, exe, scope)?;
    program.take_link(id)
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut UProbe, LiveError> {
    let program = ebpf.program_mut(name).ok_or_else(|| LiveError::Object(format!("no program {name}")))?;
    program.try_into().map_err(broken)
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map, LiveError> {
    ebpf.take_map(name).ok_or_else(|| LiveError::Object(format!("no map {name}")))
}

fn broken(error: impl std::error::Error + 'static) -> LiveError {
    LiveError::Object(chain(&error))
}

fn load_error(error: &aya::EbpfError, ring_bytes: u32) -> LiveError {
    let Some(source) = io_error(error) else { return LiveError::Object(chain(error)) };
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EPERM | Errno::EACCES) => LiveError::NotPermitted { what: "making BPF maps".into() },
        Some(Errno::EINVAL | Errno::ENOMEM) if chain(error).contains(maps::EVENTS) => {
            LiveError::NoRingBuffer { bytes: ring_bytes, source: copy(source) }
        }
        _ => LiveError::System { what: "loading the eBPF object", source: copy(source) },
    }
}

fn program_error(program: &'static str, error: &ProgramError) -> LiveError {
    match error {
        ProgramError::LoadError { io_error, .. } if io_error.raw_os_error() == Some(Errno::EPERM as i32) => {
            LiveError::NotPermitted { what: format!("loading the BPF program `{program}`") }
        }
        ProgramError::LoadError { io_error, verifier_log } => {
            let log = verifier_log.to_string();
            let said = log.lines().rev().find(|line| {
                !line.is_empty()
                    && !["processed", "verification", "stack depth"].iter().any(|word| line.starts_with(word))
            });
            LiveError::Rejected { program, why: said.map_or_else(|| io_error.to_string(), str::to_owned) }
        }
        error => match io_error(error) {
            Some(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
                LiveError::NotPermitted { what: format!("setting the probe `{program}`") }
            }
            _ => LiveError::Object(chain(error)),
        },
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

fn copy(error: &std::io::Error) -> std::io::Error {
    error
        .raw_os_error()
        .map_or_else(|| std::io::Error::other(error.to_string()), std::io::Error::from_raw_os_error)
}
