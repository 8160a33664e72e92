//! One line as what it says: the header, or an event. Keys that are not known
//! are passed over; of known ones each has to be what it is to be.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::read::RecordingError;
use super::stacks::Stacks;
use super::wire::{Hex, Number};
use crate::model::{
    Direction, Event, EventKind, GoId, GoState, Header, IoDirection, LostKind, Observation, Problem,
    SourceKind, ThreadId, Time, Wait, WaitReason,
};

/// What is wrong with a line.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where in the line, in bytes.
    pub(super) at: u64,
    pub(super) reason: String,
}

#[derive(Deserialize)]
struct Version {
    bingo_events: Option<u64>,
}

#[derive(Deserialize)]
struct ReadHeader<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    go_version: Option<String>,
    binary: Option<PathBuf>,
    pid: Option<u32>,
    inner_pid: Option<u32>,
    #[serde(borrow)]
    start: Cow<'a, str>,
    start_ns: Option<Number>,
    #[serde(default)]
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct ReadEvent<'a> {
    time_ns: Number,
    goroutine_id: Option<Number>,
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    block_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
    program_counter: Option<Hex>,
    #[serde(borrow)]
    source_location: Option<&'a RawValue>,
    #[serde(borrow)]
    stack: Option<&'a RawValue>,
    #[serde(borrow)]
    blocked_on: Option<ReadWait<'a>>,
    by: Option<Number>,
    parent: Option<Number>,
    since_ns: Option<Number>,
    thread: Option<Number>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    count: Option<Number>,
    problem: Option<String>,
}

#[derive(Deserialize)]
struct ReadWait<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    address: Option<Hex>,
    #[serde(borrow)]
    direction: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    cases: Vec<ReadCase<'a>>,
    until_ns: Option<Number>,
    fd: Option<i32>,
}

#[derive(Deserialize)]
struct ReadCase<'a> {
    address: Hex,
    #[serde(borrow)]
    direction: Cow<'a, str>,
}

/// The header that `line` is.
pub(super) fn header(line: &[u8]) -> Result<Header, RecordingError> {
    let fault = |error: &serde_json::Error| RecordingError::NoHeader(reason(error));
    let version: Version = serde_json::from_slice(line).map_err(|error| fault(&error))?;
    match version.bingo_events {
        Some(1) => {}
        Some(other) => return Err(RecordingError::Version(other)),
        None => return Err(RecordingError::NoHeader("it has no key `bingo_events`".to_owned())),
    }
    let read: ReadHeader<'_> = serde_json::from_slice(line).map_err(|error| fault(&error))?;
    let source = match &*read.source {
        "trace" => SourceKind::Trace,
        "live" => SourceKind::Live,
        "collect" => SourceKind::Collect,
        other => return Err(RecordingError::NoHeader(format!("`source` is {other:?}"))),
    };
    let start = humantime::parse_rfc3339(&read.start)
        .map_err(|error| RecordingError::NoHeader(format!("`start` is {:?}: {error}", read.start)))?;
    Ok(Header {
        source,
        go_version: read.go_version,
        binary: read.binary,
        pid: read.pid,
        inner_pid: read.inner_pid,
        start,
        start_monotonic: Time(read.start_ns.map_or(0, |start| start.0)),
        notes: read.notes,
    })
}

/// The event that `line` is, or the problem that it tells of.
pub(super) fn observation(line: &[u8], stacks: &mut Stacks) -> Result<Observation, Fault> {
    let read: ReadEvent<'_> = serde_json::from_slice(line)?;
    let stack = match (read.stack, read.source_location) {
        (Some(stack), _) => Some(stacks.of(stack.get())?),
        (None, Some(place)) => Some(stacks.of_place(place.get(), read.program_counter)?),
        (None, None) => None,
    };
    let kind = kind(&read)?;
    let goroutine = read.goroutine_id.map(|id| GoId(id.0));
    if let Some(what) = read.problem {
        return Ok(Observation::Problem(Problem { goroutine, what }));
    }
    if read.goroutine_id.is_none() && !matches!(kind, EventKind::Lost { .. }) {
        return Err("it has no `goroutine_id`".into());
    }
    Ok(Observation::Event(Event {
        time: Time(read.time_ns.0),
        goroutine,
        kind,
        stack: stack.filter(|stack| !stack.frames().is_empty()),
        thread: read.thread.map(|thread| ThreadId(thread.0)),
    }))
}

fn kind(read: &ReadEvent<'_>) -> Result<EventKind, Fault> {
    let reason = || {
        let known = |kebab: &Cow<'_, str>| {
            WaitReason::from_kebab(kebab).ok_or_else(|| unknown("block_reason", kebab))
        };
        read.block_reason.as_ref().map(known).transpose()
    };
    let on = || read.blocked_on.as_ref().map(wait).transpose();
    let parent = read.parent.map(|id| GoId(id.0));
    Ok(match &*read.event_type {
        "create" => EventKind::Create { parent },
        "block" => EventKind::Block { reason: reason()?, on: on()? },
        "unblock" => EventKind::Unblock { by: read.by.map(|id| GoId(id.0)) },
        "run" => EventKind::Run,
        "stop" => EventKind::Stop,
        "syscall" => EventKind::Syscall,
        "dead" => EventKind::Dead,
        "snapshot" => EventKind::Snapshot {
            state: state(read.state.as_deref())?,
            reason: reason()?,
            on: on()?,
            parent,
            since: read.since_ns.map(|since| Time(since.0)),
        },
        "lost" => EventKind::Lost {
            kind: lost(read.kind.as_deref())?,
            count: read.count.ok_or("it has no `count`")?.0,
        },
        other => return Err(unknown("event_type", other)),
    })
}

fn state(word: Option<&str>) -> Result<GoState, Fault> {
    let word = word.ok_or("it has no `state`")?;
    let states = [GoState::Runnable, GoState::Running, GoState::Blocked, GoState::Syscall, GoState::Dead];
    states.into_iter().find(|state| state.as_str() == word).ok_or_else(|| unknown("state", word))
}

/// Which events were lost; parks where it is not said, since most are.
fn lost(word: Option<&str>) -> Result<LostKind, Fault> {
    Ok(match word {
        Some("create") => LostKind::Create,
        Some("block") | None => LostKind::Block,
        Some("unblock") => LostKind::Unblock,
        Some("dead") => LostKind::Dead,
        Some(other) => return Err(unknown("kind", other)),
    })
}

fn wait(read: &ReadWait<'_>) -> Result<Wait, Fault> {
    let address = || read.address.map(|address| address.0).ok_or("`blocked_on` has no `address`");
    let towards = read.direction.as_deref();
    Ok(match &*read.kind {
        "channel" => Wait::Channel { channel: address()?, direction: direction(towards)? },
        "select" => {
            let cases = read.cases.iter();
            let case = |case: &ReadCase<'_>| Ok((case.address.0, direction(Some(&case.direction))?));
            Wait::Select(cases.map(case).collect::<Result<_, Fault>>()?)
        }
        "mutex" | "rwmutex" | "waitgroup" | "cond" | "semaphore" | "lock" => Wait::Lock(address()?),
        "sleep" => Wait::Sleep { until: Time(read.until_ns.ok_or("`blocked_on` has no `until_ns`")?.0) },
        "io" => Wait::Io {
            fd: read.fd.ok_or("`blocked_on` has no `fd`")?,
            direction: match towards {
                Some("read") => IoDirection::Read,
                Some("write") => IoDirection::Write,
                other => return Err(unknown("direction", other.unwrap_or_default())),
            },
        },
        other => return Err(unknown("kind", other)),
    })
}

fn direction(word: Option<&str>) -> Result<Direction, Fault> {
    match word {
        Some("send") => Ok(Direction::Send),
        Some("receive") => Ok(Direction::Receive),
        other => Err(unknown("direction", other.unwrap_or_default())),
    }
}

fn unknown(key: &str, value: &str) -> Fault {
    let value: String = value.chars().take(40).collect();
    format!("{value:?} is no `{key}` that this Bingo knows").as_str().into()
}

/// What is wrong, without the place: that is told in terms of the input.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Fault {
        Fault { at: (error.column() as u64).saturating_sub(1), reason: reason(&error) }
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Fault {
        Fault { at: 0, reason: reason.to_owned() }
    }
}
