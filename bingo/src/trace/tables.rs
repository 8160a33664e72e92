//! What the events of a generation refer to by number: strings, stacks, clocks.
//! In: the bodies of the batches that hold them. Out: look-ups by id.
//!
//! Source: `internal/trace/generation.go` and `base.go`, Go 1.27.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cursor::Cursor;
use super::error::StructureFault;
use super::id_table::IdTable;
use super::spec::EventType;

/// The longest string.
const MAX_STRING: u64 = 1 << 10;
/// The most frames of a stack.
const MAX_FRAMES: u64 = 128;

/// The tables of one generation. An id is good for that generation alone.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The number of the generation.
    pub generation: u64,
    /// Nanoseconds of a unit of the trace's clock.
    pub(super) unit: f64,
    /// The same as a whole number, which it is on Linux (64); 0 where it is none.
    whole_unit: u64,
    /// The clocks, read at about the same time; since Go 1.25.
    pub clock: Option<ClockSnapshot>,
    /// Whether the trace ends within the generation: ids may lead nowhere.
    pub cut_off: bool,
    strings: IdTable<Piece>,
    text: Vec<u8>,
    stacks: IdTable<Piece>,
    calls: Vec<u32>,
    frames: Vec<TraceFrame>,
}

/// One call of a stack, as the trace has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceFrame {
    /// The code address.
    pub pc: u64,
    /// The string id of the function's name.
    pub function: u32,
    /// The string id of the file's name.
    pub file: u32,
    /// The line.
    pub line: u32,
}

/// Three clocks at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockSnapshot {
    /// The trace's own, in nanoseconds.
    pub trace: i64,
    /// `CLOCK_MONOTONIC`, in nanoseconds.
    pub monotonic: u64,
    /// Seconds since 1970.
    pub wall_seconds: u64,
    /// Nanoseconds behind them.
    pub wall_nanoseconds: u64,
}

/// A part of a vector: where it begins, how long it is.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    len: u32,
}

impl Piece {
    fn of<T>(self, whole: &[T]) -> &[T] {
        let (start, len) = (self.start as usize, self.len as usize);
        whole.get(start..start.saturating_add(len)).unwrap_or_default()
    }
}

impl Tables {
    /// A string; `None` where there is none of this id. Id 0 is the empty one.
    #[must_use]
    pub fn string(&self, id: u64) -> Option<&[u8]> {
        if id == 0 {
            return Some(&[]);
        }
        self.strings.get(id).map(|piece| piece.of(&self.text))
    }

    /// A string as text; empty where there is none of this id.
    #[must_use]
    pub fn text(&self, id: u64) -> Cow<'_, str> {
        String::from_utf8_lossy(self.string(id).unwrap_or_default())
    }

    /// The frames of a stack, innermost first; none of an id that there is not.
    pub fn stack(&self, id: u64) -> impl Iterator<Item = &TraceFrame> {
        let calls = self.stacks.get(id).map_or(&[][..], |piece| piece.of(&self.calls));
        calls.iter().filter_map(|&call| self.frames.get(call as usize))
    }

    /// Whether there is a string of this id.
    #[inline]
    pub(super) fn has_string(&self, id: u64) -> bool {
        id == 0 || self.strings.has(id)
    }

    /// Whether there is a stack of this id.
    #[inline]
    pub(super) fn has_stack(&self, id: u64) -> bool {
        id == 0 || self.stacks.has(id)
    }

    /// The unit of the trace's clock in nanoseconds, if it is a whole number; else 0.
    pub(super) fn whole_unit(&self) -> u64 {
        self.whole_unit
    }

    /// A time of the trace's clock in nanoseconds.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "fractions of a nanosecond are dropped, as Go does")]
    pub(super) fn nanoseconds(&self, units: u64) -> i64 {
        // Whole numbers below 2^53 are the same as their floats.
        if self.whole_unit != 0 && units < 1 << 40 {
            return (units * self.whole_unit).cast_signed();
        }
        (units as f64 * self.unit) as i64
    }
}

/// Tables that are being read.
#[derive(Default)]
pub(super) struct TablesBuilder {
    strings: Vec<(u32, Piece)>,
    text: Vec<u8>,
    stacks: Vec<(u32, Piece)>,
    calls: Vec<u32>,
    frames: Vec<TraceFrame>,
    /// Which frame a pc has: the first that was told of it holds for all.
    by_pc: HashMap<u64, u32, foldhash::fast::FixedState>,
}

impl TablesBuilder {
    /// Takes in the body of a batch of strings.
    pub(super) fn add_strings(&mut self, body: &[u8]) -> Result<(), StructureFault> {
        let mut cursor = Cursor::new(body.get(1..).unwrap_or_default());
        while let Some(kind) = cursor.byte() {
            if EventType(kind) != EventType::STRING {
                return Err(StructureFault::Foreign { expected: "string event", found: kind });
            }
            let unfinished = StructureFault::Unfinished("string");
            let id = narrow("string", cursor.uvarint().ok_or(unfinished)?)?;
            let size = cursor.uvarint().ok_or(unfinished)?;
            if size > MAX_STRING {
                return Err(StructureFault::TooLong { what: "string", size, max: MAX_STRING });
            }
            let text = usize::try_from(size).ok().and_then(|size| cursor.take(size)).ok_or(unfinished)?;
            self.strings.push((id, piece(self.text.len(), text.len())?));
            self.text.extend_from_slice(text);
        }
        Ok(())
    }

    /// Takes in the body of a batch of stacks.
    pub(super) fn add_stacks(&mut self, body: &[u8]) -> Result<(), StructureFault> {
        let mut cursor = Cursor::new(body.get(1..).unwrap_or_default());
        while let Some(kind) = cursor.byte() {
            if EventType(kind) != EventType::STACK {
                return Err(StructureFault::Foreign { expected: "stack event", found: kind });
            }
            let unfinished = StructureFault::Unfinished("stack");
            let id = narrow("stack", cursor.uvarint().ok_or(unfinished)?)?;
            let size = cursor.uvarint().ok_or(unfinished)?;
            if size > MAX_FRAMES {
                return Err(StructureFault::TooLong { what: "stack", size, max: MAX_FRAMES });
            }
            let start = self.calls.len();
            for _ in 0..size {
                let mut number = || cursor.uvarint().ok_or(unfinished);
                let (pc, function, file, line) = (number()?, number()?, number()?, number()?);
                let call = self.frame(pc, function, file, line)?;
                self.calls.push(call);
            }
            self.stacks.push((id, piece(start, self.calls.len() - start)?));
        }
        Ok(())
    }

    fn frame(&mut self, pc: u64, function: u64, file: u64, line: u64) -> Result<u32, StructureFault> {
        if let Some(&known) = self.by_pc.get(&pc) {
            return Ok(known);
        }
        let frame = TraceFrame {
            pc,
            function: narrow("string", function)?,
            file: narrow("string", file)?,
            // Go keeps 64 bits of it, and no file has so many lines.
            line: u32::try_from(line).unwrap_or(u32::MAX),
        };
        let at = narrow("frame", u64::try_from(self.frames.len()).unwrap_or(u64::MAX))?;
        self.by_pc.insert(pc, at);
        self.frames.push(frame);
        Ok(at)
    }

    /// The finished tables. Of a generation that is cut off, what is missing is
    /// let pass.
    pub(super) fn finish(
        self,
        generation: u64,
        unit: f64,
        clock: Option<ClockSnapshot>,
        cut_off: bool,
    ) -> Result<Tables, StructureFault> {
        let twice = |what| move |id| StructureFault::Twice { what, id };
        let strings = IdTable::new(self.strings).map_err(twice("string"))?;
        let stacks = IdTable::new(self.stacks).map_err(twice("stack"))?;
        let tables = Tables {
            generation,
            unit,
            whole_unit: whole(unit),
            clock,
            cut_off,
            strings,
            text: self.text,
            stacks,
            calls: self.calls,
            frames: self.frames,
        };
        for frame in tables.frames.iter().filter(|_| !cut_off) {
            for string in [frame.function, frame.file] {
                if !tables.has_string(u64::from(string)) {
                    return Err(StructureFault::Dangling { string, pc: frame.pc });
                }
            }
        }
        Ok(tables)
    }
}

/// `unit` as a whole number of at most 12 bits; 0 where it is none.
fn whole(unit: f64) -> u64 {
    (1..1_u32 << 12).find(|&whole| f64::from(whole) == unit).map_or(0, u64::from)
}

fn narrow(what: &'static str, id: u64) -> Result<u32, StructureFault> {
    u32::try_from(id).map_err(|_| StructureFault::IdTooLarge { what, id })
}

fn piece(start: usize, len: usize) -> Result<Piece, StructureFault> {
    let narrow = |number: usize| narrow("table entry", u64::try_from(number).unwrap_or(u64::MAX));
    Ok(Piece { start: narrow(start)?, len: narrow(len)? })
}
