//! Addresses: those of the file, those of the target, and the one bridge.
//!
//! ```text
//!   StaticAddr (in the ELF file)  + LoadBias (of the process)  =  Addr (in the target)
//! ```
//!
//! The bias is zero unless the executable is position independent.

use std::fmt;

/// An address in the target's memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Addr(pub u64);

/// An address as the ELF file states it, before the loader moved the image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StaticAddr(pub u64);

/// What the loader added to each address of the file, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LoadBias(pub u64);

/// A code address found in a frame, and how it got there.
///
/// A return address points behind the call, which may be the first instruction
/// of another line or even of another function; what executes is the call
/// itself. [`Pc::lookup`] is the one place that knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Pc {
    /// The instruction itself: of a running thread, or below an injected call
    /// (`asyncPreempt`, `sigpanic`).
    Instruction(Addr),
    /// The address that a call will return to.
    Return(Addr),
}

impl Addr {
    /// Whether this is Go's nil.
    #[must_use]
    pub fn is_nil(self) -> bool {
        self.0 == 0
    }

    /// The address `bytes` further on; `None` past the end of the address space.
    #[must_use]
    pub fn checked_add(self, bytes: u64) -> Option<Addr> {
        self.0.checked_add(bytes).map(Addr)
    }

    /// The address `bytes` further on, wrapping: a wrapped one cannot be read.
    #[must_use]
    pub fn offset(self, bytes: u64) -> Addr {
        Addr(self.0.wrapping_add(bytes))
    }
}

impl LoadBias {
    /// Where `addr` of the file is in the target.
    #[must_use]
    pub fn to_target(self, addr: StaticAddr) -> Addr {
        Addr(addr.0.wrapping_add(self.0))
    }

    /// Where `addr` of the target is in the file.
    #[must_use]
    pub fn to_static(self, addr: Addr) -> StaticAddr {
        StaticAddr(addr.0.wrapping_sub(self.0))
    }
}

impl Pc {
    /// The address as it was found.
    #[must_use]
    pub fn addr(self) -> Addr {
        match self {
            Pc::Instruction(addr) | Pc::Return(addr) => addr,
        }
    }

    /// The address to look functions and lines up by: inside the instruction
    /// that executes.
    #[must_use]
    pub fn lookup(self) -> Addr {
        match self {
            Pc::Instruction(addr) => addr,
            Pc::Return(addr) => Addr(addr.0.saturating_sub(1)),
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Addr({:#x})", self.0)
    }
}

impl fmt::Display for StaticAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for StaticAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticAddr({:#x})", self.0)
    }
}
