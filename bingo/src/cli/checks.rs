//! What `doctor` looks at: the kernel and its settings, the capabilities of this
//! process, and a target. Each check says what it found and, where that is in
//! the way, the remedy.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{Failure, target};
use crate::live::{LiveError, Trial};
use crate::memory::{CAP_SYS_PTRACE, Capabilities};
use crate::model::Source;
use crate::report::Style;

/// How well it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Grade {
    /// As it should be.
    Good,
    /// Less than it could be.
    Warn,
    /// Something cannot be done.
    Fail,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Check {
    pub(super) grade: Grade,
    what: &'static str,
    found: String,
    remedy: Option<String>,
}

/// `include/uapi/linux/capability.h`.
const CAPABILITIES: [(&str, u32, &str); 3] = [
    ("CAP_SYS_PTRACE", CAP_SYS_PTRACE, "to read another user's process"),
    ("CAP_BPF", 39, "to make a ring buffer"),
    ("CAP_PERFMON", 38, "to load probes"),
];
/// Which has the other two in it.
const CAP_SYS_ADMIN: u32 = 21;

/// The first kernel with a BPF ring buffer.
const RING_BUFFER_SINCE: (u32, u32) = (5, 8);

impl Check {
    pub(super) fn good(what: &'static str, found: impl Into<String>) -> Check {
        Check { grade: Grade::Good, what, found: found.into(), remedy: None }
    }

    pub(super) fn warn(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { grade: Grade::Warn, what, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { grade: Grade::Fail, ..Check::warn(what, found, remedy) }
    }

    /// The line, or two with a remedy.
    pub(super) fn line(&self, style: Style) -> String {
        let (word, code) = match self.grade {
            Grade::Good => ("ok  ", "32"),
            Grade::Warn => ("warn", "33"),
            Grade::Fail => ("fail", "31;1"),
        };
        let word = match style {
            Style::Plain => word.to_owned(),
            Style::Colour => format!("\x1b[{code}m{word}\x1b[0m"),
        };
        let mut line = format!("{word}  {:<22} {}\n", self.what, self.found);
        if let Some(remedy) = &self.remedy {
            let _ = writeln!(line, "{:>29}{}", "", remedy.replace('\n', "\n                             "));
        }
        line
    }
}

/// The kernel, its settings, and what this process may do.
pub(super) fn of_kernel() -> Vec<Check> {
    let mut checks = vec![kernel(), btf()];
    checks.extend(capabilities());
    checks.push(probes());
    checks.push(ptrace_scope());
    checks.push(paranoia());
    checks.push(lockdown());
    checks
}

fn kernel() -> Check {
    let release = setting("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= RING_BUFFER_SINCE {
        return Check::good("kernel", format!("{release}, with the BPF ring buffer"));
    }
    Check::fail(
        "kernel",
        format!("{release}, without the BPF ring buffer (5.8 has it)"),
        "attach and dump work by reading alone: `bingo attach --mode poll`",
    )
}

/// Tried rather than reckoned: what a kernel asks for changes from one to the next.
fn probes() -> Check {
    let what = "probes";
    match Trial::run() {
        Ok(Trial { multi_links, hit }) => {
            let way = if multi_links { "a multi link" } else { "a uprobe event" };
            let cost = hit.as_secs_f64() * 1e6;
            Check::good(what, format!("set as {way} on Bingo itself, a hit took {cost:.1} µs"))
        }
        Err(error @ LiveError::NotPermitted { .. }) => {
            let remedy = format!(
                "attach goes on by reading alone; for probes run Bingo as root, or:\n{}",
                super::SET_CAPABILITIES
            );
            Check::fail(what, error.to_string(), remedy)
        }
        Err(error) => {
            Check::fail(what, error.to_string(), "attach works by reading alone: `bingo attach --mode poll`")
        }
    }
}

fn btf() -> Check {
    if Path::new("/sys/kernel/btf/vmlinux").exists() {
        Check::good("kernel types (BTF)", "/sys/kernel/btf/vmlinux")
    } else {
        Check::warn("kernel types (BTF)", "there are none", "Bingo's probes do not need them")
    }
}

fn capabilities() -> Vec<Check> {
    let held = Capabilities::held();
    CAPABILITIES
        .iter()
        .map(|(name, number, what_for)| {
            let by_admin = *number != CAP_SYS_PTRACE && held.contains(CAP_SYS_ADMIN);
            if held.contains(*number) || by_admin {
                return Check::good(name, format!("held, {what_for}"));
            }
            let found = format!("missing, {what_for}");
            if *number == CAP_SYS_PTRACE {
                let remedy = format!("run Bingo as root, or: {}", super::SET_CAPABILITIES);
                Check::warn(name, format!("{found}; your own can be read"), remedy)
            } else {
                // What comes of it, the probes say.
                Check { grade: Grade::Warn, ..Check::good(name, found) }
            }
        })
        .collect()
}

fn ptrace_scope() -> Check {
    let what = "yama.ptrace_scope";
    match setting("/proc/sys/kernel/yama/ptrace_scope").as_deref() {
        None => Check::good(what, "no Yama: processes of the same user can be read"),
        Some("0") => Check::good(what, "0: processes of the same user can be read"),
        Some("3") => {
            Check::fail(what, "3: nobody may read a process", "it can only be undone by a boot without it")
        }
        Some(scope) => Check::warn(
            what,
            format!("{scope}: without CAP_SYS_PTRACE only children can be read"),
            "run Bingo as root, or: sudo sysctl kernel.yama.ptrace_scope=0",
        ),
    }
}

fn paranoia() -> Check {
    let what = "perf_event_paranoid";
    match setting("/proc/sys/kernel/perf_event_paranoid") {
        None => Check::warn(what, "not to be found: no perf events", "attach works by reading alone"),
        Some(level) => Check::good(what, format!("{level} (CAP_PERFMON goes above it)")),
    }
}

fn lockdown() -> Check {
    let what = "lockdown";
    let state = setting("/sys/kernel/security/lockdown").unwrap_or_default();
    if state.contains("[confidentiality]") {
        let remedy = "boot without lockdown=confidentiality; attach works by reading alone";
        return Check::fail(what, "confidentiality: BPF may not read memory", remedy);
    }
    let chosen = state.split('[').nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("none");
    Check::good(what, chosen.to_owned())
}

/// A target: who it is, and how it is understood.
pub(super) fn of_process(pid: u32, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let source = target::open(pid)?;
    let header = source.header();
    let place = match header.inner_pid {
        Some(inner) => format!("{pid}, {inner} inside its pid namespace"),
        None => pid.to_string(),
    };
    checks.push(Check::good("process", place));
    let path = header.binary.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    checks.push(Check::good("executable", path));
    checks.push(Check::good("Go", header.go_version.clone().unwrap_or_default()));
    checks.extend(target::understanding(&source));
    for note in &header.notes {
        checks.push(Check::warn("note", note.clone(), "what is shown may be less, or less sure, for that"));
    }
    Ok(())
}

fn setting(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}
