//! How events contradict each other.

use super::super::spec::EventType;

/// What is wrong with an event, where and when it comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderFault {
    /// The batch ends within the event, or a number has more than 64 bits.
    #[error("found invalid uvarint: an event ends within its batch")]
    Unfinished,
    /// An event that has no place among those of a thread.
    #[error("found event without a timestamp: type={0}")]
    NotTimed(u8),
    /// An event that has a time and yet no place among those of a thread.
    #[error("bad event type found while ordering: {name}", name = .0.name())]
    Misplaced(EventType),
    /// The event's thread lacks a proc, or a goroutine.
    #[error("{event}: expected a {what} but didn't have one", event = .event.name())]
    Lacks {
        /// The event.
        event: EventType,
        /// What its thread lacks.
        what: &'static str,
    },
    /// The event's thread has a proc or a goroutine, and should not.
    #[error("{event}: expected no {what} but had one", event = .event.name())]
    Has {
        /// The event.
        event: EventType,
        /// What its thread has.
        what: &'static str,
    },
    /// It speaks of something that does not exist.
    #[error("event {event} for {what} {id} that doesn't exist", event = .event.name())]
    Absent {
        /// The event.
        event: EventType,
        /// What it speaks of.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// It makes what exists already.
    #[error("{event}: {what} {id} exists already", event = .event.name())]
    Exists {
        /// The event.
        event: EventType,
        /// What it makes.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// It is not in the state that the event needs, or that the event says.
    #[error("{event} event for {what} {id} in the state {state}", event = .event.name())]
    State {
        /// The event.
        event: EventType,
        /// What it speaks of.
        what: &'static str,
        /// Its id.
        id: i64,
        /// The state that it is in.
        state: &'static str,
    },
    /// A status that no release has.
    #[error("invalid status for {what} {id}: {status}")]
    Status {
        /// Of what.
        what: &'static str,
        /// Its id.
        id: i64,
        /// The status.
        status: u8,
    },
    /// Something is bound to another thread, or a thread to something else.
    #[error("{event}: thread {thread} does not have {what} {id}", event = .event.name())]
    Elsewhere {
        /// The event.
        event: EventType,
        /// The thread.
        thread: i64,
        /// What it should have.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// Its sequence number is not the next one.
    #[error("{event}: sequence number {number} does not follow {before}", event = .event.name())]
    Sequence {
        /// The event.
        event: EventType,
        /// Its number.
        number: u64,
        /// The number before.
        before: u64,
    },
    /// A range, a region or a task begins in itself, or ends without a beginning.
    #[error("{event}: {what}", event = .event.name())]
    Nesting {
        /// The event.
        event: EventType,
        /// What is wrong.
        what: &'static str,
    },
    /// It refers to a string or a stack that is not there.
    #[error("found invalid {what} ID {id} for event {event}", event = .event.name())]
    Dangling {
        /// The event.
        event: EventType,
        /// To what.
        what: &'static str,
        /// The id.
        id: u64,
    },
    /// No thread's next event can come next.
    #[error("broken trace: failed to advance: the next events of {0} threads wait for each other")]
    Stuck(usize),
}
