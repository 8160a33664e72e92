//! The pieces that every JSON form of Bingo is made of: numbers, addresses,
//! frames, and what a goroutine waits on.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::model::{Addr, Direction, Frame, IoDirection, LockKind, Stack, SyncObject, Wait};

/// The largest integer that every JSON reader keeps whole, 2^53 - 1.
const LARGEST: u64 = (1 << 53) - 1;

/// An unsigned number: a string where it is too large for other readers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number(pub u64);

/// An address: `"0xc000012345"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hex(pub Addr);

/// One call.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the key of that name")]
pub struct WireFrame<'a> {
    pub function: &'a str,
    pub file: &'a str,
    pub line: u32,
    pub pc: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inlined: Option<bool>,
}

/// A place in the source.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is the key of that name")]
pub struct WirePlace<'a> {
    pub file: &'a str,
    pub line: u32,
    pub function: &'a str,
}

/// `blocked_on`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is the key of that name")]
pub enum WireWait {
    Channel(WireChannel),
    Select { cases: Vec<WireChannel> },
    Mutex(WireLock),
    RwMutex(WireLock),
    WaitGroup(WireLock),
    Cond(WireLock),
    Semaphore(WireLock),
    Lock(WireLock),
    Sleep { until_ns: Number },
    Io { fd: i32, direction: &'static str },
}

/// A channel, seen from one end.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the key of that name")]
pub struct WireChannel {
    pub address: Hex,
    pub direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub len: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receivers_waiting: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub senders_waiting: Option<usize>,
}

/// A lock.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the key of that name")]
pub struct WireLock {
    pub address: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiters: Option<usize>,
}

/// The objects of a snapshot.
pub type Objects = HashMap<Addr, Arc<SyncObject>>;

impl WireWait {
    /// What a goroutine began to wait on, as its park told: nobody looked at the
    /// object, but a park tells of a channel what made it park.
    #[must_use]
    pub fn begun(wait: &Wait) -> WireWait {
        match wait {
            Wait::Channel { channel, direction } => {
                WireWait::Channel(WireChannel::parked_at(*channel, *direction))
            }
            other => WireWait::of(other, None),
        }
    }

    /// What `wait` is on, with what `objects` know of it.
    #[must_use]
    pub fn of(wait: &Wait, objects: Option<&Objects>) -> WireWait {
        let object = |address: &Addr| objects.and_then(|objects| objects.get(address)).map(Arc::as_ref);
        match wait {
            Wait::Channel { channel, direction } => {
                WireWait::Channel(WireChannel::of(*channel, *direction, object(channel)))
            }
            Wait::Select(cases) => WireWait::Select {
                cases: cases
                    .iter()
                    .map(|(channel, direction)| WireChannel::of(*channel, *direction, object(channel)))
                    .collect(),
            },
            Wait::Lock(address) => match object(address) {
                Some(SyncObject::Lock(lock)) => {
                    let wire = WireLock { address: Hex(*address), waiters: Some(lock.waiters.len()) };
                    match lock.kind {
                        LockKind::Mutex => WireWait::Mutex(wire),
                        LockKind::RwMutex => WireWait::RwMutex(wire),
                        LockKind::WaitGroup => WireWait::WaitGroup(wire),
                        LockKind::Cond => WireWait::Cond(wire),
                        LockKind::Semaphore => WireWait::Semaphore(wire),
                    }
                }
                _ => WireWait::Lock(WireLock { address: Hex(*address), waiters: None }),
            },
            Wait::Sleep { until } => WireWait::Sleep { until_ns: Number(until.0) },
            Wait::Io { fd, direction } => WireWait::Io {
                fd: *fd,
                direction: match direction {
                    IoDirection::Read => "read",
                    IoDirection::Write => "write",
                },
            },
        }
    }
}

impl WireChannel {
    fn of(address: Addr, direction: Direction, object: Option<&SyncObject>) -> WireChannel {
        let wire = WireChannel::unknown(address, direction);
        match object {
            Some(SyncObject::Channel(channel)) => WireChannel {
                cap: Some(Number(channel.cap)),
                len: Some(Number(channel.len)),
                closed: Some(channel.closed),
                receivers_waiting: Some(channel.receivers.len()),
                senders_waiting: Some(channel.senders.len()),
                ..wire
            },
            _ => wire,
        }
    }

    /// A channel at which a goroutine has just parked. `chansend` and `chanrecv`
    /// park with the channel's lock held, when it is not closed, and to receive
    /// when its buffer is empty (`runtime/chan.go`, Go 1.19 to 1.27). To send it
    /// is full; how much that is, a park does not tell.
    fn parked_at(address: Addr, direction: Direction) -> WireChannel {
        let wire = WireChannel::unknown(address, direction);
        if address.is_nil() {
            return wire;
        }
        let len = match direction {
            Direction::Receive => Some(Number(0)),
            Direction::Send => None,
        };
        WireChannel { len, closed: Some(false), ..wire }
    }

    fn unknown(address: Addr, direction: Direction) -> WireChannel {
        let direction = match direction {
            Direction::Send => "send",
            Direction::Receive => "receive",
        };
        WireChannel {
            address: Hex(address),
            direction,
            cap: None,
            len: None,
            closed: None,
            receivers_waiting: None,
            senders_waiting: None,
        }
    }
}

impl<'a> WireFrame<'a> {
    /// A frame; that it is not inlined is said where `full`.
    #[must_use]
    pub fn of(frame: &'a Frame, full: bool) -> WireFrame<'a> {
        WireFrame {
            function: &frame.function,
            file: &frame.file,
            line: frame.line,
            pc: Hex(frame.pc),
            inlined: (full || frame.inlined).then_some(frame.inlined),
        }
    }

    /// The frames of `stack` that Go's traceback shows, or all.
    #[must_use]
    pub fn stack(stack: &'a Stack, all: bool, full: bool) -> Vec<WireFrame<'a>> {
        let shown = stack.frames().iter().filter(|frame| all || frame.is_visible());
        shown.map(|frame| WireFrame::of(frame, full)).collect()
    }
}

impl<'a> WirePlace<'a> {
    /// Where `frame` is.
    #[must_use]
    pub fn of(frame: &'a Frame) -> WirePlace<'a> {
        WirePlace { file: &frame.file, line: frame.line, function: &frame.function }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 > LARGEST { serializer.collect_str(&self.0) } else { serializer.serialize_u64(self.0) }
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0 to 2^64 - 1, as a string where it is large")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        text.parse().map(Number).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let expected = "an address such as \"0xc000012345\"";
        digits
            .map(|digits| Hex(Addr(digits)))
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &expected))
    }
}
