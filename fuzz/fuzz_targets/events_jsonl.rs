//! Any bytes as `events.jsonl`. What is read from them is written, and read
//! back the same.
#![no_main]

use bingo::model::{Event, Observation, Source, Time};
use bingo::recording::{EventReader, EventWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = EventReader::new(bytes) else { return };
    let read = events(&mut reader);
    // A line has at least its own keys.
    assert!(read.len() <= bytes.len() / 30);
    let mut text = Vec::new();
    let mut writer = EventWriter::new(&mut text, reader.header(), true).expect("memory can be written");
    for event in &read {
        writer.event(event, None).expect("memory can be written");
    }
    writer.flush().expect("memory can be written");
    let mut again = EventReader::new(&text[..]).expect("what was written can be read");
    assert!(events(&mut again) == read);
});

fn events(reader: &mut EventReader<&[u8]>) -> Vec<Event> {
    let mut observed = Vec::new();
    while let Ok(true) = reader.observe(Time(0), &mut observed) {}
    let event = |observation| match observation {
        Observation::Event(event) => Some(event),
        _ => None,
    };
    observed.into_iter().filter_map(event).collect()
}
