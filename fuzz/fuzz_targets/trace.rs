//! Any bytes as an execution trace, read as Go reads it and with what can be had
//! of a generation that is cut off. Every event is asked for everything.
#![no_main]

use std::fmt::Write;

use bingo::trace::{CutOff, Reader, Text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for cut_off in [CutOff::Refuse, CutOff::Salvage] {
        let Ok(mut reader) = Reader::new(bytes, cut_off) else { return };
        let mut text = String::new();
        let mut last = i64::MIN;
        while let Ok(Some(event)) = reader.next_event() {
            assert!(event.time > last || event.time == i64::MIN || last == i64::MAX);
            last = event.time;
            text.clear();
            write!(text, "{}", Text::of(&reader, &event)).expect("a string takes all");
        }
        // An event has two bytes at the least, a coroutine's switch is three events,
        // and a generation has a point of synchrony.
        let events = usize::try_from(reader.count()).unwrap_or(usize::MAX);
        assert!(events <= 3 * bytes.len() + 2, "{events} events in {} bytes", bytes.len());
        assert!(matches!(reader.next_event(), Ok(None)));
    }
});
