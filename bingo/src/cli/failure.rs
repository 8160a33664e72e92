//! What went wrong, and its remedy, which is added here and nowhere else.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// An exit status. Of several the last in this order counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Status {
    /// All went well.
    Good,
    /// Something was found (`analyze`), or does not work here (`doctor`).
    Found,
    /// Wrong usage or input.
    BadInput,
    /// Not permitted.
    NotPermitted,
    /// The user interrupted; all that was gathered has been written.
    Interrupted,
    /// That of a program that was run for somebody.
    Passed(i32),
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    what: String,
    remedy: Option<String>,
    broken_pipe: bool,
}

impl Failure {
    /// Wrong usage or input.
    pub(crate) fn bad_input(what: impl fmt::Display) -> Failure {
        Failure { status: Status::BadInput, what: what.to_string(), remedy: None, broken_pipe: false }
    }

    /// Not permitted.
    pub(crate) fn not_permitted(what: impl fmt::Display) -> Failure {
        Failure { status: Status::NotPermitted, ..Failure::bad_input(what) }
    }

    /// The user interrupted before anything could be gathered.
    pub(crate) fn interrupted(what: impl fmt::Display) -> Failure {
        Failure { status: Status::Interrupted, ..Failure::bad_input(what) }
    }

    /// Something could not be written to `to`. Nobody is told that nobody reads.
    pub(crate) fn output(to: impl fmt::Display, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure { status: Status::Good, broken_pipe: true, ..Failure::bad_input("") };
        }
        let what = format!("cannot write to {to}: {error}");
        if error.kind() == io::ErrorKind::PermissionDenied {
            return Failure::not_permitted(what).remedy("name a file where this user may write one");
        }
        Failure::bad_input(what)
    }

    /// What to do about it.
    pub(crate) fn remedy(mut self, remedy: impl fmt::Display) -> Failure {
        self.remedy = Some(remedy.to_string());
        self
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bingo: {}", self.what)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n       {}", remedy.replace('\n', "\n       ")),
            None => Ok(()),
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Good => 0,
            Status::Found => 1,
            Status::BadInput => 2,
            Status::NotPermitted => 3,
            Status::Interrupted => 130,
            // The low eight bits are all that a parent gets to see.
            Status::Passed(status) => u8::try_from(status & 0xff).unwrap_or(u8::MAX),
        })
    }
}
