//! A site at the beginning of a function, while its arguments are in their
//! registers.
//!
//! ```text
//! Go 1.21 on                          Go 1.19
//!   cmp  rsp, [r14+16]                  cmp  rsp, [r14+16]
//!   jbe  grow        2nd choice         jbe  grow               3rd choice
//!   push rbp         1st choice         sub  rsp, 24
//!   mov  rbp, rsp                       mov  [rsp+16], rbp
//!   sub  rsp, 16                        lea  rbp, [rsp+16]
//!                                       nop                     1st choice
//! grow: call morestack                  je   …                  2nd choice
//!       jmp  entry                    grow: …
//! ```
//!
//! What comes behind the growth check runs once a call; the check itself, and
//! the entry, once more when the stack grows.

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

use super::{ProbeKind, ProbeSite, ProbeSiteError, SiteInstruction, SiteRegister};
use crate::binary::Binary;
use crate::binary::code::Listing;
use crate::model::StaticAddr;

/// How far from the entry a site may be, in instructions.
const FARTHEST: usize = 64;

/// Chooses a site in `function`.
pub(super) fn site(
    binary: &Binary,
    kind: ProbeKind,
    function: &'static str,
) -> Result<ProbeSite, ProbeSiteError> {
    let found = binary.functions().function_named(function).ok_or(ProbeSiteError::NoFunction(function))?;
    let listing = Listing::of(binary.elf(), &found)?;
    let choice = choose(&listing, kind);
    let file_offset = binary.file_offset(choice.address).ok_or(ProbeSiteError::Unrecognised {
        function,
        entry: found.entry,
        what: "its code is not in the file",
    })?;
    Ok(ProbeSite {
        kind,
        function,
        address: choice.address,
        file_offset,
        instruction: choice.instruction,
        goroutine: match kind {
            ProbeKind::Park | ProbeKind::Ready => SiteRegister::Ax,
            ProbeKind::Create => SiteRegister::Bx,
            ProbeKind::Exit => SiteRegister::R14,
        },
        repeats: choice.repeats,
    })
}

/// A possible site; the order is that of preference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    pub(super) address: StaticAddr,
    pub(super) instruction: SiteInstruction,
    pub(super) repeats: bool,
}

impl Choice {
    /// Lower is better: once a call before more often, emulated before stepped.
    fn rank(&self) -> u8 {
        match self.instruction {
            SiteInstruction::Stepped => 4,
            _ if self.repeats => 3,
            SiteInstruction::Push => 0,
            SiteInstruction::Nop => 1,
            SiteInstruction::Jcc | SiteInstruction::Jmp | SiteInstruction::Call => 2,
        }
    }
}

/// The registers that must be those of the entry.
fn arguments(kind: ProbeKind) -> &'static [Register] {
    match kind {
        ProbeKind::Park | ProbeKind::Ready => &[Register::RAX, Register::R14],
        ProbeKind::Create => &[Register::RBX, Register::R14],
        ProbeKind::Exit => &[Register::R14],
    }
}

/// The best site on the way that every call takes from the entry.
pub(super) fn choose(listing: &Listing, kind: ProbeKind) -> Choice {
    let mut best = Choice {
        address: listing.entry,
        instruction: match listing.instructions.first() {
            Some(first) => SiteInstruction::of(listing, first),
            None => SiteInstruction::Stepped,
        },
        repeats: true,
    };
    let mut facts = InstructionInfoFactory::new();
    let mut previous: Option<&Instruction> = None;
    let mut checked = false;
    for instruction in listing.instructions.iter().take(FARTHEST) {
        let is_check = instruction.flow_control() == FlowControl::ConditionalBranch
            && previous.is_some_and(compares_guard);
        checked |= is_check;
        let kind_here = SiteInstruction::of(listing, instruction);
        if kind_here.is_emulated() && !listing.is_in_loop(instruction) {
            let address = StaticAddr(instruction.ip());
            // Without a growth check the function cannot run twice for one call.
            let repeats = is_check || (!checked && grows(listing));
            let choice = Choice { address, instruction: kind_here, repeats };
            if choice.rank() < best.rank() {
                best = choice;
            }
        }
        let goes_on = match instruction.flow_control() {
            FlowControl::Next => true,
            // Its other way is the stack's growth, which comes back to the entry.
            FlowControl::ConditionalBranch => is_check,
            _ => false,
        };
        let written = facts.info(instruction).used_registers().iter().any(|used| {
            let writes = matches!(
                used.access(),
                OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
            );
            writes && arguments(kind).contains(&used.register().full_register())
        });
        if !goes_on || written {
            break;
        }
        previous = Some(instruction);
    }
    best
}

/// `cmp rsp, [r14 + 16]` (stackguard0), `[r14 + 24]` (stackguard1), or of a
/// larger frame's end in another register.
fn compares_guard(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Cmp
        && instruction.op1_kind() == OpKind::Memory
        && instruction.memory_base() == Register::R14
        && matches!(instruction.memory_displacement64(), 16 | 24)
}

/// Whether the function checks for stack growth at all.
fn grows(listing: &Listing) -> bool {
    listing.instructions.iter().take(FARTHEST).any(compares_guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: StaticAddr = StaticAddr(0x43_6120);

    fn check(bytes: &[&[u8]], kind: ProbeKind, at: u64, expect: (SiteInstruction, bool)) {
        let choice = choose(&Listing::of_bytes(bytes.concat(), ENTRY), kind);
        let found = (choice.instruction, choice.repeats);
        assert_eq!((choice.address.0 - ENTRY.0, found), (at, expect));
    }

    const CMP: &[u8] = &[0x49, 0x3b, 0x66, 0x10];
    const JBE_NEAR: &[u8] = &[0x0f, 0x86, 0xe9, 0, 0, 0];
    const PUSH_RBP: &[u8] = &[0x55];
    const MOV_RBP_RSP: &[u8] = &[0x48, 0x89, 0xe5];
    const SUB_24: &[u8] = &[0x48, 0x83, 0xec, 0x18];
    const SAVE_RBP: &[u8] = &[0x48, 0x89, 0x6c, 0x24, 0x10];
    const LEA_RBP: &[u8] = &[0x48, 0x8d, 0x6c, 0x24, 0x10];
    const NOP: &[u8] = &[0x90];
    const RET: &[u8] = &[0xc3];

    #[test]
    fn the_push_of_the_frame_pointer() {
        let code = [CMP, JBE_NEAR, PUSH_RBP, MOV_RBP_RSP, SUB_24, NOP, RET];
        check(&code, ProbeKind::Park, 10, (SiteInstruction::Push, false));
    }

    #[test]
    fn the_first_nop_where_nothing_is_pushed() {
        let mov_rdx: &[u8] = &[0x49, 0x8b, 0x56, 0x30];
        let code = [CMP, JBE_NEAR, SUB_24, SAVE_RBP, LEA_RBP, mov_rdx, NOP, RET];
        check(&code, ProbeKind::Park, 28, (SiteInstruction::Nop, false));
    }

    #[test]
    fn not_behind_a_written_argument() {
        let mov_rax: &[u8] = &[0x49, 0x8b, 0x46, 0x30];
        let mov_eax: &[u8] = &[0x31, 0xc0];
        for write in [mov_rax, mov_eax] {
            let code = [CMP, JBE_NEAR, SUB_24, SAVE_RBP, LEA_RBP, write, NOP, RET];
            check(&code, ProbeKind::Park, 4, (SiteInstruction::Jcc, true));
        }
        let code = [CMP, JBE_NEAR, SUB_24, SAVE_RBP, LEA_RBP, mov_rax, NOP, RET];
        check(&code, ProbeKind::Exit, 28, (SiteInstruction::Nop, false));
    }

    #[test]
    fn not_where_only_some_calls_come_or_one_comes_often() {
        let jump_ahead: &[u8] = &[0x74, 0x01];
        let code = [CMP, JBE_NEAR, SUB_24, SAVE_RBP, LEA_RBP, jump_ahead, NOP, RET];
        check(&code, ProbeKind::Park, 24, (SiteInstruction::Jcc, false));
        let jump_back: &[u8] = &[0xeb, 0xfd];
        let code = [CMP, JBE_NEAR, SUB_24, SAVE_RBP, LEA_RBP, NOP, jump_back];
        check(&code, ProbeKind::Park, 4, (SiteInstruction::Jcc, true));
    }

    #[test]
    fn the_entry_where_there_is_nothing_better() {
        let long_nop: &[u8] = &[0x0f, 0x1f, 0x00];
        let pause: &[u8] = &[0xf3, 0x90];
        check(&[SUB_24, long_nop, pause, RET], ProbeKind::Exit, 0, (SiteInstruction::Stepped, true));
        check(&[], ProbeKind::Exit, 0, (SiteInstruction::Stepped, true));
    }
}
