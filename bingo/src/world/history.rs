//! The past, for who asked to have it kept ([`super::World::keeping`]): of each
//! goroutine that lives its last transitions, its time in each state and its
//! children; of each place where goroutines wait, how waits there ended, and by
//! whom. A trace has no addresses: that somebody at one place wakes those who wait
//! at another is what it knows of channels and locks. Memory is bounded by the
//! goroutines that live and by [`PLACES_KEPT`].

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::births::Births;
use super::course::Course;
use super::goroutine::Record;
use super::lent::NONE;
use super::missed::Missed;
use super::step::Step;
use super::tally::Tally;
use super::{Map, Since};
use crate::model::{EventKind, EventRef, GoId, GoState, ShortReason, Stack, Time, WaitReason};

/// Places that are kept. A program has fewer.
const PLACES_KEPT: usize = 1 << 14;
/// Longest waits that are kept by name.
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

/// The past of one goroutine, as it is shown.
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
    /// How long they took together, in nanoseconds.
    blocked: u64,
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
    /// When that was.
    pub time: Time,
}

/// What of a goroutine is needed to tell what changed.
#[derive(Clone, Copy)]
pub(super) struct Before {
    state: GoState,
    reason: Option<WaitReason>,
    since: Since,
    /// When it was last heard of or seen.
    known: Time,
    /// Where it waited, if it did.
    place: Option<PlaceIndex>,
}

/// One of the places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PlaceIndex(u32);

/// What makes it quick to note how a wait ended at a place.
#[derive(Debug)]
struct Shortcut {
    /// What is not longer, in nanoseconds, is none of the longest.
    shortest: u64,
    /// The numbers that the stacks of [`Place::wakers`] have in bursts, where known.
    wakers: [u32; WAKERS_KEPT],
}

/// How a wait ended.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) goroutine: GoId,
    pub(super) time: Time,
    /// In nanoseconds.
    pub(super) lasted: u64,
    pub(super) by: Option<GoId>,
}

/// The places where goroutines have waited.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) births: Births,
    keep: Keep,
    /// [`Keep::long`] in nanoseconds.
    long: u64,
    places: Vec<Place>,
    shortcuts: Vec<Shortcut>,
    by_value: Map<(Option<WaitReason>, Stack), PlaceIndex>,
    /// The same by where a stack is kept, which is quicker: it stands beside, so
    /// that it is kept there.
    by_address: Map<(Option<WaitReason>, usize), (PlaceIndex, Stack)>,
}

impl Past {
    pub(super) fn new(keep: Keep) -> Past {
        let long = u64::try_from(keep.long.as_nanos()).unwrap_or(u64::MAX);
        Past {
            births: Births::default(),
            keep,
            long,
            places: Vec::new(),
            shortcuts: Vec::new(),
            by_value: Map::default(),
            by_address: Map::default(),
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        // Where somebody waits for the first time, none has ended yet.
        self.places.iter().filter(|place| place.ended > 0)
    }

    /// What is known of a goroutine that is about to change.
    pub(super) fn before(&mut self, record: &mut Record) -> Before {
        let now = record.condition();
        let (state, reason, since) = (now.state, now.reason, now.since);
        let mut place = None;
        if state == GoState::Blocked {
            let known = record.course.as_ref().and_then(|course| course.place);
            place = match known {
                Some((known, place)) if known == reason => Some(place),
                _ => now.stack.and_then(|stack| self.place(reason, stack)),
            };
            if let Some(course) = &mut record.course {
                course.place = place.map(|place| (reason, place));
            }
        }
        Before { state, reason, since, known: record.known_at(), place }
    }

    /// Notes that a goroutine came to be what it is shown as, by `event` or by a
    /// sighting; `before` is what it was. A wait whose end nobody told,
    /// or before which events may have been `missed`, counts until it was last known of.
    pub(super) fn moved(
        &mut self,
        before: Before,
        record: &mut Record,
        event: Option<EventRef<'_>>,
        missed: &Missed,
    ) {
        let now = record.condition();
        if before.state == now.state && before.since == now.since {
            return;
        }
        let (told, by) = match event.map(|event| event.kind) {
            Some(EventKind::Unblock { by }) => (true, *by),
            _ => (false, None),
        };
        let time = now.since.time();
        let step = Step::new(time, now.state, now.reason.into(), by);
        let (id, since) = (record.id, before.since.time());
        let was = (since, before.state, before.reason.into());
        let course = record.course.get_or_insert_default();
        self.note(course, step, was, time.0.saturating_sub(since.0));
        if let Some(place) = before.place {
            let exact = told && !missed.between(since, time);
            let end = if exact { time } else { time.min(before.known) };
            let lasted = end.0.saturating_sub(since.0);
            let waker = event.and_then(|event| event.stack).map(|stack| (stack, NONE));
            self.note_end(place, End { goroutine: id, time, lasted, by }, waker);
        }
    }

    /// Notes a transition and what was before: since when, and for how long, in
    /// nanoseconds.
    #[inline(always)]
    pub(super) fn note(
        &self,
        course: &mut Course,
        step: Step,
        before: (Time, GoState, ShortReason),
        lasted: u64,
    ) {
        course.note_step(step, before, self.keep.transitions);
        course.note_lasted(before.1, lasted);
    }

    /// Notes that a wait at a place has ended; the waker's stack, and its number in bursts.
    pub(super) fn note_end(&mut self, PlaceIndex(at): PlaceIndex, end: End, waker: Option<(&Stack, u32)>) {
        let at = at as usize;
        let Some((place, shortcut)) = self.places.get_mut(at).zip(self.shortcuts.get_mut(at)) else { return };
        let End { goroutine, time, lasted, by } = end;
        place.ended += 1;
        if lasted >= self.long {
            place.long += 1;
            if place.kept_long.len() < LONG_KEPT {
                place.kept_long.insert(goroutine);
            }
        }
        place.blocked = place.blocked.saturating_add(lasted);
        if lasted > shortcut.shortest || place.longest.len() < LONGEST_KEPT {
            shortcut.shortest =
                place.note_length(Ended { goroutine, time, lasted: Duration::from_nanos(lasted), by });
        }
        if let Some((by, (stack, number))) = by.zip(waker) {
            let known = shortcut.wakers.iter().position(|waker| *waker == number);
            let known = known.filter(|_| number != NONE).and_then(|at| place.wakers.get_mut(at));
            if let Some(waker) = known {
                waker.count += 1;
                (waker.last, waker.time) = ((by, goroutine), time);
            } else if let Some(at) = place.note_waker(stack, (by, goroutine), time)
                && let Some(known) = shortcut.wakers.get_mut(at)
            {
                *known = number;
            }
        }
    }

    /// What ends of waits at a place can be counted, if they are the work of the waker
    /// whose stack has a number: which waker that is, and from how long on, in
    /// nanoseconds, a wait is worth a note. `None`: he is not known.
    pub(super) fn rule(&self, PlaceIndex(at): PlaceIndex, waker: u32) -> Option<(u32, u64)> {
        let (place, shortcut) = self.places.get(at as usize).zip(self.shortcuts.get(at as usize))?;
        let known = shortcut.wakers.iter().position(|known| *known == waker).filter(|_| waker != NONE)?;
        let notable = if place.longest.len() < LONGEST_KEPT { 0 } else { shortcut.shortest };
        Some((u32::try_from(known).ok()?, self.long.min(notable)))
    }

    /// Notes that waits at a place have ended as they do as a rule.
    pub(super) fn note_tally(&mut self, tally: &Tally) {
        let PlaceIndex(at) = tally.place;
        let Some(place) = self.places.get_mut(at as usize) else { return };
        place.ended += tally.ended;
        place.blocked = place.blocked.saturating_add(tally.blocked);
        let Some(waker) = place.wakers.get_mut(tally.waker_at as usize) else { return };
        waker.count += tally.ended;
        if waker.time <= tally.time {
            (waker.last, waker.time) = (tally.last, tally.time);
        }
    }

    /// Numbers of stacks are about to mean others.
    pub(super) fn forget_numbers(&mut self) {
        self.shortcuts.iter_mut().for_each(|shortcut| shortcut.wakers = [NONE; WAKERS_KEPT]);
    }

    /// The place of a reason and a stack; `None`: no more are kept.
    pub(super) fn place(&mut self, reason: Option<WaitReason>, stack: &Stack) -> Option<PlaceIndex> {
        let address = (reason, stack.address());
        if let Some((known, _)) = self.by_address.get(&address) {
            return Some(*known);
        }
        let value = (reason, stack.clone());
        let place = match self.by_value.get(&value) {
            Some(place) => *place,
            None if self.places.len() >= PLACES_KEPT => return None,
            None => {
                let place = PlaceIndex(u32::try_from(self.places.len()).ok()?);
                self.places.push(Place::new(reason, stack.clone()));
                self.shortcuts.push(Shortcut { shortest: 0, wakers: [NONE; WAKERS_KEPT] });
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

impl Place {
    /// How long the waits that have ended took together.
    #[must_use]
    pub fn blocked(&self) -> Duration {
        Duration::from_nanos(self.blocked)
    }

    fn new(reason: Option<WaitReason>, stack: Stack) -> Place {
        let (longest, wakers, kept_long) = (Vec::new(), Vec::new(), BTreeSet::new());
        Place { reason, stack, ended: 0, long: 0, kept_long, blocked: 0, longest, wakers }
    }

    /// Notes how long a wait took; what is not longer than the answer, in
    /// nanoseconds, is none of the longest.
    fn note_length(&mut self, wait: Ended) -> u64 {
        let at = self.longest.partition_point(|longer| longer.lasted >= wait.lasted);
        if at < LONGEST_KEPT {
            self.longest.truncate(LONGEST_KEPT - 1);
            self.longest.insert(at, wait);
        }
        let shortest = self.longest.last().map_or(0, |shortest| shortest.lasted.as_nanos());
        u64::try_from(shortest).unwrap_or(u64::MAX)
    }

    /// Notes who ended a wait; which of the wakers that is, if he is kept.
    fn note_waker(&mut self, stack: &Stack, last: (GoId, GoId), time: Time) -> Option<usize> {
        let same = self.wakers.iter().position(|waker| waker.stack.is_same(stack));
        let known = same.or_else(|| self.wakers.iter().position(|waker| waker.stack == *stack));
        if let Some(waker) = known.and_then(|at| self.wakers.get_mut(at)) {
            waker.count += 1;
            (waker.last, waker.time) = (last, time);
            if same.is_none() {
                waker.stack = stack.clone();
            }
            return known;
        }
        if self.wakers.len() == WAKERS_KEPT {
            return None;
        }
        self.wakers.push(Waker { stack: stack.clone(), count: 1, last, time });
        Some(self.wakers.len() - 1)
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
        assert_eq!((place.ended, place.long, place.blocked()), (2, 1, Duration::from_nanos(120)));
        let [waker] = &place.wakers[..] else { panic!("{place:?}") };
        assert_eq!(
            (waker.stack.clone(), waker.count, waker.last),
            (stack("main.feed"), 2, (GoId(2), GoId(7)))
        );
        told(&mut world, 150, 7, EventKind::Dead, "main.worker");
        assert!(world.history(GoId(7)).is_none());
    }

    #[test]
    fn of_one_transition_that_is_kept_it_is_the_last() {
        for (transitions, expect) in [(1, vec![9]), (2, vec![2, 9]), (3, vec![1, 2, 9])] {
            let mut world = World::keeping(Keep { transitions, long: Duration::from_nanos(50) });
            told(&mut world, 1, 7, EventKind::Run, "main.worker");
            let times = |world: &World| -> Vec<u64> {
                world.history(GoId(7)).unwrap().transitions.iter().map(|step| step.time.0).collect()
            };
            assert_eq!(times(&world), [1]);
            told(&mut world, 2, 7, park(), "main.worker");
            assert_eq!(times(&world).last(), Some(&2));
            told(&mut world, 9, 7, EventKind::Unblock { by: None }, "main.feed");
            assert_eq!(times(&world), expect);
        }
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
    fn a_wait_whose_end_nobody_told_lasted_as_long_as_it_was_known_of() {
        let keep = Keep { transitions: 3, long: Duration::from_nanos(50) };
        let longest = |told_by: &[(u64, EventKind)], missed: Option<(u64, u64)>| {
            let mut world = World::keeping(keep);
            told(&mut world, 10, 7, park(), "main.worker");
            if let Some((from, until)) = missed {
                world.note_missed(Time(from), Time(until));
            }
            for (time, kind) in told_by {
                told(&mut world, *time, 7, kind.clone(), "main.worker");
            }
            world.places().map(|place| (place.longest[0].lasted.as_nanos(), place.long)).next()
        };
        let woken = || EventKind::Unblock { by: None };
        assert_eq!(longest(&[(100, woken())], None), Some((90, 1)));
        // It may have gone on and waited again since.
        assert_eq!(longest(&[(100, woken())], Some((20, 30))), Some((0, 0)));
        assert_eq!(longest(&[(100, EventKind::Run)], None), Some((0, 0)));
        let (state, reason) = (GoState::Blocked, Some(WaitReason::IoWait));
        let seen = EventKind::Snapshot { state, reason, on: None, parent: None, since: None };
        assert_eq!(longest(&[(100, seen)], Some((20, 90))), Some((0, 0)));
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
        assert_eq!(
            (history.transitions.len(), history.children.len()),
            (4, crate::world::course::CHILDREN_KEPT)
        );
        assert_eq!(history.children_made, 40_000);
    }
}
