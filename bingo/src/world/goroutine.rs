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

mod facts;
mod short;
mod sighting;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::course::Course;
use super::go_statements::GoStatements;
use super::history::{History, Transition};
use super::lent::{Lent, NONE};
use super::missed::Missed;
use super::step::Step;
use crate::model::{
    CreatedBy, Event, EventKind, EventRef, GoId, GoState, Goroutine as Sighted, ShortReason, Stack, ThreadId,
    Time, Wait, WaitReason,
};

pub(super) use facts::{Condition, Seen};
use facts::{Facts, Told};

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
    /// It was so by then and may have been so for longer: the first sighting of this very
    /// wait.
    AtLatest(Time),
    /// About then, by what the garbage collector has noted of those that the first picture
    /// of all finds waiting: the end of a collection, and it came to wait before the next
    /// one was over (`work.tstart` in `runtime/mgcmark.go`, Go 1.19 to 1.27).
    About(Time),
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
/// and shared with Views until it changes. Of most goroutines of a large program one
/// thing alone is known, that they were made or seen, so that the record is short. What
/// every short event changes comes first, side by side.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Record {
    facts: Facts,
    /// What has become of it since; `None`: nothing has.
    pub(super) course: Option<Box<Course>>,
    /// Its stack by its number in bursts, where that is newer; else [`NONE`].
    lent: u32,
    /// Where it was made, of the places that are kept; else [`NONE`].
    birthplace: u32,
    pub(super) id: GoId,
    /// Its stack when it last left the processor, if one was seen.
    stack: Option<Stack>,
    /// The number of its last change.
    pub(super) changed: u64,
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
        let (labels, created_by) = (sighted.labels.as_deref(), sighted.created_by.as_deref());
        Shown { parent: sighted.parent, created_by, labels, system: sighted.system }
    }

    fn to_owned(self) -> Origin {
        let Shown { parent, created_by, labels, system } = self;
        let (created_by, labels) = (created_by.cloned().map(Arc::new), labels.cloned().map(Arc::new));
        Origin { parent, created_by, created: None, labels, system }
    }
}

/// What hardly ever changes.
#[derive(Clone, PartialEq, Default, Debug)]
struct Origin {
    parent: Option<GoId>,
    created_by: Option<Arc<CreatedBy>>,
    created: Option<Time>,
    /// Few have any.
    labels: Option<Arc<BTreeMap<String, String>>>,
    system: bool,
}

impl Since {
    /// The time itself.
    #[must_use]
    pub fn time(self) -> Time {
        match self {
            Since::Exact(time) | Since::AtLatest(time) | Since::About(time) => time,
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
            since: noted_since(sighted, end),
            wait: sighted.wait.clone(),
            stack: sighted.stack.clone(),
            parent: sighted.parent,
            created_by: sighted.created_by.as_deref().cloned(),
            created: None,
            woken: None,
            blocks: 0,
            labels: sighted.labels.as_deref().cloned().unwrap_or_default(),
            thread: sighted.thread,
            system: sighted.system,
        }
    }
}

impl Record {
    fn new(id: GoId, facts: Facts) -> Record {
        Record {
            id,
            facts,
            stack: None,
            lent: NONE,
            birthplace: NONE,
            changed: 0,
            course: None,
            origin: None,
            shown: OnceCell::new(),
        }
    }

    /// One that an event was the first to tell of.
    pub(super) fn first_told(
        id: GoId,
        event: EventRef<'_>,
        state: GoState,
        known: (&Missed, &mut GoStatements),
    ) -> Record {
        // Nothing is known of before.
        let before = Told::new(event.time, state).found(Since::AtLatest(event.time));
        let mut record = Record::new(id, Facts::Told(before));
        record.note_event(event, state, known);
        record
    }

    /// One that a snapshot, read from `taken` to `end`, was the first to tell of. Where it is
    /// the `first` of all nothing better is known of since when than what the collector has
    /// noted.
    pub(super) fn first_seen(sighted: &Arc<Sighted>, (taken, end): (Time, Time), first: bool) -> Record {
        let since = if first { noted_since(sighted, end) } else { Since::AtLatest(end) };
        let stack = Some(sighted.stack.clone());
        Record { stack, ..Record::new(sighted.id, Facts::Seen(Seen::new(sighted, (taken, end), since))) }
    }

    /// What is known of it.
    pub(super) fn shown(&self, lent: &Lent) -> &Arc<Goroutine> {
        self.shown.get_or_init(|| {
            self.facts.note_shown();
            let now = self.condition();
            let course = self.course.as_ref();
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
                woken: course.and_then(|course| course.woken(lent)),
                blocks: self.blocks(),
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

    /// How often it was seen to park.
    pub(super) fn blocks(&self) -> u64 {
        self.course.as_ref().map_or(0, |course| course.blocks)
    }

    /// Where it was made, of the places that are kept.
    pub(super) fn birthplace(&self) -> Option<u32> {
        Some(self.birthplace).filter(|place| *place != NONE)
    }

    /// Notes where it was made, of the places that are kept.
    pub(super) fn note_birthplace(&mut self, place: Option<u32>) {
        self.birthplace = place.unwrap_or(NONE);
    }

    /// Its past.
    pub(super) fn history(&self) -> History {
        let transitions = self.transitions().collect();
        match &self.course {
            Some(course) => course.shown(transitions),
            None => History { transitions, ..History::default() },
        }
    }

    /// Its last transitions, oldest first: the first is how it came to be known, which
    /// nobody notes before there is another one.
    pub(super) fn transitions(&self) -> impl Iterator<Item = Transition> + Clone {
        let course = self.course.as_deref();
        let first = course.is_none_or(Course::is_new).then(|| {
            let now = self.condition();
            let (since, state, reason) = (now.since.time(), now.state, ShortReason::from(now.reason));
            let first = || Step::new(since, state, reason, None);
            course.map_or_else(first, |course| course.first((since, state, reason))).shown()
        });
        first.into_iter().chain(course.into_iter().flat_map(Course::transitions))
    }

    fn origin(&self) -> Shown<'_> {
        match (&self.origin, self.facts.seen()) {
            (Some(origin), _) => Shown {
                parent: origin.parent,
                created_by: origin.created_by.as_deref(),
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
        self.facts.condition(self.stack.as_ref())
    }

    /// When it was last heard of or seen.
    pub(super) fn known_at(&self) -> Time {
        let told = self.facts.told().map(|told| told.time);
        told.max(self.facts.seen().map(|seen| seen.taken)).unwrap_or_default()
    }

    /// Takes in an event, which leaves the goroutine in `state`.
    pub(super) fn note_event(
        &mut self,
        event: EventRef<'_>,
        state: GoState,
        (missed, go_statements): (&Missed, &mut GoStatements),
    ) {
        let time = event.time;
        let mut since = None;
        let (mut reason, mut on, mut stack) = (None, None, event.stack);
        match event.kind {
            EventKind::Create { parent } => {
                let origin = self.own_origin();
                origin.created = Some(time);
                origin.parent = parent.or(origin.parent);
                if origin.created_by.is_none() {
                    origin.created_by = stack.and_then(|creator| go_statements.at(creator));
                }
                stack = None;
            }
            EventKind::Unblock { by } => {
                self.course.get_or_insert_default().note_woken(time, *by, stack.take());
            }
            EventKind::Block { reason: why, on: what } => {
                self.course.get_or_insert_default().blocks += 1;
                (reason, on) = (*why, what.as_ref());
            }
            EventKind::Snapshot { reason: why, on: what, parent, since: from, .. } => {
                let from = from.unwrap_or(time).min(time);
                // Whoever told of it when it began knew that better.
                let before = self.condition();
                let same = (before.state, before.since) == (state, Since::Exact(from));
                since = Some(if same { before.since } else { Since::AtLatest(from) });
                if parent.is_some() && *parent != self.parent() {
                    self.own_origin().parent = *parent;
                }
                (reason, on) = (*why, what.as_ref());
            }
            _ => {}
        }
        self.shown.take();
        if self.facts.told().is_some_and(|told| told.time > time) {
            return;
        }
        let mut told = Told::new(time, state).waiting(reason, on);
        if let Some(since) = since {
            told = told.found(since);
        }
        told.put_on(event.thread.filter(|_| matches!(state, GoState::Running | GoState::Syscall)));
        let seen_since = self.facts.seen().filter(|seen| seen.taken > time);
        match seen_since {
            Some(seen) => told.tie_to(seen.end, seen.sighted.switches, missed),
            None if stack.is_none() && matches!(event.kind, EventKind::Block { .. }) => self.lose_stack(),
            None => {
                self.note_stack(stack);
            }
        }
        self.facts.tell(told);
    }

    /// Notes its stack, where that is known. The answer is whether it is another.
    fn note_stack(&mut self, stack: Option<&Stack>) -> bool {
        let Some(stack) = stack else { return false };
        let same = self.stack.as_ref().is_some_and(|before| before.is_same(stack));
        if !same {
            self.stack = Some(stack.clone());
            self.forget_place();
        }
        !same
    }

    /// It waits elsewhere from now on.
    fn forget_place(&mut self) {
        if let Some(course) = &mut self.course {
            course.place = None;
        }
    }

    /// Notes that events may have been lost in `[from, until]`: what was seen
    /// after that need not be what the last event before it told of.
    pub(super) fn note_missed(&mut self, from: Time, until: Time) {
        let seen_by = self.facts.seen().map(|seen| seen.end);
        let told = self.facts.told_mut().filter(|told| told.time <= until);
        if told.is_some_and(|told| told.part(from, seen_by)) {
            self.shown.take();
        }
    }
}

/// Since when the goroutine is in its state by the snapshot alone that was over at `end`.
fn noted_since(sighted: &Sighted, end: Time) -> Since {
    let noted = sighted.blocked_since.filter(|noted| sighted.state == GoState::Blocked && *noted < end);
    noted.map_or(Since::AtLatest(end), Since::About)
}
