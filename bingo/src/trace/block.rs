//! Events of a batch that are read ahead, by the dozen: so what reading them needs
//! stays at hand meanwhile. In: the bytes of a batch. Out: its next events, up to the
//! first one that is not as nearly all are, which is for others to read.

use super::cursor::{NOWHERE, uvarint};
use super::spec::{EventType, SHAPES, Shape};
use super::tables::Tables;
use super::window::Window;

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

/// Events, one behind the other: a run of them, and those runs that come behind it, as
/// far as they have been read.
#[derive(Default)]
pub(super) struct Block {
    events: Vec<ShortTraceEvent>,
    /// What is left of the run.
    at: usize,
    run: Run,
    /// Of a whole batch: all runs, and which comes next.
    runs: Vec<Run>,
    next: usize,
}

/// Events that lie side by side.
#[derive(Clone, Copy, Default)]
struct Run {
    /// Where the first of them is.
    begin: usize,
    /// Where those behind them are.
    end: usize,
    /// Where the bytes behind them begin.
    behind: u32,
}

impl Block {
    /// What is left of the run.
    #[inline(always)]
    pub(super) fn ahead(&self) -> &[ShortTraceEvent] {
        self.events.get(self.at..self.run.end).unwrap_or_default()
    }

    /// The first of these.
    #[inline(always)]
    pub(super) fn first(&self) -> Option<&ShortTraceEvent> {
        self.ahead().first()
    }

    /// So many of these were taken; the time of the one that is the first now.
    #[inline(always)]
    pub(super) fn pass(&mut self, count: usize) -> Option<i64> {
        self.at += count;
        self.first().map(|event| event.time)
    }

    /// The time of the run's last event, taken or not, and where the bytes behind it begin.
    pub(super) fn end(&self) -> (Option<i64>, u32) {
        let events = self.events.get(self.run.begin..self.run.end);
        (events.and_then(<[_]>::last).map(|event| event.time), self.run.behind)
    }

    /// Ends the run.
    pub(super) fn end_run(&mut self) {
        (self.run.begin, self.run.end) = (self.at, self.at);
    }

    /// Forgets all events.
    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.runs.clear();
        (self.at, self.run, self.next) = (0, Run::default(), 0);
    }

    /// Comes to the event of `kind` and `time` that begins at `begin` of a batch, its
    /// arguments at `at`: reads it and those behind it, where that has not been done. None
    /// where the clock's `unit` is no whole number of nanoseconds, times are not above 0,
    /// which mean something else, or the batch ends soon.
    pub(super) fn fill(
        &mut self,
        bytes: &[u8],
        (begin, at): (u32, u32),
        kind: EventType,
        time: i64,
        unit: u64,
    ) {
        if let Some(run) = self.runs.get(self.next) {
            let first = self.events.get(run.begin);
            if first.is_some_and(|first| u32::from(first.begin) == begin) {
                (self.at, self.run) = (run.begin, *run);
                self.next += 1;
            }
            return;
        }
        self.clear();
        if unit != 0 && bytes.len().saturating_sub(begin as usize) >= WORTH_IT {
            self.run = self.read_run(bytes, (begin, at), kind, time, unit, EVENTS);
        }
    }

    /// Reads all events of a batch, the first of which follows on `time`.
    pub(super) fn fill_whole(&mut self, bytes: &[u8], mut time: i64, tables: &Tables) {
        self.clear();
        let mut begin = 0;
        while let Some(kind) = bytes.get(begin as usize).copied().map(EventType) {
            let (units, at) = uvarint(bytes, begin + 1);
            time = time.wrapping_add(tables.nanoseconds(units));
            if at == NOWHERE || time <= 0 {
                return;
            }
            let run = self.read_run(bytes, (begin, at), kind, time, tables.whole_unit(), usize::MAX);
            if let Some(last) = self.events.get(run.begin..run.end).and_then(<[_]>::last) {
                (begin, time) = (run.behind, last.time);
                self.runs.push(run);
                continue;
            }
            let args = SHAPES.get(usize::from(kind.0)).map_or(Shape::NOT_TIMED, |shape| shape.args);
            if args == Shape::NOT_TIMED {
                return;
            }
            let behind = (0..args).fold(at, |at, _| uvarint(bytes, at).1);
            if behind == NOWHERE {
                return;
            }
            begin = behind;
        }
    }

    /// Reads up to `room` events from one on.
    #[inline]
    fn read_run(
        &mut self,
        bytes: &[u8],
        (mut begin, mut at): (u32, u32),
        mut kind: EventType,
        mut time: i64,
        unit: u64,
        room: usize,
    ) -> Run {
        let mut run = Run { begin: self.events.len(), end: self.events.len(), behind: begin };
        let Some(mut window) = Window::new(bytes, at) else { return run };
        while run.end - run.begin < room && time > 0 {
            let Ok(place) = u16::try_from(begin) else { break };
            let Some(args) = arguments(&mut window, kind) else { break };
            self.events.push(ShortTraceEvent { time, args, begin: place, kind });
            at += window.taken();
            begin = at;
            (run.end, run.behind) = (run.end + 1, begin);
            let Some(next) = Window::new(bytes, begin) else { break };
            window = next;
            kind = EventType(window.byte());
            let Some(units) = window.number() else { break };
            time = time.wrapping_add((u64::from(units) * unit).cast_signed());
        }
        run
    }
}

/// The arguments of an event of a kind.
#[inline(always)]
fn arguments(window: &mut Window<'_>, kind: EventType) -> Option<[u32; 3]> {
    let count = SHAPES.get(usize::from(kind.0))?.args;
    let mut args = [0; 3];
    let [first, second, third] = &mut args;
    if count > 0 {
        *first = window.number()?;
    }
    if count > 1 {
        *second = window.number()?;
    }
    if count > 2 {
        *third = window.number()?;
    }
    (count <= 3).then_some(args)
}

#[cfg(test)]
mod tests {
    use super::super::cursor::tests::put;
    use super::super::tables::TablesBuilder;
    use super::*;

    /// Where an event begins, when it is, and its first arguments.
    type Said = (u32, i64, [u64; 3]);

    /// Events of several kinds, some of which have large numbers: their bytes, and what
    /// they say.
    fn batch() -> (Vec<u8>, Vec<Said>) {
        let kinds =
            [EventType::GO_START, EventType::GO_BLOCK, EventType::GO_STATUS_STACK, EventType::GO_UNBLOCK];
        let (mut bytes, mut events, mut time) = (Vec::new(), Vec::new(), 64 * 1_000);
        for at in 0..700_u64 {
            let kind = kinds[usize::try_from(at * at % 7 % 4).unwrap()];
            let begin = u32::try_from(bytes.len()).unwrap();
            bytes.push(kind.0);
            let units = if at % 50 == 49 { 1 << 30 } else { at % 300 };
            put(&mut bytes, units);
            time += i64::try_from(units).unwrap() * 64;
            let mut args = [0; 3];
            for place in 0..SHAPES[usize::from(kind.0)].args {
                let arg = if at % 31 == 30 { u64::MAX - at } else { at << place };
                put(&mut bytes, arg);
                if let Some(first) = args.get_mut(usize::from(place)) {
                    *first = arg;
                }
            }
            events.push((begin, time, args));
        }
        (bytes, events)
    }

    #[test]
    fn a_whole_batch_says_what_it_says_event_by_event() {
        let tables = TablesBuilder::default().finish(1, 64.0, None, false).unwrap();
        let (bytes, events) = batch();
        let mut block = Block::default();
        block.fill_whole(&bytes, 64 * 1_000, &tables);
        let (mut at, mut short) = (0, 0);
        while let Some(&(begin, time, args)) = events.get(at) {
            let (_, arguments) = uvarint(&bytes, begin + 1);
            block.fill(&bytes, (begin, arguments), EventType(bytes[begin as usize]), time, 64);
            let run = block.ahead();
            if run.is_empty() {
                let last_bytes = bytes.len() < begin as usize + Window::BYTES + 6;
                let large = args.iter().any(|arg| *arg >= 1 << 28);
                let four = bytes[begin as usize] == EventType::GO_STATUS_STACK.0;
                assert!(last_bytes || large || four, "{begin}");
                at += 1;
                continue;
            }
            for event in run {
                let (begin, time, args) = events[at];
                assert_eq!((u32::from(event.begin), event.time), (begin, time));
                assert_eq!(event.args.map(u64::from), args);
                at += 1;
            }
            short += run.len();
            let behind = events.get(at).map_or(bytes.len(), |event| event.0 as usize);
            assert_eq!(block.end(), (Some(events[at - 1].1), u32::try_from(behind).unwrap()));
            block.pass(run.len());
            block.end_run();
        }
        assert!(short > 300, "{short} of {}", events.len());
    }
}
