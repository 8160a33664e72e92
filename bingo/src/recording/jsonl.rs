//! Events into lines. At 200,000 a second the stack is what costs, so the text
//! of each stack is made once and copied from then on.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::value::RawValue;

use super::wire::{Hex, Number, Objects, WireFrame, WirePlace, WireWait};
use crate::model::{Event, EventKind, Frame, Header, LostKind, Problem, SourceKind, Stack, Time, WaitReason};

/// Stacks whose text is kept. A program has fewer places where it parks.
const STACKS_KEPT: usize = 1 << 15;

/// Writes `events.jsonl` to `W`. Nothing is written before [`EventWriter::flush`],
/// so that a line is never cut in two where that can be helped.
pub struct EventWriter<W> {
    out: W,
    lines: Vec<u8>,
    all_frames: bool,
    clock: Clock,
    latest: Time,
    stacks: HashMap<*const Frame, StackText>,
}

/// A stack's text. The stack is held so that its address stays its own.
struct StackText {
    _stack: Stack,
    place: Option<Box<RawValue>>,
    pc: Option<Hex>,
    stack: Option<Box<RawValue>>,
}

/// From monotonic to wall-clock time.
struct Clock {
    start: SystemTime,
    start_monotonic: Time,
    second: u64,
    /// `2026-11-22T00:38:11` of that second.
    text: String,
}

#[derive(Serialize)]
struct WireHeader<'a> {
    bingo_events: u32,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_pid: Option<u32>,
    start: String,
    start_ns: Number,
    clock: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

#[derive(Serialize)]
struct WireEvent<'a> {
    timestamp: &'a str,
    time_ns: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutine_id: Option<Number>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "reason")]
    block_reason: Option<WaitReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    program_counter: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_location: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_on: Option<WireWait>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ns: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

impl<W: Write> EventWriter<W> {
    /// A writer that has written the header of what `header` is about. Frames of
    /// the runtime are left out unless `all_frames`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, header: &Header, all_frames: bool) -> io::Result<EventWriter<W>> {
        let clock = Clock::of(header);
        let (lines, latest, stacks) = (Vec::new(), header.start_monotonic, HashMap::new());
        let mut writer = EventWriter { out, lines, all_frames, clock, latest, stacks };
        let wire = WireHeader {
            bingo_events: 1,
            source: match header.source {
                SourceKind::Trace => "trace",
                // A core is one look at a process, too.
                SourceKind::Live | SourceKind::Core => "live",
                SourceKind::Collect => "collect",
            },
            go_version: header.go_version.as_deref(),
            binary: header.binary.as_ref().map(|path| path.display().to_string()),
            pid: header.pid,
            inner_pid: header.inner_pid,
            start: writer.clock.rfc3339(header.start_monotonic),
            start_ns: Number(header.start_monotonic.0),
            clock: "monotonic",
            notes: &header.notes,
        };
        serde_json::to_writer(&mut writer.lines, &wire)?;
        writer.lines.push(b'\n');
        writer.flush()?;
        Ok(writer)
    }

    /// Adds the line of `event`. What a snapshot found waited on is told from
    /// `objects`, its objects. They say nothing of a park after it: in the
    /// meantime another channel may have come to stand at the same address.
    ///
    /// # Errors
    /// None but a bug's: the line is kept in memory.
    pub fn event(&mut self, event: &Event, objects: Option<&Objects>) -> io::Result<()> {
        self.line(event, objects, None)
    }

    /// Adds a line for what is missing or not to be trusted, at the time of the
    /// line before: events that were lost, nobody knows how many.
    ///
    /// # Errors
    /// As above.
    pub fn problem(&mut self, problem: &Problem) -> io::Result<()> {
        let kind = EventKind::Lost { kind: LostKind::Block, count: 0 };
        let (time, goroutine) = (self.latest, problem.goroutine);
        self.line(&Event { time, goroutine, kind, stack: None, thread: None }, None, Some(&problem.what))
    }

    fn line(&mut self, event: &Event, objects: Option<&Objects>, problem: Option<&str>) -> io::Result<()> {
        self.latest = event.time;
        let text = match &event.stack {
            Some(stack) => Some(stack_text(&mut self.stacks, stack, self.all_frames)?),
            None => None,
        };
        let mut wire = WireEvent {
            timestamp: &self.clock.rfc3339(event.time),
            time_ns: Number(event.time.0),
            goroutine_id: event.goroutine.map(|id| Number(id.0)),
            event_type: event.kind.as_str(),
            block_reason: None,
            state: event.kind.state().map(|state| state.as_str()),
            program_counter: text.and_then(|text| text.pc),
            source_location: text.and_then(|text| text.place.as_deref()),
            stack: text.and_then(|text| text.stack.as_deref()),
            blocked_on: None,
            by: None,
            parent: None,
            since_ns: None,
            thread: event.thread.map(|thread| Number(thread.0)),
            kind: None,
            count: None,
            problem,
        };
        match &event.kind {
            EventKind::Create { parent } => wire.parent = parent.map(|id| Number(id.0)),
            EventKind::Block { reason, on } => {
                wire.block_reason = *reason;
                wire.blocked_on = on.as_ref().map(WireWait::begun);
            }
            EventKind::Unblock { by } => wire.by = by.map(|id| Number(id.0)),
            EventKind::Snapshot { reason, on, parent, since, .. } => {
                wire.block_reason = *reason;
                wire.blocked_on = on.as_ref().map(|on| WireWait::of(on, objects));
                wire.parent = parent.map(|id| Number(id.0));
                wire.since_ns = since.map(|since| Number(since.0));
            }
            EventKind::Lost { kind, count } => {
                wire.kind = Some(match kind {
                    LostKind::Create => "create",
                    LostKind::Block => "block",
                    LostKind::Unblock => "unblock",
                    LostKind::Dead => "dead",
                });
                wire.count = Some(Number(*count));
            }
            EventKind::Run | EventKind::Stop | EventKind::Syscall | EventKind::Dead => {}
        }
        serde_json::to_writer(&mut self.lines, &wire)?;
        self.lines.push(b'\n');
        Ok(())
    }

    /// Writes out the lines that were added.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.lines);
        self.lines.clear();
        written?;
        self.out.flush()
    }

    /// What it writes to.
    pub fn output(&mut self) -> &mut W {
        &mut self.out
    }

    /// Bytes that were added and not written.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.lines.len()
    }
}

fn stack_text<'a>(
    known: &'a mut HashMap<*const Frame, StackText>,
    stack: &Stack,
    all: bool,
) -> io::Result<&'a StackText> {
    let address = stack.frames().as_ptr();
    if known.len() >= STACKS_KEPT && !known.contains_key(&address) {
        known.clear();
    }
    match known.entry(address) {
        std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
        std::collections::hash_map::Entry::Vacant(entry) => {
            let place = stack.site().map(|frame| serde_json::value::to_raw_value(&WirePlace::of(frame)));
            let frames = WireFrame::stack(stack, all, false);
            let frames = (!frames.is_empty()).then(|| serde_json::value::to_raw_value(&frames));
            Ok(entry.insert(StackText {
                _stack: stack.clone(),
                place: place.transpose()?,
                pc: stack.site().map(|frame| Hex(frame.pc)),
                stack: frames.transpose()?,
            }))
        }
    }
}

fn reason<S: serde::Serializer>(reason: &Option<WaitReason>, serializer: S) -> Result<S::Ok, S::Error> {
    match reason {
        Some(reason) => serializer.collect_str(reason),
        None => serializer.serialize_none(),
    }
}

impl Clock {
    fn of(header: &Header) -> Clock {
        Clock {
            start: header.start,
            start_monotonic: header.start_monotonic,
            second: u64::MAX,
            text: String::new(),
        }
    }

    /// RFC 3339, in UTC, to the nanosecond.
    fn rfc3339(&mut self, time: Time) -> String {
        let start = self.start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = match time.0.checked_sub(self.start_monotonic.0) {
            Some(after) => start + Duration::from_nanos(after),
            None => start.saturating_sub(self.start_monotonic.since(time)),
        };
        if wall.as_secs() != self.second {
            self.second = wall.as_secs();
            let second = UNIX_EPOCH + Duration::from_secs(self.second);
            self.text = humantime::format_rfc3339_seconds(second).to_string();
            self.text.pop();
        }
        format!("{}.{:09}Z", self.text, wall.subsec_nanos())
    }
}
