//! A trace as a source: its events in the model's words, on the monotonic clock.
//! In: the bytes of a trace. Out: events; what is missing at the end of
//! one that is cut off comes as a problem, a corrupt one is an error.

use std::collections::HashMap;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::chunks::Chunks;
use super::error::TraceError;
use super::event::TraceEvent;
use super::spec::EventType;
use super::stacks::Stacks;
use super::tables::Tables;
use super::version::Version;
use crate::model::{
    EventKind, EventRef, GoId, GoState, Header, Problem, Sink, Source, SourceError, SourceKind, ThreadId,
    Time, WaitReason,
};

/// A trace that is being read.
pub struct TraceSource {
    chunks: Chunks,
    header: Header,
    /// What to begin with: its first event told the clocks.
    first: bool,
    words: Words,
    done: bool,
}

/// What is needed to say a trace's events in the model's words.
struct Words {
    /// What the trace's clock lags behind the monotonic one, in nanoseconds.
    lag: i64,
    stacks: Stacks,
    /// This generation's reasons by string id.
    reasons: HashMap<u64, Option<WaitReason>, foldhash::fast::RandomState>,
    /// When this generation began.
    began: Time,
}

impl TraceSource {
    /// The source of a trace. `recorded` is taken for the wall-clock time of its
    /// beginning where it does not tell (before Go 1.25).
    ///
    /// # Errors
    /// When the bytes are not a trace of a known form.
    pub fn new(bytes: impl Read + Send + 'static, recorded: SystemTime) -> Result<TraceSource, TraceError> {
        let (mut chunks, version) = Chunks::new(bytes, is_wanted)?;
        let first = chunks.next();
        let begin = first.events.first().map_or(0, |sync| sync.time);
        let clock = first.tables.as_ref().and_then(|tables| tables.clock);
        let lag = clock.map_or(0, |clock| clock.monotonic.cast_signed().wrapping_sub(clock.trace));
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
        let began = header.start_monotonic;
        let words = Words { lag, stacks: Stacks::default(), reasons: HashMap::default(), began };
        Ok(TraceSource { chunks, header, first: true, words, done: false })
    }
}

impl Source for TraceSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn observe(&mut self, _: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        if self.done {
            return Ok(false);
        }
        let first = std::mem::take(&mut self.first);
        let chunk = if first { self.chunks.current() } else { self.chunks.next() };
        if let Some(tables) = &chunk.tables {
            chunk.events.iter().for_each(|event| self.words.say(event, tables, out));
        }
        let end = chunk.end.take();
        self.done = end.is_some();
        match end {
            None | Some(Ok(())) => Ok(!self.done),
            Some(Err(error)) if error.is_cut_off() => {
                out.problem(Problem { goroutine: None, what: error.to_string() });
                Ok(false)
            }
            Some(Err(error)) => Err(SourceError::BadInput(error.to_string())),
        }
    }
}

/// Of which events the model has a word, and those that begin a generation.
fn is_wanted(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::SYNC_POINT
            | EventType::GO_CREATE
            | EventType::GO_CREATE_BLOCKED
            | EventType::GO_CREATE_SYSCALL
            | EventType::GO_START
            | EventType::GO_STOP
            | EventType::GO_SYSCALL_END_BLOCKED
            | EventType::GO_BLOCK
            | EventType::GO_UNBLOCK
            | EventType::GO_SWITCH
            | EventType::GO_SWITCH_DESTROY
            | EventType::GO_SYSCALL_BEGIN
            | EventType::GO_SYSCALL_END
            | EventType::GO_DESTROY
            | EventType::GO_DESTROY_SYSCALL
            | EventType::GO_STATUS
            | EventType::GO_STATUS_STACK
    )
}

impl Words {
    /// Tells `out` what an event of the trace is to the model: nothing, one event or two.
    fn say(&mut self, event: &TraceEvent, tables: &Tables, out: &mut dyn Sink) {
        let [first, second, ..] = event.args;
        let (named, current) = (goroutine(first.cast_signed()), goroutine(event.goroutine));
        let mut then = None;
        let (who, kind) = match event.kind {
            EventType::SYNC_POINT => {
                self.began = monotonic(event.time, self.lag);
                self.reasons.clear();
                self.stacks.next_generation();
                return;
            }
            EventType::GO_CREATE => (named, EventKind::Create { parent: current }),
            EventType::GO_CREATE_BLOCKED => {
                then = Some(EventKind::Block { reason: Some(WaitReason::Coroutine), on: None });
                (named, EventKind::Create { parent: current })
            }
            EventType::GO_CREATE_SYSCALL => {
                then = Some(EventKind::Syscall);
                (named, EventKind::Create { parent: None })
            }
            EventType::GO_START => (named, EventKind::Run),
            EventType::GO_STOP | EventType::GO_SYSCALL_END_BLOCKED => (current, EventKind::Stop),
            EventType::GO_BLOCK => {
                (current, EventKind::Block { reason: self.reason(first, second, tables), on: None })
            }
            EventType::GO_UNBLOCK | EventType::GO_SWITCH | EventType::GO_SWITCH_DESTROY => {
                (named, EventKind::Unblock { by: current })
            }
            EventType::GO_SYSCALL_BEGIN => (current, EventKind::Syscall),
            EventType::GO_SYSCALL_END => (current, EventKind::Run),
            EventType::GO_DESTROY | EventType::GO_DESTROY_SYSCALL => (current, EventKind::Dead),
            EventType::GO_STATUS | EventType::GO_STATUS_STACK => match found(event) {
                // It is told before the first thing that happens to it in a
                // generation, or at the end: it was so from the beginning on.
                Some(state) => {
                    let since = Some(self.began);
                    (named, EventKind::Snapshot { state, reason: None, on: None, parent: None, since })
                }
                None => return,
            },
            _ => return,
        };
        let time = monotonic(event.time, self.lag);
        let stack = self.stacks.of(event.stack(), tables);
        let thread = u64::try_from(event.thread).ok().map(ThreadId);
        out.event(EventRef { time, goroutine: who, kind: &kind, stack, thread });
        if let Some(kind) = &then {
            out.event(EventRef { time, goroutine: who, kind, stack: None, thread });
        }
    }

    /// Why a goroutine blocked, as far as the trace says.
    fn reason(&mut self, reason: u64, stack: u64, tables: &Tables) -> Option<WaitReason> {
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
