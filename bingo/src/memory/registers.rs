//! The registers of a stopped thread, wherever they come from: a core's notes, the
//! frame of a signal in memory, ptrace.

use crate::model::Addr;

/// What a thread had in its registers when it stopped.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Registers {
    /// In the order in which DWARF numbers them: rax, rdx, rcx, rbx, rsi, rdi, rbp,
    /// rsp, r8 to r15 (System V ABI for x86-64, figure 3.36).
    pub general: [u64; 16],
    /// Where it executes.
    pub pc: u64,
}

impl Registers {
    /// The stack pointer.
    #[must_use]
    pub fn sp(&self) -> Addr {
        let [.., sp, _, _, _, _, _, _, _, _] = self.general;
        Addr(sp)
    }

    /// The frame pointer.
    #[must_use]
    pub fn bp(&self) -> Addr {
        let [_, _, _, _, _, _, bp, ..] = self.general;
        Addr(bp)
    }
}
