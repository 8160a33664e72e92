//! The gate before a program's first instruction: a process becomes the program,
//! and stands still until the one that started it opens the gate
//! ([`super::Program::open_gate`]). By then probes can be set in it.
//!
//! A process that asks to be traced by its parent (`PTRACE_TRACEME`) stops when it
//! has executed another program, before the dynamic linker and the runtime run.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::LaunchError;

/// Becomes `command`.
///
/// # Errors
/// Where that cannot be executed, or the kernel does not let us stop.
pub fn gate(command: &[OsString]) -> Result<Infallible, LaunchError> {
    nix::sys::ptrace::traceme().map_err(LaunchError::gate)?;
    let (program, arguments) = command.split_first().ok_or(LaunchError::NeverBegan)?;
    let error = Command::new(program).args(arguments).exec();
    Err(LaunchError::Start { program: program.to_string_lossy().into_owned(), error })
}
