//! Any bytes as the DWARF of variables: the lengths of nine sections, the nine, and
//! the rest is `.debug_info`. It is asked for the calls at addresses all over it, and
//! for the types of their variables, and of what those consist of.
#![no_main]

use std::collections::HashSet;

use bingo::binary::debug::{Debug, DebugSections, Frame, Kind, Registers, TypeId};
use bingo::model::{LoadBias, StaticAddr};
use libfuzzer_sys::fuzz_target;

/// Types that are looked at.
const TYPES: usize = 200;

fuzz_target!(|bytes: &[u8]| {
    let Some((lengths, mut rest)) = bytes.split_first_chunk::<36>() else { return };
    let [abbrev, str, line_str, str_offsets, addr, loc, loclists, ranges, rnglists] =
        [0, 4, 8, 12, 16, 20, 24, 28, 32].map(|at| {
            let length = lengths[at..].first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
            let (section, behind) = rest.split_at(rest.len().min(length as usize));
            rest = behind;
            section.to_vec()
        });
    let info = rest.to_vec();
    let sections =
        DebugSections { info, abbrev, str, line_str, str_offsets, addr, loc, loclists, ranges, rnglists };
    let Ok(debug) = Debug::new(&sections) else { return };
    let registers = Registers::default();
    let frame = Frame { cfa: 0xc000_1000, registers: Some(&registers), argument: None, bias: LoadBias(0) };
    let mut open: Vec<TypeId> = Vec::new();
    for address in (0x40_0000..0x50_0000).step_by(0x97) {
        let Ok(calls) = debug.calls_at(StaticAddr(address), &frame) else { continue };
        open.extend(calls.iter().flat_map(|call| &call.variables).filter_map(|variable| variable.ty));
    }
    for offset in (0..0x200).step_by(8) {
        open.extend(debug.runtime_type(offset));
    }
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if seen.len() >= TYPES || !seen.insert(id) {
            continue;
        }
        let Ok(ty) = debug.type_at(id) else { continue };
        match &ty.kind {
            Kind::Slice(elem) | Kind::Chan(elem) | Kind::Array(elem, _) | Kind::Parameter(_, elem) => {
                open.push(*elem);
            }
            Kind::Pointer(elem) => open.extend(*elem),
            Kind::Map(key, elem, table) => open.extend([*key, *elem, *table]),
            Kind::Struct(fields) => open.extend(fields.iter().map(|field| field.ty)),
            _ => {}
        }
    }
});
