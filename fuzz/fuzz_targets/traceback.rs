//! Any bytes as what the runtime prints of its goroutines.
#![no_main]

use bingo::model::{Observation, Source, Time};
use bingo::traceback::TracebackSource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut source) = TracebackSource::new(bytes, std::time::SystemTime::now()) else { return };
    let mut observed = Vec::new();
    while let Ok(true) = source.observe(Time(0), &mut observed) {}
    let [Observation::Snapshot(snapshot)] = &observed[..] else { panic!("{observed:?}") };
    // Each has its own line, and comes once.
    assert!(snapshot.goroutines.len() <= bytes.len() / 14);
    assert!(snapshot.goroutines.is_sorted_by(|a, b| a.id < b.id));
});
