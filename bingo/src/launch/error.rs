//! Why a program does not run.

use std::io;

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// It cannot be started.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// It was not there any more when it should have begun.
    #[error("the program ended before its first instruction")]
    NeverBegan,
    /// The kernel does not let us stop it before it begins.
    #[error("it cannot be stopped before its first instruction: {0}")]
    Gate(io::Error),
    /// The operating system, with the signals.
    #[error("cannot watch for signals: {0}")]
    Signals(io::Error),
}

#[cfg(all(target_os = "linux", feature = "live"))]
impl LaunchError {
    pub(super) fn gate(errno: nix::errno::Errno) -> LaunchError {
        LaunchError::Gate(errno.into())
    }
}
