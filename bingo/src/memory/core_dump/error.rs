//! What can be wrong with a core file, and where.

use crate::model::Addr;

/// Why a file cannot be read as a core.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is something else altogether.
    #[error("not an ELF file")]
    NotElf,
    /// An ELF file that is no core.
    #[error("not a core file but {0}")]
    NotACore(String),
    /// The core of a program that Bingo does not read.
    #[error("a core file of {0}; Bingo reads those of 64-bit x86 (amd64) Linux programs")]
    OtherMachine(String),
    /// The file ends within its headers or notes.
    #[error(
        "the core file is cut off: {len} bytes of its {what} wanted at file offset {offset:#x}, it has {file_len}"
    )]
    Truncated {
        /// What was to be read.
        what: &'static str,
        /// File offset of the first byte wanted.
        offset: u64,
        /// How many bytes were wanted.
        len: u64,
        /// How many bytes the file has.
        file_len: u64,
    },
    /// A structure of the file contradicts itself.
    #[error("damaged {what} at file offset {at:#x}")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// Where.
        at: u64,
    },
    /// Two segments claim the same address.
    #[error("damaged core file: two segments have memory at {0}")]
    Overlap(Addr),
}
