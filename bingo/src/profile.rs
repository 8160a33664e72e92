//! Profiles as `go tool pprof` and every viewer of such reads them
//! (`proto/profile.proto` of github.com/google/pprof). In come samples, the
//! values of stacks; out go the compressed bytes.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use crate::model::{Frame, Header, Time};

/// What a profile is about, beside its samples.
pub(crate) struct About<'a> {
    /// The program.
    pub(crate) header: &'a Header,
    /// When it begins.
    pub(crate) time: Time,
    /// How long it goes on.
    pub(crate) duration: Duration,
    /// What the values of a sample are.
    pub(crate) values: Vec<ValueType>,
    /// Of what one more makes one more sample.
    pub(crate) period: ValueType,
}

/// The tables that samples refer to, while they are made.
#[derive(Default)]
pub(crate) struct Tables {
    strings: Vec<String>,
    string_ids: HashMap<String, i64>,
    functions: Vec<Function>,
    function_ids: HashMap<(i64, i64), u64>,
    locations: Vec<Location>,
    location_ids: HashMap<(u64, Vec<(u64, i64)>), u64>,
}

impl Tables {
    /// Tables of nothing yet: the first string is the empty one.
    pub(crate) fn new() -> Tables {
        let mut tables = Tables::default();
        tables.string("");
        tables
    }

    /// A kind of value: `delay` in `nanoseconds`.
    pub(crate) fn value_type(&mut self, what: &str, unit: &str) -> ValueType {
        ValueType { r#type: self.string(what), unit: self.string(unit) }
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(id) = self.string_ids.get(text) {
            return *id;
        }
        let id = i64::try_from(self.strings.len()).expect("memory holds fewer strings");
        self.strings.push(text.to_owned());
        self.string_ids.insert(text.to_owned(), id);
        id
    }

    /// Something that is said of a sample.
    pub(crate) fn label(&mut self, key: &str, value: &str) -> Label {
        Label { key: self.string(key), str: self.string(value) }
    }

    /// The locations of a stack. Inlined calls share one with the call that they
    /// were inlined into, innermost first; that one may be hidden (a wrapper).
    pub(crate) fn stack<'a>(&mut self, frames: impl Iterator<Item = &'a Frame>) -> Vec<u64> {
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

    /// Writes the profile of these samples.
    pub(crate) fn write(mut self, about: About<'_>, sample: Vec<Sample>, out: impl Write) -> io::Result<()> {
        let header = about.header;
        let binary = header.binary.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let mapping = Mapping {
            id: 1,
            filename: self.string(&binary),
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
        };
        let start = header.start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = start + about.time.since(header.start_monotonic);
        let profile = Profile {
            sample_type: about.values,
            sample,
            mapping: vec![mapping],
            time_nanos: i64::try_from(wall.as_nanos()).unwrap_or(0),
            duration_nanos: i64::try_from(about.duration.as_nanos()).unwrap_or(0),
            period_type: Some(about.period),
            period: 1,
            location: self.locations,
            function: self.functions,
            string_table: self.strings,
        };
        let mut gzip = GzEncoder::new(out, Compression::fast());
        gzip.write_all(&profile.encode_to_vec())?;
        gzip.finish()?.flush()
    }
}

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
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueType {
    #[prost(int64, tag = "1")]
    pub(crate) r#type: i64,
    #[prost(int64, tag = "2")]
    pub(crate) unit: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub(crate) value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) label: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Label {
    #[prost(int64, tag = "1")]
    pub(crate) key: i64,
    #[prost(int64, tag = "2")]
    pub(crate) str: i64,
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
