//! The instructions of one function: a name comes in, decoded x86 out.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};

use super::{BinaryError, Elf, Function};
use crate::model::StaticAddr;

/// The longest function that is decoded, in bytes; those of interest have at
/// most 4 KiB. What follows is left out.
const LONGEST: u64 = 64 << 10;

/// The instructions from a function's entry on, in the order of their addresses.
pub(super) struct Listing {
    pub(super) entry: StaticAddr,
    pub(super) instructions: Vec<Instruction>,
    bytes: Vec<u8>,
}

impl Listing {
    /// Decodes `function`. Bytes that are no instruction end the listing.
    pub(super) fn of(image: &Elf, function: &Function<'_>) -> Result<Listing, BinaryError> {
        let size = function.end.0.saturating_sub(function.entry.0).min(LONGEST);
        Ok(Listing::of_bytes(image.read(function.entry, size)?, function.entry))
    }

    /// Decodes `bytes`, which are at `entry`.
    pub(super) fn of_bytes(bytes: Vec<u8>, entry: StaticAddr) -> Listing {
        let decoder = Decoder::with_ip(64, &bytes, entry.0, DecoderOptions::NONE);
        let instructions = decoder.into_iter().take_while(|instruction| !instruction.is_invalid()).collect();
        Listing { entry, instructions, bytes }
    }

    /// Whether code at or behind `instruction` jumps back to it or to what comes
    /// before it, the entry excepted: then one call may pass it many times.
    pub(super) fn is_in_loop(&self, instruction: &Instruction) -> bool {
        self.instructions.iter().any(|other| {
            let jumps = matches!(
                other.flow_control(),
                FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
            );
            let target = other.near_branch64();
            jumps && other.ip() >= instruction.ip() && self.entry.0 < target && target <= instruction.ip()
        })
    }

    /// The bytes of one of the instructions.
    pub(super) fn encoding(&self, instruction: &Instruction) -> &[u8] {
        let start = instruction.ip().checked_sub(self.entry.0).and_then(|start| usize::try_from(start).ok());
        start.and_then(|start| self.bytes.get(start..)?.get(..instruction.len())).unwrap_or_default()
    }
}

/// The address that an instruction's memory operand names on its own: `[rip + x]`.
pub(super) fn fixed_address(instruction: &Instruction) -> Option<StaticAddr> {
    instruction.is_ip_rel_memory_operand().then(|| StaticAddr(instruction.ip_rel_memory_address()))
}

/// `lea register, [rip + address]`.
pub(super) fn loads_address(instruction: &Instruction) -> Option<(Register, StaticAddr)> {
    let loads = instruction.code() == Code::Lea_r64_m;
    loads.then(|| instruction.op0_register()).zip(fixed_address(instruction))
}

/// `mov register, [rip + address]`, 8 bytes.
pub(super) fn loads_word(instruction: &Instruction) -> Option<(Register, StaticAddr)> {
    let loads = instruction.code() == Code::Mov_r64_rm64;
    loads.then(|| instruction.op0_register()).zip(fixed_address(instruction))
}

/// The base register of an operand `[register]` with nothing added.
pub(super) fn plain_base(instruction: &Instruction) -> Option<Register> {
    let memory = (0..instruction.op_count()).any(|op| instruction.op_kind(op) == OpKind::Memory);
    let plain = memory
        && instruction.memory_index() == Register::None
        && instruction.memory_displacement64() == 0
        && instruction.memory_base() != Register::None;
    plain.then(|| instruction.memory_base())
}

/// The target of a direct `call`.
pub(super) fn call_target(instruction: &Instruction) -> Option<StaticAddr> {
    (instruction.code() == Code::Call_rel32_64).then(|| StaticAddr(instruction.near_branch64()))
}
