//! What can be wrong with an executable, and where.

use crate::model::StaticAddr;

/// Why an executable cannot be read as a Go program.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is something else altogether: a script, an archive, a Mach-O or PE file.
    #[error("not an ELF file")]
    NotElf,
    /// An ELF file of a kind that Bingo does not read.
    #[error("unsupported executable: {0}; Bingo reads 64-bit x86 (amd64) Linux executables")]
    Unsupported(String),
    /// An executable that Go did not build.
    #[error("not a Go program: it has no {0}")]
    NotGo(&'static str),
    /// Built before Go 1.18, the first release whose function table is understood.
    #[error("built by {version}, which is too old: Go 1.18 is the first release that can be read")]
    TooOld {
        /// The release, as the executable says it.
        version: String,
    },
    /// The release that built it cannot be told, so nothing about it can be trusted.
    #[error("the Go release that built it is not recognisable: {text:?}")]
    UnknownVersion {
        /// What the executable says.
        text: String,
    },
    /// The file ends before what its headers promise.
    #[error("file cut off: {len} bytes wanted at file offset {offset:#x}, the file has {file_len}")]
    Truncated {
        /// File offset of the first byte wanted.
        offset: u64,
        /// How many bytes were wanted.
        len: u64,
        /// How many bytes the file has.
        file_len: u64,
    },
    /// No segment holds this range of addresses.
    #[error("{len} bytes at address {address} are in no segment of the file")]
    Unmapped {
        /// The first address wanted.
        address: StaticAddr,
        /// How many bytes were wanted.
        len: u64,
    },
    /// A structure of the file contradicts itself.
    #[error("damaged {what} at {at:#x}")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// Where: an address for the structures of Go, a file offset for those of ELF.
        at: u64,
    },
}
