//! Events of a batch that are read ahead, by the dozen: so what reading them needs
//! stays at hand meanwhile. In: the bytes of a batch. Out: its next events, up to the
//! first one that is not as nearly all are, which is for others to read.

use super::cursor::{NOWHERE, uvarint};
use super::spec::{EventType, SHAPES, Shape};
use super::tables::Tables;
use super::window::Window;

/// Events of a block: few enough for a processor's innermost cache to hold some.
const EVENTS: usize = 1 << 7;
/// Events for which there is room made at once where a whole batch is read.
const EVENTS_WHOLE: usize = 1 << 10;
/// Bytes that are worth a block. A trace may have many threads of a few events.
const WORTH_IT: usize = 1 << 8;

/// An event whose numbers are small, as nearly all are: so short that it costs next to
/// nothing to hand it over to another processor.
#[derive(Clone, Copy, Default)]
pub(super) struct ShortTraceEvent {
    /// Nanoseconds since its run began, and in the lowest eight bits its kind.
    word: u32,
    /// Its arguments; 0 where there are not so many.
    pub(super) args: [u32; 3],
}

impl ShortTraceEvent {
    /// What happened.
    #[inline(always)]
    pub(super) fn kind(self) -> EventType {
        let [kind, ..] = self.word.to_le_bytes();
        EventType(kind)
    }

    /// When it was, in a run that began at `from`.
    #[inline(always)]
    pub(super) fn time(self, from: i64) -> i64 {
        from + i64::from(self.word >> 8)
    }
}

/// Events, one behind the other: a run of them, and those runs that come behind it, as
/// far as they have been read.
#[derive(Default)]
pub(super) struct Block {
    events: Vec<ShortTraceEvent>,
    /// How many of these have been read.
    filled: usize,
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
    /// When the first of them was, in nanoseconds of the trace's clock.
    from: i64,
    /// Where its bytes begin in the batch.
    first: u32,
    /// Where the first of them is.
    begin: usize,
    /// Where those behind them are.
    end: usize,
    /// Where the bytes behind them begin.
    behind: u32,
}

/// Events of a run, one behind the other.
#[derive(Clone, Copy)]
pub(super) struct Rest<'b> {
    pub(super) events: &'b [ShortTraceEvent],
    /// What their times are counted from.
    pub(super) from: i64,
}

impl Block {
    /// What is left of the run.
    #[inline(always)]
    pub(super) fn rest(&self) -> Rest<'_> {
        let events = self.events.get(self.at..self.run.end).unwrap_or_default();
        Rest { events, from: self.run.from }
    }

    /// The first event of what is left, and its time.
    #[inline(always)]
    pub(super) fn first(&self) -> Option<(ShortTraceEvent, i64)> {
        let Rest { events, from } = self.rest();
        let first = *events.first()?;
        Some((first, first.time(from)))
    }

    /// Where that event begins in its batch, whose bytes these are.
    #[cold]
    pub(super) fn place(&self, bytes: &[u8]) -> u32 {
        let passed = self.events.get(self.run.begin..self.at).unwrap_or_default();
        passed.iter().fold(self.run.first, |begin, event| {
            let args = SHAPES.get(usize::from(event.kind().0)).map_or(0, |shape| shape.args);
            (0..=args).fold(begin + 1, |at, _| uvarint(bytes, at).1)
        })
    }

    /// So many of these were taken; the time of the one that is the first now.
    #[inline(always)]
    pub(super) fn pass(&mut self, count: usize) -> Option<i64> {
        self.at += count;
        self.first().map(|(_, time)| time)
    }

    /// The time of the run's last event, taken or not, and where the bytes behind it begin.
    pub(super) fn end(&self) -> (Option<i64>, u32) {
        let events = self.events.get(self.run.begin..self.run.end);
        (events.and_then(<[_]>::last).map(|event| event.time(self.run.from)), self.run.behind)
    }

    /// Ends the run.
    pub(super) fn end_run(&mut self) {
        (self.run.begin, self.run.end) = (self.at, self.at);
    }

    /// Forgets all events.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
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
            if run.first == begin {
                (self.at, self.run) = (run.begin, *run);
                self.next += 1;
            }
            return;
        }
        self.clear();
        if is_usual(time, unit) && bytes.len().saturating_sub(begin as usize) >= WORTH_IT {
            self.make_room(EVENTS);
            self.run = self.read_run(bytes, (begin, at), kind, time, unit);
        }
    }

    /// Reads all events of a batch, the first of which follows on `time`.
    pub(super) fn fill_whole(&mut self, bytes: &[u8], mut time: i64, tables: &Tables) {
        self.clear();
        let mut begin = 0;
        while let Some(kind) = bytes.get(begin as usize).copied().map(EventType) {
            let (units, at) = uvarint(bytes, begin + 1);
            time = time.wrapping_add(tables.nanoseconds(units));
            if at == NOWHERE || !is_usual(time, tables.whole_unit()) {
                return;
            }
            self.make_room(EVENTS_WHOLE);
            let run = self.read_run(bytes, (begin, at), kind, time, tables.whole_unit());
            if let Some(last) = self.events.get(run.begin..run.end).and_then(<[_]>::last) {
                (begin, time) = (run.behind, last.time(run.from));
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

    /// Makes room for so many events more.
    fn make_room(&mut self, more: usize) {
        let most = self.filled + more;
        if self.events.len() < most {
            self.events.resize(most, ShortTraceEvent::default());
        }
    }

    /// Reads events from one on, of `kind`, which begins at `begin` and was at `from`, up
    /// to where there is room for no more.
    #[inline]
    fn read_run(
        &mut self,
        bytes: &[u8],
        (begin, at): (u32, u32),
        kind: EventType,
        from: i64,
        unit: u64,
    ) -> Run {
        let mut run = Run { from, first: begin, begin: self.filled, end: self.filled, behind: begin };
        let Some(mut window) = Window::new(bytes, at) else { return run };
        // As the word of an event has it.
        let unit = unit << 8;
        let (mut at, mut kind, mut word, mut after) = (at, kind, 0, 0);
        for place in self.events.get_mut(self.filled..).unwrap_or_default() {
            let Some(args) = arguments(&mut window, kind) else { break };
            (place.word, place.args) = (word | u32::from(kind.0), args);
            at += window.taken();
            (run.end, run.behind) = (run.end + 1, at);
            let Some(next) = Window::new(bytes, at) else { break };
            window = next;
            kind = EventType(window.byte());
            let Some(units) = window.number() else { break };
            after += u64::from(units) * unit;
            let Ok(then) = u32::try_from(after) else { break };
            word = then;
        }
        self.filled = run.end;
        run
    }
}

/// Whether a run can begin at a time, if a clock's unit is so many nanoseconds: then no
/// number in it is too large.
fn is_usual(time: i64, unit: u64) -> bool {
    (1..=i64::MAX / 2).contains(&time) && (1..1 << 20).contains(&unit)
}

/// The arguments of an event of a kind.
#[inline(always)]
fn arguments(window: &mut Window<'_>, kind: EventType) -> Option<[u32; 3]> {
    // Nearly all have two or three.
    Some(match SHAPES.get(usize::from(kind.0))?.args {
        2 => [window.number()?, window.number()?, 0],
        3 => [window.number()?, window.number()?, window.number()?],
        1 => [window.number()?, 0, 0],
        0 => [0; 3],
        _ => return None,
    })
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
            if block.rest().events.is_empty() {
                let last_bytes = bytes.len() < begin as usize + Window::BYTES + 6;
                let large = args.iter().any(|arg| *arg >= 1 << 28);
                let four = bytes[begin as usize] == EventType::GO_STATUS_STACK.0;
                assert!(last_bytes || large || four, "{begin}");
                at += 1;
                continue;
            }
            let run = at;
            while let Some((event, time)) = block.first() {
                assert_eq!((block.place(&bytes), time, event.args.map(u64::from)), events[at]);
                assert_eq!(event.kind().0, bytes[events[at].0 as usize]);
                at += 1;
                block.pass(1);
            }
            short += at - run;
            let behind = events.get(at).map_or(bytes.len(), |event| event.0 as usize);
            assert_eq!(block.end(), (Some(events[at - 1].1), u32::try_from(behind).unwrap()));
            block.end_run();
        }
        assert!(short > 300, "{short} of {}", events.len());
    }
}
