//! Wait-for graphs, told in words, and what is found in them.
//!
//! ```text
//! 7 locks A        it waits for a lock        7 holds A     it has it (reads A: to read)
//! 7 holds-another A   it has one of that name, maybe not that one
//! 7 awaits G       so does this, for a WaitGroup
//! 7 receives C     so does this               9 sends C     it would, once it goes on
//! 9 owes C         it would, at the end of a loop that has none
//! 9 has C          what it would do with it is not known
//! 9 runs           it goes on                 9 returns     it parks and goes on, again and again
//! C is reached     something can get at it (fed: does)
//! ```

mod hung;

use std::collections::HashMap;
use std::time::Duration;

use super::{Class, Confidence, findings};
use crate::model::{
    Access, Addr, Certainty, Event, EventKind, Frame, GoId, Hold, Links, LostKind, Object, ObjectIndex,
    ObjectKey, ObjectKind, Observation, Operation, SIGNALS, Snapshot, Stack, Time, Use, WaitFor, WaitReason,
};
use crate::world::{Keep, World};

const SECOND: u64 = 1_000_000_000;

#[derive(Default)]
struct Told {
    links: Links,
    objects: HashMap<String, ObjectIndex>,
    running: Vec<GoId>,
    returning: Vec<GoId>,
    by_name: bool,
}

impl Told {
    fn object(&mut self, name: &str, kind: Option<ObjectKind>) -> ObjectIndex {
        let next = ObjectIndex(u32::try_from(self.links.objects.len()).expect("few"));
        let index = *self.objects.entry(name.to_owned()).or_insert(next);
        if index == next {
            let key = match self.by_name {
                true => ObjectKey::Name(name.into()),
                false => ObjectKey::Address(Addr(0x1000 + u64::from(next.0))),
            };
            self.links.objects.push(Object { key, kind: ObjectKind::Channel, access: Access::Closed });
        }
        let object = &mut self.links.objects[usize::try_from(index.0).expect("small")];
        object.kind = kind.unwrap_or(object.kind);
        index
    }

    fn group(&self, name: &str) -> bool {
        let index = self.objects.get(name).and_then(|index| self.links.object(*index));
        index.is_some_and(|object| object.kind == ObjectKind::WaitGroup)
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let id = || GoId(words[0].parse().expect("a goroutine"));
        let lock = Some(ObjectKind::RwMutex);
        let waits = |told: &mut Told, kind, operation| {
            let object = told.object(words[2], kind);
            let known = told.links.waits.get(id()).unwrap_or_default();
            let waits = [known, &[WaitFor { object, operation }]].concat();
            told.links.waits.insert(id(), &waits);
        };
        match words[1] {
            "locks" => waits(self, lock, Operation::Lock),
            "rlocks" => waits(self, lock, Operation::RLock),
            "receives" => waits(self, None, Operation::Receive),
            "delivers" => waits(self, None, Operation::Send),
            "awaits" => waits(self, Some(ObjectKind::WaitGroup), Operation::Wait),
            "holds" | "reads" | "may-hold" | "holds-another" => {
                let apart = words[1] == "holds-another";
                let likely = apart || words[1] == "may-hold";
                let certainty = if likely { Certainty::Likely } else { Certainty::Sure };
                let object = self.object(words[2], lock);
                let taken_at = Some(("/src/main.go".into(), 31));
                let shared = words[1] == "reads";
                let hold = Hold { goroutine: id(), object, shared, taken_at, certainty, apart };
                self.links.holds.push(hold);
            }
            "sends" | "owes" | "takes" | "has" => {
                let operation = match words[1] {
                    "sends" => Operation::Send,
                    "owes" if self.group(words[2]) => Operation::Done,
                    "owes" => Operation::Close,
                    "takes" => Operation::Receive,
                    _ => Operation::Any,
                };
                let object = self.object(words[2], None);
                let because = "sends at main.go:9".into();
                let certainty = Certainty::Sure;
                let one = Use { goroutine: id(), object, operation, because, certainty };
                let list = if words[1] == "owes" { &mut self.links.owed } else { &mut self.links.uses };
                list.push(one);
            }
            "runs" => self.running.push(id()),
            "returns" => self.returning.push(id()),
            "is" => {
                let object = self.object(words[0], None);
                let object = &mut self.links.objects[usize::try_from(object.0).expect("small")];
                object.access = match words[2] {
                    "reached" => Access::Reached("package variable main.jobs".into()),
                    "signals" => Access::Fed(SIGNALS.into()),
                    _ => Access::Fed("a timer".into()),
                };
            }
            other => panic!("{other}"),
        }
    }

    fn world(&self) -> World {
        let mut world = World::keeping(Keep { transitions: 16, long: Duration::from_secs(1) });
        let mut event = |time, id: GoId, kind| {
            let frame = Frame {
                // 7 and 17 are at one place.
                function: format!("main.f{}", if id.0 == 17 { 7 } else { id.0 }).into(),
                file: "/src/main.go".into(),
                line: 15,
                pc: Addr(1),
                inlined: false,
            };
            let stack = Some(Stack::new(vec![frame]));
            world.apply(&Observation::Event(Event {
                time: Time(time),
                goroutine: Some(id),
                kind,
                stack,
                thread: None,
            }));
        };
        event(0, GoId(99), EventKind::Run);
        for id in self.links.waits.ids() {
            let reason = match self.links.waits.get(id).unwrap()[0].operation {
                Operation::Lock | Operation::RLock => WaitReason::MutexLock,
                Operation::Send => WaitReason::ChanSend,
                Operation::Wait => WaitReason::WaitGroupWait,
                _ => WaitReason::ChanReceive,
            };
            event(1, id, EventKind::Block { reason: Some(reason), on: None });
        }
        for id in &self.running {
            event(2, *id, EventKind::Run);
        }
        for (id, round) in self.returning.iter().flat_map(|id| (0..5).map(move |round| (id, round))) {
            let time = SECOND + round * SECOND / 10;
            event(time, *id, EventKind::Block { reason: Some(WaitReason::Sleep), on: None });
            event(time + SECOND / 20, *id, EventKind::Unblock { by: None });
        }
        event(3 * SECOND, GoId(99), EventKind::Stop);
        world
    }
}

/// What is found over `low`: `deadlock high 7 9`.
fn found(by_name: bool, told: &str) -> Vec<String> {
    let mut links = Told { by_name, ..Told::default() };
    told.split(';').filter(|line| !line.trim().is_empty()).for_each(|line| links.line(line));
    let found = findings(&links.world(), &[&links.links], Duration::from_secs(1));
    let over_low = found.iter().filter(|finding| finding.confidence > Confidence::Low);
    let mut said: Vec<String> = over_low
        .map(|finding| {
            let ids: Vec<String> = finding.goroutines.iter().map(GoId::to_string).collect();
            let steps = finding.cycle.len();
            let class = if finding.class == Class::Deadlock {
                format!("cycle of {steps}")
            } else {
                finding.class.as_str().to_owned()
            };
            format!("{class} {} {}", finding.confidence.as_str(), ids.join(" "))
        })
        .collect();
    said.sort();
    said
}

/// But for waits that are merely long.
fn check(told: &str, expect: &[&str]) {
    let mut found = found(false, told);
    found.retain(|one| !one.starts_with("long_block"));
    assert_eq!(found, expect, "{told}");
}

#[test]
fn two_orders() {
    check("7 locks A; 7 holds B; 9 locks B; 9 holds A", &["cycle of 2 proven 7 9"]);
    assert_eq!(found(true, "7 locks A; 7 holds B; 9 locks B; 9 holds A"), ["cycle of 2 high 7 9"]);
}

#[test]
fn a_holder_that_goes_on_is_no_deadlock() {
    check("7 locks A; 7 holds B; 9 locks B; 9 holds A; 9 runs; 7 runs", &[]);
    check("7 locks A; 9 holds A; 9 runs", &[]);
}

#[test]
fn who_is_kept_waiting_by_one_that_goes_on_waits_long() {
    let check = |told: &str, expect: &[&str]| assert_eq!(found(false, told), expect, "{told}");
    check("7 locks A; 9 holds A; 9 runs", &["long_block medium 7"]);
    check("7 delivers C; 17 delivers C; 9 takes C; 9 returns", &["long_block medium 7 17"]);
    // He makes values for who asks, or nobody has passed them over.
    check("7 delivers C; 9 takes C; 9 returns", &[]);
    check("7 delivers C; 17 delivers C; 9 takes C; 9 runs", &[]);
    check("7 receives C; 17 receives C; 9 sends C; 9 returns", &[]);
}

#[test]
fn one_waits_for_itself() {
    check("7 locks A; 7 holds A", &["cycle of 1 proven 7"]);
    // Of several by one name it need not be the same.
    let by_name = |told: &str| found(true, told);
    assert_eq!(by_name("7 locks A; 7 may-hold A; 9 locks A; 9 may-hold A"), ["cycle of 1 high 7 9"]);
    assert_eq!(
        by_name("7 locks A; 7 holds-another A; 9 locks A; 9 holds-another A"),
        ["cycle of 2 high 7 9"]
    );
    assert_eq!(by_name("7 locks A; 7 holds-another A; 9 may-hold A; 9 runs"), ["long_block medium 7"]);
    assert_eq!(by_name("7 locks A; 7 holds-another A"), ["cycle of 1 high 7"]);
}

#[test]
fn who_waits_behind_a_deadlock_is_told_apart() {
    check(
        "7 locks A; 7 holds B; 9 locks B; 9 holds A; 11 locks A",
        &["cycle of 2 proven 7 9", "goroutine_leak proven 11"],
    );
}

#[test]
fn a_lock_that_was_left_locked() {
    check("7 locks A; 9 locks A", &["goroutine_leak proven 7", "goroutine_leak proven 9"]);
    check("7 locks A; A is reached", &["goroutine_leak medium 7"]);
}

/// What it says of goroutine 11 that it waits.
fn evidence(by_name: bool, told: &str) -> Vec<String> {
    let mut links = Told { by_name, ..Told::default() };
    told.split(';').for_each(|line| links.line(line));
    let found = findings(&links.world(), &[&links.links], Duration::from_secs(1));
    let found = found.into_iter().find(|one| one.goroutines == [GoId(11)]).expect("it is stuck");
    found.evidence.into_iter().filter(|one| one.contains("waits")).collect()
}

#[test]
fn a_lock_within_reach_that_another_surely_holds_is_his_to_give_back() {
    let cycle = "7 locks A; 7 holds B; 9 locks B; 9 holds A; 11 locks A; A is reached";
    check(cycle, &["cycle of 2 proven 7 9", "goroutine_leak proven 11"]);
    assert_eq!(
        evidence(false, cycle),
        [
            "goroutine 11 waits to lock the rwmutex at 0x1000 at main.go:15; goroutine 9 holds it since main.go:31",
            "it waits to lock the rwmutex at 0x1000, within reach of package variable main.jobs; but that is \
             for its holder to give back",
        ]
    );
}

#[test]
fn what_has_one_name_is_said_once() {
    let told = "7 locks B; 9 locks A; 9 may-hold B; 11 locks A; 11 locks A; 7 may-hold A; 7 may-hold A";
    assert_eq!(
        evidence(true, told),
        [
            "goroutine 11 waits to lock the rwmutex A at main.go:15; goroutine 7 seems to hold it since main.go:31",
            "it waits to lock the rwmutex A, and nobody else that could end that is left",
        ]
    );
}

#[test]
fn a_reader_behind_a_writer_behind_itself() {
    check("7 rlocks A; 7 reads A; 9 locks A", &["cycle of 2 proven 7 9"]);
    check("7 rlocks A; 8 reads A; 8 runs; 9 locks A", &[]);
}

#[test]
fn a_channel_under_a_lock() {
    check("7 delivers C; 7 holds A; 9 locks A; 9 takes C", &["cycle of 2 proven 7 9"]);
    // Something else can get at the channel, but who holds a lock does not idle.
    check("7 delivers C; 7 holds A; 9 locks A; 9 takes C; C is reached", &["cycle of 2 medium 7 9"]);
    check("7 receives C; 7 holds A; 9 locks A; C is reached", &[]);
    check("7 receives C; 7 holds A; 9 locks A; 9 sends C; C is fed", &[]);
}

#[test]
fn what_comes_at_the_end_is_no_hope_for_who_holds_a_lock() {
    let told = "7 receives Q; 7 delivers C; 7 holds A; 9 locks A; 9 takes C; 1 receives S; S is signals;";
    check(&format!("{told} 1 sends Q"), &["cycle of 2 medium 7 9"]);
    // By then others have gone on, who come first.
    check(&format!("{told} 1 sends Q; 8 takes C; 8 runs"), &[]);
    // Main idles, whatever it keeps: it is told of those who wait for that.
    let found = found(false, "1 receives S; S is signals; 1 holds A; 9 locks A; A is reached");
    assert_eq!(found, ["goroutine_leak medium 9"]);
    // Who holds no lock waits for the end as it is meant to.
    check("7 receives Q; 1 receives S; S is signals; 1 sends Q", &[]);
}

#[test]
fn those_at_one_channel_do_not_wait_for_each_other() {
    check(
        "7 delivers C; 8 delivers C; 7 has C; 8 has C",
        &["goroutine_leak proven 7", "goroutine_leak proven 8"],
    );
    // But where each would take what another one delivers.
    check("7 delivers C; 8 delivers C; 7 takes C; 8 takes C", &["cycle of 2 proven 7 8"]);
}

#[test]
fn an_idle_worker_is_none() {
    check("7 receives C; C is reached", &[]);
    check("7 receives C; 9 has C; 9 runs", &[]);
    check("7 receives C; C is fed", &[]);
}

/// Whoever waits for what comes with the end of a loop without one waits as long as that
/// goes on, which is over `low` only where it does not.
#[test]
fn who_waits_for_the_end_of_what_never_ends_is_meant_to() {
    let group = "1 awaits G; 9 owes G;";
    check(&format!("{group} 9 runs"), &[]);
    check("7 receives C; 9 owes C; 9 runs", &[]);
    check("8 receives D; 7 sends D; 7 receives C; 9 owes C; 9 runs", &[]);
    check("7 receives C; 7 receives D; 9 owes C; 9 runs", &["goroutine_leak proven 7"]);
    check(&format!("{group} 9 receives C; C is fed"), &[]);
    // Stuck itself, it is what is wrong, and the other one with it.
    check(
        &format!("{group} 9 locks A; 9 holds A; 5 runs"),
        &["cycle of 1 proven 9", "goroutine_leak proven 1"],
    );
    check(&format!("{group} 9 receives C; 5 runs"), &["goroutine_leak proven 1", "goroutine_leak proven 9"]);
    check("1 awaits G; 5 runs", &["goroutine_leak proven 1"]);
    check("7 receives C; 9 owes D; 9 runs", &["goroutine_leak proven 7"]);
    let locked = "7 locks A; 8 holds A; 8 receives C; 9 owes C; 9 runs";
    check(locked, &["goroutine_leak proven 7"]);
}

#[test]
fn a_candidate_is_not_certain() {
    check("7 locks A; 7 may-hold B; 9 locks B; 9 may-hold A", &["cycle of 2 high 7 9"]);
    check("7 locks A; 7 holds B; 9 locks B; 9 may-hold A; 11 may-hold A; 11 runs", &[]);
}

#[test]
fn what_a_running_process_shows_need_not_be_of_one_moment() {
    let check = |came: Option<u64>, expect: Confidence| {
        let mut told = Told::default();
        for line in ["7 locks A", "7 may-hold B", "9 locks B", "9 may-hold A"] {
            told.line(line);
        }
        let mut world = told.world();
        let begun = 4 * SECOND;
        let read = Snapshot { taken: Time(begun), took: Duration::from_millis(50), ..Snapshot::default() };
        world.apply(&Observation::Snapshot(Box::new(read)));
        let kind = EventKind::Block { reason: Some(WaitReason::MutexLock), on: None };
        let again = [EventKind::Unblock { by: None }, kind];
        for (came, kind) in came.into_iter().flat_map(|came| again.clone().map(|kind| (came, kind))) {
            let (time, goroutine) = (Time(begun + came), Some(GoId(9)));
            world.apply(&Observation::Event(Event { time, goroutine, kind, stack: None, thread: None }));
        }
        let end = Event {
            time: Time(begun + SECOND),
            goroutine: Some(GoId(99)),
            kind: EventKind::Stop,
            stack: None,
            thread: None,
        };
        world.apply(&Observation::Event(end));
        let found = findings(&world, &[&told.links], Duration::from_secs(9));
        let said: Vec<_> = found.iter().map(|one| (one.class, one.confidence)).collect();
        assert_eq!(said, [(Class::Deadlock, expect)], "{came:?}");
    };
    check(None, Confidence::High);
    check(Some(0), Confidence::Low);
    check(Some(20_000_000), Confidence::Low);
}

/// What is found of senders at one place, each at a channel of its own, since so long
/// before (or, negative, after) the beginning of a reading that took 50 ms: the
/// confidence, how many, and whether it is said why it is no surer. `passed`: who waited
/// there before, and for how long.
fn of_senders(since_ms: &[i64], passed: Option<u64>) -> Option<(Confidence, usize, bool)> {
    let (begun, ms) = (4 * SECOND, SECOND / 1_000);
    let mut told = Told { by_name: true, ..Told::default() };
    let ids = (200..).take(since_ms.len()).map(GoId);
    for id in ids.clone() {
        told.line(&format!("{id} delivers C{id}"));
    }
    let mut world = World::keeping(Keep { transitions: 16, long: Duration::from_secs(1) });
    let (function, file) = ("main.subscribe".into(), "/src/main.go".into());
    let at = Stack::new(vec![Frame { function, file, line: 24, pc: Addr(1), inlined: false }]);
    let mut tell = |time, id, kind: EventKind, stack| {
        world.apply(&Observation::Event(Event { time, goroutine: Some(id), kind, stack, thread: None }));
    };
    let parks = || EventKind::Block { reason: Some(WaitReason::ChanSend), on: None };
    tell(Time(0), GoId(99), EventKind::Run, None);
    if let Some(lasted) = passed {
        tell(Time(SECOND), GoId(100), parks(), Some(at.clone()));
        tell(Time(SECOND + lasted * ms), GoId(100), EventKind::Unblock { by: None }, None);
        tell(Time(SECOND + lasted * ms), GoId(100), EventKind::Dead, None);
    }
    let mut waits: Vec<(u64, GoId)> =
        since_ms.iter().map(|before| begun.saturating_add_signed(-before * 1_000_000)).zip(ids).collect();
    waits.sort_unstable();
    for (time, id) in waits.iter().copied().filter(|(time, _)| *time < begun) {
        tell(Time(time), id, parks(), Some(at.clone()));
    }
    let took = Duration::from_millis(50);
    let seen = Snapshot { taken: Time(begun), took, ..Snapshot::default() };
    world.apply(&Observation::Snapshot(Box::new(seen)));
    for (time, goroutine) in waits.into_iter().filter(|(time, _)| *time >= begun) {
        let (goroutine, stack) = (Some(goroutine), Some(at.clone()));
        let kind = parks();
        world.apply(&Observation::Event(Event { time: Time(time), goroutine, kind, stack, thread: None }));
    }
    let found = findings(&world, &[&told.links], Duration::from_secs(9));
    let [found] = &found[..] else { return None };
    assert_eq!(found.class, Class::GoroutineLeak);
    let said = found.evidence.iter().any(|one| one.starts_with("no surer than"));
    Some((found.confidence, found.count, said))
}

#[test]
fn who_has_just_come_makes_those_that_stay_no_less_sure() {
    assert_eq!(of_senders(&[3_000, 2_000, 1_000], None), Some((Confidence::High, 3, false)));
    for came in [&[3_000, 2_000, 1_000, -5][..], &[-20, 3_000, 2_000, 1_000, 20, -5]] {
        assert_eq!(of_senders(came, None), Some((Confidence::High, 3, false)), "{came:?}");
    }
    assert_eq!(of_senders(&[-20, -5], None), Some((Confidence::Low, 2, true)));
}

#[test]
fn those_that_come_and_go_at_one_place_are_low() {
    // Each waits no longer than the reading takes, which sees some in the middle.
    assert_eq!(of_senders(&[40, 30, 15, -5, -20], None), Some((Confidence::Low, 5, true)));
    // Or longer, but no longer than others did that have gone on.
    assert_eq!(of_senders(&[400, 300, 150, -5], Some(500)), Some((Confidence::Low, 4, true)));
    assert_eq!(of_senders(&[3_000, 300, 150, -5], Some(500)), Some((Confidence::High, 1, false)));
}

#[test]
fn who_has_gone_on_during_the_look_keeps_nobody_waiting() {
    let check = |went_on: &[u64], expect: &[(Class, Confidence)]| {
        let mut told = Told::default();
        ["7 locks A", "7 holds B", "9 locks B", "9 holds A"].iter().for_each(|line| told.line(line));
        let mut world = told.world();
        let went_on = went_on.iter().copied().map(GoId).collect();
        world.apply(&Observation::Snapshot(Box::new(Snapshot {
            taken: Time(4 * SECOND),
            took: Duration::from_millis(50),
            went_on,
            ..Snapshot::default()
        })));
        let found = findings(&world, &[&told.links], Duration::from_secs(9));
        let said: Vec<_> = found.iter().map(|one| (one.class, one.confidence)).collect();
        assert_eq!(said, expect, "{:?}", world.goroutine(GoId(9)).map(|one| one.state));
    };
    check(&[], &[(Class::Deadlock, Confidence::Proven)]);
    check(&[9], &[]);
    // Of others, and of those that nobody knows, it says nothing.
    check(&[1, 55], &[(Class::Deadlock, Confidence::Proven)]);
}

/// By its address something still gets at what it waits for; by the source nobody will.
#[test]
fn who_is_stuck_by_one_of_two_is_stuck() {
    let told = |by_name, text: &[&str]| {
        let mut told = Told { by_name, ..Told::default() };
        text.iter().for_each(|line| told.line(line));
        told
    };
    let addresses = told(false, &["7 receives C", "C is reached", "8 locks A", "8 holds A", "9 locks A"]);
    let source = told(true, &["7 receives C", "8 locks A", "8 holds A", "9 locks A", "9 runs"]);
    let world = addresses.world();
    let both = findings(&world, &[&addresses.links, &source.links], Duration::from_secs(1));
    let told: Vec<_> = both.iter().map(|one| (one.class, one.confidence, one.goroutines.clone())).collect();
    assert_eq!(told.len(), 3, "the cycle once: {told:?}");
    assert!(told.contains(&(Class::Deadlock, Confidence::Proven, vec![GoId(8)])), "{told:?}");
    assert!(told.contains(&(Class::GoroutineLeak, Confidence::High, vec![GoId(7)])), "{told:?}");
    let alone = findings(&world, &[&addresses.links], Duration::from_secs(1));
    assert!(alone.iter().all(|one| one.goroutines != [GoId(7)] || one.confidence == Confidence::Low));
}

/// By the source it loops for ever; by addresses it has the group at hand.
#[test]
fn main_keeps_going_while_workers_have_what_it_waits_for() {
    let found = |addresses: &[&str]| {
        let told = |by_name, text: &[&str]| {
            let mut told = Told { by_name, ..Told::default() };
            text.iter().for_each(|line| told.line(line));
            told
        };
        let addresses = told(false, addresses);
        let source = told(true, &["1 awaits G", "9 returns"]);
        let found = findings(&source.world(), &[&addresses.links, &source.links], Duration::from_secs(9));
        found.iter().map(|one| (one.class, one.confidence, one.count)).collect::<Vec<_>>()
    };
    assert_eq!(found(&["1 awaits G", "9 has G"]), [(Class::GoroutineLeak, Confidence::Low, 1)]);
    assert_eq!(found(&["1 awaits G"]), [(Class::GoroutineLeak, Confidence::Proven, 1)], "they are gone");
    assert_eq!(found(&["1 awaits G", "G is reached"]), [(Class::GoroutineLeak, Confidence::High, 1)]);
}

/// Main waits on a channel that by addresses nobody else has.
#[test]
fn main_keeps_going_by_what_it_alone_has() {
    let found = |source: &[&str]| {
        let told = |by_name, text: &[&str]| {
            let mut told = Told { by_name, ..Told::default() };
            text.iter().for_each(|line| told.line(line));
            told
        };
        let addresses = told(false, &["1 receives C", "7 receives D"]);
        let source = told(true, source);
        let found = findings(&source.world(), &[&addresses.links, &source.links], Duration::from_secs(9));
        let of_main = found.iter().find(|one| one.goroutines.contains(&GoId(1)));
        of_main.map(|one| (one.class, one.confidence, one.count))
    };
    let low = Some((Class::GoroutineLeak, Confidence::Low, 1));
    assert_eq!(found(&["1 receives C", "C is reached", "7 receives D", "9 returns"]), low);
    let proven = Some((Class::GoroutineLeak, Confidence::Proven, 1));
    assert_eq!(found(&["1 receives C", "7 receives D", "9 returns"]), proven, "who was to send is gone");
}

/// A lock may be given back by another one than who has taken it, as a baton is: where one
/// that goes on has it at hand, nothing is proven.
#[test]
fn a_lock_may_be_handed_over() {
    check("7 locks A; 7 holds A; 9 runs", &["cycle of 1 proven 7"]);
    check("7 locks A; 7 holds A; 9 has A; 9 runs", &["cycle of 1 medium 7"]);
}

#[test]
fn a_whole_program_stands() {
    let found = |last: &[(u64, EventKind)]| {
        let mut told = Told::default();
        ["1 receives C", "7 locks A", "8 locks A"].iter().for_each(|line| told.line(line));
        let mut world = told.world();
        for (at, kind) in last.iter().cloned() {
            let lost = matches!(kind, EventKind::Lost { .. });
            let (time, goroutine) = (Time(3 * SECOND + at), Some(GoId(99)).filter(|_| !lost));
            world.apply(&Observation::Event(Event { time, goroutine, kind, stack: None, thread: None }));
        }
        let found = findings(&world, &[&told.links], Duration::from_secs(1));
        found.iter().map(|one| (one.class, one.count)).collect::<Vec<_>>()
    };
    let created = EventKind::Create { parent: None };
    let later = (SECOND, EventKind::Lost { kind: LostKind::Block, count: 0 });
    let whole = [(Class::Deadlock, 3)];
    assert_eq!(found(&[(0, EventKind::Dead)]), whole);
    // Who ends the recording, however long that takes.
    assert_eq!(found(&[(0, created.clone()), (1, EventKind::Run), later.clone()]), whole);
    let sleeps = EventKind::Block { reason: Some(WaitReason::Sleep), on: None };
    assert_ne!(found(&[(0, created), (1, sleeps), later]), whole, "it goes on");
}

#[test]
fn fifty_in_one_cycle_and_a_thousand_pairs() {
    let ring: String =
        (0..50).map(|n| format!("{} locks L{n}; {} holds L{n};", n + 100, (n + 1) % 50 + 100)).collect();
    assert!(found(false, &ring)[0].starts_with("cycle of 50 proven 100 101"));
    let pairs: String = (0..1000)
        .map(|n| {
            let (a, b) = (2 * n + 100, 2 * n + 101);
            format!("{a} locks A{n}; {b} holds A{n}; {b} locks B{n}; {a} holds B{n};")
        })
        .collect();
    assert_eq!(found(false, &pairs).len(), 1000, "each of them is at a place of its own");
}
