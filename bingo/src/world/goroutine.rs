//! One goroutine, as events and snapshots together show it.
//!
//! ```text
//!            Block t1         snapshot [taken, end]        Unblock t2
//!   events ────●──────────────────────────────────────────────●────▶
//!              └ exact since t1 if the snapshot sees the same wait
//! ```
//!
//! Two facts are kept apart, the last event and the last sighting; what is
//! shown follows from the two, so that the order in which they arrive does not
//! matter. An event at or after `taken` is newer than the snapshot.

mod short;
mod sighting;

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::{Kept, PlaceIndex};
use super::lent::{Lent, NONE};
use super::missed::Missed;
use super::sampled::Sampled;
use crate::model::{
    CreatedBy, Event, EventKind, EventRef, GoId, GoState, Goroutine as Sighted, Stack, ThreadId, Time, Wait,
    WaitReason,
};

/// What is known of a goroutine.
#[derive(Clone, Debug)]
pub struct Goroutine {
    /// Its id.
    pub id: GoId,
    /// Its state.
    pub state: GoState,
    /// Why it is blocked, if it is and that is known.
    pub reason: Option<WaitReason>,
    /// Since when it is in that state.
    pub since: Since,
    /// What it waits on, if that is known.
    pub wait: Option<Wait>,
    /// Its stack when it last left the processor; empty where none was seen.
    pub stack: Stack,
    /// Who made it.
    pub parent: Option<GoId>,
    /// The `go` statement that made it.
    pub created_by: Option<CreatedBy>,
    /// When it was made, if that was seen.
    pub created: Option<Time>,
    /// Who woke it last.
    pub woken: Option<Woken>,
    /// How often it was seen to park.
    pub blocks: u64,
    /// Its pprof labels.
    pub labels: BTreeMap<String, String>,
    /// The thread it is on, if it is on one.
    pub thread: Option<ThreadId>,
    /// Whether it is the runtime's own.
    pub system: bool,
}

/// Since when, and how well that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// An event told.
    Exact(Time),
    /// It was so by then and may have been so for longer: the time of the first sighting
    /// of this very wait. Of those that the first picture of all finds waiting it is what
    /// the garbage collector has noted, which may have been before they came to wait.
    AtLatest(Time),
}

/// A wake-up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Woken {
    /// When.
    pub time: Time,
    /// By whom; `None`: by the runtime, or not known.
    pub by: Option<GoId>,
    /// The waker's stack.
    pub stack: Option<Stack>,
}

/// The facts of a goroutine. What they show is put together when somebody looks,
/// and shared with Views until it changes.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: GoId,
    /// Whether short events need not ask what else is known: it was told of, by an event
    /// that says since when and no address, never seen, and nobody has looked since.
    plain: Cell<bool>,
    told: Option<Told>,
    seen: Option<Seen>,
    /// Its stack when it last left the processor, if one was seen.
    stack: Option<Stack>,
    /// The same by its number in bursts, where that is newer; else [`NONE`].
    lent: u32,
    /// The number of the stack of who woke it last, where that is newer.
    woken_lent: u32,
    /// The place of a reason and its stack, where that has been looked up.
    pub(super) place: Option<(Option<WaitReason>, PlaceIndex)>,
    /// Where it was made, of the places that are kept.
    pub(super) birthplace: Option<u32>,
    /// The number of its last change.
    pub(super) changed: u64,
    /// Its past, where that is kept.
    pub(super) kept: Kept,
    woken: Option<Woken>,
    pub(super) blocks: u64,
    /// How it came to its turns, where snapshots tell.
    pub(super) sampled: Option<Box<Sampled>>,
    /// `None`: it is as the last sighting says, if there was one.
    origin: Option<Box<Origin>>,
    shown: OnceCell<Arc<Goroutine>>,
}

/// What hardly ever changes, as it is shown.
#[derive(Clone, Copy, PartialEq, Default)]
struct Shown<'a> {
    parent: Option<GoId>,
    created_by: Option<&'a CreatedBy>,
    labels: Option<&'a BTreeMap<String, String>>,
    system: bool,
}

impl<'a> Shown<'a> {
    fn of(sighted: &'a Sighted) -> Shown<'a> {
        let labels = Some(&sighted.labels).filter(|labels| !labels.is_empty());
        let created_by = sighted.created_by.as_ref();
        Shown { parent: sighted.parent, created_by, labels, system: sighted.system }
    }

    fn to_owned(self) -> Origin {
        let Shown { parent, created_by, labels, system } = self;
        let (created_by, labels) = (created_by.cloned(), labels.cloned().map(Arc::new));
        Origin { parent, created_by, created: None, labels, system }
    }
}

/// What hardly ever changes.
#[derive(Clone, PartialEq, Default, Debug)]
struct Origin {
    parent: Option<GoId>,
    created_by: Option<CreatedBy>,
    created: Option<Time>,
    /// Few have any.
    labels: Option<Arc<BTreeMap<String, String>>>,
    system: bool,
}

/// The last event.
#[derive(Debug)]
struct Told {
    time: Time,
    /// Since when at the latest it is so; `None`: since the event.
    at_latest: Option<Time>,
    state: GoState,
    reason: Option<WaitReason>,
    on: Option<Box<Wait>>,
    thread: Option<ThreadId>,
    /// The first sighting after it, which ties later ones to this event.
    tie: Tie,
}

/// Whether sightings after an event can be of the wait that it told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tie {
    /// Not seen since.
    Open,
    /// Seen by this time, with this `g.trackingSeq` if that can be read.
    Tied(Time, Option<u8>),
    /// Events were lost before it was seen, so what is seen may be a later wait.
    Broken,
}

/// The last sighting.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) taken: Time,
    end: Time,
    pub(super) sighted: Arc<Sighted>,
    /// From when on this stretch in one state is known to have lasted.
    since: Time,
}

/// What of a goroutine changes all the time.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    pub(super) state: GoState,
    pub(super) reason: Option<WaitReason>,
    pub(super) since: Since,
    pub(super) stack: Option<&'a Stack>,
    wait: Option<&'a Wait>,
    thread: Option<ThreadId>,
}

impl Since {
    /// The time itself.
    #[must_use]
    pub fn time(self) -> Time {
        match self {
            Since::Exact(time) | Since::AtLatest(time) => time,
        }
    }

    /// Whether an event told it.
    #[must_use]
    pub fn is_exact(self) -> bool {
        matches!(self, Since::Exact(_))
    }
}

impl Goroutine {
    /// What one sighting alone shows, by a snapshot that was over at `end`.
    #[must_use]
    pub fn first_seen(sighted: &Sighted, end: Time) -> Goroutine {
        Goroutine {
            id: sighted.id,
            state: sighted.state,
            reason: sighted.reason,
            since: Since::AtLatest(noted_since(sighted, end)),
            wait: sighted.wait.clone(),
            stack: sighted.stack.clone(),
            parent: sighted.parent,
            created_by: sighted.created_by.clone(),
            created: None,
            woken: None,
            blocks: 0,
            labels: sighted.labels.clone(),
            thread: sighted.thread,
            system: sighted.system,
        }
    }
}

impl Record {
    fn new(id: GoId) -> Record {
        Record {
            id,
            plain: Cell::new(false),
            told: None,
            seen: None,
            stack: None,
            lent: NONE,
            woken_lent: NONE,
            place: None,
            birthplace: None,
            changed: 0,
            kept: Kept::default(),
            sampled: None,
            woken: None,
            blocks: 0,
            origin: None,
            shown: OnceCell::new(),
        }
    }

    /// One that an event was the first to tell of.
    pub(super) fn first_told(id: GoId, event: EventRef<'_>, state: GoState, missed: &Missed) -> Record {
        let mut record = Record::new(id);
        record.note_event(event, state, missed);
        record
    }

    /// One that a snapshot, read from `taken` to `end`, was the first to tell of. Where it is
    /// the `first` of all nothing better is known of since when than what the collector has
    /// noted.
    pub(super) fn first_seen(sighted: &Arc<Sighted>, (taken, end): (Time, Time), first: bool) -> Record {
        let since = if first { noted_since(sighted, end) } else { end };
        let seen = Seen { taken, end, sighted: Arc::clone(sighted), since };
        let stack = Some(sighted.stack.clone());
        Record { seen: Some(seen), stack, ..Record::new(sighted.id) }
    }

    /// What is known of it.
    pub(super) fn shown(&self, lent: &Lent) -> &Arc<Goroutine> {
        self.shown.get_or_init(|| {
            self.plain.set(false);
            let now = self.condition();
            let mut woken = self.woken.clone();
            if let Some(woken) = woken.as_mut().filter(|_| self.woken_lent != NONE) {
                woken.stack = lent.stack(self.woken_lent).cloned();
            }
            let origin = self.origin();
            Arc::new(Goroutine {
                id: self.id,
                state: now.state,
                reason: now.reason,
                since: now.since,
                wait: now.wait.cloned(),
                stack: lent.stack(self.lent).or(now.stack).cloned().unwrap_or_else(Stack::empty),
                parent: origin.parent,
                created_by: origin.created_by.cloned(),
                created: self.created(),
                woken,
                blocks: self.blocks,
                labels: origin.labels.cloned().unwrap_or_default(),
                thread: now.thread,
                system: origin.system,
            })
        })
    }

    /// That a snapshot has found it so, when that began at `taken`.
    pub(super) fn found(&self, lent: &Lent, taken: Time) -> Event {
        let now = self.condition();
        Event {
            time: taken,
            goroutine: Some(self.id),
            kind: EventKind::Snapshot {
                state: now.state,
                reason: now.reason,
                on: now.wait.cloned(),
                parent: self.parent(),
                since: Some(now.since.time()).filter(|since| *since < taken),
            },
            stack: self.stack(lent).cloned().filter(|stack| !stack.frames().is_empty()),
            thread: now.thread,
        }
    }

    /// Its stack when it last left the processor, if one was seen.
    pub(super) fn stack<'r>(&'r self, lent: &'r Lent) -> Option<&'r Stack> {
        lent.stack(self.lent).or(self.stack.as_ref())
    }

    pub(super) fn parent(&self) -> Option<GoId> {
        self.origin().parent
    }

    pub(super) fn created_by(&self) -> Option<&CreatedBy> {
        self.origin().created_by
    }

    pub(super) fn created(&self) -> Option<Time> {
        self.origin.as_ref().and_then(|origin| origin.created)
    }

    pub(super) fn is_system(&self) -> bool {
        self.origin().system
    }

    fn origin(&self) -> Shown<'_> {
        match (&self.origin, &self.seen) {
            (Some(origin), _) => Shown {
                parent: origin.parent,
                created_by: origin.created_by.as_ref(),
                labels: origin.labels.as_deref(),
                system: origin.system,
            },
            (None, Some(seen)) => Shown::of(&seen.sighted),
            (None, None) => Shown::default(),
        }
    }

    /// What hardly ever changes, to be changed.
    fn own_origin(&mut self) -> &mut Origin {
        if self.origin.is_none() {
            self.origin = Some(Box::new(self.origin().to_owned()));
        }
        self.origin.get_or_insert_default()
    }

    /// What follows from the two facts.
    #[inline]
    pub(super) fn condition(&self) -> Condition<'_> {
        let stack = self.stack.as_ref();
        match (&self.told, &self.seen) {
            (Some(told), Some(seen)) if told.time < seen.taken => seen.condition(Some(told), stack),
            (Some(told), _) => told.condition(stack),
            (None, Some(seen)) => seen.condition(None, stack),
            (None, None) => Condition {
                state: GoState::Runnable,
                reason: None,
                since: Since::AtLatest(Time::default()),
                wait: None,
                thread: None,
                stack,
            },
        }
    }

    /// When it was last heard of or seen.
    pub(super) fn known_at(&self) -> Time {
        let told = self.told.as_ref().map(|told| told.time);
        told.max(self.seen.as_ref().map(|seen| seen.taken)).unwrap_or_default()
    }

    /// Takes in an event, which leaves the goroutine in `state`.
    pub(super) fn note_event(&mut self, event: EventRef<'_>, state: GoState, missed: &Missed) {
        let time = event.time;
        let mut at_latest = None;
        let (mut reason, mut on, mut stack) = (None, None, event.stack);
        match event.kind {
            EventKind::Create { parent } => {
                let origin = self.own_origin();
                origin.created = Some(time);
                origin.parent = parent.or(origin.parent);
                if origin.created_by.is_none() {
                    origin.created_by = stack.and_then(go_statement);
                }
                stack = None;
            }
            EventKind::Unblock { by } => self.note_woken(time, *by, stack.take()),
            EventKind::Block { reason: why, on: what } => {
                self.blocks += 1;
                (reason, on) = (*why, what.as_ref());
            }
            EventKind::Snapshot { reason: why, on: what, parent, since: from, .. } => {
                at_latest = Some(from.unwrap_or(time).min(time));
                if parent.is_some() && *parent != self.parent() {
                    self.own_origin().parent = *parent;
                }
                (reason, on) = (*why, what.as_ref());
            }
            _ => {}
        }
        self.shown.take();
        if self.told.as_ref().is_some_and(|told| told.time > time) {
            return;
        }
        let told = self.told.get_or_insert_with(|| Told::new(time));
        (told.time, told.at_latest, told.state) = (time, at_latest, state);
        told.thread = event.thread.filter(|_| matches!(state, GoState::Running | GoState::Syscall));
        told.tie = Tie::Open;
        told.reason = reason;
        if told.on.as_deref() != on {
            told.on = on.cloned().map(Box::new);
        }
        match &self.seen {
            Some(seen) if seen.taken > time => told.see(seen.end, seen.sighted.switches, missed),
            _ if stack.is_none() && matches!(event.kind, EventKind::Block { .. }) => self.lose_stack(),
            _ => {
                self.note_stack(stack);
            }
        }
        let plain = self.seen.is_none() && on.is_none() && at_latest.is_none();
        self.plain.set(plain);
    }

    /// Notes its stack, where that is known. The answer is whether it is another.
    fn note_stack(&mut self, stack: Option<&Stack>) -> bool {
        let Some(stack) = stack else { return false };
        let same = self.stack.as_ref().is_some_and(|before| before.is_same(stack));
        if !same {
            (self.stack, self.place) = (Some(stack.clone()), None);
        }
        !same
    }

    fn note_woken(&mut self, time: Time, by: Option<GoId>, stack: Option<&Stack>) {
        match &mut self.woken {
            Some(woken) if woken.time > time => {}
            Some(woken) => {
                (woken.time, woken.by) = (time, by);
                let same = woken.stack.as_ref().zip(stack).is_some_and(|(before, now)| before.is_same(now));
                if !same {
                    woken.stack = stack.cloned();
                }
            }
            None => self.woken = Some(Woken { time, by, stack: stack.cloned() }),
        }
    }

    /// Notes that events may have been lost in `[from, until]`: what was seen
    /// after that need not be what the last event before it told of.
    pub(super) fn note_missed(&mut self, from: Time, until: Time) {
        let seen_by = self.seen.as_ref().map(|seen| seen.end);
        if let Some(told) = self.told.as_mut().filter(|told| told.time <= until) {
            let tied_by = match told.tie {
                Tie::Tied(_, None) => seen_by,
                Tie::Tied(at, _) => Some(at),
                Tie::Open | Tie::Broken => None,
            };
            if tied_by.is_some_and(|tied_by| from <= tied_by) {
                told.tie = Tie::Broken;
                self.shown.take();
            }
        }
    }
}

impl Told {
    fn new(time: Time) -> Told {
        let state = GoState::Runnable;
        Told { time, at_latest: None, state, reason: None, on: None, thread: None, tie: Tie::Open }
    }

    fn since(&self) -> Since {
        self.at_latest.map_or(Since::Exact(self.time), Since::AtLatest)
    }

    /// Ties a sighting that was over at `end` to this event, unless events were lost between.
    fn see(&mut self, end: Time, switches: Option<u8>, missed: &Missed) {
        let again = matches!(self.tie, Tie::Tied(_, Some(_)) | Tie::Broken);
        if again {
            return;
        }
        self.tie = if missed.between(self.time, end) { Tie::Broken } else { Tie::Tied(end, switches) };
    }

    fn condition<'a>(&'a self, stack: Option<&'a Stack>) -> Condition<'a> {
        let (state, reason, since) = (self.state, self.reason, self.since());
        Condition { state, reason, since, wait: self.on.as_deref(), thread: self.thread, stack }
    }
}

impl Seen {
    /// The condition, made exact where `told` is of this very wait.
    fn condition<'a>(&'a self, told: Option<&'a Told>, stack: Option<&'a Stack>) -> Condition<'a> {
        let seen = &self.sighted;
        let told = told.filter(|told| {
            told.state == seen.state
                && told.reason.zip(seen.reason).is_none_or(|(told, seen)| told.agrees_with(seen))
                && matches!(told.tie, Tie::Tied(_, switches) if switches == seen.switches)
        });
        Condition {
            state: seen.state,
            reason: seen.reason.or(told.and_then(|told| told.reason)),
            since: told.map_or(Since::AtLatest(self.since), Told::since),
            wait: seen.wait.as_ref().or_else(|| told.and_then(|told| told.on.as_deref())),
            thread: seen.thread,
            stack,
        }
    }
}

/// Since when about the goroutine is in its state by the snapshot alone that was over at
/// `end`.
fn noted_since(sighted: &Sighted, end: Time) -> Time {
    let noted = sighted.blocked_since.filter(|_| sighted.state == GoState::Blocked);
    noted.unwrap_or(end).min(end)
}

/// The `go` statement at the top of the creator's stack.
fn go_statement(creator: &Stack) -> Option<CreatedBy> {
    let frame = creator.visible().next()?;
    Some(CreatedBy { function: frame.function.clone(), file: frame.file.clone(), line: frame.line })
}
