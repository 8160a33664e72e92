//! Where probes are placed: [`ProbeSites`].
//!
//! In: an executable. Out: for each thing to watch an address, chosen so that
//! the kernel emulates the instruction there in place of single-stepping it,
//! which costs five to seven times as much, and so that the arguments are still
//! in their registers.
//!
//! At every site, whatever its instruction, `R14` is the `g` that executes
//! (Go's internal ABI on amd64).

mod create;
mod entry;

use iced_x86::{Code, Instruction};

use super::code::Listing;
use super::{Binary, BinaryError};
use crate::model::StaticAddr;

/// The sites of one executable; each is there or says why it is not.
#[derive(Debug)]
pub struct ProbeSites {
    /// [`ProbeKind::Park`].
    pub park: Result<ProbeSite, ProbeSiteError>,
    /// [`ProbeKind::Ready`].
    pub ready: Result<ProbeSite, ProbeSiteError>,
    /// [`ProbeKind::Create`].
    pub create: Result<ProbeSite, ProbeSiteError>,
    /// [`ProbeKind::Exit`].
    pub exit: Result<ProbeSite, ProbeSiteError>,
}

/// A place for a probe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeSite {
    /// What it watches.
    pub kind: ProbeKind,
    /// The function it is in.
    pub function: &'static str,
    /// The address of the instruction.
    pub address: StaticAddr,
    /// Where the file has it: what the kernel wants.
    pub file_offset: u64,
    /// The instruction there.
    pub instruction: SiteInstruction,
    /// The register that has the goroutine which this is about.
    pub goroutine: SiteRegister,
    /// Whether the site is passed once more each time the call has to grow the
    /// stack first: the same event comes twice.
    pub repeats: bool,
}

/// What a probe watches, and the registers that tell of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProbeKind {
    /// `runtime.park_m`: the goroutine in `AX` blocks. Its `waitreason` and its
    /// m's `waitlock` are set, and `sched` says where it left off: in `gopark`,
    /// which calls `mcall(park_m)`, or in what that was inlined into. A function
    /// that is handed to `mcall` is itself never inlined.
    // go: runtime.park_m(gp) on g0 (1.18-1.27)
    Park,
    /// `runtime.ready`: the goroutine in `AX` is made runnable. `R14` is the
    /// `g0` of the thread, since it runs on the system stack; who does it is
    /// `m.curg` of its `m`.
    // go: runtime.ready(gp, traceskip, next) (1.18-1.27)
    Ready,
    /// The call of `runtime.runqput` in `runtime.newproc.func1`: the goroutine
    /// in `BX` has been made and has its id (in `AX` where `runqput` was
    /// inlined). `R14` is `g0`, as in `Ready`.
    // go: runtime.runqput(pp, gp, next) (1.18-1.27)
    Create,
    /// `runtime.goexit1`: the goroutine in `R14` ends.
    // go: runtime.goexit1() (1.18-1.27)
    Exit,
}

/// The instruction at a site.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SiteInstruction {
    /// `push register`.
    Push,
    /// A `nop` of one opcode byte.
    Nop,
    /// A conditional jump.
    Jcc,
    /// A jump.
    Jmp,
    /// A call.
    Call,
    /// Anything else: the kernel single-steps it.
    Stepped,
}

/// A register at a site.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SiteRegister {
    /// `rax`
    Ax,
    /// `rbx`
    Bx,
    /// `r14`: the `g` that executes.
    R14,
}

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum ProbeSiteError {
    /// The program has no such function.
    #[error("there is no function {0}")]
    NoFunction(&'static str),
    /// The function is not compiled as in any release that Bingo knows.
    #[error("{function} at {entry}: {what}")]
    Unrecognised {
        /// The function.
        function: &'static str,
        /// Its first address.
        entry: StaticAddr,
        /// What was looked for.
        what: &'static str,
    },
    /// The code cannot be read.
    #[error(transparent)]
    Unreadable(#[from] BinaryError),
}

impl ProbeSites {
    /// Chooses the sites.
    #[must_use]
    pub fn find(binary: &Binary) -> ProbeSites {
        ProbeSites {
            park: entry::site(binary, ProbeKind::Park, "runtime.park_m"),
            ready: entry::site(binary, ProbeKind::Ready, "runtime.ready"),
            create: create::site(binary),
            exit: entry::site(binary, ProbeKind::Exit, "runtime.goexit1"),
        }
    }

    /// The sites that were found, and the errors of the others.
    pub fn each(&self) -> impl Iterator<Item = (ProbeKind, Result<&ProbeSite, &ProbeSiteError>)> {
        [
            (ProbeKind::Park, self.park.as_ref()),
            (ProbeKind::Ready, self.ready.as_ref()),
            (ProbeKind::Create, self.create.as_ref()),
            (ProbeKind::Exit, self.exit.as_ref()),
        ]
        .into_iter()
    }

    /// What a reader should know: sites that are missing, and sites that cost
    /// more than they should.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.each()
            .filter_map(|(kind, site)| match site {
                Err(error) => Some(format!("no probe on {}: {error}; polling alone sees it", kind.as_str())),
                Ok(site) if !site.instruction.is_emulated() => Some(format!(
                    "the probe on {} is single-stepped at {} ({}): each hit costs about six times as much",
                    kind.as_str(),
                    site.address,
                    site.function
                )),
                Ok(_) => None,
            })
            .collect()
    }
}

impl ProbeKind {
    /// `park`, `ready`, `create`, `exit`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ProbeKind::Park => "park",
            ProbeKind::Ready => "ready",
            ProbeKind::Create => "create",
            ProbeKind::Exit => "exit",
        }
    }
}

impl SiteInstruction {
    /// Whether the kernel emulates it.
    #[must_use]
    pub fn is_emulated(self) -> bool {
        self != SiteInstruction::Stepped
    }

    /// What the kernel will make of `instruction`: only the encodings that
    /// `push_setup_ops` and `branch_setup_ops` of `arch/x86/kernel/uprobes.c`
    /// take (Linux 5.8 to 6.18; 6.18 takes longer nops too).
    fn of(listing: &Listing, instruction: &Instruction) -> SiteInstruction {
        match (instruction.code(), listing.encoding(instruction)) {
            (Code::Push_r64, [0x50..=0x57] | [0x41, 0x50..=0x57]) => SiteInstruction::Push,
            (_, [0x90] | [0x66, 0x90]) => SiteInstruction::Nop,
            (_, [0x70..=0x7f, _] | [0x0f, 0x80..=0x8f, _, _, _, _]) => SiteInstruction::Jcc,
            (_, [0xeb, _] | [0xe9, _, _, _, _]) => SiteInstruction::Jmp,
            (Code::Call_rel32_64, [0xe8, _, _, _, _]) => SiteInstruction::Call,
            _ => SiteInstruction::Stepped,
        }
    }
}
