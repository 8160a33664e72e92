//! Any bytes as a function table: four bytes that say where its inline trees
//! are, then the table. Every function is asked for everything.
#![no_main]

use std::sync::Arc;

use bingo::binary::{Elf, Header, ModuleData, PclnTab, TextSection};
use bingo::model::StaticAddr;
use libfuzzer_sys::fuzz_target;

const TABLE: u64 = 0x500000;
const TEXT: u64 = 0x401000;

fuzz_target!(|bytes: &[u8]| {
    let Some((trees, table)) = bytes.split_first_chunk::<4>() else { return };
    let trees = u32::from_le_bytes(*trees);
    let image = Arc::new(Elf::image(StaticAddr(TABLE), table.to_vec()));
    let Ok(header) = Header::find(&image) else { return };
    // The release and the text's pieces are drawn from the input, too.
    let minor = 18 + trees % 10;
    let piece = |offset, end, address| TextSection { offset, end, address: StaticAddr(address) };
    let text_sections = match trees % 3 {
        0 => vec![piece(0, 0x200, TEXT), piece(0x200, 1 << 32, TEXT + 0x300)],
        _ => vec![piece(0, 1 << 32, TEXT)],
    };
    let module = ModuleData {
        address: StaticAddr(0),
        text: StaticAddr(TEXT),
        etext: StaticAddr(TEXT + (1 << 32)),
        gofunc: StaticAddr(TABLE + u64::from(trees)),
        text_sections,
    };
    let Ok(functions) = PclnTab::read(image, header, module, minor) else { return };
    assert!(functions.len() <= bytes.len() / 8);
    let _ = functions.function_named("main.main");
    for function in functions.functions().take(256) {
        assert!(function.name().len() <= 3 * bytes.len());
        for address in
            [function.entry.0, function.entry.0 + 1, function.end.0.saturating_sub(1), function.end.0]
        {
            let address = StaticAddr(address);
            let _ = (function.unwind_at(address), function.line_at(address));
            let _ = function.calls_at(address);
            let _ = functions.function_at(address);
        }
    }
});
