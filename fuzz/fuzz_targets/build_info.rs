//! Any bytes as the writable memory in which the build information is sought.
#![no_main]

use bingo::binary::{BuildInfo, Elf};
use bingo::model::StaticAddr;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(built) = BuildInfo::read(&Elf::image(StaticAddr(0x1000), bytes.to_vec())) {
        let _ = built.setting("-ldflags");
        assert!(built.go_version.minor >= 18);
        let text: usize = built.settings.iter().map(|(key, value)| key.len() + value.len()).sum();
        // A byte that is no UTF-8 becomes three.
        assert!(text <= 3 * bytes.len());
    }
});
