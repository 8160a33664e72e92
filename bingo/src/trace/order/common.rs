//! The events that nine in ten are: a goroutine starts, stops, blocks, is made runnable,
//! or is in a system call. In: such an event. Out: let through, where all is plainly as it
//! has to be; else nothing is changed, and [`Order::advance`] judges.

use super::super::block::ShortTraceEvent;
use super::super::event::TraceEvent;
use super::super::merge::Take;
use super::super::spec::EventType;
use super::super::tables::Tables;
use super::goroutine_slots::{GoroutineSlots, NO_SLOT};
use super::state::{GoStatus, Proc, ProcStatus, Seq, Thread};
use super::{Map, Order, OrderFault, Touched};

/// Lets common events of one thread or two through.
pub(in super::super) struct Common<'o> {
    goroutines: &'o mut GoroutineSlots,
    procs: &'o mut Map<i64, Proc>,
    generation: u64,
}

/// A thread whose events come next.
pub(in super::super) struct Lane<'o> {
    thread: &'o mut Thread,
    slot: u32,
}

impl<'o> Lane<'o> {
    /// An event of it was let through.
    pub(in super::super) fn note_seen(&mut self) {
        self.thread.seen = true;
    }

    /// `None`: it has no P, and its events are not common ones.
    #[inline(always)]
    fn new(thread: &'o mut Thread, slot: u32) -> Option<Lane<'o>> {
        let on_proc = thread.proc != TraceEvent::NONE && thread.id != TraceEvent::NONE;
        on_proc.then_some(Lane { thread, slot })
    }
}

impl Order {
    /// What common events of the threads at these slots need. `None`: there are no such
    /// threads, or they are one and the same, or the first has no P.
    #[inline(always)]
    pub(in super::super) fn common(
        &mut self,
        generation: u64,
        slot: u32,
        other: Option<u32>,
    ) -> Option<(Common<'_>, Lane<'_>, Option<Lane<'_>>)> {
        let (lane, other) = match other {
            None => (self.threads.get_mut(slot as usize)?, None),
            Some(other) => {
                let threads = self.threads.get_disjoint_mut([slot as usize, other as usize]);
                let [first, second] = threads.ok()?;
                (first, Some((second, other)))
            }
        };
        // No common event changes whether it has a P.
        let lane = Lane::new(lane, slot)?;
        let other = other.and_then(|(thread, slot)| Lane::new(thread, slot));
        let common = Common { goroutines: &mut self.goroutines, procs: &mut self.procs, generation };
        Some((common, lane, other))
    }
}

impl Common<'_> {
    /// Lets an event of a lane through, at `time`: `taker` takes it. `false`: nothing
    /// has changed.
    ///
    /// # Errors
    /// When the event refers to what is not there.
    #[inline(always)]
    pub(in super::super) fn advance(
        &mut self,
        lane: &mut Lane<'_>,
        ahead: &ShortTraceEvent,
        time: i64,
        tables: &Tables,
        taker: &mut impl Take,
    ) -> Result<bool, OrderFault> {
        let [first, second, third] = ahead.args.map(u64::from);
        let Thread { id: thread, proc, goroutine, slot: current, .. } = *lane.thread;
        let args = [first, second, third, 0];
        let event = |kind| TraceEvent { time, args, kind, thread, proc, goroutine };
        let touched = |named| Touched { named, current, thread: lane.slot };
        // Each kind is followed to its end by itself: so nothing has to be kept for what
        // comes behind all of them.
        match ahead.kind() {
            EventType::GO_START => {
                if goroutine != TraceEvent::NONE {
                    return Ok(false);
                }
                let named = self.turn_of(first, second, GoStatus::Runnable, GoStatus::Running);
                let Some(named) = named else { return Ok(false) };
                taker.take(&event(EventType::GO_START), touched(named), tables)?;
                (lane.thread.goroutine, lane.thread.slot) = (first.cast_signed(), named);
            }
            EventType::GO_UNBLOCK => {
                let named = self.turn_of(first, second, GoStatus::Waiting, GoStatus::Runnable);
                let Some(named) = named else { return Ok(false) };
                taker.take(&event(EventType::GO_UNBLOCK), touched(named), tables)?;
            }
            EventType::GO_BLOCK => {
                if !self.goroutines.changes(lane.thread, GoStatus::Running, GoStatus::Waiting) {
                    return Ok(false);
                }
                taker.take(&event(EventType::GO_BLOCK), touched(NO_SLOT), tables)?;
                (lane.thread.goroutine, lane.thread.slot) = (TraceEvent::NONE, NO_SLOT);
            }
            EventType::GO_STOP => {
                if !self.goroutines.changes(lane.thread, GoStatus::Running, GoStatus::Runnable) {
                    return Ok(false);
                }
                taker.take(&event(EventType::GO_STOP), touched(NO_SLOT), tables)?;
                (lane.thread.goroutine, lane.thread.slot) = (TraceEvent::NONE, NO_SLOT);
            }
            EventType::GO_SYSCALL_BEGIN => {
                if !self.enters_syscall(lane.thread, first) {
                    return Ok(false);
                }
                taker.take(&event(EventType::GO_SYSCALL_BEGIN), touched(NO_SLOT), tables)?;
            }
            EventType::GO_SYSCALL_END => {
                if !self.leaves_syscall(lane.thread) {
                    return Ok(false);
                }
                taker.take(&event(EventType::GO_SYSCALL_END), touched(NO_SLOT), tables)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The slot of the goroutine `id`, which is `from`, and `to` from now on: whose next
    /// change of hands is `number`.
    #[inline(always)]
    fn turn_of(&mut self, id: u64, number: u64, from: GoStatus, to: GoStatus) -> Option<u32> {
        let seq = Seq { generation: self.generation, number };
        match self.goroutines.recent(id.cast_signed()) {
            Some((slot, known)) => known.turns(seq, from, to).then_some(slot),
            None => self.turn_of_another(id.cast_signed(), seq, from, to),
        }
    }

    /// The same for one that was not looked up of late.
    #[cold]
    fn turn_of_another(&mut self, id: i64, seq: Seq, from: GoStatus, to: GoStatus) -> Option<u32> {
        let slot = self.goroutines.find(id)?;
        self.goroutines.at(slot)?.turns(seq, from, to).then_some(slot)
    }

    /// The goroutine that a thread runs is in a system call from now on, and so is the P,
    /// whose next change of hands is `number`. `false`: it does not run, or it is another's
    /// turn.
    #[inline(never)]
    fn enters_syscall(&mut self, thread: &Thread, number: u64) -> bool {
        let seq = Seq { generation: self.generation, number };
        let Some(held) = self.procs.get_mut(&thread.proc).filter(|held| seq.follows(held.seq)) else {
            return false;
        };
        let enters = self.goroutines.changes(thread, GoStatus::Running, GoStatus::Syscall);
        if enters {
            (held.status, held.seq) = (ProcStatus::Syscall, seq);
        }
        enters
    }

    /// Both are back, and have found each other. `false`: they have not.
    #[inline(never)]
    fn leaves_syscall(&mut self, thread: &Thread) -> bool {
        let held = self.procs.get_mut(&thread.proc).filter(|held| held.status == ProcStatus::Syscall);
        let Some(held) = held else { return false };
        let leaves = self.goroutines.changes(thread, GoStatus::Syscall, GoStatus::Running);
        if leaves {
            held.status = ProcStatus::Running;
        }
        leaves
    }
}
