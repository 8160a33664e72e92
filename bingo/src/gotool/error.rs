//! What can go wrong with the `go` command, apart from what it says itself.

use std::io;
use std::path::PathBuf;

/// Why `go` cannot be driven.
#[derive(Debug, thiserror::Error)]
pub enum GoToolError {
    /// There is none.
    #[error("there is no `go` on the PATH")]
    NoGo,
    /// It writes traces of another form.
    #[error("{version} is on the PATH, and its traces are of the form before Go 1.22")]
    TooOld {
        /// As it says: `go1.19.8`.
        version: String,
    },
    /// The race detector needs a C compiler.
    #[error("the race detector needs cgo, and {why}")]
    NoCgo {
        /// What is missing.
        why: String,
    },
    /// It refuses.
    #[error("`go {what}` fails: {said}")]
    Refused {
        /// What it was asked.
        what: &'static str,
        /// What it said.
        said: String,
    },
    /// It said why itself.
    #[error("the package could not be built: `go` says why above")]
    NotBuilt,
    /// A library.
    #[error("{package} is no program: its package is not `main`")]
    NoProgram {
        /// Which package.
        package: String,
    },
    /// A pattern that stands for several packages, or for none.
    #[error("{package} stands for {count} packages, and one program can be run")]
    NotOne {
        /// The pattern.
        package: String,
        /// How many.
        count: usize,
    },
    /// A program cannot be started.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// This program's own path has both kinds of quotes, which `go` cannot be told.
    #[error("{0} has both kinds of quotes in its path, which `go test -exec` cannot take")]
    Quotes(PathBuf),
    /// A file of ours.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// The operating system, with the signals.
    #[error("cannot watch for signals: {0}")]
    Signals(io::Error),
}
