//! The past, for who asked to have it kept ([`super::World::keeping`]): of each
//! goroutine that lives its last transitions, its time in each state and its
//! children; of each place where goroutines wait, how waits there ended, and by
//! whom. A trace has no addresses: that somebody at one place wakes those who wait
//! at another is what it knows of channels and locks. Memory is bounded by the
//! goroutines that live and by [`PLACES_KEPT`].

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Goroutine, Since};
use crate::model::{Event, EventKind, GoId, GoState, Stack, Time, WaitReason};

/// Places that are kept. A program has fewer.
const PLACES_KEPT: usize = 1 << 14;
/// Children and longest waits that are kept by name.
const CHILDREN_KEPT: usize = 64;
const LONGEST_KEPT: usize = 8;
/// Pairs of places kept for each place of waiting.
const WAKERS_KEPT: usize = 16;

/// How much of the past to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep {
    /// Transitions of each goroutine.
    pub transitions: usize,
    /// From how long on a wait counts as long.
    pub long: Duration,
}

/// The past of one goroutine.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The last transitions, oldest first.
    pub transitions: VecDeque<Transition>,
    /// Time spent in each state, but for the one it is in.
    pub in_state: TimeInStates,
    /// The first of those that it made.
    pub children: Vec<GoId>,
    /// How many it made.
    pub children_made: u64,
}

/// A change of state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// When it was so at the latest.
    pub time: Time,
    /// The state it came to.
    pub state: GoState,
    /// Why it is blocked then.
    pub reason: Option<WaitReason>,
    /// Who woke it.
    pub by: Option<GoId>,
}

/// Time spent in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimeInStates {
    /// On a run queue.
    pub runnable: Duration,
    /// Executing.
    pub running: Duration,
    /// Parked.
    pub blocked: Duration,
    /// In a system call.
    pub syscall: Duration,
}

/// A place where goroutines waited, and how that ended.
#[derive(Clone, Debug)]
pub struct Place {
    /// Why they waited.
    pub reason: Option<WaitReason>,
    /// Where.
    pub stack: Stack,
    /// How many waits have ended.
    pub ended: u64,
    /// How many of them were long.
    pub long: u64,
    /// How long they took together.
    pub blocked: Duration,
    /// The longest of them, longest first.
    pub longest: Vec<Ended>,
    /// Who ended them.
    pub wakers: Vec<Waker>,
}

/// A wait that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Whose.
    pub goroutine: GoId,
    /// When it ended.
    pub time: Time,
    /// How long it took, at least.
    pub lasted: Duration,
    /// Who ended it.
    pub by: Option<GoId>,
}

/// Those who wake from one place.
#[derive(Clone, Debug)]
pub struct Waker {
    /// Where they were.
    pub stack: Stack,
    /// How often.
    pub count: u64,
    /// The last: who woke whom.
    pub last: (GoId, GoId),
}

/// What of a goroutine is needed to tell what changed.
pub(super) struct Before {
    state: GoState,
    since: Since,
    reason: Option<WaitReason>,
    stack: Stack,
}

#[derive(Debug)]
pub(super) struct Past {
    keep: Keep,
    histories: HashMap<GoId, History>,
    places: HashMap<(Option<WaitReason>, Stack), Place>,
}

impl Before {
    pub(super) fn of(shown: &Goroutine) -> Before {
        Before { state: shown.state, since: shown.since, reason: shown.reason, stack: shown.stack.clone() }
    }
}

impl Past {
    pub(super) fn new(keep: Keep) -> Past {
        Past { keep, histories: HashMap::new(), places: HashMap::new() }
    }

    pub(super) fn of(&self, id: GoId) -> Option<&History> {
        self.histories.get(&id)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.values()
    }

    /// Notes that a goroutine came to be what it is shown as, by `event` or by a
    /// sighting; `before` is what it was, if it was known.
    pub(super) fn moved(&mut self, before: Option<&Before>, now: &Goroutine, event: Option<&Event>) {
        let by = event.and_then(|event| match event.kind {
            EventKind::Unblock { by } => by,
            _ => None,
        });
        if let Some(Event { kind: EventKind::Create { parent: Some(parent) }, .. }) = event {
            // One that has ended has no past any more.
            if let Some(history) = self.histories.get_mut(parent) {
                history.children_made += 1;
                if history.children.len() < CHILDREN_KEPT {
                    history.children.push(now.id);
                }
            }
        }
        if before.is_some_and(|before| before.state == now.state && before.since == now.since) {
            return;
        }
        let time = now.since.time();
        let history = self.histories.entry(now.id).or_default();
        if let Some(before) = before {
            history.in_state.add(before.state, time.since(before.since.time()));
        }
        if history.transitions.len() >= self.keep.transitions {
            history.transitions.pop_front();
        }
        history.transitions.push_back(Transition { time, state: now.state, reason: now.reason, by });
        if let Some(before) = before.filter(|before| before.state == GoState::Blocked) {
            let woken = event.map(|event| (by, event.stack.as_ref()));
            self.ended(now.id, before, time, woken);
        }
    }

    /// Forgets one that has ended.
    pub(super) fn forget(&mut self, id: GoId) {
        self.histories.remove(&id);
    }

    fn ended(
        &mut self,
        id: GoId,
        before: &Before,
        time: Time,
        woken: Option<(Option<GoId>, Option<&Stack>)>,
    ) {
        let key = (before.reason, before.stack.clone());
        if self.places.len() >= PLACES_KEPT && !self.places.contains_key(&key) {
            return;
        }
        let place = self.places.entry(key).or_insert_with(|| Place {
            reason: before.reason,
            stack: before.stack.clone(),
            ended: 0,
            long: 0,
            blocked: Duration::ZERO,
            longest: Vec::new(),
            wakers: Vec::new(),
        });
        let lasted = time.since(before.since.time());
        let by = woken.and_then(|(by, _)| by);
        place.ended += 1;
        place.long += u64::from(lasted >= self.keep.long);
        place.blocked += lasted;
        let at = place.longest.partition_point(|longer| longer.lasted >= lasted);
        if at < LONGEST_KEPT {
            place.longest.insert(at, Ended { goroutine: id, time, lasted, by });
            place.longest.truncate(LONGEST_KEPT);
        }
        if let Some((Some(by), Some(stack))) = woken {
            if let Some(waker) = place.wakers.iter_mut().find(|waker| waker.stack == *stack) {
                waker.count += 1;
                waker.last = (by, id);
            } else if place.wakers.len() < WAKERS_KEPT {
                place.wakers.push(Waker { stack: stack.clone(), count: 1, last: (by, id) });
            }
        }
    }
}

impl TimeInStates {
    fn add(&mut self, state: GoState, time: Duration) {
        let sum = match state {
            GoState::Runnable => &mut self.runnable,
            GoState::Running => &mut self.running,
            GoState::Blocked => &mut self.blocked,
            GoState::Syscall => &mut self.syscall,
            GoState::Dead => return,
        };
        *sum = sum.saturating_add(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addr, Frame, Observation};
    use crate::world::World;

    fn stack(function: &str) -> Stack {
        let (function, file) = (function.into(), "/src/main.go".into());
        Stack::new(vec![Frame { function, file, line: 5, pc: Addr(1), inlined: false }])
    }

    fn told(world: &mut World, time: u64, id: u64, kind: EventKind, at: &str) {
        let (time, goroutine, stack) = (Time(time), Some(GoId(id)), Some(stack(at)));
        world.apply(&Observation::Event(Event { time, goroutine, kind, stack, thread: None }));
    }

    fn park() -> EventKind {
        EventKind::Block { reason: Some(WaitReason::ChanReceive), on: None }
    }

    #[test]
    fn who_woke_whom_where_and_how_long_it_took() {
        let mut world = World::keeping(Keep { transitions: 3, long: Duration::from_nanos(50) });
        told(&mut world, 1, 1, EventKind::Run, "main.main");
        told(&mut world, 1, 7, EventKind::Create { parent: Some(GoId(1)) }, "main.main");
        told(&mut world, 2, 7, EventKind::Run, "main.worker");
        told(&mut world, 10, 7, park(), "main.worker");
        told(&mut world, 30, 7, EventKind::Unblock { by: Some(GoId(1)) }, "main.feed");
        told(&mut world, 31, 7, EventKind::Run, "main.worker");
        told(&mut world, 40, 7, park(), "main.worker");
        told(&mut world, 140, 7, EventKind::Unblock { by: Some(GoId(2)) }, "main.feed");
        let history = world.history(GoId(7)).unwrap();
        assert_eq!(history.transitions.len(), 3);
        let expected = TimeInStates {
            runnable: Duration::from_nanos(2),
            running: Duration::from_nanos(17),
            blocked: Duration::from_nanos(120),
            syscall: Duration::ZERO,
        };
        assert_eq!(history.in_state, expected);
        let parent = world.history(GoId(1)).unwrap();
        assert_eq!((parent.children.as_slice(), parent.children_made), (&[GoId(7)][..], 1));
        let places: Vec<&Place> = world.places().collect();
        let [place] = places[..] else { panic!("{places:?}") };
        assert_eq!((place.ended, place.long, place.blocked), (2, 1, Duration::from_nanos(120)));
        let [waker] = &place.wakers[..] else { panic!("{place:?}") };
        assert_eq!(
            (waker.stack.clone(), waker.count, waker.last),
            (stack("main.feed"), 2, (GoId(2), GoId(7)))
        );
        told(&mut world, 150, 7, EventKind::Dead, "main.worker");
        assert!(world.history(GoId(7)).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let mut world = World::keeping(Keep { transitions: 4, long: Duration::from_nanos(50) });
        for n in 0..40_000 {
            told(&mut world, 2 * n, 1, park(), &format!("main.f{n}"));
            told(&mut world, 2 * n + 1, n + 2, EventKind::Create { parent: Some(GoId(1)) }, "main.main");
            told(&mut world, 2 * n + 1, 1, EventKind::Unblock { by: None }, "main.g");
            told(&mut world, 2 * n + 1, n + 2, EventKind::Dead, "main.g");
        }
        assert_eq!(world.places().count(), PLACES_KEPT);
        let history = world.history(GoId(1)).unwrap();
        assert_eq!((history.transitions.len(), history.children.len()), (4, CHILDREN_KEPT));
        assert_eq!(history.children_made, 40_000);
    }
}
