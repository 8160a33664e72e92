//! The site where a new goroutine has its id: not the entry of
//! `runtime.newproc`, where it has none, but the call that queues it.
//!
//! ```text
//! runtime.newproc.func1:
//!   call runtime.newproc1      ; the new g in rax
//!   mov  rbx, rax
//!   call runtime.runqput       ; the site
//! ```

use iced_x86::{Code, Instruction, InstructionInfoFactory, OpAccess, OpKind, Register};

use super::{FrameState, ProbeKind, ProbeSite, ProbeSiteError, SiteInstruction};
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
    let queue = entry_of("runtime.runqput")?;
    let function = binary.functions().function_named(FUNCTION).ok_or(ProbeSiteError::NoFunction(FUNCTION))?;
    let listing = Listing::of(binary.elf(), &function)?;
    let unrecognised =
        |what| ProbeSiteError::Unrecognised { function: FUNCTION, entry: function.entry, what };
    let call = find(&listing, make, queue)
        .ok_or_else(|| unrecognised("no call of runtime.runqput with the new goroutine in BX"))?;
    let address = StaticAddr(call.ip());
    Ok(ProbeSite {
        kind: ProbeKind::Create,
        function: FUNCTION,
        address,
        file_offset: binary
            .file_offset(address)
            .ok_or_else(|| unrecognised("its code is not in the file"))?,
        instruction: SiteInstruction::of(&listing, call),
        frame: FrameState::Established,
        repeats: false,
    })
}

/// The call of `queue` with what the call of `make` returned in `BX`.
fn find(listing: &Listing, make: StaticAddr, queue: StaticAddr) -> Option<&Instruction> {
    let made = listing.instructions.iter().position(|i| call_target(i) == Some(make))?;
    let mut holders = vec![Register::RAX];
    let mut facts = InstructionInfoFactory::new();
    for instruction in listing.instructions.get(made + 1..)? {
        if call_target(instruction) == Some(queue) {
            return holders.contains(&Register::RBX).then_some(instruction);
        }
        let is_copy = matches!(instruction.code(), Code::Mov_rm64_r64 | Code::Mov_r64_rm64)
            && instruction.op0_kind() == OpKind::Register
            && instruction.op1_kind() == OpKind::Register
            && holders.contains(&instruction.op1_register());
        let into = instruction.op0_register();
        holders.retain(|holder| {
            !facts.info(instruction).used_registers().iter().any(|used| {
                let writes = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
                writes && used.register().full_register() == *holder
            })
        });
        if is_copy && !holders.contains(&into) {
            holders.push(into);
        }
        // A call or a branch in between: what the registers hold then is not known.
        if instruction.flow_control() != iced_x86::FlowControl::Next {
            return None;
        }
    }
    None
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

    fn check(between: &[u8], expect: Option<u64>) {
        let mut code = call(0, 0x50_0000);
        code.extend_from_slice(between);
        code.extend(call(code.len(), 0x60_0000));
        let listing = Listing::of_bytes(code, StaticAddr(ENTRY));
        let found = find(&listing, StaticAddr(0x50_0000), StaticAddr(0x60_0000));
        assert_eq!(found.map(|i| i.ip() - ENTRY), expect);
    }

    #[test]
    fn the_new_goroutine_must_be_in_bx() {
        const MOV_RBX_RAX: [u8; 3] = [0x48, 0x89, 0xc3];
        const MOV_RAX_RDX: [u8; 3] = [0x48, 0x89, 0xd0];
        const XOR_EBX_EBX: [u8; 2] = [0x31, 0xdb];
        const JMP: [u8; 2] = [0xeb, 0x00];
        check(&MOV_RBX_RAX, Some(8));
        check(&[MOV_RBX_RAX, MOV_RAX_RDX].concat(), Some(11));
        check(&[], None);
        check(&[MOV_RAX_RDX, MOV_RBX_RAX].concat(), None);
        check(&[MOV_RBX_RAX.as_slice(), &XOR_EBX_EBX].concat(), None);
        check(&[MOV_RBX_RAX.as_slice(), &JMP].concat(), None);
    }
}
