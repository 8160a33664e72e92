//! Every form of one fixed picture: seven goroutines of a small server.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::{Filter, Screen, Selection, Style};
use crate::model::{
    Addr, Channel, CreatedBy, Direction, Event, EventKind, Frame, GoId, GoState, Goroutine, Header,
    IoDirection, Lock, LockKind, Observation, Problem, Sink, Snapshot, Source, SourceError, SourceKind,
    Stack, SyncObject, ThreadId, Time, Wait, WaitReason, Waiters,
};
use crate::session::{Session, View};

const SECOND: u64 = 1_000_000_000;

/// A source that yields these, once.
struct Script(Header, Vec<Observation>);

impl Source for Script {
    fn header(&self) -> &Header {
        &self.0
    }

    fn observe(&mut self, _: Time, out: &mut dyn Sink) -> Result<bool, SourceError> {
        self.1.drain(..).for_each(|observation| out.observation(observation));
        Ok(true)
    }
}

fn header() -> Header {
    Header {
        source: SourceKind::Live,
        go_version: Some("go1.27.3".into()),
        binary: Some(PathBuf::from("/srv/shop")),
        pid: Some(4242),
        inner_pid: Some(7),
        start: UNIX_EPOCH,
        start_monotonic: Time(0),
        notes: vec![],
    }
}

fn stack(calls: &[(&str, &str, u32)]) -> Stack {
    let frame = |(number, (function, file, line)): (u64, &(&str, &str, u32))| Frame {
        function: (*function).into(),
        file: (*file).into(),
        line: *line,
        pc: Addr(0x40_0000 + number * 16 + u64::from(*line)),
        inlined: false,
    };
    Stack::new((1..).zip(calls).map(frame).collect::<Vec<_>>())
}

fn goroutine(id: u64, reason: Option<WaitReason>, stack: &Stack) -> Goroutine {
    Goroutine {
        id: GoId(id),
        state: if reason.is_some() { GoState::Blocked } else { GoState::Running },
        reason,
        blocked_since: None,
        switches: Some(1),
        wait: None,
        stack: stack.clone(),
        created_by: None,
        parent: None,
        labels: None,
        thread: None,
        system: false,
    }
}

fn snapshot() -> Snapshot {
    let channel = Addr(0xc000_0123);
    let mutex = Addr(0xc000_0456);
    let sender = stack(&[
        ("runtime.gopark", "/go/src/runtime/proc.go", 402),
        ("runtime.chansend", "/go/src/runtime/chan.go", 259),
        ("main.(*Shop).order", "/src/shop/order.go", 41),
        ("main.serve", "/src/shop/main.go", 17),
    ]);
    let locked = stack(&[
        ("runtime.gopark", "/go/src/runtime/proc.go", 402),
        ("sync.(*Mutex).Lock", "/go/src/sync/mutex.go", 46),
        ("main.(*Store).Put", "/src/shop/store.go", 23),
    ]);
    let accept = stack(&[
        ("internal/poll.(*FD).Accept", "/go/src/internal/poll/fd_unix.go", 613),
        ("net.(*netFD).accept", "/go/src/net/fd_unix.go", 161),
        ("main.main", "/src/shop/main.go", 9),
    ]);
    let worker = stack(&[("runtime.gcBgMarkWorker", "/go/src/runtime/mgc.go", 1463)]);
    let created = CreatedBy { function: "main.serve".into(), file: "/src/shop/main.go".into(), line: 15 };
    let wait = Wait::Channel { channel, direction: Direction::Send };
    let mut goroutines = Vec::new();
    let mut main = goroutine(1, Some(WaitReason::IoWait), &accept);
    main.wait = Some(Wait::Io { fd: 3, direction: IoDirection::Read });
    main.blocked_since = Some(Time(SECOND));
    goroutines.push(main);
    for id in 18..21 {
        let mut sending = goroutine(id, Some(WaitReason::ChanSend), &sender);
        sending.wait = Some(wait.clone());
        sending.created_by = Some(Arc::new(created.clone()));
        sending.parent = Some(GoId(1));
        sending.blocked_since = Some(Time((id - 10) * SECOND));
        sending.labels = Some(Arc::new(BTreeMap::from([("path".into(), "/order".into())])));
        goroutines.push(sending);
    }
    let mut locking = goroutine(30, Some(WaitReason::MutexLock), &locked);
    locking.wait = Some(Wait::Lock(mutex));
    goroutines.push(locking);
    let mut running = goroutine(31, None, &Stack::empty());
    running.thread = Some(ThreadId(4250));
    goroutines.push(running);
    let mut system = goroutine(4, Some(WaitReason::GcWorkerIdle), &worker);
    system.system = true;
    goroutines.push(system);
    let senders = (18..21).map(GoId).collect();
    let found =
        Channel { address: channel, cap: 0, len: 0, closed: false, receivers: Waiters::default(), senders };
    let kind = LockKind::Mutex;
    let lock = Lock { address: mutex, kind, semaphore: Addr(0xc000_045c), waiters: vec![GoId(30)].into() };
    Snapshot {
        taken: Time(100 * SECOND),
        took: Duration::from_millis(4),
        goroutines: goroutines.into_iter().map(Arc::new).collect(),
        objects: Arc::new(
            [(channel, SyncObject::Channel(found)), (mutex, SyncObject::Lock(lock))]
                .map(|(address, object)| (address, Arc::new(object)))
                .into(),
        ),
        went_on: Vec::new(),
        links: None,
        stopped_for: Duration::ZERO,
        problems: vec![Problem { goroutine: Some(GoId(77)), what: "stack unreadable at 0xc000999".into() }],
    }
}

/// The picture: goroutine 30 was seen to park, five seconds before the snapshot.
pub(crate) fn view() -> Arc<View> {
    let park = Event {
        time: Time(95 * SECOND),
        goroutine: Some(GoId(30)),
        kind: EventKind::Block { reason: Some(WaitReason::MutexLock), on: None },
        stack: None,
        thread: None,
    };
    let script = vec![Observation::Event(park), Observation::Snapshot(Box::new(snapshot()))];
    let mut session = Session::new(header(), Some(Box::new(Script(header(), script))), None);
    session.advance(Time(100 * SECOND + 4_000_000), true).unwrap();
    session.view()
}

#[test]
fn a_snapshot_alone_shows_what_a_session_makes_of_it() {
    let mut snapshot = snapshot();
    snapshot.goroutines.sort_by_key(|goroutine| goroutine.id);
    let script = vec![Observation::Snapshot(Box::new(snapshot.clone()))];
    let mut session = Session::new(header(), Some(Box::new(Script(header(), script))), None);
    session.advance(snapshot.taken, true).unwrap();
    let mut followed = (*session.view()).clone();
    let mut alone = View::of_snapshot(&header(), snapshot);
    assert_eq!(alone.objects, followed.objects);
    // These have no order to be printed in.
    (alone.objects, followed.objects) = Default::default();
    assert_eq!(format!("{alone:?}"), format!("{followed:?}"));
}

fn all() -> Selection {
    Selection { all: true, filter: None }
}

#[test]
fn a_wide_table() {
    let screen = Screen { width: 140, height: None, style: Style::Plain };
    insta::assert_snapshot!(super::table(&view(), &Selection::default(), screen));
}

#[test]
fn a_narrow_and_low_table_fits() {
    let screen = Screen { width: 72, height: Some(8), style: Style::Plain };
    let table = super::table(&view(), &Selection::default(), screen);
    assert!(table.lines().all(|line| line.chars().count() <= 72) && table.lines().count() <= 8, "{table}");
    insta::assert_snapshot!(table);
}

#[test]
fn the_narrowest_table_shows_why_on_what_and_where() {
    let screen = Screen { width: 40, height: None, style: Style::Plain };
    let table = super::table(&view(), &Selection::default(), screen);
    assert!(table.lines().all(|line| line.chars().count() <= 40), "{table}");
    insta::assert_snapshot!(table);
}

#[test]
fn no_width_and_height_is_too_small() {
    for (width, height) in (0..130).flat_map(|width| [(width, 0), (width, 9), (width, 30)]) {
        let screen = Screen { width, height: Some(height), style: Style::Plain };
        let table = super::table(&view(), &all(), screen);
        assert!(table.lines().all(|line| line.chars().count() <= width.max(1)), "{width}: {table}");
    }
}

#[test]
fn a_place_keeps_its_line_longest() {
    let stack = stack(&[("net/http.(*persistConn).roundTrip", "/go/src/net/http/transport.go", 3092)]);
    let frame = &stack.frames()[0];
    let check = |width, expect| assert_eq!(super::words::place_within(frame, width), expect);
    check(51, "net/http.(*persistConn).roundTrip transport.go:3092");
    check(50, "http.(*persistConn).roundTrip transport.go:3092");
    check(45, "(*persistConn).roundTrip transport.go:3092");
    check(30, "…).roundTrip transport.go:3092");
    check(18, "transport.go:3092");
    check(12, "transport.g…");
}

/// Goroutines with a stack of one function that called itself, and these waits.
fn together(waits: [Wait; 2]) -> String {
    let call = stack(&[("main.down", "/srv/main.go", 4)]).frames()[0].clone();
    let calls = Stack::new(vec![call; 100]);
    let goroutines = (1..)
        .zip(waits)
        .map(|(id, wait)| Goroutine { wait: Some(wait), ..goroutine(id, Some(WaitReason::Select), &calls) });
    let snapshot = Snapshot { goroutines: goroutines.map(Arc::new).collect(), ..snapshot() };
    super::grouped(&View::of_snapshot(&header(), snapshot), &Selection::default(), Style::Plain)
}

#[test]
fn a_group_says_how_many_objects_it_waits_on() {
    let select = |channels: &[u64]| {
        Wait::Select(channels.iter().map(|&channel| (Addr(channel), Direction::Receive)).collect())
    };
    let check = |waits, expect: &str| {
        let text = together(waits);
        assert!(text.contains(expect), "{text}");
    };
    check([select(&[1, 2]), select(&[2, 3])], "on 3 different channels\n");
    check([5, 6].map(|fd| Wait::Io { fd, direction: IoDirection::Read }), "on 2 different fds\n");
    let timers = [103, 101].map(|at| Wait::Sleep { until: Time(at * SECOND) });
    check(timers, "on their timers, the next in 996ms\n");
}

#[test]
fn a_recursion_is_one_line() {
    let text = together([Wait::Select(vec![]), Wait::Select(vec![])]);
    assert!(text.contains("    main.down  /srv/main.go:4  (100 times)\n"), "{text}");
}

#[test]
fn a_filter_that_nobody_matches_is_told() {
    let selection = Selection { all: false, filter: Some(Filter::new("nowhere").unwrap()) };
    let screen = Screen { width: 80, height: None, style: Style::Plain };
    for text in [
        super::table(&view(), &selection, screen),
        super::each(&view(), &selection),
        super::grouped(&view(), &selection, Style::Plain),
    ] {
        assert!(text.ends_with("none of them matches the filter\n") || text.contains("filter\n\n"), "{text}");
    }
}

#[test]
fn colour_is_only_added() {
    let table = |style| super::table(&view(), &all(), Screen { width: 140, height: None, style });
    let coloured = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    let with = table(Style::Colour);
    assert!(coloured.is_match(&with));
    assert_eq!(coloured.replace_all(&with, ""), table(Style::Plain));
}

#[test]
fn grouped_text() {
    insta::assert_snapshot!(super::grouped(&view(), &Selection::default(), Style::Plain));
}

#[test]
fn each_with_those_of_the_runtime() {
    insta::assert_snapshot!(super::each(&view(), &all()));
}

#[test]
fn json() {
    let mut bytes = Vec::new();
    super::json(&view(), &Selection::default(), &mut bytes).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn folded() {
    insta::assert_snapshot!(super::folded(&view(), &Selection::default()));
}

#[test]
fn a_profile_has_every_goroutine_and_a_location_for_each_call() {
    let mut bytes = Vec::new();
    super::pprof(&view(), &all(), &mut bytes).unwrap();
    let mut profile = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut profile).unwrap();
    for text in ["main.(*Shop).order", "/src/shop/store.go", "mutex-lock", "path", "/order", "goroutine"] {
        assert!(profile.windows(text.len()).any(|window| window == text.as_bytes()), "{text} is not in it");
    }
}

#[test]
fn dot() {
    insta::assert_snapshot!(super::dot(&view(), &Selection::default()));
}

#[test]
fn a_filter_matches_state_reason_function_and_place() {
    let view = view();
    let ids = |expression| {
        let selection = Selection { all: false, filter: Some(Filter::new(expression).unwrap()) };
        selection.of(&view).iter().map(|goroutine| goroutine.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids("mutex-lock"), [30]);
    assert_eq!(ids("^blocked chan-send main.serve"), [18, 19, 20]);
    assert_eq!(ids("store.go:23$"), [30]);
    assert_eq!(ids("running"), [31]);
    assert_eq!(ids("gcBgMark"), [0_u64; 0]);
}

#[test]
fn durations_are_short() {
    let words = [0, 1_500, 999_999, 59_999_999, 3_599_000_000, 7_500_000_000, 200_000_000_000]
        .map(|micros| super::duration(Duration::from_micros(micros)));
    assert_eq!(words, ["0µs", "1ms", "999ms", "59s", "59m59s", "2h05m", "2d07h"]);
    assert_eq!(super::count(1_234_567_u64), "1,234,567");
}
