//! Loads the object into the kernel.
//!
//! What the kernel asks for (tried with `setpriv` on Linux 6.18): `CAP_BPF` to
//! make the maps, `CAP_PERFMON` with it to load the programs, besides the right
//! to ptrace the target to open its `/proc/<pid>/exe`. Where there are no multi
//! links (before Linux 6.6) also `CAP_SYS_ADMIN`, to open a uprobe event
//! (`perf_uprobe_event_init` in `kernel/events/core.c`; with the other two alone
//! it answers `EACCES`).

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;
use std::time::Duration;

use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::{ProgramError, UProbe};
use aya::{Ebpf, EbpfLoader};
use bingo_common::{CONFIG_WORDS, Config, maps};
use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use super::counts::Counts;
use super::error::{chain, io_error};
use super::switches::{CALIBRATE, Programs};
use super::{LiveError, Probe, calibrate, multi};

/// The object that `cargo xtask ebpf` built.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../bingo-ebpf/object/bingo.bpf.o"));

/// Where the kernel says that it has uprobe events, and their number.
const UPROBES: &str = "/sys/bus/event_source/devices/uprobe/type";

/// What is in the kernel after loading, without any probe set in the target.
pub(super) struct Loaded {
    pub(super) programs: Programs,
    /// What a hit costs, if that could be measured.
    pub(super) hit: Option<Duration>,
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

/// Loads the object (`None`: the one that is built in).
pub(super) fn load(
    object: Option<&[u8]>,
    ring_bytes: u32,
    config: Config,
    multi_links: bool,
) -> Result<Loaded, LiveError> {
    // Before Linux 5.11 maps count as locked memory.
    if setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_err() {
        // Needs CAP_SYS_RESOURCE, and matters on old kernels alone: there making
        // the maps will say so.
    }
    let object = object.unwrap_or(OBJECT);
    let mut ebpf = EbpfLoader::new()
        .btf(None)
        .map_max_entries(maps::EVENTS, ring_bytes)
        .load(object)
        .map_err(|error| load_error(&error, ring_bytes))?;
    let mut made = Vec::new();
    let mut take = |name| take(&mut ebpf, name, &mut made);
    let counts = Counts::new(PerCpuArray::try_from(take(maps::COUNTERS)?).map_err(broken)?);
    let ring = RingBuf::try_from(take(maps::EVENTS)?).map_err(broken)?;
    let map = Array::try_from(take(maps::CONFIG)?).map_err(broken)?;
    let wanted = HashMap::try_from(take(maps::WANTED)?).map_err(broken)?;
    let mut filter = Filter { map, wanted, config };
    filter.write()?;
    let (programs, hit) = programs(ebpf, object, multi_links.then_some(made.as_slice()), &counts)?;
    Ok(Loaded { programs, hit, counts, ring, filter })
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

/// Loads the object's programs in the way that works here, and says what a hit
/// costs. A kernel may know multi links and yet run their programs for the
/// target's first thread alone (Linux 6.6 to 6.9, unless mended: they compared
/// tasks where they meant address spaces), which measuring on another thread
/// shows. Without `maps` there are to be no multi links.
fn programs(
    ebpf: Ebpf,
    object: &[u8],
    maps: Option<&[(&str, RawFd)]>,
    counts: &Counts,
) -> Result<(Programs, Option<Duration>), LiveError> {
    let names: Vec<&'static str> = Probe::ALL.map(Probe::as_str).into_iter().chain([CALIBRATE]).collect();
    if let Some(maps) = maps
        && let Ok(programs) = multi::Programs::load(object, maps, &names)
    {
        let mut programs = Programs::Multi(programs);
        if let Some(hit) = calibrate::measure(&mut programs, counts) {
            return Ok((programs, Some(hit)));
        }
    }
    if !Path::new(UPROBES).exists() {
        return Err(LiveError::NoUprobes { path: UPROBES });
    }
    let mut ebpf = ebpf;
    for name in names {
        program(&mut ebpf, name)?.load().map_err(|error| program_error(name, &error))?;
    }
    let mut programs = Programs::Events(ebpf);
    let hit = calibrate::measure(&mut programs, counts);
    Ok((programs, hit))
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut UProbe, LiveError> {
    let program = ebpf.program_mut(name).ok_or_else(|| LiveError::Object(format!("no program {name}")))?;
    program.try_into().map_err(broken)
}

/// Takes a map, and notes its descriptor.
fn take(
    ebpf: &mut Ebpf,
    name: &'static str,
    made: &mut Vec<(&'static str, RawFd)>,
) -> Result<Map, LiveError> {
    let map = ebpf.take_map(name).ok_or_else(|| LiveError::Object(format!("no map {name}")))?;
    if let Map::Array(inner) | Map::HashMap(inner) | Map::PerCpuArray(inner) | Map::RingBuf(inner) = &map {
        made.push((name, inner.fd().as_fd().as_raw_fd()));
    }
    Ok(map)
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

pub(super) fn program_error(program: &'static str, error: &ProgramError) -> LiveError {
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

fn copy(error: &std::io::Error) -> std::io::Error {
    error
        .raw_os_error()
        .map_or_else(|| std::io::Error::other(error.to_string()), std::io::Error::from_raw_os_error)
}
