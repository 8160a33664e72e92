//! An event as the reader yields it: what a trace says happened, with the thread,
//! the P and the goroutine it happened on.

use super::spec::{EventType, SHAPES, Shape};

/// Something that a trace tells of. What its arguments mean its kind's
/// [`Spec`](super::Spec) says, and [`Reader::detail`](super::Reader::detail)
/// spells out. Ids of strings and stacks are good for the generation that the
/// event is of: [`Reader::tables`](super::Reader::tables) has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceEvent {
    /// In nanoseconds of the trace's clock; later than that of any event before.
    pub time: i64,
    /// The thread (an M's id, the kernel's number on Linux); [`TraceEvent::NONE`]: none.
    pub thread: i64,
    /// The P before the event; [`TraceEvent::NONE`]: none.
    pub proc: i64,
    /// The goroutine that ran before the event; [`TraceEvent::NONE`]: none.
    pub goroutine: i64,
    /// The arguments, and what the order of events adds to them:
    /// [`EventType::PROC_STATUS`] has the old state in `args[2]` (a [`ProcState`](super::ProcState)),
    /// [`EventType::PROC_STEAL`] in `args[3]` (a P's status of the runtime),
    /// [`EventType::GO_STATUS`] the old state in the upper half of `args[2]`,
    /// [`EventType::USER_TASK_END`] the parent in `args[2]` and in `args[3]` the
    /// number of its name among those of the trace,
    /// [`EventType::STW_END`] its beginning's kind in `args[0]`.
    pub args: [u64; 4],
    /// What happened.
    pub kind: EventType,
}

impl TraceEvent {
    /// No thread, no P or no goroutine.
    pub const NONE: i64 = -1;
    /// No task.
    pub const NO_TASK: u64 = u64::MAX;

    pub(super) const EMPTY: TraceEvent = TraceEvent {
        time: 0,
        thread: TraceEvent::NONE,
        proc: TraceEvent::NONE,
        goroutine: TraceEvent::NONE,
        args: [0; 4],
        kind: EventType(0),
    };

    /// The id of the stack of who did it; 0: none.
    #[must_use]
    pub fn stack(&self) -> u64 {
        let place = match self.kind {
            EventType::CPU_SAMPLE => 0,
            kind => SHAPES.get(usize::from(kind.0)).map_or(Shape::NONE, |shape| shape.stack),
        };
        self.args.get(usize::from(place)).copied().unwrap_or(0)
    }
}
