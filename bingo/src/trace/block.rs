//! Events of a batch that are read ahead, by the dozen: so what reading them needs
//! stays at hand meanwhile. In: the bytes of a batch. Out: its next events, up to the
//! first one that is not as nearly all are, which is for others to read.

use super::cursor::{few_uvarint, short_uvarint};
use super::spec::{EventType, SHAPES};

/// Events of a block: few enough for a processor's innermost cache to hold some.
const EVENTS: usize = 1 << 7;
/// Bytes that are worth a block. A trace may have many threads of a few events.
const WORTH_IT: usize = 1 << 8;

/// An event whose numbers are small, as nearly all are.
#[derive(Clone, Copy)]
pub(super) struct ShortTraceEvent {
    /// In nanoseconds of the trace's clock.
    pub(super) time: i64,
    /// The first arguments; 0 where there are not so many.
    pub(super) args: [u32; 3],
    /// Where it begins in the batch.
    pub(super) begin: u16,
    pub(super) kind: EventType,
}

/// Events, one behind the other.
#[derive(Default)]
pub(super) struct Block {
    pub(super) events: Vec<ShortTraceEvent>,
    /// Where the bytes behind them begin.
    pub(super) behind: u32,
}

impl Block {
    /// Reads the event of `kind` and `time` that begins at `begin` of a batch, its
    /// arguments at `at`, and those behind it. None where the clock's `unit` is no whole
    /// number of nanoseconds, times are not above 0, which mean something else, or
    /// the batch ends soon.
    pub(super) fn fill(
        &mut self,
        bytes: &[u8],
        (mut begin, mut at): (u32, u32),
        mut kind: EventType,
        mut time: i64,
        unit: u64,
    ) {
        if unit == 0 || bytes.len().saturating_sub(begin as usize) < WORTH_IT {
            return;
        }
        while self.events.len() < EVENTS && time > 0 {
            let Ok(place) = u16::try_from(begin) else { return };
            let Some((args, behind)) = arguments(bytes, at, kind) else { return };
            self.events.push(ShortTraceEvent { time, args, begin: place, kind });
            self.behind = behind;
            let Some(next) = bytes.get(behind as usize) else { return };
            let Some((units, next_at)) = short_uvarint(bytes, behind + 1) else { return };
            (begin, at, kind) = (behind, next_at, EventType(*next));
            time = time.wrapping_add((u64::from(units) * unit).cast_signed());
        }
    }
}

/// The arguments of an event of a kind, and where the bytes behind them begin.
#[inline(always)]
fn arguments(bytes: &[u8], at: u32, kind: EventType) -> Option<([u32; 3], u32)> {
    match SHAPES.get(usize::from(kind.0))?.args {
        0 => Some(([0; 3], at)),
        1 => {
            let (first, at) = short_uvarint(bytes, at)?;
            Some(([first, 0, 0], at))
        }
        2 => {
            let (first, at) = short_uvarint(bytes, at)?;
            let (second, at) = short_uvarint(bytes, at)?;
            Some(([first, second, 0], at))
        }
        3 => {
            let (first, at) = short_uvarint(bytes, at)?;
            // A number of a sequence, as a rule, which are large.
            let (second, at) = few_uvarint(bytes, at)?;
            let (third, at) = short_uvarint(bytes, at)?;
            Some(([first, second, third], at))
        }
        _ => None,
    }
}
