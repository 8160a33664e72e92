//! Why probes could not be attached. Each of them leaves polling to go on with.

use std::error::Error;
use std::io;

use super::Probe;

/// Why probes could not be attached, or be kept.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The kernel has no uprobe events (`CONFIG_UPROBE_EVENTS`).
    #[error("this kernel has no uprobes: {path} is not there")]
    NoUprobes {
        /// Where it would say so.
        path: &'static str,
    },
    /// The kernel has no BPF ring buffer (Linux 5.8), or no memory for it.
    #[error("this kernel makes no BPF ring buffer of {bytes} bytes: {source}")]
    NoRingBuffer {
        /// The size asked for.
        bytes: u32,
        /// What it said.
        source: io::Error,
    },
    /// A capability is missing: `CAP_BPF` and `CAP_PERFMON` to load programs,
    /// before Linux 6.6 also `CAP_SYS_ADMIN` to set probes.
    #[error("{what} is not permitted")]
    NotPermitted {
        /// What was refused.
        what: String,
    },
    /// The kernel's verifier did not accept a program.
    #[error("the kernel does not accept the program `{program}`: {why}")]
    Rejected {
        /// The program.
        program: &'static str,
        /// The verifier's last words.
        why: String,
    },
    /// The object with the programs cannot be used.
    #[error("the eBPF object cannot be used: {0}")]
    Object(String),
    /// A probe could not be set.
    #[error("the probe `{probe}` could not be set at offset {offset:#x} of the executable: {why}")]
    Attach {
        /// Which one.
        probe: Probe,
        /// Where, as a file offset.
        offset: u64,
        /// What the kernel said.
        why: String,
    },
    /// A probe on Bingo itself was set, and its program did not run.
    #[error("a probe that Bingo set on itself did not fire")]
    Silent,
    /// Another system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The target has exited.
    #[error("process {pid} has exited")]
    Exited {
        /// Its number.
        pid: u32,
    },
}

/// The first `io::Error` behind an error.
pub(super) fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    sources(error).find_map(|error| error.downcast_ref())
}

/// The whole chain of an error as a line, each part once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for error in sources(error) {
        let part = error.to_string();
        if !line.contains(&part) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&part);
        }
    }
    line
}

/// An error and what is behind it.
fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn next<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    }
    std::iter::successors(Some(error), next)
}
