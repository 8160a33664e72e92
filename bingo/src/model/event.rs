//! Something that happened to a goroutine.

use super::{GoId, GoState, Stack, ThreadId, Time, Wait, WaitReason};

/// Something that happened to a goroutine at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub time: Time,
    /// To whom; `None` for events that were lost alone.
    pub goroutine: Option<GoId>,
    /// What.
    pub kind: EventKind,
    /// Where: the goroutine's stack, but the creator's for
    /// [`EventKind::Create`] and the waker's for [`EventKind::Unblock`].
    pub stack: Option<Stack>,
    /// The thread it happened on.
    pub thread: Option<ThreadId>,
}

/// An [`Event`] that is lent: whoever keeps it pays for that.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    /// When.
    pub time: Time,
    /// To whom; `None` for events that were lost alone.
    pub goroutine: Option<GoId>,
    /// What.
    pub kind: &'a EventKind,
    /// Where, as in [`Event::stack`].
    pub stack: Option<&'a Stack>,
    /// The thread it happened on.
    pub thread: Option<ThreadId>,
}

impl Event {
    /// This event, lent.
    #[must_use]
    pub fn lend(&self) -> EventRef<'_> {
        let Event { time, goroutine, kind, stack, thread } = self;
        EventRef { time: *time, goroutine: *goroutine, kind, stack: stack.as_ref(), thread: *thread }
    }
}

impl EventRef<'_> {
    /// An event of its own.
    #[must_use]
    pub fn to_owned(self) -> Event {
        let EventRef { time, goroutine, kind, stack, thread } = self;
        Event { time, goroutine, kind: kind.clone(), stack: stack.cloned(), thread }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A `go` statement made it.
    Create {
        /// Who made it.
        parent: Option<GoId>,
    },
    /// It parked.
    Block {
        /// Why, where the source knows.
        reason: Option<WaitReason>,
        /// On what, where the source knows.
        on: Option<Wait>,
    },
    /// It was made runnable.
    Unblock {
        /// By whom; `None`: by the runtime (a timer, the network poller), or not known.
        by: Option<GoId>,
    },
    /// It began to run.
    Run,
    /// It stopped running, but could go on.
    Stop,
    /// It entered a system call.
    Syscall,
    /// It ended.
    Dead,
    /// Polling found it so; when it became so is not known.
    Snapshot {
        /// Its state.
        state: GoState,
        /// Why it is blocked.
        reason: Option<WaitReason>,
        /// On what.
        on: Option<Wait>,
        /// Who made it.
        parent: Option<GoId>,
        /// From when on at the latest it is in that state, where more is known
        /// than the event's time.
        since: Option<Time>,
    },
    /// Events of a kind that were made and not received.
    Lost {
        /// Which kind.
        kind: LostKind,
        /// How many since the last such event.
        count: u64,
    },
}

/// What kind of event was lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LostKind {
    /// [`EventKind::Create`].
    Create,
    /// [`EventKind::Block`].
    Block,
    /// [`EventKind::Unblock`].
    Unblock,
    /// [`EventKind::Dead`].
    Dead,
}

impl EventKind {
    /// The word in `event_type`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            EventKind::Create { .. } => "create",
            EventKind::Block { .. } => "block",
            EventKind::Unblock { .. } => "unblock",
            EventKind::Run => "run",
            EventKind::Stop => "stop",
            EventKind::Syscall => "syscall",
            EventKind::Dead => "dead",
            EventKind::Snapshot { .. } => "snapshot",
            EventKind::Lost { .. } => "lost",
        }
    }

    /// The state that the goroutine is in from then on; `None` for lost events.
    #[must_use]
    pub fn state(&self) -> Option<GoState> {
        Some(match self {
            EventKind::Create { .. } | EventKind::Unblock { .. } | EventKind::Stop => GoState::Runnable,
            EventKind::Block { .. } => GoState::Blocked,
            EventKind::Run => GoState::Running,
            EventKind::Syscall => GoState::Syscall,
            EventKind::Dead => GoState::Dead,
            EventKind::Snapshot { state, .. } => *state,
            EventKind::Lost { .. } => return None,
        })
    }
}
