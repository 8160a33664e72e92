//! The table of probes: what each is called, and where it was set.

use std::fmt;

use bingo_common::{Kind, Register};

use crate::binary::{ProbeKind, ProbeSite, SiteRegister};
use crate::model::{Addr, LoadBias, LostKind};

/// One of the probes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Probe {
    /// `runtime.park_m`: a goroutine parks.
    Park,
    /// `runtime.ready`: a goroutine is made runnable.
    Ready,
    /// `runtime.newproc.func1`: a goroutine is made.
    Create,
    /// `runtime.goexit1`, `runtime.gdestroy` or `runtime.goexit0`: a goroutine ends.
    Exit,
}

impl Probe {
    /// All of them, by index.
    pub const ALL: [Probe; 4] = [Probe::Park, Probe::Ready, Probe::Create, Probe::Exit];

    /// Its number on the eBPF side.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Probe::Park => Kind::Park,
            Probe::Ready => Kind::Ready,
            Probe::Create => Kind::Create,
            Probe::Exit => Kind::Exit,
        }
    }

    /// Its program in the object, which is also its name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Probe::Park => "park",
            Probe::Ready => "ready",
            Probe::Create => "create",
            Probe::Exit => "exit",
        }
    }

    /// What is lost when one of its records is.
    #[must_use]
    pub const fn lost_kind(self) -> LostKind {
        match self {
            Probe::Park => LostKind::Block,
            Probe::Ready => LostKind::Unblock,
            Probe::Create => LostKind::Create,
            Probe::Exit => LostKind::Dead,
        }
    }

    /// Its index in [`Probe::ALL`], the same as its kind's.
    pub(super) const fn index(self) -> usize {
        self.kind().index()
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An instruction to set a probe on, where the arguments of the function are
/// still in their registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site {
    /// Which probe.
    pub probe: Probe,
    /// The instruction in the executable's file, in bytes.
    pub file_offset: u64,
    /// The instruction in the target's memory.
    pub address: Addr,
    /// Which register holds the goroutine that it is about.
    pub goroutine: Register,
}

impl Site {
    /// The site that was chosen in an executable, in a process of it.
    #[must_use]
    pub fn of(site: &ProbeSite, bias: LoadBias) -> Site {
        let probe = match site.kind {
            ProbeKind::Park => Probe::Park,
            ProbeKind::Ready => Probe::Ready,
            ProbeKind::Create => Probe::Create,
            ProbeKind::Exit => Probe::Exit,
        };
        let goroutine = match site.goroutine {
            SiteRegister::Ax => Register::Rax,
            SiteRegister::Bx => Register::Rbx,
            SiteRegister::R14 => Register::R14,
        };
        Site { probe, file_offset: site.file_offset, address: bias.to_target(site.address), goroutine }
    }
}
