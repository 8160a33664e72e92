//! Goroutines that take turns at one processor, as a trace and as snapshots have it, and
//! what is found in them.

use std::sync::Arc;
use std::time::Duration;

use super::{Class, Confidence, findings};
use crate::model::{
    Addr, CreatedBy, Event, EventKind, Frame, GoId, GoState, Goroutine, Observation, Snapshot, Stack, Time,
    WaitReason,
};
use crate::world::{Keep, World};

const MS: u64 = 1_000_000;
const SECOND: Duration = Duration::from_secs(1);

/// Goroutines 100.. take turns of `slice` ms each on one processor, and goroutine 7
/// between two rounds, which gives its own up at once. Those others `wait` behind each,
/// or are cut off.
#[derive(Clone, Copy)]
struct Turns {
    hogs: u64,
    slice: u64,
    wait: bool,
}

const HOGS: Turns = Turns { hogs: 30, slice: 10, wait: false };

fn stack(id: u64) -> Stack {
    let function = if id == 7 { "main.victim" } else { "main.hog" };
    let (function, file) = (function.into(), "/src/main.go".into());
    Stack::new(vec![Frame { function, file, line: 15, pc: Addr(1), inlined: false }])
}

impl Turns {
    fn ids(self) -> impl Iterator<Item = u64> + Clone {
        (100..100 + self.hogs).chain([7])
    }

    fn of(self, id: u64) -> u64 {
        if id == 7 { 0 } else { self.slice }
    }

    /// All turns for three seconds: whose, from when and until when, in ms.
    fn turns(self) -> impl Iterator<Item = (u64, u64, u64)> {
        let round = self.hogs * self.slice;
        let rounds = 3_000 / round.max(1);
        (0..rounds).flat_map(move |_| self.ids()).scan(0, move |ms, id| {
            let begun = *ms;
            *ms += self.of(id);
            Some((id, begun, *ms))
        })
    }

    /// As a trace tells it.
    fn events(self) -> World {
        let mut world = World::keeping(Keep { transitions: 16, long: SECOND });
        let tell = |world: &mut World, ms: u64, id, kind| {
            let stack = Some(stack(id));
            let event = Event { time: Time(ms * MS), goroutine: Some(GoId(id)), kind, stack, thread: None };
            world.apply(&Observation::Event(event));
        };
        for id in self.ids() {
            tell(&mut world, 0, id, EventKind::Create { parent: Some(GoId(1)) });
        }
        // One of the runtime's own, of which a trace has no more than this.
        for (ms, kind) in [(0, EventKind::Stop), (1, EventKind::Run), (2, EventKind::Stop)] {
            let goroutine = Some(GoId(3));
            let event = Event { time: Time(ms * MS), goroutine, kind, stack: None, thread: None };
            world.apply(&Observation::Event(event));
        }
        for (id, begun, ended) in self.turns() {
            tell(&mut world, begun, id, EventKind::Run);
            if self.wait && id != 7 {
                tell(&mut world, ended, id, EventKind::Block { reason: Some(WaitReason::Sleep), on: None });
                tell(&mut world, ended, id, EventKind::Unblock { by: None });
            } else {
                tell(&mut world, ended, id, EventKind::Stop);
            }
        }
        world
    }

    /// As a snapshot every 90 ms does, with the counts of turns that the runtime keeps,
    /// and a probe at those that park.
    fn snapshots(self) -> World {
        let mut world = World::keeping(Keep { transitions: 16, long: SECOND });
        for taken in (0..3_000).step_by(90) {
            let goroutines = self.ids().map(|id| self.seen(id, taken).into()).collect();
            world.apply(&Observation::Snapshot(Box::new(Snapshot {
                taken: Time(taken * MS),
                goroutines,
                ..Snapshot::default()
            })));
            let parks =
                self.turns().filter(|turn| self.wait && turn.0 != 7 && (taken..taken + 90).contains(&turn.2));
            for (id, _, ended) in parks {
                for kind in [
                    EventKind::Block { reason: Some(WaitReason::Sleep), on: None },
                    EventKind::Unblock { by: None },
                ] {
                    let (time, goroutine) = (Time(ended * MS), Some(GoId(id)));
                    world.apply(&Observation::Event(Event {
                        time,
                        goroutine,
                        kind,
                        stack: None,
                        thread: None,
                    }));
                }
            }
        }
        world
    }

    fn seen(self, id: u64, at: u64) -> Goroutine {
        let runs = self.turns().any(|turn| turn.0 == id && turn.1 <= at && at < turn.2);
        let turns = self.turns().filter(|turn| turn.0 == id && turn.2 <= at).count();
        let made = CreatedBy {
            function: "main.main".into(),
            file: "/src/main.go".into(),
            line: u32::try_from(id.min(100)).expect("small"),
        };
        Goroutine {
            id: GoId(id),
            state: if runs { GoState::Running } else { GoState::Runnable },
            reason: None,
            blocked_since: None,
            switches: u8::try_from(turns % 256).ok(),
            wait: None,
            stack: if runs { Stack::empty() } else { stack(id) },
            created_by: Some(Arc::new(made)),
            parent: None,
            labels: None,
            thread: None,
            system: false,
        }
    }
}

fn found(world: &World) -> Vec<(Class, Confidence, Vec<GoId>)> {
    let found = findings(world, &[], SECOND);
    found.into_iter().map(|one| (one.class, one.confidence, one.goroutines)).collect()
}

#[test]
fn who_has_no_turn_behind_many_that_use_theirs_up_starves() {
    let check = |turns: Turns, starves: bool, why: &str| {
        let expect = [(Class::Starvation, Confidence::Medium, vec![GoId(7)])];
        let expect = if starves { &expect[..] } else { &[] };
        assert_eq!(found(&turns.events()), expect, "by events: {why}");
        assert_eq!(found(&turns.snapshots()), expect, "by snapshots: {why}");
    };
    check(HOGS, true, "a round takes 300 ms");
    check(Turns { hogs: 5, ..HOGS }, false, "a round of 50 ms is a busy machine");
    check(Turns { slice: 1, ..HOGS }, false, "nobody uses its time slice up");
    check(
        Turns { hogs: 3, slice: 90, ..HOGS },
        false,
        "Go's slices are not so long: the threads have no turn",
    );
    check(Turns { wait: true, ..HOGS }, false, "each has done what it had to do");
}
