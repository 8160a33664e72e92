//! What is known of a goroutine, a P and a thread while events are ordered.

use std::sync::Arc;

use super::super::event::TraceEvent;
use super::super::spec::EventType;
use super::goroutine_slots::NO_SLOT;
use super::{Map, OrderFault};

/// A goroutine's status, by the runtime's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum GoStatus {
    Bad,
    Runnable,
    Running,
    Syscall,
    Waiting,
}

/// A P's status, by the runtime's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum ProcStatus {
    Bad,
    Running,
    Idle,
    Syscall,
    /// It is about to be taken from a thread in a system call, whose beginning
    /// the generation does not have.
    SyscallAbandoned,
}

/// How often a resource has changed hands in a generation.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seq {
    pub(super) generation: u64,
    pub(super) number: u64,
}

impl Seq {
    /// Whether this comes right behind `before`.
    #[inline(always)]
    pub(super) fn follows(self, before: Seq) -> bool {
        self.generation == before.generation && self.number == before.number.wrapping_add(1)
    }
}

/// What a thread has, as it is when an event comes.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) thread: i64,
    pub(super) proc: i64,
    pub(super) goroutine: i64,
    /// The goroutine's slot.
    pub(super) slot: u32,
}

impl Context {
    /// The event needs a thread.
    #[inline(always)]
    pub(super) fn on_thread(self, event: EventType) -> Result<Context, OrderFault> {
        if self.thread == TraceEvent::NONE {
            return Err(OrderFault::Lacks { event, what: "thread" });
        }
        Ok(self)
    }

    /// The event needs a thread with a P.
    #[inline(always)]
    pub(super) fn on_proc(self, event: EventType) -> Result<Context, OrderFault> {
        if self.proc == TraceEvent::NONE {
            self.on_thread(event)?;
            return Err(OrderFault::Lacks { event, what: "proc" });
        }
        self.on_thread(event)
    }

    /// The event needs a thread with a goroutine, with or without a P.
    #[inline(always)]
    pub(super) fn with_goroutine(self, event: EventType) -> Result<Context, OrderFault> {
        self.on_thread(event)?;
        if self.goroutine == TraceEvent::NONE {
            return Err(OrderFault::Lacks { event, what: "goroutine" });
        }
        Ok(self)
    }

    /// The event needs a thread with a P and a goroutine.
    #[inline(always)]
    pub(super) fn on_goroutine(self, event: EventType) -> Result<Context, OrderFault> {
        self.on_proc(event)?.with_goroutine(event)
    }

    #[inline(always)]
    pub(super) fn without_goroutine(self, event: EventType) -> Result<Context, OrderFault> {
        if self.goroutine != TraceEvent::NONE {
            return Err(OrderFault::Has { event, what: "goroutine" });
        }
        Ok(self)
    }
}

/// A goroutine that exists. Half a cache line.
pub(super) struct Goroutine {
    pub(super) id: i64,
    /// How often it has changed hands in a generation,
    pub(super) number: u64,
    /// What few have: ranges and regions.
    pub(super) attached: Option<Box<Attached>>,
    /// which is this one, by its low bits: no two that meet have them in common.
    pub(super) generation: u32,
    pub(super) status: GoStatus,
}

#[derive(Default)]
pub(super) struct Attached {
    pub(super) ranges: Ranges,
    /// The user's regions, the innermost last: task and name.
    pub(super) regions: Vec<(u64, Arc<[u8]>)>,
}

impl Goroutine {
    pub(super) fn new(id: i64, status: GoStatus, generation: u64) -> Goroutine {
        let mut goroutine = Goroutine { id, status, number: 0, generation: 0, attached: None };
        goroutine.change_hands(Seq { generation, number: 0 });
        goroutine
    }

    /// Whether it is its turn to change hands so.
    #[inline(always)]
    pub(super) fn comes_to(&self, seq: Seq) -> bool {
        self.generation == low_bits(seq.generation) && seq.number == self.number.wrapping_add(1)
    }

    /// If it is `from` and it is its turn, it is `to` from now on.
    #[inline(always)]
    pub(super) fn turns(&mut self, seq: Seq, from: GoStatus, to: GoStatus) -> bool {
        let turns = self.status == from && self.comes_to(seq);
        if turns {
            (self.status, self.number) = (to, seq.number);
        }
        turns
    }

    #[inline(always)]
    pub(super) fn change_hands(&mut self, seq: Seq) {
        (self.generation, self.number) = (low_bits(seq.generation), seq.number);
    }

    pub(super) fn attached(&mut self) -> &mut Attached {
        self.attached.get_or_insert_default()
    }
}

fn low_bits(generation: u64) -> u32 {
    let [a, b, c, d, ..] = generation.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A P that exists.
pub(super) struct Proc {
    pub(super) status: ProcStatus,
    pub(super) seq: Seq,
    pub(super) ranges: Ranges,
}

/// A thread.
pub(super) struct Thread {
    pub(super) id: i64,
    pub(super) proc: i64,
    pub(super) goroutine: i64,
    /// The goroutine's slot.
    pub(super) slot: u32,
    /// Whether an event of it was tried, or it was named by one.
    pub(super) seen: bool,
}

impl Thread {
    pub(super) fn new(id: i64) -> Thread {
        Thread { id, proc: TraceEvent::NONE, goroutine: TraceEvent::NONE, slot: NO_SLOT, seen: false }
    }
}

/// The ranges of time that a goroutine or a P is in: the event that began each,
/// and for a stop of the world the string id of its reason.
#[derive(Default)]
pub(super) struct Ranges(Vec<(EventType, u64)>);

impl Ranges {
    pub(super) fn begin(&mut self, event: EventType, range: (EventType, u64)) -> Result<(), OrderFault> {
        if self.0.contains(&range) {
            return Err(OrderFault::Nesting { event, what: "the range has begun already" });
        }
        self.0.push(range);
        Ok(())
    }

    /// The range is under way: in the first generation that is news, later it
    /// has to be known.
    pub(super) fn active(
        &mut self,
        event: EventType,
        range: (EventType, u64),
        first: bool,
    ) -> Result<(), OrderFault> {
        if first {
            return self.begin(event, range);
        }
        if !self.0.contains(&range) {
            return Err(OrderFault::Nesting { event, what: "the range has not begun" });
        }
        Ok(())
    }

    /// Ends the range that `begun` began, and answers its reason.
    pub(super) fn end(&mut self, event: EventType, begun: EventType) -> Result<u64, OrderFault> {
        let at = self.0.iter().position(|(kind, _)| *kind == begun);
        let at = at.ok_or(OrderFault::Nesting { event, what: "the range has not begun" })?;
        Ok(self.0.swap_remove(at).1)
    }
}

impl GoStatus {
    pub(super) fn of(number: u64) -> Result<GoStatus, u8> {
        let [low, ..] = number.to_le_bytes();
        Ok(match low {
            0 => GoStatus::Bad,
            1 => GoStatus::Runnable,
            2 => GoStatus::Running,
            3 => GoStatus::Syscall,
            4 => GoStatus::Waiting,
            other => return Err(other),
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            GoStatus::Bad => "Bad",
            GoStatus::Runnable => "Runnable",
            GoStatus::Running => "Running",
            GoStatus::Syscall => "Syscall",
            GoStatus::Waiting => "Waiting",
        }
    }
}

impl ProcStatus {
    pub(super) fn of(number: u64) -> Result<ProcStatus, u8> {
        let [low, ..] = number.to_le_bytes();
        Ok(match low {
            0 => ProcStatus::Bad,
            1 => ProcStatus::Running,
            2 => ProcStatus::Idle,
            3 => ProcStatus::Syscall,
            4 => ProcStatus::SyscallAbandoned,
            other => return Err(other),
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            ProcStatus::Bad => "Bad",
            ProcStatus::Running => "Running",
            ProcStatus::Idle => "Idle",
            ProcStatus::Syscall => "Syscall",
            ProcStatus::SyscallAbandoned => "SyscallAbandoned",
        }
    }
}

/// The P `id`, which `event` takes to exist.
#[inline(always)]
pub(super) fn proc(procs: &mut Map<i64, Proc>, event: EventType, id: i64) -> Result<&mut Proc, OrderFault> {
    procs.get_mut(&id).ok_or(OrderFault::Absent { event, what: "proc", id })
}
