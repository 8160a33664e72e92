//! Lives of goroutines, told by hand, and what is found in them.

use std::time::Duration;

use super::{Class, Confidence, Finding, findings};
use crate::model::{
    Access, Addr, Event, EventKind, Frame, GoId, Links, LostKind, Nested, Object, ObjectIndex, ObjectKey,
    ObjectKind, Observation, Operation, Stack, Time, WaitFor, WaitReason,
};
use crate::world::{Keep, World};

const MS: u64 = 1_000_000;
const MIN_BLOCK: Duration = Duration::from_secs(1);

struct Told(World);

impl Told {
    fn new() -> Told {
        let mut told = Told(World::keeping(Keep { transitions: 8, long: MIN_BLOCK }));
        told.event(0, 1, EventKind::Run, "main.main");
        told
    }

    fn event(&mut self, ms: u64, id: u64, kind: EventKind, function: &str) {
        self.event_at(ms, id, kind, &[function]);
    }

    /// On a stack of these functions, innermost first.
    fn event_at(&mut self, ms: u64, id: u64, kind: EventKind, functions: &[&str]) {
        let frame = |function: &&str| Frame {
            function: (*function).into(),
            file: "/src/main.go".into(),
            line: 15,
            pc: Addr(1),
            inlined: false,
        };
        let event = Event {
            time: Time(ms * MS),
            goroutine: Some(GoId(id)),
            kind,
            stack: Some(Stack::new(functions.iter().map(frame).collect::<Vec<_>>())),
            thread: None,
        };
        self.0.apply(&Observation::Event(event));
    }

    fn made(&mut self, ms: u64, id: u64, by: u64) {
        self.event(ms, id, EventKind::Create { parent: Some(GoId(by)) }, "main.maker");
    }

    fn parks(&mut self, ms: u64, id: u64, reason: WaitReason, function: &str) {
        self.event(ms, id, EventKind::Block { reason: Some(reason), on: None }, function);
    }

    fn woken(&mut self, ms: u64, id: u64) {
        self.event(ms, id, EventKind::Unblock { by: Some(GoId(1)) }, "main.waker");
    }

    /// What is found when the main goroutine was seen last at `ms`.
    fn at(&mut self, ms: u64) -> Vec<(Class, Confidence, usize)> {
        self.found(ms).iter().map(|found| (found.class, found.confidence, found.count)).collect()
    }

    fn found(&mut self, ms: u64) -> Vec<Finding> {
        self.event(ms, 1, EventKind::Run, "main.main");
        findings(&self.0, &[], MIN_BLOCK)
    }
}

use Class::{GoroutineLeak, LongBlock};
use Confidence::{High, Low, Medium, Proven};

#[test]
fn what_was_parked_before_a_trace_began_is_known_by_its_stack() {
    let found = EventKind::Snapshot {
        state: crate::model::GoState::Blocked,
        reason: None,
        on: None,
        parent: None,
        since: None,
    };
    let check = |runtime: &[&str], expect: &[(Class, Confidence, usize)]| {
        let mut told = Told::new();
        let stack: Vec<&str> =
            ["runtime.gopark"].iter().chain(runtime).chain(&["main.handler"]).copied().collect();
        told.event_at(1, 18, found.clone(), &stack);
        assert_eq!(told.at(3_000), expect, "{runtime:?}");
    };
    check(&["runtime.chansend", "runtime.chansend1"], &[(GoroutineLeak, High, 1)]);
    check(
        &["runtime.goparkunlock", "runtime.semacquire1", "sync.(*Mutex).Lock"],
        &[(GoroutineLeak, Medium, 1)],
    );
    check(&["runtime.chanrecv", "runtime.chanrecv1"], &[(GoroutineLeak, Low, 1)]);
    check(&["runtime.netpollblock", "internal/poll.runtime_pollWait"], &[]);
    check(&["time.Sleep"], &[]);
}

#[test]
fn an_orphaned_sender_is_told_however_short_the_time() {
    let mut told = Told::new();
    told.made(0, 5, 1);
    told.made(990, 18, 5);
    told.parks(991, 18, WaitReason::ChanSend, "main.leaky.func1");
    assert_eq!(told.at(995), [], "its maker may be about to receive");
    told.event(995, 5, EventKind::Dead, "main.maker");
    assert_eq!(told.at(995), [(GoroutineLeak, Low, 1)]);
}

#[test]
fn the_main_goroutine_that_waits_for_a_lock_does_not_idle() {
    let mut told = Told::new();
    told.parks(5, 1, WaitReason::MutexLock, "main.main");
    told.event(3_000, 2, EventKind::Run, "main.other");
    let found: Vec<_> = findings(&told.0, &[], MIN_BLOCK).iter().map(|one| one.confidence).collect();
    assert_eq!(found, [Medium]);
}

#[test]
fn senders_that_nobody_wakes_are_one_finding() {
    let mut told = Told::new();
    told.made(1, 5, 1);
    for id in 18..23 {
        told.made(100, id, 5);
        told.parks(103, id, WaitReason::ChanSend, "main.leaky.func1");
    }
    assert_eq!(told.at(404), [(GoroutineLeak, Medium, 5)], "their maker may yet receive");
    told.event(404, 5, EventKind::Dead, "main.maker");
    assert_eq!(told.at(404), [(GoroutineLeak, High, 5)]);
    let found = told.found(404).remove(0);
    assert!(found.id.starts_with("leak-"), "{}", found.id);
    assert_eq!(found.blocked_for, Duration::from_millis(301));
    assert_eq!(found.goroutines, (18..23).map(GoId).collect::<Vec<_>>());
}

#[test]
fn a_wait_that_took_no_time_is_none_that_ended() {
    let check = |lasted: u64| {
        let mut told = Told::new();
        for id in [17, 18] {
            told.made(1, id, 1);
            told.parks(2, id, WaitReason::ChanSend, "main.leaky");
        }
        told.woken(2 + lasted, 17);
        told.event(60, 17, EventKind::Dead, "main.leaky");
        told.at(2_000)
    };
    assert_eq!(check(0), [(GoroutineLeak, High, 1)]);
    assert_ne!(check(50), check(0), "others there are received from");
}

#[test]
fn events_lost_lower_it_and_are_said() {
    let mut told = Told::new();
    told.made(1, 18, 1);
    told.parks(2, 18, WaitReason::ChanSend, "main.leaky");
    assert_eq!(told.at(2_000), [(GoroutineLeak, High, 1)]);
    let lost = EventKind::Lost { kind: LostKind::Unblock, count: 7 };
    told.0.apply(&Observation::Event(Event {
        time: Time(2_000 * MS),
        goroutine: None,
        kind: lost,
        stack: None,
        thread: None,
    }));
    let found = told.found(2_001).remove(0);
    assert_eq!(found.confidence, Low);
    assert!(found.evidence.iter().any(|evidence| evidence.contains("7 events were lost")), "{found:?}");
}

#[test]
fn a_nil_channel_is_proven() {
    let mut told = Told::new();
    told.made(1, 18, 1);
    told.parks(99, 18, WaitReason::ChanReceiveNil, "main.nil");
    assert_eq!(told.at(100), [(GoroutineLeak, Proven, 1)]);
}

#[test]
fn what_idles_as_it_should_is_no_leak() {
    let mut told = Told::new();
    // A worker that is fed at times.
    told.made(1, 10, 1);
    for job in 0..5 {
        told.parks(10 + job * 100, 10, WaitReason::ChanReceive, "main.worker");
        told.woken(100 + job * 100, 10);
    }
    told.parks(600, 10, WaitReason::ChanReceive, "main.worker");
    // Timers, the network, signals, the standard library, the runtime, main's select {}.
    for (id, reason, function) in [
        (11, WaitReason::Sleep, "main.tick"),
        (12, WaitReason::IoWait, "main.serve"),
        (13, WaitReason::Select, "net/http.(*persistConn).writeLoop"),
        (14, WaitReason::ChanReceive, "testing.(*T).Run"),
        (15, WaitReason::ChanReceive, "os/signal.loop"),
        (16, WaitReason::FinalizerWait, "runtime.runfinq"),
        (1, WaitReason::SelectNoCases, "main.main"),
    ] {
        told.parks(2, id, reason, function);
    }
    told.event(700, 20, EventKind::Run, "main.other");
    assert!(findings(&told.0, &[], MIN_BLOCK).is_empty());
}

#[test]
fn receivers_and_those_that_stay_are_low_unless_more_and_more_are_left_behind() {
    for reason in [WaitReason::ChanReceive, WaitReason::SelectNoCases] {
        let mut told = Told::new();
        told.made(1, 10, 1);
        told.parks(2, 10, reason, "main.worker");
        assert_eq!(told.at(1_000), [(GoroutineLeak, Low, 1)]);
        let mut told = Told::new();
        for request in 0..4 {
            told.made(request, 100 + request, 1);
            told.made(request, 200 + request, 100 + request);
            told.parks(request + 1, 200 + request, reason, "main.await");
            told.event(request + 2, 100 + request, EventKind::Dead, "main.handler");
        }
        assert_eq!(told.at(1_000), [(GoroutineLeak, Medium, 4)]);
    }
}

#[test]
fn a_long_wait_for_a_lock_is_low_where_hardly_any_is() {
    for (short, confidence) in [(90, Medium), (110, Low)] {
        let mut told = Told::new();
        told.made(1, 10, 1);
        for round in 0..short {
            told.parks(10 + 2 * round, 10, WaitReason::MutexLock, "main.transfer");
            told.woken(11 + 2 * round, 10);
        }
        told.parks(300, 10, WaitReason::MutexLock, "main.transfer");
        told.woken(1_800, 10);
        assert_eq!(told.at(1_900), [(LongBlock, confidence, 1)]);
        // One that waits now may wait for as long as it pleases.
        told.parks(1_910, 10, WaitReason::MutexLock, "main.transfer");
        assert_eq!(told.at(3_900), [(LongBlock, Medium, 1)]);
    }
}

#[test]
fn a_long_wait_for_a_lock_is_told_and_for_work_is_not() {
    let mut told = Told::new();
    for id in [10, 11] {
        told.made(1, id, 1);
        told.parks(10, id, WaitReason::MutexLock, "main.transfer");
        told.woken(1_500, id);
        told.parks(1_600, id, WaitReason::ChanReceive, "main.worker");
        told.woken(3_500, id);
    }
    assert_eq!(told.at(3_600), [(LongBlock, Medium, 2)]);
    let found = told.found(3_600).remove(0);
    assert!(found.evidence.iter().any(|evidence| evidence.contains("main.waker")), "{found:?}");
}

#[test]
fn a_test_that_does_not_return_hangs_and_those_that_wait_for_it_do_not() {
    let mut told = Told::new();
    let receives = || EventKind::Block { reason: Some(WaitReason::ChanReceive), on: None };
    // The same test went well before, at the same place.
    told.made(1, 10, 1);
    told.event_at(10, 10, receives(), &["orders.TestSub", "testing.tRunner"]);
    told.woken(20, 10);
    told.event(30, 10, EventKind::Dead, "testing.tRunner");
    for (id, stack) in [
        (11, &["testing.(*T).Run", "orders.TestAll", "testing.tRunner"][..]),
        (12, &["testing.(*T).Parallel", "orders.TestOther", "testing.tRunner"]),
        (13, &["orders.TestSub", "testing.tRunner"]),
        (14, &["orders.worker"]),
    ] {
        told.made(1, id, 1);
        told.event_at(40, id, receives(), stack);
    }
    assert_eq!(told.at(900), [(GoroutineLeak, Low, 1)], "it may yet return");
    let found = told.found(3_000);
    let hung: Vec<_> = found.iter().filter(|found| found.confidence == High).collect();
    assert_eq!(hung.len(), 1, "{found:?}");
    assert_eq!(hung[0].goroutines, [GoId(13)]);
    assert_eq!(hung[0].evidence.last().map(String::as_str), Some("it runs a test, which has not returned"));
}

/// A wait for lock `wanted` under lock `held` by a goroutine of `function`.
fn nested(goroutine: u64, held: u32, wanted: u32, function: &str) -> Nested {
    let (function, file) = (function.into(), "/src/main.go".into());
    let stack = Stack::new(vec![Frame { function, file, line: 15, pc: Addr(1), inlined: false }]);
    let (held, wanted) = (ObjectIndex(held), ObjectIndex(wanted));
    Nested { goroutine: GoId(goroutine), held, held_at: None, wanted, stack, ended: true }
}

#[test]
fn locks_in_two_orders_are_two_findings() {
    let lock = |name: &str| {
        let key = ObjectKey::Name(name.into());
        Object { key, kind: ObjectKind::Mutex, access: Access::Reached("main.main".into()) }
    };
    let check = |nested: Vec<Nested>, expect: usize| {
        let links = Links { objects: ["a", "b", "gate"].map(lock).into(), nested, ..Links::default() };
        let mut told = Told::new();
        told.event(10, 1, EventKind::Run, "main.main");
        let found = findings(&told.0, &[&links], MIN_BLOCK);
        assert!(found.iter().all(|one| (one.class, one.confidence) == (Class::LockOrder, Medium)));
        assert_eq!(found.len(), expect, "{found:?}");
    };
    let (here, there) = (nested(7, 0, 1, "main.f"), nested(8, 1, 0, "main.g"));
    check(vec![here.clone(), there.clone()], 2);
    check(vec![here.clone(), nested(8, 0, 1, "main.g")], 0);
    // One goroutine does not meet itself.
    check(vec![here.clone(), nested(7, 1, 0, "main.g")], 0);
    // Who holds the gate is alone behind it.
    check(vec![here, nested(7, 2, 1, "main.f"), there, nested(8, 2, 0, "main.g")], 0);
}

#[test]
fn those_that_loop_on_when_their_makers_are_gone_become_ever_more() {
    let grown = |makers_end: bool, sessions: u64| {
        let mut told = Told::new();
        for session in 0..sessions {
            let (at, maker, renews) = (session * 3_000 / sessions, 100 + session, 1_000 + session);
            told.event(at, maker, EventKind::Run, "main.serve");
            told.made(at, renews, maker);
            for round in 0..4 {
                told.parks(at + 2 * round, renews, WaitReason::Select, "main.renew");
                told.woken(at + 2 * round + 1, renews);
            }
            told.parks(at + 8, renews, WaitReason::Select, "main.renew");
            if makers_end {
                told.event(at + 9, maker, EventKind::Dead, "main.serve");
            }
        }
        let mut found = told.found(3_000);
        found.retain(|one| one.title.contains("ever more"));
        found.iter().map(|one| (one.class, one.confidence, one.count)).collect::<Vec<_>>()
    };
    assert_eq!(grown(true, 12), [(GoroutineLeak, Medium, 12)]);
    assert_eq!(grown(true, 9), [], "they are few");
    assert_eq!(grown(false, 12), [(GoroutineLeak, Low, 12)], "their makers may yet end them");
}

#[test]
fn a_worker_without_work_is_no_leak_while_its_maker_is_there() {
    let check = |looping: bool, maker_is_in: &str, expect: Confidence| {
        let mut told = Told::new();
        told.made(0, 5, 1);
        told.made(1, 18, 5);
        told.parks(2, 18, WaitReason::ChanReceive, "main.worker");
        told.parks(3, 5, WaitReason::Sleep, maker_is_in);
        told.event(3_000, 1, EventKind::Run, "main.main");
        let mut links = Links::default();
        let key = ObjectKey::Address(Addr(0xc000_1000));
        links.objects.push(Object { key, kind: ObjectKind::Channel, access: Access::Closed });
        let wait = WaitFor { object: ObjectIndex(0), operation: Operation::Receive };
        links.waits.insert(GoId(18), &[wait]);
        if looping {
            links.looping.insert(GoId(18));
        }
        let found = findings(&told.0, &[&links], MIN_BLOCK);
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!((found.class, found.confidence), (GoroutineLeak, expect), "{looping} {maker_is_in}");
    };
    check(true, "main.maker", Low);
    check(false, "main.maker", Proven);
    check(true, "main.other", Proven);
}
