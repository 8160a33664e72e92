//! Types of the standard library that say more than their fields: times and
//! durations, atomics, locks, errors that are a text.

use super::numbers;
use super::source::Source;
use super::values::Values;
use crate::binary::debug::{GoType, Kind};
use crate::memory::Memory;
use crate::model::{Addr, Missing, Value};

/// go: time.hasMonotonic, nsecMask, nsecShift, wallToInternal (1.19-1.27)
const HAS_MONOTONIC: u64 = 1 << 63;
const NANOSECONDS: u64 = (1 << 30) - 1;
const SECONDS_SHIFT: u32 = 30;
/// Seconds from 1 January of the year 1 to that of 1885.
const TO_1885: i64 = (1884 * 365 + 1884 / 4 - 1884 / 100 + 1884 / 400) * 86_400;

impl<M: Memory> Values<'_, '_, M> {
    /// A type that is shown otherwise than by its kind.
    pub(super) fn known(&mut self, shape: &GoType, source: &Source) -> Option<Result<Value, Missing>> {
        match (&*shape.name, &shape.kind) {
            ("time.Duration", Kind::Int) => {
                Some(self.signed(source, 8).map(|number| Value::Plain(numbers::duration(number))))
            }
            ("time.Time", Kind::Struct(_)) => Some(self.time(shape, source)),
            (name, Kind::Struct(_)) if name.starts_with("sync/atomic.") => self.atomic(shape, source),
            (name, Kind::Struct(_)) if name.starts_with("sync.") || name.starts_with("internal/sync.") => {
                self.lock(shape, source)
            }
            _ => None,
        }
    }

    fn time(&mut self, shape: &GoType, source: &Source) -> Result<Value, Missing> {
        let wall = self.field(shape, "wall", source)?;
        let ext = self.field(shape, "ext", source)?.cast_signed();
        let place = self.field(shape, "loc", source)?;
        let nanoseconds = u32::try_from(wall & NANOSECONDS).unwrap_or(0);
        let seconds = if wall & HAS_MONOTONIC != 0 {
            TO_1885 + ((wall << 1) >> (SECONDS_SHIFT + 1)).cast_signed()
        } else {
            ext
        };
        if nanoseconds >= 1_000_000_000 {
            return Err(Missing::Torn("no time".to_owned()));
        }
        let zone = self.zone(shape, place);
        Ok(Value::Plain(format!("{} UTC{zone}", numbers::date(seconds, nanoseconds))))
    }

    /// Where the time is shown in the place's own time by Go, the place.
    fn zone(&mut self, shape: &GoType, place: u64) -> String {
        if place == 0 {
            return String::new();
        }
        let location = shape.field("loc").and_then(|field| self.pointed_to(field.ty).ok());
        let name = location.and_then(|location| {
            let at = Source::Memory(Addr(place)).at(location.field("name")?.offset);
            self.text(&at).ok()
        });
        match name {
            Some(Value::Plain(text)) if text != "\"\"" && text != "\"UTC\"" => {
                format!(" (in {})", text.trim_matches('"'))
            }
            _ => String::new(),
        }
    }

    /// `atomic.Int64` and the like: what they hold.
    fn atomic(&mut self, shape: &GoType, source: &Source) -> Option<Result<Value, Missing>> {
        let field = shape.field("v")?.clone();
        let name = shape.name.strip_prefix("sync/atomic.")?;
        if name == "Bool" {
            let number = source.at(field.offset).number(&mut self.pages, 4);
            return Some(number.map(|number| Value::plain(if number == 0 { "false" } else { "true" })));
        }
        Some(Ok(self.value(field.ty, &source.at(field.offset))))
    }
}
