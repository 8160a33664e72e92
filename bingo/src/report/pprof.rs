//! `dump --format pprof`: a goroutine profile, as `go tool pprof` and every
//! viewer of such reads it (`proto/profile.proto` of github.com/google/pprof),
//! with the state, the reason and the goroutine's own labels on each sample.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::UNIX_EPOCH;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::filter::Selection;
use super::groups::{Group, groups};
use crate::model::Frame;
use crate::session::View;

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    r#type: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    str: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
    #[prost(bool, tag = "8")]
    has_filenames: bool,
    #[prost(bool, tag = "9")]
    has_line_numbers: bool,
    #[prost(bool, tag = "10")]
    has_inline_frames: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// Writes the profile, compressed.
///
/// # Errors
/// Those of `out`.
pub fn pprof(view: &View, selection: &Selection, out: impl Write) -> io::Result<()> {
    let mut tables = Tables::default();
    tables.string("");
    let goroutines = ValueType { r#type: tables.string("goroutine"), unit: tables.string("count") };
    let blocked = ValueType { r#type: tables.string("blocked"), unit: tables.string("nanoseconds") };
    let binary = view.header.binary.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let mapping = Mapping {
        id: 1,
        filename: tables.string(&binary),
        has_functions: true,
        has_filenames: true,
        has_line_numbers: true,
        has_inline_frames: true,
    };
    let sample = groups(view, selection)
        .iter()
        .flat_map(|group| samples(&mut tables, view, selection, group))
        .collect();
    let (taken, _) = view.snapshot;
    let start = view.header.start.duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = start + taken.since(view.header.start_monotonic);
    let profile = Profile {
        sample_type: vec![blocked, goroutines.clone()],
        sample,
        mapping: vec![mapping],
        time_nanos: i64::try_from(wall.as_nanos()).unwrap_or(0),
        period_type: Some(goroutines),
        period: 1,
        location: tables.locations,
        function: tables.functions,
        string_table: tables.strings,
    };
    let mut gzip = GzEncoder::new(out, Compression::fast());
    gzip.write_all(&profile.encode_to_vec())?;
    gzip.finish()?.flush()
}

/// One sample for those of a group that have the same labels.
fn samples(tables: &mut Tables, view: &View, selection: &Selection, group: &Group<'_>) -> Vec<Sample> {
    let location_id = tables.stack(selection.frames(group.stack));
    let mut condition = vec![tables.label("state", group.state.as_str())];
    condition.extend(group.reason.map(|reason| tables.label("reason", &reason.to_string())));
    let mut by_labels: HashMap<_, [i64; 2]> = HashMap::new();
    for goroutine in &group.members {
        let blocked = goroutine.state == crate::model::GoState::Blocked;
        let lasting = view.lasting(goroutine).filter(|_| blocked).unwrap_or_default();
        let [time, number] = by_labels.entry(&goroutine.labels).or_default();
        *time = time.saturating_add(i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX));
        *number += 1;
    }
    let mut by_labels: Vec<_> = by_labels.into_iter().collect();
    by_labels.sort();
    by_labels
        .into_iter()
        .map(|(labels, value)| {
            let mut label = condition.clone();
            label.extend(labels.iter().map(|(key, value)| tables.label(key, value)));
            Sample { location_id: location_id.clone(), value: value.to_vec(), label }
        })
        .collect()
}

/// The tables that samples refer to.
#[derive(Default)]
struct Tables {
    strings: Vec<String>,
    string_ids: HashMap<String, i64>,
    functions: Vec<Function>,
    function_ids: HashMap<(i64, i64), u64>,
    locations: Vec<Location>,
    location_ids: HashMap<(u64, Vec<(u64, i64)>), u64>,
}

impl Tables {
    fn string(&mut self, text: &str) -> i64 {
        if let Some(id) = self.string_ids.get(text) {
            return *id;
        }
        let id = i64::try_from(self.strings.len()).expect("memory holds fewer strings");
        self.strings.push(text.to_owned());
        self.string_ids.insert(text.to_owned(), id);
        id
    }

    fn label(&mut self, key: &str, value: &str) -> Label {
        Label { key: self.string(key), str: self.string(value) }
    }

    /// The locations of a stack. Inlined calls share one with the call that they
    /// were inlined into, innermost first; that one may be hidden (a wrapper).
    fn stack<'a>(&mut self, frames: impl Iterator<Item = &'a Frame>) -> Vec<u64> {
        let mut locations = Vec::new();
        let mut frames = frames.peekable();
        let mut lines = Vec::new();
        while let Some(frame) = frames.next() {
            let function = self.function(frame);
            lines.push((function, i64::from(frame.line)));
            let goes_on = frame.inlined && frames.peek().is_some_and(|next| next.pc == frame.pc);
            if !goes_on {
                locations.push(self.location(frame.pc.0, std::mem::take(&mut lines)));
            }
        }
        locations
    }

    fn function(&mut self, frame: &Frame) -> u64 {
        let name = self.string(if frame.function.is_empty() { "?" } else { &frame.function });
        let filename = self.string(&frame.file);
        let next = self.functions.len() as u64 + 1;
        let id = *self.function_ids.entry((name, filename)).or_insert(next);
        if id == next {
            self.functions.push(Function { id, name, system_name: name, filename });
        }
        id
    }

    fn location(&mut self, address: u64, lines: Vec<(u64, i64)>) -> u64 {
        let next = self.locations.len() as u64 + 1;
        let id = *self.location_ids.entry((address, lines.clone())).or_insert(next);
        if id == next {
            let line = lines.into_iter().map(|(function_id, line)| Line { function_id, line }).collect();
            self.locations.push(Location { id, mapping_id: 1, address, line });
        }
        id
    }
}
