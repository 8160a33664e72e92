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

use std::collections::BTreeMap;
use std::sync::Arc;

use super::missed::Missed;
use crate::model::{
    CreatedBy, Event, EventKind, GoId, GoState, Goroutine as Sighted, Stack, ThreadId, Time, Wait, WaitReason,
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
    /// It was so by then and may have been so for longer: the time of the first
    /// sighting of this very wait, or the garbage collection that noted it.
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

/// The two facts of a goroutine and what they show. The latter is shared with
/// Views, so it is touched only where it changes.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) shown: Arc<Goroutine>,
    /// The number of its last change.
    pub(super) changed: u64,
    told: Option<Told>,
    seen: Option<Seen>,
}

/// The last event.
#[derive(Debug)]
struct Told {
    time: Time,
    since: Since,
    state: GoState,
    reason: Option<WaitReason>,
    on: Option<Wait>,
    stack: Option<Stack>,
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
struct Seen {
    taken: Time,
    end: Time,
    sighted: Arc<Sighted>,
    /// From when on this stretch in one state is known to have lasted.
    since: Time,
}

/// What of a goroutine changes all the time.
#[derive(PartialEq)]
struct Condition {
    state: GoState,
    reason: Option<WaitReason>,
    since: Since,
    wait: Option<Wait>,
    thread: Option<ThreadId>,
}

/// What a sighting changed.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Sighting {
    /// Anything that a reader would want to know.
    pub(super) changed: bool,
    /// It is in another state, or another wait, than events told.
    pub(super) untold: bool,
    /// What it waits on has become known.
    pub(super) detailed: bool,
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
    /// One that a snapshot, read from `taken` to `end`, was the first to tell of.
    pub(super) fn first_seen(sighted: &Arc<Sighted>, (taken, end): (Time, Time)) -> Record {
        let seen = Seen { taken, end, sighted: Arc::clone(sighted), since: noted_since(sighted, end) };
        let shown = Arc::new(Goroutine::first_seen(sighted, end));
        Record { shown, changed: 0, told: None, seen: Some(seen) }
    }

    /// One that an event was the first to tell of.
    pub(super) fn new(id: GoId, at: Time) -> Record {
        let shown = Goroutine {
            id,
            state: GoState::Runnable,
            reason: None,
            since: Since::AtLatest(at),
            wait: None,
            stack: Stack::empty(),
            parent: None,
            created_by: None,
            created: None,
            woken: None,
            blocks: 0,
            labels: BTreeMap::new(),
            thread: None,
            system: false,
        };
        Record { shown: Arc::new(shown), changed: 0, told: None, seen: None }
    }

    /// When it was last heard of or seen.
    pub(super) fn known_at(&self) -> Time {
        let told = self.told.as_ref().map(|told| told.time);
        told.max(self.seen.as_ref().map(|seen| seen.taken)).unwrap_or_default()
    }

    /// Whether what is shown comes from the event: it is not older than the
    /// beginning of the snapshot.
    fn is_told(&self) -> bool {
        match (&self.told, &self.seen) {
            (Some(told), Some(seen)) => told.time >= seen.taken,
            (told, _) => told.is_some(),
        }
    }

    pub(super) fn note_event(&mut self, event: &Event, state: GoState, missed: &Missed) {
        let newest = self.told.as_ref().is_none_or(|told| told.time <= event.time);
        let shown = Arc::make_mut(&mut self.shown);
        let mut told = Told {
            time: event.time,
            since: Since::Exact(event.time),
            state,
            reason: None,
            on: None,
            stack: None,
            thread: event.thread.filter(|_| matches!(state, GoState::Running | GoState::Syscall)),
            tie: Tie::Open,
        };
        match &event.kind {
            EventKind::Create { parent } => {
                shown.created = Some(event.time);
                shown.parent = parent.or(shown.parent);
                if shown.created_by.is_none() {
                    shown.created_by = event.stack.as_ref().and_then(go_statement);
                }
            }
            EventKind::Unblock { by } => {
                if shown.woken.as_ref().is_none_or(|woken| woken.time <= event.time) {
                    shown.woken = Some(Woken { time: event.time, by: *by, stack: event.stack.clone() });
                }
            }
            EventKind::Block { reason, on } => {
                shown.blocks += 1;
                told.reason = *reason;
                told.on.clone_from(on);
                told.stack.clone_from(&event.stack);
            }
            EventKind::Snapshot { reason, on, parent, since, .. } => {
                told.since = Since::AtLatest(since.unwrap_or(event.time).min(event.time));
                shown.parent = parent.or(shown.parent);
                told.reason = *reason;
                told.on.clone_from(on);
                told.stack.clone_from(&event.stack);
            }
            _ => told.stack.clone_from(&event.stack),
        }
        if newest {
            if let Some(seen) = self.seen.as_ref().filter(|seen| seen.taken > told.time) {
                told.see(seen.end, seen.sighted.switches, missed);
            }
            self.told = Some(told);
            self.show();
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
                self.show();
            }
        }
    }

    /// Takes in a sighting by a snapshot that was read from `taken` to `end`.
    pub(super) fn note_sighting(
        &mut self,
        sighted: &Arc<Sighted>,
        (taken, end): (Time, Time),
        missed: &Missed,
    ) -> Sighting {
        let mut since = noted_since(sighted, end);
        if let Some(told) = &mut self.told
            && told.time < taken
        {
            told.see(end, sighted.switches, missed);
        }
        if let Some(seen) = &mut self.seen {
            if seen.taken > taken {
                return Sighting::default();
            }
            let unchanged = Arc::ptr_eq(&seen.sighted, sighted);
            if unchanged || is_one_stretch(&seen.sighted, sighted) {
                since = since.min(seen.since);
            }
            let is_news = self.told.as_ref().is_some_and(|told| told.time >= seen.taken);
            if unchanged && !is_news {
                seen.taken = taken;
                seen.end = end;
                return Sighting::default();
            }
        }
        self.seen = Some(Seen { taken, end, sighted: Arc::clone(sighted), since });
        let mut sighting = self.show();
        sighting.changed |= self.note_origin(sighted);
        sighting
    }

    /// Notes what hardly ever changes.
    fn note_origin(&mut self, sighted: &Sighted) -> bool {
        let shown = &self.shown;
        let parent = sighted.parent.or(shown.parent);
        let created_by = sighted.created_by.as_ref().or(shown.created_by.as_ref());
        let same = shown.system == sighted.system
            && shown.parent == parent
            && shown.created_by.as_ref() == created_by
            && shown.labels == sighted.labels;
        if same {
            return false;
        }
        let created_by = created_by.cloned();
        let shown = Arc::make_mut(&mut self.shown);
        shown.system = sighted.system;
        shown.parent = parent;
        shown.created_by = created_by;
        shown.labels.clone_from(&sighted.labels);
        true
    }

    /// Shows what follows from the two facts.
    fn show(&mut self) -> Sighting {
        let is_told = self.is_told();
        let (now, stack) = match (&self.told, &self.seen) {
            (Some(told), _) if is_told => (told.condition(), told.stack.clone()),
            (told, Some(seen)) => (seen.condition(told.as_ref()), seen.stack()),
            _ => return Sighting::default(),
        };
        let shown = &self.shown;
        let before = Condition::of(shown);
        let stack = stack.filter(|stack| !stack.is_same(&shown.stack));
        if now == before && stack.is_none() {
            return Sighting::default();
        }
        let blocked = now.state == GoState::Blocked;
        let sighting = Sighting {
            changed: true,
            untold: !is_told
                && (now.state != before.state
                    || now.reason != before.reason
                    || (blocked && now.since != before.since)),
            detailed: !is_told && blocked && now.wait != before.wait,
        };
        let shown = Arc::make_mut(&mut self.shown);
        shown.state = now.state;
        shown.reason = now.reason;
        shown.since = now.since;
        shown.wait = now.wait;
        shown.thread = now.thread;
        if let Some(stack) = stack {
            shown.stack = stack;
        }
        sighting
    }
}

impl Told {
    /// Ties a sighting that was over at `end` to this event, unless events were lost between.
    fn see(&mut self, end: Time, switches: Option<u8>, missed: &Missed) {
        let again = matches!(self.tie, Tie::Tied(_, Some(_)) | Tie::Broken);
        if again {
            return;
        }
        self.tie = if missed.between(self.time, end) { Tie::Broken } else { Tie::Tied(end, switches) };
    }

    fn condition(&self) -> Condition {
        Condition {
            state: self.state,
            reason: self.reason,
            since: self.since,
            wait: self.on.clone(),
            thread: self.thread,
        }
    }
}

impl Seen {
    /// The condition, made exact where `told` is of this very wait.
    fn condition(&self, told: Option<&Told>) -> Condition {
        let seen = &self.sighted;
        let told = told.filter(|told| {
            told.state == seen.state
                && (told.reason.is_none() || seen.reason.is_none() || told.reason == seen.reason)
                && matches!(told.tie, Tie::Tied(_, switches) if switches == seen.switches)
        });
        Condition {
            state: seen.state,
            reason: seen.reason.or(told.and_then(|told| told.reason)),
            since: told.map_or(Since::AtLatest(self.since), |told| told.since),
            wait: seen.wait.clone().or_else(|| told.and_then(|told| told.on.clone())),
            thread: seen.thread,
        }
    }

    /// The stack; `None` to leave the one that was known: where it could not be
    /// read. That of a running goroutine is not known.
    fn stack(&self) -> Option<Stack> {
        let seen = &self.sighted;
        Some(seen.stack.clone()).filter(|stack| !stack.frames().is_empty() || seen.state == GoState::Running)
    }
}

/// Since when the goroutine is known to be in its state by the snapshot alone
/// that was over at `end`.
fn noted_since(sighted: &Sighted, end: Time) -> Time {
    let noted = sighted.blocked_since.filter(|_| sighted.state == GoState::Blocked);
    noted.unwrap_or(end).min(end)
}

/// Whether a goroutine stayed in one state, and one wait, between two sightings.
fn is_one_stretch(before: &Sighted, now: &Sighted) -> bool {
    before.state == now.state
        && before.reason == now.reason
        && before.switches == now.switches
        && (now.switches.is_some() || before.wait == now.wait)
}

impl Condition {
    fn of(shown: &Goroutine) -> Condition {
        Condition {
            state: shown.state,
            reason: shown.reason,
            since: shown.since,
            wait: shown.wait.clone(),
            thread: shown.thread,
        }
    }
}

/// The `go` statement at the top of the creator's stack.
fn go_statement(creator: &Stack) -> Option<CreatedBy> {
    let frame = creator.visible().next()?;
    Some(CreatedBy { function: frame.function.clone(), file: frame.file.clone(), line: frame.line })
}
