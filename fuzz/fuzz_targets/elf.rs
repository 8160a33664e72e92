//! Any bytes as an executable: opened, and if it is one, asked for everything.
#![no_main]

use bingo::binary::{Binary, Elf};
use bingo::model::StaticAddr;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = Elf::from_bytes(bytes.to_vec()) {
        for section in image.sections() {
            if let Ok(content) = image.section_bytes(section) {
                // A compressed section unpacks to 1032 times its size at most.
                assert!(content.len() / 1032 <= bytes.len());
            }
        }
        for segment in image.segments() {
            let end = segment.address.0.wrapping_add(segment.memory_size);
            for address in [segment.address.0, end.wrapping_sub(4), end] {
                let _ = image.read(StaticAddr(address), 8);
                let _ = image.read(StaticAddr(address), u64::MAX);
                let _ = image.file_offset(StaticAddr(address));
                let _ = image.read_c_string(StaticAddr(address), StaticAddr(u64::MAX));
            }
        }
    }
    if let Ok(binary) = Binary::from_bytes(bytes.to_vec()) {
        let _ = binary.symbol("runtime.allgs");
        let _ = binary.function_symbol_at(binary.module_data().text);
        let _ = binary.functions().function_named("runtime.gopark");
        for function in binary.functions().functions().take(64) {
            let _ = (function.name(), function.unwind_at(function.entry), function.calls_at(function.entry));
        }
    }
});
