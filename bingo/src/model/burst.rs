//! Many events at once, in a form so short that it costs next to nothing to hand
//! them over. A source that has millions of events tells them so; who has no use
//! for that gets each as any other event.

use super::{EventKind, EventRef, GoId, GoState, ShortReason, Stack, ThreadId, Time};

/// Events of one source, oldest first, and what their numbers stand for.
#[derive(Clone, Copy, Debug)]
pub struct Burst<'a> {
    /// The events.
    pub events: &'a [ShortEvent],
    /// What their times are counted from.
    pub from: Time,
    /// The goroutines. A number may stand for another one in the next burst.
    pub goroutines: &'a [GoId],
    /// Numbers that stand for another goroutine than in the burst before, or for their first.
    pub renamed: &'a [u32],
    /// The threads; those of the next burst are these and more.
    pub threads: &'a [Option<ThreadId>],
    /// The stacks. Those of the next burst are these and more, or all are others.
    pub stacks: &'a [Stack],
    /// From when on at the latest goroutines are in the state they were
    /// [`ShortKind::Found`] in.
    pub found_since: Time,
}

/// An event whose goroutines, thread and stack are numbers of its [`Burst`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShortEvent {
    /// When: in nanoseconds from [`Burst::from`] on.
    pub after: u32,
    /// To whom.
    pub goroutine: u32,
    /// Who made it or woke it; [`ShortEvent::NONE`]: nobody, or not known.
    pub by: u32,
    /// The thread it happened on; [`ShortEvent::NONE`]: none.
    pub thread: u32,
    /// Where, as in [`EventRef::stack`]; [`ShortEvent::NONE`]: not known.
    pub stack: u32,
    /// Why it parked, where the source knows.
    pub reason: ShortReason,
    /// What.
    pub kind: ShortKind,
    /// The state that it leaves the goroutine in.
    pub state: GoState,
}

/// What happened, as in [`EventKind`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "EventKind has the words")]
pub enum ShortKind {
    Create,
    Block,
    Unblock,
    Run,
    Stop,
    Syscall,
    Dead,
    /// [`EventKind::Snapshot`].
    Found,
}

impl ShortEvent {
    /// No number.
    pub const NONE: u32 = u32::MAX;

    /// When it was, in a burst whose times are counted `from` there.
    #[inline(always)]
    #[must_use]
    pub fn time(&self, from: Time) -> Time {
        Time(from.0.wrapping_add(u64::from(self.after)))
    }
}

impl Burst<'_> {
    /// Hands each event to `tell`.
    pub fn each(&self, tell: &mut dyn FnMut(EventRef<'_>)) {
        for event in self.events {
            self.tell(event, tell);
        }
    }

    /// Hands one of the events to `tell`.
    pub fn tell(&self, event: &ShortEvent, tell: &mut dyn FnMut(EventRef<'_>)) {
        let by = self.goroutine(event.by);
        let kind = match event.kind {
            ShortKind::Create => EventKind::Create { parent: by },
            ShortKind::Block => EventKind::Block { reason: event.reason.get(), on: None },
            ShortKind::Unblock => EventKind::Unblock { by },
            ShortKind::Run => EventKind::Run,
            ShortKind::Stop => EventKind::Stop,
            ShortKind::Syscall => EventKind::Syscall,
            ShortKind::Dead => EventKind::Dead,
            ShortKind::Found => {
                let (state, reason, since) = (event.state, event.reason.get(), Some(self.found_since));
                EventKind::Snapshot { state, reason, on: None, parent: by, since }
            }
        };
        tell(EventRef {
            time: event.time(self.from),
            goroutine: self.goroutine(event.goroutine),
            kind: &kind,
            stack: self.stacks.get(event.stack as usize),
            thread: self.threads.get(event.thread as usize).copied().flatten(),
        });
    }

    fn goroutine(&self, number: u32) -> Option<GoId> {
        self.goroutines.get(number as usize).copied()
    }
}
