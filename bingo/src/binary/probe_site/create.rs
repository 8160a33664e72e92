//! The site where a new goroutine has its id: not the entry of
//! `runtime.newproc`, where it has none, but the call that queues it.
//!
//! ```text
//! runtime.newproc.func1:
//!   call runtime.newproc1      ; the new g in rax
//!   mov  rbx, rax
//!   call runtime.runqput       ; the site
//! ```
//!
//! Where `runqput` was inlined (a profile guided the compiler), the site is the
//! first emulated instruction at which `rax` still has the new `g`.

use iced_x86::{Code, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind, Register};

use super::{ProbeKind, ProbeSite, ProbeSiteError, SiteInstruction, SiteRegister};
use crate::binary::Binary;
use crate::binary::code::{Listing, call_target};
use crate::model::StaticAddr;

const FUNCTION: &str = "runtime.newproc.func1";

pub(super) fn site(binary: &Binary) -> Result<ProbeSite, ProbeSiteError> {
    let entry_of = |name: &'static str| {
        let function = binary.functions().function_named(name);
        function.map(|function| function.entry).ok_or(ProbeSiteError::NoFunction(name))
    };
    let make = entry_of("runtime.newproc1")?;
    let queue = entry_of("runtime.runqput").ok();
    let function = binary.functions().function_named(FUNCTION).ok_or(ProbeSiteError::NoFunction(FUNCTION))?;
    let listing = Listing::of(binary.elf(), &function)?;
    let unrecognised =
        |what| ProbeSiteError::Unrecognised { function: FUNCTION, entry: function.entry, what };
    let (instruction, goroutine) = find(&listing, make, queue)
        .ok_or_else(|| unrecognised("no emulated instruction with the new goroutine in a register"))?;
    let address = StaticAddr(instruction.ip());
    Ok(ProbeSite {
        kind: ProbeKind::Create,
        function: FUNCTION,
        address,
        file_offset: binary
            .file_offset(address)
            .ok_or_else(|| unrecognised("its code is not in the file"))?,
        instruction: SiteInstruction::of(&listing, instruction),
        goroutine,
        repeats: false,
    })
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Register(Register),
    /// So many bytes above the stack pointer.
    Slot(u64),
}

/// The call of `queue` with what the call of `make` returned in `BX`, else the
/// first emulated instruction with it in `AX`.
fn find(
    listing: &Listing,
    make: StaticAddr,
    queue: Option<StaticAddr>,
) -> Option<(&Instruction, SiteRegister)> {
    let made = listing.instructions.iter().position(|i| call_target(i) == Some(make))?;
    let mut holders = vec![Place::Register(Register::RAX)];
    let mut fallback = None;
    let mut facts = InstructionInfoFactory::new();
    for instruction in listing.instructions.get(made + 1..)? {
        let target = call_target(instruction);
        if target.is_some() && target == queue && holders.contains(&Place::Register(Register::RBX)) {
            return Some((instruction, SiteRegister::Bx));
        }
        if fallback.is_none()
            && holders.contains(&Place::Register(Register::RAX))
            && SiteInstruction::of(listing, instruction).is_emulated()
            && !listing.is_in_loop(instruction)
        {
            fallback = Some((instruction, SiteRegister::Ax));
        }
        match instruction.flow_control() {
            FlowControl::Next => {}
            // A callee leaves nothing in the registers that can be relied on.
            FlowControl::Call => {
                holders.retain(|holder| matches!(holder, Place::Slot(_)));
                continue;
            }
            _ => break,
        }
        let copied = copy(instruction).filter(|(from, _)| holders.contains(from)).map(|(_, into)| into);
        let stored = store(instruction);
        let used = facts.info(instruction).used_registers();
        holders.retain(|holder| match holder {
            Place::Slot(_) => Some(*holder) != stored,
            Place::Register(register) => !used.iter().any(|used| {
                let writes = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
                writes && used.register().full_register() == *register
            }),
        });
        holders.extend(copied);
    }
    fallback
}

/// From where to where an 8-byte `mov` copies.
fn copy(instruction: &Instruction) -> Option<(Place, Place)> {
    if !matches!(instruction.code(), Code::Mov_rm64_r64 | Code::Mov_r64_rm64) {
        return None;
    }
    let place = |op: u32| match instruction.op_kind(op) {
        OpKind::Register => Some(Place::Register(instruction.op_register(op))),
        OpKind::Memory => slot(instruction),
        _ => None,
    };
    place(1).zip(place(0))
}

/// The stack slot that an instruction writes.
fn store(instruction: &Instruction) -> Option<Place> {
    (instruction.op_count() > 0 && instruction.op0_kind() == OpKind::Memory)
        .then(|| slot(instruction))
        .flatten()
}

fn slot(instruction: &Instruction) -> Option<Place> {
    let plain = instruction.memory_base() == Register::RSP && instruction.memory_index() == Register::None;
    plain.then(|| Place::Slot(instruction.memory_displacement64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: u64 = 0x43_ed60;

    /// `call` at `offset` to `target`.
    fn call(offset: usize, target: u64) -> Vec<u8> {
        let next = ENTRY + offset as u64 + 5;
        let relative = i32::try_from(target.cast_signed() - next.cast_signed()).unwrap();
        [&[0xe8], relative.to_le_bytes().as_slice()].concat()
    }

    fn check(between: &[u8], expect: Option<(u64, SiteRegister)>) {
        let mut code = call(0, 0x50_0000);
        code.extend_from_slice(between);
        code.extend(call(code.len(), 0x60_0000));
        let listing = Listing::of_bytes(code, StaticAddr(ENTRY));
        let found = find(&listing, StaticAddr(0x50_0000), Some(StaticAddr(0x60_0000)));
        assert_eq!(found.map(|(i, register)| (i.ip() - ENTRY, register)), expect);
    }

    #[test]
    fn the_new_goroutine_must_be_in_bx() {
        const MOV_RBX_RAX: [u8; 3] = [0x48, 0x89, 0xc3];
        const MOV_RAX_RDX: [u8; 3] = [0x48, 0x89, 0xd0];
        const XOR_EBX_EBX: [u8; 2] = [0x31, 0xdb];
        const JMP: [u8; 2] = [0xeb, 0x00];
        const NOP: [u8; 1] = [0x90];
        const MOV_SLOT_RAX: [u8; 5] = [0x48, 0x89, 0x44, 0x24, 0x20];
        const MOV_RBX_SLOT: [u8; 5] = [0x48, 0x8b, 0x5c, 0x24, 0x20];
        check(&MOV_RBX_RAX, Some((8, SiteRegister::Bx)));
        check(&[MOV_RBX_RAX, MOV_RAX_RDX].concat(), Some((11, SiteRegister::Bx)));
        check(&[MOV_RAX_RDX, MOV_RBX_RAX].concat(), None);
        check(&[MOV_RAX_RDX.as_slice(), &XOR_EBX_EBX].concat(), None);
        // Inlined: the first emulated instruction that still has it.
        check(&[NOP.as_slice(), &JMP].concat(), Some((5, SiteRegister::Ax)));
        check(&[XOR_EBX_EBX.as_slice(), &JMP].concat(), Some((7, SiteRegister::Ax)));
        check(&[MOV_RAX_RDX.as_slice(), &NOP, &JMP].concat(), None);
        // Kept on the stack over another call.
        let other = call(10, 0x70_0000);
        let between = [MOV_SLOT_RAX.as_slice(), &other, &MOV_RBX_SLOT].concat();
        check(&between, Some((20, SiteRegister::Bx)));
    }
}
