//! Lines of the race detector's reports as races. In: one line after the other.
//! Out: each race when its report has ended. Lines in between that are something
//! else's are passed over; a report that breaks off is told as far as it goes.

use std::sync::Arc;

use super::RacesFound;
use crate::model::{Addr, Frame, GoId, MemoryAccess, Race, Racer, Stack};

const BEGIN: &str = "WARNING: DATA RACE";
const END: &str = "==================";
/// Lines of a report that are looked at. The longest stacks that the detector
/// keeps have some hundred calls.
const LINES: usize = 20_000;
/// Calls of a stack that are kept.
const CALLS: usize = 1_000;
/// Goroutines of a report that are kept; there are two.
const RACERS: usize = 8;

/// Takes lines in.
#[derive(Default)]
pub(super) struct Parser {
    found: RacesFound,
    report: Option<Report>,
}

/// The report whose lines these are.
struct Report {
    /// What stands before each line, such as a time, in bytes.
    before: usize,
    lines: usize,
    accesses: Vec<MemoryAccess>,
    racers: Vec<Racer>,
    part: Part,
    calls: Vec<Frame>,
    /// The call whose place the next line has.
    call: Option<Arc<str>>,
}

/// Whose stack the calls are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    Access,
    Racer,
}

impl Parser {
    /// Takes in a line, without its end.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(before) = line.find(BEGIN) {
            // One that has not ended will not any more.
            self.end(true);
            self.report = Some(Report::new(before));
            return;
        }
        let Some(report) = &mut self.report else { return };
        let line = line.get(report.before..).unwrap_or_default();
        report.lines += 1;
        if line.starts_with(END) {
            self.end(false);
        } else if report.lines > LINES {
            self.end(true);
        } else {
            report.line(line);
        }
    }

    /// All of it.
    pub(super) fn into_found(mut self) -> RacesFound {
        self.end(true);
        self.found
    }

    fn end(&mut self, broken_off: bool) {
        let Some(report) = self.report.take() else { return };
        match report.complete(broken_off) {
            Some(race) => self.found.races.add(race),
            None => self.found.unreadable += 1,
        }
    }
}

impl Report {
    fn new(before: usize) -> Report {
        Report {
            before,
            lines: 0,
            accesses: Vec::new(),
            racers: Vec::new(),
            part: Part::None,
            calls: Vec::new(),
            call: None,
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(place) = line.strip_prefix("      ") {
            if let Some((function, (file, line))) = self.call.take().zip(place_of(place))
                && self.calls.len() < CALLS
            {
                self.calls.push(Frame { function, file: file.into(), line, pc: Addr(0), inlined: false });
            }
        } else if let Some(call) = line.strip_prefix("  ") {
            if let Some((function, _)) = call.rsplit_once('(').filter(|_| call.ends_with(')')) {
                self.call = Some(function.into());
            }
        } else if let Some(access) = access_of(line).filter(|_| self.accesses.len() < 2) {
            self.end_part();
            self.accesses.push(access);
            self.part = Part::Access;
        } else if let Some(racer) = racer_of(line).filter(|_| self.racers.len() < RACERS) {
            self.end_part();
            self.racers.push(racer);
            self.part = Part::Racer;
        }
    }

    /// The calls are those of what came last.
    fn end_part(&mut self) {
        let stack = Stack::new(std::mem::take(&mut self.calls));
        self.call = None;
        match std::mem::replace(&mut self.part, Part::None) {
            Part::None => {}
            Part::Access => {
                self.accesses.last_mut().into_iter().for_each(|access| access.stack = stack.clone());
            }
            Part::Racer => {
                self.racers.last_mut().into_iter().for_each(|racer| racer.created_at = stack.clone());
            }
        }
    }

    fn complete(mut self, broken_off: bool) -> Option<Race> {
        self.end_part();
        // The line that a report begins with ends one that breaks off before it.
        let broken_off = broken_off || self.accesses.len() < 2;
        let mut accesses = self.accesses.into_iter();
        let first = accesses.next()?;
        let mut notes = Vec::new();
        if broken_off {
            notes.push("the report breaks off: what is missing in it is not known".to_owned());
        }
        let second = accesses.next().unwrap_or_else(|| MemoryAccess {
            kind: "previous access".to_owned(),
            address: first.address,
            who: "somebody whom the report does not name any more".to_owned(),
            goroutine: None,
            stack: Stack::empty(),
        });
        Some(Race { accesses: [first, second], goroutines: self.racers, notes })
    }
}

/// `Previous write at 0x00c000014098 by goroutine 7:`.
fn access_of(line: &str) -> Option<MemoryAccess> {
    let (kind, rest) = line.split_once(" at 0x")?;
    let (address, who) = rest.split_once(" by ")?;
    let who = who.strip_suffix(':')?;
    let words = kind.split(' ').all(|word| !word.is_empty() && word.chars().all(char::is_alphabetic));
    let access = kind.ends_with("rite") || kind.ends_with("ead");
    if !words || !access {
        return None;
    }
    let goroutine = match who {
        "main goroutine" => Some(GoId(1)),
        other => other.strip_prefix("goroutine ").and_then(|id| id.parse().ok()).map(GoId),
    };
    Some(MemoryAccess {
        kind: kind.to_lowercase(),
        address: u64::from_str_radix(address, 16).ok().map(Addr),
        who: who.to_owned(),
        goroutine,
        stack: Stack::empty(),
    })
}

/// `Goroutine 7 (running) created at:`.
fn racer_of(line: &str) -> Option<Racer> {
    let rest = line.strip_prefix("Goroutine ")?.strip_suffix(" created at:")?;
    let (id, state) = rest.split_once(" (")?;
    Some(Racer {
        goroutine: GoId(id.parse().ok()?),
        state: state.strip_suffix(')')?.to_owned(),
        created_at: Stack::empty(),
    })
}

/// `/src/main.go:10 +0x3c`.
fn place_of(place: &str) -> Option<(&str, u32)> {
    let place = place.split(" +0x").next().unwrap_or(place);
    let (file, line) = place.rsplit_once(':')?;
    Some((file, line.parse().ok()?))
}
