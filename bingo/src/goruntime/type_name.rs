//! Runtime types (`internal/abi.Type`) as far as they can be told without DWARF: the
//! address of one comes in, its name goes out, and its size.

use super::fields::{Fields, length};
use crate::binary::layout::Layout;
use crate::memory::{Memory, MemoryError};
use crate::model::Addr;

// go: internal/abi.Type, runtime._type (1.19-1.27)
const SIZE: u64 = 0;
const FLAGS: u64 = 20;
const STR: u64 = 40;
const BYTES: usize = 48;
/// The name has a star too much. go: abi.TFlagExtraStar (1.19-1.27)
const EXTRA_STAR: u8 = 2;
/// A name is no longer: bytes.
const LONGEST: u64 = 4 << 10;

/// The name of the runtime type at `address`; `None` where no module has one there.
pub(super) fn of<M: Memory + ?Sized>(
    memory: &M,
    layout: &Layout,
    module: Addr,
    address: Addr,
) -> Option<String> {
    let types = section(memory, layout, module, address)?;
    let bytes = read(memory, address, BYTES)?;
    let at = Fields(&bytes);
    let place = u64::from(at.u32(STR)?);
    let extra = at.byte(FLAGS)? & EXTRA_STAR != 0;
    // go: internal/abi.Name (1.19-1.27): flags, a varint of the length, the text
    let front = read(memory, types.offset(place), 4)?;
    let (mut len, mut shift, mut text) = (0_u64, 0_u32, 1_u64);
    for &byte in front.get(1..)? {
        len |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        text += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if len == 0 || len > LONGEST {
        return None;
    }
    let name = String::from_utf8(read(memory, types.offset(place + text), length(len))?).ok()?;
    Some(if extra { name.strip_prefix('*').unwrap_or(&name).to_owned() } else { name })
}

/// How many bytes a value of the runtime type at `address` has.
pub(super) fn size<M: Memory + ?Sized>(
    memory: &M,
    layout: &Layout,
    module: Addr,
    address: Addr,
) -> Option<u64> {
    section(memory, layout, module, address)?;
    Fields(&read(memory, address, 8)?).u64(SIZE)
}

/// Where the types of the program's module begin, if `address` is among them.
fn section<M: Memory + ?Sized>(memory: &M, layout: &Layout, module: Addr, address: Addr) -> Option<Addr> {
    let bytes = read(memory, module, length(layout.module.size))?;
    let at = Fields(&bytes);
    let (types, end) = (at.u64(layout.module.types)?, at.u64(layout.module.etypes)?);
    ((types..end).contains(&address.0) && address.0.is_multiple_of(8)).then_some(Addr(types))
}

fn read<M: Memory + ?Sized>(memory: &M, address: Addr, len: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; len];
    match memory.read(address, &mut bytes) {
        Ok(()) => Some(bytes),
        Err(MemoryError::Unreadable { .. } | MemoryError::Gone | MemoryError::NotPermitted) => None,
        Err(MemoryError::System(_) | MemoryError::Stopped) => None,
    }
}
