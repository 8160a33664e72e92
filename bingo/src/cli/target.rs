//! The process that a command looks at: it is opened here, and what is wrong
//! with it gets its remedy here.

use super::Failure;
use super::checks::Check;
use super::core_file::program_failure;
use crate::binary::layout::LayoutSource;
use crate::binary::{Found, Globals, ProbeKind, ProbeSites};
use crate::goruntime::{OpenError, ProcessSource};
use crate::memory::{FrozenProcess, Refusal, TargetError};
use crate::model::{Observation, Snapshot, Source, SourceError, Time};
use crate::session::View;

const WHO_IT_IS: &str = "`pgrep -a NAME` or `ss -tlnp` find the number of a process";
const RUN_AS_ROOT: &str = "run Bingo as root, or as the user of that process";

/// Opens the process.
pub(super) fn open(pid: u32) -> Result<ProcessSource, Failure> {
    ProcessSource::open(pid).map_err(|error| open_failure(&error))
}

fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Target(error) => target_failure(error),
        OpenError::Program(error) => program_failure(error),
    }
}

/// That the process has no tracer, which would keep us from stopping it.
pub(super) fn can_be_stopped(pid: u32) -> Result<(), Failure> {
    FrozenProcess::can_freeze(pid).map_err(|error| {
        Failure::bad_input(error)
            .remedy("end that one first, or leave --freeze out: a process is read as it runs, too")
    })
}

/// What is wrong with a pid.
pub(super) fn target_failure(error: &TargetError) -> Failure {
    let failure = match error {
        TargetError::NotPermitted { .. } => Failure::not_permitted(error),
        _ => Failure::bad_input(error),
    };
    match error {
        TargetError::NoSuchProcess { .. } => failure.remedy(WHO_IT_IS),
        TargetError::Thread { pid, .. } => failure.remedy(format!("give the process: {pid}")),
        TargetError::Zombie { .. } | TargetError::Exited { .. } => {
            failure.remedy("there is nothing left to look at")
        }
        TargetError::KernelThread { .. } => failure.remedy(WHO_IT_IS),
        TargetError::NotPermitted { why: Refusal::Yama(3), .. } => {
            failure.remedy("nobody may look into processes until the next boot without yama.ptrace_scope=3")
        }
        TargetError::NotPermitted { why: Refusal::Yama(_), .. } => failure.remedy(format!(
            "run Bingo as root (sudo), or give it CAP_SYS_PTRACE:\n{}",
            super::SET_CAPABILITIES
        )),
        TargetError::NotPermitted { why: Refusal::Policy, .. } => failure.remedy(
            "CAP_SYS_PTRACE is there and does not suffice: run Bingo outside of the container, or allow it in \
             the policy (SELinux, AppArmor); `journalctl -k` may name which",
        ),
        TargetError::NotPermitted { .. } => failure.remedy(format!(
            "{RUN_AS_ROOT}; or give it CAP_SYS_PTRACE:\n\
             {}",
            super::SET_CAPABILITIES
        )),
        TargetError::OtherMachine { .. } => failure.remedy("Bingo reads 64-bit x86 programs alone"),
        TargetError::Executed { .. } => failure.remedy("try again"),
        TargetError::Proc { .. } => failure.remedy("`bingo doctor` shows what is missing"),
    }
}

/// What the process does now; nothing where it has exited.
pub(super) fn snapshot(source: &mut ProcessSource, now: Time) -> Result<Snapshot, Failure> {
    let mut observed = Vec::new();
    source.observe(now, &mut observed).map_err(|error| source_failure(&error))?;
    Ok(snapshot_of(observed))
}

/// The same, with how goroutines hang together.
pub(super) fn close_snapshot(source: &mut ProcessSource, now: Time) -> Result<Snapshot, Failure> {
    let mut observed = Vec::new();
    source.observe_closely(now, &mut observed).map_err(|error| source_failure(&error))?;
    Ok(snapshot_of(observed))
}

fn snapshot_of(observed: Vec<Observation>) -> Snapshot {
    let snapshot = observed.into_iter().find_map(|observation| match observation {
        Observation::Snapshot(snapshot) => Some(*snapshot),
        Observation::Event(_) | Observation::Problem(_) => None,
    });
    snapshot.unwrap_or_default()
}

/// What a source broke off with.
pub(super) fn source_failure(error: &SourceError) -> Failure {
    match error {
        SourceError::NotPermitted(_) => Failure::not_permitted(error).remedy(RUN_AS_ROOT),
        SourceError::BadInput(_) => Failure::bad_input(error),
    }
}

/// A process without a goroutine: it ended meanwhile, or cannot be understood.
pub(super) fn no_goroutines(view: &View) -> Failure {
    match view.problems.first() {
        Some(problem) => Failure::bad_input(format!("no goroutine can be read: {}", problem.what))
            .remedy("`bingo doctor PID` shows what is known of this program"),
        None => Failure::bad_input("the process has exited while it was read")
            .remedy("there is nothing left to look at"),
    }
}

/// How the program's runtime is understood, for `doctor`.
pub(super) fn understanding(source: &ProcessSource) -> Vec<Check> {
    let layout = &source.runtime().layout;
    let mut checks = vec![match &layout.source {
        LayoutSource::Dwarf => Check::good("runtime structs", "from the program's own DWARF"),
        LayoutSource::Release(release) => {
            Check::good("runtime structs", format!("from the table of Go {release}"))
        }
        LayoutSource::Assumed { version, nearest } => Check::warn(
            "runtime structs",
            format!("{version} is not known: read as if it were Go {nearest}"),
            "compare with `goroutine?debug=2` before you rely on it; a newer Bingo may know this release",
        ),
    }];
    checks.push(match Globals::find(source.binary(), layout) {
        Ok(globals) => {
            let found = match globals.allgptr.found {
                Found::Symbol => "by its symbol".to_owned(),
                Found::Decoded(function) => format!("in the code of {function}"),
            };
            Check::good("list of goroutines", format!("{}, {found}", globals.allgptr.address))
        }
        Err(error) => Check::fail("list of goroutines", error.to_string(), "this program cannot be read"),
    });
    for (kind, site) in ProbeSites::find(source.binary()).each() {
        checks.push(match site {
            Ok(site) if site.instruction.is_emulated() => Check::good(
                probe_name(kind),
                format!("{} at {}, on an instruction that the kernel emulates", site.function, site.address),
            ),
            Ok(site) => Check::warn(
                probe_name(kind),
                format!(
                    "{} at {}, single-stepped: a hit costs about six times as much",
                    site.function, site.address
                ),
                "--max-overhead bounds what that may cost",
            ),
            Err(error) => {
                Check::warn(probe_name(kind), error.to_string(), "reading alone sees it, at each interval")
            }
        });
    }
    checks
}

fn probe_name(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Park => "probe on park",
        ProbeKind::Ready => "probe on ready",
        ProbeKind::Create => "probe on create",
        ProbeKind::Exit => "probe on exit",
    }
}
