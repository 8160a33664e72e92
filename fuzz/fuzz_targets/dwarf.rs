//! Any bytes as DWARF: the lengths of three sections, the three, and the rest is
//! `.debug_info`. It is asked for all types that Bingo reads.
#![no_main]

use bingo::binary::dwarf::{DwarfSections, RuntimeDwarf};
use bingo::binary::layout::{Members, TYPES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((lengths, mut rest)) = bytes.split_first_chunk::<12>() else { return };
    let [abbrev, str, line_str] = [0, 4, 8].map(|at| {
        let length = lengths[at..].first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        let (section, behind) = rest.split_at(rest.len().min(length as usize));
        rest = behind;
        section
    });
    let Ok(found) = RuntimeDwarf::read(DwarfSections { info: rest, abbrev, str, line_str }, TYPES) else {
        return;
    };
    for ty in TYPES {
        let size = found.size(ty.name);
        // What is read of a target is as long as is said here; there is one heap.
        let largest = if ty.name == "runtime.mheap" { 1 << 20 } else { 1 << 16 };
        assert!(size.is_none_or(|size| size <= largest), "{}", ty.name);
        for path in ty.paths {
            let offset = found.offset(ty.name, path);
            assert!(offset.is_none_or(|offset| offset == 0 || Some(offset) < size), "{} {path}", ty.name);
        }
    }
});
