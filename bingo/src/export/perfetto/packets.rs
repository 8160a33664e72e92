//! The packets of a Perfetto trace, and the numbers that stand in them for names
//! and stacks. In come slices and instants as they are meant; out come bytes.
//!
//! Source: `protos/perfetto/trace/` of Perfetto v59: `trace_packet.proto`,
//! `track_event/*.proto`, `interned_data/interned_data.proto`. A trace is a row of
//! packets, so what is encoded packet by packet is one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use prost::{Message, Oneof};

use crate::model::{Frame, Stack, Time};

/// Names and stacks that have a number. Beyond it all are numbered anew, which
/// bounds the memory here and in who reads it.
const NUMBERED: usize = 1 << 15;
/// Bytes of packets that are written at once.
const BATCH: usize = 1 << 18;
/// The one sequence of packets.
const SEQUENCE: u32 = 1;
/// `SequenceFlags`.
const CLEARED: u32 = 1;
const NEEDED: u32 = 2;

/// What an event does on its track (`TrackEvent.Type`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Begin = 1,
    End = 2,
    Instant = 3,
}

/// An event on a track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) time: Time,
    pub(super) what: What,
    pub(super) name: String,
    /// Where it was.
    pub(super) stack: Option<Stack>,
    /// An arrow begins here.
    pub(super) flow: Option<u64>,
    /// And ends here.
    pub(super) ends_flow: Option<u64>,
}

/// Writes packets.
pub(super) struct Packets<W> {
    out: W,
    bytes: Vec<u8>,
    names: HashMap<String, u64>,
    stacks: HashMap<*const Frame, Numbered>,
    next: u64,
    cleared: bool,
}

/// A stack that has a number. It is held so that its address stays its own.
struct Numbered {
    _stack: Stack,
    number: u64,
}

/// Numbers of `debug_annotation_names`.
const AT: u64 = 1;
const STACK: u64 = 2;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Trace {
    #[prost(message, repeated, tag = "1")]
    pub(super) packet: Vec<Packet>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Packet {
    #[prost(uint64, optional, tag = "8")]
    pub(super) timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    pub(super) trusted_packet_sequence_id: Option<u32>,
    #[prost(message, optional, tag = "12")]
    pub(super) interned_data: Option<Interned>,
    #[prost(uint32, optional, tag = "13")]
    pub(super) sequence_flags: Option<u32>,
    #[prost(oneof = "Content", tags = "6, 11, 60")]
    pub(super) content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(message, tag = "6")]
    ClockSnapshot(ClockSnapshot),
    #[prost(message, tag = "11")]
    TrackEvent(TrackEvent),
    #[prost(message, tag = "60")]
    TrackDescriptor(TrackDescriptor),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ClockSnapshot {
    #[prost(message, repeated, tag = "1")]
    pub(super) clocks: Vec<Clock>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Clock {
    #[prost(uint32, optional, tag = "1")]
    pub(super) clock_id: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) timestamp: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    pub(super) uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub(super) process: Option<ProcessDescriptor>,
    #[prost(uint64, optional, tag = "5")]
    pub(super) parent_uuid: Option<u64>,
    /// `ChildTracksOrdering`: 3, by rank.
    #[prost(int32, optional, tag = "11")]
    pub(super) child_ordering: Option<i32>,
    #[prost(int32, optional, tag = "12")]
    pub(super) sibling_order_rank: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ProcessDescriptor {
    #[prost(int32, optional, tag = "1")]
    pub(super) pid: Option<i32>,
    #[prost(string, optional, tag = "6")]
    pub(super) process_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TrackEvent {
    #[prost(message, repeated, tag = "4")]
    pub(super) debug_annotations: Vec<Annotation>,
    #[prost(int32, optional, tag = "9")]
    pub(super) r#type: Option<i32>,
    #[prost(uint64, optional, tag = "10")]
    pub(super) name_iid: Option<u64>,
    #[prost(uint64, optional, tag = "11")]
    pub(super) track_uuid: Option<u64>,
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    pub(super) flow_ids: Vec<u64>,
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    pub(super) terminating_flow_ids: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Annotation {
    #[prost(uint64, optional, tag = "1")]
    pub(super) name_iid: Option<u64>,
    #[prost(uint64, optional, tag = "17")]
    pub(super) string_value_iid: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Interned {
    #[prost(message, repeated, tag = "2")]
    pub(super) event_names: Vec<Named>,
    #[prost(message, repeated, tag = "3")]
    pub(super) debug_annotation_names: Vec<Named>,
    #[prost(message, repeated, tag = "29")]
    pub(super) debug_annotation_string_values: Vec<Named>,
}

/// `EventName`, `DebugAnnotationName` and `InternedString` alike.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(uint64, optional, tag = "1")]
    pub(super) iid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(super) text: Option<String>,
}

impl<W: Write> Packets<W> {
    pub(super) fn new(out: W) -> Packets<W> {
        let (names, stacks) = (HashMap::new(), HashMap::new());
        Packets { out, bytes: Vec::new(), names, stacks, next: STACK + 1, cleared: false }
    }

    /// A track.
    pub(super) fn track(&mut self, track: TrackDescriptor) -> io::Result<()> {
        self.packet(Packet { content: Some(Content::TrackDescriptor(track)), ..Packet::default() })
    }

    /// Clocks that are to be converted into each other.
    pub(super) fn clocks(&mut self, clocks: Vec<Clock>) -> io::Result<()> {
        let content = Some(Content::ClockSnapshot(ClockSnapshot { clocks }));
        self.packet(Packet { content, ..Packet::default() })
    }

    /// Something on a track.
    pub(super) fn mark(&mut self, track: u64, mark: &Mark) -> io::Result<()> {
        let mut interned = Interned::default();
        let mut flags = NEEDED;
        if !self.cleared || self.names.len() + self.stacks.len() > NUMBERED {
            self.clear(&mut interned);
            flags |= CLEARED;
        }
        let name_iid = (mark.what != What::End).then(|| self.name(&mark.name, &mut interned));
        let debug_annotations =
            mark.stack.as_ref().map(|stack| self.annotations(stack, &mut interned)).unwrap_or_default();
        let event = TrackEvent {
            debug_annotations,
            r#type: Some(mark.what as i32),
            name_iid,
            track_uuid: Some(track),
            flow_ids: mark.flow.into_iter().collect(),
            terminating_flow_ids: mark.ends_flow.into_iter().collect(),
        };
        self.packet(Packet {
            timestamp: Some(mark.time.0),
            interned_data: (interned != Interned::default()).then_some(interned),
            sequence_flags: Some(flags),
            content: Some(Content::TrackEvent(event)),
            ..Packet::default()
        })
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.bytes);
        self.bytes.clear();
        written?;
        self.out.flush()
    }

    /// Names and stacks that have a number.
    #[cfg(test)]
    pub(super) fn numbered(&self) -> usize {
        self.names.len() + self.stacks.len()
    }

    fn packet(&mut self, packet: Packet) -> io::Result<()> {
        let packet = Packet { trusted_packet_sequence_id: Some(SEQUENCE), ..packet };
        Trace { packet: vec![packet] }.encode(&mut self.bytes).map_err(io::Error::other)?;
        if self.bytes.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// Forgets all numbers.
    fn clear(&mut self, interned: &mut Interned) {
        self.names.clear();
        self.stacks.clear();
        self.cleared = true;
        self.next = STACK + 1;
        interned.debug_annotation_names.extend([named(AT, "at"), named(STACK, "stack")]);
    }

    fn name(&mut self, name: &str, interned: &mut Interned) -> u64 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.number();
        self.names.insert(name.to_owned(), number);
        interned.event_names.push(named(number, name));
        number
    }

    /// The place and the whole of a stack: each is told once, then by its number.
    fn annotations(&mut self, stack: &Stack, interned: &mut Interned) -> Vec<Annotation> {
        let address = stack.frames().as_ptr();
        let number = match self.stacks.get(&address) {
            Some(known) => known.number,
            None => {
                let number = self.number();
                self.number();
                let site = stack.site().or_else(|| stack.frames().first());
                let site = site.map(line).unwrap_or_default();
                let whole = stack.frames().iter().fold(String::new(), |mut text, frame| {
                    let _ = writeln!(text, "{}", line(frame));
                    text
                });
                let values = &mut interned.debug_annotation_string_values;
                values.extend([named(number, &site), named(number + 1, whole.trim_end())]);
                self.stacks.insert(address, Numbered { _stack: stack.clone(), number });
                number
            }
        };
        let annotation = |name, value| Annotation { name_iid: Some(name), string_value_iid: Some(value) };
        vec![annotation(AT, number), annotation(STACK, number + 1)]
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}

fn named(number: u64, text: &str) -> Named {
    Named { iid: Some(number), text: Some(text.to_owned()) }
}

fn line(frame: &Frame) -> String {
    format!("{} {}:{}", frame.function, frame.file, frame.line)
}
