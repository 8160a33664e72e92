//! The two facts of a goroutine, the last event and the last sighting, and what
//! follows from them. In: either, in any order. Out: a [`Condition`].

use std::cell::Cell;
use std::sync::Arc;

use super::super::missed::Missed;
use super::{Sighted, Since};
use crate::model::{GoState, ShortReason, Stack, ThreadId, Time, Wait, WaitReason};

/// Stands for none where a thread is kept by id.
const NO_THREAD: ThreadId = ThreadId(u64::MAX);

/// What is known: one of the two at least.
#[derive(Debug)]
pub(super) enum Facts {
    Told(Told),
    Seen(Seen),
    Both(Box<(Told, Seen)>),
}

/// The last event.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) time: Time,
    /// Since when it is so, where that is not the event's time.
    since: Time,
    thread: ThreadId,
    /// What few events tell.
    more: Option<Box<More>>,
    pub(super) state: GoState,
    pub(super) reason: ShortReason,
    begun: Begun,
    /// Whether it is so since the event, no address is known, and what is shown of the
    /// goroutine was not put together since.
    plain: Cell<bool>,
}

/// Since when it is as the last event says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begun {
    /// The event.
    Event,
    /// Another event, which told of this very wait.
    Before,
    /// Some time, and at the latest that one.
    AtLatest,
}

/// What few events tell, or concerns goroutines alone that were seen.
#[derive(Default, Debug)]
struct More {
    on: Option<Wait>,
    /// The first sighting after it, which ties later ones to this event.
    tie: Tie,
}

/// Whether sightings after an event can be of the wait that it told of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Tie {
    /// Not seen since.
    #[default]
    Open,
    /// Seen by this time, with this `g.trackingSeq` if that can be read.
    Tied(Time, Option<u8>),
    /// Events were lost before it was seen, so what is seen may be a later wait.
    Broken,
}

/// The last sighting.
#[derive(Clone, Debug)]
pub(in super::super) struct Seen {
    pub(in super::super) taken: Time,
    pub(super) end: Time,
    pub(in super::super) sighted: Arc<Sighted>,
    /// From when on this stretch in one state has lasted,
    pub(super) since: Time,
    /// which is what the garbage collector has noted, and no sighting.
    pub(super) noted: bool,
}

/// What of a goroutine changes all the time.
#[derive(Clone, Copy)]
pub(in super::super) struct Condition<'a> {
    pub(in super::super) state: GoState,
    pub(in super::super) reason: Option<WaitReason>,
    pub(in super::super) since: Since,
    pub(in super::super) stack: Option<&'a Stack>,
    pub(super) wait: Option<&'a Wait>,
    pub(super) thread: Option<ThreadId>,
}

impl Facts {
    #[inline]
    pub(super) fn told(&self) -> Option<&Told> {
        match self {
            Facts::Told(told) => Some(told),
            Facts::Both(both) => Some(&both.0),
            Facts::Seen(_) => None,
        }
    }

    pub(super) fn told_mut(&mut self) -> Option<&mut Told> {
        match self {
            Facts::Told(told) => Some(told),
            Facts::Both(both) => Some(&mut both.0),
            Facts::Seen(_) => None,
        }
    }

    pub(super) fn seen(&self) -> Option<&Seen> {
        match self {
            Facts::Told(_) => None,
            Facts::Both(both) => Some(&both.1),
            Facts::Seen(seen) => Some(seen),
        }
    }

    pub(super) fn seen_mut(&mut self) -> Option<&mut Seen> {
        match self {
            Facts::Told(_) => None,
            Facts::Both(both) => Some(&mut both.1),
            Facts::Seen(seen) => Some(seen),
        }
    }

    /// What is shown was put together.
    pub(super) fn note_shown(&self) {
        if let Facts::Told(told) = self {
            told.plain.set(false);
        }
    }

    /// Takes in an event instead of the last one.
    pub(super) fn tell(&mut self, told: Told) {
        match self {
            Facts::Told(last) => *last = told,
            Facts::Both(both) => both.0 = told,
            Facts::Seen(seen) => *self = Facts::Both(Box::new((told, seen.clone()))),
        }
    }

    /// Takes in a sighting instead of the last one.
    pub(super) fn see(&mut self, seen: Seen) {
        match self {
            Facts::Seen(last) => *last = seen,
            Facts::Both(both) => both.1 = seen,
            Facts::Told(told) => {
                let told = std::mem::replace(told, Told::new(told.time, told.state));
                *self = Facts::Both(Box::new((told, seen)));
            }
        }
    }

    /// What follows from the two, of a goroutine that has `stack`.
    #[inline]
    pub(super) fn condition<'a>(&'a self, stack: Option<&'a Stack>) -> Condition<'a> {
        match self {
            Facts::Told(told) => told.condition(stack),
            Facts::Seen(seen) => seen.condition(None, stack),
            Facts::Both(both) if both.0.time < both.1.taken => both.1.condition(Some(&both.0), stack),
            Facts::Both(both) => both.0.condition(stack),
        }
    }
}

impl Told {
    /// An event at `time` that leaves the goroutine in `state`.
    pub(super) fn new(time: Time, state: GoState) -> Told {
        Told {
            time,
            since: time,
            thread: NO_THREAD,
            more: None,
            state,
            reason: ShortReason::NONE,
            begun: Begun::Event,
            plain: Cell::new(true),
        }
    }

    /// One that finds it so, and since when it is so.
    pub(super) fn found(self, since: Since) -> Told {
        let begun = if since.is_exact() { Begun::Before } else { Begun::AtLatest };
        self.plain.set(false);
        Told { since: since.time(), begun, ..self }
    }

    /// One that says why it waits and on what.
    pub(super) fn waiting(self, reason: Option<WaitReason>, on: Option<&Wait>) -> Told {
        let mut told = Told { reason: reason.into(), ..self };
        if let Some(on) = on {
            told.more().on = Some(on.clone());
        }
        told
    }

    /// It is on a thread by this event, or on none.
    #[inline(always)]
    pub(super) fn put_on(&mut self, thread: Option<ThreadId>) {
        self.thread = thread.unwrap_or(NO_THREAD);
    }

    /// Whether a short event need not ask what else is known, if the goroutine was never
    /// seen: this one says since when and no address, and nobody has looked since.
    #[inline(always)]
    pub(super) fn is_plain(&self) -> bool {
        self.plain.get()
    }

    /// What few events tell, to be changed.
    fn more(&mut self) -> &mut More {
        self.plain.set(false);
        self.more.get_or_insert_default()
    }

    fn since(&self) -> Since {
        match self.begun {
            Begun::Event => Since::Exact(self.time),
            Begun::Before => Since::Exact(self.since),
            Begun::AtLatest => Since::AtLatest(self.since),
        }
    }

    fn on(&self) -> Option<&Wait> {
        self.more.as_ref()?.on.as_ref()
    }

    fn tie(&self) -> Tie {
        self.more.as_ref().map_or(Tie::Open, |more| more.tie)
    }

    /// Ties a sighting that was over at `end` to this event, unless events were lost between.
    pub(super) fn tie_to(&mut self, end: Time, switches: Option<u8>, missed: &Missed) {
        let again = matches!(self.tie(), Tie::Tied(_, Some(_)) | Tie::Broken);
        if again {
            return;
        }
        let tie = if missed.between(self.time, end) { Tie::Broken } else { Tie::Tied(end, switches) };
        self.more().tie = tie;
    }

    /// Notes that events may have been lost from `from` on; a sighting was over by
    /// `seen_by`. The answer is whether that parts the two.
    pub(super) fn part(&mut self, from: Time, seen_by: Option<Time>) -> bool {
        let tied_by = match self.tie() {
            Tie::Tied(_, None) => seen_by,
            Tie::Tied(at, _) => Some(at),
            Tie::Open | Tie::Broken => None,
        };
        let parts = tied_by.is_some_and(|tied_by| from <= tied_by);
        if parts {
            self.more().tie = Tie::Broken;
        }
        parts
    }

    fn condition<'a>(&'a self, stack: Option<&'a Stack>) -> Condition<'a> {
        let (state, reason, since) = (self.state, self.reason.get(), self.since());
        let thread = Some(self.thread).filter(|thread| *thread != NO_THREAD);
        Condition { state, reason, since, wait: self.on(), thread, stack }
    }
}

impl Seen {
    /// By a snapshot that was read from `taken` to `end`.
    pub(super) fn new(sighted: &Arc<Sighted>, (taken, end): (Time, Time), since: Since) -> Seen {
        let (noted, since) = (matches!(since, Since::About(_)), since.time());
        Seen { taken, end, sighted: Arc::clone(sighted), since, noted }
    }

    fn since(&self) -> Since {
        if self.noted { Since::About(self.since) } else { Since::AtLatest(self.since) }
    }

    /// The condition, made exact where `told` is of this very wait.
    fn condition<'a>(&'a self, told: Option<&'a Told>, stack: Option<&'a Stack>) -> Condition<'a> {
        let seen = &self.sighted;
        let told = told.filter(|told| {
            told.state == seen.state
                && told.reason.get().zip(seen.reason).is_none_or(|(told, seen)| told.agrees_with(seen))
                && matches!(told.tie(), Tie::Tied(_, switches) if switches == seen.switches)
        });
        Condition {
            state: seen.state,
            reason: seen.reason.or(told.and_then(|told| told.reason.get())),
            since: told.map_or_else(|| self.since(), Told::since),
            wait: seen.wait.as_ref().or_else(|| told.and_then(Told::on)),
            thread: seen.thread,
            stack,
        }
    }
}
