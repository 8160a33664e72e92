//! The target's memory: addresses go in, bytes come out, and what could not be
//! read is said piece by piece.
//!
//! Everything that reads a Go runtime's structures does it through [`Memory`],
//! so a running process, a core file and a test's literal bytes look the same.

#[cfg(all(target_os = "linux", feature = "live"))]
mod auxv;
mod batch;
#[cfg(all(target_os = "linux", feature = "live"))]
mod capabilities;
pub mod core_dump;
#[cfg(all(target_os = "linux", feature = "live"))]
mod frozen;
mod image;
mod overlay;
mod pages;
#[cfg(all(target_os = "linux", feature = "live"))]
mod process;
mod registers;
#[cfg(all(target_os = "linux", feature = "live"))]
mod target;
#[cfg(all(target_os = "linux", feature = "live"))]
mod thread;

pub(crate) use batch::GAP;
pub use batch::{Batch, PieceId};
#[cfg(all(target_os = "linux", feature = "live"))]
pub use capabilities::{CAP_SYS_PTRACE, Capabilities};
#[cfg(all(target_os = "linux", feature = "live"))]
pub use frozen::{FreezeError, FrozenProcess};
pub use image::Image;
pub use overlay::Overlay;
pub use pages::Pages;
#[cfg(all(target_os = "linux", feature = "live"))]
pub use process::ProcessMemory;
pub use registers::Registers;
#[cfg(all(target_os = "linux", feature = "live"))]
pub use target::{Refusal, Target, TargetError};
#[cfg(all(target_os = "linux", feature = "live"))]
pub use thread::{StoppedThread, ThreadError};

use crate::model::Addr;

/// Memory of a target, readable while it changes: two reads, and even two words
/// of one read, need not stem from the same instant.
pub trait Memory: Sync {
    /// Reads every piece of `batch`. A piece that cannot be read stays without
    /// bytes; all others get theirs, whatever their order.
    ///
    /// # Errors
    /// When the target as a whole cannot be read any more.
    fn read_batch(&self, batch: &mut Batch) -> Result<(), MemoryError>;

    /// Fills `bytes` from `addr` on.
    ///
    /// # Errors
    /// [`MemoryError::Unreadable`] when not all of it can be read; else as
    /// [`Memory::read_batch`].
    fn read(&self, addr: Addr, bytes: &mut [u8]) -> Result<(), MemoryError> {
        let mut batch = Batch::default();
        let piece = batch.push(addr, bytes.len());
        self.read_batch(&mut batch)?;
        // A piece that is too long is cut off.
        let found = batch.bytes(piece).filter(|found| found.len() == bytes.len());
        bytes.copy_from_slice(found.ok_or(MemoryError::Unreadable { addr, len: bytes.len() })?);
        Ok(())
    }
}

/// Why memory could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MemoryError {
    /// Not mapped, or not readable.
    #[error("{len} bytes at {addr} cannot be read")]
    Unreadable {
        /// The first address asked for.
        addr: Addr,
        /// How many bytes.
        len: usize,
    },
    /// The target has exited.
    #[error("the process has exited")]
    Gone,
    /// The kernel does not let us read this process.
    #[error("reading the memory of the process is not permitted")]
    NotPermitted,
    /// Whoever asked for it has had enough.
    #[error("it was broken off")]
    Stopped,
    /// Another failure of the system call.
    #[error("reading the memory of the process failed: {0}")]
    System(String),
}
