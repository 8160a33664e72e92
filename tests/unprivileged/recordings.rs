//! `events.jsonl` read back: what was written, event by event, and the same
//! World; and what is wrong with a broken one.

use std::io::BufReader;
use std::time::{Duration, UNIX_EPOCH};

use bingo::model::{
    Addr, Direction, Event, EventKind, Frame, GoId, GoState, Header, IoDirection, LostKind, Observation,
    Source, SourceKind, Stack, ThreadId, Time, Wait, WaitReason,
};
use bingo::recording::{EventReader, EventWriter};
use bingo::world::{Since, World};

/// A small xorshift, so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).expect("an index");
        all.get(at).expect("it is below the length").clone()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    /// Small or over what JSON's readers keep whole.
    fn number(&mut self) -> u64 {
        if self.below(4) == 0 { u64::MAX - self.below(1_000) } else { self.below(1_000) }
    }

    fn channel(&mut self) -> (Addr, Direction) {
        (Addr(self.number()), self.one_of(&[Direction::Send, Direction::Receive]))
    }

    fn wait(&mut self) -> Wait {
        match self.below(5) {
            0 => {
                let (channel, direction) = self.channel();
                Wait::Channel { channel, direction }
            }
            1 => Wait::Select((0..self.below(3)).map(|_| self.channel()).collect()),
            2 => Wait::Lock(Addr(self.number())),
            3 => Wait::Sleep { until: Time(self.number()) },
            _ => {
                let direction = self.one_of(&[IoDirection::Read, IoDirection::Write]);
                Wait::Io { fd: -1, direction }
            }
        }
    }

    fn reason(&mut self) -> WaitReason {
        if self.below(10) == 0 { WaitReason::Unknown(37) } else { self.one_of(WaitReason::ALL) }
    }

    fn id(&mut self) -> GoId {
        GoId(self.number())
    }

    fn kind(&mut self) -> EventKind {
        match self.below(9) {
            0 => EventKind::Create { parent: self.maybe(Random::id) },
            1 => EventKind::Block { reason: self.maybe(Random::reason), on: self.maybe(Random::wait) },
            2 => EventKind::Unblock { by: self.maybe(Random::id) },
            3 => EventKind::Run,
            4 => EventKind::Stop,
            5 => EventKind::Syscall,
            6 => EventKind::Dead,
            7 => EventKind::Snapshot {
                state: self.one_of(&[GoState::Runnable, GoState::Blocked, GoState::Syscall, GoState::Dead]),
                reason: self.maybe(Random::reason),
                on: self.maybe(Random::wait),
                parent: self.maybe(Random::id),
                since: self.maybe(|random| Time(random.number())),
            },
            _ => {
                let kinds = [LostKind::Create, LostKind::Block, LostKind::Unblock, LostKind::Dead];
                EventKind::Lost { kind: self.one_of(&kinds), count: self.number() }
            }
        }
    }

    fn frame(&mut self) -> Frame {
        Frame {
            function: self
                .one_of(&["runtime.gopark", "main.(*T[go.shape.int]).f", "main.\"\u{1F980}\""])
                .into(),
            file: self.one_of(&["/src/a b.go", "C:\\src\\\u{7f}.go", ""]).into(),
            line: u32::try_from(self.below(1 << 32)).expect("it is below 2^32"),
            pc: Addr(self.number()),
            inlined: self.below(2) == 0,
        }
    }

    fn events(&mut self) -> Vec<Event> {
        let mut time = self.below(1 << 60);
        let mut events = Vec::new();
        for _ in 0..=self.below(60) {
            time += self.below(1_000);
            let kind = self.kind();
            let lost = matches!(kind, EventKind::Lost { .. });
            let goroutine = if lost { None } else { Some(self.id()) };
            let stack = self.maybe(|random| {
                Stack::new((0..=random.below(4)).map(|_| random.frame()).collect::<Vec<_>>())
            });
            let thread = self.maybe(|random| ThreadId(random.number()));
            events.push(Event { time: Time(time), goroutine, kind, stack, thread });
        }
        events
    }
}

fn header() -> Header {
    Header {
        source: SourceKind::Live,
        go_version: Some("go1.27.3".into()),
        binary: Some("/srv/app".into()),
        pid: Some(123),
        inner_pid: Some(1),
        start: UNIX_EPOCH + Duration::from_nanos(1_795_307_891_969_332_122),
        start_monotonic: Time(969_332_122_271),
        notes: vec!["a \"note\"".into()],
    }
}

fn written(events: &[Event]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = EventWriter::new(&mut text, &header(), true).expect("memory can be written");
    events.iter().for_each(|event| writer.event(event, None).expect("memory can be written"));
    writer.flush().expect("memory can be written");
    text
}

/// All that is in `text`, taken in by small pieces.
fn read(text: &[u8]) -> Result<(Header, Vec<Observation>), String> {
    let mut reader =
        EventReader::new(BufReader::with_capacity(7, text)).map_err(|error| error.to_string())?;
    let mut observed = Vec::new();
    while reader.observe(Time(0), &mut observed).map_err(|error| error.to_string())? {}
    Ok((reader.header().clone(), observed))
}

fn world(observations: &[Observation]) -> Vec<String> {
    let mut world = World::default();
    observations.iter().for_each(|observation| drop(world.apply(observation)));
    let mut shown: Vec<_> = world.goroutines().map(|goroutine| format!("{goroutine:?}")).collect();
    shown.sort();
    shown.push(format!("{:?}", world.totals()));
    shown
}

#[test]
fn what_was_written_is_read_back_and_makes_the_same_world() {
    for seed in 1..=500 {
        let events = Random(0x9E37_79B9_7F4A_7C15 ^ seed).events();
        let (found, observed) = read(&written(&events)).unwrap();
        assert_eq!(found, header());
        let read_back: Vec<_> = observed
            .iter()
            .map(|observation| match observation {
                Observation::Event(event) => event.clone(),
                other => panic!("seed {seed}: {other:?}"),
            })
            .collect();
        assert_eq!(read_back, events, "seed {seed}");
        let told: Vec<_> = events.into_iter().map(Observation::Event).collect();
        assert_eq!(world(&observed), world(&told), "seed {seed}");
    }
}

#[test]
fn cut_off_anywhere_it_gives_what_is_whole_and_says_what_is_not() {
    let events = Random(0x9E37_79B9).events();
    let whole = written(&events);
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert!(events.len() > 5);
    for end in (first + 1..whole.len()).step_by(7) {
        let (_, observed) = read(&whole[..end]).unwrap();
        let lines = whole[first..end].iter().filter(|byte| **byte == b'\n').count();
        let complete = observed.iter().filter(|o| matches!(o, Observation::Event(_))).count();
        let problems = observed.len() - complete;
        // A last line may be whole but for its end.
        let at_end = whole[end - 1] == b'\n' || whole[end] == b'\n';
        assert_eq!(complete, lines + usize::from(whole[end] == b'\n'), "cut at {end}");
        assert_eq!(problems, usize::from(!at_end), "cut at {end}");
    }
}

#[test]
fn that_nothing_was_recorded_is_told_once() {
    let nothing = |events: &[Event]| {
        let text = written(events);
        let mut reader = EventReader::new(&text[..]).unwrap();
        let mut observed = Vec::new();
        for _ in 0..2 {
            while reader.observe(Time(0), &mut observed).unwrap() {}
        }
        let told = observed.iter().filter(|observation| {
            matches!(observation, Observation::Problem(problem) if problem.what.contains("nothing was recorded"))
        });
        told.count()
    };
    assert_eq!(nothing(&[]), 1);
    let run =
        Event { time: Time(1), goroutine: Some(GoId(7)), kind: EventKind::Run, stack: None, thread: None };
    assert_eq!(nothing(&[run]), 0);
}

/// Those that wait and are found to do so at the end did so all the time.
#[test]
fn what_is_found_at_the_end_is_known_since_it_began() {
    let since = |found: GoState, from: u64| {
        let event = |time, kind| {
            let event = Event { time: Time(time), goroutine: Some(GoId(7)), kind, stack: None, thread: None };
            Observation::Event(event)
        };
        let reason = Some(WaitReason::ChanReceive);
        let mut world = World::default();
        world.apply(&event(100, EventKind::Block { reason, on: None }));
        world.apply(&event(
            500,
            EventKind::Snapshot { state: found, reason, on: None, parent: None, since: Some(Time(from)) },
        ));
        assert_eq!(world.latest(), Time(500));
        world.goroutine(GoId(7)).unwrap().since
    };
    assert_eq!(since(GoState::Blocked, 100), Since::Exact(Time(100)));
    assert_eq!(since(GoState::Blocked, 300), Since::AtLatest(Time(300)));
    assert_eq!(since(GoState::Syscall, 100), Since::AtLatest(Time(100)));
    let mut first = World::default();
    let kind =
        EventKind::Snapshot { state: GoState::Blocked, reason: None, on: None, parent: None, since: None };
    let seen = Event { time: Time(100), goroutine: Some(GoId(7)), kind, stack: None, thread: None };
    first.apply(&Observation::Event(seen));
    assert_eq!(first.goroutine(GoId(7)).unwrap().since, Since::AtLatest(Time(100)));
}

fn refused(text: &str, words: &[&str]) {
    let said = read(text.as_bytes()).expect_err(text);
    for word in words {
        assert!(said.contains(word), "{text:?} does not say {word:?}: {said}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_byte() {
    let header = "{\"bingo_events\":1,\"source\":\"live\",\"start\":\"2026-11-22T00:38:11Z\"}\n";
    refused("", &["empty"]);
    refused("hello\n", &["first line", "expected value"]);
    refused("{\"bingo_dump\":1}\n", &["first line", "bingo_events"]);
    refused(&header.replace("1,", "2,"), &["version 2", "version 1"]);
    refused(&header.replace("live", "core"), &["source", "core"]);
    refused(&header.replace("2026", "when"), &["start", "when"]);
    let fine = "{\"time_ns\":1,\"goroutine_id\":7,\"event_type\":\"run\"}\n";
    let third = format!("byte {}", header.len() + fine.len());
    for (line, word) in [
        ("{\"time_ns\":2,\"event_type\":\"run\"}", "goroutine_id"),
        ("{\"goroutine_id\":2,\"event_type\":\"run\"}", "time_ns"),
        ("{\"time_ns\":-2,\"goroutine_id\":7,\"event_type\":\"run\"}", "whole number"),
        ("{\"time_ns\":2,\"goroutine_id\":7,\"event_type\":\"jump\"}", "jump"),
        ("{\"time_ns\":2,\"goroutine_id\":7,\"event_type\":\"block\",\"block_reason\":\"mood\"}", "mood"),
        ("{\"time_ns\":2,\"goroutine_id\":7,\"event_type\":\"block\",\"stack\":[{\"pc\":7}]}", "string"),
        ("{\"time_ns\":2,", "EOF"),
        ("\u{0}", "expected value"),
    ] {
        let text = format!("{header}{fine}{line}\n{fine}");
        refused(&text, &["line 3", word]);
        let said = read(text.as_bytes()).expect_err(line);
        let byte = said.split("byte ").nth(1).and_then(|rest| rest.split(':').next()?.parse().ok());
        let begin = header.len() + fine.len();
        assert!(byte.is_some_and(|byte| (begin..=begin + line.len()).contains(&byte)), "{said}");
    }
    let long = format!("{header}{fine}{}", "x".repeat(2 << 20));
    refused(&long, &["line 3", &third, "longer"]);
}

#[test]
fn keys_and_lines_that_say_nothing_are_passed_over() {
    let text = "{\"bingo_events\":1,\"source\":\"live\",\"start\":\"2026-11-22T00:38:11Z\",\"new\":{}}\r\n\n\
                {\"time_ns\":\"5\",\"goroutine_id\":7,\"event_type\":\"block\",\"mood\":[1],\
                \"program_counter\":\"0x10\",\"source_location\":{\"file\":\"a.go\",\"line\":5,\"function\":\"main.f\"}}\r\n\
                {\"time_ns\":4,\"event_type\":\"lost\",\"count\":3}";
    let (_, observed) = read(text.as_bytes()).unwrap();
    let [Observation::Event(block), Observation::Problem(disorder), Observation::Event(lost)] = &observed[..]
    else {
        panic!("{observed:?}");
    };
    assert!(disorder.what.contains("order of time, from line 4"), "{disorder:?}");
    let stack = block.stack.as_ref().unwrap();
    assert_eq!((&*stack.frames()[0].function, stack.frames()[0].pc), ("main.f", Addr(16)));
    assert_eq!(lost.kind, EventKind::Lost { kind: LostKind::Block, count: 3 });
}
