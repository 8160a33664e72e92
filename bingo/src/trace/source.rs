//! A trace as a source: its events in the model's words, on the monotonic clock.
//! In: the bytes of a trace. Out: [`Observation`]s; what is missing at the end of
//! one that is cut off comes as a problem, a corrupt one is an error.

use std::collections::HashMap;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::TraceError;
use super::event::TraceEvent;
use super::reader::{CutOff, Reader};
use super::spec::EventType;
use super::stacks::Stacks;
use super::version::Version;
use crate::model::{
    Event, EventKind, GoId, GoState, Header, Observation, Problem, Source, SourceError, SourceKind, ThreadId,
    Time, WaitReason,
};

/// About so many observations are handed over at a time.
const AT_A_TIME: usize = 10_000;

/// A trace that is being read.
pub struct TraceSource {
    reader: Reader<'static>,
    header: Header,
    /// What the trace's clock lags behind the monotonic one, in nanoseconds.
    lag: i64,
    stacks: Stacks,
    /// This generation's reasons by string id.
    reasons: HashMap<u64, Option<WaitReason>>,
    time: Time,
    done: bool,
}

impl TraceSource {
    /// The source of a trace. `recorded` is taken for the wall-clock time of its
    /// beginning where it does not tell (before Go 1.25).
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form, or its first generation
    /// cannot be read.
    pub fn new(bytes: impl Read + Send + 'static, recorded: SystemTime) -> Result<TraceSource, TraceError> {
        let mut reader = Reader::ahead(bytes, CutOff::Salvage)?;
        let begin = reader.next_event()?.map_or(0, |sync| sync.time);
        let clock = reader.tables().and_then(|tables| tables.clock);
        let lag = clock.map_or(0, |clock| clock.monotonic.cast_signed().wrapping_sub(clock.trace));
        let version = reader.version();
        let mut notes = vec![written_by(version).to_owned()];
        let wall = match clock {
            Some(clock) => {
                let since = Duration::from_secs(clock.wall_seconds)
                    .saturating_add(Duration::from_nanos(clock.wall_nanoseconds));
                let into = Duration::from_nanos(clock.trace.saturating_sub(begin).max(0).unsigned_abs());
                UNIX_EPOCH.checked_add(since.saturating_sub(into)).unwrap_or(recorded)
            }
            None => {
                notes.push("it does not tell its clocks: wall-clock times are the file's".to_owned());
                recorded
            }
        };
        let header = Header {
            source: SourceKind::Trace,
            go_version: None,
            binary: None,
            pid: None,
            inner_pid: None,
            start: wall,
            start_monotonic: monotonic(begin, lag),
            notes,
        };
        let time = header.start_monotonic;
        let (stacks, reasons) = (Stacks::default(), HashMap::new());
        Ok(TraceSource { reader, header, lag, stacks, reasons, time, done: false })
    }

    /// What an event of the trace is to the model: nothing, one event or two.
    fn translate(&mut self, event: &TraceEvent, out: &mut Vec<Observation>) {
        let [first, second, ..] = event.args;
        let (named, current) = (goroutine(first.cast_signed()), goroutine(event.goroutine));
        let (who, kind, then) = match event.kind {
            EventType::GO_CREATE => (named, EventKind::Create { parent: current }, None),
            EventType::GO_CREATE_BLOCKED => {
                let block = EventKind::Block { reason: Some(WaitReason::Coroutine), on: None };
                (named, EventKind::Create { parent: current }, Some(block))
            }
            EventType::GO_CREATE_SYSCALL => {
                (named, EventKind::Create { parent: None }, Some(EventKind::Syscall))
            }
            EventType::GO_START => (named, EventKind::Run, None),
            EventType::GO_STOP | EventType::GO_SYSCALL_END_BLOCKED => (current, EventKind::Stop, None),
            EventType::GO_BLOCK => {
                (current, EventKind::Block { reason: self.reason(first, second), on: None }, None)
            }
            EventType::GO_UNBLOCK | EventType::GO_SWITCH | EventType::GO_SWITCH_DESTROY => {
                (named, EventKind::Unblock { by: current }, None)
            }
            EventType::GO_SYSCALL_BEGIN => (current, EventKind::Syscall, None),
            EventType::GO_SYSCALL_END => (current, EventKind::Run, None),
            EventType::GO_DESTROY | EventType::GO_DESTROY_SYSCALL => (current, EventKind::Dead, None),
            EventType::GO_STATUS | EventType::GO_STATUS_STACK => match found(event) {
                Some(state) => (
                    named,
                    EventKind::Snapshot { state, reason: None, on: None, parent: None, since: None },
                    None,
                ),
                None => return,
            },
            _ => return,
        };
        let Some(tables) = self.reader.tables() else { return };
        let stack = self.stacks.of(event.stack(), tables);
        let thread = u64::try_from(event.thread).ok().map(ThreadId);
        let time = self.time;
        out.push(Observation::Event(Event { time, goroutine: who, kind, stack, thread }));
        if let Some(kind) = then {
            out.push(Observation::Event(Event { time, goroutine: who, kind, stack: None, thread }));
        }
    }

    /// Why a goroutine blocked, as far as the trace says.
    fn reason(&mut self, reason: u64, stack: u64) -> Option<WaitReason> {
        let tables = self.reader.tables()?;
        let said = *self.reasons.entry(reason).or_insert_with(|| reason_of(tables.string(reason)?));
        if said != Some(WaitReason::Forever) {
            return said;
        }
        // The runtime's own innermost function tells which of them it is.
        let innermost = tables.stack(stack).next();
        let innermost = innermost.map(|frame| tables.text(u64::from(frame.function)));
        match innermost.as_deref() {
            Some("runtime.chansend1") => Some(WaitReason::ChanSendNil),
            Some("runtime.chanrecv1" | "runtime.chanrecv2") => Some(WaitReason::ChanReceiveNil),
            Some("runtime.block") => Some(WaitReason::SelectNoCases),
            _ => said,
        }
    }
}

impl Source for TraceSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, _: Time, out: &mut Vec<Observation>) -> Result<bool, SourceError> {
        let enough = out.len().saturating_add(AT_A_TIME);
        while !self.done && out.len() < enough {
            match self.reader.next_event() {
                Ok(Some(event)) => {
                    self.time = monotonic(event.time, self.lag);
                    if event.kind == EventType::SYNC_POINT {
                        self.reasons.clear();
                        self.stacks.next_generation();
                    }
                    self.translate(&event, out);
                }
                Ok(None) => self.done = true,
                Err(error) if error.is_cut_off() => {
                    self.done = true;
                    out.push(Observation::Problem(Problem { goroutine: None, what: error.to_string() }));
                }
                Err(error) => {
                    self.done = true;
                    return Err(SourceError::BadInput(error.to_string()));
                }
            }
        }
        Ok(!self.done)
    }
}

/// The state that a goroutine was found in, where that is news.
fn found(event: &TraceEvent) -> Option<GoState> {
    let [.., packed, _] = event.args;
    let (before, status) = (packed >> 32, packed & u64::from(u32::MAX));
    if before != 0 {
        return None;
    }
    Some(match status {
        1 => GoState::Runnable,
        2 => GoState::Running,
        3 => GoState::Syscall,
        4 => GoState::Blocked,
        _ => return None,
    })
}

/// The reason that a trace calls `text` (`runtime/traceruntime.go`, Go 1.22 to
/// 1.27). "unspecified" and "synctest" stand for several.
fn reason_of(text: &[u8]) -> Option<WaitReason> {
    Some(match std::str::from_utf8(text).ok()? {
        // A switch of coroutines blocks without a word.
        "" => WaitReason::Coroutine,
        "network" => WaitReason::IoWait,
        "sync.(*Cond).Wait" => WaitReason::CondWait,
        "GC mark assist wait for work" => WaitReason::GcAssistWait,
        "GC background sweeper wait" => WaitReason::GcSweepWait,
        "wait for debug call" => WaitReason::DebugCall,
        "wait until GC ends" => WaitReason::WaitForGcCycle,
        other => return WaitReason::from_go_text(other),
    })
}

fn goroutine(id: i64) -> Option<GoId> {
    u64::try_from(id).ok().map(GoId)
}

fn monotonic(time: i64, lag: i64) -> Time {
    Time(time.saturating_add(lag).max(0).unsigned_abs())
}

fn written_by(version: Version) -> &'static str {
    match version {
        Version::Go122 => "trace written by Go 1.22",
        Version::Go123 => "trace written by Go 1.23 or 1.24",
        Version::Go125 => "trace written by Go 1.25",
        Version::Go126 => "trace written by Go 1.26 or 1.27",
    }
}
