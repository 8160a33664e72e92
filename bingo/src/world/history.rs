//! The past, for who asked to have it kept ([`super::World::keeping`]): of each
//! goroutine that lives its last transitions, its time in each state and its
//! children; of each place where goroutines wait, how waits there ended, and by
//! whom. A trace has no addresses: that somebody at one place wakes those who wait
//! at another is what it knows of channels and locks. Memory is bounded by the
//! goroutines that live and by [`PLACES_KEPT`].

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::goroutine::Record;
use super::{Map, Since};
use crate::model::{EventKind, EventRef, GoId, GoState, Stack, Time, WaitReason};

/// Places that are kept. A program has fewer.
const PLACES_KEPT: usize = 1 << 14;
/// Children and longest waits that are kept by name.
const CHILDREN_KEPT: usize = 64;
const LONGEST_KEPT: usize = 8;
/// Goroutines that are kept of those whose waits at one place were long.
const LONG_KEPT: usize = 1_000;
/// Pairs of places kept for each place of waiting.
const WAKERS_KEPT: usize = 16;
/// Stacks whose place is known by where they are kept.
const ADDRESSES_KEPT: usize = 1 << 16;

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
    /// Whose those were, the first thousand.
    pub kept_long: BTreeSet<GoId>,
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
#[derive(Clone, Copy)]
pub(super) struct Before {
    state: GoState,
    since: Since,
    /// Where it waited, if it did.
    place: Option<PlaceIndex>,
}

/// One of the places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PlaceIndex(usize);

/// The places where goroutines have waited.
#[derive(Debug)]
pub(super) struct Past {
    keep: Keep,
    places: Vec<Place>,
    by_value: Map<(Option<WaitReason>, Stack), PlaceIndex>,
    /// The same by where a stack is kept, which is quicker: it stands beside, so
    /// that it is kept there.
    by_address: Map<(Option<WaitReason>, usize), (PlaceIndex, Stack)>,
}

impl Past {
    pub(super) fn new(keep: Keep) -> Past {
        Past { keep, places: Vec::new(), by_value: Map::default(), by_address: Map::default() }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        // Where somebody waits for the first time, none has ended yet.
        self.places.iter().filter(|place| place.ended > 0)
    }

    /// What is known of a goroutine that is about to change.
    pub(super) fn before(&mut self, record: &mut Record) -> Before {
        let now = record.condition();
        let (state, since) = (now.state, now.since);
        let mut place = None;
        if state == GoState::Blocked {
            place = match record.place {
                Some((reason, place)) if reason == now.reason => Some(place),
                _ => now.stack.and_then(|stack| self.place(now.reason, stack)),
            };
            record.place = place.map(|place| (now.reason, place));
        }
        Before { state, since, place }
    }

    /// Notes that a goroutine came to be what it is shown as, by `event` or by a
    /// sighting; `before` is what it was, if it was known.
    pub(super) fn moved(&mut self, before: Option<Before>, record: &mut Record, event: Option<EventRef<'_>>) {
        let now = record.condition();
        if before.is_some_and(|before| before.state == now.state && before.since == now.since) {
            return;
        }
        let by = event.and_then(|event| match event.kind {
            EventKind::Unblock { by } => *by,
            _ => None,
        });
        let time = now.since.time();
        let transition = Transition { time, state: now.state, reason: now.reason, by };
        let id = record.id;
        let history = record.history.get_or_insert_default();
        if history.transitions.len() >= self.keep.transitions {
            history.transitions.pop_front();
        }
        history.transitions.push_back(transition);
        let Some(before) = before else { return };
        let lasted = time.since(before.since.time());
        history.in_state.add(before.state, lasted);
        let place = before.place.and_then(|PlaceIndex(at)| self.places.get_mut(at));
        if let Some(place) = place {
            place.ended += 1;
            if lasted >= self.keep.long {
                place.long += 1;
                if place.kept_long.len() < LONG_KEPT {
                    place.kept_long.insert(id);
                }
            }
            place.blocked += lasted;
            place.note_length(Ended { goroutine: id, time, lasted, by });
            let waker = event.and_then(|event| event.stack);
            if let Some((by, stack)) = by.zip(waker) {
                place.note_waker(stack, (by, id));
            }
        }
    }

    /// The place of a reason and a stack; `None`: no more are kept.
    fn place(&mut self, reason: Option<WaitReason>, stack: &Stack) -> Option<PlaceIndex> {
        let address = (reason, stack.address());
        if let Some((known, _)) = self.by_address.get(&address) {
            return Some(*known);
        }
        let value = (reason, stack.clone());
        let place = match self.by_value.get(&value) {
            Some(place) => *place,
            None if self.places.len() >= PLACES_KEPT => return None,
            None => {
                let place = PlaceIndex(self.places.len());
                self.places.push(Place::new(reason, stack.clone()));
                self.by_value.insert(value, place);
                place
            }
        };
        if self.by_address.len() >= ADDRESSES_KEPT {
            self.by_address.clear();
        }
        self.by_address.insert(address, (place, stack.clone()));
        Some(place)
    }
}

impl History {
    /// Notes that it made another goroutine.
    pub(super) fn note_child(&mut self, child: GoId) {
        self.children_made += 1;
        if self.children.len() < CHILDREN_KEPT {
            self.children.push(child);
        }
    }
}

impl Place {
    fn new(reason: Option<WaitReason>, stack: Stack) -> Place {
        let (longest, wakers, kept_long) = (Vec::new(), Vec::new(), BTreeSet::new());
        Place { reason, stack, ended: 0, long: 0, kept_long, blocked: Duration::ZERO, longest, wakers }
    }

    fn note_length(&mut self, wait: Ended) {
        let full = self.longest.len() == LONGEST_KEPT;
        if full && self.longest.last().is_some_and(|shortest| shortest.lasted >= wait.lasted) {
            return;
        }
        let at = self.longest.partition_point(|longer| longer.lasted >= wait.lasted);
        self.longest.truncate(LONGEST_KEPT - 1);
        self.longest.insert(at, wait);
    }

    fn note_waker(&mut self, stack: &Stack, last: (GoId, GoId)) {
        let same = self.wakers.iter().position(|waker| waker.stack.is_same(stack));
        let known = same.or_else(|| self.wakers.iter().position(|waker| waker.stack == *stack));
        if let Some(waker) = known.and_then(|at| self.wakers.get_mut(at)) {
            waker.count += 1;
            waker.last = last;
            if same.is_none() {
                waker.stack = stack.clone();
            }
        } else if self.wakers.len() < WAKERS_KEPT {
            self.wakers.push(Waker { stack: stack.clone(), count: 1, last });
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
    use crate::model::{Addr, Event, Frame, Observation};
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
    fn a_place_is_where_a_wait_has_ended() {
        let mut world = World::keeping(Keep { transitions: 3, long: Duration::from_nanos(50) });
        told(&mut world, 1, 7, park(), "main.worker");
        // Found there again: it waits on.
        let (state, reason) = (GoState::Blocked, Some(WaitReason::ChanReceive));
        let still = EventKind::Snapshot { state, reason, on: None, parent: None, since: Some(Time(1)) };
        told(&mut world, 9, 7, still, "main.worker");
        world.apply(&Observation::Snapshot(Box::default()));
        assert_eq!(world.places().filter(|place| place.ended == 0).count(), 0);
        told(&mut world, 10, 8, park(), "main.other");
        told(&mut world, 11, 8, EventKind::Unblock { by: None }, "main.feed");
        assert!(world.places().any(|place| place.stack == stack("main.other") && place.ended == 1));
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
