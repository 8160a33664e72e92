//! What people read: durations, counts, places, and what is waited on.

use std::time::Duration;

use crate::model::{Addr, Direction, Frame, IoDirection, LockKind, SyncObject, Time, Wait};
use crate::recording::wire::Objects;

/// `350ms`, `1.2s`, `1m23s`, `2h05m`, `3d04h`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.as_millis());
    match seconds {
        0 if millis == 0 => format!("{}µs", duration.as_micros()),
        0 => format!("{millis}ms"),
        1..10 => format!("{seconds}.{}s", duration.subsec_millis() / 100),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `12,345`.
#[must_use]
pub fn count(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `main.worker main.go:5`, the file without its folders.
#[must_use]
pub fn place(frame: &Frame) -> String {
    let file = frame.file.rsplit('/').next().unwrap_or_default();
    match (frame.function.is_empty(), file.is_empty()) {
        (true, true) => frame.pc.to_string(),
        (true, false) => format!("{file}:{}", frame.line),
        (false, true) => frame.function.to_string(),
        (false, false) => format!("{} {file}:{}", frame.function, frame.line),
    }
}

/// The same in `width` characters. What is left out first is the package's path,
/// then the package, then the function's beginning: file and line say where to look.
#[must_use]
pub fn place_within(frame: &Frame, width: usize) -> String {
    let whole = place(frame);
    let characters = |text: &str| text.chars().count();
    if characters(&whole) <= width {
        return whole;
    }
    let function = frame.function.rsplit('/').next().unwrap_or_default();
    let Some((_, line)) = whole.rsplit_once(' ') else { return cut(&whole, width) };
    let bare = function.split_once('.').map_or(function, |(_, bare)| bare);
    match width.checked_sub(characters(line) + 1) {
        Some(room) if characters(function) <= room => format!("{function} {line}"),
        Some(room) if characters(bare) <= room => format!("{bare} {line}"),
        Some(room @ 2..) => {
            let dropped = characters(function) - (room - 1);
            format!("…{} {line}", function.chars().skip(dropped).collect::<String>())
        }
        _ => cut(line, width),
    }
}

/// The first `width` characters, the last of them an ellipsis if there are more.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The words of `line` on as many lines as they take.
#[must_use]
pub fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(cut(word, width)),
        }
    }
    lines
}

/// How much is said of what is waited on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// With its address.
    Address,
    /// Without, where there is no room for it.
    Brief,
}

/// What `wait` is on at `now`, with what the last snapshot knows of it and who
/// else is there.
#[must_use]
pub fn waits_on(wait: &Wait, objects: &Objects, now: Time) -> String {
    waits_on_in(Detail::Address, wait, objects, now)
}

/// The same in as much detail as asked for.
#[must_use]
pub fn waits_on_in(detail: Detail, wait: &Wait, objects: &Objects, now: Time) -> String {
    let object = |address| objects.get(address).map(AsRef::as_ref);
    let channel_word = if detail == Detail::Address { "channel" } else { "chan" };
    let named = |kind: &str, address: &Addr| match detail {
        Detail::Address => format!("{kind} {address}"),
        Detail::Brief => kind.to_owned(),
    };
    match wait {
        Wait::Channel { channel, .. } if channel.is_nil() => "a nil channel, forever".to_owned(),
        Wait::Channel { channel, direction } => match object(channel) {
            Some(SyncObject::Channel(found)) => {
                let waiting = queue(found.senders.len(), found.receivers.len());
                let closed = if found.closed { ", closed" } else { "" };
                format!("{} [{}/{}{closed}]{waiting}", named(channel_word, channel), found.len, found.cap)
            }
            _ => format!("{}, {}", named(channel_word, channel), end(*direction)),
        },
        Wait::Select(cases) => match cases.as_slice() {
            [] => "no case, forever".to_owned(),
            [(channel, direction)] => format!("{}, {}", named(channel_word, channel), end(*direction)),
            cases => format!("{} channels", cases.len()),
        },
        Wait::Lock(address) => match object(address) {
            Some(SyncObject::Lock(lock)) => {
                let others = lock.waiters.len();
                let others = if others > 1 { format!(", {} wait", count(others)) } else { String::new() };
                format!("{}{others}", named(lock_word(lock.kind), address))
            }
            _ => named("lock", address),
        },
        Wait::Sleep { until } => format!("its timer, in {}", duration(until.since(now))),
        Wait::Io { fd, direction: IoDirection::Read } => format!("fd {fd} to read"),
        Wait::Io { fd, direction: IoDirection::Write } => format!("fd {fd} to write"),
    }
}

fn queue(senders: usize, receivers: usize) -> String {
    match (senders, receivers) {
        (0, 0) => String::new(),
        (senders, 0) => format!(", {} send", count(senders)),
        (0, receivers) => format!(", {} receive", count(receivers)),
        (senders, receivers) => format!(", {} send, {} receive", count(senders), count(receivers)),
    }
}

fn end(direction: Direction) -> &'static str {
    match direction {
        Direction::Send => "send",
        Direction::Receive => "receive",
    }
}

/// `mutex`, `waitgroup`.
pub(super) fn lock_word(kind: LockKind) -> &'static str {
    match kind {
        LockKind::Mutex => "mutex",
        LockKind::RwMutex => "rwmutex",
        LockKind::WaitGroup => "waitgroup",
        LockKind::Cond => "cond",
        LockKind::Semaphore => "semaphore",
    }
}
