//! Goroutines that are in one condition at one place, together: with a thousand
//! of them nobody wants to read a thousand lines.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::filter::Selection;
use super::style::Tone;
use super::words::{Detail, count, duration, waits_on_in};
use crate::model::{Frame, GoState, Stack, Time, Wait, WaitReason};
use crate::session::{Goroutine, Since, View};

/// From this long on a wait is worth a look.
const LONG: Duration = Duration::from_secs(1);

/// Goroutines in one condition at one place.
#[derive(Debug)]
pub struct Group<'a> {
    /// Their state.
    pub state: GoState,
    /// Why they are blocked.
    pub reason: Option<WaitReason>,
    /// Their stack: of the first of them.
    pub stack: &'a Stack,
    /// Themselves, longest in that state first.
    pub members: Vec<&'a Arc<Goroutine>>,
    /// How long the first of them is in that state, where that is known.
    pub longest: Option<Duration>,
    /// How long the last is.
    pub shortest: Option<Duration>,
}

/// How far up a group belongs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Urgency {
    /// For long on a lock, a send, or what can never come.
    Stuck,
    /// For long on something that somebody may yet do.
    Waiting,
    /// Idle: for long on a timer or on the network.
    Idle,
    /// At work, or blocked for a moment.
    Busy,
}

/// The groups of the goroutines that `selection` shows: what is stuck first,
/// then by the time it is.
#[must_use]
pub fn groups<'a>(view: &'a View, selection: &Selection) -> Vec<Group<'a>> {
    // By the stack's address first: comparing frames is what costs.
    let mut by_address: HashMap<_, Vec<&Arc<Goroutine>>> = HashMap::new();
    for goroutine in selection.of(view) {
        let stack = goroutine.stack.frames().as_ptr();
        by_address.entry((goroutine.state, goroutine.reason, stack)).or_default().push(goroutine);
    }
    let mut by_place: HashMap<_, Vec<&Arc<Goroutine>>> = HashMap::new();
    for ((state, reason, _), members) in by_address {
        let Some(first) = members.first() else { continue };
        let place: Vec<(&str, &str, u32)> = selection.frames(&first.stack).map(key).collect();
        by_place.entry((state, reason, place)).or_default().extend(members);
    }
    let mut groups: Vec<_> = by_place
        .into_iter()
        .filter_map(|((state, reason, _), mut members)| {
            members.sort_by_key(|goroutine| (goroutine.since.time(), goroutine.id));
            let stack = &members.first()?.stack;
            let mut lasting = members.iter().filter_map(|goroutine| view.lasting(goroutine));
            let longest = lasting.next();
            let shortest = lasting.next_back().or(longest);
            Some(Group { state, reason, stack, members, longest, shortest })
        })
        .collect();
    groups.sort_by_cached_key(|group| {
        let first = group.members.first().map(|goroutine| (goroutine.since.time(), goroutine.id));
        let fewer = usize::MAX - group.members.len();
        (group.urgency(), group.state != GoState::Blocked, first.map(|(since, _)| since), fewer, first)
    });
    groups
}

impl Urgency {
    /// Of a goroutine in this condition for so long, where that is known, or of one of
    /// the runtime's.
    #[must_use]
    pub fn of(
        state: GoState,
        reason: Option<WaitReason>,
        lasting: Option<Duration>,
        system: bool,
    ) -> Urgency {
        use WaitReason as Why;
        if state != GoState::Blocked {
            return Urgency::Busy;
        }
        if matches!(reason, Some(Why::ChanSendNil | Why::ChanReceiveNil | Why::SelectNoCases)) {
            return Urgency::Stuck;
        }
        if lasting.is_some_and(|lasting| lasting < LONG) {
            return Urgency::Busy;
        }
        match reason {
            Some(Why::Sleep | Why::IoWait | Why::TimerGoroutineIdle | Why::GcWorkerIdle) => Urgency::Idle,
            Some(
                Why::ChanSend | Why::ChanSendDurable | Why::MutexLock | Why::RwMutexLock | Why::RwMutexRLock,
            ) => Urgency::Stuck,
            _ if system => Urgency::Idle,
            _ => Urgency::Waiting,
        }
    }
}

fn key(frame: &Frame) -> (&str, &str, u32) {
    (&frame.function, &frame.file, frame.line)
}

impl Group<'_> {
    pub(super) fn urgency(&self) -> Urgency {
        let system = self.members.iter().all(|goroutine| goroutine.system);
        Urgency::of(self.state, self.reason, self.longest, system)
    }

    pub(super) fn tone(&self) -> Tone {
        match self.urgency() {
            Urgency::Stuck => Tone::Stuck,
            Urgency::Waiting => Tone::Waiting,
            Urgency::Idle | Urgency::Busy => Tone::Calm,
        }
    }

    /// What they wait on: the object where it is one and the same, else how many
    /// there are. `None` where that says nothing.
    #[must_use]
    pub fn waits_on(&self, view: &View, detail: Detail) -> Option<String> {
        let first = self.members.first()?.wait.as_ref()?;
        if self.members.iter().all(|goroutine| goroutine.wait.as_ref() == Some(first)) {
            return Some(waits_on_in(detail, first, &view.objects, view.time));
        }
        let mut kinds = HashSet::new();
        let mut objects = HashSet::new();
        let mut next: Option<Time> = None;
        for goroutine in &self.members {
            match goroutine.wait.as_ref()? {
                Wait::Channel { channel, .. } => {
                    kinds.insert("channels");
                    objects.insert(channel.0);
                }
                Wait::Select(cases) => {
                    kinds.insert("channels");
                    objects.extend(cases.iter().map(|(channel, _)| channel.0));
                }
                Wait::Lock(lock) => {
                    kinds.insert("locks");
                    objects.insert(lock.0);
                }
                Wait::Io { fd, .. } => {
                    kinds.insert("fds");
                    objects.insert(u64::from(fd.cast_unsigned()));
                }
                Wait::Sleep { until } => next = Some(next.map_or(*until, |next| next.min(*until))),
            }
        }
        if let Some(next) = next {
            return Some(format!("their timers, the next in {}", duration(next.since(view.time))));
        }
        let kind = if let (1, Some(kind)) = (kinds.len(), kinds.iter().next()) { kind } else { "objects" };
        Some(format!("{} different {kind}", count(objects.len())))
    }

    /// `chan-send`, or the state where there is no reason.
    pub(super) fn why(&self) -> String {
        self.reason.map_or_else(|| self.state.to_string(), |reason| reason.to_string())
    }

    /// Since when the first one is in its state, which is the longest time.
    pub(super) fn since(&self) -> Option<Since> {
        self.members.first().map(|goroutine| goroutine.since)
    }
}
