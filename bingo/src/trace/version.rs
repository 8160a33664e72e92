//! The first sixteen bytes of a trace: which form it has, or what the file is
//! instead. In: those bytes. Out: a [`Version`], or a [`HeaderError`] that names
//! what was given.

use std::fmt;

/// The form of a trace. The Go release that it is named after wrote it first;
/// later ones write it until the next form (`internal/trace/version`, Go 1.27).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Version {
    /// Go 1.22: the first with generations.
    Go122,
    /// Go 1.23 and 1.24: coroutines, statuses with a stack, experiments.
    Go123,
    /// Go 1.25: sync batches with a clock snapshot.
    Go125,
    /// Go 1.26 and 1.27: an end mark behind each generation.
    Go126,
}

/// The length of the header.
pub const HEADER_LEN: usize = 16;

/// Why a file is not a trace that can be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    /// There are no bytes.
    #[error("the trace is empty: the program ended before it wrote any of it")]
    Empty,
    /// The file ends within the header.
    #[error("the trace ends within its header, after {0} bytes")]
    Short(usize),
    /// A gzip stream: a pprof profile, or a trace that was compressed.
    #[error("this is a gzip stream: a pprof profile, or a compressed trace (`gunzip` it first)")]
    Gzip,
    /// Something else.
    #[error("this is not a Go execution trace: it does not begin with `go 1.N trace`")]
    NotATrace,
    /// The form before Go 1.22.
    #[error(
        "this is a trace of Go 1.{0}, whose form ended with Go 1.21: record it again with a program built by \
         Go 1.22 or later, or look at this one with `go tool trace`"
    )]
    Old(u32),
    /// A form that did not exist when this was written.
    #[error("this is a trace of Go 1.{0}, a newer form than Bingo knows (up to Go 1.26's): update Bingo")]
    Unknown(u32),
}

impl Version {
    /// All, oldest first.
    pub const ALL: [Version; 4] = [Version::Go122, Version::Go123, Version::Go125, Version::Go126];

    /// The number behind `go 1.`.
    #[must_use]
    pub fn minor(self) -> u32 {
        match self {
            Version::Go122 => 22,
            Version::Go123 => 23,
            Version::Go125 => 25,
            Version::Go126 => 26,
        }
    }

    /// The version that the first [`HEADER_LEN`] bytes of a trace name.
    ///
    /// # Errors
    /// When they are not the header of a trace that can be read.
    pub fn of_header(header: &[u8]) -> Result<Version, HeaderError> {
        if header.is_empty() {
            return Err(HeaderError::Empty);
        }
        if header.starts_with(&[0x1f, 0x8b]) {
            return Err(HeaderError::Gzip);
        }
        let whole = b"go 1.NN trace\0\0\0";
        if header.len() < HEADER_LEN {
            let begun = header.iter().zip(whole).all(|(a, b)| a == b || (*b == b'N' && a.is_ascii_digit()));
            return Err(if begun { HeaderError::Short(header.len()) } else { HeaderError::NotATrace });
        }
        let minor = minor_of(header).ok_or(HeaderError::NotATrace)?;
        let known = Version::ALL.into_iter().find(|version| version.minor() == minor);
        known.ok_or(if minor < 22 { HeaderError::Old(minor) } else { HeaderError::Unknown(minor) })
    }

    /// The header of a trace of this version.
    #[must_use]
    pub fn header(self) -> [u8; HEADER_LEN] {
        let mut header = *b"go 1.22 trace\0\0\0";
        for (to, from) in header.iter_mut().skip(5).zip(self.minor().to_string().bytes()) {
            *to = from;
        }
        header
    }
}

fn minor_of(header: &[u8]) -> Option<u32> {
    let digits = header.strip_prefix(b"go 1.")?.get(..2)?;
    let rest = header.get(7..HEADER_LEN)?;
    if rest != b" trace\0\0\0" {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "go 1.{}", self.minor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_told_from_what_it_is_not() {
        let check = |header: &[u8], expect| assert_eq!(Version::of_header(header), expect, "{header:?}");
        for version in Version::ALL {
            check(&version.header(), Ok(version));
        }
        check(b"", Err(HeaderError::Empty));
        check(b"go 1.2", Err(HeaderError::Short(6)));
        check(b"go 1.x", Err(HeaderError::NotATrace));
        check(b"go 1.21 trace\0\0\0", Err(HeaderError::Old(21)));
        check(b"go 1.11 trace\0\0\0", Err(HeaderError::Old(11)));
        check(b"go 1.28 trace\0\0\0", Err(HeaderError::Unknown(28)));
        check(b"go 1.26 trace\0\0!", Err(HeaderError::NotATrace));
        check(b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0\0\0\0\0", Err(HeaderError::Gzip));
        check(b"goroutine 1 [running]:", Err(HeaderError::NotATrace));
    }
}
