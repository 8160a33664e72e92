//! Any bytes as a text with reports of the race detector.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = bingo::race::races(bytes).expect("bytes can always be read");
    let reports: u64 = found.races.found().map(|(_, times)| times).sum();
    // Each has its own line.
    assert!((reports + found.unreadable) * 18 <= bytes.len() as u64);
});
