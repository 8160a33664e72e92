//! The fold does not depend on how events and snapshots interleave: random
//! lives of goroutines are told in both ways, delivered in random order, and
//! what the World shows is compared with the truth.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Keep, Since, World};
use crate::model::{
    Addr, Burst, Event, EventKind, Frame, GoId, GoState, Goroutine, LostKind, Observation, ShortEvent,
    ShortKind, Sink, Snapshot, Stack, ThreadId, Time, WaitReason,
};

/// A small xorshift, so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A life: what the goroutine is from each time on. It parks and is readied in
/// turn; one in four ends.
fn life(random: &mut Random) -> Vec<(Time, GoState)> {
    let mut time = 1 + random.below(300);
    let mut life = vec![(Time(time), GoState::Runnable)];
    for step in 0..random.below(12) {
        time += 1 + random.below(90);
        life.push((Time(time), if step % 2 == 0 { GoState::Blocked } else { GoState::Runnable }));
    }
    if random.below(4) == 0 {
        life.push((Time(time + 1 + random.below(90)), GoState::Dead));
    }
    life
}

fn at(life: &[(Time, GoState)], time: Time) -> Option<(Time, GoState, u8)> {
    let lived: Vec<_> = life.iter().take_while(|(since, _)| *since <= time).collect();
    let parks = lived.iter().filter(|(_, state)| *state == GoState::Blocked).count();
    let (since, state) = **lived.last()?;
    (state != GoState::Dead).then_some((since, state, u8::try_from(parks).unwrap()))
}

fn event(id: u64, time: Time, nth: usize, state: GoState) -> Event {
    let kind = match state {
        _ if nth == 0 => EventKind::Create { parent: None },
        GoState::Blocked => EventKind::Block { reason: Some(WaitReason::ChanReceive), on: None },
        GoState::Dead => EventKind::Dead,
        _ => EventKind::Unblock { by: None },
    };
    Event { time, goroutine: Some(GoId(id)), kind, stack: None, thread: None }
}

/// Reads each life at an instant of its own in `[taken, taken + took]`.
fn snapshot(lives: &[Vec<(Time, GoState)>], taken: Time, took: u64, random: &mut Random) -> Snapshot {
    let mut snapshot = Snapshot { taken, took: Duration::from_nanos(took), ..Snapshot::default() };
    // The runtime's own goroutines are always there.
    let always = (0, vec![(Time(0), GoState::Runnable)]);
    let lives = lives.iter().cloned().zip(1..).map(|(life, id)| (id, life)).chain([always]);
    for (id, life) in lives {
        let Some((_, state, parks)) = at(&life, Time(taken.0 + random.below(took + 1))) else { continue };
        snapshot.goroutines.push(Arc::new(Goroutine {
            id: GoId(id),
            state,
            reason: (state == GoState::Blocked).then_some(WaitReason::ChanReceive),
            blocked_since: None,
            switches: Some(parks),
            wait: None,
            stack: Stack::empty(),
            created_by: None,
            parent: None,
            labels: None,
            thread: None,
            system: false,
        }));
    }
    snapshot
}

const END: Time = Time(2_000);

fn check(seed: u64, drop_events: bool) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let lives: Vec<_> = (0..8).map(|_| life(&mut random)).collect();
    let mut events: Vec<Event> = Vec::new();
    for (life, id) in lives.iter().zip(1..) {
        events.extend(life.iter().enumerate().map(|(nth, (time, state))| event(id, *time, nth, *state)));
    }
    events.sort_by_key(|event| event.time);
    if drop_events {
        for event in &mut events {
            if random.below(3) == 0 {
                event.goroutine = None;
                event.kind = EventKind::Lost { kind: LostKind::Block, count: 1 };
            }
        }
    }
    let mut snapshots = Vec::new();
    let mut taken = 10;
    while taken < 1_200 {
        let took = random.below(60);
        snapshots.push(snapshot(&lives, Time(taken), took, &mut random));
        taken += took + random.below(200);
    }
    let mut events = events.into_iter().map(Observation::Event).peekable();
    let mut snapshots = snapshots.into_iter().map(|s| Observation::Snapshot(Box::new(s))).peekable();
    let mut world = World::default();
    while events.peek().is_some() || snapshots.peek().is_some() {
        let next = if random.below(4) == 0 { snapshots.next() } else { events.next() };
        next.map(|observation| world.apply(&observation));
    }
    if drop_events {
        world.apply(&Observation::Snapshot(Box::new(snapshot(&lives, END, 0, &mut random))));
    }
    for (life, id) in lives.iter().zip(1..) {
        let truth = at(life, END);
        let shown = world.goroutine(GoId(id));
        assert_eq!(
            shown.map(|shown| shown.state),
            truth.map(|(_, state, _)| state),
            "seed {seed}, goroutine {id}"
        );
        let (Some(shown), Some((since, ..))) = (shown, truth) else { continue };
        match shown.since {
            Since::Exact(claimed) => assert_eq!(claimed, since, "seed {seed}, goroutine {id}"),
            Since::AtLatest(claimed) | Since::About(claimed) => {
                assert!(
                    drop_events && claimed >= since,
                    "seed {seed}, goroutine {id}: {claimed:?} {since:?}"
                );
            }
        }
    }
}

#[test]
fn every_interleaving_shows_the_truth() {
    (0..2_000).for_each(|seed| check(seed, false));
}

#[test]
fn with_events_lost_a_snapshot_heals_and_exact_stays_exact() {
    (0..2_000).for_each(|seed| check(seed, true));
}

#[test]
fn deltas_add_up_to_the_whole() {
    let mut random = Random(7);
    let mut world = World::default();
    let mut copy = BTreeSet::new();
    let mut seq = 0;
    for time in 1..5_000 {
        let id = random.below(50);
        let state =
            [GoState::Blocked, GoState::Runnable, GoState::Dead][usize::try_from(random.below(3)).unwrap()];
        world.apply(&Observation::Event(event(id * 1_000 + time / 500, Time(time), 1, state)));
        if random.below(20) == 0 {
            let changes = world.changes_since(seq);
            if changes.whole {
                copy.clear();
            }
            changes.gone.iter().for_each(|id| assert!(copy.remove(id) || !changes.whole));
            let ids: Vec<_> = changes.goroutines.iter().map(|goroutine| goroutine.id).collect();
            let unique: BTreeSet<_> = ids.iter().copied().collect();
            assert_eq!(ids.len(), unique.len(), "each goroutine once");
            copy.extend(ids);
            seq = changes.seq;
            assert!(copy.iter().copied().eq(world.goroutines().map(|g| g.id).collect::<BTreeSet<_>>()));
        }
    }
}

fn stacks(random: &mut Random) -> Vec<Stack> {
    let stack = |line| {
        let (function, file) = ("main.main".into(), "/src/main.go".into());
        Stack::new(vec![Frame { function, file, line, pc: Addr(1), inlined: false }])
    };
    (0..1 + random.below(4)).map(|_| stack(1 + u32::try_from(random.below(3)).unwrap())).collect()
}

fn short_event(random: &mut Random, after: u32, stacks: usize) -> ShortEvent {
    let mut number = |limit| match u32::try_from(random.below(limit)).unwrap() {
        0 => ShortEvent::NONE,
        number => number - 1,
    };
    let (by, thread, stack) = (number(6), number(4), number(1 + u64::try_from(stacks).unwrap()));
    // Most at one place, so that much happens there.
    let stack = if random.below(4) == 0 { stack } else { 0 };
    let goroutine = u32::try_from(random.below(5)).unwrap();
    let (kind, state) = match random.below(16) {
        0..4 => (ShortKind::Run, GoState::Running),
        4..8 => (ShortKind::Block, GoState::Blocked),
        8..12 => (ShortKind::Unblock, GoState::Runnable),
        12 => (ShortKind::Stop, GoState::Runnable),
        13 => (ShortKind::Syscall, GoState::Syscall),
        14 => (ShortKind::Create, GoState::Runnable),
        _ if random.below(2) == 0 => (ShortKind::Dead, GoState::Dead),
        _ => (ShortKind::Found, GoState::Blocked),
    };
    let reason = (kind == ShortKind::Block && random.below(4) != 0).then_some(WaitReason::ChanReceive).into();
    ShortEvent { after, goroutine, by, thread, stack, reason, kind, state }
}

/// All that a World that keeps the past shows.
fn told(world: &World) -> String {
    let mut goroutines: Vec<_> = world.goroutines().collect();
    goroutines.sort_by_key(|goroutine| goroutine.id);
    let histories: Vec<_> = goroutines.iter().map(|goroutine| world.history(goroutine.id)).collect();
    let mut places: Vec<_> = world.places().map(|place| format!("{place:?}")).collect();
    places.sort();
    format!("{goroutines:#?} {histories:#?} {places:#?} {:?} {:?}", world.totals(), world.latest())
}

#[test]
fn a_burst_is_what_its_events_are_one_by_one() {
    let keep = Keep { transitions: 5, long: Duration::from_nanos(40) };
    for seed in 1..150 {
        let mut random = Random(seed * 0x9E37_79B9);
        let (mut by_bursts, mut one_by_one) = (World::keeping(keep), World::keeping(keep));
        let (mut time, mut tables) = (10, stacks(&mut random));
        let (mut ended, mut before) = (BTreeSet::new(), Vec::new());
        let threads = [None, Some(ThreadId(7)), Some(ThreadId(8))];
        for round in 0..20 {
            match random.below(8) {
                0 => tables = stacks(&mut random),
                1 => tables.extend(stacks(&mut random)),
                _ => {}
            }
            // One of those numbers stands for another goroutine now and then.
            let goroutines: Vec<_> = (0..5).map(|at| GoId(at + random.below(8) / 7 * (10 + round))).collect();
            let is_other = |at: &u32| before.get(*at as usize) != goroutines.get(*at as usize);
            let renamed: Vec<_> = (0..5).filter(is_other).collect();
            before.clone_from(&goroutines);
            let from = time - random.below(10);
            let mut events: Vec<_> = (0..random.below(120))
                .map(|_| {
                    time += random.below(30) + u64::from(random.below(20) != 0);
                    short_event(&mut random, u32::try_from(time - from).unwrap(), tables.len())
                })
                .collect();
            // Nobody hears of one that has ended, and no snapshot shows it.
            events.retain(|event| {
                let id = goroutines.get(event.goroutine as usize);
                let ends = event.kind == ShortKind::Dead;
                id.is_none_or(|id| !ended.contains(id) && (!ends || id.0 >= 10 && ended.insert(*id)))
            });
            let (events, goroutines, stacks) = (&events[..], &goroutines[..], &tables[..]);
            let (from, threads, renamed) = (Time(from), &threads[..], &renamed[..]);
            let burst = Burst { events, from, goroutines, renamed, threads, stacks, found_since: Time(5) };
            by_bursts.burst(&burst);
            burst.each(&mut |event| one_by_one.event(event));
            // Where there are few, much is told in short events.
            if random.below(if seed % 2 == 0 { 3 } else { 9 }) == 0 {
                time += 1;
                let lives: Vec<_> = (0..5).map(|_| life(&mut random)).collect();
                let seen = snapshot(&lives, Time(time), random.below(4), &mut random);
                by_bursts.snapshot(Box::new(seen.clone()));
                one_by_one.snapshot(Box::new(seen));
            }
            assert_eq!(told(&by_bursts), told(&one_by_one), "seed {seed}, round {round}");
        }
    }
}
