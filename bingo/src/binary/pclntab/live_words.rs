//! Which words of a frame hold pointers: the stack maps that the compiler leaves
//! for the garbage collector, read as it reads them (`stkframe.getStackMap` in
//! `runtime/stkframe.go`, Go 1.19 to 1.27).
//!
//! ```text
//!   higher  ┌──────────────┐
//!           │ arguments    │  a map, from argp up
//!   argp    ├──────────────┤
//!           │ return addr. │
//!           │ saved bp     │
//!   varp    ├──────────────┤
//!           │ locals       │  a map, that ends at varp
//!   sp      └──────────────┘
//! ```

use super::Function;
use crate::binary::{Elf, bytes};
use crate::model::StaticAddr;

/// go: internal/abi.PCDATA_StackMapIndex (1.18-1.27)
const STACK_MAP_INDEX: u32 = 1;
/// go: internal/abi.FUNCDATA_ArgsPointerMaps (1.18-1.27)
const ARGUMENTS: u8 = 0;
/// go: internal/abi.FUNCDATA_LocalsPointerMaps (1.18-1.27)
const LOCALS: u8 = 1;
/// go: internal/abi.FUNCDATA_StackObjects (1.18-1.27)
const OBJECTS: u8 = 2;

/// No frame has more words than this in its maps.
const MOST_WORDS: u32 = 1 << 24;
/// No frame has more objects than this.
const MOST_OBJECTS: u64 = 1 << 16;

/// The words of one frame that hold pointers, at one instruction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LiveWords {
    /// Bytes below `varp` at which they begin, multiples of 8.
    pub locals: Vec<u32>,
    /// Bytes above `argp` at which they begin, multiples of 8.
    pub arguments: Vec<u32>,
    /// Variables whose address is taken, as their place and size in bytes: from
    /// `varp` where the place is negative, else from `argp`. Whether they are in
    /// use is not said.
    pub objects: Vec<(i32, u32)>,
}

impl LiveWords {
    /// Those of `function` while the instruction at `address` executes.
    pub(super) fn of(function: &Function<'_>, image: &Elf, address: StaticAddr) -> Option<LiveWords> {
        // It makes up its own map, by what it calls (stkframe.argMapInternal).
        if matches!(function.name().as_str(), "reflect.makeFuncStub" | "reflect.methodValueCall") {
            return None;
        }
        // In the prologue there is no value yet: the first map counts.
        let index =
            if address == function.entry { None } else { function.pc_value(STACK_MAP_INDEX, address) };
        let index = index.filter(|&index| index != -1).unwrap_or(0);
        let index = u32::try_from(index).ok()?;
        let (count, locals) = bits(image, function.func_data(LOCALS)?, index)?;
        let locals = locals.into_iter().map(|word| (count - word) * 8).collect();
        let arguments = match (function.args(), function.func_data(ARGUMENTS)) {
            (..=0, _) => Vec::new(),
            (_, None) => return None,
            (_, Some(map)) => bits(image, map, index)?.1.into_iter().map(|word| word * 8).collect(),
        };
        let objects = match function.func_data(OBJECTS) {
            Some(table) => objects(image, table)?,
            None => Vec::new(),
        };
        Some(LiveWords { locals, arguments, objects })
    }
}

/// How many words the map at `map` has, and those that are set in its bitmap
/// number `index`.
/// go: runtime.stackmap (1.18-1.27)
fn bits(image: &Elf, map: StaticAddr, index: u32) -> Option<(u32, Vec<u32>)> {
    let head = image.read(map, 8).ok()?;
    let (maps, words) = (bytes::u32_at(&head, 0)?, bytes::u32_at(&head, 4)?);
    if words == 0 {
        return Some((0, Vec::new()));
    }
    if index >= maps || words > MOST_WORDS {
        return None;
    }
    let size = u64::from(words.div_ceil(8));
    let at = map.0.checked_add(8)?.checked_add(size.checked_mul(u64::from(index))?)?;
    let mask = image.read(StaticAddr(at), size).ok()?;
    let is_set = |word: &u32| {
        let byte = usize::try_from(word / 8).ok().and_then(|byte| mask.get(byte));
        byte.is_some_and(|byte| byte >> (word % 8) & 1 != 0)
    };
    Some((words, (0..words).filter(is_set).collect()))
}

/// go: runtime.stackObjectRecord (1.18-1.27): off i32, size i32, ptrdata i32, gcdataoff u32
fn objects(image: &Elf, table: StaticAddr) -> Option<Vec<(i32, u32)>> {
    let count = bytes::u64_at(&image.read(table, 8).ok()?, 0)?;
    if count > MOST_OBJECTS {
        return None;
    }
    let records = image.read(StaticAddr(table.0.checked_add(8)?), count * 16).ok()?;
    let record = |bytes: &[u8]| Some((bytes::u32_at(bytes, 0)?.cast_signed(), bytes::u32_at(bytes, 4)?));
    records.chunks_exact(16).map(record).collect()
}
